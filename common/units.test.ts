import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { isUmbraError } from "./errors.ts";
import { formatBytes, formatDuration, formatTime, nowNs, parseBytes, parseDuration } from "./units.ts";

describe("parseBytes", () => {
	for (const [text, bytes] of [
		["0", 0],
		["4096", 4096],
		["512MiB", 512 * 2 ** 20],
		[" 1.5 gib ", 1.5 * 2 ** 30],
		["10GB", 1e10],
		["1k", 1000],
		["1KiB", 1024],
		["2TiB", 2 ** 41],
		["7b", 7],
		["0.3b", 0],
	] as const) {
		it(`takes "${text}"`, () => assert.equal(parseBytes(text), bytes));
	}
	for (const text of [
		"",
		"MiB",
		"-1",
		"1e3",
		"1,5GiB",
		"1 2",
		"1PiB",
		"1mibs",
		"constructor",
		"1 constructor",
		"NaN",
	]) {
		it(`refuses "${text}"`, () => {
			assert.throws(
				() => parseBytes(text),
				(error) => isUmbraError(error, "bad-config") && error.message.includes(`"${text}"`),
			);
		});
	}
});

describe("parseDuration", () => {
	for (const [text, ms] of [
		["500ms", 500],
		["60s", 60_000],
		["1.5 m", 90_000],
		["2h", 7_200_000],
		["7d", 604_800_000],
		["1w", 604_800_000],
		["0s", 0],
	] as const) {
		it(`takes "${text}"`, () => assert.equal(parseDuration(text), ms));
	}
	for (const text of ["", "60", "60 S", "-1s", "1y", "s", "1s2s", "1toString"]) {
		it(`refuses "${text}"`, () => {
			assert.throws(
				() => parseDuration(text),
				(error) => isUmbraError(error, "bad-config"),
			);
		});
	}
});

describe("formatBytes", () => {
	for (const [bytes, text] of [
		[0, "0 B"],
		[1023, "1023 B"],
		[1024, "1.0 KiB"],
		[1536, "1.5 KiB"],
		[102_400, "100 KiB"],
		[2 ** 20 - 1, "1.0 MiB"],
		[2 ** 30, "1.0 GiB"],
		[5 * 2 ** 50, "5.0 PiB"],
		[2 ** 62, "4096 PiB"],
	] as const) {
		it(`shows ${bytes} as ${text}`, () => assert.equal(formatBytes(bytes), text));
	}
});

describe("formatDuration", () => {
	for (const [ms, text] of [
		[0, "0 ms"],
		[999.4, "999 ms"],
		[3210, "3.2 s"],
		[250_000, "4 min 10 s"],
		[119_700, "2 min 0 s"],
		[3_599_600, "1 h 0 min"],
		[90_000_000, "25 h 0 min"],
	] as const) {
		it(`shows ${ms} as ${text}`, () => assert.equal(formatDuration(ms), text));
	}
});

describe("formatTime", () => {
	it("is UTC with milliseconds", () =>
		assert.equal(formatTime(1_795_291_683_123_999_999n), "2026-11-21T20:08:03.123Z"));
});

describe("nowNs", () => {
	it("is the time, with more than milliseconds", () => {
		const before = BigInt(Date.now()) * 1_000_000n;
		const times = Array.from({ length: 50 }, () => nowNs());
		const after = BigInt(Date.now() + 1) * 1_000_000n;
		const slack = 5_000_000n;
		for (const time of times) assert.ok(time >= before - slack && time <= after + slack, `${before} ${time} ${after}`);
		assert.ok(times.some((time) => time % 1_000_000n !== 0n));
		for (const [at, time] of times.entries()) assert.ok(at === 0 || time >= (times[at - 1] as bigint));
	});

	it("follows the clock when it is set", () => {
		const now = Date.now();
		for (const shift of [86_400_000, -86_400_000, 0]) {
			const clock = mock.method(Date, "now", () => now + shift);
			const found = Number(nowNs() / 1_000_000n);
			clock.mock.restore();
			assert.ok(Math.abs(found - now - shift) < 1000, `set by ${shift} ms: ${found - now}`);
		}
	});
});
