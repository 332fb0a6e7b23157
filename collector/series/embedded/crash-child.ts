/**
 * For tests only: a process that writes points for as long as it lives, and says on standard output what it was promised: `taken N`, once
 * all points below N are. Point N is of VM N % VMS, N seconds after the time in the arguments. Arguments: folder, first number, time.
 */
import { writeSync } from "node:fs";
import { silentLogger } from "../../../common/log.ts";
import { crashPoint } from "./crash-points.ts";
import { openEmbeddedStore } from "./embedded.ts";
import { testSettings } from "./testing.ts";

const [folder, first, base] = process.argv.slice(2);
const store = await openEmbeddedStore({
	folder: folder!,
	settings: testSettings(),
	log: silentLogger(),
	segmentBytes: 8000,
	now: () => BigInt(Date.now()) * 1_000_000n + 2n * 86_400_000_000_000n,
});
writeSync(1, "open\n");
/** Writes that are under way; they are acknowledged in order, as the log is one. */
const writes: { readonly end: number; readonly done: Promise<void> }[] = [];
for (let next = Number(first); ; ) {
	const points = Array.from({ length: 1 + (next % 37) }, (_, at) => crashPoint(next + at, BigInt(base!)));
	next += points.length;
	writes.push({ end: next, done: store.write(points) });
	if (writes.length < 4) continue;
	const { end, done } = writes.shift()!;
	await done;
	writeSync(1, `taken ${end}\n`);
}
