/**
 * ext2, ext3 and ext4, read-only, seen as the kernel would show them after a mount: a journal that was
 * not yet written back is replayed in memory.
 *
 * Words: a volume is cut into blocks, blocks into block groups; a group has bitmaps and a part of the
 * inode table. An inode names its blocks by extents or by indirect blocks. Runs are consecutive
 * blocks. Layout: superblock.ts, groups.ts, inode.ts; content: mapping.ts, attributes.ts,
 * directory.ts, inodes.ts; journal.ts makes the overlay through which volume.ts shows the disk; scan.ts reads all.
 *
 * This folder knows nothing of where the bytes come from, of partitions, or of who asks.
 * Source: the kernel's Documentation/filesystems/ext4 and fs/ext4, fs/jbd2.
 */
import { type ErrorCode, UmbraError } from "../../common/errors.ts";
import type { DeviceNumber, DirectoryEntry, FileNode, Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import type { ListName } from "../listing.ts";
import { lookupPath, RecentlyLoaded } from "../parser/lookup.ts";
import { decodeEncryptedName, decodeTarget, type EachEntry } from "../parser/names.ts";
import { Problems } from "../parser/problems.ts";
import { writtenRanges } from "../parser/runs.ts";
import { BlockSet, type Overlay, Volume } from "../parser/volume.ts";
import type { BlockSource } from "../source/source.ts";
import { entryName, parseDirectoryBlock } from "./directory.ts";
import { readGroups } from "./groups.ts";
import { EXT4_ENCRYPT_FL, type Ext, I_BLOCK_OFFSET, ROOT_INODE } from "./inode.ts";
import { directoryContext, directoryFault, directoryRuns, parseInlineDirectory } from "./inodes.ts";
import { readJournal } from "./journal.ts";
import { type LoadedInode, loadInode } from "./loader.ts";
import { parseSuperblock, SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE, type Superblock } from "./superblock.ts";

export { isExt } from "./superblock.ts";

/** One request to the source while content is read. */
const CHUNK_BYTES = 4 << 20;
/** Callers read content in pieces; more at once is a mistake or a hostile size. */
const MAX_READ_BYTES = 1 << 30;
/** Inodes kept between calls, so that reading a file in pieces does not map it again each time. */
const CACHED_INODES = 16;

/**
 * Opens the volume that `source` is; its offset 0 is the volume's first byte. The source stays the caller's.
 *
 * @throws UmbraError `corrupt`, `truncated`, `unsupported` (the feature is named), `limit`, or what the source throws.
 */
export async function openExt(source: BlockSource, signal?: AbortSignal): Promise<Filesystem> {
	const problems = new Problems(source.name);
	if (source.size < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE) {
		throw problems.error("truncated", `${source.size} bytes cannot hold an ext superblock`, {
			structure: "ext4_super_block",
			offset: SUPERBLOCK_OFFSET,
			found: source.size,
			wanted: SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE,
		});
	}
	const bytes = await source.read(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE, signal);
	let superblock = parseSuperblock(bytes, source.size, source.name);
	let volume = new Volume(source, superblock.blockSize, superblock.blocksCount);

	const overlay = await replay(superblock, volume, problems, signal);
	if (overlay !== undefined) {
		const { blockSize } = superblock;
		const replayed = new Volume(source, blockSize, superblock.blocksCount, overlay);
		superblock = parseSuperblock(
			await replayed.read(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE, signal),
			source.size,
			source.name,
		);
		if (superblock.blockSize !== blockSize) {
			throw problems.error("corrupt", "the journal's superblock has another block size than the volume's", {
				structure: "ext4_super_block",
				offset: SUPERBLOCK_OFFSET,
				field: "s_log_block_size",
				found: superblock.blockSize,
				wanted: blockSize,
			});
		}
		volume = new Volume(source, blockSize, superblock.blocksCount, overlay);
	}
	if (!superblock.checksumHolds) {
		problems.add("corrupt", "the superblock does not match its checksum", {
			structure: "ext4_super_block",
			offset: SUPERBLOCK_OFFSET,
		});
	}
	const groups = await readGroups(superblock, volume, problems, signal);
	return new ExtFilesystem({ superblock, groups, volume, problems });
}

async function replay(
	superblock: Superblock,
	volume: Volume,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Overlay | undefined> {
	const { features, journalInum } = superblock;
	if (!features.hasJournal) return undefined;
	if (journalInum === 0) {
		const lost = features.needsRecovery ? " and was not replayed: the newest changes are missing" : "";
		problems.add("unsupported", `the journal is on another device${lost}`, {
			structure: "ext4_super_block",
			field: "s_journal_uuid",
		});
		return undefined;
	}
	if (!features.needsRecovery) return undefined;
	// Before the replay descriptors may be half written: what is wrong with them does not count.
	const groups = await readGroups(superblock, volume, new Problems(volume.source.name), signal);
	try {
		const { runs } = await loadInode({ superblock, groups, volume, problems }, journalInum, signal);
		return await readJournal(volume, runs, problems, signal);
	} catch (error) {
		if (!(error instanceof UmbraError) || !DAMAGE.has(error.code)) throw error;
		problems.add(error.code, `the journal cannot be read: ${error.message}`, error.context);
		return undefined;
	}
}

/** What a volume's own bytes can cause; anything else is the source's failure and must not pass for damage. */
const DAMAGE: ReadonlySet<ErrorCode> = new Set(["corrupt", "not-found", "limit"]);

class ExtFilesystem implements Filesystem {
	readonly kind: string;
	readonly label: string;
	readonly uuid: string;
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	readonly root = ROOT_INODE;
	readonly #ext: Ext;
	readonly #loaded: RecentlyLoaded<LoadedInode>;

	constructor(ext: Ext) {
		const { kind, label, uuid, blockSize, blocksCount, clusterBlocks } = ext.superblock;
		this.kind = kind;
		this.label = label;
		this.uuid = uuid;
		this.blockSize = blockSize;
		const free = Math.min(blocksCount, ext.groups.freeClusters * clusterBlocks);
		this.freeBytes = free * blockSize;
		this.usedBytes = (blocksCount - free) * blockSize;
		this.#ext = ext;
		this.#loaded = new RecentlyLoaded(CACHED_INODES, (inode, signal) => loadInode(ext, inode, signal));
	}

	get problems(): readonly UmbraError[] {
		return this.#ext.problems.list;
	}

	// Most who open a volume want one of these or none: they are loaded when they are called.
	async list(top: number, each: ListName, signal?: AbortSignal): Promise<void> {
		return (await import("./list.ts")).list(this.#ext, top, each, signal);
	}

	async scan(signal?: AbortSignal): Promise<FilesystemScan> {
		return (await import("./scan.ts")).scan(this.#ext, signal);
	}

	async rescan(before: FilesystemScan, changed: Ranges, signal?: AbortSignal): Promise<FilesystemScan> {
		return (await import("./scan.ts")).rescan(this.#ext, before, changed, signal);
	}

	async lookup(path: string, signal?: AbortSignal): Promise<FileNode> {
		return lookupPath(path, await this.node(ROOT_INODE, signal), this.#ext.problems, async (directory, name) => {
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
		const { node, flags, inline } = await this.#loaded.get(inode, signal);
		if (node.type !== "dir") {
			throw this.#ext.problems.error("not-found", `inode ${inode} is a ${node.type}, not a directory`, { inode });
		}
		const context = directoryContext(this.#ext, node, flags);
		const found: DirectoryEntry[] = [];
		const each: EachEntry = (from, start, end, target) => {
			found.push({ name: entryName(context, from, start, end), inode: target });
		};
		if (inline !== undefined) {
			parseInlineDirectory(this.#ext, inode, inline, context, each);
			return found;
		}
		for (const { start, count } of directoryRuns(this.#ext, node, new BlockSet())) {
			const end = (start + count) * this.blockSize;
			for (let offset = start * this.blockSize; offset < end; offset += CHUNK_BYTES) {
				const bytes = await this.#ext.volume.read(offset, Math.min(CHUNK_BYTES, end - offset), signal);
				for (let at = 0; at < bytes.length; at += this.blockSize) {
					const fault = parseDirectoryBlock(bytes, at, at + this.blockSize, context, each);
					directoryFault(this.#ext, inode, fault, offset + at);
				}
			}
		}
		return found;
	}

	async readFile({ inode }: FileNode, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const { node, runs, inline, fastSymlink, bytes } = await this.#loaded.get(inode, signal);
		const end = Math.min(node.size, offset + length);
		if (!(offset >= 0 && end > offset)) return new Uint8Array(0);
		if (end - offset > MAX_READ_BYTES) {
			throw this.#ext.problems.error("limit", `a read of ${end - offset} bytes at once; at most ${MAX_READ_BYTES}`, {
				inode,
				offset,
			});
		}
		const content = new Uint8Array(end - offset);
		const short = fastSymlink ? bytes.subarray(I_BLOCK_OFFSET, I_BLOCK_OFFSET + node.size) : undefined;
		const inner = short ?? (inline === undefined ? undefined : Buffer.concat([inline.head, inline.rest]));
		if (inner !== undefined) {
			content.set(inner.subarray(offset, end));
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
				content.set(await this.#ext.volume.read(physical, Math.min(CHUNK_BYTES, to - at), signal), at - offset);
			}
		}
		return content;
	}

	async written({ inode }: FileNode, signal?: AbortSignal): Promise<Ranges> {
		const { node, runs, inline, fastSymlink } = await this.#loaded.get(inode, signal);
		if (fastSymlink || inline !== undefined) return node.size === 0 ? [] : [0, node.size];
		return writtenRanges(runs, this.blockSize, node.size);
	}

	/** i_block holds the number, in the first word as long as it fits into 16 bits. */
	async device({ inode }: FileNode, signal?: AbortSignal): Promise<DeviceNumber> {
		const { bytes } = await this.#loaded.get(inode, signal);
		const [short, long] = [bytes.readUInt32LE(I_BLOCK_OFFSET), bytes.readUInt32LE(I_BLOCK_OFFSET + 4)];
		if (short !== 0) return { major: (short >>> 8) & 0xff, minor: short & 0xff };
		return { major: (long >>> 8) & 0xfff, minor: (long & 0xff) | ((long >>> 12) & 0xfff00) };
	}

	async readLink(node: FileNode, signal?: AbortSignal): Promise<string> {
		const { flags, node: loaded } = await this.#loaded.get(node.inode, signal);
		if (loaded.type !== "symlink") {
			throw this.#ext.problems.error("not-found", `inode ${node.inode} is a ${loaded.type}, not a symlink`, {
				inode: node.inode,
			});
		}
		// A target is never longer than a block.
		const target = await this.readFile(loaded, 0, this.blockSize, signal);
		return (flags & EXT4_ENCRYPT_FL) !== 0 ? decodeEncryptedName(target) : decodeTarget(target);
	}
}

/** Index of the run that holds the logical block, or of the first behind it. */
function firstRun(runs: readonly number[], block: number): number {
	let low = 0;
	let high = runs.length / 3;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (runs[middle * 3]! + Math.abs(runs[middle * 3 + 2]!) <= block) low = middle + 1;
		else high = middle;
	}
	return low * 3;
}
