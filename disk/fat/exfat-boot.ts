/**
 * exFAT's boot sector, checked before anything is derived from it. Field names are the specification's.
 * Source: Microsoft, "exFAT file system specification", chapters 3 to 5.
 */
import { UmbraError } from "../../common/errors.ts";
import { FIRST_CLUSTER } from "./boot-sector.ts";

/** Sectors of the boot region, the last of which holds its checksum; the backup region follows at once. */
export const BOOT_REGION_SECTORS = 12;
export const EXFAT_SIGNATURE = "EXFAT   ";
const MUST_BE_ZERO_END = 64;
const MIN_SECTOR_SHIFT = 9;
const MAX_SECTOR_SHIFT = 12;
/** 32 MiB. */
const MAX_CLUSTER_SHIFT = 25;
const MAX_CLUSTERS = 0xfffffff5;

export interface ExfatBoot {
	readonly sectorSize: number;
	readonly clusterSize: number;
	readonly clusterCount: number;
	/** Of the active table. */
	readonly fatOffset: number;
	readonly fatSize: number;
	readonly heapOffset: number;
	readonly rootCluster: number;
	readonly volumeSize: number;
	/** Which of two tables and bitmaps is in use. */
	readonly active: 0 | 1;
	readonly dirty: boolean;
	readonly failed: boolean;
	/** 0 to 100; undefined where it was not counted. */
	readonly percentInUse: number | undefined;
	readonly serial: string;
}

/**
 * @param bytes at least the 512 bytes of the boot sector.
 * @param offset where they stand in the volume, for errors.
 * @throws UmbraError `corrupt`, `unsupported` for another major revision.
 */
export function parseExfatBoot(bytes: Buffer, volume: string, offset = 0): ExfatBoot {
	const error = (code: "corrupt" | "unsupported", at: number, field: string, found: unknown, wanted: string) =>
		new UmbraError(code, `${volume}: exFAT boot sector: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: volume, structure: "Main Boot Sector", offset: offset + at, field, found, wanted },
		});
	const name = bytes.toString("latin1", 3, 11);
	if (name !== EXFAT_SIGNATURE) throw error("corrupt", 3, "FileSystemName", JSON.stringify(name), '"EXFAT   "');
	if (bytes.readUInt16LE(510) !== 0xaa55) {
		throw error("corrupt", 510, "BootSignature", `0x${bytes.readUInt16LE(510).toString(16)}`, "0xaa55");
	}
	if (bytes.subarray(11, MUST_BE_ZERO_END).some((byte) => byte !== 0)) {
		throw error("corrupt", 11, "MustBeZero", "not zero", "zeroes, or it may be an older FAT");
	}
	const major = bytes[105]!;
	if (major !== 1) throw error("unsupported", 105, "FileSystemRevision", `${major}.${bytes[104]}`, "1.x");
	const sectorShift = bytes[108]!;
	if (sectorShift < MIN_SECTOR_SHIFT || sectorShift > MAX_SECTOR_SHIFT) {
		throw error("corrupt", 108, "BytesPerSectorShift", sectorShift, "9 to 12");
	}
	const clusterShift = bytes[109]!;
	if (clusterShift > MAX_CLUSTER_SHIFT - sectorShift) {
		throw error("corrupt", 109, "SectorsPerClusterShift", clusterShift, `0 to ${MAX_CLUSTER_SHIFT - sectorShift}`);
	}
	const fatCount = bytes[110]!;
	if (fatCount !== 1 && fatCount !== 2) throw error("corrupt", 110, "NumberOfFats", fatCount, "1 or 2");
	const sectorSize = 2 ** sectorShift;
	const sectors = bytes.readBigUInt64LE(72);
	if (sectors > BigInt(Number.MAX_SAFE_INTEGER) / BigInt(sectorSize)) {
		throw error("corrupt", 72, "VolumeLength", sectors, "a volume that can be addressed");
	}
	const volumeSize = Number(sectors) * sectorSize;
	const fatSector = bytes.readUInt32LE(80);
	const fatSectors = bytes.readUInt32LE(84);
	const heapSector = bytes.readUInt32LE(88);
	const clusterCount = bytes.readUInt32LE(92);
	const clusterSize = sectorSize * 2 ** clusterShift;
	if (fatSector < 2 * BOOT_REGION_SECTORS) throw error("corrupt", 80, "FatOffset", fatSector, "at least 24");
	if (clusterCount === 0 || clusterCount > MAX_CLUSTERS) {
		throw error("corrupt", 92, "ClusterCount", clusterCount, `1 to ${MAX_CLUSTERS}`);
	}
	if (fatSectors * sectorSize < (clusterCount + FIRST_CLUSTER) * 4) {
		throw error("corrupt", 84, "FatLength", fatSectors, `sectors for ${clusterCount} clusters`);
	}
	if (heapSector < fatSector + fatSectors * fatCount) {
		throw error("corrupt", 88, "ClusterHeapOffset", heapSector, `at least ${fatSector + fatSectors * fatCount}`);
	}
	if (heapSector * sectorSize + clusterCount * clusterSize > volumeSize) {
		throw error("corrupt", 92, "ClusterCount", clusterCount, `clusters that fit ${volumeSize} bytes`);
	}
	const rootCluster = bytes.readUInt32LE(96);
	if (rootCluster < FIRST_CLUSTER || rootCluster >= clusterCount + FIRST_CLUSTER) {
		throw error("corrupt", 96, "FirstClusterOfRootDirectory", rootCluster, `2 to ${clusterCount + 1}`);
	}
	const flags = bytes.readUInt16LE(106);
	const active = fatCount === 2 && (flags & 1) !== 0 ? 1 : 0;
	const percent = bytes[112]!;
	const serial = bytes.readUInt32LE(100).toString(16).toUpperCase().padStart(8, "0");
	return {
		sectorSize,
		clusterSize,
		clusterCount,
		fatOffset: (fatSector + active * fatSectors) * sectorSize,
		fatSize: fatSectors * sectorSize,
		heapOffset: heapSector * sectorSize,
		rootCluster,
		volumeSize,
		active,
		dirty: (flags & 2) !== 0,
		failed: (flags & 4) !== 0,
		percentInUse: percent <= 100 ? percent : undefined,
		serial: `${serial.slice(0, 4)}-${serial.slice(4)}`,
	};
}

/** Whether the region's last sector repeats the checksum of those before it; flags that change in use are left out. */
export function bootChecksumHolds(region: Buffer, sectorSize: number): boolean {
	const end = (BOOT_REGION_SECTORS - 1) * sectorSize;
	let sum = 0;
	for (let at = 0; at < end; at++) {
		if (at === 106 || at === 107 || at === 112) continue;
		sum = (((sum << 31) | (sum >>> 1)) + region[at]!) >>> 0;
	}
	for (let at = end; at < end + sectorSize; at += 4) if (region.readUInt32LE(at) !== sum) return false;
	return true;
}
