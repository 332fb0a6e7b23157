import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { type BlockFrame, writeFrames } from "../../collector/api/block-frames.ts";
import type { ChunkStore } from "../../collector/vault/chunk-store.ts";
import { updateTree } from "../../collector/vault/tree.ts";
import { BLOCK_SIZE, blake3Name, blockCount, blockName, isZero, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { CollectorClient } from "../collector-client.ts";
import { standIn } from "../testing.ts";
import { restoreDisk } from "./disk.ts";
import { layoutOf } from "./layout.ts";

const NAMING: ChunkStore = {
	has: () => true,
	putAll: () => assert.fail(),
	putPlain: async (bytes) => (isZero(bytes) ? ZERO_NAME : blake3Name(bytes)),
	flush: async () => {},
	get: () => assert.fail(),
	stats: () => ({ chunks: 0, packs: 0, storedBytes: 0 }),
	[Symbol.asyncDispose]: async () => {},
};

async function rootOf(disk: Buffer): Promise<string> {
	async function* runs() {
		for (let block = 0; block < blockCount(disk.length); block++) {
			const bytes = Buffer.alloc(BLOCK_SIZE);
			disk.copy(bytes, 0, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
			yield { firstBlock: block, names: blockName(bytes) };
		}
	}
	return nameToHex(await updateTree(NAMING, null, blockCount(disk.length), runs()));
}

/** Bytes that are fetched together. */
const PIECE = 8 * 1024 * 1024;

/** Whether a collector has the route of blocks as they are stored. */
type Age = "older" | "present";

/** Told what is asked for, bytes or frames of blocks, and where that begins on the disk. */
type SendData = (bytes: Buffer, response: ServerResponse, offset: number) => void;

/** Serves `disk` as the collector's extents, data and blocks, two extents a page. */
async function serving(age: Age, disk: Buffer, root: string, sendData: SendData, sendBlocks: SendData = sendData) {
	const extents: { offset: number; length: number; zero: boolean }[] = [];
	for (let offset = 0; offset < disk.length; offset += BLOCK_SIZE) {
		const bytes = disk.subarray(offset, offset + BLOCK_SIZE);
		const last = extents.at(-1);
		if (last?.zero === isZero(bytes)) last.length += bytes.length;
		else extents.push({ offset, length: bytes.length, zero: isZero(bytes) });
	}
	return await standIn(({ url, headers }, response) => {
		const { pathname, searchParams } = new URL(url ?? "", "http://x");
		if (pathname.endsWith("/extents")) {
			const from = Number(searchParams.get("from") ?? 0);
			const next = from + 2 < extents.length ? from + 2 : null;
			response.end(
				JSON.stringify({ time: "17", sizeBytes: disk.length, root, extents: extents.slice(from, from + 2), next }),
			);
		} else if (pathname.endsWith("/data")) {
			const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
			sendData(disk.subarray(Number(first), Number(last) + 1), response, Number(first));
		} else if (age === "older") {
			response.writeHead(404).end();
		} else {
			assert.ok(pathname.endsWith("/blocks"));
			const [from, to] = [Number(searchParams.get("from")), Number(searchParams.get("to"))];
			sendBlocks(framesOf(disk.subarray(from, to)), response, from);
		}
	});
}

/** Every other compressed. */
function framesOf(bytes: Buffer): Buffer {
	const frames: BlockFrame[] = [];
	for (let block = 0; block < blockCount(bytes.length); block++) {
		const plain = Buffer.alloc(BLOCK_SIZE);
		bytes.copy(plain, 0, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
		if (isZero(plain)) continue;
		const [encoding, data] = block % 2 === 0 ? (["raw", plain] as const) : (["zstd", zstdCompressSync(plain)] as const);
		const fits = data.length <= BLOCK_SIZE;
		frames.push({ block, name: blockName(plain), encoding: fits ? encoding : "raw", data: fits ? data : plain });
	}
	return writeFrames(frames);
}

for (const age of ["present", "older"] as const)
	describe(`restoreDisk from a collector of the ${age} kind`, () => {
		const options = async (url: string, out: string, force = false) => ({
			client: await CollectorClient.from({ collector: url }),
			vm: "web/1",
			time: "latest",
			disk: "va",
			out,
			force,
		});
		const sample = (context: Parameters<typeof testRandom>[0]) => {
			const random = testRandom(context);
			const blocks = Array.from({ length: 40 }, (_, at) =>
				at % 5 < 2 ? Buffer.alloc(BLOCK_SIZE) : random.bytes(BLOCK_SIZE),
			);
			return Buffer.concat([...blocks, random.bytes(1000)]);
		};

		it("writes the disk, holes and a short end included", async (context) => {
			await using temp = await tempFolder();
			const disk = sample(context);
			const root = await rootOf(disk);
			await using server = await serving(age, disk, root, (bytes, response) => response.end(bytes));
			const result = await restoreDisk(await options(server.url, temp.file("out")));
			assert.equal(result.root, root);
			assert.equal(result.time, "17");
			assert.ok((await readFile(temp.file("out"))).equals(disk));
			assert.ok(!existsSync(temp.file("out.partial")));
			assert.ok(
				server.requests.slice(1).every(({ url }) => url?.startsWith("/v1/vms/web%2F1/points/17/")),
				"one point",
			);
		});

		for (const [what, code, spoil] of [
			[
				"one bit is wrong",
				"corrupt",
				(bytes: Buffer) => Buffer.concat([Buffer.of((bytes[0] as number) ^ 1), bytes.subarray(1)]),
			],
			["less comes than was asked for", "truncated", (bytes: Buffer) => bytes.subarray(1)],
		] as const) {
			it(`leaves nothing behind where ${what}`, async (context) => {
				await using temp = await tempFolder();
				const disk = sample(context);
				await using server = await serving(age, disk, await rootOf(disk), (bytes, response) =>
					response.end(spoil(bytes)),
				);
				await assert.rejects(restoreDisk(await options(server.url, temp.file("out"))), (error) =>
					isUmbraError(error, code),
				);
				assert.ok(!existsSync(temp.file("out")));
				assert.ok(!existsSync(temp.file("out.partial")));
			});
		}

		it("replaces a file, or another's unfinished one, only by force", async (context) => {
			await using temp = await tempFolder();
			const disk = sample(context);
			await using server = await serving(age, disk, await rootOf(disk), (bytes, response) => response.end(bytes));
			const out = temp.file("out");
			await writeFile(out, "mine");
			await assert.rejects(restoreDisk(await options(server.url, out)), (error) => isUmbraError(error, "conflict"));
			assert.equal(await readFile(out, "utf8"), "mine");
			await restoreDisk(await options(server.url, out, true));
			assert.ok((await readFile(out)).equals(disk));
			await writeFile(temp.file("other.partial"), "another restore");
			await assert.rejects(restoreDisk(await options(server.url, temp.file("other"))), (error) =>
				isUmbraError(error, "conflict"),
			);
			assert.equal(await readFile(temp.file("other.partial"), "utf8"), "another restore");
		});

		it("does not write over a folder, and says so", async (context) => {
			await using temp = await tempFolder();
			const disk = sample(context);
			await using server = await serving(age, disk, await rootOf(disk), (bytes, response) => response.end(bytes));
			await mkdir(temp.file("folder"));
			for (const force of [false, true]) {
				await assert.rejects(restoreDisk(await options(server.url, temp.file("folder"), force)), (error) =>
					isUmbraError(error, force ? "unavailable" : "conflict"),
				);
			}
			assert.ok(!existsSync(temp.file("folder.partial")));
		});

		/** A disk of so many blocks, none of them zero and none like another. */
		const dense = (random: Random, blocks: number): Buffer => {
			const disk = Buffer.alloc(blocks * BLOCK_SIZE);
			for (let at = 0; at < disk.length; at += BLOCK_SIZE) disk.fill(random.bytes(16), at, at + BLOCK_SIZE);
			return disk;
		};
		/** A disk of so many blocks, of which a random share holds data, in runs. */
		const scattered = (random: Random, blocks: number, tail: number): Buffer => {
			const disk = Buffer.alloc(blocks * BLOCK_SIZE + tail);
			for (let block = 0; block < blocks; ) {
				const length = 1 + random.below(random.chance(0.2) ? 200 : 6);
				const end = Math.min(block + length, blocks);
				if (random.chance(0.5))
					for (let at = block; at < end; at++) disk.fill(random.bytes(16), at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE);
				block = end;
			}
			if (tail > 0 && random.chance(0.5)) disk.set(random.bytes(tail), blocks * BLOCK_SIZE);
			return disk;
		};

		it(
			"goes on where it was cut off, whatever became of the file, in either format",
			needs("qemu-img"),
			async (context) => {
				const random = testRandom(context);
				for (const format of ["raw", "qcow2"] as const) {
					await using temp = await tempFolder();
					const disk = scattered(random, 300 + random.below(900), 512 * random.below(100));
					const out = temp.file("out");
					let budget = 0;
					await using server = await serving(age, disk, await rootOf(disk), (bytes, response) => {
						budget -= bytes.length;
						if (budget < 0) response.destroy();
						else response.end(bytes);
					});
					for (let attempt = 0; ; attempt++) {
						budget = attempt < 3 ? random.below(disk.length / 2) : Number.POSITIVE_INFINITY;
						const tampered = attempt > 0 && random.chance(0.5) && existsSync(`${out}.partial`);
						if (tampered) await tamper(random, `${out}.partial`);
						try {
							const result = await restoreDisk({ ...(await options(server.url, out)), format });
							assert.ok(result.keptBytes <= result.dataBytes);
							break;
						} catch (error) {
							assert.ok(isUmbraError(error, "unavailable"), String(error));
							assert.ok(!existsSync(out));
						}
					}
					assert.deepEqual(await readdir(temp.path), ["out"], "nothing is left beside it");
					if (format === "qcow2") await runProgram("qemu-img", ["check", "-q", "-f", "qcow2", out]);
					await runProgram("qemu-img", ["convert", "-f", format, "-O", "raw", out, temp.file("raw")]);
					const flat = await readFile(temp.file("raw"));
					assert.equal(flat.length, disk.length);
					assert.ok(flat.equals(disk), format);
				}
			},
		);

		it("does not fetch again what is there", async (context) => {
			await using temp = await tempFolder();
			const disk = dense(testRandom(context), 640);
			const out = temp.file("out");
			let end = 3 * PIECE;
			await using server = await serving(age, disk, await rootOf(disk), (bytes, response, offset) =>
				offset < end ? response.end(bytes) : response.destroy(),
			);
			await assert.rejects(restoreDisk(await options(server.url, out)), (error) => {
				assert.ok(isUmbraError(error, "unavailable"));
				assert.match(error.hint ?? "", /out\.partial holds what came: run the same command again/);
				return true;
			});
			end = disk.length;
			const result = await restoreDisk(await options(server.url, out));
			assert.equal(result.keptBytes, 3 * PIECE);
			assert.ok((await readFile(out)).equals(disk));
		});

		it("does not go on with another point or format, but says what is there", async (context) => {
			await using temp = await tempFolder();
			const random = testRandom(context);
			const disks = [dense(random, 320), dense(random, 320)];
			const out = temp.file("out");
			let end = PIECE;
			const send: SendData = (bytes, response, offset) => (offset < end ? response.end(bytes) : response.destroy());
			await using before = await serving(age, disks[0]!, await rootOf(disks[0]!), send);
			await using after = await serving(age, disks[1]!, await rootOf(disks[1]!), send);
			await assert.rejects(restoreDisk(await options(before.url, out)), (error) => isUmbraError(error, "unavailable"));
			end = Number.POSITIVE_INFINITY;
			for (const wanted of [
				await options(after.url, out),
				{ ...(await options(before.url, out)), format: "qcow2" as const },
			]) {
				await assert.rejects(restoreDisk(wanted), (error) => {
					assert.ok(isUmbraError(error, "conflict"));
					assert.match(
						error.message,
						/out\.partial is an unfinished restore of something else: va of web\/1 as of 1970/,
					);
					assert.match(error.hint ?? "", /web\/1@17 va .* --format raw goes on with it; --force begins anew/);
					return true;
				});
			}
			await restoreDisk(await options(after.url, out, true));
			assert.ok((await readFile(out)).equals(disks[1]!));
			assert.deepEqual(await readdir(temp.path), ["out"]);
		});

		it("needs not be told again that it may replace, once it was", async (context) => {
			await using temp = await tempFolder();
			const disk = dense(testRandom(context), 320);
			const out = temp.file("out");
			await writeFile(out, "old");
			let end = PIECE;
			await using server = await serving(age, disk, await rootOf(disk), (bytes, response, offset) =>
				offset < end ? response.end(bytes) : response.destroy(),
			);
			await assert.rejects(restoreDisk(await options(server.url, out, true)), (error) =>
				isUmbraError(error, "unavailable"),
			);
			assert.equal(await readFile(out, "utf8"), "old");
			end = Number.POSITIVE_INFINITY;
			assert.equal((await restoreDisk(await options(server.url, out))).keptBytes, PIECE);
			assert.ok((await readFile(out)).equals(disk));
		});

		it("stops waiting when it is told to", async (context) => {
			await using temp = await tempFolder();
			const disk = dense(testRandom(context), 3);
			const stop = new AbortController();
			await using server = await serving(age, disk, await rootOf(disk), () => stop.abort());
			await assert.rejects(restoreDisk({ ...(await options(server.url, temp.file("out"))), signal: stop.signal }), {
				name: "AbortError",
			});
			assert.deepEqual(await readdir(temp.path), [], "nothing came");
		});

		it("runs once at a time", async (context) => {
			await using temp = await tempFolder();
			const disk = testRandom(context).bytes(1024 * 1024);
			const waiting: (() => void)[] = [];
			await using server = await serving(age, disk, await rootOf(disk), (bytes, response) =>
				waiting.push(() => response.end(bytes)),
			);
			const first = restoreDisk(await options(server.url, temp.file("out")));
			await until(() => waiting.length > 0, { what: "it asks for data" });
			await assert.rejects(restoreDisk(await options(server.url, temp.file("out"), true)), (error) => {
				assert.ok(isUmbraError(error, "conflict"));
				assert.match(error.message, /another restore to .*out is running/);
				return true;
			});
			for (const answer of waiting) answer();
			await first;
			assert.ok((await readFile(temp.file("out"))).equals(disk));
		});

		it(
			"makes qcow2 images of large and empty disks that take no more room than their data",
			needs("qemu-img"),
			async (context) => {
				await using temp = await tempFolder();
				const random = testRandom(context);
				const blocks = Array.from({ length: 12 }, () => random.below(2 ** 21)).sort((a, b) => a - b);
				const runs = [...new Set(blocks)].flatMap((block) => [block, block + 1]);
				for (const [sizeBytes, data] of [
					[2 ** 37, runs],
					[0, []],
					[1536, [0, 1]],
				] as const) {
					const layout = layoutOf("qcow2", sizeBytes, data);
					const path = temp.file(`${sizeBytes}.qcow2`);
					await using file = await open(path, "w");
					await file.truncate(layout.fileBytes);
					for (const { offset, bytes } of layout.metadata()) await file.write(bytes, 0, bytes.length, offset);
					for (let at = 0; at < data.length; at += 2)
						await file.write(Buffer.alloc(512, at + 1), 0, 512, layout.place(data[at]!)!);
					await runProgram("qemu-img", ["check", "-q", "-f", "qcow2", path]);
					const info = JSON.parse(await runProgram("qemu-img", ["info", "--output=json", "-f", "qcow2", path]));
					assert.equal(info["virtual-size"], sizeBytes);
					const map: { start: number; length: number; data: boolean; offset?: number }[] = JSON.parse(
						await runProgram("qemu-img", ["map", "--output=json", "-f", "qcow2", path]),
					);
					const found = map.filter(({ data: isData }) => isData).reduce((sum, { length }) => sum + length, 0);
					assert.ok(found <= (data.length / 2) * BLOCK_SIZE);
					for (const [at, block] of data.entries()) {
						if (at % 2 === 1) continue;
						const extent = map.find(
							({ start, length }) => start <= block * BLOCK_SIZE && block * BLOCK_SIZE < start + length,
						);
						assert.equal((extent?.offset ?? -1) + block * BLOCK_SIZE - (extent?.start ?? 0), layout.place(block));
					}
				}
			},
		);
	});

describe("restoreDisk, of blocks as they are stored", () => {
	/** Blocks, data and zeroes, in several pieces. */
	const sample = (random: Random) => {
		const disk = Buffer.alloc(300 * BLOCK_SIZE + 777);
		for (let block = 0; block < 301; block++) {
			if (random.chance(0.1)) block += random.below(6);
			const end = Math.min((block + 1) * BLOCK_SIZE, disk.length);
			if (end > block * BLOCK_SIZE) disk.fill(random.bytes(16), block * BLOCK_SIZE, end);
		}
		return disk;
	};
	const restoring = async (url: string, out: string) => {
		const client = await CollectorClient.from({ collector: url });
		return await restoreDisk({ client, vm: "web1", time: "latest", disk: "va", out, force: false });
	};

	it("asks for nothing else, and leaves holes", async (context) => {
		await using temp = await tempFolder();
		const disk = sample(testRandom(context));
		const out = temp.file("out");
		await using server = await serving("present", disk, await rootOf(disk), (bytes, response) => {
			// However the answer is cut into pieces.
			for (let at = 0; at < bytes.length; at += 50_000) response.write(bytes.subarray(at, at + 50_000));
			response.end();
		});
		const { dataBytes } = await restoring(server.url, out);
		assert.ok((await readFile(out)).equals(disk));
		assert.ok((await stat(out)).blocks * 512 <= dataBytes + BLOCK_SIZE);
		assert.deepEqual(
			server.requests.filter(({ url }) => url?.includes("/data")),
			[],
		);
	});

	for (const [what, spoil] of [
		["a flipped bit", (random: Random, frames: Buffer) => flipped(random, frames)],
		["half an answer", (random: Random, frames: Buffer) => frames.subarray(0, random.below(frames.length))],
		["an answer twice", (_random: Random, frames: Buffer) => Buffer.concat([frames, frames])],
		["noise behind it", (random: Random, frames: Buffer) => Buffer.concat([frames, random.bytes(100)])],
		["noise", (random: Random) => random.bytes(100_000)],
		[
			"a block that is somewhere else",
			(_random: Random, frames: Buffer) => Buffer.concat([Buffer.of(9), frames.subarray(1)]),
		],
	] as const) {
		it(`does without them where one of the answers is ${what}, and writes the disk as it is`, async (context) => {
			const random = testRandom(context);
			await using temp = await tempFolder();
			const disk = sample(random);
			const out = temp.file("out");
			const bad = random.pick([0, PIECE, 2 * PIECE]);
			await using server = await serving(
				"present",
				disk,
				await rootOf(disk),
				(bytes, response) => response.end(bytes),
				(frames, response, offset) => response.end(offset === bad ? spoil(random, frames) : frames),
			);
			await restoring(server.url, out);
			assert.ok((await readFile(out)).equals(disk));
		});
	}
});

/** Of the first block: its encoding, length, name or data. */
function flipped(random: Random, frames: Buffer): Buffer {
	const copy = Buffer.from(frames);
	copy[4 + random.below(40 + frames.readUInt32LE(8))]! ^= 1 << random.below(8);
	return copy;
}

/** Changes some bytes anywhere in a file. */
async function tamper(random: Random, path: string): Promise<void> {
	await using file = await open(path, "r+");
	const { size } = await stat(path);
	for (let times = 1 + random.below(4); times > 0; times--) {
		const bytes = random.bytes(1 + random.below(200_000));
		const at = random.below(size);
		await file.write(bytes, 0, Math.min(bytes.length, size - at), at);
	}
}
