/** What becomes of the points of each VM: by policy, by hold, by hand. Changes of one VM's points go one after another. */
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatTime, nowNs } from "../../common/units.ts";
import { DAMAGE } from "../alert/alerts.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { PointOutcome } from "../catalog/point-deletion.ts";
import type { HoldRecord } from "../catalog/records.ts";
import type { AgentTable } from "../ingest/agents.ts";
import { KeyedMutex } from "../ingest/keyed-mutex.ts";
import { type Decision, decide, type KeepReason } from "./policy.ts";
import { policyFor, type RetentionOfVms, type RetentionPolicy, type RetentionSettings } from "./settings.ts";

/** Points that go in one synchronous batch. */
const BATCH_POINTS = 100;
const VM_DROPPED = "VM dropped by hand";

export interface RetentionOptions {
	readonly catalog: Catalog;
	readonly agents: AgentTable;
	/** Of VMs, as ingest takes them: no changeset of a VM is committed while its lock is held. */
	readonly ingestLocks: KeyedMutex;
	readonly settings: RetentionSettings;
	readonly vms: readonly RetentionOfVms[];
	readonly log: Logger;
}

export class Retention {
	readonly #options: RetentionOptions;
	readonly #locks = new KeyedMutex();

	constructor(options: RetentionOptions) {
		this.#options = options;
	}

	policy(vm: string): RetentionPolicy {
		return policyFor(this.#options.settings, this.#options.vms, vm);
	}

	/** What `apply` would do now: every point, newest first, and why it stays. */
	async plan(vm: string): Promise<Decision[]> {
		const { catalog } = this.#options;
		const policy = this.policy(vm);
		// First: what is judged, held or raised later is about points that stay or are refused when it comes to it.
		const kept = await this.#kept(vm, policy);
		const times = await Array.fromAsync(catalog.pointTimes(vm));
		for (const { changesetTime, cause } of await catalog.firingAlerts(vm)) {
			// What the vault lost of a point is no reason to keep it.
			if (cause === DAMAGE) continue;
			const found = times.findIndex((time) => time <= BigInt(changesetTime));
			// The point in which it showed, and the last one before it: what one goes back to.
			for (const time of found < 0 ? [] : times.slice(found, found + 2)) add(kept, time, "alert");
		}
		return decide(times, policy, kept);
	}

	/** Drops what the policy does not keep; returns how many points. */
	async apply(vm: string, signal: AbortSignal): Promise<number> {
		using _lock = await this.#locks.acquire(vm, signal);
		const going = (await this.plan(vm)).filter(({ reasons }) => reasons.length === 0).reverse();
		let dropped = 0;
		for (let at = 0; at < going.length; at += BATCH_POINTS) {
			signal.throwIfAborted();
			const times = going.slice(at, at + BATCH_POINTS).map(({ time }) => time);
			const outcomes = await this.#options.catalog.deletePoints(vm, times, "retention policy");
			dropped += outcomes.filter((outcome) => outcome === "deleted").length;
		}
		if (dropped > 0) this.#options.log.info({ vm, dropped }, "points dropped by policy");
		return dropped;
	}

	/** @throws UmbraError `not-found`, `conflict` where the point has to stay. */
	async drop(vm: string, time: bigint, signal: AbortSignal): Promise<void> {
		using _lock = await this.#locks.acquire(vm, signal);
		const [outcome] = await this.#options.catalog.deletePoints(vm, [time], "dropped by hand");
		if (outcome !== "deleted") throw refusal(vm, time, outcome ?? "absent");
		this.#options.log.info({ vm, time: time.toString() }, "point dropped by hand");
	}

	/**
	 * Drops a VM with all of its points.
	 *
	 * @throws UmbraError `not-found`; `conflict` while an agent reports it, or one of its points has to stay.
	 */
	async forgetVm(vm: string, signal: AbortSignal): Promise<number> {
		const { catalog, agents, ingestLocks, log } = this.#options;
		using _lock = await this.#locks.acquire(vm, signal);
		using _ingest = await ingestLocks.acquire(vm, signal);
		const record = await catalog.vm(vm);
		if (record === undefined) {
			throw new UmbraError("not-found", `no VM named ${JSON.stringify(vm)}`, { hint: "umbra vms lists them" });
		}
		const agent = agents.agentOf(vm);
		if (agent !== undefined) {
			throw new UmbraError("conflict", `VM ${vm} is captured by the agent on ${agent.host}`, {
				hint: "stop the VM, or exclude it in that agent's settings",
			});
		}
		const [held] = (await catalog.holds(vm, { limit: 1 })).items;
		if (held !== undefined) throw refusal(vm, BigInt(held.time), "held");
		const times = (await Array.fromAsync(catalog.pointTimes(vm))).reverse();
		let dropped = 0;
		for (let at = 0; at < times.length; at += BATCH_POINTS) {
			signal.throwIfAborted();
			const batch = times.slice(at, at + BATCH_POINTS);
			const outcomes = await catalog.deletePoints(vm, batch, VM_DROPPED);
			const unjudged = outcomes.indexOf("unjudged");
			if (unjudged >= 0) throw refusal(vm, batch[unjudged] ?? 0n, "unjudged");
			dropped += outcomes.filter((outcome) => outcome === "deleted").length;
		}
		await catalog.deleteVm(vm, VM_DROPPED);
		log.info({ vm, dropped: dropped + 1 }, "VM dropped by hand");
		return dropped + 1;
	}

	/** Keeps a point until it is released; a second hold takes the place of the first. @throws UmbraError `not-found`. */
	async hold(
		vm: string,
		time: bigint,
		why: { readonly reason: string; readonly by: string },
		signal: AbortSignal,
	): Promise<HoldRecord> {
		using _lock = await this.#locks.acquire(vm, signal);
		if ((await this.#options.catalog.changeset(vm, time)) === undefined) throw refusal(vm, time, "absent");
		const hold = { vm, time: time.toString(), ...why, since: nowNs().toString() };
		await this.#options.catalog.saveHold(hold);
		return hold;
	}

	/** @throws UmbraError `not-found` where the point is not held. */
	async release(vm: string, time: bigint, signal: AbortSignal): Promise<void> {
		using _lock = await this.#locks.acquire(vm, signal);
		if ((await this.#options.catalog.hold(vm, time)) === undefined) {
			throw new UmbraError("not-found", `the point of VM ${vm} at ${formatTime(time)} is not held`, {
				hint: `umbra holds ${vm} lists what is`,
			});
		}
		await this.#options.catalog.deleteHold(vm, time);
	}

	async #kept(vm: string, policy: RetentionPolicy): Promise<Map<bigint, KeepReason[]>> {
		const { catalog } = this.#options;
		const kept = new Map<bigint, KeepReason[]>();
		const head = await catalog.vm(vm);
		if (head !== undefined) add(kept, BigInt(head.headTime), "head");
		for (const time of policy.keepImported ? await catalog.importedTimes(vm) : []) add(kept, time, "imported");
		for (const time of await catalog.unjudgedTimes(vm)) add(kept, time, "unjudged");
		let cursor: string | undefined;
		do {
			const page = await catalog.holds(vm, { cursor });
			for (const { time } of page.items) add(kept, BigInt(time), "hold");
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		return kept;
	}
}

function add(kept: Map<bigint, KeepReason[]>, time: bigint, reason: KeepReason): void {
	const reasons = kept.get(time) ?? [];
	if (!reasons.includes(reason)) reasons.push(reason);
	kept.set(time, reasons);
}

function refusal(vm: string, time: bigint, outcome: Exclude<PointOutcome, "deleted">): UmbraError {
	const point = `the point of VM ${vm} at ${formatTime(time)}`;
	switch (outcome) {
		case "absent":
			return new UmbraError("not-found", `${point} is not there`, { hint: `umbra points ${vm} lists them` });
		case "head":
			return new UmbraError("conflict", `${point} is its head: what its agent sends next builds upon it`, {
				hint: `umbra forget ${vm} --all drops the VM as a whole`,
			});
		case "held":
			return new UmbraError("conflict", `${point} is held`, {
				hint: `umbra holds ${vm} says why; umbra release ends it`,
			});
		case "unjudged":
			return new UmbraError("conflict", `${point} is still being judged`, { hint: "try again in a moment" });
	}
}
