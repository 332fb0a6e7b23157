import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { cacheSource } from "./cache.ts";
import type { BlockSource } from "./source.ts";
import { assertBytes, errorOf } from "./testing.ts";

/** A source in memory that notes its reads, and holds each back until `proceed` where `held`. */
function memory(disk: Uint8Array, held = false) {
	const reads: string[] = [];
	const waiting: { proceed: () => void; signal: AbortSignal | undefined }[] = [];
	const state = { failure: undefined as UmbraError | undefined, disposed: 0 };
	const source: BlockSource = {
		size: disk.length,
		name: "memory",
		read: async (offset, length, signal) => {
			reads.push(`${offset}+${length}`);
			if (held) {
				await new Promise<void>((resolve, reject) => {
					waiting.push({ proceed: resolve, signal });
					signal?.addEventListener("abort", () => reject(signal.reason));
				});
			}
			if (state.failure !== undefined) throw state.failure;
			return disk.slice(offset, offset + length);
		},
		extents: async (offset, length) => [{ offset, length, zero: false }],
		[Symbol.asyncDispose]: async () => {
			state.disposed++;
		},
	};
	return { source, reads, waiting, state };
}

/** Lets what is under way get as far as it can. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("cacheSource", () => {
	const KIB = 1024;
	const disk = new Uint8Array(1000 * KIB).map((_, at) => at % 251);

	it("fetches a block once, and neighbours in one read", async () => {
		const { source, reads } = memory(disk);
		await using cache = cacheSource(source, { limitBytes: 2 ** 20 });
		for (let at = 0; at < 64; at += 4) await cache.read(at * KIB, 4 * KIB);
		assert.deepEqual(reads, ["0+65536"]);
		await cache.read(60 * KIB, 140 * KIB);
		assert.deepEqual(reads, ["0+65536", "65536+196608"]);
		await cache.read(999 * KIB, KIB);
		assert.equal(reads.at(-1), "983040+40960");
	});

	it("shares one fetch among those who ask at once", async () => {
		const { source, reads, waiting } = memory(disk, true);
		await using cache = cacheSource(source, { limitBytes: 2 ** 20 });
		const asked = [cache.read(0, 100), cache.read(50, 100), cache.read(60 * KIB, 8 * KIB)];
		await turn();
		assert.deepEqual(reads, ["0+65536", "65536+65536"]);
		for (const { proceed } of waiting) proceed();
		const [first, , last] = await Promise.all(asked);
		assertBytes(first as Uint8Array, disk.subarray(0, 100), "first");
		assertBytes(last as Uint8Array, disk.subarray(60 * KIB, 68 * KIB), "last");
	});

	it("forgets the least recently used, and never keeps more than its limit", async () => {
		const { source, reads } = memory(disk);
		await using cache = cacheSource(source, { limitBytes: 2 * KIB, granularity: KIB });
		for (const block of [0, 1, 0, 2, 0, 1]) await cache.read(block * KIB, 1);
		assert.deepEqual(reads, ["0+1024", "1024+1024", "2048+1024", "1024+1024"]);
	});

	it("lets content pass by", async () => {
		const { source, reads } = memory(disk);
		await using cache = cacheSource(source, { limitBytes: 2 * KIB, granularity: KIB });
		await cache.read(0, 1);
		await cache.read(0, 100 * KIB);
		await cache.read(0, 1);
		assert.deepEqual(reads, ["0+1024", "0+102400"]);
	});

	it("reads anew what was invalidated, even during the fetch", async () => {
		const changing = disk.slice();
		const { source, reads, waiting } = memory(changing, true);
		await using cache = cacheSource(source, { limitBytes: 2 ** 20 });
		const before = cache.read(0, 1);
		await turn();
		cache.invalidate(65535, 1);
		const after = cache.read(0, 1);
		await turn();
		assert.equal(reads.length, 2);
		waiting[0]?.proceed();
		assert.equal((await before)[0], 0);
		changing[0] = 77;
		waiting[1]?.proceed();
		assert.equal((await after)[0], 77);
		assert.equal((await cache.read(0, 1))[0], 77);
		assert.equal(reads.length, 2);
		cache.invalidate(0, 2 ** 40);
		const anew = cache.read(0, 1);
		await turn();
		waiting[2]?.proceed();
		await anew;
		assert.equal(reads.length, 3);
	});

	it("gives a fetch up when its last reader has gone, not before", async () => {
		const { source, waiting } = memory(disk, true);
		await using cache = cacheSource(source, { limitBytes: 2 ** 20 });
		const first = new AbortController();
		const second = new AbortController();
		const reads = [cache.read(0, 1, first.signal), cache.read(0, 1, second.signal)];
		await turn();
		first.abort(new Error("first"));
		await assert.rejects(reads[0] as Promise<unknown>, new Error("first"));
		assert.equal(waiting[0]?.signal?.aborted, false);
		second.abort(new Error("second"));
		await assert.rejects(reads[1] as Promise<unknown>, new Error("second"));
		assert.equal(waiting[0]?.signal?.aborted, true);
		const third = cache.read(0, 1);
		await turn();
		waiting[1]?.proceed();
		assert.equal((await third)[0], 0);
	});

	it("does not remember a failure", async () => {
		const { source, state } = memory(disk);
		await using cache = cacheSource(source, { limitBytes: 2 ** 20 });
		state.failure = new UmbraError("unavailable", "no");
		assert.equal((await errorOf(cache.read(0, 200 * KIB))).message, "no");
		state.failure = undefined;
		assertBytes(await cache.read(0, 200 * KIB), disk.subarray(0, 200 * KIB), "afterwards");
	});

	it("reads what the source reads, whatever is invalidated in between", async (context) => {
		const random = testRandom(context);
		const changing = disk.slice();
		const { source } = memory(changing);
		await using cache = cacheSource(source, { limitBytes: 50_000, granularity: 4096 });
		for (let step = 0; step < 2000; step++) {
			const offset = random.below(200_000);
			const length = random.below(40_000);
			if (random.chance(0.2)) {
				changing.fill(random.below(256), offset, offset + length);
				cache.invalidate(offset, length);
			} else {
				assertBytes(await cache.read(offset, length), changing.subarray(offset, offset + length), `step ${step}`);
			}
		}
	});

	it("disposes what it wraps", async () => {
		const { source, state } = memory(disk);
		await cacheSource(source, { limitBytes: 1 })[Symbol.asyncDispose]();
		assert.equal(state.disposed, 1);
	});
});
