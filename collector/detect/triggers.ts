/**
 * The built-in triggers: rules that need no baseline and no tuning to be right from a VM's first changeset on.
 * Each looks at one changeset (and a little memory) and answers with a hit or nothing.
 *
 * A hit of severity `info` is worth knowing, not worth waking anyone: it raises no alert.
 */
import { criticalFiles } from "./triggers/critical-file.ts";
import { logClearing, logGrowth } from "./triggers/log-growth.ts";
import { massRewrite } from "./triggers/mass-rewrite.ts";
import type { TriggerInput, TriggerOutcome } from "./triggers/trigger.ts";

export function runTriggers(input: TriggerInput): TriggerOutcome {
	const critical = criticalFiles(input);
	const rewrite = massRewrite(input);
	const hits = [rewrite.hit, ...critical.hits, logGrowth(input), logClearing(input)];
	return {
		hits: hits.filter((hit) => hit !== undefined),
		memory: { packageRun: critical.packageRun, lost: rewrite.lost },
	};
}
