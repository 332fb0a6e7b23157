/** Which VMs are at risk of what. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, VM_MARKS } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { SCORE_STEPS, SEVERITY } from "../mappings.ts";
import { chart, lines, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const prediction = of("prediction");
const vms = of("collector_vm");

const SCOPE = { scope: ["host", "vm"] } as const;
const BY_VM = { ...SCOPE, by: ["host", "vm"] } as const;
const BY_FAILURE = { ...SCOPE, by: ["host", "vm", "failure"] } as const;

export function predictions(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "predictions",
			description: "Which VMs are at risk of which failure, how sure that is, when, and what to do first.",
			from: "now-7d",
			refresh: "1m",
			variables: MACHINE_VARIABLES,
			marks: VM_MARKS,
			rows: [
				{
					height: 11,
					panels: [
						table({
							id: 1,
							title: "Predicted failures, and what to do first",
							about:
								"What stands now, most probable first. Evidence says what in the telemetry resembles a shadow's lead-up to its failure; low confidence means few trials or a weak likeness.",
							span: 24,
							last: "5m",
							empty: "No failure is predicted",
							source: prediction,
							where: SCOPE,
							only: { of: prediction.last("active"), is: 1 },
							cells: [
								{ of: "severity", title: "Severity", mappings: SEVERITY, width: 100 },
								{ of: "vm", title: "VM", width: 130 },
								{ of: "host", title: "Host", width: 110 },
								{ of: "failure", title: "Failure", width: 110 },
								{ of: prediction.last("probability"), title: "Probability", steps: SCORE_STEPS, width: 100 },
								{ of: prediction.last("confidence"), title: "Confidence", width: 100 },
								{ of: prediction.last("hours_to_failure"), title: "Expected in", width: 110 },
								{ of: prediction.last("hours_to_failure_low"), title: "Early", width: 90 },
								{ of: prediction.last("hours_to_failure_high"), title: "Late", width: 90 },
								{ of: prediction.last("signature"), title: "Signature", wrap: true },
								{ of: prediction.last("evidence"), title: "Evidence", wrap: true },
								{ of: prediction.last("mitigation"), title: "What to do first", wrap: true },
							],
							sort: "Probability",
						}),
					],
				},
				{
					title: "How it came",
					height: 9,
					panels: [
						chart({
							id: 10,
							title: "Risk",
							about:
								"The greatest of a VM's anomaly score, alerts and predictions. A slow climb is wear; a jump is an event, mostly with a mark.",
							span: 12,
							of: lines(vms, [vms.max("risk")], BY_VM),
							max: 1,
							steps: SCORE_STEPS,
						}),
						chart({
							id: 11,
							title: "Probability",
							about: "How probable each failure was held to be. It falls back to nothing when it was taken back.",
							span: 12,
							of: lines(prediction, [prediction.max("probability")], { ...BY_FAILURE, atLeast: { active: 1 } }),
							max: 1,
							step: "1m",
						}),
						chart({
							id: 12,
							title: "Hours to failure",
							about: "When each is expected. A line that falls an hour an hour is a prediction that holds.",
							span: 12,
							of: lines(prediction, [prediction.min("hours_to_failure")], { ...BY_FAILURE, atLeast: { active: 1 } }),
							step: "1m",
						}),
						chart({
							id: 13,
							title: "Confidence",
							about: "How far each is to be believed. It rises with trials: `umbra explore VM` runs more.",
							span: 12,
							of: lines(prediction, [prediction.max("confidence")], { ...BY_FAILURE, atLeast: { active: 1 } }),
							max: 1,
							step: "1m",
						}),
					],
				},
			],
		},
		settings,
	);
}
