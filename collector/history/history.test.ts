import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { runHistories } from "./history.ts";

describe("a collector's store", () => {
	it("has every kept point as it was, through 50 histories of captures, deletes, crashes and restarts", async (context) => {
		const counts = await runHistories({ seeds: testRandom(context), histories: 50, steps: 8 });
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried. Few histories may do without what is rare.
		const { forgotten: _, staged: __, baseUnknown: ___, ...often } = counts;
		for (const [name, count] of Object.entries(often)) assert.ok(count > 0, name);
	});

	it("has them with a LevelDB that a power cut leaves with half a log", async (context) => {
		const counts = await runHistories({ seeds: testRandom(context), histories: 3, steps: 8, isReal: true });
		context.diagnostic(JSON.stringify(counts));
		assert.ok(counts.points > 0 && counts.restarts > 0);
	});
});
