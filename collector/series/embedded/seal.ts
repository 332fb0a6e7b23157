/** Makes parts of log segments that ended. */
import type { Lane } from "./database.ts";
import { type HeadTable, type TimeRange, widen } from "./head.ts";
import type { Heads } from "./heads.ts";
import { DAY_NS, tableOf } from "./layout.ts";
import type { SeriesLog } from "./log.ts";
import { PartMaker } from "./maker.ts";
import type { Part } from "./parts.ts";
import type { Shelf } from "./shelf.ts";

/**
 * Makes parts of the heads up to that of log segment `last`, which ended and whose rows were settled since, and removes these segments.
 *
 * @throws UmbraError `unavailable`: then nothing changed; what the signal was aborted with.
 */
export async function seal({
	shelf,
	heads,
	seriesLog,
	last,
	lane,
	signal,
}: {
	readonly shelf: Shelf;
	readonly heads: Heads;
	readonly seriesLog: SeriesLog;
	readonly last: number;
	readonly lane: Lane;
	readonly signal: AbortSignal;
}): Promise<void> {
	const maker = new PartMaker(lane, shelf, signal);
	const run = shelf.takeNumber();
	const add: Part[] = [];
	for (const [measurement, tables] of heads.upTo(last)) {
		const table = tableOf(measurement);
		for (const beginNs of new Set(tables.flatMap(({ days }) => [...days]))) {
			const endNs = beginNs + DAY_NS;
			const isFirst = !shelf.partsOf(measurement).some((part) => part.level === "raw" && part.beginNs === beginNs);
			const doubtNs = isFirst ? undefined : doubtWithin(tables, beginNs, endNs);
			const of = { beginNs, endNs, segment: last, run, tier: 0, folded: false, doubtNs };
			const part = await maker.ofHeads(table, tables, beginNs, of);
			if (part !== undefined) add.push(part);
		}
	}
	let sealed: readonly HeadTable[] = [];
	await shelf.change({ add, segment: last + 1 }, () => {
		sealed = heads.remove(last);
	});
	shelf.retire(async () => await heads.drop(sealed));
	await seriesLog.remove(last);
}

/** What parts of that day may have twice, where earlier ones have it too. */
function doubtWithin(tables: readonly HeadTable[], beginNs: bigint, endNs: bigint): TimeRange | undefined {
	let doubt: TimeRange | undefined;
	for (const { doubt: found } of tables) {
		if (found === undefined || found.to < beginNs || found.from >= endNs) continue;
		doubt = widen(widen(doubt, found.from < beginNs ? beginNs : found.from), found.to >= endNs ? endNs - 1n : found.to);
	}
	return doubt;
}
