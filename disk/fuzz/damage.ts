/** Damage, block by block, of the kinds that bring out the worst in a parser. */
import type { Random } from "../../test/support/random.ts";
import { type DamagedSource, PAGE } from "./damaged-source.ts";

/** Where filesystems begin: superblocks, boot sectors, their copies and tables. */
const HEAD_BYTES = 8192;
const WIDTHS = [1, 2, 4, 8] as const;
/** Lengths, counts and block numbers that parsers trip over; cut to the width of the field. */
const SPECIAL = [0n, 1n, 2n, 3n, 12n, 24n, 0x40n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xfff7n, 0xffffn, 0x0ffffff8n];
const EXTREME = [
	0x7fffffffn,
	0x80000000n,
	0xffffffffn,
	2n ** 40n,
	2n ** 53n,
	2n ** 63n - 1n,
	2n ** 63n,
	2n ** 64n - 1n,
];

/**
 * Damages up to eight of `places`, multiples of `PAGE`. The first is the next one in turn, so that all have theirs.
 *
 * @param turn counts up from one damaged disk to the next.
 */
export async function damage(source: DamagedSource, places: readonly number[], turn: number, random: Random) {
	const head = places.filter((place) => place < HEAD_BYTES);
	for (let left = random.between(1, 8); left > 0; left--) {
		const first = places[turn % places.length]!;
		const place = left === 1 ? first : random.pick(head.length > 0 && random.chance(0.15) ? head : places);
		await damagePage(source, place, places, random);
	}
	if (random.chance(0.03)) source.truncate(PAGE * random.below(Math.ceil(source.size / PAGE)));
}

async function damagePage(source: DamagedSource, place: number, places: readonly number[], random: Random) {
	const page = await source.page(place);
	const kind = random.fraction();
	if (kind < 0.55) setFields(page, random);
	else if (kind < 0.7) flipBits(page, random);
	else if (kind < 0.75) page.fill(0, random.chance(0.5) ? 0 : random.below(PAGE));
	else if (kind < 0.79) page.fill(random.pick([0xff, random.below(256)]), random.chance(0.5) ? 0 : random.below(PAGE));
	else if (kind < 0.82) random.bytes(PAGE).copy(page, random.below(PAGE));
	else if (kind < 0.9) splice(page, await source.page(random.pick(places)), random);
	else if (kind < 0.95) (await source.page(random.pick(places))).copy(page);
	else {
		const other = await source.page(random.pick(places));
		const copy = Buffer.from(page);
		other.copy(page);
		copy.copy(other);
	}
}

/** Some fields that stand near each other, as those of one structure do. */
function setFields(page: Buffer, random: Random): void {
	const start = random.below(PAGE / 2) * 2;
	for (let left = random.between(1, 4); left > 0; left--) {
		const width = random.pick(WIDTHS);
		const at = Math.min((start + random.below(16) * random.pick([1, 2, 4])) % PAGE, PAGE - width);
		const field = page.subarray(at, at + width);
		if (random.chance(0.3)) {
			// A little more, a little less: beside the right value.
			const step = BigInt(random.pick([-2, -1, 1, 2, 8, 256]));
			write(field, read(field) + step, true);
		} else write(field, pickValue(random), random.chance(0.6));
	}
}

function pickValue(random: Random): bigint {
	const kind = random.fraction();
	if (kind < 0.35) return random.pick(SPECIAL);
	if (kind < 0.6) return random.pick(EXTREME);
	if (kind < 0.8) return BigInt(random.below(65536));
	return random.bytes(8).readBigUInt64LE();
}

function read(field: Buffer): bigint {
	let value = 0n;
	for (let i = field.length - 1; i >= 0; i--) value = value * 256n + BigInt(field[i]!);
	return value;
}

function write(field: Buffer, value: bigint, littleEndian: boolean): void {
	let rest = BigInt.asUintN(8 * field.length, value);
	for (let i = 0; i < field.length; i++, rest >>= 8n)
		field[littleEndian ? i : field.length - 1 - i] = Number(rest & 255n);
}

function flipBits(page: Buffer, random: Random): void {
	for (let left = random.between(1, 8); left > 0; left--) page[random.below(PAGE)]! ^= 1 << random.below(8);
}

/** A piece of another structure, moved or not. */
function splice(page: Buffer, other: Buffer, random: Random): void {
	const length = 4 * random.between(1, 32);
	const from = 4 * random.below((PAGE - length) / 4 + 1);
	const to = random.chance(0.5) ? from : 4 * random.below((PAGE - length) / 4 + 1);
	Buffer.from(other.subarray(from, from + length)).copy(page, to);
}
