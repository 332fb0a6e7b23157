/** The thread of `block-fetcher.ts`. */
import { writeSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { get as getOverTls, Agent as TlsAgent } from "node:https";
import { parentPort, workerData } from "node:worker_threads";
import { FrameReader } from "../../collector/api/block-frames.ts";
import { PLAIN_ROOM } from "../../collector/vault/chunk-codec.ts";
import { openChunk, PLAIN_FORM } from "../../collector/vault/chunk-form.ts";
import { BLOCK_SIZE, NAME_SIZE } from "../../common/block.ts";
import type { FetchReply, FetchRequest, FetchTask } from "./block-fetcher.ts";

const { address, base, fd } = workerData as FetchTask;
const isTls = address.base.startsWith("https:");
const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
const room = new Uint8Array(PLAIN_ROOM);

parentPort?.on("message", (request: FetchRequest) => {
	fetchBlocks(request).then(
		(names) => answer({ id: request.id, names }),
		// Whoever asked gets them another way, and is told there what is wrong.
		() => answer({ id: request.id, names: undefined }),
	);
});

function answer(reply: FetchReply): void {
	parentPort?.postMessage(reply);
}

/** @throws what the system says; UmbraError `corrupt` where a block is not what its name says. */
async function fetchBlocks({ offset, length, places }: FetchRequest): Promise<Uint8Array> {
	const names = new Uint8Array(places.length * NAME_SIZE);
	const frames = new FrameReader(places.length);
	await receive(`${base}/blocks?from=${offset}&to=${offset + length}`, (bytes) => {
		for (const { block, name, encoding, data } of frames.push(bytes)) {
			const plain = openChunk(PLAIN_FORM, name, encoding, data, room);
			const place = places[block]!;
			if (place < 0) throw new Error(`block ${block} is not among the disk's extents`);
			writeAll(plain.subarray(0, Math.min(BLOCK_SIZE, length - block * BLOCK_SIZE)), place);
			names.set(name, block * NAME_SIZE);
		}
	});
	frames.end();
	return names;
}

/** Not by `fetch`: what its streams cost is most of what the blocks themselves do. */
function receive(path: string, take: (bytes: Buffer) => void): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const receiving = (response: IncomingMessage) => {
		response.on("error", reject);
		response.on("end", resolve);
		if (response.statusCode !== 200) response.destroy(new Error(`HTTP ${response.statusCode}`));
		response.on("data", (bytes: Buffer) => {
			try {
				take(bytes);
			} catch (error) {
				response.destroy(error as Error);
			}
		});
	};
	const url = address.base + path;
	const options = { agent, headers: address.headers };
	const request = isTls ? getOverTls(url, options, receiving) : get(url, options, receiving);
	request.on("error", reject);
	return promise;
}

function writeAll(bytes: Uint8Array, place: number): void {
	for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, place + done);
}
