/**
 * Stands in for a store that cannot be opened, until the next start: what is to be written waits where it is, at the agents and in the
 * catalog's journal, and captures and restores go on, which is what a collector is for.
 */
import { UmbraError } from "../../common/errors.ts";
import type { Series, SeriesStatus, SeriesStore } from "./series-store.ts";

export class AbsentSeriesStore implements SeriesStore {
	readonly finished: Promise<void> = new Promise(() => {});
	readonly #kind: SeriesStatus["kind"];
	readonly #place: string;
	readonly #reason: UmbraError;
	#failures = 0;

	constructor(kind: SeriesStatus["kind"], place: string, reason: UmbraError) {
		this.#kind = kind;
		this.#place = place;
		this.#reason = reason;
	}

	async write(): Promise<void> {
		this.#failures++;
		throw this.#unavailable();
	}

	async flush(): Promise<void> {
		throw this.#unavailable();
	}

	async query(): Promise<Series[]> {
		throw this.#unavailable();
	}

	status(): SeriesStatus {
		return {
			kind: this.#kind,
			place: this.#place,
			pointsWritten: 0,
			pointsRefused: 0,
			writeFailures: this.#failures,
			backlogBytes: 0,
			backlogSeconds: 0,
			lastError: this.#reason.message,
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {}

	#unavailable(): UmbraError {
		const { message: why, hint } = this.#reason;
		const message = `the series store could not be opened: ${why}`;
		return new UmbraError("unavailable", message, { cause: this.#reason, ...(hint === undefined ? {} : { hint }) });
	}
}
