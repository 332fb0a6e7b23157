/**
 * Where the answer to a question is read: of which stretches of time which level, and there which parts and heads. Pure.
 *
 * The finest level that still covers the whole range is good enough, and a coarser one is better where it gives the very same answer.
 */
import type { FieldKind } from "../../../common/measurements/measurement.ts";
import type { SeriesQuery } from "../series-store.ts";
import type { HeadTable } from "./head.ts";
import { DAY_NS, floorTo, LEVELS, type Level, STEP_NS, type Table } from "./layout.ts";
import type { Kept } from "./manifest.ts";
import { mayHold, type Part } from "./parts.ts";

/** What there is of one measurement. */
export interface Holding {
	readonly parts: readonly Part[];
	readonly heads: readonly HeadTable[];
	readonly kept: Kept;
}

export interface Source {
	readonly level: Level;
	/** From, before. */
	readonly fromNs: bigint;
	readonly toNs: bigint;
	readonly parts: readonly Part[];
	/** Only of level raw. */
	readonly heads: readonly HeadTable[];
	/** Two of them may have rows of one series and instant. */
	readonly doubtful: boolean;
}

interface Stretch {
	readonly level: Level;
	readonly fromNs: bigint;
	readonly toNs: bigint;
}

/** @param fromNs before that of the query where a rate needs what came before */
export function planSources(query: SeriesQuery, table: Table, holding: Holding, fromNs: bigint): Source[] {
	const { toNs, where = {} } = query;
	const { kept } = holding;
	const needed: Level = fromNs >= kept.rawFromNs ? "raw" : fromNs >= kept.minuteFromNs ? "minute" : "hour";
	const level = coarser(needed, sameAnswer(query, table));
	const first = where[table.tags[0]!];
	const tags = first === undefined || typeof first === "string" ? (first === undefined ? undefined : [first]) : first;
	return stretches({ level, fromNs, toNs }, needed, unfoldedDays(holding)).flatMap((stretch): Source[] => {
		const parts = holding.parts.filter(
			(part) => part.level === stretch.level && mayHold(part, stretch.fromNs, stretch.toNs, tags),
		);
		const heads = stretch.level === "raw" ? holding.heads.filter(({ range }) => overlaps(range, stretch)) : [];
		if (parts.length === 0 && heads.length === 0) return [];
		const doubtful =
			parts.some(({ doubtNs }) => doubtNs !== undefined && overlaps(doubtNs, stretch)) ||
			heads.some(({ doubt }) => doubt !== undefined && overlaps(doubt, stretch));
		return [{ ...stretch, parts, heads, doubtful }];
	});
}

/** Days of which the coarser levels do not hold everything, in order. */
function unfoldedDays({ parts, heads, kept }: Holding): bigint[] {
	const days = new Set<bigint>(heads.flatMap((head) => [...head.days]));
	for (const { level, folded, beginNs } of parts) if (level === "raw" && !folded) days.add(beginNs);
	// What came for a day whose raw points were given up already is not seen before it is folded.
	return [...days].filter((day) => day >= kept.rawFromNs).sort((a, b) => (a < b ? -1 : 1));
}

/** Parts a stretch into such as can be read on one level. */
function stretches({ level, fromNs, toNs }: Stretch, needed: Level, unfolded: readonly bigint[]): Stretch[] {
	if (fromNs >= toNs) return [];
	if (level === "raw") return [{ level, fromNs, toNs }];
	if (LEVELS.indexOf(level) > LEVELS.indexOf(needed)) {
		// The range may cut a step in two: its ends are read more finely.
		const step = STEP_NS[level];
		const [begin, end] = [-floorTo(-fromNs, step), floorTo(toNs, step)];
		const finer = LEVELS[LEVELS.indexOf(level) - 1]!;
		if (begin >= end) return stretches({ level: finer, fromNs, toNs }, needed, unfolded);
		if (begin !== fromNs || end !== toNs) {
			return [
				...stretches({ level: finer, fromNs, toNs: begin }, needed, unfolded),
				...stretches({ level, fromNs: begin, toNs: end }, needed, unfolded),
				...stretches({ level: finer, fromNs: end, toNs }, needed, unfolded),
			];
		}
	}
	const found: Stretch[] = [];
	let at = fromNs;
	for (const day of unfolded) {
		const [begin, end] = [max(day, fromNs), min(day + DAY_NS, toNs)];
		if (begin >= end) continue;
		if (at < begin) found.push({ level, fromNs: at, toNs: begin });
		const last = found.at(-1);
		if (last?.level === "raw" && last.toNs === begin) found.splice(-1, 1, { ...last, toNs: end });
		else found.push({ level: "raw", fromNs: begin, toNs: end });
		at = end;
	}
	if (at < toNs) found.push({ level, fromNs: at, toNs });
	return found;
}

/** The coarsest level that gives the same answer as the raw points. */
function sameAnswer(query: SeriesQuery, table: Table): Level {
	const { window, rate = false, fields } = query;
	if (window === undefined) return "raw";
	const kinds = fields.map((field) => table.fields[table.fieldPlaces.get(field)!]!.kind);
	const isExact = (kind: FieldKind): boolean => {
		if (rate) return true;
		switch (window.aggregate) {
			case "last":
				// Which of several series had the last value within a step is known no more.
				return isOfOneSeries(query, table);
			case "count":
				return true;
			case "mean":
			case "min":
			case "max":
			case "sum":
				return kind === "gauge";
			case "first":
			case "median":
				return false;
		}
	};
	if (!kinds.every(isExact)) return "raw";
	if (window.everyNs % STEP_NS.hour === 0n) return "hour";
	return window.everyNs % STEP_NS.minute === 0n ? "minute" : "raw";
}

/** Whether each series of the answer is one of those that were written. */
function isOfOneSeries({ groupBy = [], where = {} }: SeriesQuery, { tags }: Table): boolean {
	return tags.every((tag) => groupBy.includes(tag) || typeof where[tag] === "string");
}

function coarser(a: Level, b: Level): Level {
	return LEVELS.indexOf(a) > LEVELS.indexOf(b) ? a : b;
}

function overlaps(range: { readonly from: bigint; readonly to: bigint }, { fromNs, toNs }: Stretch): boolean {
	return range.to >= fromNs && range.from < toNs;
}

function max(a: bigint, b: bigint): bigint {
	return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
	return a < b ? a : b;
}
