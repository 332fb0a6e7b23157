/**
 * What makes a range of a disk a physical volume: the label in one of its first four sectors, and the header behind
 * it that says where the metadata lies. Names are those of LVM2's `lib/label/label.h` and
 * `lib/format_text/layout.h`. All numbers are little-endian.
 */
import { crc32 } from "node:zlib";
import { UmbraError } from "../../common/errors.ts";

export const SECTOR = 512;
/** The label stands in one of this many sectors. */
export const LABEL_SCAN_SECTORS = 4;
const LABEL_ID = "LABELONE";
const LVM2_LABEL = "LVM2 001";
const LABEL_HEADER_SIZE = 32;
const CRC_XL = 16;
const OFFSET_XL = 20;
const ID_LENGTH = 32;
const DISK_LOCN_SIZE = 16;

const MDA_HEADER_SIZE = 512;
const FMTT_MAGIC = " LVM2 x[5A%r0N*>";
const RAW_LOCNS = 40;
const RAW_LOCN_SIZE = 24;
const RAW_LOCN_IGNORED = 1;
/** A group of 10,000 volumes takes about 5 MB; lvm's own default area is 1 MiB. Bounds what one damaged size can cost. */
const MAX_METADATA = 32 * 1024 * 1024;

/** A range of the physical volume, in bytes from its start. */
export interface DiskLocation {
	readonly offset: number;
	readonly size: number;
}

export interface PvHeader {
	/** 32 characters, without dashes. */
	readonly pvUuid: string;
	/** Bytes. */
	readonly deviceSize: number;
	readonly metadataAreas: readonly DiskLocation[];
}

/** Where in a metadata area the text of the group stands; the area is a ring behind its header. */
export interface MetadataLocation {
	/** What to read, in bytes from the start of the physical volume; two parts where the text wraps. */
	readonly parts: readonly DiskLocation[];
	readonly size: number;
	readonly checksum: number;
}

/** LVM2's checksum: CRC-32 with another start and without the final inversion. */
export function lvmCrc(...parts: readonly Uint8Array[]): number {
	let crc = ~0xf597a6cf >>> 0;
	for (const part of parts) crc = crc32(part, crc);
	return ~crc >>> 0;
}

/**
 * @param head the first sectors of the physical volume, at least `LABEL_SCAN_SECTORS` of them where it is that long.
 * @param size bytes of the physical volume.
 * @throws UmbraError `not-found` without a label, `corrupt`, `truncated`.
 */
export function parseLabel(head: Uint8Array, size: number): PvHeader {
	const buffer = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
	let failure: UmbraError | undefined;
	for (let sector = 0; sector < LABEL_SCAN_SECTORS && (sector + 1) * SECTOR <= buffer.length; sector++) {
		const label = buffer.subarray(sector * SECTOR, (sector + 1) * SECTOR);
		if (label.toString("latin1", 0, 8) !== LABEL_ID || label.toString("latin1", 24, 32) !== LVM2_LABEL) continue;
		try {
			return parseSector(label, sector, size);
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			failure ??= error;
		}
	}
	throw failure ?? wrong("not-found", "label_header", 0, "id", "no LABELONE", LABEL_ID);
}

function parseSector(label: Buffer, sector: number, size: number): PvHeader {
	const base = sector * SECTOR;
	if (label.readBigUInt64LE(8) !== BigInt(sector)) {
		throw wrong("corrupt", "label_header", base + 8, "sector_xl", label.readBigUInt64LE(8), sector);
	}
	const crc = lvmCrc(label.subarray(OFFSET_XL));
	if (label.readUInt32LE(CRC_XL) !== crc) {
		throw wrong("corrupt", "label_header", base + CRC_XL, "crc_xl", label.readUInt32LE(CRC_XL), crc);
	}
	const offset = label.readUInt32LE(OFFSET_XL);
	if (offset < LABEL_HEADER_SIZE || offset > SECTOR - ID_LENGTH - 8) {
		throw wrong("corrupt", "label_header", base + OFFSET_XL, "offset_xl", offset, "within the sector");
	}
	const pvUuid = label.toString("latin1", offset, offset + ID_LENGTH);
	if (!/^[a-zA-Z0-9!#]{32}$/.test(pvUuid)) {
		throw wrong("corrupt", "pv_header", base + offset, "pv_uuid", pvUuid, "32 letters and digits");
	}
	const deviceSize = natural(label, offset + ID_LENGTH, "pv_header", base, "device_size_xl");
	let at = offset + ID_LENGTH + 8;
	// First the areas of data, then those of metadata; a zero entry ends each list.
	const lists: DiskLocation[][] = [[], []];
	for (const list of lists) {
		for (;;) {
			if (at + DISK_LOCN_SIZE > SECTOR) {
				throw wrong("corrupt", "pv_header", base + at, "disk_areas_xl", "no end", "a zero entry");
			}
			const area = {
				offset: natural(label, at, "pv_header", base, "disk_areas_xl"),
				size: natural(label, at + 8, "pv_header", base, "disk_areas_xl"),
			};
			at += DISK_LOCN_SIZE;
			if (area.offset === 0) break;
			list.push(area);
		}
	}
	const metadataAreas = lists[1]!.filter(
		({ offset: start, size: length }) => length >= MDA_HEADER_SIZE * 2 && start <= size && length <= size - start,
	);
	return { pvUuid, deviceSize, metadataAreas };
}

/**
 * @param bytes the first 512 of a metadata area.
 * @returns undefined where the area holds no text or is to be ignored.
 * @throws UmbraError `corrupt`, `limit`.
 */
export function parseMdaHeader(bytes: Uint8Array, area: DiskLocation): MetadataLocation | undefined {
	const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const base = area.offset;
	if (header.length < MDA_HEADER_SIZE) {
		throw wrong("truncated", "mda_header", base, "size", header.length, MDA_HEADER_SIZE);
	}
	if (header.toString("latin1", 4, 20) !== FMTT_MAGIC) {
		throw wrong("corrupt", "mda_header", base + 4, "magic", header.toString("latin1", 4, 20), FMTT_MAGIC);
	}
	const crc = lvmCrc(header.subarray(4, MDA_HEADER_SIZE));
	if (header.readUInt32LE(0) !== crc) {
		throw wrong("corrupt", "mda_header", base, "checksum_xl", header.readUInt32LE(0), crc);
	}
	if (header.readUInt32LE(20) !== 1) {
		throw wrong("corrupt", "mda_header", base + 20, "version", header.readUInt32LE(20), 1);
	}
	const start = natural(header, 24, "mda_header", base, "start");
	const size = natural(header, 32, "mda_header", base, "size");
	if (start !== area.offset || size !== area.size) {
		throw wrong("corrupt", "mda_header", base + 24, "start", `${start}+${size}`, `${area.offset}+${area.size}`);
	}
	// The first location is the committed one, the second one being written.
	const offset = natural(header, RAW_LOCNS, "raw_locn", base, "offset");
	const length = natural(header, RAW_LOCNS + 8, "raw_locn", base, "size");
	const flags = header.readUInt32LE(RAW_LOCNS + RAW_LOCN_SIZE - 4);
	if (offset === 0 || length === 0 || (flags & RAW_LOCN_IGNORED) !== 0) return undefined;
	if (length > MAX_METADATA) {
		throw wrong("limit", "raw_locn", base + RAW_LOCNS + 8, "size", length, `at most ${MAX_METADATA}`);
	}
	if (offset < MDA_HEADER_SIZE || offset >= size || length > size - MDA_HEADER_SIZE) {
		throw wrong("corrupt", "raw_locn", base + RAW_LOCNS, "offset", `${offset}+${length}`, `within ${size}`);
	}
	const beforeEnd = Math.min(length, size - offset);
	const parts: DiskLocation[] = [{ offset: start + offset, size: beforeEnd }];
	if (length > beforeEnd) parts.push({ offset: start + MDA_HEADER_SIZE, size: length - beforeEnd });
	return { parts, size: length, checksum: header.readUInt32LE(RAW_LOCNS + 16) };
}

function natural(bytes: Buffer, at: number, structure: string, base: number, field: string): number {
	const value = bytes.readBigUInt64LE(at);
	if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wrong("corrupt", structure, base + at, field, value, "below 2^53");
	return Number(value);
}

function wrong(
	code: "corrupt" | "truncated" | "limit" | "not-found",
	structure: string,
	offset: number,
	field: string,
	found: unknown,
	wanted: unknown,
): UmbraError {
	return new UmbraError(code, `LVM2 ${structure} at ${offset}: ${field} is ${found}, wanted ${wanted}`, {
		context: { structure, offset, field, found, wanted },
	});
}
