/**
 * `collector/trial/` has trials run: it plans a batch, gives it to an agent that has room, files each trial as the agent
 * tells how it fared, and files as lost what nobody will tell of any more. It moves no lever and watches no clone: agents do.
 *
 *     batches    all of them          batch    one          report    what an agent tells -> what is filed
 *     placement  which agent
 */
import { randomBytes } from "node:crypto";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Probe } from "../../common/trial/probes.ts";
import { type StressProfile, writtenProbes, writtenProfile } from "../../common/trial/profile.ts";
import { formatDuration, nowNs } from "../../common/units.ts";
import { MAX_MESSAGE_BYTES, MAX_TRIAL_CLONES, toLong, toNumber, type wire } from "../../proto/service.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import type { PendingTrialRecord, TrialRecord } from "../catalog/trial-records.ts";
import type { TrialStore } from "../catalog/trial-store.ts";
import { type AgentTable, MAX_ORDER_MS } from "../ingest/agents.ts";
import type { PointTickets } from "../ingest/tickets.ts";
import type { SignatureBook } from "../signature/signatures.ts";
import { Batch, type BatchView, type TemplateView } from "./batch.ts";
import { chooseAgent } from "./placement.ts";
import { filedOf, lostReport, parseReport } from "./report.ts";

/** To bring the state to the agent, to take everything down again, and for each clone to start and end. */
const SPARE_MS = 900_000;
const SPARE_CLONE_MS = 120_000;
/** Profiles and probes of one order, which is one message; the rest of it is small. */
const MAX_ORDER_BYTES = MAX_MESSAGE_BYTES - 2 ** 16;
/** Batches that have ended and can still be asked for; their trials stay in the catalog. */
const MAX_ENDED = 100;

export interface BatchesOptions {
	readonly trials: TrialStore;
	readonly signatures: SignatureBook;
	readonly agents: AgentTable;
	readonly tickets: PointTickets;
	readonly log: Logger;
}

/** One trial that is wanted. */
export interface WantedTrial {
	/** Null: nothing is done to it. */
	readonly profile: StressProfile | null;
	/** Signature whose failure is tried to have again; null where any is looked for. */
	readonly replays: string | null;
}

export interface WantedBatch {
	/** With a state. */
	readonly point: ChangesetRecord;
	/** Id or host of an agent; any with room by default. */
	readonly agent: string | undefined;
	readonly trials: readonly WantedTrial[];
	/** Of every trial, besides those of its profile. */
	readonly probes: readonly Probe[];
	/** Of a clone without a profile. */
	readonly durationMs: number;
}

export class TrialBatches implements AsyncDisposable {
	readonly #options: BatchesOptions;
	readonly #batches = new Map<string, Batch>();
	readonly #byTicket = new Map<string, Batch>();
	readonly #running = new Set<Promise<void>>();
	readonly #closing = new AbortController();

	private constructor(options: BatchesOptions) {
		this.#options = options;
	}

	/** Files as lost what a collector that was killed had begun. @throws as the catalog. */
	static async open(options: BatchesOptions): Promise<TrialBatches> {
		const batches = new TrialBatches(options);
		const left = await options.trials.pending();
		for (const pending of left) await options.signatures.file(lostReport(pending, nowNs()));
		if (left.length > 0)
			options.log.warn({ trials: left.length }, "trials were running when the collector ended: lost");
		return batches;
	}

	/**
	 * Resolves once the agent was found and the trials are on record; they go on by themselves.
	 *
	 * @throws UmbraError `unavailable` where no agent takes them, `limit`; as the catalog.
	 */
	async start(wanted: WantedBatch): Promise<BatchView> {
		this.#closing.signal.throwIfAborted();
		const { point, trials } = wanted;
		if (trials.length < 1 || trials.length > MAX_TRIAL_CLONES) {
			throw new UmbraError("limit", `${trials.length} trials; a batch has 1 to ${MAX_TRIAL_CLONES}`, {
				context: { found: trials.length, wanted: MAX_TRIAL_CLONES },
			});
		}
		const order = orderOf(wanted);
		const {
			id: agentId,
			host,
			heartbeat,
		} = chooseAgent(this.#options.agents.list(), {
			agent: wanted.agent,
			memoryBytes: point.state?.memoryBytes ?? 0,
			isBusy: (agent) => [...this.#batches.values()].some((each) => each.isRunning && each.agentId === agent),
		});
		const timeoutMs = timeoutOf(wanted, heartbeat?.trials?.slots ?? 1);
		const id = randomBytes(5).toString("hex");
		const begun = nowNs().toString();
		const place = { vm: point.vm, batch: id, point: point.time, agentId, host, time: begun };
		const pending = trials.map(({ profile, replays }, at): PendingTrialRecord => {
			const asked = { durationMs: profile?.duration ?? wanted.durationMs, probes: wanted.probes };
			return { ...place, ...asked, id: `${id}-${at}`, profile, control: profile === null, replays };
		});
		await this.#options.trials.begin(pending);
		const batch = new Batch({ id, vm: point.vm, point: point.time, agentId, host, begun }, pending);
		this.#remember(batch);
		const running = this.#run(batch, wanted, order, timeoutMs).finally(() => this.#running.delete(running));
		this.#running.add(running);
		return batch.view();
	}

	/** Running ones, and the newest that have ended; the newest first. */
	list(): BatchView[] {
		return [...this.#batches.values()].reverse().map((batch) => batch.view());
	}

	/** @throws UmbraError `not-found`. */
	get(id: string): BatchView {
		return this.#find(id).view();
	}

	/** Its trials that have not ended are lost. @returns it as it was. @throws UmbraError `not-found`. */
	cancel(id: string): BatchView {
		const batch = this.#find(id);
		const view = batch.view();
		batch.cancel(new UmbraError("unavailable", "the batch was cancelled"));
		return view;
	}

	/** @throws UmbraError `denied` for a ticket that does not hold, `corrupt`, `limit`. */
	async reported({ ticket, report: bytes }: wire.v1.TrialReport.$Properties): Promise<void> {
		const batch = this.#byTicket.get(keyOf(ticket));
		if (batch === undefined) throw new UmbraError("denied", "no such ticket: the order that it came with is over");
		const told = parseReport(bytes ?? new Uint8Array());
		const pending = batch.trials[told.index];
		if (pending === undefined) {
			throw new UmbraError("corrupt", `TrialReport.report: index ${told.index} of ${batch.trials.length} trials`);
		}
		const { report, story } = filedOf(pending, told);
		// Told again, it stays what it was.
		if ((await this.#options.signatures.file(report, story)) !== "known") batch.filed(report);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing.abort(new UmbraError("unavailable", "the collector is shutting down"));
		await Promise.all(this.#running);
	}

	async #run(batch: Batch, wanted: WantedBatch, order: wire.v1.IRunTrial, timeoutMs: number): Promise<void> {
		const { agents, tickets, log } = this.#options;
		const { point, trials } = wanted;
		const signal = AbortSignal.any([batch.signal, this.#closing.signal]);
		using ticket = tickets.issue(point);
		this.#byTicket.set(keyOf(ticket.bytes), batch);
		let [template, error]: [TemplateView | null, string] = [null, ""];
		try {
			const runTrial = { ...order, ticket: ticket.bytes };
			const result = await agents.sendOrder(batch.agentId, { runTrial }, { timeoutMs, signal });
			if (result.ok && result.trial) template = templateView(result.trial);
			else error = `agent ${batch.agentId} refused: ${result.message ?? "no reason given"}`;
		} catch (caught) {
			error = messageOf(caught);
		}
		// What is reported from here on is denied.
		this.#byTicket.delete(keyOf(ticket.bytes));
		await this.#lose(batch);
		const state = batch.signal.aborted ? "cancelled" : error === "" ? "done" : "failed";
		batch.end(state, error, nowNs(), template);
		log.info({ batch: batch.id, vm: point.vm, trials: trials.length, state, error }, "a batch of trials is over");
	}

	async #lose(batch: Batch): Promise<void> {
		for (const pending of batch.open) {
			const report = lostReport(pending, nowNs());
			try {
				// Unless its agent told of it at this very moment.
				if ((await this.#options.signatures.file(report)) !== "known") batch.filed(report);
			} catch (error) {
				// Still on record as begun: the next start files it.
				this.#options.log.error({ trial: pending.id, err: error }, "cannot file a trial");
			}
		}
	}

	#find(id: string): Batch {
		const found = this.#batches.get(id);
		if (found !== undefined) return found;
		throw new UmbraError("not-found", `no batch ${JSON.stringify(id)}`, {
			hint: "batches are known while they run and for a while after; umbra trials lists what came of them",
		});
	}

	#remember(batch: Batch): void {
		this.#batches.set(batch.id, batch);
		const ended = [...this.#batches.values()].filter(({ isRunning }) => !isRunning);
		for (const { id } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.#batches.delete(id);
	}
}

/** A trial again, `times` times: under the same stress where it had any, for as long as it was given, asked the same. */
export function replaysOf(trial: TrialRecord, times: number): Pick<WantedBatch, "trials" | "probes" | "durationMs"> {
	const { profile, signature, probes } = trial;
	const durationMs = trial.durationMs ?? Math.max(1000, lastedMs(trial));
	return { trials: Array.from({ length: times }, () => ({ profile, replays: signature })), probes, durationMs };
}

function lastedMs({ time, ended }: TrialRecord): number {
	return Number((BigInt(ended) - BigInt(time)) / 1_000_000n);
}

/** @throws UmbraError `bad-config` for more than can be waited for. */
function timeoutOf({ trials, durationMs }: WantedBatch, slots: number): number {
	const longest = Math.max(...trials.map(({ profile }) => profile?.duration ?? durationMs));
	const rounds = Math.ceil(trials.length / Math.max(1, slots));
	const timeoutMs = rounds * (longest + SPARE_CLONE_MS) + SPARE_MS;
	if (timeoutMs <= MAX_ORDER_MS) return timeoutMs;
	const each = `${trials.length} trials of up to ${formatDuration(longest)}, ${slots} at a time`;
	throw new UmbraError(
		"bad-config",
		`${each}: may take ${formatDuration(timeoutMs)}; wanted at most ${formatDuration(MAX_ORDER_MS)}`,
		{
			context: { found: timeoutMs, wanted: MAX_ORDER_MS },
			hint: "fewer trials in one batch, shorter ones, or an agent with more slots",
		},
	);
}

/** All of it but its ticket. @throws UmbraError `bad-config` for more than an agent takes in one message. */
function orderOf({ point, trials, probes, durationMs }: WantedBatch): wire.v1.IRunTrial {
	const profiles = trials.map(({ profile }) => encodeProfile(profile));
	const asked = Buffer.from(JSON.stringify(writtenProbes(probes)));
	// Probes of a batch stand in the record of each of its trials.
	const bytes = profiles.reduce((sum, { length }) => sum + length, asked.length * trials.length);
	if (bytes > MAX_ORDER_BYTES) {
		throw new UmbraError(
			"bad-config",
			`what ${trials.length} trials are asked comes to ${bytes} bytes; wanted at most ${MAX_ORDER_BYTES}`,
			{ context: { found: bytes, wanted: MAX_ORDER_BYTES }, hint: "fewer trials in one batch" },
		);
	}
	return {
		...{ vm: point.vm, timeNs: toLong(BigInt(point.time)), clones: trials.length, durationMs: toLong(durationMs) },
		...{ profiles, probes: asked },
	};
}

function encodeProfile(profile: StressProfile | null): Uint8Array {
	return profile === null ? new Uint8Array() : Buffer.from(JSON.stringify(writtenProfile(profile)));
}

function keyOf(ticket: Uint8Array | null | undefined): string {
	return Buffer.from(ticket ?? new Uint8Array()).toString("hex");
}

function templateView(trial: wire.v1.TrialResult.$Properties): TemplateView {
	return {
		templateMs: trial.templateMs ?? 0,
		ramBytes: toNumber(trial.ramBytes),
		diskBytes: toNumber(trial.diskBytes),
		notes: trial.notes ?? [],
	};
}
