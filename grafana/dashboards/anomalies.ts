/** What was judged abnormal, and why. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, VM_MARKS } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { FIRING, SCORE_STEPS, SEVERITY } from "../mappings.ts";
import { chart, lines, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const anomaly = of("anomaly");
const trigger = of("trigger");
const alert = of("alert");
const change = of("change");

const SCOPE = { scope: ["host", "vm"] } as const;
const BY_VM = { ...SCOPE, by: ["host", "vm"] } as const;
const NOTABLE = { severity: ["warning", "critical"] } as const;

export function anomalies(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "anomalies",
			description: "What was judged abnormal, by which feature, in which files; and what triggers fired.",
			from: "now-7d",
			refresh: "1m",
			variables: MACHINE_VARIABLES,
			marks: VM_MARKS,
			rows: [
				{
					height: 9,
					panels: [
						table({
							id: 1,
							title: "Firing alerts, and what to do first",
							about: "What stands now. Do what the last column says, worst first. Empty is good.",
							span: 24,
							last: "5m",
							empty: "No alert fires",
							source: alert,
							where: SCOPE,
							only: { of: alert.last("firing"), is: 1 },
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 100 },
								{ of: "vm", title: "VM", width: 130 },
								{ of: "host", title: "Host", width: 110 },
								{ of: "cause", title: "Cause", width: 130 },
								{ of: alert.last("score"), title: "Score", decimals: 2, width: 80 },
								{ of: alert.last("count"), title: "Changesets", width: 100 },
								{ of: alert.last("file_count"), title: "Files", width: 80 },
								{ of: alert.last("summary"), title: "What happened", wrap: true },
								{ of: alert.last("files"), title: "Worst files", wrap: true },
								{ of: alert.last("mitigation"), title: "What to do first", wrap: true },
							],
							sort: "Score",
						}),
					],
				},
				{
					title: "Anomalies",
					height: 10,
					panels: [
						chart({
							id: 10,
							title: "Score",
							about:
								"How far each changeset lies from its VM's own past. Lone points are events; a band that stays high is a VM whose habits changed: its baseline follows within days.",
							span: 12,
							of: lines(anomaly, [anomaly.max("score")], BY_VM),
							draw: "points",
							step: "1m",
							max: 1,
							steps: SCORE_STEPS,
						}),
						table({
							id: 11,
							title: "Abnormal changesets",
							about:
								"The feature that lay furthest off and the files that explain it. Compare with what was planned; what nobody planned wants `umbra changes`.",
							span: 12,
							empty: "Nothing abnormal",
							source: anomaly,
							where: { ...SCOPE, tags: NOTABLE },
							records: 500,
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 100 },
								{ of: "vm", title: "VM", width: 120 },
								{ of: "host", title: "Host", width: 100 },
								{ of: anomaly.value("score"), title: "Score", decimals: 2, steps: SCORE_STEPS, width: 80 },
								{ of: anomaly.value("feature"), title: "Feature", width: 150 },
								{ of: anomaly.value("deviation"), title: "Deviations", decimals: 1, width: 100 },
								{ of: anomaly.value("file_count"), title: "Files", width: 80 },
								{ of: anomaly.value("files"), title: "Files that explain it", wrap: true },
							],
						}),
					],
				},
				{
					title: "Triggers",
					height: 10,
					panels: [
						chart({
							id: 20,
							title: "Triggers fired",
							about:
								"How often each fired, per bar. One that fires on many VMs at once is an update, or an attack on all of them.",
							span: 8,
							of: lines(trigger, [trigger.sum("count", "fired")], { ...SCOPE, by: ["trigger"] }),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						table({
							id: 21,
							title: "Triggers",
							about:
								"What fired, on which files. Of severity info are those that a package update explains; they raise no alert and stay on record.",
							span: 16,
							empty: "No trigger fired",
							source: trigger,
							where: SCOPE,
							records: 500,
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 100 },
								{ of: "trigger", title: "Trigger", width: 130 },
								{ of: "vm", title: "VM", width: 120 },
								{ of: "host", title: "Host", width: 100 },
								{ of: trigger.value("file_count"), title: "Files", width: 80 },
								{ of: trigger.value("summary"), title: "What happened", wrap: true },
								{ of: trigger.value("files"), title: "Worst files", wrap: true },
							],
						}),
					],
				},
				{
					title: "What was looked at",
					height: 8,
					panels: [
						chart({
							id: 30,
							title: "Documents",
							about:
								"Existing documents rewritten or deleted a minute, and documents turned into random content. The last is never ordinary.",
							span: 8,
							of: lines(
								change,
								[
									change.max("documents_rewritten_per_minute", "rewritten"),
									change.max("documents_deleted_per_minute", "deleted"),
								],
								BY_VM,
							),
							step: "1m",
						}),
						chart({
							id: 31,
							title: "Documents lost, foreign extensions",
							about:
								"Documents turned into random content or a foreign ending, and renames to endings that the file never had. Anything but 0: look now.",
							span: 8,
							of: lines(
								change,
								[change.sum("documents_lost", "documents lost"), change.sum("extension_changes", "foreign extensions")],
								BY_VM,
							),
							draw: "bars",
							step: "1m",
						}),
						chart({
							id: 32,
							title: "System files and programs",
							about:
								"Critical system files touched, and programs and libraries written a minute. Together with a package update they are one; alone they are not.",
							span: 8,
							of: lines(
								change,
								[
									change.max("system_files_touched", "system files"),
									change.max("executables_touched_per_minute", "programs a minute"),
								],
								BY_VM,
							),
							draw: "bars",
							step: "1m",
						}),
						chart({
							id: 33,
							title: "Random-looking writes",
							about:
								"What was written to files and looks random, a minute. Backups and media do it too; with documents lost it is encryption.",
							span: 8,
							of: lines(change, [change.max("high_entropy_bytes_per_minute", "random-looking")], BY_VM),
							step: "1m",
						}),
						chart({
							id: 34,
							title: "Logs",
							about: "Growth of the log that grew most. A cliff up: a program fails over and over.",
							span: 8,
							of: lines(change, [change.max("largest_log_growth_per_minute", "largest growth")], BY_VM),
							step: "1m",
						}),
						table({
							id: 35,
							title: "Alerts in this time range",
							about: "All alerts with what they were last, resolved ones too.",
							span: 8,
							empty: "No alert was raised",
							source: alert,
							where: SCOPE,
							cells: [
								{ of: alert.last("firing"), title: "State", mappings: FIRING, width: 90 },
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 90 },
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: "cause", title: "Cause" },
							],
							sort: "State",
						}),
					],
				},
			],
		},
		settings,
	);
}
