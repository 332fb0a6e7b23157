/**
 * `collector/integrity/` sees to it that what the vault says it has, it has: it reads all of it in the course of time
 * (`patrol.ts`), records what is damaged with the points and files that it hits (`damage-log.ts`), and gets it back where
 * that is possible.
 *
 * Healing goes in three steps, each of which may be cut at any instant. A pack in which something is damaged is mended:
 * what is bad leaves the index, so that whoever offers it is told to send it. All points are walked: what they miss is
 * recorded. The agents of the VMs that miss it are asked for it: they read the blocks that still hold it in their next
 * capture. What is there again is over.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { nameFromHex } from "../../common/block.ts";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import { MAX_OFFER_NAMES } from "../../proto/service.ts";
import { DAMAGE } from "../alert/alerts.ts";
import { damageAlert } from "../alert/damage.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { DamageRecord } from "../catalog/records.ts";
import type { AgentTable } from "../ingest/agents.ts";
import type { Judge } from "../judge.ts";
import type { VaultJobs } from "../retention/vault-jobs.ts";
import type { Vault } from "../vault/vault.ts";
import { damagedFiles } from "./damaged-files.ts";

/** While something is damaged, how often it is looked at again: agents come, points go. */
const LOOK_MS = 60_000;
/** A VM that was asked for something is not asked for it again before this. */
const ASK_AGAIN_MS = 30 * 60_000;
/** From nothing, the whole disk is read. */
const ANEW_AGAIN_MS = 6 * 3_600_000;
/** The capture that reads the blocks may wait for its turn. */
const ORDER_MS = 3_600_000;
/** A pack that could not be mended, or was, is not gone through again for whoever stumbles over it. */
const MEND_AGAIN_MS = 10 * 60_000;
/** Whole filesystems are read to find a path. */
const FILES_MS = 120_000;

export interface HealerOptions {
	readonly catalog: Catalog;
	readonly vault: Vault;
	readonly jobs: VaultJobs;
	readonly agents: AgentTable;
	readonly judge: Judge;
	/** Names of the webhooks. */
	readonly targets: readonly string[];
	readonly log: Logger;
}

export class Healer implements AsyncDisposable {
	/** Settles when its loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: HealerOptions;
	readonly #stop = new AbortController();
	readonly #suspects = new Set<number>();
	/** When packs were gone through, by `performance.now`. */
	readonly #mended = new Map<number, number>();
	/** When a VM was asked for a chunk, or to begin anew, by `performance.now`. */
	readonly #asked = new Map<string, number>();
	/** VMs whose agents have not answered yet. */
	readonly #asking = new Map<string, Promise<void>>();
	/** VMs with an alert that fires. */
	readonly #alerted: Set<string>;
	/** Newest points whose files were looked for. */
	readonly #searched = new Set<string>();
	#wake = Promise.withResolvers<void>();
	#isDamaged = true;

	private constructor(options: HealerOptions, alerted: Set<string>) {
		this.#options = options;
		this.#alerted = alerted;
		this.finished = this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	/** @throws UmbraError where the catalog cannot be read. */
	static async start(options: HealerOptions): Promise<Healer> {
		const firing = await options.catalog.firingAlerts();
		return new Healer(options, new Set(firing.filter(({ cause }) => cause === DAMAGE).map(({ vm }) => vm)));
	}

	/** Somebody found something in this pack damaged. */
	suspect(pack: number): void {
		const mended = this.#mended.get(pack);
		if (mended !== undefined && performance.now() - mended < MEND_AGAIN_MS) return;
		this.#suspects.add(pack);
		this.#wake.resolve();
	}

	/** The record of what is damaged changed. */
	changed(): void {
		this.#isDamaged = true;
		this.#wake.resolve();
	}

	/** A changeset of this VM was committed: what it brought may be what was missing. */
	committed(): void {
		if (this.#isDamaged) this.#wake.resolve();
	}

	/** Asks for everything that is missing now, whenever it was asked for last. */
	askNow(): void {
		this.#asked.clear();
		this.#mended.clear();
		this.changed();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		this.#wake.resolve();
		await this.finished.catch(() => undefined);
		await Promise.all(this.#asking.values());
	}

	async #run(): Promise<void> {
		const { signal } = this.#stop;
		while (!signal.aborted) {
			this.#wake = Promise.withResolvers();
			try {
				if (this.#suspects.size > 0) await this.#mend();
				// What is still to be mended comes first: before it, nobody is told to send anything.
				if (this.#isDamaged && this.#suspects.size === 0) await this.#look();
			} catch (error) {
				if (signal.aborted) return;
				if (!isUmbraError(error)) throw error;
				this.#options.log.error({ err: error }, `damage cannot be looked after now: ${messageOf(error)}`);
				await this.#pause(LOOK_MS);
			}
			await this.#pause(this.#isDamaged || this.#suspects.size > 0 ? LOOK_MS : undefined);
		}
	}

	/** Until somebody wakes us, or for so long at most. */
	async #pause(milliseconds: number | undefined): Promise<void> {
		if (milliseconds === undefined) return await this.#wake.promise;
		const over = new AbortController();
		const timer = sleep(milliseconds, undefined, { signal: over.signal }).catch(() => undefined);
		await Promise.race([this.#wake.promise, timer]);
		over.abort();
	}

	async #mend(): Promise<void> {
		const { jobs } = this.#options;
		const packs = new Set(this.#suspects);
		let started: string;
		try {
			started = jobs.startHeal(packs).id;
		} catch (error) {
			if (!isUmbraError(error, "conflict")) throw error;
			// Another job runs; who stops waits for it too.
			await jobs.ended();
			this.#wake.resolve();
			return;
		}
		for (const pack of packs) this.#suspects.delete(pack);
		await jobs.ended();
		const { job } = jobs;
		if (job?.id === started && job.state === "done")
			for (const pack of packs) this.#mended.set(pack, performance.now());
		else {
			for (const pack of packs) this.#suspects.add(pack);
			await this.#pause(LOOK_MS);
		}
	}

	async #look(): Promise<void> {
		const { catalog } = this.#options;
		const { signal } = this.#stop;
		const open: DamageRecord[] = [];
		const ended: string[] = [];
		for await (const record of catalog.allDamage()) {
			signal.throwIfAborted();
			if (await this.#isOver(record)) {
				ended.push(record.name);
				// Should it be lost again, it may be asked for again.
				for (const vm of record.vms) this.#asked.delete(JSON.stringify([vm, record.name]));
			} else open.push(record);
		}
		await catalog.changeDamage([], ended);
		if (ended.length > 0) this.#options.log.info({ healed: ended.length, left: open.length }, "damage is healed");
		this.#isDamaged = open.length > 0;
		const told = await this.#findFiles(open);
		await this.#alert(told);
		// What the index still names, damaged as it is, would not be taken.
		await this.#ask(told.filter(({ name }) => !this.#options.vault.has(nameFromHex(name))));
	}

	async #isOver({ name, places, placeCount }: DamageRecord): Promise<boolean> {
		const { vault, catalog } = this.#options;
		if (await vault.verify(nameFromHex(name), this.#stop.signal)) return true;
		if (placeCount > places.length) return false;
		for (const { vm, time } of places) if ((await catalog.changeset(vm, time)) !== undefined) return false;
		return true;
	}

	/** Looks for the files that lie there, once for each of the newest points. */
	async #findFiles(open: readonly DamageRecord[]): Promise<DamageRecord[]> {
		const { vault, catalog, log } = this.#options;
		const points = new Map<string, DamageRecord[]>();
		for (const record of open) {
			const newest = record.kind === "block" ? record.places[0] : undefined;
			if (newest === undefined || record.files.length > 0) continue;
			const key = JSON.stringify([newest.vm, newest.time]);
			points.set(key, [...(points.get(key) ?? []), record]);
		}
		const changed = new Map<string, DamageRecord>();
		for (const [key, records] of points) {
			if (this.#searched.has(key)) continue;
			this.#searched.add(key);
			const [vm, time] = JSON.parse(key) as [string, string];
			const changeset = await catalog.changeset(vm, time);
			if (changeset === undefined) continue;
			const here = records.map(({ name, places }) => ({
				name,
				places: places.filter((place) => place.vm === vm && place.time === time),
			}));
			const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(FILES_MS)]);
			try {
				const files = await damagedFiles(vault, changeset, here, signal);
				for (const record of records) {
					const found = files.get(record.name);
					if (found !== undefined) changed.set(record.name, { ...record, files: found });
				}
			} catch (error) {
				this.#stop.signal.throwIfAborted();
				log.warn({ vm, time, err: error }, "which files are damaged cannot be told");
			}
		}
		// One that was healed meanwhile by a job that ran would be brought back: only those that are still there.
		const still = new Set((await Array.fromAsync(catalog.allDamage())).map(({ name }) => name));
		await catalog.changeDamage(
			[...changed.values()].filter(({ name }) => still.has(name)),
			[],
		);
		return open.map((record) => changed.get(record.name) ?? record);
	}

	async #alert(open: readonly DamageRecord[]): Promise<void> {
		const { catalog, judge, targets } = this.#options;
		const byVm = byVms(open);
		for (const vm of new Set([...this.#alerted, ...byVm.keys()])) {
			const records = byVm.get(vm) ?? [];
			const places = records
				.flatMap((record) => record.places.filter((place) => place.vm === vm))
				.sort((a, b) => (BigInt(a.time) < BigInt(b.time) ? 1 : -1));
			const newest = places[0];
			const changeset = newest === undefined ? undefined : await catalog.changeset(vm, newest.time);
			const isHead = newest !== undefined && (await catalog.vm(vm))?.headTime === newest.time;
			const files = [...new Set(records.flatMap((record) => record.files))];
			const damage = records.length === 0 ? null : { chunks: records.length, places, files };
			await judge.changeAlerts(vm, (firing) => {
				const input = { vm, damage, changeset, isHead, firing, id: randomUUID, now: nowNs().toString(), targets };
				const alert = damageAlert(input);
				return alert === undefined ? [] : [alert];
			});
			if (damage === null) this.#alerted.delete(vm);
			else this.#alerted.add(vm);
		}
	}

	/** Asks the agents that have the VMs now; their answers come when they come. */
	async #ask(open: readonly DamageRecord[]): Promise<void> {
		const { agents, catalog, log } = this.#options;
		for (const [vm, records] of byVms(open)) {
			// One that has just connected may not have said yet what runs on its host.
			const agent = agents.agentOf(vm) ?? agents.status((await catalog.vm(vm))?.agentId ?? "");
			if (agent === undefined || this.#asking.has(vm)) continue;
			const asking = this.#askAgent(agent.id, vm, records)
				.catch((error: unknown) => log.warn({ vm, err: error }, `an agent could not be asked: ${messageOf(error)}`))
				.finally(() => {
					this.#asking.delete(vm);
					this.#wake.resolve();
				});
			this.#asking.set(vm, asking);
		}
	}

	async #askAgent(agentId: string, vm: string, records: readonly DamageRecord[]): Promise<void> {
		const { agents, catalog, log } = this.#options;
		const options = { timeoutMs: ORDER_MS, signal: this.#stop.signal };
		const blocks = records.filter(
			({ kind, name }) => kind === "block" && this.#mayAsk(JSON.stringify([vm, name]), ASK_AGAIN_MS),
		);
		for (let at = 0; at < blocks.length; at += MAX_OFFER_NAMES) {
			const some = blocks.slice(at, at + MAX_OFFER_NAMES);
			const names = Buffer.concat(some.map(({ name }) => nameFromHex(name)));
			const { ok, message, found } = await agents.sendOrder(agentId, { sendBlocks: { vm, names } }, options);
			const held = Buffer.from(found ?? []).reduce((sum, byte) => sum + bitCount(byte), 0);
			if (ok === true) {
				log.info({ vm, wanted: some.length, held }, "asked an agent for what the vault lost");
				continue;
			}
			log.warn({ vm, message }, "an agent does not send what the vault lost");
			for (const { name } of some) this.#asked.delete(JSON.stringify([vm, name]));
		}
		const head = (await catalog.vm(vm))?.headTime;
		const isPage = ({ kind, places }: DamageRecord) =>
			kind === "page" && places.some((place) => place.vm === vm && place.time === head);
		// Pages are made by us, of the names of all blocks below: only a capture from nothing names them all.
		if (!records.some(isPage) || !this.#mayAsk(JSON.stringify([vm]), ANEW_AGAIN_MS)) return;
		const { ok, message } = await agents.sendOrder(agentId, { captureNow: { vm, anew: true } }, options);
		log.info({ vm, ok, message }, "asked an agent to capture a VM anew, since a page of its newest point is damaged");
	}

	#mayAsk(what: string, pauseMs: number): boolean {
		const now = performance.now();
		const asked = this.#asked.get(what);
		if (asked !== undefined && now - asked < pauseMs) return false;
		this.#asked.set(what, now);
		return true;
	}
}

function byVms(records: readonly DamageRecord[]): Map<string, DamageRecord[]> {
	const found = new Map<string, DamageRecord[]>();
	for (const record of records) {
		for (const vm of record.vms) found.set(vm, [...(found.get(vm) ?? []), record]);
	}
	return found;
}

function bitCount(byte: number): number {
	let count = 0;
	for (let bits = byte; bits !== 0; bits &= bits - 1) count++;
	return count;
}
