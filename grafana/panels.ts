/** Panels: what all of them have in common is set here, what differs is told by the dashboards. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
	BigValueColorMode,
	BigValueGraphMode,
	GraphDrawStyle,
	GraphThresholdsStyleConfigBuilder,
	GraphThresholdsStyleMode,
	LegendDisplayMode,
	LegendPlacement,
	ReduceDataOptionsBuilder,
	SortOrder,
	StackingConfigBuilder,
	StackingMode,
	TableCellHeight,
	TooltipDisplayMode,
	VisibilityMode,
	VizLegendOptionsBuilder,
	VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
	type DataTransformerConfig,
	type DynamicConfigValue,
	type Panel,
	ThresholdsConfigBuilder,
	ThresholdsMode,
	type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import type { MeasurementName, TagName } from "../common/measurements/measurements.ts";
import type { Column, Question, Source } from "./influxql.ts";
import { type DataLink, linksFor } from "./links.ts";
import { DATASOURCE } from "./names.ts";
import { grafanaUnit } from "./units.ts";

/** A gap in a line that is longer than this shows as one. */
const GAP_MS = 5 * 60_000;

/** Green below the first limit, then the colour of the highest limit reached. */
export type Steps = readonly (readonly [limit: number, color: "yellow" | "orange" | "red" | "green" | "blue"])[];

export interface PanelText {
	/** Unique in its dashboard; kept for good, as links hold it. */
	readonly id: number;
	readonly title: string;
	/** What it means and what to do about it: shown behind the panel's (i). */
	readonly about: string;
	/** Columns of 24. */
	readonly span: number;
	/** Instead of the dashboard's time range, up to now. */
	readonly last?: string;
	/** Where there is nothing to show. */
	readonly empty?: string;
}

/** What is asked, in the form that Grafana's plugin for InfluxDB takes. */
interface InfluxTarget extends Dataquery {
	readonly refId: string;
	readonly datasource: typeof DATASOURCE;
	readonly query: string;
	readonly rawQuery: true;
	readonly resultFormat: "time_series" | "table";
	readonly alias?: string;
}

/** Lines of a chart: a statement with what its lines are called. */
export interface Lines {
	readonly statement: string;
	readonly alias: string;
	readonly unit: string;
	readonly tags: readonly string[];
}

/** @param alias in Grafana's words: `$tag_vm`, `$col`; by default the tags, and the column where there are several. */
export function lines<M extends MeasurementName>(
	source: Source<M>,
	columns: readonly Column<M>[],
	question: Question<M>,
	alias: string = legend(columns.length, question.by ?? []),
): Lines {
	const { unit, rate } = columns[0]!;
	return {
		statement: source.series(columns, question),
		alias,
		unit: grafanaUnit(unit, rate),
		tags: question.by ?? [],
	};
}

/** A host goes without saying where its VM is named. */
function legend(columns: number, by: readonly string[]): string {
	const tags = by.filter((tag) => tag !== "host" || !by.includes("vm")).map((tag) => `$tag_${tag}`);
	return [...tags, ...(columns > 1 || tags.length === 0 ? ["$col"] : [])].join(" ");
}

export interface ChartOptions extends PanelText {
	readonly of: Lines | readonly Lines[];
	/** Bars for what is counted in steps, lines for what is read. */
	readonly draw?: "lines" | "bars" | "points";
	readonly stacked?: boolean;
	/** Finest step; for what comes once a capture, a minute. */
	readonly step?: string;
	readonly unit?: string;
	/** Values below 0 are shown. */
	readonly signed?: boolean;
	readonly max?: number;
	readonly steps?: Steps;
}

export function chart(options: ChartOptions): Builder<Panel> {
	const queries = [options.of].flat() as readonly Lines[];
	const { draw = "lines", stacked = false, steps } = options;
	const panel = new TimeSeriesBuilder()
		.unit(options.unit ?? queries[0]!.unit)
		.drawStyle({ lines: GraphDrawStyle.Line, bars: GraphDrawStyle.Bars, points: GraphDrawStyle.Points }[draw])
		.fillOpacity(draw === "bars" ? 60 : 10)
		.showPoints(draw === "points" ? VisibilityMode.Always : VisibilityMode.Auto)
		.insertNulls(GAP_MS)
		.legend(
			new VizLegendOptionsBuilder()
				.displayMode(LegendDisplayMode.List)
				.placement(LegendPlacement.Bottom)
				.showLegend(true),
		)
		.tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
	if (options.signed !== true) panel.min(0);
	if (options.max !== undefined) panel.max(options.max);
	if (options.step !== undefined) panel.interval(options.step);
	if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"));
	if (steps !== undefined) {
		panel
			.thresholds(thresholds(steps))
			.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
	}
	return finish(panel, options, queries.map(target("time_series")), linksFor("series", queries[0]!.tags));
}

export interface NumberOptions<M extends MeasurementName> extends PanelText {
	readonly source: Source<M>;
	readonly column: Column<M>;
	readonly question: Question<M>;
	readonly unit?: string;
	readonly steps?: Steps;
	readonly decimals?: number;
	readonly link?: DataLink;
}

/** One number that is read from afar: the whole panel takes its colour. With `by`, one number each. */
export function number<M extends MeasurementName>(options: NumberOptions<M>): Builder<Panel> {
	const { source, column, question, steps = [], decimals } = options;
	const by = question.by ?? [];
	const panel = new StatBuilder()
		.unit(options.unit ?? grafanaUnit(column.unit, column.rate))
		.thresholds(thresholds(steps))
		.colorMode(steps.length > 0 ? BigValueColorMode.Background : BigValueColorMode.Value)
		.graphMode(BigValueGraphMode.None)
		.reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(["lastNotNull"]).fields(""));
	if (decimals !== undefined) panel.decimals(decimals);
	const asked = { statement: source.summary([column], question), alias: legend(1, by) };
	const links = options.link === undefined ? linksFor("series", by) : [options.link];
	return finish(panel, options, [target("time_series")(asked, 0)], links);
}

/** A column of a table: a tag or a selected column, and how it is shown. */
export interface Cell<M extends MeasurementName> {
	readonly of: TagName<M> | Column<M>;
	readonly title: string;
	readonly width?: number;
	readonly unit?: string;
	readonly decimals?: number;
	readonly steps?: Steps;
	/** A bar up to this. */
	readonly bar?: number;
	readonly mappings?: readonly ValueMapping[];
	/** Long text over several lines. */
	readonly wrap?: boolean;
}

export interface TableOptions<M extends MeasurementName> extends PanelText {
	readonly source: Source<M>;
	readonly cells: readonly Cell<M>[];
	readonly where: Omit<Question<M>, "by">;
	/** A row a point as it was written, at most so many; else a row for each combination of the tags. */
	readonly records?: number;
	/** Title of the column that is sorted by; the largest come first unless said otherwise. */
	readonly sort?: string;
	readonly ascending?: boolean;
	/** Only rows in which this column has this value. */
	readonly only?: { readonly of: Column<M>; readonly is: number };
	/** Rows of the same `by` are added up; `sum` names the columns that are. */
	readonly group?: {
		readonly by: readonly string[];
		readonly sum: readonly string[];
		readonly last?: readonly string[];
	};
	readonly rows?: number;
	/** Rows that are read from afar. */
	readonly large?: boolean;
	/** The host of a row is not that of its VM. */
	readonly elsewhere?: boolean;
}

export function table<M extends MeasurementName>(options: TableOptions<M>): Builder<Panel> {
	const { source, cells, where, records, sort, only, group, rows } = options;
	const tags = cells.flatMap(({ of }) => (typeof of === "string" ? [of] : []));
	const columns = cells.flatMap(({ of }) => (typeof of === "string" ? [] : [of]));
	if (only !== undefined && !columns.includes(only.of)) columns.push(only.of);
	const statement =
		records === undefined
			? source.summary(columns, { ...where, by: tags })
			: source.records(columns, { ...where, by: tags, limit: records });
	const panel = new TableBuilder()
		.unit("none")
		.cellHeight(options.large === true ? TableCellHeight.Lg : TableCellHeight.Sm)
		.filterable(options.large !== true);
	if (only !== undefined) panel.withTransformation(onlyRows(only.of.name, only.is));
	if (group !== undefined) panel.withTransformation(grouped(group));
	panel.withTransformation(
		arranged(cells, { time: records !== undefined && group === undefined, group, only: only?.of.name }),
	);
	if (sort !== undefined) {
		panel.withTransformation({
			id: "sortBy",
			options: { fields: {}, sort: [{ field: sort, desc: options.ascending !== true }] },
		});
	}
	if (rows !== undefined) panel.withTransformation({ id: "limit", options: { limitField: String(rows) } });
	const shown = group === undefined ? tags : tags.filter((tag) => group.by.includes(tag));
	for (const cell of cells) panel.overrideByName(cell.title, properties(cell, shown, options.elsewhere));
	return finish(panel, options, [target("table")({ statement, alias: "" }, 0)], []);
}

function properties<M extends MeasurementName>(
	cell: Cell<M>,
	tags: readonly string[],
	elsewhere: boolean | undefined,
): DynamicConfigValue[] {
	const { of, unit, decimals, width, steps, bar, mappings, wrap } = cell;
	const links = of === "vm" ? linksFor("row", tags, elsewhere) : of === "host" ? linksFor("row", ["host"]) : [];
	const shown = unit ?? (typeof of === "string" ? "string" : grafanaUnit(of.unit, of.rate));
	return [
		{ id: "unit", value: shown },
		...(decimals === undefined ? [] : [{ id: "decimals", value: decimals }]),
		...(width === undefined ? [] : [{ id: "custom.width", value: width }]),
		...(links.length === 0 ? [] : [{ id: "links", value: links }]),
		...(mappings === undefined ? [] : [{ id: "mappings", value: mappings }]),
		...(steps === undefined ? [] : [{ id: "thresholds", value: thresholds(steps).build() }]),
		...(bar !== undefined
			? [
					{ id: "min", value: 0 },
					{ id: "max", value: bar },
					{ id: "custom.cellOptions", value: { type: "gauge", mode: "basic", valueDisplayMode: "text" } },
				]
			: steps !== undefined || mappings !== undefined
				? [{ id: "custom.cellOptions", value: { type: "color-background", mode: "basic" } }]
				: wrap === true
					? [{ id: "custom.cellOptions", value: { type: "auto", wrapText: true } }]
					: []),
	];
}

/** Columns in the order of the cells and under their titles: Grafana gives those of tags in any order. */
function arranged<M extends MeasurementName>(
	cells: readonly Cell<M>[],
	{
		time,
		group,
		only,
	}: {
		readonly time: boolean;
		readonly group: TableOptions<M>["group"];
		readonly only: string | undefined;
	},
): DataTransformerConfig {
	const nameOf = ({ of }: Cell<M>) => {
		const name = typeof of === "string" ? of : of.name;
		if (group?.sum.includes(name)) return `${name} (sum)`;
		return group?.last?.includes(name) ? `${name} (last)` : name;
	};
	const names = cells.map(nameOf);
	const indexed = [...(time ? ["Time"] : []), ...names].map((name, index) => [name, index] as const);
	const renamed = cells.map((cell, index) => [names[index]!, cell.title] as const);
	const hidden = [...(time ? [] : ["Time"]), ...(only === undefined || names.includes(only) ? [] : [only])];
	return {
		id: "organize",
		options: {
			excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
			indexByName: Object.fromEntries(indexed),
			renameByName: Object.fromEntries(renamed),
		},
	};
}

function onlyRows(fieldName: string, value: number): DataTransformerConfig {
	return {
		id: "filterByValue",
		options: {
			type: "include",
			match: "all",
			filters: [{ fieldName, config: { id: "equal", options: { value } } }],
		},
	};
}

function grouped({ by, sum, last = [] }: NonNullable<TableOptions<MeasurementName>["group"]>): DataTransformerConfig {
	const aggregate = (calculation: string) => ({ aggregations: [calculation], operation: "aggregate" });
	return {
		id: "groupBy",
		options: {
			fields: Object.fromEntries([
				...by.map((name) => [name, { aggregations: [], operation: "groupby" }]),
				...sum.map((name) => [name, aggregate("sum")]),
				...last.map((name) => [name, aggregate("last")]),
			]),
		},
	};
}

export interface TimelineOptions extends PanelText {
	readonly of: Lines;
	readonly mappings: readonly ValueMapping[];
	readonly step?: string;
}

/** States over time, a bar each. */
export function timeline(options: TimelineOptions): Builder<Panel> {
	const panel = new StateTimelineBuilder()
		.unit(options.of.unit)
		.mappings([...options.mappings])
		.thresholds(thresholds([]))
		.insertNulls(GAP_MS)
		.fillOpacity(80);
	if (options.step !== undefined) panel.interval(options.step);
	return finish(panel, options, [target("time_series")(options.of, 0)], linksFor("series", options.of.tags));
}

function thresholds(steps: Steps): ThresholdsConfigBuilder {
	return new ThresholdsConfigBuilder()
		.mode(ThresholdsMode.Absolute)
		.steps([{ value: null, color: "green" }, ...steps.map(([value, color]) => ({ value, color }))]);
}

/** Letters name a panel's queries. */
function target(resultFormat: "time_series" | "table") {
	return ({ statement, alias }: Pick<Lines, "statement" | "alias">, index: number): InfluxTarget => ({
		refId: String.fromCharCode("A".charCodeAt(0) + index),
		datasource: DATASOURCE,
		query: statement,
		rawQuery: true,
		resultFormat,
		...(alias === "" ? {} : { alias }),
		_implementsDataqueryVariant() {},
	});
}

/** What every panel has. */
function finish(
	panel: TimeSeriesBuilder | StatBuilder | TableBuilder | StateTimelineBuilder,
	{ id, title, about, span, last, empty = "Nothing in this time range" }: PanelText,
	targets: readonly InfluxTarget[],
	links: readonly DataLink[],
): Builder<Panel> {
	panel.id(id).title(title).description(about).span(span).datasource(DATASOURCE).noValue(empty);
	panel.targets(targets.map((each) => ({ build: () => each })));
	if (last !== undefined) panel.timeFrom(last);
	return {
		build: () => {
			const built = panel.build();
			// The SDK takes a dashboard's links here, which are another thing.
			if (links.length > 0 && built.fieldConfig !== undefined) Object.assign(built.fieldConfig.defaults, { links });
			return built;
		},
	};
}
