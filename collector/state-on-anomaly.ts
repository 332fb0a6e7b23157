/**
 * Has an abnormal machine's RAM and devices captured: what an intruder runs, or the key that files are being encrypted with,
 * is there only until the machine is switched off. It asks once for each, and no more often than told; a capture that fails is
 * said, and no reason to try again before the next anomaly.
 */
import { z } from "zod";
import { durationField } from "../common/config.ts";
import { messageOf } from "../common/errors.ts";
import type { Logger } from "../common/log.ts";
import { nowNs } from "../common/units.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { ChangesetRecord, Verdict } from "./catalog/records.ts";
import type { AgentTable } from "./ingest/agents.ts";

/** RAM of some hundred GiB takes so long. */
const TIMEOUT_MS = 3_600_000;
const HOUR_MS = 3_600_000;

export const stateSettings = z.strictObject({
	/** The least severity of a changeset after which the VM's RAM and devices are captured. */
	onAnomaly: z.enum(["never", "warning", "critical"]).default("never"),
	/** Of one VM. */
	atMostEvery: durationField().default(HOUR_MS),
});

export interface StateOnAnomalyOptions {
	readonly catalog: Pick<Catalog, "withState">;
	readonly agents: Pick<AgentTable, "agentOf" | "sendOrder">;
	readonly settings: z.output<typeof stateSettings>;
	readonly log: Logger;
}

export class StateOnAnomaly implements AsyncDisposable {
	readonly #options: StateOnAnomalyOptions;
	readonly #stop = new AbortController();
	/** When a VM was asked for last, by the clock that is never set. */
	readonly #asked = new Map<string, number>();
	readonly #running = new Set<Promise<void>>();

	constructor(options: StateOnAnomalyOptions) {
		this.#options = options;
	}

	/** A changeset got its verdict. What was imported tells of the past. */
	judged({ vm, imported }: ChangesetRecord, { severity }: Verdict): void {
		const { onAnomaly, atMostEvery } = this.#options.settings;
		if (onAnomaly === "never" || imported !== undefined || severity === "info") return;
		if (onAnomaly === "critical" && severity !== "critical") return;
		const now = performance.now();
		if (now - (this.#asked.get(vm) ?? Number.NEGATIVE_INFINITY) < atMostEvery) return;
		this.#asked.set(vm, now);
		const running = this.#capture(vm).finally(() => this.#running.delete(running));
		this.#running.add(running);
	}

	async #capture(vm: string): Promise<void> {
		const { catalog, agents, settings, log } = this.#options;
		try {
			// The last start's, or an operator's.
			const [last] = (await catalog.withState(vm, { limit: 1, reverse: true })).items;
			if (last !== undefined && Number(nowNs() - BigInt(last.time)) / 1e6 < settings.atMostEvery) return;
			const agent = agents.agentOf(vm);
			if (agent === undefined) throw new Error("no agent that is connected has it");
			const order = { captureNow: { vm, state: true } };
			const { ok, message } = await agents.sendOrder(agent.id, order, {
				timeoutMs: TIMEOUT_MS,
				signal: this.#stop.signal,
			});
			if (!ok) throw new Error(message ?? "the agent does not say why");
			log.info({ vm }, "abnormal: its RAM and devices were captured");
		} catch (error) {
			if (this.#stop.signal.aborted) return;
			log.warn({ vm }, `abnormal, but its RAM and devices cannot be captured: ${messageOf(error)}`);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await Promise.all(this.#running);
	}
}
