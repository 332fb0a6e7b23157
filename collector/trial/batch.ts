/** One batch: trials of one VM's state that one agent was ordered to run, and what is known of them so far. */
import type { FailureName } from "../../common/failures/failures.ts";
import type { PendingTrialRecord, TrialOutcome } from "../catalog/trial-records.ts";
import type { TrialReport } from "../signature/filing.ts";

export type BatchState = "running" | "done" | "failed" | "cancelled";

export interface BatchTrialView {
	readonly id: string;
	/** The profile's name; null of a clone without stress. */
	readonly profile: string | null;
	readonly control: boolean;
	/** Null while it has not ended. */
	readonly outcome: TrialOutcome | null;
	readonly failure: Pick<FailureName, "type" | "title"> | null;
	/** From the beginning of the trial. */
	readonly failedMs: number | null;
	/** From template to running. */
	readonly cloneMs: number | null;
	readonly memoryBytes: number | null;
}

/** What the agent tells once all trials have ended. */
export interface TemplateView {
	/** Until the state was ready to be cloned. */
	readonly templateMs: number;
	readonly ramBytes: number;
	/** That clones read of the point. */
	readonly diskBytes: number;
	/** In what clones differ from their machine. */
	readonly notes: readonly string[];
}

export interface BatchView {
	readonly id: string;
	readonly vm: string;
	/** Time of the point. */
	readonly point: string;
	readonly agentId: string;
	readonly host: string;
	readonly state: BatchState;
	/** Why it failed; empty where it did not. */
	readonly error: string;
	readonly begun: string;
	readonly ended: string | null;
	readonly trials: readonly BatchTrialView[];
	/** Null while it runs. */
	readonly template: TemplateView | null;
}

export class Batch {
	readonly trials: readonly PendingTrialRecord[];
	readonly #told: Omit<BatchView, "state" | "error" | "ended" | "trials" | "template">;
	readonly #reports = new Map<string, TrialReport>();
	readonly #cancel = new AbortController();
	#state: BatchState = "running";
	#error = "";
	#ended: bigint | null = null;
	#template: TemplateView | null = null;

	constructor(
		told: Omit<BatchView, "state" | "error" | "ended" | "trials" | "template">,
		trials: readonly PendingTrialRecord[],
	) {
		this.#told = told;
		this.trials = trials;
	}

	get id(): string {
		return this.#told.id;
	}

	get agentId(): string {
		return this.#told.agentId;
	}

	/** Aborts when it is cancelled. */
	get signal(): AbortSignal {
		return this.#cancel.signal;
	}

	get isRunning(): boolean {
		return this.#state === "running";
	}

	/** Trials of which nothing was filed. */
	get open(): readonly PendingTrialRecord[] {
		return this.trials.filter(({ id }) => !this.#reports.has(id));
	}

	cancel(reason: Error): void {
		this.#cancel.abort(reason);
	}

	filed(report: TrialReport): void {
		this.#reports.set(report.id, report);
	}

	end(state: Exclude<BatchState, "running">, error: string, ended: bigint, template: TemplateView | null): void {
		this.#state = state;
		this.#error = error;
		this.#ended = ended;
		this.#template = template;
	}

	view(): BatchView {
		return {
			...this.#told,
			state: this.#state,
			error: this.#error,
			ended: this.#ended?.toString() ?? null,
			trials: this.trials.map(({ id, profile, control }) => {
				const report = this.#reports.get(id);
				const { outcome = null, failure = null, failedMs = null, cloneMs = null, memoryBytes = null } = report ?? {};
				return {
					...{ id, profile: profile?.name ?? null, control, outcome, failedMs, cloneMs, memoryBytes },
					failure: failure === null ? null : { type: failure.type, title: failure.title },
				};
			}),
			template: this.#template,
		};
	}
}
