/**
 * A day in the life of a small fleet, as every measurement would have it: two hosts, four VMs, and half an hour before its end
 * everything that can go wrong does, on one VM and one host alone. Nothing of it is random.
 */
import {
	definitionOf,
	type FieldsOf,
	MEASUREMENTS,
	type MeasurementName,
	type Point,
	point,
	type TagsOf,
} from "../../common/measurements/measurements.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const END_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
/** Before, all is well. */
export const INCIDENT_MS = END_MS - 30 * MINUTE;

/** Names with what means something in a regular expression, and one that `web.1` would match as one. */
export const GOOD = { host: "kvm-1", vm: "web.1" } as const;
export const ALIKE = { host: "kvm-1", vm: "web91" } as const;
export const BAD = { host: "kvm-1", vm: "files 1" } as const;
/** On the host whose agent is silent. */
export const LATE = { host: "kvm-2", vm: "db (old)" } as const;
export const MACHINES = [GOOD, ALIKE, BAD, LATE] as const;
export const HOSTS = ["kvm-1", "kvm-2"] as const;
export const SILENT_HOST = "kvm-2";
/** Where the collector runs. */
export const COLLECTOR_HOST = "umbra";

/** A counter rises by this a second, whatever it counts. */
export const COUNTER_RATE = 10;
export const CHANGED_FILES = ["/srv/share/plan.xlsx", "/var/log/app.log", "/etc/passwd"] as const;

export function recordedRun(): Point[] {
	return [...everyMinute(), ...everyCapture(), ...everyHour(), ...events()];
}

/** Every field of a measurement: gauges by their place in it, counters rising, texts that say what they are. */
function filled<M extends MeasurementName>(
	measurement: M,
	tags: TagsOf<M>,
	timeMs: number,
	own: FieldsOf<M> = {},
): Point {
	const fields = Object.entries(definitionOf(measurement).fields).map(([name, { kind, unit }], index) => {
		if (kind === "text") return [name, `${measurement} ${name}`];
		if (kind === "counter") return [name, COUNTER_RATE * ((timeMs - (END_MS - 31 * DAY)) / SECOND)];
		return [name, unit === "share" ? (index + 1) / 100 : index + 1];
	});
	const made = point(measurement, tags, BigInt(timeMs) * 1_000_000n, {
		...Object.fromEntries(fields),
		...own,
	} as FieldsOf<M>);
	if (made === null) throw new Error(`${measurement} without a field`);
	return made;
}

function* times(lastMs: number, stepMs: number): Generator<number> {
	for (let time = END_MS - lastMs + stepMs; time <= END_MS; time += stepMs) yield time;
}

function isBad(timeMs: number): boolean {
	return timeMs > INCIDENT_MS;
}

/** What agents and collector read of the present. */
function* everyMinute(): Generator<Point> {
	for (const time of times(3 * HOUR, MINUTE)) {
		for (const host of HOSTS) yield* hostReadings(host, time);
		for (const machine of MACHINES) yield* vmReadings(machine, time);
		const incident = isBad(time) ? (time - INCIDENT_MS) / SECOND : 0;
		yield filled("collector", { host: COLLECTOR_HOST }, time, {
			agents: HOSTS.length,
			agents_connected: isBad(time) ? HOSTS.length - 1 : HOSTS.length,
			vms: MACHINES.length,
			alerts_firing: isBad(time) ? 2 : 0,
			disk_used_percent: isBad(time) ? 96 : 40,
			series_write_failures: incident,
			series_points_refused: incident / 10,
			series_backlog_seconds: isBad(time) ? 1200 : 1,
			uptime_seconds: 5 * 86_400,
		});
		for (const host of HOSTS) {
			const silent = host === SILENT_HOST && isBad(time);
			yield filled("collector_agent", { host }, time, {
				connected: silent ? 0 : 1,
				silent_seconds: silent ? incident : 2,
				spool_used_percent: silent ? 100 : 3,
				spool_full: silent ? 1 : 0,
			});
		}
		for (const machine of MACHINES) {
			const late = machine === LATE && isBad(time);
			yield filled("collector_vm", machine, time, {
				risk: machine === BAD && isBad(time) ? 0.93 : 0.02,
				firing_alerts: machine === BAD && isBad(time) ? 1 : 0,
				capture_late_seconds: late ? 2400 : 0,
				capture_failing: late ? 1 : 0,
			});
		}
	}
}

function* hostReadings(host: string, time: number): Generator<Point> {
	yield filled("host", { host }, time);
	yield filled("host_disk", { host, disk: "sda" }, time);
	yield filled("host_nic", { host, nic: "eth0" }, time);
	yield filled("host_filesystem", { host, mount: "/" }, time);
	yield filled("host_temperature", { host, sensor: "coretemp" }, time, { celsius: 41 });
	yield filled("agent", { host }, time);
}

function* vmReadings(machine: (typeof MACHINES)[number], time: number): Generator<Point> {
	const { host, vm } = machine;
	yield filled("vm", { host, vm }, time, { state: 1, cpu_usage_percent: machine === BAD ? 90 : 12 });
	for (const vcpu of ["0", "1"]) yield filled("vm_vcpu", { host, vm, vcpu }, time);
	for (const disk of ["vda", "vdb"]) yield filled("vm_disk", { host, vm, disk }, time);
	yield filled("vm_nic", { host, vm, nic: "net0" }, time);
}

/** What comes once a changeset; the nth VM changes by n MiB. */
function* everyCapture(): Generator<Point> {
	for (const time of times(DAY, 10 * MINUTE)) {
		for (const [index, machine] of MACHINES.entries()) {
			const wrong = machine === BAD && isBad(time);
			const changed = (index + 1) * 1024 ** 2 * (wrong ? 100 : 1);
			yield filled("change", machine, time, { changed_bytes: changed, rate_bytes_per_minute: changed / 10 });
			for (const disk of ["vda", "vdb"]) {
				yield filled("change_disk", { ...machine, disk }, time, { changed_bytes: changed / 2 });
			}
			yield filled("vm_volume", { ...machine, disk: "vda", volume: "1" }, time, { used_percent: wrong ? 99 : 50 });
			for (const [place, path] of CHANGED_FILES.entries()) {
				yield filled("file_hot", { ...machine, disk: "vda", rank: `0${place + 1}` }, time, {
					path,
					change: "modified",
					owner: "alice",
					changed_bytes: changed / 2 ** (place + 1),
				});
			}
			yield filled("anomaly", { ...machine, severity: wrong ? "critical" : "info" }, time, {
				score: wrong ? 0.95 : 0.1,
				feature: wrong ? "documentsLost" : "changedBytes",
				files: CHANGED_FILES[0],
			});
		}
	}
}

function* everyHour(): Generator<Point> {
	for (const time of times(30 * DAY, HOUR)) {
		for (const machine of MACHINES) {
			const days = machine === BAD ? 2 : machine === LATE ? 10 : 3650;
			yield filled("forecast", { ...machine, disk: "vda", volume: "1" }, time, {
				days_to_full: isBad(time) ? days : 100,
			});
		}
	}
}

function* events(): Generator<Point> {
	for (const time of times(30 * MINUTE, 10 * MINUTE)) {
		yield filled("trigger", { ...BAD, trigger: "mass-rewrite", severity: "critical" }, time, {
			count: 1,
			files: CHANGED_FILES[0],
			summary: "documents rewritten as if encrypted",
		});
	}
	for (const time of times(30 * MINUTE, MINUTE)) {
		const alert = { ...BAD, cause: "mass-rewrite", severity: "critical" } as const;
		yield filled("alert", alert, time, {
			firing: 1,
			score: 0.97,
			files: CHANGED_FILES.join(", "),
			mitigation: "Cut it off the network",
		});
		yield filled("alert", { ...alert, cause: "anomaly" }, time, { firing: 1, score: 0.91 });
		yield filled("alert", { ...LATE, cause: "vault-damage", severity: "warning" }, time, { firing: 1 });
		yield filled("alert", { ...BAD, cause: "vault-damage", severity: "critical" }, time, { firing: 1 });
		// Without a score and a count of files: a rule must not miss it for that.
		const bare = { ...LATE, cause: "log-cleared", severity: "warning" } as const;
		yield point("alert", bare, BigInt(time) * 1_000_000n, { firing: 1 })!;
		yield filled("alert", { ...BAD, cause: "log-growth", severity: "warning" }, time, { firing: 1, score: 0.6 });
		yield filled("alert", { ...BAD, cause: "anomaly", severity: "warning" }, time, { firing: 1, score: 0.75 });
		yield filled("prediction", { ...BAD, failure: "oom", severity: "critical" }, time, {
			active: 1,
			probability: 0.8,
			confidence: 0.7,
			hours_to_failure: 12,
		});
		yield filled("prediction", { ...BAD, failure: "io-error", severity: "warning" }, time, {
			active: 1,
			probability: 0.55,
			confidence: 0.4,
			hours_to_failure: 400,
		});
		yield filled("prediction", { ...GOOD, failure: "oom", severity: "critical" }, time, {
			active: 0,
			hours_to_failure: 3,
		});
	}
	// Over: the last that is said of it is that it is resolved.
	for (const [minutes, firing] of [
		[3, 1],
		[2, 0],
	] as const) {
		yield filled("alert", { ...GOOD, cause: "critical-file", severity: "critical" }, END_MS - minutes * MINUTE, {
			firing,
		});
	}
	for (const time of times(2 * DAY, 6 * HOUR)) {
		for (const machine of MACHINES) {
			yield filled("trial", { ...machine, outcome: "survived", failure: "none" }, time, { count: 1, control: 1 });
			yield filled("trial", { ...machine, outcome: "failed", failure: "oom" }, time + MINUTE - HOUR, {
				count: 1,
				control: machine === LATE ? 1 : 0,
				signature: "out of memory in postgres",
				profile: "memory-half",
				time_to_failure_seconds: 90,
			});
		}
	}
}

/** All points of a measurement, narrowed by tags and time. */
export function recorded(
	points: readonly Point[],
	measurement: MeasurementName,
	tags: Readonly<Record<string, string>>,
	sinceMs = 0,
): Point[] {
	return points.filter(
		(each) =>
			each.measurement === measurement &&
			each.timeNs >= BigInt(sinceMs) * 1_000_000n &&
			Object.entries(tags).every(([name, value]) => each.tags[name] === value),
	);
}

export function lineOf({ measurement, tags, fields, timeNs }: Point): string {
	const key = (text: string) => text.replaceAll(/[ ,=]/g, "\\$&");
	const value = (each: number | string) =>
		typeof each === "number" ? String(each) : `"${each.replaceAll(/["\\]/g, "\\$&")}"`;
	const series = [measurement, ...Object.entries(tags).map(([name, each]) => `${key(name)}=${key(each)}`)].join(",");
	const values = Object.entries(fields).map(([name, each]) => `${key(name)}=${value(each)}`);
	return `${series} ${values.join(",")} ${timeNs}`;
}

export const ALL_MEASUREMENTS = Object.keys(MEASUREMENTS) as MeasurementName[];
