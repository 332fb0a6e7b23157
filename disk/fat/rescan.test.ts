/** Random histories of volumes: what an update from changed blocks says, against a scan of everything. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { assertHistory, copyImage, writeSome } from "../rescan/testing.ts";
import { mountedExfat, needsExfatMount } from "./exfat-mount.ts";
import { openExfat, openFat } from "./fat.ts";
import { FatUsers, type Hands, MountHands, MtoolsHands } from "./rescan-testing.ts";
import { emptyImage, run } from "./testing.ts";

const MIB = 1 << 20;
const ROUNDS = 6;

/** Opens the volume for a while, in which its users are at it. */
type Use = (act: (hands: Hands) => Promise<void>) => Promise<void>;

interface Life {
	readonly folder: TempFolder;
	readonly random: Random;
	readonly image: string;
	readonly use: Use;
	readonly open: typeof openFat;
	/** Whether only some of the changed pages are written at a time. */
	readonly isLazy: boolean;
}

/** @returns in how many rounds an update did. */
async function live({ folder, random, image, use, open: openVolume, isLazy }: Life): Promise<number> {
	const written = isLazy ? folder.file("written") : image;
	if (isLazy) await copyImage(image, written);
	const users = new FatUsers(random);
	const turn = async (copy: string, round: number): Promise<string> => {
		let log: readonly string[] = [];
		await use(async (hands) => {
			log = await users.live(hands, round === 0 ? 40 : 1 + random.below(12));
		});
		if (isLazy) await writeSome(image, written, round === 0 || random.chance(0.2) ? 1 : 0.5, random);
		await copyImage(written, copy);
		return log.join("; ");
	};
	return await assertHistory({ folder, random, rounds: ROUNDS, turn, open: openVolume });
}

describe("rescan of FAT", needs("mkfs.fat", "mcopy", "mmd", "mmove", "mdel", "mdeltree"), () => {
	const SIZES = [
		[12, 2 * MIB],
		[16, 20 * MIB],
		[32, 36 * MIB],
	] as const;
	const begin = async (
		folder: TempFolder,
		random: Random,
		[bits, size]: readonly [number, number],
		isLazy: boolean,
	): Promise<Life> => {
		const image = await emptyImage(folder.file("image"), size);
		await run("mkfs.fat", "-F", String(bits), "-s", bits === 32 ? "1" : random.pick(["1", "4"]), image);
		const content = folder.file("content");
		await mkdir(content);
		const hands = new MtoolsHands(image, content);
		return { folder, random, image, use: (act) => act(hands), open: openFat, isLazy };
	};

	for (const size of SIZES) {
		it(`says after any history what a full scan says: FAT${size[0]}`, async (t) => {
			const random = testRandom(t);
			await using folder = await tempFolder();
			assert.equal(await live(await begin(folder, random, size, false)), ROUNDS, `seed ${random.seed}`);
		});
	}

	it("says so where some of the changes have not reached the disk yet", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		const updates = await live(await begin(folder, random, random.pick(SIZES), true));
		t.diagnostic(`${updates} of ${ROUNDS} by an update`);
	});
});

describe("rescan of exFAT", needsExfatMount(), () => {
	const begin = async (folder: TempFolder, random: Random, isLazy: boolean): Promise<Life> => {
		const image = await emptyImage(folder.file("image"), 16 * MIB);
		await run("mkfs.exfat", "-c", random.pick(["512", "4K"]), image);
		const use: Use = (act) => mountedExfat(image, folder.file("mount"), (root) => act(new MountHands(root)));
		return { folder, random, image, use, open: openExfat, isLazy };
	};

	it("says after any history what a full scan says", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		assert.equal(await live(await begin(folder, random, false)), ROUNDS, `seed ${random.seed}`);
	});

	it("says so where some of the changes have not reached the disk yet", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		t.diagnostic(`${await live(await begin(folder, random, true))} of ${ROUNDS} by an update`);
	});
});
