/** One hypervisor host, and the VMs on it. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { LATE_STEPS, PERCENT_STEPS, SCORE_STEPS } from "../mappings.ts";
import { chart, lines, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const host = of("host");
const disk = of("host_disk");
const nic = of("host_nic");
const filesystem = of("host_filesystem");
const temperature = of("host_temperature");
const vms = of("collector_vm");
const vm = of("vm");

const SCOPE = { scope: ["host"] } as const;
const BY_HOST = { ...SCOPE, by: ["host"] } as const;
const BY_DISK = { ...SCOPE, by: ["host", "disk"] } as const;

export function hostDetail(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "host",
			description: "One hypervisor host: processors, memory, disks, network, and the VMs on it.",
			from: "now-6h",
			refresh: "30s",
			variables: { host: variable("host", host.tagValues("host", {})) },
			marks: [],
			rows: [
				{
					height: 9,
					panels: [
						table({
							id: 1,
							title: "VMs on it",
							about: "The VMs that its agent watches, worst first. A VM's name leads to all that is known of it.",
							span: 12,
							last: "5m",
							source: vms,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: vms.last("risk"), title: "Risk", decimals: 2, steps: SCORE_STEPS },
								{ of: vms.last("firing_alerts"), title: "Alerts", steps: [[1, "red"]] },
								{ of: vms.last("capture_late_seconds"), title: "Late by", steps: LATE_STEPS },
							],
							sort: "Risk",
						}),
						chart({
							id: 2,
							title: "Processor of its VMs",
							about: "Which VM takes the host's processors. Two peaks together are neighbours that should not be.",
							span: 12,
							of: lines(vm, [vm.mean("cpu_usage_percent")], { ...SCOPE, by: ["host", "vm"] }),
						}),
					],
				},
				{
					title: "Processors and memory",
					height: 8,
					panels: [
						chart({
							id: 10,
							title: "Processors",
							about:
								"Time not idle, time in guests, time waiting for disks. Steal here: the host is itself a VM and gets too little.",
							span: 8,
							of: lines(
								host,
								[
									host.mean("cpu_usage_percent", "used"),
									host.mean("cpu_guest_percent", "guests"),
									host.mean("cpu_iowait_percent", "waits for disks"),
									host.mean("cpu_steal_percent", "stolen"),
								],
								BY_HOST,
							),
							max: 100,
						}),
						chart({
							id: 11,
							title: "Memory available",
							about:
								"What programs can get without swapping. Near 0 the kernel kills, and mostly it kills a VM: move one away first.",
							span: 8,
							of: lines(
								host,
								[
									host.mean("memory_available_bytes", "available"),
									host.mean("memory_total_bytes", "all"),
									host.mean("swap_used_bytes", "swap used"),
								],
								BY_HOST,
							),
						}),
						chart({
							id: 12,
							title: "Pressure",
							about:
								"Share of time in which something waited for processors, memory or disks (PSI). What is high is what there is too little of.",
							span: 8,
							of: lines(
								host,
								[
									host.mean("pressure_cpu_some_percent", "processors"),
									host.mean("pressure_memory_some_percent", "memory"),
									host.mean("pressure_io_some_percent", "disks"),
								],
								BY_HOST,
							),
							max: 100,
						}),
					],
				},
				{
					title: "Disks and network",
					height: 8,
					panels: [
						chart({
							id: 20,
							title: "Disk throughput",
							about: "Bytes read and written a second, by the kernel's count of whole disks.",
							span: 8,
							of: lines(disk, [disk.rate("rd_bytes", "read"), disk.rate("wr_bytes", "written")], BY_DISK),
						}),
						chart({
							id: 21,
							title: "Disks busy",
							about: "Share of time in which a request was under way. A spinning disk near 100 % is the bottleneck.",
							span: 8,
							of: lines(disk, [disk.mean("busy_percent")], BY_DISK),
							max: 100,
							steps: PERCENT_STEPS,
						}),
						chart({
							id: 22,
							title: "Network",
							about: "Bytes a second of the host's own interfaces: captures on their way to the collector are in it.",
							span: 8,
							of: lines(nic, [nic.rate("rx_bytes", "received"), nic.rate("tx_bytes", "sent")], {
								...SCOPE,
								by: ["host", "nic"],
							}),
						}),
						chart({
							id: 23,
							title: "Filesystems",
							about: "How full they are. The one with the VMs' images or the agent's spool must not fill up.",
							span: 8,
							of: lines(filesystem, [filesystem.last("used_percent")], { ...SCOPE, by: ["host", "mount"] }),
							max: 100,
							step: "1m",
							steps: PERCENT_STEPS,
						}),
						chart({
							id: 24,
							title: "Temperatures",
							about: "As the sensors read. A rise over days: dust or a fan.",
							span: 8,
							of: lines(temperature, [temperature.last("celsius")], { ...SCOPE, by: ["host", "sensor"] }),
							step: "1m",
							empty: "No sensors",
						}),
						chart({
							id: 25,
							title: "Load",
							about: "Tasks that run or want to, over five minutes, against the processors there are.",
							span: 8,
							of: lines(host, [host.mean("load5", "load"), host.mean("cpu_cores", "processors")], BY_HOST),
						}),
					],
				},
			],
		},
		settings,
	);
}
