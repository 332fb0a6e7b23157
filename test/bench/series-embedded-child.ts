/**
 * Fills an embedded store of series with what a fleet tells in the time before now, and asks it; in a process of its own, so that its memory is
 * its own. Arguments: folder, VMs, rounds. Prints one line of JSON, `EmbeddedResult`; progress goes to standard error.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openEmbeddedStore } from "../../collector/series/embedded/embedded.ts";
import type { SeriesQuery } from "../../collector/series/series-store.ts";
import { embeddedSettings } from "../../collector/series/settings.ts";
import { createLogger } from "../../common/log.ts";
import { Fleet, STEP_NS, vmName } from "./series-fleet.ts";

/** Rounds that are being written at a time: agents do not wait for each other. */
const UNDER_WAY = 4;
const HOUR_NS = 3600n * 1_000_000_000n;
const ASKED = 40;

export interface EmbeddedResult {
	readonly values: number;
	/** From the first write to the last acknowledgement, making points up included. */
	readonly seconds: number;
	readonly cpuSeconds: number;
	/** Of all files. */
	readonly bytes: number;
	/** Resident, at most. */
	readonly peakBytes: number;
	/** Milliseconds each, by question. */
	readonly asked: Readonly<Record<string, readonly number[]>>;
}

const [folder = "", vms = "", rounds = ""] = process.argv.slice(2);
const settings = embeddedSettings.parse({ store: "embedded" });
await using store = await openEmbeddedStore({ folder, settings, log: createLogger("bench", "warn") });
const fleet = new Fleet(Number(vms));
const endNs = BigInt(Date.now()) * 1_000_000n;
const startNs = endNs - BigInt(rounds) * STEP_NS;

const started = performance.now();
const cpuBefore = process.cpuUsage();
const underWay: Promise<unknown>[] = [];
for (let round = 0; round < Number(rounds); round++) {
	underWay.push(Promise.all(fleet.round(startNs + BigInt(round) * STEP_NS).map((points) => store.write(points))));
	if (underWay.length >= UNDER_WAY) await underWay.shift();
	if (round % 1000 === 999) console.error(`${Math.round(fleet.values / 1e6)} million values`);
}
await Promise.all(underWay);
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
await store.flush();

const range = { fromNs: endNs - 24n * HOUR_NS, toNs: endNs };
const mean: SeriesQuery = {
	measurement: "vm",
	fields: ["cpu_usage_percent"],
	...range,
	window: { everyNs: HOUR_NS / 12n, aggregate: "mean" },
};
const one = (at: number): SeriesQuery["where"] & {} => ({ vm: vmName((at * 17) % Number(vms)) });
const asked: Record<string, number[]> = {
	oneMean: await times(ASKED, (at) => ({ ...mean, where: one(at) })),
	onePoints: await times(ASKED, (at) => ({
		measurement: "vm",
		fields: ["cpu_usage_percent"],
		...range,
		where: one(at),
	})),
	oneRate: await times(ASKED, (at) => ({
		...mean,
		measurement: "vm_disk",
		fields: ["wr_bytes"],
		rate: true,
		where: one(at),
	})),
	allMean: await times(ASKED / 4, () => ({ ...mean, groupBy: ["vm"] })),
	newest: await times(ASKED / 4, () => ({
		...mean,
		groupBy: ["vm"],
		fromNs: endNs - HOUR_NS / 12n,
		descending: true,
		limit: 1,
	})),
};
const result: EmbeddedResult = {
	values: fleet.values,
	seconds,
	cpuSeconds: (user + system) / 1e6,
	bytes: await sizeOf(folder),
	peakBytes: process.resourceUsage().maxRSS * 1024,
	asked,
};
console.log(JSON.stringify(result));

/** Milliseconds of each question; the first does not count. */
async function times(count: number, query: (at: number) => SeriesQuery): Promise<number[]> {
	const found: number[] = [];
	for (let at = 0; at <= count; at++) {
		const begun = performance.now();
		const series = await store.query(query(at));
		if (series.length === 0) throw new Error("the store answers with nothing");
		if (at > 0) found.push(performance.now() - begun);
	}
	return found;
}

async function sizeOf(path: string): Promise<number> {
	let bytes = 0;
	for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
		if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
	}
	return bytes;
}
