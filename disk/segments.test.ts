import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { type Random, testRandom } from "../test/support/random.ts";
import { bytesSource } from "./partition/builders.ts";
import { type Segment, type Segments, segmentSource, toDiskRanges, wholeRange } from "./segments.ts";
import { behavesAsBlockSource, sampleDisk } from "./source/testing.ts";

/** Where one byte of a volume lies, by the definition of a stripe, byte by byte. */
function placeOf(segments: Segments, at: number): { disk: number; offset: number } {
	const { start, stripeSize, stripes } = segments.find((one) => at >= one.start && at < one.start + one.length)!;
	const within = at - start;
	if (stripes.length === 1) return { disk: stripes[0]!.disk, offset: stripes[0]!.offset + within };
	const turn = Math.floor(within / stripeSize);
	const stripe = stripes[turn % stripes.length]!;
	return {
		disk: stripe.disk,
		offset: stripe.offset + Math.floor(turn / stripes.length) * stripeSize + (within % stripeSize),
	};
}

/** Segments that share no byte, on `disks` disks. */
function randomSegments(random: Random, disks: number, unit: number): { segments: Segments; used: number[] } {
	const used = Array.from({ length: disks }, () => random.below(4) * unit);
	const segments: Segment[] = [];
	let start = 0;
	for (let left = random.between(1, 5); left > 0; left--) {
		const count = random.pick([1, 1, 2, 3]);
		const stripeSize = count === 1 ? 0 : unit * random.pick([1, 2, 8]);
		const each = count === 1 ? random.between(1, 20) * unit : stripeSize * random.between(1, 6);
		const stripes = Array.from({ length: count }, () => {
			const disk = random.below(disks);
			const offset = used[disk]!;
			used[disk] = offset + each + random.below(2) * unit;
			return { disk, offset };
		});
		segments.push({ start, length: each * count, stripeSize, stripes });
		start += each * count;
	}
	return { segments, used };
}

describe("toDiskRanges", () => {
	it("says for every byte where it lies", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 200; round++) {
			const { segments } = randomSegments(random, 3, 4);
			const size = segments.reduce((sum, { length }) => sum + length, 0);
			const offset = random.below(size);
			const length = random.below(size - offset + 1);
			let at = offset;
			for (const range of toDiskRanges(segments, offset, length)) {
				assert.ok(range.length > 0);
				for (let byte = 0; byte < range.length; byte++) {
					const wanted = { disk: range.disk, offset: range.offset + byte };
					assert.deepEqual(placeOf(segments, at++), wanted);
				}
			}
			assert.equal(at, offset + length);
		}
	});

	it("gives one range where the disk has one", () => {
		assert.deepEqual(toDiskRanges(wholeRange(1, 100, 50), 10, 20), [{ disk: 1, offset: 110, length: 20 }]);
		assert.deepEqual(toDiskRanges(wholeRange(1, 100, 50), 50, 0), []);
		assert.deepEqual(wholeRange(1, 100, 0), []);
	});
});

describe("segmentSource", () => {
	it("refuses a segment that leaves its disk", () => {
		const disk = bytesSource(Buffer.alloc(8192));
		const stripes = [0, 4096].map((offset) => ({ disk: 0, offset }));
		const segment = { start: 0, length: 16384, stripeSize: 4096, stripes };
		assert.throws(
			() => segmentSource([disk], [segment], "v"),
			(error) => isUmbraError(error, "truncated"),
		);
		assert.throws(
			() => segmentSource([disk], wholeRange(0, 4096, 4097), "v"),
			(error) => isUmbraError(error, "truncated"),
		);
	});

	it("reads what stands in the segments' places", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 60; round++) {
			const { segments, used } = randomSegments(random, 3, 512);
			const disks = used.map((length) => random.bytes(length + 4096));
			const size = segments.reduce((sum, { length }) => sum + length, 0);
			const wanted = Uint8Array.from({ length: size }, (_, at) => {
				const { disk, offset } = placeOf(segments, at);
				return disks[disk]![offset]!;
			});
			const source = segmentSource(
				disks.map((bytes) => bytesSource(Buffer.from(bytes))),
				segments,
				"v",
			);
			for (let read = 0; read < 5; read++) {
				const offset = random.below(size);
				const length = random.below(size - offset + 1);
				const found = await source.read(offset, length);
				assert.equal(Buffer.compare(found, wanted.subarray(offset, offset + length)), 0, `${offset}+${length}`);
			}
		}
	});
});

behavesAsBlockSource("a striped volume behind a linear piece", { knowsZeroes: false }, async () => {
	const disk = sampleDisk(8 * 2 ** 20);
	const half = 4 * 2 ** 20;
	const stripeSize = 65536;
	// The volume's second half lies on two disks in turns.
	const disks = [Buffer.alloc(half + 4096), Buffer.alloc(half), Buffer.alloc(half)];
	Buffer.from(disk.buffer, 0, half).copy(disks[0]!, 4096);
	for (let at = 0; at < half; at += stripeSize) {
		const turn = at / stripeSize;
		Buffer.from(disk.buffer, half + at, stripeSize).copy(disks[1 + (turn % 2)]!, Math.floor(turn / 2) * stripeSize);
	}
	const segments: Segments = [
		{ start: 0, length: half, stripeSize: 0, stripes: [{ disk: 0, offset: 4096 }] },
		{
			start: half,
			length: half,
			stripeSize,
			stripes: [
				{ disk: 1, offset: 0 },
				{ disk: 2, offset: 0 },
			],
		},
	];
	return {
		source: segmentSource(
			disks.map((bytes) => bytesSource(new Uint8Array(bytes))),
			segments,
			"v",
		),
		disk,
	};
});
