/**
 * The feature bits of a superblock, by the names that mkfs.xfs, xfs_info and the kernel give them.
 * An unknown "incompat" bit means that the volume cannot be understood; unknown "compat" and
 * "ro_compat" bits do not hinder a reader.
 */
import { UmbraError } from "../../common/errors.ts";

const VERSION_MASK = 0xf;
const VERSION_SHARED = 0x200;
const VERSION_DIRV2 = 0x2000;
const VERSION_MOREBITS = 0x8000;

/** sb_features2, which versions 4 and 5 have in common. */
const FEATURES2_NAMES: Readonly<Record<number, string>> = {
	1: "lazysbcount",
	3: "attr2",
	7: "projid32bit",
	9: "ftype",
};
const FEATURES2_PARENT = 0x10;
const FEATURES2_FTYPE = 0x200;
/** Those named above; parent pointers of IRIX, which are attributes; and the bit that version 5 sets for its checksums. */
const FEATURES2_READABLE = 0x2 | 0x8 | FEATURES2_PARENT | 0x80 | 0x100 | FEATURES2_FTYPE;

const RO_COMPAT_FINOBT = 0x1;
const RO_COMPAT_RMAPBT = 0x2;
const RO_COMPAT_REFLINK = 0x4;

/** Bits of sb_features_incompat, in order. */
const INCOMPAT_NAMES = [
	"ftype",
	"sparse inodes",
	"meta_uuid",
	"bigtime",
	"needsrepair",
	"nrext64",
	"exchange",
	"parent",
	"metadir",
	"zoned",
	"zone gaps",
] as const;
const INCOMPAT_FTYPE = 0x1;
const INCOMPAT_SPINODES = 0x2;
const INCOMPAT_META_UUID = 0x4;
const INCOMPAT_NEEDSREPAIR = 0x10;
/** All of the above but zoned and what comes with it: contents in zones of a realtime section. */
const INCOMPAT_READABLE = 0x1ff;

export interface Features {
	readonly version: 4 | 5;
	/** Directory entries carry the type of what they name. */
	readonly ftype: boolean;
	/** Inode chunks may have holes. */
	readonly sparseInodes: boolean;
	/** Structures carry another UUID than the one that people see. */
	readonly metaUuid: boolean;
	/** xfs_repair began and did not end, or an upgrade asks for it. */
	readonly needsRepair: boolean;
	readonly finobt: boolean;
	readonly rmapbt: boolean;
	readonly reflink: boolean;
}

/** The fields of a superblock that hold features. */
export interface FeatureFields {
	readonly versionnum: number;
	readonly features2: number;
	readonly roCompat: number;
	readonly incompat: number;
}

/** @throws UmbraError `unsupported` that names every feature which cannot be read. */
export function parseFeatures(fields: FeatureFields, volume: string): Features {
	const { versionnum, roCompat, incompat } = fields;
	const refuse = (offset: number, field: string, found: string) =>
		new UmbraError("unsupported", `${volume}: XFS feature that cannot be read: ${found}`, {
			context: { path: volume, structure: "xfs_dsb", offset, field, found },
		});
	const version = versionnum & VERSION_MASK;
	if (version !== 4 && version !== 5) throw refuse(100, "sb_versionnum", `superblock version ${version}`);
	if ((versionnum & VERSION_DIRV2) === 0) throw refuse(100, "sb_versionnum", "version 1 directories");
	if ((versionnum & VERSION_SHARED) !== 0) throw refuse(100, "sb_versionnum", "shared");
	const features2 = version === 5 || (versionnum & VERSION_MOREBITS) !== 0 ? fields.features2 : 0;
	if ((features2 & ~FEATURES2_READABLE) !== 0) {
		throw refuse(200, "sb_features2", bitNames(features2 & ~FEATURES2_READABLE, FEATURES2_NAMES));
	}
	if (version === 5 && (incompat & ~INCOMPAT_READABLE) !== 0) {
		throw refuse(216, "sb_features_incompat", bitNames(incompat & ~INCOMPAT_READABLE, INCOMPAT_NAMES));
	}
	const incompatible = (bit: number) => version === 5 && (incompat & bit) !== 0;
	const readOnly = (bit: number) => version === 5 && (roCompat & bit) !== 0;
	return {
		version,
		ftype: incompatible(INCOMPAT_FTYPE) || (features2 & FEATURES2_FTYPE) !== 0,
		sparseInodes: incompatible(INCOMPAT_SPINODES),
		metaUuid: incompatible(INCOMPAT_META_UUID),
		needsRepair: incompatible(INCOMPAT_NEEDSREPAIR),
		finobt: readOnly(RO_COMPAT_FINOBT),
		rmapbt: readOnly(RO_COMPAT_RMAPBT),
		reflink: readOnly(RO_COMPAT_REFLINK),
	};
}

function bitNames(bits: number, names: Readonly<Record<number, string>>): string {
	const found: string[] = [];
	for (let bit = 0; bit < 32; bit++) {
		if ((bits & (1 << bit)) !== 0) found.push(names[bit] ?? `0x${(2 ** bit).toString(16)}`);
	}
	return found.join(", ");
}
