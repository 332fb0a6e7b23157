/**
 * Which volumes of two trees of a machine can be compared. A disk comes or goes as a whole: what is on one that just
 * came is not created, and what was on one that is no longer captured is not deleted.
 */
import type { MachineTree, VolumeTree } from "../../disk/tree.ts";

/**
 * Both trees without the volumes whose history is not known: those on disks that came or went, and logical volumes that
 * cannot be put together on one side, be it for a disk that is missing there. A logical volume that is whole on both
 * sides stays, wherever it was moved.
 *
 * @param fresh names of disks of which nothing was known before.
 */
export function withHistory(
	before: MachineTree,
	after: MachineTree,
	fresh: ReadonlySet<string>,
): { readonly before: MachineTree; readonly after: MachineTree } {
	const known = new Set(after.disks.map(({ name }) => name).filter((name) => !fresh.has(name)));
	const select = (side: MachineTree, other: MachineTree): MachineTree => {
		const others = new Map(other.volumes.flatMap((volume) => (volume.lvUuid === "" ? [] : [[volume.lvUuid, volume]])));
		const volumes = side.volumes.filter((volume) => {
			const twin = others.get(volume.lvUuid);
			if (twin !== undefined) return volume.segments.length > 0 && twin.segments.length > 0;
			return disksOf(volume).every((disk) => known.has(side.disks[disk]?.name ?? ""));
		});
		return { ...side, volumes };
	};
	return { before: select(before, after), after: select(after, before) };
}

function disksOf({ disk, segments }: VolumeTree): number[] {
	return [disk, ...segments.flatMap(({ stripes }) => stripes.map((stripe) => stripe.disk))];
}
