import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { decodeName, decodeTarget, encodeName } from "./names.ts";

const shown = (bytes: Buffer) => decodeName(bytes, 0, bytes.length);

describe("decodeName", () => {
	for (const [bytes, text] of [
		["plain.txt", "plain.txt"],
		["caf\xc3\xa9", "café"],
		["caf\xe9", "caf\\xe9"],
		["a/b\0c", "a\\x2fb\\x00c"],
		// What looks like an escape, and what does not.
		["\\xe9", "\\x5cxe9"],
		["\\x5cxe9", "\\x5cx5cxe9"],
		["dev-disk-by\\x2duuid", "dev-disk-by\\x2duuid"],
		["\\xE9", "\\xE9"],
		["\\x", "\\x"],
		["\\", "\\"],
		["\\\\x00", "\\\\x5cx00"],
	] as const) {
		it(`shows ${JSON.stringify(bytes)} as ${text}`, () => {
			assert.equal(shown(Buffer.from(bytes, "latin1")), text);
			assert.equal(encodeName(text).toString("latin1"), bytes);
		});
	}

	it("is undone by encodeName, whatever the bytes, and so never shows two names alike", (context) => {
		const random = testRandom(context);
		const parts = ["\\", "x", "5c", "e9", "2f", "00", "\xc3", "\xa9", "/", "\0", "é", "\u{1f4be}", "a", "\xed\xa0\x80"];
		for (let round = 0; round < 5000; round++) {
			const pieces = Array.from({ length: random.below(9) }, () =>
				random.chance(0.1) ? random.bytes(1) : Buffer.from(random.pick(parts), random.chance(0.5) ? "latin1" : "utf8"),
			);
			const name = Buffer.concat(pieces);
			assert.deepEqual(encodeName(shown(name)), name);
			assert.deepEqual(encodeName(decodeTarget(name)), name);
			assert.ok(!/[/\0]/.test(shown(name)));
		}
	});
});
