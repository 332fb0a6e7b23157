/**
 * The disks of a template's point over NBD, for its clones: read-only, on a unix socket of each clone's own, so that it is known
 * whose disk it was that could not be read.
 */
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
	/** By id. */
	readonly disks: ReadonlyMap<string, BlockSource>;
	readonly log: Logger;
}

export class DiskServer implements ServedDisks {
	readonly disks: readonly ServedDisk[];
	readonly #log: Logger;
	readonly #largeReads = new Window(LARGE_READ_BYTES, Number.MAX_SAFE_INTEGER);
	#sentBytes = 0;

	constructor({ disks, log }: DiskServerOptions) {
		this.disks = [...disks].map(([disk, source]) => new SourceDisk(disk, source));
		this.#log = log;
	}

	/**
	 * Until it is disposed of.
	 *
	 * @param failed is told of each read that does not succeed, before its client is
	 * @throws UmbraError `unavailable`.
	 */
	async listen(path: string, failed: (error: unknown) => void): Promise<AsyncDisposable> {
		const stop = new AbortController();
		const sockets = new Map<Socket, Promise<void>>();
		const server = createServer((socket) => {
			const served = serveConnection({
				socket,
				point: this,
				signal: stop.signal,
				log: this.#log,
				largeReads: this.#largeReads,
				onSent: (bytes) => {
					this.#sentBytes += bytes;
				},
				onFailed: failed,
			}).finally(() => sockets.delete(socket));
			sockets.set(socket, served);
		});
		await listening(server, path);
		return {
			[Symbol.asyncDispose]: async () => {
				stop.abort(new UmbraError("unavailable", "the trial is over"));
				const closed = new Promise((resolve) => server.close(resolve));
				for (const socket of sockets.keys()) socket.destroy();
				await Promise.all(sockets.values());
				await closed;
			},
		};
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
}

async function listening(server: Server, path: string): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", (cause) => {
			reject(new UmbraError("unavailable", `cannot listen on ${path}: ${messageOf(cause)}`, { cause }));
		});
		server.listen(path, resolve);
	});
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
