import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import { run, serve } from "../../disk/source/testing.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import {
	type Allocation,
	type BlockRange,
	type DirtyRange,
	planReads,
	splitByAllocation,
	withBlocks,
} from "./read-plan.ts";

/** What every block of a plan is: "data", "zero", or "" where it is not part of it. */
function blocksOf(ranges: readonly BlockRange[], total: number): string[] {
	const blocks = new Array<string>(total).fill("");
	let last = -1;
	let lastZero: boolean | undefined;
	for (const { first, count, zero } of ranges) {
		assert.ok(count > 0 && first >= last, "ascending and disjoint");
		assert.ok(first !== last || zero !== lastZero, "neighbours of a kind are one range");
		for (let block = first; block < first + count; block++) blocks[block] = zero ? "zero" : "data";
		last = first + count;
		lastZero = zero;
	}
	assert.ok(last <= total);
	return blocks;
}

describe("withBlocks", () => {
	it("adds blocks to ranges, for any of both", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 200; round++) {
			const total = 1 + random.below(60);
			const wanted = new Set<number>();
			const ranges: DirtyRange[] = [];
			for (let at = random.below(8); at < total; ) {
				const end = Math.min(total, at + 1 + random.below(6));
				for (let block = at; block < end; block++) wanted.add(block);
				ranges.push({ first: at, end });
				at = end + 1 + random.below(8);
			}
			const blocks = Array.from({ length: random.below(12) }, () => random.below(total + 5));
			for (const block of blocks) if (block < total) wanted.add(block);
			const merged = withBlocks(ranges, blocks, total);
			for (const [at, { first, end }] of merged.entries()) {
				assert.ok(end > first && first > (merged[at - 1]?.end ?? -1), "ascending, disjoint and apart");
			}
			const found = merged.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, at) => first + at));
			assert.deepEqual(
				found,
				[...wanted].sort((a, b) => a - b),
			);
		}
	});
});

describe("splitByAllocation", () => {
	it("calls a block zero only where all of its bytes are, for any ranges and extents", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const size = 512 * random.between(1, 40 * 128);
			const total = blockCount(size);
			const allocation = randomAllocation(random, size);
			const ranges: DirtyRange[] = [];
			for (let first = random.below(4); first < total; ) {
				const end = Math.min(total, first + random.between(1, 10));
				ranges.push({ first, end });
				first = end + random.between(1, 10);
			}
			// Nothing is known of what lies outside of the ranges.
			const [from, to] = [ranges[0]?.first ?? 0, ranges.at(-1)?.end ?? 0];
			const known = allocation.filter(
				({ offset, length }) => offset + length > from * BLOCK_SIZE && offset < to * BLOCK_SIZE,
			);
			const wanted = Array.from({ length: total }, (_, block) => {
				if (!ranges.some(({ first, end }) => block >= first && block < end)) return "";
				const data = allocation.some(
					({ offset, length, zero }) =>
						!zero && offset < (block + 1) * BLOCK_SIZE && offset + length > block * BLOCK_SIZE,
				);
				return data ? "data" : "zero";
			});
			assert.deepEqual(blocksOf(splitByAllocation(ranges, known, size), total), wanted, `size ${size}`);
		}
	});

	it("reads what nothing is known of", () => {
		assert.deepEqual(splitByAllocation([{ first: 2, end: 5 }], [], 10 * BLOCK_SIZE), [
			{ first: 2, count: 3, zero: false },
		]);
		assert.deepEqual(splitByAllocation([], [], 0), []);
	});
});

function randomAllocation(random: Random, size: number): Allocation[] {
	const allocation: Allocation[] = [];
	let zero = random.chance(0.5);
	for (let offset = 0; offset < size; zero = !zero) {
		const unit = random.pick([512, 4096, BLOCK_SIZE]);
		const length = Math.min(size - offset, unit * random.between(1, 8));
		allocation.push({ offset, length, zero });
		offset += length;
	}
	return allocation;
}

/** Serves an image with qemu-nbd and runs `test` with a client. */
async function withExport(
	path: string,
	args: readonly string[],
	contexts: readonly string[],
	test: (nbd: NbdClient) => Promise<void>,
): Promise<void> {
	await using temp = await tempFolder();
	const socket = temp.file("s");
	await using _ = await serve(
		socket,
		"qemu-nbd",
		"--read-only",
		"--persistent",
		"--shared=8",
		`--socket=${socket}`,
		...args,
		path,
	);
	await using nbd = await NbdClient.connect({ address: { path: socket }, exportName: "", contexts });
	await test(nbd);
}

const io = (path: string, ...commands: string[]) =>
	run("qemu-io", "-f", "qcow2", "-d", "unmap", ...commands.flatMap((command) => ["-c", command]), path);

describe("planReads", needs("qemu-nbd", "qemu-img", "qemu-io"), () => {
	const BITMAP = "qemu:dirty-bitmap:b0";
	const CONTEXTS = ["base:allocation", BITMAP];
	const served = (path: string, test: (nbd: NbdClient) => Promise<void>) =>
		withExport(path, ["-f", "qcow2", "-B", "b0"], CONTEXTS, test);

	it("takes what was written since the bitmap began, trimmed ranges as zeroes, on a disk of odd size", async () => {
		await using temp = await tempFolder();
		const path = temp.file("a.qcow2");
		const size = 40 * BLOCK_SIZE + 1536;
		run("qemu-img", "create", "-q", "-f", "qcow2", path, String(size));
		io(path, "write -P 1 0 1M");
		run("qemu-img", "bitmap", "--add", "-g", "4096", path, "b0");
		await served(path, async (nbd) => {
			assert.deepEqual(await planReads(nbd, BITMAP), { ranges: [], dirtyBytes: 0 });
		});
		// Across a border of blocks; the end of the disk; trimmed; zeroes written; one byte.
		io(
			path,
			`write -P 2 ${3 * 64 + 60}k 8k`,
			`write -P 3 ${40 * 64}k 1536`,
			"discard 512k 192k",
			"write -z 1280k 64k",
			"write -P 4 2000k 1",
		);
		await served(path, async (nbd) => {
			assert.equal(nbd.size, size);
			const { ranges, dirtyBytes } = await planReads(nbd, BITMAP);
			assert.deepEqual(ranges, [
				{ first: 3, count: 2, zero: false },
				{ first: 8, count: 3, zero: true },
				{ first: 20, count: 1, zero: true },
				{ first: 31, count: 1, zero: false },
				{ first: 40, count: 1, zero: false },
			]);
			assert.equal(dirtyBytes, 8 * BLOCK_SIZE);
			const whole = await planReads(nbd, undefined);
			const blocks = blocksOf(whole.ranges, 41);
			const data = [...blocks.entries()].filter(([, kind]) => kind === "data").map(([block]) => block);
			assert.deepEqual(data, [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 31, 40]);
			assert.ok(!blocks.includes(""), "all of the disk");
			assert.equal(whole.dirtyBytes, 41 * BLOCK_SIZE);
		});
	});

	it("covers random histories: what is left out is unchanged, what is zero reads as zeroes", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 4; round++) {
			await using temp = await tempFolder();
			const path = temp.file("a.qcow2");
			const size = 512 * random.between(1, 16 * 1024);
			run(
				"qemu-img",
				"create",
				"-q",
				"-f",
				"qcow2",
				"-o",
				`cluster_size=${random.pick([4, 64, 512])}k`,
				path,
				String(size),
			);
			const history = (count: number) =>
				Array.from({ length: count }, () => {
					const offset = 512 * random.below(size / 512);
					const length = Math.min(512 * random.between(1, 400), size - offset);
					return random.pick([
						`write -P ${random.between(1, 255)} ${offset} ${length}`,
						`discard ${offset} ${length}`,
						`write -z ${offset} ${length}`,
					]);
				});
			io(path, ...history(20));
			let before: Uint8Array = new Uint8Array();
			await withExport(path, ["-f", "qcow2"], ["base:allocation"], async (nbd) => {
				before = await nbd.read(0, size);
			});
			run("qemu-img", "bitmap", "--add", "-g", random.pick(["512", "65536", "1M"]), path, "b0");
			io(path, ...history(random.between(1, 20)));
			await served(path, async (nbd) => {
				const after = await nbd.read(0, size);
				const tracked = blocksOf((await planReads(nbd, BITMAP)).ranges, blockCount(size));
				const whole = blocksOf((await planReads(nbd, undefined)).ranges, blockCount(size));
				for (const [block, kind] of tracked.entries()) {
					const at = block * BLOCK_SIZE;
					const bytes = Buffer.from(after.subarray(at, at + BLOCK_SIZE));
					const what = `round ${round}, block ${block} of ${size} bytes`;
					if (kind === "") assert.ok(bytes.equals(before.subarray(at, at + BLOCK_SIZE)), `${what} changed`);
					else assert.equal(kind, whole[block], what);
					if (whole[block] === "zero")
						assert.ok(
							bytes.every((byte) => byte === 0),
							`${what} is not zero`,
						);
				}
			});
		}
	});

	it("asks a few questions about ten thousand scattered writes, not ten thousand", async (context) => {
		await using temp = await tempFolder();
		const path = temp.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", path, "4G");
		run("qemu-img", "bitmap", "--add", "-g", "65536", path, "b0");
		const writes = Array.from({ length: 10_000 }, (_, at) => `write -q -P 1 ${at * 6 * 64}k 4k`).join("\n");
		const { status, stderr } = spawnSync("qemu-io", ["-f", "qcow2", "-t", "unsafe", path], {
			input: writes,
			encoding: "utf8",
		});
		assert.equal(status, 0, stderr);
		await served(path, async (nbd) => {
			let questions = 0;
			const ask = nbd.statusExtents.bind(nbd);
			nbd.statusExtents = (...args) => {
				questions++;
				return ask(...args);
			};
			const start = performance.now();
			const { ranges, dirtyBytes } = await planReads(nbd, BITMAP);
			context.diagnostic(`${Math.round(performance.now() - start)} ms, ${questions} questions`);
			assert.equal(ranges.length, 10_000);
			assert.equal(dirtyBytes, 10_000 * BLOCK_SIZE);
			assert.ok(ranges.every(({ first, count, zero }, at) => first === 6 * at && count === 1 && !zero));
			assert.ok(questions < 100);
		});
	});

	it("fails where the export ends, and where the bitmap is not served", async () => {
		await using temp = await tempFolder();
		const path = temp.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", path, "1M");
		await withExport(path, ["-f", "qcow2"], ["base:allocation"], async (nbd) => {
			await assert.rejects(planReads(nbd, BITMAP), (error) => isUmbraError(error, "not-found"));
			await nbd[Symbol.asyncDispose]();
			await assert.rejects(planReads(nbd, undefined), (error) => isUmbraError(error, "unavailable"));
		});
	});

	it("looks at the blocks that listed ranges touch, and tells zeroes among them", async () => {
		await using temp = await tempFolder();
		const path = temp.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", path, "1M");
		io(path, `write -P 1 0 ${4 * BLOCK_SIZE}`);
		await withExport(path, ["-f", "qcow2"], ["base:allocation"], async (nbd) => {
			// Within one block; over a border; beside each other; beyond the end.
			const listed = [
				10,
				5,
				2 * BLOCK_SIZE - 1,
				2,
				4 * BLOCK_SIZE,
				BLOCK_SIZE,
				5 * BLOCK_SIZE,
				1,
				15 * BLOCK_SIZE,
				1e9,
			];
			const { ranges, dirtyBytes } = await planReads(nbd, listed);
			assert.deepEqual(ranges, [
				{ first: 0, count: 3, zero: false },
				{ first: 4, count: 2, zero: true },
				{ first: 15, count: 1, zero: true },
			]);
			assert.equal(dirtyBytes, 6 * BLOCK_SIZE);
			assert.deepEqual(await planReads(nbd, []), { ranges: [], dirtyBytes: 0 });
		});
	});

	it("is empty for an empty disk", async () => {
		await using temp = await tempFolder();
		const path = temp.file("a.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", path, "0");
		await withExport(path, ["-f", "qcow2"], ["base:allocation"], async (nbd) => {
			assert.deepEqual(await planReads(nbd, undefined), { ranges: [], dirtyBytes: 0 });
		});
	});
});
