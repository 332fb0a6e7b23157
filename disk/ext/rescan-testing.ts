/** For tests: histories of mounted ext filesystems. */
import { mkdir } from "node:fs/promises";
import type { TestContext } from "node:test";
import type { Random } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { assertHistory, copyImage, Users } from "../rescan/testing.ts";
import { openExt } from "./ext.ts";
import { has, makeImage, run } from "./testing.ts";

export interface Variant {
	readonly name: string;
	readonly options: readonly string[];
	readonly mount: string;
	/** Only in the long tests. */
	readonly long: boolean;
	/** The part of the rounds that an update must do. Without a journal, a disk in use may be in too much disorder. */
	readonly sure: number;
}

export const VARIANTS: readonly Variant[] = [
	{ name: "ext4", options: ["-t", "ext4"], mount: "data=ordered", long: false, sure: 0.9 },
	{
		name: "data in the journal, 1 KiB blocks",
		options: ["-t", "ext4", "-b", "1024"],
		mount: "data=journal",
		long: true,
		sure: 0.9,
	},
	{ name: "ext3", options: ["-t", "ext3"], mount: "data=ordered", long: true, sure: 0.9 },
	{ name: "ext2, 1 KiB blocks", options: ["-t", "ext2", "-b", "1024"], mount: "noatime", long: false, sure: 0.1 },
	{ name: "inline data", options: ["-t", "ext4", "-O", "inline_data"], mount: "data=ordered", long: true, sure: 0.9 },
];

export async function canMount(t: TestContext): Promise<boolean> {
	if (process.getuid?.() !== 0) {
		t.skip("mounting a loop device needs root");
		return false;
	}
	return has(t, "mke2fs", "mount", "umount", "losetup", "fallocate");
}

/** @returns in how many rounds an update did. */
export async function mountedHistory({ options, mount }: Variant, random: Random, rounds: number): Promise<number> {
	await using folder = await tempFolder();
	const image = folder.file("image");
	const mounted = folder.file("mounted");
	await makeImage(image, 32 << 20, options);
	await mkdir(mounted);
	await run("mount", ["-o", `loop,${mount}`, image, mounted]);
	await using _ = { [Symbol.asyncDispose]: async () => void (await run("umount", [mounted])) };
	const users = new Users(mounted, random);
	const turn = async (copy: string, round: number): Promise<string> => {
		const log = await users.live(round === 0 ? 40 : 1 + random.below(12));
		// Without it the newest changes are nowhere, or in the journal alone.
		if (random.chance(0.7)) await run("sync", ["-f", mounted]);
		await copyImage(image, copy);
		return log.join("; ");
	};
	return await assertHistory({ folder, random, rounds, turn, open: openExt });
}
