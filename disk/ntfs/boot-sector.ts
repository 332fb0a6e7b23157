/**
 * The boot sector: what the volume says of its own geometry, checked before anything is derived from it.
 * Source: Microsoft's "NTFS BPB" documentation; the checks of ntfs-3g's bootsect.c.
 */
import { UmbraError } from "../../common/errors.ts";

export const BOOT_SECTOR_SIZE = 512;
const OEM_ID = "NTFS    ";
const MIN_SECTOR = 256;
const MAX_SECTOR = 4096;
/** Windows 10 1709 and later; before, 64 KiB. */
const MAX_CLUSTER = 2 << 20;
/** Records are 1 or 4 KiB, index blocks 4 KiB or a cluster; the format would allow more. */
const MIN_RECORD = 512;
const MAX_RECORD = 64 << 10;
/** Offsets are exact numbers up to here. */
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

export interface BootSector {
	readonly sectorSize: number;
	readonly clusterSize: number;
	/** Whole clusters of the volume. */
	readonly clusters: number;
	/** Bytes of the volume; its copy of the boot sector follows. */
	readonly volumeBytes: number;
	readonly mftCluster: number;
	readonly mftMirrorCluster: number;
	/** Bytes of a file record. */
	readonly recordSize: number;
	/** As blkid prints it. */
	readonly serial: string;
}

/**
 * @param bytes the first 512 bytes of the volume.
 * @param sourceBytes how long what holds the volume is.
 * @throws UmbraError `corrupt`, or `truncated` where the source ends before the volume does.
 */
export function parseBootSector(bytes: Buffer, sourceBytes: number, volume: string): BootSector {
	const refuse = (code: "corrupt" | "truncated", offset: number, field: string, found: unknown, wanted: string) =>
		new UmbraError(code, `${volume}: NTFS boot sector: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: volume, structure: "NTFS boot sector", offset, field, found, wanted },
		});

	const oem = bytes.toString("latin1", 3, 11);
	if (oem !== OEM_ID) throw refuse("corrupt", 3, "oem_id", JSON.stringify(oem), JSON.stringify(OEM_ID));
	const sectorSize = bytes.readUInt16LE(11);
	if (!isPowerOfTwo(sectorSize) || sectorSize < MIN_SECTOR || sectorSize > MAX_SECTOR) {
		throw refuse("corrupt", 11, "bytes_per_sector", sectorSize, `a power of two from ${MIN_SECTOR} to ${MAX_SECTOR}`);
	}
	// Above 128 it is the negative exponent of a power of two, for clusters beyond 64 KiB.
	const perCluster = bytes.readUInt8(13);
	const sectorsPerCluster = perCluster > 128 ? 2 ** (256 - perCluster) : perCluster;
	const clusterSize = sectorsPerCluster * sectorSize;
	if (!isPowerOfTwo(sectorsPerCluster) || clusterSize > MAX_CLUSTER || clusterSize < 512) {
		throw refuse("corrupt", 13, "sectors_per_cluster", perCluster, "clusters from 512 bytes to 2 MiB");
	}
	const sectors = bytes.readUInt32LE(40) + bytes.readUInt32LE(44) * 2 ** 32;
	const clusters = Math.floor(sectors / sectorsPerCluster);
	if (clusters < 1 || sectors > MAX_BYTES / sectorSize) {
		throw refuse("corrupt", 40, "number_of_sectors", sectors, "a volume that can be addressed");
	}
	const volumeBytes = sectors * sectorSize;
	if (volumeBytes > sourceBytes) {
		throw refuse("truncated", 40, "number_of_sectors", sectors, `at most ${Math.floor(sourceBytes / sectorSize)} here`);
	}
	const cluster = (offset: number, field: string): number => {
		const found = bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
		if (found >= clusters) throw refuse("corrupt", offset, field, found, `below ${clusters}`);
		return found;
	};
	const mftCluster = cluster(48, "mft_lcn");
	const mftMirrorCluster = cluster(56, "mftmirr_lcn");
	const perRecord = bytes.readInt8(64);
	const recordSize = perRecord > 0 ? perRecord * clusterSize : 2 ** -perRecord;
	if (!isPowerOfTwo(recordSize) || recordSize < MIN_RECORD || recordSize > MAX_RECORD) {
		throw refuse("corrupt", 64, "clusters_per_mft_record", perRecord, `${MIN_RECORD} to ${MAX_RECORD} bytes`);
	}
	return {
		sectorSize,
		clusterSize,
		clusters,
		volumeBytes,
		mftCluster,
		mftMirrorCluster,
		recordSize,
		serial: Buffer.from(bytes.subarray(72, 80)).reverse().toString("hex").toUpperCase(),
	};
}

/** True where the first bytes of a volume may be an NTFS. */
export function isNtfs(head: Uint8Array): boolean {
	return head.length >= BOOT_SECTOR_SIZE && Buffer.from(head.subarray(3, 11)).toString("latin1") === OEM_ID;
}

function isPowerOfTwo(value: number): boolean {
	return value >= 1 && Number.isInteger(value) && Number.isInteger(Math.log2(value));
}
