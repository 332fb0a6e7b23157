import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { amount } from "../../test/support/variants.ts";
import { runHistories } from "./history.ts";

describe("a collector's store", () => {
	for (const { histories, isReal } of [
		{ histories: amount(400, 1000), isReal: false },
		{ histories: amount(25, 100), isReal: true },
	]) {
		const what = isReal ? ", with a catalog on a real LevelDB" : "";
		it(`has every kept point as it was, through ${histories} histories${what}`, async (context) => {
			const counts = await runHistories({ seeds: testRandom(context), histories, steps: 8, isReal });
			context.diagnostic(JSON.stringify(counts));
			// Or it was not tried. The real one has too few histories for all that is rare.
			const { baseUnknown: _, ...often } = counts;
			const { points, accidents, restarts, powerCuts } = counts;
			const wanted = isReal ? { points, accidents, restarts, powerCuts } : often;
			for (const [name, count] of Object.entries(wanted)) assert.ok(count > 0, name);
		});
	}
});
