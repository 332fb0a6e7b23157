/** One point, exported: a listener, its clients, and a lease that ends both. */
import { createServer, type Server, type Socket } from "node:net";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { serveConnection } from "../../disk/nbd/connection.ts";
import type { ServedDisks } from "../../disk/nbd/negotiate.ts";
import type { Window } from "../../disk/source/nbd/window.ts";
import type { ExportedDisk } from "./exported-disk.ts";
import { formatListen, type ListenAddress, listen, nbdUri } from "./listen-address.ts";

/** nbdcopy opens four, a VM one a disk; each may hold some MiB. */
const MAX_CONNECTIONS = 16;
/** A TCP client that vanished without a word is noticed this long after it falls silent. */
const KEEPALIVE_MS = 30_000;

export interface PointExportOptions {
	readonly id: string;
	readonly vm: string;
	/** Unix nanoseconds, decimal. */
	readonly time: string;
	/** As people write it: `2026-11-21T19:48:03.123Z`. */
	readonly timeText: string;
	readonly disks: readonly ExportedDisk[];
	readonly listen: ListenAddress;
	readonly leaseSeconds: number;
	/** Keeps the disks whole while they are exported. */
	readonly pin: Disposable;
	readonly largeReads: Window;
	readonly log: Logger;
	/** It ended by itself: its lease ran out. */
	onExpired(): void;
}

/** What the API shows of an export. */
export interface ExportView {
	readonly id: string;
	readonly vm: string;
	readonly time: string;
	/** "unix:/path" or "host:port". */
	readonly listen: string;
	readonly disks: readonly { readonly disk: string; readonly sizeBytes: number; readonly uri: string }[];
	readonly leaseSeconds: number;
	readonly connections: number;
	readonly sentBytes: number;
}

export class PointExport implements AsyncDisposable, ServedDisks {
	readonly disks: readonly ExportedDisk[];
	readonly #options: PointExportOptions;
	readonly #server: Server;
	readonly #names = new Map<string, ExportedDisk>();
	readonly #ending = new AbortController();
	readonly #clients = new Map<Socket, Promise<void>>();
	#address: ListenAddress;
	#lease: NodeJS.Timeout | undefined;
	#sentBytes = 0;

	private constructor(options: PointExportOptions) {
		this.#options = options;
		this.#address = options.listen;
		this.disks = options.disks;
		const { vm, time, timeText, disks } = options;
		for (const disk of disks) {
			for (const name of [disk.disk, `${vm}@${timeText}/${disk.disk}`, `${vm}@${time}/${disk.disk}`]) {
				this.#names.set(name, disk);
			}
		}
		// The default export is the only one.
		if (disks.length === 1) this.#names.set("", disks[0]!);
		// A client that said goodbye and closed its side still waits for the answers to what it asked before.
		this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
		this.#server.maxConnections = MAX_CONNECTIONS;
	}

	/** @throws UmbraError `conflict`, `unavailable` where it cannot listen. */
	static async start(options: PointExportOptions): Promise<PointExport> {
		const started = new PointExport(options);
		started.#address = await listen(started.#server, options.listen);
		// What a listener meets later (no more file descriptors, say) concerns the client that came.
		started.#server.on("error", (error) => options.log.warn({ err: error }, "an NBD client could not be let in"));
		started.renew();
		return started;
	}

	find(name: string): ExportedDisk | undefined {
		return this.#names.get(name);
	}

	describe(disk: ExportedDisk): string {
		return `${this.#options.vm} at ${this.#options.timeText}, disk ${disk.disk}`;
	}

	view(): ExportView {
		const { id, vm, time, leaseSeconds } = this.#options;
		return {
			id,
			vm,
			time,
			listen: formatListen(this.#address),
			disks: this.disks.map(({ disk, sizeBytes }) => ({ disk, sizeBytes, uri: nbdUri(this.#address, disk) })),
			leaseSeconds,
			connections: this.#clients.size,
			sentBytes: this.#sentBytes,
		};
	}

	/** Begins a new lease. While a client is connected none runs out. */
	renew(): void {
		clearTimeout(this.#lease);
		if (this.#ending.signal.aborted) return;
		this.#lease = setTimeout(() => {
			// The last of them to go begins another lease.
			if (this.#clients.size === 0) this.#options.onExpired();
		}, this.#options.leaseSeconds * 1000).unref();
	}

	/** Cuts off every client, and waits until nothing is read for them any more. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#lease);
		this.#ending.abort(new UmbraError("unavailable", "the export has ended"));
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		for (const socket of this.#clients.keys()) socket.destroy();
		await Promise.all([closed, ...this.#clients.values()]);
		this.#options.pin[Symbol.dispose]();
	}

	#serve(socket: Socket): void {
		socket.setNoDelay(true);
		socket.setKeepAlive(true, KEEPALIVE_MS);
		const { log, largeReads } = this.#options;
		const serving = serveConnection({
			socket,
			point: this,
			signal: this.#ending.signal,
			largeReads,
			log,
			onSent: (bytes) => {
				this.#sentBytes += bytes;
			},
		}).then(() => {
			this.#clients.delete(socket);
			if (this.#clients.size === 0) this.renew();
		});
		this.#clients.set(socket, serving);
	}
}
