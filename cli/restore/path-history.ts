/**
 * What became of one path over time: every version of it that a point can give back, across renames.
 *
 * The changesets tell what changed. What they cannot tell is looked up: what was there at the first point, and what changed
 * in points that retention has dropped since.
 */
import type {
	ActorRecord,
	ChangesetRecord,
	FileChangeKind,
	FileChangeRecord,
} from "../../collector/catalog/records.ts";
import { isUmbraError } from "../../common/errors.ts";
import { type CollectorClient, vmPath } from "../collector-client.ts";

/** Former names that are followed: a log that is rotated has had many. */
const MAX_PATHS = 64;

/** What a point holds at a path; `change` says how it differs from the version before. */
export interface PathVersion {
	/** Unix nanoseconds of the point, decimal. */
	readonly time: string;
	/**
	 * `first`: it was there at the first point that is kept. `changed`: it differs from the point before, and what came between
	 * was dropped. `moved`: it is no longer at this path, but at `newPath`.
	 */
	readonly change: FileChangeKind | "first" | "changed" | "moved";
	readonly path: string;
	readonly oldPath?: string;
	readonly newPath?: string;
	/** Bytes; of what is gone, those it had. */
	readonly size: number;
	/** Null where that is not known. */
	readonly changedBytes: number | null;
	readonly disk: string;
	readonly volume: string;
	/** The point holds it: `umbra restore VM@TIME --path PATH` gives it back. */
	readonly isThere: boolean;
	readonly actors?: readonly ActorRecord[];
}

export interface HistoryOptions {
	readonly client: CollectorClient;
	readonly vm: string;
	/** Nothing after this time; "latest" for all. */
	readonly time: string;
	readonly path: string;
	readonly disk: string | undefined;
	readonly volume: string | undefined;
}

interface NodeAnswer {
	readonly time: string;
	readonly disk: string;
	readonly volume: string;
	readonly node: { readonly inode: number; readonly size: number; readonly mtime: number; readonly ctime: number };
}

type ChangeView = ChangesetRecord & { readonly files?: readonly FileChangeRecord[] };

/** A path, and until when (not included) it was what is looked for. */
interface Stretch {
	readonly path: string;
	readonly until: bigint;
}

/** The newest first; empty where nothing is known of the path. @throws UmbraError of the collector. */
export async function pathHistory(options: HistoryOptions): Promise<PathVersion[]> {
	const { client, vm, time } = options;
	const last = time === "latest" ? {} : { until: time };
	const versions: PathVersion[] = [];
	const stretches: Stretch[] = [{ path: options.path, until: 2n ** 64n }];
	for (const { path, until } of stretches) {
		const query = { path, order: "newest", ...last };
		for await (const { time: at, files = [] } of client.list<ChangeView>(vmPath(vm, "changes"), query)) {
			if (BigInt(at) >= until) continue;
			for (const file of files) {
				if (!isWanted(file, options)) continue;
				versions.push(versionOf(at, path, file));
				const former = file.path === path ? file.oldPath : undefined;
				if (former === undefined || stretches.length >= MAX_PATHS) continue;
				if (!stretches.some((known) => known.path === former)) stretches.push({ path: former, until: BigInt(at) });
			}
		}
	}
	versions.push(...(await unrecorded(options, stretches, versions)));
	// Of one instant, what left comes before what came.
	const order = (version: PathVersion) => (version.isThere ? 0 : 1);
	return versions.sort((a, b) => Number(BigInt(b.time) - BigInt(a.time)) || order(a) - order(b));
}

function isWanted({ disk, volume }: FileChangeRecord, wanted: HistoryOptions): boolean {
	return (wanted.disk ?? disk) === disk && (wanted.volume ?? volume) === volume;
}

function versionOf(time: string, path: string, file: FileChangeRecord): PathVersion {
	const { change, disk, volume, sizeBefore, sizeAfter, changedBytes, oldPath, actors } = file;
	const known = { time, path, disk, volume, changedBytes, ...(actors === undefined ? {} : { actors }) };
	if (file.path !== path) return { ...known, change: "moved", newPath: file.path, size: sizeBefore, isThere: false };
	const isThere = change !== "deleted" && change !== "transient";
	return {
		...known,
		change,
		...(oldPath === undefined ? {} : { oldPath }),
		size: isThere ? sizeAfter : sizeBefore,
		isThere,
	};
}

/** Versions that no changeset tells of: at the first point, and where points between two that are kept were dropped. */
async function unrecorded(
	options: HistoryOptions,
	stretches: readonly Stretch[],
	versions: readonly PathVersion[],
): Promise<PathVersion[]> {
	const { client, vm, time } = options;
	const query = { order: "oldest", ...(time === "latest" ? {} : { until: time }) };
	const found: PathVersion[] = [];
	let before: ChangesetRecord | undefined;
	for await (const point of client.list<ChangesetRecord>(vmPath(vm, "changes"), query)) {
		const isGap = before === undefined || point.baseId !== before.id;
		for (const { path, until } of isGap ? stretches : []) {
			if (BigInt(point.time) >= until) continue;
			const known = versions.filter((version) => version.path === path);
			if (known.some((version) => version.time === point.time)) continue;
			const now = await lookUp(options, point.time, path, known[0]);
			const then = before === undefined ? undefined : await lookUp(options, before.time, path, known[0]);
			if (now === undefined || (then !== undefined && isSame(now, then))) continue;
			const { disk, volume, node } = now;
			const change = before === undefined ? "first" : then === undefined ? "created" : "changed";
			found.push({ time: point.time, change, path, size: node.size, changedBytes: null, disk, volume, isThere: true });
		}
		before = point;
	}
	return found;
}

function isSame({ node: a }: NodeAnswer, { node: b }: NodeAnswer): boolean {
	return a.inode === b.inode && a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime;
}

/** On the volume that the changes name, where none was asked for. @returns undefined where nothing is there, or cannot be read. */
async function lookUp(
	{ client, vm, ...wanted }: HistoryOptions,
	time: string,
	path: string,
	known: PathVersion | undefined,
): Promise<NodeAnswer | undefined> {
	const { disk = known?.disk, volume = known?.volume } = wanted;
	try {
		return await client.get<NodeAnswer>(vmPath(vm, "points", time, "files"), { path, disk, volume, limit: 1 });
	} catch (error) {
		if (isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported")) return undefined;
		throw error;
	}
}
