import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { MigrationStream, RAM_PAGE, type RamBlock, RamSection } from "./migration-stream.ts";
import { RamAssembler } from "./ram-assembler.ts";

const BLOCKS: readonly RamBlock[] = [
	{ name: "pc.ram", size: 40 * RAM_PAGE },
	{ name: "/rom@etc/table-loader", size: RAM_PAGE },
	{ name: "vga.vram", size: 17 * RAM_PAGE },
];
const TAIL = Buffer.from([0x04, 0, 0, 0, 1, 3, 0x63, 0x70, 0x75, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 0x7e, 0, 0, 0, 1, 0]);

function word(value: bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(value);
	return bytes;
}

function named(name: string): Buffer {
	return Buffer.concat([Buffer.from([name.length]), Buffer.from(name)]);
}

/** What stands before the pages, as QEMU 7.2 sends it. */
function head(blocks: readonly RamBlock[] = BLOCKS): Buffer {
	const total = blocks.reduce((sum, { size }) => sum + size, 0);
	const machine = Buffer.from("pc-i440fx-7.2");
	return Buffer.concat([
		Buffer.from([0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3, 0x07, 0, 0, 0, machine.length]),
		machine,
		Buffer.from([0x01, 0, 0, 0, 2]),
		named("ram"),
		Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]),
		word(BigInt(total) | 0x04n),
		...blocks.map(({ name, size }) => Buffer.concat([named(name), word(BigInt(size))])),
		word(0x10n),
		Buffer.from([0x7e, 0, 0, 0, 2]),
	]);
}

interface Made {
	readonly stream: Buffer;
	/** RAM as it is laid out: each block at the next 64 KiB. */
	readonly ram: Buffer;
}

/** A stream with every page once, in an order of its own, in some sections. */
function make(random: Random): Made {
	const ram = Buffer.alloc(6 * 65536);
	const places = [0, 3 * 65536, 4 * 65536];
	// Of 40 pages the first block takes three blocks of 64 KiB.
	const inOrder = BLOCKS.flatMap(({ size }, block) =>
		Array.from({ length: size / RAM_PAGE }, (_, page) => ({ block, offset: page * RAM_PAGE })),
	);
	const pages = random.chance(0.7) ? random.shuffle(inOrder) : inOrder;
	const section = new RamSection({ ramSection: 2, hasFooters: true });
	const parts: Buffer[] = [head(), section.begin()];
	let last = -1;
	for (const { block, offset } of pages) {
		if (random.chance(0.05)) parts.push(section.end(), section.begin());
		const name = block === last && random.chance(0.8) ? undefined : BLOCKS[block]?.name;
		last = block;
		const kind = random.below(3);
		const page = ram.subarray((places[block] ?? 0) + offset, (places[block] ?? 0) + offset + RAM_PAGE);
		if (kind === 0) page.set(random.bytes(RAM_PAGE));
		else if (kind === 1) page.fill(random.below(256));
		const start = section.page(name, offset, kind !== 0);
		// It is made for zeroes, whose byte stands last.
		if (kind !== 0) start[start.length - 1] = page[0] ?? 0;
		parts.push(start, kind === 0 ? page : Buffer.alloc(0));
	}
	parts.push(section.end(), TAIL);
	return { stream: Buffer.concat(parts), ram };
}

describe("MigrationStream", () => {
	it("gives every page its place, whatever the order, the pieces and the memory", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		for (let round = 0; round < 40; round++) {
			const { stream, ram } = make(random);
			const found = Buffer.alloc(ram.length);
			using assembler = new RamAssembler({
				scratchPath: folder.file("scratch"),
				maxUnfinished: 1 + random.below(3),
				onBlock: (block, bytes) => found.set(bytes, block * 65536),
			});
			const parser = new MigrationStream(assembler);
			const longest = random.pick([1, 7, 300, 5000, 100_000]);
			for (let at = 0; at < stream.length; ) {
				const length = 1 + random.below(longest);
				// Whoever pushes uses his memory again.
				const piece = Buffer.from(stream.subarray(at, at + length));
				parser.push(piece);
				piece.fill(0xee);
				at += length;
			}
			const told = parser.end();
			assembler.finish();
			assert.ok(found.equals(ram), `round ${round}`);
			assert.deepEqual(told.head, head());
			assert.deepEqual(told.tail, TAIL);
			assert.deepEqual([told.machineType, told.ramSection, told.hasFooters], ["pc-i440fx-7.2", 2, true]);
			assert.deepEqual(
				assembler.layout.blocks.map(({ offset }) => offset),
				[0, 3 * 65536, 4 * 65536],
			);
		}
	});

	it("throws nothing but its own errors at what is damaged or cut", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		for (let round = 0; round < 300; round++) {
			const { stream } = make(random);
			const headLength = head().length;
			for (let count = 1 + random.below(3); count > 0; count--) {
				const at = random.chance(0.5) ? random.below(headLength + 20) : random.below(stream.length);
				stream[at] = random.below(256);
			}
			using assembler = new RamAssembler({ scratchPath: folder.file("scratch"), onBlock: () => {} });
			const parser = new MigrationStream(assembler);
			try {
				parser.push(random.chance(0.3) ? stream.subarray(0, random.below(stream.length)) : stream);
				parser.end();
				assembler.finish();
			} catch (error) {
				assert.ok(isUmbraError(error, "corrupt", "truncated", "unsupported", "limit"), String(error));
			}
		}
	});

	const refused: readonly (readonly [string, Buffer, string, RegExp])[] = [
		["another file", Buffer.from("hello world"), "corrupt", /header at 0: 68656c6c; wanted 5145564d/],
		["another version", Buffer.from("5145564d00000002", "hex"), "unsupported", /version 2; wanted version 3/],
		[
			"what is saved while the machine runs, but for RAM",
			Buffer.concat([Buffer.from("5145564d000000030100000001", "hex"), named("dirty-bitmap"), Buffer.alloc(8)]),
			"unsupported",
			/"dirty-bitmap", which is sent while the machine runs; wanted ram alone/,
		],
		[
			"a page beyond its block",
			Buffer.concat([head(), Buffer.from([2, 0, 0, 0, 2]), word(0x100000002n), named("pc.ram"), Buffer.from([0])]),
			"corrupt",
			/a page at 4294967296 of pc\.ram/,
		],
		[
			"compressed pages",
			Buffer.concat([head(), Buffer.from([2, 0, 0, 0, 2]), word(0x100n)]),
			"unsupported",
			/flags 0x100; wanted plain pages/,
		],
		["an end before the devices", head(), "truncated", /after 0 pages; wanted sections of devices/],
	];
	for (const [what, bytes, code, message] of refused) {
		it(`refuses ${what}`, () => {
			const parser = new MigrationStream({ onBlocks() {}, onPage() {}, onFill() {} });
			assert.throws(
				() => {
					parser.push(bytes);
					parser.end();
				},
				(error) => isUmbraError(error) && error.code === code && message.test(error.message),
			);
		});
	}

	it("refuses a page that comes twice, which no background snapshot sends", () => {
		using assembler = new RamAssembler({ scratchPath: "/nonexistent", onBlock: () => {} });
		const parser = new MigrationStream(assembler);
		const page = Buffer.concat([word(0x02n), named("pc.ram"), Buffer.from([7])]);
		assert.throws(
			() => parser.push(Buffer.concat([head(), Buffer.from([2, 0, 0, 0, 2]), page, page])),
			(error) => isUmbraError(error, "unsupported") && /pc\.ram came twice/.test(error.message),
		);
	});
});
