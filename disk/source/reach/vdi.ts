/** How far a VDI must reach. Source: VirtualBox, include/VBox/vd-vdi.h; QEMU, block/vdi.c. */
import type { BlockSource } from "../source.ts";
import { damaged, pieces, Reach, readView } from "./reach.ts";

const HEADER_BYTES = 512;
const MAP_PIECE_BYTES = 2 ** 20;
/** QEMU's own limit. */
const MAX_BLOCKS = 2 ** 29;
const MAX_BLOCK_BYTES = 2 ** 26;
/** Entries from here on say that there is no such block (-1), or that it is all zeroes (-2). */
const FIRST_UNALLOCATED = 0xffff_fffe;

/** @throws UmbraError `corrupt` where a field of the header is out of bounds. */
export async function vdiReach(file: BlockSource, signal: AbortSignal | undefined): Promise<Reach> {
	const reach = new Reach();
	reach.add(HEADER_BYTES, "header");
	if (file.size < HEADER_BYTES) return reach;
	const header = await readView(file, 0, HEADER_BYTES, signal);
	const mapOffset = header.getUint32(0x154, true);
	const dataOffset = header.getUint32(0x158, true);
	const diskBytes = Number(header.getBigUint64(0x170, true));
	const blockBytes = header.getUint32(0x178, true);
	const blocks = header.getUint32(0x180, true);
	if (blockBytes === 0 || blockBytes > MAX_BLOCK_BYTES) {
		throw damaged(file.name, "VDI header", "cbBlock", blockBytes, `1 to ${MAX_BLOCK_BYTES}`);
	}
	if (blocks > MAX_BLOCKS) throw damaged(file.name, "VDI header", "cBlocks", blocks, `at most ${MAX_BLOCKS}`);
	reach.add(mapOffset + blocks * 4, "block map");
	if (reach.bytes > file.size) return reach;
	let block = 0;
	for (const [offset, length] of pieces(mapOffset, blocks * 4, MAP_PIECE_BYTES)) {
		const map = await readView(file, offset, length, signal);
		for (let at = 0; at < length; at += 4, block++) {
			const entry = map.getUint32(at, true);
			if (entry >= FIRST_UNALLOCATED) continue;
			// The last block of a disk may be cut short.
			const needed = Math.min(blockBytes, diskBytes - block * blockBytes);
			if (needed > 0) reach.add(dataOffset + entry * blockBytes + needed, "block");
		}
	}
	return reach;
}
