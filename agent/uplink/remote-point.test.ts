import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { sampleDisk } from "../../disk/source/testing.ts";
import { toLong, toNumber, v1, type wire } from "../../proto/service.ts";
import { openRemotePoint } from "./remote-point.ts";

const DISK = sampleDisk(5 * BLOCK_SIZE + 1000);
const { signal } = new AbortController();

/** A collector that has one disk, and tells of its chunks what `change` makes of them. */
async function open(change: (chunk: wire.v1.IPlacedChunk) => wire.v1.IPlacedChunk = (chunk) => chunk) {
	const asked: string[] = [];
	const part = (kind: wire.v1.StatePartKind) => ({ part: kind, sizeBytes: toLong(10) });
	const point = await openRemotePoint(
		{
			openPoint: async () => ({
				vm: "web",
				disks: [{ disk: "vda", sizeBytes: toLong(DISK.length) }],
				state: { parts: [1, 2, 3].map(part) },
			}),
			async *readBlocks({ firstBlock, blocks, disk }): AsyncGenerator<wire.v1.IBlocksPart, undefined> {
				asked.push(`${disk}:${firstBlock}+${blocks}`);
				for (let block = toNumber(firstBlock); block < toNumber(firstBlock) + (blocks ?? 0); block++) {
					const plain = Buffer.alloc(BLOCK_SIZE);
					plain.set(DISK.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE));
					if (plain.every((byte) => byte === 0)) continue;
					const encoding = v1.ChunkEncoding.CHUNK_ENCODING_ZSTD;
					const chunk = { name: blake3Name(plain), encoding, data: zstdCompressSync(plain) };
					yield { chunks: [change({ block: toLong(block), chunk })] };
				}
			},
		},
		new Uint8Array(32),
		signal,
	);
	return { disk: point.disks.get("vda")!, asked };
}

describe("openRemotePoint", () => {
	it("gives disks as they are, and asks for what was read once no second time", async () => {
		const { disk, asked } = await open();
		assert.deepEqual(Buffer.from(await disk.read(0, DISK.length)), Buffer.from(DISK));
		const [from, length] = [BLOCK_SIZE - 10, 2 * BLOCK_SIZE];
		assert.deepEqual(Buffer.from(await disk.read(from, length)), Buffer.from(DISK.subarray(from, from + length)));
		assert.deepEqual(asked, ["vda:0+6"]);
	});

	const wrongs: readonly (readonly [string, (chunk: wire.v1.IPlacedChunk) => wire.v1.IPlacedChunk])[] = [
		[
			"other bytes",
			({ block, chunk }) => ({ block: block!, chunk: { ...chunk, data: zstdCompressSync(Buffer.alloc(9)) } }),
		],
		[
			"bytes that are no frame",
			({ block, chunk }) => ({ block: block!, chunk: { ...chunk, data: Buffer.from("no") } }),
		],
		[
			"a frame of more than a block",
			({ block, chunk }) => {
				return { block: block!, chunk: { ...chunk, data: zstdCompressSync(Buffer.alloc(BLOCK_SIZE + 1)) } };
			},
		],
		["no name", ({ block, chunk }) => ({ block: block!, chunk: { ...chunk, name: new Uint8Array() } })],
		["a block that was not asked for", ({ chunk }) => ({ block: toLong(77), chunk: chunk! })],
	];
	for (const [what, change] of wrongs) {
		it(`refuses ${what}`, async () => {
			const { disk } = await open(change);
			await assert.rejects(disk.read(0, 100), { code: "corrupt", message: /web\/vda: the collector sent/ });
		});
	}
});
