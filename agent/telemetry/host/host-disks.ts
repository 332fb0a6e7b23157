/** Which block devices of the host are disks. */
import type { DiskStat } from "../../proc/devices.ts";
import type { KernelTree } from "../../proc/tree.ts";

/** In memory, or a file, or a drive for media that come and go. */
const NOT_A_DISK = /^(?:loop|z?ram|fd|sr)\d+$/;
/** Tags are to come from small sets; a host with more has them from a storage array, as multipath and its paths. */
const MAX_DISKS = 256;

/** Whole disks with a size, in the kernel's order. */
export function hostDisks(tree: KernelTree, stats: ReadonlyMap<string, DiskStat>): DiskStat[] {
	const disks: DiskStat[] = [];
	for (const disk of stats.values()) {
		if (disks.length === MAX_DISKS) break;
		if (NOT_A_DISK.test(disk.name)) continue;
		// Partitions are not there. A device that holds nothing, such as an unused nbd, has the size 0.
		const size = tree.text(`/sys/block/${disk.name.replaceAll("/", "!")}/size`);
		if (size !== undefined && Number(size) > 0) disks.push(disk);
	}
	return disks;
}
