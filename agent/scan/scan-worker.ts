/** The thread of `scan-image.ts`: reads a stripe of the image in its own way and names its blocks. */
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { BLOCK_SIZE, isZero, NAME_SIZE, PAGE_SIZE, PAGES_PER_BLOCK, writeBlake3Name } from "../../common/block.ts";
import { messageOf } from "../../common/errors.ts";
import { pageEntropy } from "../../disk/map/entropy.ts";
import { detectFormat, MAGIC_BYTES } from "../../disk/source/image-format.ts";
import { openImage } from "../../disk/source/open.ts";
import type { BlockSource } from "../../disk/source/source.ts";

export interface ScanWorkerData {
	readonly image: string;
	readonly entropy: boolean;
}

export interface ScanRequest {
	readonly offset: number;
	readonly length: number;
}

/** Asks a thread to close what it opened and to end. */
export interface ScanEnd {
	readonly end: true;
}

/** What a thread says once: all of it is loaded and the image is open, requests may come. */
export interface ScanReady {
	readonly ready: true;
}

export type ScanReply =
	| {
			readonly zeroBlocks: number;
			readonly dataBlocks: number;
			/** Sum over data blocks of their mean entropy, bits per byte. */
			readonly entropySum: number;
			/** Of every block, 32 bytes each; zeroes for a zero block. */
			readonly names: Uint8Array;
	  }
	| { readonly error: string };

/** One read: at this size neither the call nor the cache misses show. */
const READ_BYTES = 256 * 1024;

const { image, entropy } = workerData as ScanWorkerData;

/** Reads into a buffer, in order. */
type Reader = (buffer: Buffer, offset: number, length: number) => Promise<void> | void;

let source: BlockSource | undefined;
const reader = await openReader();
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
/** Made once: a view a block costs as much as looking whether the block is zero. */
const blocks = Array.from({ length: READ_BYTES / BLOCK_SIZE }, (_, at) =>
	buffer.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE),
);

parentPort?.on("message", async (request: ScanRequest | ScanEnd) => {
	if ("end" in request) {
		await source?.[Symbol.asyncDispose]();
		parentPort?.close();
		return;
	}
	try {
		parentPort?.postMessage(await scan(request));
	} catch (error) {
		parentPort?.postMessage({ error: messageOf(error) } satisfies ScanReply);
	}
});
parentPort?.postMessage({ ready: true } satisfies ScanReady);

async function openReader(): Promise<Reader> {
	const fd = image.startsWith("nbd") ? undefined : openSync(image, "r");
	if (fd !== undefined) {
		const head = Buffer.alloc(MAGIC_BYTES);
		const got = readSync(fd, head, 0, head.length, 0);
		if (detectFormat(head.subarray(0, got)) === "raw") {
			return (target, offset, length) => {
				for (let done = 0; done < length; ) {
					const read = readSync(fd, target, done, length - done, offset + done);
					if (read === 0) throw new Error(`ends at byte ${offset + done}, wanted ${offset + length}`);
					done += read;
				}
			};
		}
		closeSync(fd);
	}
	const opened = await openImage(image);
	source = opened;
	return async (target, offset, length) => {
		target.set(await opened.read(offset, length));
	};
}

async function scan({ offset, length }: ScanRequest): Promise<ScanReply> {
	const names = Buffer.alloc(Math.ceil(length / BLOCK_SIZE) * NAME_SIZE);
	let zeroBlocks = 0;
	let dataBlocks = 0;
	let entropySum = 0;
	for (let at = 0; at < length; at += READ_BYTES) {
		const bytes = Math.min(READ_BYTES, length - at);
		const pending = reader(buffer, offset + at, bytes);
		if (pending !== undefined) await pending;
		const padded = Math.ceil(bytes / BLOCK_SIZE) * BLOCK_SIZE;
		if (padded > bytes) buffer.fill(0, bytes, padded);
		for (const [index, block] of blocks.slice(0, padded / BLOCK_SIZE).entries()) {
			if (isZero(block)) {
				zeroBlocks++;
				continue;
			}
			writeBlake3Name(block, names, (at / BLOCK_SIZE + index) * NAME_SIZE);
			dataBlocks++;
			if (entropy) entropySum += blockEntropy(block);
		}
	}
	return { zeroBlocks, dataBlocks, entropySum, names };
}

function blockEntropy(block: Buffer): number {
	let sum = 0;
	for (let page = 0; page < PAGES_PER_BLOCK; page++) sum += pageEntropy(block, page * PAGE_SIZE, PAGE_SIZE);
	return sum / PAGES_PER_BLOCK;
}
