import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { checkPack } from "./check.ts";
import { chunkForm } from "./chunk-form.ts";
import { CHECK_THREADS, PackChecker } from "./pack-checker.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import { errorOf, flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

/** Packs of three chunks of 20,000 bytes. */
const PACK_BYTES = 70_000;

async function fill(vault: Vault): Promise<readonly PackInfo[]> {
	for (let at = 0; at < 12; at++) assert.equal(await put(vault, sampleChunk(2 * at, 20_000)), undefined);
	await vault.flush();
	return await vault.packs.list();
}

/** The packs, of which `read` is counted: what threads read goes another way. */
function counting(packs: PackStore): PackStore & { reads: number } {
	return {
		reads: 0,
		list: () => packs.list(),
		create: (id) => packs.create(id),
		resume: (id, length) => packs.resume(id, length),
		async read(...place) {
			this.reads++;
			return await packs.read(...place);
		},
		lend: async (id) => (await packs.lend?.(id)) ?? assert.fail("packs in a folder are files"),
		remove: (id) => packs.remove(id),
		[Symbol.asyncDispose]: async () => {},
	};
}

describe("PackChecker", () => {
	for (const [what, secret] of [
		["in the clear", undefined],
		["encrypted", "a key that only the operator has"],
	] as const) {
		it(`finds on threads what is found without them, also where there are more packs than threads: ${what}`, async () => {
			await using folder = await tempFolder();
			await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES, secret });
			const { keys } = vault;
			const listed = await fill(vault);
			const path = (id: number) => folder.file(`packs/${id.toString(16).padStart(8, "0")}.pack`);
			await flipBit(path(2), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 77);
			await flipBit(path(3), 3);
			const packs = counting(vault.packs);
			await using checker = new PackChecker(packs, keys);
			const found = new Map<number, unknown>();
			const queue = listed.values();
			const work = async () => {
				for (const pack of queue) found.set(pack.id, await checker.check(pack));
			};
			await Promise.all(Array.from({ length: CHECK_THREADS }, work));
			assert.equal(packs.reads, 0);
			let damaged = 0;
			for (const pack of listed) {
				const wanted = checkPack(pack, await vault.packs.read(pack.id, 0, pack.bytes), chunkForm(keys));
				if (wanted.damage.length > 0) damaged++;
				assert.deepEqual(found.get(pack.id), wanted);
			}
			assert.deepEqual([listed.length, damaged], [4, 2]);
		});
	}

	it("does without threads what they are not free for, and all once it has no threads any more", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const [pack] = await fill(vault);
		const packs = counting(vault.packs);
		await using checker = new PackChecker(packs, undefined);
		const found = await Promise.all(Array.from({ length: CHECK_THREADS + 2 }, () => checker.check(pack!)));
		assert.equal(packs.reads, 2);
		await checker[Symbol.asyncDispose]();
		found.push(await checker.check(pack!));
		assert.equal(packs.reads, 3);
		for (const { damage, chunks } of found) assert.deepEqual([damage, chunks], [[], 3]);
	});

	it("says why a pack cannot be read", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const [first, second] = await fill(vault);
		await using checker = new PackChecker(vault.packs, undefined);
		await truncate(folder.file("packs/00000001.pack"), first!.bytes - 1);
		assert.equal((await errorOf(checker.check(first!))).code, "truncated");
		assert.equal((await errorOf(checker.check({ id: 77, bytes: 1000 }))).code, "not-found");
		await assert.rejects(checker.check(second!, AbortSignal.abort(new RangeError("mine"))), RangeError);
		assert.deepEqual((await checker.check(second!)).damage, []);
	});
});
