/**
 * `hypervisor/` is how the agent sees virtual machines, whatever runs them: which there are, which disks
 * they have, and how to open one consistent snapshot of several disks. It knows nothing of blocks'
 * contents, files or the collector.
 *
 * Words: a *machine* is a running VM; a *snapshot* is all its disks at one instant, readable over NBD
 * until it is closed; a *token* names what a machine recorded of its changes since the last snapshot
 * that was kept, so that the next one needs to read those ranges only.
 */

import type { FieldsOf } from "../../common/measurements/measurements.ts";
import type { GuestNetwork } from "../guest/network.ts";

export interface DiskInfo {
	/** Stable over restarts of the machine: the device's id, or its name. */
	readonly id: string;
	/** Bytes. */
	readonly size: number;
	/** Image format as the hypervisor names it: "qcow2", "raw", ... */
	readonly format: string;
}

export type MachineState = "running" | "paused" | "unknown";

/** Where a disk's changes since a token can be learned. */
export type Tracking =
	/** `context` is the NBD metadata context that marks every range written since the token. */
	| { readonly kind: "tracked"; readonly context: string }
	/** Nothing outside of these ranges, ascending as `[offset, length, ...]`, differs from what the token names. */
	| { readonly kind: "listed"; readonly ranges: readonly number[] }
	/** The record was lost; `reason` is for people. */
	| { readonly kind: "lost"; readonly reason: string };

export interface SnapshotDisk {
	readonly disk: DiskInfo;
	/** The export may be longer than the disk, which then is its beginning. */
	readonly isLonger?: boolean;
	/** Unix socket and export name of the read-only NBD export of this instant. */
	readonly socketPath: string;
	readonly exportName: string;
	readonly tracking: Tracking;
	/** Names what is recorded from this snapshot on. Make it durable, then call `keep`. */
	readonly token: string;
}

/** Closing it without `keep` gives the recorded changes back, as if it had never been opened. */
export interface Snapshot extends AsyncDisposable {
	/** Unix nanoseconds of the instant that it stands for. */
	readonly timeNs: bigint;
	/** Nanoseconds for which the machine, or its disk requests, stood still. */
	readonly pauseNs: bigint;
	readonly consistency: "crash" | "filesystem";
	readonly disks: readonly SnapshotDisk[];
	/** Where it was asked for. */
	readonly ram?: RamSnapshot;
	/** From now on the new tokens count; closing then forgets the old ones. */
	keep(): void;
}

/** RAM and devices at the instant of the snapshot. */
export interface RamSnapshot {
	/** They were read whole. @throws UmbraError `unavailable` with the machine's reason; what reading failed with. */
	finished(): Promise<void>;
	/** How the machine was made. */
	readonly configuration: MachineConfiguration;
}

/** What a machine like this one is made of, as far as it can be told from outside. */
export interface MachineConfiguration {
	/** Of the hypervisor: "7.2.22". */
	readonly version: string;
	/** "x86_64". */
	readonly architecture: string;
	readonly cpus: number;
	/** Bytes with which it was started, and what was plugged in since. */
	readonly memory: { readonly base: number; readonly plugged: number };
	readonly memoryBackends: readonly { readonly id: string; readonly size: number; readonly share: boolean }[];
	/** QEMU's arguments but for those that concern its surroundings only; null where its process cannot be seen. */
	readonly arguments: readonly string[] | null;
	readonly nics: readonly NicConfiguration[];
	/** Undefined in a state that was captured before this was looked at. */
	readonly network?: MachineNetwork | undefined;
}

export interface NicConfiguration {
	/** The device's id, or the name that QEMU gave it. */
	readonly id: string;
	readonly model: string;
	/** Lower case, with colons. */
	readonly mac: string;
	/** What it is plugged into: "tap", "user", "socket"; empty where nothing. */
	readonly backend: string;
}

export interface MachineNetwork {
	/** By which the host talks to it, each with the MAC of its card. */
	readonly addresses: readonly { readonly mac: string; readonly address: string }[];
	/** As seen from the machine's host. */
	readonly connections: readonly NetworkConnection[];
	/** As its own guest agent tells. Undefined where it was not asked, or did not answer. */
	readonly guest?: GuestNetwork | undefined;
}

export interface NetworkEnd {
	readonly address: string;
	readonly port: number;
}

export interface NetworkConnection {
	readonly protocol: "tcp" | "udp" | "sctp";
	/** As its source calls it: "ESTABLISHED", "TIME_WAIT"; "HOST_FORWARD" is a port that QEMU listens at for the guest. */
	readonly state: string;
	readonly guest: NetworkEnd;
	readonly peer: NetworkEnd;
	/** The peer connected: the guest listens, or listened, at its port. */
	readonly isInbound: boolean;
}

export type Preallocate = boolean | "auto";

/** How RAM is captured. */
export interface RamOptions {
	/** Machines too that stand still for long while they are. */
	readonly allowPause: boolean;
	/**
	 * Makes memory of all of RAM, also of what the guest never wrote to, so that it stands still for less long. "auto": where the
	 * host has plenty, and no balloon holds any of it.
	 */
	readonly preallocate?: Preallocate | undefined;
	/** Has the machine's guest agent asked for its network, where nobody else speaks to it. */
	readonly askGuest?: boolean | undefined;
}

export interface RamRequest extends RamOptions {
	/**
	 * Takes QEMU's migration stream, to its end and without delay: the guest waits where it writes to what was not read
	 * yet. The bytes of a piece are others once the next is asked for. `scratchPath` names a file that may be made, and is
	 * removed by who made it.
	 */
	readonly read: (stream: AsyncIterable<Uint8Array>, scratchPath: string) => Promise<void>;
}

export interface SnapshotRequest {
	/** Disks by id, each with the token of the last kept snapshot, if there is one. */
	readonly disks: ReadonlyMap<string, string | undefined>;
	/** Takes RAM and devices too, at the same instant. */
	readonly ram?: RamRequest;
	readonly signal?: AbortSignal;
}

/**
 * What a machine's counters stood at, in the names and units of the measurements `vm`, `vm_vcpu`, `vm_disk` and `vm_nic`.
 * What the hypervisor cannot tell is left out. What takes two readings (shares of time) is not its business.
 */
export interface MachineReading {
	readonly vm: FieldsOf<"vm">;
	/** By the number of the vCPU. */
	readonly vcpus: ReadonlyMap<string, FieldsOf<"vm_vcpu">>;
	/** By `DiskInfo.id`, also while a snapshot is open. */
	readonly disks: ReadonlyMap<string, FieldsOf<"vm_disk">>;
	/** By the id of the device in the machine. */
	readonly nics: ReadonlyMap<string, FieldsOf<"vm_nic">>;
}

export interface ReadingRequest {
	/** Seconds between two readings, for what the machine has to be asked to gather by itself. */
	readonly intervalSeconds: number;
	/** Have the machine measure how fast its memory is written to, which costs it some processor time. */
	readonly dirtyRate: boolean;
}

export interface Machine {
	/** Unique on this host, and what operators call it. */
	readonly name: string;
	/** Empty where the machine has none. */
	readonly uuid: string;
	/** Aborted when the machine is gone. */
	readonly gone: AbortSignal;
	state(signal?: AbortSignal): Promise<MachineState>;
	/** Every disk that can be written and captured. */
	disks(signal?: AbortSignal): Promise<DiskInfo[]>;
	/**
	 * Reads the machine's counters. It takes as long as the machine takes to answer, which may be for ever, and cannot be
	 * cut short: ask no more before it has settled. It never stands in a snapshot's way.
	 *
	 * @throws UmbraError `unavailable` when the machine is gone or refuses.
	 */
	read(request: ReadingRequest): Promise<MachineReading>;
	/**
	 * @throws UmbraError `unavailable` when the machine is gone or refuses, `limit` when the scratch area is full,
	 * `conflict` when something else uses what a snapshot needs, `unsupported` with the reason where its RAM cannot be
	 * captured, or not without a long pause.
	 */
	openSnapshot(request: SnapshotRequest): Promise<Snapshot>;
}

export interface HypervisorEvents {
	onMachine(machine: Machine): void;
	onProblem(where: string, error: unknown): void;
}

/** Finds machines and keeps finding them; one that cannot be reached never hides the others. */
export interface Hypervisor extends AsyncDisposable {
	readonly machines: ReadonlyMap<string, Machine>;
	readonly finished: Promise<void>;
}
