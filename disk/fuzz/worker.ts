/** The process in which parsers meet damaged disks: `fuzz.ts` starts it, watches its time and memory, and ends it. */
import { setImmediate } from "node:timers/promises";
import { type FuzzOrder, Rounds } from "./rounds.ts";
import type { FuzzReport } from "./watch.ts";

const order = JSON.parse(process.argv[2] ?? "") as FuzzOrder;
const say = (report: FuzzReport): void => void process.send!(report);

// The parent ends this process when the time is over, and the kernel's pipe ends it should the parent die.
process.once("disconnect", () => process.exit());
const rounds = await Rounds.prepare(order);
say({ kind: "ready" });
for (let round = 0; ; round++) {
	say({ kind: "round", round });
	await setImmediate(); // a source in memory never lets the pipe have its turn
	try {
		await rounds.run(round);
	} catch (error) {
		say({ kind: "failed", round, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
		break;
	}
}
