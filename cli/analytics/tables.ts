/**
 * The tables of an exported history: what they are called, what is in them, and how a row comes from what the API
 * tells. docs/analytics.md shows them; a test holds the two together.
 */
import type {
	ActorRecord,
	AlertRecord,
	ChangesetRecord,
	DiskRecord,
	FileChangeRecord,
	PackageChangeRecord,
	SessionRecord,
} from "../../collector/catalog/records.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export interface Column<Row> {
	readonly name: string;
	/** As DuckDB calls it. */
	readonly type: string;
	/** With its unit. */
	readonly about: string;
	readonly value: (row: Row) => Json;
}

/** Rows that belong to one point, and go into the files of its VM and day. */
export interface PointTable<Row> {
	readonly name: string;
	readonly about: string;
	readonly columns: readonly Column<Row>[];
}

/** Of one file change. */
export interface FileRow {
	readonly changeset: ChangesetRecord;
	readonly file: FileChangeRecord;
}

interface Of<T> {
	readonly changeset: ChangesetRecord;
	readonly item: T;
}

function column<Row>(name: string, type: string, about: string, value: (row: Row) => Json): Column<Row> {
	return { name, type, about, value };
}

const VM = "the VM";
const TIME = "when the point was taken, UTC";

function point<Row>(of: (row: Row) => ChangesetRecord): Column<Row>[] {
	return [
		column("vm", "VARCHAR", VM, (row) => of(row).vm),
		column("time", "TIMESTAMP_NS", TIME, (row) => nanoTime(of(row).time)),
	];
}

const CHANGESETS: PointTable<ChangesetRecord> = {
	name: "changesets",
	about: "One row a capture.",
	columns: [
		...point<ChangesetRecord>((changeset) => changeset),
		column("id", "VARCHAR", "of the changeset", ({ id }) => id),
		column(
			"base_id",
			"VARCHAR",
			"the changeset that its changes are told against; empty for none",
			({ baseId }) => baseId,
		),
		column("host", "VARCHAR", "the hypervisor host", ({ host }) => host),
		column("agent_id", "VARCHAR", "the agent that captured it", ({ agentId }) => agentId),
		column(
			"imported_from",
			"VARCHAR",
			"the snapshot or file that it was imported from; null where it was captured",
			({ imported }) => imported?.name ?? null,
		),
		column("consistency", "VARCHAR", "crash, or filesystem", ({ consistency }) => consistency),
		column("capture_ms", "DOUBLE", "what the capture took, milliseconds", ({ captureMs }) => captureMs),
		column("pause_ms", "DOUBLE", "how long the guest stood still, milliseconds", ({ pauseMs }) => pauseMs),
		column("changed_bytes", "UBIGINT", "changed pages of all disks", ({ disks }) =>
			disks.reduce((sum, disk) => sum + disk.changedBytes, 0),
		),
		column("file_count", "UBIGINT", "file changes", ({ fileCount }) => fileCount),
		column(
			"score",
			"DOUBLE",
			"0 (ordinary) to 1; null where it was not judged yet",
			({ verdict }) => verdict?.score ?? null,
		),
		column("severity", "VARCHAR", "info, warning, critical", ({ verdict }) => verdict?.severity ?? null),
		column("learning", "BOOLEAN", "the baseline still learned", ({ verdict }) => verdict?.learning ?? null),
		column("features", "MAP(VARCHAR, DOUBLE)", "what it was judged by", ({ verdict }) => verdict?.features ?? {}),
		column(
			"triggers",
			"VARCHAR[]",
			"triggers that fired",
			({ verdict }) => verdict?.triggers.map(({ trigger }) => trigger) ?? [],
		),
	],
};

const DISKS: PointTable<Of<DiskRecord>> = {
	name: "disks",
	about: "One row a capture and disk.",
	columns: [
		...point<Of<DiskRecord>>(({ changeset }) => changeset),
		column("disk", "VARCHAR", "the disk", ({ item }) => item.disk),
		column("size_bytes", "UBIGINT", "of the disk", ({ item }) => item.sizeBytes),
		column("root", "VARCHAR", "Merkle root of its content, hexadecimal", ({ item }) => item.root),
		column("mode", "VARCHAR", "first, tracked, or resync", ({ item }) => item.mode),
		column("reason", "VARCHAR", "why it was not tracked; else empty", ({ item }) => item.reason),
		column("dirty_bytes", "UBIGINT", "what QEMU called dirty", ({ item }) => item.dirtyBytes),
		column("read_bytes", "UBIGINT", "what the agent read", ({ item }) => item.readBytes),
		column("changed_bytes", "UBIGINT", "changed pages", ({ item }) => item.changedBytes),
		column("entropy_before", "DOUBLE", "bits per byte, mean over the changed pages", ({ item }) => item.entropyBefore),
		column("entropy_after", "DOUBLE", "the same, afterwards", ({ item }) => item.entropyAfter),
		...(["file", "directory", "journal", "metadata", "free", "unknown"] as const).map((part) =>
			column<Of<DiskRecord>>(
				`${part}_bytes`,
				"UBIGINT",
				`changed bytes that belong to: ${part}`,
				({ item }) => item.attribution[part],
			),
		),
	],
};

const FILE_CHANGES: PointTable<FileRow> = {
	name: "file_changes",
	about: "One row a file that a capture found changed.",
	columns: [
		...point<FileRow>(({ changeset }) => changeset),
		column("disk", "VARCHAR", "the disk", ({ file }) => file.disk),
		column("volume", "VARCHAR", "partition or logical volume", ({ file }) => file.volume),
		column("change", "VARCHAR", "created, modified, deleted, renamed, metadata, transient", ({ file }) => file.change),
		column("path", "VARCHAR", "afterwards; before, where it was deleted", ({ file }) => file.path),
		column("old_path", "VARCHAR", "before it was renamed; else null", ({ file }) => file.oldPath ?? null),
		column("type", "VARCHAR", "file, dir, symlink, ...", ({ file }) => file.type),
		column("inode", "UBIGINT", "its number in the volume", ({ file }) => file.inode),
		column("size_before", "UBIGINT", "bytes", ({ file }) => file.sizeBefore),
		column("size_after", "UBIGINT", "bytes", ({ file }) => file.sizeAfter),
		column("changed_bytes", "UBIGINT", "of changed pages that are its own", ({ file }) => file.changedBytes),
		column("entropy_before", "DOUBLE", "bits per byte, mean over these pages", ({ file }) => file.entropyBefore),
		column("entropy_after", "DOUBLE", "the same, afterwards", ({ file }) => file.entropyAfter),
		column("uid", "BIGINT", "number of its owner", ({ file }) => file.uid),
		column("gid", "BIGINT", "number of its group", ({ file }) => file.gid),
		column("owner", "VARCHAR", "by the guest's own files; empty where unknown", ({ file }) => file.owner),
		column("group", "VARCHAR", "likewise", ({ file }) => file.group),
		column("mode", "UBIGINT", "type and permission bits", ({ file }) => file.mode),
		column("mtime", "TIMESTAMP", "last modification by the guest's clock, UTC", ({ file }) => microTime(file.mtime)),
		column(
			"actors",
			'STRUCT("time" TIMESTAMP, "action" VARCHAR, "user" VARCHAR, "account" VARCHAR, "host" VARCHAR, "tty" VARCHAR, "process" VARCHAR, "executable" VARCHAR, "pid" BIGINT, "source" VARCHAR)[]',
			"who did it, newest first, as the guest's logs tell",
			({ file }) => file.actors?.map(actor) ?? [],
		),
		column("package", "VARCHAR", "the package that owns it", ({ file }) => file.package?.name ?? null),
		column("package_version", "VARCHAR", "its version", ({ file }) => file.package?.version ?? null),
		column("package_state", "VARCHAR", "shipped, modified, config, ...", ({ file }) => file.package?.state ?? null),
		column(
			"explained",
			"BOOLEAN",
			"a package change made the file what it is",
			({ file }) => file.package?.explained ?? null,
		),
	],
};

const SESSIONS: PointTable<Of<SessionRecord>> = {
	name: "sessions",
	about: "One row a login in the guest that a capture saw.",
	columns: [
		...point<Of<SessionRecord>>(({ changeset }) => changeset),
		column("user", "VARCHAR", "who", ({ item }) => item.user),
		column("tty", "VARCHAR", "where; empty where unknown", ({ item }) => item.tty),
		column("source", "VARCHAR", "from which host; empty at the machine itself", ({ item }) => item.host),
		column("began", "TIMESTAMP", "by the guest's clock, UTC", ({ item }) => microTime(item.from)),
		column("ended", "TIMESTAMP", "null while it lasts", ({ item }) => (item.to === null ? null : microTime(item.to))),
	],
};

const PACKAGES: PointTable<Of<PackageChangeRecord>> = {
	name: "package_changes",
	about: "One row a package that was installed, upgraded or removed.",
	columns: [
		...point<Of<PackageChangeRecord>>(({ changeset }) => changeset),
		column("package", "VARCHAR", "name:architecture", ({ item }) => item.package),
		column("version_before", "VARCHAR", "empty where it was not installed", ({ item }) => item.before),
		column("version_after", "VARCHAR", "empty where it was removed", ({ item }) => item.after),
	],
};

/** Not of one point: all in one file. */
export const ALERTS: PointTable<AlertRecord> = {
	name: "alerts",
	about: "One row an alert.",
	columns: [
		column("vm", "VARCHAR", VM, ({ vm }) => vm),
		column("time", "TIMESTAMP_NS", "when it was raised, UTC", ({ time }) => nanoTime(time)),
		column("id", "VARCHAR", "of the alert", ({ id }) => id),
		column("host", "VARCHAR", "the hypervisor host", ({ host }) => host),
		column("changeset_time", "TIMESTAMP_NS", "the point that it was first found in", ({ changesetTime }) =>
			nanoTime(changesetTime),
		),
		column("state", "VARCHAR", "firing, or resolved", ({ state }) => state),
		column("severity", "VARCHAR", "info, warning, critical", ({ severity }) => severity),
		column("cause", "VARCHAR", "anomaly, or the trigger", ({ cause }) => cause),
		column("summary", "VARCHAR", "one sentence", ({ summary }) => summary),
		column("score", "DOUBLE", "0 to 1", ({ score }) => score),
		column("files", "VARCHAR[]", "the culprits, worst first", ({ files }) => files),
		column("file_count", "UBIGINT", "how many there are", ({ fileCount }) => fileCount),
		column("count", "UBIGINT", "changesets that it was found in", ({ count }) => count),
		column("last_seen", "TIMESTAMP_NS", "the newest of them", ({ lastSeen }) => nanoTime(lastSeen)),
		column("resolved_time", "TIMESTAMP_NS", "the point that ended it; null while it fires", ({ resolvedTime }) =>
			resolvedTime === null ? null : nanoTime(resolvedTime),
		),
		column("mitigation", "VARCHAR", "what to do first", ({ mitigation }) => mitigation),
	],
};

/** What every table has in common, whatever its rows. */
export type Table = Pick<PointTable<never>, "name" | "about"> & {
	readonly columns: readonly Pick<Column<never>, "name" | "type" | "about">[];
};

/** `changesets` comes last, so that a point which is in there is whole. */
export const POINT_TABLES: readonly Table[] = [DISKS, FILE_CHANGES, SESSIONS, PACKAGES, CHANGESETS];
export const TABLES: readonly Table[] = [CHANGESETS, DISKS, FILE_CHANGES, SESSIONS, PACKAGES, ALERTS];

/** The rows of one point, each with the table that it belongs to. */
export function* rowsOf(changeset: ChangesetRecord): Generator<[table: string, row: Json]> {
	for (const item of changeset.disks) yield [DISKS.name, rowOf(DISKS, { changeset, item })];
	for (const item of changeset.sessions ?? []) yield [SESSIONS.name, rowOf(SESSIONS, { changeset, item })];
	for (const item of changeset.packages ?? []) yield [PACKAGES.name, rowOf(PACKAGES, { changeset, item })];
	yield [CHANGESETS.name, rowOf(CHANGESETS, changeset)];
}

export function fileRow(changeset: ChangesetRecord, file: FileChangeRecord): [table: string, row: Json] {
	return [FILE_CHANGES.name, rowOf(FILE_CHANGES, { changeset, file })];
}

export function alertRow(alert: AlertRecord): Json {
	return rowOf(ALERTS, alert);
}

function rowOf<Row>({ columns }: PointTable<Row>, row: Row): Json {
	return Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]));
}

function actor({ time, action, user, account, host, tty, process, executable, pid, source }: ActorRecord): Json {
	return { time: microTime(time), action, user, account, host, tty, process, executable, pid, source };
}

/** Unix nanoseconds -> as SQL writes a time, all digits. */
export function nanoTime(nanoseconds: string): string {
	const value = BigInt(nanoseconds);
	const seconds = new Date(Number(value / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
	return `${seconds}.${(value % 1_000_000_000n).toString().padStart(9, "0")}`;
}

/** Unix seconds -> the same to microseconds; null for what no calendar has: a guest may write anything. */
function microTime(seconds: number): string | null {
	const date = new Date(Math.floor(seconds) * 1000);
	const year = date.getUTCFullYear();
	if (!(year >= 0 && year <= 9999)) return null;
	const micros = Math.floor((seconds - Math.floor(seconds)) * 1e6);
	return `${date.toISOString().slice(0, 19)}.${micros.toString().padStart(6, "0")}`;
}
