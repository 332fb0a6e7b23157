import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blake3Name, NAME_SIZE, writeBlake3Name } from "./block.ts";

describe("writeBlake3Name", () => {
	it("writes at the offset what blake3Name returns, and nothing else", () => {
		for (let byte = 0; byte < 64; byte++) {
			const block = Buffer.alloc(BLOCK_SIZE, byte);
			const target = Buffer.alloc(3 * NAME_SIZE, 0xee);
			writeBlake3Name(block, target, NAME_SIZE);
			const around = Buffer.alloc(NAME_SIZE, 0xee);
			assert.deepEqual(target, Buffer.concat([around, blake3Name(block), around]));
		}
	});
});
