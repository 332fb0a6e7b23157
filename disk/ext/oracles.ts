/** For the tests of this folder: what a folder, e2fsprogs and The Sleuth Kit say of an image, against what we read. */
import assert from "node:assert/strict";
import { lstat, open, readdir, readlink } from "node:fs/promises";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { debugfs, run } from "./testing.ts";

/** Compared at a time, in bytes. */
const WINDOW = 4 * 1024 * 1024;

/** What debugfs's `stat` lists behind EXTENTS or BLOCKS, as byte ranges. */
function parseBlocks(stat: string, blockSize: number): { data: number[]; meta: number[] } {
	const data: number[] = [];
	const meta: number[] = [];
	const list = /^(?:EXTENTS|BLOCKS):\n(.*)/ms.exec(stat)?.[1] ?? "";
	for (const [, tree, first, last] of list.matchAll(/\((?:([A-Z]+\d*)|[^)]*)\):(\d+)(?:-(\d+))?/g)) {
		const start = Number(first) * blockSize;
		const length = (Number(last ?? first) - Number(first) + 1) * blockSize;
		const ranges = tree === undefined ? data : meta;
		if (ranges.length > 0 && ranges.at(-2)! + ranges.at(-1)! === start) ranges[ranges.length - 1]! += length;
		else ranges.push(start, length);
	}
	return { data, meta };
}

function sorted(ranges: readonly number[]): number[][] {
	const pairs: number[][] = [];
	for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
	return pairs.sort((a, b) => a[0]! - b[0]!);
}

/** Ranges as the blocks that they are made of. */
function blocks(ranges: readonly number[], blockSize: number): number[] {
	const found: number[] = [];
	for (const [offset, length] of sorted(ranges)) {
		for (let at = offset!; at < offset! + length!; at += blockSize) found.push(at / blockSize);
	}
	return found.sort((a, b) => a - b);
}

async function compareContent(fs: Filesystem, node: FileNode, path: Buffer, about: string): Promise<void> {
	await using file = await open(path);
	const length = Math.min(WINDOW, node.size);
	const buffer = Buffer.alloc(length);
	for (let at = 0; at < node.size; at += length) {
		const { bytesRead } = await file.read(buffer, 0, length, at);
		const found = await fs.readFile(node, at, length);
		assert.equal(found.length, bytesRead, about);
		assert.equal(Buffer.compare(found, buffer.subarray(0, bytesRead)), 0, `${about}, from byte ${at} on`);
	}
}

export async function compareWithFolder(
	fs: Filesystem,
	paths: ReadonlyMap<string, number>,
	root: string,
): Promise<void> {
	let seen = 0;
	const visit = async (directory: Buffer, path: string): Promise<void> => {
		for (const entry of await readdir(directory, { encoding: "buffer" })) {
			const full = Buffer.concat([directory, Buffer.from("/"), entry]);
			const bad = entry.includes(0xff);
			const below = `${path}/${bad ? "bad-\\xff\\xc3(" : entry.toString()}`;
			const inode = paths.get(below);
			assert.ok(inode !== undefined, `${below} is missing`);
			seen++;
			const node = await fs.node(inode);
			const stat = await lstat(full);
			assert.equal(node.mode, stat.mode, below);
			assert.equal(node.uid, stat.uid, below);
			if (stat.isDirectory()) {
				assert.equal(node.type, "dir");
				await visit(full, below);
			} else if (stat.isSymbolicLink()) {
				assert.equal(await fs.readLink(node), await readlink(full), below);
			} else {
				assert.equal(node.size, stat.size, below);
				await compareContent(fs, node, full, below);
			}
		}
	};
	await visit(Buffer.from(root), "");
	// Besides what was put in: the root and lost+found.
	assert.equal(paths.size, seen + 2);
}

export async function compareWithDebugfs(fs: Filesystem, image: string, nodes: readonly FileNode[]): Promise<void> {
	const stats = await debugfs(
		image,
		nodes.map((node) => `stat <${node.inode}>`),
	);
	assert.equal(stats.length, nodes.length);
	for (const [i, node] of nodes.entries()) {
		const stat = stats[i]!;
		const number = (pattern: RegExp, base = 10) => Number.parseInt(pattern.exec(stat)?.[1] ?? "", base);
		const about = `inode ${node.inode}: ${stat}`;
		assert.equal(node.size, number(/Size: (\d+)/), about);
		assert.equal(node.nlink, number(/Links: (\d+)/), about);
		assert.equal(node.generation, number(/Generation: (\d+)/), about);
		assert.equal(node.mode & 0o7777, number(/Mode:\s+(\d+)/, 8), about);
		const mtime = /mtime: 0x([0-9a-f]+)(?::([0-9a-f]+))?/.exec(stat)!;
		const extra = Number.parseInt(mtime[2] ?? "0", 16);
		const seconds = (Number.parseInt(mtime[1]!, 16) | 0) + (extra & 3) * 2 ** 32 + (extra >>> 2) / 1e9;
		assert.ok(Math.abs(node.mtime - seconds) < 1e-6, about);
		const { data, meta } = parseBlocks(stat, fs.blockSize);
		assert.deepEqual(node.data, data, about);
		const acl = number(/File ACL: (\d+)/);
		const wanted = acl > 0 ? [...meta, acl * fs.blockSize, fs.blockSize] : meta;
		assert.deepEqual(blocks(node.meta, fs.blockSize), blocks(wanted, fs.blockSize), about);
	}
}

export async function compareWithSleuthkit(
	image: string,
	paths: ReadonlyMap<string, number>,
	nodes: ReadonlyMap<number, FileNode>,
): Promise<void> {
	const listing = (await run("fls", ["-r", "-m", "/", image])).toString("latin1").trimEnd().split("\n");
	const theirs = new Map<number, { mode: string; size: number; mtime: number }>();
	for (const line of listing) {
		const fields = line.split("|");
		if (fields.length !== 11 || fields[1]!.includes("$OrphanFiles") || fields[1]!.includes("(deleted")) continue;
		theirs.set(Number.parseInt(fields[2]!, 10), {
			mode: fields[3]!,
			size: Number(fields[6]),
			mtime: Number(fields[8]),
		});
	}
	const ours = new Set([...paths.values()].filter((inode) => inode !== 2));
	assert.equal(theirs.size, ours.size);
	for (const inode of ours) {
		const node = nodes.get(inode)!;
		const their = theirs.get(inode);
		assert.ok(their !== undefined, `The Sleuth Kit does not show inode ${inode}`);
		if (node.type !== "dir") assert.equal(node.size, their.size);
		// It knows no epoch bits: seconds beyond 2038 are cut to 32 bits.
		assert.equal(Math.floor(node.mtime) | 0, their.mtime | 0);
	}
}

/** Every block that the bitmaps count as used must be somebody's, and none anybody's twice. */
export async function accountForAllBlocks(
	image: string,
	blockSize: number,
	scan: Awaited<ReturnType<Filesystem["scan"]>>,
): Promise<void> {
	const owner = new Map<number, string>();
	const claim = (ranges: readonly number[], name: string) => {
		for (const block of blocks(ranges, blockSize)) {
			assert.equal(owner.get(block), undefined, `block ${block} belongs to ${owner.get(block)} and ${name}`);
			owner.set(block, name);
		}
	};
	claim(scan.metadata, "the filesystem");
	claim(scan.journal, "the journal");
	for (const node of scan.nodes.values()) {
		claim(node.data, `inode ${node.inode}`);
		claim(node.meta, `the tree of inode ${node.inode}`);
	}
	const last = owner.keys().reduce((most, block) => Math.max(most, block), 0);
	const [answer] = await debugfs(image, [`testb 1 ${last}`]);
	const used = answer!
		.trim()
		.split("\n")
		.flatMap((line) => (/^Block (\d+) marked in use/.test(line) ? [Number(/\d+/.exec(line)![0])] : []));
	const cluster = Number(/^Cluster size:\s+(\d+)/m.exec((await debugfs(image, ["stats -h"]))[0]!)?.[1] ?? blockSize);
	const clusters = new Set([...owner.keys()].map((block) => Math.floor((block * blockSize) / cluster)));
	for (const block of used) {
		assert.ok(clusters.has(Math.floor((block * blockSize) / cluster)), `block ${block} is in use and nobody's`);
	}
	assert.ok(used.length > 0);
}
