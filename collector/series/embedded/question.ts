/** A question as SQL over the sources that were planned for it. Pure. */
import type { FieldKind } from "../../../common/measurements/measurement.ts";
import type { Aggregate, SeriesQuery } from "../series-store.ts";
import { column, floorTo, type Level, quote, type Table, TIME, windowSql } from "./layout.ts";
import { type Part, partFile } from "./parts.ts";
import type { Source } from "./plan.ts";

/** What is made of the points of a field: nothing, or one value a window; a rate wants the last. */
type Use = Aggregate | "points";

export interface Question {
	readonly query: SeriesQuery;
	readonly table: Table;
	readonly sources: readonly Source[];
	/** Where the parts lie. */
	readonly folder: string;
	readonly maxRows: number;
}

/**
 * Its rows are those of the answer, in order, at most one more than `maxRows`: the tags of the grouping, `w` (the time), `v0` and so on
 * (the fields), and, with a grouping, `h`, which differs from series to series. Undefined where no source has anything.
 */
export function questionSql(question: Question): string | undefined {
	const { query, sources, maxRows } = question;
	const { fields, window, rate = false, groupBy = [], descending = false, limit } = query;
	const use: Use = window === undefined ? "points" : rate ? "last" : window.aggregate;
	const points = sources.flatMap((source) => sourceSql(question, source, use) ?? []).join(" UNION ALL ");
	if (points === "") return undefined;
	const groups = groupBy.map((tag) => `${column(tag)}, `).join("");
	const values = fields.map((_, at) => `v${at}`);
	const rows =
		window === undefined
			? `SELECT ${groups}t AS w, ${fields.map((_, at) => `x${at} AS v${at}`).join(", ")} FROM (${points})`
			: rate
				? rateSql(question, points, groups)
				: `SELECT ${groups}${windowSql("t", window.everyNs)} AS w, ${fields.map((_, at) => `${summarySql(use, at)} AS v${at}`).join(", ")} FROM (${points}) GROUP BY ALL`;
	const direction = descending ? "DESC" : "ASC";
	const list = groupBy.map((tag) => column(tag)).join(", ");
	const shown = [
		...groupBy.map((tag) => column(tag)),
		"w",
		...values,
		...(groupBy.length > 0 ? [`hash(${list}) AS h`] : []),
	];
	const isThere = `(${values.map((value) => `${value} IS NOT NULL`).join(" OR ")})`;
	const most = groupBy.length === 0 ? Math.min(limit ?? maxRows + 1, maxRows + 1) : maxRows + 1;
	return [
		`SELECT ${shown.join(", ")} FROM (${rows}) WHERE ${isThere}`,
		groupBy.length > 0 && limit !== undefined
			? `QUALIFY row_number() OVER (PARTITION BY ${list} ORDER BY w ${direction}) <= ${limit}`
			: "",
		`ORDER BY ${groups}w ${direction} LIMIT ${most}`,
	].join(" ");
}

/** Of each series the rise between the windows that have a value, then summed over those that are taken together. */
function rateSql({ query, table }: Question, points: string, groups: string): string {
	const { fields, window, fromNs } = query;
	const everyNs = window!.everyNs;
	const tags = table.tags.map((tag) => column(tag)).join(", ");
	const lasts = `SELECT ${tags}, ${windowSql("t", everyNs)} AS w, ${fields.map((_, at) => `arg_max(x${at}, t) AS x${at}`).join(", ")} FROM (${points}) GROUP BY ALL`;
	const before = fields.flatMap((_, at) => [
		`lag(x${at} IGNORE NULLS) OVER series AS p${at}`,
		`lag(CASE WHEN x${at} IS NOT NULL THEN w END IGNORE NULLS) OVER series AS pw${at}`,
	]);
	const steps = `SELECT *, ${before.join(", ")} FROM (${lasts}) WINDOW series AS (PARTITION BY ${tags} ORDER BY w)`;
	const rates = fields.map(
		(_, at) => `sum(CASE WHEN x${at} >= p${at} THEN (x${at} - p${at}) / ((w - pw${at}) / 1e9) END) AS v${at}`,
	);
	return `SELECT ${groups}w, ${rates.join(", ")} FROM (${steps}) WHERE w >= ${floorTo(fromNs, everyNs)} GROUP BY ALL`;
}

/** From where on points are read. */
export function readFrom({ fromNs, window, rate = false }: SeriesQuery): bigint {
	return rate && window !== undefined ? floorTo(fromNs, window.everyNs) - window.everyNs : fromNs;
}

/** Rows of the tags that matter, `t`, and `x0` and so on, with `n0` and so on where they stand for several points each. */
function sourceSql({ query, table, folder }: Question, source: Source, use: Use): string | undefined {
	const { fields, groupBy = [], rate = false, where = {} } = query;
	const { level, fromNs, toNs, parts, heads, doubtful } = source;
	const tags = (rate ? table.tags : groupBy).map((tag) => `${column(tag)}, `).join("");
	const carried = fields.map((field, at) =>
		carrierSql(table.fields[table.fieldPlaces.get(field)!]!.kind, field, at, level, use),
	);
	const filter = [`${TIME} >= ${fromNs}`, `${TIME} < ${toNs}`, ...Object.entries(where).map(matches)].join(" AND ");
	const needed = carried.flatMap(({ columns }) => columns);
	const found: string[] = [];
	if (!doubtful) {
		for (const { files, has } of alike(parts, needed).values()) {
			const columns = needed.map((name) => (has.includes(name) ? name : absent(table, name)));
			found.push(
				`SELECT ${tagList(table)}, ${TIME}, ${columns.join(", ")} FROM ${filesSql(folder, files)} WHERE ${filter}`,
			);
		}
		for (const head of heads) found.push(`SELECT * EXCLUDE ("_order") FROM (${head.sql(fields)}) WHERE ${filter}`);
	} else {
		for (const part of parts) {
			const columns = needed.map((name) => (part.columns.includes(name.slice(1, -1)) ? name : absent(table, name)));
			found.push(
				`SELECT ${tagList(table)}, ${TIME}, ${columns.join(", ")}, ${BigInt(part.segment) << 32n} AS "_order" FROM ${filesSql(folder, [part])} WHERE ${filter}`,
			);
		}
		for (const head of heads) found.push(`SELECT * FROM (${head.sql(fields)}) WHERE ${filter}`);
	}
	if (found.length === 0) return undefined;
	const rows = found.join(" UNION ALL BY NAME ");
	return `SELECT ${tags}${TIME} AS t, ${carried.map(({ sql }) => sql).join(", ")} FROM (${doubtful ? newestSql(table, needed, rows) : rows})`;
}

/** Of rows of one series and instant one: of each column the value that came last. */
export function newestSql(table: Table, columns: readonly string[], rows: string): string {
	const newest = columns.map((name) => `arg_max(${name}, "_order") AS ${name}`);
	return `SELECT ${tagList(table)}, ${TIME}, ${newest.join(", ")} FROM (${rows}) GROUP BY ${tagList(table)}, ${TIME}`;
}

export function tagList({ tags }: Table): string {
	return tags.map((tag) => column(tag)).join(", ");
}

export function filesSql(folder: string, parts: readonly Part[]): string {
	return `read_parquet([${parts.map((part) => quote(`${folder}/${partFile(part)}`)).join(", ")}])`;
}

/** A column that an older part lacks. */
export function absent(table: Table, name: string): string {
	const field = name.slice(1, -1).split(".", 1)[0]!;
	const isText = table.fields[table.fieldPlaces.get(field)!]!.kind === "text" && !name.endsWith('.count"');
	return `NULL::${isText ? "VARCHAR" : "DOUBLE"} AS ${name}`;
}

/** Parts by which of these columns they have; those that have none are left out. */
function alike(parts: readonly Part[], needed: readonly string[]): Map<string, { files: Part[]; has: string[] }> {
	const groups = new Map<string, { files: Part[]; has: string[] }>();
	for (const part of parts) {
		const has = needed.filter((name) => part.columns.includes(name.slice(1, -1)));
		if (has.length === 0) continue;
		const key = has.join();
		const group = groups.get(key);
		if (group === undefined) groups.set(key, { files: [part], has });
		else group.files.push(part);
	}
	return groups;
}

function matches([tag, wanted]: [string, string | readonly string[]]): string {
	// No tag holds a NUL, nor SQL.
	const values = (typeof wanted === "string" ? [wanted] : wanted).filter((value) => !value.includes("\0"));
	if (values.length === 0) return "false";
	return `${column(tag)} IN (${values.map(quote).join(", ")})`;
}

/** How the points of a level say what is asked of a field: its columns there, and what is made of them. */
function carrierSql(
	kind: FieldKind,
	field: string,
	at: number,
	level: Level,
	use: Use,
): { readonly columns: readonly string[]; readonly sql: string } {
	const [x, n] = [`x${at}`, `n${at}`];
	if (level === "raw") {
		const value = column(field);
		const one = `(${value} IS NOT NULL)::INTEGER`;
		if (use === "count") return { columns: [value], sql: `${one} AS ${x}` };
		return { columns: [value], sql: use === "mean" ? `${value} AS ${x}, ${one} AS ${n}` : `${value} AS ${x}` };
	}
	const count = column(field, "count");
	if (use === "count") return { columns: [count], sql: `${count}::INTEGER AS ${x}` };
	if (kind !== "gauge" || use === "first" || use === "last") {
		const last = column(field, "last");
		return {
			columns: [last],
			sql: use === "mean" ? `${last} AS ${x}, (${last} IS NOT NULL)::INTEGER AS ${n}` : `${last} AS ${x}`,
		};
	}
	if (use === "min" || use === "max") {
		const extreme = column(field, use);
		return { columns: [extreme], sql: `${extreme} AS ${x}` };
	}
	const sum = column(field, "sum");
	if (use === "sum") return { columns: [sum], sql: `${sum} AS ${x}` };
	if (use === "mean") return { columns: [sum, count], sql: `${sum} AS ${x}, ${count}::INTEGER AS ${n}` };
	return { columns: [sum, count], sql: `${sum} / ${count} AS ${x}` };
}

function summarySql(use: Use, at: number): string {
	const x = `x${at}`;
	switch (use) {
		case "mean":
			return `sum(${x}) / nullif(sum(n${at}), 0)`;
		case "count":
			return `nullif(sum(${x}), 0)::DOUBLE`;
		case "first":
			return `arg_min(${x}, t)`;
		case "last":
			return `arg_max(${x}, t)`;
		default:
			return `${use}(${x})`;
	}
}
