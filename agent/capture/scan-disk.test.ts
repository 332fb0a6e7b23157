import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { ClassicLevel } from "classic-level";
import { BLOCK_SIZE, blake3Name, blockCount, blockName, nameToHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import { serve } from "../../disk/source/testing.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { type AgentDb, BlockIndex } from "./block-index.ts";
import { ChangedPagesBuilder } from "./changed-pages.ts";
import { HashPool } from "./hash-pool.ts";
import { HashPoolLease } from "./hash-pool-lease.ts";
import { makeSlot, openSlot } from "./hash-slot.ts";
import { planReads } from "./read-plan.ts";
import { RECORD_SIZE } from "./record.ts";
import { type ChunkSink, type ScanResult, scanDisk } from "./scan-disk.ts";

const ZERO_NAME = "0".repeat(64);

/** A disk whose image is served anew for every scan, the index of what was captured, and everything the scans found. */
class Site implements AsyncDisposable {
	readonly temp: TempFolder;
	readonly db: AgentDb;
	readonly index: BlockIndex;
	readonly pool: HashPool;
	/** Contents by name, as a collector would hold them. */
	readonly store = new Map<string, Buffer>();
	/** Names by block, as a collector would hold them. */
	tree: string[] = [];

	private constructor(temp: TempFolder, db: AgentDb, pool: HashPool) {
		this.temp = temp;
		this.db = db;
		this.index = new BlockIndex(db);
		this.pool = pool;
	}

	/** @param blocksPerThread few, so that threads take part in what is little work */
	static async make(threads: number, blocksPerThread = 8): Promise<Site> {
		const temp = await tempFolder();
		const db: AgentDb = new ClassicLevel(temp.file("db"), { keyEncoding: "view", valueEncoding: "view" });
		await db.open();
		return new Site(temp, db, new HashPool(threads, blocksPerThread));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.pool[Symbol.asyncDispose]();
		await this.db.close();
		await this.temp[Symbol.asyncDispose]();
	}

	/** Serves `image` and runs `work` with a client of it. */
	async serving<T>(image: Uint8Array, work: (nbd: NbdClient) => Promise<T>): Promise<T> {
		const path = this.temp.file("image");
		const socket = this.temp.file("s");
		await writeFile(path, image);
		await using _ = await serve(socket, "qemu-nbd", "-r", "-t", "-f", "raw", `--socket=${socket}`, path);
		await using nbd = await NbdClient.connect({
			address: { path: socket },
			exportName: "",
			contexts: ["base:allocation"],
		});
		return await work(nbd);
	}

	/** One capture of the whole disk, without a bitmap. What it finds is kept only when it is final. */
	async capture(
		image: Uint8Array,
		compare: boolean,
		options: {
			readonly chunks?: ChunkSink;
			readonly signal?: AbortSignal;
			readonly final?: boolean;
			readonly resend?: ReadonlySet<number>;
		} = {},
	): Promise<ScanResult & { changed: number[]; pages: number[] }> {
		return await this.serving(image, async (nbd) => {
			const chunks: ChunkSink = options.chunks ?? {
				addChunk: async (name, encoding, data) => {
					const plain = encoding === "raw" ? Buffer.from(data) : zstdDecompressSync(data);
					assert.equal(plain.length, BLOCK_SIZE);
					assert.equal(nameToHex(blake3Name(plain)), nameToHex(name), "the content is what its name says");
					this.store.set(nameToHex(name), plain);
				},
			};
			const names = new Map<number, string>();
			let last = -1;
			const pages = new ChangedPagesBuilder();
			await this.index.begin("vm");
			const stager = this.index.stager("vm", "va", compare ? "onto" : "anew");
			const result = await scanDisk({
				vm: "vm",
				disk: "va",
				compare,
				nbd,
				ranges: (await planReads(nbd, undefined)).ranges,
				index: this.index,
				stager,
				pool: this.pool,
				chunks,
				names: {
					add: (block, name) => {
						assert.ok(block > last, `block ${block} after ${last}`);
						last = block;
						names.set(block, nameToHex(name));
					},
				},
				pages,
				...(options.resend === undefined ? {} : { resend: options.resend }),
				...(options.signal === undefined ? {} : { signal: options.signal }),
			});
			if (options.final !== false) {
				await this.db.batch(this.index.finishOperations("vm", [stager]));
				await this.index.fold("vm");
				if (!compare) this.tree = [];
				// As a collector does: what lies beyond the disk is dropped, what is new begins with zeroes.
				const total = blockCount(image.length);
				this.tree.length = Math.min(this.tree.length, total);
				while (this.tree.length < total) this.tree.push(ZERO_NAME);
				for (const [block, name] of names) this.tree[block] = name;
			}
			return { ...result, changed: [...names.keys()], pages: [...pages.pages().offsets] };
		});
	}

	/** What the tree stands for. */
	restored(size: number): Buffer {
		const blocks = this.tree.map((name) => (name === ZERO_NAME ? Buffer.alloc(BLOCK_SIZE) : this.store.get(name)));
		return Buffer.concat(blocks.map((block) => block ?? assert.fail("a block was never sent"))).subarray(0, size);
	}
}

function randomBlock(random: Random): Buffer {
	const kind = random.below(5);
	if (kind === 0) return Buffer.alloc(BLOCK_SIZE);
	if (kind === 1) return Buffer.alloc(BLOCK_SIZE, random.between(1, 255));
	if (kind === 2) return Buffer.concat([random.bytes(100), Buffer.alloc(BLOCK_SIZE - 100)]);
	if (kind === 3) return Buffer.concat([Buffer.alloc(BLOCK_SIZE - 1), Buffer.of(1)]);
	return random.bytes(BLOCK_SIZE);
}

function randomImage(random: Random, size: number): Buffer {
	const blocks: Buffer[] = [];
	for (let at = 0; at < size; at += BLOCK_SIZE) blocks.push(randomBlock(random));
	return Buffer.concat(blocks).subarray(0, size);
}

function padded(image: Buffer, block: number): Buffer {
	const bytes = Buffer.alloc(BLOCK_SIZE);
	image.copy(bytes, 0, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
	return bytes;
}

describe("scanDisk", needs("qemu-nbd"), () => {
	it("sends unchanged blocks again that are asked for by what they hold, and nothing else", async (context) => {
		const random = testRandom(context);
		await using site = await Site.make(2);
		const size = 40 * BLOCK_SIZE + 512;
		const image = randomImage(random, size);
		await site.capture(image, false);
		// Lost by whoever was sent them; some were never there.
		const held = [...site.store.keys()];
		const lost = random.shuffle(held).slice(0, 7);
		for (const name of lost) site.store.delete(name);
		const found = await site.index.find("vm", new Set([...lost, "ab".repeat(32)]));
		assert.deepEqual([...found.keys()], ["va"]);
		const blocks = found.get("va") ?? new Map<number, string>();
		for (const [block, name] of blocks) assert.equal(nameToHex(blockName(padded(image, block))), name);
		const expected = site.tree.flatMap((name, block) => (lost.includes(name) ? [block] : []));
		assert.deepEqual(
			[...blocks.keys()].sort((a, b) => a - b),
			expected,
		);
		const sent = new Set<string>();
		const chunks: ChunkSink = {
			addChunk: async (name, encoding, data) => {
				assert.equal(nameToHex(blake3Name(encoding === "raw" ? data : zstdDecompressSync(data))), nameToHex(name));
				sent.add(nameToHex(name));
			},
		};
		const result = await site.capture(image, true, { chunks, resend: new Set(blocks.keys()) });
		assert.deepEqual([result.changed, [...sent].sort()], [[], lost.sort()]);
	});

	it("finds exactly what a plain comparison of two images finds, over a history with resizes", async (context) => {
		const random = testRandom(context);
		await using site = await Site.make(2);
		let before: Buffer = Buffer.alloc(0);
		let size = 512 * random.between(128 * 50, 128 * 100);
		for (let round = 0; round < 8; round++) {
			const compare = round > 0;
			if (round === 3) size = 512 * random.between(128 * 10, 128 * 40);
			if (round === 4) size = 512 * random.between(128 * 50, 128 * 100);
			const after = randomImage(random, size);
			// Most of it stays, also across a short end that grows.
			for (let at = 0; at < Math.min(before.length, size); at += 4096) {
				if (compare && random.chance(0.9)) before.copy(after, at, at, at + 4096);
			}
			const result = await site.capture(after, compare);
			const changed: number[] = [];
			const pages: number[] = [];
			for (let block = 0; block < blockCount(size); block++) {
				const old = block < blockCount(before.length) ? padded(before, block) : Buffer.alloc(BLOCK_SIZE);
				const now = padded(after, block);
				if (old.equals(now)) continue;
				changed.push(block);
				for (let at = 0; compare && at < BLOCK_SIZE; at += 4096) {
					if (!old.subarray(at, at + 4096).equals(now.subarray(at, at + 4096))) pages.push(block * BLOCK_SIZE + at);
				}
			}
			assert.deepEqual(result.changed, changed, `round ${round}`);
			assert.deepEqual(result.pages, pages, `round ${round}`);
			assert.equal(result.changedBlocks, changed.length);
			const zeroes = changed.filter((block) => padded(after, block).equals(Buffer.alloc(BLOCK_SIZE)));
			assert.equal(result.newZeroBlocks, zeroes.length);
			assert.ok(site.restored(size).equals(after), `round ${round}: the disk comes back`);
			assert.deepEqual(
				site.tree,
				Array.from({ length: blockCount(size) }, (_, block) => nameToHex(blockName(padded(after, block)))),
			);
			before = after;
		}
	});

	it("sends again what comes back after the disk shrank and grew", async (context) => {
		const random = testRandom(context);
		await using site = await Site.make(1);
		const image = random.bytes(40 * BLOCK_SIZE);
		await site.capture(image, false);
		await site.capture(image.subarray(0, 10 * BLOCK_SIZE + 512), true);
		// As a logical volume that is extended over its old place.
		const { changed } = await site.capture(image, true);
		assert.deepEqual(
			changed,
			[...Array(30).keys()].map((at) => at + 10),
		);
		assert.ok(site.restored(image.length).equals(image));
	});

	it("keeps the order of the disk with slow chunks, and no more slots than its share", async (context) => {
		const random = testRandom(context);
		await using site = await Site.make(2);
		let held = 0;
		let most = 0;
		const take = site.pool.tryTake.bind(site.pool);
		const give = site.pool.give.bind(site.pool);
		site.pool.tryTake = () => {
			const slot = take();
			if (slot !== undefined) most = Math.max(most, ++held);
			return slot;
		};
		site.pool.give = (slot) => {
			held--;
			give(slot);
		};
		const image = random.bytes(300 * BLOCK_SIZE);
		const seen: string[] = [];
		await site.capture(image, false, {
			chunks: {
				addChunk: async (name) => {
					if (random.chance(0.05)) await new Promise((resolve) => setImmediate(resolve));
					seen.push(nameToHex(name));
				},
			},
		});
		assert.deepEqual(seen, site.tree);
		assert.equal(held, 0);
		assert.ok(most <= site.pool.share && most > 1, `${most} slots`);
	});

	for (const [what, fail] of [
		["is aborted", undefined],
		["finds the spool full", new UmbraError("limit", "the spool is full")],
	] as const) {
		it(`gives its slots back when it ${what}, and the next one is right`, async (context) => {
			const random = testRandom(context);
			await using site = await Site.make(1);
			const image = random.bytes(200 * BLOCK_SIZE);
			const abort = new AbortController();
			let count = 0;
			const chunks: ChunkSink = {
				addChunk: async () => {
					if (++count < 50) return;
					if (fail !== undefined) throw fail;
					abort.abort();
					abort.signal.throwIfAborted();
				},
			};
			await assert.rejects(
				site.capture(image, false, { chunks, signal: abort.signal }),
				(error) => error === (fail ?? abort.signal.reason),
			);
			const slots = [site.pool.tryTake(), site.pool.tryTake(), site.pool.tryTake()];
			assert.ok(
				slots.every((slot) => slot !== undefined),
				"all three slots are free",
			);
			for (const slot of slots) site.pool.give(slot ?? assert.fail());
			await site.capture(image, false);
			assert.ok(site.restored(image.length).equals(image));
		});
	}

	it("lets two disks share one thread", async (context) => {
		const random = testRandom(context);
		await using one = await Site.make(1);
		await using two = await Site.make(1);
		Object.assign(two, { pool: one.pool });
		const images = [random.bytes(100 * BLOCK_SIZE), random.bytes(90 * BLOCK_SIZE)];
		await Promise.all([one.capture(images[0] as Buffer, false), two.capture(images[1] as Buffer, false)]);
		assert.ok(one.restored(100 * BLOCK_SIZE).equals(images[0] as Buffer));
		assert.ok(two.restored(90 * BLOCK_SIZE).equals(images[1] as Buffer));
	});
});

/** Ends a thread of the pool as a crash does: once one is up, it is told of a slot that does not exist. */
async function killThread(pool: HashPool): Promise<void> {
	const none = { id: 999, ...openSlot(makeSlot()) };
	await until(
		() => {
			pool.hash(none, 1).catch(() => {});
			return pool.broken;
		},
		{ what: "a thread's death is known" },
	);
}

describe("HashPool", () => {
	it("hashes the same on threads as before they are up", async (context) => {
		const random = testRandom(context);
		await using pool = new HashPool(2, 1);
		const slot = await pool.take();
		const [noise, text] = [random.bytes(BLOCK_SIZE), Buffer.alloc(BLOCK_SIZE, "all work and no play ")];
		slot.data.set(noise, 0);
		slot.data.set(text, BLOCK_SIZE);
		slot.data.fill(0, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE);
		slot.data.fill(5, 3 * BLOCK_SIZE, 4 * BLOCK_SIZE);
		const results = new Set<string>();
		const hash = async () => {
			slot.before.fill(0);
			slot.before.set(blake3Name(new Uint8Array(BLOCK_SIZE).fill(5)), 3 * RECORD_SIZE);
			const { compressed } = await pool.hash(slot, 4);
			const [first, second, ...rest] = compressed;
			assert.deepEqual([first, ...rest], [null, null, null], "noise, zeroes, unchanged");
			if (!second) assert.fail("text was not compressed");
			assert.ok(zstdDecompressSync(second).equals(text));
			const whole = (bytes: Uint8Array, length: number) => Buffer.from(bytes.subarray(0, length)).toString("hex");
			results.add(`${whole(slot.after, 4 * RECORD_SIZE)} ${whole(slot.changed, 4)} ${whole(second, second.length)}`);
		};
		await hash();
		assert.equal(pool.threads, 0);
		await until(async () => pool.threads === 2 || (await hash()), { what: "both threads are up" });
		for (let round = 0; round < 4; round++) await hash();
		assert.equal(results.size, 1);
	});

	it("rejects with an internal error once a thread has died", async () => {
		await using pool = new HashPool(2, 0);
		await killThread(pool);
		await assert.rejects(pool.hash(await pool.take(), 1), (error) => isUmbraError(error, "internal"));
	});

	it("serves slots first come, first served, and lets nobody jump the queue", async () => {
		await using pool = new HashPool(1);
		const slots = [await pool.take(), await pool.take(), await pool.take()];
		assert.equal(pool.tryTake(), undefined);
		const order: number[] = [];
		const waiting = [1, 2].map(async (number) => {
			const slot = await pool.take();
			order.push(number);
			return slot;
		});
		pool.give(slots[0] ?? assert.fail());
		assert.equal(pool.tryTake(), undefined, "it is promised already");
		pool.give(slots[1] ?? assert.fail());
		assert.deepEqual((await Promise.all(waiting)).length, 2);
		assert.deepEqual(order, [1, 2]);
	});
});

describe("HashPoolLease", () => {
	it("replaces a pool of which a thread died, and ends the rest of it", async () => {
		await using lease = new HashPoolLease(2, 0);
		let dead: HashPool | undefined;
		const ended = lease.use(async (pool) => {
			dead = pool;
			await killThread(pool);
			await pool.hash(await pool.take(), 1);
		});
		await assert.rejects(ended, (error) => isUmbraError(error, "internal"));
		const name = await lease.use(async (pool) => {
			assert.notEqual(pool, dead);
			const slot = await pool.take();
			slot.data.fill(7, 0, BLOCK_SIZE);
			slot.before.fill(0);
			await pool.hash(slot, 1);
			return nameToHex(slot.after.subarray(0, 32));
		});
		assert.equal(name, nameToHex(blake3Name(new Uint8Array(BLOCK_SIZE).fill(7))));
	});

	it("keeps threads whose user failed for another reason", async () => {
		await using lease = new HashPoolLease(1, 0);
		let first: HashPool | undefined;
		const failed = lease.use(async (pool) => {
			first = pool;
			const slot = await pool.take();
			await until(async () => pool.threads === 1 || void (await pool.hash(slot, 1)), { what: "a thread is up" });
			pool.give(slot);
			throw new RangeError("mine");
		});
		await assert.rejects(failed, RangeError);
		await lease.use(async (pool) => assert.equal(pool, first));
	});

	it("keeps nothing where no thread was started", async () => {
		await using lease = new HashPoolLease(1);
		let first: HashPool | undefined;
		await lease.use(async (pool) => {
			first = pool;
		});
		await lease.use(async (pool) => assert.notEqual(pool, first));
	});
});
