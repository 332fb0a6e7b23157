import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { variantsOf } from "../../test/support/variants.ts";
import type { Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import { openFile } from "../source/file.ts";
import { openFat } from "./fat.ts";
import {
	assertDisjoint,
	bytesOf,
	compareWithFolder,
	compareWithSleuthkit,
	copyIn,
	emptyImage,
	hash,
	makeTree,
	nodeAt,
	pathsOf,
	run,
	runBytes,
} from "./testing.ts";

const MIB = 1 << 20;

interface Variant {
	readonly bits: 12 | 16 | 32;
	readonly options: readonly string[];
	readonly size: number;
	/** fsck.fat knows one or two tables only, and makes a missing copy of the boot sector a failure. */
	readonly fsck?: false;
}

const VARIANTS: readonly Variant[] = [
	{ bits: 12, size: 4 * MIB, options: ["-s", "4"] },
	{ bits: 12, size: 2 * MIB, options: ["-s", "1", "-r", "32"] },
	{ bits: 12, size: 8 * MIB, options: ["-s", "8", "-f", "1", "-r", "16"] },
	{ bits: 12, size: 64 * MIB, options: ["-s", "128"] },
	{ bits: 12, size: 8 * MIB, options: ["-S", "1024", "-s", "2"] },
	{ bits: 12, size: 16 * MIB, options: ["-S", "2048", "-s", "4"] },
	{ bits: 12, size: 16 * MIB, options: ["-S", "4096", "-s", "2"] },
	{ bits: 12, size: 1440 * 1024, options: [] },
	{ bits: 16, size: 20 * MIB, options: [] },
	{ bits: 16, size: 20 * MIB, options: ["-s", "1", "-r", "4096"] },
	{ bits: 16, size: 20 * MIB, options: ["-s", "2", "-f", "4", "-R", "33"], fsck: false },
	{ bits: 16, size: 300 * MIB, options: ["-s", "64", "-h", "2048"] },
	{ bits: 16, size: 40 * MIB, options: ["-S", "1024", "-s", "2", "-a"] },
	{ bits: 16, size: 80 * MIB, options: ["-S", "2048"] },
	{ bits: 16, size: 80 * MIB, options: ["-S", "4096", "-M", "0xf0"] },
	{ bits: 16, size: 20 * MIB, options: ["--mbr=yes"] },
	{ bits: 32, size: 40 * MIB, options: ["-s", "1"] },
	{ bits: 32, size: 300 * MIB, options: [] },
	{ bits: 32, size: 300 * MIB, options: ["-s", "8", "-f", "2"] },
	{ bits: 32, size: 40 * MIB, options: ["-s", "1", "-f", "1", "-R", "64", "-b", "9"] },
	{ bits: 32, size: 40 * MIB, options: ["-s", "1", "-b", "0"], fsck: false },
	{ bits: 32, size: 80 * MIB, options: ["-s", "2", "-f", "3", "-R", "10", "-a"], fsck: false },
	{ bits: 32, size: 80 * MIB, options: ["-S", "1024", "-s", "1"] },
	{ bits: 32, size: 160 * MIB, options: ["-S", "2048", "-s", "1"] },
	{ bits: 32, size: 300 * MIB, options: ["-S", "4096", "-s", "1"] },
	{ bits: 32, size: 2200 * MIB, options: ["-s", "64"] },
];
const SECTOR_SIZE = (options: readonly string[]) => Number(options[options.indexOf("-S") + 1] ?? 512) || 512;
const PROGRAMS = ["mkfs.fat", "fsck.fat", "mcopy", "mshowfat", "mtype", "fls", "istat", "icat"];

describe("openFat", needs(...PROGRAMS), () => {
	let folder: TempFolder;
	let tree: string;
	before(async () => {
		folder = await tempFolder();
		tree = folder.file("tree");
		await makeTree(tree);
	});
	after(() => folder[Symbol.asyncDispose]());

	for (const { bits, options, size, fsck } of variantsOf(VARIANTS, 4)) {
		it(`reads FAT${bits} of mkfs.fat ${options.join(" ")} as mtools, fsck.fat and The Sleuth Kit do`, async () => {
			await using own = await tempFolder();
			const image = await emptyImage(own.file("image"), size);
			await run("mkfs.fat", "-F", String(bits), "-n", "UMBRA", "-i", "12ab34cd", ...options, image);
			await copyIn(image, tree);
			await using source = await openFile(image);
			const fs = await openFat(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			assert.deepEqual([fs.kind, fs.label, fs.uuid], ["vfat", "UMBRA", "12AB-34CD"]);
			assert.equal(fs.blockSize, SECTOR_SIZE(options));
			await compareWithFolder(fs, scan, tree);
			assertDisjoint(scan, size);
			await compareWithMtools(fs, scan, image);
			const { heap, root, cluster } = await bootOf(image);
			await compareWithSleuthkit(fs, scan, image, { heap, entries: root, cluster, lag: 1 });
			if (fsck !== false) await compareWithFsck(fs, scan, image);
		});
	}

	it("takes a volume for FAT32 that has fewer clusters than one may have, as drivers do and mtools does not", async () => {
		await using own = await tempFolder();
		const image = await emptyImage(own.file("image"), 20 * MIB);
		await run("mkfs.fat", "-F", "32", "-s", "8", "-n", "SMALL", image);
		await using source = await openFile(image);
		const fs = await openFat(source);
		assert.deepEqual([fs.label, fs.problems, (await fs.scan()).nodes.size], ["SMALL", [], 1]);
		await compareWithFsck(fs, await fs.scan(), image);
	});

	it("reads fragmented files, and names in place of deleted ones", async () => {
		await using own = await tempFolder();
		for (const [bits, size, cluster] of [
			[12, 2 * MIB, 512],
			[16, 20 * MIB, 1024],
			[32, 40 * MIB, 512],
		] as const) {
			const image = await emptyImage(own.file(`image-${bits}`), size);
			await run("mkfs.fat", "-F", String(bits), "-s", String(cluster / 512), image);
			await writeFile(own.file("small"), Buffer.alloc(cluster, 1));
			const names = Array.from({ length: 60 }, (_, i) => `::/A small file ${i}`);
			for (const name of names) await run("mcopy", "-i", image, own.file("small"), name);
			await run("mdel", "-i", image, ...names.filter((_, i) => i % 3 === 1));
			const large = Buffer.from(Array.from({ length: 300 * cluster }, (_, i) => (i * 7) >>> 5));
			await writeFile(own.file("large"), large);
			// mtools looks for free clusters from where it last found one; the copy starts it anew.
			await run("mcopy", "-i", image, own.file("large"), "::/fragmented");
			await run("mren", "-i", image, "::/A small file 2", "::/Another name, and a longer one");
			await using source = await openFile(image);
			const fs = await openFat(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			assert.equal(scan.nodes.size, 1 + 40 + 1);
			const node = nodeAt(scan, "/fragmented");
			assert.equal(hash(await fs.readFile(node, 0, node.size)), hash(large));
			for (const [offset, length] of [
				[0, 1],
				[cluster - 1, 2],
				[cluster * 3 + 5, cluster * 20],
				[node.size - 3, 100],
				[node.size, 1],
			] as const) {
				assert.deepEqual(
					Buffer.from(await fs.readFile(node, offset, length)),
					large.subarray(offset, offset + length),
					`${length} bytes at ${offset}`,
				);
			}
			nodeAt(scan, "/Another name, and a longer one");
			await compareWithMtools(fs, scan, image);
			await compareWithFsck(fs, scan, image);
		}
	});

	it("reads 4,000 files in one directory", async () => {
		await using own = await tempFolder();
		const image = await emptyImage(own.file("image"), 100 * MIB);
		await run("mkfs.fat", "-F", "32", "-s", "2", image);
		const many = own.file("many");
		await run("mkdir", many);
		// Longer names would take mtools minutes: it looks through the whole directory for each.
		const names = Array.from({ length: 4000 }, (_, i) => `F${i}.TXT`);
		for (const [i, name] of names.entries()) await writeFile(join(many, name), String(i));
		await run("mcopy", "-Q", "-s", "-i", image, many, "::/");
		await using source = await openFile(image);
		const fs = await openFat(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		assert.equal(scan.nodes.size, 4002);
		const paths = pathsOf(scan);
		for (const [i, name] of names.entries()) {
			const node = scan.nodes.get(paths.get(`/many/${name}`) ?? -1);
			assert.ok(node !== undefined, name);
			assert.equal(node.size, String(i).length);
		}
		const last = await fs.lookup(`/many/${names[3999]}`);
		assert.equal(Buffer.from(await fs.readFile(last, 0, 10)).toString(), "3999");
		await compareWithFsck(fs, scan, image);
	});

	it("shows attributes as permissions, and finds names as the guest does", async () => {
		await using own = await tempFolder();
		const image = await emptyImage(own.file("image"), 2 * MIB);
		await run("mkfs.fat", "-F", "12", image);
		await writeFile(own.file("some"), "content");
		await run("mcopy", "-i", image, own.file("some"), `::/${"l".repeat(255)}`);
		for (const name of ["plain", "Read Only File", "hidden", "system", "all of them"]) {
			await run("mcopy", "-i", image, own.file("some"), `::/${name}`);
		}
		await run("mattrib", "-i", image, "+r", "::/Read Only File");
		await run("mattrib", "-i", image, "+h", "::/hidden");
		await run("mattrib", "-i", image, "+s", "::/system");
		await run("mattrib", "-i", image, "+r", "+h", "+s", "::/all of them");
		await using source = await openFile(image);
		const fs = await openFat(source);
		const scan = await fs.scan();
		const modes = ["plain", "Read Only File", "hidden", "system", "all of them"].map((name) =>
			nodeAt(scan, `/${name}`).mode.toString(8),
		);
		nodeAt(scan, `/${"l".repeat(255)}`);
		assert.deepEqual(modes, ["100755", "100555", "100700", "101755", "101500"]);
		const { inode } = nodeAt(scan, "/Read Only File");
		for (const path of ["/Read Only File", "/read only FILE", "/READON~1", "//./readon~1"]) {
			assert.equal((await fs.lookup(path)).inode, inode, path);
		}
		await assert.rejects(fs.lookup("/Read Only"), { code: "not-found" });
		await assert.rejects(fs.lookup("/plain/below"), { code: "not-found" });
		await assert.rejects(fs.node(5000), { code: "not-found" });
		await assert.rejects(fs.readDirectory(nodeAt(scan, "/plain")), { code: "not-found" });
		await assert.rejects(fs.readLink(nodeAt(scan, "/plain")), { code: "not-found" });
	});

	/** The whole chain of every file, by cluster; the content by mtype. */
	async function compareWithMtools(fs: Filesystem, scan: FilesystemScan, image: string): Promise<void> {
		const boot = await bootOf(image);
		const paths = pathsOf(scan);
		paths.delete("");
		const files = [...paths].filter(([, inode]) => scan.nodes.get(inode)!.type === "file");
		const listing = await run("mshowfat", "-i", image, ...files.map(([path]) => `::${quote(path)}`));
		const chains = new Map<string, Ranges>();
		for (const line of listing.trimEnd().split(/\n+/)) {
			const empty = /^::(.*) Root directory or empty file$/.exec(line);
			if (empty !== null) {
				chains.set(empty[1]!, []);
				continue;
			}
			const [, path, clusters] = /^::(.*?)((?: <\d+(?:-\d+)?>)*) *$/.exec(line) ?? assert.fail(line);
			const ranges: number[] = [];
			for (const [, first, last = first] of clusters!.matchAll(/<(\d+)(?:-(\d+))?>/g)) {
				const offset = boot.heap + (Number(first) - 2) * boot.cluster;
				ranges.push(offset, (Number(last) - Number(first) + 1) * boot.cluster);
			}
			chains.set(path!, ranges);
		}
		for (const [path, inode] of files) {
			const node = scan.nodes.get(inode)!;
			assert.deepEqual(node.data, chains.get(path), path);
		}
		for (const [path, inode] of files.slice(0, 8)) {
			const node = scan.nodes.get(inode)!;
			const content = await fs.readFile(node, 0, node.size);
			assert.equal(hash(content), hash(await runBytes("mtype", "-i", image, `::${quote(path)}`)), path);
		}
	}

	/** It finds nothing wrong, and as many clusters in use as there are in all chains together. */
	async function compareWithFsck(fs: Filesystem, scan: FilesystemScan, image: string): Promise<void> {
		const [, files, used, all] =
			/: (\d+) files, (\d+)\/(\d+) clusters/.exec(await run("fsck.fat", "-vn", image)) ?? assert.fail("no summary");
		const { cluster, fixedRoot } = await bootOf(image);
		assert.equal(fs.usedBytes, Number(used) * cluster);
		assert.equal(fs.usedBytes + fs.freeBytes, Number(all) * cluster);
		// The root is one of its files; a label is another.
		assert.ok(Math.abs(scan.nodes.size - Number(files)) <= 1, `${scan.nodes.size} files, it has ${files}`);
		const owners = [...scan.nodes.values()].filter(({ inode }) => inode !== fs.root || !fixedRoot);
		assert.equal(
			owners.reduce((sum, { data }) => sum + bytesOf(data), 0),
			Number(used) * cluster,
		);
	}
});

/** A name as mtools takes it, without patterns. */
function quote(path: string): string {
	return path.replace(/[[\]*?\\]/g, "\\$&");
}

/** What mtools says of the layout. */
async function bootOf(image: string) {
	const text = await run("minfo", "-i", image, "::");
	const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
	const sector = number(/^sector size: (\d+)/m);
	const cluster = sector * number(/^cluster size: (\d+)/m);
	const reserved = number(/^reserved \(boot\) sectors: (\d+)/m);
	const fats = number(/^fats: (\d+)/m);
	const fixed = number(/^max available root directory slots: (\d+)/m);
	const small = number(/^sectors per fat: (\d+)/m);
	const length = small > 0 ? small : number(/^Big fatlen=(\d+)/m);
	const root = (reserved + fats * length) * sector;
	return { sector, cluster, root, fixedRoot: fixed > 0, heap: root + fixed * 32 };
}
