/**
 * `agent/trial/observe/` watches a clone while it runs: what it says, what QEMU says of it, what it takes, whether it answers. It
 * moves nothing but the probes that the operator declared.
 */
import type { Failure } from "../../../common/failures/failures.ts";
import type { MachineEvent, ProbeResult, Screen, TrialSeries } from "../../../common/trial/report.ts";

/** All that was seen of one clone; times are milliseconds from the beginning of its trial. */
export interface Observation {
	/** In the order in which they came. */
	readonly failures: readonly Failure[];
	/** The first moment at which it was known to have failed; null where it did not. */
	readonly failedMs: number | null;
	/** It went on, though not as well as in the beginning. */
	readonly isDegraded: boolean;
	/** Why nothing can be said of it, since its host failed it before it had failed for certain; else null. It has no failures then. */
	readonly lost: string | null;
	readonly series: TrialSeries;
	readonly probes: readonly ProbeResult[];
	readonly events: readonly MachineEvent[];
	readonly screens: readonly Screen[];
	readonly console: string;
	/** Bytes. */
	readonly diskBytes: number;
	readonly memoryBytes: number | null;
	readonly notes: readonly string[];
}
