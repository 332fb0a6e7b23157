/**
 * The master boot record and the extended boot records that chain logical partitions: one 512-byte
 * sector each, the same layout. Reference: the "Legacy MBR" chapter of the UEFI specification, and
 * `block/partitions/msdos.c` of Linux for how the chain is walked and numbered.
 */
import { UmbraError } from "../../common/errors.ts";

/** LBAs in an MBR count 512-byte sectors; nothing in the record says otherwise. */
export const MBR_SECTOR = 512;

const TABLE_OFFSET = 446;
const ENTRY_SIZE = 16;
const ENTRY_COUNT = 4;
const SIGNATURE_OFFSET = 510;
const BOOTABLE = 0x80;

/** OSType of the one entry of a protective MBR: the disk is a GPT disk. */
export const TYPE_GPT_PROTECTIVE = 0xee;
/** CHS, LBA and Linux flavours of the container that holds logical partitions. */
const EXTENDED_TYPES: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);

export interface MbrEntry {
	/** 1 to 4. */
	readonly slot: number;
	readonly osType: number;
	/** In sectors of 512 bytes; relative to what holds the record. */
	readonly startingLba: number;
	readonly sizeInLba: number;
}

export interface MbrRecord {
	/** Entries in use, by slot. */
	readonly entries: readonly MbrEntry[];
}

export function isExtended(entry: MbrEntry): boolean {
	return EXTENDED_TYPES.has(entry.osType);
}

/**
 * One boot record. `offset` is where it stands on the disk, for the error.
 *
 * @throws UmbraError `truncated` below 512 bytes, `corrupt` without the 0x55AA signature or with a boot
 * indicator that no partitioner writes (then the sector is boot code, as on an unpartitioned FAT disk).
 */
export function parseMbr(bytes: Uint8Array, offset = 0): MbrRecord {
	if (bytes.length < MBR_SECTOR) {
		throw new UmbraError("truncated", `boot record at ${offset}: ${bytes.length} bytes, wanted ${MBR_SECTOR}`, {
			context: { structure: "MBR", offset, found: bytes.length, wanted: MBR_SECTOR },
		});
	}
	const view = new DataView(bytes.buffer, bytes.byteOffset, MBR_SECTOR);
	const signature = view.getUint16(SIGNATURE_OFFSET, true);
	if (signature !== 0xaa55) {
		throw new UmbraError("corrupt", `boot record at ${offset}: signature 0x${signature.toString(16)}, wanted 0xaa55`, {
			context: { structure: "MBR", field: "Signature", offset: offset + SIGNATURE_OFFSET, found: signature },
		});
	}
	const entries: MbrEntry[] = [];
	for (let slot = 1; slot <= ENTRY_COUNT; slot++) {
		const at = TABLE_OFFSET + (slot - 1) * ENTRY_SIZE;
		const indicator = view.getUint8(at);
		if ((indicator & ~BOOTABLE) !== 0) {
			throw new UmbraError("corrupt", `boot record at ${offset}: boot indicator 0x${indicator.toString(16)}`, {
				context: { structure: "MBR", field: "BootIndicator", offset: offset + at, found: indicator },
			});
		}
		const osType = view.getUint8(at + 4);
		const sizeInLba = view.getUint32(at + 12, true);
		if (osType === 0 || sizeInLba === 0) continue;
		entries.push({ slot, osType, startingLba: view.getUint32(at + 8, true), sizeInLba });
	}
	return { entries };
}
