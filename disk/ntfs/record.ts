/**
 * File records and what they are made of: the update sequence that guards each sector, the header, the attributes.
 * Source: the Linux-NTFS project's documentation, "FILE record", "Attribute header"; ntfs-3g's layout.h.
 */

/** Update sequences guard strides of this size, whatever the sector size of the disk. */
const STRIDE = 512;

export const RECORD_IN_USE = 1;
export const RECORD_IS_DIRECTORY = 2;

export const AT = {
	STANDARD_INFORMATION: 0x10,
	ATTRIBUTE_LIST: 0x20,
	FILE_NAME: 0x30,
	SECURITY_DESCRIPTOR: 0x50,
	VOLUME_NAME: 0x60,
	VOLUME_INFORMATION: 0x70,
	DATA: 0x80,
	INDEX_ROOT: 0x90,
	INDEX_ALLOCATION: 0xa0,
	BITMAP: 0xb0,
	REPARSE_POINT: 0xc0,
	END: 0xffffffff,
} as const;

export const FLAG_COMPRESSED = 0x00ff;
export const FLAG_ENCRYPTED = 0x4000;

/** The low six bytes of a file reference: the number of the record. The other two are its sequence number. */
export function recordNumber(view: DataView, at: number): number {
	return view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
}

/** An unsigned number of eight bytes; no longer exact beyond 2^53, where every caller's bounds end before. */
export function u64(view: DataView, at: number): number {
	return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/**
 * Puts back what the update sequence displaced, in `bytes[at, at + size)`.
 *
 * @returns undefined, or what is wrong, in words. Every stride whose end matches is put back all the same.
 */
export function applyFixups(bytes: Buffer, view: DataView, at: number, size: number): string | undefined {
	const offset = view.getUint16(at + 4, true);
	const count = view.getUint16(at + 6, true);
	if (count !== size / STRIDE + 1 || offset < 30 || offset % 2 !== 0 || offset + 2 * count > STRIDE - 2) {
		return `an update sequence of ${count} at ${offset}`;
	}
	const low = bytes[at + offset]!;
	const high = bytes[at + offset + 1]!;
	let torn = -1;
	for (let i = 1, end = at + STRIDE - 2; i < count; i++, end += STRIDE) {
		if (bytes[end] !== low || bytes[end + 1] !== high) {
			if (torn < 0) torn = i - 1;
			continue;
		}
		bytes[end] = bytes[at + offset + 2 * i]!;
		bytes[end + 1] = bytes[at + offset + 2 * i + 1]!;
	}
	return torn < 0 ? undefined : `sector ${torn} that does not match its update sequence: it was half written`;
}

/** Of a FILE record, in a buffer whose fixups were applied. */
export interface RecordHeader {
	sequence: number;
	flags: number;
	/** Whether its attributes are those of another record, `base`. */
	isExtension: boolean;
	base: number;
	baseSequence: number;
	/** Where its attributes begin and end, in the buffer. */
	attributes: number;
	end: number;
}

/** @returns what is wrong, in words, where it makes no sense. */
export function parseRecordHeader(view: DataView, at: number, size: number): RecordHeader | string {
	const attributes = view.getUint16(at + 0x14, true);
	const used = view.getUint32(at + 0x18, true);
	if (used > size) return `${used} bytes in use of ${size}`;
	if (attributes < 0x2a || attributes % 8 !== 0 || attributes + 8 > used)
		return `attributes at ${attributes} of ${used}`;
	const base = recordNumber(view, at + 0x20);
	const baseSequence = view.getUint16(at + 0x26, true);
	return {
		sequence: view.getUint16(at + 0x10, true),
		flags: view.getUint16(at + 0x16, true),
		// Those of the MFT itself have the base 0, and its sequence number.
		isExtension: base !== 0 || baseSequence !== 0,
		base,
		baseSequence,
		attributes: at + attributes,
		end: at + used,
	};
}

/** Walks the attributes of a record; the fields are those of the one that `next` came to. */
export class AttributeCursor {
	readonly view: DataView;
	type = 0;
	/** Where the attribute begins, in the buffer. */
	at = 0;
	length = 0;
	resident = true;
	flags = 0;
	nameAt = 0;
	/** UTF-16 units. */
	nameLength = 0;
	/** Of a resident one: its value. */
	valueAt = 0;
	valueLength = 0;
	/** What ended the walk early, in words. */
	fault: string | undefined = undefined;
	#next: number;
	readonly #end: number;

	constructor(view: DataView, from: number, end: number) {
		this.view = view;
		this.#next = from;
		this.#end = end;
	}

	next(): boolean {
		const { view } = this;
		const at = this.#next;
		if (at + 4 > this.#end) return this.#stop("attributes without an end");
		const type = view.getUint32(at, true);
		if (type === AT.END) return false;
		if (at + 24 > this.#end) return this.#stop("an attribute that is cut off");
		const length = view.getUint32(at + 4, true);
		if (length < 24 || length % 8 !== 0 || at + length > this.#end) {
			return this.#stop(`an attribute of type 0x${type.toString(16)} that is ${length} bytes long`);
		}
		this.type = type;
		this.at = at;
		this.length = length;
		this.resident = view.getUint8(at + 8) === 0;
		this.nameLength = view.getUint8(at + 9);
		this.flags = view.getUint16(at + 12, true);
		const nameOffset = view.getUint16(at + 10, true);
		this.nameAt = at + nameOffset;
		if (this.nameLength > 0 && nameOffset + 2 * this.nameLength > length) {
			return this.#stop(`an attribute of type 0x${type.toString(16)} whose name leaves it`);
		}
		if (this.resident) {
			const valueLength = view.getUint32(at + 16, true);
			const valueOffset = view.getUint16(at + 20, true);
			if (valueOffset + valueLength > length) {
				return this.#stop(`an attribute of type 0x${type.toString(16)} whose value leaves it`);
			}
			this.valueAt = at + valueOffset;
			this.valueLength = valueLength;
		} else if (length < 64) {
			return this.#stop(`a non-resident attribute of type 0x${type.toString(16)} that is ${length} bytes long`);
		}
		this.#next = at + length;
		return true;
	}

	#stop(fault: string): false {
		this.fault = fault;
		return false;
	}
}
