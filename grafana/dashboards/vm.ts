/** All that is known of one VM, or of several beside one another. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, type Row, VM_MARKS, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import {
	DAYS_STEPS,
	FAILING,
	FIRING,
	LATE_STEPS,
	OUTCOME,
	PERCENT_STEPS,
	SCORE_STEPS,
	SEVERITY,
	VM_STATE,
} from "../mappings.ts";
import { PANELS } from "../panel-ids.ts";
import { chart, lines, number, table, timeline } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const vm = of("vm");
const vcpu = of("vm_vcpu");
const disk = of("vm_disk");
const nic = of("vm_nic");
const state = of("collector_vm");
const change = of("change");
const hot = of("file_hot");
const anomaly = of("anomaly");
const alert = of("alert");
const prediction = of("prediction");
const forecast = of("forecast");
const volume = of("vm_volume");
const trial = of("trial");

const SCOPE = { scope: ["host", "vm"] } as const;
const BY_VM = { ...SCOPE, by: ["host", "vm"] } as const;
const DISK_SCOPE = { scope: ["host", "vm", "disk"] } as const;
const BY_DISK = { ...DISK_SCOPE, by: ["host", "vm", "disk"] } as const;
const BY_NIC = { ...SCOPE, by: ["host", "vm", "nic"] } as const;
const HOT_FILES = 2000;

export function vmDetail(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "vm",
			description: "One VM: what is wrong, what changed, how it behaves, where it leads.",
			from: "now-6h",
			refresh: "30s",
			variables: { ...MACHINE_VARIABLES, disk: variable("disk", disk.tagValues("disk", SCOPE)) },
			marks: VM_MARKS,
			rows: [now(), wrong(), changed(), behaves(), storage(), leads()],
		},
		settings,
	);
}

function now(): Row {
	const figure = { span: 4, last: "5m", source: state, question: BY_VM } as const;
	return {
		height: 4,
		panels: [
			number({
				...figure,
				id: 1,
				title: "Risk",
				about: "The greatest of its anomaly score, alerts and predictions. From 0.7 on read the tables below.",
				column: state.last("risk"),
				steps: SCORE_STEPS,
			}),
			number({
				...figure,
				id: 2,
				title: "Alerts",
				about: "Alerts that stand on it. The table below says what to do first about each.",
				column: state.last("firing_alerts"),
				steps: [[1, "red"]],
				decimals: 0,
			}),
			number({
				...figure,
				id: 3,
				title: "Newest point",
				about: "How old the state is that a restore would bring back now.",
				column: state.last("point_age_seconds"),
			}),
			number({
				...figure,
				id: 4,
				title: "Late by",
				about:
					"How much older than its schedule allows that is. 0 is in time, or paused. Else `umbra vms` says why captures fail.",
				column: state.last("capture_late_seconds"),
				steps: LATE_STEPS,
			}),
			number({
				...figure,
				id: 5,
				title: "Points",
				about: "States that can be restored: `umbra points` lists them.",
				column: state.last("points"),
				decimals: 0,
			}),
			timeline({
				id: 6,
				title: "State",
				about:
					"What the hypervisor says it does. Crashed or paused without being asked: look at the host and its disks.",
				span: 4,
				of: lines(vm, [vm.last("state")], BY_VM),
				mappings: VM_STATE,
			}),
		],
	};
}

function wrong(): Row {
	return {
		title: "What is wrong",
		height: 9,
		panels: [
			table({
				id: PANELS.vm.alerts,
				title: "Alerts, and what to do first",
				about:
					"Every alert of the time range as it was last. Firing ones first: do what the last column says, in this order.",
				span: 14,
				empty: "No alert in this time range",
				source: alert,
				where: SCOPE,
				cells: [
					{ of: alert.last("firing"), title: "State", mappings: FIRING, width: 90 },
					{ of: "severity", title: "Severity", mappings: SEVERITY, width: 90 },
					{ of: "cause", title: "Cause", width: 120 },
					{ of: "vm", title: "VM", width: 120 },
					{ of: "host", title: "Host", width: 100 },
					{ of: alert.last("score"), title: "Score", decimals: 2, width: 70 },
					{ of: alert.last("file_count"), title: "Files", width: 70 },
					{ of: alert.last("summary"), title: "What happened", wrap: true },
					{ of: alert.last("files"), title: "Worst files", wrap: true },
					{ of: alert.last("mitigation"), title: "What to do first", wrap: true },
				],
				sort: "State",
			}),
			table({
				id: PANELS.vm.predictions,
				title: "Predicted failures",
				about:
					"Failures that its shadows had, and whose lead-up its telemetry resembles now. Confidence says how far to believe it.",
				span: 10,
				empty: "No failure is predicted",
				source: prediction,
				where: SCOPE,
				only: { of: prediction.last("active"), is: 1 },
				cells: [
					{ of: "severity", title: "Severity", mappings: SEVERITY, width: 90 },
					{ of: "failure", title: "Failure", width: 110 },
					{ of: "vm", title: "VM", width: 110 },
					{ of: "host", title: "Host", width: 100 },
					{ of: prediction.last("probability"), title: "Probability", steps: SCORE_STEPS, width: 90 },
					{ of: prediction.last("confidence"), title: "Confidence", width: 90 },
					{ of: prediction.last("hours_to_failure"), title: "Expected in", width: 100 },
					{ of: prediction.last("evidence"), title: "Evidence", wrap: true },
					{ of: prediction.last("mitigation"), title: "What to do first", wrap: true },
				],
				sort: "Probability",
			}),
		],
	};
}

function changed(): Row {
	return {
		title: "What changed",
		height: 9,
		panels: [
			chart({
				id: 30,
				title: "Change",
				about:
					"Bytes of disk blocks whose content changed, a minute, capture by capture. A step up with a red or orange mark has a culprit in the table of files.",
				span: 8,
				of: lines(change, [change.max("rate_bytes_per_minute", "changed")], BY_VM),
				draw: "bars",
				step: "1m",
			}),
			chart({
				id: 31,
				title: "Files a minute",
				about:
					"Files created, modified, renamed and deleted. Many renames or deletions at once, together with high entropy, are how ransomware looks.",
				span: 8,
				of: lines(
					change,
					[
						change.max("files_modified_per_minute", "modified"),
						change.max("files_created_per_minute", "created"),
						change.max("files_renamed_per_minute", "renamed"),
						change.max("files_deleted_per_minute", "deleted"),
					],
					BY_VM,
				),
				step: "1m",
			}),
			chart({
				id: 32,
				title: "Entropy of what was written",
				about:
					"8 bits a byte is random: encrypted or packed. Alone it says little; a rise in existing documents says much.",
				span: 8,
				of: lines(
					change,
					[change.max("entropy_after", "written"), change.max("entropy_rise", "rise of rewritten files")],
					BY_VM,
				),
				draw: "points",
				step: "1m",
				max: 8,
			}),
			chart({
				id: 33,
				title: "Anomaly score",
				about:
					"How far a changeset lies from this VM's own past. From 0.7 on it is a warning, from 0.9 on critical; 0 while it still learns (20 captures).",
				span: 8,
				of: lines(anomaly, [anomaly.max("score")], BY_VM),
				draw: "points",
				step: "1m",
				max: 1,
				steps: SCORE_STEPS,
			}),
			table({
				id: PANELS.vm.hotFiles,
				title: "Files that changed most",
				about:
					"The files that most bytes of which changed, added up over the time range, of those that were among the 20 of a capture. A log on top is ordinary; a database on top of a quiet VM is not.",
				span: 16,
				source: hot,
				where: DISK_SCOPE,
				records: HOT_FILES,
				cells: [
					{ of: "vm", title: "VM", width: 110 },
					{ of: "host", title: "Host", width: 100 },
					{ of: "disk", title: "Disk", width: 70 },
					{ of: hot.value("path"), title: "File" },
					{ of: hot.value("owner"), title: "Owner", width: 100 },
					{ of: hot.value("change"), title: "Last change", width: 110 },
					{ of: hot.value("changed_bytes"), title: "Changed", width: 110 },
				],
				group: { by: ["host", "vm", "disk", "path"], sum: ["changed_bytes"], last: ["owner", "change"] },
				sort: "Changed",
				rows: 50,
			}),
		],
	};
}

function behaves(): Row {
	return {
		title: "How it behaves",
		height: 8,
		panels: [
			chart({
				id: 40,
				title: "Processor",
				about:
					"Time that its vCPUs ran, and time that they could have run but waited for a processor of the host (steal). Steal that lasts: the host has too many VMs.",
				span: 8,
				of: lines(vm, [vm.mean("cpu_usage_percent", "used"), vm.mean("cpu_steal_percent", "stolen")], BY_VM),
				max: 100,
			}),
			chart({
				id: 41,
				title: "Memory used",
				about:
					"What the guest cannot give back. It needs a balloon with statistics; without one nothing shows. Near 100 % with swapping the guest slows down, then kills programs.",
				span: 8,
				of: lines(vm, [vm.mean("memory_used_percent", "used")], BY_VM),
				max: 100,
				steps: PERCENT_STEPS,
				empty: "No balloon statistics",
			}),
			chart({
				id: 42,
				title: "Waiting for a processor, vCPU by vCPU",
				about: "Time a second that a vCPU could have run but did not. One vCPU alone: something is pinned badly.",
				span: 8,
				of: lines(vcpu, [vcpu.rate("delay", "waits")], { ...SCOPE, by: ["host", "vm", "vcpu"] }),
			}),
			chart({
				id: 43,
				title: "Disk throughput",
				about: "Bytes read and written a second, disk by disk, as the hypervisor counts.",
				span: 8,
				of: lines(disk, [disk.rate("rd_bytes", "read"), disk.rate("wr_bytes", "written")], BY_DISK),
			}),
			chart({
				id: 44,
				title: "Disk requests",
				about: "Requests finished a second. Many small ones without throughput: a program that syncs too often.",
				span: 8,
				of: lines(
					disk,
					[disk.rate("rd_reqs", "reads"), disk.rate("wr_reqs", "writes"), disk.rate("fl_reqs", "flushes")],
					BY_DISK,
				),
				unit: "iops",
			}),
			chart({
				id: 45,
				title: "Time in disk requests",
				about:
					"Time that requests took, summed, a second: 1 s is one request under way all the time. A rise without more requests: the storage below got slower.",
				span: 8,
				of: lines(disk, [disk.rate("rd_times", "reads"), disk.rate("wr_times", "writes")], BY_DISK),
			}),
			chart({
				id: 46,
				title: "Network",
				about:
					"Bytes a second as the guest sees them. A lasting flow out after an anomaly: cut it off first, then look.",
				span: 8,
				of: lines(nic, [nic.rate("rx_bytes", "received"), nic.rate("tx_bytes", "sent")], BY_NIC),
			}),
			chart({
				id: 47,
				title: "Network errors and drops",
				about: "Packets a second with an error, or dropped. Drops on the way in: the guest does not keep up.",
				span: 8,
				of: lines(
					nic,
					[
						nic.rate("rx_errs", "errors in"),
						nic.rate("tx_errs", "errors out"),
						nic.rate("rx_drop", "drops in"),
						nic.rate("tx_drop", "drops out"),
					],
					BY_NIC,
				),
				unit: "pps",
			}),
			chart({
				id: 48,
				title: "Disk errors",
				about: "Requests that failed, a second. Anything but 0: look at the host's storage now.",
				span: 8,
				of: lines(disk, [disk.rate("errors", "errors")], BY_DISK),
				unit: "cps",
			}),
		],
	};
}

function storage(): Row {
	return {
		title: "Where it leads",
		height: 8,
		panels: [
			chart({
				id: 60,
				title: "Filesystems",
				about: "How full its filesystems are. A slope is told in days beside; a step has a file in the table above.",
				span: 10,
				of: lines(volume, [volume.last("used_percent")], { ...DISK_SCOPE, by: ["host", "vm", "disk", "volume"] }),
				max: 100,
				step: "1m",
				steps: PERCENT_STEPS,
			}),
			table({
				id: 61,
				title: "Forecast",
				about:
					"When each filesystem is full at the rate at which it grew so far; early and late are the ends of the 80 % interval. Far apart: do not plan by it yet.",
				span: 14,
				last: "6h",
				source: forecast,
				where: DISK_SCOPE,
				cells: [
					{ of: "vm", title: "VM", width: 110 },
					{ of: "host", title: "Host", width: 100 },
					{ of: "disk", title: "Disk", width: 70 },
					{ of: "volume", title: "Volume", width: 90 },
					{ of: forecast.last("used_bytes"), title: "Used" },
					{ of: forecast.last("size_bytes"), title: "Size" },
					{ of: forecast.last("growth_bytes_per_day"), title: "Grows by" },
					{ of: forecast.last("days_to_full"), title: "Full in", steps: DAYS_STEPS },
					{ of: forecast.last("days_to_full_low"), title: "Early" },
					{ of: forecast.last("days_to_full_high"), title: "Late" },
				],
				sort: "Full in",
				ascending: true,
			}),
		],
	};
}

function leads(): Row {
	return {
		title: "What its shadows went through, and its captures",
		height: 8,
		panels: [
			table({
				id: 70,
				title: "Trials",
				about:
					"What its shadow VMs were put through. A failure under mild stress is one that production may have: see its signature.",
				span: 12,
				empty: "No trial in this time range",
				elsewhere: true,
				source: trial,
				where: { scope: ["vm"] },
				records: 200,
				cells: [
					{ of: "outcome", title: "Outcome", mappings: OUTCOME, width: 100 },
					{ of: "failure", title: "Failure", width: 100 },
					{ of: "vm", title: "VM", width: 110 },
					{ of: "host", title: "Ran on", width: 100 },
					{ of: trial.value("profile"), title: "Stress" },
					{ of: trial.value("signature"), title: "Signature" },
					{ of: trial.value("time_to_failure_seconds"), title: "Failed after", width: 110 },
				],
			}),
			chart({
				id: 71,
				title: "What captures cost the guest",
				about:
					"How long captures took, and how long the guest stood still for them. A pause of more than some milliseconds: several disks, or a slow host.",
				span: 6,
				of: lines(change, [change.max("capture_ms", "capture"), change.max("pause_ms", "pause")], BY_VM),
				draw: "points",
				step: "1m",
			}),
			table({
				id: 72,
				title: "Captures",
				about: "Whether its last capture failed. `umbra vms` has the reason.",
				span: 6,
				last: "5m",
				source: state,
				where: SCOPE,
				cells: [
					{ of: "vm", title: "VM" },
					{ of: "host", title: "Host" },
					{ of: state.last("capture_failing"), title: "Last capture", mappings: FAILING },
				],
			}),
		],
	};
}
