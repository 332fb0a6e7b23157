/** Which parts of the inode tables are in use. */
import { crc32c, viewOf } from "../parser/checksum.ts";
import type { BlockRun } from "../parser/volume.ts";
import { tableBlocks } from "./groups.ts";
import type { Ext } from "./inode.ts";

/** The blocks that hold an inode in use; tagged with the first inode of the run. */
export async function usedTables(ext: Ext, signal?: AbortSignal): Promise<BlockRun<number>[]> {
	const { superblock, groups, volume, problems } = ext;
	const { inodesPerGroup } = superblock;
	const perBlock = superblock.blockSize / superblock.inodeSize;
	const tables: BlockRun<number>[] = [];
	const add = (group: number, first: number, end: number) => {
		const start = groups.inodeTable[group]! + first;
		tables.push({ start, count: end - first, tag: group * inodesPerGroup + first * perBlock + 1 });
	};
	const bitmaps: BlockRun<number>[] = [];
	for (let group = 0; group < superblock.groups; group++) {
		if (groups.inodesInUse[group] === 0) continue;
		if (groups.inodeBitmap[group]! > 0) bitmaps.push({ start: groups.inodeBitmap[group]!, count: 1, tag: group });
		else add(group, 0, tableBlocks(superblock));
	}
	await volume.readRuns(
		bitmaps,
		(group, _first, _count, bytes, at) => {
			const end = Math.ceil(groups.inodesInUse[group]! / perBlock);
			if (!bitmapHolds(ext, group, bytes, at)) {
				problems.add("corrupt", `the inode bitmap of group ${group} does not match its checksum`, {
					structure: "inode bitmap",
					group,
				});
				add(group, 0, end);
				return;
			}
			let first = -1;
			for (let block = 0; block < end; block++) {
				if (anyBit(bytes, at, block * perBlock, perBlock)) {
					if (first < 0) first = block;
				} else if (first >= 0) {
					add(group, first, block);
					first = -1;
				}
			}
			if (first >= 0) add(group, first, end);
		},
		signal,
	);
	return tables;
}

function bitmapHolds({ superblock, groups }: Ext, group: number, bytes: Buffer, at: number): boolean {
	if (!superblock.features.metadataCsum) return true;
	const crc = crc32c(superblock.csumSeed, viewOf(bytes), at, at + superblock.inodesPerGroup / 8);
	const found = groups.inodeBitmapCsum[group]!;
	return (superblock.descSize >= 64 ? crc : crc & 0xffff) === found >>> 0;
}

function anyBit(bytes: Buffer, at: number, first: number, count: number): boolean {
	for (let bit = first; bit < first + count; ) {
		const byte = bytes[at + (bit >>> 3)]!;
		if ((bit & 7) === 0 && first + count - bit >= 8) {
			if (byte !== 0) return true;
			bit += 8;
		} else {
			if ((byte & (1 << (bit & 7))) !== 0) return true;
			bit++;
		}
	}
	return false;
}
