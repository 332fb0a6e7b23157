import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../../test/support/random.ts";
import type { WriteAnswer } from "./connection.ts";
import { deliver } from "./delivery.ts";
import { splitLines } from "./lines.ts";

const ACCEPTED: WriteAnswer = { kind: "accepted" };

function refusal(reason: string, dropped = 0): WriteAnswer {
	return { kind: "refused", reason, dropped };
}

function payloadOf(lines: readonly string[]): Buffer {
	return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

/** What a server takes that answers as `answer` says to the lines of a request. */
function serverOf(answer: (lines: readonly string[]) => WriteAnswer) {
	const taken = new Set<string>();
	const sizes: number[] = [];
	const post = async (body: Buffer): Promise<WriteAnswer> => {
		const lines = splitLines(body).map(String);
		sizes.push(lines.length);
		const said = answer(lines);
		if (said.kind === "accepted") for (const line of lines) taken.add(line);
		return said;
	};
	return { taken, sizes, post };
}

/** The same, whatever happens. */
function both(post: (body: Buffer) => Promise<WriteAnswer>) {
	return { post, insist: post };
}

const lines = Array.from({ length: 1000 }, (_, at) => `m${at % 3},t=${at} f=${at} ${at}`);

describe("deliver", () => {
	it("sends a batch once where all is well", async () => {
		const { sizes, post } = serverOf(() => ACCEPTED);
		const result = await deliver([payloadOf(lines.slice(0, 400)), payloadOf(lines.slice(400))], 1000, {
			maxLines: 5000,
			...both(post),
		});
		assert.deepEqual(result, { accepted: 1000, refused: [], tooMany: undefined });
		assert.deepEqual(sizes, [1000]);
	});

	it("finds exactly the bad lines, whatever the server says of how many", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 30; round++) {
			const bad = new Set(random.shuffle(lines).slice(0, random.between(1, 8)));
			const counts = random.chance(0.5);
			const { taken, sizes, post } = serverOf((sent) => {
				const found = sent.filter((line) => bad.has(line)).length;
				return found === 0 ? ACCEPTED : refusal("partial write: type conflict", counts ? found : 0);
			});
			const result = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) });
			assert.deepEqual(new Set(result.refused.map(({ line }) => String(line))), bad);
			assert.equal(result.accepted, lines.length - bad.size);
			assert.deepEqual(taken, new Set(lines.filter((line) => !bad.has(line))));
			assert.ok(sizes.length < 4 + bad.size * 2 * 10, `${sizes.length} requests for ${bad.size} lines`);
		}
	});

	it("asks little where a whole measurement is bad", async () => {
		const { taken, sizes, post } = serverOf((sent) => {
			const found = sent.filter((line) => line.startsWith("m1")).length;
			return found === 0 ? ACCEPTED : refusal(`partial write: field type conflict dropped=${found}`, found);
		});
		const result = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) });
		assert.deepEqual([result.refused.length, result.accepted, taken.size, sizes.length], [333, 667, 667, 4]);
	});

	it("sends less at once where a request is too large", async () => {
		const { taken, post } = serverOf((sent) => (sent.length > 130 ? { kind: "too-large" } : ACCEPTED));
		const result = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) });
		assert.deepEqual([result.accepted, result.refused.length, result.tooMany, taken.size], [1000, 0, 250, 1000]);
		const again = serverOf((sent) => (sent.length > 130 ? { kind: "too-large" } : ACCEPTED));
		const { tooMany } = await deliver([payloadOf(lines)], 1000, { maxLines: 125, ...both(again.post) });
		assert.deepEqual([tooMany, again.sizes], [undefined, Array(8).fill(125)]);
	});

	it("gives up a line that is too large by itself", async () => {
		const { post } = serverOf((sent) => (sent.includes(lines[7]!) ? { kind: "too-large" } : ACCEPTED));
		const { accepted, refused } = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) });
		assert.deepEqual(
			refused.map(({ line, reason }) => [String(line), reason]),
			[[lines[7], "too large for the database"]],
		);
		assert.equal(accepted, 999);
	});

	it("sets nothing aside where all is refused for a reason that may not be the lines'", async () => {
		const { post } = serverOf(() => refusal("Bad Request"));
		for (const some of [lines, lines.slice(0, 1)]) {
			await assert.rejects(deliver([payloadOf(some)], some.length, { maxLines: 1000, ...both(post) }), {
				code: "unavailable",
				message: /refuses everything: Bad Request/,
				hint: /series.url/,
			});
		}
	});

	it("sets aside what is refused for such a reason where other lines are taken", async () => {
		const { post } = serverOf((sent) => (sent.includes(lines[500]!) ? refusal("nope") : ACCEPTED));
		const { accepted, refused } = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) });
		assert.deepEqual([accepted, refused.length, refused[0]?.reason], [999, 1, "nope"]);
		const alone = { maxLines: 1000, takesOthers: true, ...both(post) };
		assert.equal((await deliver([payloadOf(lines.slice(500, 501))], 1, alone)).refused.length, 1);
	});

	it("insists once it takes a batch apart", async () => {
		const { sizes, post } = serverOf((sent) => (sent.length > 600 ? { kind: "too-large" } : ACCEPTED));
		const once = async (body: Buffer) => {
			assert.equal(sizes.length, 0);
			return await post(body);
		};
		const { accepted } = await deliver([payloadOf(lines)], 1000, { maxLines: 1000, post: once, insist: post });
		assert.deepEqual([accepted, sizes], [1000, [1000, 500, 500]]);
	});

	it("passes on what makes the server unreachable", async () => {
		let asked = 0;
		const post = async (): Promise<WriteAnswer> => {
			if (asked++ === 3) throw new Error("gone");
			return refusal("partial write");
		};
		await assert.rejects(deliver([payloadOf(lines)], 1000, { maxLines: 1000, ...both(post) }), /gone/);
	});
});
