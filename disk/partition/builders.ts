/** For tests: valid boot records and GPTs, byte by byte, to be spoilt one field at a time. */
import { crc32 } from "node:zlib";
import type { BlockSource } from "../source/source.ts";

export interface EntrySpec {
	readonly slot: number;
	readonly osType: number;
	readonly startingLba: number;
	readonly sizeInLba: number;
}

export function buildMbr(...entries: readonly EntrySpec[]): Buffer {
	const sector = Buffer.alloc(512);
	for (const { slot, osType, startingLba, sizeInLba } of entries) {
		const at = 446 + (slot - 1) * 16;
		sector.writeUInt8(osType, at + 4);
		sector.writeUInt32LE(startingLba, at + 8);
		sector.writeUInt32LE(sizeInLba, at + 12);
	}
	sector.writeUInt16LE(0xaa55, 510);
	return sector;
}

export interface GptSpec {
	readonly sectors: number;
	readonly sectorSize?: 512 | 4096;
	readonly partitions: readonly {
		readonly number: number;
		readonly first: number;
		readonly last: number;
		readonly name: string;
	}[];
}

/** A whole disk image with a protective MBR and both copies of the table. */
export function buildGptDisk({ sectors, sectorSize = 512, partitions }: GptSpec): Buffer {
	const entrySectors = (128 * 128) / sectorSize;
	const entries = Buffer.alloc(128 * 128);
	for (const { number, first, last, name } of partitions) {
		const at = (number - 1) * 128;
		entries.write("af3dc60f838472478e793d69d8477de4", at, "hex");
		entries.writeUInt32LE(number, at + 16);
		entries.writeBigUInt64LE(BigInt(first), at + 32);
		entries.writeBigUInt64LE(BigInt(last), at + 40);
		entries.write(name, at + 56, "utf16le");
	}
	const header = (myLba: number, alternateLba: number, entryLba: number): Buffer => {
		const bytes = Buffer.alloc(sectorSize);
		bytes.write("EFI PART", 0, "latin1");
		bytes.writeUInt32LE(0x00010000, 8);
		bytes.writeUInt32LE(92, 12);
		bytes.writeBigUInt64LE(BigInt(myLba), 24);
		bytes.writeBigUInt64LE(BigInt(alternateLba), 32);
		bytes.writeBigUInt64LE(BigInt(2 + entrySectors), 40);
		bytes.writeBigUInt64LE(BigInt(sectors - 2 - entrySectors), 48);
		bytes.writeBigUInt64LE(BigInt(entryLba), 72);
		bytes.writeUInt32LE(128, 80);
		bytes.writeUInt32LE(128, 84);
		bytes.writeUInt32LE(crc32(entries), 88);
		return sealGptHeader(bytes);
	};
	const disk = Buffer.alloc(sectors * sectorSize);
	buildMbr({ slot: 1, osType: 0xee, startingLba: 1, sizeInLba: sectors - 1 }).copy(disk);
	header(1, sectors - 1, 2).copy(disk, sectorSize);
	entries.copy(disk, 2 * sectorSize);
	entries.copy(disk, (sectors - 1 - entrySectors) * sectorSize);
	header(sectors - 1, 1, sectors - 1 - entrySectors).copy(disk, (sectors - 1) * sectorSize);
	return disk;
}

/** Writes the CRC that fits the rest of the header. */
export function sealGptHeader(header: Buffer): Buffer {
	header.writeUInt32LE(0, 16);
	header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
	return header;
}

/** Bytes as a disk; counts nothing, hides nothing. */
export function bytesSource(bytes: Uint8Array, name = "bytes"): BlockSource {
	return {
		size: bytes.length,
		name,
		read: async (offset, length) => {
			if (offset < 0 || length < 0 || offset + length > bytes.length) throw new RangeError(`read ${offset}+${length}`);
			return Uint8Array.prototype.slice.call(bytes, offset, offset + length);
		},
		extents: async (offset, length) => [{ offset, length, zero: false }],
		[Symbol.asyncDispose]: async () => {},
	};
}
