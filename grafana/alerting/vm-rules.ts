/**
 * Rules about VMs. They follow `alert`, which says what stands until the collector itself resolves it: one alert a cause, however
 * many changesets it spans, and none for an anomaly that a trigger explains.
 */
import { of } from "../influxql.ts";
import { PANELS } from "../panel-ids.ts";
import type { GrafanaSettings, Severity } from "../settings.ts";
import type { Rule } from "./rule.ts";
import { byLabel, label, withNumber } from "./text.ts";

/** Firing alerts are written each minute: this long after the last one is an alert over at the latest. */
const ALERT_WINDOW_SECONDS = 300;
/** Causes with rules of their own; all others are triggers. */
const OTHER_CAUSES = ["anomaly", "vault-damage"] as const;
const alert = of("alert");
const prediction = of("prediction");
const forecast = of("forecast");

const FILES = { dashboard: "vm", id: PANELS.vm.hotFiles, title: "Files that changed most" } as const;
const ALERT_TABLE = { dashboard: "vm", id: PANELS.vm.alerts } as const;

export function vmRules(): Rule[] {
	return (["critical", "warning"] as const).flatMap((severity) => [
		anomaly(severity),
		trigger(severity),
		vaultDamage(severity),
		predictedFailure(severity),
	]);
}

const STANDING = {
	pending: "0s",
	// No alert is the ordinary state. Where the collector itself is gone, that has a rule of its own.
	noData: "OK",
	onError: "KeepLast",
	windowSeconds: ALERT_WINDOW_SECONDS,
	fires: { type: "gt", limit: 0 },
} as const satisfies Partial<Rule>;

function anomaly(severity: Severity): Rule {
	const question = { tags: { cause: "anomaly", severity }, by: ["host", "vm", "cause"] } as const;
	return {
		...STANDING,
		uid: `umbra-anomaly-${severity}`,
		title: `Anomaly (${severity})`,
		severity,
		team: "vms",
		query: alert.summary([alert.last("firing")], question),
		numbers: [
			alert.summary([alert.last("firing"), alert.last("score")], question),
			alert.summary([alert.last("firing"), alert.last("file_count")], question),
		],
		labels: question.by,
		summary: `${label("vm")}: its disks change as they never did`,
		description: `A changeset of ${label("vm")} on ${label("host")} lies far from this VM's own past, and no trigger explains it.${withNumber("E", "decimal", " Score # of 1.")}${withNumber("G", "count", " # files explain it.")}`,
		mitigation:
			"Compare with what was planned for it (deployments, backups, migrations). If nothing was, look at the files below, and treat it as broken into until that is ruled out.",
		panel: ALERT_TABLE,
		files: FILES,
	};
}

const TRIGGER_MITIGATIONS = {
	"mass-rewrite":
		"Cut it off the network and pause it now: every minute costs more files. Do not power it off, its memory may hold the key.",
	"critical-file":
		"Find out whether this change was planned. If nobody knows of it, treat the VM as broken into: cut it off the network and keep it running for evidence.",
	"log-growth":
		"Read the end of the log: a program fails over and over, or someone is being locked out. Stop its source or rotate the log before the volume is full.",
	"log-cleared":
		"Ask who cleared it. If nobody did, treat the VM as broken into; the log as it was is in the point before.",
} as const;

function trigger(severity: Severity): Rule {
	const question = { tags: { severity }, not: { cause: OTHER_CAUSES }, by: ["host", "vm", "cause"] } as const;
	return {
		...STANDING,
		uid: `umbra-trigger-${severity}`,
		title: `Trigger (${severity})`,
		severity,
		team: "vms",
		query: alert.summary([alert.last("firing")], question),
		numbers: [
			alert.summary([alert.last("firing"), alert.last("score")], question),
			alert.summary([alert.last("firing"), alert.last("file_count")], question),
		],
		labels: question.by,
		summary: `${label("vm")}: ${label("cause")}`,
		description: `The trigger ${label("cause")} fired on ${label("vm")} on ${label("host")}.${withNumber("E", "decimal", " Score # of 1.")}${withNumber("G", "count", " # files are concerned.")}`,
		mitigation: byLabel(
			"cause",
			TRIGGER_MITIGATIONS,
			"Read the alert's own advice in the dashboard, and compare with what was planned for this VM.",
		),
		panel: ALERT_TABLE,
		files: FILES,
	};
}

function vaultDamage(severity: Severity): Rule {
	const question = { tags: { cause: "vault-damage", severity }, by: ["host", "vm", "cause"] } as const;
	return {
		...STANDING,
		uid: `umbra-vault-damage-${severity}`,
		title: `Vault damage (${severity})`,
		severity,
		team: "umbra",
		query: alert.summary([alert.last("firing")], question),
		labels: question.by,
		summary: `${label("vm")}: points of it cannot be restored whole`,
		description: `The collector's vault cannot give back something that ${severity === "critical" ? `the newest point of ${label("vm")} needs` : `older points of ${label("vm")} need`}.`,
		mitigation:
			"Delete nothing, and restart nothing. `umbra vault damage` says what is hit; agents bring back by themselves what their VMs still have. Look at the disk below the vault: dmesg, smartctl. docs/operations.md has all steps.",
		panel: ALERT_TABLE,
	};
}

function predictedFailure(severity: Severity): Rule {
	const question = { tags: { severity }, by: ["host", "vm", "failure"] } as const;
	return {
		...STANDING,
		uid: `umbra-predicted-failure-${severity}`,
		title: `Predicted failure (${severity})`,
		severity,
		team: "vms",
		// Written when it changes and each minute while it stands.
		query: prediction.summary([prediction.last("active")], question),
		numbers: [
			prediction.summary([prediction.last("active"), prediction.last("probability")], question),
			prediction.summary([prediction.last("active"), prediction.last("confidence")], question),
			prediction.summary([prediction.last("active"), prediction.last("hours_to_failure")], question),
		],
		labels: question.by,
		summary: `${label("vm")}: at risk of ${label("failure")}`,
		description: `${label("vm")} on ${label("host")} behaves as its shadows did before they failed by ${label("failure")}.${withNumber("E", "share", " Probability #.")}${withNumber("G", "share", " Confidence #.")}${withNumber("I", "hours", " Expected in #.")}`,
		mitigation:
			"The dashboard's table of predictions has the evidence and what to do first. Take a point now (`umbra capture`), and move load away or restart in a window of your choice rather than in the failure's.",
		panel: { dashboard: "vm", id: PANELS.vm.predictions },
	};
}

/** What comes by a date: failures that are near, disks that fill up. */
export function horizonRules({ thresholds }: GrafanaSettings): Rule[] {
	const near = { by: ["host", "vm", "failure"] } as const;
	const volume = { by: ["host", "vm", "disk", "volume"] } as const;
	const full = (severity: Severity, days: number): Rule => ({
		uid: `umbra-days-to-full-${severity}`,
		title: `Filesystem full soon (${severity})`,
		severity,
		team: "capacity",
		pending: "10m",
		// Written once an hour: that nothing comes is no news of the filesystem.
		noData: "KeepLast",
		onError: "KeepLast",
		query: forecast.summary([forecast.last("days_to_full")], volume),
		windowSeconds: 3 * 3600,
		fires: { type: "lt", limit: days, recovers: Number((days * 1.2).toPrecision(6)) },
		labels: volume.by,
		summary: `${label("vm")}: ${label("disk")} ${label("volume")} is full${withNumber("B", "days", " in #")}`,
		description: `By how it grew so far, volume ${label("volume")} on ${label("disk")} of ${label("vm")} is full${withNumber("B", "days", " in #")}.`,
		mitigation:
			"Find out what grows: the table of files that changed most, and log-growth alerts. Then delete, rotate or move it, or enlarge the disk.",
		panel: { dashboard: "capacity", id: PANELS.capacity.soonest },
		files: FILES,
	});
	return [
		{
			...STANDING,
			uid: "umbra-failure-near",
			title: "Predicted failure is near",
			severity: "critical",
			team: "vms",
			query: prediction.summary([prediction.last("hours_to_failure")], { ...near, atLeast: { active: 1 } }),
			fires: { type: "lt", limit: thresholds.hoursToFailure },
			labels: near.by,
			summary: `${label("vm")}: ${label("failure")} expected${withNumber("B", "hours", " in #")}`,
			description: `${label("vm")} on ${label("host")} is expected to fail by ${label("failure")}${withNumber("B", "hours", " in #")}.`,
			mitigation:
				"Take a point now (`umbra capture`). Follow the prediction's own advice in the dashboard, and have someone who may restart or move the VM at hand.",
			panel: { dashboard: "vm", id: PANELS.vm.predictions },
		},
		full("critical", thresholds.daysToFull.critical),
		full("warning", thresholds.daysToFull.warning),
	];
}
