/**
 * Why the files of a machine changed: who did it, by the guest's own logs (`who/`), and which package change explains
 * it, by the guest's own package databases (`packages/`). Both are read from the disks as they are after the change.
 */
import { isAbort, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import { type NamedSource, openDisks } from "./disk.ts";
import type { Filesystem } from "./filesystem.ts";
import type { FileChange, MachineChanges } from "./map/changes.ts";
import { type CurrentFile, currentFile, type Explanation, explain, type PackagesBefore } from "./packages/explain.ts";
import type { Mount } from "./packages/guest-root.ts";
import { encodeOwners, OwnerIndex } from "./packages/owner-index.ts";
import { changedPackages, type PackageChange, type PackageDb, type PackageVersions } from "./packages/package-db.ts";
import { packagesStamp, readPackages } from "./packages/packages.ts";
import type { MachineTree } from "./tree.ts";
import { type Actor, type Evidence, type GuestVolume, type LoginSession, readEvidence } from "./who/evidence.ts";
import { MountTable, readMounts } from "./who/mounts.ts";

export interface FileCauses {
	/** The newest first. */
	readonly actors: readonly Actor[];
	/** Undefined where no package owns the file or it was not looked up. */
	readonly package: Explanation | undefined;
}

/** What to keep of the guest's packages until its next changes. */
export interface KnownPackages {
	/** Of their databases; equal where nothing was installed, upgraded or removed since. */
	readonly stamp: string;
	readonly versions: PackageVersions;
	/** An `OwnerIndex`, encoded, from wherever it is kept; undefined where none is. */
	readonly owners?: ((signal?: AbortSignal) => Promise<Uint8Array>) | undefined;
}

export interface Causes {
	/** Of files of which nothing is known there is no entry. */
	readonly files: ReadonlyMap<FileChange, FileCauses>;
	/** Who was logged in meanwhile, from old to new. */
	readonly sessions: readonly LoginSession[];
	readonly packages: readonly PackageChange[];
	/** Undefined where the guest has no package database. */
	readonly known: KnownPackages | undefined;
	/** What could not be read, and why, for people; bounded. */
	readonly problems: readonly string[];
}

/** When changes were made: seconds since 1970. */
export interface ChangeInterval {
	readonly from: number;
	readonly to: number;
}

export interface CausesOptions {
	readonly files: MachineChanges["files"];
	readonly interval: ChangeInterval;
	/** The machine's disks after the changes, in the order of its tree. */
	readonly after: readonly NamedSource[];
	/** As they were; without them, what `known` remembers is enough. */
	readonly before?: readonly NamedSource[];
	readonly known?: KnownPackages | undefined;
	/** Bytes of changed files that are compared with what packages shipped; the rest stays unknown. */
	readonly maxContent?: number;
	readonly signal?: AbortSignal | undefined;
}

const NOTHING: Causes = { files: new Map(), sessions: [], packages: [], known: undefined, problems: [] };
const MAX_PROBLEMS = 16;
const MAX_CONTENT = 1024 * 1024 * 1024;
/** Filesystems that note when a file was changed last, whatever a program says; FAT notes when it was created. */
const HAS_CHANGE_TIME = /^(ext[234]|xfs|ntfs)$/;
/** Where packages put what changes only with them; elsewhere no owner is asked for unless packages changed. */
const PACKAGED = /^\/(usr|bin|sbin|lib\w*|etc|boot|opt)\//;

/** @throws UmbraError `unavailable` where a disk cannot be read; never for what is on it. */
export async function findCauses(options: CausesOptions): Promise<Causes> {
	const { files, interval, after, before, maxContent = MAX_CONTENT, signal } = options;
	const volumes = await openVolumes(after, signal);
	const table = await readMounts(volumes, signal);
	if (table.mounts.length === 0) return { ...NOTHING, known: options.known };
	const evidence = await readEvidence(volumes, interval, signal);
	const paths = guestPaths(files, after, table);
	const beforeMounts =
		before === undefined ? undefined : mountsOf(await readMounts(await openVolumes(before, signal), signal));
	const packages = await readPackageStates(mountsOf(table), beforeMounts, options.known, [...paths.values()], signal);
	const found = new Map<FileChange, FileCauses>();
	const budget = { left: maxContent };
	for (const { disk, volume, files: changed } of files) {
		const at = after.findIndex(({ name }) => name === disk);
		const filesystem = volumes.find((each) => each.disk === at && each.id === volume)?.filesystem;
		for (const file of changed) {
			const { inode, change } = file;
			const isTransient = change === "transient";
			const deleted = isTransient || change === "deleted";
			const actors = evidence.actorsOf({ disk: at, volume, path: file.path, inode, deleted });
			const path = paths.get(file);
			const owner =
				packages?.after === undefined || path === undefined || file.type === "dir" || isTransient
					? undefined
					: await explainFile(file, path, packages.before, packages.after, filesystem, budget, signal);
			if (actors.length > 0 || owner !== undefined) found.set(file, { actors, package: owner });
		}
	}
	const known = packages?.known;
	return {
		files: found,
		sessions: evidence.sessions,
		packages: known === undefined ? [] : changedPackages(packages!.before.versions, known.versions),
		known,
		problems: problemsOf(evidence, packages?.problems ?? [], budget),
	};
}

/**
 * When a machine got from one state to another, by the guest's clock: the times in its filesystems tell, since an image
 * has none of its own.
 */
export function changeInterval(
	before: MachineTree,
	after: MachineTree,
	files: MachineChanges["files"],
): ChangeInterval {
	let from = lastChange(before);
	for (const { disk, volume: id, files: changed } of files) {
		const volume = after.volumes.find((each) => each.id === id && after.disks[each.disk]?.name === disk);
		for (const { change, inode } of changed) {
			const isGone = change === "deleted" || change === "transient";
			const ctime = isGone ? 0 : (volume?.scan?.nodes.get(inode)?.ctime ?? 0);
			// Where a clock was ahead, a file of before has a time that is yet to come.
			if (ctime > 0 && ctime < from && HAS_CHANGE_TIME.test(volume!.kind)) from = ctime;
		}
	}
	return { from, to: Math.max(from, lastChange(after)) };
}

function lastChange({ volumes }: MachineTree): number {
	let last = 0;
	for (const { scan } of volumes) for (const { ctime } of scan?.nodes.values() ?? []) if (ctime > last) last = ctime;
	return last;
}

/** Those that can be read; the tree of the machine has already said what is wrong with the others. */
async function openVolumes(sources: readonly NamedSource[], signal: AbortSignal | undefined): Promise<GuestVolume[]> {
	const opened: GuestVolume[] = [];
	for (const volume of (await openDisks(sources, signal)).volumes) {
		if (!volume.isReadable) continue;
		try {
			opened.push({ disk: volume.disk, id: volume.id, filesystem: await volume.open(signal) });
		} catch (error) {
			if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable")) throw error;
		}
	}
	return opened;
}

/** Whole filesystems alone: what packages own does not lie in bind mounts. */
function mountsOf({ mounts, volumes }: MountTable): Mount[] {
	return mounts.flatMap(({ point, volume, base }) =>
		base === "/" ? [{ path: point, filesystem: volumes[volume]!.filesystem }] : [],
	);
}

/** The path by which the guest knows each file; none for those on volumes that it does not mount. */
function guestPaths(
	files: MachineChanges["files"],
	disks: readonly NamedSource[],
	table: MountTable,
): Map<FileChange, string> {
	const paths = new Map<FileChange, string>();
	// By a bind mount a file has one more path, by which no package knows it.
	const whole = new MountTable(
		table.volumes,
		table.mounts.filter(({ base }) => base === "/"),
	);
	for (const { disk, volume: id, files: changed } of files) {
		const at = disks.findIndex(({ name }) => name === disk);
		const volume = table.volumes.findIndex((candidate) => candidate.disk === at && candidate.id === id);
		if (volume === -1) continue;
		for (const file of changed) {
			const [path] = whole.toGuest({ volume, path: file.path });
			if (path !== undefined) paths.set(file, path);
		}
	}
	return paths;
}

/**
 * A database without any package is one that cannot be read, be it half written, and no guest that lost all its packages:
 * else the next look would take all of them for new, and explain by that whatever changed.
 */
interface PackageStates {
	readonly before: PackagesBefore;
	/** Undefined where nothing that changed can be a package's, or it cannot be read. */
	readonly after: PackageDb | undefined;
	readonly known: KnownPackages | undefined;
	readonly problems: readonly string[];
}

/** Undefined where the guest has no package database. */
async function readPackageStates(
	mounts: readonly Mount[],
	beforeMounts: readonly Mount[] | undefined,
	known: KnownPackages | undefined,
	paths: readonly string[],
	signal: AbortSignal | undefined,
): Promise<PackageStates | undefined> {
	const stamp = await packagesStamp(mounts, signal);
	if (stamp === "") return undefined;
	const isSame = beforeMounts === undefined && known?.stamp === stamp;
	// What an earlier version kept has no owners: they are read once.
	const isUnchanged = isSame && known.owners !== undefined;
	if (isUnchanged && !paths.some((path) => PACKAGED.test(path)))
		return { before: known, after: undefined, known, problems: [] };
	const after = await readPackages(mounts, signal);
	if (after === undefined) return undefined;
	if (after.versions.size === 0) {
		const problems = [...after.problems.map(messageOf), "the guest's package database names no package"];
		return { before: known ?? after, after: undefined, known, problems };
	}
	const owners = async (ownersSignal?: AbortSignal) => encodeOwners(await after.owned(ownersSignal));
	const now = isUnchanged ? known : { stamp, versions: after.versions, owners };
	const problems = after.problems.map(messageOf);
	const read = beforeMounts === undefined ? undefined : await readPackages(beforeMounts, signal);
	const before = read === undefined || read.versions.size === 0 ? undefined : read;
	// Of a guest that is seen for the first time nothing is known to have changed.
	const remembered = known === undefined || isSame ? (known ?? now) : rememberedPackages(known, problems, signal);
	return { before: before ?? remembered, after, known: now, problems };
}

/** What is kept of the packages before a change; the owners of files are read when the first is asked for. */
function rememberedPackages(
	{ versions, owners }: KnownPackages,
	problems: string[],
	signal: AbortSignal | undefined,
): PackagesBefore {
	if (owners === undefined) return { versions };
	let index: Promise<OwnerIndex | undefined> | undefined;
	const load = async (): Promise<OwnerIndex | undefined> => {
		try {
			return OwnerIndex.decode(await owners(signal));
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "unsupported")) throw error;
			problems.push(`what was kept of the owners of files cannot be read: ${error.message}`);
			return undefined;
		}
	};
	return {
		versions,
		ownerOf: async (path) => {
			index ??= load();
			return (await index)?.ownerOf(path);
		},
	};
}

async function explainFile(
	file: FileChange,
	path: string,
	before: PackagesBefore,
	after: PackageDb,
	filesystem: Filesystem | undefined,
	budget: { left: number },
	signal: AbortSignal | undefined,
): Promise<Explanation | undefined> {
	try {
		if (file.change !== "deleted" && (await after.ownerOf(path, signal)) === undefined) return undefined;
		const node = file.change === "deleted" ? undefined : await filesystem?.node(file.inode, signal);
		const current = node === undefined ? undefined : limited(currentFile(filesystem!, node), path, budget);
		return await explain({ path, change: file.change }, before, after, current, signal);
	} catch (error) {
		if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable") || !isUmbraError(error)) {
			throw error;
		}
		return undefined;
	}
}

/** A package upgrade of gigabytes must not hold up a capture. */
function limited(file: CurrentFile, path: string, budget: { left: number }): CurrentFile {
	return {
		...file,
		read: async (offset, length, signal) => {
			budget.left -= length;
			if (budget.left < 0) throw new UmbraError("limit", `${path}: too much changed at once to compare all of it`);
			return await file.read(offset, length, signal);
		},
	};
}

function problemsOf(evidence: Evidence, packages: readonly string[], budget: { left: number }): string[] {
	const problems = [...evidence.problems, ...packages];
	if (budget.left < 0) problems.unshift("too much changed at once to compare all of it with what packages shipped");
	if (evidence.incomplete) problems.push("the audit log holds more of the interval than was read");
	return problems.slice(0, MAX_PROBLEMS);
}
