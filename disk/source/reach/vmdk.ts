/** How far a sparse extent of a VMDK must reach. Source: VMware, "Virtual Disk Format 5.0", hosted sparse extents; QEMU, block/vmdk.c. */
import type { BlockSource } from "../source.ts";
import { damaged, pieces, Reach, readView, TableReader } from "./reach.ts";

const SECTOR = 512;
const HEADER_BYTES = 512;
const MAGIC = 0x564d_444b; // "KDMV"
/** The footer is followed by the end-of-stream marker. */
const FOOTER_FROM_END = 1024;
const GD_AT_END = 2n ** 64n - 1n;
const GD_PIECE_BYTES = 2 ** 20;
/** QEMU's own limits. */
const MAX_GRAIN_SECTORS = 2 ** 21;
const MAX_GTES_PER_GT = 512;
const MAX_GD_ENTRIES = 2 ** 29;
const FLAG_ZEROED_GRAINS = 1 << 2;
const FLAG_COMPRESSED = 1 << 16;
const FLAG_MARKERS = 1 << 17;
const GTE_ZEROED = 1;
/** Before a compressed grain: its first sector on the disk and its length. */
const MARKER_BYTES = 12;

/** Undefined for another kind of extent (ESX's), which is not looked into. @throws UmbraError `corrupt`. */
export async function vmdkReach(file: BlockSource, signal: AbortSignal | undefined): Promise<Reach | undefined> {
	const reach = new Reach();
	reach.add(HEADER_BYTES, "header");
	if (file.size < HEADER_BYTES) return reach;
	let header = await readView(file, 0, HEADER_BYTES, signal);
	if (header.getUint32(0, true) !== MAGIC) return undefined;
	if (header.getBigUint64(56, true) === GD_AT_END && file.size >= HEADER_BYTES + FOOTER_FROM_END) {
		header = await readView(file, file.size - FOOTER_FROM_END, HEADER_BYTES, signal);
		if (header.getUint32(0, true) !== MAGIC) {
			reach.add(file.size + 1, "footer");
			return reach;
		}
	}
	const { name } = file;
	const flags = header.getUint32(8, true);
	const capacity = Number(header.getBigUint64(12, true));
	const grain = Number(header.getBigUint64(20, true));
	const perTable = header.getUint32(44, true);
	const gdOffset = Number(header.getBigUint64(56, true)) * SECTOR;
	const structure = "VMDK sparse extent header";
	if (grain === 0 || grain > MAX_GRAIN_SECTORS) {
		throw damaged(name, structure, "grainSize", grain, `1 to ${MAX_GRAIN_SECTORS}`);
	}
	if (perTable === 0 || perTable > MAX_GTES_PER_GT) {
		throw damaged(name, structure, "numGTEsPerGT", perTable, `1 to ${MAX_GTES_PER_GT}`);
	}
	const tables = Math.ceil(capacity / (grain * perTable));
	if (tables > MAX_GD_ENTRIES) throw damaged(name, structure, "capacity", capacity, `at most ${MAX_GD_ENTRIES} tables`);
	if (!Number.isSafeInteger(gdOffset)) throw damaged(name, structure, "gdOffset", gdOffset, "below 2^53");
	reach.add(gdOffset + tables * 4, "grain directory");
	if (reach.bytes > file.size) return reach;

	const isCompressed = (flags & FLAG_COMPRESSED) !== 0;
	const hasZeroed = (flags & FLAG_ZEROED_GRAINS) !== 0;
	const tableBytes = perTable * 4;
	const reader = new TableReader(file, tableBytes, signal);
	const seen = new Set<number>();
	let table = 0;
	let lastGrain = 0;
	for (const [offset, length] of pieces(gdOffset, tables * 4, GD_PIECE_BYTES)) {
		const directory = await readView(file, offset, length, signal);
		for (let at = 0; at < length; at += 4, table++) {
			const gtOffset = directory.getUint32(at, true) * SECTOR;
			if (gtOffset === 0 || seen.has(gtOffset)) continue;
			seen.add(gtOffset);
			reach.add(gtOffset + tableBytes, "grain table");
			if (gtOffset + tableBytes > file.size) continue;
			const gt = await reader.read(gtOffset);
			let rest = capacity - table * perTable * grain;
			for (let entry = 0; entry < tableBytes && rest > 0; entry += 4, rest -= grain) {
				const sector = gt.getUint32(entry, true);
				if (sector === 0 || (hasZeroed && sector === GTE_ZEROED)) continue;
				const begin = sector * SECTOR;
				if (isCompressed) lastGrain = Math.max(lastGrain, begin);
				else reach.add(begin + Math.min(grain, rest) * SECTOR, "grain");
			}
		}
	}
	if (lastGrain > 0) {
		const markers = (flags & FLAG_MARKERS) !== 0 ? MARKER_BYTES : 0;
		reach.add(lastGrain + markers + 1, "compressed grain");
		if (markers > 0 && lastGrain + markers <= file.size) {
			const marker = await readView(file, lastGrain, markers, signal);
			reach.add(lastGrain + markers + Math.min(marker.getUint32(8, true), 2 * grain * SECTOR), "compressed grain");
		}
	}
	return reach;
}
