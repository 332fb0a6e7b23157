import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { pino } from "pino";
import { silentLogger } from "../../common/log.ts";
import { comparePages } from "../../disk/map/compare.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { encodeDiskTree, readDiskTree } from "../../disk/tree.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { type AgentDb, encodeKey } from "./block-index.ts";
import { DiskTrees, treeProblem } from "./disk-trees.ts";

/** A disk in memory that counts what is read of it. */
class MemorySource implements BlockSource {
	readonly name = "memory";
	readonly #bytes: Buffer;
	readBytes = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}
	get size(): number {
		return this.#bytes.length;
	}
	async read(offset: number, length: number): Promise<Uint8Array> {
		this.readBytes += length;
		return Uint8Array.from(this.#bytes.subarray(offset, offset + length));
	}
	extents = async (offset: number, length: number) => [{ offset, length, zero: false }];
	async [Symbol.asyncDispose](): Promise<void> {}
}

async function openDb(path: string): Promise<AgentDb & AsyncDisposable> {
	const db: AgentDb = new ClassicLevel(path, { keyEncoding: "view", valueEncoding: "view" });
	await db.open();
	return Object.assign(db, { [Symbol.asyncDispose]: () => db.close() });
}

const encoded = (tree: Awaited<ReturnType<typeof readDiskTree>>) => Buffer.from(encodeDiskTree(tree));

describe("DiskTrees", needs("mke2fs", "debugfs"), () => {
	it("reads only what changed, and sees it", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		for (let at = 0; at < 20; at++) await image.write(`/file${at}`, `content ${at}`);
		const one = new MemorySource(await readFile(image.path));
		await image.write("/more", "of it");
		const two = new MemorySource(await readFile(image.path));
		const trees = new DiskTrees(db, silentLogger());
		await trees.after("web", "va", one, undefined);
		const cold = one.readBytes;
		const tree = await trees.after("web", "va", two, await comparePages(one, two));
		assert.ok(encoded(tree).equals(encoded(await readDiskTree(two))));
		const three = new MemorySource(await readFile(image.path));
		await trees.after("web", "va", three, await comparePages(two, three));
		assert.ok(three.readBytes - 16 * 2 ** 20 < cold / 2, "nothing changed, hardly anything is read");
	});

	it("forgets what an aborted capture read", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		await image.write("/a", "first");
		const one = new MemorySource(await readFile(image.path));
		await image.write("/b", "second");
		const two = new MemorySource(await readFile(image.path));
		const capture = async (forget: boolean) => {
			const trees = new DiskTrees(db, silentLogger());
			await trees.after("web", "va", one, undefined);
			await trees.after("web", "va", two, await comparePages(one, two));
			// It was not final. Meanwhile the guest undid what it did: against the last final capture nothing changed.
			if (forget) trees.forget("web");
			return await trees.after("web", "va", one, await comparePages(one, one));
		};
		const wanted = encoded(await readDiskTree(one));
		assert.ok(encoded(await capture(true)).equals(wanted));
		assert.ok(!encoded(await capture(false)).equals(wanted), "else this test proves nothing");
	});

	it("reads anew when the disk has another size, and forgets only the VM that it is told", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		const nothing = { offsets: new Float64Array(), before: new Uint8Array(), after: new Uint8Array() };
		const trees = new DiskTrees(db, silentLogger());
		const read = async (vm: string, data: Buffer) => {
			const source = new MemorySource(data);
			await trees.after(vm, "va", source, nothing);
			return source.readBytes;
		};
		const cold = await read("web", bytes);
		await read("web2", bytes);
		assert.equal(await read("web", bytes), 0);
		assert.equal((await read("web", Buffer.concat([bytes, Buffer.alloc(2 ** 20)]))) > 0, true);
		trees.forget("web");
		assert.equal(await read("web", bytes), cold);
		assert.equal(await read("web2", bytes), 0);
	});

	it("keeps the metadata of a few disks only", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		const nothing = { offsets: new Float64Array(), before: new Uint8Array(), after: new Uint8Array() };
		const trees = new DiskTrees(db, silentLogger());
		const read = async (disk: string) => {
			const source = new MemorySource(bytes);
			await trees.after("web", disk, source, nothing);
			return source.readBytes;
		};
		for (let disk = 0; disk < 30; disk++) assert.ok((await read(`v${disk}`)) > 0);
		assert.equal(await read("v29"), 0, "the last used is kept");
		assert.ok((await read("v0")) > 0, "the first is not");
	});

	it("gives back the stored tree, and none where it is damaged, which it says", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M");
		const lines: string[] = [];
		const trees = new DiskTrees(db, pino({}, { write: (line: string) => lines.push(line) }));
		const source = new MemorySource(await readFile(image.path));
		const tree = await readDiskTree(source);
		assert.equal(await trees.before("w/1", "v/a"), undefined);
		await db.batch([trees.operation("w/1", "v/a", tree)]);
		assert.ok(encoded((await trees.before("w/1", "v/a")) ?? assert.fail("no tree")).equals(encoded(tree)));
		assert.deepEqual(lines, []);
		await db.put(encodeKey("tree", "w/1", "v/a"), encoded(tree).subarray(0, -3));
		assert.equal(await trees.before("w/1", "v/a"), undefined);
		assert.match(lines.join(), /damaged/);
	});
});

describe("treeProblem", () => {
	it("marks what is not one of ours", () => {
		assert.equal(treeProblem(new RangeError("boom")), "unexpected: boom");
		assert.equal(treeProblem("boom"), "unexpected: boom");
	});
});
