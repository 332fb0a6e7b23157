/**
 * Allocation group headers: four sectors at the start of each group, which hold a copy of the
 * superblock, the roots of the free space trees (AGF), those of the inode trees (AGI) and blocks set
 * aside for the trees to grow into (AGFL).
 * Source: `struct xfs_agf`, `xfs_agi`, `xfs_agfl` in the kernel's fs/xfs/libxfs/xfs_format.h.
 */

import type { BlockRun } from "../parser/volume.ts";
import { checksumHolds } from "./checksum.ts";
import { groupLength, type Xfs } from "./geometry.ts";

const XFS_AGF_MAGIC = 0x58414746;
const XFS_AGI_MAGIC = 0x58414749;
const XFS_AGFL_MAGIC = 0x5841464c;
const AGF_CRC = 216;
const AGI_CRC = 312;
const AGFL_CRC = 32;
const AGFL_HEADER = 36;
const HEADER_SECTORS = 4;

/** A tree of a group by its root block in the group; `levels` is 1 where the root is a leaf. */
export interface TreeRoot {
	readonly kind: TreeKind;
	readonly group: number;
	readonly agblock: number;
	readonly levels: number;
}

export type TreeKind = "bnobt" | "cntbt" | "rmapbt" | "refcountbt" | "inobt" | "finobt";

export interface Groups {
	readonly trees: readonly TreeRoot[];
	/** Blocks set aside, as blocks of the volume. */
	readonly freeList: readonly number[];
	/** Undefined where a group could not say. */
	readonly freeBlocks: number | undefined;
}

/** Blocks that the headers take at the start of each group. */
export function headerBlocks({ superblock: { sectorSize, blockSize } }: Xfs): number {
	return Math.ceil((HEADER_SECTORS * sectorSize) / blockSize);
}

/** Reads the headers of all groups. A damaged one is a problem, and its trees are missing. */
export async function readGroups(xfs: Xfs, signal?: AbortSignal): Promise<Groups> {
	const { agBlocks, agCount, sectorSize } = xfs.superblock;
	const count = headerBlocks(xfs);
	const runs: BlockRun<number>[] = [];
	for (let group = 0; group < agCount; group++) runs.push({ start: group * agBlocks, count, tag: group });
	const trees: TreeRoot[] = [];
	const freeList: number[] = [];
	let free: number | undefined = 0;
	const parse = (group: number, view: DataView) => {
		const agf = readAgf(xfs, view, sectorSize, group, trees, freeList);
		free = agf === undefined || free === undefined ? undefined : free + agf;
		readAgi(xfs, view, 2 * sectorSize, group, trees);
	};
	const { blockSize } = xfs.superblock;
	/** Headers of which a part has come. */
	const partial = new Map<number, { readonly head: Buffer; filled: number }>();
	await xfs.volume.readRuns(
		runs,
		(group, first, blocks, bytes, at) => {
			if (blocks === count) {
				parse(group, new DataView(bytes.buffer, bytes.byteOffset + at, count * blockSize));
				return;
			}
			const part = partial.get(group) ?? { head: Buffer.alloc(count * blockSize), filled: 0 };
			partial.set(group, part);
			bytes.copy(part.head, first * blockSize, at, at + blocks * blockSize);
			part.filled += blocks;
			if (part.filled < count) return;
			partial.delete(group);
			parse(group, new DataView(part.head.buffer, part.head.byteOffset, part.head.length));
		},
		signal,
	);
	return { trees, freeList, freeBlocks: free };
}

/** The free blocks of the group, those of the free space trees among them, as the kernel counts at mount. */
function readAgf(
	xfs: Xfs,
	view: DataView,
	at: number,
	group: number,
	trees: TreeRoot[],
	freeList: number[],
): number | undefined {
	const { features } = xfs.superblock;
	if (!headerHolds(xfs, view, at, group, "xfs_agf", XFS_AGF_MAGIC, AGF_CRC)) return undefined;
	trees.push({ kind: "bnobt", group, agblock: view.getUint32(at + 16), levels: view.getUint32(at + 28) });
	trees.push({ kind: "cntbt", group, agblock: view.getUint32(at + 20), levels: view.getUint32(at + 32) });
	if (features.rmapbt) {
		trees.push({ kind: "rmapbt", group, agblock: view.getUint32(at + 24), levels: view.getUint32(at + 36) });
	}
	if (features.reflink) {
		trees.push({ kind: "refcountbt", group, agblock: view.getUint32(at + 88), levels: view.getUint32(at + 92) });
	}
	readFreeList(xfs, view, at, group, freeList);
	return view.getUint32(at + 52) + view.getUint32(at + 48) + view.getUint32(at + 60);
}

/** A ring of block numbers in the sector behind the AGI. */
function readFreeList(xfs: Xfs, view: DataView, agf: number, group: number, freeList: number[]): void {
	const { sectorSize, agBlocks, features } = xfs.superblock;
	const at = 3 * sectorSize;
	if (features.version === 5 && !headerHolds(xfs, view, at, group, "xfs_agfl", XFS_AGFL_MAGIC, AGFL_CRC)) return;
	const header = features.version === 5 ? AGFL_HEADER : 0;
	const size = Math.floor((sectorSize - header) / 4);
	const first = view.getUint32(agf + 40);
	const count = view.getUint32(agf + 48);
	if (first >= size || count > size) {
		corruptHeader(xfs, "xfs_agf", group, agf, `a free list of ${count} blocks from entry ${first} of ${size}`);
		return;
	}
	for (let i = 0; i < count; i++) {
		const agblock = view.getUint32(at + header + ((first + i) % size) * 4);
		if (agblock < groupLength(xfs.superblock, group)) freeList.push(group * agBlocks + agblock);
		else corruptHeader(xfs, "xfs_agfl", group, at, `block ${agblock} outside the group`);
	}
}

function readAgi(xfs: Xfs, view: DataView, at: number, group: number, trees: TreeRoot[]): void {
	if (!headerHolds(xfs, view, at, group, "xfs_agi", XFS_AGI_MAGIC, AGI_CRC)) return;
	trees.push({ kind: "inobt", group, agblock: view.getUint32(at + 20), levels: view.getUint32(at + 24) });
	if (xfs.superblock.features.finobt) {
		trees.push({ kind: "finobt", group, agblock: view.getUint32(at + 328), levels: view.getUint32(at + 332) });
	}
}

function headerHolds(
	xfs: Xfs,
	view: DataView,
	at: number,
	group: number,
	structure: string,
	magic: number,
	crc: number,
): boolean {
	const { features, sectorSize } = xfs.superblock;
	if (view.getUint32(at) !== magic) {
		corruptHeader(xfs, structure, group, at, `the magic number 0x${view.getUint32(at).toString(16)}`);
		return false;
	}
	const number = view.getUint32(structure === "xfs_agfl" ? at + 4 : at + 8);
	if (number !== group) {
		corruptHeader(xfs, structure, group, at, `the number of group ${number}`);
		return false;
	}
	if (features.version === 5 && !checksumHolds(view, at, at + sectorSize, at + crc)) {
		corruptHeader(xfs, structure, group, at, "a checksum that does not match");
	}
	return true;
}

function corruptHeader(
	{ superblock, problems }: Xfs,
	structure: string,
	group: number,
	at: number,
	what: string,
): void {
	const { agBlocks, blockSize } = superblock;
	problems.add("corrupt", `the ${structure.slice(4).toUpperCase()} of group ${group} has ${what}`, {
		structure,
		offset: group * agBlocks * blockSize + at,
		group,
	});
}
