import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { bytesSource } from "../partition/builders.ts";
import type { BlockSource } from "../source/source.ts";
import { comparePages } from "./compare.ts";
import { pageEntropy, toEntropyByte } from "./entropy.ts";

/** Says of zero pages that they are zero, and fails where one is read alone. */
function sparse(bytes: Uint8Array): BlockSource {
	const plain = bytesSource(bytes);
	return {
		...plain,
		extents: async (offset, length) => {
			const extents = [];
			for (let at = offset; at < offset + length; at += 65536) {
				const end = Math.min(at + 65536, offset + length);
				extents.push({ offset: at, length: end - at, zero: bytes.subarray(at, end).every((byte) => byte === 0) });
			}
			return extents;
		},
	};
}

describe("comparePages", () => {
	it("finds every page that differs, also behind the shorter disk's end", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 8; round++) {
			const size = random.pick([0, 100, 4096, 9 << 20, (9 << 20) + 1000]);
			const before = Buffer.alloc(size);
			for (let count = random.below(20); count > 0; count--) random.bytes(5000).copy(before, random.below(size + 1));
			const after = Buffer.alloc(random.pick([size, size + 10_000, Math.floor(size / 2)]));
			before.copy(after);
			for (let count = random.below(20); count > 0; count--)
				random.bytes(random.below(9000)).copy(after, random.below(after.length + 1));

			const longest = Math.ceil(Math.max(before.length, after.length) / 4096);
			const old = Buffer.concat([before, Buffer.alloc(longest * 4096 - before.length)]);
			const now = Buffer.concat([after, Buffer.alloc(longest * 4096 - after.length)]);
			const wanted = Array.from({ length: longest }, (_, page) => page * 4096).filter(
				(at) => !old.subarray(at, at + 4096).equals(now.subarray(at, at + 4096)),
			);
			const pages = await comparePages(sparse(before), sparse(after));
			assert.deepEqual([...pages.offsets], wanted);
			assert.deepEqual(
				[...pages.before],
				wanted.map((at) => toEntropyByte(pageEntropy(old, at, 4096))),
			);
			assert.deepEqual(
				[...pages.after],
				wanted.map((at) => toEntropyByte(pageEntropy(now, at, 4096))),
			);
		}
	});

	it("does not read what is zero in both", async () => {
		const zero = new Uint8Array(1 << 20);
		const unread: BlockSource = { ...sparse(zero), read: async () => assert.fail("a read") };
		assert.equal((await comparePages(unread, unread)).offsets.length, 0);
	});

	it("reads only where the disks can differ, where that is known", async (context) => {
		const random = testRandom(context);
		const before = random.bytes(5 << 20);
		const after = Buffer.from(before);
		for (const at of [0, 70_000, 3 << 20, (5 << 20) - 1]) after[at]! ^= 1;
		const block = 65536;
		const within = [block, 2 * block, 2 << 20, 2 << 20];
		const reads: number[] = [];
		const watched: BlockSource = {
			...bytesSource(before),
			read: async (offset, length) => {
				reads.push(offset, length);
				return Uint8Array.from(before.subarray(offset, offset + length));
			},
		};
		const pages = await comparePages(watched, bytesSource(after), { within });
		assert.deepEqual([...pages.offsets], [69_632, 3 << 20]);
		assert.deepEqual(reads, [block, 2 * block, 2 << 20, 1 << 20, 3 << 20, 1 << 20]);
		assert.equal((await comparePages(watched, bytesSource(after), { within: [] })).offsets.length, 0);
	});
});
