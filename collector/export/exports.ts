/**
 * `collector/export/` gives points of the past to programs that read disks: NBD servers, read-only, on unix sockets or
 * ports of this machine.
 *
 *     exports          which there are           point-export    one: listener, clients, lease
 *     listen-address   where one listens         exported-disk   a disk of the vault
 *
 * What is said to a client is `disk/nbd/`. An *export* is one point and some of its disks; a *lease* is how long it stays without a client or a word from
 * whoever asked for it. This folder knows the vault, and nothing of the catalog, agents or HTTP. Clients are not
 * trusted; NBD does not ask who they are, so that the socket's place and mode decide.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { nameFromHex } from "../../common/block.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatTime } from "../../common/units.ts";
import { Window } from "../../disk/source/nbd/window.ts";
import { MAX_REQUEST_BYTES } from "../../disk/source/nbd/wire.ts";
import { BulkReader } from "../vault/bulk-reader.ts";
import type { Vault } from "../vault/vault.ts";
import { ExportedDisk } from "./exported-disk.ts";
import { checkedPath, type ListenAddress, parseListen } from "./listen-address.ts";
import { type ExportView, PointExport } from "./point-export.ts";

export type { ExportView } from "./point-export.ts";

/** Each takes a listener, and may have clients that hold memory. */
const MAX_EXPORTS = 32;
/** Memory of all reads that must be sent in one piece and are large: eight of the largest. */
const LARGE_READ_BYTES = 8 * MAX_REQUEST_BYTES;
const SOCKET = /^[0-9a-f]{8}\.sock$/;

export interface ExportRequest {
	readonly vm: string;
	/** Unix nanoseconds, decimal. */
	readonly time: string;
	/** At least one. */
	readonly disks: readonly { readonly disk: string; readonly sizeBytes: number; readonly root: string }[];
	/** "unix:/path" or "host:port"; a socket in the collector's own folder where it is left out. */
	readonly listen?: string | undefined;
	readonly leaseSeconds: number;
}

export interface ExportTableOptions {
	/** For sockets; no others may lie there. */
	readonly folder: string;
	readonly store: Vault;
	readonly log: Logger;
}

export class ExportTable implements AsyncDisposable {
	readonly #options: ExportTableOptions;
	readonly #bulk: BulkReader;
	readonly #largeReads = new Window(LARGE_READ_BYTES, Number.MAX_SAFE_INTEGER);
	readonly #exports = new Map<string, PointExport>();
	/** Being started. */
	#starting = 0;
	#closed = false;

	private constructor(options: ExportTableOptions) {
		this.#options = options;
		this.#bulk = new BulkReader(options.store);
	}

	/** Takes away the sockets that a killed collector left. @throws UmbraError `unavailable`. */
	static async open(options: ExportTableOptions): Promise<ExportTable> {
		const { folder } = options;
		try {
			await mkdir(folder, { recursive: true, mode: 0o700 });
			for (const name of await readdir(folder)) if (SOCKET.test(name)) await unlink(join(folder, name));
		} catch (error) {
			throw new UmbraError("unavailable", `cannot use ${folder} for the sockets of exports: ${messageOf(error)}`, {
				cause: error,
				context: { path: folder },
			});
		}
		return new ExportTable(options);
	}

	/** @throws UmbraError `bad-config` or `denied` for the address, `conflict`, `unavailable`, `limit`. */
	async start(request: ExportRequest): Promise<ExportView> {
		const { store, log } = this.#options;
		const largeReads = this.#largeReads;
		const sources = { store, bulk: this.#bulk };
		const { vm, time, leaseSeconds } = request;
		const id = randomBytes(4).toString("hex");
		const listen = this.#address(request.listen, id);
		if (this.#closed) throw new UmbraError("unavailable", "the collector is shutting down");
		if (this.#exports.size + this.#starting >= MAX_EXPORTS) {
			throw new UmbraError("limit", `${MAX_EXPORTS} exports are open, which is all there may be`, {
				hint: "end some: umbra export stays until Ctrl-C",
			});
		}
		const timeText = formatTime(BigInt(time));
		const disks = request.disks.map(({ disk, sizeBytes, root }) => {
			return new ExportedDisk(sources, disk, { root: nameFromHex(root), sizeBytes, name: `${vm}@${timeText}/${disk}` });
		});
		const onExpired = () => {
			log.info({ export: id, vm, time }, "an export's lease ran out");
			this.end(id).catch(() => undefined); // It ended otherwise meanwhile.
		};
		const pin = store.pin(disks.map(({ tree }) => tree));
		this.#starting++;
		try {
			const options = { id, vm, time, timeText, disks, listen, leaseSeconds, pin, largeReads, log, onExpired };
			const started = await PointExport.start(options);
			if (this.#closed) {
				await started[Symbol.asyncDispose]();
				throw new UmbraError("unavailable", "the collector is shutting down");
			}
			this.#exports.set(id, started);
			const view = started.view();
			log.info({ export: id, vm, time, listen: view.listen }, "a point is exported");
			return view;
		} catch (error) {
			pin[Symbol.dispose]();
			throw error;
		} finally {
			this.#starting--;
		}
	}

	list(): ExportView[] {
		return [...this.#exports.values()].map((open) => open.view());
	}

	/** @throws UmbraError `not-found`. */
	renew(id: string): ExportView {
		const open = this.#find(id);
		open.renew();
		return open.view();
	}

	/** @returns what it was. @throws UmbraError `not-found`. */
	async end(id: string): Promise<ExportView> {
		const open = this.#find(id);
		this.#exports.delete(id);
		const view = open.view();
		await open[Symbol.asyncDispose]();
		return view;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		await Promise.all([...this.#exports.values()].map((open) => open[Symbol.asyncDispose]()));
		this.#exports.clear();
		await this.#bulk[Symbol.asyncDispose]();
	}

	#find(id: string): PointExport {
		const found = this.#exports.get(id);
		if (found !== undefined) return found;
		throw new UmbraError("not-found", `no export ${JSON.stringify(id)}`, {
			hint: "exports end with their lease, and when the collector is restarted",
		});
	}

	#address(listen: string | undefined, id: string): ListenAddress {
		return listen === undefined ? checkedPath(join(this.#options.folder, `${id}.sock`)) : parseListen(listen);
	}
}
