import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { crc32c, crc32cOfInode, viewOf } from "./checksum.ts";

describe("crc32c", () => {
	it("is the one of RFC 3720", () => {
		const sum = (bytes: Buffer): number => ~crc32c(0xffffffff, viewOf(bytes)) >>> 0;
		assert.equal(sum(Buffer.alloc(32)), 0x8a9136aa);
		assert.equal(sum(Buffer.alloc(32, 0xff)), 0x62a8ab43);
		assert.equal(sum(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
		assert.equal(sum(Buffer.from("123456789")), 0xe3069283);
	});
});

describe("crc32cOfInode", () => {
	it("is the same, wherever the zeroes begin", (context) => {
		const random = testRandom(context);
		for (const size of [128, 256, 512, 1024, 2048, 65536]) {
			for (let round = 0; round < 20; round++) {
				const bytes = Buffer.alloc(size + 3);
				random.bytes(random.below(size)).copy(bytes, 3);
				const seed = random.below(2 ** 32);
				const view = viewOf(bytes);
				const least = 3 + random.pick([16, 128, size]);
				assert.equal(crc32cOfInode(seed, view, 3, least, 3 + size), crc32c(seed, view, 3, 3 + size));
			}
		}
	});
});
