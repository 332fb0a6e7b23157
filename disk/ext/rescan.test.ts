/** Random histories of mounted filesystems: what an update from changed blocks says, against a scan of everything. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { canMount, mountedHistory, VARIANTS } from "./rescan-testing.ts";

const ROUNDS = 6;

describe("rescan of ext", () => {
	for (const variant of VARIANTS.filter(({ long }) => !long)) {
		it(`says after any history what a full scan says: ${variant.name}`, async (t) => {
			if (!(await canMount(t))) return;
			const random = testRandom(t);
			const updates = await mountedHistory(variant, random, ROUNDS);
			assert.ok(updates >= variant.sure * ROUNDS, `${updates} updates, seed ${random.seed}`);
		});
	}
});
