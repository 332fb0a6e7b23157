/** From changed blocks to files on a filesystem of a million: bringing the index up to date, and the map. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { copyFile, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_SIZE } from "../../common/block.ts";
import { comparePages } from "../../disk/map/compare.ts";
import { mapMachineChanges } from "../../disk/map/map.ts";
import { openFile } from "../../disk/source/file.ts";
import { readMachineTree, updateMachineTree } from "../../disk/tree.ts";
import { TreeLog } from "../../disk/tree-log.ts";
import { startProgram } from "../support/processes.ts";
import { createRandom } from "../support/random.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number } from "./measure.ts";

const GIB = 2 ** 30;
const FILES = 1_000_000;
const FILES_A_FOLDER = 250;
/** Rewritten files; with their inodes that makes about 10,000 blocks. */
const CHANGED_FILES = 6500;
const ROUNDS = 5;
const MAP_MS = 300;
const BYTES_A_FILE = 300;

export const mapBench: Bench = { name: "map", programs: ["mke2fs", "mount"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const image = folder.file("before.img");
	const later = folder.file("after.img");
	const root = folder.file("mounted");
	await mkdir(root);
	await using handle = await open(image, "w");
	await handle.truncate(8 * GIB);
	await shell("mke2fs", "-q", "-F", "-t", "ext4", "-N", "1200000", image);
	say(`writing ${number(FILES)} files`);
	await mounted(image, root, () => {
		for (let file = 0; file < FILES; file++) {
			if (file % FILES_A_FOLDER === 0) mkdirSync(folderOf(root, file), { recursive: true });
			writeFileSync(pathOf(root, file), `file ${file}`);
		}
	});
	await copyFile(image, later);
	const random = createRandom(1);
	await mounted(later, root, () => {
		for (let changed = 0; changed < CHANGED_FILES; changed++) {
			const fd = openSync(pathOf(root, random.below(FILES)), "r+");
			writeSync(fd, `changed ${changed}`);
			closeSync(fd);
		}
	});
	await using before = await openFile(image);
	await using after = await openFile(later);
	say("comparing the images");
	const pages = await comparePages(before, after);
	const blocks = new Set(pages.offsets.map((offset) => Math.floor(offset / BLOCK_SIZE))).size;
	const changed = new Map([["disk", pages]]);
	say("reading the index from nothing");
	const started = performance.now();
	const old = await readMachineTree([{ name: "disk", source: before }]);
	const fullMs = performance.now() - started;
	const { log, part } = TreeLog.begin(old);
	const sources = [{ name: "disk", source: after }];
	const updates: number[] = [];
	const maps: number[] = [];
	let deltaBytes = 0;
	let files = 0;
	say(`${ROUNDS} times: index up to date, map`);
	for (let round = 0; round < ROUNDS; round++) {
		const start = performance.now();
		const now = await updateMachineTree(old, sources, changed);
		const updated = performance.now();
		const changes = mapMachineChanges(old, now, changed);
		const mapped = performance.now();
		updates.push(updated - start);
		maps.push(mapped - updated);
		deltaBytes = log.append(now).part.bytes.length;
		files = changes.files.reduce((sum, volume) => sum + volume.files.length, 0);
	}
	// The first round lays out the columns that all later captures share.
	const warm = median(maps.slice(1));
	const perFile = (part.bytes.length + deltaBytes) / FILES;
	const setting = `An ext4 image of ${number(FILES)} files of one block in folders of ${FILES_A_FOLDER}, made and changed by the kernel; ${number(CHANGED_FILES)} files chosen at random are rewritten, which changes ${number(blocks)} blocks of 64 KiB (${number(pages.offsets.length)} pages) all over the disk and names ${number(files)} changes.`;
	return [
		{
			figure: `map of ${number(blocks)} changed blocks, a million files, warm`,
			target: `< ${MAP_MS} ms`,
			measured: `${number(warm)} ms (cold ${number(maps[0]!)} ms)`,
			met: warm < MAP_MS,
			how: `${setting} Timed is the map from changed pages to changes of files between the index before and the one after, which a capture brings up to date first (below); median of ${ROUNDS - 1} runs after a first.`,
		},
		{
			figure: "index of a million files, on disk",
			target: `<= ${BYTES_A_FILE} bytes a file`,
			measured: `${number(perFile)} bytes a file`,
			met: perFile <= BYTES_A_FILE,
			how: `The same image: the encoded index, and behind it what changed (${number(deltaBytes)} bytes).`,
		},
		{
			figure: "index brought up to date, a million files",
			target: "-",
			measured: `${number(median(updates))} ms, against ${number(fullMs)} ms for reading it all`,
			met: undefined,
			how: "The same image: metadata in the changed blocks is read again from the image in the page cache. Spread over the whole disk as they are here, the changes touch nearly every block of the inode tables: the worst case.",
		},
	];
}

function folderOf(root: string, file: number): string {
	const folder = Math.floor(file / FILES_A_FOLDER);
	return join(root, String(folder % 100), String(folder));
}

function pathOf(root: string, file: number): string {
	return join(folderOf(root, file), `file-${file}.dat`);
}

async function mounted(image: string, root: string, work: () => void): Promise<void> {
	await shell("mount", "-o", "loop,noatime", image, root);
	try {
		work();
	} finally {
		await shell("umount", root);
	}
}

async function shell(program: string, ...args: readonly string[]): Promise<void> {
	await using running = await startProgram(program, args);
	if ((await running.finished) !== 0) throw new Error(`${program} failed: ${running.output()}`);
}
