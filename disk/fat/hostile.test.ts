import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { createRandom, type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { memorySource } from "../ext/testing.ts";
import type { Filesystem } from "../filesystem.ts";
import { openExfat, openFat } from "./fat.ts";
import { buildSet, emptyImage, exfatLayout, nodeAt, pathsOf, run } from "./testing.ts";

const MIB = 1 << 20;
/** Of all the reads of one damaged image; generous, since the machine may be busy. */
const PATIENCE_MS = 5000;
const ROUNDS = Number(process.env["UMBRA_FUZZ_ROUNDS"] ?? 200);
const MAX_MEMORY = 256 * MIB;

type Open = typeof openFat;

/** Made once for each set of options. */
const images = new Map<string, Promise<Buffer>>();

async function fatImage(bits: number, size: number, ...options: string[]): Promise<Buffer> {
	const key = [bits, size, ...options].join(" ");
	const made = images.get(key) ?? makeFat(bits, size, options);
	images.set(key, made);
	return Buffer.from(await made);
}

async function makeFat(bits: number, size: number, options: readonly string[]): Promise<Buffer> {
	await using folder = await tempFolder();
	const image = await emptyImage(folder.file("image"), size);
	await run("mkfs.fat", "-F", String(bits), ...options, image);
	const random = createRandom(5);
	const tree = folder.file("tree");
	await mkdir(join(tree, "folder/in a folder"), { recursive: true });
	for (let i = 0; i < 40; i++) await writeFile(join(tree, "folder", `file number ${i}`), random.bytes(i * 150));
	await writeFile(join(tree, "folder/in a folder/deep"), "deep");
	await writeFile(join(tree, "large"), random.bytes(60_000));
	await run("mcopy", "-s", "-i", image, join(tree, "folder"), join(tree, "large"), "::/");
	return readFile(image);
}

/** Written here: mounting one takes root. The root is one cluster, a folder two. */
async function exfatImage(): Promise<Buffer> {
	const made = images.get("exfat") ?? makeExfat();
	images.set("exfat", made);
	return Buffer.from(await made);
}

async function makeExfat(): Promise<Buffer> {
	await using folder = await tempFolder();
	const image = await emptyImage(folder.file("image"), 4 * MIB);
	await run("mkfs.exfat", "-c", "4K", image);
	const bytes = await readFile(image);
	const { fat, root, at, cluster } = exfatLayout(bytes);
	const chain = (clusters: readonly number[]) => {
		for (const [i, number] of clusters.entries()) bytes.writeUInt32LE(clusters[i + 1] ?? 0xffffffff, fat + number * 4);
	};
	let end = at(root);
	while (bytes[end] !== 0) end += 32;
	const add = (set: Buffer) => {
		set.copy(bytes, end);
		end += set.length;
	};
	chain([50, 60, 55]);
	add(buildSet({ name: "chained", firstCluster: 50, size: 2 * cluster + 100 }));
	add(
		buildSet({ name: "side by side", firstCluster: 70, size: 5 * cluster, validSize: cluster + 10, contiguous: true }),
	);
	add(buildSet({ name: "empty", firstCluster: 0, size: 0 }));
	for (const number of [50, 60, 55, 70, 71, 72]) bytes.fill(number, at(number), at(number) + cluster);
	// The sets of a folder span its clusters: 3 or 4 entries each, and 128 to a cluster.
	chain([40, 47]);
	add(buildSet({ name: "folder", attributes: 0x10, firstCluster: 40, size: 2 * cluster }));
	add(buildSet({ name: "neighbours", attributes: 0x10, firstCluster: 30, size: 2 * cluster, contiguous: true }));
	for (const places of [
		[at(40), at(47)],
		[at(30), at(31)],
	] as const) {
		const sets = Array.from({ length: 60 }, (_, i) =>
			buildSet({ name: `a file with a long name ${i}`, firstCluster: 0, size: 0 }),
		);
		sets.unshift(buildSet({ name: "short", firstCluster: 0, size: 0 }));
		const all = Buffer.concat(sets);
		all.copy(bytes, places[0], 0, cluster);
		all.copy(bytes, places[1], cluster);
	}
	return bytes;
}

/** Reads all that can be read; nothing but an UmbraError may come of it. */
async function readAll(open: Open, bytes: Buffer): Promise<UmbraError | undefined> {
	const ours = (error: unknown) => {
		if (!(error instanceof UmbraError)) throw error;
		return error;
	};
	let fs: Filesystem;
	try {
		fs = await open(memorySource(bytes));
	} catch (error) {
		return ours(error);
	}
	const { nodes, links, metadata } = await fs.scan();
	for (const ranges of [metadata, ...[...nodes.values()].flatMap((node) => [node.data, node.meta])]) {
		for (let i = 0; i < ranges.length; i += 2) {
			assert.ok(ranges[i]! >= 0 && ranges[i + 1]! > 0 && ranges[i]! + ranges[i + 1]! <= bytes.length);
		}
	}
	assert.ok(links.length <= bytes.length / 32);
	const reached = new Set([fs.root]);
	for (const { parent, inode, name } of links) {
		assert.ok(reached.has(parent), "a name comes before its directory");
		assert.ok(!name.includes("/") && name !== "." && name !== "..", JSON.stringify(name));
		reached.add(inode);
	}
	assert.equal(reached.size, nodes.size);
	for (const node of [...nodes.values()].slice(0, 40)) {
		assert.ok(Number.isFinite(node.mtime) && Number.isFinite(node.ctime) && Number.isSafeInteger(node.generation));
		await fs.node(node.inode).catch(ours);
		if (node.type === "dir") await fs.readDirectory(node).catch(ours);
		else await fs.readFile(node, Math.max(0, node.size - 10_000), 10_000).catch(ours);
	}
	await fs.lookup("/folder/in a folder/deep").catch(ours);
	assert.ok(fs.problems.length <= 1001);
	return undefined;
}

/** By preference such values as bring out the worst in a length, a count or a cluster number. */
function damage(bytes: Buffer, at: number, random: Random): void {
	const width = random.pick([1, 2, 4]);
	const special = [
		0,
		1,
		2,
		3,
		0xff,
		0xfff7,
		0xffff,
		0xffffffff,
		0x7fffffff,
		0x80000000,
		0x0ffffff8,
		random.below(4096),
	];
	const chosen = random.chance(0.5) ? random.pick(special) : random.below(2 ** 32);
	if (at + width <= bytes.length) bytes.writeUIntLE(chosen % 2 ** (8 * width), at, width);
}

const SUBJECTS: readonly { name: string; open: Open; image: () => Promise<Buffer>; programs: readonly string[] }[] = [
	{ name: "FAT12", open: openFat, image: () => fatImage(12, 2 * MIB, "-s", "1"), programs: ["mkfs.fat", "mcopy"] },
	{ name: "FAT16", open: openFat, image: () => fatImage(16, 5 * MIB, "-s", "1"), programs: ["mkfs.fat", "mcopy"] },
	{ name: "FAT32", open: openFat, image: () => fatImage(32, 36 * MIB, "-s", "1"), programs: ["mkfs.fat", "mcopy"] },
	{ name: "exFAT", open: openExfat, image: exfatImage, programs: ["mkfs.exfat"] },
];

describe("damaged images", () => {
	for (const { name, open, image, programs } of SUBJECTS) {
		it(`throw nothing but UmbraError, end and stay in bounds: ${name}`, needs(...programs), async (t) => {
			const random = testRandom(t);
			const whole = await image();
			const scan = await (await open(memorySource(whole))).scan();
			const targets: number[] = [];
			for (const range of [
				scan.metadata,
				...[...scan.nodes.values()].flatMap(({ type, data }) => (type === "dir" ? [data] : [])),
			]) {
				for (let i = 0; i < range.length; i += 2) {
					for (let at = range[i]!; at < range[i]! + range[i + 1]!; at += 512) {
						if (whole.subarray(at, at + 512).some((byte) => byte !== 0)) targets.push(at);
					}
				}
			}
			const work = Buffer.from(whole);
			const before = process.memoryUsage().rss;
			for (let round = 0; round < ROUNDS; round++) {
				const touched: number[] = [];
				for (let i = random.between(1, 8); i > 0; i--) {
					// The boot sector more often than its share.
					const target = random.chance(0.1) ? 0 : random.pick(targets);
					touched.push(target);
					const kind = random.fraction();
					if (kind < 0.05) work.fill(random.below(256), target, target + 512);
					else if (kind < 0.1) whole.copy(work, target, ...pieceAt(random.pick(targets)));
					else for (let j = 0; j < 4; j++) damage(work, target + random.below(target === 0 ? 128 : 512), random);
				}
				const started = performance.now();
				await readAll(open, work);
				assert.ok(performance.now() - started < PATIENCE_MS, `round ${round} took too long`);
				for (const target of touched) whole.copy(work, target, target, Math.min(target + 1024, whole.length));
			}
			assert.ok(process.memoryUsage().rss - before < MAX_MEMORY, "memory is not bounded");
		});
	}

	it("throw nothing but UmbraError for random bytes behind a signature", async (t) => {
		const random = testRandom(t);
		for (let round = 0; round < 300; round++) {
			const bytes = random.bytes(65536);
			bytes.writeUInt16LE(0xaa55, 510);
			bytes.writeUInt16LE(512, 11);
			bytes[13] = 1 << random.below(4);
			await readAll(openFat, bytes);
			bytes.fill(0, 11, 64);
			bytes.write("EXFAT   ", 3, "latin1");
			bytes[105] = 1;
			bytes[108] = 9;
			bytes[109] = random.below(8);
			await readAll(openExfat, bytes);
		}
	});
});

function pieceAt(at: number): [number, number] {
	return [at, at + 512];
}

describe("openFat refuses", needs("mkfs.fat", "mcopy"), () => {
	const cases: readonly [bits: number, field: string, at: number, value: number, width: number][] = [
		[16, "Signature_word", 510, 0, 2],
		[16, "BPB_BytsPerSec", 11, 256, 2],
		[16, "BPB_BytsPerSec", 11, 8192, 2],
		[16, "BPB_SecPerClus", 13, 0, 1],
		[16, "BPB_SecPerClus", 13, 3, 1],
		[16, "BPB_RsvdSecCnt", 14, 0, 2],
		[16, "BPB_NumFATs", 16, 0, 1],
		[16, "BPB_RootEntCnt", 17, 0, 2],
		[16, "BPB_RootEntCnt", 17, 17, 2],
		[16, "BPB_TotSec16", 19, 20, 2],
		[16, "BPB_FATSz32", 22, 0, 2],
		[32, "BPB_RootEntCnt", 17, 512, 2],
		[32, "BPB_RootClus", 44, 1, 4],
		[32, "BPB_RootClus", 44, 0x00ffffff, 4],
		[32, "BPB_FSVer", 42, 1, 2],
		[32, "BPB_ExtFlags", 40, 0x82, 2],
	];
	for (const [bits, field, at, value, width] of cases) {
		it(`${field} ${value} on FAT${bits}`, async () => {
			const bytes = bits === 16 ? await fatImage(16, 5 * MIB, "-s", "1") : await fatImage(32, 36 * MIB, "-s", "1");
			bytes.writeUIntLE(value, at, width);
			if (field === "BPB_FATSz32") bytes.writeUInt32LE(0, 36);
			// Without the copy that would be used instead.
			if (bits === 32) bytes.fill(0, 6 * 512, 7 * 512);
			const error = await readAll(openFat, bytes);
			assert.equal(error?.code, "corrupt");
			assert.equal(error.context.field, field);
			assert.equal(error.context.offset, field === "BPB_FATSz32" ? 36 : at);
		});
	}

	it("volumes too short for a boot sector, and for any cluster", async () => {
		assert.equal((await readAll(openFat, Buffer.alloc(511)))?.code, "truncated");
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		assert.equal((await readAll(openFat, bytes.subarray(0, 20_000)))?.code, "truncated");
		assert.equal((await readAll(openExfat, Buffer.alloc(6000)))?.code, "truncated");
	});
});

describe("openExfat refuses", needs("mkfs.exfat"), () => {
	const cases: readonly [field: string, code: string, at: number, value: number, width: number][] = [
		["FileSystemName", "corrupt", 3, 0, 1],
		["BootSignature", "corrupt", 510, 0, 2],
		["MustBeZero", "corrupt", 40, 1, 1],
		["FileSystemRevision", "unsupported", 105, 2, 1],
		["BytesPerSectorShift", "corrupt", 108, 8, 1],
		["BytesPerSectorShift", "corrupt", 108, 13, 1],
		["SectorsPerClusterShift", "corrupt", 109, 17, 1],
		["NumberOfFats", "corrupt", 110, 3, 1],
		["VolumeLength", "corrupt", 78, 0xffff, 2],
		["FatOffset", "corrupt", 80, 23, 4],
		["FatLength", "corrupt", 84, 1, 4],
		["ClusterHeapOffset", "corrupt", 88, 24, 4],
		["ClusterCount", "corrupt", 92, 0, 4],
		["FirstClusterOfRootDirectory", "corrupt", 96, 1, 4],
	];
	for (const [field, code, at, value, width] of cases) {
		it(`${field} ${value} as ${code}`, async () => {
			const bytes = await exfatImage();
			bytes.writeUIntLE(value, at, width);
			bytes.fill(0, 12 * 512, 24 * 512);
			const error = await readAll(openExfat, bytes);
			assert.equal(error?.code, code);
			assert.equal(error.context.field, field);
		});
	}
});

describe("openFat goes on", needs("mkfs.fat", "mcopy"), () => {
	it("past chains that loop, cross, end early or leave the volume, and names the files", async () => {
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		const whole = await (await openFat(memorySource(bytes))).scan();
		const fat = bytes.readUInt16LE(14) * 512;
		const heap = fat + 2 * bytes.readUInt16LE(22) * 512 + bytes.readUInt16LE(17) * 32;
		const first = (path: string) => (nodeAt(whole, path).data[0]! - heap) / 512 + 2;
		const large = first("/large");
		const set = (cluster: number, value: number) => bytes.writeUInt16LE(value, fat + cluster * 2);
		set(large + 10, large + 5);
		set(first("/folder/file number 20"), first("/folder/file number 30"));
		set(first("/folder/file number 35"), 0);
		set(first("/folder/file number 36"), 60_000);
		set(first("/folder/file number 37"), 0xfff7);
		const fs = await openFat(memorySource(bytes));
		const scan = await fs.scan();
		assert.deepEqual([...pathsOf(scan).keys()], [...pathsOf(whole).keys()]);
		const messages = fs.problems.map(({ message }) => message);
		for (const wanted of [
			`memory: /large has a chain that loops back to its cluster ${large + 5}`,
			"memory: /folder/file number 35 has a chain that runs into a free cluster",
			"memory: /folder/file number 36 has a chain that runs into cluster 60000, which does not exist",
			"memory: /folder/file number 37 has a chain that runs into a cluster marked bad",
		]) {
			assert.ok(messages.includes(wanted), `${wanted}: ${messages.join("; ")}`);
		}
		assert.ok(messages.some((message) => /file number [23]0 has a chain that is cross-linked/.test(message)));
		const node = nodeAt(scan, "/large");
		assert.equal(node.size, 60_000);
		assert.equal((await fs.readFile(node, 0, 5632)).length, 5632);
		await assert.rejects(fs.readFile(node, 5632, 1), { code: "corrupt" });
	});

	it("past directories that lead back to where they began", async () => {
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		const whole = await (await openFat(memorySource(bytes))).scan();
		const inner = nodeAt(whole, "/folder/in a folder");
		bytes.copy(
			bytes,
			inner.inode * 32 + 26,
			nodeAt(whole, "/folder").inode * 32 + 26,
			nodeAt(whole, "/folder").inode * 32 + 28,
		);
		const fs = await openFat(memorySource(bytes));
		const scan = await fs.scan();
		assert.equal(nodeAt(scan, "/folder/in a folder").size, 0);
		assert.match(fs.problems[0]!.message, /in a folder has a chain that is cross-linked/);
	});

	it("from the copy of a FAT32 boot sector, and says so", async () => {
		const bytes = await fatImage(32, 36 * MIB, "-s", "1");
		bytes.fill(0xee, 11, 90);
		const fs = await openFat(memorySource(bytes));
		assert.match(fs.problems[0]!.message, /the boot sector cannot be used, its copy was: .*BPB_BytsPerSec/);
		assert.equal((await fs.scan()).nodes.size, 45);
	});

	it("with the table that is said to be active", async () => {
		const bytes = await fatImage(32, 36 * MIB, "-s", "1");
		const fat = bytes.readUInt16LE(14) * 512;
		bytes.fill(0, fat + 8, fat + 4096);
		bytes.writeUInt16LE(0x81, 40);
		bytes.writeUInt16LE(0x81, 6 * 512 + 40);
		const fs = await openFat(memorySource(bytes));
		assert.equal((await fs.scan()).nodes.size, 45);
		assert.deepEqual(fs.problems, []);
	});

	it("when the volume is dirty or failed, and says so, by Linux's mark and by Windows's", async () => {
		for (const [bits, size, mark, table] of [
			[16, 5 * MIB, 37, 2],
			[32, 36 * MIB, 65, 4],
		] as const) {
			const linux = await fatImage(bits, size, "-s", "1");
			linux[mark] = 1;
			const windows = await fatImage(bits, size, "-s", "1");
			const at = windows.readUInt16LE(14) * 512 + table;
			windows[at + bits / 8 - 1]! &= bits === 16 ? 0x3f : 0xf3;
			const codes = async (bytes: Buffer) => (await openFat(memorySource(bytes))).problems.map(({ code }) => code);
			assert.deepEqual(await codes(linux), ["unavailable"]);
			assert.deepEqual(await codes(windows), ["unavailable", "corrupt"]);
		}
	});

	it("where the volume ends before the filesystem", async () => {
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		const fs = await openFat(memorySource(bytes.subarray(0, 3 * MIB)));
		assert.equal((await fs.scan()).nodes.size, 45);
		assert.deepEqual(
			fs.problems.map(({ code }) => code),
			["truncated"],
		);
	});
});

describe("openExfat", needs("mkfs.exfat"), () => {
	it("reads what was never written as zeroes, chains and neighbours", async () => {
		const bytes = await exfatImage();
		const fs = await openExfat(memorySource(bytes));
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		const { cluster, at } = exfatLayout(bytes);
		const chained = nodeAt(scan, "/chained");
		assert.deepEqual(chained.data, [at(50), cluster, at(60), cluster, at(55), cluster]);
		const content = Buffer.from(await fs.readFile(chained, 0, chained.size));
		const wanted = [Buffer.alloc(cluster, 50), Buffer.alloc(cluster, 60), Buffer.alloc(100, 55)];
		assert.ok(content.equals(Buffer.concat(wanted)));
		const side = nodeAt(scan, "/side by side");
		assert.deepEqual(side.data, [at(70), 5 * cluster]);
		const read = Buffer.from(await fs.readFile(side, cluster, 3 * cluster));
		assert.ok(read.equals(Buffer.concat([Buffer.alloc(10, 71), Buffer.alloc(3 * cluster - 10)])));
		assert.equal((await fs.readFile(side, side.size - 5, 100)).length, 5);
	});

	it("finds sets that span clusters, from a listing and by number, with and without a chain", async () => {
		const fs = await openExfat(memorySource(await exfatImage()));
		const { nodes, links } = await fs.scan();
		assert.equal(links.length, 5 + 2 * 61);
		for (const { inode } of links) assert.deepEqual(await fs.node(inode), nodes.get(inode));
	});

	it("reads files larger than 4 GiB, and times with their distance from UTC", async () => {
		const bytes = await exfatImage();
		const { root, at, cluster } = exfatLayout(bytes);
		// 2024-02-29 12:34:56, and 1.5 s, at UTC+5:30.
		const modified = ((44 << 9) | (2 << 5) | 29) * 65536 + ((12 << 11) | (34 << 5) | 28);
		const set = buildSet({
			name: "huge",
			firstCluster: 100,
			size: 5_000_000_000,
			validSize: 7,
			contiguous: true,
			modified,
			hundredths: 150,
			utcOffset: 0x80 | 22,
		});
		let end = at(root);
		while (bytes[end] !== 0) end += 32;
		set.copy(bytes, end);
		// The same in a volume of 8 GiB of which only the start is there: the rest is never asked for.
		const old = exfatLayout(bytes);
		const heapSector = 40_960;
		const grown = Buffer.alloc(heapSector * 512 + 4 * MIB);
		// Without the backup, which would be used instead.
		bytes.copy(grown, 0, 0, 12 * 512);
		grown.writeBigUInt64LE(16_777_216n, 72);
		grown.writeUInt32LE(24, 80);
		grown.writeUInt32LE(12_000, 84);
		grown.writeUInt32LE(heapSector, 88);
		grown.writeUInt32LE(1_500_000, 92);
		bytes.copy(grown, 24 * 512, old.fat, old.fat + 4096);
		bytes.copy(grown, heapSector * 512, old.at(2));
		const source = memorySource(grown);
		const fs = await openExfat({
			...source,
			size: 8 * 2 ** 30,
			read: async (offset, length) =>
				offset + length <= grown.length ? source.read(offset, length) : new Uint8Array(length),
		});
		const huge = await fs.lookup("/huge");
		assert.equal(huge.size, 5_000_000_000);
		assert.deepEqual(huge.data, [heapSector * 512 + 98 * cluster, Math.ceil(5_000_000_000 / cluster) * cluster]);
		assert.equal(huge.mtime, Date.UTC(2024, 1, 29, 12, 34, 56) / 1000 + 1.5 - 5.5 * 3600);
		assert.deepEqual(Buffer.from(await fs.readFile(huge, 4_999_999_998, 10)), Buffer.alloc(2));
	});

	it("uses the backup of a damaged boot region, and says so", async () => {
		const bytes = await exfatImage();
		bytes[200]! ^= 1;
		const fs = await openExfat(memorySource(bytes));
		assert.match(fs.problems[0]!.message, /the boot region cannot be trusted, its backup was used/);
		bytes.fill(0, 12 * 512, 24 * 512);
		const alone = await openExfat(memorySource(bytes));
		assert.match(alone.problems[0]!.message, /do not match their checksums/);
		assert.equal((await alone.scan()).nodes.size, 6 + 2 * 61);
	});

	it("shows a file whose entries fail their checksum, leaves out one whose set is not whole, and names both", async () => {
		const bytes = await exfatImage();
		const whole = await (await openExfat(memorySource(bytes))).scan();
		bytes[nodeAt(whole, "/chained").inode * 32 + 2]! ^= 1;
		bytes[nodeAt(whole, "/empty").inode * 32 + 64] = 0x41;
		const fs = await openExfat(memorySource(bytes));
		const scan = await fs.scan();
		assert.deepEqual(
			[...pathsOf(whole).keys()].filter((path) => !pathsOf(scan).has(path)),
			["/empty"],
		);
		const messages = fs.problems.map(({ message }) => message);
		assert.deepEqual(messages, [
			"memory: directory / has chained, whose entries fail their checksum",
			"memory: directory / has a set of 2 entries where 3 belong together",
		]);
	});

	it("names a directory that leads back to itself, and two files on the same clusters", async () => {
		const bytes = await exfatImage();
		const { root, at } = exfatLayout(bytes);
		let end = at(root);
		while (bytes[end] !== 0) end += 32;
		for (const set of [
			buildSet({ name: "loop", attributes: 0x10, firstCluster: root, size: 4096 }),
			buildSet({ name: "twin", firstCluster: 72, size: 4096, contiguous: true }),
			buildSet({ name: "beyond", firstCluster: 900, size: 2 ** 40, contiguous: true }),
			buildSet({ name: "../up", firstCluster: 0, size: 0 }),
			buildSet({ name: "\ud800half", firstCluster: 0, size: 0 }),
		]) {
			set.copy(bytes, end);
			end += set.length;
		}
		const fs = await openExfat(memorySource(bytes));
		const scan = await fs.scan();
		assert.deepEqual(
			fs.problems.map(({ message }) => message.replace(/^memory: /, "")),
			[
				`/loop has a chain that is cross-linked at cluster ${root}, which belongs to another file`,
				"/twin has a chain that is cross-linked at cluster 72, which belongs to another file",
				`/beyond has ${2 ** 40} bytes, more than the volume`,
			],
		);
		nodeAt(scan, "/..\\x2fup");
		nodeAt(scan, "/\\xed\\xa0\\x80half");
	});
});
