/**
 * rpm's "ndb" database, `Packages.db`: pages of slots at its begin, each with the place of a header in the rest of
 * the file. Source: rpm's lib/backend/ndb/rpmpkg.c.
 */
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import type { Problems } from "../parser/problems.ts";
import type { GuestFile } from "./guest-root.ts";
import { MAX_HEADER } from "./rpm-header.ts";

const PAGE_SIZE = 4096;
const SLOT_SIZE = 16;
/** Unit of places and lengths. */
const BLOCK_SIZE = 16;
/** The file's header lies where the first two slots would. */
const FIRST_SLOT = 2;
/** 2^18 packages. */
const MAX_SLOT_PAGES = 1024;
const BLOB_HEAD = 16;
const BLOB_TAIL = 12;

const MAGIC = 0x506d7052; // "RpmP"
const SLOT_MAGIC = 0x746f6c53; // "Slot"
const BLOB_MAGIC = 0x53626c42; // "BlbS"
const TAIL_MAGIC = 0x45626c42; // "BlbE"

export interface NdbSlot {
	readonly packageIndex: number;
	/** Bytes. */
	readonly offset: number;
	readonly length: number;
}

/**
 * The headers of all packages, in the order in which they lie. One that is damaged is a problem, not an end.
 *
 * @throws UmbraError `corrupt`, `truncated`, `limit`, or what the disk throws.
 */
export async function* readNdb(file: GuestFile, problems: Problems, signal?: AbortSignal): AsyncGenerator<Buffer> {
	const first = await read(file, 0, PAGE_SIZE, problems, signal);
	const pages = parseNdbHeader(first, problems);
	const table = pages === 1 ? first : await read(file, 0, pages * PAGE_SIZE, problems, signal);
	let seen = pages * PAGE_SIZE;
	for (const { packageIndex, offset, length } of parseSlots(table, file.node.size, problems)) {
		// Each byte belongs to one package: overlapping slots would make a small file endless.
		if (offset < seen) {
			problems.add("corrupt", `the header of package ${packageIndex} begins within another`, { offset });
			continue;
		}
		seen = offset + length;
		try {
			const blob = await read(file, offset, length, problems, signal);
			yield parseBlob(blob, packageIndex, offset, problems);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "limit")) throw error;
			problems.add(error.code, `package ${packageIndex}: ${error.message}`, { ...error.context });
		}
	}
}

/** @returns how many pages of slots there are. */
function parseNdbHeader(bytes: Buffer, problems: Problems): number {
	const check = (field: string, offset: number, wanted: number): void => {
		const found = bytes.readUInt32LE(offset);
		if (found !== wanted) throw fault(problems, "corrupt", "ndb header", field, offset, found, wanted);
	};
	check("magic", 0, MAGIC);
	check("version", 4, 0);
	const pages = bytes.readUInt32LE(12);
	if (pages === 0 || pages > MAX_SLOT_PAGES) {
		throw fault(problems, "limit", "ndb header", "slotnpages", 12, pages, `1 to ${MAX_SLOT_PAGES}`);
	}
	return pages;
}

/** Slots in use, by their place in the file. */
function parseSlots(table: Buffer, fileSize: number, problems: Problems): NdbSlot[] {
	const slots: NdbSlot[] = [];
	for (let at = FIRST_SLOT * SLOT_SIZE; at < table.length; at += SLOT_SIZE) {
		const magic = table.readUInt32LE(at);
		const packageIndex = table.readUInt32LE(at + 4);
		const offset = table.readUInt32LE(at + 8) * BLOCK_SIZE;
		const length = table.readUInt32LE(at + 12) * BLOCK_SIZE;
		if (magic === SLOT_MAGIC && offset === 0) continue;
		const fits = offset >= table.length && length > 0 && offset + length <= fileSize;
		if (magic === SLOT_MAGIC && packageIndex !== 0 && fits) slots.push({ packageIndex, offset, length });
		else problems.add("corrupt", `the slot at byte ${at} makes no sense`, { structure: "ndb slot", offset: at });
	}
	return slots.sort((a, b) => a.offset - b.offset);
}

/** The header that a blob holds. */
function parseBlob(bytes: Buffer, packageIndex: number, offset: number, problems: Problems): Buffer {
	const check = (field: string, at: number, wanted: number): void => {
		const found = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : -1;
		if (found !== wanted) throw fault(problems, "corrupt", "ndb blob", field, offset + at, found, wanted);
	};
	check("magic", 0, BLOB_MAGIC);
	check("package index", 4, packageIndex);
	const length = bytes.length >= BLOB_HEAD ? bytes.readUInt32LE(12) : 0;
	if (Math.ceil((BLOB_HEAD + length + BLOB_TAIL) / BLOCK_SIZE) * BLOCK_SIZE !== bytes.length) {
		throw fault(problems, "corrupt", "ndb blob", "length", offset + 12, length, `what fills ${bytes.length} bytes`);
	}
	check("length in the tail", bytes.length - 8, length);
	check("magic of the tail", bytes.length - 4, TAIL_MAGIC);
	return bytes.subarray(BLOB_HEAD, BLOB_HEAD + length);
}

async function read(
	{ filesystem, node }: GuestFile,
	offset: number,
	length: number,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Buffer> {
	if (length > MAX_HEADER) throw fault(problems, "limit", "ndb", "length", offset, length, MAX_HEADER);
	const bytes = await filesystem.readFile(node, offset, length, signal);
	if (bytes.length !== length) {
		throw fault(problems, "truncated", "ndb", "size", offset + bytes.length, bytes.length, length);
	}
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fault(
	problems: Problems,
	code: "corrupt" | "truncated" | "limit",
	structure: string,
	field: string,
	offset: number,
	found: unknown,
	wanted: unknown,
): UmbraError {
	const message = `${structure}: ${field} at byte ${offset} is ${found}, wanted ${wanted}`;
	return problems.error(code, message, { structure, field, offset, found, wanted });
}
