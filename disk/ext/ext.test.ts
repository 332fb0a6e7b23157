import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { isExt, openExt } from "./ext.ts";
import { debugfs, has, makeImage, makeTree, openImage, pathsOf, run, temporaryFolder } from "./testing.ts";

const MIB = 1 << 20;

interface Variant {
	readonly name: string;
	readonly kind: string;
	readonly options: readonly string[];
	readonly size?: number;
	/** Whether The Sleuth Kit 4.11 understands it. */
	readonly sleuthkit?: false;
}

const VARIANTS: readonly Variant[] = [
	{ name: "ext2, 1 KiB blocks", kind: "ext2", options: ["-t", "ext2", "-b", "1024"] },
	{ name: "ext2, 4 KiB blocks", kind: "ext2", options: ["-t", "ext2", "-b", "4096"] },
	{ name: "ext2, revision 0", kind: "ext2", options: ["-t", "ext2", "-r", "0", "-O", "none"] },
	{
		name: "ext2 without filetype",
		kind: "ext2",
		options: ["-t", "ext2", "-O", "^filetype,^sparse_super,^resize_inode"],
	},
	{ name: "ext3, 1 KiB blocks", kind: "ext3", options: ["-t", "ext3", "-b", "1024"] },
	{ name: "ext3, 128 byte inodes", kind: "ext3", options: ["-t", "ext3", "-I", "128"] },
	{ name: "ext4", kind: "ext4", options: ["-t", "ext4"] },
	{ name: "ext4, 1 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "1024"] },
	{ name: "ext4, 2 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "2048"] },
	{ name: "ext4, 64 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "65536"], size: 256 * MIB },
	{ name: "128 byte inodes", kind: "ext4", options: ["-t", "ext4", "-I", "128"] },
	{ name: "1 KiB inodes", kind: "ext4", options: ["-t", "ext4", "-I", "1024"] },
	{ name: "no extents", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "^extent,^64bit"] },
	{ name: "no 64bit", kind: "ext4", options: ["-t", "ext4", "-O", "^64bit"] },
	{ name: "no flex_bg", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "^flex_bg"] },
	{ name: "small groups", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-g", "1024"] },
	{
		name: "meta_bg",
		kind: "ext4",
		options: ["-t", "ext4", "-b", "1024", "-g", "512", "-O", "meta_bg,^resize_inode"],
	},
	{
		name: "bigalloc",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "bigalloc", "-C", "65536"],
		size: 256 * MIB,
		sleuthkit: false,
	},
	{
		name: "bigalloc, 1 KiB blocks",
		kind: "ext4",
		options: ["-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "16384"],
		size: 256 * MIB,
		sleuthkit: false,
	},
	{ name: "sparse_super2", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "sparse_super2,^resize_inode"] },
	{ name: "inline_data", kind: "ext4", options: ["-t", "ext4", "-O", "inline_data"], sleuthkit: false },
	{
		name: "inline_data, 1 KiB inodes",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "inline_data", "-I", "1024"],
		sleuthkit: false,
	},
	{ name: "uninit_bg", kind: "ext4", options: ["-t", "ext4", "-O", "^metadata_csum,uninit_bg"] },
	{ name: "no checksums", kind: "ext4", options: ["-t", "ext4", "-O", "^metadata_csum"] },
	{ name: "metadata_csum_seed", kind: "ext4", options: ["-t", "ext4", "-O", "metadata_csum_seed"], sleuthkit: false },
	{ name: "large_dir", kind: "ext4", options: ["-t", "ext4", "-O", "large_dir"], sleuthkit: false },
	{
		name: "casefold",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "casefold", "-E", "encoding=utf8"],
		sleuthkit: false,
	},
	{ name: "encrypt", kind: "ext4", options: ["-t", "ext4", "-O", "encrypt,verity,stable_inodes"], sleuthkit: false },
	{ name: "ea_inode", kind: "ext4", options: ["-t", "ext4", "-O", "ea_inode"], sleuthkit: false },
	{ name: "mmp", kind: "ext4", options: ["-t", "ext4", "-O", "mmp"] },
	{ name: "quota and project", kind: "ext4", options: ["-t", "ext4", "-O", "quota,project"] },
	{ name: "orphan_file", kind: "ext4", options: ["-t", "ext4", "-O", "orphan_file"] },
	{ name: "fast_commit", kind: "ext4", options: ["-t", "ext4", "-O", "fast_commit"] },
	{ name: "no journal", kind: "ext4", options: ["-t", "ext4", "-O", "^has_journal"] },
];

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

function hash(bytes: Uint8Array): string {
	return createHash("sha1").update(bytes).digest("hex");
}

describe("openExt", () => {
	let folder: AsyncDisposable & { readonly path: string };
	let whole: string;
	/** mke2fs 1.47 cuts sparse files short where it writes inline data. */
	let withoutHoles: string;
	before(async () => {
		folder = await temporaryFolder();
		whole = join(folder.path, "whole");
		withoutHoles = join(folder.path, "without-holes");
		await makeTree(whole);
		await makeTree(withoutHoles, false);
	});
	after(() => folder[Symbol.asyncDispose]());

	for (const variant of VARIANTS) {
		it(`reads ${variant.name} as mke2fs wrote it, e2fsprogs and The Sleuth Kit show it`, async (t) => {
			if (!(await has(t, "mke2fs", "debugfs", "fls"))) return;
			const tree = variant.options.includes("inline_data") ? withoutHoles : whole;
			await using own = await temporaryFolder();
			const image = join(own.path, "image");
			await makeImage(image, variant.size ?? 64 * MIB, ["-L", "umbra", ...variant.options], tree);
			await using source = await openImage(image);
			assert.ok(isExt(await source.read(0, 4096)));
			const fs = await openExt(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			assert.equal(fs.kind, variant.kind);
			assert.equal(fs.label, "umbra");
			assert.equal(fs.usedBytes + fs.freeBytes, source.size - (source.size % fs.blockSize));

			const paths = pathsOf(scan);
			await compareWithFolder(fs, paths, tree);
			await compareWithDebugfs(fs, image, [...scan.nodes.values()]);
			if (variant.sleuthkit !== false) await compareWithSleuthkit(image, paths, scan.nodes);
			await accountForAllBlocks(image, fs.blockSize, scan);
		});
	}

	async function compareWithFolder(fs: Filesystem, paths: ReadonlyMap<string, number>, root: string): Promise<void> {
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
					assert.equal(hash(await fs.readFile(node, 0, node.size)), hash(await readFile(full)), below);
				}
			}
		};
		await visit(Buffer.from(root), "");
		// Besides what was put in: the root and lost+found.
		assert.equal(paths.size, seen + 2);
	}

	async function compareWithDebugfs(fs: Filesystem, image: string, nodes: readonly FileNode[]): Promise<void> {
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

	async function compareWithSleuthkit(
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
	async function accountForAllBlocks(
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
		const last = Math.max(...owner.keys());
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
});
