import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { MemoryFiles } from "./memory-files.ts";
import { MemoryDisk, MemoryPackStore } from "./memory-packs.ts";
import type { PackStore } from "./pack-store.ts";
import { errorOf } from "./testing.ts";

/** What every `PackStore` promises. `open` may be called again, after disposal, for the same place. */
function behavesAsPackStore(
	name: string,
	place: () => Promise<{ open(): Promise<PackStore> } & AsyncDisposable>,
): void {
	describe(`${name} as a PackStore`, () => {
		it("lists packs by id, with their sizes, after opening it again", async () => {
			await using where = await place();
			{
				await using store = await where.open();
				assert.deepEqual(await store.list(), []);
				for (const id of [255, 2, 4294967295, 16]) {
					const pack = await store.create(id);
					await pack.append(Buffer.alloc(id % 7));
					await pack.seal();
				}
			}
			await using store = await where.open();
			const wanted = [2, 16, 255, 4294967295].map((id) => ({ id, bytes: id % 7 }));
			assert.deepEqual(await store.list(), wanted);
		});

		it("reads back what was appended, before and after sealing", async () => {
			await using where = await place();
			await using store = await where.open();
			const pack = await store.create(1);
			await pack.append(Buffer.from("hello "));
			await pack.append(Buffer.from("world"));
			assert.equal((await store.read(1, 0, 11)).toString(), "hello world");
			await pack.append(Buffer.from("!"));
			await pack.seal();
			assert.equal((await store.read(1, 6, 6)).toString(), "world!");
			assert.equal((await store.read(1, 12, 0)).length, 0);
		});

		it("refuses a second pack of the same id", async () => {
			await using where = await place();
			await using store = await where.open();
			await store.create(3);
			assert.equal((await errorOf(store.create(3))).code, "conflict");
		});

		it("goes on with an unsealed pack, cut to the length that is given", async () => {
			await using where = await place();
			{
				await using store = await where.open();
				const pack = await store.create(1);
				await pack.append(Buffer.from("good torn"));
				await pack.sync();
			}
			await using store = await where.open();
			const pack = await store.resume(1, 5);
			await pack.append(Buffer.from("again"));
			await pack.seal();
			assert.deepEqual(await store.list(), [{ id: 1, bytes: 10 }]);
			assert.equal((await store.read(1, 0, 10)).toString(), "good again");
		});

		it("appends behind a cut", async () => {
			await using where = await place();
			await using store = await where.open();
			const pack = await store.create(1);
			await pack.append(Buffer.from("abcdef"));
			await pack.cut(2);
			await pack.append(Buffer.from("XY"));
			assert.equal((await store.read(1, 0, 4)).toString(), "abXY");
			assert.equal((await errorOf(store.read(1, 0, 5))).code, "truncated");
		});

		it("says not-found for a pack that is not there, and truncated past the end of one that is", async () => {
			await using where = await place();
			await using store = await where.open();
			assert.equal((await errorOf(store.read(9, 0, 1))).code, "not-found");
			assert.equal((await errorOf(store.resume(9, 0))).code, "not-found");
			await (await store.create(9)).append(Buffer.alloc(10));
			const error = await errorOf(store.read(9, 8, 3));
			assert.deepEqual([error.code, error.context.offset], ["truncated", 10]);
		});

		it("removes a pack, also one that was read, and nothing twice", async () => {
			await using where = await place();
			await using store = await where.open();
			const pack = await store.create(1);
			await pack.append(Buffer.from("gone"));
			await pack.seal();
			await store.read(1, 0, 4);
			await store.remove(1);
			await store.remove(1);
			assert.deepEqual(await store.list(), []);
			assert.equal((await errorOf(store.read(1, 0, 4))).code, "not-found");
		});

		it("throws the signal's reason", async () => {
			await using where = await place();
			await using store = await where.open();
			await (await store.create(1)).append(Buffer.alloc(10));
			const reason = new Error("enough");
			await assert.rejects(store.read(1, 0, 10, AbortSignal.abort(reason)), reason);
		});

		it("reads from more packs than it keeps open, many at a time", async () => {
			await using where = await place();
			await using store = await where.open();
			for (let id = 1; id <= 300; id++) {
				const pack = await store.create(id);
				await pack.append(Buffer.from(String(id)));
				await pack.seal();
			}
			const reads = Array.from({ length: 900 }, async (_, index) => {
				const id = String((index % 300) + 1);
				assert.equal((await store.read(Number(id), 0, id.length)).toString(), id);
			});
			await Promise.all(reads);
		});
	});
}

behavesAsPackStore("FolderPackStore", async () => {
	const folder = await tempFolder();
	return {
		open: () => FolderPackStore.open(folder.file("packs")),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
});

behavesAsPackStore("MemoryPackStore", async () => {
	const disk = new MemoryDisk();
	return { open: async () => new MemoryPackStore(disk), [Symbol.asyncDispose]: async () => undefined };
});

describe("FolderPackStore", () => {
	it("leaves files alone that are no packs", async () => {
		await using folder = await tempFolder();
		await writeFile(folder.file("lost+found"), "");
		await writeFile(folder.file("00000001.pack.old"), "");
		await writeFile(folder.file("00000000.pack"), "");
		await using store = await FolderPackStore.open(folder.path);
		assert.deepEqual(await store.list(), []);
	});

	it("leaves out of a listing what goes while it is made", async () => {
		const files = new MemoryFiles();
		await using store = await FolderPackStore.open("/packs", files);
		await using one = await store.create(1);
		await one.append(Buffer.from("one"));
		// The file of a pack that cannot be created is there until it is taken away again.
		await using two = await store.create(2);
		await two.append(Buffer.from("two"));
		const { list } = files;
		files.list = async (path) => {
			const names = await list.call(files, path);
			await files.remove("/packs/00000002.pack");
			return names;
		};
		assert.deepEqual(await store.list(), [{ id: 1, bytes: 3 }]);
	});

	it("says which folder it cannot open", async () => {
		await using folder = await tempFolder();
		await writeFile(folder.file("file"), "");
		const error = await errorOf(FolderPackStore.open(folder.file("file/packs")));
		assert.equal(error.code, "unavailable");
		assert.match(error.message, /file\/packs/);
	});
});
