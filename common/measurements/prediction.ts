/** What shadow VMs were put through, and what that says of the production VM. */
import { gauge, HOST, type Measurement, text, VM } from "./measurement.ts";

const FAILURE =
	"Type of failure, one of nineteen: `kernel-panic`, `oops`, `soft-lockup`, `hung-task`, `oom-kill`, `io-error`, `probe-failure`, ...";

export const PREDICTION_MEASUREMENTS = {
	trial: {
		about: "One trial of a shadow VM under one stress profile, when it ended.",
		written: "by the collector, once a trial",
		tags: {
			host: "Host on which it ran",
			vm: "Production VM that it was made from",
			outcome: "`survived`, `degraded`, `failed`, `lost`",
			failure: FAILURE,
		},
		fields: {
			count: gauge("count", "1, to be summed"),
			duration_seconds: gauge("seconds", "How long it ran"),
			time_to_failure_seconds: gauge("seconds", "From the first stress to the failure"),
			clone_ms: gauge("ms", "From template to running"),
			memory_bytes: gauge("bytes", "Additional memory that it took"),
			control: gauge("0/1", "1: the batch's clone without stress"),
			id: text("Its id, for `umbra trial show`"),
			profile: text("Stress profile"),
			signature: text("Title of the signature that it was filed under"),
		},
	},
	prediction: {
		about: "How much at risk a production VM is of one kind of failure.",
		written: "by the collector, when it changes and each minute while it stands",
		tags: { host: HOST, vm: VM, failure: FAILURE, severity: "`info`, `warning`, `critical`" },
		fields: {
			probability: gauge("share", "0 to 1"),
			confidence: gauge("share", "How far that is to be believed, 0 to 1"),
			hours_to_failure: gauge("hours", "Expected"),
			hours_to_failure_low: gauge("hours", "The early end of the 80 % interval"),
			hours_to_failure_high: gauge("hours", "The late end of the 80 % interval"),
			active: gauge("0/1", "1: it stands, 0: it was taken back"),
			id: text("Its id"),
			signature: text("Title of the signature"),
			evidence: text("What in the telemetry resembles its lead-up"),
			mitigation: text("What to do first"),
		},
	},
} as const satisfies Readonly<Record<string, Measurement>>;
