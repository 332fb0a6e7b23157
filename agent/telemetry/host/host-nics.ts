/** Which network interfaces are the host's own. */
import type { NicStat } from "../../proc/devices.ts";
import { isHardware, isTap } from "../../proc/nics.ts";
import type { KernelTree } from "../../proc/tree.ts";

/** Tags are to come from small sets; hosts of containers have an interface for each of them. */
const MAX_NICS = 64;

/** All but loopback and what VMs hang on; where there are too many, those with hardware first. */
export function hostNics(tree: KernelTree, stats: ReadonlyMap<string, NicStat>): [string, NicStat][] {
	const nics = [...stats].filter(([name]) => name !== "lo" && !isTap(tree, name));
	if (nics.length <= MAX_NICS) return nics;
	const hardware = new Set(nics.flatMap(([name]) => (isHardware(tree, name) ? [name] : [])));
	return nics
		.sort(([a], [b]) => Number(hardware.has(b)) - Number(hardware.has(a)) || (a < b ? -1 : 1))
		.slice(0, MAX_NICS);
}
