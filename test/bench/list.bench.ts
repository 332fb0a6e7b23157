/** `umbra ls -R --json` against The Sleuth Kit's `fls -r`: every file of an image, as whole commands. */
import { cp, lstat, mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeImage } from "../../disk/ext/testing.ts";
import { makeVolume, mount } from "../../disk/ntfs/testing.ts";
import { makeImageOf, mounted } from "../../disk/xfs/testing.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { interleaved, median, number } from "./measure.ts";
import { type Timed, timed, UMBRA } from "./timed.ts";

const DIRECTORIES = 2000;
const FILES_EACH = 100;
const FILES = DIRECTORIES * FILES_EACH;
const MIB = 2 ** 20;
const IMAGE_MIB = 2048;
const ROUNDS = 7;
const STRETCH = 2;

export const listBench: Bench = {
	name: "list",
	programs: ["fls", "mke2fs", "mkfs.xfs", "mkntfs", "ntfs-3g"],
	run,
};

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const [tree, ext4, xfs, ntfs] = [
		folder.file("tree"),
		folder.file("ext4.img"),
		folder.file("xfs.img"),
		folder.file("ntfs.img"),
	];
	say(`writing ${FILES} files, and images of them`);
	await writeTree(tree);
	await makeImage(ext4, IMAGE_MIB * MIB, ["-t", "ext4", "-N", String(FILES * 1.3)], tree);
	await makeImageOf(xfs, IMAGE_MIB, [], tree);
	await mounted(xfs, wholeSeconds);
	await makeVolume(ntfs, IMAGE_MIB * MIB);
	{
		await using volume = await mount(ntfs);
		await cp(tree, volume.at("tree"), { recursive: true });
	}
	const env = { XDG_CACHE_HOME: folder.file("cache") };
	const umbra = (image: string) => () => timed([UMBRA, "ls", "-R", "--json", image], { env });
	const fls = (image: string) => () => timed(["fls", "-r", "-m", "/", image]);
	say(`listing them ${ROUNDS} times, and as often by fls`);
	const times = await interleaved(
		{ ext4: umbra(ext4), flsExt4: fls(ext4), ntfs: umbra(ntfs), flsNtfs: fls(ntfs), xfs: umbra(xfs) },
		ROUNDS,
	);
	const slower = median(wall(times.xfs)) / median(wall(times.ext4));
	return [
		against("ext4", times.ext4, times.flsExt4),
		against("NTFS", times.ntfs, times.flsNtfs),
		{
			figure: "umbra ls -R --json, XFS against ext4",
			target: "<= 1 x the time",
			measured: `${number(slower)} x (${told(times.xfs)} and ${told(times.ext4)})`,
			met: slower <= 1,
			how: `The same ${number(FILES)} files on XFS and on ext4, each as \`mkfs\` makes it, but that XFS's times are whole seconds too, as those of \`mke2fs -d\` are; XFS's inodes take 512 bytes, those of ext4 256, and all are read and their checksums verified. Whole commands; medians of ${ROUNDS} in turns.`,
		},
	];
}

const wall = (runs: readonly Timed[]): number[] => runs.map(({ seconds }) => seconds);

function told(runs: readonly Timed[]): string {
	const cpu = median(runs.map(({ cpuSeconds }) => cpuSeconds));
	return `${number(median(wall(runs)))} s, ${number(cpu)} s of processor`;
}

function against(kind: string, ours: readonly Timed[], theirs: readonly Timed[]): Row {
	const ratio = median(wall(theirs)) / median(wall(ours));
	return {
		figure: `umbra ls -R --json, ${kind}, against fls`,
		target: `> 1 x, stretch ${STRETCH} x`,
		measured: `${number(ratio)} x (${number(FILES / median(wall(ours)))} of ${number(FILES / median(wall(theirs)))} files/s)`,
		met: ratio > 1,
		how: `An image of ${IMAGE_MIB / 1024} GiB with ${number(FILES)} files in ${number(DIRECTORIES)} directories, in the page cache. Whole commands, the start of Node.js included: \`umbra ls -R --json\`, which also verifies checksums where there are any, and \`fls -r -m /\`; by the clock, medians of ${ROUNDS} in turns: ${told(ours)}, fls ${told(theirs)}.`,
	};
}

async function writeTree(root: string): Promise<void> {
	let written = 0;
	for (let directory = 0; directory < DIRECTORIES; directory++) {
		const path = `${root}/${Math.floor(directory / 50)}/directory-${directory}`;
		await mkdir(path, { recursive: true });
		const names = Array.from({ length: FILES_EACH }, (_, file) => `${path}/file-${directory}-${file}.txt`);
		await Promise.all(names.map((name) => writeFile(name, "x".repeat((written++ * 37) % 1500))));
	}
}

/** As `mke2fs -d` writes times: the same files are to be listed, of which those with fractions take more digits. */
async function wholeSeconds(root: string): Promise<void> {
	for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name);
		const { mtimeMs } = await lstat(path);
		const seconds = Math.floor(mtimeMs / 1000);
		await utimes(path, seconds, seconds);
	}
}
