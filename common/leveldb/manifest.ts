/** What a MANIFEST says of a LevelDB: records of edits, each with some of the fields of `VersionEdit` in LevelDB's source. */
import { UmbraError } from "../errors.ts";
import { Fields } from "./fields.ts";

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG = 9;

export interface Version {
	/** Logs from this number on are part of the database. */
	readonly log: number;
	/** Bytes of each table that is part of it, by its number. */
	readonly tables: ReadonlyMap<number, number>;
}

/** @throws UmbraError `corrupt`, `unsupported`. */
export function parseManifest(records: readonly Uint8Array[]): Version {
	const tables = new Map<number, number>();
	let log: number | undefined;
	for (const record of records) {
		const fields = new Fields(record);
		while (fields.rest > 0) {
			const tag = fields.number();
			if (tag === COMPARATOR) fields.text();
			else if (tag === LOG_NUMBER) log = fields.number();
			else if (tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) fields.number();
			else if (tag === COMPACT_POINTER) {
				fields.number();
				fields.text();
			} else if (tag === DELETED_FILE) {
				fields.number();
				tables.delete(fields.number());
			} else if (tag === NEW_FILE) {
				fields.number();
				tables.set(fields.number(), fields.number());
				fields.text();
				fields.text();
			} else throw new UmbraError("unsupported", `field ${tag} of a MANIFEST`, { context: { found: tag } });
		}
	}
	if (log === undefined) throw new UmbraError("corrupt", "a MANIFEST that names no log");
	return { log, tables };
}
