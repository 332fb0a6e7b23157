import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { createRandom, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { buildGptDisk, buildMbr, bytesSource } from "./builders.ts";
import { readPartitionTable } from "./partition.ts";

const SECTORS = 64 * 2048;
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;

/** The oracle: start and size in sectors by number, as sfdisk reads the table. */
function sfdiskDump(image: string): { number: number; start: number; size: number }[] {
	const dump = JSON.parse(
		execFileSync("sfdisk", ["--json", image], { env: { ...process.env, PATH }, encoding: "utf8" }),
	);
	return (dump.partitiontable.partitions as { node: string; start: number; size: number; type: string }[])
		.filter(({ type }) => !["5", "f", "85"].includes(type))
		.map(({ node, start, size }) => ({ number: Number(node.slice(image.length)), start, size }))
		.sort((a, b) => a.number - b.number);
}

async function ours(bytes: Uint8Array): Promise<{ number: number; start: number; size: number }[]> {
	const { partitions, problems } = await readPartitionTable(bytesSource(bytes));
	assert.deepEqual(problems, []);
	return partitions.map(({ number, offset, length }) => ({ number, start: offset / 512, size: length / 512 }));
}

describe("readPartitionTable on tables of real partitioners", () => {
	const layouts: readonly [string, string][] = [
		["three primaries with a gap", "label: dos\n2048,2048,83\n8192,4096,82\n,,83\n"],
		["logical partitions", "label: dos\n2048,4096,83\n8192,,5\n10240,2048,83\n14336,2048,82\n20480,,83\n"],
		["slot 3 before slot 1", "label: dos\n1: start=20480,size=2048,type=83\n3: start=2048,size=2048,type=83\n"],
		[
			"a GPT",
			"label: gpt\n1: start=2048,size=4096,type=L,name=root\n2: start=8192,size=2048,type=S\n5: start=20480,size=4096,type=L\n",
		],
	];
	for (const [what, script] of layouts) {
		it(`agrees with sfdisk on ${what}`, needs("sfdisk"), async () => {
			await using folder = await tempFolder();
			const image = folder.file("disk");
			await writeFile(image, "");
			truncateSync(image, SECTORS * 512);
			execFileSync("sfdisk", ["-q", image], { input: script, env: { ...process.env, PATH } });
			const dump = sfdiskDump(image);
			assert.ok(dump.length >= 2);
			assert.deepEqual(await ours(await readFile(image)), dump);
		});
	}

	it("agrees with sgdisk on partitions of any number", needs("sgdisk", "sfdisk"), async () => {
		await using folder = await tempFolder();
		const image = folder.file("disk");
		await writeFile(image, "");
		truncateSync(image, SECTORS * 512);
		execFileSync("sgdisk", ["-n", "128:2048:+1M", "-n", "7:0:+2M", "-c", "7:data", image], {
			env: { ...process.env, PATH },
		});
		assert.deepEqual(await ours(await readFile(image)), sfdiskDump(image));
		const { partitions } = await readPartitionTable(bytesSource(await readFile(image)));
		assert.deepEqual(
			partitions.map(({ number, name }) => [number, name]),
			[
				[7, "data"],
				[128, ""],
			],
		);
	});

	it(
		"agrees with parted on a disk that was wiped to an MBR and left a stale GPT backup",
		needs("parted", "sfdisk", "sgdisk"),
		async () => {
			await using folder = await tempFolder();
			const image = folder.file("disk");
			await writeFile(image, "");
			truncateSync(image, SECTORS * 512);
			execFileSync("sgdisk", ["-n", "1:2048:+1M", image], { env: { ...process.env, PATH } });
			const stale = await readFile(image);
			execFileSync("parted", ["-s", image, "mklabel", "msdos", "mkpart", "primary", "2MiB", "5MiB"], {
				env: { ...process.env, PATH },
			});
			const bytes = await readFile(image);
			stale.copy(bytes, bytes.length - 512, bytes.length - 512);
			stale.copy(bytes, 512, 512, 1024);
			assert.deepEqual(await ours(bytes), [{ number: 1, start: 4096, size: 6144 }]);
		},
	);
});

describe("readPartitionTable", () => {
	const gpt = (): Buffer =>
		buildGptDisk({
			sectors: 256,
			partitions: [
				{ number: 1, first: 40, last: 99, name: "a" },
				{ number: 2, first: 100, last: 199, name: "b" },
			],
		});
	const whole = [
		[1, 40 * 512, 60 * 512],
		[2, 100 * 512, 100 * 512],
	];
	const places = async (bytes: Uint8Array) => {
		const table = await readPartitionTable(bytesSource(bytes));
		return { ...table, places: table.partitions.map(({ number, offset, length }) => [number, offset, length]) };
	};

	it("uses the backup where the primary header is damaged", async () => {
		const bytes = gpt();
		bytes.writeUInt8(1, 512 + 60);
		const table = await places(bytes);
		assert.deepEqual(table.places, whole);
		assert.deepEqual(
			table.problems.map(({ code, context }) => [code, context.field]),
			[
				["corrupt", "HeaderCRC32"],
				["corrupt", undefined],
			],
		);
	});

	it("uses the backup where the primary entries are damaged", async () => {
		const bytes = gpt();
		bytes.fill(0xff, 1024, 1536);
		assert.deepEqual((await places(bytes)).places, whole);
	});

	it("finds the backup of a disk that grew, by the primary's word", async () => {
		const bytes = Buffer.concat([gpt(), Buffer.alloc(100 * 512)]);
		bytes.fill(0xff, 1024, 1536);
		assert.deepEqual((await places(bytes)).places, whole);
	});

	it("names a GPT of which nothing is left", async () => {
		const bytes = gpt();
		bytes.fill(0, 512, 1536);
		bytes.fill(0, bytes.length - 512);
		const table = await places(bytes);
		assert.equal(table.kind, "gpt");
		assert.deepEqual(table.places, []);
		assert.deepEqual(
			table.problems.map(({ code, context }) => [code, context.structure]),
			[["corrupt", "GPT header"]],
		);
	});

	it("reads a GPT of 4 KiB sectors", async () => {
		const bytes = buildGptDisk({
			sectors: 64,
			sectorSize: 4096,
			partitions: [{ number: 1, first: 8, last: 15, name: "" }],
		});
		const table = await places(bytes);
		assert.deepEqual(table.places, [[1, 8 * 4096, 8 * 4096]]);
		assert.deepEqual(table.problems, []);
	});

	it("stops at a chain of logical partitions that comes back to itself", async () => {
		const bytes = Buffer.alloc(400 * 512);
		buildMbr({ slot: 1, osType: 5, startingLba: 100, sizeInLba: 200 }).copy(bytes);
		buildMbr(
			{ slot: 1, osType: 0x83, startingLba: 1, sizeInLba: 5 },
			{ slot: 2, osType: 5, startingLba: 50, sizeInLba: 9 },
		).copy(bytes, 100 * 512);
		buildMbr(
			{ slot: 1, osType: 0x83, startingLba: 2, sizeInLba: 5 },
			{ slot: 2, osType: 5, startingLba: 0, sizeInLba: 9 },
		).copy(bytes, 150 * 512);
		const table = await places(bytes);
		assert.deepEqual(table.places, [
			[5, 101 * 512, 5 * 512],
			[6, 152 * 512, 5 * 512],
		]);
		assert.deepEqual(
			table.problems.map(({ code, context }) => [code, context.structure, context.offset]),
			[["corrupt", "EBR", 100 * 512]],
		);
	});

	it("cuts a partition at the disk's end and leaves out one behind it", async () => {
		const bytes = Buffer.alloc(100 * 512);
		buildMbr(
			{ slot: 1, osType: 0x83, startingLba: 90, sizeInLba: 20 },
			{ slot: 2, osType: 0x83, startingLba: 100, sizeInLba: 1 },
		).copy(bytes);
		const table = await places(bytes);
		assert.deepEqual(table.places, [[1, 90 * 512, 10 * 512]]);
		assert.deepEqual(
			table.problems.map(({ code }) => code),
			["truncated", "truncated"],
		);
	});

	it("finds no table on a disk that is empty, tiny or a filesystem without partitions", async () => {
		for (const bytes of [Buffer.alloc(0), Buffer.alloc(511), Buffer.alloc(1 << 20)]) {
			assert.deepEqual(await readPartitionTable(bytesSource(bytes)), { kind: "none", partitions: [], problems: [] });
		}
		const described = buildMbr({ slot: 1, osType: 0x0c, startingLba: 0, sizeInLba: 2048 });
		assert.equal(
			(await readPartitionTable(bytesSource(Buffer.concat([described, Buffer.alloc(1 << 20)])))).kind,
			"none",
		);
	});

	it("survives any damage to any table: partitions stay on the disk, problems stay few", async (context) => {
		const random = testRandom(context);
		const extended = Buffer.alloc(400 * 512);
		buildMbr(
			{ slot: 1, osType: 0x83, startingLba: 1, sizeInLba: 9 },
			{ slot: 2, osType: 5, startingLba: 100, sizeInLba: 200 },
		).copy(extended);
		for (const at of [100, 150, 200]) {
			buildMbr(
				{ slot: 1, osType: 0x83, startingLba: 1, sizeInLba: 5 },
				{ slot: 2, osType: 5, startingLba: at - 50, sizeInLba: 9 },
			).copy(extended, at * 512);
		}
		for (let round = 0; round < 2000; round++) {
			const bytes = Buffer.from(random.pick([gpt(), extended, createRandom(round).bytes(100 * 512)]));
			for (let flips = random.between(1, 12); flips > 0; flips--) {
				const area = random.pick([0, 446, 512, 1024, 100 * 512 + 446, 150 * 512 + 446, bytes.length - 512]);
				bytes[Math.min(bytes.length - 1, area + random.below(80))] = random.pick([
					0,
					1,
					5,
					0x7f,
					0x80,
					0xff,
					random.below(256),
				]);
			}
			if (random.chance(0.5)) bytes.writeUInt16LE(0xaa55, 510);
			const table = await readPartitionTable(bytesSource(bytes));
			assert.ok(table.problems.length <= 32);
			for (const { offset, length } of table.partitions) {
				assert.ok(offset >= 0 && length > 0 && offset + length <= bytes.length, `round ${round}: ${offset}+${length}`);
			}
		}
	});
});
