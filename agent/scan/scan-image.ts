/** `umbra scan`: names every block of an image, on several threads that read for themselves where they can. */
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { BLOCK_SIZE, NAME_SIZE } from "../../common/block.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { openImage } from "../../disk/source/open.ts";
import type { ScanEnd, ScanReply, ScanRequest, ScanWorkerData } from "./scan-worker.ts";

/** Bytes that a thread takes on at a time: coarse enough to cost no messages, fine enough to share out evenly. */
const STRIPE_BYTES = 64 * 1024 * 1024;
/** How long a thread gets to close what it opened; then it is terminated. */
const END_MS = 5000;

export interface ScanImageOptions {
	readonly image: string;
	readonly threads: number;
	/** False leaves out the byte entropy, which takes longer than everything else together. */
	readonly entropy: boolean;
	readonly signal?: AbortSignal;
	readonly onProgress?: (bytes: number, total: number) => void;
	/** The names of the blocks from `first` on, 32 bytes each, `ZERO_NAME` for a zero block; in any order. */
	readonly onNames?: (first: number, names: Uint8Array) => void;
}

export interface ScanImageResult {
	readonly bytes: number;
	readonly zeroBlocks: number;
	readonly dataBlocks: number;
	/** Data blocks with different contents. */
	readonly distinctBlocks: number;
	/** Bits per byte, mean over data blocks; null where it was not asked for or there is no data. */
	readonly entropy: number | null;
	readonly seconds: number;
	/** Processor time of all threads in that time. */
	readonly cpuSeconds: number;
	/** Of 10^6 bytes, holes included. */
	readonly megabytesPerSecond: number;
}

/** @throws UmbraError `not-found`, `unavailable`, `bad-config`. */
export async function scanImage(options: ScanImageOptions): Promise<ScanImageResult> {
	const { image, threads, entropy, signal, onProgress, onNames } = options;
	if (!Number.isSafeInteger(threads) || threads < 1 || threads > 64) {
		throw new UmbraError("bad-config", `--threads ${threads}: wanted 1 to 64`);
	}
	const size = await sizeOf(image, signal);
	const distinct = new DistinctNames(Math.ceil(size / BLOCK_SIZE));
	let done = 0;
	let zeroBlocks = 0;
	let dataBlocks = 0;
	let entropySum = 0;
	let next = 0;

	const workers = Array.from({ length: threads }, () => {
		const workerData: ScanWorkerData = { image, entropy };
		return new Worker(new URL("./scan-worker.ts", import.meta.url), { workerData });
	});
	try {
		// A thread's first message says that it is ready: loading its modules is not part of the speed.
		await Promise.all(workers.map((worker) => once(worker, "message", signal === undefined ? {} : { signal })));
		const start = performance.now();
		const cpuStart = process.cpuUsage();
		await Promise.all(
			workers.map(async (worker) => {
				while (next < size) {
					signal?.throwIfAborted();
					const request: ScanRequest = { offset: next, length: Math.min(STRIPE_BYTES, size - next) };
					next += request.length;
					worker.postMessage(request);
					const [reply] = (await once(worker, "message", signal === undefined ? {} : { signal })) as [ScanReply];
					if ("error" in reply)
						throw new UmbraError("unavailable", `${image}: ${reply.error}`, { context: { path: image } });
					done += request.length;
					zeroBlocks += reply.zeroBlocks;
					dataBlocks += reply.dataBlocks;
					entropySum += reply.entropySum;
					distinct.addAll(reply.names);
					onNames?.(request.offset / BLOCK_SIZE, reply.names);
					onProgress?.(done, size);
				}
			}),
		);
		const seconds = (performance.now() - start) / 1000;
		const { user, system } = process.cpuUsage(cpuStart);
		return {
			bytes: size,
			zeroBlocks,
			dataBlocks,
			distinctBlocks: distinct.count(),
			entropy: entropy && dataBlocks > 0 ? entropySum / dataBlocks : null,
			seconds,
			cpuSeconds: (user + system) / 1e6,
			megabytesPerSecond: size / 1e6 / Math.max(seconds, 1e-9),
		};
	} finally {
		await Promise.all(workers.map(end));
	}
}

/** Counts names by their first 64 bits: among 10^8 blocks two that only look alike are a chance of one in 3,000. */
class DistinctNames {
	readonly #prefixes: BigUint64Array;
	#length = 0;

	constructor(most: number) {
		this.#prefixes = new BigUint64Array(most);
	}

	addAll(names: Uint8Array): void {
		const words = new BigUint64Array(names.buffer, names.byteOffset, names.length / 8);
		for (let at = 0; at < words.length; at += NAME_SIZE / 8) {
			// Zero is a zero block's name, which does not count.
			if (words[at] !== 0n) this.#prefixes[this.#length++] = words[at]!;
		}
	}

	count(): number {
		const sorted = this.#prefixes.subarray(0, this.#length).sort();
		let count = Math.min(1, sorted.length);
		for (let at = 1; at < sorted.length; at++) if (sorted[at] !== sorted[at - 1]) count++;
		return count;
	}
}

/** A thread that is only terminated would leave the folder of its qemu-nbd behind. */
async function end(worker: Worker): Promise<void> {
	const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
	worker.on("error", () => {}); // What it fails with now has no bearing on the result.
	worker.postMessage({ end: true } satisfies ScanEnd);
	const timer = setTimeout(() => void worker.terminate(), END_MS);
	if (worker.threadId !== -1) await exited;
	clearTimeout(timer);
}

async function sizeOf(image: string, signal?: AbortSignal): Promise<number> {
	if (!image.startsWith("nbd")) {
		try {
			await stat(image);
		} catch (error) {
			throw new UmbraError(errnoOf(error) === "ENOENT" ? "not-found" : "unavailable", `${image}: ${messageOf(error)}`, {
				cause: error,
			});
		}
	}
	await using source = await openImage(image, signal === undefined ? {} : { signal });
	return source.size;
}
