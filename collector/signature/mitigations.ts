/** What to do first about a failure of each type, until an operator knows better. */
import type { FailureType } from "../../common/failures/failures.ts";

export const MITIGATIONS: Readonly<Record<FailureType, string>> = {
	"kernel-panic":
		"Move the VM's load to another, and look at what the console said before it. Set kernel.panic to have the guest restart by itself, and kdump to have a dump.",
	oops: "Update the guest's kernel, or go back to the one before; unload the module that the function belongs to where it can be done without. Restart the guest soon: a kernel that oopsed is not to be trusted.",
	"soft-lockup":
		"Give the VM processor time: look at steal on its host, move neighbours away, raise its share. Where the host is idle, update the guest's kernel.",
	"hard-lockup":
		"Restart the guest. Look at steal on its host, and at drivers that run with interrupts off; update the guest's kernel.",
	"rcu-stall":
		"Give the VM processor time: look at steal on its host, move neighbours away. Where the host is idle, update the guest's kernel.",
	"hung-task":
		"Look at the latency of the VM's disks and of what they lie on; take what fills them away (backups, scrubs, neighbours). Reads and writes that never end want the storage mended and the guest restarted.",
	deadlock:
		"Restart the guest. Update its kernel; until then keep apart what asked for the same lock (the function in the title says which).",
	"oom-kill":
		"Give the VM more memory, or limit what takes it (the task in the title is what was killed, which need not be what grew). Look for a leak in its memory over days.",
	"io-error":
		"Look at the storage below this disk: space, paths, errors of its medium. Take a point of the VM before anything else is written.",
	"filesystem-error":
		"Take a point of the VM, then check the filesystem while it is not mounted. `umbra restore` brings back files from before.",
	"remount-read-only":
		"Look for the error that came before it; check the filesystem while it is not mounted, then mount it for writing again.",
	"memory-corruption":
		"Move the VM to another host, and test the memory of this one. Where it comes again elsewhere, update the guest's kernel. Compare its files with a point from before.",
	watchdog:
		"Find what kept the guest from answering its watchdog: processor time, a disk that hangs. Lengthen the watchdog's time where the load is ordinary.",
	"emergency-mode":
		"Open the VM's console and read what systemd could not start, which is mostly a disk that is not there; mend /etc/fstab.",
	reboot: "Find in the guest's own logs who or what restarted it.",
	silence: "Open the VM's console. Where it says nothing, look at its processors from the host; restart it.",
	"probe-failure":
		"Look at the service that the probe asks, and at what it needs: memory, disk, network, other services.",
	"performance-collapse":
		"Find which resource ran out under this stress, and give the VM more of it before the load grows so far.",
	unclassified: "Read the excerpt of its console. Note here what it was.",
};
