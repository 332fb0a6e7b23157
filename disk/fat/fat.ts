/**
 * FAT12, FAT16, FAT32 and exFAT, read-only, as the guest's next mount would show them: there is no journal.
 *
 * Words: a volume is cut into sectors; behind the reserved sectors and the allocation tables lies the heap,
 * cut into clusters that count from 2. The table makes a chain of clusters of each file. A directory is a
 * file of 32-byte entries; a file's name, times, size and first cluster stand in its entry and nowhere else.
 * A rename writes another entry, so an inode number here is the first cluster of the file. One that has none
 * has the place of its entry for a number, its byte in the volume divided by 32 and beyond all clusters, and
 * the root, which has no entry, is number 1. Clusters and places are used again soon: the time of creation,
 * which a rename keeps, stands in for a generation; where it was not noted, the place is the number, and a
 * rename looks like a file that went and another that came. That time is `ctime` too, since FAT notes no
 * change of an entry.
 *
 * Layout: boot-sector.ts, exfat-boot.ts, table.ts; entries: directory.ts, exfat-directory.ts, entry.ts,
 * names.ts, times.ts; volume.ts joins both kinds, scan.ts reads all, rescan.ts what changed, filesystem.ts is the
 * door.
 * This folder knows nothing of where the bytes come from, of partitions, or of who asks.
 */
import { isUmbraError } from "../../common/errors.ts";
import type { Filesystem, Ranges } from "../filesystem.ts";
import { Problems } from "../parser/problems.ts";
import type { BlockSource } from "../source/source.ts";
import {
	BACKUP_SECTOR,
	BOOT_SECTOR_SIZE,
	type BootSector,
	ENTRY_SIZE,
	FIRST_CLUSTER,
	parseBootSector,
	parseFsInfo,
	SECTOR_SIZES,
} from "./boot-sector.ts";
import { ClusterSet } from "./cluster-set.ts";
import { checkSize, noteDirty } from "./condition.ts";
import { FatDirectoryParser } from "./directory.ts";
import { type Entry, rootNode } from "./entry.ts";
import { FatFilesystem } from "./filesystem.ts";
import { AllocationTable } from "./table.ts";
import { type FatVolume, layoutOf } from "./volume.ts";

export { openExfat } from "./exfat.ts";

/** 65,536 entries, by the specification and by every driver. */
const MAX_DIRECTORY = 65536 * ENTRY_SIZE;
const MAX_FILE = 0xffffffff;
/** Tables up to this size are counted; of a larger one FSInfo's count is taken, as Windows does. */
const MAX_COUNTED_TABLE = 64 << 20;
/** Where the label is looked for; it is the first entry unless somebody named the volume later. */
const LABEL_SEARCH = 64 << 10;

/**
 * Opens the volume that `source` is; its offset 0 is the volume's first byte. The source stays the caller's.
 *
 * @throws UmbraError `corrupt`, `truncated`, or what the source throws.
 */
export async function openFat(source: BlockSource, signal?: AbortSignal): Promise<Filesystem> {
	const problems = new Problems(source.name);
	if (source.size < BOOT_SECTOR_SIZE) {
		throw problems.error("truncated", `${source.size} bytes cannot hold a FAT boot sector`, {
			structure: "BPB",
			offset: 0,
			found: source.size,
			wanted: BOOT_SECTOR_SIZE,
		});
	}
	const boot = await readBoot(source, problems, signal);
	const { heapOffset, clusterSize, clusterCount, fatSize, bits } = boot;
	checkSize(source, boot, "BPB", problems);
	const inVolume = Math.floor((source.size - heapOffset) / clusterSize);
	const inTable = Math.floor((fatSize * 8) / bits) - FIRST_CLUSTER;
	if (inTable < clusterCount) {
		problems.add("corrupt", `the allocation table is too short for ${clusterCount} clusters`, {
			structure: "BPB",
			field: bits === 32 ? "BPB_FATSz32" : "BPB_FATSz16",
			found: inTable,
			wanted: clusterCount,
		});
	}
	const heap = {
		bits,
		fatOffset: boot.fatOffset + boot.activeFat * fatSize,
		heapOffset,
		clusterSize,
		clusterCount: Math.max(0, Math.min(clusterCount, inVolume, inTable)),
	};
	const table = new AllocationTable(source, heap);
	await noteState(source, boot, heap.fatOffset, problems, signal);

	const root = await readRoot(boot, table, problems, signal);
	const node = rootNode(root);
	const volume: FatVolume = {
		kind: "vfat",
		label: (await rootLabel(source, boot, node.data, signal)) ?? boot.label,
		uuid: boot.serial,
		sectorSize: boot.sectorSize,
		clusterSize,
		clusterCount: heap.clusterCount,
		freeClusters: await countFree(source, boot, table, heap.clusterCount, signal),
		source,
		table,
		problems,
		root: node,
		layout: layoutOf("vfat", boot.serial, heap),
		// The boot sectors, FSInfo and the tables. A fixed root directory is the directory's.
		metadata: [0, boot.fatOffset + boot.fatCount * fatSize],
		reserved: bits === 32 ? table.clustersOf(root) : [],
		maxDirectory: MAX_DIRECTORY,
		maxFile: MAX_FILE,
		sizeless: true,
		parser: (sink) => new FatDirectoryParser(sink, bits === 32),
		readEntry: (offset, entrySignal) => readEntry(source, boot, table, offset, entrySignal),
	};
	return new FatFilesystem(volume);
}

/** The boot sector, or FAT32's copy of it where the first cannot be used. */
async function readBoot(source: BlockSource, problems: Problems, signal?: AbortSignal): Promise<BootSector> {
	const read = async (offset: number) => Buffer.from(await source.read(offset, BOOT_SECTOR_SIZE, signal));
	let boot: BootSector;
	const first = await read(0);
	try {
		boot = parseBootSector(first, source.name);
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		for (const size of SECTOR_SIZES) {
			const offset = BACKUP_SECTOR * size;
			if (offset + BOOT_SECTOR_SIZE > source.size) break;
			const backup = usable(await read(offset), source.name, offset);
			if (backup?.backupOffset !== offset) continue;
			problems.add("corrupt", `the boot sector cannot be used, its copy was: ${error.message}`, error.context);
			return backup;
		}
		throw error;
	}
	if (boot.backupOffset !== undefined && boot.backupOffset + BOOT_SECTOR_SIZE <= source.size) {
		const copy = await read(boot.backupOffset);
		// Behind the 64 bytes stand the driver's notes and the label, which are not always kept alike.
		if (!first.subarray(11, 64).equals(copy.subarray(11, 64))) {
			problems.add("corrupt", "the boot sector and its copy differ", {
				structure: "BPB",
				offset: boot.backupOffset,
			});
		}
	}
	return boot;
}

function usable(bytes: Buffer, volume: string, offset: number): BootSector | undefined {
	try {
		return parseBootSector(bytes, volume, offset);
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return undefined; // no copy here
	}
}

/** What the drivers noted of the volume's state: Linux in the boot sector, Windows in the table's second entry. */
async function noteState(
	source: BlockSource,
	{ bits, dirty, failed }: BootSector,
	fatOffset: number,
	problems: Problems,
	signal?: AbortSignal,
): Promise<void> {
	let isDirty = dirty;
	let hasFailed = failed;
	if (bits !== 12) {
		const view = Buffer.from(await source.read(fatOffset, 8, signal));
		const flags = bits === 16 ? view.readUInt16LE(2) >>> 14 : (view.readUInt32LE(4) >>> 26) & 3;
		isDirty ||= (flags & 2) === 0;
		hasFailed ||= (flags & 1) === 0;
	}
	noteDirty(problems, isDirty, hasFailed);
}

async function readRoot(
	{ bits, rootOffset, rootSize, rootCluster, clusterSize }: BootSector,
	table: AllocationTable,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Ranges> {
	if (bits !== 32) return [rootOffset, rootSize];
	const most = Math.max(1, MAX_DIRECTORY / clusterSize);
	const { ranges, fault } = await table.follow(rootCluster, most, new ClusterSet(), signal);
	if (fault !== undefined) {
		problems.add("corrupt", `the root directory has ${fault}`, { structure: "root directory", found: rootCluster });
	}
	return ranges;
}

async function countFree(
	source: BlockSource,
	{ fatSize, fsInfoOffset }: BootSector,
	table: AllocationTable,
	clusterCount: number,
	signal?: AbortSignal,
): Promise<number> {
	if (fatSize > MAX_COUNTED_TABLE && fsInfoOffset !== undefined) {
		const noted = parseFsInfo(Buffer.from(await source.read(fsInfoOffset, BOOT_SECTOR_SIZE, signal)));
		if (noted !== undefined && noted <= clusterCount) return noted;
	}
	return table.countFree(signal);
}

/** The label in the root directory, which counts where it differs from the boot sector's; undefined where there is none. */
async function rootLabel(
	source: BlockSource,
	{ bits }: BootSector,
	data: readonly number[],
	signal?: AbortSignal,
): Promise<string | undefined> {
	let label: string | undefined;
	const sink = { entry: () => undefined, fault: () => undefined };
	const parser = new FatDirectoryParser(sink, bits === 32, (found) => {
		label ??= found;
	});
	let left = LABEL_SEARCH;
	for (let i = 0; i < data.length && left > 0 && label === undefined; i += 2) {
		const bytes = await source.read(data[i]!, Math.min(left, data[i + 1]!), signal);
		left -= bytes.length;
		if (!parser.feed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), data[i]!)) break;
	}
	return label;
}

async function readEntry(
	source: BlockSource,
	{ bits, rootOffset, rootSize }: BootSector,
	table: AllocationTable,
	offset: number,
	signal?: AbortSignal,
): Promise<Entry | undefined> {
	const inRoot = offset >= rootOffset && offset < rootOffset + rootSize;
	if (!inRoot && table.clusterAt(offset) === undefined) return undefined;
	const found: Entry[] = [];
	const sink = { entry: (entry: Entry) => void found.push(entry), fault: () => undefined };
	const bytes = await source.read(offset, ENTRY_SIZE, signal);
	new FatDirectoryParser(sink, bits === 32).feed(Buffer.from(bytes), offset);
	return found[0];
}
