/** Where change comes from: VMs, disks, kinds of content, files. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, VM_MARKS, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { chart, lines, number, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const change = of("change");
const changeDisk = of("change_disk");
const hot = of("file_hot");
const disk = of("vm_disk");

const SCOPE = { scope: ["host", "vm"] } as const;
const BY_VM = { ...SCOPE, by: ["host", "vm"] } as const;
const DISK_SCOPE = { scope: ["host", "vm", "disk"] } as const;
const BY_DISK = { ...DISK_SCOPE, by: ["host", "vm", "disk"] } as const;

export function changes(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "changes",
			description: "Where change comes from: VMs, disks, kinds of content, files. And where I/O is hot.",
			from: "now-24h",
			refresh: "1m",
			variables: { ...MACHINE_VARIABLES, disk: variable("disk", disk.tagValues("disk", SCOPE)) },
			marks: VM_MARKS,
			rows: [
				{
					height: 4,
					panels: [
						number({
							id: 1,
							title: "Changed",
							about: "Bytes of disk blocks whose content changed in the time range, the chosen VMs together.",
							span: 6,
							source: change,
							column: change.sum("changed_bytes"),
							question: SCOPE,
						}),
						number({
							id: 2,
							title: "Read by captures",
							about:
								"What captures had to read for it. Much more than changed: the record of changes was lost (raw disks after a restart), or programs rewrite what they had.",
							span: 6,
							source: change,
							column: change.sum("read_bytes"),
							question: SCOPE,
						}),
						number({
							id: 3,
							title: "Files changed",
							about: "Files that changed in any way, summed over captures.",
							span: 6,
							source: change,
							column: change.sum("files"),
							question: SCOPE,
						}),
						number({
							id: 4,
							title: "Longest pause",
							about:
								"The longest that a guest stood still for a capture. More than 100 ms is felt: see which VM below.",
							span: 6,
							source: change,
							column: change.max("pause_ms"),
							question: SCOPE,
							steps: [
								[100, "yellow"],
								[1000, "red"],
							],
						}),
					],
				},
				{
					title: "Change activity",
					height: 9,
					panels: [
						chart({
							id: 10,
							title: "Change by VM",
							about:
								"Bytes that changed, per bar. The same hump every night is a backup or an update; a new one has a cause in the table of files.",
							span: 12,
							of: lines(change, [change.sum("changed_bytes", "changed")], BY_VM),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						chart({
							id: 11,
							title: "What it belongs to",
							about:
								"Changed bytes by what they are. Much in free space: files that came and went. Much unknown: a filesystem that is not read, swap, or encryption.",
							span: 12,
							of: lines(
								change,
								[
									change.sum("file_bytes", "files"),
									change.sum("directory_bytes", "folders"),
									change.sum("journal_bytes", "journal"),
									change.sum("metadata_bytes", "metadata"),
									change.sum("free_bytes", "free space"),
									change.sum("unknown_bytes", "unknown"),
								],
								SCOPE,
							),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						chart({
							id: 12,
							title: "Change by disk",
							about: "Bytes that changed, disk by disk. A data disk that never changed before is worth a question.",
							span: 12,
							of: lines(changeDisk, [changeDisk.sum("changed_bytes", "changed")], BY_DISK),
							draw: "bars",
							stacked: true,
							step: "1m",
						}),
						chart({
							id: 13,
							title: "Entropy before and after",
							about:
								"Of the changed pages of each disk. After far above before, over many pages: data became random. Compare with the marks.",
							span: 12,
							of: lines(
								changeDisk,
								[changeDisk.mean("entropy_before", "before"), changeDisk.mean("entropy_after", "after")],
								BY_DISK,
							),
							draw: "points",
							step: "1m",
							max: 8,
						}),
					],
				},
				{
					title: "Hot files",
					height: 11,
					panels: [
						table({
							id: 20,
							title: "Files that changed most",
							about:
								"Added up over the time range, of the newest 5,000 entries that were among the 20 of their capture. What is on top makes captures large: exclude its disk, or let it write less.",
							span: 16,
							source: hot,
							where: DISK_SCOPE,
							records: 5000,
							cells: [
								{ of: "vm", title: "VM", width: 130 },
								{ of: "host", title: "Host", width: 110 },
								{ of: "disk", title: "Disk", width: 80 },
								{ of: hot.value("path"), title: "File" },
								{ of: hot.value("change"), title: "Last change", width: 110 },
								{ of: hot.value("changed_bytes"), title: "Changed", width: 120 },
							],
							group: { by: ["host", "vm", "disk", "path"], sum: ["changed_bytes"], last: ["change"] },
							sort: "Changed",
							rows: 100,
						}),
						table({
							id: 21,
							title: "Owners whose files changed most",
							about: "The same by owner. An owner that is new on a VM is worth a question.",
							span: 8,
							source: hot,
							where: DISK_SCOPE,
							records: 5000,
							cells: [
								{ of: "vm", title: "VM", width: 130 },
								{ of: "host", title: "Host", width: 110 },
								{ of: hot.value("owner"), title: "Owner" },
								{ of: hot.value("changed_bytes"), title: "Changed", width: 120 },
							],
							group: { by: ["host", "vm", "owner"], sum: ["changed_bytes"] },
							sort: "Changed",
							rows: 50,
						}),
						table({
							id: 22,
							title: "Newest hot files",
							about: "As they were found, the newest capture first, with how random what was written is (8 is random).",
							span: 24,
							source: hot,
							where: DISK_SCOPE,
							records: 200,
							cells: [
								{ of: "vm", title: "VM", width: 130 },
								{ of: "host", title: "Host", width: 110 },
								{ of: "disk", title: "Disk", width: 80 },
								{ of: "rank", title: "Rank", width: 70 },
								{ of: hot.value("path"), title: "File" },
								{ of: hot.value("change"), title: "Change", width: 100 },
								{ of: hot.value("owner"), title: "Owner", width: 110 },
								{ of: hot.value("changed_bytes"), title: "Changed", width: 120 },
								{ of: hot.value("share"), title: "Share", width: 90 },
								{ of: hot.value("entropy_after"), title: "Entropy", decimals: 2, width: 110 },
							],
						}),
					],
				},
				{
					title: "I/O hot spots",
					height: 9,
					panels: [
						chart({
							id: 30,
							title: "Written",
							about:
								"Bytes written a second by the hypervisor's count. What writes much and changes little rewrites the same.",
							span: 8,
							of: lines(disk, [disk.rate("wr_bytes", "written")], BY_DISK),
						}),
						chart({
							id: 31,
							title: "Writes and flushes",
							about: "Requests a second. Flushes by the hundred: a program that syncs each record.",
							span: 8,
							of: lines(disk, [disk.rate("wr_reqs", "writes"), disk.rate("fl_reqs", "flushes")], BY_DISK),
							unit: "iops",
						}),
						chart({
							id: 32,
							title: "Time in writes",
							about: "Time that writes took, summed, a second. A rise without more writes: the storage got slower.",
							span: 8,
							of: lines(disk, [disk.rate("wr_times", "writes"), disk.rate("fl_times", "flushes")], BY_DISK),
						}),
					],
				},
				{
					title: "Captures",
					height: 8,
					panels: [
						chart({
							id: 40,
							title: "Capture time",
							about: "How long captures took. Longer than the schedule's step: captures fall behind.",
							span: 12,
							of: lines(change, [change.max("capture_ms", "capture")], BY_VM),
							draw: "points",
							step: "1m",
						}),
						chart({
							id: 41,
							title: "Changed and marked as written",
							about:
								"What the hypervisor had marked as written against what really changed, disk by disk. Far apart: the same content is written again and again.",
							span: 12,
							of: lines(
								changeDisk,
								[changeDisk.sum("dirty_bytes", "marked"), changeDisk.sum("changed_bytes", "changed")],
								BY_DISK,
							),
							step: "1m",
						}),
					],
				},
			],
		},
		settings,
	);
}
