/**
 * Every name of a tree: as scan.ts, and with the same result, but that of files nothing is kept that a listing does not
 * tell. Nearly all records hold dates, names and one content; those are read here in passing. All others are put
 * together as for a scan.
 */
import { grown, InodeColumns, type ListedNode, type ListName, reusedNode } from "../listing.ts";
import {
	addRecord,
	FILE_NAME_SIZE,
	type FileRecord,
	isNameIndex,
	NAMESPACE_DOS,
	newFile,
	type RawRecord,
} from "./file.ts";
import { eachLink, FIRST_USER, isNameless, namelessLink, ORPHANS, ORPHANS_NAME, ROOT_RECORD } from "./links.ts";
import { hasAttributeList } from "./mft.ts";
import { NameColumns } from "./name-columns.ts";
import { makeNode, makeStreamNodes, modeOf, type Ntfs, namedStreams } from "./node.ts";
import { AT, AttributeCursor, RECORD_IS_DIRECTORY, recordNumber, u64 } from "./record.ts";
import { RecordTable } from "./record-table.ts";
import { noRoot, reportOrphans } from "./scan.ts";
import type { Owner } from "./security.ts";
import { isStreamInode } from "./stream-ids.ts";
import { readFileTime } from "./time.ts";

/** Files with extension records that are read together. */
const BATCH = 256;
const FIRST_CAPACITY = 4096;
/** Of a $STANDARD_INFORMATION; version 3 has the number of a descriptor. */
const STANDARD_SIZE = 48;
const STANDARD_3_SIZE = 72;
/** Of names in one record. */
const MAX_NAMES = 8;

const NOT_SIMPLE: ReadonlySet<number> = new Set([AT.ATTRIBUTE_LIST, AT.INDEX_ALLOCATION, AT.BITMAP, AT.REPARSE_POINT]);

/** As `Filesystem.list`. @throws UmbraError `corrupt` where there is no root directory. */
export async function list(ntfs: Ntfs, top: number, each: ListName, signal?: AbortSignal): Promise<void> {
	const listing = new Listing(ntfs, top, each, signal);
	await listing.readAll();
	await listing.tell();
}

class Listing {
	readonly #ntfs: Ntfs;
	readonly #each: ListName;
	readonly #signal: AbortSignal | undefined;
	readonly #names: NameColumns;
	readonly #columns = new InodeColumns();
	/** By slot: the sequence number of the record. */
	#sequence = new Uint16Array(FIRST_CAPACITY);
	/** By record: the slot in the columns; -1 where there is none. */
	readonly #slots = new RecordTable(-1);
	/** The same of named streams, by inode. */
	readonly #streamSlots = new Map<number, number>();
	readonly #nameless: number[] = [];
	/** Files that are more than one record. */
	readonly #listed: number[] = [];
	readonly #node = reusedNode();
	/** Where the names stand in the record that is read. */
	readonly #nameAt = new Int32Array(MAX_NAMES);
	/** Neighbours mostly have the same. */
	#lastSecurityId = -1;
	#lastDescriptor: Buffer = Buffer.alloc(0);
	#lastOwner: Owner = { uid: 0, gid: 0 };
	/** 1 where the record has been told; of streams, the inode. */
	readonly #told = new RecordTable(0);
	readonly #toldStreams = new Set<number>();
	/** 1 where the names in the directory are told to the caller: from `top` on. */
	readonly #inside = new RecordTable(0);
	#orphans = 0;

	constructor(ntfs: Ntfs, top: number, each: ListName, signal: AbortSignal | undefined) {
		this.#ntfs = ntfs;
		this.#each = each;
		this.#signal = signal;
		this.#names = new NameColumns(ntfs.mft.records);
		this.#inside.set(top, 1);
	}

	async readAll(): Promise<void> {
		const { mft, volume } = this.#ntfs;
		await mft.scan((raw) => {
			if (raw.header.isExtension || this.#takeSimple(raw)) return;
			if (hasAttributeList(raw)) {
				this.#listed.push(raw.record);
				return;
			}
			const file = newFile(raw.record, raw.header);
			addRecord(file, raw, volume.boot.clusters);
			if (file.reparse?.resident === false) this.#listed.push(raw.record);
			else this.#take(file, () => raw.bytes);
		}, this.#signal);
		for (let from = 0; from < this.#listed.length; from += BATCH) {
			for await (const { file, raw } of mft.files(this.#listed.slice(from, from + BATCH), this.#signal)) {
				this.#take(file, (record) => raw.get(record)!.bytes);
			}
		}
	}

	/** Takes a record in without making a file of it. @returns false where that is not possible; then nothing was taken. */
	#takeSimple({ record, header, bytes, view }: RawRecord): boolean {
		if (record === ROOT_RECORD) return false;
		const node = this.#node;
		const cursor = new AttributeCursor(view, header.attributes, header.end);
		let standard = -1;
		let names = 0;
		let content = -1;
		let index = -1;
		let securityId = 0;
		let descriptor = -1;
		let descriptorLength = 0;
		while (cursor.next()) {
			const { type, resident, at, valueAt, valueLength } = cursor;
			if (type === AT.DATA) {
				if (content >= 0 || cursor.nameLength > 0) return false;
				content = valueLength;
				if (!resident) {
					content = u64(view, at + 48);
					if (u64(view, at + 16) !== 0 || !Number.isSafeInteger(content) || view.getUint8(at + 34) > 16) return false;
				}
			} else if (!resident) return false;
			else if (type === AT.STANDARD_INFORMATION) {
				if (valueLength < STANDARD_SIZE) return false;
				standard = valueAt;
				securityId = valueLength >= STANDARD_3_SIZE ? view.getUint32(valueAt + 52, true) : 0;
			} else if (type === AT.FILE_NAME) {
				const units = valueLength >= FILE_NAME_SIZE ? view.getUint8(valueAt + 64) : 0;
				if (units === 0 || FILE_NAME_SIZE + 2 * units > valueLength || names === MAX_NAMES) return false;
				if (view.getUint8(valueAt + 65) !== NAMESPACE_DOS) this.#nameAt[names++] = valueAt;
			} else if (type === AT.INDEX_ROOT) {
				if (index >= 0 || !isNameIndex(bytes, cursor)) return false;
				index = valueLength;
			} else if (type === AT.SECURITY_DESCRIPTOR) {
				if (descriptor >= 0) return false;
				descriptor = valueAt;
				descriptorLength = valueLength;
			} else if (NOT_SIMPLE.has(type)) return false;
		}
		if (cursor.fault !== undefined || standard < 0) return false;
		const { uid, gid } = this.#ownerOf(securityId, bytes, descriptor, descriptorLength);
		const isDirectory = (header.flags & RECORD_IS_DIRECTORY) !== 0;
		node.inode = record;
		node.type = isDirectory ? "dir" : "file";
		node.size = Math.max(0, isDirectory ? index : content);
		node.mode = modeOf(node.type, view.getUint32(standard + 32, true));
		node.uid = uid;
		node.gid = gid;
		node.nlink = Math.max(1, names);
		node.mtime = readFileTime(view, standard + 8);
		this.#add(record, node, header.sequence);
		for (let i = 0; i < names; i++) {
			const at = this.#nameAt[i]!;
			const sequence = view.getUint16(at + 6, true);
			this.#names.add(recordNumber(view, at), sequence, record, bytes, at + FILE_NAME_SIZE, view.getUint8(at + 64));
		}
		if (names === 0 && (record >= FIRST_USER || content > 0)) this.#nameless.push(record);
		return true;
	}

	/** @param at where the file's own descriptor stands, which counts where it has no number. */
	#ownerOf(securityId: number, bytes: Buffer, at: number, length: number): Owner {
		if (securityId === this.#lastSecurityId && (securityId !== 0 || isAt(bytes, at, length, this.#lastDescriptor))) {
			return this.#lastOwner;
		}
		const descriptor = Buffer.from(bytes.subarray(at, at + length));
		this.#lastSecurityId = securityId;
		this.#lastDescriptor = descriptor;
		this.#lastOwner = this.#ntfs.security.ownerOf(securityId, securityId === 0 ? descriptor : undefined);
		return this.#lastOwner;
	}

	#take(file: FileRecord, bytesOf: (record: number) => Buffer): void {
		for (const fault of file.faults) this.#ntfs.mft.problem(file.record, fault);
		const node = makeNode(this.#ntfs, file, bytesOf);
		this.#add(file.record, node, node.generation);
		const named = namedStreams(file);
		const streams = makeStreamNodes(this.#ntfs, file, node, named);
		for (const stream of streams) this.#streamSlots.set(stream.inode, this.#columns.add(stream));
		eachLink(file, node, named, streams, ({ parent, name, inode }, sequence) => {
			this.#names.addText(parent, sequence, inode, name);
		});
		if (isNameless(file)) this.#nameless.push(file.record);
	}

	#add(record: number, node: ListedNode, sequence: number): void {
		const slot = this.#columns.add(node);
		if (slot >= this.#sequence.length) this.#sequence = grown(this.#sequence, new Uint16Array(slot * 2));
		this.#sequence[slot] = sequence;
		this.#slots.set(record, slot);
	}

	/** The names of the tree, and then of what hangs in none. */
	async tell(): Promise<void> {
		const root = this.#slots.get(ROOT_RECORD);
		if (root < 0 || !this.#columns.isDirectory(root)) throw noRoot(this.#ntfs);
		this.#told.set(ROOT_RECORD, 1);
		await this.#walk(ROOT_RECORD);
		await this.#adoptAll();
		reportOrphans(this.#ntfs, this.#orphans);
	}

	async #walk(top: number): Promise<void> {
		const queue = [top];
		for (let next = 0; next < queue.length; next++) {
			this.#signal?.throwIfAborted();
			const parent = queue[next]!;
			for (const name of this.#names.of(parent, this.#sequence[this.#slots.get(parent)]!)) {
				const inode = this.#names.inode(name);
				const known = this.#isTold(inode);
				const slot = this.#slotOf(inode);
				const isDirectory = this.#columns.isDirectory(slot);
				if (isDirectory && known) {
					this.#ntfs.mft.problem(inode, "more than one name, though it is a directory");
					continue;
				}
				const told = this.#tell(parent, this.#names.text(name), inode, slot);
				if (told !== undefined) await told;
				if (known) continue;
				this.#setTold(inode);
				if (isDirectory) queue.push(inode);
			}
		}
	}

	#tell(parent: number, name: string, inode: number, slot: number): Promise<void> | undefined {
		if (this.#inside.get(parent) === 0) return undefined;
		if (this.#columns.isDirectory(slot)) this.#inside.set(inode, 1);
		return this.#each(parent, name, this.#columns.at(slot, inode));
	}

	async #adopt(inode: number, name: string): Promise<void> {
		if (this.#isTold(inode)) return;
		if (this.#orphans++ === 0) await this.#tellOrphanage();
		const slot = this.#slotOf(inode);
		await this.#tell(ORPHANS, name, inode, slot);
		this.#setTold(inode);
		if (this.#columns.isDirectory(slot)) await this.#walk(inode);
	}

	async #tellOrphanage(): Promise<void> {
		if (this.#inside.get(ROOT_RECORD) === 0) return;
		this.#inside.set(ORPHANS, 1);
		const root = this.#columns.at(this.#slots.get(ROOT_RECORD), ROOT_RECORD);
		await this.#each(ROOT_RECORD, ORPHANS_NAME, { ...root, inode: ORPHANS, size: 0, nlink: 1 });
	}

	async #adoptAll(): Promise<void> {
		const names = this.#names;
		const { count } = names;
		for (const record of this.#nameless) await this.#adopt(record, namelessLink(record).name);
		const lost: number[] = [];
		for (let name = 0; name < count; name++) if (this.#isLost(name)) lost.push(name);
		if (lost.length > 0) {
			const held = this.#held(new Set(lost.map((name) => names.inode(name))));
			for (const name of lost) {
				const inode = names.inode(name);
				if (!held.has(inode)) await this.#adopt(inode, names.text(name));
			}
		}
		// What is left are directories that lie in each other.
		for (let name = 0; name < count; name++) {
			const inode = names.inode(name);
			if (!this.#isTold(inode)) await this.#adopt(inode, names.text(name));
		}
	}

	/** Those of `inodes` that have a name in a directory, too: they stand there, be it among the orphans. */
	#held(inodes: ReadonlySet<number>): Set<number> {
		const held = new Set<number>();
		for (let name = 0; name < this.#names.count; name++) {
			const inode = this.#names.inode(name);
			if (inodes.has(inode) && !this.#isLost(name)) held.add(inode);
		}
		return held;
	}

	/** Whether the directory of a name is gone. */
	#isLost(name: number): boolean {
		const slot = this.#slots.get(this.#names.parent(name));
		return slot < 0 || !this.#columns.isDirectory(slot) || this.#sequence[slot] !== this.#names.sequence(name);
	}

	#slotOf(inode: number): number {
		return isStreamInode(inode) ? this.#streamSlots.get(inode)! : this.#slots.get(inode);
	}

	#isTold(inode: number): boolean {
		return isStreamInode(inode) ? this.#toldStreams.has(inode) : this.#told.get(inode) === 1;
	}

	#setTold(inode: number): void {
		if (isStreamInode(inode)) this.#toldStreams.add(inode);
		else this.#told.set(inode, 1);
	}
}

/** Whether `bytes[at, at + length)` is `wanted`. */
function isAt(bytes: Buffer, at: number, length: number, wanted: Buffer): boolean {
	if (length !== wanted.length) return false;
	for (let i = 0; i < length; i++) if (bytes[at + i] !== wanted[i]) return false;
	return true;
}
