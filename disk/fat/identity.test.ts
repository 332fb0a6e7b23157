import assert from "node:assert/strict";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { comparePages } from "../map/compare.ts";
import { mapChanges } from "../map/map.ts";
import { openFile } from "../source/file.ts";
import { readDiskTree } from "../tree.ts";
import { mountedExfat, needsExfatMount } from "./exfat-mount.ts";
import { openExfat, openFat } from "./fat.ts";
import { emptyImage, nodeAt, pathsOf, run } from "./testing.ts";

const MIB = 1 << 20;

/** "change path <- former path" of everything that is no directory's own change. */
async function changesBetween(before: string, after: string): Promise<string[]> {
	await using old = await openFile(before);
	await using now = await openFile(after);
	const trees = [await readDiskTree(old), await readDiskTree(now)] as const;
	const { files } = mapChanges(trees[0], trees[1], await comparePages(old, now));
	return files
		.flatMap((volume) => volume.files)
		.map(({ change, path, oldPath }) => `${change} ${path}${oldPath === undefined ? "" : ` <- ${oldPath}`}`);
}

/** mtools at a time that is known: it writes the time of creation in whole seconds. */
function at(second: number, program: string, image: string, ...args: readonly string[]): Promise<string> {
	return run("env", `SOURCE_DATE_EPOCH=${1_700_000_000 + 2 * second}`, program, "-i", image, ...args);
}

describe("files of FAT keep their identity", needs("mkfs.fat", "mcopy", "mren", "mmove", "mmd", "mdel", "fls"), () => {
	for (const [bits, size] of [
		[12, 2 * MIB],
		[16, 20 * MIB],
		[32, 40 * MIB],
	] as const) {
		it(`when they are renamed, moved and rewritten, and lose it with their end: FAT${bits}`, async () => {
			await using folder = await tempFolder();
			const image = await emptyImage(folder.file("image"), size);
			await run("mkfs.fat", "-F", String(bits), "-s", "1", image);
			const local = folder.file("local");
			await writeFile(local, Buffer.alloc(3000, 1));
			for (const name of ["::/folder", "::/other"]) await at(0, "mmd", image, name);
			for (const name of ["first", "second", "third", "fourth", "folder/below"]) {
				await at(1, "mcopy", image, local, `::/${name}`);
			}
			const saved = folder.file("saved");
			const since = async (change: () => Promise<unknown>): Promise<string[]> => {
				await copyFile(image, saved);
				await change();
				return changesBetween(saved, image);
			};
			const renamed = await since(() => at(2, "mren", image, "::/first", "::/A longer name, of several entries"));
			assert.deepEqual(renamed, ["renamed /A longer name, of several entries <- /first"]);
			const moved = await since(() => at(3, "mmove", image, "::/second", "::/other"));
			assert.deepEqual(moved, ["renamed /other/second <- /second"]);
			// The files in it stay where they are.
			const movedFolder = await since(() => at(4, "mmove", image, "::/folder", "::/other"));
			assert.deepEqual(movedFolder, ["renamed /other/folder <- /folder"]);
			await writeFile(local, Buffer.alloc(3000, 2));
			const rewritten = await since(() => at(5, "mcopy", image, "-D", "o", local, "::/third"));
			assert.deepEqual(rewritten, ["modified /third"]);
			const { fourth } = await inodesOf(image);
			const replaced = await since(async () => {
				await at(6, "mdel", image, "::/fourth");
				// It looks for free clusters from where it last took one; those before are all in use.
				await at(7, "mcopy", image, local, "::/fifth");
			});
			assert.deepEqual(replaced, ["created /fifth", "deleted /fourth"]);
			const { fifth } = await inodesOf(image);
			assert.ok(fourth !== undefined && fifth !== undefined);
			if (bits !== 32) assert.equal(fifth, fourth, "the cluster was used again");
		});
	}

	it("and is their number whoever asks, and in whatever order", async () => {
		await using folder = await tempFolder();
		const image = await emptyImage(folder.file("image"), 2 * MIB);
		await run("mkfs.fat", "-F", "12", "-s", "1", image);
		await at(0, "mmd", image, "::/folder");
		await writeFile(folder.file("local"), "content");
		await writeFile(folder.file("empty"), "");
		await at(1, "mcopy", image, folder.file("local"), "::/folder/Some content");
		await at(1, "mcopy", image, folder.file("empty"), "::/folder/No content");
		await using source = await openFile(image);
		const scan = await (await openFat(source)).scan();
		for (const path of ["/folder", "/folder/Some content", "/folder/No content"]) {
			const node = nodeAt(scan, path);
			assert.deepEqual(await (await openFat(source)).node(node.inode), node, path);
			assert.deepEqual(await (await openFat(source)).lookup(path), node, path);
		}
		const fs = await openFat(source);
		const listed = await fs.readDirectory(await fs.lookup("/folder"));
		assert.deepEqual(
			new Set(listed.map(({ inode }) => inode)),
			new Set([...scan.links.slice(1)].map(({ inode }) => inode)),
		);
		await assert.rejects((await openFat(source)).node(1000), { code: "not-found" });
	});

	async function inodesOf(image: string): Promise<Record<string, number>> {
		await using source = await openFile(image);
		const scan = await (await openFat(source)).scan();
		return Object.fromEntries([...pathsOf(scan)].map(([path, inode]) => [path.slice(1), inode]));
	}
});

describe("files of exFAT keep their identity", needsExfatMount(), () => {
	it("when they are renamed, moved and rewritten by a driver, and lose it with their end", async () => {
		await using folder = await tempFolder();
		const image = await emptyImage(folder.file("image"), 16 * MIB);
		await run("mkfs.exfat", "-c", "4K", image);
		let mounts = 0;
		const mounted = (use: (root: string) => Promise<void>) =>
			mountedExfat(image, folder.file(`mount-${mounts++}`), use);
		await mounted(async (root) => {
			for (const name of ["folder", "other"]) await mkdir(join(root, name));
			for (const name of ["first", "second", "third", "folder/below"]) {
				await writeFile(join(root, name), Buffer.alloc(9000, 1));
			}
		});
		await copyFile(image, folder.file("saved"));
		await mounted(async (root) => {
			await rename(join(root, "first"), join(root, "A name that is longer than it was before"));
			await rename(join(root, "second"), join(root, "other/second"));
			await rename(join(root, "folder"), join(root, "other/folder"));
			await rm(join(root, "third"));
			await writeFile(join(root, "third"), Buffer.alloc(9000, 2));
		});
		assert.deepEqual(
			await changesBetween(folder.file("saved"), image),
			[
				"renamed /A name that is longer than it was before <- /first",
				"renamed /other/folder <- /folder",
				"renamed /other/second <- /second",
				"modified /third",
			].sort((a, b) => (a.split(" ")[1]! < b.split(" ")[1]! ? -1 : 1)),
		);
		await using source = await openFile(image);
		const scan = await (await openExfat(source)).scan();
		for (const { inode } of scan.links)
			assert.deepEqual(await (await openExfat(source)).node(inode), scan.nodes.get(inode));
	});
});
