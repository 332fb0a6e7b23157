import assert from "node:assert/strict";
import { copyFile, mkdir, open, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { pathsOf, run } from "../ext/testing.ts";
import { openFile } from "../source/file.ts";
import { setChecksum } from "./checksum.ts";
import {
	assertCores,
	assertEveryBlock,
	assertSame,
	makeImage,
	mounted,
	needsMount,
	readMount,
	type Seen,
} from "./testing.ts";
import { openXfs } from "./xfs.ts";

const LAG = /the log was not replayed/;

/** Reads an image and asserts that it is as the kernel shows it; returns the problems. */
async function assertImage(image: string, wanted: ReadonlyMap<string, Seen>): Promise<string[]> {
	await using source = await openFile(image);
	const fs = await openXfs(source);
	const scan = await fs.scan();
	await assertSame(fs, scan, wanted);
	return fs.problems.map(({ message }) => message);
}

async function problemsOf(image: string): Promise<string[]> {
	await using source = await openFile(image);
	return (await openXfs(source)).problems.map(({ message }) => message);
}

/** How often the log was begun from its start. */
async function roundsOf(image: string): Promise<number> {
	await using source = await openFile(image);
	const [start] = (await (await openXfs(source)).scan()).journal;
	const block = Buffer.from(await source.read(start!, 8));
	return block.readUInt32BE(0) === 0xfeedbabe ? block.readUInt32BE(4) : block.readUInt32BE(0);
}

/** Sets bits of sb_features_incompat in an image that has never been mounted. */
async function addFeatures(image: string, bits: number): Promise<void> {
	await using file = await open(image, "r+");
	const sector = Buffer.alloc(512);
	await file.read(sector, 0, 512, 0);
	sector.writeUInt32BE((sector.readUInt32BE(216) | bits) >>> 0, 216);
	setChecksum(new DataView(sector.buffer, sector.byteOffset, 512), 0, 512, 224);
	await file.write(sector, 0, 512, 0);
}

async function imageIn(folder: TempFolder, megabytes: number, ...options: string[]): Promise<string> {
	const image = folder.file("image");
	await makeImage(image, megabytes, options);
	return image;
}

describe("the log", () => {
	for (const options of [
		["-l", "su=256k"],
		["-l", "su=4k"],
		["-s", "size=4096"],
	]) {
		it(`is told clean from dirty, however often it went round: ${options.join(" ")}`, needsMount(), async () => {
			await using folder = await tempFolder();
			const image = await imageIn(folder, 320, ...options);
			assert.deepEqual(await problemsOf(image), []);
			for (let round = 0; round < 4; round++) {
				await mounted(image, async (root) => {
					assert.match((await problemsOf(image)).join(), /^$|the log was not replayed/);
					for (let i = 0; i < 90; i++) {
						await using file = await open(join(root, `${round}-${i}`), "w");
						await file.sync();
					}
					// What a hypervisor sees of a running guest.
					await copyFile(image, `${image}.live`);
				});
				const live = await problemsOf(`${image}.live`);
				assert.equal(live.length, 1);
				assert.match(live[0]!, LAG);
				assert.deepEqual(await problemsOf(image), []);
			}
			if (options[1] === "su=256k") assert.ok((await roundsOf(image)) > 1, "the log went round");
			assert.deepEqual(await assertImage(image, await mounted(image, readMount, "ro")), []);
		});
	}

	it("on another device is named", needsMount(), async () => {
		await using folder = await tempFolder();
		const log = folder.file("log");
		await writeFile(log, "");
		await truncate(log, 64 << 20);
		const image = await imageIn(folder, 320, "-l", `logdev=${log},size=64m`);
		const [problem, ...more] = await problemsOf(image);
		assert.match(problem!, /the log is on another device/);
		assert.deepEqual(more, []);
		await using source = await openFile(image);
		const fs = await openXfs(source);
		assert.deepEqual((await fs.scan()).journal, []);
	});

	it("that was not replayed leaves the rest readable, without what was deleted but is open", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await mounted(image, async (root) => {
			await writeFile(join(root, "settled"), "on disk");
			await using open1 = await open(join(root, "deleted"), "w");
			await open1.write("still open");
			await rm(join(root, "deleted"));
			// Freezing writes all of it in place, and leaves the log dirty on purpose.
			await run("xfs_io", ["-r", "-x", "-c", "freeze", root]);
			try {
				await copyFile(image, `${image}.frozen`);
			} finally {
				await run("xfs_io", ["-r", "-x", "-c", "thaw", root]);
			}
		});
		await using source = await openFile(`${image}.frozen`);
		const fs = await openXfs(source);
		const scan = await fs.scan();
		assert.deepEqual([...pathsOf(scan).keys()], ["", "/settled"]);
		assert.equal(Buffer.from(await fs.readFile(await fs.lookup("/settled"), 0, 100)).toString(), "on disk");
		assert.equal(fs.problems.length, 1);
		assert.match(fs.problems[0]!.message, LAG);
	});
});

describe("inodes", () => {
	it("with numbers beyond 32 bits are found from directories of every form", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 5 << 20, "-l", "size=64m");
		await mounted(image, async (root) => {
			// New directories go to another group each.
			for (let i = 0; i < 12; i++) {
				await mkdir(join(root, `folder-${i}`, "below", "below"), { recursive: true });
				await writeFile(join(root, `folder-${i}`, "file"), "x".repeat(i));
				for (let j = 0; j < i * 40; j++) await writeFile(join(root, `folder-${i}`, "below", `file-${j}`), "");
			}
		});
		const wanted = await mounted(image, readMount, "ro");
		const large = [...wanted.values()].filter(({ inode }) => inode > 2 ** 32);
		assert.ok(large.some(({ type }) => type === "dir") && large.some(({ type }) => type === "file"));
		assert.deepEqual(await assertImage(image, wanted), []);
	});

	it("in chunks with holes are read", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await mounted(image, async (root) => {
			const filler = join(root, "filler");
			await run("xfs_io", ["-x", "-c", "resblks 16", root]);
			// As much as there is: fallocate gives up half way, so ask for less and less.
			await writeFile(filler, "");
			for (let size = 256 << 20; size >= 65536; size >>>= 1) {
				const { size: before } = await stat(filler);
				await run("fallocate", ["-o", String(before), "-l", String(size), filler], [1]);
			}
			const { size } = await stat(filler);
			// Holes of seven blocks: none has room for the eight of a whole chunk, all for the four of half a one.
			const commands: string[] = [];
			for (let at = 0; at + 32768 <= size; at += 32768) commands.push(`fpunch ${at} 28672`);
			for (let first = 0; first < commands.length; first += 1000) {
				await run("xfs_io", [...commands.slice(first, first + 1000).flatMap((command) => ["-c", command]), filler]);
			}
			for (let i = 0; i < 9000; i++) await writeFile(join(root, `file-${i}`), "");
		});
		const wanted = await mounted(image, readMount, "ro");
		assert.deepEqual(await assertImage(image, wanted), []);
		let records = "";
		for (let group = 0; group < 4; group++) {
			records += await run("xfs_db", ["-r", "-c", `agi ${group}`, "-c", "addr root", "-c", "p", image]);
		}
		// startino, holemask, count, freecount, free
		assert.match(records, /:\[\d+,0x[0-9a-f]+,32,/, "there are chunks with holes");
		await using source = await openFile(image);
		const scan = await (await openXfs(source)).scan();
		await assertEveryBlock(image, scan, false);
	});

	it("of realtime files are named, and their content is refused", needsMount(), async () => {
		await using folder = await tempFolder();
		const device = folder.file("realtime");
		await writeFile(device, "");
		await truncate(device, 64 << 20);
		const prototype = folder.file("prototype");
		await writeFile(folder.file("content"), "content");
		await writeFile(prototype, `/none\n0 0\nd--755 0 0\nfile ---644 0 0 ${folder.file("content")}\n$\n`);
		const image = await imageIn(folder, 320, "-m", "reflink=0", "-r", `rtdev=${device}`, "-p", prototype);
		// The mark is all that counts here; where the extents point on the other device does not.
		await using before = await openFile(image);
		const { inode } = await (await openXfs(before)).lookup("/file");
		await run("xfs_db", ["-x", "-c", `inode ${inode}`, "-c", "write core.realtime 1", image]);
		await using source = await openFile(image);
		const fs = await openXfs(source);
		const node = (await fs.scan()).nodes.get(inode)!;
		assert.deepEqual([node.size, node.data], [7, []]);
		assert.match(fs.problems[0]!.message, /has its content on the realtime device/);
		await assert.rejects(fs.readFile(node, 0, 7), (error) => isUmbraError(error, "unsupported"));
	});

	it("have times of four centuries, and sizes to the end of what XFS allows", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		const times = [-(2 ** 31), -1.5, 0, 1.000000001, 2 ** 31, 4_294_967_296.25, 16_299_260_000];
		await mounted(image, async (root) => {
			for (const time of times) {
				await writeFile(join(root, `at ${time}`), "");
				await utimes(join(root, `at ${time}`), time, time);
			}
			for (const size of [2n ** 40n, 2n ** 53n - 1n])
				await run("truncate", ["-s", String(size), join(root, `of ${size}`)]);
		});
		assert.deepEqual(await assertImage(image, await mounted(image, readMount, "ro")), []);
		await mounted(image, (root) => run("truncate", ["-s", String(2n ** 62n), join(root, "beyond")]));
		await using source = await openFile(image);
		const fs = await openXfs(source);
		assert.equal((await fs.lookup("/beyond")).size, Number.MAX_SAFE_INTEGER);
		assert.equal(fs.problems[0]!.code, "limit");
	});
});

describe("features", () => {
	it("newer than the tools here are read where they change nothing: exchange, parent", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await addFeatures(image, 0xc0);
		await mounted(image, async (root) => {
			for (let i = 0; i < 500; i++) await writeFile(join(root, `a-name-for-the-parent-pointer-${i}`), String(i));
			await mkdir(join(root, "below"));
			await writeFile(join(root, "below", "file"), "found");
		});
		assert.deepEqual(await assertImage(image, await mounted(image, readMount, "ro")), []);
	});

	it("that cannot be read are refused by name", needs("mkfs.xfs"), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await addFeatures(image, 0x80000200);
		await using source = await openFile(image);
		await assert.rejects(
			openXfs(source),
			(error) => isUmbraError(error, "unsupported") && error.context.found === "zoned, 0x80000000",
		);
	});

	it("that ask for a repair are a problem", needs("mkfs.xfs"), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await addFeatures(image, 0x10);
		assert.match((await problemsOf(image)).join(), /in need of xfs_repair/);
	});

	it("let the UUID be changed", needsMount("xfs_admin"), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		await mounted(image, async (root) => {
			for (let i = 0; i < 300; i++) await writeFile(join(root, `file-${i}`), String(i));
		});
		const uuid = "12345678-9abc-4def-8123-456789abcdef";
		await run("xfs_admin", ["-U", uuid, image]);
		await using source = await openFile(image);
		const fs = await openXfs(source);
		assert.equal(fs.uuid, uuid);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		assert.equal(scan.nodes.size, 301);
		await assertCores(image, scan);
	});
});

describe("content", () => {
	it("read in pieces is that of the whole, holes and unwritten blocks as zeroes", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = await imageIn(folder, 320);
		const wanted = await mounted(image, async (root) => {
			const path = join(root, "file");
			await writeFile(path, Buffer.alloc(3_000_000, "0123456789abcdef-"));
			await run("fallocate", ["-p", "-o", "100000", "-l", "50000", path]);
			await run("fallocate", ["-z", "-o", "1000000", "-l", "700000", path]);
			await run("cp", ["--reflink=always", path, join(root, "copy")]);
			await using copy = await open(join(root, "copy"), "r+");
			await copy.write("written over", 2_000_000);
			return { file: await readFile(path), copy: await readFile(join(root, "copy")) };
		});
		await using source = await openFile(image);
		const fs = await openXfs(source);
		for (const name of ["file", "copy"] as const) {
			const node = await fs.lookup(`/${name}`);
			for (let offset = 0; offset < 3_000_000; offset += 99_991) {
				const piece = await fs.readFile(node, offset, 123_457);
				assert.ok(wanted[name].subarray(offset, offset + 123_457).equals(piece), `${name} at ${offset}`);
			}
			assert.equal((await fs.readFile(node, 3_000_000, 10)).length, 0);
		}
		const [file, copy] = [await fs.lookup("/file"), await fs.lookup("/copy")];
		const shared = new Set(file.data.filter((_, i) => i % 2 === 0));
		assert.ok(
			copy.data.some((offset, i) => i % 2 === 0 && shared.has(offset)),
			"both own what they share",
		);
		await assert.rejects(fs.lookup("/file/below"), (error) => isUmbraError(error, "not-found"));
		await assert.rejects(fs.node(2 ** 40), (error) => isUmbraError(error, "not-found"));
	});
});
