import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { parseGivenTime, timeInName } from "./name-time.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const local = (...fields: [number, number, number, number?, number?, number?]) => {
	const [year, month, day, ...rest] = fields;
	return new Date(year, month - 1, day, ...rest).getTime();
};

describe("timeInName", () => {
	for (const [name, wanted] of [
		["web1-2024-01-31.raw", local(2024, 1, 31)],
		["web1_20240131.qcow2", local(2024, 1, 31)],
		["2024_01_31 web.img", local(2024, 1, 31)],
		["web1.2024.01.31.vmdk", local(2024, 1, 31)],
		["web1-2024-01-31T03:00.raw", local(2024, 1, 31, 3, 0)],
		["web1-2024-01-31_0300.raw", local(2024, 1, 31, 3, 0)],
		["web1-2024-01-31-03-00-59.raw", local(2024, 1, 31, 3, 0, 59)],
		["web1-20240131030059.raw", local(2024, 1, 31, 3, 0, 59)],
		["vzdump-qemu-100-2024_01_31-03_00_02.raw", local(2024, 1, 31, 3, 0, 2)],
		["web1-2024-01-31T03:00:00Z.raw", Date.UTC(2024, 0, 31, 3)],
		["web1-20240131T030000+0130.raw", Date.UTC(2024, 0, 31, 1, 30)],
		["web1-2024-01-31T03:00:00-05:00.raw", Date.UTC(2024, 0, 31, 8)],
		["web1-1706666400.raw", 1706666400_000],
		["web1-1706666400123.raw", 1706666400_123],
		// A number behind a date is no time of day.
		["web1-2024-01-31-1.raw", local(2024, 1, 31)],
		["web1-2024-01-31.001.raw", local(2024, 1, 31)],
		["web1-2024-01-31-12.raw", local(2024, 1, 31)],
		["build-9999-99-99-2024-02-29.raw", local(2024, 2, 29)],
		["web1.raw", undefined],
		["web1-2023-02-29.raw", undefined],
		["web1-31-01-2024.raw", undefined],
		["web1-01022024.raw", undefined],
		["web1-2024-13-01.raw", undefined],
		["disk-1234567.raw", undefined],
		["web1-2024013112.raw", undefined],
		["web1-2030-01-01.raw", undefined],
		["web1-12024-01-31.raw", undefined],
	] as const) {
		it(`${wanted === undefined ? "finds none in" : "finds that of"} ${name}`, () => {
			const found = timeInName(name, NOW);
			assert.equal(found === undefined ? undefined : Number(found / 1_000_000n), wanted);
		});
	}
});

describe("parseGivenTime", () => {
	for (const [text, wanted] of [
		["2024-01-31T03:00:00Z", Date.UTC(2024, 0, 31, 3)],
		["2024-01-31T03:00:00.250Z", Date.UTC(2024, 0, 31, 3, 0, 0, 250)],
		["2024-01-31T03:00:00+02:00", Date.UTC(2024, 0, 31, 1)],
		["2024-01-31T03:00", local(2024, 1, 31, 3)],
		["2024-01-31", local(2024, 1, 31)],
		["2024-01-31 03:00", local(2024, 1, 31, 3)],
		["1706666400123000000", 1706666400_123],
	] as const) {
		it(`takes ${text}`, () => assert.equal(Number(parseGivenTime(text) / 1_000_000n), wanted));
	}
	for (const text of ["", "yesterday", "2024-02-30", "2024-01-31T25:00Z", "31.01.2024"]) {
		it(`refuses ${JSON.stringify(text)}`, () => {
			assert.throws(
				() => parseGivenTime(text),
				(error) => isUmbraError(error, "bad-config"),
			);
		});
	}
});
