/**
 * JSON schemas of what the API answers, one a type. Each names every property of its type, so that a record that grows a
 * field does not compile until the field is described here. Clients have to expect further properties.
 */
import type { ErrorCode } from "../../common/errors.ts";
import { FAILURE_TYPES, type FailureName } from "../../common/failures/failures.ts";
import type { CatalogCheck, CatalogDamage } from "../catalog/catalog-check.ts";
import type { BrokenLink, ChainCheck } from "../catalog/chain-check.ts";
import type {
	ActorRecord,
	AlertRecord,
	Attribution,
	CaptureMode,
	ChainMark,
	ChangesetRecord,
	Contribution,
	DamagedPlace,
	DamageRecord,
	DiskRecord,
	FileChangeKind,
	FileChangeRecord,
	HoldRecord,
	ImportRecord,
	PackageChangeRecord,
	PackageFileRecord,
	SessionRecord,
	Severity,
	StateRecord,
	TriggerHit,
	Verdict,
	VmRecord,
	VolumeRecord,
} from "../catalog/records.ts";
import type {
	LeverLogRecord,
	OccurrenceRecord,
	ReproductionRecord,
	SiteRecord,
	TrialOutcome,
	TrialRecord,
} from "../catalog/trial-records.ts";
import type { ExportView } from "../export/exports.ts";
import type { Heartbeat, TrialCapacity, VmState, VmStatus } from "../ingest/heartbeat.ts";
import type { TelemetrySample } from "../ingest/telemetry.ts";
import type { PatrolStatus } from "../integrity/patrol.ts";
import type { RetentionPolicy } from "../retention/settings.ts";
import type { ChainsResult, VaultJob } from "../retention/vault-jobs.ts";
import type { ImportResult, MitigationOutcome } from "../signature/exchange.ts";
import type { GcProgress, GcResult, VaultSize } from "../vault/gc.ts";
import type { RebuildResult } from "../vault/rebuild.ts";
import type { PackFinding, ScrubResult } from "../vault/scrub.ts";
import type { TreeDamage } from "../vault/tree-check.ts";
import type { ErrorBody } from "./errors.ts";
import type { LoadView } from "./load.ts";
import type { CloneRunView, TrialRunView } from "./run-trial-routes.ts";
import type { AgentView, DecisionView, PointView, SignatureView, TrialView, VmView } from "./views.ts";

export type Schema = Readonly<Record<string, unknown>>;
type OptionalKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];

/** An object of type `T`; what it may lack stands apart. */
function shape<T extends object>(
	properties: { readonly [K in Exclude<keyof T, OptionalKeys<T>>]: Schema },
	...optional: [OptionalKeys<T>] extends [never] ? [] : [{ readonly [K in OptionalKeys<T>]-?: Schema }]
) {
	return { type: "object", required: Object.keys(properties), properties: { ...properties, ...optional[0] } };
}

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const count: Schema = { type: "integer", minimum: 0 };
const number: Schema = { type: "number" };
const bytes: Schema = { type: "integer", minimum: 0, description: "bytes" };
const seconds: Schema = { type: "number", description: "seconds since 1970" };
const time: Schema = { type: "string", pattern: "^[0-9]{1,20}$", description: "Unix nanoseconds, decimal" };
const root: Schema = {
	type: "string",
	pattern: "^[0-9a-f]{64}$",
	description: "Merkle root: equal roots, equal disks",
};
const hash: Schema = { type: "string", pattern: "^[0-9a-f]{64}$", description: "BLAKE3" };
const chainHead: Schema = { type: "string", pattern: "^[1-9][0-9]*:[0-9a-f]{64}$" };
const severity = oneOf<Severity>({ info: true, warning: true, critical: true });
const entropy: Schema = { type: ["number", "null"], description: "bits per byte; null where it is not known" };
const numbers: Schema = { type: "object", additionalProperties: { type: "number" } };
const errorCode = oneOf<ErrorCode>({
	"not-found": true,
	"bad-config": true,
	corrupt: true,
	truncated: true,
	unsupported: true,
	unavailable: true,
	denied: true,
	conflict: true,
	limit: true,
	internal: true,
});
const consistency = oneOf<ChangesetRecord["consistency"]>({ crash: true, filesystem: true });
const mode = oneOf<CaptureMode>({ first: true, tracked: true, resync: true });

export function list(items: Schema): Schema {
	return { type: "array", items };
}

export function nullable(schema: Schema): Schema {
	return { anyOf: [schema, { type: "null" }] };
}

export function withDescription(schema: Schema, description: string): Schema {
	return { ...schema, description };
}

/** Every value of `T`. */
function oneOf<T extends string>(values: { readonly [K in T]: true }): Schema {
	return { type: "string", enum: Object.keys(values) };
}

const jobError = shape<NonNullable<VaultJob["error"]>>({ code: errorCode, message: text }, { hint: text });

const fileNode = {
	inode: count,
	type: withDescription(text, '"file", "dir", "symlink" and so on'),
	size: bytes,
	mode: withDescription(count, "type and permission bits, as st_mode"),
	uid: count,
	gid: count,
	nlink: count,
	mtime: seconds,
	ctime: seconds,
};
const milliseconds: Schema = { type: "number", description: "milliseconds" };
const failureType: Schema = { type: "string", enum: [...FAILURE_TYPES] };
const failureName = shape<Pick<FailureName, "type" | "title">>({ type: failureType, title: text });
const trial = {
	id: text,
	vm: text,
	time,
	ended: time,
	batch: withDescription(text, "trials that were run together"),
	point: withDescription(text, "time of the point whose state it was made from"),
	agentId: text,
	host: text,
	control: withDescription(flag, "a clone without stress"),
	replays: withDescription(nullable(text), "the signature whose failure it tried to have again"),
	outcome: oneOf<TrialOutcome>({ survived: true, degraded: true, failed: true, lost: true }),
	signature: withDescription(nullable(text), "of the failure that came first"),
	failure: nullable(failureName),
	consequences: list(failureName),
	firstStressMs: withDescription(nullable(number), "from its beginning"),
	failedMs: withDescription(nullable(number), "from its beginning"),
	cloneMs: withDescription(nullable(number), "from template to running"),
	memoryBytes: withDescription(nullable(count), "memory that it took beside what clones share"),
};
const changeset = shape<ChangesetRecord>(
	{
		id: text,
		baseId: text,
		vm: text,
		vmUuid: text,
		agentId: text,
		host: text,
		sequence: { type: "string", pattern: "^[0-9]+$" },
		time,
		consistency,
		captureMs: number,
		pauseMs: number,
		disks: list(ref("ChangedDisk")),
		fileCount: count,
		verdict: nullable(ref("Verdict")),
	},
	{
		agentTime: time,
		imported: withDescription(ref("Import"), "not there where the point was captured"),
		state: withDescription(ref("State"), "there where RAM and devices were captured too"),
		sessions: list(ref("Session")),
		packages: list(ref("PackageChange")),
		chain: ref("ChainMark"),
	},
);

const statePart = shape<StateRecord["parts"]["ram"]>({ sizeBytes: bytes, root });

/** What stands in `components.schemas` of the document. */
const SHAPES = {
	Error: shape<ErrorBody>({
		error: shape<ErrorBody["error"]>({ code: errorCode, message: text }, { hint: withDescription(text, "what to do") }),
	}),
	VmStatus: shape<VmStatus>({
		vm: text,
		uuid: text,
		state: oneOf<VmState>({ unknown: true, running: true, paused: true, gone: true }),
		lastCapture: nullable(time),
		lastError: text,
		schedule: text,
		disks: list(shape<VmStatus["disks"][number]>({ disk: text, sizeBytes: bytes, excluded: flag })),
	}),
	Vm: shape<VmView>(
		{
			vm: text,
			uuid: text,
			agentId: text,
			host: text,
			headId: withDescription(text, "id of its newest changeset, which its next capture builds upon"),
			headTime: time,
			disks: list(shape<VmRecord["disks"][number]>({ disk: text, sizeBytes: bytes })),
			connected: withDescription(flag, "its agent is connected"),
			stale: withDescription(flag, "connected, but silent for three heartbeats"),
			status: nullable(ref("VmStatus")),
		},
		{ imported: { const: true, description: "there where all of its points were imported" } },
	),
	Import: shape<ImportRecord>({
		kind: withDescription(
			oneOf<ImportRecord["kind"]>({ snapshot: true, layer: true, image: true }),
			"a snapshot within an image, an image of a backing chain, or an image by itself",
		),
		name: withDescription(text, "of the snapshot or the file"),
		timeFrom: withDescription(
			oneOf<ImportRecord["timeFrom"]>({ snapshot: true, name: true, modified: true, given: true }),
			"what the time was taken from: the image, a date in the name, the file's modification, the operator",
		),
	}),
	Point: shape<PointView>(
		{
			id: text,
			vm: text,
			time,
			consistency,
			captureMs: number,
			pauseMs: number,
			fileCount: count,
			disks: list(
				shape<PointView["disks"][number]>({
					disk: text,
					sizeBytes: bytes,
					root,
					mode,
					changedBytes: bytes,
				}),
			),
			score: { type: ["number", "null"], minimum: 0, maximum: 1, description: "null until it was judged" },
			severity: nullable(severity),
		},
		{
			imported: withDescription(ref("Import"), "not there where the point was captured"),
			state: withDescription(ref("State"), "there where RAM and devices were captured too"),
		},
	),
	State: shape<StateRecord>({
		parts: shape<StateRecord["parts"]>({ ram: statePart, devices: statePart, configuration: statePart }),
		machineType: withDescription(text, "versioned; empty where the hypervisor does not tell"),
		hypervisor: text,
		memoryBytes: bytes,
		cpus: count,
		streamBytes: withDescription(bytes, "of the migration stream that it was taken from"),
	}),
	Attribution: shape<Attribution>({
		total: bytes,
		file: bytes,
		directory: bytes,
		journal: bytes,
		metadata: bytes,
		free: bytes,
		unknown: bytes,
	}),
	Volume: shape<VolumeRecord>({
		id: text,
		offset: bytes,
		length: bytes,
		kind: text,
		label: text,
		files: count,
		usedBytes: bytes,
		freeBytes: bytes,
	}),
	ChangedDisk: shape<DiskRecord>({
		disk: text,
		sizeBytes: bytes,
		root,
		mode,
		reason: text,
		dirtyBytes: bytes,
		readBytes: bytes,
		changedBytes: bytes,
		entropyBefore: entropy,
		entropyAfter: entropy,
		attribution: ref("Attribution"),
		volumes: list(ref("Volume")),
		problems: list(text),
	}),
	Session: shape<SessionRecord>({ user: text, tty: text, host: text, from: seconds, to: nullable(seconds) }),
	PackageChange: shape<PackageChangeRecord>({ package: text, before: text, after: text }),
	Changeset: changeset,
	ListedChangeset: {
		...changeset,
		properties: {
			...changeset.properties,
			files: withDescription(list(ref("FileChange")), "where they were asked for"),
		},
	},
	ChainMark: shape<ChainMark>({ sequence: count, hash, files: hash }),
	Actor: shape<ActorRecord>({
		time: seconds,
		count,
		action: text,
		user: text,
		account: text,
		host: text,
		tty: text,
		process: text,
		executable: text,
		pid: count,
		source: text,
	}),
	PackageFile: shape<PackageFileRecord>({ name: text, version: text, event: text, state: text, explained: flag }),
	FileChange: shape<FileChangeRecord>(
		{
			disk: text,
			volume: text,
			change: oneOf<FileChangeKind>({
				created: true,
				modified: true,
				deleted: true,
				renamed: true,
				metadata: true,
				transient: true,
			}),
			path: text,
			type: text,
			inode: count,
			sizeBefore: bytes,
			sizeAfter: bytes,
			changedBytes: bytes,
			entropyBefore: entropy,
			entropyAfter: entropy,
			uid: count,
			gid: count,
			owner: text,
			group: text,
			mode: count,
			mtime: seconds,
		},
		{ oldPath: text, via: list(text), actors: list(ref("Actor")), package: ref("PackageFile") },
	),
	Contribution: shape<Contribution>({ feature: text, value: number, expected: number, deviation: number }),
	TriggerHit: shape<TriggerHit>({
		trigger: text,
		severity,
		summary: text,
		files: list(text),
		fileCount: count,
		features: numbers,
	}),
	Verdict: shape<Verdict>({
		score: { type: "number", minimum: 0, maximum: 1 },
		severity,
		learning: flag,
		features: numbers,
		contributions: list(ref("Contribution")),
		files: list(text),
		triggers: list(ref("TriggerHit")),
	}),
	Alert: shape<AlertRecord>({
		id: text,
		vm: text,
		host: text,
		time,
		changesetId: text,
		changesetTime: time,
		state: oneOf<AlertRecord["state"]>({ firing: true, resolved: true }),
		severity,
		cause: text,
		summary: text,
		score: number,
		files: list(text),
		fileCount: count,
		contributions: list(ref("Contribution")),
		features: numbers,
		mitigation: text,
		count,
		lastSeen: time,
		quiet: count,
		resolvedTime: nullable(time),
		undelivered: list(text),
	}),
	Hold: shape<HoldRecord>({ vm: text, time, reason: text, by: text, since: time }),
	Heartbeat: shape<Heartbeat>({
		time,
		vms: list(ref("VmStatus")),
		spoolBytes: bytes,
		spoolLimitBytes: bytes,
		spoolFull: flag,
		rssBytes: bytes,
		cpuSeconds: number,
		trials: nullable(ref("TrialCapacity")),
	}),
	TrialCapacity: shape<TrialCapacity>({ slots: count, usedSlots: count, memoryBytes: bytes, reservedBytes: bytes }),
	TrialRun: shape<TrialRunView>({
		vm: text,
		time,
		agentId: text,
		host: text,
		templateMs: number,
		ramBytes: bytes,
		diskBytes: bytes,
		clones: list(ref("CloneRun")),
		notes: list(text),
	}),
	CloneRun: shape<CloneRunView>({
		name: text,
		startedMs: number,
		ownBytes: bytes,
		sharedBytes: bytes,
		survived: flag,
		end: text,
		sentFrames: count,
		consoleBytes: bytes,
	}),
	Agent: shape<AgentView>({
		id: text,
		host: text,
		version: text,
		peer: text,
		firstSeen: time,
		lastSeen: time,
		connected: flag,
		stale: flag,
		heartbeat: nullable(ref("Heartbeat")),
	}),
	Sample: shape<TelemetrySample>({
		measurement: text,
		tags: { type: "object", additionalProperties: { type: "string" } },
		time,
		fields: numbers,
	}),
	Export: shape<ExportView>({
		id: text,
		vm: text,
		time,
		listen: withDescription(text, '"unix:/path" or "host:port"'),
		disks: list(shape<ExportView["disks"][number]>({ disk: text, sizeBytes: bytes, uri: text })),
		leaseSeconds: count,
		connections: count,
		sentBytes: bytes,
	}),
	RetentionPolicy: shape<RetentionPolicy>({
		last: count,
		hourly: count,
		daily: count,
		weekly: count,
		monthly: count,
		keepAll: flag,
		keepImported: withDescription(flag, "what was imported stays, and is not counted"),
	}),
	RetentionDecision: shape<DecisionView>({
		time,
		reasons: withDescription(list(text), "why the point stays; empty: it goes"),
	}),
	VaultSize: shape<VaultSize>({ packs: count, bytes, chunks: count }),
	GcResult: shape<GcResult>({
		before: ref("VaultSize"),
		after: ref("VaultSize"),
		trees: count,
		pages: count,
		liveBytes: bytes,
		leasedBytes: bytes,
		deadBytes: bytes,
		removedPacks: count,
		rewrittenPacks: count,
		damagedPacks: list(count),
	}),
	CheckResult: shape<ScrubResult>({
		packs: count,
		readPacks: count,
		readBytes: bytes,
		chunks: count,
		trees: count,
		pages: count,
		packDamageCount: count,
		packDamage: list(
			shape<PackFinding>({ pack: count, structure: text, offset: bytes, message: text }, { name: text }),
		),
		damagedTrees: count,
		treeDamage: list(
			shape<TreeDamage>({
				tree: text,
				name: text,
				kind: oneOf<TreeDamage["kind"]>({ page: true, block: true }),
				firstBlock: count,
				count,
				message: text,
			}),
		),
	}),
	ChainCheck: shape<ChainCheck>({
		vm: text,
		head: withDescription(nullable(chainHead), "what to note elsewhere; null where the VM has no chain"),
		begun: withDescription(nullable(time), "of the first changeset that the chain covers"),
		before: withDescription(count, "points from before the chain"),
		links: count,
		dropped: withDescription(count, "links whose changesets were dropped since"),
		broken: nullable(
			shape<BrokenLink>({
				sequence: withDescription(count, "0 where a changeset has no link at all"),
				time: withDescription(text, "of the changeset, Unix nanoseconds; empty where nothing tells"),
				message: text,
			}),
		),
	}),
	ChainsResult: shape<ChainsResult>({
		vms: count,
		links: count,
		before: count,
		brokenCount: count,
		broken: list(ref("ChainCheck")),
	}),
	CatalogCheck: shape<CatalogCheck>({
		records: count,
		files: count,
		bytes,
		damageCount: count,
		damage: list(shape<CatalogDamage>({ place: text, message: text })),
	}),
	RebuildResult: shape<RebuildResult>({
		packs: count,
		readBytes: bytes,
		chunks: count,
		found: count,
		moved: count,
		lost: count,
		setAside: list(count),
		left: list(shape<RebuildResult["left"][number]>({ pack: count, message: text })),
	}),
	Damage: shape<DamageRecord>({
		name: hash,
		kind: oneOf<DamageRecord["kind"]>({ block: true, page: true }),
		since: time,
		message: text,
		vms: list(text),
		places: list(shape<DamagedPlace>({ vm: text, time, disk: text, firstBlock: count, count })),
		placeCount: count,
		files: list(text),
	}),
	BackgroundScrub: shape<PatrolStatus>({
		begun: nullable(time),
		ended: withDescription(nullable(time), "null while the round lasts"),
		nextPack: count,
		readPacks: count,
		readBytes: bytes,
		damagedPacks: count,
	}),
	VaultJob: shape<VaultJob>({
		id: text,
		kind: oneOf<VaultJob["kind"]>({ gc: true, check: true, rebuild: true, heal: true }),
		state: oneOf<VaultJob["state"]>({ running: true, done: true, failed: true, stopped: true }),
		started: time,
		ended: nullable(time),
		progress: nullable(shape<GcProgress>({ phase: text, done: count, total: count })),
		gc: nullable(ref("GcResult")),
		check: nullable(ref("CheckResult")),
		chains: nullable(ref("ChainsResult")),
		catalog: withDescription(
			nullable(ref("CatalogCheck")),
			"Of a check. `check` and `chains` are null where damage of the catalog keeps them from being made",
		),
		rebuild: nullable(ref("RebuildResult")),
		error: nullable(jobError),
	}),
	ListedTrial: shape<TrialView>({ ...trial, profile: withDescription(nullable(text), "its name; null of a control") }),
	Trial: shape<TrialRecord>({ ...trial, profile: nullable(ref("StressProfile")), levers: list(ref("LeverLog")) }),
	StressProfile: {
		type: "object",
		description: "As docs/trials.md tells, with durations in milliseconds.",
		required: ["name", "seed", "duration", "phases", "probes"],
		properties: {
			name: text,
			seed: count,
			duration: milliseconds,
			phases: list({ type: "object" }),
			probes: list({ type: "object" }),
		},
	},
	LeverLog: shape<LeverLogRecord>({
		atMs: withDescription(number, "from the beginning of the trial"),
		lever: text,
		action: oneOf<LeverLogRecord["action"]>({ set: true, revert: true, fire: true }),
		values: { type: "object", additionalProperties: { type: ["string", "number"] } },
		problem: withDescription(text, "empty where it was done and found to be in force"),
	}),
	Signature: shape<SignatureView>({
		id: hash,
		type: failureType,
		title: text,
		alternatives: withDescription(list(text), "titles of the same failure"),
		excerpt: withDescription(list(text), "of the console"),
		consequences: list(failureName),
		provokedBy: nullable(
			shape<NonNullable<SignatureView["provokedBy"]>>({ profile: ref("StressProfile"), levers: list(ref("LeverLog")) }),
		),
		minimal: nullable(shape<NonNullable<SignatureView["minimal"]>>({ profile: ref("StressProfile"), trial: text })),
		leadUp: nullable(
			shape<NonNullable<SignatureView["leadUp"]>>({
				intervalMs: number,
				values: { type: "object", additionalProperties: list({ type: ["number", "null"] }) },
			}),
		),
		count: withDescription(count, "trials that showed it"),
		controls: withDescription(count, "of these, without stress"),
		occurrences: withDescription(
			list(shape<OccurrenceRecord>({ trial: text, vm: text, time, control: flag })),
			"the newest of them",
		),
		vms: list(text),
		reproduction: withDescription(
			shape<ReproductionRecord>({ failed: count, trials: count }),
			"how many of the trials under the stress that provokes it failed",
		),
		mitigation: shape<SignatureView["mitigation"]>({
			text,
			by: withDescription(nullable(text), "null where it is what is said of the type"),
			time: nullable(time),
		}),
		firstSeen: withDescription(nullable(time), "null where it was never seen here"),
		lastSeen: nullable(time),
		sites: list(
			shape<SiteRecord>({
				site: withDescription(text, "id of another site's collector"),
				failed: count,
				trials: count,
				controls: count,
				firstSeen: time,
				lastSeen: time,
				mitigation: nullable(text),
			}),
		),
	}),
	SignatureImport: shape<ImportResult>({
		site: text,
		added: count,
		changed: count,
		unchanged: count,
		mitigations: list(
			shape<MitigationOutcome>({
				id: hash,
				title: text,
				outcome: oneOf<MitigationOutcome["outcome"]>({ adopted: true, replaced: true, kept: true }),
			}),
		),
	}),
	Load: shape<LoadView>({
		vm: text,
		from: time,
		to: time,
		cpuPercent: withDescription(nullable(number), "of all its vCPUs"),
		memoryPercent: nullable(number),
		ioBytesPerSecond: withDescription(nullable(number), "read and written"),
	}),
	FileNode: {
		type: "object",
		required: Object.keys(fileNode),
		properties: { ...fileNode, target: withDescription(text, "of a symlink") },
	},
	FileEntry: {
		type: "object",
		required: ["name", "inode"],
		properties: { name: text, ...fileNode, problem: withDescription(text, "why the rest is not there") },
	},
} satisfies Readonly<Record<string, Schema>>;

/** For fastify: each schema under its name. */
export const SHARED_SCHEMAS = Object.entries(SHAPES).map(([$id, schema]) => ({ $id, ...schema }));

/** One of `SHAPES`; a name that is none fails when the document is made. */
export function ref(name: string): Schema {
	return { $ref: `${name}#` };
}
