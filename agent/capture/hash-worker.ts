/** The worker thread of `hash-pool.ts`. It runs to completion on one slot at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { hashBlocks } from "./hash-blocks.ts";
import { type HashReply, type HashRequest, openSlot, type SlotViews, UP } from "./hash-slot.ts";

const slots: SlotViews[] = (workerData as SharedArrayBuffer[]).map(openSlot);

parentPort?.on("message", ({ slot, blocks, namesOnly }: HashRequest) => {
	const views = slots[slot];
	if (views === undefined) throw new Error(`no slot ${slot}`);
	const compressed = hashBlocks(views, blocks, namesOnly);
	const transfer = compressed.flatMap((bytes) => (bytes === null ? [] : [bytes.buffer]));
	parentPort?.postMessage({ slot, compressed } satisfies HashReply, transfer);
});
parentPort?.postMessage(UP);
