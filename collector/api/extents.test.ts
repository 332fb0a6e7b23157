import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blockCount, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { DiskRecord } from "../catalog/records.ts";
import { updateTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { diskExtents, type Extent } from "./extents.ts";

const NEVER = new AbortController().signal;
/** The disks may have trees of one and of two levels. */
const LEAF_BLOCKS = 1024;

/** What each block of a disk holds: a number, 0 for zeroes. */
type Model = readonly number[];

function nameOf(content: number): Uint8Array {
	if (content === 0) return ZERO_NAME;
	const name = new Uint8Array(32).fill(1);
	new DataView(name.buffer).setUint32(0, content);
	return name;
}

async function store(vault: Vault, model: Model): Promise<DiskRecord> {
	const names = Buffer.concat(model.map(nameOf));
	const root = await updateTree(vault, null, model.length, [{ firstBlock: 0, names }]);
	// The disk may end within its last block.
	return { disk: "vda", sizeBytes: model.length * BLOCK_SIZE - 512, root: nameToHex(root) } as DiskRecord;
}

function randomModel(random: Random, length: number): number[] {
	const model: number[] = [];
	while (model.length < length) {
		const content = random.chance(0.4) ? 0 : random.between(1, 3);
		const run = random.chance(0.1) ? random.between(1, 2000) : random.between(1, 20);
		for (let at = 0; at < run && model.length < length; at++) model.push(content);
	}
	return model;
}

function changed(random: Random, model: Model, length: number): number[] {
	const other = Array.from({ length }, (_, at) => model[at] ?? (random.chance(0.5) ? 0 : 4));
	for (let run = random.below(30); run > 0; run--) {
		const [first, content] = [random.below(length), random.below(5)];
		const count = random.chance(0.2) ? random.between(1, 1500) : random.between(1, 5);
		other.fill(content, first, Math.min(length, first + count));
	}
	return other;
}

/** Extents by definition: block after block. */
function expected(model: Model, before: Model | undefined, first: number, end: number, sizeBytes: number): Extent[] {
	const found: Extent[] = [];
	for (let block = first; block < end; block++) {
		const zero = model[block] === 0;
		const isDirty = before !== undefined && (before[block] ?? 0) !== model[block];
		const kind = isDirty ? "dirty" : zero ? "zero" : "data";
		const offset = block * BLOCK_SIZE;
		const stop = Math.min(sizeBytes, offset + BLOCK_SIZE);
		const last = found.at(-1);
		if (last?.kind === kind && last.zero === zero) found[found.length - 1] = { ...last, length: stop - last.offset };
		else found.push({ offset, length: stop - offset, kind, zero });
	}
	return found;
}

describe("diskExtents", () => {
	it("tells zero, data and dirty ranges as they are block by block, of any range", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		for (let round = 0; round < 6; round++) {
			const lengths = [random.between(1, LEAF_BLOCKS), random.between(1, 3 * LEAF_BLOCKS)];
			const [length, lengthBefore] = [random.pick(lengths), random.pick(lengths)];
			const old = randomModel(random, lengthBefore);
			const model = changed(random, old, length);
			const [before, disk] = [await store(vault, old), await store(vault, model)];
			assert.equal(blockCount(disk.sizeBytes), length);
			const ranges: (readonly [number, number])[] = [[0, disk.sizeBytes]];
			for (let at = 0; at < 4; at++) {
				const from = random.below(disk.sizeBytes);
				ranges.push([from, random.between(from, disk.sizeBytes)]);
			}
			for (const [from, to] of ranges) {
				for (const [since, base] of [
					[undefined, undefined],
					[before, old],
					[disk, model],
				] as const) {
					const found = await Array.fromAsync(diskExtents(vault, disk, { since, from, to, signal: NEVER }));
					const [first, end] = [Math.floor(from / BLOCK_SIZE), Math.ceil(to / BLOCK_SIZE)];
					assert.deepEqual(found, from === to ? found : expected(model, base, first, end, disk.sizeBytes));
				}
			}
		}
	});

	it("reads only the pages that the range needs", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const length = 64 * LEAF_BLOCKS;
		const [before, disk] = [
			await store(
				vault,
				Array.from({ length }, (_, at) => 1 + (at % 7)),
			),
			await store(
				vault,
				Array.from({ length }, (_, at) => 1 + ((at + 1) % 7)),
			),
		];
		let reads = 0;
		const counting = new Proxy(vault, {
			get(target, key) {
				if (key === "get") reads++;
				const value: unknown = Reflect.get(target, key, target);
				return typeof value === "function" ? value.bind(target) : value;
			},
		});
		const from = 40 * LEAF_BLOCKS * BLOCK_SIZE;
		const options = { since: before, from, to: from + BLOCK_SIZE, signal: NEVER };
		const found = await Array.fromAsync(diskExtents(counting, disk, options));
		assert.deepEqual(found, [{ offset: from, length: BLOCK_SIZE, kind: "dirty", zero: false }]);
		assert.ok(reads <= 6, `${reads} pages`);
	});
});
