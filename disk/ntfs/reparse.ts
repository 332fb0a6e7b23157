/**
 * Reparse points: files that are something else than they look.
 * Source: Microsoft's [MS-FSCC] 2.1.2, "Reparse Point Data Structures".
 */
import type { FileType } from "../filesystem.ts";

export const TAG = {
	MOUNT_POINT: 0xa0000003,
	SYMLINK: 0xa000000c,
	LX_SYMLINK: 0xa000001d,
	AF_UNIX: 0x80000023,
	LX_FIFO: 0x80000024,
	LX_CHR: 0x80000025,
	LX_BLK: 0x80000026,
	DEDUP: 0x80000013,
	WOF: 0x80000017,
} as const;

/** The format's own limit for the data of a reparse point. */
export const MAX_REPARSE_BYTES = 16 << 10;

const TYPES: ReadonlyMap<number, FileType> = new Map([
	[TAG.MOUNT_POINT, "symlink"],
	[TAG.SYMLINK, "symlink"],
	[TAG.LX_SYMLINK, "symlink"],
	[TAG.AF_UNIX, "socket"],
	[TAG.LX_FIFO, "fifo"],
	[TAG.LX_CHR, "char"],
	[TAG.LX_BLK, "block"],
]);

/** What makes a file's content something else than its data; by the names of what does it. */
const REPLACED: ReadonlyMap<number, string> = new Map([
	[TAG.DEDUP, "stored by data deduplication"],
	[TAG.WOF, "compressed by the Windows Overlay Filter"],
]);

/** Undefined where the file is the file or directory that it looks like. */
export function reparseType(tag: number): FileType | undefined {
	return TYPES.get(tag);
}

/** Why the content cannot be read as it stands; undefined where it can. */
export function contentElsewhere(tag: number): string | undefined {
	return REPLACED.get(tag);
}

/**
 * Where a symlink or junction leads, with `/` between names: relative as it stands; absolute with its drive, `C:/Users`,
 * or its volume, `Volume{...}/`, since which volume that is cannot be told from this one.
 *
 * @param data a REPARSE_DATA_BUFFER.
 * @returns undefined where there is no target in it.
 */
export function reparseTarget(data: Buffer): string | undefined {
	if (data.length < 8) return undefined;
	const tag = data.readUInt32LE(0);
	const end = Math.min(data.length, 8 + data.readUInt16LE(4));
	if (tag === TAG.LX_SYMLINK) return end > 12 ? data.toString("utf8", 12, end) : undefined;
	const names = tag === TAG.SYMLINK ? 20 : tag === TAG.MOUNT_POINT ? 16 : undefined;
	if (names === undefined || end < names) return undefined;
	const from = names + data.readUInt16LE(8);
	const to = from + data.readUInt16LE(10);
	if (to > end || to === from) return undefined;
	return data
		.toString("utf16le", from, to)
		.toWellFormed()
		.replaceAll("\0", "")
		.replace(/^\\\?\?\\/, "")
		.replaceAll("\\", "/");
}
