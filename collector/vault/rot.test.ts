import assert from "node:assert/strict";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { VaultKeys } from "./chunk-form.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import type { LiveTree } from "./live-chunks.ts";
import {
	FILE_HEADER_SIZE,
	FOOTER_SIZE,
	parseFooter,
	parseTrailer,
	RECORD_HEADER_SIZE,
	TRAILER_ENTRY_SIZE,
} from "./pack-format.ts";
import { pointSource } from "./point-source.ts";
import { put, sampleChunk, testKeys } from "./testing.ts";
import { updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

/** A few blocks to a pack. */
const PACK_BYTES = 70_000;
const LENGTH = 30_000;
/** Of the places, other ones in every run. */
const SHARE = 0.3;
/** Raw, and such that zstd shrinks. */
const blocks = Array.from({ length: 12 }, (_, at) => sampleChunk(at + 1, LENGTH));

async function fill(folder: string, keys: VaultKeys | undefined): Promise<LiveTree[]> {
	await using packs = await FolderPackStore.open(folder);
	await using vault = await Vault.over(packs, { packBytes: PACK_BYTES, keys });
	const tree = async (name: string, firstBlock: number, from: number, size: number): Promise<LiveTree> => {
		const some = blocks.slice(from, from + 6);
		for (const block of some) await put(vault, block);
		const names = Buffer.concat(some.map((block) => block.name));
		return { name, blocks: size, root: await updateTree(vault, null, size, [{ firstBlock, names }]) };
	};
	const trees = [await tree("one", 1021, 0, 2000), await tree("two", 0, 6, 10)];
	await vault.flush();
	return trees;
}

/** Places of every structure of a pack: its header, headers and data of records, its trailer, its footer. */
function places(pack: Buffer, version: 1 | 2): number[] {
	const around = (from: number, length: number) => [0, 0.5, 1].map((part) => from + Math.floor(part * (length - 1)));
	const found = around(0, FILE_HEADER_SIZE);
	let footer: ReturnType<typeof parseFooter> | undefined;
	try {
		footer = parseFooter(pack.subarray(-FOOTER_SIZE), pack.length, version);
	} catch {
		// The one that was being written: records, up to its end.
		return [
			...found,
			...around(FILE_HEADER_SIZE, RECORD_HEADER_SIZE),
			...around(FILE_HEADER_SIZE, pack.length - FILE_HEADER_SIZE),
		];
	}
	const entries = parseTrailer(pack.subarray(footer.trailerOffset), footer);
	for (let at = 0; at < entries.length; at += TRAILER_ENTRY_SIZE) {
		const offset = entries.readUInt32LE(at + 32);
		const length = entries.readUInt32LE(at + 36) & 0xffffff;
		found.push(...around(offset, RECORD_HEADER_SIZE), ...around(offset + RECORD_HEADER_SIZE, length));
	}
	found.push(...around(footer.trailerOffset, pack.length - FOOTER_SIZE - footer.trailerOffset));
	for (let at = 1; at <= FOOTER_SIZE; at += 3) found.push(pack.length - at);
	return found;
}

for (const keys of [undefined, testKeys(1)]) {
	describe(`a flipped bit in ${keys === undefined ? "a vault" : "an encrypted vault"}`, () => {
		it("is found by the check, in every structure of every pack, and never served", async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			const trees = await fill(folder.path, keys);
			const packs = (await readdir(folder.path)).sort();
			assert.ok(packs.length >= 3, `${packs.length} packs`);
			let served = 0;
			let refused = 0;
			let mended = 0;
			let rounds = 0;
			for (const pack of packs) {
				const whole = await readFile(folder.file(pack));
				for (const at of new Set(places(whole, keys === undefined ? 1 : 2))) {
					if (random.chance(1 - SHARE)) continue;
					rounds++;
					await using copy = await tempFolder();
					await cp(folder.path, copy.path, { recursive: true });
					const bytes = Buffer.from(whole);
					bytes[at]! ^= 1 << random.below(8);
					await writeFile(copy.file(pack), bytes);
					const what = `${pack}, byte ${at} of ${whole.length}`;
					await using store = await FolderPackStore.open(copy.path);
					await using vault = await Vault.over(store, { packBytes: PACK_BYTES, keys });
					const check = await vault.scrub(each(trees), { readShare: 1, bytesPerSecond: 1e12 });
					let isLost = false;
					for (const [number, { name, root, blocks: count }] of trees.entries()) {
						await using source = pointSource(vault, { root, sizeBytes: count * BLOCK_SIZE, name: name! });
						for (let block = 0; block < 6; block++) {
							const wanted = blocks[number * 6 + block]!;
							const place = ((number === 0 ? 1021 : 0) + block) * BLOCK_SIZE;
							try {
								const read = await source.read(place, LENGTH);
								assert.equal(Buffer.compare(read, wanted.data), 0, `${what}: other bytes of ${name}, block ${block}`);
								assert.deepEqual(Buffer.from(await vault.get(wanted.name)), Buffer.from(wanted.data), what);
								served++;
							} catch (error) {
								assert.ok(isUmbraError(error, "corrupt", "not-found"), `${what}: ${error}`);
								isLost = true;
								refused++;
							}
						}
					}
					const told = check.packDamageCount + check.damagedTrees;
					// A pack whose end alone is damaged was sealed anew when the vault was opened, as one that a kill left is.
					assert.ok(told > 0 || !isLost, `${what}: something is lost, and the check does not tell`);
					if (told === 0) mended++;
				}
			}
			context.diagnostic(`${rounds} bits: ${served} blocks served, ${refused} refused; ${mended} packs sealed anew`);
			assert.ok(served > 0 && refused > 0 && mended < rounds);
		});
	});
}

async function* each(trees: readonly LiveTree[]): AsyncGenerator<LiveTree> {
	yield* trees;
}
