import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { pino } from "pino";
import { silentLogger } from "../../common/log.ts";
import { comparePages } from "../../disk/map/compare.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { encodeMachineTree, type MachineTree, readMachineTree } from "../../disk/tree.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { encodeKey } from "./block-index.ts";
import { MachineTrees } from "./machine-trees.ts";
import { MemorySource, openDb } from "./testing.ts";

const encoded = (tree: MachineTree) => Buffer.from(encodeMachineTree(tree));
const treeOf = (source: MemorySource) => readMachineTree([{ name: "va", source }]);
const NOTHING: ChangedPages = { offsets: new Float64Array(), before: new Uint8Array(), after: new Uint8Array() };

/** Reads the tree of a machine of one disk. */
const after = (trees: MachineTrees, vm: string, source: MemorySource, pages?: ChangedPages, disk = "va") =>
	trees.after(vm, [{ name: disk, source }], new Map(pages === undefined ? [] : [[disk, pages]]));

describe("MachineTrees", needs("mke2fs", "debugfs"), () => {
	it("reads only what changed, and sees it", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		for (let at = 0; at < 20; at++) await image.write(`/file${at}`, `content ${at}`);
		const one = new MemorySource(await readFile(image.path));
		await image.write("/more", "of it");
		const two = new MemorySource(await readFile(image.path));
		const trees = new MachineTrees(db, silentLogger());
		await after(trees, "web", one);
		const cold = one.readBytes;
		const tree = await after(trees, "web", two, await comparePages(one, two));
		assert.ok(encoded(tree).equals(encoded(await treeOf(two))));
		const three = new MemorySource(await readFile(image.path));
		await after(trees, "web", three, await comparePages(two, three));
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
			const trees = new MachineTrees(db, silentLogger());
			await after(trees, "web", one);
			await after(trees, "web", two, await comparePages(one, two));
			// It was not final. Meanwhile the guest undid what it did: against the last final capture nothing changed.
			if (forget) trees.forget("web");
			return await after(trees, "web", one, await comparePages(one, one));
		};
		const wanted = encoded(await treeOf(one));
		assert.ok(encoded(await capture(true)).equals(wanted));
		assert.ok(!encoded(await capture(false)).equals(wanted), "else this test proves nothing");
	});

	it("reads anew when the disk has another size, and forgets only the VM that it is told", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		const trees = new MachineTrees(db, silentLogger());
		const read = async (vm: string, data: Buffer) => {
			const source = new MemorySource(data);
			await after(trees, vm, source, NOTHING);
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
		const trees = new MachineTrees(db, silentLogger());
		const read = async (disk: string) => {
			const source = new MemorySource(bytes);
			await after(trees, "web", source, NOTHING, disk);
			return source.readBytes;
		};
		for (let disk = 0; disk < 30; disk++) assert.ok((await read(`v${disk}`)) > 0);
		assert.equal(await read("v29"), 0, "the last used is kept");
		assert.ok((await read("v0")) > 0, "the first is not");
	});

	it("gives back the stored tree and its summary, and none where they are damaged, which it says", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M", "-L", "röt");
		const lines: string[] = [];
		const trees = new MachineTrees(db, pino({}, { write: (line: string) => lines.push(line) }));
		const tree = await treeOf(new MemorySource(await readFile(image.path)));
		assert.equal(await trees.before("w/1"), undefined);
		assert.equal(await trees.summary("w/1"), undefined);
		await db.batch(trees.operations("w/1", tree));
		assert.ok(encoded((await trees.before("w/1")) ?? assert.fail("no tree")).equals(encoded(tree)));
		const { disks, volumes } = (await trees.summary("w/1")) ?? assert.fail("no summary");
		assert.deepEqual(disks, [{ name: "va", size: 8 << 20 }]);
		assert.deepEqual(
			volumes.map(({ disk, kind, label, length }) => [disk, kind, label, length]),
			[["va", "ext2", "röt", 8 << 20]],
		);
		assert.deepEqual(lines, []);
		await db.put(encodeKey("tree", "w/1"), encoded(tree).subarray(0, -3));
		await db.put(encodeKey("volumes", "w/1"), Buffer.from('{"disks":[{"name":"va"}],"volumes":[]}'));
		assert.equal(await trees.before("w/1"), undefined);
		assert.equal(await trees.summary("w/1"), undefined);
		assert.equal(lines.filter((line) => /damaged/.test(line)).length, 2);
		await db.batch(trees.removal("w/1"));
		assert.equal(await trees.before("w/1"), undefined);
		assert.equal(await trees.summary("w/1"), undefined);
		assert.equal(lines.length, 2);
	});

	it("drops the trees of single disks that older agents kept, and no machine's", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		const trees = new MachineTrees(db, silentLogger());
		const keys = [
			["tree", "a"],
			["tree", "a", "va"],
			["tree", "a", "v/b"],
			["tree", "a0"],
			["tree", "a b", "va"],
		];
		for (const key of keys) await db.put(encodeKey(...key), Buffer.from("x"));
		await trees.clearOld("a");
		const left = await Array.fromAsync(db.keys(), (key) => Buffer.from(key).toString());
		assert.deepEqual(left, ["tree/a", "tree/a%20b/va", "tree/a0"]);
	});
});
