import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, open, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { BLOCK_SIZE, blake3Name, NAME_SIZE } from "../common/block.ts";
import { makeImage, makeTree, run } from "../disk/ext/testing.ts";
import { testRandom } from "../test/support/random.ts";
import { needs } from "../test/support/requires.ts";
import { tempFolder } from "../test/support/temp.ts";
import { until } from "../test/support/wait.ts";
import { differingBlocks, knownBlockNames } from "./block-names.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const MIB = 1 << 20;

/** `umbra` with its cache in `folder`. */
async function umbra(folder: string, ...args: readonly string[]): Promise<string> {
	const env = { ...process.env, XDG_CACHE_HOME: folder };
	return (await promisify(execFile)(process.execPath, [MAIN, ...args], { env })).stdout;
}

/** Kept names are only those of an image that was left alone for a moment. */
async function settled(path: string): Promise<void> {
	const { ctimeMs } = await stat(path);
	await until(() => Date.now() - ctimeMs > 100, { what: `${path} was left alone` });
}

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
	await using file = await open(path, "r+");
	await file.write(bytes, 0, bytes.length, offset);
}

describe("the block names that umbra scan keeps", () => {
	let known: string | undefined;
	before(() => {
		known = process.env["XDG_CACHE_HOME"];
	});
	after(() => {
		if (known === undefined) delete process.env["XDG_CACHE_HOME"];
		else process.env["XDG_CACHE_HOME"] = known;
	});

	it("let umbra diff find the same, and are all that it then reads", needs("mke2fs"), async () => {
		await using folder = await tempFolder();
		const [old, now, cache] = [folder.file("old.img"), folder.file("now.img"), folder.file("cache")] as const;
		process.env["XDG_CACHE_HOME"] = cache;
		await makeTree(folder.file("tree"));
		await makeImage(old, 16 * MIB, ["-t", "ext4", "-b", "4096"], folder.file("tree"));
		await copyFile(old, now);
		const records = (await umbra(cache, "ls", "-R", "--json", "--extents", old)).trim().split("\n");
		const places = records
			.map((record) => JSON.parse(record))
			.filter(({ type, size }) => type === "file" && size > 60_000);
		for (const { extents } of places) await overwrite(now, extents[0][0] + 100, Buffer.from("changed"));
		await settled(now);

		const unknown = await umbra(cache, "diff", "--json", old, now);
		assert.equal(unknown.trim().split("\n").length, places.length);
		assert.match(await umbra(cache, "scan", "--no-entropy", old), /^kept +\S+ KiB of block hashes/m);
		assert.doesNotMatch(await umbra(cache, "scan", "--no-entropy", "--no-keep", now), /^kept/m);
		assert.equal(await knownBlockNames(now), undefined);
		assert.equal(await umbra(cache, "diff", "--json", old, now), unknown);
		await umbra(cache, "scan", now);
		assert.equal((await knownBlockNames(now))?.length, (16 * MIB * NAME_SIZE) / BLOCK_SIZE);
		assert.equal(await umbra(cache, "diff", "--json", old, now), unknown);

		// The old image's names in the place of the new one's: had diff read the images, it would see through it.
		const kept = join(cache, "umbra", "block-names");
		const names = await knownBlockNames(old);
		const path = join(kept, `${(await stat(now)).dev}-${(await stat(now)).ino}`);
		const bytes = await readFile(path);
		const forged = Buffer.concat([bytes.subarray(0, bytes.indexOf("\n") + 1), names!]);
		await writeFile(path, Buffer.concat([forged, blake3Name(forged)]));
		assert.equal(await umbra(cache, "diff", "--json", old, now), "");
		// Nothing but whole files is believed, and nothing that others may write.
		await writeFile(path, Buffer.concat([forged, blake3Name(names!)]));
		assert.equal(await umbra(cache, "diff", "--json", old, now), unknown);
		await writeFile(path, forged.subarray(0, 10));
		assert.equal(await knownBlockNames(now), undefined);
		assert.ok(await knownBlockNames(old));
		await chmod(kept, 0o770);
		assert.equal(await knownBlockNames(old), undefined);
	});

	it("are never those of an image that changed since", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const image = folder.file("disk.raw");
		process.env["XDG_CACHE_HOME"] = folder.file("cache");
		const scan = async (): Promise<void> => {
			await settled(image);
			await umbra(folder.file("cache"), "scan", "--no-entropy", image);
			assert.ok(await knownBlockNames(image), "kept");
		};
		await writeFile(image, random.bytes(3 * BLOCK_SIZE + 100));
		await scan();
		const names = await knownBlockNames(image);
		const last = Buffer.alloc(BLOCK_SIZE);
		(await readFile(image)).copy(last, 0, 3 * BLOCK_SIZE);
		assert.deepEqual(names?.subarray(3 * NAME_SIZE), Buffer.from(blake3Name(last)));

		// Of the same size, and with its time put back.
		const { atime, mtime } = await stat(image);
		await overwrite(image, 70_000, Buffer.from("x"));
		await utimes(image, atime, mtime);
		assert.equal(await knownBlockNames(image), undefined);
		await scan();
		await writeFile(folder.file("other"), await readFile(image));
		await utimes(folder.file("other"), atime, mtime);
		await rename(folder.file("other"), image);
		assert.equal(await knownBlockNames(image), undefined);
		await scan();
		await overwrite(image, 4 * BLOCK_SIZE, Buffer.alloc(1));
		assert.equal(await knownBlockNames(image), undefined);
	});

	it("are not kept of an image that names another file", needs("qemu-img"), async () => {
		await using folder = await tempFolder();
		const cache = folder.file("cache");
		process.env["XDG_CACHE_HOME"] = cache;
		await writeFile(folder.file("base.raw"), Buffer.alloc(MIB, 1));
		const base = folder.file("base.qcow2");
		const overlay = folder.file("overlay.qcow2");
		await run("qemu-img", ["convert", "-O", "qcow2", folder.file("base.raw"), base]);
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, overlay]);
		await settled(overlay);
		for (const image of [base, overlay]) await umbra(cache, "scan", "--no-entropy", image);
		assert.ok(await knownBlockNames(base));
		assert.equal(await knownBlockNames(overlay), undefined);
		assert.equal((await readdir(join(cache, "umbra", "block-names"))).length, 1);
		await utimes(base, new Date(), new Date(Date.now() + 3_600_000));
		assert.equal(await knownBlockNames(base), undefined);
	});
});

describe("differingBlocks", () => {
	it("tells runs of blocks, and takes what one disk lacks for zeroes", () => {
		const name = (byte: number): Buffer => Buffer.alloc(NAME_SIZE, byte);
		const names = (...bytes: number[]): Buffer => Buffer.concat(bytes.map(name));
		assert.deepEqual(differingBlocks(names(1, 2, 3), names(1, 2, 3)), []);
		assert.deepEqual(differingBlocks(names(1, 2, 3, 4), names(1, 9, 9, 4)), [BLOCK_SIZE, 2 * BLOCK_SIZE]);
		assert.deepEqual(differingBlocks(names(1), names(2, 0, 3)), [0, BLOCK_SIZE, 2 * BLOCK_SIZE, BLOCK_SIZE]);
		assert.deepEqual(differingBlocks(names(1, 0, 0), names(1)), []);
	});
});
