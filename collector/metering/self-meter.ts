/** What the collector can say of itself, of its agents and of how fresh each VM's shadow is: for the series store and for Prometheus. */
import { statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Point, point } from "../../common/measurements/measurements.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { AlertRecord, Severity, VmRecord } from "../catalog/records.ts";
import type { AgentTable } from "../ingest/agents.ts";
import type { AgentStatus, VmStatus } from "../ingest/heartbeat.ts";
import type { SeriesStatus } from "../series/series-store.ts";
import { scheduleInterval } from "./schedule-interval.ts";

/** What a counter of the collector's parts stands at. */
export interface SelfCounters {
	readonly changesets: number;
	readonly ingestBytes: number;
	readonly samples: number;
	readonly samplesRejected: number;
	readonly unjudgedVms: number;
	readonly changesBehind: number;
	readonly notificationFailures: number;
	readonly vault: { readonly chunks: number; readonly storedBytes: number };
	readonly series: SeriesStatus;
}

export interface SelfMeterOptions {
	readonly dataDir: string;
	readonly catalog: Catalog;
	readonly agents: AgentTable;
	readonly counters: () => SelfCounters;
}

/** How much an alert says about the risk that its VM is at. */
const ALERT_RISK: Readonly<Record<Severity, number>> = { info: 0.2, warning: 0.6, critical: 1 };
/** Counting a VM's points reads the keys of all of them. */
const COUNTED_EVERY_MS = 600_000;
/** A verdict says nothing of today when it is older. */
const VERDICT_LIFETIME_NS = 3600n * 1_000_000_000n;

export class SelfMeter implements Disposable {
	readonly #options: SelfMeterOptions;
	readonly #host = hostname();
	readonly #delay = monitorEventLoopDelay({ resolution: 20 });
	#cpu = process.cpuUsage();
	#cpuAt = performance.now();
	/** Points of each VM, and when they were counted. */
	readonly #counted = new Map<string, { readonly points: number; readonly at: number }>();

	constructor(options: SelfMeterOptions) {
		this.#options = options;
		this.#delay.enable();
	}

	[Symbol.dispose](): void {
		this.#delay.disable();
	}

	/**
	 * `collector`, `collector_agent` and `collector_vm`.
	 *
	 * @throws UmbraError where the catalog cannot be read.
	 */
	async points(nowNs: bigint): Promise<Point[]> {
		const { catalog, agents } = this.#options;
		const firing = await catalog.firingAlerts();
		const vms = await everyPage((cursor) => catalog.vms({ cursor }));
		const known = await everyPage((cursor) => catalog.agents({ cursor }));
		const names = new Set(vms.map(({ vm }) => vm));
		for (const vm of this.#counted.keys()) if (!names.has(vm)) this.#counted.delete(vm);
		const points: (Point | null)[] = [];
		for (const { id, host, lastSeen } of known) {
			points.push(agentPoint(host, agents.status(id), BigInt(lastSeen), nowNs));
		}
		for (const vm of vms) points.push(await this.#vmPoint(vm, firing, nowNs));
		const connected = known.filter(({ id }) => agents.isAlive(id)).length;
		points.push(await this.#ownPoint({ agents: known.length, connected, vms: vms.length, firing }, nowNs));
		return points.filter((each) => each !== null);
	}

	async #ownPoint(
		found: { agents: number; connected: number; vms: number; firing: readonly AlertRecord[] },
		nowNs: bigint,
	): Promise<Point | null> {
		const { series, vault, ...counters } = this.#options.counters();
		const space = await statfs(this.#options.dataDir).catch(() => undefined);
		const delay = this.#delay.percentile(99) / 1e9;
		this.#delay.reset();
		return point("collector", { host: this.#host }, nowNs, {
			rss_bytes: process.memoryUsage.rss(),
			cpu_percent: this.#cpuPercent(),
			event_loop_delay_seconds: delay,
			uptime_seconds: process.uptime(),
			agents: found.agents,
			agents_connected: found.connected,
			vms: found.vms,
			alerts_firing: found.firing.length,
			changesets: counters.changesets,
			unjudged_vms: counters.unjudgedVms,
			ingest_bytes: counters.ingestBytes,
			samples: counters.samples,
			samples_rejected: counters.samplesRejected,
			vault_bytes: vault.storedBytes,
			vault_chunks: vault.chunks,
			disk_free_bytes: space && space.bavail * space.bsize,
			disk_used_percent: space && (1 - space.bavail / (space.bavail + (space.blocks - space.bfree))) * 100,
			series_points_written: series.pointsWritten,
			series_points_refused: series.pointsRefused,
			series_write_failures: series.writeFailures,
			series_changes_behind: counters.changesBehind,
			series_backlog_bytes: series.backlogBytes,
			series_backlog_seconds: series.backlogSeconds,
			notifications_pending: found.firing.reduce((sum, { undelivered }) => sum + undelivered.length, 0),
			notification_failures: counters.notificationFailures,
		});
	}

	#cpuPercent(): number {
		const [before, at] = [this.#cpu, this.#cpuAt];
		this.#cpu = process.cpuUsage();
		this.#cpuAt = performance.now();
		const used = this.#cpu.user + this.#cpu.system - before.user - before.system;
		return (used / 1000 / Math.max(1, this.#cpuAt - at)) * 100;
	}

	async #countPoints(vm: string): Promise<number> {
		const now = performance.now();
		const before = this.#counted.get(vm);
		if (before !== undefined && now - before.at < COUNTED_EVERY_MS) return before.points;
		let points = 0;
		for await (const _ of this.#options.catalog.pointTimes(vm)) points++;
		this.#counted.set(vm, { points, at: now });
		return points;
	}

	async #vmPoint(record: VmRecord, firing: readonly AlertRecord[], nowNs: bigint): Promise<Point | null> {
		const { catalog, agents } = this.#options;
		const { vm, headTime } = record;
		const status = agents.agentOf(vm)?.heartbeat?.vms.find((each) => each.vm === vm);
		const age = seconds(nowNs - BigInt(headTime));
		const alerts = firing.filter((alert) => alert.vm === vm);
		const verdict =
			nowNs - BigInt(headTime) < VERDICT_LIFETIME_NS ? (await catalog.changeset(vm, headTime))?.verdict : null;
		const risks = [verdict?.score ?? 0, ...alerts.map(({ severity }) => ALERT_RISK[severity])];
		return point("collector_vm", { host: record.host, vm }, nowNs, {
			point_age_seconds: age,
			capture_late_seconds: lateness(status, age, nowNs),
			capture_failing: status === undefined ? undefined : status.lastError === "" ? 0 : 1,
			points: await this.#countPoints(vm),
			firing_alerts: alerts.length,
			risk: Math.max(...risks),
		});
	}
}

function agentPoint(host: string, status: AgentStatus | undefined, lastSeen: bigint, nowNs: bigint): Point | null {
	const heartbeat = status?.heartbeat;
	const isHere = status !== undefined && !status.stale;
	return point("collector_agent", { host }, nowNs, {
		connected: isHere ? 1 : 0,
		silent_seconds: seconds(nowNs - (status === undefined ? lastSeen : BigInt(status.lastSeen))),
		vms: heartbeat?.vms.length,
		spool_used_percent: heartbeat ? (heartbeat.spoolBytes / Math.max(1, heartbeat.spoolLimitBytes)) * 100 : undefined,
		spool_full: heartbeat ? Number(heartbeat.spoolFull) : undefined,
	});
}

/** Beyond the schedule. Nobody waits for a capture of a VM that is gone or paused, or of one whose agent does not say. */
function lateness(status: VmStatus | undefined, age: number, nowNs: bigint): number {
	if (status === undefined || status.state === "gone") return 0;
	const interval = scheduleInterval(status.schedule, new Date(Number(nowNs / 1_000_000n)));
	return interval === undefined ? 0 : Math.max(0, age - interval / 1000);
}

function seconds(nanoseconds: bigint): number {
	return Math.max(0, Number(nanoseconds) / 1e9);
}

async function everyPage<T>(
	read: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): Promise<T[]> {
	const all: T[] = [];
	let cursor: string | undefined;
	do {
		const page = await read(cursor);
		all.push(...page.items);
		cursor = page.next ?? undefined;
	} while (cursor !== undefined);
	return all;
}
