/** The thread of `bulk-reader.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import type { BulkOrder } from "./bulk-reader.ts";
import { BulkSlot, type SlotRequest } from "./bulk-slot.ts";
import { chunkForm, openChunk, type VaultKeys } from "./chunk-form.ts";
import { RECORD_HEADER_SIZE } from "./pack-format.ts";
import { readFully } from "./read-fully.ts";

const form = chunkForm(workerData as VaultKeys | undefined);
const slots: BulkSlot[] = [];

parentPort?.on("message", ({ slot: index, count, memory }: BulkOrder) => {
	if (memory !== undefined) slots[index] = new BulkSlot(memory);
	const slot = slots[index]!;
	const requests = Array.from({ length: count }, (_, at) => slot.request(at));
	let room = slot.records;
	for (let at = 0; at < count; ) {
		const end = runEnd(requests, at);
		room = readRun(slot, requests, at, end, room);
		at = end;
	}
	parentPort?.postMessage(index);
});

/** Behind the last of the records that lie behind one another from `start` on. */
function runEnd(requests: readonly SlotRequest[], start: number): number {
	let end = start + 1;
	for (; end < requests.length; end++) {
		const { fd, offset, length } = requests[end - 1]!;
		const next = requests[end]!;
		if (next.fd !== fd || next.offset !== offset + length + RECORD_HEADER_SIZE) break;
	}
	return end;
}

/** Reads and decodes records `start` to `end`; what fails is left without an answer. @returns the room that is left. */
function readRun(slot: BulkSlot, requests: readonly SlotRequest[], start: number, end: number, room: Uint8Array) {
	const { fd, offset: first } = requests[start]!;
	const last = requests[end - 1]!;
	const bytes = room.subarray(0, last.offset + last.length - first);
	if (readFully(fd, bytes, first)) {
		for (let at = start; at < end; at++) {
			const { name, offset, length, isCompressed } = requests[at]!;
			try {
				const data = bytes.subarray(offset - first, offset - first + length);
				slot.answer(at, openChunk(form, name, isCompressed ? "zstd" : "raw", data, slot.plainRoom(at)));
			} catch {
				// Whoever asked reads it again, and tells what is wrong.
			}
		}
	}
	return room.subarray(bytes.length);
}
