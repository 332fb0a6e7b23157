/**
 * A program's page for Prometheus: its points (`measurements/`) in the text format, and what prom-client tells of every Node.js
 * process. The measurement, its fields and tags make the names: `vm_disk.rd_bytes` is `umbra_vm_disk_rd_bytes_total`, and
 * `host`, `vm`, `disk` are its labels.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { definitionOf, type Point } from "./measurements/measurements.ts";

export class PrometheusPage {
	readonly #points: () => Promise<readonly Point[]>;
	readonly #process = new Registry();

	/** @param points what the program knows of itself now; asked at every scrape. */
	constructor(points: () => Promise<readonly Point[]>) {
		this.#points = points;
		collectDefaultMetrics({ register: this.#process });
	}

	get contentType(): string {
		return this.#process.contentType;
	}

	/** @throws what `points` throws. */
	async render(): Promise<string> {
		const registry = new Registry();
		for (const point of await this.#points()) addPoint(registry, point);
		return `${await registry.metrics()}\n${await this.#process.metrics()}`;
	}
}

/** Text is for people, and no metric. */
function addPoint(registry: Registry, { measurement, tags, fields }: Point): void {
	const definition = definitionOf(measurement);
	const labelNames = Object.keys(definition.tags);
	for (const [field, value] of Object.entries(fields)) {
		const known = definition.fields[field];
		if (known === undefined || typeof value !== "number") continue;
		const isCounter = known.kind === "counter";
		const name = `umbra_${measurement}_${field}${isCounter && !field.endsWith("_total") ? "_total" : ""}`;
		const options = { name, help: `${known.about} (${known.unit})`, labelNames, registers: [registry] };
		if (isCounter) {
			const counter = (registry.getSingleMetric(name) as Counter | undefined) ?? new Counter(options);
			counter.inc(tags, value);
		} else {
			const gauge = (registry.getSingleMetric(name) as Gauge | undefined) ?? new Gauge(options);
			gauge.set(tags, value);
		}
	}
}
