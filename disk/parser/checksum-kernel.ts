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
/** What `sumOfMany` adds up. */
const SUM = ZEROES + ZERO_STEP;
/** Structures that it takes at once, a bit of a word each, and the longest that it has room for. */
export const MOST_SUMMED = 32;
export const LONGEST_SUMMED = 1 << 14;

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
const FILL = [0xfc, 0x0b, 0];
const ADD = 0x6a;
const SUBTRACT = 0x6b;
const AND = 0x71;
const XOR = 0x73;
const SHIFT_LEFT = 0x74;
const SHIFT_RIGHT = 0x76;
const OR_64 = 0x84;
const XOR_64 = 0x85;

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const call = (index: number): number[] => [0x10, index];
const number = (value: number): number[] => [0x41, ...signed(value)];
/** The address is on the stack. */
const load = (offset: number): number[] => [0x28, 2, ...unsigned(offset)];
const load64 = (offset: number): number[] => [0x29, 0, ...unsigned(offset)];
const loadByte = (offset: number): number[] => [0x2d, 0, ...unsigned(offset)];
/** The address and what is put there are on the stack. */
const store = (offset: number): number[] => [0x36, 0, ...unsigned(offset)];
const store64 = (offset: number): number[] => [0x37, 0, ...unsigned(offset)];

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

/** Of a function that takes so many words and returns one. */
function type(parameters: number): number[] {
	return [0x60, parameters, ...new Array<number>(parameters).fill(I32), 1, I32];
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

/**
 * `Checksummer.sumOfMany`. A CRC is the remainder of a polynomial, and remainders add up as polynomials do: one of a sum
 * says as much as many. Each structure becomes a row, its checksum moved from the field to the end, where what the
 * inversions at both ends of a CRC come to is added to it: of such a row the remainder e is 0 where the checksum is right.
 * Each row is added 8 bytes further on than the one before, so that the sum's remainder is that of the sum of all
 * e * x^(64 * i), with another i for each row.
 *
 * Where one row is damaged that is never 0, since x has an inverse. Where several are, by chance, it is 0 once in 2^32, as
 * often as a CRC misses damage at all. Rows with the same damage would cancel each other two by two in a plain sum. Here
 * e times the sum of their x^(64 * i), which is the 64th power of the sum of their x^i, would have to be 0, and that
 * sum a multiple of the greater factor of CRC-32C's polynomial: 3 of the 2^32 sums of up to 32 rows are, because it
 * is irreducible and of degree 31. (Of all values of e, that factor alone does cancel two by two.)
 */
function sumOfManyCode(): number[] {
	const [at, size, field, used, constant, row, from, to] = [0, 1, 2, 3, 4, 5, 6, 7];
	const step = (local: number, bytes: readonly number[]): number[] => [...get(local), ...bytes, ADD, ...set(local)];
	const words: number[] = [];
	for (let i = 0; i < 64; i += 8) {
		words.push(...get(to), ...get(to), ...load64(i), ...get(from), ...load64(i), XOR_64, ...store64(i));
	}
	const more = [...get(from), ...get(at), ...get(size), ADD, LESS, ...IF];
	const content = [
		...LOOP,
		...more,
		...words,
		...step(from, number(64)),
		...step(to, number(64)),
		...AGAIN,
		...END_LOOP,
	];
	const checksum = [...get(at), ...get(field), ADD, ...load(0)];
	const fieldOfRow = [...get(row), ...get(field), ADD];
	const clear = [...fieldOfRow, ...fieldOfRow, ...load(0), ...checksum, XOR, ...store(0)];
	const end = [...get(to), ...get(to), ...load(0), ...checksum, XOR, ...get(constant), XOR, ...store(0)];
	const add = [...get(at), ...set(from), ...get(row), ...set(to), ...content, ...clear, ...end];
	const isUsed = [...get(used), ...number(1), AND];
	const next = [...step(at, get(size)), ...step(row, number(8)), ...get(used), ...number(1), SHIFT_RIGHT, ...set(used)];
	return code(
		3,
		...[...number(SUM), ...number(0), ...get(size), ...number(8 * MOST_SUMMED), ADD, ...FILL],
		...[...number(SUM), ...set(row)],
		...[...LOOP, ...get(used), ...IF, ...isUsed, ...IF, ...add, END, ...next, ...AGAIN, ...END_LOOP],
		...[...number(0), ...number(SUM), ...get(row), ...get(size), ADD, ...call(0)],
	);
}

export interface Checksummer {
	/** What it can add up, but for the first `reserved` bytes, which are its own. All positions are from its start. */
	readonly buffer: ArrayBuffer;
	readonly reserved: number;
	/** The register `crc` gone on over the bytes from `at` to `end`. */
	readonly add: (crc: number, at: number, end: number) => number;
	/** The same where there are zeroes at the end, which are skipped; what lies before `least` is not looked at for them. */
	readonly addPadded: (crc: number, at: number, least: number, end: number) => number;
	/**
	 * 0 where all these structures, of `size` bytes and one behind another from `at`, match the checksums at `field` in
	 * them, which count as zeroes there. Where not, 0 is as unlikely as it is of a checksum that does not match.
	 *
	 * @param size a multiple of 64, `LONGEST_SUMMED` at most.
	 * @param used a bit for each that is looked at, the lowest for the first.
	 * @param constant what the checksum of `size` zeroes is.
	 */
	readonly sumOfMany: (at: number, size: number, field: number, used: number, constant: number) => number;
}

/** @param tables for slicing, sixteen of 256 words. @param bytes that it has room for. */
export function makeChecksummer(tables: Int32Array, bytes: number): Checksummer {
	const pages = 1 + Math.ceil(bytes / PAGE);
	const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
	const m = "m".charCodeAt(0);
	const module = Uint8Array.of(
		...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
		...section(1, 3, ...type(3), ...type(4), ...type(5)),
		...section(2, 1, 1, m, 1, m, 2, 1, ...unsigned(pages), ...unsigned(pages)),
		...section(3, 3, 0, 1, 2),
		...section(7, 3, 1, "a".charCodeAt(0), 0, 0, 1, "p".charCodeAt(0), 0, 1, 1, "s".charCodeAt(0), 0, 2),
		...section(10, 3, ...addCode(), ...addPaddedCode(), ...sumOfManyCode()),
	);
	const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { m: { m: memory } });
	const add = exports["a"] as Checksummer["add"];
	const words = new Int32Array(memory.buffer, 0, PAGE / 4);
	words.set(tables);
	for (let i = 0; i < SLICE_TABLE; i++) {
		words[ZERO_TABLES / 4 + i] = add((i & 0xff) << (8 * (i >>> 8)), ZEROES, ZEROES + ZERO_STEP);
	}
	return {
		buffer: memory.buffer,
		reserved: PAGE,
		add,
		addPadded: exports["p"] as Checksummer["addPadded"],
		sumOfMany: exports["s"] as Checksummer["sumOfMany"],
	};
}
