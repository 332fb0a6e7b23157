/**
 * What a volume can hold: the one registry of formats, each with how it is recognised and, where we can
 * read it, its parser. A new filesystem is a row here. Names are those of util-linux's blkid, whose
 * superblock probes are also the reference for where the signatures stand.
 */
import type { Filesystem } from "./filesystem.ts";
import type { BlockSource } from "./source/source.ts";

/** Bytes from the start of a volume in which every signature but the tail's stands (ISO 9660, btrfs, ZFS labels). */
export const HEAD_SIZE = 256 * 1024;
/** Bytes from its end, where old Linux RAID keeps its superblock. */
export const TAIL_SIZE = 128 * 1024;

/** The two ends of a volume; either may be shorter than its size says. */
export interface Ends {
	readonly head: Buffer;
	/** The last bytes of the volume, up to and including its end. */
	readonly tail: Buffer;
	/** Bytes of the whole volume. */
	readonly size: number;
}

export interface Recognised {
	readonly kind: string;
	/** Empty where there is none or where it does not stand in the superblock. */
	readonly label: string;
}

export interface Format {
	/** Whether files are found in it, now or once it has a parser. */
	readonly filesystem: boolean;
	recognise(ends: Ends): Recognised | undefined;
	readonly open?: (source: BlockSource, signal?: AbortSignal) => Promise<Filesystem>;
}

/** In order of precedence: containers first, since what they hold may show through at their start. */
const FORMATS: readonly Format[] = [
	{ filesystem: false, recognise: linuxRaid },
	{
		filesystem: false,
		recognise: ({ head }) =>
			has(head, 0, "LUKS\xba\xbe") ? { kind: "crypto_LUKS", label: luksLabel(head) } : undefined,
	},
	{ filesystem: false, recognise: lvm2 },
	{ filesystem: false, recognise: zfs },
	{ filesystem: false, recognise: ({ head }) => (has(head, 3, "-FVE-FS-") ? plain("bitlocker") : undefined) },
	{ filesystem: false, recognise: swap },
	{
		filesystem: true,
		recognise: ext,
		open: async (source, signal) => (await import("./ext/ext.ts")).openExt(source, signal),
	},
	{
		filesystem: true,
		recognise: ({ head }) => (has(head, 0, "XFSB") ? { kind: "xfs", label: text(head, 108, 12) } : undefined),
		open: async (source, signal) => (await import("./xfs/xfs.ts")).openXfs(source, signal),
	},
	{
		filesystem: true,
		recognise: ({ head }) =>
			has(head, 0x10040, "_BHRfS_M") ? { kind: "btrfs", label: text(head, 0x1012b, 256) } : undefined,
	},
	{
		filesystem: true,
		recognise: ({ head }) => (has(head, 3, "NTFS    ") ? plain("ntfs") : undefined),
		open: async (source, signal) => (await import("./ntfs/ntfs.ts")).openNtfs(source, signal),
	},
	{
		filesystem: true,
		recognise: ({ head }) => (has(head, 3, "EXFAT   ") ? plain("exfat") : undefined),
		open: async (source, signal) => (await import("./fat/fat.ts")).openExfat(source, signal),
	},
	{
		filesystem: true,
		recognise: fat,
		open: async (source, signal) => (await import("./fat/fat.ts")).openFat(source, signal),
	},
	{
		filesystem: true,
		recognise: ({ head }) =>
			has(head, 0x8001, "CD001") ? { kind: "iso9660", label: text(head, 0x8028, 32) } : undefined,
	},
];

/** The format of a volume with these ends; undefined where nothing is known to us. */
export function recognise(ends: Ends): { readonly format: Format; readonly found: Recognised } | undefined {
	for (const format of FORMATS) {
		const found = format.recognise(ends);
		if (found !== undefined) return { format, found };
	}
	return undefined;
}

function plain(kind: string): Recognised {
	return { kind, label: "" };
}

function has(bytes: Buffer, at: number, signature: string): boolean {
	return bytes.length >= at + signature.length && bytes.toString("latin1", at, at + signature.length) === signature;
}

/** A label field: ends at the first NUL, trailing blanks are padding. */
function text(bytes: Buffer, at: number, length: number): string {
	const field = bytes.subarray(at, at + length);
	const end = field.indexOf(0);
	return field
		.subarray(0, end === -1 ? field.length : end)
		.toString("utf8")
		.trimEnd();
}

/** Documentation/filesystems/ext4/super.rst; the kind by feature flags as mke2fs names them. */
function ext({ head }: Ends): Recognised | undefined {
	const superblock = 1024;
	if (head.length < superblock + 1024 || head.readUInt16LE(superblock + 0x38) !== 0xef53) return undefined;
	const compatible = head.readUInt32LE(superblock + 0x5c);
	const incompatible = head.readUInt32LE(superblock + 0x60);
	const readOnly = head.readUInt32LE(superblock + 0x64);
	const hasJournal = (compatible & 0x4) !== 0;
	// ext3 knows filetype, recover, journal_dev and meta_bg; sparse_super, large_file and btree_dir. All else is ext4's.
	const ext4 = (incompatible & ~0x1e) !== 0 || (readOnly & ~0x7) !== 0;
	return { kind: ext4 ? "ext4" : hasJournal ? "ext3" : "ext2", label: text(head, superblock + 0x78, 16) };
}

/** Microsoft's FAT specification: BS_FilSysType is only a hint; without it the fields and the table must fit together. */
function fat({ head }: Ends): Recognised | undefined {
	if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) return undefined;
	const bytesPerSector = head.readUInt16LE(11);
	const sectorsPerCluster = head.readUInt8(13);
	if (![512, 1024, 2048, 4096].includes(bytesPerSector)) return undefined;
	if (sectorsPerCluster === 0 || (sectorsPerCluster & (sectorsPerCluster - 1)) !== 0) return undefined;
	for (const [type, label] of [
		[82, 71],
		[54, 43],
	] as const) {
		if (!has(head, type, "FAT")) continue;
		const name = text(head, label, 11);
		return { kind: "vfat", label: name === "NO NAME" ? "" : name };
	}
	const jumps = (head[0] === 0xeb && head[2] === 0x90) || head[0] === 0xe9;
	const media = head.readUInt8(21);
	const table = head.readUInt16LE(14) * bytesPerSector;
	const tables = head.readUInt8(16);
	if (!jumps || table === 0 || tables < 1 || tables > 4 || (media !== 0xf0 && media < 0xf8)) return undefined;
	// The table begins with the media byte and ones.
	const starts = table + 3 <= head.length && head[table] === media && head[table + 1] === 0xff;
	return starts && (head[table + 2]! & 0x0f) === 0x0f ? plain("vfat") : undefined;
}

/** LVM2's label stands in one of the first four sectors. */
function lvm2({ head }: Ends): Recognised | undefined {
	for (let at = 0; at < 4 * 512; at += 512) {
		if (has(head, at, "LABELONE") && has(head, at + 24, "LVM2 001")) return plain("LVM2_member");
	}
	return undefined;
}

function luksLabel(head: Buffer): string {
	return head.length >= 72 && head.readUInt16BE(6) === 2 ? text(head, 24, 48) : "";
}

/** The signature ends the first page, whatever the page size of the machine that made it. */
function swap({ head }: Ends): Recognised | undefined {
	for (const page of [4096, 8192, 16384, 65536]) {
		if (has(head, page - 10, "SWAPSPACE2")) return { kind: "swap", label: text(head, 1052, 16) };
		if (has(head, page - 10, "SWAP-SPACE")) return plain("swap");
	}
	return undefined;
}

/** Uberblocks fill the second half of the first label, one a KiB at the closest, in the writer's byte order. */
function zfs({ head }: Ends): Recognised | undefined {
	for (let at = 128 * 1024; at + 8 <= Math.min(head.length, 256 * 1024); at += 1024) {
		if (head.readUInt32LE(at) === 0x00bab10c && head.readUInt32LE(at + 4) === 0) return plain("zfs_member");
		if (head.readUInt32BE(at + 4) === 0x00bab10c && head.readUInt32BE(at) === 0) return plain("zfs_member");
	}
	return undefined;
}

const RAID_MAGIC = 0xa92b4efc;

/** Linux md: 1.1 at the start, 1.2 at 4 KiB, 1.0 near the end, 0.90 in the last whole 64 KiB but one. */
function linuxRaid({ head, tail, size }: Ends): Recognised | undefined {
	for (const at of [0, 4096]) {
		if (head.length >= at + 256 && head.readUInt32LE(at) === RAID_MAGIC && head.readUInt32LE(at + 4) === 1) {
			return { kind: "linux_raid_member", label: text(head, at + 32, 32) };
		}
	}
	const tailStart = size - tail.length;
	const sectors = Math.floor(size / 512);
	const version10 = (sectors - 16 - ((sectors - 16) % 8)) * 512 - tailStart;
	if (version10 >= 0 && version10 + 256 <= tail.length && tail.readUInt32LE(version10) === RAID_MAGIC) {
		return { kind: "linux_raid_member", label: text(tail, version10 + 32, 32) };
	}
	const version090 = Math.floor(size / 65536) * 65536 - 65536 - tailStart;
	if (version090 >= 0 && version090 + 8 <= tail.length && tail.readUInt32LE(version090) === RAID_MAGIC) {
		return plain("linux_raid_member");
	}
	return undefined;
}
