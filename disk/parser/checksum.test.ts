import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { crc32c, crc32cOfInode, makeFastMemory, viewOf } from "./checksum.ts";

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
	const memory = makeFastMemory(2 ** 20);
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
