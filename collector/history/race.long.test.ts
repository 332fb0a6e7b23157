import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { runRace } from "./race.ts";

describe("a collector's store on real files", () => {
	it("has every point whole through long races of captures, retention, two collections and readers", async (context) => {
		const counts = await runRace({ random: testRandom(context), rounds: 12, captures: 20 });
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried. Most packs go by being written anew, and few chunks go between offer and submission.
		const { missing: _, removedPacks: __, ...often } = counts;
		for (const [name, count] of Object.entries(often)) assert.ok(count > 0, name);
	});
});
