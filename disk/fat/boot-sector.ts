/**
 * The boot sector of FAT12, FAT16 and FAT32: what the volume says of itself, checked before anything is
 * derived from it. Field names are the specification's.
 * Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03; Linux fs/fat/inode.c for what
 * is accepted in practice.
 */
import { UmbraError } from "../../common/errors.ts";
import { decodeShort } from "./names.ts";

export const BOOT_SECTOR_SIZE = 512;
/** Where FAT32 keeps a copy, in sectors; the specification allows no other place but none at all. */
export const BACKUP_SECTOR = 6;
export const SECTOR_SIZES: readonly number[] = [512, 1024, 2048, 4096];
export const ENTRY_SIZE = 32;
/** The first data cluster; the two entries before it in the table are flags. */
export const FIRST_CLUSTER = 2;
const MAX_FAT12_CLUSTERS = 4084;
const MAX_FAT16_CLUSTERS = 65524;
/** 28 bits, less the values that mean something else. */
const MAX_FAT32_CLUSTERS = 0x0ffffff5;
const FSINFO_NONE = 0xffff;

/** Where things stand in the volume, in bytes. */
export interface BootSector {
	readonly bits: 12 | 16 | 32;
	readonly sectorSize: number;
	readonly clusterSize: number;
	/** As the type is decided by; the volume may end before the last of them. */
	readonly clusterCount: number;
	readonly fatOffset: number;
	/** Bytes of one table. */
	readonly fatSize: number;
	readonly fatCount: number;
	/** The table to read, where they are not kept alike. */
	readonly activeFat: number;
	readonly mirrored: boolean;
	/** The fixed root directory; of length 0 on FAT32. */
	readonly rootOffset: number;
	readonly rootSize: number;
	/** On FAT32, where the root directory begins; else 0. */
	readonly rootCluster: number;
	readonly heapOffset: number;
	/** What the filesystem says that it occupies. */
	readonly volumeSize: number;
	/** Undefined where there is none. */
	readonly fsInfoOffset: number | undefined;
	readonly backupOffset: number | undefined;
	/** The driver's own note that the volume is mounted or was not unmounted. */
	readonly dirty: boolean;
	/** The driver's own note that the disk had errors. */
	readonly failed: boolean;
	/** As XXXX-XXXX; empty where there is none. */
	readonly serial: string;
	readonly label: string;
}

/**
 * @param bytes at least the 512 bytes of the boot sector.
 * @param offset where they stand in the volume, for errors.
 * @throws UmbraError `corrupt`.
 */
export function parseBootSector(bytes: Buffer, volume: string, offset = 0): BootSector {
	const refuse = (at: number, field: string, found: unknown, wanted: string) =>
		new UmbraError("corrupt", `${volume}: FAT boot sector: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: volume, structure: "BPB", offset: offset + at, field, found, wanted },
		});
	if (bytes.readUInt16LE(510) !== 0xaa55) {
		throw refuse(510, "Signature_word", `0x${bytes.readUInt16LE(510).toString(16)}`, "0xaa55");
	}
	const sectorSize = bytes.readUInt16LE(11);
	if (!SECTOR_SIZES.includes(sectorSize)) {
		throw refuse(11, "BPB_BytsPerSec", sectorSize, "512, 1024, 2048 or 4096");
	}
	const sectorsPerCluster = bytes.readUInt8(13);
	if (sectorsPerCluster === 0 || (sectorsPerCluster & (sectorsPerCluster - 1)) !== 0) {
		throw refuse(13, "BPB_SecPerClus", sectorsPerCluster, "a power of two from 1 to 128");
	}
	const reserved = bytes.readUInt16LE(14);
	if (reserved === 0) throw refuse(14, "BPB_RsvdSecCnt", reserved, "at least 1");
	const fatCount = bytes.readUInt8(16);
	if (fatCount === 0) throw refuse(16, "BPB_NumFATs", fatCount, "at least 1");

	const fatSize16 = bytes.readUInt16LE(22);
	// No FAT12 or FAT16 lacks this size. Small FAT32 volumes exist that have fewer clusters than a FAT32 must; every
	// driver goes by this.
	const wide = fatSize16 === 0;
	const fatSectors = wide ? bytes.readUInt32LE(36) : fatSize16;
	if (fatSectors === 0) throw refuse(wide ? 36 : 22, wide ? "BPB_FATSz32" : "BPB_FATSz16", 0, "at least 1");
	const rootEntries = bytes.readUInt16LE(17);
	if (wide ? rootEntries !== 0 : rootEntries === 0 || (rootEntries * ENTRY_SIZE) % sectorSize !== 0) {
		throw refuse(17, "BPB_RootEntCnt", rootEntries, wide ? "0 on FAT32" : "entries that fill whole sectors");
	}
	const totalSectors = bytes.readUInt16LE(19) || bytes.readUInt32LE(32);
	const rootSectors = (rootEntries * ENTRY_SIZE) / sectorSize;
	const heapSector = reserved + fatCount * fatSectors + rootSectors;
	if (totalSectors <= heapSector) {
		const at = bytes.readUInt16LE(19) === 0 ? 32 : 19;
		throw refuse(at, at === 32 ? "BPB_TotSec32" : "BPB_TotSec16", totalSectors, `more than ${heapSector}`);
	}
	const clusterCount = Math.floor((totalSectors - heapSector) / sectorsPerCluster);
	const most = wide ? MAX_FAT32_CLUSTERS : MAX_FAT16_CLUSTERS;
	if (clusterCount === 0 || clusterCount > most) {
		throw refuse(13, "count of clusters", clusterCount, `1 to ${most} with this size of the table`);
	}
	const bits = wide ? 32 : clusterCount <= MAX_FAT12_CLUSTERS ? 12 : 16;

	const rootCluster = wide ? bytes.readUInt32LE(44) : 0;
	if (wide && (rootCluster < FIRST_CLUSTER || rootCluster >= FIRST_CLUSTER + clusterCount)) {
		throw refuse(44, "BPB_RootClus", rootCluster, `2 to ${clusterCount + 1}`);
	}
	if (wide && bytes.readUInt16LE(42) !== 0) throw refuse(42, "BPB_FSVer", bytes.readUInt16LE(42), "0");
	const flags = wide ? bytes.readUInt16LE(40) : 0;
	const mirrored = (flags & 0x80) === 0;
	const activeFat = mirrored ? 0 : flags & 0x0f;
	if (activeFat >= fatCount) throw refuse(40, "BPB_ExtFlags", flags, `one of ${fatCount} tables as the active one`);

	const inReserved = (sector: number): number | undefined =>
		sector === 0 || sector === FSINFO_NONE || sector >= reserved ? undefined : sector * sectorSize;
	const extended = wide ? 64 : 36;
	const hasSerial = bytes[extended + 2] === 0x29 || bytes[extended + 2] === 0x28;
	const hasLabel = bytes[extended + 2] === 0x29;
	const serial = bytes
		.readUInt32LE(extended + 3)
		.toString(16)
		.toUpperCase()
		.padStart(8, "0");
	const label = decodeShort(bytes, extended + 7, 11);
	return {
		bits,
		sectorSize,
		clusterSize: sectorsPerCluster * sectorSize,
		clusterCount,
		fatOffset: reserved * sectorSize,
		fatSize: fatSectors * sectorSize,
		fatCount,
		activeFat,
		mirrored,
		rootOffset: (heapSector - rootSectors) * sectorSize,
		rootSize: rootSectors * sectorSize,
		rootCluster,
		heapOffset: heapSector * sectorSize,
		volumeSize: totalSectors * sectorSize,
		fsInfoOffset: wide ? inReserved(bytes.readUInt16LE(48)) : undefined,
		backupOffset: wide ? inReserved(bytes.readUInt16LE(50)) : undefined,
		dirty: (bytes[extended + 1]! & 1) !== 0,
		failed: (bytes[extended + 1]! & 2) !== 0,
		serial: hasSerial ? `${serial.slice(0, 4)}-${serial.slice(4)}` : "",
		label: !hasLabel || label === "NO NAME" ? "" : label,
	};
}

/** The number of free clusters that FSInfo notes, which is only a hint; undefined where it is no FSInfo or does not say. */
export function parseFsInfo(bytes: Buffer): number | undefined {
	const isFsInfo =
		bytes.readUInt32LE(0) === 0x41615252 &&
		bytes.readUInt32LE(484) === 0x61417272 &&
		bytes.readUInt32LE(508) === 0xaa550000;
	const free = bytes.readUInt32LE(488);
	return isFsInfo && free !== 0xffffffff ? free : undefined;
}
