/** What every dashboard has: variables that depend on one another, marks of what Umbra found, and links to its siblings. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
	type AnnotationQuery,
	type Dashboard,
	DashboardBuilder,
	DashboardCursorSync,
	type DashboardLink,
	DashboardLinkType,
	type Panel,
	QueryVariableBuilder,
	RowBuilder,
	type VariableModel,
	VariableRefresh,
	VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { of } from "./influxql.ts";
import { DASHBOARD_TAG, DASHBOARDS, DATASOURCE, type DashboardName, type VariableOf } from "./names.ts";
import type { GrafanaSettings } from "./settings.ts";

export interface Row {
	/** Above its panels; none for the first. */
	readonly title?: string;
	readonly height: number;
	readonly panels: readonly Builder<Panel>[];
}

export interface DashboardOptions<D extends DashboardName> {
	readonly name: D;
	readonly description: string;
	readonly from: string;
	readonly refresh: string;
	/** One for each variable of the dashboard; made by `variable`. */
	readonly variables: { readonly [V in VariableOf<D>]: Builder<VariableModel> };
	/** Marks over all panels; those about VMs need `host` and `vm`. */
	readonly marks: readonly Mark[];
	readonly rows: readonly Row[];
}

export function dashboard<D extends DashboardName>(options: DashboardOptions<D>, settings: GrafanaSettings): Dashboard {
	const { name, description, from, refresh, rows } = options;
	const { uid, title, variables } = DASHBOARDS[name];
	const builder = new DashboardBuilder(title)
		.uid(uid)
		.description(description)
		.tags([DASHBOARD_TAG])
		.readonly()
		.tooltip(DashboardCursorSync.Crosshair)
		.time({ from, to: "now" })
		.refresh(refresh)
		.timezone("browser")
		.variables(variables.map((each) => options.variables[each as VariableOf<D>]))
		.annotations(options.marks.map((mark) => ({ build: () => annotation(mark) })))
		.links(links(settings).map((each) => ({ build: () => each })));
	for (const row of rows) {
		if (row.title !== undefined) builder.withRow(new RowBuilder(row.title).id(rowId(rows.indexOf(row))));
		for (const panel of row.panels) builder.withPanel({ build: () => withHeight(panel.build(), row.height) });
	}
	return builder.build();
}

/** Beyond those of panels. */
function rowId(index: number): number {
	return 1000 + index;
}

function withHeight(panel: Panel, h: number): Panel {
	return { ...panel, gridPos: { x: 0, y: 0, w: 24, ...panel.gridPos, h } };
}

function links({ umbraUrl }: GrafanaSettings): DashboardLink[] {
	const common = { icon: "", tooltip: "", tags: [], asDropdown: false, targetBlank: false, includeVars: false };
	return [
		{
			...common,
			title: "Umbra",
			type: DashboardLinkType.Dashboards,
			icon: "dashboard",
			tags: [DASHBOARD_TAG],
			asDropdown: true,
			includeVars: true,
			keepTime: true,
		},
		...(umbraUrl === undefined
			? []
			: [
					{
						...common,
						title: "Umbra's API",
						type: DashboardLinkType.Link,
						icon: "external link",
						url: `${umbraUrl}/v1/alerts`,
						targetBlank: true,
						keepTime: false,
					},
				]),
	];
}

const LABELS = { host: "Host", vm: "VM", disk: "Disk" } as const;

/** Several can be chosen, or all, which matches everything without naming it. */
export function variable(name: keyof typeof LABELS, statement: string): QueryVariableBuilder {
	return new QueryVariableBuilder(name)
		.label(LABELS[name])
		.datasource(DATASOURCE)
		.query(statement)
		.definition(statement)
		.refresh(VariableRefresh.OnTimeRangeChanged)
		.sort(VariableSort.AlphabeticalCaseInsensitiveAsc)
		.multi(true)
		.includeAll(true)
		.allValue(".*")
		.current({ selected: true, text: ["All"], value: ["$__all"] });
}

const machines = of("collector_vm");
/** The variables of most dashboards: VMs are those of the chosen hosts. */
export const MACHINE_VARIABLES = {
	host: variable("host", machines.tagValues("host", {})),
	vm: variable("vm", machines.tagValues("vm", { scope: ["host"] })),
} as const;

/** A mark at the time of something that Umbra found. */
interface Mark {
	readonly name: string;
	readonly color: string;
	/** Shown at first. */
	readonly on: boolean;
	readonly statement: string;
	/** Column that says what it was. */
	readonly text: string;
	/**
	 * Columns that are shown as tags: at least one, and none whose name is part of `measurement.text`, since Grafana looks for names
	 * within names.
	 */
	readonly tags: readonly string[];
}

const SCOPE = { scope: ["host", "vm"] } as const;
const MARK_LIMIT = 500;
/** A change as large as this is marked at first; smaller ones on request. */
const LARGE_CHANGE_BYTES = 64 * 1024 * 1024;
const hot = of("file_hot");
const anomaly = of("anomaly");
const trigger = of("trigger");

/** Marks say what the file or feature was, so that a step in a chart has a name. */
export const VM_MARKS: readonly Mark[] = [
	{
		name: "Large changes",
		color: "blue",
		on: true,
		statement: hot.records([hot.value("path")], {
			...SCOPE,
			by: ["vm", "disk"],
			tags: { rank: "01" },
			atLeast: { changed_bytes: LARGE_CHANGE_BYTES },
			limit: MARK_LIMIT,
		}),
		text: "path",
		tags: ["vm", "disk"],
	},
	{
		name: "All changes",
		color: "super-light-blue",
		on: false,
		statement: hot.records([hot.value("path")], {
			...SCOPE,
			by: ["vm", "disk"],
			tags: { rank: "01" },
			limit: MARK_LIMIT,
		}),
		text: "path",
		tags: ["vm", "disk"],
	},
	{
		name: "Anomalies",
		color: "orange",
		on: true,
		statement: anomaly.records([anomaly.value("feature")], {
			...SCOPE,
			by: ["vm", "severity"],
			tags: { severity: ["warning", "critical"] },
			limit: MARK_LIMIT,
		}),
		text: "feature",
		tags: ["vm", "severity"],
	},
	{
		name: "Triggers",
		color: "red",
		on: true,
		statement: trigger.records([trigger.value("summary")], {
			...SCOPE,
			by: ["vm", "severity"],
			tags: { severity: ["warning", "critical"] },
			limit: MARK_LIMIT,
		}),
		text: "summary",
		tags: ["vm", "severity"],
	},
];

/** In the form that the InfluxDB plugin keeps for InfluxQL: the columns are named in the target, and tags are never none. */
interface MarkTarget extends Dataquery {
	readonly refId: string;
	readonly datasource: typeof DATASOURCE;
	readonly fromAnnotations: true;
	readonly name: string;
	readonly query: string;
	readonly rawQuery: true;
	readonly textColumn: string;
	readonly tagsColumn: string;
	readonly titleColumn: string;
	readonly timeEndColumn: string;
}

function annotation({ name, color, on, statement, text, tags }: Mark): AnnotationQuery {
	const target: MarkTarget = {
		refId: "Anno",
		datasource: DATASOURCE,
		fromAnnotations: true,
		name,
		query: statement,
		rawQuery: true,
		textColumn: text,
		tagsColumn: tags.join(","),
		titleColumn: "",
		timeEndColumn: "",
		_implementsDataqueryVariant() {},
	};
	return { name, datasource: DATASOURCE, enable: on, iconColor: color, target };
}
