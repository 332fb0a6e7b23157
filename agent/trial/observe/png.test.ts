import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32, inflateSync } from "node:zlib";
import { createRandom } from "../../../common/random.ts";
import { encodePng, type Picture, parsePpm } from "./png.ts";

const ppm = (width: number, height: number, pixels: Uint8Array) =>
	Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);

/** What a reader makes of it; asserts that every chunk's checksum is right. */
function decode(png: Buffer): Picture {
	assert.equal(png.toString("latin1", 0, 8), "\x89PNG\r\n\x1a\n");
	const chunks = new Map<string, Buffer>();
	for (let at = 8; at < png.length; ) {
		const length = png.readUInt32BE(at);
		const body = png.subarray(at + 4, at + 8 + length);
		assert.equal(png.readUInt32BE(at + 8 + length), crc32(body));
		chunks.set(body.toString("latin1", 0, 4), body.subarray(4));
		at += 12 + length;
	}
	assert.deepEqual([...chunks.keys()], ["IHDR", "IDAT", "IEND"]);
	const header = chunks.get("IHDR")!;
	assert.deepEqual([...header.subarray(8)], [8, 2, 0, 0, 0]);
	const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
	const filtered = inflateSync(chunks.get("IDAT")!);
	const stride = width * 3;
	assert.equal(filtered.length, (stride + 1) * height);
	const pixels = Buffer.alloc(stride * height);
	for (let line = 0; line < height; line++) {
		assert.equal(filtered[line * (stride + 1)], 2);
		for (let at = 0; at < stride; at++) {
			const above = line === 0 ? 0 : pixels[(line - 1) * stride + at]!;
			pixels[line * stride + at] = filtered[line * (stride + 1) + 1 + at]! + above;
		}
	}
	return { width, height, pixels };
}

describe("encodePng", () => {
	it("writes what a reader reads again", () => {
		const pixels = Buffer.from(Array.from({ length: 5 * 4 * 3 }, (_, at) => (at * 37) % 256));
		const picture = parsePpm(ppm(5, 4, pixels));
		assert.deepEqual(decode(encodePng(picture, 10_000)!), { width: 5, height: 4, pixels });
	});

	it("makes smaller what would be too large, and leaves out what cannot be", () => {
		const noise = createRandom(1).bytes(640 * 480 * 3);
		const picture = { width: 640, height: 480, pixels: noise };
		const png = encodePng(picture, 128 * 1024)!;
		assert.ok(png.length <= 128 * 1024);
		const { width, height } = decode(png);
		assert.ok(width < 640 && width >= 100 && Math.abs(width / height - 4 / 3) < 0.1, `${width} x ${height}`);
		assert.equal(encodePng(picture, 60), undefined);
	});

	it("takes the mean of what it puts together", () => {
		const pixels = Buffer.concat([Buffer.alloc(6, 10), Buffer.alloc(6, 30)]);
		let most = encodePng({ width: 2, height: 2, pixels }, 10_000)!.length;
		let small: Picture | undefined;
		while (small === undefined || small.width > 1) small = decode(encodePng({ width: 2, height: 2, pixels }, most--)!);
		assert.deepEqual([...small.pixels], [20, 20, 20]);
	});
});

describe("parsePpm", () => {
	it("refuses what is no screen", () => {
		for (const [file, code] of [
			[Buffer.alloc(0), "corrupt"],
			[Buffer.from("P5\n1 1\n255\n0"), "corrupt"],
			[Buffer.from("P6\n0 1\n255\n"), "corrupt"],
			[Buffer.from("P6\n1 1\n65535\n000000"), "corrupt"],
			[Buffer.from("P6\n10 10\n255\n012"), "corrupt"],
			[Buffer.from("P6\n1000000 1000000\n255\n"), "limit"],
		] as const) {
			assert.throws(() => parsePpm(file), { code });
		}
	});
});
