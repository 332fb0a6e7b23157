/** What Umbra's things are called in Grafana. These names are in bookmarks, links and silences: they are never changed, only added to. */

/** The data source of every query. */
export const DATASOURCE = { type: "influxdb", uid: "umbra-influxdb" } as const;

/** Grafana's own: where expressions are computed. */
export const EXPRESSION = { type: "__expr__", uid: "__expr__" } as const;

/** Carried by every dashboard; the list at the top of each is made by it. */
export const DASHBOARD_TAG = "umbra";

/** Each dashboard, and the variables that a link may set there. */
export const DASHBOARDS = {
	fleet: { uid: "umbra-fleet", title: "Umbra: fleet", variables: ["host", "vm"] },
	vm: { uid: "umbra-vm", title: "Umbra: VM", variables: ["host", "vm", "disk"] },
	host: { uid: "umbra-host", title: "Umbra: host", variables: ["host"] },
	changes: { uid: "umbra-changes", title: "Umbra: change and I/O", variables: ["host", "vm", "disk"] },
	anomalies: { uid: "umbra-anomalies", title: "Umbra: anomalies and triggers", variables: ["host", "vm"] },
	capacity: { uid: "umbra-capacity", title: "Umbra: capacity", variables: ["host", "vm", "disk"] },
	trials: { uid: "umbra-trials", title: "Umbra: shadow trials", variables: ["host", "vm"] },
	predictions: { uid: "umbra-predictions", title: "Umbra: predictions and risk", variables: ["host", "vm"] },
	self: { uid: "umbra-self", title: "Umbra: its own health", variables: ["host"] },
} as const;

export type DashboardName = keyof typeof DASHBOARDS;
export type VariableOf<D extends DashboardName> = (typeof DASHBOARDS)[D]["variables"][number];
