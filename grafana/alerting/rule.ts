/**
 * A rule, and how it is written for Grafana: query A is reduced to one number a series (B), which a threshold makes 0 or 1
 * (C). Further numbers that the text tells are queries of their own, each with its reduction: D and E, F and G, H and I.
 *
 * Grafana takes a rule for one without data when any query, even one that only decorates, gives nothing: an alert would be lost
 * for a field that was not written. So each of these selects the field of A beside its own, and has data whenever A has. Of the two
 * numbers that come of it for the same labels Grafana's `$values` has the last, which is the wanted one; that only the condition
 * may not have two is checked there (grafana: pkg/services/ngalert/eval/eval.go).
 *
 * Series come as time series with tags: InfluxQL always answers with a time, and Grafana refuses to alert on a table that has one
 * (`input data must be a wide series but got type long`). So labels are tags and never text fields such as files.
 */
import { DASHBOARDS, DATASOURCE, type DashboardName, EXPRESSION } from "../names.ts";
import type { GrafanaSettings, Severity } from "../settings.ts";
import { literal } from "./expand.ts";
import type { AlertQuery, ProvisionedRule } from "./file.ts";
import { inUrl } from "./text.ts";

export type Team = keyof GrafanaSettings["teams"];

export interface Rule {
	readonly uid: string;
	readonly title: string;
	readonly severity: Severity;
	readonly team: Team;
	/** How long the condition has to hold. */
	readonly pending: string;
	/** What it is when a query gives nothing, and why: `OK` where nothing is what is hoped for. */
	readonly noData: "OK" | "KeepLast" | "Alerting";
	/** What it is when the data source cannot be asked; one rule alone alarms then. */
	readonly onError: "KeepLast" | "Alerting";
	readonly query: string;
	/** How far back it looks. */
	readonly windowSeconds: number;
	/** `$__interval`. */
	readonly stepSeconds?: number;
	readonly reducer?: "last" | "max";
	readonly fires: Threshold;
	/** Further numbers for the text, by `NUMBER_REFS`: the field of `query`, then the wanted one. */
	readonly numbers?: readonly string[];
	/** Labels that its series have. */
	readonly labels: readonly string[];
	/** Those of them that choose what its dashboard shows; all, unless said otherwise. */
	readonly chooses?: readonly string[];
	readonly summary: string;
	/** What it means. */
	readonly description: string;
	/** What to do first. */
	readonly mitigation: string;
	/** The panel to look at. */
	readonly panel: { readonly dashboard: DashboardName; readonly id: number };
	/** The panel that lists the files. */
	readonly files?: { readonly dashboard: DashboardName; readonly id: number; readonly title: string };
}

/** Fires beyond a limit, and goes on until it is back beyond the other one, where there is one. */
export interface Threshold {
	readonly type: "gt" | "lt";
	readonly limit: number;
	readonly recovers?: number;
}

/** The refIds of the further numbers, in the order of `numbers`. */
export const NUMBER_REFS = ["E", "G", "I"] as const;
const NUMBER_QUERIES = ["D", "F", "H"] as const;

export function provisionedRule(rule: Rule, settings: GrafanaSettings): ProvisionedRule {
	const { uid, title, severity, team } = rule;
	return {
		uid,
		title: literal(title),
		condition: "C",
		data: [
			influxQuery("A", rule.query, rule),
			reduce("B", "A", rule.reducer ?? "last"),
			threshold("C", "B", rule.fires),
			...(rule.numbers ?? []).flatMap((statement, index) => [
				influxQuery(NUMBER_QUERIES[index]!, statement, rule),
				reduce(NUMBER_REFS[index]!, NUMBER_QUERIES[index]!, "last"),
			]),
		],
		dashboardUid: DASHBOARDS[rule.panel.dashboard].uid,
		panelId: rule.panel.id,
		noDataState: rule.noData,
		execErrState: rule.onError,
		for: rule.pending,
		annotations: annotations(rule, settings),
		labels: { source: "umbra", severity, team: literal(settings.teams[team]) },
		isPaused: false,
		...(settings.routing === "rules" ? { notification_settings: notification(rule, settings) } : {}),
	};
}

function annotations(rule: Rule, settings: GrafanaSettings): Record<string, string> {
	const { summary, description, mitigation, panel, files, labels, chooses = labels, uid } = rule;
	const of = (name: string) => (labels.includes(name) ? { [name]: `{{ $labels.${name} }}` } : {});
	return {
		summary,
		description,
		mitigation,
		...of("vm"),
		...of("host"),
		...of("cause"),
		dashboard_url: panelUrl(panel, chooses, settings),
		...(files === undefined
			? {}
			: {
					files: `Files are listed in "${files.title}" of the VM's dashboard: ${panelUrl(files, chooses, settings)}`,
				}),
		...(settings.umbraUrl === undefined || !labels.includes("vm")
			? {}
			: { umbra_url: `${settings.umbraUrl}/v1/alerts?vm=${inUrl("vm")}` }),
		...(settings.runbookUrl === undefined ? {} : { runbook_url: `${settings.runbookUrl}#${uid}` }),
	};
}

/** A link to one panel, with the VM or host of the alert chosen. Grafana's own URL ends with a slash. */
function panelUrl(
	{ dashboard, id }: { readonly dashboard: DashboardName; readonly id: number },
	chooses: readonly string[],
	{ grafanaUrl }: GrafanaSettings,
): string {
	const { uid, variables } = DASHBOARDS[dashboard];
	const root = grafanaUrl === undefined ? "{{ externalURL }}" : `${grafanaUrl}/`;
	const chosen = variables.filter((name) => chooses.includes(name)).map((name) => `var-${name}=${inUrl(name)}`);
	return `${root}d/${uid}/${uid}?${[...chosen, `viewPanel=${id}`].join("&")}`;
}

/** The first route that fits, told by the rule itself. */
function notification({ severity, team }: Rule, settings: GrafanaSettings) {
	const name = settings.teams[team];
	const route = settings.routes.find(
		(each) => (each.severity ?? severity) === severity && (each.team ?? name) === name,
	)!;
	return {
		receiver: literal(route.contactPoint),
		// Grafana wants the first two in every grouping that a rule brings along.
		group_by: ["grafana_folder", "alertname", "host", "vm"],
		...(route.repeat === undefined ? {} : { repeat_interval: seconds(route.repeat) }),
		...(route.mute.length === 0 ? {} : { mute_time_intervals: route.mute.map(literal) }),
	};
}

export function seconds(milliseconds: number): string {
	return `${Math.max(1, Math.round(milliseconds / 1000))}s`;
}

function influxQuery(refId: string, query: string, { windowSeconds, stepSeconds = 60 }: Rule): AlertQuery {
	return {
		refId,
		relativeTimeRange: { from: windowSeconds, to: 0 },
		datasourceUid: DATASOURCE.uid,
		model: {
			refId,
			datasource: DATASOURCE,
			query,
			rawQuery: true,
			resultFormat: "time_series",
			intervalMs: stepSeconds * 1000,
			maxDataPoints: MAX_POINTS,
		},
	};
}

/** What Grafana itself writes there. */
const MAX_POINTS = 43_200;
const EXPRESSION_QUERY = {
	relativeTimeRange: { from: 0, to: 0 },
	datasourceUid: EXPRESSION.uid,
} as const;
const EXPRESSION_MODEL = { datasource: EXPRESSION, intervalMs: 1000, maxDataPoints: MAX_POINTS } as const;

function reduce(refId: string, expression: string, reducer: "last" | "max"): AlertQuery {
	return {
		refId,
		...EXPRESSION_QUERY,
		model: { refId, ...EXPRESSION_MODEL, type: "reduce", expression, reducer, settings: { mode: "dropNN" } },
	};
}

function threshold(refId: string, expression: string, { type, limit, recovers }: Threshold): AlertQuery {
	const other = type === "gt" ? "lt" : "gt";
	return {
		refId,
		...EXPRESSION_QUERY,
		model: {
			refId,
			...EXPRESSION_MODEL,
			type: "threshold",
			expression,
			conditions: [
				{
					evaluator: { type, params: [limit] },
					...(recovers === undefined ? {} : { unloadEvaluator: { type: other, params: [recovers] } }),
				},
			],
		},
	};
}
