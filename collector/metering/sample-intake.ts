/**
 * What agents measure, on its way to the series store. An agent is told that a batch is safe once the store has taken it; where
 * the store has no room the agent waits, and keeps its samples as long as it can.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { definitionOf, isMeasurement, type Point } from "../../common/measurements/measurements.ts";
import type { wire } from "../../proto/service.ts";
import type { TelemetrySample, TelemetryTable } from "../ingest/telemetry.ts";
import type { SeriesStore } from "../series/series-store.ts";

const RETRY_MS = 1000;

export class SampleIntake {
	readonly #table: TelemetryTable;
	readonly #store: SeriesStore;
	readonly #log: Logger;
	/** Names that were told of already: an agent of another version says them again every few seconds. */
	readonly #unknown = new Set<string>();
	#isWaiting = false;

	constructor(options: { readonly table: TelemetryTable; readonly store: SeriesStore; readonly log: Logger }) {
		this.#table = options.table;
		this.#store = options.store;
		this.#log = options.log;
	}

	/** @throws the signal's reason; what the store throws and does not pass. */
	async take(samples: readonly wire.v1.Sample.$Properties[], signal: AbortSignal): Promise<void> {
		const points = this.#table
			.add(samples)
			.map((sample) => this.#toPoint(sample))
			.filter((point) => point !== undefined);
		if (points.length === 0) return;
		for (;;) {
			signal.throwIfAborted();
			try {
				await this.#store.write(points);
				if (this.#isWaiting) this.#log.info("the series store takes samples again");
				this.#isWaiting = false;
				return;
			} catch (error) {
				if (!isUmbraError(error, "limit", "unavailable")) throw error;
				if (!this.#isWaiting) this.#log.warn({ err: error }, `samples wait at their agents: ${error.message}`);
				this.#isWaiting = true;
				await sleep(RETRY_MS, undefined, { signal });
			}
		}
	}

	/** Without what this collector does not know. */
	#toPoint({ measurement, tags, time, fields }: TelemetrySample): Point | undefined {
		if (!isMeasurement(measurement)) {
			this.#tell(measurement);
			return undefined;
		}
		const definition = definitionOf(measurement);
		const known: Record<string, number> = {};
		for (const [field, value] of Object.entries(fields)) {
			if (Object.hasOwn(definition.fields, field)) known[field] = value;
			else this.#tell(`${measurement}.${field}`);
		}
		const hasTags = Object.keys(tags).every((tag) => Object.hasOwn(definition.tags, tag));
		if (!hasTags) this.#tell(`${measurement} with tags ${Object.keys(tags).join(", ")}`);
		if (!hasTags || Object.keys(known).length === 0) return undefined;
		return { measurement, tags, timeNs: BigInt(time), fields: known };
	}

	#tell(name: string): void {
		// Bounded: names come from outside.
		if (this.#unknown.has(name) || this.#unknown.size >= 1000) return;
		this.#unknown.add(name);
		this.#log.warn({ name }, "an agent measures what this collector does not know; it is not kept");
	}
}
