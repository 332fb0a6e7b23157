import assert from "node:assert/strict";
import { chown, link, mkdir, utimes, writeFile } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { BLOCK_SIZE, isZero } from "../common/block.ts";
import { testRandom } from "../test/support/random.ts";
import { needs } from "../test/support/requires.ts";
import { tempFolder } from "../test/support/temp.ts";
import { openExt } from "./ext/ext.ts";
import { makeImage, makeTree } from "./ext/testing.ts";
import type { FileNode, Filesystem } from "./filesystem.ts";
import { damage } from "./fuzz/damage.ts";
import { DamagedSource, PAGE } from "./fuzz/damaged-source.ts";
import { loadImage } from "./fuzz/memory-image.ts";
import { type Open, ours } from "./fuzz/read-everything.ts";
import type { ListedNode } from "./listing.ts";
import { ORPHANS } from "./ntfs/links.ts";
import { openNtfs } from "./ntfs/ntfs.ts";
import { makeVolume, mount, needsNtfs, reparseData, setAttribute, setFlags } from "./ntfs/testing.ts";
import type { BlockSource } from "./source/source.ts";
import { makeImageOf } from "./xfs/testing.ts";
import { openXfs } from "./xfs/xfs.ts";

const SIZE = 16 << 20;
const XFS_MEGABYTES = 320;
const NTFS_SIZE = 8 << 20;
const RECORD_SIZE = 1024;
const FILE_MAGIC = 0x454c4946;
const READ_ONLY = 1;
const DAMAGED = 40;

const line = (parent: number, name: string, node: ListedNode): string => {
	const { inode, type, size, mode, uid, gid, nlink, mtime } = node;
	return JSON.stringify({ parent, name, inode, type, size, mode, uid, gid, nlink, mtime });
};

async function listed(filesystem: Filesystem, top: number): Promise<string[]> {
	const lines: string[] = [];
	await filesystem.list!(top, (parent, name, node) => {
		lines.push(line(parent, String(name), node));
		// Some readers are slow.
		return lines.length % 100 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
	});
	return lines;
}

/** What a scan says below `top`. */
async function scanned(filesystem: Filesystem, top: number): Promise<string[]> {
	const { nodes, links } = await filesystem.scan();
	const inside = new Set([top]);
	const lines: string[] = [];
	for (const { parent, name, inode } of links) {
		if (!inside.has(parent)) continue;
		const node = nodes.get(inode) as FileNode;
		if (node.type === "dir") inside.add(inode);
		lines.push(line(parent, name, node));
	}
	return lines;
}

async function checkWhole(open: Open, source: BlockSource, wanted: number): Promise<void> {
	const filesystem = await open(source);
	const lines = await scanned(filesystem, filesystem.root);
	assert.ok(lines.length >= wanted, `${lines.length} names`);
	assert.deepEqual(await listed(filesystem, filesystem.root), lines);
	const deep = await filesystem.lookup("/deep");
	assert.equal((await listed(filesystem, deep.inode)).length, 4);
	assert.deepEqual(await listed(filesystem, deep.inode), await scanned(filesystem, deep.inode));
	assert.deepEqual(filesystem.problems, []);
	const abort = new AbortController();
	const aborted = filesystem.list!(filesystem.root, () => void abort.abort(), abort.signal);
	await assert.rejects(aborted, (error) => (error as Error).name === "AbortError");
	const failure = new Error("the reader failed");
	await assert.rejects(
		filesystem.list!(filesystem.root, () => Promise.reject(failure)),
		failure,
	);
}

async function usedPages(source: BlockSource): Promise<number[]> {
	const places: number[] = [];
	for (let start = 0; start < source.size; start += BLOCK_SIZE) {
		const block = Buffer.from(await source.read(start, Math.min(BLOCK_SIZE, source.size - start)));
		if (isZero(block)) continue;
		for (let at = 0; at < block.length; at += PAGE) {
			if (!isZero(block.subarray(at, at + PAGE))) places.push(start + at);
		}
	}
	return places;
}

/** Of a damaged filesystem both must tell the same. */
async function checkDamaged(open: Open, whole: BlockSource, context: TestContext): Promise<void> {
	const random = testRandom(context);
	const places = await usedPages(whole);
	let compared = 0;
	for (let turn = 0; turn < DAMAGED; turn++) {
		const source = new DamagedSource(whole);
		await damage(source, places, random.below(places.length), random);
		try {
			const forScan = await open(source);
			const lines = await scanned(forScan, forScan.root);
			// A block that a file and a directory both claim is the directory's where files are not looked at.
			if (forScan.problems.some(({ message }) => /already has a parent|already belongs/.test(message))) continue;
			const forList = await open(source);
			assert.deepEqual((await listed(forList, forList.root)).sort(), lines.sort());
			compared++;
		} catch (error) {
			ours(error);
		}
	}
	assert.ok(compared > DAMAGED / 4, `only ${compared} of ${DAMAGED} could be read`);
}

async function writeNtfsTree(image: string): Promise<void> {
	await makeVolume(image, NTFS_SIZE);
	{
		// As Windows does it: who owns a file stands in a table, not with the file.
		await using volume = await mount(image, ["permissions"]);
		await mkdir(volume.at("owned"));
		for (let i = 0; i < 30; i++) {
			await writeFile(volume.at(`owned/${i}`), "");
			await chown(volume.at(`owned/${i}`), 1000 + Math.floor(i / 3), i % 2);
		}
	}
	await using volume = await mount(image);
	for (let i = 0; i < 400; i++) await writeFile(volume.at(`a-file-with-a-longer-name-${i}`), "x".repeat(i * 9));
	await mkdir(volume.at("deep/er/and/deeper"), { recursive: true });
	await writeFile(volume.at("deep/er/and/deeper/still"), "found");
	await mkdir(volume.at("names"));
	for (const name of ["straße", "日本語", "with space", "n".repeat(255), "😀"]) {
		await writeFile(volume.at(`names/${name}`), name);
		await link(volume.at(`names/${name}`), volume.at(`names/2-${name.slice(0, 100)}`));
	}
	for (let i = 0; i < 40; i++) await writeFile(volume.at(`names/with space:stream ${i}`), "x".repeat(i));
	for (let i = 0; i < 12; i++) await link(volume.at("names/straße"), volume.at(`names/linked-${i}`));
	await writeFile(volume.at("link"), "");
	await setAttribute(volume.at("link"), "ntfs_reparse_data", reparseData("symlink", "names"));
	await setFlags(volume.at("a-file-with-a-longer-name-1"), READ_ONLY);
	await utimes(volume.at("a-file-with-a-longer-name-2"), 1_700_000_000, 5_000_000_000.5);
}

/** The same disk with nothing in the record of an inode. */
async function withoutRecord(whole: BlockSource, inode: number): Promise<BlockSource> {
	const source = new DamagedSource(whole);
	let found = 0;
	for (let at = 0; at < whole.size; at += RECORD_SIZE) {
		const head = Buffer.from(await whole.read(at, 48));
		if (head.readUInt32LE(0) !== FILE_MAGIC || head.readUInt32LE(44) !== inode) continue;
		await source.write(at, Buffer.alloc(RECORD_SIZE));
		found++;
	}
	assert.ok(found > 0, `no record of inode ${inode}`);
	return source;
}

describe("Filesystem.list tells what a scan tells", () => {
	for (const [name, options] of [
		["ext4", ["-t", "ext4"]],
		["ext4 with inline data", ["-t", "ext4", "-O", "inline_data"]],
		["ext4 without checksums", ["-t", "ext4", "-O", "^metadata_csum"]],
		["ext2 of 1 KiB blocks", ["-t", "ext2", "-b", "1024"]],
	] as const) {
		it(`of ${name}, whole and damaged`, needs("mke2fs"), async (context) => {
			await using folder = await tempFolder();
			await makeTree(folder.file("tree"));
			await makeImage(folder.file("image"), SIZE, options, folder.file("tree"));
			const source = await loadImage(folder.file("image"));
			await checkWhole(openExt, source, 400);
			await checkDamaged(openExt, source, context);
		});
	}

	for (const [name, options] of [
		["XFS", []],
		["XFS of version 4", ["-m", "crc=0"]],
		["XFS with directory blocks of 16 KiB", ["-n", "size=16384"]],
	] as const) {
		it(`of ${name}, whole and damaged`, needs("mkfs.xfs"), async (context) => {
			await using folder = await tempFolder();
			await makeTree(folder.file("tree"));
			await makeImageOf(folder.file("image"), XFS_MEGABYTES, options, folder.file("tree"));
			const source = await loadImage(folder.file("image"));
			await checkWhole(openXfs, source, 400);
			await checkDamaged(openXfs, source, context);
		});
	}

	it("of NTFS, whole, damaged and with orphans", needsNtfs("setfattr"), async (context) => {
		await using folder = await tempFolder();
		await writeNtfsTree(folder.file("image"));
		const source = await loadImage(folder.file("image"));
		await checkWhole(openNtfs, source, 500);
		const whole = await openNtfs(source);
		const { inode } = await whole.lookup("/deep/er");
		const orphaned = await withoutRecord(source, inode);
		for (const top of [whole.root, ORPHANS]) {
			const lines = await listed(await openNtfs(orphaned), top);
			assert.ok(lines.some((text) => text.includes('"still"')));
			assert.deepEqual(lines, await scanned(await openNtfs(orphaned), top));
		}
		await checkDamaged(openNtfs, source, context);
	});
});
