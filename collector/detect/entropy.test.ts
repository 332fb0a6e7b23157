import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { ENTROPY_SCALE, PAGE_SIZE } from "../../common/block.ts";
import { contentEntropy, entropyCeiling, isHighEntropy, isRandom } from "./entropy.ts";

/** The mean entropy over a file's zero-padded pages, quantised as it travels. */
function measure(content: Uint8Array): number {
	let sum = 0;
	let pages = 0;
	for (let at = 0; at < content.length; at += PAGE_SIZE) {
		const counts = new Float64Array(256);
		const part = content.subarray(at, at + PAGE_SIZE);
		for (const byte of part) counts[byte]!++;
		counts[0]! += PAGE_SIZE - part.length;
		let bits = 0;
		for (const count of counts) if (count > 0) bits -= (count / PAGE_SIZE) * Math.log2(count / PAGE_SIZE);
		sum += Math.round(bits * ENTROPY_SCALE) / ENTROPY_SCALE;
		pages++;
	}
	return sum / pages;
}

const WORDS =
	"the quick brown fox jumps over a lazy dog while seven wizards; Meeting at 10:30, bring 25 copies. ".split(" ");
function prose(size: number): Uint8Array {
	let text = "";
	for (let at = 0; text.length < size; at = (at * 31 + 7) % 1009) text += `${WORDS[at % WORDS.length]} `;
	return Buffer.from(text.slice(0, size));
}

const SIZES = [192, 300, 512, 900, 2000, 4095, 4096, 4097, 5000, 10_000, 70_000];

describe("entropyCeiling", () => {
	for (const size of SIZES) {
		it(`is what ${size} random bytes measure`, () => {
			const measured = Array.from({ length: 20 }, () => measure(randomBytes(size)));
			const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
			assert.ok(Math.abs(mean - entropyCeiling(size)) < 0.06, `${mean} against ${entropyCeiling(size)}`);
		});
	}

	it("is finite for sizes that no file has", () => {
		for (const size of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) assert.ok(entropyCeiling(size) >= 0);
	});
});

describe("isRandom", () => {
	for (const size of SIZES) {
		it(`tells ${size} random bytes from as many of prose and of base64`, () => {
			assert.equal(isRandom(measure(randomBytes(size)), size), true);
			assert.equal(isRandom(measure(prose(size)), size), false);
			const base64 = Buffer.from(randomBytes(size).toString("base64").slice(0, size));
			if (size >= 512) assert.equal(isRandom(measure(base64), size), false);
		});
	}

	it("does not take a page shared with other files for random content", () => {
		// Four files of 900 bytes of text in one page: as full a page as 4 KiB of text.
		assert.equal(isRandom(measure(prose(3600)), 900), false);
	});

	it("says nothing about what is too small or unknown", () => {
		assert.equal(isRandom(8, 100), false);
		assert.equal(isRandom(null, 10_000), false);
		assert.equal(isHighEntropy(null, 10_000), false);
		assert.equal(isRandom(Number.NaN, 10_000), false);
	});
});

describe("contentEntropy", () => {
	it("takes the padding out", () => {
		for (const size of [300, 900, 5000]) {
			const content = prose(size);
			const counts = new Map<number, number>();
			for (const byte of content) counts.set(byte, (counts.get(byte) ?? 0) + 1);
			let wanted = 0;
			for (const count of counts.values()) wanted -= (count / size) * Math.log2(count / size);
			const found = contentEntropy(measure(content), size);
			assert.ok(Math.abs(found - wanted) < 0.35, `${size}: ${found} against ${wanted}`);
		}
	});
});
