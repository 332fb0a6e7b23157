import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
/** The variants that `npm test` leaves out. */
import "./exfat.test.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { amount } from "../../test/support/variants.ts";
import { openFile } from "../source/file.ts";
import { openExfat } from "./exfat.ts";
import { mountedExfat, needsExfatMount } from "./exfat-mount.ts";
import { assertDisjoint, compareWithFolder, emptyImage, run } from "./testing.ts";

const SIZE = 700 * 2 ** 20;
const FILES = 1000;

// mtools takes the square of the number of files in time, so that there is nobody to write as many to FAT.
describe("openExfat", needsExfatMount("mkfs.exfat"), () => {
	const folders = amount(15, 100);
	it(`reads ${folders * FILES} files as they were written through the mount`, async () => {
		await using own = await tempFolder();
		const tree = own.file("tree");
		for (let at = 0; at < folders; at++) {
			const folder = join(tree, `folder ${at % 10}`, `folder ${at}`);
			await mkdir(folder, { recursive: true });
			for (let file = 0; file < FILES; file++) {
				await writeFile(join(folder, `a file in a folder, ${file}`), file % 10 === 0 ? `${at} ${file}` : "");
			}
		}
		const image = await emptyImage(own.file("image"), SIZE);
		await run("mkfs.exfat", "-c", "4K", image);
		await mountedExfat(image, own.file("mount"), async (mount) => {
			await run("cp", "-r", "--preserve=timestamps", `${tree}/.`, mount);
		});
		await using source = await openFile(image);
		const fs = await openExfat(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		assert.ok(scan.nodes.size > folders * FILES);
		await compareWithFolder(fs, scan, tree);
		assertDisjoint(scan, SIZE);
	});
});
