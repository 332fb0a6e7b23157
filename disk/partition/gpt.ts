/**
 * The GUID partition table: a header and an array of entries, each with a CRC-32, at both ends of the
 * disk. Reference: the "GUID Partition Table (GPT) Disk Layout" chapter of the UEFI specification.
 */
import { crc32 } from "node:zlib";
import { UmbraError } from "../../common/errors.ts";

const SIGNATURE = "EFI PART";
const MIN_HEADER_SIZE = 92;
const MIN_ENTRY_SIZE = 128;
/** Entries are 128 x 2^n bytes; no partitioner writes more than 128. */
const MAX_ENTRY_SIZE = 4096;
/** Partitioners write 128, sgdisk lets an operator ask for more; bounds the array that is read. */
const MAX_ENTRIES = 4096;
const NAME_UNITS = 36;

export interface GptHeader {
	/** In sectors, as all of these. */
	readonly myLba: number;
	readonly alternateLba: number;
	readonly firstUsableLba: number;
	readonly lastUsableLba: number;
	readonly diskGuid: string;
	readonly partitionEntryLba: number;
	readonly numberOfPartitionEntries: number;
	readonly sizeOfPartitionEntry: number;
	readonly partitionEntryArrayCrc32: number;
}

export interface GptEntry {
	/** From 1, as Linux numbers partitions. */
	readonly number: number;
	readonly partitionTypeGuid: string;
	readonly uniquePartitionGuid: string;
	readonly startingLba: number;
	/** Inclusive. */
	readonly endingLba: number;
	readonly name: string;
}

/** True where `sector` starts with a GPT header's signature, whatever else is wrong with it. */
export function hasGptSignature(sector: Uint8Array): boolean {
	return sector.length >= 8 && ascii(sector, 0, 8) === SIGNATURE;
}

/**
 * The header that stands in sector `lba`.
 *
 * @param sector the whole sector, 512 or 4096 bytes.
 * @throws UmbraError `truncated`, or `corrupt` with the field that is wrong: Signature, HeaderSize, HeaderCRC32,
 * MyLBA, NumberOfPartitionEntries, SizeOfPartitionEntry, or an LBA beyond 2^53 bytes.
 */
export function parseGptHeader(sector: Uint8Array, lba: number): GptHeader {
	if (sector.length < MIN_HEADER_SIZE) {
		throw new UmbraError(
			"truncated",
			`GPT header in sector ${lba}: ${sector.length} bytes, wanted ${MIN_HEADER_SIZE}`,
			{
				context: { structure: "GPT header", offset: 0, found: sector.length, wanted: MIN_HEADER_SIZE },
			},
		);
	}
	const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
	if (!hasGptSignature(sector)) throw wrong(lba, "Signature", 0, ascii(sector, 0, 8), SIGNATURE);
	const headerSize = view.getUint32(12, true);
	if (headerSize < MIN_HEADER_SIZE || headerSize > sector.length) {
		throw wrong(lba, "HeaderSize", 12, headerSize, `${MIN_HEADER_SIZE} to ${sector.length}`);
	}
	const storedCrc = view.getUint32(16, true);
	const crc = headerCrc(sector.subarray(0, headerSize));
	if (crc !== storedCrc) throw wrong(lba, "HeaderCRC32", 16, storedCrc, crc);
	const lbaAt = (field: string, at: number): number => {
		const value = view.getBigUint64(at, true);
		// A sector number whose byte offset is no safe integer lies beyond any disk.
		if (value * BigInt(sector.length) > BigInt(Number.MAX_SAFE_INTEGER)) {
			throw wrong(lba, field, at, value, "below 2^53 bytes");
		}
		return Number(value);
	};
	const myLba = lbaAt("MyLBA", 24);
	if (myLba !== lba) throw wrong(lba, "MyLBA", 24, myLba, lba);
	const count = view.getUint32(80, true);
	if (count > MAX_ENTRIES) throw wrong(lba, "NumberOfPartitionEntries", 80, count, `at most ${MAX_ENTRIES}`);
	const entrySize = view.getUint32(84, true);
	const powerOfTwo = (entrySize & (entrySize - 1)) === 0;
	if (entrySize < MIN_ENTRY_SIZE || entrySize > MAX_ENTRY_SIZE || !powerOfTwo) {
		throw wrong(lba, "SizeOfPartitionEntry", 84, entrySize, "128 x 2^n, at most 4096");
	}
	return {
		myLba,
		alternateLba: lbaAt("AlternateLBA", 32),
		firstUsableLba: lbaAt("FirstUsableLBA", 40),
		lastUsableLba: lbaAt("LastUsableLBA", 48),
		diskGuid: guid(sector, 56),
		partitionEntryLba: lbaAt("PartitionEntryLBA", 72),
		numberOfPartitionEntries: count,
		sizeOfPartitionEntry: entrySize,
		partitionEntryArrayCrc32: view.getUint32(88, true),
	};
}

/** Bytes of the entry array that `header` describes: at most 16 MiB. */
export function gptEntriesLength(header: GptHeader): number {
	return header.numberOfPartitionEntries * header.sizeOfPartitionEntry;
}

/**
 * The entries in use; one whose LBAs make no sense is left out and said in `onProblem`.
 *
 * @param bytes exactly `gptEntriesLength(header)` bytes from `partitionEntryLba`.
 * @throws UmbraError `truncated`, or `corrupt` where the CRC does not match.
 */
export function parseGptEntries(
	bytes: Uint8Array,
	header: GptHeader,
	onProblem: (problem: UmbraError) => void,
): GptEntry[] {
	const length = gptEntriesLength(header);
	if (bytes.length < length) {
		throw new UmbraError("truncated", `GPT entries: ${bytes.length} bytes, wanted ${length}`, {
			context: { structure: "GPT entries", offset: 0, found: bytes.length, wanted: length },
		});
	}
	const crc = crc32(bytes.subarray(0, length));
	if (crc !== header.partitionEntryArrayCrc32) {
		throw wrong(header.partitionEntryLba, "PartitionEntryArrayCRC32", 88, header.partitionEntryArrayCrc32, crc);
	}
	const view = new DataView(bytes.buffer, bytes.byteOffset, length);
	const entries: GptEntry[] = [];
	for (let index = 0; index < header.numberOfPartitionEntries; index++) {
		const at = index * header.sizeOfPartitionEntry;
		if (view.getBigUint64(at, true) === 0n && view.getBigUint64(at + 8, true) === 0n) continue;
		const start = view.getBigUint64(at + 32, true);
		const end = view.getBigUint64(at + 40, true);
		// What Linux takes too: inside the usable range. It also bounds both numbers below 2^53.
		if (start > end || start < BigInt(header.firstUsableLba) || end > BigInt(header.lastUsableLba)) {
			onProblem(
				new UmbraError("corrupt", `GPT entry ${index + 1}: sectors ${start} to ${end} are outside the usable range`, {
					context: {
						structure: "GPT entry",
						offset: at + 32,
						field: "StartingLBA",
						found: start,
						wanted: `${header.firstUsableLba} to ${header.lastUsableLba}`,
					},
				}),
			);
			continue;
		}
		entries.push({
			number: index + 1,
			partitionTypeGuid: guid(bytes, at),
			uniquePartitionGuid: guid(bytes, at + 16),
			startingLba: Number(start),
			endingLba: Number(end),
			name: utf16(view, at + 56, NAME_UNITS),
		});
	}
	return entries;
}

/** The header's CRC is taken with its own field as zero. */
function headerCrc(header: Uint8Array): number {
	const copy = Uint8Array.from(header);
	copy.fill(0, 16, 20);
	return crc32(copy);
}

function wrong(lba: number, field: string, offset: number, found: unknown, wanted: unknown): UmbraError {
	return new UmbraError("corrupt", `GPT header in sector ${lba}: ${field} is ${found}, wanted ${wanted}`, {
		context: { structure: "GPT header", field, offset, found, wanted },
	});
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", from, to);
}

/** The first three groups are little-endian, the rest stand as written (UEFI appendix A). */
function guid(bytes: Uint8Array, at: number): string {
	const hex = Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString("hex");
	const swap = (from: number, to: number): string => {
		let text = "";
		for (let byte = to - 2; byte >= from; byte -= 2) text += hex.slice(byte, byte + 2);
		return text;
	};
	return `${swap(0, 8)}-${swap(8, 12)}-${swap(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`.toUpperCase();
}

function utf16(view: DataView, at: number, units: number): string {
	let text = "";
	for (let unit = 0; unit < units; unit++) {
		const code = view.getUint16(at + unit * 2, true);
		if (code === 0) break;
		text += String.fromCharCode(code);
	}
	return text.toWellFormed();
}
