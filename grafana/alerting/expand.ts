/**
 * Grafana puts environment variables into the strings of provisioning files, wherever a `$` stands, but not in all of them:
 *
 * - data sources, dashboard providers, contact points, policies, names, titles and labels: all of it. A `$` is written `$$`.
 * - the `model` of a rule's query: nothing, so that `$timeFilter` gets through.
 * - annotations: nothing, or `${NAME}` alone in newer versions, so that `$labels` gets through. `$$` would stay two.
 * - templates and mute times: nothing.
 */

/** Text as it is written where Grafana expands. */
export function literal(text: string): string {
	return text.replaceAll("$", "$$$$");
}

/** Whether text gets through where Grafana does not expand, in any version. */
export function isUnexpanded(text: string): boolean {
	return !text.includes("${") && !text.includes("$$");
}
