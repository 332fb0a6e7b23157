/** How far the file of a qcow2 must reach. Source: QEMU, docs/interop/qcow2.txt. */
import type { Qcow2Header, Qcow2State } from "../qcow2.ts";
import type { BlockSource } from "../source.ts";
import { damaged, pieces, Reach, readView, TableReader } from "./reach.ts";

const SECTOR = 512;
const L1_PIECE_BYTES = 2 ** 20;
const TWO_32 = 2 ** 32;
/** The offset's bits of an L1 or L2 entry: 9 to 55. */
const HIGH_MASK = 0x00ff_ffff;
const LOW_MASK = 0xffff_fe00;
/** Bits of the upper half of an L2 entry. */
const COPIED = 0x8000_0000;
const COMPRESSED = 0x4000_0000;
/** Of the lower half, without extended L2 entries: reads as zeroes, whatever lies there. */
const ZERO = 1;
const SUBCLUSTERS = 32;

export interface Qcow2Reach {
	readonly image: Reach;
	/** Of the file that holds the contents, where the image has one; else nothing. */
	readonly data: Reach;
}

/**
 * Of one of an image's states. A cluster counts as far as it lies on the disk, a compressed one to its last sector's
 * first byte: how many bytes it takes is not said more exactly.
 *
 * @throws UmbraError `corrupt` where an offset is beyond 2^53.
 */
export async function qcow2Reach(
	file: BlockSource,
	header: Qcow2Header,
	{ l1Offset, l1Entries, sizeBytes }: Qcow2State,
	signal: AbortSignal | undefined,
): Promise<Qcow2Reach> {
	const [image, data] = [new Reach(), new Reach()];
	const clusterBytes = 2 ** header.clusterBits;
	const diskBytesOfTable = (clusterBytes / (header.hasExtendedL2 ? 16 : 8)) * clusterBytes;
	const tables = Math.min(Math.ceil(sizeBytes / diskBytesOfTable), l1Entries);
	image.add(l1Offset + tables * 8, "L1 table");
	if (header.snapshotCount > 0) image.add(header.snapshotsOffset + 1, "snapshot table");
	if (image.bytes > file.size) return { image, data };
	const reader = new TableReader(file, clusterBytes, signal);
	/** A table that is named again and again is read once: all that is read is no more than the file. */
	const seen = new Set<number>();
	let table = 0;
	for (const [offset, length] of pieces(l1Offset, tables * 8, L1_PIECE_BYTES)) {
		const l1 = await readView(file, offset, length, signal);
		for (let at = 0; at < length; at += 8, table++) {
			const l2Offset = offsetOf(l1.getUint32(at), l1.getUint32(at + 4));
			if (l2Offset === 0 || seen.has(l2Offset)) continue;
			seen.add(l2Offset);
			image.add(l2Offset + clusterBytes, "L2 table");
			if (l2Offset + clusterBytes > file.size) continue;
			const ends = endsOf(await reader.read(l2Offset), header, sizeBytes - table * diskBytesOfTable);
			image.add(ends.compressed, "compressed cluster");
			(header.hasDataFile ? data : image).add(ends.plain, "data cluster");
		}
	}
	for (const { bytes, what } of [image, data]) {
		if (!Number.isSafeInteger(bytes)) throw damaged(file.name, what, "offset", bytes, "below 2^53");
	}
	return { image, data };
}

function offsetOf(high: number, low: number): number {
	return (high & HIGH_MASK) * TWO_32 + ((low & LOW_MASK) >>> 0);
}

/** @param left bytes of the disk from the table's first cluster on. */
function endsOf(l2: DataView, header: Qcow2Header, left: number): { plain: number; compressed: number } {
	const { clusterBits, hasExtendedL2, hasDataFile } = header;
	const clusterBytes = 2 ** clusterBits;
	const entryBytes = hasExtendedL2 ? 16 : 8;
	/** Of a compressed cluster's entry, upper half: the bits of its offset, then those of its further sectors. */
	const offsetBits = 62 - (clusterBits - 8) - 32;
	const [offsetMask, sectorsMask] = [2 ** offsetBits - 1, 2 ** (clusterBits - 8) - 1];
	let [plain, compressed] = [0, 0];
	for (let at = 0, rest = left; at < clusterBytes && rest > 0; at += entryBytes, rest -= clusterBytes) {
		const high = l2.getUint32(at);
		const low = l2.getUint32(at + 4);
		if ((high & COMPRESSED) !== 0) {
			const begin = (high & offsetMask) * TWO_32 + low;
			const sectors = (high >>> offsetBits) & sectorsMask;
			compressed = Math.max(compressed, begin + 1, begin - (begin % SECTOR) + sectors * SECTOR + 1);
			continue;
		}
		const offset = offsetOf(high, low);
		if (offset === 0 && !(hasDataFile && (high & COPIED) !== 0)) continue;
		let length = Math.min(clusterBytes, rest);
		if (hasExtendedL2) {
			const last = SUBCLUSTERS - Math.clz32(l2.getUint32(at + 12));
			length = Math.min(length, (last * clusterBytes) / SUBCLUSTERS);
		} else if ((low & ZERO) !== 0) continue;
		if (length > 0) plain = Math.max(plain, offset + length);
	}
	return { plain, compressed };
}
