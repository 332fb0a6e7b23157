import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuTimeMs } from "../test/support/cpu-time.ts";
import { globMatches } from "./glob.ts";

describe("globMatches", () => {
	for (const [pattern, text, fits] of [
		["db-*", "db-1", true],
		["db-*", "db-", true],
		["db-*", "xdb-1", false],
		["*", "", true],
		["*.a+b(c)[d]{e}^$|\\?", "x.a+b(c)[d]{e}^$|\\?", true],
		["a.c", "abc", false],
		["a*c", "a\nb/c", true],
		["*ü*", "grün", true],
		["a", "a\n", false],
	] as const) {
		it(`${JSON.stringify(pattern)} ${fits ? "fits" : "does not fit"} ${JSON.stringify(text)}`, () => {
			assert.equal(globMatches(pattern, text), fits);
		});
	}
	it("does not take for ever on many stars", () => {
		const usedMs = cpuTimeMs(() => assert.equal(globMatches(`${"*a".repeat(12)}b`, "a".repeat(100)), false), 5000);
		assert.ok(usedMs < 5000, `${usedMs} ms`);
	});
});
