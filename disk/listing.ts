/**
 * Listing a tree takes no more than names, modes, sizes and times: columns of numbers instead of an object a file, and
 * no look at where the content lies. That is a fraction of the time and memory that a scan takes.
 */
import type { FileNode, FileType } from "./filesystem.ts";
import { decodeName, isPlain } from "./parser/names.ts";

/** What a listing tells of a file. */
export type ListedNode = Pick<FileNode, "inode" | "type" | "size" | "mode" | "uid" | "gid" | "nlink" | "mtime">;

/** For one file after another: an object for each would cost more than what is put there. */
export type ReusedNode = { -readonly [K in keyof ListedNode]: ListedNode[K] };

export function reusedNode(): ReusedNode {
	return { inode: 0, type: "file", size: 0, mode: 0, uid: 0, gid: 0, nlink: 0, mtime: 0 };
}

/** A name, or where it stands: most are copied on, and to make text of them would cost more than all else of them. */
export type ListedName = string | PlainName;

/**
 * One name, with the inode of the directory that it is in. `node`, and the name where it is no text, are another file's
 * once the call has returned. The names go on when the promise, if there is one, is fulfilled, or a little later.
 */
export type ListName = (parent: number, name: ListedName, node: ListedNode) => Promise<void> | undefined;

/** As a `ListedTree` hands them over. */
export type EachListed = (name: ListedName, inode: number) => void;

/** A name whose bytes are ASCII and stand for themselves: as text it is as long as they are. */
export class PlainName {
	#bytes: Buffer = NO_BYTES;
	#start = 0;
	length = 0;

	/** The name that stands there: this one, if it is such a name, else as text. */
	in(bytes: Buffer, start: number, end: number): ListedName {
		if (!isPlain(bytes, start, end)) return decodeName(bytes, start, end);
		this.#bytes = bytes;
		this.#start = start;
		this.length = end - start;
		return this;
	}

	/** Puts it at `at` of `target`. @returns where it ends; -1 where a byte of it is none of `allowed`. */
	copyTo(target: Uint8Array, at: number, allowed: Uint8Array): number {
		const bytes = this.#bytes;
		const start = this.#start;
		const { length } = this;
		for (let i = 0; i < length; i++) {
			const byte = bytes[start + i]!;
			if (allowed[byte] === 0) return -1;
			target[at + i] = byte;
		}
		return at + length;
	}

	toString(): string {
		return this.#bytes.toString("latin1", this.#start, this.#start + this.length);
	}
}

const FILE: FileType = "file";
const TYPES: readonly FileType[] = [FILE, "dir", "symlink", "char", "block", "fifo", "socket"];
const LEAST_CAPACITY = 4096;
/** Beyond it, columns grow as inodes come: a damaged disk may promise more than it has. */
const MOST_CAPACITY = 1 << 18;
const NO_BYTES = Buffer.alloc(0);

/** Of what holds something of each inode: `expected` of them, within bounds. */
export function firstCapacity(expected: number): number {
	return Math.max(LEAST_CAPACITY, Math.min(expected, MOST_CAPACITY));
}

/** Inodes as columns, by slots that count from 0. */
export class InodeColumns {
	#count = 0;
	#type: Uint8Array<ArrayBuffer>;
	#mode: Uint16Array<ArrayBuffer>;
	#uid: Uint32Array<ArrayBuffer>;
	#gid: Uint32Array<ArrayBuffer>;
	#nlink: Uint32Array<ArrayBuffer>;
	#size: Float64Array<ArrayBuffer>;
	#mtime: Float64Array<ArrayBuffer>;
	readonly #node = reusedNode();

	/** @param expected how many will come, as far as that is known: columns that grow are copied each time. */
	constructor(expected = 0) {
		const capacity = firstCapacity(expected);
		this.#type = new Uint8Array(capacity);
		this.#mode = new Uint16Array(capacity);
		this.#uid = new Uint32Array(capacity);
		this.#gid = new Uint32Array(capacity);
		this.#nlink = new Uint32Array(capacity);
		this.#size = new Float64Array(capacity);
		this.#mtime = new Float64Array(capacity);
	}

	/** @returns its slot. */
	add({ type, mode, uid, gid, nlink, size, mtime }: ListedNode): number {
		const slot = this.#count++;
		if (slot === this.#type.length) this.#grow();
		// Most are; to look for the others costs as much as all else here.
		this.#type[slot] = type === FILE ? 0 : TYPES.indexOf(type);
		this.#mode[slot] = mode;
		this.#uid[slot] = uid;
		this.#gid[slot] = gid;
		this.#nlink[slot] = nlink;
		this.#size[slot] = size;
		this.#mtime[slot] = mtime;
		return slot;
	}

	isDirectory(slot: number): boolean {
		return TYPES[this.#type[slot]!] === "dir";
	}

	/** The same object each time. */
	at(slot: number, inode: number): ListedNode {
		const node = this.#node;
		node.inode = inode;
		node.type = TYPES[this.#type[slot]!]!;
		node.size = this.#size[slot]!;
		node.mode = this.#mode[slot]!;
		node.uid = this.#uid[slot]!;
		node.gid = this.#gid[slot]!;
		node.nlink = this.#nlink[slot]!;
		node.mtime = this.#mtime[slot]!;
		return node;
	}

	#grow(): void {
		const length = this.#type.length * 2;
		this.#type = grown(this.#type, new Uint8Array(length));
		this.#mode = grown(this.#mode, new Uint16Array(length));
		this.#uid = grown(this.#uid, new Uint32Array(length));
		this.#gid = grown(this.#gid, new Uint32Array(length));
		this.#nlink = grown(this.#nlink, new Uint32Array(length));
		this.#size = grown(this.#size, new Float64Array(length));
		this.#mtime = grown(this.#mtime, new Float64Array(length));
	}
}

/** What was in the smaller of the two arrays, in the larger. */
export function grown<T extends Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array>(from: T, to: T): T {
	to.set(from);
	return to;
}

/** A tree of which all inodes that its tables show are known, and all directories read. */
export interface ListedTree {
	readonly columns: InodeColumns;
	/** The inode's slot in the columns; -1 where it is not in use. */
	slotOf(inode: number): number;
	/** Hands over the names of a directory, and then forgets it; stops after each block of it. */
	names(directory: number, each: EachListed): Iterable<void>;
	/** Loads inodes that the tables do not show as used. */
	loadLate(inodes: readonly number[], signal?: AbortSignal): Promise<void>;
	fault(directory: number, what: string): void;
}

interface LateName {
	readonly parent: number;
	readonly name: string;
	readonly inode: number;
}

/** Tells every name below `top`, parents before children; none where it is no directory. */
export async function walkListed(tree: ListedTree, top: number, each: ListName, signal?: AbortSignal): Promise<void> {
	const { columns } = tree;
	await tree.loadLate([top], signal);
	const reached = new Set<number>([top]);
	const queue: number[] = [top];
	let late: LateName[] = [];
	let pending: Promise<unknown> | undefined;
	const settle = async (): Promise<void> => {
		const waiting = pending;
		pending = undefined;
		await waiting;
	};
	const take = (parent: number, name: ListedName, inode: number, slot: number): void => {
		if (columns.isDirectory(slot)) {
			if (reached.has(inode)) {
				tree.fault(parent, `an entry for directory inode ${inode}, which has another name`);
				return;
			}
			reached.add(inode);
			queue.push(inode);
		}
		const told = each(parent, name, columns.at(slot, inode));
		if (told !== undefined) pending = pending === undefined ? told : Promise.all([pending, told]);
	};
	// One function for all directories: each of its own would be made anew, and compiled into what calls it.
	let parent = top;
	const name: EachListed = (text, inode) => {
		const slot = tree.slotOf(inode);
		if (slot < 0) late.push({ parent, name: String(text), inode });
		else take(parent, text, inode, slot);
	};
	for (let next = 0; next < queue.length || late.length > 0; ) {
		while (next < queue.length) {
			signal?.throwIfAborted();
			parent = queue[next++]!;
			for (const _ of tree.names(parent, name)) if (pending !== undefined) await settle();
		}
		const again = late;
		late = [];
		// Without a journal, or with one that is not replayed, a name may reach the disk before the inode's mark does.
		await tree.loadLate(
			again.map(({ inode }) => inode),
			signal,
		);
		for (const { parent: directory, name: text, inode } of again) {
			const slot = tree.slotOf(inode);
			if (slot < 0) tree.fault(directory, `an entry for inode ${inode}, which is not in use`);
			else take(directory, text, inode, slot);
		}
		await settle();
	}
}
