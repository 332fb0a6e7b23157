/** Damaged filesystems, one after another: an update says what a full scan says, or throws what it throws. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { openExt } from "../ext/ext.ts";
import { EXT_SUBJECTS } from "../ext/fuzz-subjects.ts";
import { openExfat, openFat } from "../fat/fat.ts";
import { FAT_SUBJECTS } from "../fat/fuzz-subjects.ts";
import type { FilesystemScan } from "../filesystem.ts";
import { damage } from "../fuzz/damage.ts";
import { DamagedSource, PAGE } from "../fuzz/damaged-source.ts";
import { loadImage } from "../fuzz/memory-image.ts";
import type { Open } from "../fuzz/read-everything.ts";
import { pagesOf, structuresOf } from "../fuzz/structures.ts";
import { NTFS_SUBJECTS } from "../ntfs/fuzz-subjects.ts";
import { openNtfs } from "../ntfs/ntfs.ts";
import { XFS_SUBJECTS } from "../xfs/fuzz-subjects.ts";
import { openXfs } from "../xfs/xfs.ts";
import { baseOf } from "./layered-scan.ts";
import { assertSameScan } from "./testing.ts";

const ROUNDS = 30;

const SUBJECTS = [
	// With ea_inode there are no updates.
	...EXT_SUBJECTS.filter(({ name }) => name !== "inline data").map((subject) => ({ subject, open: openExt as Open })),
	...FAT_SUBJECTS.map((subject) => ({ subject, open: (subject.format === "exfat" ? openExfat : openFat) as Open })),
	...NTFS_SUBJECTS.map((subject) => ({ subject, open: openNtfs as Open })),
	...XFS_SUBJECTS.filter(({ name }) => name === "version 4").map((subject) => ({ subject, open: openXfs as Open })),
];

interface State {
	readonly disk: DamagedSource;
	readonly scan: FilesystemScan;
}

describe("rescan of damaged filesystems", () => {
	for (const { subject, open } of SUBJECTS) {
		it(`is as good as a full scan: ${subject.format}, ${subject.name}`, subject.needs(), async (t) => {
			const random = testRandom(t);
			await using folder = await tempFolder();
			const [path] = await subject.make(folder.file("image"));
			const whole = await loadImage(path!);
			const sound = await open(whole);
			const places = random.shuffle(await pagesOf(whole, await structuresOf(sound, subject.content ?? [])));
			const well: State = { disk: new DamagedSource(whole), scan: await (await open(whole)).scan() };
			let last: State = well;
			let updates = 0;
			for (let round = 0; round < ROUNDS; round++) {
				const now = new DamagedSource(whole);
				if (!random.chance(0.2)) await damage(now, places, round, random);
				const told = `seed ${random.seed}, round ${round}`;
				const full = await orError(async () => (await open(now)).scan());
				const before = random.chance(0.5) ? well : last;
				const changed = [...new Set([...before.disk.damaged, ...now.damaged])].flatMap((offset) => [offset, PAGE]);
				const updated = await orError(async () => (await open(now)).rescan!(before.scan, changed));
				if (typeof full === "string" || typeof updated === "string") {
					assert.equal(updated, full, told);
					last = well;
				} else {
					assertSameScan(updated, full, told);
					if (baseOf(updated) === baseOf(before.scan)) updates++;
					last = { disk: now, scan: updated };
				}
			}
			t.diagnostic(`${updates} of ${ROUNDS} by an update`);
		});
	}
});

/** The error's message; anything else than one of ours goes on. */
async function orError(act: () => Promise<FilesystemScan>): Promise<FilesystemScan | string> {
	try {
		return await act();
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return error.message;
	}
}
