/**
 * A profile as what is to be done when: all that it leaves to chance is drawn here, from its seed, so that the same profile with the
 * same seed comes to the same steps, to the millisecond.
 */
import { UmbraError } from "../errors.ts";
import { createRandom, type Random } from "../random.ts";
import { type Amount, type LeverName, type LeverSetting, MOMENTARY } from "./levers.ts";
import type { StressProfile } from "./profile.ts";

/** Steps of one profile; more is a mistake. */
const MAX_STEPS = 100_000;

/** What a lever shall do, in numbers: every `between` drawn, every `ramp` at one of its steps. */
export type LeverValues = Readonly<Record<string, string | number>>;

export interface ScheduledStep {
	/** From the beginning of the trial; a whole number. */
	readonly atMs: number;
	/** Of the profile, from 0. */
	readonly phase: number;
	/** Of the phase, from 0. */
	readonly index: number;
	readonly lever: LeverName;
	/** `set`: from now on; again, of one that is set: changed. `revert`: taken back. `fire`: done once. */
	readonly action: "set" | "revert" | "fire";
	/** Empty of a revert. */
	readonly values: LeverValues;
	/** For what is drawn only when it is done, such as which pages are hit. */
	readonly seed: number;
}

/** Of what happens at one instant: first what ends, then what begins. */
const ORDER: Readonly<Record<ScheduledStep["action"], number>> = { revert: 0, set: 1, fire: 2 };

/** In the order in which they are to be done. @throws UmbraError `bad-config` for a profile of more than 100,000 steps. */
export function scheduleOf(profile: StressProfile): ScheduledStep[] {
	const { seed, duration, phases } = profile;
	const steps: ScheduledStep[] = [];
	for (const [phase, { from, for: length, levers }] of phases.entries()) {
		const to = from + (length ?? duration - from);
		for (const [index, setting] of levers.entries()) {
			// Of its own, so that what is changed in one lever leaves the others as they are.
			const random = createRandom(mix(seed, phase, index));
			const place = { phase, index, lever: setting.lever };
			const add = (atMs: number, action: ScheduledStep["action"], values: LeverValues): void => {
				if (steps.length >= MAX_STEPS) {
					const field = `phases.${phase}.levers.${index}`;
					const message = `the profile ${profile.name}: ${field}: more than ${MAX_STEPS} steps up to here; wanted fewer`;
					throw new UmbraError("bad-config", message, {
						context: { field, wanted: MAX_STEPS },
						hint: "fewer steps of its ramps, or a longer `every`",
					});
				}
				steps.push({ atMs: Math.round(atMs), ...place, action, values, seed: random.below(2 ** 32) });
			};
			if (MOMENTARY.has(setting.lever)) fire(setting, from, to, random, add);
			else hold(setting, from, to, random, add);
		}
	}
	return steps.sort(
		(one, other) =>
			one.atMs - other.atMs ||
			ORDER[one.action] - ORDER[other.action] ||
			one.phase - other.phase ||
			one.index - other.index,
	);
}

type Add = (atMs: number, action: ScheduledStep["action"], values: LeverValues) => void;

function fire(setting: LeverSetting, from: number, to: number, random: Random, add: Add): void {
	const { every, jitter = 0 } = setting as { readonly every?: number; readonly jitter?: number };
	const { values } = drawn(setting, random);
	let last = from;
	for (let at = from; at < to; at += every ?? Number.POSITIVE_INFINITY) {
		const strayed = at + (random.fraction() * 2 - 1) * jitter;
		last = Math.min(Math.max(strayed, last), to);
		add(last, "fire", values);
	}
}

function hold(setting: LeverSetting, from: number, to: number, random: Random, add: Add): void {
	const { values, ramps } = drawn(setting, random);
	const moments = new Set([from]);
	for (const { every } of ramps.values()) {
		for (let at = from + every; at < to && moments.size < MAX_STEPS; at += every) moments.add(at);
	}
	let before = "";
	for (const at of [...moments].sort((one, other) => one - other)) {
		const share = (at - from) / (to - from);
		const moved = [...ramps].map(
			([
				key,
				{
					ramp: [first, last],
				},
			]) => [key, rounded(first + (last - first) * share)],
		);
		const all = { ...values, ...Object.fromEntries(moved) };
		const told = JSON.stringify(all);
		if (told !== before) add(at, "set", all);
		before = told;
	}
	add(to, "revert", {});
}

type Ramp = Extract<Amount, { readonly ramp: unknown }>;

function drawn(setting: LeverSetting, random: Random) {
	const values: Record<string, string | number> = {};
	const ramps = new Map<string, Ramp>();
	for (const [key, value] of Object.entries(setting) as [string, Amount | string | undefined][]) {
		if (key === "lever" || key === "every" || key === "jitter" || value === undefined) continue;
		if (typeof value !== "object") values[key] = value;
		else if ("ramp" in value) ramps.set(key, value);
		else values[key] = rounded(value.between[0] + (value.between[1] - value.between[0]) * random.fraction());
	}
	return { values, ramps };
}

/** Three decimals are enough for percents, milliseconds and bytes, and read well in a log. */
export function rounded(value: number): number {
	return Math.round(value * 1000) / 1000;
}

function mix(seed: number, phase: number, index: number): number {
	return (seed ^ Math.imul(phase + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77)) >>> 0;
}
