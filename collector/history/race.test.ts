import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { runRace } from "./race.ts";

describe("a collector's store on real files", () => {
	it("has every point whole while points come and go, two collections give space back, and readers read", async (context) => {
		const counts = await runRace({ random: testRandom(context), rounds: 3, captures: 12 });
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried. Few rounds may do without what is rare.
		const { missing: _, removedPacks: __, outlived: ___, ...often } = counts;
		for (const [name, count] of Object.entries(often)) assert.ok(count > 0, name);
	});
});
