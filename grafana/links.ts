/** Links from where a VM or a host is mentioned to the dashboard that is about it; what is chosen and the time go with them. */
import { DASHBOARDS, type DashboardName, type VariableOf } from "./names.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
const TIME_RANGE = "${__url_time_range}";

/** A data link, as Grafana keeps it in a field's settings. */
export interface DataLink {
	readonly title: string;
	readonly url: string;
}

/** Where a name stands: in a column of a table's row, or in a label of a series. */
export type Place = "row" | "series";

function nameIn(place: Place, name: string, format = ""): string {
	return place === "row" ? `\${__data.fields.${name}${format}}` : `\${__field.labels.${name}${format}}`;
}

function dashboardUrl<D extends DashboardName>(
	dashboard: D,
	chosen: { readonly [V in VariableOf<D>]?: string },
): string {
	const { uid } = DASHBOARDS[dashboard];
	const variables = Object.entries<string | undefined>(chosen).map(([name, value]) => `var-${name}=${value}`);
	return `/d/${uid}/${uid}?${[...variables, TIME_RANGE].join("&")}`;
}

/** @param host whether the host beside it is the VM's own; else the VM is looked for on all. */
function vmLink(place: Place, host: boolean): DataLink {
	const encoded = (name: string) => nameIn(place, name, ":percentencode");
	return {
		title: `VM ${nameIn(place, "vm")}`,
		url: dashboardUrl("vm", { ...(host ? { host: encoded("host") } : {}), vm: encoded("vm") }),
	};
}

/** Needs `host` where it stands. */
function hostLink(place: Place): DataLink {
	return {
		title: `Host ${nameIn(place, "host")}`,
		url: dashboardUrl("host", { host: nameIn(place, "host", ":percentencode") }),
	};
}

/**
 * The links that the tags of a series or row allow for.
 *
 * @param elsewhere whether its host is another than the VM's: the one that a trial ran on.
 */
export function linksFor(place: Place, tags: readonly string[], elsewhere = false): DataLink[] {
	return [
		...(tags.includes("vm") ? [vmLink(place, tags.includes("host") && !elsewhere)] : []),
		...(tags.includes("host") ? [hostLink(place)] : []),
	];
}

/** From a panel as a whole, such as a number that sums up many. */
export function overviewLink(dashboard: DashboardName): DataLink {
	return { title: DASHBOARDS[dashboard].title, url: dashboardUrl(dashboard, {}) };
}
