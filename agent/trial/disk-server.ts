/** The disks of a template's point over NBD, for its clones: read-only, on a unix socket in the template's folder. */
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { serveConnection } from "../../disk/nbd/connection.ts";
import type { ServedDisks } from "../../disk/nbd/negotiate.ts";
import type { Allocation, DiskRead, ServedDisk } from "../../disk/nbd/served-disk.ts";
import { Window } from "../../disk/source/nbd/window.ts";
import { MAX_REQUEST_BYTES } from "../../disk/source/nbd/wire.ts";
import type { BlockSource } from "../../disk/source/source.ts";

/** Memory of all reads that are sent in one piece and are large. */
const LARGE_READ_BYTES = 2 * MAX_REQUEST_BYTES;

export interface DiskServerOptions {
	readonly path: string;
	/** By id. */
	readonly disks: ReadonlyMap<string, BlockSource>;
	readonly log: Logger;
}

export class DiskServer implements AsyncDisposable, ServedDisks {
	readonly disks: readonly ServedDisk[];
	readonly #server: Server;
	readonly #sockets = new Map<Socket, Promise<void>>();
	readonly #stop = new AbortController();
	#sentBytes = 0;

	private constructor(disks: readonly ServedDisk[], log: Logger) {
		this.disks = disks;
		const largeReads = new Window(LARGE_READ_BYTES, Number.MAX_SAFE_INTEGER);
		this.#server = createServer((socket) => {
			const served = serveConnection({
				socket,
				point: this,
				signal: this.#stop.signal,
				log,
				largeReads,
				onSent: (bytes) => {
					this.#sentBytes += bytes;
				},
			}).finally(() => this.#sockets.delete(socket));
			this.#sockets.set(socket, served);
		});
	}

	/** @throws UmbraError `unavailable`. */
	static async listen({ path, disks, log }: DiskServerOptions): Promise<DiskServer> {
		const served = [...disks].map(([disk, source]) => new SourceDisk(disk, source));
		const server = new DiskServer(served, log);
		await new Promise<void>((resolve, reject) => {
			server.#server.once("error", (cause) => {
				reject(new UmbraError("unavailable", `cannot listen on ${path}: ${messageOf(cause)}`, { cause }));
			});
			server.#server.listen(path, resolve);
		});
		return server;
	}

	/** Bytes of disks that clones were sent. */
	get sentBytes(): number {
		return this.#sentBytes;
	}

	find(name: string): ServedDisk | undefined {
		return this.disks.find(({ disk }) => disk === name);
	}

	describe({ disk }: ServedDisk): string {
		return disk;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort(new UmbraError("unavailable", "the trial is over"));
		const closed = new Promise((resolve) => this.#server.close(resolve));
		for (const socket of this.#sockets.keys()) socket.destroy();
		await Promise.all(this.#sockets.values());
		await closed;
	}
}

class SourceDisk implements ServedDisk {
	readonly disk: string;
	readonly sizeBytes: number;
	readonly #source: BlockSource;

	constructor(disk: string, source: BlockSource) {
		this.disk = disk;
		this.sizeBytes = source.size;
		this.#source = source;
	}

	async read(offset: number, length: number, signal: AbortSignal): Promise<DiskRead> {
		const bytes = await this.#source.read(offset, length, signal);
		return { spans: [{ offset, length, parts: [bytes] }], [Symbol.dispose]: () => undefined };
	}

	async prefetch(offset: number, length: number, signal: AbortSignal): Promise<void> {
		await this.#source.read(offset, length, signal);
	}

	async allocation(offset: number, length: number, limit: number, signal: AbortSignal): Promise<Allocation[]> {
		const extents = await this.#source.extents(offset, length, signal);
		return extents.slice(0, limit).map((extent) => ({ length: extent.length, zero: extent.zero }));
	}
}
