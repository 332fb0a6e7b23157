/** The columns of an encoded disk tree: a growing buffer to write, and one that trusts nothing to read. */
import { UmbraError } from "../common/errors.ts";
import type { FileNode, Ranges } from "./filesystem.ts";

/** A zigzag number doubles its magnitude and must stay a safe integer. */
const MAX_INTEGER = 2 ** 52;
const MAX_VARINT_BYTES = 8;
const EMPTY: Ranges = [];

export class ColumnWriter {
	#buffer = Buffer.allocUnsafe(64 * 1024);
	#at = 0;

	byte(value: number): void {
		this.#reserve(1);
		this.#buffer[this.#at++] = value;
	}

	/** 0 to 2^53 - 1. */
	natural(value: number): void {
		if (!(value >= 0 && Number.isSafeInteger(value))) throw unfit(value);
		this.#reserve(MAX_VARINT_BYTES);
		let rest = value;
		while (rest >= 0x80) {
			this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
			rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
		}
		this.#buffer[this.#at++] = rest;
	}

	/** -2^52 to 2^52. */
	integer(value: number): void {
		if (!(Math.abs(value) < MAX_INTEGER)) throw unfit(value);
		this.natural(value < 0 ? -2 * value - 1 : 2 * value);
	}

	float(value: number): void {
		this.#reserve(8);
		this.#at = this.#buffer.writeDoubleLE(value, this.#at);
	}

	string(value: string): void {
		const length = Buffer.byteLength(value, "utf8");
		this.natural(length);
		this.#reserve(length);
		this.#at += this.#buffer.write(value, this.#at, "utf8");
	}

	/** The number of pairs, then each pair; an offset is told from the end of the range before it. */
	ranges(ranges: Ranges, unit: number): void {
		this.natural(ranges.length / 2);
		this.#pairs(ranges, unit, 0);
	}

	/** The ranges of all nodes: a column of counts, then one of pairs, each told from the node before. */
	rangeLists(nodes: readonly FileNode[], field: "data" | "meta", unit: number): void {
		for (const node of nodes) this.natural(node[field].length / 2);
		let end = 0;
		for (const node of nodes) end = this.#pairs(node[field], unit, end);
	}

	bytes(): Uint8Array {
		return this.#buffer.subarray(0, this.#at);
	}

	#pairs(ranges: Ranges, unit: number, start: number): number {
		let end = start;
		for (let at = 0; at < ranges.length; at += 2) {
			const offset = ranges[at]! / unit;
			const length = ranges[at + 1]! / unit;
			this.integer(offset - end);
			this.natural(length);
			end = offset + length;
		}
		return end;
	}

	#reserve(bytes: number): void {
		if (this.#at + bytes <= this.#buffer.length) return;
		const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
		this.#buffer.copy(grown, 0, 0, this.#at);
		this.#buffer = grown;
	}
}

export class ColumnReader {
	readonly #buffer: Buffer;
	readonly #structure: string;
	#at = 0;

	/** @param structure names what is read in errors. */
	constructor(buffer: Buffer, structure: string) {
		this.#buffer = buffer;
		this.#structure = structure;
	}

	natural(): number {
		const buffer = this.#buffer;
		let byte = this.#next();
		if (byte < 0x80) return byte;
		let value = byte & 0x7f;
		let scale = 0x80;
		for (let length = 1; length < MAX_VARINT_BYTES; length++) {
			if (this.#at >= buffer.length) break;
			byte = buffer[this.#at++]!;
			value += (byte & 0x7f) * scale;
			if (byte < 0x80) {
				if (value > Number.MAX_SAFE_INTEGER) break;
				return value;
			}
			scale *= 0x80;
		}
		throw this.damaged("a number without an end");
	}

	integer(): number {
		const value = this.natural();
		return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
	}

	/** A count of things that take at least `size` bytes each: never more than the bytes that remain can hold. */
	count(size: number): number {
		const count = this.natural();
		if (count > (this.#buffer.length - this.#at) / size) throw this.damaged(`a count of ${count}`);
		return count;
	}

	choice<T>(values: readonly T[]): T {
		const index = this.#next();
		if (index >= values.length) throw this.damaged(`choice ${index} of ${values.length}`);
		return values[index]!;
	}

	string(): string {
		const length = this.count(1);
		this.#at += length;
		return this.#buffer.toString("utf8", this.#at - length, this.#at);
	}

	raw(length: number): Uint8Array {
		this.#need(length);
		this.#at += length;
		return this.#buffer.subarray(this.#at - length, this.#at);
	}

	naturals(count: number): Float64Array {
		this.#need(count);
		const values = new Float64Array(count);
		for (let at = 0; at < count; at++) values[at] = this.natural();
		return values;
	}

	/** Running sums of a column of integers; none below zero. */
	deltas(count: number): Float64Array {
		this.#need(count);
		const values = new Float64Array(count);
		for (let at = 0, sum = 0; at < count; at++) {
			sum += this.integer();
			if (!(sum >= 0)) throw this.damaged("a number below zero");
			values[at] = sum;
		}
		return values;
	}

	floats(count: number): Float64Array {
		this.#need(count * 8);
		const values = new Float64Array(count);
		for (let at = 0; at < count; at++, this.#at += 8) values[at] = this.#buffer.readDoubleLE(this.#at);
		return values;
	}

	ranges(unit: number): Ranges {
		return this.#pairs(this.count(2), unit, { end: 0 });
	}

	rangeLists(count: number, unit: number): Ranges[] {
		const counts = this.naturals(count);
		const cursor = { end: 0 };
		const lists = new Array<Ranges>(count);
		for (let at = 0; at < count; at++) lists[at] = this.#pairs(counts[at]!, unit, cursor);
		return lists;
	}

	end(): void {
		if (this.#at !== this.#buffer.length) throw this.damaged(`${this.#buffer.length - this.#at} bytes too many`);
	}

	#pairs(pairs: number, unit: number, cursor: { end: number }): Ranges {
		if (pairs === 0) return EMPTY;
		this.#need(pairs * 2);
		// Most files are one range: a literal is a fifth of the memory of an array that grew.
		if (pairs === 1) {
			const length = this.#pair(unit, cursor);
			return [(cursor.end - length) * unit, length * unit];
		}
		const ranges = new Array<number>(pairs * 2);
		for (let at = 0; at < ranges.length; at += 2) {
			const length = this.#pair(unit, cursor);
			ranges[at] = (cursor.end - length) * unit;
			ranges[at + 1] = length * unit;
		}
		return ranges;
	}

	/** Moves the cursor to the end of the next range and returns its length, both in units. */
	#pair(unit: number, cursor: { end: number }): number {
		const offset = cursor.end + this.integer();
		const length = this.natural();
		cursor.end = offset + length;
		if (!(offset >= 0 && Number.isSafeInteger(cursor.end * unit))) throw this.damaged("a range beyond 2^53");
		return length;
	}

	#next(): number {
		this.#need(1);
		return this.#buffer[this.#at++]!;
	}

	#need(bytes: number): void {
		if (bytes > this.#buffer.length - this.#at) throw this.damaged(`${bytes} bytes wanted`);
	}

	/** What to throw for a value that makes no sense. */
	damaged(what: string): UmbraError {
		return new UmbraError("corrupt", `${this.#structure}: ${what} at ${this.#at} of ${this.#buffer.length}`, {
			context: { structure: this.#structure, offset: this.#at },
		});
	}
}

function unfit(value: number): UmbraError {
	return new UmbraError("limit", `${value} is no number that the format holds`, {
		context: { structure: "columns", found: value },
	});
}
