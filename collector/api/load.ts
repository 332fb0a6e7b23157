/** What a VM does on average, out of the time series. */
import type { LoadAverages } from "../../common/trial/generate.ts";
import type { Series, SeriesStore } from "../series/series-store.ts";

/** Readings are a few seconds apart: a window has some, and a week of windows is a small answer. */
const WINDOW_NS = 300_000_000_000n;

/** Null where nothing was measured. */
export interface LoadView extends Readonly<Record<keyof LoadAverages, number | null>> {
	readonly vm: string;
	readonly from: string;
	readonly to: string;
}

/** @throws UmbraError as the store's queries. */
export async function loadOf(
	store: SeriesStore,
	vm: string,
	fromNs: bigint,
	toNs: bigint,
	signal: AbortSignal,
): Promise<LoadView> {
	const of = { where: { vm }, fromNs, toNs };
	const window = { everyNs: WINDOW_NS, aggregate: "mean" } as const;
	const levels = await store.query(
		{ measurement: "vm", fields: ["cpu_usage_percent", "memory_used_percent"], ...of, window },
		signal,
	);
	const rates = await store.query(
		{
			measurement: "vm_disk",
			fields: ["rd_bytes", "wr_bytes"],
			...of,
			window: { ...window, aggregate: "last" },
			rate: true,
		},
		signal,
	);
	const [read, written] = [meanOf(rates, "rd_bytes", { isRate: true }), meanOf(rates, "wr_bytes", { isRate: true })];
	return {
		vm,
		from: fromNs.toString(),
		to: toNs.toString(),
		cpuPercent: meanOf(levels, "cpu_usage_percent"),
		memoryPercent: meanOf(levels, "memory_used_percent"),
		ioBytesPerSecond: read === null && written === null ? null : (read ?? 0) + (written ?? 0),
	};
}

function meanOf(series: readonly Series[], field: string, { isRate = false } = {}): number | null {
	const rows = series.flatMap(({ values: all }) => {
		const told = all[field] ?? [];
		// The last window is not over, and what rose in it is less than it will be.
		return isRate && told.length > 1 ? told.slice(0, -1) : told;
	});
	const values = rows.filter((value) => typeof value === "number");
	return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
