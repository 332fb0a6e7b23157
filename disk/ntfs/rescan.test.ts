/** Random histories of mounted volumes: what an update from changed blocks says, against a scan of everything. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { FileNode } from "../filesystem.ts";
import { baseOf } from "../rescan/layered-scan.ts";
import { assertHistory, assertSameScan, copyImage, Users, writeSome } from "../rescan/testing.ts";
import type { BlockSource } from "../source/source.ts";
import { openNtfs } from "./ntfs.ts";
import { makeVolume, memorySource, mount, needsNtfs } from "./testing.ts";

const ROUNDS = 6;
const CLUSTERS = [512, 4096] as const;

describe("rescan of NTFS", needsNtfs(), () => {
	it("says after any history what a full scan says", async (t) => {
		const random = testRandom(t);
		// Not resident: two streams in one record are one block of two files.
		const updates = await live(random, random.pick(CLUSTERS), [5000], false);
		assert.ok(updates >= ROUNDS - 1, `${updates} updates, seed ${random.seed}`);
	});

	it("says so where some of the changes have not reached the disk yet", async (t) => {
		const random = testRandom(t);
		const updates = await live(random, random.pick(CLUSTERS), [0, 10, 100, 5000], true);
		assert.ok(updates >= ROUNDS / 2, `${updates} updates, seed ${random.seed}`);
	});
});

/** @param isLazy whether only some of the changed pages are written at a time. @returns in how many rounds an update did. */
async function live(random: Random, cluster: number, streams: readonly number[], isLazy: boolean): Promise<number> {
	await using folder = await tempFolder();
	const image = folder.file("image");
	const written = isLazy ? folder.file("written") : image;
	await makeVolume(image, 48 << 20, ["-c", String(cluster)]);
	if (isLazy) await copyImage(image, written);
	await using volume = await mount(image, ["permissions"]);
	const users = new Users(volume.path, random, { streams });
	const turn = async (copy: string, round: number): Promise<string> => {
		const log = await users.live(round === 0 ? 40 : 1 + random.below(12));
		if (isLazy) await writeSome(image, written, round === 0 || random.chance(0.2) ? 1 : 0.5, random);
		await copyImage(written, copy);
		return log.join("; ");
	};
	return await assertHistory({ folder, random, rounds: ROUNDS, turn, open: openNtfs });
}

describe("rescan of NTFS by what changed", needsNtfs(), () => {
	const FILES = 3000;

	it("reads no more than that, and falls back to all where names lead nowhere", async (t) => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 32 << 20, ["-c", "4096"]);
		await fill(image);
		const bytes = await readFile(image);
		const scan = await (await openNtfs(memorySource(bytes))).scan();
		const mft = scan.nodes.get(0)!;
		const record = scan.links.find(({ name }) => name === "file 1234")!.inode;

		// Another time of the last change, in the record's first attribute.
		const [place] = recordPlace(mft, record);
		const standard = place! + bytes.readUInt16LE(place! + 20);
		bytes.writeUInt32LE(bytes.readUInt32LE(standard + 24 + 12) + 1, standard + 24 + 12);
		const counted = countReads(memorySource(bytes));
		const fs = await openNtfs(counted.source);
		const opened = counted.read();
		const updated = await fs.rescan!(scan, recordPlace(mft, record));
		const read = counted.read() - opened;
		assert.ok(read < mft.size / 10, `${read} bytes read of an MFT of ${mft.size}`);
		t.diagnostic(`${read} bytes read of an MFT of ${mft.size}`);
		assert.equal(baseOf(updated), scan);
		assert.notEqual(updated.nodes.get(record)!.mtime, scan.nodes.get(record)!.mtime);
		assertSameScan(updated, await (await openNtfs(memorySource(bytes))).scan(), "another time");

		// An extension record of a file that has the number of a stream: no record has.
		const stream = updated.links.find(({ name }) => name === "file 0:stream")!.inode;
		const [extension] = recordPlace(mft, record);
		bytes.writeUIntLE(stream, extension! + 32, 6);
		const extended = await (await openNtfs(memorySource(bytes))).rescan!(updated, recordPlace(mft, record));
		assert.ok(!extended.nodes.has(record));
		assertSameScan(extended, await (await openNtfs(memorySource(bytes))).scan(), "an extension record");

		// $Extend without its name is set aside, and what is in it is nowhere.
		const [extend] = recordPlace(mft, 11);
		let name = extend! + bytes.readUInt16LE(extend! + 20);
		while (bytes.readUInt32LE(name) !== 0x30) name += bytes.readUInt32LE(name + 4);
		bytes[name + bytes.readUInt16LE(name + 20) + 64] = 0;
		const nowhere = await (await openNtfs(memorySource(bytes))).rescan!(extended, recordPlace(mft, 11));
		assert.equal(nowhere.basis, undefined);
		assertSameScan(nowhere, await (await openNtfs(memorySource(bytes))).scan(), "no $Extend");
		assert.ok(nowhere.links.some(({ parent, name: orphan }) => parent === 2 ** 32 - 1 && orphan === "$ObjId"));
	});

	async function fill(image: string): Promise<void> {
		await using volume = await mount(image);
		for (let i = 0; i < FILES; i++) await writeFile(volume.at(`file ${i}`), "");
		await writeFile(volume.at("file 0:stream"), "");
	}

	/** Offset and length. */
	function recordPlace({ data }: FileNode, record: number): number[] {
		let at = record * 1024;
		for (let i = 0; i < data.length; i += 2) {
			if (at < data[i + 1]!) return [data[i]! + at, 1024];
			at -= data[i + 1]!;
		}
		throw new Error(`no record ${record}`);
	}

	function countReads(source: BlockSource): { readonly source: BlockSource; readonly read: () => number } {
		let sum = 0;
		const counted: BlockSource = {
			...source,
			read: (offset, length, signal) => {
				sum += length;
				return source.read(offset, length, signal);
			},
		};
		return { source: counted, read: () => sum };
	}
});
