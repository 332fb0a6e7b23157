/** Whole disks that are damaged: partition tables of both kinds, and volume groups on them. */
import { readFile, writeFile } from "node:fs/promises";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { makeImage, makeTree, run } from "../ext/testing.ts";
import { makeFat } from "../fat/testing.ts";
import { groupText, linear, pvImage } from "../lvm/testing.ts";
import type { FuzzSubject } from "./fuzz.ts";

const MIB = 1 << 20;
/** Of the physical volume: fifteen extents of a MiB behind the first MiB. */
const PV_SIZE = 16 * MIB;

/** A disk with a partition table as sfdisk writes it, and content at some places. */
async function makeDisk(path: string, size: number, script: string, content: readonly [at: number, bytes: Buffer][]) {
	const bytes = Buffer.alloc(size);
	await writeFile(path, bytes);
	await using folder = await tempFolder();
	await writeFile(folder.file("script"), script);
	await run("sh", ["-c", 'sfdisk -q "$0" <"$1"', path, folder.file("script")]);
	(await readFile(path)).copy(bytes);
	for (const [at, piece] of content) piece.copy(bytes, at);
	await writeFile(path, bytes);
}

/** ext4 of 6 MiB: as long as six extents of the group. */
async function smallExt(): Promise<Buffer> {
	await using folder = await tempFolder();
	await makeTree(folder.file("tree"), false);
	await makeImage(
		folder.file("image"),
		6 * MIB,
		["-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^has_journal"],
		folder.file("tree"),
	);
	return readFile(folder.file("image"));
}

async function smallFat(): Promise<Buffer> {
	await using folder = await tempFolder();
	await makeFat(folder.file("image"), 12, 2 * MIB, ["-s", "1"]);
	return readFile(folder.file("image"));
}

/** A physical volume with a plain volume that holds ext4, a striped one that does too, and a copied one. */
function makeGroup(ext: Buffer): Buffer {
	const striped =
		'start_extent = 0\nextent_count = 6\ntype = "striped"\nstripe_size = 64\nstripes = ["pv0", 0, "pv0", 3]';
	const bytes = pvImage(
		groupText({
			root: [linear(0, 6, 8)],
			striped: [striped],
			copied: ['start_extent = 0\nextent_count = 1\ntype = "raid1"\nraids = ["one", "one"]'],
			one: [linear(0, 1, 14)],
		}),
		PV_SIZE,
	);
	ext.copy(bytes, 9 * MIB);
	const stripe = 64 * 512;
	for (let at = 0; at < ext.length; at += stripe) {
		const turn = at / stripe;
		ext.copy(bytes, MIB + (turn % 2) * 3 * MIB + Math.floor(turn / 2) * stripe, at, at + stripe);
	}
	return bytes;
}

export const DISK_SUBJECTS: readonly FuzzSubject[] = [
	{
		name: "GPT and MBR with logical partitions, volume groups on both",
		format: "disks",
		needs: () => needs("sfdisk", "mke2fs", "mkfs.fat", "mcopy"),
		make: async (path) => {
			const [ext, fat] = [await smallExt(), await smallFat()];
			const group = makeGroup(ext);
			const gpt = "label: gpt\nstart=2048, size=4096\nstart=6144, size=32768\nstart=38912, size=12288\n";
			await makeDisk(`${path}0`, 26 * MIB, gpt, [
				[MIB, fat],
				[3 * MIB, group],
				[19 * MIB, ext],
			]);
			const mbr =
				"label: dos\nstart=2048, size=4096, type=c\nstart=6144, type=5\nstart=8192, size=12288, type=83\nstart=22528, size=4096, type=83\n";
			await makeDisk(`${path}1`, 16 * MIB, mbr, [
				[MIB, fat],
				[4 * MIB, ext],
				[11 * MIB, fat],
			]);
			return [`${path}0`, `${path}1`];
		},
	},
];
