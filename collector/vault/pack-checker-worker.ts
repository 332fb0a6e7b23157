/** The thread of `pack-checker.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { checkPack } from "./check.ts";
import { chunkForm, type VaultKeys } from "./chunk-form.ts";
import type { CheckReply, CheckRequest } from "./pack-checker.ts";
import { readFully } from "./read-fully.ts";

const form = chunkForm(workerData as VaultKeys | undefined);
/** Used again for the next pack. */
let memory = Buffer.alloc(0);

parentPort?.on("message", ({ pack, fd }: CheckRequest) => {
	if (memory.length < pack.bytes) memory = Buffer.allocUnsafeSlow(pack.bytes);
	const bytes = memory.subarray(0, pack.bytes);
	const reply: CheckReply = readFully(fd, bytes, 0) ? checkPack(pack, bytes, form) : undefined;
	parentPort?.postMessage(reply);
});
