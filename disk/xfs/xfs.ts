/**
 * XFS versions 4 and 5, read-only, as it stands on disk: the log is not replayed. Where it holds
 * changes that have not reached their places, that is a problem which says so.
 *
 * Words: a volume is cut into blocks, blocks into allocation groups; a group has B+trees of its free
 * space and of its inodes, which come in chunks of 64. An inode has forks, one of data and one of
 * attributes; a fork is content itself, a list of extents, or the root of a tree of extents. Runs are
 * consecutive blocks. Layout: superblock.ts, geometry.ts, groups.ts, trees.ts, inode.ts; content:
 * mapping.ts, directory.ts, inodes.ts; log.ts tells whether the log is clean; scan.ts reads all.
 *
 * This folder knows nothing of where the bytes come from, of partitions, or of who asks.
 * Source: the kernel's fs/xfs/libxfs; "XFS Algorithms & Data Structures".
 */
import type { UmbraError } from "../../common/errors.ts";
import type { DeviceNumber, DirectoryEntry, FileNode, Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import type { ListName } from "../listing.ts";
import { lookupPath, RecentlyLoaded } from "../parser/lookup.ts";
import { decodeName, decodeTarget, type EachEntry } from "../parser/names.ts";
import { Problems } from "../parser/problems.ts";
import { type Runs, writtenRanges } from "../parser/runs.ts";
import { BlockSet, Volume } from "../parser/volume.ts";
import type { BlockSource } from "../source/source.ts";
import {
	DirectoryAssembler,
	directoryFault,
	directoryRuns,
	parseDirectoryBlock,
	parseShortDirectory,
} from "./directory.ts";
import type { Xfs } from "./geometry.ts";
import { readGroups } from "./groups.ts";
import { deviceNumber } from "./inode.ts";
import { inlineContent, type LoadedInode, loadInode } from "./loader.ts";
import { readLogState } from "./log.ts";
import { parseSuperblock, SUPERBLOCK_SIZE, superblockChecksumHolds } from "./superblock.ts";

/** One request to the source while content is read. */
const CHUNK_BYTES = 4 << 20;
/** Callers read content in pieces; more at once is a mistake or a hostile size. */
const MAX_READ_BYTES = 1 << 30;
/** Inodes kept between calls, so that reading a file in pieces does not map it again each time. */
const CACHED_INODES = 16;
/** XFS_SYMLINK_MAXLEN. */
const MAX_TARGET = 1024;
/** `struct xfs_dsymlink_hdr`, before each extent of a symlink's target in version 5. */
const SYMLINK_HEADER = 56;
const XFS_SYMLINK_MAGIC = 0x58534c4d;

/**
 * Opens the volume that `source` is; its offset 0 is the volume's first byte. The source stays the caller's.
 *
 * @throws UmbraError `corrupt`, `truncated`, `unsupported` (the feature is named), `limit`, or what the source throws.
 */
export async function openXfs(source: BlockSource, signal?: AbortSignal): Promise<Filesystem> {
	const problems = new Problems(source.name);
	if (source.size < SUPERBLOCK_SIZE) {
		throw problems.error("truncated", `${source.size} bytes cannot hold an XFS superblock`, {
			structure: "xfs_dsb",
			offset: 0,
			found: source.size,
			wanted: SUPERBLOCK_SIZE,
		});
	}
	const head = await source.read(0, SUPERBLOCK_SIZE, signal);
	const superblock = parseSuperblock(Buffer.from(head.buffer, head.byteOffset, head.length), source.size, source.name);
	const volume = new Volume(source, superblock.blockSize, superblock.dblocks);
	const xfs: Xfs = { superblock, volume, problems };
	const note = (code: "corrupt" | "unsupported", message: string, field?: string) =>
		problems.add(code, message, { structure: "xfs_dsb", offset: 0, ...(field === undefined ? {} : { field }) });
	const { features, sectorSize, inProgress } = superblock;
	if (features.version === 5 && !superblockChecksumHolds(await volume.read(0, sectorSize, signal))) {
		note("corrupt", "the superblock does not match its checksum");
	}
	if (inProgress) note("corrupt", "the filesystem was not finished when it was made", "sb_inprogress");
	if (features.needsRepair)
		note("corrupt", "the filesystem is marked as in need of xfs_repair", "sb_features_incompat");
	switch (await readLogState(xfs, signal)) {
		case "dirty":
			note("unsupported", "the log was not replayed, so that what is read may lag behind the newest changes");
			break;
		case "external":
			note("unsupported", "the log is on another device, so that what is read may lag behind the newest changes");
			break;
		case "unreadable":
			note("corrupt", "the log lies outside the volume", "sb_logstart");
			break;
		case "clean":
			break;
	}
	const { freeBlocks } = await readGroups({ ...xfs, problems: new Problems(source.name) }, signal);
	return new XfsFilesystem(xfs, Math.min(superblock.dblocks, freeBlocks ?? superblock.freeBlocks));
}

class XfsFilesystem implements Filesystem {
	readonly kind = "xfs";
	readonly label: string;
	readonly uuid: string;
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	readonly root: number;
	readonly #xfs: Xfs;
	readonly #loaded: RecentlyLoaded<LoadedInode>;

	constructor(xfs: Xfs, freeBlocks: number) {
		const { label, uuid, blockSize, dblocks, rootInode } = xfs.superblock;
		this.label = label;
		this.uuid = uuid;
		this.blockSize = blockSize;
		this.freeBytes = freeBlocks * blockSize;
		this.usedBytes = (dblocks - freeBlocks) * blockSize;
		this.root = rootInode;
		this.#xfs = xfs;
		this.#loaded = new RecentlyLoaded(CACHED_INODES, (inode, signal) => loadInode(xfs, inode, signal));
	}

	get problems(): readonly UmbraError[] {
		return this.#xfs.problems.list;
	}

	// Most who open a volume want one of these or none: they are loaded when they are called.
	async list(top: number, each: ListName, signal?: AbortSignal): Promise<void> {
		return (await import("./list.ts")).list(this.#xfs, top, each, signal);
	}

	async scan(signal?: AbortSignal): Promise<FilesystemScan> {
		return (await import("./scan.ts")).scan(this.#xfs, signal);
	}

	async rescan(before: FilesystemScan, changed: Ranges, signal?: AbortSignal): Promise<FilesystemScan> {
		return (await import("./scan.ts")).rescan(this.#xfs, before, changed, signal);
	}

	async lookup(path: string, signal?: AbortSignal): Promise<FileNode> {
		return lookupPath(path, await this.node(this.root, signal), this.#xfs.problems, async (directory, name) => {
			const entry = await this.#find(directory, name, signal);
			return entry === undefined ? undefined : this.node(entry.inode, signal);
		});
	}

	async #find(node: FileNode, name: string, signal?: AbortSignal): Promise<DirectoryEntry | undefined> {
		return (await this.readDirectory(node, signal)).find((entry) => entry.name === name);
	}

	async node(inode: number, signal?: AbortSignal): Promise<FileNode> {
		return (await this.#loaded.get(inode, signal)).node;
	}

	async readDirectory({ inode }: FileNode, signal?: AbortSignal): Promise<DirectoryEntry[]> {
		const xfs = this.#xfs;
		const loaded = await this.#loaded.get(inode, signal);
		const { node, runs } = loaded;
		if (node.type !== "dir") {
			throw xfs.problems.error("not-found", `inode ${inode} is a ${node.type}, not a directory`, { inode });
		}
		const found: DirectoryEntry[] = [];
		const each: EachEntry = (from, start, end, target) => {
			found.push({ name: decodeName(from, start, end), inode: target });
		};
		const inline = inlineContent(xfs, loaded);
		if (inline !== undefined) {
			directoryFault(xfs, inode, parseShortDirectory(xfs, inline, 0, inline.length, each));
			return found;
		}
		const blocks = new DirectoryAssembler(xfs);
		const step = CHUNK_BYTES / this.blockSize;
		for (const { start, count, tag } of directoryRuns(xfs, inode, runs, new BlockSet())) {
			for (let first = 0; first < count; first += step) {
				const some = Math.min(step, count - first);
				const bytes = await xfs.volume.read((start + first) * this.blockSize, some * this.blockSize, signal);
				blocks.add(tag + first, some, bytes, 0, (from, at) => {
					const block = from === bytes ? start + first + at / this.blockSize : undefined;
					directoryFault(xfs, inode, parseDirectoryBlock(xfs, inode, from, at, each), block);
				});
			}
		}
		if (blocks.missing > 0) directoryFault(xfs, inode, `${blocks.missing} blocks that are not whole`);
		return found;
	}

	async readFile({ inode }: FileNode, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const loaded = await this.#loaded.get(inode, signal);
		const { node, runs, realtime } = loaded;
		if (realtime) {
			throw this.#xfs.problems.error("unsupported", `inode ${inode} has its content on the realtime device`, { inode });
		}
		const end = Math.min(node.size, offset + length);
		if (!(offset >= 0 && end > offset)) return new Uint8Array(0);
		if (node.type === "symlink") return (await this.#target(loaded, signal)).slice(offset, end);
		if (end - offset > MAX_READ_BYTES) {
			throw this.#xfs.problems.error("limit", `a read of ${end - offset} bytes at once; at most ${MAX_READ_BYTES}`, {
				inode,
				offset,
			});
		}
		const content = new Uint8Array(end - offset);
		const inline = inlineContent(this.#xfs, loaded);
		if (inline !== undefined) {
			content.set(inline.subarray(offset, end));
			return content;
		}
		for (let i = firstRun(runs, Math.floor(offset / this.blockSize)); i < runs.length; i += 3) {
			const logical = runs[i]! * this.blockSize;
			if (logical >= end) break;
			const count = runs[i + 2]!;
			if (count < 0) continue; // unwritten: zeroes
			const from = Math.max(offset, logical);
			const to = Math.min(end, logical + count * this.blockSize);
			for (let at = from; at < to; at += CHUNK_BYTES) {
				const physical = runs[i + 1]! * this.blockSize + at - logical;
				content.set(await this.#xfs.volume.read(physical, Math.min(CHUNK_BYTES, to - at), signal), at - offset);
			}
		}
		return content;
	}

	async written({ inode }: FileNode, signal?: AbortSignal): Promise<Ranges> {
		const loaded = await this.#loaded.get(inode, signal);
		const { node, runs } = loaded;
		if (inlineContent(this.#xfs, loaded) !== undefined) return node.size === 0 ? [] : [0, node.size];
		return writtenRanges(runs, this.blockSize, node.size);
	}

	async device({ inode }: FileNode, signal?: AbortSignal): Promise<DeviceNumber> {
		const { bytes } = await this.#loaded.get(inode, signal);
		return deviceNumber(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
	}

	async readLink(node: FileNode, signal?: AbortSignal): Promise<string> {
		const loaded = await this.#loaded.get(node.inode, signal);
		if (loaded.node.type !== "symlink") {
			throw this.#xfs.problems.error("not-found", `inode ${node.inode} is a ${loaded.node.type}, not a symlink`, {
				inode: node.inode,
			});
		}
		return decodeTarget(await this.#target(loaded, signal));
	}

	/** In the inode or in up to three extents, each with a header of its own in version 5. */
	async #target(loaded: LoadedInode, signal?: AbortSignal): Promise<Buffer> {
		const { node, runs } = loaded;
		const { superblock, volume } = this.#xfs;
		const corrupt = (what: string) =>
			this.#xfs.problems.error("corrupt", `symlink inode ${node.inode} has ${what}`, {
				structure: "xfs_dsymlink_hdr",
				inode: node.inode,
			});
		if (node.size > MAX_TARGET) throw corrupt(`a target of ${node.size} bytes`);
		const inline = inlineContent(this.#xfs, loaded);
		if (inline !== undefined) return inline;
		const parts: Buffer[] = [];
		let left = node.size;
		for (let i = 0; i < runs.length && left > 0; i += 3) {
			const header = superblock.features.version === 5 ? SYMLINK_HEADER : 0;
			const room = Math.abs(runs[i + 2]!) * this.blockSize;
			const bytes = await volume.read(runs[i + 1]! * this.blockSize, Math.min(room, header + left), signal);
			if (header > 0 && (bytes.length < header || bytes.readUInt32BE(0) !== XFS_SYMLINK_MAGIC)) {
				throw corrupt("a part that makes no sense");
			}
			if (header > 0 && bytes.readUInt32BE(32) * 2 ** 32 + bytes.readUInt32BE(36) !== node.inode) {
				throw corrupt("a part that belongs elsewhere");
			}
			parts.push(bytes.subarray(header));
			left -= bytes.length - header;
		}
		if (left > 0) throw corrupt(`no blocks for the last ${left} bytes of its target`);
		return Buffer.concat(parts);
	}
}

/** Index of the run that holds the logical block, or of the first behind it. */
function firstRun(runs: Runs, block: number): number {
	let low = 0;
	let high = runs.length / 3;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (runs[middle * 3]! + Math.abs(runs[middle * 3 + 2]!) <= block) low = middle + 1;
		else high = middle;
	}
	return low * 3;
}
