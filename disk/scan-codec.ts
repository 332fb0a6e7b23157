/**
 * The columns of a scan, and of what differs between two: the values of one field of all nodes stand together, as
 * differences where they ascend, since that is what zstd shrinks best and decodes fastest.
 */
import type { FileNode, FilesystemScan, FileType, Link, Ranges, ScanBasis } from "./filesystem.ts";
import { type Directory, directoriesOf, layerScan, type ScanDifference } from "./rescan/layered-scan.ts";
import type { ColumnReader, ColumnWriter } from "./tree-columns.ts";

/** Names are joined into strings of this many, so that one name kept alive does not keep all of them. */
const NAMES_PER_RUN = 16384;

/** The order is part of the format. */
const TYPES: readonly FileType[] = ["file", "dir", "symlink", "char", "block", "fifo", "socket"];
/** In the type's byte: ctime is the same as mtime and is left out. */
const SAME_TIMES = 0x80;

export function writeScan(writer: ColumnWriter, scan: FilesystemScan, blockSize: number): void {
	const nodes = [...scan.nodes.values()];
	const unit = rangeUnit([scan.metadata, scan.journal], nodes, blockSize);
	writer.natural(scan.root);
	writer.natural(unit);
	writeNodes(writer, nodes, unit);
	writer.ranges(scan.metadata, unit);
	writer.ranges(scan.journal, unit);
	writeLinks(writer, scan.links);
	writeBasis(writer, scan.basis);
}

export function readScan(reader: ColumnReader): FilesystemScan {
	const root = reader.natural();
	const unit = reader.natural();
	const nodes = new Map<number, FileNode>();
	const read = readNodes(reader, unit);
	for (const node of read) nodes.set(node.inode, node);
	if (nodes.size !== read.length) throw reader.damaged("the same inode twice");
	const metadata = reader.ranges(unit);
	const journal = reader.ranges(unit);
	const links = readLinks(reader);
	return { root, nodes, links, metadata, journal, ...readBasis(reader) };
}

function writeNodes(writer: ColumnWriter, nodes: readonly FileNode[], unit: number): void {
	writer.natural(nodes.length);
	let last = 0;
	for (const { inode } of nodes) {
		writer.integer(inode - last);
		last = inode;
	}
	for (const { generation } of nodes) writer.natural(generation);
	for (const { type, mtime, ctime } of nodes) {
		writer.byte(TYPES.indexOf(type) | (Object.is(mtime, ctime) ? SAME_TIMES : 0));
	}
	for (const { size } of nodes) writer.natural(size);
	for (const { mode } of nodes) writer.natural(mode);
	for (const { uid } of nodes) writer.natural(uid);
	for (const { gid } of nodes) writer.natural(gid);
	for (const { nlink } of nodes) writer.natural(nlink);
	for (const { mtime } of nodes) writer.float(mtime);
	for (const { mtime, ctime } of nodes) if (!Object.is(mtime, ctime)) writer.float(ctime);
	writer.rangeLists(nodes, "data", unit);
	writer.rangeLists(nodes, "meta", unit);
}

function readNodes(reader: ColumnReader, unit: number): FileNode[] {
	// A node has at least eight bytes of varints and type, eight of mtime and two of range counts.
	const count = reader.count(18);
	const inodes = reader.deltas(count);
	const generations = reader.naturals(count);
	const types = reader.raw(count);
	const sizes = reader.naturals(count);
	const modes = reader.naturals(count);
	const uids = reader.naturals(count);
	const gids = reader.naturals(count);
	const nlinks = reader.naturals(count);
	const mtimes = reader.floats(count);
	let differing = 0;
	for (let at = 0; at < count; at++) if ((types[at]! & SAME_TIMES) === 0) differing++;
	const ctimes = reader.floats(differing);
	const data = reader.rangeLists(count, unit);
	const meta = reader.rangeLists(count, unit);
	const nodes = new Array<FileNode>(count);
	for (let at = 0, other = 0; at < count; at++) {
		const inode = inodes[at]!;
		const type = TYPES[types[at]! & ~SAME_TIMES];
		if (type === undefined) throw reader.damaged(`type ${types[at]} of inode ${inode}`);
		const mtime = mtimes[at]!;
		nodes[at] = {
			inode,
			generation: generations[at]!,
			type,
			size: sizes[at]!,
			mode: modes[at]!,
			uid: uids[at]!,
			gid: gids[at]!,
			nlink: nlinks[at]!,
			mtime,
			ctime: (types[at]! & SAME_TIMES) === 0 ? ctimes[other++]! : mtime,
			data: data[at]!,
			meta: meta[at]!,
		};
	}
	return nodes;
}

function writeLinks(writer: ColumnWriter, links: readonly Link[]): void {
	writer.natural(links.length);
	let last = 0;
	for (const { parent } of links) {
		writer.integer(parent - last);
		last = parent;
	}
	last = 0;
	for (const { inode } of links) {
		writer.integer(inode - last);
		last = inode;
	}
	for (let at = 0; at < links.length; at += NAMES_PER_RUN) {
		let names = links.slice(at, at + NAMES_PER_RUN).map(({ name }) => name);
		let joined = names.join("");
		if (!joined.isWellFormed()) {
			// Joined, a half surrogate pair could find its other half in the next name.
			names = names.map((name) => name.toWellFormed());
			joined = names.join("");
		}
		for (const name of names) writer.natural(name.length);
		writer.string(joined);
	}
}

function readLinks(reader: ColumnReader): Link[] {
	const count = reader.count(3);
	const parents = reader.deltas(count);
	const inodes = reader.deltas(count);
	const links = new Array<Link>(count);
	for (let from = 0; from < count; from += NAMES_PER_RUN) {
		const to = Math.min(from + NAMES_PER_RUN, count);
		const lengths = reader.naturals(to - from);
		const joined = reader.string();
		let start = 0;
		for (let at = from; at < to; at++) {
			const end = start + lengths[at - from]!;
			links[at] = { parent: parents[at]!, name: joined.slice(start, end), inode: inodes[at]! };
			start = end;
		}
		if (start !== joined.length) throw reader.damaged("lengths of names do not add up");
	}
	return links;
}

function writeBasis(writer: ColumnWriter, basis: ScanBasis | undefined): void {
	writer.byte(basis === undefined ? 0 : 1);
	if (basis === undefined) return;
	writer.string(basis.layout);
	writer.ranges(basis.replayed, 1);
	writeLinks(writer, basis.dangling);
}

function readBasis(reader: ColumnReader): { readonly basis?: ScanBasis } {
	if (!reader.choice([false, true])) return {};
	const layout = reader.string();
	const replayed = reader.ranges(1);
	return { basis: { layout, replayed, dangling: readLinks(reader) } };
}

/** The block size where every range is whole blocks, as it is in practice; else 1. */
function rangeUnit(fixed: readonly Ranges[], nodes: readonly FileNode[], blockSize: number): number {
	if (blockSize <= 1) return 1;
	const whole = (ranges: Ranges): boolean => ranges.every((value) => value % blockSize === 0);
	const fits = fixed.every(whole) && nodes.every(({ data, meta }) => whole(data) && whole(meta));
	return fits ? blockSize : 1;
}

/** What differs between two scans of the same base, with what is told anew of each scan. */
export function writeScanChanges(
	writer: ColumnWriter,
	before: FilesystemScan,
	after: FilesystemScan,
	difference: ScanDifference,
	blockSize: number,
): void {
	const nodes = difference.nodes.map((inode) => after.nodes.get(inode)).filter((node) => node !== undefined);
	const sameMetadata = before.metadata === after.metadata;
	const sameJournal = before.journal === after.journal;
	const fixed = [sameMetadata ? [] : after.metadata, sameJournal ? [] : after.journal];
	const unit = rangeUnit(fixed, nodes, blockSize);
	writer.natural(unit);
	writeNodes(writer, nodes, unit);
	writeInodes(
		writer,
		difference.nodes.filter((inode) => !after.nodes.has(inode)),
	);
	const directories = directoriesOf(after);
	const old = directoriesOf(before);
	writeInodes(
		writer,
		difference.directories.filter((inode) => !directories.has(inode)),
	);
	const changed = difference.directories.filter((inode) => directories.has(inode));
	writeInodes(writer, changed);
	const middles: Link[] = [];
	for (const inode of changed) {
		const { parent, links } = directories.get(inode)!;
		const [start, end] = commonEnds(old.get(inode)?.links ?? [], links);
		writer.natural(parent);
		writer.natural(start);
		writer.natural(end);
		writer.natural(links.length - start - end);
		for (let at = start; at < links.length - end; at++) middles.push(links[at]!);
	}
	writeLinks(writer, middles);
	writer.byte(sameMetadata ? 1 : 0);
	if (!sameMetadata) writer.ranges(after.metadata, unit);
	writer.byte(sameJournal ? 1 : 0);
	if (!sameJournal) writer.ranges(after.journal, unit);
	writeBasis(writer, after.basis);
}

export function readScanChanges(reader: ColumnReader, before: FilesystemScan): FilesystemScan {
	const unit = reader.natural();
	const nodes = new Map<number, FileNode | undefined>();
	for (const node of readNodes(reader, unit)) nodes.set(node.inode, node);
	for (const inode of readInodes(reader)) nodes.set(inode, undefined);
	const old = directoriesOf(before);
	const directories = new Map<number, Directory | undefined>();
	for (const inode of readInodes(reader)) directories.set(inode, undefined);
	const edits = Array.from(readInodes(reader), (inode) => {
		return {
			inode,
			parent: reader.natural(),
			start: reader.natural(),
			end: reader.natural(),
			middle: reader.natural(),
		};
	});
	const middles = readLinks(reader);
	let at = 0;
	for (const { inode, parent, start, end, middle } of edits) {
		const links = old.get(inode)?.links ?? [];
		if (start + end > links.length || at + middle > middles.length) throw reader.damaged("names of another directory");
		const kept = links.slice(links.length - end);
		directories.set(inode, { parent, links: [...links.slice(0, start), ...middles.slice(at, at + middle), ...kept] });
		at += middle;
	}
	if (at !== middles.length) throw reader.damaged("names of no directory");
	const metadata = reader.choice([false, true]) ? before.metadata : reader.ranges(unit);
	const journal = reader.choice([false, true]) ? before.journal : reader.ranges(unit);
	const { basis } = readBasis(reader);
	return layerScan(before, { nodes, directories }, { metadata, journal, basis });
}

function writeInodes(writer: ColumnWriter, inodes: readonly number[]): void {
	writer.natural(inodes.length);
	for (const inode of inodes) writer.natural(inode);
}

function readInodes(reader: ColumnReader): Float64Array {
	return reader.naturals(reader.count(1));
}

/** How many links two lists have in common at their begin, and then at their end. */
function commonEnds(before: readonly Link[], after: readonly Link[]): [start: number, end: number] {
	const same = (a: Link, b: Link) => a === b || (a.inode === b.inode && a.name === b.name && a.parent === b.parent);
	const shorter = Math.min(before.length, after.length);
	let start = 0;
	while (start < shorter && same(before[start]!, after[start]!)) start++;
	let end = 0;
	while (end < shorter - start && same(before[before.length - 1 - end]!, after[after.length - 1 - end]!)) end++;
	return [start, end];
}
