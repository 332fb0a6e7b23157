/**
 * What an agent reads of each VM from outside. Where Telegraf's libvirt plugin has a name for a thing it is that name and that
 * unit, behind the group's name where one measurement holds several groups (`cpu_time`, `balloon_rss`).
 */
import { counter, gauge, HOST, type Measurement, VM } from "./measurement.ts";

const WRITTEN =
	"by the agent, every 10 s unless set otherwise; a shadow VM is read every second, which its trial keeps (`umbra trial show`)";

export const VM_MEASUREMENTS = {
	vm: {
		about: "A VM as a whole.",
		written: WRITTEN,
		tags: { host: HOST, vm: VM },
		fields: {
			state: gauge("enum", "As libvirt numbers it: 1 running, 3 paused, 5 shut off, 6 crashed, 7 suspended, 0 unknown"),
			up: gauge("0/1", "1: it answered in time"),
			uptime_seconds: gauge("seconds", "How long its process has been running"),
			cpu_time: counter("ns", "Processor time of all its vCPUs and of the hypervisor's own work for it"),
			cpu_user: counter("ns", "Of that, in user space"),
			cpu_system: counter("ns", "Of that, in the kernel"),
			cpu_usage_percent: gauge("percent", "Time its vCPUs ran since the reading before, of all of them together"),
			cpu_steal_percent: gauge("percent", "Time its vCPUs waited for a processor of the host, of all of them together"),
			vcpu_current: gauge("count", "vCPUs online"),
			vcpu_maximum: gauge("count", "vCPUs that it could have"),
			memory_bytes: gauge("bytes", "Memory that it was given, balloon considered"),
			memory_used_percent: gauge(
				"percent",
				"What the guest cannot give back of its memory; needs a balloon with statistics",
			),
			balloon_current: gauge("KiB", "Memory it has now"),
			balloon_maximum: gauge("KiB", "Memory it may have"),
			balloon_swap_in: counter("KiB", "Read from swap inside the guest"),
			balloon_swap_out: counter("KiB", "Written to swap inside the guest"),
			balloon_major_fault: counter("count", "Page faults in the guest that needed a disk"),
			balloon_minor_fault: counter("count", "Other page faults in the guest"),
			balloon_unused: gauge("KiB", "Memory the guest uses for nothing"),
			balloon_available: gauge("KiB", "Memory as the guest sees it"),
			balloon_usable: gauge("KiB", "Memory the guest could give back without swapping"),
			balloon_disk_caches: gauge("KiB", "The guest's page cache"),
			balloon_hugetlb_pgalloc: counter("count", "Huge pages given out in the guest"),
			balloon_hugetlb_pgfail: counter("count", "Huge pages that could not be given out in the guest"),
			balloon_rss: gauge("KiB", "Resident memory of its process on the host"),
			balloon_last_update: gauge("unix seconds", "When the guest last told its statistics"),
			dirtyrate_megabytes_per_second: gauge("MiB/s", "How fast it writes to its memory, where that is measured"),
			threads: gauge("count", "Threads of its process"),
			query_seconds: gauge("seconds", "How long its monitor took to answer"),
		},
	},
	vm_vcpu: {
		about: "One vCPU of a VM.",
		written: WRITTEN,
		tags: { host: HOST, vm: VM, vcpu: "Number of the vCPU, from 0" },
		fields: {
			state: gauge("enum", "As libvirt numbers it: 1 running, 2 blocked"),
			time: counter("ns", "Time it ran on a processor of the host"),
			wait: counter("ns", "Time it waited for input or output of the host"),
			delay: counter("ns", "Time it could have run but waited for a processor of the host: the guest sees it as steal"),
			halted: gauge("0/1", "1: the guest has nothing to do on it"),
			exits: counter("count", "Exits to the hypervisor; KVM only"),
		},
	},
	vm_disk: {
		about: "One disk of a VM, as its hypervisor counts.",
		written: WRITTEN,
		tags: { host: HOST, vm: VM, disk: "The disk, by the name that captures have for it" },
		fields: {
			rd_reqs: counter("count", "Reads finished"),
			rd_bytes: counter("bytes", "Bytes read"),
			rd_times: counter("ns", "Time that reads took, summed over them"),
			wr_reqs: counter("count", "Writes finished"),
			wr_bytes: counter("bytes", "Bytes written"),
			wr_times: counter("ns", "Time that writes took, summed over them"),
			fl_reqs: counter("count", "Flushes finished"),
			fl_times: counter("ns", "Time that flushes took, summed over them"),
			rd_merged: counter("count", "Reads that were merged with another"),
			wr_merged: counter("count", "Writes that were merged with another"),
			unmap_bytes: counter("bytes", "Bytes discarded"),
			errors: counter("count", "Reads, writes and flushes that failed"),
			idle_seconds: gauge("seconds", "Time since the last request"),
			allocation: gauge("bytes", "Highest byte that was ever written, where the hypervisor knows it"),
			capacity: gauge("bytes", "Size of the disk as the guest sees it"),
			physical: gauge("bytes", "Size of the image on the host"),
		},
	},
	vm_nic: {
		about:
			"One network interface of a VM that ends on a tap device of the host. Received and sent are as the guest sees them.",
		written: WRITTEN,
		tags: { host: HOST, vm: VM, nic: "The interface, by the id of its device in the VM" },
		fields: {
			rx_bytes: counter("bytes", "Bytes the guest received"),
			rx_pkts: counter("count", "Packets the guest received"),
			rx_errs: counter("count", "Packets for the guest with an error"),
			rx_drop: counter("count", "Packets for the guest that were dropped"),
			tx_bytes: counter("bytes", "Bytes the guest sent"),
			tx_pkts: counter("count", "Packets the guest sent"),
			tx_errs: counter("count", "Packets from the guest with an error"),
			tx_drop: counter("count", "Packets from the guest that were dropped"),
			up: gauge("0/1", "1: the link is up"),
		},
	},
} as const satisfies Readonly<Record<string, Measurement>>;
