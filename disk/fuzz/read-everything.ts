/** Reads a filesystem in every way there is, and holds what it says against what any filesystem may say. */
import assert from "node:assert/strict";
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import { readOwners } from "../owners.ts";
import type { BlockSource } from "../source/source.ts";

/** Files that are read, listed or followed; of the others, only what the scan says is looked at. */
const READ_FILES = 60;
const READ_BYTES = 200_000;
/** A name, wherever it stands, takes at least so many bytes. */
const BYTES_PER_NAME = 8;
const MAX_PROBLEMS = 1001;

export type Open = (source: BlockSource) => Promise<Filesystem>;

/**
 * @returns the error where the filesystem cannot be opened or scanned, else undefined.
 * @throws whatever is not one of ours, and AssertionError for what no filesystem can be.
 */
export async function readEverything(open: Open, source: BlockSource): Promise<UmbraError | undefined> {
	let filesystem: Filesystem;
	let scan: FilesystemScan;
	try {
		filesystem = await open(source);
		scan = await filesystem.scan();
	} catch (error) {
		return ours(error);
	}
	checkScan(filesystem, scan, source.size);
	const nodes = [...scan.nodes.values()];
	// Both ends: what is the filesystem's own comes first in some, and last in others.
	const some =
		nodes.length <= READ_FILES ? nodes : [...nodes.slice(0, READ_FILES / 2), ...nodes.slice(-READ_FILES / 2)];
	for (const node of some) await readNode(filesystem, node).catch(ours);
	for (const path of somePaths(scan)) await filesystem.lookup(path).catch(ours);
	await readOwners(filesystem).catch(ours);
	assert.ok(filesystem.problems.length <= MAX_PROBLEMS);
	for (const problem of filesystem.problems) assert.ok(problem instanceof UmbraError);
	return undefined;
}

/** @throws what is not one of ours. */
export function ours(error: unknown): UmbraError {
	if (!(error instanceof UmbraError) || error.code === "internal") throw error;
	return error;
}

/** @throws AssertionError */
export function checkScan({ root, blockSize }: Filesystem, scan: FilesystemScan, size: number): void {
	assert.equal(scan.root, root);
	assert.equal(scan.nodes.get(root)?.type, "dir", "the root is a directory");
	const check = (ranges: Ranges, what: string): void => {
		assert.equal(ranges.length % 2, 0);
		for (let i = 0; i < ranges.length; i += 2) {
			const [offset, length] = [ranges[i]!, ranges[i + 1]!];
			const holds = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
			if (!holds || offset + length > size) assert.fail(`${what}: ${length} at ${offset} of ${size}`);
			if (offset % Math.min(blockSize, 512) !== 0) assert.fail(`${what}: ${length} at ${offset}`);
		}
	};
	check(scan.metadata, "metadata");
	check(scan.journal, "journal");
	for (const [inode, node] of scan.nodes) {
		assert.equal(node.inode, inode);
		check(node.data, `inode ${inode}`);
		check(node.meta, `inode ${inode}`);
		checkNumbers(node);
	}
	assert.ok(scan.links.length <= size / BYTES_PER_NAME);
	const reached = new Set([root]);
	for (const { parent, inode, name } of scan.links) {
		assert.ok(reached.has(parent), "a name comes before its directory");
		assert.ok(scan.nodes.has(inode), "a name of nothing");
		if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) assert.fail(JSON.stringify(name));
		assert.ok(name.isWellFormed(), JSON.stringify(name));
		reached.add(inode);
	}
	assert.equal(reached.size, scan.nodes.size, "a file without a name");
}

function checkNumbers(node: FileNode): void {
	const { inode, size, generation, mode, uid, gid, nlink, mtime, ctime } = node;
	for (const value of [inode, size, generation, mode, uid, gid, nlink]) {
		if (!Number.isSafeInteger(value) || value < 0) assert.fail(JSON.stringify(node));
	}
	if (!Number.isFinite(mtime) || !Number.isFinite(ctime)) assert.fail(JSON.stringify(node));
}

async function readNode(filesystem: Filesystem, node: FileNode): Promise<void> {
	await filesystem.node(node.inode).catch(ours);
	if (node.type === "dir") {
		for (const { name } of await filesystem.readDirectory(node)) assert.ok(!name.includes("/"), JSON.stringify(name));
	} else if (node.type === "symlink") {
		assert.equal(typeof (await filesystem.readLink(node)), "string");
	} else {
		const begin = await filesystem.readFile(node, 0, READ_BYTES);
		assert.equal(begin.length, Math.min(node.size, READ_BYTES));
		await filesystem.readFile(node, Math.max(0, node.size - 10_000), 20_000);
		const middle = Math.floor(node.size / 2);
		await filesystem.readFile(node, middle, 5000);
	}
}

/** The paths of the first name, the last one and some between. */
function somePaths({ links }: FilesystemScan): string[] {
	const named = new Map<number, { readonly parent: number; readonly name: string }>();
	for (const link of links) if (!named.has(link.inode)) named.set(link.inode, link);
	const paths = ["/", "/not there"];
	for (let at = 0; at < links.length; at += Math.max(1, Math.floor(links.length / 8))) {
		const parts: string[] = [];
		for (let link: { parent: number; name: string } | undefined = links[at]; link !== undefined; ) {
			parts.unshift(link.name);
			link = named.get(link.parent);
		}
		paths.push(`/${parts.join("/")}`);
	}
	return paths;
}
