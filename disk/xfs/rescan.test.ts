/** Random histories of a mounted filesystem: what an update from changed blocks says, against a scan of everything. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import { assertHistory, copyImage, Users } from "../rescan/testing.ts";
import { makeImage, mounted, needsMount } from "./testing.ts";
import { openXfs } from "./xfs.ts";

const ROUNDS = 6;
/** The rounds of which an update is certain: a disk in use may be in too much disorder for one. */
const FROZEN = 2;

describe("rescan of XFS", needsMount("fallocate", "fsfreeze"), () => {
	it("says after any history what a full scan says", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeImage(image, 320, ["-b", random.pick(["size=4096", "size=1024"])]);
		await mounted(image, async (root) => {
			const users = new Users(root, random, { reflinks: true });
			const turn = async (copy: string, round: number): Promise<string> => {
				const log = await users.live(round === 0 ? 40 : 1 + random.below(12));
				const how = round <= FROZEN ? "frozen" : random.pick(["as it is", "synced", "frozen"]);
				if (how === "synced") await run("sync", ["-f", root]);
				// Only then is all that is in the log also in its place.
				if (how === "frozen") await run("fsfreeze", ["-f", root]);
				try {
					await copyImage(image, copy);
				} finally {
					if (how === "frozen") await run("fsfreeze", ["-u", root]);
				}
				return `${how}: ${log.join("; ")}`;
			};
			const updates = await assertHistory({ folder, random, rounds: ROUNDS, turn, open: openXfs });
			assert.ok(updates >= FROZEN, `${updates} updates, seed ${random.seed}`);
		});
	});
});
