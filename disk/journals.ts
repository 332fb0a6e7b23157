/**
 * What the filesystems of a machine noted of their own changes between two trees, joined to the changes that the trees
 * tell. NTFS keeps such a journal (`ntfs/usn.ts`); where it does not reach back to the tree before, or was made anew,
 * the trees are all there is to go by.
 */
import { isAbort, isUmbraError, messageOf } from "../common/errors.ts";
import { type NamedSource, openDisks, type Volume } from "./disk.ts";
import type { FileChange, MachineChanges } from "./map/changes.ts";
import type { JournalEnd } from "./ntfs/usn.ts";
import { type MachineTree, type VolumeTree, volumeName } from "./tree.ts";

export interface JournaledChanges {
	readonly files: MachineChanges["files"];
	/** Why less is told than a journal could tell, for people. */
	readonly problems: readonly string[];
}

/** A volume of both trees whose journal went on. */
interface Journaled {
	readonly before: VolumeTree;
	readonly after: VolumeTree;
	readonly from: JournalEnd;
}

/**
 * @param files what changed between the trees.
 * @param sources the machine's disks as they were when `after` was read, in its order.
 * @throws UmbraError `unavailable` where a disk cannot be read; never for what is on it.
 */
export async function withJournals(
	files: MachineChanges["files"],
	before: MachineTree,
	after: MachineTree,
	sources: readonly NamedSource[],
	signal?: AbortSignal,
): Promise<JournaledChanges> {
	const problems: string[] = [];
	const journaled = after.volumes.flatMap((volume) => {
		const found = journalOf(volume, before, after);
		if (typeof found === "string") problems.push(`${volumeName(volume)}: ${found}`);
		return typeof found === "object" ? [found] : [];
	});
	if (journaled.length === 0) return { files, problems };
	const { volumes } = await openDisks(sources, signal);
	const told = [...files];
	for (const each of journaled) {
		const { id, disk: number } = each.after;
		const volume = volumes.find((candidate) => candidate.id === id && candidate.disk === number);
		if (volume === undefined) continue;
		const disk = after.disks[number]?.name ?? "";
		const at = told.findIndex((changes) => changes.disk === disk && changes.volume === id);
		try {
			const changed = await tellVolume(each, volume, told[at]?.files ?? [], problems, signal);
			if (at !== -1) told[at] = { disk, volume: id, files: changed };
			else if (changed.length > 0) told.push({ disk, volume: id, files: changed });
		} catch (error) {
			if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable") || !isUmbraError(error)) {
				throw error;
			}
			problems.push(`${volumeName(volume)}: the change journal cannot be read: ${messageOf(error)}`);
		}
	}
	return { files: told, problems };
}

/** Text where what the journal told since is lost; undefined where there is nothing to ask. */
function journalOf(after: VolumeTree, old: MachineTree, now: MachineTree): Journaled | string | undefined {
	const disk = now.disks[after.disk]?.name;
	const before = old.volumes.find(({ kind, uuid, lvUuid, disk: number, offset }) => {
		if (kind !== after.kind || uuid !== after.uuid || lvUuid !== after.lvUuid) return false;
		return lvUuid !== "" || (offset === after.offset && old.disks[number]?.name === disk);
	});
	const from = before?.journal;
	const to = after.journal;
	if (before?.scan === undefined || after.scan === undefined || from === undefined || to === undefined)
		return undefined;
	if (from.id === to.id && from.next === to.next) return undefined;
	if (from.id !== to.id || to.next < from.next) {
		return "the change journal was made anew: renames in between, and files that came and went, are not told";
	}
	return { before, after, from };
}

async function tellVolume(
	{ before, after, from }: Journaled,
	volume: Volume,
	files: readonly FileChange[],
	problems: string[],
	signal: AbortSignal | undefined,
): Promise<readonly FileChange[]> {
	const { readUsnJournal } = await import("./ntfs/usn.ts");
	const { historiesOf } = await import("./ntfs/usn-histories.ts");
	const { tellHistories } = await import("./ntfs/usn-changes.ts");
	const journal = await readUsnJournal(await volume.open(signal), from.next, signal);
	if (journal === undefined) return files;
	if (journal.first > from.next) {
		problems.push(`${volumeName(volume)}: the change journal no longer holds all that was noted in between`);
	}
	if (journal.damaged > 0)
		problems.push(`${volumeName(volume)}: ${journal.damaged} damaged pages in the change journal`);
	const told = tellHistories(files, historiesOf(journal.records, after.scan!), before.scan!, after.scan!);
	if (told.left > 0) problems.push(`${volumeName(volume)}: ${told.left} more files came and went in between`);
	return told.files;
}
