/** All rules, in the groups in which Grafana evaluates them. */
import { RETIRED_RULES } from "../retired.ts";
import type { GrafanaSettings } from "../settings.ts";
import { literal } from "./expand.ts";
import type { RulesFile } from "./file.ts";
import { provisionedRule, type Rule } from "./rule.ts";
import { selfRules } from "./self-rules.ts";
import { horizonRules, vmRules } from "./vm-rules.ts";

export interface RuleGroup {
	readonly name: string;
	readonly interval: string;
	readonly rules: readonly Rule[];
}

export function ruleGroups(settings: GrafanaSettings): RuleGroup[] {
	return [
		{ name: "umbra-vms", interval: "1m", rules: vmRules() },
		{ name: "umbra-horizon", interval: "5m", rules: horizonRules(settings) },
		{ name: "umbra-itself", interval: "1m", rules: selfRules(settings) },
	];
}

/**
 * Grafana keeps a rule that is no longer in its file, so those that were are named for deletion for good.
 *
 * @param earlier uids of rules that were rendered before.
 */
export function rules(settings: GrafanaSettings, earlier: readonly string[]): RulesFile {
	const { orgId, folder } = settings;
	const groups = ruleGroups(settings);
	const current = new Set(groups.flatMap((group) => group.rules.map(({ uid }) => uid)));
	const gone = [...new Set([...RETIRED_RULES, ...earlier])].filter((uid) => !current.has(uid)).sort();
	return {
		apiVersion: 1,
		groups: groups.map(({ name, interval, rules: members }) => ({
			orgId,
			name,
			folder: literal(folder),
			interval,
			rules: members.map((rule) => provisionedRule(rule, settings)),
		})),
		...(gone.length === 0 ? {} : { deleteRules: gone.map((uid) => ({ orgId, uid })) }),
	};
}
