/** What a collector ought to keep, said as simply as it can be: points with the contents of their disks, and what holds them. */
import assert from "node:assert/strict";
import { formatTime } from "../../common/units.ts";
import type { RetentionPolicy } from "../retention/settings.ts";

/** Which block holds which content; blocks that are not named are zero. */
export type Contents = ReadonlyMap<number, number>;

export interface ModelDisk {
	readonly blocks: number;
	readonly contents: Contents;
}

export interface ModelPoint {
	readonly vm: string;
	readonly id: string;
	readonly time: bigint;
	readonly disks: ReadonlyMap<string, ModelDisk>;
	/** Paths of its file changes. */
	readonly files: readonly string[];
	isHeld: boolean;
	isJudged: boolean;
}

/** What the catalog says of a VM. */
export interface Found {
	readonly points: readonly { readonly time: bigint; readonly id: string }[];
	readonly held: ReadonlySet<bigint>;
	readonly unjudged: ReadonlySet<bigint>;
	/** Times of the points for which an alert fires. */
	readonly alerts: readonly bigint[];
}

export class ModelVm {
	readonly name: string;
	readonly policy: RetentionPolicy;
	/** Acknowledged, oldest first. */
	points: ModelPoint[] = [];
	/** Under way, or failed in a way that leaves open whether they are there. */
	readonly maybe = new Set<ModelPoint>();
	/** May go, or have gone; nobody was told for sure. */
	readonly going = new Set<ModelPoint>();
	/** Gone for sure: that they went was acknowledged. */
	readonly gone = new Set<bigint>();
	alerts: bigint[] = [];
	/** Something failed that leaves open what is held, judged and alerted. */
	isInDoubt = false;

	constructor(name: string, policy: RetentionPolicy) {
		this.name = name;
		this.policy = policy;
	}

	get head(): ModelPoint | undefined {
		return this.points.at(-1);
	}

	find(time: bigint): ModelPoint | undefined {
		return this.points.find((point) => point.time === time);
	}

	/** It was acknowledged; where it went at once, that is known already. */
	acknowledge(point: ModelPoint): void {
		if (this.maybe.delete(point) && !this.gone.has(point.time)) this.points.push(point);
	}

	/** That it went was acknowledged. */
	drop(point: ModelPoint): void {
		this.points = this.points.filter((other) => other !== point);
		this.maybe.delete(point);
		this.going.delete(point);
		this.gone.add(point.time);
	}

	/** Those of these points that stay. */
	kept(points: readonly ModelPoint[] = this.points): Set<ModelPoint> {
		const newest = points.toSorted((a, b) => (a.time < b.time ? 1 : -1));
		const kept = new Set(newest.filter(({ isHeld, isJudged }, at) => at === 0 || isHeld || !isJudged));
		for (const time of this.alerts) {
			// Where it showed, and the point before that.
			for (const point of newest.filter((other) => other.time <= time).slice(0, 2)) kept.add(point);
		}
		for (const [rule, period] of Object.entries(PERIODS)) {
			const seen = new Set<string>();
			for (const point of newest) {
				const key = period(point.time);
				if (seen.has(key)) continue;
				if (seen.size === this.policy[rule as keyof typeof PERIODS]) break;
				seen.add(key);
				kept.add(point);
			}
		}
		return kept;
	}

	/**
	 * Compares with what is there, while nothing is under way, and takes over what was open.
	 *
	 * @throws AssertionError where something is missing that must be there, or there that must not be.
	 */
	settle(found: Found): void {
		const there = new Map(found.points.map(({ time, id }) => [time, id]));
		for (const point of [...this.maybe]) {
			if (there.get(point.time) !== point.id) this.maybe.delete(point);
			else this.acknowledge(point);
		}
		this.points.sort((a, b) => (a.time < b.time ? -1 : 1));
		for (const point of [...this.points]) {
			if (there.get(point.time) === point.id) continue;
			assert.ok(this.going.has(point), `${this.name}@${formatTime(point.time)} (${point.id}) is lost`);
			this.drop(point);
		}
		this.going.clear();
		for (const [time, id] of there) {
			assert.ok(!this.gone.has(time), `${this.name}@${formatTime(time)} (${id}) went, and is back`);
			assert.equal(this.find(time)?.id, id, `${this.name}@${formatTime(time)} comes from nowhere`);
		}
		if (this.isInDoubt) this.#believe(found);
		this.isInDoubt = false;
		const times = (which: (point: ModelPoint) => boolean) => this.points.filter(which).map(({ time }) => time);
		assert.deepEqual([...found.held].sort(), times(({ isHeld }) => isHeld).sort(), `what is held of ${this.name}`);
		const unjudged = times(({ isJudged }) => !isJudged);
		assert.deepEqual([...found.unjudged].sort(), unjudged.sort(), `what waits for its verdict of ${this.name}`);
		assert.deepEqual([...found.alerts].sort(), [...this.alerts].sort(), `what fires of ${this.name}`);
	}

	#believe(found: Found): void {
		for (const point of this.points) {
			point.isHeld = found.held.has(point.time);
			point.isJudged = !found.unjudged.has(point.time);
		}
		this.alerts = [...found.alerts];
	}
}

/** The period that a time lies in, UTC. */
const PERIODS = {
	last: (time: bigint) => String(time),
	hourly: (time: bigint) => dateOf(time).toISOString().slice(0, 13),
	daily: (time: bigint) => dateOf(time).toISOString().slice(0, 10),
	weekly: (time: bigint) => {
		const date = dateOf(time);
		// The Monday that it begins with.
		date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
		return date.toISOString().slice(0, 10);
	},
	monthly: (time: bigint) => dateOf(time).toISOString().slice(0, 7),
} as const;

function dateOf(time: bigint): Date {
	return new Date(Number(time / 1_000_000n));
}
