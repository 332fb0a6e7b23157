import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MeasurementName, Point } from "../../../common/measurements/measurements.ts";
import { type Random, testRandom } from "../../../test/support/random.ts";
import { LineHeads } from "./line-heads.ts";
import { headOf, LineWriter, MAX_LINE_BYTES, measurementOf, splitLines } from "./lines.ts";
import { decodeTag } from "./names.ts";

const HOUR_NS = 3_600_000_000_000n;
const TIME_NS = 1_732_224_157_000_000_000n;

function vm(fields: Point["fields"], tags: Point["tags"] = { host: "h", vm: "v" }, timeNs = TIME_NS): Point {
	return { measurement: "vm", tags, timeNs, fields };
}

function linesOf(...points: Point[]): string {
	const writer = new LineWriter();
	for (const point of points) assert.equal(writer.add(point), undefined);
	assert.equal(writer.lines, points.length);
	return writer.take().payload.toString("utf8");
}

describe("LineWriter", () => {
	it("writes tags in their order, fields, and the time", () => {
		const tags = { vm: "web1", disk: "vda", host: "h1" };
		const point: Point = { measurement: "vm_disk", tags, timeNs: 5n, fields: { rd_bytes: 1024, idle_seconds: 0.5 } };
		assert.equal(linesOf(point), "vm_disk,disk=vda,host=h1,vm=web1 rd_bytes=1024,idle_seconds=0.5 5\n");
	});

	for (const [value, wanted] of [
		[0, "0"],
		[-0, "0"],
		[-7, "-7"],
		[2 ** 31 - 1, "2147483647"],
		[2 ** 31, "2147483648"],
		[10 ** 9, "1000000000"],
		[-(2 ** 53 - 1), "-9007199254740991"],
		[5_000_000_001, "5000000001"],
		[1e21, "1e+21"],
		[1.5e-7, "1.5e-7"],
		[1 / 3, "0.3333333333333333"],
		[Number.MAX_VALUE, "1.7976931348623157e+308"],
	] as const) {
		it(`writes ${value} as ${wanted}`, () => {
			assert.equal(linesOf(vm({ state: value })), `vm,host=h,vm=v state=${wanted} ${TIME_NS}\n`);
		});
	}

	it("writes every whole number as JavaScript does", (context) => {
		const random = testRandom(context);
		const values = Array.from({ length: 5000 }, () => Math.round((random.fraction() - 0.5) * 10 ** random.below(17)));
		const lines = linesOf(...values.map((value) => vm({ state: value }))).split("\n");
		for (const [at, value] of values.entries()) assert.match(lines[at]!, new RegExp(` state=${value + 0} `));
	});

	it("writes every fraction as JavaScript does", (context) => {
		const random = testRandom(context);
		const values = Array.from({ length: 5000 }, () => {
			const value = (random.fraction() - 0.5) * 10 ** random.below(17);
			return random.chance(0.8) ? Number(value.toFixed(random.below(8))) : value;
		});
		const lines = linesOf(...values.map((value) => vm({ state: value }))).split("\n");
		for (const [at, value] of values.entries()) {
			assert.equal(lines[at], `vm,host=h,vm=v state=${value + 0} ${TIME_NS}`);
		}
	});

	for (const timeNs of [
		1n,
		0n,
		-1n,
		999_999_999n,
		10n ** 9n,
		TIME_NS + 1n,
		2n ** 62n,
		2n ** 63n - 2n,
		-(2n ** 63n) + 2n,
	]) {
		it(`writes the time ${timeNs}`, () => {
			assert.equal(linesOf(vm({ up: 1 }, { vm: "v" }, timeNs)), `vm,vm=v up=1 ${timeNs}\n`);
		});
	}

	for (const [what, times, first, last] of [
		["one hour", [TIME_NS, TIME_NS + 1n, TIME_NS], 481173, 481173],
		["several", [TIME_NS, TIME_NS + 2n * HOUR_NS, TIME_NS - HOUR_NS], 481172, 481175],
		["those around 1970", [0n, -1n, HOUR_NS - 1n, -HOUR_NS, -HOUR_NS - 1n], -2, 0],
		["all that there are", [2n ** 63n - 2n, -(2n ** 63n) + 2n], -2562048, 2562047],
	] as const) {
		it(`tells the hours of its points: ${what}`, () => {
			const writer = new LineWriter();
			// What is refused does not count, nor what was taken before.
			writer.add(vm({ up: 1 }, {}, 7n * HOUR_NS));
			writer.take();
			for (const timeNs of times) {
				writer.add(vm({ up: 1 }, {}, timeNs));
				writer.add(vm({ wings: 1 }, {}, 500n * HOUR_NS));
			}
			assert.deepEqual(writer.take().hours, { first, last });
		});
	}

	it("writes texts in quotes, and tags behind backslashes or encoded", () => {
		const tags = { host: "a b,c=d", vm: "日\\\n%", severity: "" };
		const point: Point = { measurement: "anomaly", tags, timeNs: 1n, fields: { feature: 'say "x"\\\n' } };
		assert.equal(linesOf(point), 'anomaly,host=a\\ b\\,c\\=d,vm=日%5C%0A% feature="say \\"x\\"\\\\\n" 1\n');
	});

	it("leaves texts out where it is told to", () => {
		const writer = new LineWriter(false);
		const tags = { host: "h", vm: "v", severity: "info" };
		const point: Point = { measurement: "anomaly", tags, timeNs: 1n, fields: { feature: "x", score: 1 } };
		assert.equal(writer.add(point), undefined);
		assert.equal(writer.take().payload.toString(), "anomaly,host=h,severity=info,vm=v score=1 1\n");
		assert.match(writer.add({ ...point, fields: { feature: "x" } }) ?? "", /no numbers/);
	});

	for (const [what, point, reason] of [
		[
			"a measurement that is none",
			{ ...vm({ state: 1 }), measurement: "toString" as MeasurementName },
			/no such measure/,
		],
		["a tag that is none", vm({ state: 1 }, { path: "/" }), /no tag path/],
		["a field that is none", vm({ state: 1, wings: 2 }), /no field wings/],
		["no number", vm({ state: Number.NaN }), /found NaN/],
		["a text for a number", vm({ state: "x" }), /found text/],
		["no fields", vm({}), /no fields/],
		["a time beyond 64 bits", vm({ state: 1 }, {}, 2n ** 63n), /64 bits/],
		["half of a character", vm({ state: 1 }, { vm: "\ud800" }), /no Unicode text/],
		["a tag with a zero byte", vm({ state: 1 }, { vm: "a\0" }), /no Unicode text/],
		["a line without end", vm({ state: 1 }, { vm: "x".repeat(MAX_LINE_BYTES) }), /more than 524288 bytes/],
	] as const) {
		it(`refuses ${what}, and keeps what was there`, () => {
			const writer = new LineWriter();
			writer.add(vm({ up: 1 }));
			assert.match(writer.add(point) ?? "", reason);
			writer.add(vm({ up: 2 }));
			assert.equal(
				writer.take().payload.toString(),
				`vm,host=h,vm=v up=1 ${TIME_NS}\nvm,host=h,vm=v up=2 ${TIME_NS}\n`,
			);
		});
	}

	it("writes lines that read back as the points", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const points = Array.from({ length: random.between(1, 20) }, () => oddPoint(random));
			const writer = new LineWriter();
			for (const point of points) assert.equal(writer.add(point), undefined);
			const bytes = writer.take().payload;
			const lines = splitLines(bytes);
			assert.equal(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])).compare(bytes), 0);
			assert.deepEqual(
				lines.map((line) => parseLine(line.toString("utf8"))),
				points,
			);
			for (const line of lines) assert.equal(measurementOf(line), "anomaly");
		}
	});
});

describe("headOf", () => {
	it("is that of the series, in whatever order its tags come, and its hashes spread series", () => {
		const used = new Set<number>();
		for (let at = 0; at < 100; at++) {
			const head = headOf(vm({ up: 1 }, { host: "h", vm: `vm${at}` }));
			assert.equal(String(head?.bytes), `vm,host=h,vm=vm${at}`);
			assert.equal(headOf(vm({ up: 2 }, { vm: `vm${at}`, host: "h" }, 7n)), head);
			used.add(head!.hash % 4);
		}
		assert.equal(used.size, 4);
	});

	it("forgets series where there are too many to keep", () => {
		const heads = new LineHeads();
		const one = vm({ up: 1 }, { host: "h", vm: "one" });
		const first = heads.of(one);
		assert.equal(heads.of(one), first);
		for (let at = 0; at < 40; at++) heads.of(vm({ up: 1 }, { host: "h", vm: `${"x".repeat(500_000)}${at}` }));
		assert.notEqual(heads.of(one), first);
		assert.deepEqual(heads.of(one), first);
	});
});

const ODD = ["a", " ", ",", "=", "\\", '"', "'", "\n", "\r\n", "%", "%0A", "é", "🚀", "\t", "0", "#"];

function oddPoint(random: Random): Point {
	const odd = (): string => Array.from({ length: random.between(1, 6) }, () => random.pick(ODD)).join("");
	const number = random.pick([random.below(1e9), -random.fraction(), random.fraction() * 1e300, 2 ** 53 - 1]);
	return {
		measurement: "anomaly",
		tags: { host: odd(), severity: "info", vm: odd() },
		timeNs: BigInt(random.below(2 ** 31)) * BigInt(random.below(2 ** 31)),
		fields: random.chance(0.5) ? { feature: odd(), score: number } : { score: number, feature: odd() },
	};
}

/** The line protocol as InfluxDB documents it, read the slow way: the writer's oracle. */
function parseLine(line: string): Point {
	let at = 0;
	const until = (ends: string, quoted = false): string => {
		let text = "";
		for (let open = false; at < line.length; at++) {
			const next = line[at]!;
			if (quoted && next === '"') open = !open;
			if (!open && ends.includes(next)) break;
			text += next;
			if (next === "\\" && at + 1 < line.length && (quoted || ends.includes(line[at + 1]!) || line[at + 1] === "="))
				text += line[++at];
		}
		return text;
	};
	const measurement = until(", ") as MeasurementName;
	const tags: Record<string, string> = {};
	while (line[at] === ",") {
		at++;
		const name = until("=");
		at++;
		tags[name] = decodeTag(until(", ").replaceAll(/\\([ ,=])/g, "$1"));
	}
	const fields: Record<string, string | number> = {};
	do {
		at++;
		const name = until("=");
		at++;
		const value = until(", ", true);
		fields[name] = value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(["\\])/g, "$1") : Number(value);
	} while (line[at] === ",");
	return { measurement, tags, timeNs: BigInt(line.slice(at + 1)), fields };
}
