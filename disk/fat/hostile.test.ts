import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { memorySource } from "../ext/testing.ts";
import type { Ranges } from "../filesystem.ts";
import { readEverything } from "../fuzz/read-everything.ts";
import { openExfat, openFat } from "./fat.ts";
import { buildSet, exfatLayout, makeExfat, makeFat, nodeAt, pathsOf } from "./testing.ts";

const MIB = 1 << 20;
/** Made once for each set of options. */
const images = new Map<string, Promise<Buffer>>();

async function fatImage(bits: number, size: number, ...options: string[]): Promise<Buffer> {
	const key = [bits, size, ...options].join(" ");
	const made = images.get(key) ?? bytesOf((image) => makeFat(image, bits, size, options));
	images.set(key, made);
	return Buffer.from(await made);
}

async function exfatImage(): Promise<Buffer> {
	const made = images.get("exfat") ?? bytesOf(makeExfat);
	images.set("exfat", made);
	return Buffer.from(await made);
}

async function bytesOf(make: (image: string) => Promise<void>): Promise<Buffer> {
	await using folder = await tempFolder();
	await make(folder.file("image"));
	return readFile(folder.file("image"));
}

/** Where in a directory the short entry stands of a file with this first cluster. */
function entryWith(bytes: Buffer, directory: Ranges, cluster: number): number {
	for (let i = 0; i < directory.length; i += 2) {
		for (let at = directory[i]!; at < directory[i]! + directory[i + 1]!; at += 32) {
			if (bytes[at + 11] !== 0x0f && bytes[at] !== 0x2e && bytes.readUInt16LE(at + 26) === cluster) return at;
		}
	}
	return assert.fail(`no entry with cluster ${cluster}`);
}

/** Where exFAT's set begins of a file with a name of one entry. */
function setNamed(bytes: Buffer, name: string): number {
	return bytes.indexOf(Buffer.from(`${name}\0`, "utf16le")) - 66;
}

describe("damaged images", () => {
	it("throw nothing but UmbraError for random bytes behind a signature", async (t) => {
		const random = testRandom(t);
		for (let round = 0; round < 300; round++) {
			const bytes = random.bytes(65536);
			bytes.writeUInt16LE(0xaa55, 510);
			bytes.writeUInt16LE(512, 11);
			bytes[13] = 1 << random.below(4);
			await readEverything(openFat, memorySource(bytes));
			bytes.fill(0, 11, 64);
			bytes.write("EXFAT   ", 3, "latin1");
			bytes[105] = 1;
			bytes[108] = 9;
			bytes[109] = random.below(8);
			await readEverything(openExfat, memorySource(bytes));
		}
	});
});

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
			const error = await readEverything(openFat, memorySource(bytes));
			assert.equal(error?.code, "corrupt");
			assert.equal(error.context.field, field);
			assert.equal(error.context.offset, field === "BPB_FATSz32" ? 36 : at);
		});
	}

	it("volumes too short for a boot sector, and for any cluster", async () => {
		assert.equal((await readEverything(openFat, memorySource(Buffer.alloc(511))))?.code, "truncated");
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		assert.equal((await readEverything(openFat, memorySource(bytes.subarray(0, 20_000))))?.code, "truncated");
		assert.equal((await readEverything(openExfat, memorySource(Buffer.alloc(6000))))?.code, "truncated");
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
			const error = await readEverything(openExfat, memorySource(bytes));
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
		const { inode, data } = nodeAt(whole, "/folder");
		const inner = nodeAt(whole, "/folder/in a folder");
		bytes.writeUInt16LE(inode, entryWith(bytes, data, inner.inode) + 26);
		const fs = await openFat(memorySource(bytes));
		const scan = await fs.scan();
		assert.equal(nodeAt(scan, "/folder/in a folder").size, 0);
		assert.match(fs.problems[0]!.message, /in a folder has a chain that is cross-linked/);
	});

	it("with a name of blanks alone, escaped", async () => {
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		const whole = await (await openFat(memorySource(bytes))).scan();
		const { data } = nodeAt(whole, "/folder");
		const at = entryWith(bytes, data, nodeAt(whole, "/folder/file number 20").inode);
		bytes.fill(" ", at, at + 11);
		bytes.fill(0xe5, at - 32, at - 31);
		const fs = await openFat(memorySource(bytes));
		const node = nodeAt(await fs.scan(), "/folder/\\x20");
		assert.deepEqual(await fs.lookup("/folder/\\x20"), node);
		assert.equal(node.size, 3000);
	});

	it("with two files that say the same cluster, each read as its own entry has it", async () => {
		const bytes = await fatImage(16, 5 * MIB, "-s", "1");
		const whole = await (await openFat(memorySource(bytes))).scan();
		const { data } = nodeAt(whole, "/folder");
		const [one, other] = [nodeAt(whole, "/folder/file number 20"), nodeAt(whole, "/folder/file number 30")];
		bytes.writeUInt16LE(one.inode, entryWith(bytes, data, other.inode) + 26);
		const fs = await openFat(memorySource(bytes));
		const { nodes, links } = await fs.scan();
		assert.equal(nodes.size, whole.nodes.size);
		const listed = await fs.readDirectory(await fs.lookup("/folder"));
		for (const { name, inode } of listed) {
			assert.equal(inode, links.find((link) => link.name === name)?.inode, name);
			assert.equal((await fs.node(inode)).size, nodes.get(inode)?.size, name);
		}
		assert.equal((await fs.lookup("/folder/file number 20")).size, 3000);
		assert.equal((await fs.lookup("/folder/file number 30")).size, 4500);
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
		bytes[setNamed(bytes, "chained") + 2]! ^= 1;
		bytes[setNamed(bytes, "empty") + 64] = 0x41;
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
