import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { runHistories } from "./history.ts";

describe("a collector's store", () => {
	it("has every kept point as it was, through 1,000 histories of captures, deletes, crashes and restarts", async (context) => {
		const counts = await runHistories({ seeds: testRandom(context), histories: 1000, steps: 8 });
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried.
		for (const [name, count] of Object.entries(counts)) assert.ok(count > 0, name);
	});

	it("has them with a LevelDB that a power cut leaves with half a log, through 50 histories", async (context) => {
		const counts = await runHistories({ seeds: testRandom(context), histories: 50, steps: 8, isReal: true });
		context.diagnostic(JSON.stringify(counts));
		for (const name of ["points", "dropped", "accidents", "powerCuts", "collections"] as const) {
			assert.ok(counts[name] > 0, name);
		}
	});
});
