/**
 * What the catalog holds, as plain JSON. Sizes are bytes, times are Unix nanoseconds as decimal
 * strings (JSON numbers would lose digits; as 20-digit strings they also sort), block names are hex.
 */
export type CaptureMode = "first" | "tracked" | "resync";
export type FileChangeKind = "created" | "modified" | "deleted" | "renamed" | "metadata" | "transient";
export type Severity = "info" | "warning" | "critical";

/** What the changed bytes belong to, in bytes; the parts add up to `total`. */
export interface Attribution {
	readonly total: number;
	readonly file: number;
	readonly directory: number;
	readonly journal: number;
	readonly metadata: number;
	readonly free: number;
	readonly unknown: number;
}

export interface VolumeRecord {
	readonly id: string;
	readonly offset: number;
	readonly length: number;
	readonly kind: string;
	readonly label: string;
	readonly files: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
}

/** One disk in a changeset, and what it was afterwards. */
export interface DiskRecord {
	readonly disk: string;
	readonly sizeBytes: number;
	/** Merkle root after the changeset: hex, 64 zeroes for an all-zero disk. */
	readonly root: string;
	readonly mode: CaptureMode;
	readonly reason: string;
	readonly dirtyBytes: number;
	readonly readBytes: number;
	readonly changedBytes: number;
	/** Bits per byte over the changed pages, null where unknown. */
	readonly entropyBefore: number | null;
	readonly entropyAfter: number | null;
	readonly attribution: Attribution;
	readonly volumes: readonly VolumeRecord[];
	readonly problems: readonly string[];
}

/** A login in the guest, as its own logs tell it; times are seconds since 1970 by its clock. */
export interface SessionRecord {
	readonly user: string;
	/** Empty where it is not known. */
	readonly tty: string;
	/** Where the user came from; empty at the machine itself. */
	readonly host: string;
	readonly from: number;
	/** Null while it lasts. */
	readonly to: number | null;
}

/** A package of the guest that was installed, upgraded or removed. */
export interface PackageChangeRecord {
	/** "name:architecture". */
	readonly package: string;
	/** Version; empty where it was not installed. */
	readonly before: string;
	readonly after: string;
}

/** A process that did something to a file, and the user behind it, by the guest's own logs. */
export interface ActorRecord {
	/** Of the last of its deeds, seconds since 1970 by the guest's clock. */
	readonly time: number;
	readonly count: number;
	/** "create", "delete", "rename", "link", "write", "metadata", "touch". */
	readonly action: string;
	/** Who had logged in; empty where nobody had, as for a service. */
	readonly user: string;
	/** As whom the process ran. */
	readonly account: string;
	readonly host: string;
	readonly tty: string;
	readonly process: string;
	readonly executable: string;
	/** 0 where it is not known. */
	readonly pid: number;
	/** "audit"; "sudo" where the file only stands in a command that sudo ran. */
	readonly source: string;
}

/** How a file stands to the package that owns it. */
export interface PackageFileRecord {
	readonly name: string;
	readonly version: string;
	/** "installed", "upgraded", "removed"; empty where the package did not change. */
	readonly event: string;
	/** "shipped", "modified", "config", "missing", "removed", "unknown". */
	readonly state: string;
	/** The package change made the file what it is. */
	readonly explained: boolean;
}

/** Where an imported point comes from. */
export interface ImportRecord {
	/** A snapshot within an image, an image of a backing chain, or an image by itself. */
	readonly kind: "snapshot" | "layer" | "image";
	/** Of the snapshot or the file. */
	readonly name: string;
	/** What its time was taken from: the image's own word, a date in the name, the file's modification, the operator. */
	readonly timeFrom: "snapshot" | "name" | "modified" | "given";
}

export type StatePart = "ram" | "devices" | "configuration";

/** A machine's state beside its disks, at the instant of their point. Each part is kept as a disk is. */
export interface StateRecord {
	readonly parts: { readonly [part in StatePart]: { readonly sizeBytes: number; readonly root: string } };
	/** Versioned, "pc-i440fx-7.2"; empty where the hypervisor does not tell. */
	readonly machineType: string;
	/** "QEMU 7.2.22". */
	readonly hypervisor: string;
	/** Of the guest. */
	readonly memoryBytes: number;
	readonly cpus: number;
	/** Of the migration stream that it was taken from. */
	readonly streamBytes: number;
}

/** What a changeset carries of its link in the VM's hash chain (`chain.ts`). */
export interface ChainMark {
	/** From 1, without gaps. */
	readonly sequence: number;
	/** Of the link, hex. */
	readonly hash: string;
	/** Of the file changes, hex. */
	readonly files: string;
}

/** `change/<vm>/<time>`: what one capture found. Also the point, since it holds the root of every disk. */
export interface ChangesetRecord {
	readonly id: string;
	readonly baseId: string;
	readonly vm: string;
	readonly vmUuid: string;
	readonly agentId: string;
	readonly host: string;
	readonly sequence: string;
	/** When the point was taken; no two of a VM are of one time. Those that were captured come in ascending order. */
	readonly time: string;
	/** What the agent's clock said, where that could not be `time`: it went backwards, is far ahead, or there was a point. */
	readonly agentTime?: string;
	/** Left out where the point was captured. An imported one can come at any time after those that follow it. */
	readonly imported?: ImportRecord;
	/** Left out where only disks were captured. */
	readonly state?: StateRecord;
	readonly consistency: "crash" | "filesystem";
	readonly captureMs: number;
	readonly pauseMs: number;
	readonly disks: readonly DiskRecord[];
	/** Who was logged in since the changeset before; left out where the guest does not tell. */
	readonly sessions?: readonly SessionRecord[];
	/** Left out where none changed. */
	readonly packages?: readonly PackageChangeRecord[];
	/** File changes in all disks; each stands in a record of its own. */
	readonly fileCount: number;
	/** Null until it was judged. */
	readonly verdict: Verdict | null;
	/** Its place in the VM's hash chain; left out of those from before there was one. */
	readonly chain?: ChainMark;
}

/** One changed file of a changeset. */
export interface FileChangeRecord {
	readonly disk: string;
	readonly volume: string;
	readonly change: FileChangeKind;
	readonly path: string;
	/** Of a rename; where the guest's filesystem notes it, also of what was made under another name. */
	readonly oldPath?: string;
	/** Further paths that it had in between, oldest first; left out where there are none or that is not known. */
	readonly via?: readonly string[];
	readonly type: string;
	readonly inode: number;
	readonly sizeBefore: number;
	readonly sizeAfter: number;
	readonly changedBytes: number;
	readonly entropyBefore: number | null;
	readonly entropyAfter: number | null;
	readonly uid: number;
	readonly gid: number;
	readonly owner: string;
	readonly group: string;
	readonly mode: number;
	/** Seconds since 1970. */
	readonly mtime: number;
	/** Who did it, the newest first; left out where the guest does not tell. */
	readonly actors?: readonly ActorRecord[];
	/** Left out where no package owns the file or that was not looked up. */
	readonly package?: PackageFileRecord;
}

/** How far one feature lay from what is normal for this VM. */
export interface Contribution {
	readonly feature: string;
	readonly value: number;
	/** The VM's own median. */
	readonly expected: number;
	/** Robust deviations from it. */
	readonly deviation: number;
}

export interface TriggerHit {
	/** "critical-file", "log-growth", "mass-rewrite", ... */
	readonly trigger: string;
	readonly severity: Severity;
	/** One sentence for an operator, with numbers. */
	readonly summary: string;
	/** The culprits, worst first, at most 50. */
	readonly files: readonly string[];
	readonly fileCount: number;
	readonly features: Readonly<Record<string, number>>;
}

export interface Verdict {
	/** 0 (ordinary) to 1. */
	readonly score: number;
	readonly severity: Severity;
	/** True while the baseline still learns: the score is then 0, triggers count all the same. */
	readonly learning: boolean;
	readonly features: Readonly<Record<string, number>>;
	/** What explains the score, strongest first. */
	readonly contributions: readonly Contribution[];
	/** Files that explain it, strongest first, at most 50. */
	readonly files: readonly string[];
	readonly triggers: readonly TriggerHit[];
}

/** `alert/<time>/<id>`: what an operator sees. */
export interface AlertRecord {
	readonly id: string;
	readonly vm: string;
	readonly host: string;
	/** When it was raised for the changeset taken at `changesetTime`: both are of its first occurrence and never change. */
	readonly time: string;
	readonly changesetId: string;
	readonly changesetTime: string;
	readonly state: "firing" | "resolved";
	readonly severity: Severity;
	/** "anomaly" or the name of the trigger. */
	readonly cause: string;
	readonly summary: string;
	readonly score: number;
	readonly files: readonly string[];
	readonly fileCount: number;
	readonly contributions: readonly Contribution[];
	readonly features: Readonly<Record<string, number>>;
	/** What to do first. */
	readonly mitigation: string;
	/** Changesets that it was found in, 1 when it is raised. */
	readonly count: number;
	/** Time of the newest changeset that it was found in. */
	readonly lastSeen: string;
	/** Changesets in a row since then in which it was not found. */
	readonly quiet: number;
	/** Time of the changeset that ended it, null while it fires. */
	readonly resolvedTime: string | null;
	/** Names of the webhooks that have not taken its present state yet. */
	readonly undelivered: readonly string[];
}

/** `hold/<vm>/<time>`: this point stays until it is released, whatever the policy says. */
export interface HoldRecord {
	readonly vm: string;
	readonly time: string;
	readonly reason: string;
	/** Who said so, as they called themselves. */
	readonly by: string;
	/** When it was said, Unix nanoseconds. */
	readonly since: string;
}

/** Blocks of a disk at a point that cannot be read. */
export interface DamagedPlace {
	readonly vm: string;
	readonly time: string;
	readonly disk: string;
	readonly firstBlock: number;
	readonly count: number;
}

/** `damage/<name>`: a chunk that points need and the vault cannot give; it goes when the chunk is there again. */
export interface DamageRecord {
	/** Of the plain bytes, hex. */
	readonly name: string;
	/** A block's content, or a page of disk trees. */
	readonly kind: "block" | "page";
	/** When it was found, Unix nanoseconds. */
	readonly since: string;
	readonly message: string;
	/** VMs whose points need it; the first 64. */
	readonly vms: readonly string[];
	/** The newest 20 of them. */
	readonly places: readonly DamagedPlace[];
	readonly placeCount: number;
	/** Paths of files that lie there in the newest of the points, where that could be told; the first 50. */
	readonly files: readonly string[];
}

/**
 * `vm/<vm>`: the state of each VM that the next capture builds upon: the newest that was captured, and before there is one,
 * the newest that was imported.
 */
export interface VmRecord {
	readonly vm: string;
	readonly uuid: string;
	readonly agentId: string;
	readonly host: string;
	readonly headId: string;
	readonly headTime: string;
	/** No agent has captured it yet. */
	readonly imported?: true;
	readonly disks: readonly { readonly disk: string; readonly sizeBytes: number }[];
}

/** `agent/<id>`: what was last known of an agent. */
export interface AgentRecord {
	readonly id: string;
	readonly host: string;
	readonly version: string;
	/** Address it last connected from. */
	readonly peer: string;
	readonly firstSeen: string;
	readonly lastSeen: string;
}
