/** What shadow VMs went through. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { CONTROL, OUTCOME } from "../mappings.ts";
import { chart, lines, number, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const trial = of("trial");

const SCOPE = { scope: ["host", "vm"] } as const;

export function trials(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "trials",
			description: "Shadow VMs: what they were put through, how they failed, and under which signature it was filed.",
			from: "now-7d",
			refresh: "5m",
			// A trial's host is the one that it ran on, which may have no VM of its own.
			variables: {
				host: variable("host", trial.tagValues("host", {})),
				vm: variable("vm", trial.tagValues("vm", { scope: ["host"] })),
			},
			marks: [],
			rows: [
				{
					height: 4,
					panels: [
						number({
							id: 1,
							title: "Trials ended",
							about:
								"Trials that ended in the time range. None: none is scheduled, or no host has the memory for shadows.",
							span: 6,
							source: trial,
							column: trial.sum("count"),
							question: SCOPE,
						}),
						number({
							id: 2,
							title: "Failed",
							about:
								"Trials in which the shadow failed. Not bad in itself: it is what they are for. See under which stress.",
							span: 6,
							empty: "0",
							source: trial,
							column: trial.sum("count"),
							question: { ...SCOPE, tags: { outcome: "failed" } },
							steps: [[1, "orange"]],
						}),
						number({
							id: 3,
							title: "Controls that failed",
							about:
								"Shadows without stress that failed. Anything but 0: the failure is not the stress's doing, or the host is too small. Do not trust that batch.",
							span: 6,
							empty: "0",
							source: trial,
							column: trial.sum("count"),
							question: { ...SCOPE, tags: { outcome: "failed" }, atLeast: { control: 1 } },
							steps: [[1, "red"]],
						}),
						number({
							id: 4,
							title: "Start of a shadow",
							about: "From template to running, on average. More than a second: the host is short of memory.",
							span: 6,
							source: trial,
							column: trial.mean("clone_ms"),
							question: SCOPE,
						}),
					],
				},
				{
					title: "How they ended",
					height: 9,
					panels: [
						chart({
							id: 10,
							title: "Outcomes",
							about: "Trials by how they ended, per bar. Many lost: the host gave up, not the shadow.",
							span: 8,
							of: lines(trial, [trial.sum("count")], { ...SCOPE, by: ["outcome"] }),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						chart({
							id: 11,
							title: "Failures by kind",
							about: "What they failed by. A kind that is new on a VM since its last update is worth a question.",
							span: 8,
							of: lines(trial, [trial.sum("count")], { ...SCOPE, tags: { outcome: "failed" }, by: ["failure"] }),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						chart({
							id: 12,
							title: "Time to failure",
							about: "From the first stress to the failure. Short under mild stress: production is near it.",
							span: 8,
							of: lines(trial, [trial.min("time_to_failure_seconds")], {
								...SCOPE,
								tags: { outcome: "failed" },
								by: ["vm", "failure"],
							}),
							draw: "points",
							step: "1m",
						}),
						table({
							id: 13,
							title: "Signatures",
							about:
								"Classes of failure by how often they were met. `umbra signatures` has the evidence and the lead-up of each.",
							span: 12,
							empty: "No failure was filed",
							elsewhere: true,
							source: trial,
							where: { ...SCOPE, tags: { outcome: "failed" } },
							records: 1000,
							cells: [
								{ of: "failure", title: "Failure", width: 120 },
								{ of: trial.value("signature"), title: "Signature" },
								{ of: "vm", title: "VM", width: 140 },
								{ of: trial.value("count"), title: "Times", width: 90 },
							],
							group: { by: ["failure", "signature", "vm"], sum: ["count"] },
							sort: "Times",
							rows: 50,
						}),
						table({
							id: 14,
							title: "Stress profiles and outcomes",
							about: "Which stress breaks which VM. What survives everything needs harder stress to learn from.",
							span: 12,
							elsewhere: true,
							source: trial,
							where: SCOPE,
							records: 1000,
							cells: [
								{ of: trial.value("profile"), title: "Stress" },
								{ of: "vm", title: "VM", width: 140 },
								{ of: "outcome", title: "Outcome", mappings: OUTCOME, width: 110 },
								{ of: trial.value("count"), title: "Times", width: 90 },
							],
							group: { by: ["profile", "vm", "outcome"], sum: ["count"] },
							sort: "Times",
							rows: 50,
						}),
					],
				},
				{
					title: "Each of them",
					height: 11,
					panels: [
						table({
							id: 20,
							title: "Trials",
							about: "The newest first. `umbra trial show ID` has its console, its telemetry and what it left behind.",
							span: 24,
							elsewhere: true,
							source: trial,
							where: SCOPE,
							records: 500,
							cells: [
								{ of: "outcome", title: "Outcome", mappings: OUTCOME, width: 110 },
								{ of: "vm", title: "VM", width: 140 },
								{ of: "host", title: "Ran on", width: 120 },
								{ of: "failure", title: "Failure", width: 120 },
								{ of: trial.value("signature"), title: "Signature" },
								{ of: trial.value("profile"), title: "Stress" },
								{ of: trial.value("control"), title: "Control", mappings: CONTROL, width: 90 },
								{ of: trial.value("duration_seconds"), title: "Ran for", width: 110 },
								{ of: trial.value("time_to_failure_seconds"), title: "Failed after", width: 110 },
								{ of: trial.value("memory_bytes"), title: "Memory", width: 110 },
								{ of: trial.value("id"), title: "Id" },
							],
						}),
					],
				},
			],
		},
		settings,
	);
}
