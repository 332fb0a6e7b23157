import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import { crc32c, crc32cOfInode, makeFastMemory, manyChecksumsHold, viewOf } from "./checksum.ts";

const memory = makeFastMemory(2 ** 20);

describe("crc32c", () => {
	it("is the one of RFC 3720", () => {
		const sum = (bytes: Buffer): number => ~crc32c(0xffffffff, viewOf(bytes)) >>> 0;
		assert.equal(sum(Buffer.alloc(32)), 0x8a9136aa);
		assert.equal(sum(Buffer.alloc(32, 0xff)), 0x62a8ab43);
		assert.equal(sum(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
		assert.equal(sum(Buffer.from("123456789")), 0xe3069283);
	});
});

describe("crc32c of fast memory", () => {
	const SIZES = [0, 1, 15, 16, 17, 63, 64, 65, 128, 256, 512, 1000, 1024, 2048, 4096, 65536];
	// At odd addresses, up to the last byte that there is.
	const fast = Buffer.from(memory.buffer, memory.byteOffset + 1, memory.length - 1);

	it("is the same as of any other, wherever the zeroes begin", (context) => {
		const random = testRandom(context);
		for (const size of SIZES) {
			for (let round = 0; round < 20; round++) {
				const bytes = Buffer.alloc(size);
				random.bytes(random.below(size + 1)).copy(bytes);
				const start = random.below(100);
				fast.fill(0xff, 0, start + size + 1);
				bytes.copy(fast, start);
				const end = start + size;
				const seed = random.below(2 ** 32);
				const wanted = crc32c(seed, viewOf(bytes));
				assert.equal(crc32c(seed, viewOf(fast), start, end), wanted);
				const least = start + random.pick([0, Math.floor(size / 2), size, random.below(size + 1)]);
				assert.equal(crc32cOfInode(seed, viewOf(fast), start, least, end), wanted);
				assert.equal(crc32cOfInode(seed, viewOf(bytes), 0, least - start, size), wanted);
			}
		}
	});

	it("reaches to its end", (context) => {
		const bytes = testRandom(context).bytes(512);
		bytes.copy(fast, fast.length - bytes.length);
		assert.equal(crc32c(7, viewOf(fast), fast.length - bytes.length), crc32c(7, viewOf(bytes)));
	});
});

describe("manyChecksumsHold", () => {
	const FIELD = 100;

	/** So many structures of that size, each with its right checksum. */
	function structures(random: Random, size: number, count: number): DataView {
		random.bytes(size * count).copy(memory);
		const view = new DataView(memory.buffer, memory.byteOffset, size * count);
		for (let at = 0; at < size * count; at += size) {
			view.setUint32(at + FIELD, 0);
			view.setUint32(at + FIELD, ~crc32c(0xffffffff, view, at, at + size), true);
		}
		return view;
	}

	it("says of any number of structures, and of any damage, what their checksums say one by one", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 2000; round++) {
			const size = random.pick([256, 512, 1024, 2048]);
			const count = random.between(1, 32);
			const used = random.chance(0.3) ? 0xffffffff >>> (32 - count) : random.below(2 ** count);
			const view = structures(random, size, count);
			assert.equal(manyChecksumsHold(view, 0, size, FIELD, used), true);
			const damaged = new Set<number>();
			for (let times = random.below(3); times > 0; times--) {
				const which = random.below(count);
				const at = which * size + random.below(size);
				view.setUint8(at, view.getUint8(at) ^ random.between(1, 255));
				damaged.add(which);
			}
			let sound = true;
			for (const which of damaged) {
				if (((used >>> which) & 1) === 0) continue;
				const at = which * size;
				const found = view.getUint32(at + FIELD, true);
				view.setUint32(at + FIELD, 0);
				const right = ~crc32c(0xffffffff, view, at, at + size) >>> 0;
				view.setUint32(at + FIELD, found, true);
				sound &&= right === found;
			}
			assert.equal(
				manyChecksumsHold(view, 0, size, FIELD, used),
				sound,
				`${count} of ${size}, used ${used.toString(2)}`,
			);
		}
	});

	it("is not deceived by the same damage in two, four or all of them", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 1000; round++) {
			const view = structures(random, 512, 32);
			const [at, bits] = [random.below(512), random.between(1, 255)];
			const those = random.shuffle(Array.from({ length: 32 }, (_, which) => which)).slice(0, random.pick([2, 4, 32]));
			for (const which of those) view.setUint8(which * 512 + at, view.getUint8(which * 512 + at) ^ bits);
			assert.equal(manyChecksumsHold(view, 0, 512, FIELD, 0xffffffff), false);
		}
	});
});
