/**
 * The feature bits of a superblock. Names are those of mke2fs and the kernel.
 * An unknown "incompat" bit means that the volume cannot be understood; unknown "compat" and
 * "ro_compat" bits do not hinder a reader.
 */
import { UmbraError } from "../../common/errors.ts";

export type ExtKind = "ext2" | "ext3" | "ext4";

/** Bits 0 to 17 of s_feature_incompat, in order; those not in use have no name. */
const INCOMPAT_NAMES = [
	"compression",
	"filetype",
	"needs_recovery",
	"journal_dev",
	"meta_bg",
	undefined,
	"extent",
	"64bit",
	"mmp",
	"flex_bg",
	"ea_inode",
	undefined,
	"dirdata",
	"metadata_csum_seed",
	"large_dir",
	"inline_data",
	"encrypt",
	"casefold",
] as const;

const INCOMPAT_RECOVER = 0x4;
const RO_COMPAT_ORPHAN_PRESENT = 0x10000;
const INCOMPAT_META_BG = 0x10;
const INCOMPAT_64BIT = 0x80;
const INCOMPAT_MMP = 0x100;
const INCOMPAT_EA_INODE = 0x400;
const INCOMPAT_CSUM_SEED = 0x2000;
const INCOMPAT_LARGEDIR = 0x4000;
/** All of the above but compression (never in a kernel), journal_dev (not a filesystem) and dirdata (Lustre). */
const INCOMPAT_READABLE = 0x3e7d6;
/** What an ext3 driver accepts (EXT3_FEATURE_INCOMPAT_SUPP): filetype, needs_recovery, meta_bg. */
const INCOMPAT_EXT3 = 0x16;

const COMPAT_HAS_JOURNAL = 0x4;
const COMPAT_RESIZE_INODE = 0x10;
const COMPAT_SPARSE_SUPER2 = 0x200;
const COMPAT_ORPHAN_FILE = 0x1000;

const RO_COMPAT_SPARSE_SUPER = 0x1;
const RO_COMPAT_HUGE_FILE = 0x8;
const RO_COMPAT_GDT_CSUM = 0x10;
const RO_COMPAT_QUOTA = 0x100;
const RO_COMPAT_BIGALLOC = 0x200;
const RO_COMPAT_METADATA_CSUM = 0x400;
const RO_COMPAT_PROJECT = 0x2000;
/** What an ext3 driver accepts: sparse_super, large_file, btree_dir. */
const RO_COMPAT_EXT3 = 0x7;

export interface Features {
	readonly compat: number;
	readonly incompat: number;
	readonly roCompat: number;
	readonly hasJournal: boolean;
	readonly needsRecovery: boolean;
	readonly resizeInode: boolean;
	readonly sparseSuper: boolean;
	readonly sparseSuper2: boolean;
	readonly orphanFile: boolean;
	readonly metaBg: boolean;
	readonly bit64: boolean;
	readonly mmp: boolean;
	readonly eaInode: boolean;
	readonly csumSeed: boolean;
	readonly largeDir: boolean;
	readonly hugeFile: boolean;
	readonly gdtCsum: boolean;
	readonly metadataCsum: boolean;
	readonly quota: boolean;
	readonly project: boolean;
	readonly bigalloc: boolean;
}

/** @throws UmbraError `unsupported` that names every feature which cannot be read. */
export function parseFeatures(compat: number, incompat: number, roCompat: number, volume: string): Features {
	const unreadable = (incompat & ~INCOMPAT_READABLE) >>> 0;
	if (unreadable !== 0) {
		const names: string[] = [];
		for (let bit = 0; bit < 32; bit++) {
			if ((unreadable & (1 << bit)) !== 0) names.push(INCOMPAT_NAMES[bit] ?? `0x${(2 ** bit).toString(16)}`);
		}
		const found = names.join(", ");
		throw new UmbraError("unsupported", `${volume}: ext feature that cannot be read: ${found}`, {
			context: {
				path: volume,
				structure: "ext4_super_block",
				offset: 1024 + 0x60,
				field: "s_feature_incompat",
				found,
			},
		});
	}
	return {
		compat,
		incompat,
		roCompat,
		hasJournal: (compat & COMPAT_HAS_JOURNAL) !== 0,
		needsRecovery: (incompat & INCOMPAT_RECOVER) !== 0,
		resizeInode: (compat & COMPAT_RESIZE_INODE) !== 0,
		sparseSuper: (roCompat & RO_COMPAT_SPARSE_SUPER) !== 0,
		sparseSuper2: (compat & COMPAT_SPARSE_SUPER2) !== 0,
		orphanFile: (compat & COMPAT_ORPHAN_FILE) !== 0,
		metaBg: (incompat & INCOMPAT_META_BG) !== 0,
		bit64: (incompat & INCOMPAT_64BIT) !== 0,
		mmp: (incompat & INCOMPAT_MMP) !== 0,
		eaInode: (incompat & INCOMPAT_EA_INODE) !== 0,
		csumSeed: (incompat & INCOMPAT_CSUM_SEED) !== 0,
		largeDir: (incompat & INCOMPAT_LARGEDIR) !== 0,
		hugeFile: (roCompat & RO_COMPAT_HUGE_FILE) !== 0,
		gdtCsum: (roCompat & RO_COMPAT_GDT_CSUM) !== 0,
		metadataCsum: (roCompat & RO_COMPAT_METADATA_CSUM) !== 0,
		quota: (roCompat & RO_COMPAT_QUOTA) !== 0,
		project: (roCompat & RO_COMPAT_PROJECT) !== 0,
		bigalloc: (roCompat & RO_COMPAT_BIGALLOC) !== 0,
	};
}

/** As blkid tells them apart: by what the drivers of that name accepted. */
export function kindOf(features: Features): ExtKind {
	if ((features.incompat & ~INCOMPAT_EXT3) !== 0 || (features.roCompat & ~RO_COMPAT_EXT3) !== 0) return "ext4";
	return features.hasJournal ? "ext3" : "ext2";
}

/** The features as a text that is the same whether the filesystem is mounted or not. */
export function lastingFeatures({ compat, incompat, roCompat }: Features): string {
	return `${compat}/${incompat & ~INCOMPAT_RECOVER}/${roCompat & ~RO_COMPAT_ORPHAN_PRESENT}`;
}
