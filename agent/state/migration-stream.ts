/**
 * QEMU's migration stream, taken apart while it comes: the pages of RAM to whoever assembles them, all the rest as it
 * is. Names are those of QEMU's migration/savevm.c, migration/vmstate.c and migration/ram.c. All numbers are
 * big-endian.
 *
 *     "QEVM" | u32 version | configuration | START of "ram": table of RAM blocks | PART of "ram": pages ... | devices | end
 *
 * What devices say has no length that could be skipped, so it has to come last: as QEMU's background snapshot sends it.
 */
import { UmbraError } from "../../common/errors.ts";

export const RAM_PAGE = 4096;

const QEMU_VM_FILE_MAGIC = 0x5145564d;
const QEMU_VM_FILE_VERSION = 3;
const QEMU_VM_EOF = 0x00;
const QEMU_VM_SECTION_START = 0x01;
const QEMU_VM_SECTION_PART = 0x02;
const QEMU_VM_SECTION_END = 0x03;
const QEMU_VM_SECTION_FULL = 0x04;
const QEMU_VM_CONFIGURATION = 0x07;
const QEMU_VM_SECTION_FOOTER = 0x7e;

const RAM_SAVE_FLAG_ZERO = 0x02;
const RAM_SAVE_FLAG_MEM_SIZE = 0x04;
const RAM_SAVE_FLAG_PAGE = 0x08;
const RAM_SAVE_FLAG_EOS = 0x10;
const RAM_SAVE_FLAG_CONTINUE = 0x20;
/** The flags share a word with the page's address, which is a multiple of the page size. */
const FLAG_BITS = BigInt(RAM_PAGE - 1);

/** Names of machine types are some twenty characters. */
const MAX_MACHINE_NAME = 255;
/** A machine has a block for its RAM, for each DIMM, and some for firmware and video. */
const MAX_RAM_BLOCKS = 4096;
/** 4 TiB, more than machines have: bounds what a damaged length can cost, 128 MiB. */
const MAX_RAM_BYTES = 2 ** 42;
/** Devices take some hundreds of KiB; video memory counts as RAM. */
const MAX_DEVICE_BYTES = 256 * 2 ** 20;
/** The longest unit that is looked at as a whole: a page with the name of its block. */
const MAX_UNIT = 8 + 1 + 255 + RAM_PAGE;

/** A RAM block: a range of memory by the name under which a machine of the same kind finds it again. */
export interface RamBlock {
	readonly name: string;
	/** Bytes; whole pages. */
	readonly size: number;
}

export interface RamVisitor {
	/** Once, before any page. */
	onBlocks(blocks: readonly RamBlock[]): void;
	/** `page` is a view that is gone when this returns. `block` counts in the table; `offset` is in bytes within it. */
	onPage(block: number, offset: number, page: Uint8Array): void;
	/** A page of this byte alone. */
	onFill(block: number, offset: number, byte: number): void;
}

/** What is not RAM: `head`, then any number of sections with pages, then `tail` make a stream that QEMU takes. */
export interface DeviceState {
	/** Versioned: "pc-i440fx-7.2". Empty where QEMU does not send it. */
	readonly machineType: string;
	/** Up to the first page, the table of RAM blocks included. */
	readonly head: Buffer;
	/** Sections of devices, to the end. */
	readonly tail: Buffer;
	/** Of the section that holds RAM. */
	readonly ramSection: number;
	/** Sections end with a footer. */
	readonly hasFooters: boolean;
}

/** What is expected next. */
type Place = "header" | "configuration" | "section" | "ram" | "tail";

/** Takes the stream apart as it is pushed. One that has thrown is done with. */
export class MigrationStream {
	readonly #visitor: RamVisitor;
	/** Bytes that were pushed and not used: less than one unit. */
	#rest: Buffer = Buffer.alloc(0);
	/** Where the rest lies between two pushes, and what it is put together with. */
	readonly #left = Buffer.allocUnsafeSlow(MAX_UNIT);
	#memory = Buffer.alloc(0);
	/** Of the first byte of `#rest` in the stream. */
	#offset = 0;
	#place: Place = "header";
	#machineType = "";
	#ramSection: number | undefined;
	/** Bytes of the table of RAM blocks that are still to come; undefined outside of it. */
	#tableLeft: number | undefined;
	readonly #blocks: RamBlock[] = [];
	readonly #numbers = new Map<string, number>();
	/** The block that the last page was of. */
	#current: number | undefined;
	#pages = 0;
	#hasFooters = false;
	readonly #head: Buffer[] = [];
	#isHeadOver = false;
	readonly #tail: Buffer[] = [];
	#tailBytes = 0;

	constructor(visitor: RamVisitor) {
		this.#visitor = visitor;
	}

	/**
	 * The next bytes of the stream, of any number; they may be used again when this returns.
	 *
	 * @throws UmbraError `unsupported` for what this reader does not know, `corrupt` for what makes no sense, `limit`.
	 */
	push(bytes: Uint8Array): void {
		if (this.#isTail()) {
			this.#addTail(bytes);
			return;
		}
		this.#rest = this.#rest.length === 0 ? viewOf(bytes) : this.#joined(bytes);
		let at = 0;
		for (;;) {
			const used = this.#step(at);
			if (used < 0) break;
			at += used;
			if (this.#isTail()) {
				this.#addTail(this.#rest.subarray(at));
				this.#rest = Buffer.alloc(0);
				return;
			}
		}
		if (this.#rest.length - at > MAX_UNIT) throw this.#wrong("corrupt", "section", "no end", "one within a page");
		this.#offset += at;
		this.#left.set(this.#rest.subarray(at));
		this.#rest = this.#left.subarray(0, this.#rest.length - at);
	}

	/** What was left and these bytes, in memory that is used each time. */
	#joined(bytes: Uint8Array): Buffer {
		const { length } = this.#rest;
		if (this.#memory.length < length + bytes.length) this.#memory = Buffer.allocUnsafeSlow(2 * (length + bytes.length));
		this.#memory.set(this.#rest);
		this.#memory.set(bytes, length);
		return this.#memory.subarray(0, length + bytes.length);
	}

	/** The stream has ended. @throws UmbraError `truncated` where more should have come. */
	end(): DeviceState {
		if (!this.#isTail() || this.#tailBytes < 2) {
			throw this.#wrong("truncated", this.#place, `the end after ${this.#pages} pages`, "sections of devices");
		}
		return {
			machineType: this.#machineType,
			head: Buffer.concat(this.#head),
			tail: Buffer.concat(this.#tail),
			ramSection: this.#ramSection ?? 0,
			hasFooters: this.#hasFooters,
		};
	}

	#isTail(): boolean {
		return this.#place === "tail";
	}

	/** Uses one unit at `at` of the rest and says how many bytes it took; -1: it has not come whole. */
	#step(at: number): number {
		switch (this.#place) {
			case "header":
				return this.#header(at);
			case "configuration":
				return this.#configuration(at);
			case "section":
				return this.#section(at);
			default:
				return this.#ram(at);
		}
	}

	#header(at: number): number {
		if (this.#rest.length < at + 8) return -1;
		const magic = this.#rest.readUInt32BE(at);
		if (magic !== QEMU_VM_FILE_MAGIC) {
			throw this.#wrong("corrupt", "header", magic.toString(16), QEMU_VM_FILE_MAGIC.toString(16), at);
		}
		const version = this.#rest.readUInt32BE(at + 4);
		if (version !== QEMU_VM_FILE_VERSION) {
			throw this.#wrong("unsupported", "header", `version ${version}`, `version ${QEMU_VM_FILE_VERSION}`, at);
		}
		this.#place = "configuration";
		return this.#keep(at, 8);
	}

	#configuration(at: number): number {
		if (this.#rest.length < at + 1) return -1;
		if (this.#rest[at] !== QEMU_VM_CONFIGURATION) {
			this.#place = "section";
			return 0;
		}
		if (this.#rest.length < at + 5) return -1;
		const length = this.#rest.readUInt32BE(at + 1);
		if (length > MAX_MACHINE_NAME) {
			throw this.#wrong("corrupt", "configuration", `a name of ${length} bytes`, `at most ${MAX_MACHINE_NAME}`, at);
		}
		if (this.#rest.length < at + 5 + length) return -1;
		this.#machineType = this.#rest.toString("latin1", at + 5, at + 5 + length);
		this.#place = "section";
		return this.#keep(at, 5 + length);
	}

	#section(at: number): number {
		if (this.#rest.length < at + 1) return -1;
		const type = this.#rest[at] as number;
		switch (type) {
			case QEMU_VM_SECTION_START:
				return this.#sectionStart(at);
			case QEMU_VM_SECTION_PART:
			case QEMU_VM_SECTION_END: {
				if (this.#rest.length < at + 5) return -1;
				this.#checkSection(this.#rest.readUInt32BE(at + 1), at);
				this.#isHeadOver = true;
				this.#place = "ram";
				return 5;
			}
			case QEMU_VM_SECTION_FOOTER: {
				if (this.#rest.length < at + 5) return -1;
				this.#checkSection(this.#rest.readUInt32BE(at + 1), at);
				this.#hasFooters = true;
				return this.#keep(at, 5);
			}
			case QEMU_VM_SECTION_FULL:
			case QEMU_VM_EOF:
				if (this.#ramSection === undefined || this.#tableLeft !== undefined) {
					throw this.#wrong("unsupported", "section", "devices before RAM", "RAM first", at);
				}
				this.#place = "tail";
				return 0;
			default:
				throw this.#wrong("unsupported", "section", `type ${type}`, "a section of RAM or of a device", at);
		}
	}

	#sectionStart(at: number): number {
		if (this.#rest.length < at + 6) return -1;
		const idLength = this.#rest[at + 5] as number;
		const length = 6 + idLength + 8;
		if (this.#rest.length < at + length) return -1;
		const name = this.#rest.toString("latin1", at + 6, at + 6 + idLength);
		if (name !== "ram") {
			throw this.#wrong("unsupported", "section", `"${name}", which is sent while the machine runs`, "ram alone", at);
		}
		if (this.#ramSection !== undefined) throw this.#wrong("corrupt", "section", "a second START of ram", "one", at);
		this.#ramSection = this.#rest.readUInt32BE(at + 1);
		this.#place = "ram";
		return this.#keep(at, length);
	}

	#checkSection(id: number, at: number): void {
		if (id !== this.#ramSection) throw this.#wrong("corrupt", "section", `section ${id}`, "that of ram", at);
	}

	/** One record of RAM: the size of all, a block of the table, a page, or the end of the section. */
	#ram(at: number): number {
		if (this.#tableLeft !== undefined) return this.#tableEntry(at);
		const rest = this.#rest;
		if (rest.length < at + 8) return -1;
		const low = rest.readUInt32BE(at + 4);
		const flags = low & (RAM_PAGE - 1);
		const offset = rest.readUInt32BE(at) * 2 ** 32 + (low - flags);
		switch (flags & ~RAM_SAVE_FLAG_CONTINUE) {
			case RAM_SAVE_FLAG_PAGE:
			case RAM_SAVE_FLAG_ZERO:
				return this.#page(at, flags, offset);
			case RAM_SAVE_FLAG_EOS:
				this.#place = "section";
				return this.#keep(at, 8);
			case RAM_SAVE_FLAG_MEM_SIZE:
				if (this.#blocks.length > 0 || offset > MAX_RAM_BYTES || offset === 0) {
					throw this.#wrong("corrupt", "ram", `a table of ${offset} bytes`, `one, of at most ${MAX_RAM_BYTES}`, at);
				}
				this.#tableLeft = offset;
				return this.#keep(at, 8);
			default:
				throw this.#wrong("unsupported", "ram", `flags 0x${flags.toString(16)}`, "plain pages", at);
		}
	}

	#tableEntry(at: number): number {
		if (this.#rest.length < at + 1) return -1;
		const nameLength = this.#rest[at] as number;
		const length = 1 + nameLength + 8;
		if (this.#rest.length < at + length) return -1;
		const name = this.#rest.toString("latin1", at + 1, at + 1 + nameLength);
		const size = this.#rest.readBigUInt64BE(at + 1 + nameLength);
		const left = this.#tableLeft ?? 0;
		if (size > BigInt(left) || size === 0n || (size & FLAG_BITS) !== 0n || this.#numbers.has(name)) {
			throw this.#wrong("corrupt", "ram", `block "${name}" of ${size} bytes`, `whole pages of the ${left} left`, at);
		}
		if (this.#blocks.length === MAX_RAM_BLOCKS) {
			throw this.#wrong("limit", "ram", "more RAM blocks", `at most ${MAX_RAM_BLOCKS}`, at);
		}
		this.#numbers.set(name, this.#blocks.length);
		this.#blocks.push({ name, size: Number(size) });
		this.#tableLeft = left - Number(size);
		if (this.#tableLeft === 0) {
			this.#tableLeft = undefined;
			this.#visitor.onBlocks(this.#blocks);
		}
		return this.#keep(at, length);
	}

	#page(at: number, flags: number, offset: number): number {
		const rest = this.#rest;
		let data = at + 8;
		let number = this.#current;
		if ((flags & RAM_SAVE_FLAG_CONTINUE) === 0) {
			const nameLength = rest[data];
			if (nameLength === undefined || rest.length < data + 1 + nameLength) return -1;
			number = this.#numbers.get(rest.toString("latin1", data + 1, data + 1 + nameLength));
			data += 1 + nameLength;
		}
		const isFill = (flags & RAM_SAVE_FLAG_ZERO) !== 0;
		const end = data + (isFill ? 1 : RAM_PAGE);
		if (rest.length < end) return -1;
		const block = number === undefined ? undefined : this.#blocks[number];
		if (block === undefined || number === undefined || offset >= block.size) {
			throw this.#wrong(
				"corrupt",
				"ram",
				`a page at ${offset} of ${block?.name ?? "no block"}`,
				"one within a block",
				at,
			);
		}
		this.#current = number;
		this.#pages++;
		if (isFill) this.#visitor.onFill(number, offset, rest[data] as number);
		else this.#visitor.onPage(number, offset, rest.subarray(data, end));
		return end - at;
	}

	/** What belongs to the head is kept, what frames pages is not. */
	#keep(at: number, length: number): number {
		if (!this.#isHeadOver) this.#head.push(Buffer.from(this.#rest.subarray(at, at + length)));
		return length;
	}

	#addTail(bytes: Uint8Array): void {
		this.#tailBytes += bytes.length;
		if (this.#tailBytes > MAX_DEVICE_BYTES) {
			throw this.#wrong("limit", "devices", `more than ${MAX_DEVICE_BYTES} bytes`, "less");
		}
		this.#tail.push(Buffer.from(bytes));
	}

	#wrong(
		code: "corrupt" | "truncated" | "unsupported" | "limit",
		structure: string,
		found: string,
		wanted: string,
		at = 0,
	): UmbraError {
		const offset = this.#offset + at;
		return new UmbraError(code, `migration stream, ${structure} at ${offset}: ${found}; wanted ${wanted}`, {
			context: { structure: `migration stream, ${structure}`, offset, found, wanted },
		});
	}
}

/** One section of RAM, for a stream that is put together again. */
export class RamSection {
	readonly #state: Pick<DeviceState, "ramSection" | "hasFooters">;

	constructor(state: Pick<DeviceState, "ramSection" | "hasFooters">) {
		this.#state = state;
	}

	begin(): Buffer {
		const bytes = Buffer.alloc(5);
		bytes[0] = QEMU_VM_SECTION_PART;
		bytes.writeUInt32BE(this.#state.ramSection, 1);
		return bytes;
	}

	/**
	 * What stands before the bytes of a page, or in place of a page of zeroes.
	 *
	 * @param block left out where it is that of the page before
	 */
	page(block: string | undefined, offset: number, isZero: boolean): Buffer {
		const name = block === undefined ? undefined : Buffer.from(block, "latin1");
		const bytes = Buffer.alloc(8 + (name === undefined ? 0 : 1 + name.length) + (isZero ? 1 : 0));
		const flags = (isZero ? RAM_SAVE_FLAG_ZERO : RAM_SAVE_FLAG_PAGE) | (name ? 0 : RAM_SAVE_FLAG_CONTINUE);
		bytes.writeBigUInt64BE(BigInt(offset + flags), 0);
		if (name !== undefined) {
			bytes[8] = name.length;
			bytes.set(name, 9);
		}
		return bytes;
	}

	end(): Buffer {
		const bytes = Buffer.alloc(this.#state.hasFooters ? 13 : 8);
		bytes.writeBigUInt64BE(BigInt(RAM_SAVE_FLAG_EOS), 0);
		if (this.#state.hasFooters) {
			bytes[8] = QEMU_VM_SECTION_FOOTER;
			bytes.writeUInt32BE(this.#state.ramSection, 9);
		}
		return bytes;
	}
}

function viewOf(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
