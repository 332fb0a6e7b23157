import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { damage } from "../fuzz/damage.ts";
import { DamagedSource, PAGE } from "../fuzz/damaged-source.ts";
import { openFile } from "./file.ts";
import { differingRanges, type Qcow2State, readQcow2 } from "./qcow2.ts";
import type { BlockSource } from "./source.ts";
import { errorOf, run } from "./testing.ts";

const MIB = 2 ** 20;
const SIZE = 8 * MIB;

function io(image: string, ...commands: string[]): void {
	run("qemu-io", ...commands.flatMap((command) => ["-c", command]), image);
}

/** Where nothing is scribbled: compressed clusters go only where nothing is. */
const QUIET = 6 * MIB;

/** Some writes, discards and zeroes. */
function scribble(image: string, random: Random): void {
	const commands = Array.from({ length: random.between(1, 12) }, () => {
		const offset = random.below(QUIET / 4096) * 4096;
		const length = Math.min(random.pick([4096, 65536, 300_000 - (300_000 % 4096)]), QUIET - offset);
		const what = random.pick([
			`write -P ${random.below(255) + 1}`,
			`write -P ${random.below(9)}`,
			"write -z",
			"discard",
		]);
		return `${what} ${offset} ${length}`;
	});
	io(image, ...commands);
}

/** What the disk reads as, by qemu-img; a snapshot, or the present state. */
function contentOf(image: string, folder: TempFolder, snapshot?: string): Buffer {
	const out = folder.file("content.raw");
	run(
		"qemu-img",
		"convert",
		...(snapshot === undefined ? [] : ["-l", `snapshot.name=${snapshot}`]),
		image,
		"-O",
		"raw",
		out,
	);
	return readFileSync(out);
}

/** Bytes that differ outside of the ranges. */
function outside(a: Buffer, b: Buffer, ranges: readonly number[]): number {
	let count = 0;
	let next = 0;
	for (let at = 0; at <= ranges.length; at += 2) {
		const until = Math.min(ranges[at] ?? a.length, a.length);
		if (Buffer.compare(a.subarray(next, until), b.subarray(next, until)) !== 0) count++;
		next = (ranges[at] ?? 0) + (ranges[at + 1] ?? 0);
	}
	return count;
}

describe("readQcow2", needs("qemu-img", "qemu-io"), () => {
	it("tells the snapshots that qemu-img tells, and the size that the disk had then", async () => {
		await using folder = await tempFolder();
		const image = folder.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, String(SIZE));
		{
			await using file = await openFile(image);
			assert.deepEqual((await readQcow2(file)).snapshots, []);
		}
		for (const [name, size] of [
			["one", 0],
			["two, ü", 2 * SIZE],
			["", 0],
		] as const) {
			if (size > 0) run("qemu-img", "resize", "-q", image, String(size));
			run("qemu-img", "snapshot", "-c", name, image);
		}
		await using file = await openFile(image);
		const found = await readQcow2(file);
		const told = JSON.parse(run("qemu-img", "info", "--output=json", image)).snapshots as Record<string, number>[];
		assert.deepEqual(
			found.snapshots.map(({ id, name, timeNs, vmStateBytes }) => ({ id, name, timeNs, vmStateBytes })),
			told.map((snapshot) => ({
				id: snapshot["id"],
				name: snapshot["name"],
				timeNs: BigInt(snapshot["date-sec"]!) * 1_000_000_000n + BigInt(snapshot["date-nsec"]!),
				vmStateBytes: snapshot["vm-state-size"],
			})),
		);
		assert.deepEqual(
			found.snapshots.map(({ sizeBytes }) => sizeBytes),
			[SIZE, 2 * SIZE, 2 * SIZE],
		);
		assert.deepEqual([found.present.sizeBytes, found.hasBackingFile, found.version], [2 * SIZE, false, 3]);
	});

	it("reads version 2, whose snapshots may not say how large the disk was", async () => {
		await using folder = await tempFolder();
		const image = folder.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", image, String(SIZE));
		run("qemu-img", "snapshot", "-c", "one", image);
		await using file = await openFile(image);
		const { version, snapshots } = await readQcow2(file);
		assert.deepEqual([version, snapshots.map(({ sizeBytes }) => sizeBytes)], [2, [SIZE]]);
	});

	const flips: readonly [string, (image: Buffer, table: number) => void, string, RegExp][] = [
		["another magic", (image) => image.writeUInt8(0, 0), "unsupported", /not a qcow2 image/],
		["version 4", (image) => image.writeUInt32BE(4, 4), "corrupt", /version is 4, wanted 2 or 3/],
		["clusters of 4 TiB", (image) => image.writeUInt32BE(42, 20), "corrupt", /cluster_bits is 42/],
		["an L1 table of 2^32 entries", (image) => image.writeUInt32BE(0xffffffff, 36), "corrupt", /l1_size is 4294967295/],
		["2^32 snapshots", (image) => image.writeUInt32BE(0xffffffff, 60), "corrupt", /nb_snapshots is 4294967295/],
		["more snapshots than there are", (image) => image.writeUInt32BE(9, 60), "", /snapshot \d of 9|snapshot \d: /],
		["snapshots beyond 2^53", (image) => image.writeBigUInt64BE(2n ** 60n, 64), "corrupt", /snapshots_offset/],
		["snapshots beyond the end", (image) => image.writeBigUInt64BE(2n ** 40n, 64), "truncated", /./],
		["a snapshot's L1 table", (image, at) => image.writeUInt32BE(0x7fffffff, at + 8), "corrupt", /snapshot 1: l1_size/],
		["extra data of 4 GiB", (image, at) => image.writeUInt32BE(0xffffffff, at + 36), "corrupt", /extra_data_size/],
		["a disk of 2^60 bytes", (image, at) => image.writeBigUInt64BE(2n ** 60n, at + 48), "corrupt", /disk_size/],
	];
	for (const [what, flip, code, message] of flips) {
		it(`refuses ${what}`, async () => {
			await using folder = await tempFolder();
			const image = folder.file("a.qcow2");
			run("qemu-img", "create", "-q", "-f", "qcow2", image, String(SIZE));
			for (const name of ["one", "two"]) run("qemu-img", "snapshot", "-c", name, image);
			const bytes = readFileSync(image);
			flip(bytes, Number(bytes.readBigUInt64BE(64)));
			writeFileSync(image, bytes);
			await using file = await openFile(image);
			const error = await errorOf(readQcow2(file));
			if (code !== "") assert.equal(error.code, code, error.message);
			assert.match(error.message, message);
		});
	}

	it("refuses two snapshots that cannot be told apart, and a name that QEMU cannot be given", async () => {
		await using folder = await tempFolder();
		const image = folder.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, String(SIZE));
		for (const name of ["s1", "s2"]) run("qemu-img", "snapshot", "-c", name, image);
		const bytes = readFileSync(image);
		const second = bytes.indexOf("2s2", Number(bytes.readBigUInt64BE(64)));
		for (const [text, message] of [
			["1s1", /snapshot 2: id and name is \["1","s1"\], wanted those of no other snapshot/],
			["2s\0", /wanted text without NUL/],
		] as const) {
			const changed = Buffer.from(bytes);
			changed.write(text, second, "latin1");
			writeFileSync(image, changed);
			await using file = await openFile(image);
			assert.match((await errorOf(readQcow2(file))).message, message);
		}
	});
});

describe("differingRanges", needs("qemu-img", "qemu-io"), () => {
	for (const options of ["", "cluster_size=512", "extended_l2=on,cluster_size=128k"]) {
		it(`leaves out only what reads the same${options === "" ? "" : `: ${options}`}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			const base = folder.file("base.raw");
			writeFileSync(base, random.bytes(SIZE / 2));
			const image = folder.file("a.qcow2");
			const layout = options === "" ? [] : ["-o", options];
			run("qemu-img", "create", "-q", "-f", "qcow2", ...layout, "-b", base, "-F", "raw", image, String(SIZE));
			const names = ["s0", "s1", "s2", "s3"];
			for (const name of names) {
				scribble(image, random);
				if (name === "s2") io(image, `write -c -P 7 ${QUIET} ${SIZE - QUIET}`);
				run("qemu-img", "snapshot", "-c", name, image);
			}
			scribble(image, random);
			await using file = await openFile(image);
			const { snapshots, ...rest } = await readQcow2(file);
			const states: [string | undefined, Qcow2State][] = [
				...snapshots.map((snapshot): [string, Qcow2State] => [snapshot.name, snapshot]),
				[undefined, rest.present],
			];
			const contents = states.map(([name]) => contentOf(image, folder, name));
			let [left, all] = [0, 0];
			for (const [from, [, a]] of states.entries()) {
				for (const [to, [, b]] of states.entries()) {
					const ranges = await differingRanges(file, { snapshots, ...rest }, a, b);
					assert.ok(ranges !== undefined);
					assert.equal(outside(contents[from]!, contents[to]!, ranges), 0, `${from} to ${to}: ${ranges.join()}`);
					if (from === to) assert.deepEqual(ranges, []);
					all += SIZE;
					for (let at = 1; at < ranges.length; at += 2) left += ranges[at]!;
				}
			}
			assert.ok(left < all, "it saves nothing");
		});
	}

	it("says that it cannot tell where the data lies in a file of its own", async () => {
		await using folder = await tempFolder();
		const image = folder.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", "-o", `data_file=${folder.file("data")}`, image, String(SIZE));
		await using file = await openFile(image);
		const opened = await readQcow2(file);
		assert.equal(await differingRanges(file, opened, opened.present, opened.present), undefined);
	});
});

it("an image that is damaged anywhere is read, or refused by an error of ours", needs("qemu-img"), async (context) => {
	const random = testRandom(context);
	await using folder = await tempFolder();
	const image = folder.file("a.qcow2");
	run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", image, String(64 * MIB));
	for (const name of ["one", "two", "three"]) {
		scribble(image, random);
		run("qemu-img", "snapshot", "-c", name, image);
	}
	await using whole: BlockSource = await openFile(image);
	const places = Array.from({ length: Math.floor(whole.size / PAGE) }, (_, at) => at * PAGE);
	// Where the tables are is hit more often than a page here and there would be.
	const table = Number(readFileSync(image).readBigUInt64BE(64));
	const tables = [0, Math.floor(table / PAGE) * PAGE];
	let [read, refused] = [0, 0];
	for (let round = 0; round < 1000; round++) {
		const damaged = new DamagedSource(whole);
		await damage(damaged, random.chance(0.8) ? tables : places, round, random);
		try {
			const opened = await readQcow2(damaged);
			for (const state of opened.snapshots) await differingRanges(damaged, opened, opened.present, state);
			read++;
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "unsupported", "limit")) throw error;
			refused++;
		}
	}
	assert.ok(read > 0 && refused > 0, `${read} read, ${refused} refused`);
});
