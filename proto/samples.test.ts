import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { isUmbraError } from "../common/errors.ts";
import { packSamples, unpackSamples } from "./samples.ts";
import { MAX_MESSAGE_BYTES, toBigInt, toLong } from "./service.ts";

describe("packSamples and unpackSamples", () => {
	it("bring back what was put in", () => {
		const timeNs = 1_764_370_000_123_000_000n;
		const samples = [
			{ measurement: "vm", tags: { host: "h", vm: "ü" }, timeNs: toLong(timeNs), fields: { up: 1, cpu_time: 2 ** 60 } },
			{ measurement: "host", tags: { host: "h" }, timeNs: toLong(0), fields: { load1: 0.1 } },
		];
		const back = unpackSamples(packSamples(samples));
		assert.deepEqual(
			back.map(({ measurement, tags, fields }) => ({ measurement, tags: { ...tags }, fields: { ...fields } })),
			samples.map(({ measurement, tags, fields }) => ({ measurement, tags, fields })),
		);
		assert.equal(toBigInt(back[0]?.timeNs), timeNs);
	});

	const bad: readonly (readonly [string, Uint8Array])[] = [
		["what is not zstd", Buffer.from("not a frame")],
		["a frame that is cut", packSamples([{ measurement: "vm", fields: { up: 1 } }]).subarray(0, 12)],
		["a frame of something else", zstdCompressSync(Buffer.from([0xff, 0xff, 0xff]))],
		["a frame that swells beyond what a message may be", zstdCompressSync(Buffer.alloc(MAX_MESSAGE_BYTES + 1))],
	];
	for (const [what, bytes] of bad) {
		it(`refuse ${what}`, () => {
			assert.throws(
				() => unpackSamples(bytes),
				(error) => isUmbraError(error, "corrupt") && error.context.field === "compressed",
			);
		});
	}
});
