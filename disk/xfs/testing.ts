/** For the tests of this folder: images made by mkfs.xfs, filled by the kernel, and what both it and xfs_db say of them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
	chmod,
	chown,
	copyFile,
	link,
	lstat,
	mkdir,
	open,
	readdir,
	readFile,
	readlink,
	rename,
	rm,
	symlink,
	truncate,
	utimes,
	writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Needs } from "../../test/support/requires.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { makeTree, pathsOf, random, randomBytes, run } from "../ext/testing.ts";
import type { FileNode, Filesystem, FilesystemScan, FileType } from "../filesystem.ts";
import { decodeName } from "../parser/names.ts";
import { openFile } from "../source/file.ts";
import { openXfs } from "./xfs.ts";

const MIB = 1 << 20;
/** Content is compared up to here; of larger files only what is not a hole. */
const MAX_CONTENT = 64 * MIB;

/** Tests that have the kernel as their judge: it must know XFS, and they must be root to mount. */
export function needsMount(...programs: readonly string[]): Needs {
	const found = needs("mkfs.xfs", "xfs_db", "xfs_io", "setfattr", ...programs);
	if (found.skip !== false) return found;
	const known = readFileSync("/proc/filesystems", "utf8").split(/\s/).includes("xfs");
	return known && process.getuid?.() === 0 ? found : { skip: "needs root and a kernel that mounts XFS" };
}

export async function makeImage(path: string, megabytes: number, options: readonly string[]): Promise<void> {
	await writeFile(path, "");
	await truncate(path, megabytes * MIB);
	await run("mkfs.xfs", ["-q", "-f", ...options, path]);
}

/**
 * Makes an image that holds a tree, through mkfs.xfs alone. Names with blanks are left out: its prototype files cannot
 * say them. Returns the paths that are in.
 */
export async function makeImageOf(
	path: string,
	megabytes: number,
	options: readonly string[],
	tree: string,
): Promise<Set<string>> {
	const lines = ["/none", "0 0"];
	const named = new Set<string>();
	const visit = async (folder: string, name: string, below: string): Promise<void> => {
		const stat = await lstat(folder);
		const permissions = (stat.mode & 0o777).toString(8).padStart(3, "0");
		const kind = stat.isDirectory() ? "d" : stat.isSymbolicLink() ? "l" : "-";
		const what = kind === "l" ? ` ${await readlink(folder)}` : kind === "-" ? ` ${folder}` : "";
		lines.push(`${name} ${kind}--${permissions} 1000 100${what}`);
		named.add(below);
		if (kind !== "d") return;
		for (const entry of await readdir(folder)) {
			// A name that is no text does not come back from readdir as it is.
			if (!/[\s\ufffd]/.test(entry)) await visit(join(folder, entry), entry, `${below}/${entry}`);
		}
		lines.push("$");
	};
	await visit(tree, "", "");
	const prototype = `${path}.prototype`;
	await writeFile(prototype, `${lines.join("\n")}\n`);
	await makeImage(path, megabytes, [...options, "-p", prototype]);
	return named;
}

/** Mounts an image while `use` runs. */
export async function mounted<T>(image: string, use: (root: string) => Promise<T>, option = "rw"): Promise<T> {
	const root = `${image}.mount`;
	await mkdir(root, { recursive: true });
	await run("mount", ["-t", "xfs", "-o", `loop,${option}`, image, root]);
	try {
		return await use(root);
	} finally {
		await run("umount", [root]);
		await rm(root, { recursive: true });
	}
}

/** What XFS treats each in its own way: every form of directory, fork and file. */
export async function fillTree(root: string, blockSize: number): Promise<void> {
	const next = random(11);
	await makeTree(root);
	await mkdir(join(root, "empty"));
	await mkdir(join(root, "forms"));
	for (const [form, count] of [
		["short", 3],
		["block", 25],
		["node", 3000],
	] as const) {
		await mkdir(join(root, "forms", form));
		for (let i = 0; i < count; i++) await writeFile(join(root, "forms", form, `entry-${form}-${i}`), "");
	}
	// Every second name goes, so that there are gaps, and whole blocks of the directory become holes.
	for (let i = 0; i < 3000; i += 2) await rm(join(root, "forms", "node", `entry-node-${i}`));
	for (let i = 1001; i < 2000; i += 2) await rm(join(root, "forms", "node", `entry-node-${i}`));
	await fragmentedDirectory(join(root, "forms", "btree"), blockSize);
	await specialFiles(join(root, "special"));

	await mkdir(join(root, "files"));
	const files = join(root, "files");
	await stripes(join(files, "fragmented"), blockSize, blockSize > 4096 ? 300 : 6000, next);
	await stripes(join(files, "few"), blockSize, 12, next);
	await run("fallocate", ["-l", "3000000", join(files, "unwritten")]);
	await writeFile(join(files, "beyond-its-end"), "short");
	await run("fallocate", ["-n", "-l", "3000000", join(files, "beyond-its-end")]);
	await writeFile(join(files, "half-written"), randomBytes(next, 1_000_000));
	await run("fallocate", ["-z", "-o", "200000", "-l", "300000", join(files, "half-written")]);
	await run("fallocate", ["-p", "-o", "600000", "-l", "100000", join(files, "half-written")]);
	await truncate(join(files, "half-written"), 999_999);
	await writeFile(join(files, "huge"), "begin");
	await using huge = await open(join(files, "huge"), "r+");
	await huge.write("end", 2 ** 43 / 8);
	await mkdir(join(root, "links"));
	await writeFile(join(root, "links", "first"), "of many");
	for (let i = 0; i < 500; i++) await link(join(root, "links", "first"), join(root, "links", `link-${i}`));
	let deep = root;
	for (let i = 0; i < 60; i++) {
		deep = join(deep, `d${i}`);
		await mkdir(deep);
	}
	await symlink("x".repeat(1023), join(root, "longest-link"));
	await symlink("y".repeat(600), join(root, "link-of-600"));
	await chown(join(files, "few"), 4_000_000_000, 3_000_000_000);
	await chmod(join(files, "few"), 0o6751);
	await utimes(join(files, "few"), 0, -1_000_000_000.5);
	for (const [name, size, count] of [
		["attributes", 300, 3],
		["many-attributes", 2000, 120],
		["large-attribute", 60_000, 1],
	] as const) {
		await writeFile(join(files, name), name);
		const values = Array.from({ length: count }, (_, i) => `user.name-${i}="${"v".repeat(size)}"`);
		await writeFile(join(root, "dump"), `# file: ${join(files, name)}\n${values.join("\n")}\n`);
		await run("setfattr", [`--restore=${join(root, "dump")}`]);
	}
	await rm(join(root, "dump"));
}

/** A directory whose blocks lie between those of its files, so that its extents need a tree. */
async function fragmentedDirectory(path: string, blockSize: number): Promise<void> {
	await mkdir(path);
	const count = blockSize > 4096 ? 300 : 1200;
	for (let i = 0; i < count; i++) {
		await using file = await open(join(path, `${i}-${"n".repeat(200)}`), "w");
		await file.write(String(i));
		if (i % 4 === 0) await file.sync();
	}
}

async function specialFiles(path: string): Promise<void> {
	await mkdir(path);
	await run("mknod", [join(path, "char"), "c", "1", "3"]);
	await run("mknod", [join(path, "block"), "b", "259", "70000"]);
	await run("mknod", [join(path, "fifo"), "p"]);
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(join(path, "s"), resolve));
	// Closing removes the name that was listened on.
	await rename(join(path, "s"), join(path, "socket"));
	await new Promise((resolve) => server.close(resolve));
}

/** A file of which every second block is a hole. */
async function stripes(path: string, blockSize: number, count: number, next: () => number): Promise<void> {
	await using file = await open(path, "w");
	for (let i = 0; i < count; i++) {
		await file.write(Buffer.alloc(blockSize, 1 + Math.floor(next() * 255)), 0, blockSize, i * 2 * blockSize);
	}
}

/** Files that share their blocks, wholly and in part. */
export async function shareBlocks(root: string): Promise<void> {
	const original = join(root, "sizes", "1500000.bin");
	await mkdir(join(root, "shared"));
	await run("cp", ["--reflink=always", original, join(root, "shared", "whole")]);
	await run("cp", ["--reflink=always", original, join(root, "shared", "rewritten")]);
	await using rewritten = await open(join(root, "shared", "rewritten"), "r+");
	await rewritten.write(Buffer.alloc(70_000, "new"), 0, 70_000, 500_000);
	await copyFile(original, join(root, "shared", "copy"));
}

/** A file as the kernel shows it. */
export interface Seen {
	readonly inode: number;
	readonly type: FileType;
	readonly size: number;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly nlink: number;
	readonly mtime: number;
	readonly ctime: number;
	/** Hash of the content, target of a symlink, else empty. */
	readonly content: string;
}

const TYPES = new Map<number, FileType>([
	[1, "fifo"],
	[2, "char"],
	[4, "dir"],
	[6, "block"],
	[8, "file"],
	[10, "symlink"],
	[12, "socket"],
]);

/** Every path below a mount point; "" is the root. */
export async function readMount(root: string): Promise<Map<string, Seen>> {
	const seen = new Map<string, Seen>();
	const visit = async (path: Buffer, name: string): Promise<void> => {
		const stat = await lstat(path, { bigint: true });
		const mode = Number(stat.mode);
		const type = TYPES.get(mode >>> 12)!;
		let content = "";
		if (type === "file" && stat.size <= MAX_CONTENT) content = hash(await readFile(path));
		if (type === "symlink") content = (await readlink(path, "buffer")).toString();
		seen.set(name, {
			inode: Number(stat.ino),
			type,
			size: Number(stat.size),
			mode,
			uid: Number(stat.uid),
			gid: Number(stat.gid),
			nlink: Number(stat.nlink),
			mtime: seconds(stat.mtimeNs),
			ctime: seconds(stat.ctimeNs),
			content,
		});
		if (type !== "dir") return;
		for (const entry of await readdir(path, "buffer")) {
			await visit(Buffer.concat([path, Buffer.from("/"), entry]), `${name}/${decodeName(entry, 0, entry.length)}`);
		}
	};
	await visit(Buffer.from(root), "");
	return seen;
}

function seconds(nanoseconds: bigint): number {
	const below = ((nanoseconds % 10n ** 9n) + 10n ** 9n) % 10n ** 9n;
	return Number((nanoseconds - below) / 10n ** 9n) + Number(below) / 1e9;
}

export function hash(bytes: Uint8Array): string {
	return createHash("sha1").update(bytes).digest("hex");
}

/** Asserts that a scan, and reading every file, show what the kernel showed. */
export async function assertSame(
	fs: Filesystem,
	scan: FilesystemScan,
	wanted: ReadonlyMap<string, Seen>,
): Promise<void> {
	const paths = pathsOf(scan);
	assert.deepEqual([...paths.keys()].sort(), [...wanted.keys()].sort());
	for (const [path, seen] of wanted) {
		const node = scan.nodes.get(paths.get(path)!)!;
		const { inode, type, size, mode, uid, gid, nlink, mtime, ctime } = node;
		const content = await contentOf(fs, node);
		assert.deepEqual({ inode, type, size, mode, uid, gid, nlink, mtime, ctime, content }, seen, path);
	}
}

async function contentOf(fs: Filesystem, node: FileNode): Promise<string> {
	if (node.type === "symlink") return fs.readLink(node);
	if (node.type !== "file" || node.size > MAX_CONTENT) return "";
	return hash(await fs.readFile(node, 0, node.size));
}

export interface Geometry {
	readonly blockSize: number;
	readonly agBlocks: number;
	readonly blocks: number;
	readonly free: number;
}

export async function geometryOf(image: string): Promise<Geometry> {
	const text = (
		await run("xfs_db", ["-r", "-c", "sb 0", "-c", "p blocksize agblocks dblocks fdblocks", image])
	).toString();
	const [blockSize, agBlocks, blocks, free] = text.match(/\d+$/gm)!.map(Number);
	return { blockSize: blockSize!, agBlocks: agBlocks!, blocks: blocks!, free: free! };
}

/** What xfs_db says of an inode. */
export interface Core {
	readonly mode: number;
	readonly size: number;
	readonly uid: number;
	readonly gid: number;
	readonly nlink: number;
	readonly mtime: number;
	readonly generation: number;
	/** Blocks of the inode, those of trees and attributes among them. */
	readonly blocks: number;
	readonly data: number[];
	readonly attributes: number[];
}

const INODES_AT_ONCE = 500;

export async function readCores(image: string, inodes: readonly number[]): Promise<Map<number, Core>> {
	const { blockSize, agBlocks } = await geometryOf(image);
	const cores = new Map<number, Core>();
	for (let first = 0; first < inodes.length; first += INODES_AT_ONCE) {
		const some = inodes.slice(first, first + INODES_AT_ONCE);
		const fields = "core.mode core.size core.uid core.gid core.nlinkv2 core.mtime core.gen core.nblocks";
		const commands = some.flatMap((inode) => {
			const each = [`inode ${inode}`, `echo ===${inode}`, `p ${fields}`, "bmap", "bmap -a"];
			return each.flatMap((command) => ["-c", command]);
		});
		const text = (await run("xfs_db", ["-r", ...commands, image])).toString();
		for (const part of text.split("===").slice(1)) {
			const field = (name: string) => new RegExp(`^core\\.${name} = (.*)$`, "m").exec(part)?.[1] ?? "";
			const ranges = (fork: string) => {
				const found: number[] = [];
				const lines = part.matchAll(
					new RegExp(`^${fork} offset \\d+ startblock \\d+ \\((\\d+)/(\\d+)\\) count (\\d+)`, "gm"),
				);
				for (const [, group, agblock, count] of lines) {
					const offset = (Number(group) * agBlocks + Number(agblock)) * blockSize;
					const length = Number(count) * blockSize;
					if (found.length > 0 && found.at(-2)! + found.at(-1)! === offset) found[found.length - 1]! += length;
					else found.push(offset, length);
				}
				return found;
			};
			cores.set(Number.parseInt(part, 10), {
				mode: Number.parseInt(field("mode"), 8),
				size: Number(field("size")),
				uid: Number(field("uid")),
				gid: Number(field("gid")),
				nlink: Number(field("nlinkv2")),
				mtime: Date.parse(`${field("mtime\\.sec")} UTC`) / 1000 + Number(field("mtime\\.nsec")) / 1e9,
				generation: Number(field("gen")),
				blocks: Number(field("nblocks")),
				data: ranges("data"),
				attributes: ranges("attr"),
			});
		}
	}
	return cores;
}

/** Asserts that the scan's inodes are as xfs_db shows them, down to the last block. */
export async function assertCores(image: string, scan: FilesystemScan): Promise<void> {
	const cores = await readCores(image, [...scan.nodes.keys()]);
	const { blockSize } = await geometryOf(image);
	assert.equal(cores.size, scan.nodes.size);
	for (const [inode, node] of scan.nodes) {
		const core = cores.get(inode)!;
		const { mode, size, uid, gid, nlink, mtime, generation, data } = node;
		const blocks = (total(data) + total(node.meta)) / blockSize;
		const found = { mode, size, uid, gid, nlink, mtime, generation, blocks, data };
		const { attributes, ...wanted } = core;
		assert.deepEqual(found, wanted, `inode ${inode}`);
		const meta = new Set(blocksOf(node.meta, blockSize));
		for (const block of blocksOf(attributes, blockSize)) assert.ok(meta.has(block), `inode ${inode}: ${block}`);
	}
}

function total(ranges: readonly number[]): number {
	let sum = 0;
	for (let i = 1; i < ranges.length; i += 2) sum += ranges[i]!;
	return sum;
}

export function* blocksOf(ranges: readonly number[], blockSize: number): Generator<number> {
	for (let i = 0; i < ranges.length; i += 2) {
		for (let at = 0; at < ranges[i + 1]!; at += blockSize) yield (ranges[i]! + at) / blockSize;
	}
}

/** Asserts that every block is a file's, metadata, journal or free as xfs_db lists it: once, but for shared content. */
export async function assertEveryBlock(image: string, scan: FilesystemScan, shared: boolean): Promise<void> {
	const { blockSize, agBlocks, blocks } = await geometryOf(image);
	const owner: (string | undefined)[] = Array.from({ length: blocks });
	const claim = (ranges: readonly number[], who: string, mayShare: boolean) => {
		for (const block of blocksOf(ranges, blockSize)) {
			if (!mayShare) assert.equal(owner[block], undefined, `block ${block} of ${who}`);
			owner[block] = who;
		}
	};
	claim(scan.metadata, "metadata", false);
	claim(scan.journal, "journal", false);
	for (const node of scan.nodes.values()) claim(node.meta, `meta of ${node.inode}`, false);
	for (const node of scan.nodes.values()) {
		for (const block of blocksOf(node.data, blockSize)) {
			const before = owner[block];
			assert.ok(before === undefined || (shared && before === "data"), `block ${block} of ${node.inode}: ${before}`);
			owner[block] = "data";
		}
	}
	// The list has the blocks set aside for the trees too, which are metadata here.
	const text = (await run("xfs_db", ["-r", "-c", "freesp -d", image])).toString();
	for (const [, group, agblock, count] of text.matchAll(/^ *(\d+) +(\d+) +(\d+)$/gm)) {
		const start = Number(group) * agBlocks + Number(agblock);
		for (let block = start; block < start + Number(count); block++) {
			assert.ok(owner[block] === undefined || owner[block] === "metadata", `free block ${block} of ${owner[block]}`);
			owner[block] ??= "free";
		}
	}
	assert.equal(owner.indexOf(undefined), -1, "a block that nobody owns");
}

/** mkfs.xfs options that change the format, a few of which every run of the tests tries. */
export interface Variant {
	readonly name: string;
	readonly options: readonly string[];
	readonly megabytes?: number;
	readonly reflink?: false;
	/** Only in the long tests. */
	readonly long?: true;
}

export const VARIANTS: readonly Variant[] = [
	{ name: "as mkfs.xfs makes it", options: [] },
	{ long: true, name: "1 KiB blocks", options: ["-b", "size=1024"] },
	{ name: "64 KiB blocks", options: ["-b", "size=65536", "-m", "reflink=0"], megabytes: 2048, reflink: false },
	{ long: true, name: "reverse map", options: ["-m", "rmapbt=1"] },
	{
		long: true,
		name: "no optional trees, no bigtime",
		options: ["-m", "finobt=0,reflink=0,bigtime=0,inobtcount=0", "-i", "sparse=0"],
		reflink: false,
	},
	{ long: true, name: "nrext64", options: ["-i", "nrext64=1"] },
	{ long: true, name: "2 KiB inodes", options: ["-i", "size=2048"] },
	{ long: true, name: "64 KiB directory blocks", options: ["-n", "size=65536"] },
	{ name: "8 KiB directory blocks of 1 KiB blocks", options: ["-b", "size=1024", "-n", "size=8192"] },
	{ long: true, name: "4 KiB sectors", options: ["-s", "size=4096"] },
	{ long: true, name: "many groups, striped", options: ["-d", "agcount=16,su=64k,sw=4"], megabytes: 2048 },
	{ long: true, name: "a long log stripe", options: ["-l", "su=256k"] },
];

/** Fills an image, and asserts that reading it shows what the kernel and xfs_db show. */
export async function assertVariant(variant: Variant): Promise<void> {
	await using folder = await tempFolder();
	const image = folder.file("image");
	await makeImage(image, variant.megabytes ?? 512, ["-L", "a label", ...variant.options]);
	const { blockSize } = await geometryOf(image);
	await mounted(image, async (root) => {
		await fillTree(root, blockSize);
		if (variant.reflink !== false) await shareBlocks(root);
	});
	const wanted = await mounted(image, readMount, "ro");
	await using source = await openFile(image);
	const fs = await openXfs(source);
	const scan = await fs.scan();
	assert.deepEqual(fs.problems, []);
	assert.equal(fs.label, "a label");
	assert.equal(fs.blockSize, blockSize);
	const { blocks, free } = await geometryOf(image);
	assert.equal(fs.freeBytes, free * blockSize);
	assert.equal(fs.usedBytes, (blocks - free) * blockSize);
	await assertSame(fs, scan, wanted);
	await assertCores(image, scan);
	await assertEveryBlock(image, scan, variant.reflink !== false);
}
