/** The wall: what needs a person now, worst first, in letters that are read from the other end of the room. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, VM_MARKS } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { overviewLink } from "../links.ts";
import { CONNECTED, DAYS_STEPS, FIRING, LATE_STEPS, SCORE_STEPS, SEVERITY } from "../mappings.ts";
import { PANELS } from "../panel-ids.ts";
import { chart, lines, number, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const collector = of("collector");
const agents = of("collector_agent");
const vms = of("collector_vm");
const change = of("change");
const alert = of("alert");
const forecast = of("forecast");
const prediction = of("prediction");

const SCOPE = { scope: ["host", "vm"] } as const;

export function fleet(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "fleet",
			description: "What needs a person now, worst first. Made for a screen on the wall.",
			from: "now-6h",
			refresh: "30s",
			variables: MACHINE_VARIABLES,
			marks: VM_MARKS,
			rows: [
				{
					height: 5,
					panels: [
						number({
							id: 1,
							title: "Alerts firing",
							about:
								"Alerts that stand, over all VMs. Anything but 0 wants a look: the table below names cause and VM, and says what to do first.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.last("alerts_firing"),
							question: {},
							steps: [[1, "red"]],
							decimals: 0,
							link: overviewLink("anomalies"),
						}),
						number({
							id: 2,
							title: "Highest risk",
							about:
								"The worst VM's risk: the greatest of its anomaly score, its alerts and its predictions. From 0.7 on look at the VM on top of the table.",
							span: 4,
							last: "5m",
							source: vms,
							column: vms.max("risk"),
							question: SCOPE,
							steps: SCORE_STEPS,
							link: overviewLink("predictions"),
						}),
						number({
							id: 3,
							title: "Agents silent",
							about:
								"Agents that the collector knows and does not hear of. Their VMs are not watched: see which below, and whether their hosts are up.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.difference("agents", "agents_connected", "silent"),
							question: {},
							steps: [[1, "red"]],
							decimals: 0,
							link: overviewLink("self"),
						}),
						number({
							id: 4,
							title: "Furthest behind schedule",
							about:
								"How far the VM that is furthest behind its schedule is behind it. A restore would lose that much more than was agreed.",
							span: 4,
							last: "5m",
							source: vms,
							column: vms.max("capture_late_seconds"),
							question: SCOPE,
							steps: LATE_STEPS,
							link: overviewLink("self"),
						}),
						number({
							id: 5,
							title: "Changed in a day",
							about:
								"Bytes of disk blocks whose content changed in 24 hours, all chosen VMs together. What a day of captures costs; a jump has a cause.",
							span: 4,
							last: "24h",
							source: change,
							column: change.sum("changed_bytes"),
							question: SCOPE,
							link: overviewLink("changes"),
						}),
						number({
							id: 6,
							title: "First filesystem full in",
							about:
								"When the first filesystem is full at the rate at which it grew so far. Below 14 days plan, below 3 act: the table below says which.",
							span: 4,
							last: "6h",
							source: forecast,
							column: forecast.min("days_to_full"),
							question: SCOPE,
							steps: DAYS_STEPS,
							link: overviewLink("capacity"),
						}),
					],
				},
				{
					height: 12,
					panels: [
						table({
							id: PANELS.fleet.risk,
							title: "VMs at risk, worst first",
							about:
								"Risk is the greatest of a VM's anomaly score, alerts and predictions. Begin at the top: the VM's name leads to all that is known of it.",
							span: 11,
							last: "5m",
							large: true,
							source: vms,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: vms.last("risk"), title: "Risk", decimals: 2, steps: SCORE_STEPS, width: 110 },
								{ of: vms.last("firing_alerts"), title: "Alerts", steps: [[1, "red"]], width: 90 },
								{ of: vms.last("capture_late_seconds"), title: "Late by", steps: LATE_STEPS, width: 110 },
								{ of: vms.last("point_age_seconds"), title: "Newest point", width: 140 },
							],
							sort: "Risk",
							rows: 12,
						}),
						table({
							id: 11,
							title: "Firing alerts",
							about:
								"What stands now, with what happened. The VM's dashboard has the files and what to do first. Empty is good.",
							span: 13,
							last: "5m",
							large: true,
							empty: "No alert fires",
							source: alert,
							where: SCOPE,
							only: { of: alert.last("firing"), is: 1 },
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 110 },
								{ of: "vm", title: "VM", width: 160 },
								{ of: "host", title: "Host", width: 120 },
								{ of: "cause", title: "Cause", width: 150 },
								{ of: alert.last("score"), title: "Score", decimals: 2, width: 90 },
								{ of: alert.last("summary"), title: "What happened", wrap: true },
							],
							sort: "Score",
							rows: 12,
						}),
					],
				},
				{
					height: 9,
					panels: [
						chart({
							id: 20,
							title: "Change, VM by VM",
							about:
								"Bytes of disk blocks whose content changed, per bar. A bar much higher than its neighbours is a backup, an update, or something that nobody planned: open the VM.",
							span: 12,
							of: lines(change, [change.sum("changed_bytes", "changed")], { ...SCOPE, by: ["host", "vm"] }),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						table({
							id: 21,
							title: "Agents",
							about:
								"Longest silent first. A silent agent watches nothing: is its host up, is it reached, does it run (`systemctl status umbra-agent`)?",
							span: 6,
							last: "5m",
							source: agents,
							where: { scope: ["host"] },
							cells: [
								{ of: "host", title: "Host" },
								{ of: agents.last("connected"), title: "State", mappings: CONNECTED, width: 100 },
								{ of: agents.last("silent_seconds"), title: "Silent for", width: 110 },
								{ of: agents.last("spool_used_percent"), title: "Spool", bar: 100, width: 110 },
							],
							sort: "Silent for",
						}),
						table({
							id: 22,
							title: "Captures late",
							about:
								"Furthest behind its schedule first; 0 is in time, or paused. Failing: `umbra vms` says why its last capture failed.",
							span: 6,
							last: "5m",
							source: vms,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: vms.last("capture_late_seconds"), title: "Late by", steps: LATE_STEPS, width: 110 },
							],
							sort: "Late by",
							rows: 20,
						}),
					],
				},
				{
					height: 9,
					panels: [
						table({
							id: 30,
							title: "Soonest full",
							about:
								"Filesystems by when they are full at the rate at which they grew so far. Find what grows under the VM's name, or enlarge the disk.",
							span: 12,
							last: "6h",
							source: forecast,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: "disk", title: "Disk", width: 90 },
								{ of: "volume", title: "Volume", width: 110 },
								{ of: forecast.last("days_to_full"), title: "Full in", steps: DAYS_STEPS, width: 110 },
								{ of: forecast.last("growth_bytes_per_day"), title: "Grows by", width: 120 },
							],
							sort: "Full in",
							ascending: true,
							rows: 10,
						}),
						table({
							id: 31,
							title: "Predicted failures",
							about:
								"VMs that behave as their shadows did before they failed. The VM's dashboard says on what evidence and what to do first.",
							span: 12,
							last: "5m",
							empty: "No failure is predicted",
							source: prediction,
							where: SCOPE,
							only: { of: prediction.last("active"), is: 1 },
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 110 },
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: "failure", title: "Failure", width: 120 },
								{ of: prediction.last("probability"), title: "Probability", steps: SCORE_STEPS, width: 110 },
								{ of: prediction.last("hours_to_failure"), title: "Expected in", width: 120 },
							],
							sort: "Probability",
							rows: 10,
						}),
					],
				},
				{
					height: 7,
					panels: [
						chart({
							id: 40,
							title: "Alerts firing over time",
							about:
								"How many alerts stood at a time. A plateau is what nobody resolved; a comb is one that comes and goes.",
							span: 12,
							of: lines(collector, [collector.max("alerts_firing", "alerts")], {}),
						}),
						table({
							id: 41,
							title: "Alerts in this time range",
							about: "All alerts that were written in the time range, resolved ones too, with what they were last.",
							span: 12,
							empty: "No alert was raised",
							source: alert,
							where: SCOPE,
							cells: [
								{ of: alert.last("firing"), title: "State", mappings: FIRING, width: 100 },
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 110 },
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: "cause", title: "Cause" },
								{ of: alert.last("count"), title: "Changesets", width: 110 },
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
