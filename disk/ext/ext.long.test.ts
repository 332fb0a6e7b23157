import assert from "node:assert/strict";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
// The variants that `npm test` leaves out.
import "./ext.test.ts";
import { amount } from "../../test/support/variants.ts";
import { openExt } from "./ext.ts";
import { accountForAllBlocks, compareWithDebugfs, compareWithFolder, compareWithSleuthkit } from "./oracles.ts";
import { has, makeImage, makeTree, openImage, pathsOf, temporaryFolder } from "./testing.ts";

const KIB = 1024;
const GIB = 2 ** 30;
/** fls goes no deeper than 128 directories. */
const MAX_DEPTH = 120;

describe("openExt shows what e2fsprogs and The Sleuth Kit show", () => {
	for (const options of [
		["-t", "ext4", "-N", "120000"],
		["-t", "ext3", "-b", "1024", "-N", "120000"],
	].slice(0, amount(1, 2))) {
		it(`100,000 files, deep, huge and in a thousand pieces: ${options.join(" ")}`, async (t) => {
			if (!(await has(t, "mke2fs", "debugfs", "fls"))) return;
			await using folder = await temporaryFolder();
			const tree = join(folder.path, "tree");
			await makeTree(tree);
			for (let directory = 0; directory < 100; directory++) {
				const path = join(tree, "hundred", String(directory % 10), `directory-${directory}`);
				await mkdir(path, { recursive: true });
				for (let file = 0; file < 1000; file++) await writeFile(join(path, `file-${file}`), `${directory} ${file}`);
			}
			const deep = join(tree, ...Array.from({ length: MAX_DEPTH }, (_, level) => `level-${level}`));
			await mkdir(deep, { recursive: true });
			await writeFile(join(deep, "bottom"), "found");
			await using pieces = await open(join(tree, "pieces"), "w");
			for (let piece = 0; piece < 1000; piece++) await pieces.write(String(piece), piece * 64 * KIB);
			await using huge = await open(join(tree, "huge"), "w");
			await huge.truncate(5 * GIB);
			await huge.write("end", 5 * GIB - 3);

			const image = join(folder.path, "image");
			await makeImage(image, GIB, options, tree);
			await using source = await openImage(image);
			const fs = await openExt(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			const paths = pathsOf(scan);
			assert.ok(paths.size > 100_000);
			await compareWithFolder(fs, paths, tree);
			await compareWithDebugfs(fs, image, [...scan.nodes.values()]);
			await compareWithSleuthkit(image, paths, scan.nodes);
			await accountForAllBlocks(image, fs.blockSize, scan);
		});
	}
});
