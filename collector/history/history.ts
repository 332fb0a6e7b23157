/** What happens to a collector's store, at random; what must be there afterwards, the model says. */
import assert from "node:assert/strict";
import { isUmbraError } from "../../common/errors.ts";
import { createRandom, type Random } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { checkChain } from "../catalog/chain-check.ts";
import { CrashingLevel } from "../catalog/crashing-level.ts";
import { MemoryLevels } from "../catalog/memory-level.ts";
import type { RetentionPolicy } from "../retention/settings.ts";
import { Agent } from "./agent.ts";
import { settle, treeOf, verifyDisks, verifyPoints } from "./compare.ts";
import { blockOf, CONTENTS, nameOf } from "./contents.ts";
import { type End, GRACE_MS, Machine } from "./machine.ts";
import { ModelVm } from "./model.ts";
import { Operator } from "./operator.ts";
import { type Counts, TROUBLE, World } from "./world.ts";

/** Of VMs, and of their disks. */
const DISKS: Readonly<Record<string, readonly string[]>> = { "web/1 ü": ["vda", "vdb"], db: ["sda"], mail: ["vda"] };
/** So many operations pass at most before an accident. */
const WITHIN = { none: 1, kill: 40, sync: 4, call: 30, batch: 6 } as const;

class History implements AsyncDisposable {
	readonly #random: Random;
	readonly #machine: Machine;
	readonly #world: World;
	readonly #agent: Agent;
	readonly #operator: Operator;

	/** @param folder for a catalog that is a real LevelDB; empty. Without, its database is in memory. */
	constructor(random: Random, folder: string | undefined) {
		this.#random = random;
		const names = Object.keys(DISKS).slice(0, random.between(2, 3));
		const vms = names.map((name) => new ModelVm(name, policy(random)));
		const policies = new Map(vms.map((vm) => [vm.name, vm.policy]));
		const level = folder === undefined ? new MemoryLevels() : new CrashingLevel(folder);
		const isEncrypted = random.chance(0.5);
		this.#machine = new Machine({ level, folder: folder ?? "/catalog", random, isEncrypted, policies });
		this.#world = new World(random, this.#machine, vms);
		this.#agent = new Agent(this.#world, DISKS);
		this.#operator = new Operator(this.#world);
	}

	async run(steps: number): Promise<Counts> {
		await this.#machine.open();
		for (let step = 0; step < steps; step++) await this.#step();
		await this.#end();
		const { accidents, rotations } = this.#machine;
		return { ...this.#world.counts, accidents, rotations };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#machine[Symbol.asyncDispose]();
	}

	/** Some things at once, and an accident in the midst of them. */
	async #step(): Promise<void> {
		const random = this.#random;
		const machine = this.#machine;
		const { vms, counts } = this.#world;
		const accident = random.pick(["none", "none", "none", "kill", "kill", "sync", "call", "batch"] as const);
		machine.plan(accident, 1 + random.below(WITHIN[accident]));
		const isFull = random.chance(0.1);
		if (isFull) counts.fullDisks++;
		machine.files.space = isFull ? machine.files.used + random.below(30_000) : Number.POSITIVE_INFINITY;
		const work = [this.#operator.keepHouse(), ...vms.map((vm) => this.#agent.capture(vm))];
		if (random.chance(0.8)) work.push(this.#operator.startJob());
		if (random.chance(0.2)) work.push(this.#operator.startJob());
		if (random.chance(0.8)) work.push(this.#restore());
		const outcomes = await Promise.allSettled(work);
		machine.plan("none", 0);
		machine.files.space = Number.POSITIVE_INFINITY;
		machine.now += random.below(GRACE_MS);
		const works = !machine.isDead && (await succeeds(machine.store.vault.flush()));
		for (const outcome of outcomes) {
			if (outcome.status === "fulfilled" || isUmbraError(outcome.reason, ...TROUBLE)) continue;
			// What was brought and could not be synced is gone, also for who was about to build upon it; a process that is gone
			// reads nothing any more, and a rebuild in it takes chunks for lost that nobody can read.
			if (works || !isUmbraError(outcome.reason, "not-found")) throw outcome.reason;
		}
		// A vault that could not sync still gives what it has; it has to be opened again.
		if (!works && !machine.isDead) await verifyPoints(this.#machine.store, this.#world.vms);
		if (works && !random.chance(0.1)) return await settle(this.#machine.store.catalog, this.#world.vms);
		// The next start may meet with something as well.
		if (random.chance(0.2)) machine.plan(random.pick(["kill", "call", "batch", "sync"]), 1 + random.below(12));
		await this.#restart();
	}

	async #restart(): Promise<void> {
		const { counts } = this.#world;
		do {
			const ends: readonly End[] = this.#machine.isDead ? ["kill", "power cut"] : ["stop", "kill", "power cut"];
			const how = this.#random.pick(ends);
			counts.restarts++;
			if (how === "power cut") counts.powerCuts++;
			await this.#machine.restart(how);
			// What goes on behind an open vault may be struck as well.
		} while (this.#machine.isDead);
		this.#machine.plan("none", 0);
		await settle(this.#machine.store.catalog, this.#world.vms);
		await verifyPoints(this.#machine.store, this.#world.vms);
	}

	/** A reader that began while the point was there reads to the end, whatever becomes of the point. */
	async #restore(): Promise<void> {
		const vm = this.#random.pick(this.#world.vms);
		const point = this.#world.someOf(vm);
		if (point === undefined) return;
		const { catalog, vault } = this.#machine.store;
		const record = await catalog.changeset(vm.name, point.time);
		if (record === undefined) return;
		using _pin = vault.pin(record.disks.map(treeOf));
		// From here on it is held on to; it may have gone between the two.
		if ((await catalog.changeset(vm.name, point.time)) === undefined) return;
		await this.#world.linger();
		await verifyDisks(vault, point, record);
		this.#world.counts.reads++;
	}

	/** When all is quiet, everything is exactly as the model says, and nothing is left that no point needs. */
	async #end(): Promise<void> {
		const { vms } = this.#world;
		this.#machine.rewriteBelow = 1;
		await this.#restart();
		const { catalog, vault, retention, jobs } = this.#machine.store;
		for (const vm of vms) {
			for (;;) {
				const changeset = await catalog.nextUnjudged(vm.name);
				if (changeset === undefined) break;
				await catalog.saveJudgement({ changeset, verdict: null, alerts: [] });
			}
			for (const point of vm.points) point.isJudged = true;
			const kept = vm.kept();
			await retention.apply(vm.name, new AbortController().signal);
			for (const point of [...vm.points]) if (!kept.has(point)) vm.drop(point);
		}
		await settle(this.#machine.store.catalog, this.#world.vms);
		this.#machine.now += 3 * GRACE_MS;
		// The pack that is being written is left alone: enough for another to take its place.
		for (let filler = 1; filler <= 12; filler++) await vault.putPlain(blockOf(CONTENTS + filler).data);
		await vault.flush();
		const needed = new Set(
			vms.flatMap(({ points }) =>
				points.flatMap(({ disks }) => [...disks.values()].flatMap(({ contents }) => [...contents.values()])),
			),
		);
		const unneeded = Array.from({ length: CONTENTS }, (_, at) => at + 1).filter((content) => !needed.has(content));
		let left: number[] = [];
		for (let round = 0; round < 5; round++) {
			jobs.startGc({ dryRun: false, graceMs: 0 });
			await jobs.ended();
			assert.equal(jobs.job?.state, "done", jobs.job?.error?.message);
			left = unneeded.filter((content) => vault.has(nameOf(content)));
			if (left.length === 0) break;
		}
		assert.deepEqual(left, [], "contents that no point needs are still there");
		jobs.startCheck({ readShare: 1 });
		await jobs.ended();
		const { check, chains, catalog: records } = jobs.job!;
		assert.deepEqual([check?.treeDamage, chains?.brokenCount, records?.damage], [[], 0, []]);
		for (const { name } of vms) assert.equal((await checkChain(catalog, name, { files: true })).broken, null);
		await verifyPoints(this.#machine.store, this.#world.vms);
	}
}

/** Nothing by some of the rules, few points by the others. */
function policy(random: Random): RetentionPolicy {
	const count = () => (random.chance(0.6) ? 0 : random.below(4));
	return {
		last: random.below(4),
		hourly: count(),
		daily: count(),
		weekly: count(),
		monthly: count(),
		keepAll: false,
		keepImported: true,
	};
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
	return await work.then(
		() => true,
		() => false,
	);
}

export interface HistoriesOptions {
	readonly seeds: Random;
	readonly histories: number;
	readonly steps: number;
	/** The catalog is a real LevelDB: a history from the same seed may then take another course. */
	readonly isReal?: boolean;
}

/** Runs so many histories, each from a seed of its own that a failure names. Returns what came about in all of them. */
export async function runHistories({ seeds, histories, steps, isReal = false }: HistoriesOptions): Promise<Counts> {
	const sum: Record<string, number> = {};
	for (let round = 0; round < histories; round++) {
		// The first is that of the seed itself, so that one history can be had again alone.
		const seed = round === 0 ? seeds.seed : seeds.below(2 ** 32);
		await using folder = isReal ? await tempFolder() : undefined;
		try {
			await using history = new History(createRandom(seed), folder?.path);
			for (const [name, count] of Object.entries(await history.run(steps))) sum[name] = (sum[name] ?? 0) + count;
		} catch (error) {
			throw new Error(`in the history of UMBRA_TEST_SEED=${seed}`, { cause: error });
		}
	}
	return sum as Counts;
}
