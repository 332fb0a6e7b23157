/** `Hello` and `Heartbeat` -> checked values. Pure. */
import { UmbraError } from "../../common/errors.ts";
import { PROTOCOL, toBigInt, v1, type wire } from "../../proto/service.ts";
import { MAX_NAME_LENGTH } from "./changeset-header.ts";
import { checkCount, checkFinite, checkLength, checkName, checkText, cleanText } from "./fields.ts";

/** VMs of one host. */
const MAX_VMS = 4096;
const MAX_DISKS = 256;
const MAX_SENTENCE = 1024;

export type VmState = "unknown" | "running" | "paused" | "gone";

export interface VmStatus {
	readonly vm: string;
	readonly uuid: string;
	readonly state: VmState;
	/** Unix nanoseconds, null: none yet. */
	readonly lastCapture: string | null;
	readonly lastError: string;
	readonly schedule: string;
	readonly disks: readonly { readonly disk: string; readonly sizeBytes: number; readonly excluded: boolean }[];
}

export interface Heartbeat {
	/** The agent's clock. */
	readonly time: string;
	readonly vms: readonly VmStatus[];
	readonly spoolBytes: number;
	readonly spoolLimitBytes: number;
	readonly spoolFull: boolean;
	readonly rssBytes: number;
	readonly cpuSeconds: number;
	/** Null where the host takes no trials. */
	readonly trials: TrialCapacity | null;
}

/** What a host gives to trials, and how much of it is taken. */
export interface TrialCapacity {
	readonly slots: number;
	readonly usedSlots: number;
	readonly memoryBytes: number;
	readonly reservedBytes: number;
}

export interface AgentStatus {
	readonly id: string;
	readonly host: string;
	readonly version: string;
	readonly peer: string;
	readonly connected: boolean;
	/** Connected, but silent for three heartbeats. */
	readonly stale: boolean;
	readonly lastSeen: string;
	readonly heartbeat: Heartbeat | null;
}

export interface CheckedHello {
	readonly id: string;
	readonly host: string;
	readonly version: string;
}

const STATES: Readonly<Record<number, VmState>> = {
	[v1.VmState.VM_STATE_UNKNOWN]: "unknown",
	[v1.VmState.VM_STATE_RUNNING]: "running",
	[v1.VmState.VM_STATE_PAUSED]: "paused",
	[v1.VmState.VM_STATE_GONE]: "gone",
};

/** @throws UmbraError `unsupported` for another protocol, `corrupt` for a malformed field. */
export function checkHello(hello: wire.v1.Hello.$Properties): CheckedHello {
	const protocol = hello.protocol ?? 0;
	if (protocol !== PROTOCOL) {
		throw new UmbraError("unsupported", `protocol: the agent speaks ${protocol}, this collector ${PROTOCOL}`, {
			context: { field: "protocol", found: protocol, wanted: PROTOCOL },
			hint: "run the same version of umbra on both sides",
		});
	}
	return {
		id: checkName("agent_id", hello.agentId, MAX_NAME_LENGTH),
		host: checkText("host", hello.host, MAX_NAME_LENGTH),
		version: checkText("version", hello.version, MAX_NAME_LENGTH),
	};
}

/** @throws UmbraError `corrupt` that names the first wrong field. */
export function checkHeartbeat(heartbeat: wire.v1.Heartbeat.$Properties): Heartbeat {
	const vms = heartbeat.vms ?? [];
	checkLength("vms", vms.length, MAX_VMS);
	return {
		time: toBigInt(heartbeat.timeNs).toString(),
		vms: vms.map((vm, at) => checkVm(`vms[${at}]`, vm)),
		spoolBytes: checkCount("spool_bytes", heartbeat.spoolBytes),
		spoolLimitBytes: checkCount("spool_limit_bytes", heartbeat.spoolLimitBytes),
		spoolFull: heartbeat.spoolFull ?? false,
		rssBytes: checkCount("rss_bytes", heartbeat.rssBytes),
		cpuSeconds: checkFinite("cpu_seconds", heartbeat.cpuSeconds),
		trials: heartbeat.trials ? checkTrials(heartbeat.trials) : null,
	};
}

function checkTrials(trials: wire.v1.TrialCapacity.$Properties): TrialCapacity {
	return {
		slots: trials.slots ?? 0,
		usedSlots: trials.usedSlots ?? 0,
		memoryBytes: checkCount("trials.memory_bytes", trials.memoryBytes),
		reservedBytes: checkCount("trials.reserved_bytes", trials.reservedBytes),
	};
}

function checkVm(field: string, vm: wire.v1.VmStatus.$Properties): VmStatus {
	const disks = vm.disks ?? [];
	checkLength(`${field}.disks`, disks.length, MAX_DISKS);
	const lastCapture = toBigInt(vm.lastCaptureNs);
	return {
		vm: checkName(`${field}.vm`, vm.vm, MAX_NAME_LENGTH),
		uuid: checkText(`${field}.uuid`, vm.uuid, MAX_NAME_LENGTH),
		// A state that only a newer agent knows.
		state: STATES[vm.state ?? 0] ?? "unknown",
		lastCapture: lastCapture === 0n ? null : lastCapture.toString(),
		lastError: cleanText(vm.lastError, MAX_SENTENCE),
		schedule: cleanText(vm.schedule, MAX_SENTENCE),
		disks: disks.map((disk, at) => ({
			disk: checkName(`${field}.disks[${at}].disk`, disk.disk, MAX_NAME_LENGTH),
			sizeBytes: checkCount(`${field}.disks[${at}].size_bytes`, disk.sizeBytes),
			excluded: disk.excluded ?? false,
		})),
	};
}
