/**
 * Everything at once: the MFT from one end to the other, and no directory. Each file's record says in which
 * directory it is named; the tree is put together from that. No promise, and little garbage, per file.
 */

import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import { RangeSet } from "../parser/ranges.ts";
import { addRecord, type FileRecord, newFile } from "./file.ts";
import { hasAttributeList, MFT_RECORD } from "./mft.ts";
import { makeNode, makeStreamNodes, type Ntfs, namedStreams } from "./node.ts";
import { RecordTable } from "./record-table.ts";
import { recordOf } from "./stream-ids.ts";

export const ROOT_RECORD = 5;
const LOG_RECORD = 2;
const EXTEND_RECORD = 11;
/** Records below are the filesystem's own; those up to 24 are kept for it, and most have no name. */
const FIRST_UNRESERVED = 16;
const FIRST_USER = 24;
/** The directory of what no directory names; a number that no MFT reaches. */
export const ORPHANS = 2 ** 32 - 1;
export const ORPHANS_NAME = "$OrphanFiles";
/** Every name of a file names its streams too, but not beyond any measure. */
const MAX_STREAM_LINKS = 65536;
/** Files with extension records that are read together. */
const BATCH = 256;

export interface NtfsScan extends FilesystemScan {
	/** Names of what no directory holds; empty on a sound volume. */
	readonly orphans: readonly Link[];
}

/** @throws UmbraError `corrupt` where there is no root directory. */
export async function scan(ntfs: Ntfs, signal?: AbortSignal): Promise<NtfsScan> {
	return new Scan(ntfs).run(signal);
}

/** What stands for the directory of orphans. */
export function orphansNode(root: FileNode): FileNode {
	return { ...root, inode: ORPHANS, generation: 0, size: 0, nlink: 1, data: [], meta: [] };
}

class Scan {
	readonly #ntfs: Ntfs;
	/** By record. */
	readonly #nodes: (FileNode | undefined)[] = [];
	/** By inode: named streams. */
	readonly #streams = new Map<number, FileNode>();
	/** Names, and the sequence number that the parent must have; chained by parent, last one first. */
	readonly #links: Link[] = [];
	readonly #sequences: number[] = [];
	readonly #next: number[] = [];
	readonly #lastLink = new RecordTable(-1);
	/** Files without any name. */
	readonly #nameless: number[] = [];
	/** Files that are more than one record. */
	readonly #listed: number[] = [];
	/** 1 where a record holds content of a file. */
	readonly #holdsContent = new RecordTable(0);
	readonly #reached = new RecordTable(0);

	constructor(ntfs: Ntfs) {
		this.#ntfs = ntfs;
	}

	async run(signal?: AbortSignal): Promise<NtfsScan> {
		const { mft, volume } = this.#ntfs;
		let bytes: Buffer = Buffer.alloc(0);
		const bytesOf = () => bytes;
		await mft.scan((raw) => {
			if (raw.header.isExtension) return;
			if (hasAttributeList(raw)) {
				this.#listed.push(raw.record);
				return;
			}
			const file = newFile(raw.record, raw.header);
			addRecord(file, raw, volume.boot.clusters);
			if (file.reparse?.resident === false) {
				this.#listed.push(raw.record);
				return;
			}
			bytes = raw.bytes;
			this.#take(file, bytesOf);
		}, signal);
		for (let from = 0; from < this.#listed.length; from += BATCH) {
			for await (const { file, raw } of mft.files(this.#listed.slice(from, from + BATCH), signal)) {
				this.#take(file, (record) => raw.get(record)!.bytes);
			}
		}
		return this.#tree();
	}

	#take(file: FileRecord, bytesOf: (record: number) => Buffer): void {
		const { mft } = this.#ntfs;
		const { record } = file;
		for (const fault of file.faults) mft.problem(record, fault);
		for (const stream of file.streams) {
			if (stream.resident && stream.size > 0 && record >= FIRST_UNRESERVED) this.#holdsContent.set(stream.record, 1);
		}
		const node = makeNode(this.#ntfs, file, bytesOf);
		this.#nodes[record] = node;
		const named = namedStreams(file);
		const streams = makeStreamNodes(this.#ntfs, file, node, named);
		for (const stream of streams) this.#streams.set(stream.inode, stream);
		if (record === ROOT_RECORD) {
			for (const [i, { inode }] of streams.entries()) {
				this.#link({ parent: ROOT_RECORD, name: `:${named[i]!.name}`, inode }, node.generation);
			}
			return;
		}
		for (const [at, { parent, parentSequence, name }] of file.names.entries()) {
			this.#link({ parent, name, inode: record }, parentSequence);
			if (at > 0 && at * streams.length > MAX_STREAM_LINKS) continue;
			for (const [i, { inode }] of streams.entries()) {
				this.#link({ parent, name: `${name}:${named[i]!.name}`, inode }, parentSequence);
			}
		}
		if (file.names.length > 0) return;
		// Records that are set aside for the filesystem have no name, and nothing in them.
		if (record < FIRST_USER && file.streams.every(({ size }) => size === 0)) return;
		this.#nameless.push(record);
	}

	#link(link: Link, sequence: number): void {
		const { parent } = link;
		const chained = parent < this.#ntfs.mft.records;
		this.#links.push(link);
		this.#sequences.push(sequence);
		this.#next.push(chained ? this.#lastLink.get(parent) : -1);
		if (chained) this.#lastLink.set(parent, this.#links.length - 1);
	}

	/** The names in a directory, in the order of the MFT. */
	#children({ inode, generation }: FileNode): Link[] {
		const found: Link[] = [];
		for (let i = this.#lastLink.get(inode); i >= 0; i = this.#next[i]!) {
			if (this.#sequences[i] === generation) found.push(this.#links[i]!);
		}
		return found.reverse();
	}

	#tree(): NtfsScan {
		const { volume } = this.#ntfs;
		const root = this.#nodes[ROOT_RECORD];
		if (root?.type !== "dir") {
			throw volume.problems.error("corrupt", "there is no root directory", { structure: "FILE", record: ROOT_RECORD });
		}
		const links: Link[] = [];
		const nodes = new Map<number, FileNode>();
		const system = new Set<number>();
		nodes.set(ROOT_RECORD, root);
		this.#reached.set(ROOT_RECORD, 1);
		this.#walk([root], links, nodes, system);
		const orphans = this.#adopt(links, nodes, system, root);
		// The MFT comes last of all nodes: the parts of it that hold the content of small files are those files' first.
		const mft = nodes.get(MFT_RECORD);
		if (mft !== undefined && nodes.delete(MFT_RECORD)) nodes.set(MFT_RECORD, mft);
		return { root: ROOT_RECORD, nodes, links, orphans, ...this.#hidden(nodes, system) };
	}

	/** Takes in all that lies below `queue`. */
	#walk(queue: FileNode[], links: Link[], nodes: Map<number, FileNode>, system: Set<number>): void {
		for (let at = 0; at < queue.length; at++) {
			const parent = queue[at]!;
			for (const link of this.#children(parent)) {
				const record = recordOf(link.inode);
				const node = link.inode === record ? this.#nodes[record]! : this.#streams.get(link.inode)!;
				if (node.type === "dir" && this.#reached.get(record) === 1) {
					this.#ntfs.mft.problem(record, "more than one name, though it is a directory");
					continue;
				}
				links.push(link);
				if (nodes.has(link.inode)) continue;
				nodes.set(link.inode, node);
				if (this.#isSystem(parent, link, system)) system.add(link.inode);
				if (link.inode !== record) continue;
				this.#reached.set(record, 1);
				if (node.type === "dir") queue.push(node);
			}
		}
	}

	/**
	 * What belongs to the filesystem itself: the first records, and below $Extend what has a name like theirs, with
	 * streams of such names. Anything else hidden there is somebody's file.
	 */
	#isSystem(parent: FileNode, { inode, name }: Link, system: ReadonlySet<number>): boolean {
		const record = recordOf(inode);
		const owner = record < FIRST_UNRESERVED || parent.inode === EXTEND_RECORD || system.has(parent.inode);
		if (!owner || record === ROOT_RECORD || !name.startsWith("$")) return false;
		return inode === record || name.includes(":$");
	}

	/** Hangs what was not reached below a directory of its own. */
	#adopt(links: Link[], nodes: Map<number, FileNode>, system: Set<number>, root: FileNode): Link[] {
		const orphans: Link[] = [];
		const take = (link: Link): void => {
			const record = recordOf(link.inode);
			const node = link.inode === record ? this.#nodes[record]! : this.#streams.get(link.inode)!;
			if (nodes.has(link.inode)) return;
			if (orphans.length === 0) {
				links.push({ parent: ROOT_RECORD, name: ORPHANS_NAME, inode: ORPHANS });
				nodes.set(ORPHANS, orphansNode(root));
			}
			const adopted = { parent: ORPHANS, name: link.name, inode: link.inode };
			orphans.push(adopted);
			links.push(adopted);
			nodes.set(link.inode, node);
			if (link.inode !== record) return;
			this.#reached.set(record, 1);
			if (node.type === "dir") this.#walk([node], links, nodes, system);
		};
		const isLost = ({ parent }: Link, sequence: number): boolean => {
			const node = this.#nodes[parent];
			return node?.type !== "dir" || node.generation !== sequence;
		};
		for (const record of this.#nameless) take({ parent: ORPHANS, name: `OrphanFile-${record}`, inode: record });
		for (const [i, link] of this.#links.entries()) if (isLost(link, this.#sequences[i]!)) take(link);
		// What is left are directories that lie in each other.
		for (const link of this.#links) take(link);
		if (orphans.length > 0) {
			this.#ntfs.volume.problems.add(
				"corrupt",
				`${orphans.length} files are in no directory; they are listed in /${ORPHANS_NAME}`,
				{ found: orphans.length },
			);
		}
		return orphans;
	}

	#hidden(nodes: ReadonlyMap<number, FileNode>, system: ReadonlySet<number>) {
		const { mft, volume } = this.#ntfs;
		const metadata = new RangeSet();
		for (const inode of system) {
			const node = nodes.get(inode)!;
			if (inode === LOG_RECORD || inode === MFT_RECORD) continue;
			metadata.addAll(node.data);
		}
		// All of the MFT but what holds the content of files.
		for (let first = 0; first < mft.records; ) {
			const end = this.#holdsContent.next(first, mft.records);
			if (end > first) metadata.addAll(mft.ranges(first, end - first));
			first = end + 1;
		}
		metadata.addAll(mft.rangesBeyond());
		// Behind the volume stands the copy of its boot sector.
		const { volumeBytes, sectorSize } = volume.boot;
		const copy = Math.min(sectorSize, volume.source.size - volumeBytes);
		if (copy > 0) metadata.add(volumeBytes, copy);
		return { metadata: metadata.toRanges(), journal: nodes.get(LOG_RECORD)?.data ?? [] };
	}
}
