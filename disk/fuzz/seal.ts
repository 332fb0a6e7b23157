/** Makes checksums right again that damage made wrong: of GPTs, and of LVM's labels and headers. */
import { crc32 } from "node:zlib";
import { lvmCrc } from "../lvm/label.ts";
import type { DamagedSource } from "./damaged-source.ts";

const SECTOR = 512;
/** Where a physical volume's first metadata area begins, as pvcreate has it. */
const MDA_OFFSET = 4096;
const LABEL_SECTOR = 1;
/** Most that a table of partitions takes. */
const MAX_ENTRIES_BYTES = 1 << 20;

export async function sealDisk(disk: DamagedSource): Promise<void> {
	const damaged = new Set(disk.damaged);
	const touched = (from: number, sectors: number) =>
		Array.from({ length: sectors }, (_, i) => from + i * SECTOR).some((at) => damaged.has(at));
	if (touched(SECTOR, 33)) await sealGpt(disk, SECTOR);
	const last = disk.size - SECTOR;
	if (last > 0 && last % SECTOR === 0 && touched(last - 32 * SECTOR, 33)) await sealGpt(disk, last);
	for (const at of damaged) {
		await sealLvm(disk, at - LABEL_SECTOR * SECTOR);
		await sealLvm(disk, at - MDA_OFFSET);
	}
}

async function read(disk: DamagedSource, offset: number, length: number): Promise<Buffer | undefined> {
	if (offset < 0 || offset + length > disk.size) return undefined;
	return Buffer.from(await disk.read(offset, length));
}

async function sealGpt(disk: DamagedSource, offset: number): Promise<void> {
	const header = await read(disk, offset, SECTOR);
	if (header?.toString("latin1", 0, 8) !== "EFI PART") return;
	const size = header.readUInt32LE(12);
	const length = header.readUInt32LE(80) * header.readUInt32LE(84);
	const entries =
		length <= MAX_ENTRIES_BYTES ? await read(disk, Number(header.readBigUInt64LE(72)) * SECTOR, length) : undefined;
	if (entries !== undefined) header.writeUInt32LE(crc32(entries), 88);
	header.writeUInt32LE(0, 16);
	header.writeUInt32LE(crc32(header.subarray(0, Math.min(size, SECTOR))), 16);
	await disk.write(offset, header);
}

/** @param start where the physical volume begins, if one does. */
async function sealLvm(disk: DamagedSource, start: number): Promise<void> {
	const label = await read(disk, start + LABEL_SECTOR * SECTOR, SECTOR);
	if (label?.toString("latin1", 0, 8) !== "LABELONE") return;
	label.writeUInt32LE(lvmCrc(label.subarray(20)), 16);
	await disk.write(start + LABEL_SECTOR * SECTOR, label);
	const header = await read(disk, start + MDA_OFFSET, SECTOR);
	if (header === undefined) return;
	const from = Number(header.readBigUInt64LE(40));
	const text = await textOf(disk, start + MDA_OFFSET + from, Number(header.readBigUInt64LE(48)));
	if (text !== undefined) header.writeUInt32LE(lvmCrc(text), 56);
	header.writeUInt32LE(lvmCrc(header.subarray(4)), 0);
	await disk.write(start + MDA_OFFSET, header);
}

async function textOf(disk: DamagedSource, offset: number, length: number): Promise<Buffer | undefined> {
	return Number.isSafeInteger(offset) && length <= MAX_ENTRIES_BYTES ? read(disk, offset, length) : undefined;
}
