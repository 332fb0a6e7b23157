import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { PlainName } from "../../disk/listing.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { JsonLines } from "./json-lines.ts";
import { Output } from "./output.ts";

const ODD = ['"', "\\", "\n", "\x00", "\x1f", "\x7f", "é", "日", "\u2028", "😀", "\ud800", "\udfff", "a", " ", "~"];
const NUMBERS = [0, 1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 123456789];
const TIMES = [
	0,
	-1.5,
	1_700_000_000.123456,
	1_795_307_545 + 157 / 256,
	1_795_307_570 + 255 / 256 + 1e-7,
	1e21,
	2 ** 30,
	2 ** 32,
	1e-7,
];
/** From 2001 to 2039, and finer than a double of then can tell. */
const someTime = (random: Random): number =>
	1e9 + random.below(1.2e9) + random.below(1e9) / random.pick([1e9, 1e7, 2 ** 30]);
const TYPES = ["file", "dir", "symlink", "socket"] as const;

describe("JsonLines", () => {
	it("writes what JSON.stringify writes, whatever the names and numbers", async (context) => {
		const random = testRandom(context);
		const written: Buffer[] = [];
		const stream = new Writable({
			write: (chunk: Buffer, _, done) => {
				// The memory is another chunk's afterwards.
				written.push(Buffer.from(chunk));
				setImmediate(done);
			},
		});
		const output = new Output(stream as unknown as NodeJS.WriteStream);
		const lines = new JsonLines(output);
		const text = (most: number): string =>
			Array.from({ length: random.below(most) }, () => (random.chance(0.2) ? random.pick(ODD) : "n")).join("");
		const wanted: string[] = [];
		let directory = "";
		for (let count = 0; count < 3000; count++) {
			if (random.chance(0.1)) directory = random.chance(0.3) ? "" : `/${text(random.chance(0.05) ? 60_000 : 40)}`;
			const name = text(20);
			const node = {
				type: random.pick(TYPES),
				inode: random.pick(NUMBERS),
				size: random.pick(NUMBERS),
				mtime: random.chance(0.3) ? random.pick(TIMES) : someTime(random),
				mode: random.below(65536),
				uid: random.pick([0, 1000, 2 ** 32 - 1]),
				gid: random.below(3),
				nlink: random.below(4),
			};
			const extents = random.chance(0.2) ? [[random.below(1e9), 4096, text(5)]] : undefined;
			wanted.push(`${JSON.stringify({ path: `${directory}/${name}`, ...node, extents })}\n`);
			const bytes = Buffer.from(`..${name}..`);
			const listed = random.chance(0.5) ? name : new PlainName().in(bytes, 2, bytes.length - 2);
			// What is no text on a disk does not come as it is.
			const told = String(listed) === name ? listed : name;
			await lines.line(directory, told, node, extents && JSON.stringify(extents));
		}
		await lines.flush();
		await output.end();
		assert.equal(Buffer.concat(written).toString(), wanted.join(""));
	});
});
