import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { pino } from "pino";
import { silentLogger } from "../../common/log.ts";
import { comparePages } from "../../disk/map/compare.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { assertSameScan } from "../../disk/rescan/testing.ts";
import { encodeMachineTree, type MachineTree, readMachineTree } from "../../disk/tree.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { type AgentDb, encodeKey } from "./block-index.ts";
import { MachineTrees } from "./machine-trees.ts";
import { MemorySource, openDb } from "./testing.ts";

const encoded = (tree: MachineTree) => Buffer.from(encodeMachineTree(tree));
const treeOf = (source: MemorySource) => readMachineTree([{ name: "va", source }]);

function assertSameTree({ volumes }: MachineTree, wanted: MachineTree): void {
	assert.equal(volumes.length, wanted.volumes.length);
	for (const [at, { scan }] of volumes.entries()) {
		assertSameScan(scan ?? assert.fail(), wanted.volumes[at]?.scan ?? assert.fail(), `volume ${at}`);
	}
}

/** Captures of a machine of one disk, each final. */
class Captures {
	readonly trees: MachineTrees;
	readonly #db: AgentDb;
	#last: MemorySource | undefined;

	constructor(db: AgentDb, maxWarmFiles?: number) {
		this.#db = db;
		this.trees = new MachineTrees(db, silentLogger(), maxWarmFiles);
	}

	/** Bytes read of the disk for it. */
	async capture(vm: string, content: Buffer, final = true): Promise<number> {
		const source = new MemorySource(content);
		const pages = this.#last === undefined ? undefined : await comparePages(this.#last, source);
		source.readBytes = 0;
		const before = await this.trees.before(vm);
		const changed = new Map(pages === undefined ? [] : [["va", pages]]);
		const tree = await this.trees.after(before, [{ name: "va", source }], changed);
		const { readBytes } = source;
		assertSameTree(tree, await treeOf(source));
		if (final) {
			const next = this.trees.next(vm, before, tree);
			await this.#db.batch([...next.operations]);
			this.trees.stored(vm, next);
			this.#last = source;
		}
		return readBytes;
	}
}

async function keysOf(db: AgentDb): Promise<string[]> {
	return await Array.fromAsync(db.keys(), (key) => Buffer.from(key).toString());
}

describe("MachineTrees", needs("mke2fs", "debugfs"), () => {
	it("reads and stores only what changed, from memory and after a restart", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		for (let at = 0; at < 200; at++) await image.write(`/file${at}`, `content ${at}`);
		const captures = new Captures(db);
		const cold = await captures.capture("web", await readFile(image.path));
		await image.write("/more", "of it");
		const changed = await readFile(image.path);
		assert.ok((await captures.capture("web", changed)) < cold);
		assert.deepEqual(await keysOf(db), ["tree/web/0000", "tree/web/0001", "volumes/web"]);
		captures.trees.forget("web");
		await image.write("/more2", "of it");
		assert.ok((await captures.capture("web", await readFile(image.path))) < cold);
		assert.deepEqual(await keysOf(db), ["tree/web/0000", "tree/web/0001", "tree/web/0002", "volumes/web"]);
		const stored = (await new MachineTrees(db, silentLogger()).before("web")) ?? assert.fail("no tree");
		assert.equal(stored.parts, 3);
		assertSameTree(stored.log.tree, await treeOf(new MemorySource(await readFile(image.path))));
	});

	it("builds on the last final capture, not on one that failed", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		await image.write("/a", "first");
		const one = await readFile(image.path);
		await image.write("/b", "second");
		const two = await readFile(image.path);
		const captures = new Captures(db);
		await captures.capture("web", one);
		await captures.capture("web", two, false);
		// Meanwhile the guest undid what it did: against the last final capture nothing changed.
		await captures.capture("web", one);
	});

	it("drops the changes when it stores a tree anew", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("16M");
		const captures = new Captures(db);
		for (let at = 0; at < 3; at++) {
			await image.write(`/file${at}`, "x");
			await captures.capture("web", await readFile(image.path));
		}
		const stored = (await captures.trees.before("web")) ?? assert.fail("no tree");
		assert.equal(stored.parts, 3);
		let { log } = stored;
		while (log.append(log.tree).part.isBase === false) log = log.append(log.tree).log;
		const next = captures.trees.next("web", { log, parts: 3 }, log.tree);
		await db.batch([...next.operations]);
		assert.deepEqual(await keysOf(db), ["tree/web/0000", "volumes/web"]);
	});

	it("keeps the trees that were used last, as many as fit", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		const { volumes } = await treeOf(new MemorySource(bytes));
		const captures = new Captures(db, 2 * (volumes[0]?.scan?.nodes.size ?? 0));
		for (const vm of ["a", "b", "c"]) await captures.capture(vm, bytes);
		const isWarm = async (vm: string) => {
			const once = await captures.trees.before(vm);
			return once === (await captures.trees.before(vm));
		};
		assert.deepEqual([await isWarm("a"), await isWarm("b"), await isWarm("c")], [false, true, true]);
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
		await db.batch([...trees.next("w/1", undefined, tree).operations]);
		assert.ok(encoded((await trees.before("w/1"))?.log.tree ?? assert.fail("no tree")).equals(encoded(tree)));
		const { disks, volumes } = (await trees.summary("w/1")) ?? assert.fail("no summary");
		assert.deepEqual(disks, [{ name: "va", size: 8 << 20 }]);
		assert.deepEqual(
			volumes.map(({ disk, kind, label, length }) => [disk, kind, label, length]),
			[["va", "ext2", "röt", 8 << 20]],
		);
		assert.deepEqual(lines, []);
		await db.put(encodeKey("tree", "w/1", "0000"), encoded(tree).subarray(0, -3));
		await db.put(encodeKey("volumes", "w/1"), Buffer.from('{"disks":[{"name":"va"}],"volumes":[]}'));
		assert.equal(await trees.before("w/1"), undefined);
		assert.equal(await trees.summary("w/1"), undefined);
		assert.equal(lines.filter((line) => /damaged/.test(line)).length, 2);
		await db.batch(trees.removal("w/1"));
		assert.equal(await trees.before("w/1"), undefined);
		assert.equal(await trees.summary("w/1"), undefined);
		assert.equal(lines.length, 2);
	});

	it("clears every part of one machine's tree, also of older versions, and no other's", async () => {
		await using temp = await tempFolder();
		await using db = await openDb(temp.file("db"));
		const trees = new MachineTrees(db, silentLogger());
		const keys = [
			["tree", "a"],
			["tree", "a", "va"],
			["tree", "a", "0000"],
			["tree", "a0"],
			["tree", "a b", "va"],
		];
		for (const key of keys) await db.put(encodeKey(...key), Buffer.from("x"));
		await trees.clear("a");
		assert.deepEqual(await keysOf(db), ["tree/a%20b/va", "tree/a0"]);
	});
});
