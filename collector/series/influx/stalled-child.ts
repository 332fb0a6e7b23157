/**
 * For tests only: fills the backlog of a store whose database never answers, and prints what it took, as JSON. Arguments: url,
 * folder, limit of the backlog in bytes. Node has to be told to expose its collector of garbage.
 */
import { memoryUsage } from "node:process";
import { isUmbraError } from "../../../common/errors.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import { numberedFrom, storeAt } from "./testing.ts";

const POINTS = 100;
/** Memory that is used once is used again: what the first writes take is no growth. */
const WARM_UP = 100;
const TAGS = { host: "h1", severity: "info" };
const TEXT = "x".repeat(1000);

const [url = "", folder = "", backlogLimit = ""] = process.argv.slice(2);
const store = await storeAt(url, folder, { backlogLimit: Number(backlogLimit), timeout: "1s", version: 1 });
/** What is held: garbage is not, be it collected early or late. */
function heldBytes(): number {
	globalThis.gc?.();
	const { heapUsed, external } = memoryUsage();
	return heapUsed + external;
}
let points = 0;
let [before, beforeHeld] = [0, 0];
let most = 0;
let refused: unknown;
for (let round = 0; refused === undefined; round++) {
	const some = numberedFrom(points, POINTS).map(
		({ timeNs }, at): Point => ({
			measurement: "anomaly",
			tags: { ...TAGS, vm: `vm${at}` },
			timeNs,
			fields: { files: TEXT },
		}),
	);
	await store.write(some).then(
		() => {
			points += POINTS;
		},
		(error: unknown) => {
			refused = error;
		},
	);
	if (round === WARM_UP) [beforeHeld, before] = [heldBytes(), memoryUsage.rss()];
	if (round > WARM_UP) most = Math.max(most, memoryUsage.rss());
}
const { backlogBytes, writeFailures, lastError } = store.status();
const keptBytes = heldBytes() - beforeHeld;
await store[Symbol.asyncDispose]();
const code = isUmbraError(refused) ? refused.code : String(refused);
const grownBytes = most - before;
console.log(JSON.stringify({ points, code, backlogBytes, keptBytes, grownBytes, writeFailures, lastError }));
