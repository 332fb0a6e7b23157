import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, testRandom } from "../../test/support/random.ts";
import { runHistories } from "./history.ts";

describe("a collector's store", () => {
	it("has every kept point as it was, through 50 histories of captures, deletes, crashes and restarts", async (context) => {
		// The same in every run, unless another seed is given: what comes once in thousands is for a longer search.
		const seeds = process.env["UMBRA_TEST_SEED"] === undefined ? createRandom(20_261_128) : testRandom(context);
		context.diagnostic(`seed: ${seeds.seed} (another with UMBRA_TEST_SEED)`);
		const counts = await runHistories({ seeds, histories: 50, steps: 8 });
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried. Few histories may do without what is rare.
		const { forgotten: _, staged: __, baseUnknown: ___, ...often } = counts;
		for (const [name, count] of Object.entries(often)) assert.ok(count > 0, name);
	});

	it("has them too where its catalog is a real LevelDB", async (context) => {
		const counts = await runHistories({ seeds: testRandom(context), histories: 6, steps: 8, isReal: true });
		context.diagnostic(JSON.stringify(counts));
		// So few may do without much of it.
		const { points, accidents, restarts } = counts;
		assert.ok(Math.min(points, accidents, restarts) > 0, "it was not tried");
	});
});
