/** How Umbra itself is: what the collector says of itself, of the agents and of how fresh each VM's shadow is. */
import { counter, gauge, HOST, type Measurement, VM } from "./measurement.ts";

const WRITTEN = "by the collector, every 10 s";

export const SELF_MEASUREMENTS = {
	collector: {
		about: "The collector itself.",
		written: WRITTEN,
		tags: { host: "Host on which the collector runs" },
		fields: {
			rss_bytes: gauge("bytes", "Its resident memory"),
			cpu_percent: gauge("percent", "Of one core, since the reading before"),
			event_loop_delay_seconds: gauge(
				"seconds",
				"How late its event loop is, 99th percentile since the reading before",
			),
			uptime_seconds: gauge("seconds", "How long it has been running"),
			agents: gauge("count", "Agents known"),
			agents_connected: gauge("count", "Agents connected"),
			vms: gauge("count", "VMs known"),
			alerts_firing: gauge("count", "Alerts that fire"),
			changesets: counter("count", "Changesets taken since it started"),
			unjudged_vms: gauge("count", "VMs of which a changeset waits to be judged"),
			ingest_bytes: counter("bytes", "Block contents taken since it started, as they travel"),
			samples: counter("count", "Samples taken from agents since it started"),
			samples_rejected: counter("count", "Samples that made no sense"),
			vault_bytes: gauge("bytes", "What the vault's packs take"),
			vault_chunks: gauge("count", "Chunks in the vault"),
			disk_free_bytes: gauge("bytes", "Free space on the filesystem of its data folder"),
			disk_used_percent: gauge("percent", "How full the filesystem of its data folder is"),
			series_points_written: counter("count", "Points that the series store has taken for good"),
			series_points_refused: counter("count", "Points that the series store will never take; each is logged"),
			series_write_failures: counter("count", "Attempts to write to the series store that failed; they are repeated"),
			series_changes_behind: gauge("count", "Changesets, verdicts and alerts that are not in the series store yet"),
			series_backlog_bytes: gauge("bytes", "Points on the collector's disk that the series store has not taken yet"),
			series_backlog_seconds: gauge("seconds", "Age of the oldest of them"),
			notifications_pending: gauge("count", "Notifications that no receiver has taken yet"),
			notification_failures: counter("count", "Attempts to notify that failed; they are repeated"),
		},
	},
	collector_agent: {
		about: "An agent as the collector sees it, whether or not it is connected.",
		written: WRITTEN,
		tags: { host: HOST },
		fields: {
			connected: gauge("0/1", "1: its session stands and it is heard of"),
			silent_seconds: gauge("seconds", "Time since it was last heard of"),
			vms: gauge("count", "VMs that it last told of"),
			spool_used_percent: gauge("percent", "How full its spool was when it last told"),
			spool_full: gauge("0/1", "1: captures stand still"),
		},
	},
	collector_vm: {
		about: "How fresh a VM's shadow is.",
		written: WRITTEN,
		tags: { host: HOST, vm: VM },
		fields: {
			point_age_seconds: gauge("seconds", "Time since its newest point"),
			capture_late_seconds: gauge(
				"seconds",
				"How much longer than its schedule says that is; 0 where captures are paused",
			),
			capture_failing: gauge("0/1", "1: its last capture failed"),
			points: gauge("count", "Points that can be restored, counted every ten minutes"),
			firing_alerts: gauge("count", "Alerts that fire on it"),
			risk: gauge("share", "The greatest of its anomaly score, firing alerts and predictions, 0 to 1"),
		},
	},
} as const satisfies Readonly<Record<string, Measurement>>;
