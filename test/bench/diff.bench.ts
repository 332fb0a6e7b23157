/** `umbra diff` of two large images against reading both with `cmp`. */
import { copyFile, mkdir, open, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { makeImage } from "../../disk/ext/testing.ts";
import { createRandom } from "../support/random.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { noise } from "./data.ts";
import { interleaved, median, number } from "./measure.ts";
import { type Timed, timed, UMBRA } from "./timed.ts";

const GIB = 2 ** 30;
const IMAGE_BYTES = 8 * GIB;
const FILE_BYTES = 128 * 2 ** 20;
const FILES = 56;
const PAGE = 4096;
const CHANGED_SHARE = 0.01;
/** Of pages that are rewritten one after another. */
const LONGEST_RUN = 32;
const ROUNDS = 5;
const KNOWN = 3;
const UNKNOWN = 1;

export const diffBench: Bench = { name: "diff", programs: ["cmp", "mke2fs"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const [old, now] = [folder.file("old.raw"), folder.file("now.raw")];
	say(`writing two images of ${IMAGE_BYTES / GIB} GiB`);
	await mkdir(folder.file("tree"));
	for (let file = 0; file < FILES; file++) {
		await using handle = await open(folder.file(`tree/file-${file}`), "w");
		for (const piece of noise(FILE_BYTES)) await handle.writeFile(piece);
	}
	await makeImage(old, IMAGE_BYTES, ["-t", "ext4"], folder.file("tree"));
	await rm(folder.file("tree"), { recursive: true });
	await copyFile(old, now);
	const changed = await rewrite(now);
	// Kept hashes are only of an image that was left alone for a moment.
	await sleep(1000);
	const known = { XDG_CACHE_HOME: folder.file("known") };
	const unknown = { XDG_CACHE_HOME: folder.file("unknown") };
	say("hashing both");
	for (const image of [old, now]) await timed([UMBRA, "scan", "--no-entropy", image], { env: known });
	say(`comparing them ${ROUNDS} times in each way, and as often by cmp`);
	const times = await interleaved(
		{
			known: () => timed([UMBRA, "diff", old, now], { env: known }),
			unknown: () => timed([UMBRA, "diff", old, now], { env: unknown }),
			cmp: () => timed(["cmp", "-l", old, now], { fine: [1] }),
		},
		ROUNDS,
	);
	const setting = `Two images of ${IMAGE_BYTES / GIB} GiB, ${number((FILES * FILE_BYTES) / GIB)} GiB of each ext4 files that do not compress, in the page cache as far as it reaches; ${number(changed)} pages of 4 KiB (${CHANGED_SHARE * 100} %) of the files differ in 16 bytes each, in runs of 1 to ${LONGEST_RUN}`;
	const compared =
		"`cmp -l`, which reads both to their ends (its output, a line a byte that differs, is read and thrown away)";
	const faster = (ours: readonly Timed[]): number => median(wall(times.cmp)) / median(wall(ours));
	return [
		{
			figure: "umbra diff, block hashes known, against cmp",
			target: `>= ${KNOWN} x`,
			measured: `${number(faster(times.known))} x (${told(times.known)}; cmp ${told(times.cmp)})`,
			met: faster(times.known) >= KNOWN,
			how: `${setting}. \`umbra scan\` has read both before, so that \`umbra diff\` reads the blocks with other hashes and both trees; against ${compared}. Whole commands by the clock, medians of ${ROUNDS} in turns.`,
		},
		{
			figure: "umbra diff, nothing known, against cmp",
			target: `>= ${UNKNOWN} x`,
			measured: `${number(faster(times.unknown))} x (${told(times.unknown)}; cmp ${told(times.cmp)})`,
			met: faster(times.unknown) >= UNKNOWN,
			how: "The same images without kept hashes: `umbra diff` reads both whole.",
		},
	];
}

const wall = (runs: readonly Timed[]): number[] => runs.map(({ seconds }) => seconds);

function told(runs: readonly Timed[]): string {
	return `${number(median(wall(runs)))} s, ${number(median(runs.map(({ cpuSeconds }) => cpuSeconds)))} s of processor`;
}

/** Changes pages behind the first tenth, where the filesystem's own structures lie. @returns how many. */
async function rewrite(image: string): Promise<number> {
	const random = createRandom(1);
	await using file = await open(image, "r+");
	const pages = IMAGE_BYTES / PAGE;
	const wanted = new Set<number>();
	while (wanted.size < pages * CHANGED_SHARE) {
		const start = random.between(Math.floor(pages * 0.1), Math.floor(pages * 0.85));
		for (let left = random.between(1, LONGEST_RUN); left > 0; left--) wanted.add(start + left);
	}
	for (const page of wanted) await file.write(random.bytes(16), 0, 16, page * PAGE + 128);
	await file.datasync();
	return wanted.size;
}
