/** Single changes of a volume, byte by byte: what an update makes of them, reads for them, and leaves to a full scan. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { memorySource } from "../ext/testing.ts";
import type { FileNode, FilesystemScan } from "../filesystem.ts";
import { baseOf } from "../rescan/layered-scan.ts";
import { assertSameScan } from "../rescan/testing.ts";
import type { BlockSource } from "../source/source.ts";
import { openExfat, openFat } from "./fat.ts";
import { buildSet, bytesOf, exfatLayout, makeExfat, makeFat, nodeAt } from "./testing.ts";

interface Outcome {
	readonly scan: FilesystemScan;
	readonly updated: FilesystemScan;
	/** Whether it took no full scan. */
	readonly isUpdate: boolean;
	/** Bytes, after the volume was opened. */
	readonly read: number;
}

/**
 * Changes an image, and asserts that an update from the changed bytes says what a full scan says, faults too.
 *
 * @param change of which the ranges are returned: offset and length of each.
 */
async function update(
	image: Buffer,
	open: typeof openFat,
	change: (bytes: Buffer, scan: FilesystemScan) => number[],
	earlier?: FilesystemScan,
): Promise<Outcome> {
	const scan = earlier ?? (await (await open(memorySource(image))).scan());
	const changed = change(image, scan);
	const whole = memorySource(image);
	let sum = 0;
	const source: BlockSource = {
		...whole,
		read: (offset, length, signal) => {
			sum += length;
			return whole.read(offset, length, signal);
		},
	};
	const fs = await open(source);
	const opened = sum;
	const updated = await fs.rescan!(scan, changed);
	const full = await open(memorySource(image));
	assertSameScan(updated, await full.scan(), "updated");
	assert.deepEqual(
		fs.problems.map(({ message }) => message).sort(),
		full.problems.map(({ message }) => message).sort(),
	);
	return { scan, updated, isUpdate: baseOf(updated) === baseOf(scan), read: sum - opened };
}

/** Where an entry's short name stands: letters of a name that is in no other. */
function findText(bytes: Buffer, { data }: FileNode, text: string): number {
	for (let i = 0; i < data.length; i += 2) {
		const at = bytes.subarray(data[i]!, data[i]! + data[i + 1]!).indexOf(text, 0, "latin1");
		if (at !== -1) return data[i]! + at;
	}
	return assert.fail(`no ${text}`);
}

describe("rescan of FAT by what changed", needs("mkfs.fat", "mcopy", "mkfs.exfat"), () => {
	let folder: TempFolder;
	let fat: Buffer;
	let exfat: Buffer;
	before(async () => {
		folder = await tempFolder();
		await makeFat(folder.file("fat"), 16, 5 << 20, ["-s", "1"]);
		await makeExfat(folder.file("exfat"));
		fat = await readFile(folder.file("fat"));
		exfat = await readFile(folder.file("exfat"));
	});
	after(() => folder[Symbol.asyncDispose]());

	/** Place in the table of the entry of the cluster at a byte of a file. */
	function linkOf(bytes: Buffer, scan: FilesystemScan, { data }: FileNode, byte: number): number {
		const heap = nodeAt(scan, "").data[0]! + nodeAt(scan, "").data[1]!;
		let left = byte;
		let i = 0;
		for (; left >= data[i + 1]!; i += 2) left -= data[i + 1]!;
		return bytes.readUInt16LE(14) * 512 + 2 * (Math.floor((data[i]! + left - heap) / 512) + 2);
	}

	it("reads a directory again in which an entry changed, and no other", async () => {
		const { read, isUpdate, scan, updated } = await update(Buffer.from(fat), openFat, (bytes, old) => {
			const at = findText(bytes, nodeAt(old, "/folder/in a folder"), "DEEP ");
			bytes.writeUInt16LE(bytes.readUInt16LE(at + 22) ^ 1, at + 22);
			return [at + 22, 2];
		});
		assert.ok(isUpdate);
		assert.equal(read, nodeAt(scan, "/folder/in a folder").size);
		assert.notEqual(nodeAt(updated, "/folder/in a folder/deep").mtime, nodeAt(scan, "/folder/in a folder/deep").mtime);
		assert.equal(nodeAt(updated, "/folder/file number 3"), nodeAt(scan, "/folder/file number 3"));
	});

	it("reads nothing where the table changed but for the chains", async () => {
		const { read, isUpdate } = await update(Buffer.from(fat), openFat, (bytes) => [
			bytes.readUInt16LE(14) * 512,
			bytes.readUInt16LE(22) * 512,
		]);
		assert.ok(isUpdate);
		assert.equal(read, 0);
	});

	it("follows a chain again that ends elsewhere, though no entry changed, and names the fault each time", async () => {
		const bytes = Buffer.from(fat);
		const { isUpdate, updated, scan } = await update(bytes, openFat, (_, old) => {
			const at = linkOf(bytes, old, nodeAt(old, "/large"), 10_000);
			bytes.writeUInt16LE(0, at);
			return [at, 2];
		});
		assert.ok(isUpdate);
		assert.ok(nodeAt(updated, "/large").data[1]! < nodeAt(scan, "/large").data[1]!);
		const again = await update(bytes, openFat, () => [], updated);
		assert.ok(again.isUpdate);
		assert.deepEqual(again.updated.basis?.dangling, [{ parent: 1, name: "", inode: 1 }]);
	});

	it("follows the chain of another first cluster, where a file is known by the place of its entry", async () => {
		const bytes = Buffer.from(fat);
		const { scan: old } = await update(bytes, openFat, () => []);
		const at = findText(bytes, nodeAt(old, "/folder/in a folder"), "DEEP ");
		bytes.fill(0, at + 13, at + 18);
		const { isUpdate, scan, updated } = await update(bytes, openFat, () => {
			const link = bytes.readUInt16LE(14) * 512 + 2 * 9000;
			bytes.writeUInt16LE(0xffff, link);
			bytes.writeUInt16LE(9000, at + 26);
			return [link, 2, at + 26, 2];
		});
		assert.ok(isUpdate);
		assert.equal(nodeAt(updated, "/folder/in a folder/deep").inode, nodeAt(scan, "/folder/in a folder/deep").inode);
	});

	it("cuts off a file that is a directory now, and longer than one may be", async () => {
		const bytes = Buffer.from(fat);
		const { scan: old } = await update(bytes, openFat, () => []);
		const large = nodeAt(old, "/large");
		bytes[large.data[0]!] = 0;
		let link = linkOf(bytes, old, large, 59_999);
		for (let cluster = 5000; cluster <= 9200; cluster++) {
			bytes.writeUInt16LE(cluster, link);
			link = bytes.readUInt16LE(14) * 512 + 2 * cluster;
		}
		bytes.writeUInt16LE(0xffff, link);
		const { isUpdate, scan, updated } = await update(bytes, openFat, (_, now) => {
			const at = findText(bytes, nodeAt(now, ""), "LARGE ");
			bytes[at + 11]! |= 0x10;
			return [at + 11, 1];
		});
		assert.ok(isUpdate);
		assert.equal(bytesOf(nodeAt(scan, "/large").data), (118 + 4201) * 512);
		assert.equal(bytesOf(nodeAt(updated, "/large").data), 4096 * 512);
	});

	it("forgets what was below a directory that is a file now", async () => {
		const { isUpdate, updated, scan } = await update(Buffer.from(fat), openFat, (bytes, old) => {
			const at = findText(bytes, nodeAt(old, ""), "FOLDER ");
			bytes[at + 11]! &= ~0x10;
			return [at + 11, 1];
		});
		assert.ok(isUpdate);
		assert.equal(nodeAt(updated, "/folder").type, "file");
		assert.equal(updated.nodes.size, scan.nodes.size - 42);
	});

	it("leaves it to a full scan whose a cluster is that two files want, and goes on when it is one's again", async () => {
		const bytes = Buffer.from(fat);
		let [at, kept] = [0, 0];
		const crossed = await update(bytes, openFat, (_, old) => {
			const other = nodeAt(old, "/folder/in a folder/deep");
			at = linkOf(bytes, old, nodeAt(old, "/large"), 10_000);
			kept = bytes.readUInt16LE(at);
			bytes.writeUInt16LE(other.inode, at);
			return [at, 2];
		});
		assert.equal(crossed.isUpdate, false);
		assert.equal(crossed.updated.basis, undefined);
		const healed = await update(
			bytes,
			openFat,
			() => {
				bytes.writeUInt16LE(kept, at);
				return [at, 2];
			},
			crossed.updated,
		);
		assert.equal(healed.isUpdate, false);
		assert.ok((await update(bytes, openFat, () => [], healed.updated)).isUpdate);
	});

	it("leaves it to a full scan where a second name of a file came, and the first did not change", async () => {
		const { isUpdate } = await update(Buffer.from(fat), openFat, (bytes, old) => {
			const deep = findText(bytes, nodeAt(old, "/folder/in a folder"), "DEEP ");
			const large = findText(bytes, nodeAt(old, ""), "LARGE ");
			bytes.copy(bytes, large, deep, deep + 32);
			return [large, 32];
		});
		assert.equal(isUpdate, false);
	});

	it("leaves it to a full scan where the volume is laid out in another way", async () => {
		const { isUpdate } = await update(Buffer.from(fat), openFat, (bytes) => {
			bytes.writeUInt16LE(bytes.readUInt16LE(19) - 8, 19);
			return [19, 2];
		});
		assert.equal(isUpdate, false);
	});

	it("reads a directory of exFAT again that may have a file with a chain, and takes neighbours for what they are", async () => {
		const layout = exfatLayout(exfat);
		const { isUpdate, read, scan, updated } = await update(Buffer.from(exfat), openExfat, (bytes) => {
			// Nobody asks the table for the file side by side.
			bytes.writeUInt32LE(0x33, layout.fat + 4 * 71);
			return [layout.fat, 4096];
		});
		assert.ok(isUpdate);
		assert.equal(read, layout.cluster);
		assert.equal(nodeAt(updated, "/side by side"), nodeAt(scan, "/side by side"));
	});

	/** Where the set of entries begins of a file in the root of exFAT. */
	const setOf = (bytes: Buffer, name: string) => bytes.indexOf(Buffer.from(`${name}\0`, "utf16le")) - 66;

	for (const [what, change] of [
		[
			"a chain ends earlier",
			(bytes, { fat: table }) => {
				bytes.writeUInt32LE(0xffffffff, table + 4 * 60);
				return [table + 4 * 60, 4];
			},
		],
		[
			"a file of several pieces says that it is shorter",
			(bytes) => {
				const at = setOf(bytes, "chained") + 56;
				bytes.writeBigUInt64LE(100n, at);
				return [at, 8];
			},
		],
		[
			"a file side by side says that it has a chain",
			(bytes) => {
				const at = setOf(bytes, "side by side") + 33;
				bytes[at] = 1;
				return [at, 1];
			},
		],
		[
			"a directory has nothing in it but damage",
			(bytes, { at: placeOf }) => {
				bytes[placeOf(30)] = 0xc0;
				bytes[placeOf(30) + 32] = 0;
				return [placeOf(30), 64];
			},
		],
	] satisfies [string, (bytes: Buffer, layout: ReturnType<typeof exfatLayout>) => number[]][]) {
		it(`tells the fault each time where ${what}`, async () => {
			const bytes = Buffer.from(exfat);
			const { isUpdate, updated } = await update(bytes, openExfat, () => change(bytes, exfatLayout(bytes)));
			assert.ok(isUpdate);
			assert.equal(updated.basis?.dangling.length, 1);
			assert.ok((await update(bytes, openExfat, () => [], updated)).isUpdate);
		});
	}

	it("leaves it to a full scan whose a cluster is that a file and another one's addition want", async () => {
		const bytes = Buffer.from(exfat);
		const { at, root, fat: table } = exfatLayout(bytes);
		let end = at(root);
		while (bytes[end] !== 0) end += 32;
		buildSet({ name: "more", firstCluster: 0, size: 0, vendor: { firstCluster: 90, size: 1, contiguous: true } }).copy(
			bytes,
			end,
		);
		const { isUpdate } = await update(bytes, openExfat, () => {
			// In the folder, which the root leads to, and not the root itself.
			const place = at(40);
			buildSet({ name: "short", firstCluster: 90, size: 1, contiguous: true }).copy(bytes, place);
			return [place, 96];
		});
		assert.equal(isUpdate, false);
		buildSet({ name: "short", firstCluster: 0, size: 0 }).copy(bytes, at(40));
		buildSet({ name: "more", firstCluster: 0, size: 0, vendor: { firstCluster: 90, size: 1, contiguous: false } }).copy(
			bytes,
			end,
		);
		bytes.writeUInt32LE(0xffffffff, table + 4 * 90);
		const relinked = await update(bytes, openExfat, () => {
			bytes.writeUInt32LE(91, table + 4 * 90);
			return [table + 4 * 90, 4];
		});
		assert.ok(relinked.isUpdate);
		assert.equal(relinked.updated.basis?.dangling.length, 1);
	});

	it("leaves it to a full scan whose a cluster is that a file and the volume itself want", async () => {
		const bytes = Buffer.from(exfat);
		const { at, root, fat: table } = exfatLayout(bytes);
		buildSet({ name: "short", firstCluster: 90, size: 1, contiguous: true }).copy(bytes, at(40));
		let upcase = at(root);
		while (bytes[upcase] !== 0x82) upcase += 32;
		const place = table + 4 * bytes.readUInt32LE(upcase + 20);
		const { isUpdate, scan, updated } = await update(bytes, openExfat, () => {
			bytes.writeUInt32LE(90, place);
			bytes.writeUInt32LE(0xffffffff, table + 4 * 90);
			return [place, 4, table + 4 * 90, 4];
		});
		assert.equal(isUpdate, false);
		assert.equal(nodeAt(scan, "/folder/short").data.length, 2);
		assert.equal(nodeAt(updated, "/folder/short").data.length, 0);
	});
});
