/**
 * NTFS, read-only, as it is on the disk: $LogFile is not replayed.
 *
 * Words: a volume is cut into clusters. Everything is a file, and every file is one *record* of the Master File Table
 * (MFT), with more where one is too small. A record holds attributes; an attribute's value is *resident* in the record
 * or lies in *runs* of clusters. The values of $DATA are the file's *streams*: the one without a name is its content,
 * the others ("alternate data streams") are shown as files of their own, `file:stream`, so that nothing hides in them.
 * Raw structures: boot-sector.ts, record.ts, runlist.ts; from records to files: file.ts, mft.ts, node.ts; content:
 * content.ts, lznt1.ts, reparse.ts; names: directory.ts, links.ts; owners: security.ts; scan.ts reads all, rescan.ts
 * what changed, list.ts names alone; usn.ts is the change journal, usn-histories.ts what it tells of each file.
 *
 * The inode number of a file is that of its record, its generation the record's sequence number.
 *
 * This folder knows nothing of where the bytes come from, of partitions, or of who asks.
 * Source: the Linux-NTFS project's documentation; ntfs-3g's libntfs-3g; Microsoft's [MS-FSCC].
 */
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import type { DirectoryEntry, FileNode, Filesystem, FilesystemScan, Link, Ranges } from "../filesystem.ts";
import type { ListName } from "../listing.ts";
import type { Owners } from "../owners.ts";
import { lookupPath } from "../parser/lookup.ts";
import { Problems } from "../parser/problems.ts";
import { directoriesOf } from "../rescan/layered-scan.ts";
import type { BlockSource } from "../source/source.ts";
import { readSamAccounts } from "../windows/sam.ts";
import { BOOT_SECTOR_SIZE, parseBootSector } from "./boot-sector.ts";
import { readAll, readStream, writtenBytes } from "./content.ts";
import { type IndexEntry, readIndex } from "./directory.ts";
import { findStream, type Stream } from "./file.ts";
import { ORPHANS, ORPHANS_NAME, orphansNode, ROOT_RECORD } from "./links.ts";
import { isLogClean, LOG_HEAD_BYTES } from "./log-file.ts";
import { type LoadedFile, Mft } from "./mft.ts";
import { makeNode, makeStreamNodes, type Ntfs, namedStreams, reparseDataOf } from "./node.ts";
import { AT, AttributeCursor } from "./record.ts";
import { reparseTarget } from "./reparse.ts";
import { scan } from "./scan.ts";
import { MAX_SDS_BYTES, SDS_STRIDE, Security } from "./security.ts";
import { isStreamInode, recordOf } from "./stream-ids.ts";
import { NtfsVolume } from "./volume.ts";

export { isNtfs } from "./boot-sector.ts";

const LOG_RECORD = 2;
const VOLUME_RECORD = 3;
const BITMAP_RECORD = 6;
const SECURE_RECORD = 9;
const VOLUME_IS_DIRTY = 1;
/** Of the cluster bitmap, read at once. */
const BITMAP_BYTES = 4 << 20;
/** Files and directories kept between calls, so that reading in pieces does not load them again each time. */
const CACHED_FILES = 16;
const CACHED_DIRECTORIES = 8;
/** Beyond so many records of the files, or names in the directories, fewer of them are kept. */
const CACHED_RECORDS = 4096;
const CACHED_NAMES = 1 << 17;
/** A table with more faults than this is given up. */
const MAX_SDS_FAULTS = 1000;
/** Files of a directory whose records are read together. */
const BATCH = 1024;

/**
 * Opens the volume that `source` is; its offset 0 is the volume's first byte. The source stays the caller's.
 *
 * @throws UmbraError `corrupt`, `truncated`, `limit`, or what the source throws.
 */
export async function openNtfs(source: BlockSource, signal?: AbortSignal): Promise<NtfsFilesystem> {
	const problems = new Problems(source.name);
	if (source.size < BOOT_SECTOR_SIZE) {
		throw problems.error("truncated", `${source.size} bytes cannot hold an NTFS boot sector`, {
			structure: "NTFS boot sector",
			offset: 0,
			found: source.size,
			wanted: BOOT_SECTOR_SIZE,
		});
	}
	const head = await source.read(0, BOOT_SECTOR_SIZE, signal);
	const boot = parseBootSector(Buffer.from(head.buffer, head.byteOffset, head.byteLength), source.size, source.name);
	const volume = new NtfsVolume(source, boot, problems);
	const mft = await Mft.open(volume, signal);
	const facts = await readFacts(mft, signal);
	const security = await readSecurity(mft, signal);
	return new NtfsFilesystem({ volume, mft, security }, facts);
}

interface VolumeFacts {
	readonly label: string;
	readonly freeClusters: number;
}

/** What the volume says of itself in its own files. Each that is damaged is a problem, not an end. */
async function readFacts(mft: Mft, signal?: AbortSignal): Promise<VolumeFacts> {
	const { volume } = mft;
	const { problems } = volume;
	const loaded = await mft.loadFiles([LOG_RECORD, VOLUME_RECORD, BITMAP_RECORD], signal);
	const { label, dirty } = readVolumeFile(loaded.get(VOLUME_RECORD));
	const log = loaded.get(LOG_RECORD);
	const logData = log === undefined ? undefined : findStream(log.file.streams, "");
	let clean: boolean | undefined;
	if (log !== undefined && logData !== undefined) {
		clean = await orUndefined(async () => isLogClean(await readAll(volume, log, logData, LOG_HEAD_BYTES, signal)));
	}
	if (clean === false || dirty) {
		problems.add(
			"unsupported",
			"the volume was in use or not dismounted cleanly: what is only in $LogFile is not shown, and the newest changes may be missing",
			{ structure: "$LogFile" },
		);
	} else if (clean === undefined) {
		problems.add("corrupt", "$LogFile cannot be read: whether the newest changes are missing cannot be told", {
			structure: "$LogFile",
		});
	}
	const bitmap = loaded.get(BITMAP_RECORD);
	const freeClusters = await orUndefined(() => countFree(volume, bitmap, signal));
	if (freeClusters === undefined) {
		problems.add("corrupt", "$Bitmap cannot be read: how much is free cannot be told", { structure: "$Bitmap" });
	}
	return { label, freeClusters: freeClusters ?? 0 };
}

function readVolumeFile(loaded: LoadedFile | undefined): { readonly label: string; readonly dirty: boolean } {
	const raw = loaded?.raw.get(VOLUME_RECORD);
	let label = "";
	let dirty = false;
	if (raw === undefined) return { label, dirty };
	const cursor = new AttributeCursor(raw.view, raw.header.attributes, raw.header.end);
	while (cursor.next()) {
		const { type, resident, valueAt, valueLength } = cursor;
		if (type === AT.VOLUME_NAME && resident) {
			label = raw.bytes.toString("utf16le", valueAt, valueAt + (valueLength & ~1)).toWellFormed();
		} else if (type === AT.VOLUME_INFORMATION && resident && valueLength >= 12) {
			dirty = (raw.view.getUint16(valueAt + 10, true) & VOLUME_IS_DIRTY) !== 0;
		}
	}
	return { label, dirty };
}

async function countFree(
	volume: NtfsVolume,
	loaded: LoadedFile | undefined,
	signal?: AbortSignal,
): Promise<number | undefined> {
	const stream = loaded === undefined ? undefined : findStream(loaded.file.streams, "");
	if (loaded === undefined || stream === undefined) return undefined;
	const { clusters } = volume.boot;
	const length = Math.ceil(clusters / 8);
	let used = 0;
	for (let offset = 0; offset < length; offset += BITMAP_BYTES) {
		const bytes = await readStream(volume, loaded, stream, offset, Math.min(BITMAP_BYTES, length - offset), signal);
		for (let i = 0; i < bytes.length; i++) used += BITS[bytes[i]!]!;
		// Bits behind the last cluster are set, and count for nothing.
		if (offset + bytes.length === length && clusters % 8 !== 0) {
			used -= BITS[bytes.at(-1)! >>> (clusters % 8)]!;
		}
	}
	return clusters - Math.min(used, clusters);
}

/** How many bits of a byte are set. */
const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
	let count = 0;
	for (let rest = byte; rest > 0; rest >>>= 1) count += rest & 1;
	return count;
});

async function readSecurity(mft: Mft, signal?: AbortSignal): Promise<Security> {
	const security = new Security();
	const loaded = (await mft.loadFiles([SECURE_RECORD], signal)).get(SECURE_RECORD);
	const stream = loaded === undefined ? undefined : findStream(loaded.file.streams, "$SDS");
	// Volumes of the first version have no such table.
	if (loaded === undefined || stream === undefined) return security;
	let faults = 0;
	const end = Math.min(stream.size, MAX_SDS_BYTES);
	for (let at = 0; at < end && faults < MAX_SDS_FAULTS; at += SDS_STRIDE) {
		// The second half of a stride is a copy of the first.
		const table = await orUndefined(() => readStream(mft.volume, loaded, stream, at, SDS_STRIDE / 2, signal));
		faults += table === undefined ? MAX_SDS_FAULTS : security.addTable(table);
	}
	if (faults > 0 || stream.size > MAX_SDS_BYTES) {
		mft.volume.problems.add("corrupt", "$Secure:$SDS is damaged: not every file's owner can be told", {
			structure: "$SDS",
			record: SECURE_RECORD,
		});
	}
	return security;
}

/** The result, or undefined where the volume's own bytes stand in the way; what the source throws passes. */
async function orUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
	try {
		return await work();
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "unsupported", "limit")) throw error;
		return undefined;
	}
}

export class NtfsFilesystem implements Filesystem {
	readonly kind = "ntfs";
	readonly label: string;
	readonly uuid: string;
	/** Content lies in clusters or, of small files, in MFT records: the smaller of the two is the unit of its place. */
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	readonly root = ROOT_RECORD;
	readonly #ntfs: Ntfs;
	readonly #files = new Map<number, LoadedFile>();
	readonly #directories = new Map<number, Directory>();
	/** Of the last scan. */
	#orphans: readonly Link[] | undefined;

	constructor(ntfs: Ntfs, { label, freeClusters }: VolumeFacts) {
		const { serial, clusterSize, clusters, recordSize } = ntfs.volume.boot;
		this.label = label;
		this.uuid = serial;
		this.blockSize = Math.min(clusterSize, recordSize);
		this.freeBytes = freeClusters * clusterSize;
		this.usedBytes = (clusters - freeClusters) * clusterSize;
		this.#ntfs = ntfs;
	}

	get problems(): readonly UmbraError[] {
		return this.#ntfs.volume.problems.list;
	}

	/** Accounts of the Windows on this volume by their names, well-known SIDs too, all others as SIDs. */
	async owners(signal?: AbortSignal): Promise<Owners> {
		const { security, volume } = this.#ntfs;
		try {
			return security.owners(await readSamAccounts(this, signal));
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "unsupported", "limit")) throw error;
			volume.problems.add(error.code, `accounts stay SIDs: ${error.message}`, { ...error.context });
			return security.owners();
		}
	}

	async list(top: number, each: ListName, signal?: AbortSignal): Promise<void> {
		return (await import("./list.ts")).list(this.#ntfs, top, each, signal);
	}

	async scan(signal?: AbortSignal): Promise<FilesystemScan> {
		const { orphans, ...result } = await scan(this.#ntfs, signal);
		this.#orphans = orphans;
		return result;
	}

	async rescan(before: FilesystemScan, changed: Ranges, signal?: AbortSignal): Promise<FilesystemScan> {
		const updated = await (await import("./rescan.ts")).rescan(this.#ntfs, before, changed, signal);
		if (updated === undefined) return this.scan(signal);
		this.#orphans = directoriesOf(updated).get(ORPHANS)?.links ?? [];
		return updated;
	}

	/** As Windows would: where no name is the same, one that differs only in case is taken. */
	async lookup(path: string, signal?: AbortSignal): Promise<FileNode> {
		const root = await this.node(ROOT_RECORD, signal);
		return lookupPath(path, root, this.#ntfs.volume.problems, async (directory, name) => {
			const inode = await this.#find(directory, name, signal);
			return inode === undefined ? undefined : this.node(inode, signal);
		});
	}

	async #find(node: FileNode, name: string, signal?: AbortSignal): Promise<number | undefined> {
		if (node.inode === ORPHANS) return this.#orphans?.find((link) => link.name === name)?.inode;
		const entry = (await this.#directory(node.inode, signal)).find(name);
		if (entry !== undefined) {
			const loaded = await this.#tryLoad(entry.inode, signal);
			return loaded?.file.header.sequence === entry.sequence ? entry.inode : undefined;
		}
		const colon = name.lastIndexOf(":");
		if (colon >= 0) return this.#findStream(node, name.slice(0, colon), name.slice(colon + 1), signal);
		if (node.inode !== ROOT_RECORD || name !== ORPHANS_NAME) return undefined;
		if (this.#orphans === undefined) await this.scan(signal);
		return this.#orphans!.length > 0 ? ORPHANS : undefined;
	}

	async #findStream(node: FileNode, name: string, stream: string, signal?: AbortSignal): Promise<number | undefined> {
		const inode = name !== "" ? await this.#find(node, name, signal) : node.inode;
		// Only the root has no directory in which its streams could be named.
		if (inode === undefined || isStreamInode(inode) || (name === "" && inode !== ROOT_RECORD)) return undefined;
		const streams = await this.#streamEntries(await this.#load(inode, signal));
		const wanted = stream.toUpperCase();
		return (
			streams.find((entry) => entry.name === stream) ?? streams.find((entry) => entry.name.toUpperCase() === wanted)
		)?.inode;
	}

	async node(inode: number, signal?: AbortSignal): Promise<FileNode> {
		if (inode === ORPHANS) return orphansNode(await this.node(ROOT_RECORD, signal));
		const loaded = await this.#load(inode, signal);
		const { file, raw } = loaded;
		const node = makeNode(this.#ntfs, file, (record) => raw.get(record)!.bytes);
		if (!isStreamInode(inode)) return node;
		const stream = makeStreamNodes(this.#ntfs, file, node, namedStreams(file)).find((each) => each.inode === inode);
		if (stream === undefined) throw this.#notInUse(inode);
		return stream;
	}

	async #load(inode: number, signal?: AbortSignal): Promise<LoadedFile> {
		const loaded = await this.#tryLoad(inode, signal);
		if (loaded === undefined) throw this.#notInUse(inode);
		return loaded;
	}

	#notInUse(inode: number): UmbraError {
		return this.#ntfs.volume.problems.error("not-found", `inode ${inode} is not in use`, { inode });
	}

	async #tryLoad(inode: number, signal?: AbortSignal): Promise<LoadedFile | undefined> {
		if (!Number.isSafeInteger(inode) || inode < 0) return undefined;
		const record = recordOf(inode);
		let loaded = this.#files.get(record);
		if (loaded === undefined) {
			loaded = (await this.#ntfs.mft.loadFiles([record], signal)).get(record);
			if (loaded === undefined) return undefined;
			for (const fault of loaded.file.faults) this.#ntfs.mft.problem(record, fault);
		}
		remember(this.#files, record, loaded, CACHED_FILES, ({ raw }) => raw.size, CACHED_RECORDS);
		return loaded;
	}

	async #directory(inode: number, signal?: AbortSignal): Promise<Directory> {
		let directory = this.#directories.get(inode);
		directory ??= new Directory(await readIndex(this.#ntfs.volume, await this.#load(inode, signal), signal));
		remember(this.#directories, inode, directory, CACHED_DIRECTORIES, ({ entries }) => entries.length, CACHED_NAMES);
		return directory;
	}

	/** Named streams, by their own names. */
	async #streamEntries({ file }: LoadedFile): Promise<DirectoryEntry[]> {
		const streams = namedStreams(file);
		if (streams.length === 0) return [];
		const node = makeNode(this.#ntfs, file, () => Buffer.alloc(0));
		return makeStreamNodes(this.#ntfs, file, node, streams).map(({ inode }, i) => ({ name: streams[i]!.name, inode }));
	}

	/** Each file is followed by its streams, `file:stream`; the root's own, `:stream`, come first. */
	async readDirectory({ inode }: FileNode, signal?: AbortSignal): Promise<DirectoryEntry[]> {
		if (inode === ORPHANS) {
			if (this.#orphans === undefined) await this.scan(signal);
			return this.#orphans!.map(({ name, inode: orphan }) => ({ name, inode: orphan }));
		}
		const node = await this.node(inode, signal);
		const { volume, mft } = this.#ntfs;
		if (node.type !== "dir") {
			throw volume.problems.error("not-found", `inode ${inode} is a ${node.type}, not a directory`, { inode });
		}
		const found: DirectoryEntry[] = [];
		if (inode === ROOT_RECORD) {
			const own = await this.#streamEntries(await this.#load(inode, signal));
			for (const stream of own) found.push({ name: `:${stream.name}`, inode: stream.inode });
		}
		const { entries } = await this.#directory(inode, signal);
		for (let from = 0; from < entries.length; from += BATCH) {
			const batch = entries.slice(from, from + BATCH);
			const known = new Map<number, { readonly sequence: number; readonly streams: readonly DirectoryEntry[] }>();
			const records = batch.map((entry) => entry.inode);
			for await (const loaded of mft.files(records, signal)) {
				const { record, header } = loaded.file;
				known.set(record, { sequence: header.sequence, streams: await this.#streamEntries(loaded) });
			}
			for (const { name, inode: target, sequence } of batch) {
				const file = known.get(target);
				if (file?.sequence !== sequence) {
					volume.problems.add("corrupt", `directory ${inode} has an entry for record ${target}, which is not in use`, {
						structure: "$I30",
						record: inode,
					});
					continue;
				}
				found.push({ name, inode: target });
				for (const stream of file.streams) {
					found.push({ name: `${name}:${stream.name}`, inode: stream.inode });
				}
			}
		}
		if (inode === ROOT_RECORD && this.#orphans !== undefined && this.#orphans.length > 0) {
			found.push({ name: ORPHANS_NAME, inode: ORPHANS });
		}
		return found;
	}

	/** The stream that an inode number means, with the file that it belongs to. */
	async #stream(inode: number, signal?: AbortSignal): Promise<{ loaded: LoadedFile; stream: Stream | undefined }> {
		const loaded = await this.#load(inode, signal);
		if (!isStreamInode(inode)) return { loaded, stream: findStream(loaded.file.streams, "") };
		const entry = (await this.#streamEntries(loaded)).find((each) => each.inode === inode);
		if (entry === undefined) throw this.#notInUse(inode);
		return { loaded, stream: findStream(loaded.file.streams, entry.name) };
	}

	/** @throws UmbraError `unsupported` for content that is encrypted, deduplicated or stored by an overlay. */
	async readFile({ inode }: FileNode, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const { loaded, stream } = await this.#stream(inode, signal);
		if (stream === undefined) return new Uint8Array(0);
		return readStream(this.#ntfs.volume, loaded, stream, offset, length, signal);
	}

	async written({ inode }: FileNode, signal?: AbortSignal): Promise<Ranges> {
		const { stream } = await this.#stream(inode, signal);
		return stream === undefined ? [] : writtenBytes(this.#ntfs.volume, stream);
	}

	/** Symlinks and junctions; absolute targets begin with their drive or volume, which is not part of this filesystem. */
	async readLink({ inode }: FileNode, signal?: AbortSignal): Promise<string> {
		const { file, raw } = await this.#load(inode, signal);
		const data = reparseDataOf(file, (record) => raw.get(record)!.bytes);
		const target = data === undefined ? undefined : reparseTarget(data);
		if (target === undefined)
			throw this.#ntfs.volume.problems.error("not-found", `inode ${inode} is not a symlink`, { inode });
		return target;
	}

	/**
	 * Where the clusters of a file begin that are no hole, in bytes of the file: the change journal is a file of
	 * terabytes whose past is a hole.
	 */
	async firstByte({ inode }: FileNode, signal?: AbortSignal): Promise<number> {
		const { stream } = await this.#stream(inode, signal);
		return stream === undefined || stream.resident ? 0 : (stream.runs[0] ?? 0) * this.#ntfs.volume.boot.clusterSize;
	}
}

/** The names of a directory, found by name. */
class Directory {
	readonly entries: readonly IndexEntry[];
	readonly #byName = new Map<string, IndexEntry>();
	#byUpperCase: Map<string, IndexEntry> | undefined;

	constructor(entries: readonly IndexEntry[]) {
		this.entries = entries;
		for (const entry of entries) if (!this.#byName.has(entry.name)) this.#byName.set(entry.name, entry);
	}

	find(name: string): IndexEntry | undefined {
		const exact = this.#byName.get(name);
		if (exact !== undefined) return exact;
		if (this.#byUpperCase === undefined) {
			this.#byUpperCase = new Map();
			for (const entry of this.entries) {
				const upper = entry.name.toUpperCase();
				if (!this.#byUpperCase.has(upper)) this.#byUpperCase.set(upper, entry);
			}
		}
		return this.#byUpperCase.get(name.toUpperCase());
	}
}

/** Puts the entry last; the oldest go where there are more than `most`, or where they weigh more than `mostWeight`. */
function remember<T>(
	cache: Map<number, T>,
	key: number,
	value: T,
	most: number,
	weigh: (value: T) => number,
	mostWeight: number,
): void {
	cache.delete(key);
	cache.set(key, value);
	let weight = 0;
	for (const each of cache.values()) weight += weigh(each);
	for (const [oldest, each] of cache) {
		if (oldest === key || (cache.size <= most && weight <= mostWeight)) break;
		cache.delete(oldest);
		weight -= weigh(each);
	}
}
