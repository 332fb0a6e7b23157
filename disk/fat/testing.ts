/** For the tests of this folder: images made by mkfs.fat and mkfs.exfat, filled by mtools or a mount, and what others say of them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, truncate, utimes, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { createRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { FileNode, Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import { ENTRY_SIZE } from "./boot-sector.ts";

const execute = promisify(execFile);
const ENVIRONMENT = {
	...process.env,
	PATH: `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`,
	// mtools takes names from the locale's letters, and times from the zone.
	LC_ALL: "C.UTF-8",
	TZ: "UTC",
	// It refuses sizes that are no floppy's.
	MTOOLS_SKIP_CHECK: "1",
};

/** Standard output. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
	const { stdout } = await execute(program, args, { env: ENVIRONMENT, maxBuffer: 1 << 28 });
	return stdout;
}

export async function runBytes(program: string, ...args: readonly string[]): Promise<Buffer> {
	return (await execute(program, args, { env: ENVIRONMENT, maxBuffer: 1 << 28, encoding: "buffer" })).stdout;
}

export async function emptyImage(path: string, size: number): Promise<string> {
	await writeFile(path, "");
	await truncate(path, size);
	return path;
}

/** Names, sizes and depths that FAT treats each in its own way. All times lie in an even second. */
export async function makeTree(root: string, scale = 1): Promise<void> {
	const random = createRandom(11);
	await mkdir(join(root, "sizes"), { recursive: true });
	for (const size of [0, 1, 511, 512, 513, 2048, 4095, 4096, 4097, 32768, 70_000, 300_001].map(
		(size) => size * scale,
	)) {
		await writeFile(join(root, "sizes", `${size}.bin`), random.bytes(size));
	}
	await mkdir(join(root, "names"));
	const names = [
		"UPPER.TXT",
		"lower.txt",
		"lower.EXT",
		"UPPER.ext",
		"NOEXT",
		"lower",
		"Mixed Case and Blanks.document",
		"many.dots.in.a.name.tar.gz",
		".hidden",
		"ends.with.13c",
		"exactly13char",
		"exactly-twenty-six-letters",
		"straße.txt",
		"ÉCOLE.TXT",
		"日本語.txt",
		// A longer one needs more than one cluster of 512 bytes, of which mtools adds only one.
		"n".repeat(195),
		"a,b;c=d[e]+f",
		"~tilde~1",
		"LONGFI~1.TXT",
		"Long file one.txt",
		"Long file two.txt",
	];
	for (const name of names) await writeFile(join(root, "names", name), name);
	await mkdir(join(root, "many"));
	for (let i = 0; i < 150; i++) await writeFile(join(root, "many", `a-file-with-a-longer-name-${i}`), String(i));
	let deep = join(root, "deep");
	for (let i = 0; i < 30; i++) deep = join(deep, `level ${i}`);
	await mkdir(deep, { recursive: true });
	await writeFile(join(deep, "still"), "found");
	await mkdir(join(root, "empty"));
	await settleTimes(root, random);
}

/** Gives every file a time of its own that FAT can hold, and The Sleuth Kit too: up to 2038. */
async function settleTimes(folder: string, random: { between(low: number, high: number): number }): Promise<void> {
	for (const entry of await readdir(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) await settleTimes(path, random);
		else {
			const time = random.between(320_000_000 / 2, 2_147_000_000 / 2) * 2;
			await utimes(path, time, time);
		}
	}
}

export async function copyIn(image: string, tree: string): Promise<void> {
	const entries = (await readdir(tree)).map((name) => join(tree, name));
	await run("mcopy", "-Q", "-s", "-m", "-i", image, ...entries, "::/");
}

/** The path of every name; the root is "". */
export function pathsOf({ root, links }: FilesystemScan): Map<string, number> {
	const folders = new Map([[root, ""]]);
	for (const { parent, name, inode } of links) folders.set(inode, `${folders.get(parent)}/${name}`);
	return new Map([...folders].map(([inode, path]) => [path, inode]));
}

export function hash(bytes: Uint8Array): string {
	return createHash("sha1").update(bytes).digest("hex");
}

/** Path, type, size, time and content of every file, and nothing besides. */
export async function compareWithFolder(fs: Filesystem, scan: FilesystemScan, tree: string): Promise<void> {
	const paths = pathsOf(scan);
	let seen = 1;
	const visit = async (folder: string, path: string): Promise<void> => {
		for (const entry of await readdir(folder)) {
			const below = `${path}/${entry}`;
			const inode = paths.get(below);
			assert.ok(inode !== undefined, `${below} is missing`);
			seen++;
			const node = await fs.node(inode);
			assert.deepEqual(node, scan.nodes.get(inode), below);
			const stat = await lstat(join(folder, entry));
			if (stat.isDirectory()) {
				assert.equal(node.type, "dir", below);
				await visit(join(folder, entry), below);
			} else {
				assert.equal(node.type, "file", below);
				assert.equal(node.size, stat.size, below);
				assert.equal(node.mtime, Math.floor(stat.mtimeMs / 1000), below);
				const content = await fs.readFile(node, 0, node.size);
				assert.equal(hash(content), hash(await readFile(join(folder, entry))), below);
			}
		}
	};
	await visit(tree, "");
	assert.equal(paths.size, seen);
}

interface SleuthkitFile {
	readonly inode: number;
	readonly size: number;
	readonly mtime: number;
	readonly created: number;
}

/** What fls says, by path, without what it invents. */
async function sleuthkitFiles(image: string): Promise<Map<string, SleuthkitFile>> {
	const files = new Map<string, SleuthkitFile>();
	for (const line of (await run("fls", "-r", "-m", "/", image)).trimEnd().split("\n")) {
		const fields = line.split("|");
		const [name = "", inode = "", mode = ""] = fields.slice(1);
		if (/\(deleted|^\/\$|Volume Label Entry|\(Volume GUID/.test(name) || mode.startsWith("v")) continue;
		files.set(name, {
			inode: Number.parseInt(inode, 10),
			size: Number(fields[6]),
			mtime: Number(fields[8]),
			created: Number(fields[10]),
		});
	}
	return files;
}

/** The sectors that istat lists, as ranges of bytes. */
async function sleuthkitSectors(image: string, inode: number, sectorSize: number): Promise<number[]> {
	const text = await run("istat", image, String(inode));
	const ranges: number[] = [];
	const list = /^Sectors:\n([\d\s]*)/m.exec(text)?.[1] ?? "";
	for (const sector of list.trim().split(/\s+/)) {
		const offset = Number(sector) * sectorSize;
		if (sector === "" || offset === 0) continue;
		if (ranges.at(-2)! + ranges.at(-1)! === offset) ranges[ranges.length - 1]! += sectorSize;
		else ranges.push(offset, sectorSize);
	}
	return ranges;
}

/**
 * The inode number of a file with an entry that The Sleuth Kit numbers `their`: it counts entries from 3 on, from `base`
 * on, where the area begins that it calls data.
 *
 * @param cluster the first of the file, as somebody else tells it; undefined where it has none.
 */
function inodeFrom(their: number, base: number, cluster: number | undefined): number {
	return cluster ?? 2 ** 32 + base / ENTRY_SIZE + their - 3;
}

export function bytesOf(ranges: Ranges): number {
	return ranges.reduce((sum, value, i) => sum + (i % 2 === 1 ? value : 0), 0);
}

/** Whether `ranges` are `whole` up to its first `bytes`. */
function assertStartOf(ranges: Ranges, whole: Ranges, about: string): void {
	let left = bytesOf(ranges);
	const start: number[] = [];
	for (let i = 0; i < whole.length && left > 0; i += 2) {
		start.push(whole[i]!, Math.min(left, whole[i + 1]!));
		left -= whole[i + 1]!;
	}
	assert.deepEqual(ranges, start, about);
}

/**
 * The same files as The Sleuth Kit finds, with their numbers, sizes and times; and of some their clusters and content.
 *
 * @param layout bytes: where the clusters begin and how long each is, from where on it counts `entries`, and how many
 * seconds a time may be later, of which it shows no fraction.
 */
export async function compareWithSleuthkit(
	fs: Filesystem,
	scan: FilesystemScan,
	image: string,
	layout: { readonly heap: number; readonly cluster: number; readonly entries: number; readonly lag: number },
): Promise<void> {
	const theirs = await sleuthkitFiles(image);
	const paths = pathsOf(scan);
	paths.delete("");
	// It shows what is not ASCII in a short name as ^.
	const shown = (path: string) => path.replace(/[ßÉ]/g, "^");
	assert.deepEqual([...theirs.keys()].map(shown).sort(), [...paths.keys()].map(shown).sort());
	const isLate = (time: number, their: number) => time < their || time >= their + layout.lag;
	for (const [at, [path, inode]] of [...paths].entries()) {
		const node = scan.nodes.get(inode)!;
		const their = theirs.get(path) ?? theirs.get(shown(path)) ?? assert.fail(path);
		const [start] = node.data;
		const first = start === undefined ? undefined : (start - layout.heap) / layout.cluster + 2;
		assert.equal(inode, inodeFrom(their.inode, layout.entries, first), path);
		assert.equal(node.size, their.size, path);
		assert.ok(!isLate(node.mtime, their.mtime), path);
		assert.ok(!isLate(node.ctime, their.created), path);
		if (at % 13 !== 0) continue;
		const sectors = await sleuthkitSectors(image, their.inode, fs.blockSize);
		assert.ok(bytesOf(sectors) >= node.size, path);
		assertStartOf(sectors, node.data, path);
		if (node.type !== "file") continue;
		const content = await runBytes("icat", image, String(their.inode));
		assert.equal(hash(await fs.readFile(node, 0, node.size)), hash(content), path);
	}
}

/** No cluster belongs to two, and all lie in the volume. */
export function assertDisjoint({ nodes, metadata }: FilesystemScan, size: number): void {
	const all: { offset: number; end: number; owner: string }[] = [];
	const add = (ranges: Ranges, owner: string) => {
		for (let i = 0; i < ranges.length; i += 2) {
			all.push({ offset: ranges[i]!, end: ranges[i]! + ranges[i + 1]!, owner });
		}
	};
	add(metadata, "the filesystem");
	for (const { inode, data, meta } of nodes.values()) {
		add(data, `inode ${inode}`);
		add(meta, `inode ${inode}`);
	}
	all.sort((a, b) => a.offset - b.offset);
	for (const [i, { offset, end, owner }] of all.entries()) {
		assert.ok(offset >= 0 && end > offset && end <= size, `${owner}: ${offset} to ${end}`);
		const next = all[i + 1];
		assert.ok(next === undefined || next.offset >= end, `${owner} and ${next?.owner} share ${next?.offset}`);
	}
}

export function nodeAt(scan: FilesystemScan, path: string): FileNode {
	const node = scan.nodes.get(pathsOf(scan).get(path) ?? -1);
	assert.ok(node !== undefined, `${path} is missing`);
	return node;
}

/** A file of exFAT as its entries, for tests that put what no tool writes into a directory. */
export interface SetOptions {
	readonly name: string;
	readonly attributes?: number;
	readonly firstCluster: number;
	readonly size: number;
	readonly validSize?: number;
	readonly contiguous?: boolean;
	/** As on disk: date in the high half, time in the low. */
	readonly modified?: number;
	readonly hundredths?: number;
	readonly utcOffset?: number;
	/** Clusters of somebody's addition to the file. */
	readonly vendor?: { readonly firstCluster: number; readonly size: number; readonly contiguous: boolean };
}

export function buildSet(options: SetOptions): Buffer {
	const names = Math.ceil(options.name.length / 15);
	const entries = 2 + names + (options.vendor === undefined ? 0 : 1);
	const set = Buffer.alloc(entries * ENTRY_SIZE);
	set[0] = 0x85;
	set[1] = entries - 1;
	set.writeUInt16LE(options.attributes ?? 0x20, 4);
	const modified = options.modified ?? 0x58000000;
	set.writeUInt32LE(modified, 8);
	set.writeUInt32LE(modified, 12);
	set[20] = options.hundredths ?? 0;
	set[21] = options.hundredths ?? 0;
	set[22] = options.utcOffset ?? 0x80;
	set[23] = options.utcOffset ?? 0x80;
	set[32] = 0xc0;
	set[33] = 1 | (options.contiguous === true ? 2 : 0);
	set[35] = options.name.length;
	set.writeBigUInt64LE(BigInt(options.validSize ?? options.size), 40);
	set.writeUInt32LE(options.firstCluster, 52);
	set.writeBigUInt64LE(BigInt(options.size), 56);
	for (let i = 0; i < names; i++) {
		set[(2 + i) * ENTRY_SIZE] = 0xc1;
		for (let j = 0; j < 15; j++) {
			const unit = options.name.charCodeAt(i * 15 + j);
			set.writeUInt16LE(Number.isNaN(unit) ? 0 : unit, (2 + i) * ENTRY_SIZE + 2 + j * 2);
		}
	}
	if (options.vendor !== undefined) {
		const at = (entries - 1) * ENTRY_SIZE;
		set[at] = 0xe1;
		set[at + 1] = options.vendor.contiguous ? 3 : 1;
		set.writeUInt32LE(options.vendor.firstCluster, at + 20);
		set.writeBigUInt64LE(BigInt(options.vendor.size), at + 24);
	}
	let sum = 0;
	for (const [at, byte] of set.entries()) {
		if (at !== 2 && at !== 3) sum = (((sum << 15) | (sum >>> 1)) + byte) & 0xffff;
	}
	set.writeUInt16LE(sum, 2);
	return set;
}

/** Where the tables, clusters and root of an exFAT image stand. */
export function exfatLayout(image: Buffer) {
	const sector = 1 << image[108]!;
	const cluster = sector << image[109]!;
	const heap = image.readUInt32LE(88) * sector;
	const root = image.readUInt32LE(96);
	return {
		cluster,
		fat: image.readUInt32LE(80) * sector,
		root,
		count: image.readUInt32LE(92),
		at: (number: number) => heap + (number - 2) * cluster,
	};
}

/** A volume with a few folders and files. */
export async function makeFat(image: string, bits: number, size: number, options: readonly string[]): Promise<void> {
	await using folder = await tempFolder();
	await emptyImage(image, size);
	await run("mkfs.fat", "-F", String(bits), ...options, image);
	const random = createRandom(5);
	const tree = folder.file("tree");
	await mkdir(join(tree, "folder/in a folder"), { recursive: true });
	for (let i = 0; i < 40; i++) await writeFile(join(tree, "folder", `file number ${i}`), random.bytes(i * 150));
	await writeFile(join(tree, "folder/in a folder/deep"), "deep");
	await writeFile(join(tree, "large"), random.bytes(60_000));
	await run("mcopy", "-s", "-i", image, join(tree, "folder"), join(tree, "large"), "::/");
}

/** Written here, as mounting one takes root: chains, neighbours, and folders of two clusters. The root is one cluster. */
export async function makeExfat(image: string): Promise<void> {
	await emptyImage(image, 4 << 20);
	await run("mkfs.exfat", "-c", "4K", image);
	const bytes = await readFile(image);
	const { fat, root, at, cluster } = exfatLayout(bytes);
	const chain = (clusters: readonly number[]) => {
		for (const [i, number] of clusters.entries()) bytes.writeUInt32LE(clusters[i + 1] ?? 0xffffffff, fat + number * 4);
	};
	let end = at(root);
	while (bytes[end] !== 0) end += 32;
	const add = (set: Buffer) => {
		set.copy(bytes, end);
		end += set.length;
	};
	chain([50, 60, 55]);
	add(buildSet({ name: "chained", firstCluster: 50, size: 2 * cluster + 100 }));
	add(
		buildSet({ name: "side by side", firstCluster: 70, size: 5 * cluster, validSize: cluster + 10, contiguous: true }),
	);
	add(buildSet({ name: "empty", firstCluster: 0, size: 0 }));
	for (const number of [50, 60, 55, 70, 71, 72]) bytes.fill(number, at(number), at(number) + cluster);
	// The sets of a folder span its clusters: 3 or 4 entries each, and 128 to a cluster.
	chain([40, 47]);
	add(buildSet({ name: "folder", attributes: 0x10, firstCluster: 40, size: 2 * cluster }));
	add(buildSet({ name: "neighbours", attributes: 0x10, firstCluster: 30, size: 2 * cluster, contiguous: true }));
	for (const places of [
		[at(40), at(47)],
		[at(30), at(31)],
	] as const) {
		const sets = Array.from({ length: 60 }, (_, i) =>
			buildSet({ name: `a file with a long name ${i}`, firstCluster: 0, size: 0 }),
		);
		sets.unshift(buildSet({ name: "short", firstCluster: 0, size: 0 }));
		const all = Buffer.concat(sets);
		all.copy(bytes, places[0], 0, cluster);
		all.copy(bytes, places[1], cluster);
	}
	await writeFile(image, bytes);
}
