import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BaselineState, EMPTY_BASELINE, expect, judgeFeatures, learn } from "./baseline.ts";
import { FEATURES, type FeatureName, type Features } from "./features.ts";
import { random } from "./test-support.ts";

const ZERO = Object.fromEntries(FEATURES.map((feature) => [feature.name, 0])) as Record<FeatureName, number>;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1e9);

function definition(name: FeatureName) {
	return FEATURES.find((feature) => feature.name === name)!;
}

function taught(features: (at: number) => Features, times: number, halfLife = 10_080): BaselineState {
	let state = EMPTY_BASELINE;
	for (let at = 0; at < times; at++) state = learn(state, features(at), 1, halfLife);
	return state;
}

describe("expect", () => {
	it("has the median in the feature's own unit", () => {
		const state = taught((at) => ({ ...ZERO, changedBytes: 1e6 + (at % 11) * 1e5 }), 100);
		const { median } = expect(state, definition("changedBytes"), 0);
		assert.ok(median > 1.3e6 && median < 1.7e6, `${median}`);
	});

	it("finds the first byte after silence ordinary, and many files not", () => {
		const state = taught(() => ZERO, 50);
		assert.ok(expect(state, definition("changedBytes"), 1).deviation < 0.01);
		assert.ok(expect(state, definition("filesDeleted"), 1).deviation < 3);
		assert.ok(expect(state, definition("filesDeleted"), 500).deviation > 8);
	});

	it("follows a new level and forgets the old", () => {
		let state = taught(() => ({ ...ZERO, changedBytes: 1e5 }), 2000, 1000);
		for (let at = 0; at < 1500; at++) state = learn(state, { ...ZERO, changedBytes: 1e8 }, 1, 1000);
		assert.ok(expect(state, definition("changedBytes"), 1e8).deviation < 1);
		for (let at = 0; at < 20_000; at++) state = learn(state, { ...ZERO, changedBytes: 1e8 }, 1, 1000);
		assert.equal(state.histograms["changedBytes"]?.length, 1);
	});
});

describe("judgeFeatures", () => {
	it("is 0 for what was always so, and names what is not", () => {
		const state = taught((at) => ({ ...ZERO, filesModified: 5 + (at % 3) }), 60);
		assert.equal(judgeFeatures(state, { ...ZERO, filesModified: 6 }).score, 0);
		const { score, contributions } = judgeFeatures(state, {
			...ZERO,
			filesModified: 6,
			filesDeleted: 900,
			documentsLost: 50,
		});
		assert.ok(score > 0.7, `${score}`);
		assert.deepEqual(contributions.map((item) => item.feature).sort(), ["documentsLost", "filesDeleted"]);
		assert.equal(contributions[0]?.expected, 0);
	});

	it("is less surprised the second time", () => {
		const night = { ...ZERO, changedBytes: 3e9, filesCreated: 400, filesDeleted: 300 };
		let state = taught(() => ({ ...ZERO, changedBytes: 1e5 }), 1440);
		const first = judgeFeatures(state, night).score;
		state = learn(state, night, 0.5, 10_080);
		for (let at = 0; at < 1440; at++) state = learn(state, { ...ZERO, changedBytes: 1e5 }, 1, 10_080);
		const second = judgeFeatures(state, night).score;
		assert.ok(first > 0.7 && second < 0.6, `${first}, then ${second}`);
	});

	it(`stays within 0 and 1, finite, and grows with every feature (seed ${SEED})`, () => {
		const next = random(SEED);
		const hostile = [Number.NaN, Number.POSITIVE_INFINITY, -1, Number.MAX_VALUE, Number.MIN_VALUE, 0, 2 ** 53];
		const value = () => (next() < 0.1 ? hostile[Math.floor(next() * hostile.length)]! : Math.exp(next() * 25) - 1);
		const any = () =>
			Object.fromEntries(FEATURES.map((feature) => [feature.name, value()])) as Record<FeatureName, number>;
		for (let round = 0; round < 60; round++) {
			let state = EMPTY_BASELINE;
			for (let at = 0; at < 1 + next() * 40; at++) state = learn(state, any(), next(), 100 + next() * 1000);
			assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
			const features = any();
			const { score, contributions } = judgeFeatures(state, features);
			assert.ok(score >= 0 && score <= 1, `${score}`);
			for (const item of contributions)
				assert.ok(Number.isFinite(item.deviation) && Number.isFinite(item.expected), JSON.stringify(item));
			for (const { name } of FEATURES) {
				if (Number.isNaN(features[name])) continue;
				const more = judgeFeatures(state, { ...features, [name]: Math.max(0, features[name]) * 1.5 + 1 }).score;
				assert.ok(more >= score - 1e-12, `${name}: ${more} < ${score}`);
			}
		}
	});
});

describe("learn", () => {
	it("changes nothing that it was given", () => {
		const state = taught(() => ({ ...ZERO, changedBytes: 5e5 }), 5);
		const copy = JSON.stringify(state);
		learn(state, { ...ZERO, changedBytes: 9e9 }, 1, 1000);
		assert.equal(JSON.stringify(state), copy);
	});

	it(`keeps buckets in order and the state small (seed ${SEED})`, () => {
		const next = random(SEED);
		const state = taught(
			() => ({ ...ZERO, changedBytes: Math.exp(next() * 30), filesModified: next() * 1e4, entropyAfter: next() * 8 }),
			3000,
		);
		for (const buckets of Object.values(state.histograms)) {
			assert.ok(buckets.every(([bucket], at) => at === 0 || bucket > buckets[at - 1]![0]));
		}
		assert.ok(JSON.stringify(state).length < 16_384);
	});
});
