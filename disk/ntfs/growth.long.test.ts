import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { openNtfs } from "./ntfs.ts";
import { makeVolume, mount, needsNtfs, openImage, pathsOf, run, sleuthkit } from "./testing.ts";

const FILES = Number(process.env["UMBRA_NTFS_FILES"] ?? 100_000);

describe("a volume with many files", needsNtfs("fls"), () => {
	it(`is scanned whole, as fast as fls or faster: ${FILES} files`, async (t) => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, (256 << 20) + FILES * 8192);
		{
			await using volume = await mount(image);
			for (let i = 0; i < FILES; i++) {
				const place = volume.at(`d${i % 100}`);
				if (i < 100) await mkdir(place);
				await writeFile(`${place}/file number ${i}.txt`, i % 10 === 0 ? Buffer.alloc(3000, i) : `${i}`);
			}
		}
		const theirs = await sleuthkit(image);
		let began = performance.now();
		await run("fls", ["-f", "ntfs", "-r", "-m", "/", image]);
		const fls = performance.now() - began;
		await using source = await openImage(image);
		const times: number[] = [];
		for (let round = 0; round < 5; round++) {
			began = performance.now();
			const scan = await (await openNtfs(source)).scan();
			times.push(performance.now() - began);
			assert.ok(scan.nodes.size > FILES);
		}
		const fs = await openNtfs(source);
		const scan = await fs.scan();
		const paths = pathsOf(scan);
		for (const [path, { record, size }] of theirs) {
			const inode = paths.get(path);
			assert.ok(inode !== undefined, path);
			assert.equal(inode % 2 ** 32, record, path);
			if (!path.includes("/d") || path.includes(".txt"))
				assert.equal(scan.nodes.get(inode)!.size % 2 ** 32, size, path);
		}
		for (const node of scan.nodes.values()) {
			if (node.type !== "dir" || node.inode % 7 !== 0) continue;
			const names = (await fs.readDirectory(node)).map(({ name }) => name);
			const wanted = scan.links.filter(({ parent }) => parent === node.inode).map(({ name }) => name);
			assert.deepEqual(names.toSorted(), wanted.toSorted());
		}
		assert.deepEqual(fs.problems, []);
		const best = Math.min(...times);
		t.diagnostic(
			`scan ${best.toFixed(0)} ms (${Math.round(scan.nodes.size / best)},000 files/s; first ${times[0]!.toFixed(0)} ms), fls ${fls.toFixed(0)} ms`,
		);
	});

	it("is read whole when the MFT itself is in hundreds of pieces", async (t) => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 24 << 20, ["-c", "512"]);
		let small = 0;
		{
			await using volume = await mount(image);
			// Fill it all, free every other piece, and let the MFT grow into the gaps.
			let count = 0;
			try {
				for (; ; count++) await writeFile(volume.at(`filler-${count}`), Buffer.alloc(2048, count));
			} catch (error) {
				assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
			}
			for (let i = 0; i < count; i += 2) await rm(volume.at(`filler-${i}`));
			// As many as there are records free, and some that the MFT must grow for.
			try {
				for (; small < count / 2 + 2000; small++) await writeFile(volume.at(`small-${small}`), `small ${small}`);
			} catch (error) {
				// ntfs-3g gives up before the space does, with an error of its choice.
				t.diagnostic(`ntfs-3g made ${small} of ${count / 2 + 2000}: ${(error as Error).message}`);
			}
		}
		await using source = await openImage(image);
		const fs = await openNtfs(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		const { data } = await fs.lookup("/$MFT");
		t.diagnostic(`the MFT is in ${data.length / 2} pieces`);
		assert.ok(data.length / 2 > 100, `only ${data.length / 2} pieces`);
		const paths = pathsOf(scan);
		const theirs = await sleuthkit(image);
		// An extension record of the MFT it takes for another MFT.
		theirs.delete("/$MFT");
		for (const [path, { record }] of theirs) assert.equal(paths.get(path)! % 2 ** 32, record, path);
		for (const [path, inode] of paths) {
			// The last one may have come to be in part.
			if (!path.startsWith("/small-") || path === `/small-${small}`) continue;
			const content = await fs.readFile(scan.nodes.get(inode)!, 0, 100);
			assert.equal(Buffer.from(content).toString(), `small ${path.slice(7)}`);
		}
		assert.ok(paths.size > 1000);
	});
});
