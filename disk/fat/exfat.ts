/**
 * exFAT: as FAT (fat.ts has the words), but that free space is told by a bitmap, that files side by side have
 * no chain, and that sizes have 64 bits.
 * Source: Microsoft, "exFAT file system specification".
 */
import { isUmbraError } from "../../common/errors.ts";
import type { Filesystem, Ranges } from "../filesystem.ts";
import { Problems } from "../parser/problems.ts";
import { RangeSet } from "../parser/ranges.ts";
import type { BlockSource } from "../source/source.ts";
import { ENTRY_SIZE } from "./boot-sector.ts";
import { ClusterSet } from "./cluster-set.ts";
import { checkSize, noteDirty } from "./condition.ts";
import { type Entry, rootNode } from "./entry.ts";
import { BOOT_REGION_SECTORS, bootChecksumHolds, type ExfatBoot, parseExfatBoot } from "./exfat-boot.ts";
import { ExfatDirectoryParser, parseSet, setChecksumHolds } from "./exfat-directory.ts";
import { FatFilesystem } from "./filesystem.ts";
import { AllocationTable, type Chain } from "./table.ts";
import { type FatVolume, layoutOf } from "./volume.ts";

const MIN_SECTOR = 512;
const MAX_SECTOR = 4096;
/** By the specification. */
const MAX_DIRECTORY = 256 << 20;
const FILE_ENTRY = 0x85;
/** The volume's own structures stand at the root's start; a root longer than this is looked through to here. */
const MAX_ROOT_SEARCH = 1 << 20;
const READ_BYTES = 1 << 20;
/** Bitmaps up to this size are counted: 500 million clusters. */
const MAX_COUNTED_BITMAP = 64 << 20;

/** @throws UmbraError `corrupt`, `truncated`, `unsupported`, or what the source throws. */
export async function openExfat(source: BlockSource, signal?: AbortSignal): Promise<Filesystem> {
	const problems = new Problems(source.name);
	if (source.size < 2 * BOOT_REGION_SECTORS * MIN_SECTOR) {
		throw problems.error("truncated", `${source.size} bytes cannot hold exFAT's boot regions`, {
			structure: "Main Boot Sector",
			offset: 0,
			found: source.size,
			wanted: 2 * BOOT_REGION_SECTORS * MIN_SECTOR,
		});
	}
	const boot = await readBoot(source, problems, signal);
	const { heapOffset, clusterSize } = boot;
	checkSize(source, boot, "Main Boot Sector", problems);
	const clusterCount = Math.min(boot.clusterCount, Math.floor((source.size - heapOffset) / clusterSize));
	const heap = { bits: "exfat", fatOffset: boot.fatOffset, heapOffset, clusterSize, clusterCount } as const;
	const table = new AllocationTable(source, heap);
	noteDirty(problems, boot.dirty, boot.failed);

	const claimed = new ClusterSet();
	const most = Math.max(1, MAX_DIRECTORY / clusterSize);
	const chain = await table.follow(boot.rootCluster, Math.min(most, clusterCount), claimed, signal);
	if (chain.fault !== undefined) {
		problems.add("corrupt", `the root directory has ${chain.fault}`, {
			structure: "root directory",
			found: boot.rootCluster,
		});
	}
	const own = await readOwn(source, boot, table, chain, claimed, problems, signal);
	const metadata = new RangeSet();
	metadata.add(0, heapOffset);
	for (const ranges of own.structures) metadata.addAll(ranges);
	const volume: FatVolume = {
		kind: "exfat",
		label: own.label,
		uuid: boot.serial,
		sectorSize: boot.sectorSize,
		clusterSize,
		clusterCount,
		freeClusters: await countFree(source, boot, own.bitmap, clusterCount, signal),
		source,
		table,
		problems,
		root: rootNode(chain.ranges),
		layout: layoutOf("exfat", boot.serial, heap),
		metadata: metadata.toRanges(),
		reserved: [chain.ranges, ...own.structures].flatMap((ranges) => table.clustersOf(ranges)),
		maxDirectory: MAX_DIRECTORY,
		maxFile: clusterCount * clusterSize,
		sizeless: false,
		parser: (sink) => new ExfatDirectoryParser(sink),
		readEntry: (offset, entrySignal) => readEntry(source, clusterSize, table, offset, entrySignal),
	};
	return new FatFilesystem(volume);
}

/** The main boot sector where its region's checksum holds, else the backup's where that one does. */
async function readBoot(source: BlockSource, problems: Problems, signal?: AbortSignal): Promise<ExfatBoot> {
	const read = async (offset: number, length: number) => Buffer.from(await source.read(offset, length, signal));
	let boot: ExfatBoot | undefined;
	let failure: unknown;
	try {
		boot = parseExfatBoot(await read(0, MIN_SECTOR), source.name);
		const region = await read(0, Math.min(BOOT_REGION_SECTORS * boot.sectorSize, source.size));
		if (region.length === BOOT_REGION_SECTORS * boot.sectorSize && bootChecksumHolds(region, boot.sectorSize)) {
			return boot;
		}
	} catch (error) {
		if (!isUmbraError(error, "corrupt")) throw error;
		failure = error;
	}
	const why = isUmbraError(failure) ? failure.message : "its checksum is wrong";
	for (let size = MIN_SECTOR; size <= MAX_SECTOR; size *= 2) {
		const length = BOOT_REGION_SECTORS * size;
		if (2 * length > source.size) break;
		const region = await read(length, length);
		if (!bootChecksumHolds(region, size)) continue;
		const backup = usable(region, source.name, length);
		if (backup?.sectorSize !== size) continue;
		problems.add("corrupt", `the boot region cannot be trusted, its backup was used: ${why}`, {
			structure: "Main Boot Sector",
			offset: 0,
		});
		return backup;
	}
	if (boot === undefined) throw failure;
	problems.add("corrupt", "the boot region and its backup do not match their checksums", {
		structure: "Main Boot Checksum",
		offset: (BOOT_REGION_SECTORS - 1) * boot.sectorSize,
	});
	return boot;
}

function usable(bytes: Buffer, volume: string, offset: number): ExfatBoot | undefined {
	try {
		return parseExfatBoot(bytes, volume, offset);
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return undefined; // zeroes have a checksum that holds
	}
}

interface Own {
	readonly label: string;
	/** Ranges of the bitmaps and the up-case table. */
	readonly structures: readonly Ranges[];
	/** Of the bitmap in use; undefined where it cannot be read. */
	readonly bitmap: Ranges | undefined;
}

/** What the root directory says of the volume itself. */
async function readOwn(
	source: BlockSource,
	{ active, clusterSize, clusterCount }: ExfatBoot,
	table: AllocationTable,
	root: Chain,
	claimed: ClusterSet,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Own> {
	let label = "";
	const found: { readonly name: string; readonly which: number; readonly cluster: number; readonly size: number }[] =
		[];
	const sink = { entry: () => undefined, fault: () => undefined };
	const parser = new ExfatDirectoryParser(sink, {
		label: (text) => {
			label = text;
		},
		// A hostile root may name any number of them; there are two bitmaps and one table at most.
		bitmap: (which, cluster, size) => {
			if (found.length < 3) found.push({ name: "allocation bitmap", which, cluster, size });
		},
		upcase: (cluster, size) => {
			if (found.length < 3) found.push({ name: "up-case table", which: -1, cluster, size });
		},
	});
	let left = MAX_ROOT_SEARCH;
	for (let i = 0; i < root.ranges.length && left > 0; i += 2) {
		const bytes = await source.read(root.ranges[i]!, Math.min(left, root.ranges[i + 1]!), signal);
		left -= bytes.length;
		if (!parser.feed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), root.ranges[i]!)) break;
	}
	const structures: Ranges[] = [];
	let bitmap: Ranges | undefined;
	for (const { name, which, cluster, size } of found) {
		const most = Math.ceil(size / clusterSize);
		const chain = await table.follow(cluster, Math.min(most, clusterCount), claimed, signal);
		structures.push(chain.ranges);
		if (chain.fault !== undefined || chain.clusters < most) {
			problems.add("corrupt", `the ${name} has ${chain.fault ?? `clusters for less than its ${size} bytes`}`, {
				structure: name,
				found: cluster,
			});
		} else if (which === active && size >= Math.ceil(clusterCount / 8)) bitmap = chain.ranges;
	}
	if (bitmap === undefined) {
		problems.add("corrupt", "there is no whole allocation bitmap: free space is not known exactly", {
			structure: "Allocation Bitmap Directory Entry",
		});
	}
	return { label, structures, bitmap };
}

async function countFree(
	source: BlockSource,
	{ percentInUse }: ExfatBoot,
	bitmap: Ranges | undefined,
	clusterCount: number,
	signal?: AbortSignal,
): Promise<number> {
	const bytes = Math.ceil(clusterCount / 8);
	if (bitmap === undefined || bytes > MAX_COUNTED_BITMAP) {
		return Math.floor((clusterCount * (100 - (percentInUse ?? 100))) / 100);
	}
	let used = 0;
	let left = clusterCount;
	for (let i = 0; i < bitmap.length && left > 0; i += 2) {
		const end = bitmap[i]! + Math.min(bitmap[i + 1]!, Math.ceil(left / 8));
		for (let at = bitmap[i]!; at < end; at += READ_BYTES) {
			const piece = await source.read(at, Math.min(READ_BYTES, end - at), signal);
			for (const byte of piece) {
				used += BITS[left >= 8 ? byte : byte & ((1 << left) - 1)]!;
				left -= 8;
			}
		}
	}
	return Math.max(0, clusterCount - used);
}

const BITS: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/**
 * The set that begins at a byte. It may go on in the directory's next cluster: which one that is stands in the table,
 * or, where the directory has no chain, it is the neighbour. The set's checksum tells.
 */
async function readEntry(
	source: BlockSource,
	clusterSize: number,
	table: AllocationTable,
	offset: number,
	signal?: AbortSignal,
): Promise<Entry | undefined> {
	const cluster = table.clusterAt(offset);
	if (cluster === undefined) return undefined;
	const head = Buffer.from(await source.read(offset, ENTRY_SIZE, signal));
	if (head[0] !== FILE_ENTRY) return undefined;
	const length = (1 + head[1]!) * ENTRY_SIZE;
	const here = Math.min(length, table.offsetOf(cluster) + clusterSize - offset);
	const first = Buffer.from(await source.read(offset, here, signal));
	if (here === length) return whole(first, offset)?.entry;
	let doubtful: Entry | undefined;
	for (const next of [await table.next(cluster, signal), cluster + 1]) {
		let set = first;
		// A set is at most 8 KiB and a cluster at least 512 bytes.
		for (
			let at = next;
			set.length < length && table.holds(at);
			at = next === cluster + 1 ? at + 1 : await table.next(at, signal)
		) {
			const rest = await source.read(table.offsetOf(at), Math.min(clusterSize, length - set.length), signal);
			set = Buffer.concat([set, rest]);
		}
		const found = set.length === length ? whole(set, offset) : undefined;
		if (found?.certain === true) return found.entry;
		doubtful ??= found?.entry;
	}
	return doubtful;
}

function whole(set: Buffer, offset: number): { readonly entry: Entry; readonly certain: boolean } | undefined {
	const entry = parseSet(set, offset);
	return typeof entry === "string" ? undefined : { entry, certain: setChecksumHolds(set) };
}
