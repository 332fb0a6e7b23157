/** What operators and the clock do: points are judged, dropped, held, forgotten; space is given back. */
import assert from "node:assert/strict";
import { isUmbraError } from "../../common/errors.ts";
import type { AlertRecord, ChangesetRecord } from "../catalog/records.ts";
import { GRACE_MS } from "./machine.ts";
import type { ModelPoint, ModelVm } from "./model.ts";
import { TROUBLE, type World } from "./world.ts";

const never = (): AbortSignal => new AbortController().signal;

export class Operator {
	readonly #world: World;

	constructor(world: World) {
		this.#world = world;
	}

	/** Some of it, one after another. */
	async keepHouse(): Promise<void> {
		const { random, vms } = this.#world;
		await this.#world.linger();
		for (let count = random.below(9); count > 0; count--) {
			const vm = random.pick(vms);
			const deed = random.below(12);
			if (deed < 3) await this.#judge(vm);
			else if (deed < 7) await this.#apply(vm);
			else if (deed < 9) await this.#drop(vm);
			else if (deed < 10) await this.#hold(vm);
			else if (deed < 11) await this.#release(vm);
			else if (random.chance(0.3)) await this.#forget(vm);
			await this.#world.turn();
		}
	}

	/** Space given back, the index built anew, a check. */
	async startJob(): Promise<void> {
		const { random, counts, machine } = this.#world;
		await this.#world.linger();
		const { jobs } = machine.store;
		const kind = random.pick(["gc", "gc", "gc", "gc", "gc", "rebuild", "check"] as const);
		const graceMs = random.pick([0, 0, GRACE_MS / 2, GRACE_MS]);
		const start = {
			gc: () => jobs.startGc({ dryRun: false, graceMs }),
			rebuild: () => jobs.startRebuild(),
			check: () => jobs.startCheck({ readShare: random.pick([0, 1]) }),
		}[kind];
		const { id } = start();
		await jobs.ended();
		const job = jobs.find(id);
		if (job?.error && !(TROUBLE as readonly string[]).includes(job.error.code)) throw new Error(job.error.message);
		if (job?.state !== "done") return;
		counts[({ gc: "collections", rebuild: "rebuilds", check: "checks" } as const)[kind]]++;
		counts.removedPacks += job.gc?.removedPacks ?? 0;
		counts.rewrittenPacks += job.gc?.rewrittenPacks ?? 0;
		assert.deepEqual([job.gc?.damagedPacks ?? [], job.check?.treeDamage ?? []], [[], []]);
		assert.equal(job.chains?.brokenCount ?? 0, 0, JSON.stringify(job.chains?.broken));
		assert.deepEqual(job.catalog?.damage ?? [], []);
	}

	/** Some of those that wait, oldest first; some of them raise an alert, or end one. */
	async #judge(vm: ModelVm): Promise<void> {
		const { random, counts, machine } = this.#world;
		const { catalog } = machine.store;
		while (!random.chance(0.1)) {
			const changeset = await catalog.nextUnjudged(vm.name);
			if (changeset === undefined) return;
			const alerts: AlertRecord[] = [];
			const firing = await catalog.firingAlerts(vm.name);
			if (random.chance(0.1)) alerts.push(alertOf(changeset, `a${this.#world.nextId()}`));
			for (const alert of firing) if (random.chance(0.4)) alerts.push({ ...alert, state: "resolved" });
			await inDoubt(vm, catalog.saveJudgement({ changeset, verdict: null, alerts }));
			const time = BigInt(changeset.time);
			const judged = [...vm.points, ...vm.maybe].find((point) => point.time === time);
			if (judged !== undefined) judged.isJudged = true;
			for (const { state, changesetTime } of alerts) {
				if (state === "firing") vm.alerts.push(BigInt(changesetTime));
				else vm.alerts.splice(vm.alerts.indexOf(BigInt(changesetTime)), 1);
				counts.alerts++;
			}
		}
	}

	async #apply(vm: ModelVm): Promise<void> {
		const { catalog, retention } = this.#world.machine.store;
		const before = vm.kept();
		// Of these nobody knows whether they went already.
		const open = new Set(vm.going);
		const mayGo = () => {
			// What came meanwhile, or may have come, may have pushed others out; what stays before and after must have stayed.
			const after = vm.kept([...vm.points, ...vm.maybe]);
			return vm.points.filter((point) => !open.has(point) && !(before.has(point) && after.has(point)));
		};
		try {
			await retention.apply(vm.name, never());
		} catch (error) {
			for (const point of mayGo()) vm.going.add(point);
			throw error;
		}
		// Before the catalog is asked: what is acknowledged while it answers may be missing in the answer.
		const asked = mayGo();
		const left = new Set(await Array.fromAsync(catalog.pointTimes(vm.name)));
		for (const point of asked) if (!left.has(point.time)) this.#dropped(vm, point);
	}

	async #drop(vm: ModelVm): Promise<void> {
		const point = this.#world.someOf(vm);
		if (point === undefined) return;
		try {
			await this.#world.machine.store.retention.drop(vm.name, point.time, never());
		} catch (error) {
			if (isUmbraError(error, "conflict")) return;
			vm.going.add(point);
			throw error;
		}
		const isHead = point === vm.head && vm.maybe.size === 0;
		assert.ok(vm.isInDoubt || (!point.isHeld && point.isJudged && !isHead), "it had to stay");
		this.#dropped(vm, point);
	}

	async #hold(vm: ModelVm): Promise<void> {
		const point = this.#world.someOf(vm);
		if (point === undefined) return;
		const why = { reason: "a test", by: "nobody" };
		await inDoubt(vm, this.#world.machine.store.retention.hold(vm.name, point.time, why, never()));
		point.isHeld = true;
		this.#world.counts.held++;
	}

	async #release(vm: ModelVm): Promise<void> {
		const point = vm.points.find(({ isHeld }) => isHeld);
		if (point === undefined) return;
		await inDoubt(vm, this.#world.machine.store.retention.release(vm.name, point.time, never()));
		point.isHeld = false;
	}

	async #forget(vm: ModelVm): Promise<void> {
		if (this.#world.someOf(vm) === undefined) return;
		const isHeld = vm.points.some((point) => point.isHeld);
		try {
			await this.#world.machine.store.retention.forgetVm(vm.name, never());
			assert.ok(vm.isInDoubt || !isHeld, "a point that is held went");
			this.#world.counts.forgotten++;
		} catch (error) {
			if (!isUmbraError(error, "conflict")) throw error;
		} finally {
			// Also those whose acknowledgement is on its way.
			if (vm.isInDoubt || !isHeld) for (const point of [...vm.points, ...vm.maybe]) vm.going.add(point);
		}
	}

	#dropped(vm: ModelVm, point: ModelPoint): void {
		vm.drop(point);
		this.#world.counts.dropped++;
	}
}

/** Where it fails, nobody knows whether it happened. */
async function inDoubt(vm: ModelVm, work: Promise<unknown>): Promise<void> {
	try {
		await work;
	} catch (error) {
		vm.isInDoubt = true;
		throw error;
	}
}

function alertOf({ vm, host, id: changesetId, time }: ChangesetRecord, id: string): AlertRecord {
	const told = { summary: "", score: 1, files: [], fileCount: 0, contributions: [], features: {}, mitigation: "" };
	const life = { state: "firing", count: 1, lastSeen: time, quiet: 0, resolvedTime: null, undelivered: [] } as const;
	const cause = { changesetId, changesetTime: time, severity: "warning", cause: "anomaly" } as const;
	return { id, vm, host, time, ...cause, ...told, ...life };
}
