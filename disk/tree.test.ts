import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { open, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import { type Random, testRandom } from "../test/support/random.ts";
import { needs } from "../test/support/requires.ts";
import { tempFolder } from "../test/support/temp.ts";
import type { FileNode, FileType, Link } from "./filesystem.ts";
import { NO_OWNERS, parseAccounts } from "./owners.ts";
import { type Segment, wholeRange } from "./segments.ts";
import { openFile } from "./source/file.ts";
import { type DiskTree, decodeDiskTree, encodeDiskTree, readDiskTree, type VolumeTree } from "./tree.ts";

const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };

function randomSegments(random: Random): Segment[] {
	const segments: Segment[] = [];
	let start = 0;
	for (let left = random.below(4); left > 0; left--) {
		const count = random.pick([1, 1, 2, 5]);
		const stripeSize = count === 1 ? 0 : 2 ** random.between(12, 20);
		const length = count === 1 ? random.between(1, 2 ** 40) : count * stripeSize * random.between(1, 1000);
		const stripes = Array.from({ length: count }, () => ({ disk: 0, offset: random.below(2 ** 50) }));
		segments.push({ start, length, stripeSize, stripes });
		start += length;
	}
	return segments;
}

function randomTree(random: Random, files: number): DiskTree {
	const volume = (id: string): VolumeTree => {
		const nodes = new Map<number, FileNode>();
		const links: Link[] = [];
		const ranges = (unit: number): number[] =>
			Array.from({ length: random.below(3) }, () => [
				random.below(2 ** 32) * unit,
				random.below(2 ** 16) * unit,
			]).flat();
		const unit = random.pick([1, 4096]);
		for (const inode of random.shuffle(Array.from({ length: files }, (_, at) => at * 3 + 2))) {
			const mtime = random.pick([0, -1.5, 1.7e9 + random.fraction() * 1e6, 2 ** 33]);
			nodes.set(inode, {
				inode,
				generation: random.pick([0, 0xffffffff, random.below(2 ** 32)]),
				type: random.pick<FileType>(["file", "dir", "symlink", "char", "block", "fifo", "socket"]),
				size: random.pick([0, 2 ** 44 - 1, random.below(2 ** 31)]),
				mode: random.below(2 ** 16),
				uid: random.pick([0, 1000, 0xffffffff]),
				gid: random.below(2 ** 32),
				nlink: random.below(2 ** 16),
				mtime,
				ctime: random.chance(0.5) ? mtime : random.fraction(),
				data: ranges(unit),
				meta: ranges(unit),
			});
			const name = random.pick(["", "a", "naïve-文件", "\\xff", "💾💾", "x".repeat(random.below(255))]);
			links.push({ parent: random.below(files * 3), name, inode });
		}
		return {
			id,
			disk: 0,
			offset: random.below(2 ** 40),
			length: random.below(2 ** 50),
			segments: randomSegments(random),
			lvUuid: random.pick(["", "x".repeat(32)]),
			kind: "ext4",
			label: "Ärger",
			uuid: "u",
			blockSize: 4096,
			usedBytes: random.below(2 ** 40),
			freeBytes: 0,
			files,
			scan: random.chance(0.2) ? undefined : { root: 2, nodes, links, metadata: ranges(unit), journal: ranges(unit) },
			...(random.chance(0.5) ? {} : { journal: { id: random.pick(["", "77"]), next: random.below(2 ** 50) } }),
			owners: { users: new Map([[0, "root"]]), groups: new Map([[random.below(2 ** 32), "wheel"]]) },
		};
	};
	const volumes = Array.from({ length: random.below(4) }, (_, at) => volume(String(at)));
	return { size: random.below(2 ** 50), table: random.pick(["none", "mbr", "gpt"]), volumes, problems: ["a", "ü"] };
}

describe("encodeDiskTree and decodeDiskTree", () => {
	it("give back what went in", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 60; round++) {
			const tree = randomTree(random, random.pick([0, 1, 2, 40]));
			const decoded = decodeDiskTree(encodeDiskTree(tree));
			assert.deepEqual(decoded, tree);
			const order = ({ volumes }: DiskTree) => volumes.map(({ scan }) => [...(scan?.nodes.keys() ?? [])]);
			assert.deepEqual(order(decoded), order(tree));
		}
	});

	it("carry more names than one run holds, and half a surrogate pair as a replacement character", () => {
		const links: Link[] = Array.from({ length: 40_000 }, (_, at) => ({ parent: 2, name: `name-${at}`, inode: 11 }));
		links.push({ parent: 2, name: "\ud83d", inode: 11 }, { parent: 2, name: "x", inode: 11 });
		const tree = decodeDiskTree(
			encodeDiskTree({
				size: 1,
				table: "none",
				problems: [],
				volumes: [{ ...EMPTY_VOLUME, scan: { ...EMPTY_SCAN, links } }],
			}),
		);
		const names = tree.volumes[0]!.scan!.links.map(({ name }) => name);
		assert.equal(names[39_999], "name-39999");
		assert.deepEqual(names.slice(-2), ["\ufffd", "x"]);
	});

	it("refuse a number that the format does not hold", () => {
		const volume = { ...EMPTY_VOLUME, length: -1 };
		assert.throws(
			() => encodeDiskTree({ size: 1, table: "none", problems: [], volumes: [volume] }),
			(error) => isUmbraError(error, "limit"),
		);
	});

	it("refuse every damaged byte and every cut", (context) => {
		const random = testRandom(context);
		const bytes = encodeDiskTree(randomTree(random, 20));
		for (let at = 0; at < bytes.length; at++) {
			const spoilt = Uint8Array.from(bytes);
			spoilt[at]! ^= 1 << random.below(8);
			const code = at === 4 ? "unsupported" : "corrupt";
			assert.throws(
				() => decodeDiskTree(spoilt),
				(error) => isUmbraError(error, code),
				`byte ${at}`,
			);
			assert.throws(
				() => decodeDiskTree(bytes.subarray(0, at)),
				(error) => isUmbraError(error, "corrupt"),
				`cut at ${at}`,
			);
		}
	});
});

const EMPTY_SCAN = { root: 2, nodes: new Map(), links: [], metadata: [], journal: [] };
const EMPTY_VOLUME: VolumeTree = {
	id: "",
	disk: 0,
	offset: 0,
	length: 1,
	segments: wholeRange(0, 0, 1),
	lvUuid: "",
	kind: "ext4",
	label: "",
	uuid: "",
	blockSize: 1024,
	usedBytes: 0,
	freeBytes: 0,
	files: 0,
	scan: EMPTY_SCAN,
	owners: NO_OWNERS,
};

describe("parseAccounts", () => {
	it("takes the first name of a number and skips lines that are none", () => {
		const text =
			"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n# comment:x:7:\nbob:x:1000:\nbad\n:x:5:\nnone:x:-1:\nbig:x:4294967296:\n";
		assert.deepEqual(
			[...parseAccounts(text)],
			[
				[0, "root"],
				[1000, "bob"],
			],
		);
	});
});

describe("readDiskTree", () => {
	it(
		"reads what it can of a disk with a good, a destroyed and a foreign volume",
		needs("mke2fs", "debugfs", "sfdisk", "mkswap"),
		async () => {
			await using folder = await tempFolder();
			const image = folder.file("disk");
			const part = folder.file("part");
			await writeFile(image, "");
			truncateSync(image, 32 << 20);
			const script = "label: gpt\n1: start=2048,size=16384\n2: start=20480,size=16384\n3: start=40960,size=8192\n";
			execFileSync("sfdisk", ["-q", image], { input: script, env: ENVIRONMENT });
			await writeFile(folder.file("passwd"), "root:x:0:0::/:/bin/sh\nada:x:1815:1852::/:/bin/sh\n");
			const make = async (offset: number, ...commands: string[]): Promise<void> => {
				await writeFile(part, "");
				truncateSync(part, 8 << 20);
				execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-L", "root", part], { env: ENVIRONMENT });
				for (const command of commands)
					execFileSync("debugfs", ["-w", "-R", command, part], { env: ENVIRONMENT, stdio: "ignore" });
				const file = await open(image, "r+");
				await file.write(await readFile(part), 0, 8 << 20, offset).finally(() => file.close());
			};
			await make(2048 * 512, "mkdir etc", `write ${folder.file("passwd")} etc/passwd`);
			await make(20480 * 512);
			const file = await open(image, "r+");
			// The superblock says ext4, its geometry is nonsense.
			await file.write(Buffer.alloc(1024 - 64, 0xff), 0, 48, 20480 * 512 + 1024).finally(() => file.close());
			await using source = await openFile(image);
			const { table, volumes, problems } = await readDiskTree(source);
			assert.equal(table, "gpt");
			assert.deepEqual(
				volumes.map(({ id, kind, scan }) => [id, kind, scan !== undefined]),
				[
					["1", "ext4", true],
					["2", "ext4", false],
					["3", "unknown", false],
				],
			);
			assert.match(problems.join("\n"), /^volume 2 \(ext4\): /);
			assert.equal(volumes[0]!.files, 1);
			assert.equal(volumes[0]!.label, "root");
			assert.equal(volumes[0]!.owners.users.get(1815), "ada");
			assert.equal(volumes[1]!.owners, volumes[0]!.owners);
			assert.deepEqual(decodeDiskTree(encodeDiskTree(await readDiskTree(source))).volumes[0]!.scan, volumes[0]!.scan);
		},
	);

	it("fails where the disk fails: half a tree must not pass for a whole one", needs("mke2fs"), async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", image, "8M"], { env: ENVIRONMENT });
		await using source = await openFile(image);
		const gone = new UmbraError("unavailable", "the export is gone");
		let reads = 0;
		const failing = {
			size: source.size,
			name: source.name,
			extents: source.extents.bind(source),
			read: (offset: number, length: number, signal?: AbortSignal) =>
				++reads > 5 ? Promise.reject(gone) : source.read(offset, length, signal),
			[Symbol.asyncDispose]: async () => undefined,
		};
		await assert.rejects(readDiskTree(failing), (error) => error === gone);
	});
});
