/**
 * Everything at once: the MFT from one end to the other, and no directory. Each file's record says in which
 * directory it is named; the tree is put together from that. No promise, and little garbage, per file.
 */

import type { UmbraError } from "../../common/errors.ts";
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import { basisOf } from "./basis.ts";
import { addRecord, type FileRecord, newFile } from "./file.ts";
import {
	eachLink,
	isNameless,
	namelessLink,
	ORPHANS,
	ORPHANS_NAME,
	orphansLink,
	orphansNode,
	ROOT_RECORD,
} from "./links.ts";
import { hasAttributeList, MFT_RECORD } from "./mft.ts";
import { makeNode, makeStreamNodes, type Ntfs, namedStreams } from "./node.ts";
import { RecordTable } from "./record-table.ts";
import { recordOf } from "./stream-ids.ts";
import { hiddenRanges, isSystemLink } from "./system-files.ts";

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
	readonly #reached = new RecordTable(0);
	/** Whether names lead to more than one place, or to none. */
	#isOdd = false;

	constructor(ntfs: Ntfs) {
		this.#ntfs = ntfs;
	}

	async run(signal?: AbortSignal): Promise<NtfsScan> {
		const { mft, volume } = this.#ntfs;
		mft.faulty.clear();
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
		const node = makeNode(this.#ntfs, file, bytesOf);
		this.#nodes[record] = node;
		const named = namedStreams(file);
		const streams = makeStreamNodes(this.#ntfs, file, node, named);
		for (const stream of streams) this.#streams.set(stream.inode, stream);
		eachLink(file, node, named, streams, this.#link);
		if (isNameless(file)) this.#nameless.push(record);
	}

	readonly #link = (link: Link, sequence: number): void => {
		const { parent } = link;
		const chained = parent < this.#ntfs.mft.records;
		this.#links.push(link);
		this.#sequences.push(sequence);
		this.#next.push(chained ? this.#lastLink.get(parent) : -1);
		if (chained) this.#lastLink.set(parent, this.#links.length - 1);
	};

	/** The names in a directory, in the order of the MFT. */
	#children({ inode, generation }: FileNode): Link[] {
		const found: Link[] = [];
		for (let i = this.#lastLink.get(inode); i >= 0; i = this.#next[i]!) {
			if (this.#sequences[i] === generation) found.push(this.#links[i]!);
		}
		return found.reverse();
	}

	#tree(): NtfsScan {
		const root = this.#nodes[ROOT_RECORD];
		if (root?.type !== "dir") throw noRoot(this.#ntfs);
		const links: Link[] = [];
		const nodes = new Map<number, FileNode>();
		const system = new Set<number>();
		nodes.set(ROOT_RECORD, root);
		this.#reached.set(ROOT_RECORD, 1);
		this.#walk([root], links, nodes, system);
		const { orphans, lost, isOdd } = this.#adopt(links, nodes, system, root);
		// The MFT comes last of all nodes: the parts of it that hold the content of small files are those files' first.
		const mft = nodes.get(MFT_RECORD);
		if (mft !== undefined && nodes.delete(MFT_RECORD)) nodes.set(MFT_RECORD, mft);
		const basis = isOdd ? undefined : basisOf(this.#ntfs, lost);
		reportOrphans(this.#ntfs, orphans.length);
		const hidden = hiddenRanges(this.#ntfs, system, (inode) => nodes.get(inode));
		return { root: ROOT_RECORD, nodes, links, orphans, ...hidden, ...(basis === undefined ? {} : { basis }) };
	}

	/** Takes in all that lies below `queue`. */
	#walk(queue: FileNode[], links: Link[], nodes: Map<number, FileNode>, system: Set<number>): void {
		for (let at = 0; at < queue.length; at++) {
			const parent = queue[at]!;
			for (const link of this.#children(parent)) {
				const record = recordOf(link.inode);
				const node = this.#nodeOf(link.inode);
				if (node.type === "dir" && this.#reached.get(record) === 1) {
					this.#ntfs.mft.problem(record, "more than one name, though it is a directory");
					this.#isOdd = true;
					continue;
				}
				links.push(link);
				if (isSystemLink(link, system)) system.add(link.inode);
				if (nodes.has(link.inode)) continue;
				nodes.set(link.inode, node);
				if (link.inode !== record) continue;
				this.#reached.set(record, 1);
				if (node.type === "dir") queue.push(node);
			}
		}
	}

	#nodeOf(inode: number): FileNode {
		const record = recordOf(inode);
		return inode === record ? this.#nodes[record]! : this.#streams.get(inode)!;
	}

	/** Hangs what has no name in any directory below one of its own. */
	#adopt(links: Link[], nodes: Map<number, FileNode>, system: Set<number>, root: FileNode) {
		const orphans: Link[] = [];
		const take = (link: Link): void => {
			if (nodes.has(link.inode)) return;
			const node = this.#nodeOf(link.inode);
			if (orphans.length === 0) {
				links.push(orphansLink());
				nodes.set(ORPHANS, orphansNode(root));
			}
			const adopted = { parent: ORPHANS, name: link.name, inode: link.inode };
			orphans.push(adopted);
			links.push(adopted);
			nodes.set(link.inode, node);
			if (recordOf(link.inode) !== link.inode) return;
			this.#reached.set(link.inode, 1);
			if (node.type === "dir") this.#walk([node], links, nodes, system);
		};
		const nameless = this.#nameless.map(namelessLink);
		const lost: Link[] = [];
		const held = new Set<number>();
		const isLost = ({ parent }: Link, sequence: number): boolean => {
			const node = this.#nodes[parent];
			return node?.type !== "dir" || node.generation !== sequence;
		};
		for (const [i, link] of this.#links.entries()) if (isLost(link, this.#sequences[i]!)) lost.push(link);
		if (lost.length > 0) {
			const named = new Set(lost.map(({ inode }) => inode));
			for (const [i, link] of this.#links.entries()) {
				if (named.has(link.inode) && !isLost(link, this.#sequences[i]!)) held.add(link.inode);
			}
		}
		for (const link of nameless) take(link);
		// What has another name in a directory stands there, be it among the orphans.
		for (const link of lost) if (!held.has(link.inode)) take(link);
		// What is left are directories that lie in each other.
		const reached = orphans.length;
		for (const link of this.#links) take(link);
		return { orphans, lost: [...nameless, ...lost], isOdd: this.#isOdd || orphans.length > reached };
	}
}

export function noRoot({ volume }: Ntfs): UmbraError {
	return volume.problems.error("corrupt", "there is no root directory", { structure: "FILE", record: ROOT_RECORD });
}

export function reportOrphans({ volume }: Ntfs, count: number): void {
	if (count === 0) return;
	volume.problems.add("corrupt", `${count} files are in no directory; they are listed in /${ORPHANS_NAME}`, {
		found: count,
	});
}
