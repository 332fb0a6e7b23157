/** What FAT and exFAT say of a volume that is not as it should be, before any file is read. */
import type { Problems } from "../parser/problems.ts";
import type { BlockSource } from "../source/source.ts";

/**
 * Notes where the volume ends before the filesystem does.
 *
 * @param structure of which the sizes are.
 * @throws UmbraError `truncated` where not one cluster is left.
 */
export function checkSize(
	source: BlockSource,
	boot: { readonly heapOffset: number; readonly clusterSize: number; readonly volumeSize: number },
	structure: string,
	problems: Problems,
): void {
	const context = { structure, offset: 0, found: source.size, wanted: boot.volumeSize };
	if (boot.heapOffset + boot.clusterSize > source.size) {
		throw problems.error("truncated", `its clusters begin at ${boot.heapOffset}, of ${source.size} bytes`, context);
	}
	const missing = boot.volumeSize - source.size;
	if (missing > 0) problems.add("truncated", `the volume ends ${missing} bytes before the filesystem does`, context);
}

export function noteDirty(problems: Problems, dirty: boolean, failed: boolean): void {
	if (dirty) {
		problems.add(
			"unavailable",
			"it is mounted or was not unmounted, and has no journal: the newest changes may be missing",
			{
				structure: "volume flags",
			},
		);
	}
	if (failed) {
		problems.add("corrupt", "its driver noted that the disk failed to read or write", { structure: "volume flags" });
	}
}
