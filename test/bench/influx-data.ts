/** Points as agents of a fleet bring them: rounds of readings every ten seconds, of VMs with disks, interfaces and processors. */
import type { Point } from "../../common/measurements/measurements.ts";
import { createRandom, type Random } from "../../common/random.ts";

/** `fleet`: what agents read of VMs, 13 fields a point; `sensors`: one field a point. */
export type Kind = "fleet" | "sensors";

const START_S = 1_700_000_000;
const ROUND_S = 10;
const HOSTS = 32;
const VMS_A_HOST = 16;
const SENSORS_A_HOST = 96;

/** Rounds that are made before a clock starts; what follows is the same objects again, with later times. */
const MADE_ROUNDS = 8;
const LAP_NS = BigInt(MADE_ROUNDS * ROUND_S) * 1_000_000_000n;

type Reused = { -readonly [K in keyof Point]: Point[K] };

/**
 * What agents send at a time: a round of one host. Their points are together `count`; each comes once. A round's objects are
 * used again 255 rounds later: to make new ones, or to have them all in memory, would cost more than what is measured.
 */
export function rounds(kind: Kind, count: number): Generator<Point[]> {
	const made = Array.from({ length: MADE_ROUNDS }, (_, round) => roundOf(kind, round)).flat();
	return again(made, count);
}

function* again(made: readonly Reused[][], count: number): Generator<Point[]> {
	let left = count;
	for (let lap = 0; ; lap++) {
		for (const batch of made) {
			// All points of a round have one time.
			const timeNs = (batch[0] as Point).timeNs + (lap === 0 ? 0n : LAP_NS);
			for (const point of batch) point.timeNs = timeNs;
			yield left < batch.length ? batch.slice(0, left) : batch;
			left -= batch.length;
			if (left <= 0) return;
		}
	}
}

function roundOf(kind: Kind, round: number): Reused[][] {
	const random = createRandom(round);
	return Array.from({ length: HOSTS }, (_, at) => {
		const host = received(`hypervisor-${String(at).padStart(2, "0")}`);
		const timeNs = BigInt(START_S + round * ROUND_S) * 1_000_000_000n + BigInt(at) * 31_250_123n;
		return kind === "fleet" ? readings(random, host, timeNs, round) : sensors(random, host, timeNs);
	});
}

/** Text as a collector decodes it: in one piece. What a template makes is pieces, in which each letter is looked for. */
function received(text: string): string {
	return Buffer.from(text).toString();
}

function sensors(random: Random, host: string, timeNs: bigint): Point[] {
	return Array.from({ length: SENSORS_A_HOST }, (_, at) => ({
		measurement: "host_temperature",
		tags: { host, sensor: received(`coretemp core ${at}`) },
		timeNs,
		fields: { celsius: 30 + random.below(400) / 10 },
	}));
}

function readings(random: Random, host: string, timeNs: bigint, round: number): Point[] {
	const rise = (aRound: number): number => round * aRound + random.below(aRound);
	const share = (): number => random.below(100_000) / 1000;
	const points: Point[] = [];
	for (let at = 0; at < VMS_A_HOST; at++) {
		const tags = { host, vm: received(`vm-${host.slice(-2)}-${at}`) };
		const fields = {
			...{
				state: 1,
				up: 1,
				uptime_seconds: round * ROUND_S,
				cpu_time: rise(4e9),
				cpu_user: rise(1e9),
				cpu_system: rise(5e8),
			},
			...{ cpu_usage_percent: share(), cpu_steal_percent: share() / 50, vcpu_current: 2, vcpu_maximum: 4 },
			...{
				memory_bytes: 2 ** 31,
				memory_used_percent: share(),
				balloon_rss: 2 ** 20 + random.below(2 ** 18),
				threads: 9,
			},
			query_seconds: random.below(9000) / 1e6,
		};
		points.push({ measurement: "vm", tags, timeNs, fields });
		for (const vcpu of ["0", "1"]) {
			const fields = {
				state: 1,
				time: rise(2e9),
				wait: rise(1e7),
				delay: rise(1e8),
				halted: random.below(2),
				exits: rise(9000),
			};
			points.push({ measurement: "vm_vcpu", tags: { ...tags, vcpu }, timeNs, fields });
		}
		for (const disk of ["vda", "vdb"]) {
			const fields = {
				...{
					rd_reqs: rise(900),
					rd_bytes: rise(9e6),
					rd_times: rise(1e8),
					wr_reqs: rise(700),
					wr_bytes: rise(7e6),
					wr_times: rise(1e8),
				},
				...{ fl_reqs: rise(60), fl_times: rise(1e7), rd_merged: 0, wr_merged: 0, unmap_bytes: rise(4096), errors: 0 },
				...{ idle_seconds: random.below(1e6) / 1e5, allocation: 2 ** 34, capacity: 2 ** 35, physical: 2 ** 34 },
			};
			points.push({ measurement: "vm_disk", tags: { ...tags, disk }, timeNs, fields });
		}
		const counts = {
			rx_bytes: rise(1e6),
			rx_pkts: rise(900),
			rx_errs: 0,
			rx_drop: 0,
			tx_bytes: rise(1e6),
			tx_pkts: rise(900),
		};
		points.push({
			measurement: "vm_nic",
			tags: { ...tags, nic: "net0" },
			timeNs,
			fields: { ...counts, tx_errs: 0, tx_drop: 0, up: 1 },
		});
	}
	return points;
}
