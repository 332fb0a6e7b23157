/**
 * CRC-32C in WebAssembly: half as fast again as in JavaScript, and that from the start, but only over memory of its own.
 * The code is put together here, as bytes, when it is first needed.
 * Source: the WebAssembly core specification, chapter "Binary format".
 */

/** As much of it as is needed here: the types of Node lack it. */
declare const WebAssembly: {
	readonly Memory: new (limits: {
		readonly initial: number;
		readonly maximum: number;
	}) => { readonly buffer: ArrayBuffer };
	readonly Module: new (code: Uint8Array<ArrayBuffer>) => object;
	readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

const PAGE = 1 << 16;
/**
 * In the first page stand the sixteen tables for slicing, then four, one a byte of the register, that take it over a step
 * of zeroes: a CRC is linear, so that what zeroes do to it is the sum of what they do to each of its bytes.
 */
const SLICE_TABLE = 1024;
const ZERO_TABLES = 16 * SLICE_TABLE;
const ZERO_STEP = 64;
/** Nothing is ever put here. */
const ZEROES = ZERO_TABLES + 4 * SLICE_TABLE;

const I32 = 0x7f;
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const AGAIN = [0x0c, 1];
/** Ends an `if` and the loop around it. */
const END_LOOP = [0x0b, 0x0b];
const END = 0x0b;
const LESS = 0x49;
const AT_LEAST = 0x4f;
const IS_ZERO_64 = 0x50;
const ADD = 0x6a;
const SUBTRACT = 0x6b;
const AND = 0x71;
const XOR = 0x73;
const SHIFT_LEFT = 0x74;
const SHIFT_RIGHT = 0x76;
const OR_64 = 0x84;

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const call = (index: number): number[] => [0x10, index];
const number = (value: number): number[] => [0x41, ...signed(value)];
/** The address is on the stack. */
const load = (offset: number): number[] => [0x28, 2, ...unsigned(offset)];
const load64 = (offset: number): number[] => [0x29, 0, ...unsigned(offset)];
const loadByte = (offset: number): number[] => [0x2d, 0, ...unsigned(offset)];

/** LEB128. */
function unsigned(value: number): number[] {
	return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
	return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

function section(id: number, ...content: readonly number[]): number[] {
	return [id, ...unsigned(content.length), ...content];
}

function code(locals: number, ...body: readonly number[]): number[] {
	const content = [1, locals, I32, ...body, END];
	return [...unsigned(content.length), ...content];
}

/** What table `table` says of byte `byte` of a word. */
function lookUp(word: number, byte: number, table: number): number[] {
	const shift = byte === 0 ? [...number(2), SHIFT_LEFT] : [...number(8 * byte - 2), SHIFT_RIGHT];
	return [...get(word), ...shift, ...number(0x3fc), AND, ...load(table)];
}

/** `Checksummer.add`: sixteen bytes at a time, then one at a time. */
function addCode(): number[] {
	const [crc, at, end, word] = [0, 1, 2, 3];
	const slices: number[] = [];
	// What does not wait for the register comes first, so that the next sixteen begin before these are done.
	for (let i = 12; i >= 0; i -= 4) {
		slices.push(...get(at), ...load(i), ...(i === 0 ? [...get(crc), XOR] : []), ...set(word));
		for (let byte = 0; byte < 4; byte++) {
			slices.push(...lookUp(word, byte, (15 - i - byte) * SLICE_TABLE), ...(i === 12 && byte === 0 ? [] : [XOR]));
		}
	}
	const sixteen = [...get(end), ...get(at), ...number(16), ADD, AT_LEAST, ...IF, ...slices, ...set(crc)];
	const next = [...get(crc), ...get(at), ...loadByte(0), XOR, ...set(word), ...lookUp(word, 0, 0)];
	const one = [...get(at), ...get(end), LESS, ...IF, ...next, ...get(crc), ...number(8), SHIFT_RIGHT, XOR, ...set(crc)];
	const further = (bytes: number): number[] => [...get(at), ...number(bytes), ADD, ...set(at), ...AGAIN, ...END_LOOP];
	return code(1, ...LOOP, ...sixteen, ...further(16), ...LOOP, ...one, ...further(1), ...get(crc));
}

/** `Checksummer.addPadded`: back over the zeroes in steps, then `add`, then forth by the tables. */
function addPaddedCode(): number[] {
	const [crc, at, least, end, filled] = [0, 1, 2, 3, 4];
	const move = (operation: number): number[] => [...get(filled), ...number(ZERO_STEP), operation, ...set(filled)];
	const words: number[] = [];
	for (let i = 0; i < ZERO_STEP; i += 8) {
		words.push(...get(filled), ...number(ZERO_STEP), SUBTRACT, ...load64(i), ...(i > 0 ? [OR_64] : []));
	}
	const room = [...get(filled), ...get(least), ...number(ZERO_STEP), ADD, AT_LEAST];
	const back = [...LOOP, ...room, ...IF, ...words, IS_ZERO_64, ...IF, ...move(SUBTRACT), 0x0c, 2, END, ...END_LOOP];
	const overStep: number[] = [];
	for (let byte = 0; byte < 4; byte++) {
		overStep.push(...lookUp(crc, byte, ZERO_TABLES + byte * SLICE_TABLE), ...(byte > 0 ? [XOR] : []));
	}
	const forth = [...LOOP, ...get(filled), ...get(end), LESS, ...IF, ...overStep, ...set(crc), ...move(ADD), ...AGAIN];
	const sum = [...get(crc), ...get(at), ...get(filled), ...call(0), ...set(crc)];
	return code(1, ...get(end), ...set(filled), ...back, ...sum, ...forth, ...END_LOOP, ...get(crc));
}

export interface Checksummer {
	/** What it can add up, but for the first `reserved` bytes, which are its own. All positions are from its start. */
	readonly buffer: ArrayBuffer;
	readonly reserved: number;
	/** The register `crc` gone on over the bytes from `at` to `end`. */
	readonly add: (crc: number, at: number, end: number) => number;
	/** The same where there are zeroes at the end, which are skipped; what lies before `least` is not looked at for them. */
	readonly addPadded: (crc: number, at: number, least: number, end: number) => number;
}

/** @param tables for slicing, sixteen of 256 words. @param bytes that it has room for. */
export function makeChecksummer(tables: Int32Array, bytes: number): Checksummer {
	const pages = 1 + Math.ceil(bytes / PAGE);
	const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
	const m = "m".charCodeAt(0);
	const module = Uint8Array.of(
		...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
		...section(1, 2, 0x60, 3, I32, I32, I32, 1, I32, 0x60, 4, I32, I32, I32, I32, 1, I32),
		...section(2, 1, 1, m, 1, m, 2, 1, ...unsigned(pages), ...unsigned(pages)),
		...section(3, 2, 0, 1),
		...section(7, 2, 1, "a".charCodeAt(0), 0, 0, 1, "p".charCodeAt(0), 0, 1),
		...section(10, 2, ...addCode(), ...addPaddedCode()),
	);
	const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { m: { m: memory } });
	const add = exports["a"] as Checksummer["add"];
	const words = new Int32Array(memory.buffer, 0, PAGE / 4);
	words.set(tables);
	for (let i = 0; i < SLICE_TABLE; i++) {
		words[ZERO_TABLES / 4 + i] = add((i & 0xff) << (8 * (i >>> 8)), ZEROES, ZEROES + ZERO_STEP);
	}
	return { buffer: memory.buffer, reserved: PAGE, add, addPadded: exports["p"] as Checksummer["addPadded"] };
}
