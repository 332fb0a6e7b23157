/**
 * All of a volume from the root down, one level of directories after the other: the directories of a level
 * are read in disk order, in few large requests, and then parsed in the order of the tree.
 */
import type { FileNode, FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { MAX_DANGLING } from "../rescan/rescan.ts";
import { ClusterSet } from "./cluster-set.ts";
import { type Entry, ROOT_INODE } from "./entry.ts";
import { type FatVolume, makeNode, reportFault } from "./volume.ts";

/** Directories that are read together hold no more than this, unless one alone does. */
const BATCH_BYTES = 4 << 20;
/** One request; a directory longer than a batch is parsed in pieces of this. */
const READ_BYTES = 1 << 20;
/** Reading this much too much is cheaper than another request. */
const GAP_BYTES = 1 << 15;
const READS_IN_FLIGHT = 4;
const NO_RANGES: Ranges = [];

export interface Directory {
	readonly node: FileNode;
	/** Undefined for the root. */
	readonly link: Link | undefined;
	readonly parent: Directory | undefined;
}

/** Told of every entry that was read, and the inode number that it got. */
export type EachEntry = (entry: Entry, inode: number) => void;

export async function scan(volume: FatVolume, signal?: AbortSignal, each?: EachEntry): Promise<FilesystemScan> {
	const nodes = new Map<number, FileNode>([[ROOT_INODE, volume.root]]);
	const links: Link[] = [];
	const claimed = reservedClusters(volume);
	const faulty: number[] = [];
	let level: Directory[] = [{ node: volume.root, link: undefined, parent: undefined }];
	while (level.length > 0) {
		const below: Directory[] = [];
		for await (const { directory, entries, isFaulty } of readDirectories(volume, level, signal)) {
			let isSound = !isFaulty;
			for (const entry of entries) {
				const { node, fault } = await makeNode(volume, entry, claimed, signal);
				if (fault !== undefined) {
					reportFault(volume, entry, `${pathOf(directory)}/${entry.name}`, fault);
					isSound = false;
				}
				// Files and directories on the same clusters were told apart by `claimed`: no number is given twice.
				nodes.set(node.inode, node);
				each?.(entry, node.inode);
				const link = { parent: directory.node.inode, name: entry.name, inode: node.inode };
				links.push(link);
				if (node.type === "dir") below.push({ node, link, parent: directory });
			}
			if (!isSound) faulty.push(directory.node.inode);
		}
		level = below;
	}
	const basis = claimed.refused ? undefined : basisOf(volume, faulty);
	const { metadata } = volume;
	return { root: ROOT_INODE, nodes, links, metadata, journal: NO_RANGES, ...(basis === undefined ? {} : { basis }) };
}

/** Clusters that no file may have. */
export function reservedClusters({ reserved }: FatVolume): ClusterSet {
	const claimed = new ClusterSet();
	for (const [first, count] of reserved) claimed.addRun(first, count);
	return claimed;
}

/**
 * What a later update must know. Where a cluster has two owners there is none: whose it is depends on the order in which
 * all was read.
 *
 * @param faulty directories that have anything wrong in them, which are read again each time.
 */
export function basisOf({ layout }: FatVolume, faulty: readonly number[]): ScanBasis | undefined {
	if (faulty.length > MAX_DANGLING) return undefined;
	return { layout, replayed: NO_RANGES, dangling: faulty.map((inode) => ({ parent: inode, name: "", inode })) };
}

/** Some directories, in the order given, of which many are read at once. */
export async function* readDirectories(
	volume: FatVolume,
	directories: readonly Directory[],
	signal?: AbortSignal,
): AsyncGenerator<{ readonly directory: Directory; readonly entries: readonly Entry[]; readonly isFaulty: boolean }> {
	for (const batch of batches(directories)) {
		const contents = await readBatch(volume, batch, signal);
		for (const [i, directory] of batch.entries()) {
			const problems = volume.problems.added;
			const entries = await parseDirectory(volume, directory.node, () => pathOf(directory), contents?.[i], signal);
			yield { directory, entries, isFaulty: volume.problems.added > problems };
		}
	}
}

/** Paths are built for people only, where something is wrong. */
export function pathOf(directory: Directory): string {
	const names: string[] = [];
	for (let at: Directory | undefined = directory; at?.link !== undefined; at = at.parent) names.push(at.link.name);
	return names
		.map((name) => `/${name}`)
		.reverse()
		.join("");
}

function* batches(level: readonly Directory[]): Generator<Directory[]> {
	let batch: Directory[] = [];
	let bytes = 0;
	for (const directory of level) {
		if (batch.length > 0 && bytes + directory.node.size > BATCH_BYTES) {
			yield batch;
			batch = [];
			bytes = 0;
		}
		batch.push(directory);
		bytes += directory.node.size;
	}
	if (batch.length > 0) yield batch;
}

/** For every directory the bytes of each of its ranges. Undefined for one that is too long to be held at once. */
async function readBatch(
	volume: FatVolume,
	batch: readonly Directory[],
	signal?: AbortSignal,
): Promise<Buffer[][] | undefined> {
	if (batch.length === 1 && batch[0]!.node.size > BATCH_BYTES) return undefined;
	const contents: Buffer[][] = batch.map(() => []);
	const wanted: {
		readonly into: Buffer[];
		readonly index: number;
		readonly offset: number;
		readonly length: number;
	}[] = [];
	for (const [i, { node }] of batch.entries()) {
		let index = 0;
		for (const [offset, length] of pieces(node, BATCH_BYTES))
			wanted.push({ into: contents[i]!, index: index++, offset, length });
	}
	wanted.sort((a, b) => a.offset - b.offset);
	const inFlight: Promise<void>[] = [];
	for (let from = 0; from < wanted.length; ) {
		const start = wanted[from]!.offset;
		let end = start + wanted[from]!.length;
		let to = from + 1;
		for (; to < wanted.length; to++) {
			const { offset, length } = wanted[to]!;
			if (offset > end + GAP_BYTES || offset + length > start + READ_BYTES) break;
			end = Math.max(end, offset + length);
		}
		const group = wanted.slice(from, to);
		from = to;
		const read = readBytes(volume, start, end - start, signal).then((bytes) => {
			for (const { into, index, offset, length } of group) {
				into[index] = bytes.subarray(offset - start, offset - start + length);
			}
		});
		read.catch(() => undefined); // it is awaited in its turn, unless an earlier one failed
		inFlight.push(read);
		if (inFlight.length >= READS_IN_FLIGHT) await inFlight.shift();
	}
	for (const read of inFlight) await read;
	return contents;
}

export async function readBytes(
	{ source }: FatVolume,
	offset: number,
	length: number,
	signal?: AbortSignal,
): Promise<Buffer> {
	signal?.throwIfAborted();
	const bytes = await source.read(offset, length, signal);
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The ranges that a directory's size covers, in logical order, none longer than `most`. */
function* pieces({ data, size }: FileNode, most: number): Generator<readonly [offset: number, length: number]> {
	let left = size;
	for (let i = 0; i < data.length && left > 0; i += 2) {
		const end = data[i]! + Math.min(left, data[i + 1]!);
		for (let offset = data[i]!; offset < end; offset += most) yield [offset, Math.min(most, end - offset)];
		left -= data[i + 1]!;
	}
}

/**
 * @param contents of the ranges, where they were read before.
 */
export async function parseDirectory(
	volume: FatVolume,
	node: FileNode,
	path: () => string,
	contents?: readonly Buffer[],
	signal?: AbortSignal,
): Promise<Entry[]> {
	const entries: Entry[] = [];
	const parser = volume.parser({
		entry: (entry) => {
			entries.push(entry);
		},
		fault: (what, offset) => {
			volume.problems.add("corrupt", `directory ${path() || "/"} has ${what}`, {
				structure: "directory entry",
				offset,
			});
		},
	});
	let index = 0;
	for (const [offset, length] of pieces(node, contents === undefined ? READ_BYTES : BATCH_BYTES)) {
		const bytes = contents?.[index++] ?? (await readBytes(volume, offset, length, signal));
		if (!parser.feed(bytes, offset)) return entries;
	}
	parser.end();
	return entries;
}
