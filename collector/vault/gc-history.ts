/**
 * For tests: a random history of a vault whose points come and go while space is given back, on a disk that fills up,
 * fails and crashes, beside a model that only remembers which block of which point holds what.
 */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { blake3Name, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { createRandom, type Random } from "../../test/support/random.ts";
import type { LiveTree } from "./live-chunks.ts";
import { MemoryDisk, MemoryPackStore } from "./memory-packs.ts";
import { sampleChunk, testKeys } from "./testing.ts";
import { type DiskTree, type NameRun, readNames, updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

const PACK_BYTES = 70_000;
const GRACE_MS = 1000;
/** Three or four blocks to a pack. */
const BLOCK_BYTES = 20_000;
const VMS = 3;
/** One page, and two levels of pages. */
const SIZES = [20, 1100];
/** Blocks that are written: at the beginning of a disk, and over the border of a page. */
const PLACES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1020, 1021, 1022, 1023, 1024, 1025, 1026];
/** Few, so that what nobody needs any more is often wanted again. */
const CONTENTS = 40;

/** Which block holds which content; blocks that are not named are zero. */
type Contents = ReadonlyMap<number, number>;

interface Point {
	readonly vm: number;
	readonly time: number;
	readonly tree: DiskTree;
	readonly contents: Contents;
	/** Put in where its time says, and nobody's head. */
	readonly isImported: boolean;
}

interface Submission {
	readonly vm: number;
	readonly time: () => number;
	readonly base: DiskTree | null;
	readonly snapshot: { readonly blocks: number; readonly contents: Contents };
	readonly changes: readonly NameRun[];
	/** Ingest refuses it. */
	readonly isStale: () => boolean;
	readonly isImported?: boolean;
}

const blocks = new Map<number, { readonly name: Uint8Array; readonly data: Uint8Array }>();

function block(content: number): { readonly name: Uint8Array; readonly data: Uint8Array } {
	let found = blocks.get(content);
	if (found === undefined) {
		const { data } = sampleChunk(content * 2, BLOCK_BYTES - (content % 7) * 300);
		found = { data, name: blake3Name(data) };
		blocks.set(content, found);
	}
	return found;
}

const nameOf = (content: number): Uint8Array => (content === 0 ? ZERO_NAME : block(content).name);

export interface Counts {
	points: number;
	imported: number;
	dropped: number;
	collections: number;
	removedPacks: number;
	rewrittenPacks: number;
	missing: number;
	restarts: number;
	failures: number;
	reads: number;
	rotations: number;
}

export class History implements AsyncDisposable {
	readonly counts: Counts = {
		points: 0,
		imported: 0,
		dropped: 0,
		collections: 0,
		removedPacks: 0,
		rewrittenPacks: 0,
		missing: 0,
		restarts: 0,
		failures: 0,
		reads: 0,
		rotations: 0,
	};
	readonly #random: Random;
	/** Half of the vaults are encrypted, and change their key now and then. */
	readonly #isEncrypted: boolean;
	#rotations = 0;
	readonly #disk = new MemoryDisk();
	/** What the catalog holds, in the order in which it came: it survives everything. */
	#points: Point[] = [];
	/** What stands on each VM's disk now, captured or not. */
	readonly #guests = Array.from({ length: VMS }, () => ({ blocks: SIZES[0]!, contents: new Map<number, number>() }));
	#packs!: MemoryPackStore;
	#vault!: Vault;
	#now = 0;
	#time = 0;
	/** Killed, or a sync that fails. */
	#accident: "none" | "kill" | "sync" = "none";
	/** Changes of the disk until then (syncs, where one fails). */
	#accidentIn = 0;
	#isDead = false;

	constructor(random: Random) {
		this.#random = random;
		this.#isEncrypted = random.chance(0.5);
		this.#disk.pause = async () => {
			if (random.chance(0.2)) await turn();
		};
		this.#disk.before = (what) => {
			if (this.#accident === "none" || (this.#accident === "sync" && what !== "sync")) return;
			if (--this.#accidentIn > 0) return;
			this.counts.failures++;
			const isKill = this.#accident === "kill";
			this.#accident = "none";
			if (isKill) this.#kill();
			else throw new UmbraError("unavailable", "input/output error");
		};
	}

	async run(steps: number): Promise<void> {
		await this.#open();
		for (let step = 0; step < steps; step++) {
			this.#accident = this.#random.pick(["none", "none", "none", "none", "kill", "sync"]);
			this.#accidentIn = 1 + this.#random.below(this.#accident === "kill" ? 20 : 4);
			this.#disk.space = this.#random.chance(0.1)
				? this.#disk.used + this.#random.below(40_000)
				: Number.POSITIVE_INFINITY;
			const work = [this.#drop(), ...Array.from({ length: VMS }, (_, vm) => this.#capture(vm))];
			if (this.#random.chance(0.8)) work.push(this.#collect());
			if (this.#random.chance(0.8)) work.push(this.#read());
			for (let vm = 0; vm < VMS; vm++) if (this.#random.chance(0.5)) work.push(this.#import(vm));
			if (this.#random.chance(0.1)) work.push(this.#collect());
			const outcomes = await Promise.allSettled(work);
			this.#accident = "none";
			this.#disk.space = Number.POSITIVE_INFINITY;
			this.#now += this.#random.below(GRACE_MS);
			// A vault that could not sync has to be opened again.
			const works = await this.#vault.flush().then(
				() => true,
				() => false,
			);
			for (const outcome of outcomes) {
				if (outcome.status === "fulfilled" || isUmbraError(outcome.reason, "unavailable", "limit", "conflict"))
					continue;
				// What was brought and could not be synced is gone, also for who was about to build upon it.
				const isGone = !works || this.#isDead;
				if (!isGone || !isUmbraError(outcome.reason, "not-found")) throw outcome.reason;
			}
			// Such a one still gives what it has.
			if (!works && !this.#isDead) for (const point of this.#points) await this.#verify(point);
			if (!works || this.#isDead || this.#random.chance(0.05)) await this.#restart();
		}
		await this.#restart();
		await this.#verifyEnd();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#vault?.[Symbol.asyncDispose]();
	}

	async #open(): Promise<void> {
		this.#packs = new MemoryPackStore(this.#disk);
		this.#isDead = false;
		if (this.#isEncrypted && this.#random.chance(0.3)) {
			this.#rotations++;
			this.counts.rotations++;
		}
		this.#vault = await Vault.over(this.#packs, {
			keys: this.#isEncrypted ? testKeys(1, this.#rotations) : undefined,
			packBytes: PACK_BYTES,
			// Without one, what protects is the leases alone.
			graceMs: this.#random.pick([0, GRACE_MS]),
			clock: () => this.#now,
			cacheBytes: 0,
		});
	}

	#kill(): void {
		this.#isDead = true;
		this.#packs.kill();
	}

	async #restart(): Promise<void> {
		this.counts.restarts++;
		this.#kill();
		await this.#vault[Symbol.asyncDispose]();
		this.#disk.crash(() => (this.#random.chance(0.5) ? this.#random.fraction() : 1));
		await this.#open();
		for (const point of this.#points) await this.#verify(point);
	}

	/** What an agent and ingest do: change, offer, upload, and some time later submit. */
	async #capture(vm: number): Promise<void> {
		const guest = this.#guests[vm]!;
		const head = this.#head(vm);
		if (this.#random.chance(0.1)) this.#resize(guest);
		for (let count = this.#random.below(6); count > 0; count--) {
			const place = this.#random.pick(PLACES);
			const content = this.#random.chance(0.2) ? 0 : 1 + this.#random.below(CONTENTS);
			if (place < guest.blocks) guest.contents.set(place, content);
		}
		const snapshot = { blocks: guest.blocks, contents: new Map(guest.contents) };
		const isFirst = head === undefined || this.#random.chance(0.05);
		const base = isFirst ? null : head.tree;
		const changes = this.#changes(snapshot, isFirst ? new Map() : head.contents);
		for (let attempt = 0; attempt < 3; attempt++) {
			await this.#upload(changes);
			await this.#linger();
			if (this.#random.chance(0.3)) this.#now += this.#random.below(3 * GRACE_MS);
			const isStale = () => this.#head(vm) !== head;
			if (await this.#submit({ vm, time: () => ++this.#time, base, snapshot, changes, isStale })) return;
			this.counts.missing++;
		}
	}

	/** What an import and ingest do: any point that is there may be built upon, and what comes of it lies somewhere behind it. */
	async #import(vm: number): Promise<void> {
		const points = this.#points.filter((point) => point.vm === vm);
		if (points.length === 0) return;
		const older = this.#random.pick(points);
		const contents = new Map(older.contents);
		for (let count = this.#random.below(4); count > 0; count--) {
			const place = this.#random.pick(PLACES);
			if (place < older.tree.blocks) contents.set(place, 1 + this.#random.below(CONTENTS));
		}
		const snapshot = { blocks: older.tree.blocks, contents };
		const changes = this.#changes(snapshot, older.contents);
		await this.#upload(changes);
		await this.#linger();
		// It went meanwhile: ingest does not know the base.
		const isGone = () => !this.#points.includes(older);
		if (isGone()) return;
		const place = older.time + (1 + this.#random.below(1e6)) / 1e6;
		const isTaken = () => this.#points.some((point) => point.vm === vm && point.time === place);
		const base = older.tree;
		await this.#submit({ vm, time: () => place, base, snapshot, changes, isStale: isTaken, isImported: true });
	}

	#head(vm: number): Point | undefined {
		return this.#points.findLast((point) => point.vm === vm && !point.isImported);
	}

	/** For no time, or for long enough that others can do all of their work. */
	async #linger(): Promise<void> {
		for (let turns = this.#random.pick([0, 0, 1, 5, 20, 60]); turns > 0; turns--) {
			this.#now += this.#random.below(20);
			await turn();
		}
	}

	#resize(guest: { blocks: number; contents: Map<number, number> }): void {
		guest.blocks = this.#random.pick(SIZES);
		for (const place of guest.contents.keys()) if (place >= guest.blocks) guest.contents.delete(place);
	}

	#changes(now: { readonly blocks: number; readonly contents: Contents }, before: Contents): NameRun[] {
		return PLACES.filter((place) => {
			if (place >= now.blocks) return false;
			// Agents may name what did not change.
			return (now.contents.get(place) ?? 0) !== (before.get(place) ?? 0) || this.#random.chance(0.1);
		}).map((place) => ({ firstBlock: place, names: nameOf(now.contents.get(place) ?? 0) }));
	}

	async #upload(changes: readonly NameRun[]): Promise<void> {
		for (const { names } of changes) {
			if (this.#vault.has(names)) continue;
			const found = blocks.values().find(({ name }) => Buffer.compare(name, names) === 0);
			await this.#vault.putPlain(found!.data);
			if (this.#random.chance(0.3)) await turn();
		}
		await this.#vault.flush();
	}

	/** False where chunks are missing. */
	async #submit({ vm, time, base, snapshot, changes, isStale, isImported = false }: Submission): Promise<boolean> {
		// Another one came first: ingest refuses this one.
		if (isStale()) return true;
		using _lease = this.#vault.lease(base === null ? [] : [base]);
		for (const { names } of changes) if (!this.#vault.has(names)) return false;
		await this.#linger();
		const root = await updateTree(this.#vault, base, snapshot.blocks, changes);
		await this.#linger();
		await this.#vault.flush();
		if (this.#isDead || isStale()) return true;
		const tree = { root, blocks: snapshot.blocks };
		this.#points.push({ vm, time: time(), tree, contents: snapshot.contents, isImported });
		if (isImported) this.counts.imported++;
		else this.counts.points++;
		return true;
	}

	async #drop(): Promise<void> {
		await this.#linger();
		for (let count = this.#random.below(8); count > 0; count--) {
			const droppable = this.#points.filter((point) => this.#head(point.vm) !== point);
			if (droppable.length === 0) return;
			const dropped = this.#random.pick(droppable);
			this.#points = this.#points.filter((point) => point !== dropped);
			this.counts.dropped++;
			if (this.#random.chance(0.3)) await turn();
		}
	}

	async #collect(): Promise<void> {
		await this.#linger();
		const graceMs = this.#random.pick([0, 0, GRACE_MS / 2, GRACE_MS]);
		const rewriteBelow = this.#random.pick([0.3, 0.7, 1, 1]);
		const done = await this.#vault.collect(this.#roots(), { graceMs, rewriteBelow, bytesPerSecond: 1e12 });
		this.counts.collections++;
		this.counts.removedPacks += done.removedPacks;
		this.counts.rewrittenPacks += done.rewrittenPacks;
		assert.deepEqual(done.damagedPacks, []);
	}

	/** As the catalog is listed: in order of VM and time, in pages, each as things stood when it was read. */
	async *#roots(): AsyncGenerator<LiveTree> {
		let [vm, time] = [-1, 0];
		for (;;) {
			const page = this.#points
				.filter((point) => point.vm > vm || (point.vm === vm && point.time > time))
				.sort((a, b) => a.vm - b.vm || a.time - b.time)
				.slice(0, 1 + this.#random.below(3));
			if (page.length === 0) return;
			for (const point of page) {
				[vm, time] = [point.vm, point.time];
				if (this.#random.chance(0.3)) await turn();
				yield { ...point.tree, name: `${point.vm}@${point.time}` };
			}
		}
	}

	/** A reader that began while the point was there reads to the end, whatever becomes of the point. */
	async #read(): Promise<void> {
		if (this.#points.length === 0) return;
		const point = this.#random.pick(this.#points);
		using _pin = this.#vault.pin([point.tree]);
		await this.#linger();
		await this.#verify(point);
		this.counts.reads++;
	}

	async #verify({ vm, time, tree, contents }: Point): Promise<void> {
		const names = Buffer.from(await readNames(this.#vault, tree, 0, tree.blocks));
		const wanted = Buffer.alloc(names.length);
		for (const [at, content] of contents) wanted.set(nameOf(content), at * 32);
		if (!names.equals(wanted)) {
			const at = Math.floor(names.findIndex((byte, index) => byte !== wanted[index]) / 32);
			const [found, right] = [names, wanted].map((all) => nameToHex(all.subarray(at * 32, (at + 1) * 32)));
			assert.equal(found, right, `VM ${vm} at ${time}, block ${at}`);
		}
		for (const [at, content] of contents) {
			if (content === 0) continue;
			const data = await this.#vault.get(nameOf(content));
			assert.equal(Buffer.compare(data, block(content).data), 0, `VM ${vm} at ${time}, block ${at}: other bytes`);
		}
	}

	/** Nothing is damaged, and in the end there is nothing left that no point needs. */
	async #verifyEnd(): Promise<void> {
		this.#now += 3 * GRACE_MS;
		// The pack that is being written is left alone: enough for another to take its place.
		for (let filler = 0; filler * BLOCK_BYTES < 2 * PACK_BYTES; filler++) {
			await this.#vault.putPlain(block(CONTENTS + 1 + filler).data);
		}
		await this.#vault.flush();
		let left: number[] = [];
		for (let round = 0; round < 5; round++) {
			await this.#vault.collect(this.#roots(), { graceMs: 0, rewriteBelow: 1, bytesPerSecond: 1e12 });
			const needed = new Set(this.#points.flatMap(({ contents }) => [...contents.values()]));
			left = Array.from({ length: CONTENTS }, (_, at) => at + 1).filter(
				(content) => !needed.has(content) && this.#vault.has(nameOf(content)),
			);
			if (left.length === 0) break;
		}
		assert.deepEqual(left, [], "blocks that no point needs are still there");
		const scrubbed = await this.#vault.scrub(this.#roots(), { readShare: 1, bytesPerSecond: 1e12 });
		assert.deepEqual([scrubbed.packDamage, scrubbed.treeDamage], [[], []]);
		for (const point of this.#points) await this.#verify(point);
	}
}

/** Runs so many histories, each from a seed of its own that a failure names. Returns what came about in all of them. */
export async function runHistories(seeds: Random, histories: number, steps: number): Promise<Counts> {
	const sum: Record<string, number> = {};
	for (let round = 0; round < histories; round++) {
		// The first is that of the seed itself, so that one history can be had again alone.
		const seed = round === 0 ? seeds.seed : seeds.below(2 ** 32);
		await using history = new History(createRandom(seed));
		try {
			await history.run(steps);
		} catch (error) {
			throw new Error(`in the history of UMBRA_TEST_SEED=${seed}`, { cause: error });
		}
		for (const [name, count] of Object.entries(history.counts)) sum[name] = (sum[name] ?? 0) + count;
	}
	return sum as unknown as Counts;
}
