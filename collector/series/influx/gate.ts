/** Holds all deliveries back together while the database cannot take any. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import { Backoff } from "../../backoff.ts";

/** Milliseconds. */
export interface Pauses {
	readonly first: number;
	readonly longest: number;
}

const PAUSES: Pauses = { first: 250, longest: 30_000 };

export class Gate {
	readonly #log: Logger;
	readonly #backoff: Backoff;
	/** By `performance.now()`. */
	#closedUntil = 0;
	#lastError = "";
	#failures = 0;
	#loggedError = "";

	constructor(log: Logger, { first, longest }: Pauses = PAUSES) {
		this.#log = log;
		this.#backoff = new Backoff(first, longest);
	}

	get failures(): number {
		return this.#failures;
	}

	/** What the newest attempt ended with; empty where it succeeded. */
	get lastError(): string {
		return this.#lastError;
	}

	/** @throws the signal's reason. */
	async open(signal: AbortSignal): Promise<void> {
		for (;;) {
			signal.throwIfAborted();
			const wait = this.#closedUntil - performance.now();
			if (wait <= 0) return;
			await sleep(wait, undefined, { signal });
		}
	}

	succeeded(): void {
		if (this.#lastError === "") return;
		this.#lastError = "";
		this.#loggedError = "";
		this.#closedUntil = 0;
		this.#backoff.reset();
		this.#log.info("the database takes points again");
	}

	failed(error: unknown): void {
		this.#failures++;
		this.#lastError = messageOf(error);
		const now = performance.now();
		// Deliveries that began before the gate closed fail one after another, and are one failure.
		if (now >= this.#closedUntil) {
			const wanted = isUmbraError(error) ? Number(error.context["retryAfterMs"] ?? 0) : 0;
			this.#closedUntil = now + this.#backoff.nextOr(wanted);
		}
		if (this.#lastError === this.#loggedError) return;
		this.#loggedError = this.#lastError;
		const hint = isUmbraError(error) ? error.hint : undefined;
		this.#log.warn({ error: this.#lastError, ...(hint !== undefined && { hint }) }, "cannot write to the database");
	}
}
