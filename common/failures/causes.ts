/** Of several failures in one trial, which the others came of. */
import type { FailureName, FailureType } from "./failures.ts";

const END: readonly FailureType[] = ["reboot", "silence", "probe-failure", "performance-collapse"];
const STUCK: readonly FailureType[] = ["soft-lockup", "hard-lockup", "rcu-stall", "hung-task"];
const DEAD: readonly FailureType[] = ["kernel-panic", "watchdog", "emergency-mode", ...END];

/** What each type may bring about, besides more of itself. Every type may be followed by what has no name. */
const LEADS_TO: Readonly<Record<FailureType, readonly FailureType[]>> = {
	"memory-corruption": ["oops", "filesystem-error", "remount-read-only", "deadlock", ...STUCK, ...DEAD],
	oops: ["memory-corruption", "filesystem-error", "deadlock", ...STUCK, ...DEAD],
	"kernel-panic": ["watchdog", "emergency-mode", ...END],
	"soft-lockup": [...STUCK, ...DEAD],
	"hard-lockup": [...STUCK, ...DEAD],
	"rcu-stall": [...STUCK, ...DEAD],
	"hung-task": [...STUCK, ...DEAD],
	deadlock: [...STUCK, ...DEAD],
	"oom-kill": [...STUCK, ...DEAD],
	"io-error": ["filesystem-error", "remount-read-only", "deadlock", ...STUCK, ...DEAD],
	"filesystem-error": ["remount-read-only", "deadlock", ...STUCK, ...DEAD],
	"remount-read-only": ["filesystem-error", "emergency-mode", ...END],
	watchdog: ["kernel-panic", ...END],
	"emergency-mode": ["silence", "probe-failure", "performance-collapse"],
	reboot: ["silence", "probe-failure", "performance-collapse"],
	silence: ["watchdog", "reboot", "probe-failure", "performance-collapse"],
	"performance-collapse": ["probe-failure"],
	"probe-failure": [],
	unclassified: [],
};

export interface Told extends FailureName {
	/** Says that there was a failure, not which: never counts where anything else tells. */
	readonly vague?: boolean;
}

/** In the order of time -> the failures that nothing before brought about, each with what came of it. What has no name comes last. */
export function arrange<T extends Told>(
	told: readonly T[],
): { readonly first: T; readonly consequences: readonly T[] }[] {
	const roots: { readonly first: T; readonly consequences: T[] }[] = [];
	const isVague = ({ vague, type }: T): boolean => vague === true || type === "unclassified";
	for (const failure of told.filter((each) => !isVague(each))) {
		const cause = roots.find(({ first: { type } }) => type === failure.type || LEADS_TO[type].includes(failure.type));
		if (cause === undefined) roots.push({ first: failure, consequences: [] });
		else cause.consequences.push(failure);
	}
	for (const failure of told.filter(isVague)) {
		const before = told.slice(0, told.indexOf(failure));
		const cause = roots.find(({ first }) => failure.vague === true || before.includes(first));
		if (cause === undefined) roots.push({ first: failure, consequences: [] });
		else cause.consequences.push(failure);
	}
	return roots;
}
