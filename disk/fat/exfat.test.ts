import assert from "node:assert/strict";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { variantsOf } from "../../test/support/variants.ts";
import { openFile } from "../source/file.ts";
import type { BlockSource } from "../source/source.ts";
import { mountedExfat, needsExfatMount } from "./exfat-mount.ts";
import { openExfat } from "./fat.ts";
import {
	assertDisjoint,
	bytesOf,
	compareWithFolder,
	compareWithSleuthkit,
	emptyImage,
	hash,
	makeTree,
	nodeAt,
	run,
} from "./testing.ts";

const MIB = 1 << 20;
const VARIANTS: readonly { readonly size: number; readonly options: readonly string[] }[] = [
	{ size: 64 * MIB, options: [] },
	{ size: 16 * MIB, options: ["-c", "512"] },
	{ size: 64 * MIB, options: ["-c", "1K", "-b", "64K"] },
	{ size: 256 * MIB, options: ["-c", "32K"] },
	{ size: 600 * MIB, options: ["-c", "1M"] },
	{ size: 1600 * MIB, options: ["-c", "4M", "-b", "4M"] },
	{ size: 64 * MIB, options: ["--pack-bitmap"] },
	{ size: 64 * MIB, options: ["--full-format"] },
];

describe("openExfat", needsExfatMount("fsck.exfat", "fls", "istat", "icat"), () => {
	let folder: TempFolder;
	let tree: string;
	before(async () => {
		folder = await tempFolder();
		tree = folder.file("tree");
		await makeTree(tree);
		for (const name of ["emoji-😀-name", "fifteen-chars-😀", "l".repeat(255)]) {
			await run("cp", join(tree, "sizes/513.bin"), join(tree, "names", name));
		}
		await run(
			"find",
			tree,
			"-newermt",
			"2025-01-01",
			"-type",
			"f",
			"-exec",
			"touch",
			"-d",
			"2024-02-29T12:34:56Z",
			"{}",
			"+",
		);
	});
	after(() => folder[Symbol.asyncDispose]());

	for (const { size, options } of variantsOf(VARIANTS, 3)) {
		it(`reads exFAT of mkfs.exfat ${options.join(" ")} as the mount, fsck.exfat and The Sleuth Kit do`, async () => {
			await using own = await tempFolder();
			const image = await emptyImage(own.file("image"), size);
			await run("mkfs.exfat", "-L", "Größe 😀", ...options, image);
			await mountedExfat(image, own.file("mount"), async (mount) => {
				await run("cp", "-r", "--preserve=timestamps", `${tree}/.`, mount);
			});
			await using source = await openFile(image);
			const fs = await openExfat(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			assert.deepEqual([fs.kind, fs.label, fs.blockSize], ["exfat", "Größe 😀", 512]);
			await compareWithFolder(fs, scan, tree);
			assertDisjoint(scan, size);
			await compareWithSleuthkit(fs, scan, image, await layoutOf(source));
			assert.match(await run("fsck.exfat", "-n", image), /clean/);
			// The bitmap knows of no cluster that is nobody's.
			const { heap } = await layoutOf(source);
			const owned = [...scan.nodes.values()].reduce((sum, { data }) => sum + bytesOf(data), 0);
			const structures = scan.metadata.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0) - heap;
			assert.equal(fs.usedBytes, owned + structures);
		});
	}

	it("reads fragmented files", async () => {
		await using own = await tempFolder();
		const image = await emptyImage(own.file("image"), 16 * MIB);
		await run("mkfs.exfat", "-c", "4K", image);
		const copies = new Map<string, string>();
		await mountedExfat(image, own.file("mount"), async (mount) => {
			const handles = await Promise.all(["a", "b"].map((name) => open(join(mount, name), "w")));
			for (let round = 0; round < 40; round++) {
				for (const [i, handle] of handles.entries()) {
					await handle.write(Buffer.alloc(9000, round * 2 + i + 1));
					await handle.datasync();
				}
			}
			for (const handle of handles) await handle.close();
			for (const name of ["a", "b"]) copies.set(name, hash(await readFile(join(mount, name))));
		});
		await using source = await openFile(image);
		const fs = await openExfat(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		for (const [name, wanted] of copies) {
			const node = nodeAt(scan, `/${name}`);
			assert.ok(node.data.length > 20, `${name} is in ${node.data.length / 2} pieces`);
			assert.equal(hash(await fs.readFile(node, 0, node.size)), wanted);
			assert.deepEqual(Buffer.from(await fs.readFile(node, 8_999, 2)), Buffer.from(name === "a" ? [1, 3] : [2, 4]));
		}
		await compareWithSleuthkit(fs, scan, image, await layoutOf(source));
	});
});

async function layoutOf(source: BlockSource) {
	const boot = Buffer.from(await source.read(0, 512));
	const heap = boot.readUInt32LE(88) * 512;
	// Hundredths of a second reach up to 1.99 seconds.
	return { heap, entries: heap, cluster: 512 << boot[109]!, lag: 2 };
}
