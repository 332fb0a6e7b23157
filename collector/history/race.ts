/**
 * For tests: everything at once on real files. Agents bring points, operators drop them, two collections that know nothing of
 * each other give space back, and readers read what is there in every way there is, without a pause between them.
 */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { silentLogger } from "../../common/log.ts";
import type { Random } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { CrashingLevel } from "../catalog/crashing-level.ts";
import type { RetentionPolicy } from "../retention/settings.ts";
import { VaultJobs } from "../retention/vault-jobs.ts";
import { BulkReader } from "../vault/bulk-reader.ts";
import { decode } from "../vault/chunk-codec.ts";
import { realFiles } from "../vault/files.ts";
import { testKeys } from "../vault/testing.ts";
import { Agent } from "./agent.ts";
import { type ReadBlocks, settle, treeOf, verifyDisks, verifyPoints } from "./compare.ts";
import { ModelVm } from "./model.ts";
import { Operator } from "./operator.ts";
import { openStore, type Store } from "./store.ts";
import { World } from "./world.ts";

const DISKS = { web: ["vda", "vdb"], db: ["sda"], mail: ["vda"] } as const;
/** Of the vault, in milliseconds of real time: some of what is brought outlasts a collection by it, or by leases alone. */
const GRACES_MS = [0, 0, 5];
const WAYS = ["source", "bulk", "stored"] as const;
/** How often somebody who lingers does so until a collection has come to its end. */
const LONG = 0.2;

export interface RaceOptions {
	readonly random: Random;
	/** In between all is quiet, and the store is opened anew. */
	readonly rounds: number;
	/** Of each VM in each round. */
	readonly captures: number;
}

export interface RaceCounts {
	points: number;
	missing: number;
	dropped: number;
	/** By one of the two who collect, and refused since the other one does. */
	collections: number;
	refused: number;
	removedPacks: number;
	rewrittenPacks: number;
	readings: number;
	/** Readings of points that were dropped meanwhile. */
	outlived: number;
}

/** @throws AssertionError where anything is not as the model says. */
export async function runRace({ random, rounds, captures }: RaceOptions): Promise<RaceCounts> {
	await using folder = await tempFolder();
	const keys = random.chance(0.5) ? testKeys(1) : undefined;
	const vms = Object.keys(DISKS).map((name) => new ModelVm(name, policyOf(random.between(1, 3))));
	const policies = new Map(vms.map((vm) => [vm.name, vm.policy]));
	const open = () =>
		openStore({
			folder: folder.file("catalog"),
			make: new CrashingLevel(folder.file("catalog")).make,
			files: realFiles,
			packs: folder.file("packs"),
			keys,
			policies,
			graceMs: random.pick(GRACES_MS),
			rewriteBelow: 1,
			clock: () => performance.now(),
		});
	let current: Round | undefined;
	const place = { store: await open(), now: 0, pause: async () => await current?.pause() };
	const world = new World(random, place, vms);
	const agent = new Agent(world, DISKS);
	const counts = { collections: 0, refused: 0, removedPacks: 0, rewrittenPacks: 0, readings: 0, outlived: 0 };
	try {
		for (let round = 0; round < rounds; round++) {
			current = new Round(world, agent, counts);
			await current.run(captures);
			await settle(place.store.catalog, vms);
			await verifyPoints(place.store, vms);
			await place.store[Symbol.asyncDispose]();
			place.store = await open();
		}
		await verifyPoints(place.store, vms);
		const { jobs } = place.store;
		jobs.startCheck({ readShare: 1 });
		await jobs.ended();
		const { check, chains } = jobs.job!;
		assert.deepEqual([check?.treeDamage, check?.packDamage, chains?.brokenCount], [[], [], 0]);
	} finally {
		await place.store[Symbol.asyncDispose]();
	}
	const { points, missing, dropped } = world.counts;
	return { points, missing, dropped, ...counts };
}

type RoundCounts = Omit<RaceCounts, "points" | "missing" | "dropped">;

class Round {
	readonly #world: World;
	readonly #store: Store;
	readonly #agent: Agent;
	readonly #counts: RoundCounts;
	#isOver = false;
	/** Resolved when a collection has come to its end. */
	#ended = Promise.withResolvers<void>();

	constructor(world: World, agent: Agent, counts: RoundCounts) {
		this.#world = world;
		this.#store = world.machine.store;
		this.#agent = agent;
		this.#counts = counts;
	}

	async run(captures: number): Promise<void> {
		const { catalog, vault, jobs } = this.#store;
		const nothing = (): void => undefined;
		const settings = { every: 0, grace: 0, rewriteBelow: 1, bytesPerSecond: 2 ** 40 };
		const log = silentLogger();
		// Whoever comes second is told by the vault itself.
		await using others = new VaultJobs({ catalog, vault, settings, onDamage: nothing, onSuspect: nothing, log });
		await using bulk = new BulkReader(vault);
		const bring = this.#world.vms.map(async (vm) => {
			for (let count = 0; count < captures && !this.#isOver; count++) await this.#agent.capture(vm);
		});
		const operator = new Operator(this.#world);
		const work = [
			Promise.all(bring).finally(() => {
				this.#isOver = true;
			}),
			this.#until(() => operator.keepHouse()),
			this.#until(() => this.#collect(jobs)),
			this.#until(() => this.#collect(others)),
			this.#until(() => this.#read(bulk)),
			this.#until(() => this.#read(bulk)),
		];
		// Nothing may go on behind a test that failed.
		for (const outcome of await Promise.allSettled(work)) if (outcome.status === "rejected") throw outcome.reason;
	}

	async pause(): Promise<void> {
		const { random } = this.#world;
		if (random.chance(LONG) && !this.#isOver) await this.#ended.promise;
		else for (let turns = random.below(10); turns > 0; turns--) await turn();
	}

	#tell(): void {
		this.#ended.resolve();
		this.#ended = Promise.withResolvers();
	}

	async #until(work: () => Promise<void>): Promise<void> {
		try {
			while (!this.#isOver) {
				await work();
				await turn();
			}
		} finally {
			this.#isOver = true;
			this.#tell();
		}
	}

	async #collect(jobs: VaultJobs): Promise<void> {
		jobs.startGc({ dryRun: false, graceMs: this.#world.random.pick(GRACES_MS) });
		await jobs.ended();
		const { gc, error } = jobs.job!;
		if (error?.code === "conflict") {
			this.#counts.refused++;
			return await this.#world.linger();
		}
		this.#tell();
		assert.equal(error, null);
		assert.deepEqual(gc?.damagedPacks, []);
		this.#counts.collections++;
		this.#counts.removedPacks += gc.removedPacks;
		this.#counts.rewrittenPacks += gc.rewrittenPacks;
	}

	/** All of a point, held on to from some instant at which it was there. */
	async #read(bulk: BulkReader): Promise<void> {
		const { random, vms } = this.#world;
		const { catalog, vault } = this.#store;
		const vm = random.pick(vms);
		const point = this.#world.someOf(vm);
		const record = point && (await catalog.changeset(vm.name, point.time));
		if (record === undefined) return;
		using _pin = vault.pin(record.disks.map(treeOf));
		// It may have gone between the two.
		if ((await catalog.changeset(vm.name, point!.time)) === undefined) return;
		await this.#world.linger();
		const read = { source: undefined, bulk: readBulk(bulk), stored: readStored }[random.pick(WAYS)];
		await verifyDisks(vault, point!, record, read === undefined ? {} : { read });
		this.#counts.readings++;
		if (!vm.points.includes(point!)) this.#counts.outlived++;
	}
}

/** As an export does. */
function readBulk(bulk: BulkReader): ReadBlocks {
	return async (_, __, blocks) => {
		const names = blocks.map(({ name }) => name);
		using batch = await bulk.read(names, new AbortController().signal);
		return batch.chunks.map((chunk) => Uint8Array.from(chunk));
	};
}

/** As a restore does. */
const readStored: ReadBlocks = async (vault, _, blocks) => {
	const chunks = await vault.getStored(blocks.map(({ name }) => name));
	return chunks.map(({ encoding, data }) => decode(encoding, data));
};

function policyOf(last: number): RetentionPolicy {
	return { last, hourly: 0, daily: 0, weekly: 0, monthly: 0, keepAll: false, keepImported: true };
}
