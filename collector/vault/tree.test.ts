import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blake3Name, isZero, NAME_SIZE, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { ChunkStore } from "./chunk-store.ts";
import { errorOf, thrownBy } from "./testing.ts";
import {
	chunksOf,
	type DiskTree,
	diffTrees,
	MAX_BLOCKS,
	type NameRun,
	PAGE_BYTES,
	readNames,
	treeHeight,
	updateTree,
	walkExtents,
} from "./tree.ts";
import { Vault } from "./vault.ts";

/** A vault whose work is counted. */
function counted(vault: Vault): ChunkStore & { gets: number; puts: number } {
	const counts = { gets: 0, puts: 0 };
	return Object.assign(counts, {
		has: (name: Uint8Array) => vault.has(name),
		putAll: vault.putAll.bind(vault),
		putPlain: (bytes: Uint8Array) => {
			counts.puts++;
			return vault.putPlain(bytes);
		},
		flush: () => vault.flush(),
		get: (name: Uint8Array, signal?: AbortSignal) => {
			counts.gets++;
			return vault.get(name, signal);
		},
		stats: () => vault.stats(),
		[Symbol.asyncDispose]: () => vault[Symbol.asyncDispose](),
	});
}

/** The name of a block that is told from others by its number; 0 is zeroes. */
function nameOf(content: number): Uint8Array {
	if (content === 0) return ZERO_NAME;
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(content);
	return blake3Name(bytes);
}

function run(firstBlock: number, contents: readonly number[]): NameRun {
	return { firstBlock, names: Buffer.concat(contents.map(nameOf)) };
}

/** The plainest model of a disk: which block holds what; those not named are zero. */
class Model {
	blocks: number;
	readonly contents: Map<number, number>;

	constructor(blocks: number, contents: Iterable<readonly [number, number]> = []) {
		this.blocks = blocks;
		this.contents = new Map(contents);
	}

	resize(blocks: number): void {
		this.blocks = blocks;
		for (const block of this.contents.keys()) if (block >= blocks) this.contents.delete(block);
	}

	set(block: number, content: number): void {
		if (content === 0) this.contents.delete(block);
		else this.contents.set(block, content);
	}

	/** Every block that holds something, as one change. */
	runs(): NameRun[] {
		return [...this.contents].sort(([a], [b]) => a - b).map(([block, content]) => run(block, [content]));
	}
}

/** Ascending runs of changes, some over page borders, some back to zero; applied to `model` too. */
function randomChanges(random: Random, model: Model): NameRun[] {
	const starts = Array.from({ length: random.below(6) }, () => {
		const nearBorder = random.below(Math.ceil(model.blocks / 1024)) * 1024 - random.below(3);
		return Math.max(0, random.chance(0.5) ? nearBorder : random.below(model.blocks));
	});
	const runs: NameRun[] = [];
	let next = 0;
	for (const start of starts.sort((a, b) => a - b)) {
		const first = Math.max(start, next);
		const length = Math.min(random.chance(0.2) ? random.below(2500) : random.below(5), model.blocks - first);
		if (length <= 0) continue;
		const zero = random.chance(0.3);
		const contents = Array.from({ length }, () => (zero ? 0 : random.below(50)));
		for (const [index, content] of contents.entries()) model.set(first + index, content);
		runs.push(run(first, contents));
		next = first + length;
	}
	return runs;
}

const SIZES = [0, 1, 2, 1000, 1023, 1024, 1025, 5000, 1024 ** 2 - 1, 1024 ** 2, 1024 ** 2 + 1, 3 * 1024 ** 2, 2 ** 24];

describe("treeHeight", () => {
	it("is what the size needs", () => {
		const heights = [0, 1, 1024, 1025, 1024 ** 2, 1024 ** 2 + 1, 2 ** 24, 1024 ** 3, 1024 ** 3 + 1, MAX_BLOCKS];
		assert.deepEqual(heights.map(treeHeight), [1, 1, 1, 2, 2, 3, 3, 3, 4, 4]);
	});

	for (const blocks of [-1, 0.5, Number.NaN, MAX_BLOCKS + 1]) {
		it(`refuses ${blocks} blocks`, () => {
			assert.equal(thrownBy(() => treeHeight(blocks)).code, "limit");
		});
	}
});

describe("disk trees", () => {
	it("agree with a plain model after any history, and equal contents have equal roots", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		for (let history = 0; history < 25; history++) {
			let model = new Model(random.pick(SIZES));
			let tree: DiskTree = { root: ZERO_NAME, blocks: model.blocks };
			for (let step = 0; step < 8; step++) {
				const before = { model, tree };
				model = new Model(model.blocks, model.contents);
				if (random.chance(0.4)) model.resize(random.pick(SIZES));
				const changes = randomChanges(random, model);
				const base = step === 0 && tree.root === ZERO_NAME ? null : tree;
				tree = { root: await updateTree(vault, base, model.blocks, changes), blocks: model.blocks };

				const fresh = await updateTree(vault, null, model.blocks, model.runs());
				assert.equal(nameToHex(tree.root), nameToHex(fresh), "canonical");
				await assertNames(vault, tree, model, random);
				await assertExtents(vault, tree, model, random);
				await assertDifference(vault, before, { model, tree });
			}
		}
	});

	async function assertNames(store: ChunkStore, tree: DiskTree, model: Model, random: Random): Promise<void> {
		const first = random.below(model.blocks + 1);
		const count = random.below(Math.min(model.blocks - first, 3000) + 1);
		const wanted = Array.from({ length: count }, (_, index) => nameOf(model.contents.get(first + index) ?? 0));
		assert.ok(Buffer.concat(wanted).equals(await readNames(store, tree, first, count)), `${first}+${count}`);
		for (const [block, content] of [...model.contents].slice(0, 20)) {
			assert.deepEqual(Buffer.from(await readNames(store, tree, block, 1)), Buffer.from(nameOf(content)));
		}
	}

	async function assertExtents(store: ChunkStore, tree: DiskTree, model: Model, random: Random): Promise<void> {
		const from = random.chance(0.3) ? 0 : random.below(model.blocks + 1);
		const to = random.chance(0.3) ? model.blocks : from + random.below(model.blocks - from + 1);
		const data = [...model.contents.keys()].filter((block) => block >= from && block < to);
		let at = from;
		let held = 0;
		let last: boolean | null = null;
		for await (const extent of walkExtents(store, tree, from, to)) {
			assert.equal(extent.firstBlock, at);
			assert.ok(extent.count > 0);
			assert.notEqual(extent.zero, last, "coalesced");
			at += extent.count;
			const inside = data.filter((block) => block >= extent.firstBlock && block < at).length;
			assert.equal(inside, extent.zero ? 0 : extent.count);
			held += inside;
			last = extent.zero;
		}
		assert.equal(at, to);
		assert.equal(held, data.length);
	}

	async function assertDifference(
		store: ChunkStore,
		before: { model: Model; tree: DiskTree },
		after: { model: Model; tree: DiskTree },
	): Promise<void> {
		const wanted = new Map<number, string>();
		for (const block of new Set([...before.model.contents.keys(), ...after.model.contents.keys()])) {
			const [a, b] = [before.model.contents.get(block) ?? 0, after.model.contents.get(block) ?? 0];
			if (a !== b) wanted.set(block, `${nameToHex(nameOf(a))} ${nameToHex(nameOf(b))}`);
		}
		let next = 0;
		for await (const difference of diffTrees(store, before.tree, after.tree)) {
			assert.ok(difference.firstBlock >= next);
			assert.equal(difference.before.length, difference.after.length);
			next = difference.firstBlock + difference.after.length / NAME_SIZE;
			for (let at = 0; at < difference.after.length; at += NAME_SIZE) {
				const block = difference.firstBlock + at / NAME_SIZE;
				const [a, b] = [difference.before, difference.after].map((names) => nameToHex(names.subarray(at, at + 32)));
				assert.equal(wanted.get(block), `${a} ${b}`, `block ${block}`);
				wanted.delete(block);
			}
		}
		assert.equal(wanted.size, 0);
	}

	it("touch only the pages on the way to what changes", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const blocks = 2 ** 24;
		const contents = Array.from({ length: 20_000 }, (_, index) => index + 1);
		const root = await updateTree(vault, null, blocks, [run(5 * 1024 ** 2, contents), run(blocks - 1, [7])]);
		const store = counted(vault);
		const changed = await updateTree(store, { root, blocks }, blocks, [run(5 * 1024 ** 2 + 3000, [1, 2, 3])]);
		assert.deepEqual([store.gets, store.puts], [3, 3]);

		Object.assign(store, { gets: 0, puts: 0 });
		const differences = await Array.fromAsync(diffTrees(store, { root, blocks }, { root: changed, blocks }));
		assert.deepEqual(
			differences.map(({ firstBlock, after }) => [firstBlock, after.length]),
			[[5 * 1024 ** 2 + 3000, 96]],
		);
		assert.equal(store.gets, 6);

		Object.assign(store, { gets: 0, puts: 0 });
		const extents = await Array.fromAsync(walkExtents(store, { root, blocks }));
		assert.deepEqual(
			extents.map(({ count, zero }) => [count, zero]),
			[
				[5 * 1024 ** 2, true],
				[20_000, false],
				[blocks - 1 - 5 * 1024 ** 2 - 20_000, true],
				[1, false],
			],
		);
		assert.equal(store.gets, 1 + 2 + 21);
	});

	it("write whole leaf pages without reading the old ones, from an endless source in bounded memory", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const blocks = 200 * 1024;
		const names = Buffer.alloc(PAGE_BYTES * 2, nameOf(1));
		async function* changes(): AsyncGenerator<NameRun> {
			for (let firstBlock = 0; firstBlock < blocks; firstBlock += 2048) yield { firstBlock, names };
		}
		const store = counted(vault);
		const first = await updateTree(store, null, blocks, changes());
		const gets = store.gets;
		assert.equal(await updateTree(store, { root: first, blocks }, blocks, changes()).then(nameToHex), nameToHex(first));
		assert.deepEqual([gets, store.gets], [0, 1]);
		assert.equal(vault.stats().chunks, 2);
	});

	it("are the zero name for a disk of zeroes, whatever it was before", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		for (const blocks of SIZES) assert.deepEqual(await updateTree(vault, null, blocks, []), ZERO_NAME);
		const root = await updateTree(vault, null, 5000, [run(0, [1, 2]), run(4999, [3])]);
		const cleared = await updateTree(vault, { root, blocks: 5000 }, 5000, [run(0, [0, 0]), run(4999, [0])]);
		assert.ok(isZero(cleared));
		assert.ok(isZero(await updateTree(vault, { root, blocks: 5000 }, 0, [])));
	});

	it("tell every chunk they need, pages and blocks", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const blocks = 3000;
		const root = await updateTree(vault, null, blocks, [run(1, [1, 2]), run(2999, [1])]);
		const names = (await Array.fromAsync(chunksOf(vault, { root, blocks }))).map(nameToHex);
		const wanted = [nameOf(1), nameOf(2), nameOf(1)].map(nameToHex);
		assert.equal(names[0], nameToHex(root));
		assert.deepEqual(
			names.filter((name) => wanted.includes(name)),
			wanted,
		);
		assert.equal(names.length, 3 + 3);
		assert.deepEqual(await Array.fromAsync(chunksOf(vault, { root: ZERO_NAME, blocks })), []);
	});

	const bad: readonly { title: string; changes: readonly NameRun[] }[] = [
		{ title: "past the end", changes: [run(9, [1, 2])] },
		{ title: "before what came earlier", changes: [run(5, [1]), run(4, [1])] },
		{ title: "over what came earlier", changes: [run(4, [1, 2]), run(5, [1])] },
		{ title: "at no whole block", changes: [{ firstBlock: 0.5, names: ZERO_NAME }] },
		{ title: "at a negative block", changes: [{ firstBlock: -1, names: ZERO_NAME }] },
		{ title: "with half a name", changes: [{ firstBlock: 0, names: new Uint8Array(33) }] },
	];
	for (const { title, changes } of bad) {
		it(`refuse a change ${title}, and close its source`, async () => {
			await using folder = await tempFolder();
			await using vault = await Vault.open({ folder: folder.path });
			let closed = false;
			async function* source(): AsyncGenerator<NameRun> {
				try {
					yield* changes;
				} finally {
					closed = true;
				}
			}
			const error = await errorOf(updateTree(vault, null, 10, source()));
			assert.deepEqual([error.code, error.context.structure], ["corrupt", "disk tree change"]);
			assert.ok(closed);
		});
	}

	it("pass on what the source of changes throws", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const cut = new UmbraError("unavailable", "the changeset was cut off");
		async function* source(): AsyncGenerator<NameRun> {
			yield run(0, [1]);
			throw cut;
		}
		assert.equal(await errorOf(updateTree(vault, null, 10, source())), cut);
	});

	it("refuse ranges that leave the disk, roots that are missing and roots that are no pages", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const root = await updateTree(vault, null, 10, [run(0, [1])]);
		for (const [first, count] of [
			[10, 1],
			[0, 11],
			[-1, 1],
			[0, -1],
			[0.5, 1],
		] as const) {
			assert.equal((await errorOf(readNames(vault, { root, blocks: 10 }, first, count))).code, "truncated");
		}
		assert.equal((await errorOf(readNames(vault, { root: nameOf(9), blocks: 10 }, 0, 1))).code, "not-found");
		const block = await vault.putPlain(Buffer.alloc(BLOCK_SIZE, 1));
		assert.equal((await errorOf(readNames(vault, { root: block, blocks: 10 }, 0, 1))).code, "corrupt");
		assert.equal((await errorOf(updateTree(vault, { root: block, blocks: 10 }, 10, [run(1, [1])]))).code, "corrupt");
	});
});
