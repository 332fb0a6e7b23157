import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { variantsOf } from "../../test/support/variants.ts";
import { makeTree, pathsOf } from "../ext/testing.ts";
import { openFile } from "../source/file.ts";
import { assertCores, assertEveryBlock, hash, makeImageOf, readMount } from "./testing.ts";
import { openXfs } from "./xfs.ts";

/** Kernels stopped to mount version 4: mkfs.xfs copies a tree into the image, and xfs_db is the judge. */
const VARIANTS: readonly (readonly string[])[] = [
	["-m", "crc=0"],
	["-m", "crc=0", "-b", "size=512"],
	["-m", "crc=0", "-b", "size=1024", "-n", "size=8192", "-i", "size=512"],
	["-m", "crc=0", "-n", "ftype=0", "-i", "size=256,attr=1,projid32bit=0", "-l", "version=1,lazy-count=0"],
	["-m", "crc=0", "-b", "size=65536", "-n", "ftype=1"],
	["-m", "crc=0", "-n", "version=ci"],
	["-m", "crc=1", "-b", "size=1024", "-n", "size=65536"],
];

describe("openXfs shows what mkfs.xfs was given", () => {
	for (const options of variantsOf(VARIANTS, 3)) {
		it(options.join(" "), needs("mkfs.xfs", "xfs_db"), async () => {
			await using folder = await tempFolder();
			const tree = folder.file("tree");
			await makeTree(tree);
			// Blocks of this directory come to lie between those of its files: its extents need a tree.
			await mkdir(join(tree, "spread"));
			for (let i = 0; i < 600; i++) await writeFile(join(tree, "spread", `${i}-${"n".repeat(200)}`), String(i));
			const image = folder.file("image");
			const named = await makeImageOf(image, 600, options, tree);
			const wanted = await readMount(tree);
			for (const path of [...wanted.keys()]) if (!named.has(path)) wanted.delete(path);

			await using source = await openFile(image);
			const fs = await openXfs(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			const paths = pathsOf(scan);
			assert.deepEqual([...paths.keys()].sort(), [...wanted.keys()].sort());
			for (const [path, { type, size, mode, content }] of wanted) {
				const node = scan.nodes.get(paths.get(path)!)!;
				assert.equal(node.type, type, path);
				assert.equal(node.mode, mode, path);
				if (type === "file") {
					assert.equal(node.size, size, path);
					assert.equal(hash(await fs.readFile(node, 0, node.size)), content, path);
				}
				if (type === "symlink") assert.equal(await fs.readLink(node), content, path);
			}
			await assertCores(image, scan);
			await assertEveryBlock(image, scan, false);
			const spread = scan.nodes.get(paths.get("/spread")!)!;
			// Large directory blocks are too few for that.
			const few = options.includes("size=65536") || options.includes("size=8192");
			assert.equal(spread.meta.length > 0, !few, "the directory's extents are in a tree");
		});
	}
});
