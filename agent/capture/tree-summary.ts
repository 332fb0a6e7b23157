/** What a capture that found nothing needs of the last file tree: which disks it is of, and their volumes. */
import { z } from "zod";
import type { VolumeSummary } from "../../disk/map/map.ts";
import type { MachineTree, VolumeTree } from "../../disk/tree.ts";

const volumeShape = z.strictObject({
	/** The name of the disk on which it begins. */
	disk: z.string(),
	id: z.string(),
	offset: z.number(),
	length: z.number(),
	kind: z.string(),
	label: z.string(),
	files: z.number(),
	usedBytes: z.number(),
	freeBytes: z.number(),
});

export const treeSummary = z.strictObject({
	disks: z.array(z.strictObject({ name: z.string(), size: z.number() })),
	volumes: z.array(volumeShape),
});

export type TreeSummary = z.output<typeof treeSummary>;

export function summarise(tree: MachineTree): TreeSummary {
	return {
		disks: tree.disks.map(({ name, size }) => ({ name, size })),
		volumes: tree.volumes.map((volume) => ({ disk: placeOf(volume, tree), ...summariseVolume(volume) })),
	};
}

/** The disk under which a volume is listed: a logical volume that cannot be put together has no place of its own. */
function placeOf(volume: VolumeTree, { disks, volumes }: MachineTree): string {
	const isLost = volume.lvUuid !== "" && volume.segments.length === 0;
	const disk = isLost ? volumes.find(({ kind }) => kind === "LVM2_member")?.disk : volume.disk;
	return disks[disk ?? volume.disk]?.name ?? "";
}

function summariseVolume(volume: VolumeTree): VolumeSummary {
	const { id, offset, length, kind, label, files, usedBytes, freeBytes } = volume;
	return { id, offset, length, kind, label, files, usedBytes, freeBytes };
}
