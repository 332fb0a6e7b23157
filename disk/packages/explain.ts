/**
 * Whether a package change explains a file's change: its owner was installed, upgraded or removed between two states,
 * and the file is now what the owner shipped, or gone with it.
 */
import { createHash, getHashes } from "node:crypto";
import { isUmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem, FileType } from "../filesystem.ts";
import type { ChangeKind } from "../map/changes.ts";
import {
	type Package,
	type PackageDb,
	type PackageEvent,
	type PackageVersions,
	packageEvent,
	packageKey,
	type ShippedFile,
} from "./package-db.ts";

/** Larger files are not read: their state is unknown. */
const MAX_CONTENT = 256 << 20;
const CHUNK = 1 << 20;
const PERMISSIONS = 0o7777;

/** How a file stands to what its package shipped. */
export type PackageFileState =
	/** It is what was shipped. */
	| "shipped"
	/** Its content, target or, where the database records it, mode is another. */
	| "modified"
	/** It differs, but is meant to be edited. */
	| "config"
	/** It is gone, while its package still has it. */
	| "missing"
	/** It is gone, and its package has it no longer. */
	| "removed"
	/** The database does not record what was shipped, or the content cannot be read. */
	| "unknown";

export interface Explanation {
	/** The owner now, or, of a file that is gone, before. */
	readonly package: Package;
	/** What happened to the owner between the states; undefined where nothing did. */
	readonly event: PackageEvent | undefined;
	readonly state: PackageFileState;
	/** True where `event` made the file what it is. */
	readonly explained: boolean;
}

export interface ChangedFile {
	/** Absolute in the guest, over all its filesystems. */
	readonly path: string;
	readonly change: ChangeKind;
}

/** The earlier state; without `ownerOf`, deleted files have no owner. */
export interface PackagesBefore {
	readonly versions: PackageVersions;
	ownerOf?(path: string, signal?: AbortSignal): Promise<Package | undefined>;
}

/** A file as it is now. */
export interface CurrentFile {
	readonly type: FileType;
	/** Bytes. */
	readonly size: number;
	/** As `st_mode`. */
	readonly mode: number;
	/** At most `length` bytes. */
	read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
	readLink(signal?: AbortSignal): Promise<string>;
}

export function currentFile(filesystem: Filesystem, node: FileNode): CurrentFile {
	const { type, size, mode } = node;
	return {
		type,
		size,
		mode,
		read: (offset, length, signal) => filesystem.readFile(node, offset, length, signal),
		readLink: (signal) => filesystem.readLink(node, signal),
	};
}

/**
 * Undefined for a file that no package owns.
 *
 * @param file the file now; undefined for one that is gone or cannot be found.
 * @throws UmbraError what the disk throws, but nothing for what is on it.
 */
export async function explain(
	{ path, change }: ChangedFile,
	before: PackagesBefore,
	after: PackageDb,
	file: CurrentFile | undefined,
	signal?: AbortSignal,
): Promise<Explanation | undefined> {
	const shipped = await after.shipped(path, signal);
	if (change === "deleted") return explainDeleted(path, before, after, shipped, signal);
	if (shipped === undefined) return undefined;
	const event = packageEvent(packageKey(shipped.package), before.versions, after.versions);
	const state = file === undefined ? "unknown" : await stateOf(file, shipped, signal);
	// A change of mode or owner alone is explained only by a database that knows modes.
	const comparable = change !== "metadata" || shipped.mode !== undefined;
	return {
		package: shipped.package,
		event,
		state,
		explained: event !== undefined && state === "shipped" && comparable,
	};
}

async function explainDeleted(
	path: string,
	before: PackagesBefore,
	after: PackageDb,
	shipped: ShippedFile | undefined,
	signal?: AbortSignal,
): Promise<Explanation | undefined> {
	if (shipped !== undefined) {
		const event = packageEvent(packageKey(shipped.package), before.versions, after.versions);
		return { package: shipped.package, event, state: shipped.ghost ? "unknown" : "missing", explained: false };
	}
	const owner = await before.ownerOf?.(path, signal);
	if (owner === undefined) return undefined;
	const event = packageEvent(packageKey(owner), before.versions, after.versions);
	return { package: owner, event, state: "removed", explained: event !== undefined };
}

async function stateOf(file: CurrentFile, shipped: ShippedFile, signal?: AbortSignal): Promise<PackageFileState> {
	try {
		const same = await isAsShipped(file, shipped, signal);
		if (same === undefined) return "unknown";
		if (same) return "shipped";
		return shipped.config ? "config" : "modified";
	} catch (error) {
		if (isUmbraError(error, "corrupt", "truncated", "unsupported", "limit", "not-found")) return "unknown";
		throw error;
	}
}

/** Undefined where it cannot be told. */
async function isAsShipped(
	file: CurrentFile,
	shipped: ShippedFile,
	signal?: AbortSignal,
): Promise<boolean | undefined> {
	const { algorithm, digest, size, mode, link } = shipped;
	if (mode !== undefined && ((mode ^ file.mode) & PERMISSIONS) !== 0 && file.type !== "symlink") return false;
	if (link !== undefined) return file.type === "symlink" && (await file.readLink(signal)) === link;
	if (algorithm === undefined || digest === undefined) return undefined;
	if (file.type !== "file") return false;
	if (size !== undefined && size !== file.size) return false;
	if (file.size > MAX_CONTENT || !getHashes().includes(algorithm)) return undefined;
	const found = await digestOf(file, algorithm, signal);
	return found === undefined ? undefined : found === digest;
}

/** Undefined for content that ends before the file's size. */
async function digestOf(file: CurrentFile, algorithm: string, signal?: AbortSignal): Promise<string | undefined> {
	const hash = createHash(algorithm);
	for (let offset = 0; offset < file.size; ) {
		signal?.throwIfAborted();
		const bytes = await file.read(offset, Math.min(CHUNK, file.size - offset), signal);
		if (bytes.length === 0) return undefined;
		hash.update(bytes);
		offset += bytes.length;
	}
	return hash.digest("hex");
}
