/** Tells what is damaged in packs. Never repairs. */
import { NAME_SIZE, nameToHex } from "../../common/block.ts";
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import type { ChunkForm } from "./chunk-form.ts";
import {
	FILE_HEADER_SIZE,
	FOOTER_MAGIC,
	FOOTER_SIZE,
	MAX_PACK_SIZE,
	parseFileHeader,
	parseFooter,
	parseTrailer,
	RECORD_HEADER_SIZE,
	TRAILER_ENTRY_SIZE,
	TRAILER_MAGIC,
	trailerSize,
} from "./pack-format.ts";
import { goodRecord, scanPack } from "./pack-scan.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";

export interface PackDamage {
	readonly structure: "pack header" | "pack trailer" | "chunk record";
	readonly offset: number;
	/** The stored name of the chunk that is lost, where that is known. */
	readonly name?: string;
	readonly message: string;
}

export interface PackCheck {
	readonly pack: number;
	readonly bytes: number;
	/** Good chunks. */
	readonly chunks: number;
	/** False for the pack that is being written and for what a killed process left. */
	readonly sealed: boolean;
	readonly damage: readonly PackDamage[];
}

/**
 * Reads every record of every pack, one pack at a time. The torn tail of an unsealed pack is no damage.
 * May run beside a vault that writes to the same packs.
 */
export async function* checkVault(
	packs: PackStore,
	form: ChunkForm,
	signal?: AbortSignal,
): AsyncGenerator<PackCheck, void, undefined> {
	for (const pack of await packs.list()) {
		if (pack.bytes > MAX_PACK_SIZE) {
			const damage: PackDamage = { structure: "pack header", offset: 0, message: "too large for a pack" };
			yield { pack: pack.id, bytes: pack.bytes, chunks: 0, sealed: false, damage: [damage] };
		} else {
			yield checkPack(pack, await packs.read(pack.id, 0, pack.bytes, signal), form);
		}
	}
}

/** Checks a whole pack. */
export function checkPack({ id, bytes }: PackInfo, pack: Buffer, form: ChunkForm): PackCheck {
	const damage: PackDamage[] = [];
	const header = attempt(() => parseFileHeader(pack, form.packVersion));
	if (isUmbraError(header)) {
		if (pack.length >= FILE_HEADER_SIZE) damage.push({ structure: "pack header", offset: 0, message: header.message });
	} else if (header.id !== id) {
		damage.push({ structure: "pack header", offset: 12, message: `pack id is ${header.id}, the file's is ${id}` });
	} else if (!form.hasKey(header.key)) {
		damage.push({ structure: "pack header", offset: 16, message: "the keyring does not hold its key" });
	}
	const trailer = attempt(() => {
		const footer = parseFooter(pack.subarray(-FOOTER_SIZE), pack.length, form.packVersion);
		return { end: footer.trailerOffset, entries: parseTrailer(pack.subarray(footer.trailerOffset), footer) };
	});
	if (isUmbraError(trailer)) {
		const { entries, end, gaps } = scanPack(pack, form);
		for (const { offset, length } of gaps) {
			damage.push({ structure: "chunk record", offset, message: `${length} bytes hold no whole record` });
		}
		const chunks = entries.length / TRAILER_ENTRY_SIZE;
		const sealed = endsSealed(pack, end, chunks);
		if (sealed) damage.push({ structure: "pack trailer", offset: end, message: trailer.message });
		return { pack: id, bytes, chunks, sealed, damage };
	}
	let end = FILE_HEADER_SIZE;
	let chunks = 0;
	const { entries } = trailer;
	for (let at = 0; at < entries.length; at += TRAILER_ENTRY_SIZE) {
		const name = entries.subarray(at, at + NAME_SIZE);
		const offset = entries.readUInt32LE(at + NAME_SIZE);
		if (offset !== end) {
			damage.push({ structure: "pack trailer", offset: end, message: `next record at ${offset}, wanted ${end}` });
		}
		const storedLength = entries.readUInt32LE(at + NAME_SIZE + 4) & 0xffffff;
		end = offset + RECORD_HEADER_SIZE + storedLength;
		const record = goodRecord(pack, offset, form);
		if (record !== undefined && record.storedLength === storedLength && Buffer.compare(record.name, name) === 0) {
			chunks++;
		} else {
			const message = "header or data are not what the trailer says";
			damage.push({ structure: "chunk record", offset, name: nameToHex(name), message });
		}
	}
	if (end !== trailer.end) {
		damage.push({ structure: "pack trailer", offset: end, message: `records end at ${end}, wanted ${trailer.end}` });
	}
	return { pack: id, bytes, chunks, sealed: true, damage };
}

/** Whether a pack without a good trailer once had one: it ends like a sealed one, or is as long as one. */
function endsSealed(pack: Buffer, end: number, chunks: number): boolean {
	if (pack.subarray(-FOOTER_MAGIC.length).equals(FOOTER_MAGIC)) return true;
	const begins = pack.subarray(end, end + TRAILER_MAGIC.length).equals(TRAILER_MAGIC);
	return begins && pack.length >= end + trailerSize(chunks) + FOOTER_SIZE;
}

function attempt<T>(work: () => T): T | UmbraError {
	try {
		return work();
	} catch (error) {
		if (isUmbraError(error)) return error;
		throw error;
	}
}
