/** Rules about Umbra itself: an alarm system that is silent because it is broken is worse than none. */
import { of } from "../influxql.ts";
import { PANELS } from "../panel-ids.ts";
import type { GrafanaSettings, Severity } from "../settings.ts";
import type { Rule } from "./rule.ts";
import { label, withNumber } from "./text.ts";

const collector = of("collector");
const agents = of("collector_agent");
const vms = of("collector_vm");

const BY_HOST = { by: ["host"] } as const;
/** The collector's host is none of those that its dashboard chooses from, which have agents. */
const OF_COLLECTOR = { labels: BY_HOST.by, chooses: [] } as const satisfies Partial<Rule>;
const BY_VM = { by: ["host", "vm"] } as const;

/** What the collector says each 10 s of itself and of the agents. */
const SAID = {
	team: "umbra",
	// That the collector says nothing has a rule of its own; until it is back, what it said last stands.
	noData: "KeepLast",
	onError: "KeepLast",
	windowSeconds: 300,
} as const satisfies Partial<Rule>;

export function selfRules({ thresholds }: GrafanaSettings): Rule[] {
	const { agentSilent, captureLate, spoolUsed, seriesBacklog } = thresholds;
	return [
		{
			...SAID,
			uid: "umbra-collector-silent",
			title: "Collector silent",
			severity: "critical",
			pending: "2m",
			// The one rule that fires on silence, and on a data source that cannot be asked.
			noData: "Alerting",
			onError: "Alerting",
			query: collector.summary([collector.last("uptime_seconds")], BY_HOST),
			// Never by its number: an uptime is not negative.
			fires: { type: "lt", limit: 0 },
			labels: [],
			summary: "Umbra: nothing comes from the collector",
			description:
				"For five minutes the series store has had no reading of the collector: it is down, it cannot write there, or Grafana cannot ask. No other rule can be trusted until it is back.",
			mitigation:
				"`systemctl status umbra-collector`, `journalctl -u umbra-collector`; then the series store, then Grafana's data source (Save & test). Agents keep what they capture meanwhile.",
			panel: { dashboard: "self", id: PANELS.self.uptime },
		},
		{
			...SAID,
			uid: "umbra-agent-silent",
			title: "Agent silent",
			severity: "critical",
			pending: "1m",
			query: agents.summary([agents.last("silent_seconds")], BY_HOST),
			fires: { type: "gt", limit: agentSilent / 1000 },
			labels: BY_HOST.by,
			summary: `${label("host")}: its agent is silent${withNumber("B", "seconds", ", for #")}`,
			description: `The collector hears nothing of the agent on ${label("host")}. Its VMs are neither captured nor watched as far as anyone can see.`,
			mitigation:
				"Is the host up? `systemctl status umbra-agent` and `journalctl -u umbra-agent` there. If it runs: the network between, the token, its certificate.",
			panel: { dashboard: "self", id: PANELS.self.agents },
		},
		{
			...SAID,
			uid: "umbra-capture-late",
			title: "Capture late",
			severity: "warning",
			pending: "5m",
			query: vms.summary([vms.last("capture_late_seconds")], BY_VM),
			fires: { type: "gt", limit: captureLate / 1000 },
			labels: BY_VM.by,
			summary: `${label("vm")}: its newest point is late${withNumber("B", "seconds", " by #")}`,
			description: `The newest point of ${label("vm")} on ${label("host")} is older than its schedule allows${withNumber("B", "seconds", ", by #")}. A restore would lose that much more.`,
			mitigation:
				"`umbra vms` says why its last capture failed. Scratch full: raise its limit or capture more often. Spool full or agent silent: see those alerts. `umbra capture VM` tries now.",
			panel: { dashboard: "self", id: PANELS.self.late },
		},
		{
			...SAID,
			uid: "umbra-spool-filling",
			title: "Spool filling",
			severity: "warning",
			pending: "5m",
			query: agents.summary([agents.last("spool_used_percent")], BY_HOST),
			fires: { type: "gt", limit: spoolUsed, recovers: Number((spoolUsed * 0.9).toPrecision(6)) },
			labels: BY_HOST.by,
			summary: `${label("host")}: the agent's spool is filling up${withNumber("B", "percent", ", #")}`,
			description: `Captures of ${label("host")} come faster than they reach the collector${withNumber("B", "percent", ": # of the spool is used")}. When it is full, captures stand still.`,
			mitigation:
				"Is the collector slow or away? Look at its ingest and at the network. A first capture of a large VM passes by itself; else raise `spool.limit` or capture less often.",
			panel: { dashboard: "self", id: PANELS.self.spool },
		},
		{
			...SAID,
			uid: "umbra-spool-full",
			title: "Spool full",
			severity: "critical",
			pending: "1m",
			query: agents.summary([agents.last("spool_full")], BY_HOST),
			fires: { type: "gt", limit: 0 },
			labels: BY_HOST.by,
			summary: `${label("host")}: the agent's spool is full, captures stand still`,
			description: `The agent on ${label("host")} takes no captures until the collector has taken what waits. Nothing is lost, but no new points are made.`,
			mitigation: "Bring the collector back or make it faster; raise `spool.limit` where the disk has room.",
			panel: { dashboard: "self", id: PANELS.self.spool },
		},
		{
			...SAID,
			...counting("series_write_failures"),
			uid: "umbra-write-failures",
			title: "Collector cannot write series",
			severity: "warning",
			pending: "5m",
			...OF_COLLECTOR,
			summary: `${label("host")}: writing to the series store fails`,
			description:
				"Attempts to write to the series store fail and are repeated. Nothing is lost while the collector's disk has room, but what you see here is incomplete.",
			mitigation:
				"The collector's log has the store's answer: away, out of disk, wrong credentials. It catches up by itself.",
			panel: { dashboard: "self", id: PANELS.self.writes },
		},
		{
			...SAID,
			...counting("series_points_refused"),
			uid: "umbra-points-refused",
			title: "Series store refuses points",
			severity: "warning",
			pending: "0s",
			...OF_COLLECTOR,
			summary: `${label("host")}: the series store refuses points for good`,
			description:
				"Points are lost: the store says that it will never take them. Mostly a field has another type there.",
			mitigation:
				"The collector logs each of them with the store's reason. Where another program writes to the same database, give Umbra one of its own.",
			panel: { dashboard: "self", id: PANELS.self.writes },
		},
		{
			...SAID,
			uid: "umbra-series-backlog",
			title: "Series backlog",
			severity: "warning",
			pending: "5m",
			query: collector.summary([collector.last("series_backlog_seconds")], BY_HOST),
			fires: { type: "gt", limit: seriesBacklog / 1000 },
			...OF_COLLECTOR,
			summary: `${label("host")}: series come late${withNumber("B", "seconds", ", # behind")}`,
			description: `Points wait on the collector's disk for the series store${withNumber("B", "seconds", ", the oldest for #")}. Dashboards and rules look at the past.`,
			mitigation:
				"The store takes less than comes: its disk, its memory, its other writers. The backlog is worked off by itself.",
			panel: { dashboard: "self", id: PANELS.self.backlog },
		},
		diskFull("critical", thresholds.diskUsed.critical),
		diskFull("warning", thresholds.diskUsed.warning),
	];
}

/** A counter of the collector that should stand still. */
function counting(field: "series_write_failures" | "series_points_refused") {
	return {
		query: collector.series([collector.rate(field)], BY_HOST),
		windowSeconds: 600,
		stepSeconds: 60,
		reducer: "max",
		fires: { type: "gt", limit: 0 },
	} as const satisfies Partial<Rule>;
}

function diskFull(severity: Severity, limit: number): Rule {
	return {
		...SAID,
		uid: `umbra-collector-disk-${severity}`,
		title: `Collector's disk full (${severity})`,
		severity,
		pending: "10m",
		query: collector.summary([collector.last("disk_used_percent")], BY_HOST),
		fires: { type: "gt", limit, recovers: limit - 2 },
		...OF_COLLECTOR,
		summary: `${label("host")}: the disk of the vault is filling up${withNumber("B", "percent", ", #")}`,
		description: `The filesystem of the collector's data folder fills up${withNumber("B", "percent", ": # is used")}. When it is full, agents are told to wait and their spools fill up.`,
		mitigation:
			"`umbra vault stats` says what it holds, `umbra retention VM` what could go, `umbra vault gc` gives space back. Or enlarge the filesystem.",
		panel: { dashboard: "self", id: PANELS.self.disk },
	};
}
