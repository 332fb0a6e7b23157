import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { until } from "../../test/support/wait.ts";
import type { GcOptions } from "./gc.ts";
import type { LiveTree } from "./live-chunks.ts";
import { MemoryDisk, MemoryPackStore } from "./memory-packs.ts";
import { errorOf, sampleChunk } from "./testing.ts";
import { updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

const PACK_BYTES = 70_000;
/** Three to a pack. */
const LENGTH = 20_000;
const GRACE_MS = 10_000;
const GC: GcOptions = { graceMs: 0, rewriteBelow: 0.7, bytesPerSecond: 1e12 };

const block = (content: number) => sampleChunk(content * 2, LENGTH);

/** A vault in memory, with the points that the catalog would hold. */
class Bench implements AsyncDisposable {
	readonly disk = new MemoryDisk();
	readonly points = new Map<string, LiveTree>();
	now = 0;
	vault!: Vault;

	static async open(): Promise<Bench> {
		const bench = new Bench();
		await bench.reopen();
		return bench;
	}

	async reopen(): Promise<void> {
		await this.vault?.[Symbol.asyncDispose]();
		const options = { packBytes: PACK_BYTES, graceMs: GRACE_MS, clock: () => this.now, cacheBytes: 0 };
		this.vault = await Vault.over(new MemoryPackStore(this.disk), options);
	}

	/** A point of a disk that holds these blocks. */
	async point(name: string, contents: readonly number[]): Promise<void> {
		for (const content of contents) await this.vault.putPlain(block(content).data);
		const names = Buffer.concat(contents.map((content) => block(content).name));
		const root = await updateTree(this.vault, null, contents.length, [{ firstBlock: 0, names }]);
		await this.vault.flush();
		this.points.set(name, { root, blocks: contents.length, name });
	}

	async *roots(): AsyncGenerator<LiveTree> {
		yield* [...this.points.values()];
	}

	/** When everything that is full is sealed. */
	async collect(options: Partial<GcOptions> = {}) {
		await this.vault.flush();
		return await this.vault.collect(this.roots(), { ...GC, ...options });
	}

	holds(contents: readonly number[]): boolean[] {
		return contents.map((content) => this.vault.has(block(content).name));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.vault[Symbol.asyncDispose]();
	}
}

describe("Vault.collect", () => {
	it("removes packs in which nothing lives, rewrites those in which little does, and keeps what points need", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3]);
		await bench.point("mixed", [4, 5, 6]);
		await bench.point("kept", [7, 8, 9, 6]);
		bench.points.delete("old");
		bench.points.delete("mixed");
		const before = bench.disk.used;
		const done = await bench.collect();
		assert.deepEqual([done.removedPacks, done.rewrittenPacks, done.damagedPacks], [1, 1, []]);
		assert.deepEqual([done.before.bytes, done.before.packs, done.after.packs], [before, 3, 2]);
		assert.ok(done.after.bytes < done.before.bytes - 4 * LENGTH, `${before} to ${done.after.bytes}`);
		assert.deepEqual(bench.holds([1, 2, 3, 4, 5]), [false, false, false, false, false]);
		for (const content of [6, 7, 8, 9]) {
			assert.equal(Buffer.compare(await bench.vault.get(block(content).name), block(content).data), 0);
		}
		const { chunks, packs, storedBytes } = bench.vault.stats();
		assert.deepEqual([chunks, packs, storedBytes], [done.after.chunks, 2, done.after.bytes]);
		await bench.reopen();
		assert.equal(bench.vault.stats().chunks, chunks);
		assert.deepEqual(bench.holds([5, 6]), [false, true]);
	});

	it("says in a dry run what it would do, and does nothing", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		bench.points.clear();
		const wanted = await bench.collect({ dryRun: true });
		assert.deepEqual([wanted.removedPacks, wanted.after], [1, wanted.before]);
		assert.ok(wanted.deadBytes > 4 * LENGTH, String(wanted.deadBytes));
		assert.deepEqual(bench.holds([1, 2, 3, 4]), [true, true, true, true]);
	});

	it("leaves for the grace time what was brought or asked for", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		bench.points.clear();
		bench.now += GRACE_MS - 1;
		assert.equal((await bench.collect({ graceMs: GRACE_MS })).removedPacks, 0);
		assert.deepEqual(bench.holds([2]), [true]);
		bench.now += GRACE_MS / 2;
		const done = await bench.collect({ graceMs: GRACE_MS, rewriteBelow: 1 });
		assert.deepEqual(bench.holds([1, 2, 3]), [false, true, false]);
		assert.equal(done.rewrittenPacks, 1);
		await bench.reopen();
		bench.now += GRACE_MS - 1;
		assert.equal((await bench.collect({ graceMs: GRACE_MS })).deadBytes, 0, "nobody knows what was asked for before");
	});

	it("leaves to a writer what it was told to be there, whatever the grace time", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		bench.points.clear();
		// Told apart from what was brought before by a quarter of the grace time at most.
		bench.now += GRACE_MS / 4;
		{
			using _lease = bench.vault.lease([]);
			assert.deepEqual(bench.holds([1]), [true]);
			bench.now += 10 * GRACE_MS;
			await bench.collect({ rewriteBelow: 1 });
		}
		bench.now += 1;
		assert.deepEqual(bench.holds([1, 2]), [true, false]);
	});

	it("leaves to a reader the disk that it reads, and gives it back afterwards", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		const tree = bench.points.get("old")!;
		bench.points.clear();
		{
			using _pin = bench.vault.pin([tree]);
			assert.equal((await bench.collect()).deadBytes, 0);
			await bench.vault.get(block(1).name);
		}
		assert.equal((await bench.collect()).removedPacks, 1);
	});

	it("finds a chunk that was moved while it was being read", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		await bench.point("kept", [3]);
		bench.points.delete("old");
		await bench.vault.flush();
		const held = Promise.withResolvers<void>();
		let isFirst = true;
		bench.disk.pause = async () => {
			if (!isFirst) return;
			isFirst = false;
			await held.promise;
		};
		const reading = bench.vault.get(block(3).name);
		assert.equal((await bench.collect()).rewrittenPacks, 1);
		held.resolve();
		assert.equal(Buffer.compare(await reading, block(3).data), 0);
	});

	it("removes nothing where a page of a kept point cannot be read, and names the point", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		bench.points.clear();
		bench.points.set("web1@noon/vda", { root: sampleChunk(7, 100).name, blocks: 9, name: "web1@noon/vda" });
		const error = await errorOf(bench.collect());
		assert.equal(error.code, "corrupt");
		assert.match(error.message, /web1@noon\/vda/);
		assert.deepEqual(bench.holds([1]), [true]);
	});

	it("leaves a pack as it is in which a needed chunk is damaged, and says so", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		await bench.point("kept", [3]);
		bench.points.delete("old");
		const first = bench.disk.packs.get(1)!;
		const at = first.bytes.indexOf(block(3).data);
		assert.ok(at > 0);
		first.bytes[at + 100]! ^= 1;
		const done = await bench.collect();
		assert.deepEqual([done.damagedPacks, done.rewrittenPacks], [[1], 0]);
		assert.ok(bench.disk.packs.has(1));
		assert.deepEqual(bench.holds([1, 3]), [true, true]);
	});

	it("frees whole packs on a full disk, loses nothing for want of room, and goes on when there is some", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3]);
		await bench.point("mixed", [4, 5, 6]);
		await bench.point("kept", [6, 7, 8, 9]);
		bench.points.delete("old");
		bench.points.delete("mixed");
		await bench.vault.flush();
		bench.disk.space = 0;
		const error = await errorOf(bench.vault.collect(bench.roots(), GC));
		assert.equal(error.code, "limit");
		assert.ok(!bench.disk.packs.has(1), "what takes no room to go is gone");
		for (const content of [6, 7, 8, 9]) await bench.vault.get(block(content).name);
		bench.disk.space = Number.POSITIVE_INFINITY;
		await bench.collect();
		assert.deepEqual(bench.holds([4, 5, 6]), [false, false, true]);
	});

	it("takes up what a kill left: a copy and its original", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		await bench.point("kept", [3]);
		bench.points.delete("old");
		bench.disk.before = (what) => {
			if (what === "remove") throw new UmbraError("unavailable", "killed");
		};
		await errorOf(bench.collect());
		bench.disk.before = () => undefined;
		await bench.reopen();
		assert.ok(bench.disk.packs.has(1));
		await bench.vault.get(block(3).name);
		bench.now += 1;
		await bench.collect({ rewriteBelow: 1 });
		assert.ok(!bench.disk.packs.has(1));
		assert.equal(Buffer.compare(await bench.vault.get(block(3).name), block(3).data), 0);
	});

	it("runs once at a time, ends when it is told to, and leaves all as it was", async () => {
		await using bench = await Bench.open();
		await bench.point("old", [1, 2, 3, 4]);
		bench.points.clear();
		const stop = new AbortController();
		const reason = new UmbraError("unavailable", "stopped");
		const running = bench.vault.collect(bench.roots(), { ...GC, signal: stop.signal });
		assert.equal((await errorOf(bench.vault.collect(bench.roots(), GC))).code, "conflict");
		stop.abort(reason);
		assert.equal(await errorOf(running), reason);
		assert.deepEqual(bench.holds([1, 2, 3, 4]), [true, true, true, true]);
		bench.now += 1;
		await until(async () => (await bench.collect()).removedPacks === 1, { what: "the pack to go" });
	});
});

describe("a vault one of whose syncs failed", () => {
	it("acknowledges nothing that another sync brought to the disk meanwhile: it was cut off", async () => {
		await using bench = await Bench.open();
		for (const content of [1, 2, 3]) await bench.vault.putPlain(block(content).data);
		await bench.vault.flush();
		// The first pack is full then, and is sealed while the second is synced: the one fails when the other is under way.
		const [begun, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		bench.disk.pause = async (what, pack) => {
			if (what !== "sync") return;
			if (pack === 1) await begun.promise;
			else begun.resolve();
			if (pack !== 1) await failed.promise;
		};
		bench.disk.before = (what, pack) => {
			if (what !== "sync" || pack !== 1) return;
			setImmediate(() => failed.resolve());
			throw new UmbraError("unavailable", "input/output error");
		};
		for (const content of [4, 5]) await bench.vault.putPlain(block(content).data);
		const outcome = await bench.vault.flush().then(
			() => "flushed",
			() => "failed",
		);
		const isThere = await bench.vault.get(block(5).name).then(
			() => true,
			() => false,
		);
		assert.ok(outcome === "failed" || isThere, "it was acknowledged, and is gone");
	});
});
