import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { buildMbr } from "./builders.ts";
import { parseMbr } from "./mbr.ts";

describe("parseMbr", () => {
	it("lists the entries in use with their slots", () => {
		const sector = buildMbr(
			{ slot: 1, osType: 0x83, startingLba: 2048, sizeInLba: 4096 },
			{ slot: 4, osType: 0x05, startingLba: 8192, sizeInLba: 100 },
		);
		assert.deepEqual(parseMbr(sector).entries, [
			{ slot: 1, osType: 0x83, startingLba: 2048, sizeInLba: 4096 },
			{ slot: 4, osType: 0x05, startingLba: 8192, sizeInLba: 100 },
		]);
	});

	const spoilt: readonly [string, (sector: Buffer) => Buffer, string, number | undefined][] = [
		["no signature", (sector) => sector.fill(0, 510), "corrupt", 510],
		["a boot indicator that is code", (sector) => sector.fill(0x21, 462, 463), "corrupt", 462],
		["half a sector", (sector) => sector.subarray(0, 256), "truncated", 0],
	];
	for (const [what, spoil, code, offset] of spoilt) {
		it(`refuses ${what}`, () => {
			const sector = spoil(buildMbr({ slot: 1, osType: 0x83, startingLba: 1, sizeInLba: 1 }));
			assert.throws(
				() => parseMbr(sector),
				(error) => isUmbraError(error) && error.code === code && error.context.offset === offset,
			);
		});
	}
});
