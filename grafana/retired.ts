/**
 * Rules that a release had and a later one has not. Grafana goes on with a rule that is merely missing from its file, so
 * every uid that was ever released is either in `ruleGroups` or here; the test's list of all uids sees to it.
 */
export const RETIRED_RULES: readonly string[] = [];
