import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "../../../common/random.ts";
import { testRandom } from "../../../test/support/random.ts";
import { pagingOf } from "./memory-corruption.ts";
import { type Mapping, walkPageTables, withoutDirectMap } from "./page-tables.ts";

const MIB = 2 ** 20;
/** Bits of an entry: present, writable, accessed; for programs; large. */
const [P, U, L] = [0x23n, 0x4n, 0x80n];
const NX = 1n << 63n;

/** Memory of tables: of each page its entries by their index. */
function memory(tables: Readonly<Record<number, Readonly<Record<number, bigint>>>>) {
	const reads: number[] = [];
	const read = async (physical: number, length: number): Promise<Buffer | undefined> => {
		reads.push(physical);
		const entries = tables[physical];
		if (entries === undefined) return undefined;
		const page = Buffer.alloc(length);
		for (const [index, entry] of Object.entries(entries)) page.writeBigUInt64LE(entry, Number(index) * 8);
		return page;
	};
	return { read, reads };
}

/** A program with a page and a large page, of which the kernel keeps one to itself; a kernel at -2 GiB, and all memory at another place. */
const TABLES = {
	4096: { 0: 0x2000n | P | U, 256: 0x6000n | P, 511: 0x7000n | P | U },
	8192: { 0: 0x3000n | P | U },
	12288: { 2: 0x4000n | P | U, 3: 0x20_0000n | P | U | L | NX, 4: 0x5000n | P },
	16384: { 0: 0xa000n | P | U | NX, 1: 0xb000n | P, 2: 0xc000n },
	20480: { 0: 0xd000n | P | U },
	24576: { 0: 0n | P | L | NX },
	28672: { 510: 0x8000n | P | U },
	32768: { 8: 0x100_0000n | P | L | 0x1000n, 9: 0x9000n | P },
	36864: { 511: 0xe000n | P },
};
const options = { cr3: 0x1018n, levels: 4, maxTables: 100, random: createRandom(1) } as const;
const plain = (mappings: readonly Mapping[]) =>
	mappings
		.map(({ virtual, physical, bytes, isUser }) => [virtual.toString(16), physical.toString(16), bytes, isUser])
		.sort((one, other) => String(one[0]).localeCompare(String(other[0])));

describe("walkPageTables", () => {
	it("finds what programs may reach: only what all tables on the way let them", async () => {
		const { mappings } = await walkPageTables({ ...options, wanted: "user", read: memory(TABLES).read });
		assert.deepEqual(plain(mappings), [
			["400000", "a000", 4096, true],
			["600000", "200000", 2 * MIB, true],
		]);
	});

	it("finds what lies in the kernel's half, with addresses as the processor has them", async () => {
		const { mappings, tables } = await walkPageTables({ ...options, wanted: "kernel", read: memory(TABLES).read });
		assert.deepEqual(plain(mappings), [
			["ffff800000000000", "0", 2 ** 30, false],
			["ffffffff81000000", "1000000", 2 * MIB, false],
			["ffffffff813ff000", "e000", 4096, false],
		]);
		assert.deepEqual(
			[...tables].sort((one, other) => one - other),
			[0x1000, 0x6000, 0x7000, 0x8000, 0x9000],
		);
		assert.deepEqual(plain(withoutDirectMap(mappings, 2 ** 30)), plain(mappings).slice(1));
		assert.deepEqual(withoutDirectMap(mappings, 4 * 2 ** 30), mappings);
	});

	it("knows tables of five levels", async () => {
		const five = { ...TABLES, 61440: { 511: 0x1000n | P | U } };
		const { mappings } = await walkPageTables({
			...options,
			cr3: 0xf000n,
			levels: 5,
			wanted: "kernel",
			read: memory(five).read,
		});
		assert.ok(plain(mappings).some(([virtual]) => virtual === "ffffffff81000000"));
	});

	it("reads a table that contains itself once, none that is not there, and no more than it may", async (context) => {
		const random = testRandom(context);
		const loop = { 4096: Object.fromEntries(Array.from({ length: 256 }, (_, at) => [at, 0x1000n | P | U])) };
		const { read, reads } = memory(loop);
		assert.deepEqual(await walkPageTables({ ...options, wanted: "user", read }), { mappings: [], tables: [0x1000] });
		assert.deepEqual(reads, [0x1000]);
		// Every entry of noise leads somewhere.
		const noise = async () => random.bytes(4096);
		const walked = await walkPageTables({ ...options, wanted: "user", maxTables: 20, read: noise, random });
		assert.ok(walked.tables.length <= 20);
		for (const { physical, bytes } of walked.mappings) {
			assert.ok(Number.isSafeInteger(physical) && physical < 2 ** 52 && physical % bytes === 0);
		}
	});
});

describe("pagingOf", () => {
	const registers = (cpu: number, cr0: string, cr4: string, efer: string) =>
		`CPU#${cpu}\r\nRAX=0000000000000000\r\nCR0=${cr0} CR2=00007f5c2d3a1000 CR3=000000000${cpu}2a4000 CR4=${cr4}\r\nEFER=${efer}\r\n`;

	it("finds the tables of the processors in 64-bit mode, and how many levels they have", () => {
		const text = [
			registers(0, "80050033", "000006f0", "0000000000000d01"),
			registers(1, "80050033", "000016f0", "0000000000000d01"),
			registers(2, "00000011", "00000000", "0000000000000000"),
			registers(3, "80050033", "000006f0", "0000000000000000"),
		].join("\r\n");
		assert.deepEqual(pagingOf(text), [
			{ cr3: 0x2a4000n, levels: 4 },
			{ cr3: 0x12a4000n, levels: 5 },
		]);
	});

	it("finds none of another processor's", () => {
		assert.deepEqual(pagingOf("CPU#0\r\n PC=ffff800010b0 X00=0000000000000000\r\n"), []);
	});
});
