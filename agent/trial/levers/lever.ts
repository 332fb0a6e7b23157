/**
 * `agent/trial/levers/` moves what stresses a clone. All levers have one interface, and each is found to be in force after it was
 * set, and found to be gone after it was taken back: what cannot be verified is a problem that the trial's record tells.
 *
 *     driver          moves them at their times              levers, in-guest     who moves which
 *     clone-disks     what is between devices and images     disk-*, delay-line   levers of disks
 *     vcpus, usage    threads of vCPUs, what they take       cpu-*                levers of processors
 *     physical-memory, page-tables, balloon                  memory-*             levers of memory
 *     network, link-state   levers of networks               momentary, load      nmi and unplug; the level of load
 */
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { GuestCommands } from "../../guest/commands.ts";
import type { Clone } from "../clone.ts";

/** What levers work on. */
export interface LeverTarget {
	readonly clone: Clone;
	/** Undefined where the guest has no agent that answers. */
	readonly guest: GuestCommands | undefined;
}

export interface LeverMove {
	readonly values: LeverValues;
	/** For what is drawn only when it is done, such as which pages are hit. */
	readonly seed: number;
	readonly signal: AbortSignal;
}

/** One setting of one lever, from its first `apply` to its `revert`; of a momentary one, `apply` is all. */
export interface Lever {
	/**
	 * Sets it, or changes what was set.
	 *
	 * @returns what a record should tell besides the values, such as the addresses that were hit; empty where there is nothing.
	 * @throws UmbraError `unsupported` with the reason where this clone cannot, `bad-config` for a disk, interface or process
	 * that it does not have (with those that it has), `unavailable` for what did not work.
	 */
	apply(move: LeverMove): Promise<LeverValues>;
	/** Asks whoever knows (QEMU, the kernel, the guest). @throws UmbraError `unavailable` where it is not in force. */
	verify(signal: AbortSignal): Promise<void>;
	/** Takes it back as far as it was applied, any number of times. @throws UmbraError `unavailable` where it is still in force. */
	revert(signal: AbortSignal): Promise<void>;
}

export type MakeLever = (target: LeverTarget) => Lever;
