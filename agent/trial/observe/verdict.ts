/** What was seen of a clone -> whether it failed, when, and whether it went on as before. Pure. */
import type { Failure, FailureType } from "../../../common/failures/failures.ts";

/** After these a guest is not to be trusted any more, whatever it goes on to do. All others it may survive. */
const FATAL: ReadonlySet<FailureType> = new Set([
	...(["kernel-panic", "oops", "memory-corruption", "deadlock"] as const),
	...(["remount-read-only", "emergency-mode", "reboot", "unclassified"] as const),
]);
/** What a kernel says again and again as long as it lasts: said shortly before the end, it is not over. */
const LASTING: ReadonlySet<FailureType> = new Set(["soft-lockup", "hard-lockup", "rcu-stall", "hung-task"]);
/** A soft lockup is told again after 20 s or so. */
const LASTING_MS = 30_000;

export interface Seen {
	readonly failures: readonly Failure[];
	/** When each failure was told last, in the order of `failures`. */
	readonly lastMs: readonly (number | null)[];
	/** It failed for certain: QEMU ended, or the guest panicked, shut itself down or was stopped by its watchdog. */
	readonly certainMs: number | null;
	/** At the end the machine runs and is not silent, probes answer as they should, and nothing stands collapsed. */
	readonly isWell: boolean;
	/** When its agent or a probe answered last. */
	readonly answeredMs: number | null;
	readonly endMs: number;
}

export interface Verdict {
	readonly failedMs: number | null;
	readonly isDegraded: boolean;
}

export function judge({ failures, lastMs, certainMs, isWell, answeredMs, endMs }: Seen): Verdict {
	const isFatal = failures.some(({ type, consequences }) =>
		[type, ...consequences.map((each) => each.type)].some((each) => FATAL.has(each)),
	);
	const lasts = failures.some(({ type, consequences }, at) => {
		const told = lastMs[at] ?? null;
		const isLasting = [type, ...consequences.map((each) => each.type)].some((each) => LASTING.has(each));
		return isLasting && told !== null && endMs - told < LASTING_MS && (answeredMs ?? Number.NEGATIVE_INFINITY) < told;
	});
	if (certainMs === null && isWell && !isFatal && !lasts) {
		return { failedMs: null, isDegraded: failures.length > 0 };
	}
	const told = failures.map(({ atMs }) => atMs).filter((atMs) => atMs !== null);
	return { failedMs: Math.min(...told, certainMs ?? endMs), isDegraded: false };
}
