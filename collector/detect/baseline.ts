/**
 * What is normal for one VM, feature by feature, and how far a changeset lies from it.
 *
 * Every feature is brought to a scale on which ordinary variation is even: rates and counts as ln(1 + value / scale), entropies
 * and shares as value / scale. On that scale a histogram with buckets of `BUCKET` is kept, whose weights decay with a
 * half-life counted in changesets. From it come the median and the spread, and something that a median and a spread
 * cannot say: whether a rare thing (a nightly backup, one capture in 1,440) has happened before.
 *
 * deviation  = (value - median) / spread, where spread is the largest of 1.4826 x MAD, (95th percentile - median) / 1.645,
 *              and a floor, so that the first byte ever written is no infinite surprise; a young baseline is wider.
 * excess     = how far the deviation lies beyond `ORDINARY_DEVIATIONS`, at most `MAX_EXCESS`.
 * evidence   = weight x excess / (1 + 2 x precedent), precedent being the weight of what was seen at this height before.
 * score      = 1 - exp(-(sum over the feature groups of the strongest evidence in each) / SCORE_SCALE)
 *
 * So 0 means that nothing lay beyond three robust deviations. One feature of weight 1, thrown as far as counts, gives
 * 0.71; two of different groups 0.92. Only more than usual is abnormal here: a silent disk is for telemetry to judge.
 *
 * Pure maths over a state that is plain JSON.
 */
import type { Contribution } from "../catalog/records.ts";
import { FEATURES, type FeatureDefinition, type Features } from "./features.ts";

export interface BaselineState {
	/** Changesets that it was shown. */
	readonly seen: number;
	/** The weight of what it learned, undecayed. */
	readonly learned: number;
	/** By feature: [bucket, weight] pairs in ascending order. */
	readonly histograms: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

export interface Judgement {
	/** 0 to 1. */
	readonly score: number;
	/** Features with evidence, strongest first. */
	readonly contributions: readonly Contribution[];
}

export interface Expectation {
	/** The VM's own median, in the feature's unit. */
	readonly median: number;
	readonly deviation: number;
	/** Decayed weight of the changesets that were seen at this height or above. */
	readonly precedent: number;
}

const BUCKET = 0.125;
/** Fits the largest value that ln(1 + 2^53 / scale) gives; bounds the state against hostile numbers. */
const MAX_BUCKET = 320;
/** Smallest spread, on the transformed scale: a factor of 1.5 for an amount, 0.4 of the scale for a level. */
const MIN_SPREAD = 0.4;
const ORDINARY_DEVIATIONS = 3;
const MAX_EXCESS = 10;
const SCORE_SCALE = 8;
/** On the transformed scale: what comes within a quarter below a value is of its height. */
const PRECEDENT_TOLERANCE = 0.3;
/** A weight that no longer matters; dropping it keeps the state small. */
const FORGOTTEN = 0.002;
/** A median of one observation is a guess: the spread is widened by 1 + this / n. */
const YOUTH = 6;

export const EMPTY_BASELINE: BaselineState = { seen: 0, learned: 0, histograms: {} };

/** How the value of one feature compares with this VM's past. */
export function expect(state: BaselineState, definition: FeatureDefinition, value: number): Expectation {
	const histogram = state.histograms[definition.name];
	// A feature that a later version added: nothing is known of it yet.
	if (histogram === undefined) return { median: 0, deviation: 0, precedent: 0 };
	const at = toScale(definition, value);
	const median = quantile(histogram, 0.5);
	const distances = histogram.map(([bucket, weight]) => [Math.abs(bucket * BUCKET - median), weight] as const);
	distances.sort((a, b) => a[0] - b[0]);
	const mad = quantileOf(distances, 0.5);
	const upper = (quantile(histogram, 0.95) - median) / 1.645;
	const youth = 1 + YOUTH / Math.max(1, state.learned);
	const spread = Math.max(1.4826 * mad, upper, MIN_SPREAD) * youth;
	let precedent = 0;
	for (const [bucket, weight] of histogram) if (bucket * BUCKET >= at - PRECEDENT_TOLERANCE) precedent += weight;
	// What lies at the median has all of the past for a precedent; that is not meant, and it is harmless.
	return { median: fromScale(definition, median), deviation: (at - median) / spread, precedent };
}

/** @param features the numbers of a changeset; what is not a number counts as 0. */
export function judgeFeatures(state: BaselineState, features: Features): Judgement {
	const found: { readonly evidence: number; readonly contribution: Contribution }[] = [];
	const groups = new Map<string, number>();
	for (const definition of FEATURES) {
		const value = features[definition.name];
		const { median, deviation, precedent } = expect(state, definition, value);
		const excess = Math.min(Math.max(0, deviation - ORDINARY_DEVIATIONS), MAX_EXCESS);
		if (excess === 0) continue;
		const evidence = (definition.weight * excess) / (1 + 2 * precedent);
		groups.set(definition.group, Math.max(groups.get(definition.group) ?? 0, evidence));
		found.push({ evidence, contribution: { feature: definition.name, value, expected: median, deviation } });
	}
	found.sort((a, b) => b.evidence - a.evidence || (a.contribution.feature < b.contribution.feature ? -1 : 1));
	let sum = 0;
	for (const evidence of [...groups.values()].sort((a, b) => a - b)) sum += evidence;
	return { score: 1 - Math.exp(-sum / SCORE_SCALE), contributions: found.map((item) => item.contribution) };
}

/**
 * The baseline after one more changeset.
 *
 * @param weight 0 to 1: how far it is to be taken for ordinary.
 * @param halfLife in changesets: after so many, what was learned now counts half.
 */
export function learn(state: BaselineState, features: Features, weight: number, halfLife: number): BaselineState {
	const keep = 2 ** (-1 / halfLife);
	const histograms: Record<string, (readonly [number, number])[]> = {};
	for (const definition of FEATURES) {
		const bucket = Math.min(MAX_BUCKET, Math.round(toScale(definition, features[definition.name]) / BUCKET));
		const old = state.histograms[definition.name] ?? [];
		const next: (readonly [number, number])[] = [];
		let placed = weight <= 0;
		for (const [other, mass] of old) {
			if (!placed && other >= bucket) {
				next.push([bucket, round(weight + (other === bucket ? mass * keep : 0))]);
				placed = true;
				if (other === bucket) continue;
			}
			const decayed = round(mass * keep);
			if (decayed >= FORGOTTEN) next.push([other, decayed]);
		}
		if (!placed) next.push([bucket, round(weight)]);
		if (next.length > 0) histograms[definition.name] = next;
	}
	return { seen: state.seen + 1, learned: round(state.learned + Math.max(0, weight)), histograms };
}

/** Six digits: rounding to fewer would stop the decay of small weights. */
function round(weight: number): number {
	return Number(weight.toPrecision(7));
}

function toScale(definition: FeatureDefinition, value: number): number {
	const amount = value > 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : 0;
	return isAmount(definition) ? Math.log1p(amount / definition.scale) : Math.min(amount, 8) / definition.scale;
}

function fromScale(definition: FeatureDefinition, scaled: number): number {
	return (isAmount(definition) ? Math.expm1(scaled) : scaled) * definition.scale;
}

function isAmount(definition: FeatureDefinition): boolean {
	return definition.unit !== "bits/byte" && definition.unit !== "share";
}

function quantile(histogram: readonly (readonly [number, number])[], q: number): number {
	return quantileOf(histogram, q) * BUCKET;
}

/** The smallest key at which the weights, summed in ascending order of keys, reach the share `q`. */
function quantileOf(weights: readonly (readonly [number, number])[], q: number): number {
	let total = 0;
	for (const [, weight] of weights) total += weight;
	let sum = 0;
	let last = 0;
	for (const [key, weight] of weights) {
		sum += weight;
		last = key;
		if (sum >= q * total) break;
	}
	return last;
}
