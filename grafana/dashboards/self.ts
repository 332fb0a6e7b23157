/** How Umbra itself is. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { CONNECTED, FAILING, LATE_STEPS, PERCENT_STEPS } from "../mappings.ts";
import { PANELS } from "../panel-ids.ts";
import { chart, lines, number, table, timeline } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const collector = of("collector");
const agents = of("collector_agent");
const vms = of("collector_vm");
const agent = of("agent");

/** Agents are chosen by host; the collector, of which there is one, is always shown. */
const SCOPE = { scope: ["host"] } as const;
const BY_HOST = { ...SCOPE, by: ["host"] } as const;

export function self(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "self",
			description:
				"Umbra's own health: collector, vault, series store, notifications, agents, and how fresh shadows are.",
			from: "now-6h",
			refresh: "30s",
			variables: { host: variable("host", agents.tagValues("host", {})) },
			marks: [],
			rows: [
				{
					height: 4,
					panels: [
						number({
							id: 1,
							title: "Agents connected",
							about: "Agents whose session stands. Less than are known: see which below.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.last("agents_connected"),
							question: {},
							decimals: 0,
						}),
						number({
							id: 2,
							title: "Agents known",
							about: "Agents that ever said who they are. One of a host that is no more can be forgotten.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.last("agents"),
							question: {},
							decimals: 0,
						}),
						number({
							id: 3,
							title: "VMs",
							about:
								"VMs that the collector knows. One less than yesterday: it was forgotten, or its agent excludes it now.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.last("vms"),
							question: {},
							decimals: 0,
						}),
						number({
							id: PANELS.self.uptime,
							title: "Collector up for",
							about:
								"Short again and again: it crashes or is restarted; `journalctl -u umbra-collector`. Nothing at all: it is down, or cannot write.",
							span: 4,
							last: "5m",
							empty: "Silent",
							source: collector,
							column: collector.last("uptime_seconds"),
							question: {},
						}),
						number({
							id: 5,
							title: "Behind with series",
							about:
								"Age of the oldest point that the series store has not taken. What you see is that old. It is worked off by itself once the store takes it.",
							span: 4,
							last: "15m",
							source: collector,
							column: collector.last("series_backlog_seconds"),
							question: {},
							steps: [
								[60, "yellow"],
								[600, "red"],
							],
						}),
						number({
							id: 6,
							title: "Notifications waiting",
							about:
								"Notifications that no receiver has taken yet. Not 0 for long: a webhook is away or refuses; the collector's log says which.",
							span: 4,
							last: "5m",
							source: collector,
							column: collector.last("notifications_pending"),
							question: {},
							steps: [[1, "yellow"]],
							decimals: 0,
						}),
					],
				},
				{
					title: "Collector and vault",
					height: 8,
					panels: [
						chart({
							id: 10,
							title: "Ingest",
							about:
								"Block contents taken a second. What agents send and the collector does not take stays in their spools.",
							span: 8,
							of: lines(collector, [collector.rate("ingest_bytes", "taken")], {}),
						}),
						chart({
							id: 11,
							title: "Vault",
							about: "What the vault's packs take. It falls when space is given back (`umbra vault gc`, daily).",
							span: 8,
							of: lines(collector, [collector.last("vault_bytes", "vault")], {}),
						}),
						chart({
							id: PANELS.self.disk,
							title: "Collector's disk",
							about:
								"How full the filesystem of its data folder is. Above 85 % shorten retention or enlarge it; full, captures wait in the agents' spools.",
							span: 8,
							of: lines(collector, [collector.last("disk_used_percent", "used")], {}),
							max: 100,
							steps: [
								[85, "yellow"],
								[95, "red"],
							],
						}),
						chart({
							id: 13,
							title: "Collector's processor and event loop",
							about: "Percent of one core. Near 100 % all the time: it is the bottleneck.",
							span: 8,
							of: lines(collector, [collector.mean("cpu_percent", "processor")], {}),
						}),
						chart({
							id: 14,
							title: "Event loop delay",
							about:
								"How late its event loop is (99th percentile). More than 100 ms: answers get slow, agents are held up.",
							span: 8,
							of: lines(collector, [collector.max("event_loop_delay_seconds", "delay")], {}),
							steps: [[0.1, "yellow"]],
						}),
						chart({
							id: 15,
							title: "Collector's memory",
							about:
								"Resident memory. It follows the number of chunks (about 60 bytes each); a climb without that is a leak.",
							span: 8,
							of: lines(collector, [collector.last("rss_bytes", "resident")], {}),
						}),
					],
				},
				{
					title: "Series and notifications",
					height: 8,
					panels: [
						chart({
							id: PANELS.self.writes,
							title: "Writing series",
							about:
								"Points taken and refused a second, and attempts that failed. Failures are repeated; refused points are lost, and logged with the reason.",
							span: 8,
							of: lines(
								collector,
								[
									collector.rate("series_points_written", "written"),
									collector.rate("series_points_refused", "refused"),
									collector.rate("series_write_failures", "failed attempts"),
								],
								{},
							),
						}),
						chart({
							id: PANELS.self.backlog,
							title: "Series backlog",
							about:
								"Points that wait on the collector's disk. A saw is ordinary; a slope: the store takes less than comes.",
							span: 8,
							of: lines(collector, [collector.last("series_backlog_bytes", "waiting")], {}),
						}),
						chart({
							id: 22,
							title: "Failed notifications",
							about: "Attempts a second that no receiver answered well. They are repeated.",
							span: 4,
							of: lines(collector, [collector.rate("notification_failures", "failed")], {}),
						}),
						chart({
							id: 23,
							title: "Samples",
							about: "Samples taken from agents a second, and those that made no sense (an agent of another version?).",
							span: 4,
							of: lines(
								collector,
								[collector.rate("samples", "taken"), collector.rate("samples_rejected", "rejected")],
								{},
							),
						}),
					],
				},
				{
					title: "Agents",
					height: 9,
					panels: [
						table({
							id: PANELS.self.agents,
							title: "Agents, longest silent first",
							about:
								"A silent agent watches nothing. Is the host up, is the collector reached from there, does it run (`systemctl status umbra-agent`)?",
							span: 12,
							last: "5m",
							source: agents,
							where: SCOPE,
							cells: [
								{ of: "host", title: "Host" },
								{ of: agents.last("connected"), title: "State", mappings: CONNECTED },
								{
									of: agents.last("silent_seconds"),
									title: "Silent for",
									steps: [
										[60, "yellow"],
										[120, "red"],
									],
								},
								{ of: agents.last("vms"), title: "VMs" },
								{ of: agents.last("spool_used_percent"), title: "Spool", bar: 100 },
							],
							sort: "Silent for",
						}),
						chart({
							id: PANELS.self.spool,
							title: "Spools",
							about:
								"How full each agent's spool is. A slope: the collector or the network is too slow. At 100 % captures stand still.",
							span: 12,
							of: lines(agents, [agents.max("spool_used_percent")], BY_HOST),
							max: 100,
							steps: PERCENT_STEPS,
						}),
						timeline({
							id: 32,
							title: "Sessions",
							about: "When each agent was connected. Short gaps at the same time on all: the collector was restarted.",
							span: 12,
							of: lines(agents, [agents.last("connected")], BY_HOST),
							mappings: CONNECTED,
						}),
						chart({
							id: 33,
							title: "Captures that failed",
							about: "Captures that failed a second. `umbra vms` has the reason of each VM's last one.",
							span: 6,
							of: lines(agent, [agent.rate("captures", "done"), agent.rate("capture_failures", "failed")], BY_HOST),
						}),
						chart({
							id: 34,
							title: "Readings",
							about:
								"Readings that failed, and samples thrown away because the collector was away too long, a second. Anything but 0 is a gap in charts.",
							span: 6,
							of: lines(
								agent,
								[agent.rate("scrape_failures", "failed"), agent.rate("telemetry_dropped", "thrown away")],
								BY_HOST,
							),
						}),
						chart({
							id: 35,
							title: "What an agent costs its host: processor",
							about:
								"Percent of one core, captures included. High all the time: capture less often, or its VMs change very much.",
							span: 8,
							of: lines(agent, [agent.mean("cpu_percent")], BY_HOST),
						}),
						chart({
							id: 36,
							title: "What an agent costs its host: memory",
							about:
								"Resident memory. It follows the size of its VMs' file trees; a climb that does not end is a leak.",
							span: 8,
							of: lines(agent, [agent.mean("rss_bytes")], BY_HOST),
						}),
						chart({
							id: 37,
							title: "A round of readings",
							about: "What reading all VMs takes. More than the interval (10 s): a monitor answers slowly.",
							span: 8,
							of: lines(agent, [agent.max("scrape_seconds")], BY_HOST),
						}),
					],
				},
				{
					title: "How fresh shadows are",
					height: 9,
					panels: [
						table({
							id: PANELS.self.late,
							title: "Captures, latest first",
							about:
								"How far each VM is behind its schedule. Failing: `umbra vms` says why. Scratch full: raise its limit or capture more often.",
							span: 12,
							last: "5m",
							source: vms,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: vms.last("capture_late_seconds"), title: "Late by", steps: LATE_STEPS },
								{ of: vms.last("point_age_seconds"), title: "Newest point" },
								{ of: vms.last("capture_failing"), title: "Last capture", mappings: FAILING },
								{ of: vms.last("points"), title: "Points" },
							],
							sort: "Late by",
						}),
						chart({
							id: 41,
							title: "Late by",
							about: "How far behind each VM was. A saw of one step is ordinary; a slope is captures that fail.",
							span: 12,
							of: lines(vms, [vms.max("capture_late_seconds")], { ...SCOPE, by: ["host", "vm"] }),
						}),
					],
				},
			],
		},
		settings,
	);
}
