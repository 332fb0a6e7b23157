import assert from "node:assert/strict";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import type { FileNode } from "../filesystem.ts";
import { openExt } from "./ext.ts";
import { compareWithFolder } from "./oracles.ts";
import {
	debugfs,
	has,
	makeImage,
	makeTree,
	openImage,
	pathsOf,
	random,
	randomBytes,
	run,
	temporaryFolder,
} from "./testing.ts";

const MIB = 1 << 20;

/** Blocks that debugfs lists for a path, one number a block, the tree's own among them. */
async function blocksOf(image: string, path: string): Promise<number[]> {
	const [answer] = await debugfs(image, [`blocks ${path}`]);
	return answer!
		.trim()
		.split(/\s+/)
		.map(Number)
		.sort((a, b) => a - b);
}

function blocks({ data, meta }: FileNode, blockSize: number): number[] {
	const ranges = [...data, ...meta];
	const found: number[] = [];
	for (let i = 0; i < ranges.length; i += 2) {
		for (let at = 0; at < ranges[i + 1]!; at += blockSize) found.push((ranges[i]! + at) / blockSize);
	}
	return found.sort((a, b) => a - b);
}

describe("a file's content", () => {
	for (const { name, options } of [
		{ name: "indirect blocks to the third level", options: ["-t", "ext2", "-b", "1024"] },
		{ name: "extent trees with inner nodes", options: ["-t", "ext4", "-b", "1024"] },
		{ name: "extent trees without checksums", options: ["-t", "ext4", "-b", "1024", "-O", "^metadata_csum"] },
	]) {
		it(`is found through ${name}`, async (t) => {
			if (!(await has(t, "mke2fs", "debugfs"))) return;
			await using folder = await temporaryFolder();
			const tree = join(folder.path, "tree");
			await mkdir(tree);
			const next = random(19);
			const wanted: { readonly offset: number; readonly bytes: Buffer }[] = [];
			{
				await using far = await open(join(tree, "far"), "w");
				await far.truncate(80 * MIB);
				// At 1 KiB a block the third level begins behind 12 + 256 + 65,536 blocks.
				for (let i = 0; i < 900; i++) {
					const offset = i < 800 ? i * 8192 : (20 + (i - 800) * 0.5) * MIB;
					const bytes = randomBytes(next, 4096);
					wanted.push({ offset, bytes });
					await far.write(bytes, 0, 4096, offset);
				}
			}
			const image = join(folder.path, "image");
			await makeImage(image, 32 * MIB, options, tree);
			await using source = await openImage(image);
			const fs = await openExt(source);
			const node = await fs.lookup("/far");
			assert.equal(node.size, 80 * MIB);
			for (const { offset, bytes } of wanted) {
				assert.deepEqual(Buffer.from(await fs.readFile(node, offset, 4096)), bytes);
			}
			assert.ok((await fs.readFile(node, 60 * MIB + 4096, 100_000)).every((byte) => byte === 0));
			// Pieces that begin and end anywhere are the same as cuts of the whole.
			const whole = await fs.readFile(node, 0, node.size);
			for (let i = 0; i < 200; i++) {
				const offset = Math.floor(next() * node.size);
				const length = Math.floor(next() * 20_000);
				const piece = await fs.readFile(node, offset, length);
				assert.deepEqual(piece, whole.slice(offset, offset + length));
			}
			assert.equal((await fs.readFile(node, node.size - 5, 100)).length, 5);
			assert.equal((await fs.readFile(node, node.size, 1)).length, 0);
			const scanned = (await fs.scan()).nodes.get(node.inode)!;
			assert.deepEqual(scanned, node);
			assert.deepEqual(blocks(node, 1024), await blocksOf(image, "/far"));
			assert.deepEqual(fs.problems, []);
		});
	}

	it("is zeroes in unwritten extents, which are listed all the same", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await writeFile(join(folder.path, "empty"), "");
		await makeImage(image, 16 * MIB, ["-t", "ext4", "-b", "1024"]);
		const commands = [`write ${folder.path}/empty unwritten`, "fallocate unwritten 0 19", "sif unwritten size 20000"];
		await debugfs(image, [...commands, "zap_block -f unwritten -p 0xaa 3"], true);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const node = await fs.lookup("unwritten");
		assert.equal(
			node.data.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0),
			20 * 1024,
		);
		assert.ok((await source.read(node.data[0]! + 3072, 1024)).every((byte) => byte === 0xaa));
		assert.deepEqual(Buffer.from(await fs.readFile(node, 0, 20_000)), Buffer.alloc(20_000));
	});

	it("that is an attribute's, in an inode of its own, belongs to the file's meta", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		const value = randomBytes(random(5), 20_000);
		await writeFile(join(folder.path, "value"), value);
		await makeImage(image, 16 * MIB, ["-t", "ext4", "-b", "1024", "-O", "ea_inode"]);
		const commands = [`write ${folder.path}/value file`, `ea_set -f ${folder.path}/value file user.large`];
		await debugfs(image, commands, true);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const node = await fs.lookup("file");
		const { nodes } = await fs.scan();
		assert.deepEqual(nodes.get(node.inode), node);
		const bytes = await readFile(image);
		const meta: Buffer[] = [];
		for (let i = 0; i < node.meta.length; i += 2) {
			meta.push(bytes.subarray(node.meta[i]!, node.meta[i]! + node.meta[i + 1]!));
		}
		// debugfs writes the first block of the value only.
		assert.ok(Buffer.concat(meta).includes(value.subarray(0, 1024)), "the value is not among what belongs to the file");
		assert.deepEqual(fs.problems, []);
	});
});

describe("directories", () => {
	it("that are hashed show the same names as before e2fsck hashed them", async (t) => {
		if (!(await has(t, "mke2fs", "e2fsck", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await makeTree(join(folder.path, "tree"));
		await makeImage(image, 64 * MIB, ["-t", "ext4", "-b", "1024"], join(folder.path, "tree"));
		const list = async () => {
			await using source = await openImage(image);
			const fs = await openExt(source);
			const paths = pathsOf(await fs.scan());
			assert.deepEqual(fs.problems, []);
			return paths;
		};
		const linear = await list();
		await run("e2fsck", ["-fyD", image], [1]);
		assert.match((await debugfs(image, ["htree_dump /many"]))[0]!, /Indirect levels: [01]/);
		assert.deepEqual(new Map([...(await list())].sort()), new Map([...linear].sort()));
	});

	it("that are encrypted show their cipher text escaped, and can be walked", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await mkdir(join(folder.path, "tree/dir"), { recursive: true });
		await writeFile(join(folder.path, "tree/dir/päth name"), "content");
		await makeImage(image, 16 * MIB, ["-t", "ext4", "-O", "encrypt"], join(folder.path, "tree"));
		await debugfs(image, ["sif dir flags 0x80800"], true);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const names = await fs.readDirectory(await fs.lookup("dir"));
		assert.deepEqual(
			names.map(({ name }) => name),
			["p\\xc3\\xa4th\\x20name"],
		);
		assert.equal((await fs.lookup(`/dir/${names[0]!.name}`)).size, 7);
	});
});

describe("lookups", () => {
	it("say not-found for what is not there, and for what is no longer in use", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await makeTree(join(folder.path, "tree"));
		await makeImage(image, 64 * MIB, ["-t", "ext4"], join(folder.path, "tree"));
		await debugfs(image, ["rm /sizes/100.bin"], true);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const isNotFound = (error: unknown) => isUmbraError(error, "not-found");
		for (const path of ["/nothing", "/sizes/1.bin/below", "/sizes/100.bin", "/sizes/..", "short-link/x"]) {
			await assert.rejects(fs.lookup(path), isNotFound, path);
		}
		for (const inode of [0, -1, 1.5, 5000, 1e9, 2 ** 40])
			await assert.rejects(fs.node(inode), isNotFound, String(inode));
		const file = await fs.lookup("//sizes/./1.bin");
		await assert.rejects(fs.readDirectory(file), isNotFound);
		await assert.rejects(fs.readLink(file), isNotFound);
		assert.equal((await fs.lookup("/")).inode, fs.root);
		assert.equal(await fs.readLink(await fs.lookup("short-link")), "sizes/1.bin");
	});

	it("and scans end when they are told to", async (t) => {
		if (!(await has(t, "mke2fs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await makeImage(image, 16 * MIB, ["-t", "ext4"]);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const signal = AbortSignal.abort();
		await assert.rejects(fs.scan(signal), { name: "AbortError" });
		await assert.rejects(openExt(source, signal), { name: "AbortError" });
	});
});

describe("a directory that folds case", () => {
	it("is listed and looked up by its names as they are stored", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs", "dumpe2fs"))) return;
		await using folder = await temporaryFolder();
		const tree = join(folder.path, "tree");
		await mkdir(join(tree, "Folded/Unter"), { recursive: true });
		const names = ["README.TXT", "Straße", "ÀÉ", "日本語", "mixedCase"];
		for (const name of names) await writeFile(join(tree, "Folded", name), `in ${name}`);
		await writeFile(join(tree, "Folded/Unter/Leaf"), "leaf");
		// Enough for a hash tree, whose hashes of folded names are others.
		const many = Array.from({ length: 300 }, (_, at) => `A-File-With-A-Long-Name-${at}`);
		for (const name of many) await writeFile(join(tree, "Folded/Unter", name), "");
		const image = join(folder.path, "image");
		await makeImage(image, 32 * MIB, ["-t", "ext4", "-b", "1024", "-O", "casefold", "-E", "encoding=utf8"], tree);
		// What the kernel sets by chattr +F: EXT4_CASEFOLD_FL, beside extents (and the index).
		for (const path of ["/Folded", "/Folded/Unter"]) {
			const [before] = await debugfs(image, [`stat ${path}`]);
			const flags = Number(/Flags: (0x[0-9a-f]+)/.exec(before!)![1]);
			await debugfs(image, [`set_inode_field ${path} flags 0x${(flags | 0x4000_0000).toString(16)}`], true);
			const [after] = await debugfs(image, [`stat ${path}`]);
			assert.equal(Number(/Flags: (0x[0-9a-f]+)/.exec(after!)![1]) & 0x4000_0000, 0x4000_0000);
		}
		// Only now do the indexes hold hashes of folded names; it also finds whatever is wrong with the rest.
		await run("e2fsck", ["-fyD", image], [1]);
		await run("e2fsck", ["-fn", image]);
		await using source = await openImage(image);
		const fs = await openExt(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		await compareWithFolder(fs, pathsOf(scan), tree);
		const paths = pathsOf(scan);
		const listed = new Map<string, number>();
		await fs.list?.(paths.get("/Folded")!, (parent, name, { inode }) => {
			if (parent === paths.get("/Folded")) listed.set(String(name), inode);
			return undefined;
		});
		assert.deepEqual(listed, new Map([...names, "Unter"].map((name) => [name, paths.get(`/Folded/${name}`)!])));
		for (const name of names) {
			const node = await fs.lookup(`/Folded/${name}`);
			assert.equal(Buffer.from(await fs.readFile(node, 0, node.size)).toString(), `in ${name}`);
		}
	});
});
