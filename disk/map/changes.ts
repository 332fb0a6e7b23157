/** What the map says: the shapes of its result. */
import type { FileType } from "../filesystem.ts";

/** `transient` came and went between the two trees, so that a filesystem's own change journal is all that tells of it. */
export type ChangeKind = "created" | "modified" | "deleted" | "renamed" | "metadata" | "transient";

/** One changed file, directory or special file. Sizes are bytes, entropies bits per byte (0 to 8). */
export interface FileChange {
	readonly change: ChangeKind;
	/** Absolute within its volume; no two changes of a volume have the same. */
	readonly path: string;
	/** Of a rename; where a change journal tells, also of a file that was made under another name. */
	readonly oldPath?: string;
	/** Where a change journal tells: further paths that it had in between, oldest first. */
	readonly via?: readonly string[];
	readonly type: FileType;
	/** After the change; before it, of what was deleted; of what was transient, while it was there. */
	readonly inode: number;
	/** 0 for what was not there. */
	readonly sizeBefore: number;
	readonly sizeAfter: number;
	/** Its share of the changed pages, shared pages split by how much of them it holds. */
	readonly changedBytes: number;
	/** Mean over its changed pages that held it before; null where there is none. */
	readonly entropyBefore: number | null;
	/** Mean over its changed pages that hold it now; null where there is none. */
	readonly entropyAfter: number | null;
	readonly uid: number;
	readonly gid: number;
	/** Empty where the guest's account files do not say. */
	readonly owner: string;
	readonly group: string;
	/** As `st_mode`. */
	readonly mode: number;
	/** Seconds since 1970; after the change, before it of what was deleted. */
	readonly mtime: number;
}

/** What the changed bytes belong to; the parts add up to `total`, which is 4096 bytes a page. */
export interface Attribution {
	readonly total: number;
	readonly file: number;
	readonly directory: number;
	readonly journal: number;
	readonly metadata: number;
	/** In a filesystem that was read, but in no use before or after. */
	readonly free: number;
	/** In no filesystem that could be read. */
	readonly unknown: number;
}

export interface VolumeSummary {
	readonly id: string;
	readonly offset: number;
	readonly length: number;
	readonly kind: string;
	readonly label: string;
	readonly files: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
}

export interface VolumeChanges {
	/** The volume's id; of the tree before for a volume that is gone. */
	readonly volume: string;
	/** By path. */
	readonly files: readonly FileChange[];
}

export interface DiskChanges {
	/** Volumes with at least one change. */
	readonly files: readonly VolumeChanges[];
	readonly attribution: Attribution;
	/** Every volume of the tree after. */
	readonly volumes: readonly VolumeSummary[];
	/** What made the map less than exact, for people. */
	readonly problems: readonly string[];
}

/** Of all disks of a machine together. */
export interface MachineChanges extends DiskChanges {
	/** A logical volume's files are listed under the disk on which it begins. */
	readonly files: readonly (VolumeChanges & { readonly disk: string })[];
	/** Of every disk, before or after. */
	readonly disks: readonly { readonly name: string; readonly attribution: Attribution }[];
	readonly volumes: readonly (VolumeSummary & { readonly disk: string })[];
}
