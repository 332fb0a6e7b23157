/**
 * `common/failures/` tells from what a guest's console says, and from what its hypervisor and observers saw, how the guest failed:
 * the type of failure, a title that is the same whenever the same thing happens, and what of all that happened came first.
 *
 * Words: a *header* is the line with which a kernel begins to tell of a failure; a *report* is what follows it; a *title* names a failure
 * without what differs from time to time (addresses, numbers, processors, process ids); an *alternative title* is another name of
 * the same failure, as where another kernel would have told it otherwise; a *consequence* is a failure that an earlier one brought about.
 *
 * It is pure, and believes nothing: a guest writes what it likes. Lines are bounded, memory is bounded, no expression goes back over
 * what it has read. What it does not know is `unclassified`, and what does not look like a failure is none.
 */

export const FAILURE_TYPES = [
	"kernel-panic",
	"oops",
	"soft-lockup",
	"hard-lockup",
	"rcu-stall",
	"hung-task",
	"deadlock",
	"oom-kill",
	"io-error",
	"filesystem-error",
	"remount-read-only",
	"memory-corruption",
	"watchdog",
	"emergency-mode",
	"reboot",
	"silence",
	"probe-failure",
	"performance-collapse",
	"unclassified",
] as const;

export type FailureType = (typeof FAILURE_TYPES)[number];

/** What a failure is, wherever it happened. */
export interface FailureName {
	readonly type: FailureType;
	/** At most 120 characters. */
	readonly title: string;
	/** Other titles of the same failure. */
	readonly alternatives: readonly string[];
}

export interface Failure extends FailureName {
	/** As the one who fed the console counts milliseconds; null where they did not say. */
	readonly atMs: number | null;
	/** How often it was told. */
	readonly count: number;
	/** Lines of the console around its header, or what an event said. */
	readonly excerpt: readonly string[];
	/** What came of it, in order. */
	readonly consequences: readonly FailureName[];
}

/** What was seen of a guest from outside. */
export type FailureEvent =
	/** As QEMU tells it. */
	| { readonly kind: "qmp"; readonly event: string; readonly data?: Readonly<Record<string, unknown>> }
	/** Neither console nor guest agent nor probes gave a sign. */
	| { readonly kind: "silence"; readonly seconds: number }
	/** One that the operator declared failed as often as it may. */
	| { readonly kind: "probe"; readonly name: string; readonly detail?: string }
	| { readonly kind: "performance"; readonly metric: string; readonly detail?: string }
	/** The hypervisor's process ended without being told to. */
	| { readonly kind: "exit"; readonly code: number | null; readonly signal: string | null };
