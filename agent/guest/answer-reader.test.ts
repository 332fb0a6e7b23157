import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "../../common/random.ts";
import { type Answer, AnswerReader } from "./answer-reader.ts";

const KIB = 1024;
const MIB = KIB * KIB;

function read(...parts: readonly (string | Buffer)[]): Answer[] {
	const reader = new AnswerReader();
	return parts.flatMap((part) => reader.push(Buffer.from(part)));
}

const codes = (answers: readonly Answer[]) => answers.map(({ problem, value }) => problem?.code ?? value);

describe("AnswerReader", () => {
	it("gives one answer a line, in whatever pieces they come", () => {
		const said = Buffer.from('{"return": "a\\"}{\\\\"}\n\n{"return": {"b": [1, "ü"]}}\n');
		const wanted = [{ return: 'a"}{\\' }, { return: { b: [1, "ü"] } }];
		for (const size of [1, 3, said.length]) {
			const pieces = [];
			for (let at = 0; at < said.length; at += size) pieces.push(said.subarray(at, at + size));
			assert.deepEqual(
				read(...pieces).map(({ value }) => value),
				wanted,
			);
		}
	});

	it("drops what is before a delimiter, and tells what is behind one", () => {
		const answers = read('{"ret', Buffer.from([0xff]), '{"return": 5}\n{"return": 6}\n');
		assert.deepEqual(
			answers.map(({ value, delimited }) => [value, delimited]),
			[
				[{ return: 5 }, true],
				[{ return: 6 }, false],
			],
		);
	});

	it("clips strings at what 64 KiB come to in base64, never within an escape", () => {
		const longest = 4 * Math.ceil((64 * KIB) / 3);
		const output = Buffer.alloc(3 * MIB, "abc").toString("base64");
		const [answer] = read(
			`{"a": "${output}", "b": "c`,
			`${"\\n".repeat(longest)}", "d": "${"\\u00e9".repeat(longest)}"}\n`,
		);
		const { a, b, d } = (answer as Answer).value as Record<string, string>;
		assert.equal(a, output.slice(0, longest));
		assert.ok(/^c\n+$/.test(b ?? "") && /^é+$/.test(d ?? ""));
		assert.ok((b ?? "").length <= longest && (d ?? "").length <= longest);
	});

	it("takes what is no JSON, too deep, too large or too long for a problem, and goes on behind it", () => {
		const good = '\n{"return": 1}\n';
		assert.deepEqual(codes(read(`hello${good}`)), ["corrupt", { return: 1 }]);
		assert.deepEqual(codes(read(`${"[".repeat(33)}${"]".repeat(33)}${good}`)), ["limit", { return: 1 }]);
		assert.deepEqual(codes(read(`[${"1,".repeat(MIB)}1]${good}`)), ["limit", { return: 1 }]);
		const endless = Buffer.alloc(MIB, "x");
		const reader = new AnswerReader();
		reader.push(Buffer.from('{"return": "'));
		const told = Array.from({ length: 60 }, (_, at) =>
			reader.push(endless).map(({ problem }) => [at, problem?.code]),
		).flat();
		assert.deepEqual(told, [[47, "limit"]]);
		assert.deepEqual(codes(reader.push(Buffer.from(good))), [{ return: 1 }]);
	});

	it("throws nothing, whatever comes", () => {
		const seed = 20_261_129;
		const random = createRandom(seed);
		const alphabet = Buffer.from('{}[]":,\\u0a\n\xff1e-', "latin1");
		for (let round = 0; round < 300; round++) {
			const reader = new AnswerReader();
			const bytes = Buffer.from(random.bytes(400).map((byte) => alphabet[byte % alphabet.length]!));
			for (const { problem } of reader.push(bytes)) {
				assert.ok(problem === undefined || problem.code === "corrupt", `seed ${seed}, round ${round}`);
			}
			reader.push(Buffer.from([0xff]));
			assert.deepEqual(codes(reader.push(Buffer.from("[]\n"))), [[]], `seed ${seed}, round ${round}`);
		}
	});
});
