import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { ChunkIndex } from "./chunk-index.ts";
import { packMeta, TRAILER_ENTRY_SIZE, writeTrailerEntry } from "./pack-format.ts";

describe("ChunkIndex", () => {
	it("does what a map does, under any sequence of additions and removals", (context) => {
		const random = testRandom(context);
		// Few shards and few home slots, so that probing and the closing of gaps are met all the time.
		const names = Array.from({ length: 3000 }, () => {
			const name = random.bytes(32);
			name.writeUInt32LE(random.below(2) << 22, 0);
			name.writeUInt32LE(random.below(64), 4);
			return name;
		});
		const index = new ChunkIndex();
		const model = new Map<number, number>();
		for (let step = 0; step < 40_000; step++) {
			const which = random.below(names.length);
			const name = names[which]!;
			if (random.chance(step % 10_000 < 5000 ? 0.7 : 0.3)) {
				assert.equal(index.add(name, step, step + 1, packMeta("zstd", 77)), !model.has(which));
				if (!model.has(which)) model.set(which, step);
			} else {
				assert.equal(index.remove(name), model.delete(which));
			}
			assert.equal(index.size, model.size);
		}
		names.forEach((name, which) => {
			const step = model.get(which);
			assert.equal(index.has(name), step !== undefined);
			const place =
				step === undefined ? undefined : { pack: step, offset: step + 1, encoding: "zstd", storedLength: 77 };
			assert.deepEqual(index.find(name), place);
		});
	});

	it("tells names apart that differ in their last bit only", () => {
		const index = new ChunkIndex();
		const [one, other] = [Buffer.alloc(32, 5), Buffer.alloc(32, 5)];
		other[31]! ^= 1;
		index.add(one, 1, 24, packMeta("raw", 10));
		assert.equal(index.has(other), false);
		index.add(other, 2, 48, packMeta("raw", 20));
		assert.deepEqual(index.find(one), { pack: 1, offset: 24, encoding: "raw", storedLength: 10 });
		assert.deepEqual(index.find(other), { pack: 2, offset: 48, encoding: "raw", storedLength: 20 });
	});

	it("loads trailer entries that lie at any address", () => {
		for (const shift of [0, 1, 2, 3]) {
			const entries = Buffer.alloc(2 * TRAILER_ENTRY_SIZE + shift).subarray(shift);
			writeTrailerEntry(entries, 0, Buffer.alloc(32, 1), 24, packMeta("raw", 100));
			writeTrailerEntry(entries, TRAILER_ENTRY_SIZE, Buffer.alloc(32, 2), 176, packMeta("zstd", 200));
			const index = new ChunkIndex();
			index.addAll(9, entries);
			assert.deepEqual(index.find(Buffer.alloc(32, 2)), { pack: 9, offset: 176, encoding: "zstd", storedLength: 200 });
			assert.equal(index.size, 2);
		}
	});

	it("needs at most 64 bytes a chunk at any size, and reuses what is removed", (context) => {
		const random = testRandom(context);
		const index = new ChunkIndex();
		const name = Buffer.alloc(32);
		for (let count = 1; count <= 400_000; count++) {
			for (let word = 0; word < 8; word++) name.writeUInt32LE(random.below(2 ** 32), word * 4);
			index.add(name, 1, 24, packMeta("raw", 65536));
			// A segment is 2.75 MiB, whether it is full or not.
			if (count % 1000 === 0) assert.ok(index.memory <= count * 64 + 3 * 2 ** 20, `${count}: ${index.memory}`);
		}
		const full = index.memory;
		for (let round = 0; round < 1000; round++) {
			assert.ok(index.remove(name));
			name.writeUInt32LE(round, 28);
			index.add(name, 1, 24, packMeta("raw", 65536));
		}
		assert.equal(index.memory, full);
	});
});
