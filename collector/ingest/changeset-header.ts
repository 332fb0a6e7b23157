/** `ChangesetHeader` -> a checked header. Pure. */
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import { MAX_DISK_VOLUMES, MAX_PACKAGE_CHANGES, MAX_SESSIONS, toBigInt, v1, type wire } from "../../proto/service.ts";
import type {
	Attribution,
	CaptureMode,
	ImportRecord,
	PackageChangeRecord,
	SessionRecord,
	StatePart,
	StateRecord,
	VolumeRecord,
} from "../catalog/records.ts";
import {
	checkCount,
	checkEntropy,
	checkFinite,
	checkLength,
	checkMilliseconds,
	checkName,
	checkText,
	cleanText,
	wrong,
	wrongText,
} from "./fields.ts";

/** Of a VM's and an agent's names; QEMU and libvirt allow less. */
export const MAX_NAME_LENGTH = 255;
const MAX_ID_LENGTH = 128;
/** QEMU's own machine types stop far below. */
const MAX_DISKS = 256;
/** 64 TiB: what a tree of three levels of 1,024 names holds. Bounds every loop over blocks. */
const MAX_DISK_BYTES = 1024 ** 3 * BLOCK_SIZE;
const MAX_PROBLEMS = 256;
const MAX_SENTENCE = 1024;

export interface CheckedDisk {
	readonly disk: string;
	readonly sizeBytes: number;
	readonly blocks: number;
	readonly mode: CaptureMode;
	readonly reason: string;
	readonly dirtyBytes: number;
	readonly readBytes: number;
	readonly changedBytes: number;
	readonly entropyBefore: number | null;
	readonly entropyAfter: number | null;
	readonly attribution: Attribution;
	readonly volumes: readonly VolumeRecord[];
	readonly problems: readonly string[];
}

export interface CheckedHeader {
	readonly id: string;
	readonly agentId: string;
	readonly host: string;
	readonly vm: string;
	readonly vmUuid: string;
	readonly baseId: string;
	readonly sequence: bigint;
	readonly timeNs: bigint;
	readonly consistency: "crash" | "filesystem";
	readonly captureMs: number;
	readonly pauseMs: number;
	readonly disks: readonly CheckedDisk[];
	readonly sessions: readonly SessionRecord[];
	readonly packages: readonly PackageChangeRecord[];
	/** Undefined where it was captured. */
	readonly imported: ImportRecord | undefined;
	/** Undefined where only disks were captured. */
	readonly state: CheckedState | undefined;
	/** That follow; 0 where it was not told, by an agent of an earlier version. */
	readonly parts: bigint;
}

/** What a block run tells of: a disk by its id, or a part of the machine's state. */
export interface CheckedTree {
	/** Of a part it holds what no disk's id does. */
	readonly key: string;
	readonly sizeBytes: number;
	readonly blocks: number;
}

export interface CheckedState extends Omit<StateRecord, "parts"> {
	readonly parts: Readonly<Record<StatePart, CheckedTree>>;
}

const STATE_PARTS: Readonly<Record<number, StatePart>> = {
	[v1.StatePartKind.STATE_PART_RAM]: "ram",
	[v1.StatePartKind.STATE_PART_DEVICES]: "devices",
	[v1.StatePartKind.STATE_PART_CONFIGURATION]: "configuration",
};
/** Of each part: those that are read whole have bounds of their own. */
const MAX_PART_BYTES: Readonly<Record<StatePart, number>> = {
	ram: MAX_DISK_BYTES,
	devices: 2 ** 30,
	configuration: 4 * 2 ** 20,
};

const IMPORT_KINDS: Readonly<Record<number, ImportRecord["kind"]>> = {
	[v1.ImportKind.IMPORT_KIND_SNAPSHOT]: "snapshot",
	[v1.ImportKind.IMPORT_KIND_LAYER]: "layer",
	[v1.ImportKind.IMPORT_KIND_IMAGE]: "image",
};

const IMPORT_TIMES: Readonly<Record<number, ImportRecord["timeFrom"]>> = {
	[v1.ImportTime.IMPORT_TIME_SNAPSHOT]: "snapshot",
	[v1.ImportTime.IMPORT_TIME_NAME]: "name",
	[v1.ImportTime.IMPORT_TIME_MODIFIED]: "modified",
	[v1.ImportTime.IMPORT_TIME_GIVEN]: "given",
};

const MODES: Readonly<Record<number, CaptureMode>> = {
	[v1.CaptureMode.CAPTURE_MODE_FIRST]: "first",
	[v1.CaptureMode.CAPTURE_MODE_TRACKED]: "tracked",
	[v1.CaptureMode.CAPTURE_MODE_RESYNC]: "resync",
};

const CONSISTENCIES: Readonly<Record<number, CheckedHeader["consistency"]>> = {
	[v1.Consistency.CONSISTENCY_CRASH]: "crash",
	[v1.Consistency.CONSISTENCY_FILESYSTEM]: "filesystem",
};

/** @throws UmbraError `corrupt` that names the first wrong field. */
export function checkHeader(header: wire.v1.ChangesetHeader.$Properties): CheckedHeader {
	const consistency = CONSISTENCIES[header.consistency ?? 0];
	if (consistency === undefined) throw wrong("consistency", header.consistency, "0 or 1");
	const timeNs = toBigInt(header.timeNs);
	if (timeNs === 0n) throw wrong("time_ns", timeNs, "Unix time in nanoseconds");
	const disks = header.disks ?? [];
	if (disks.length === 0) throw wrong("disks", "none", "at least one disk");
	checkLength("disks", disks.length, MAX_DISKS);
	const checked = disks.map((disk, at) => checkDisk(`disks[${at}]`, disk));
	const names = new Set<string>();
	for (const [at, { disk }] of checked.entries()) {
		if (names.has(disk)) throw wrongText(`disks[${at}].disk`, disk, "each disk once");
		names.add(disk);
	}
	checkLength("sessions", header.sessions?.length ?? 0, MAX_SESSIONS);
	checkLength("packages", header.packages?.length ?? 0, MAX_PACKAGE_CHANGES);
	return {
		id: checkName("id", header.id, MAX_ID_LENGTH),
		agentId: checkName("agent_id", header.agentId, MAX_ID_LENGTH),
		host: checkText("host", header.host, MAX_NAME_LENGTH),
		vm: checkName("vm", header.vm, MAX_NAME_LENGTH),
		vmUuid: checkText("vm_uuid", header.vmUuid, MAX_ID_LENGTH),
		baseId: checkText("base_id", header.baseId, MAX_ID_LENGTH),
		sequence: toBigInt(header.sequence),
		timeNs,
		consistency,
		captureMs: checkMilliseconds("capture_ns", header.captureNs),
		pauseMs: checkMilliseconds("pause_ns", header.pauseNs),
		disks: checked,
		sessions: (header.sessions ?? []).map((session, at) => checkSession(`sessions[${at}]`, session)),
		packages: (header.packages ?? []).map(checkPackage),
		imported: header.imported ? checkOrigin(header.imported) : undefined,
		state: header.state ? checkState(header.state) : undefined,
		parts: toBigInt(header.parts),
	};
}

/** A block run's `part`: the key of what it tells of. @throws UmbraError `corrupt`. */
export function partKey(field: string, kind: wire.v1.StatePartKind): string {
	const part = STATE_PARTS[kind];
	if (part === undefined) throw wrong(field, kind, "1 (RAM), 2 (devices) or 3 (configuration)");
	return `\0${part}`;
}

function checkState(state: wire.v1.MachineState.$Properties): CheckedState {
	const parts: Partial<Record<StatePart, CheckedTree>> = {};
	for (const [at, { part: kind, sizeBytes: size }] of (state.parts ?? []).entries()) {
		const key = partKey(`state.parts[${at}].part`, kind ?? 0);
		const part = STATE_PARTS[kind ?? 0] as StatePart;
		if (parts[part] !== undefined) throw wrongText(`state.parts[${at}].part`, part, "each part once");
		const sizeBytes = checkCount(`state.parts[${at}].size_bytes`, size, MAX_PART_BYTES[part]);
		parts[part] = { key, sizeBytes, blocks: blockCount(sizeBytes) };
	}
	const { ram, devices, configuration } = parts;
	if (ram === undefined || devices === undefined || configuration === undefined) {
		throw wrongText("state.parts", Object.keys(parts).join(", "), "ram, devices and configuration");
	}
	return {
		parts: { ram, devices, configuration },
		machineType: cleanText(state.machineType, MAX_NAME_LENGTH),
		hypervisor: cleanText(state.hypervisor, MAX_NAME_LENGTH),
		memoryBytes: checkCount("state.memory_bytes", state.memoryBytes),
		cpus: state.cpus ?? 0,
		streamBytes: checkCount("state.stream_bytes", state.streamBytes),
	};
}

function checkOrigin(origin: wire.v1.ImportOrigin.$Properties): ImportRecord {
	const kind = IMPORT_KINDS[origin.kind ?? 0];
	if (kind === undefined) throw wrong("imported.kind", origin.kind ?? 0, "1 (snapshot), 2 (layer) or 3 (image)");
	const timeFrom = IMPORT_TIMES[origin.timeFrom ?? 0];
	if (timeFrom === undefined) throw wrong("imported.time_from", origin.timeFrom ?? 0, "1 to 4");
	// Whoever made a snapshot could name it as they liked.
	return { kind, name: cleanText(origin.name, MAX_NAME_LENGTH), timeFrom };
}

/** Names and versions are the guest's own: anything at all. */
function checkSession(field: string, session: wire.v1.Session.$Properties): SessionRecord {
	const to = checkFinite(`${field}.to`, session.to);
	return {
		user: cleanText(session.user, MAX_NAME_LENGTH),
		tty: cleanText(session.tty, MAX_NAME_LENGTH),
		host: cleanText(session.host, MAX_NAME_LENGTH),
		from: checkFinite(`${field}.from`, session.from),
		to: to === 0 ? null : to,
	};
}

function checkPackage(change: wire.v1.PackageChange.$Properties): PackageChangeRecord {
	return {
		package: cleanText(change.package, MAX_NAME_LENGTH),
		before: cleanText(change.before, MAX_NAME_LENGTH),
		after: cleanText(change.after, MAX_NAME_LENGTH),
	};
}

function checkDisk(field: string, disk: wire.v1.DiskChange.$Properties): CheckedDisk {
	const mode = MODES[disk.mode ?? 0];
	if (mode === undefined) throw wrong(`${field}.mode`, disk.mode ?? 0, "1 (first), 2 (tracked) or 3 (resync)");
	const sizeBytes = checkCount(`${field}.size_bytes`, disk.sizeBytes, MAX_DISK_BYTES);
	checkLength(`${field}.volumes`, disk.volumes?.length ?? 0, MAX_DISK_VOLUMES);
	checkLength(`${field}.problems`, disk.problems?.length ?? 0, MAX_PROBLEMS);
	return {
		disk: checkName(`${field}.disk`, disk.disk, MAX_NAME_LENGTH),
		sizeBytes,
		blocks: blockCount(sizeBytes),
		mode,
		reason: cleanText(disk.reason, MAX_SENTENCE),
		dirtyBytes: checkCount(`${field}.dirty_bytes`, disk.dirtyBytes),
		readBytes: checkCount(`${field}.read_bytes`, disk.readBytes),
		changedBytes: checkCount(`${field}.changed_bytes`, disk.changedBytes),
		entropyBefore: checkEntropy(`${field}.entropy_before`, disk.entropyBefore),
		entropyAfter: checkEntropy(`${field}.entropy_after`, disk.entropyAfter),
		attribution: checkAttribution(`${field}.attribution`, disk.attribution ?? {}),
		volumes: (disk.volumes ?? []).map((volume, at) => checkVolume(`${field}.volumes[${at}]`, volume)),
		problems: (disk.problems ?? []).map((problem) => cleanText(problem, MAX_SENTENCE)),
	};
}

function checkAttribution(field: string, attribution: wire.v1.Attribution.$Properties): Attribution {
	return {
		total: checkCount(`${field}.total`, attribution.total),
		file: checkCount(`${field}.file`, attribution.file),
		directory: checkCount(`${field}.directory`, attribution.directory),
		journal: checkCount(`${field}.journal`, attribution.journal),
		metadata: checkCount(`${field}.metadata`, attribution.metadata),
		free: checkCount(`${field}.free`, attribution.free),
		unknown: checkCount(`${field}.unknown`, attribution.unknown),
	};
}

function checkVolume(field: string, volume: wire.v1.Volume.$Properties): VolumeRecord {
	return {
		id: checkText(`${field}.id`, volume.id, MAX_NAME_LENGTH),
		offset: checkCount(`${field}.offset`, volume.offset),
		length: checkCount(`${field}.length`, volume.length),
		kind: checkText(`${field}.kind`, volume.kind, MAX_NAME_LENGTH),
		// A label is the guest's to choose, so it can hold anything.
		label: cleanText(volume.label, MAX_NAME_LENGTH),
		files: checkCount(`${field}.files`, volume.files),
		usedBytes: checkCount(`${field}.used_bytes`, volume.usedBytes),
		freeBytes: checkCount(`${field}.free_bytes`, volume.freeBytes),
	};
}
