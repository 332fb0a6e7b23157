/**
 * For tests only: a process that writes numbered points to an InfluxDB for as long as it lives, and says `ok N` on standard
 * output once all points below N are accepted. Arguments: url, database, folder, first number.
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { numberedFrom, storeAt } from "./testing.ts";

const [url = "", database = "", folder = "", first = "0"] = process.argv.slice(2);
const store = await storeAt(url, folder, { database });
for (let next = Number(first); ; ) {
	const count = 1 + (next % 100);
	// Several at a time, so that a commit has several of them.
	await Promise.all([0, 1, 2].map((part) => store.write(numberedFrom(next + part * count, count))));
	next += 3 * count;
	writeSync(1, `ok ${next}\n`);
	// Kills at many instants are wanted, not many points.
	await sleep(5);
}
