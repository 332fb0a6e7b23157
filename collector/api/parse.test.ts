import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRange } from "./range.ts";
import { LATEST, parseTime } from "./time.ts";

describe("parseTime", () => {
	const second = 1_795_290_483_000_000_000n;
	const cases: [string, bigint, bigint][] = [
		["latest", LATEST, LATEST],
		["0", 0n, 0n],
		["1795290483123456789", second + 123_456_789n, second + 123_456_789n],
		["2026-11-21T19:48:03Z", second, second + 999_999_999n],
		["2026-11-21T19:48:03.123Z", second + 123_000_000n, second + 123_999_999n],
		["2026-11-21T19:48:03.123456789Z", second + 123_456_789n, second + 123_456_789n],
		["2026-11-21T20:48:03.5+01:00", second + 500_000_000n, second + 599_999_999n],
		["1970-01-01", 0n, 999_999_999n],
	];
	for (const [text, first, last] of cases) {
		it(`reads ${text}`, () => assert.deepEqual(parseTime("time", text), { first, last }));
	}
	const wrong = [
		"",
		"yesterday",
		"2026-13-01T00:00:00Z",
		"2026-11-21T19:48:03",
		"-1",
		"1e9",
		"1969-01-01",
		"18446744073709551616",
	];
	for (const text of wrong) {
		it(`refuses ${JSON.stringify(text)}`, () => {
			assert.throws(() => parseTime("since", text), {
				code: "bad-config",
				message: /^since: not a time/,
				hint: /ISO 8601/,
			});
		});
	}
});

describe("parseRange", () => {
	const whole = { offset: 0, length: 100, partial: false };
	const part = (offset: number, length: number) => ({ offset, length, partial: true });
	const cases: [string | undefined, number, ReturnType<typeof parseRange>][] = [
		[undefined, 100, whole],
		["bytes=0-99", 100, part(0, 100)],
		["bytes=5-5", 100, part(5, 1)],
		["bytes=90-1000", 100, part(90, 10)],
		["bytes=90-", 100, part(90, 10)],
		["bytes=-10", 100, part(90, 10)],
		["bytes=-1000", 100, part(0, 100)],
		["bytes=100-", 100, undefined],
		["bytes=5-4", 100, undefined],
		["bytes=-0", 100, undefined],
		["bytes=0-", 0, undefined],
		[`bytes=${"9".repeat(400)}-`, 100, undefined],
	];
	for (const [header, size, wanted] of cases) {
		it(`reads ${header?.slice(0, 30)} of ${size}`, () => assert.deepEqual(parseRange(header, size), wanted));
	}
	for (const header of ["bytes=0-1,5-6", "items=0-1", "bytes=-", "bytes=a-b", "0-1"]) {
		it(`refuses ${header}`, () => {
			assert.throws(() => parseRange(header, 100), { code: "bad-config", message: /^Range: / });
		});
	}
});
