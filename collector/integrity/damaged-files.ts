/** Which files of a point lie in blocks that cannot be read. */
import { BLOCK_SIZE, nameFromHex } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { openDisks } from "../../disk/disk.ts";
import { PathFinder } from "../../disk/map/paths.ts";
import { toDiskRanges } from "../../disk/segments.ts";
import type { ChangesetRecord, DamagedPlace } from "../catalog/records.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import { pointSource } from "../vault/point-source.ts";

const MAX_FILES = 50;

/** A damaged chunk and the blocks of the point that it stands for; blocks of 64 KiB. */
export interface DamagedBlocks {
	readonly name: string;
	readonly places: readonly DamagedPlace[];
}

/**
 * Paths by the name of the chunk, of those that are known; the volume's id before each where the point has several. A filesystem that
 * cannot be read, which may be for the same damage, tells nothing.
 *
 * @param blocks of this point only
 * @throws the signal's reason.
 */
export async function damagedFiles(
	store: VaultStore,
	changeset: ChangesetRecord,
	blocks: readonly DamagedBlocks[],
	signal: AbortSignal,
): Promise<Map<string, string[]>> {
	const files = new Map<string, string[]>();
	await using sources = new AsyncDisposableStack();
	const named = changeset.disks.map(({ disk, root, sizeBytes }) => {
		const name = `${changeset.vm}@${changeset.time}/${disk}`;
		return { name: disk, source: sources.use(pointSource(store, { root: nameFromHex(root), sizeBytes, name })) };
	});
	/** By disk and block. */
	const wanted = named.map(() => new Map<number, string>());
	for (const { name, places } of blocks) {
		for (const { disk, firstBlock, count } of places) {
			const at = changeset.disks.findIndex((candidate) => candidate.disk === disk);
			for (let block = firstBlock; block < firstBlock + count; block++) wanted[at]?.set(block, name);
		}
	}
	try {
		const { volumes } = await openDisks(named, signal);
		const readable = volumes.filter(({ isReadable }) => isReadable);
		for (const volume of readable) {
			const prefix = readable.length > 1 ? `${volume.id}:` : "";
			try {
				const scan = await (await volume.open(signal)).scan(signal);
				const paths = new PathFinder(scan);
				const hits: { readonly inode: number; readonly name: string }[] = [];
				for (const { inode, data } of scan.nodes.values()) {
					for (let at = 0; at < data.length; at += 2) {
						for (const { disk, offset, length } of toDiskRanges(volume.segments, data[at]!, data[at + 1]!)) {
							const blocksHere = wanted[disk];
							if (blocksHere === undefined || blocksHere.size === 0) continue;
							const last = Math.floor((offset + length - 1) / BLOCK_SIZE);
							for (const [block, name] of blocksHere) {
								if (block < Math.floor(offset / BLOCK_SIZE) || block > last) continue;
								paths.want(inode);
								hits.push({ inode, name });
							}
						}
					}
				}
				for (const { inode, name } of hits) {
					const path = paths.pathOf(inode);
					const found = files.get(name) ?? [];
					files.set(name, found);
					if (path !== undefined && found.length < MAX_FILES && !found.includes(prefix + path))
						found.push(prefix + path);
				}
			} catch (error) {
				if (!isUmbraError(error)) throw error;
			}
			signal.throwIfAborted();
		}
	} catch (error) {
		if (signal.aborted || !isUmbraError(error)) throw error;
	}
	return files;
}
