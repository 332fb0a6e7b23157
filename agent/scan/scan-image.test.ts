import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { mkdir, readdir, truncate, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blake3Name, isZero, nameToHex } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { run, serve } from "../../disk/source/testing.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { type ScanImageOptions, scanImage } from "./scan-image.ts";

const scan = (image: string, rest: Partial<ScanImageOptions> = {}) =>
	scanImage({ image, threads: 2, entropy: false, ...rest });

/** What a plain loop over the bytes finds. */
function recount(bytes: Buffer): { zeroBlocks: number; dataBlocks: number; distinctBlocks: number } {
	const names = new Set<string>();
	let zeroBlocks = 0;
	let dataBlocks = 0;
	for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
		const block = Buffer.alloc(BLOCK_SIZE);
		bytes.copy(block, 0, at, at + BLOCK_SIZE);
		if (isZero(block)) zeroBlocks++;
		else {
			dataBlocks++;
			names.add(nameToHex(blake3Name(block)));
		}
	}
	return { zeroBlocks, dataBlocks, distinctBlocks: names.size };
}

describe("scanImage", () => {
	it("counts what a plain loop counts, whatever the size and the threads", async (context) => {
		const random = testRandom(context);
		await using temp = await tempFolder();
		// Several stripes of 64 MiB, the last of them short; and less than one block.
		for (const size of [130 * 2 ** 20 + 777, 3 * BLOCK_SIZE, 100]) {
			const bytes = Buffer.alloc(size);
			const same = random.bytes(BLOCK_SIZE);
			for (let at = 0; at < size; at += BLOCK_SIZE * random.between(1, 6)) {
				(random.chance(0.3) ? same : random.bytes(200)).copy(bytes, at);
			}
			await writeFile(temp.file("image"), bytes);
			const wanted = recount(bytes);
			for (const threads of [1, 3]) {
				const seen: number[] = [];
				const result = await scan(temp.file("image"), { threads, onProgress: (done) => seen.push(done) });
				const { zeroBlocks, dataBlocks, distinctBlocks } = result;
				assert.deepEqual({ zeroBlocks, dataBlocks, distinctBlocks }, wanted, `${size} bytes, ${threads} threads`);
				assert.equal(result.bytes, size);
				assert.equal(result.entropy, null);
				assert.equal(seen.at(-1), size);
			}
		}
	});

	it("tells the mean entropy of data blocks", async (context) => {
		const random = testRandom(context);
		await using temp = await tempFolder();
		const half = Buffer.alloc(BLOCK_SIZE);
		for (let at = 0; at < BLOCK_SIZE; at++) half[at] = at % 16; // 4 bits a byte
		await writeFile(temp.file("image"), Buffer.concat([random.bytes(BLOCK_SIZE), Buffer.alloc(BLOCK_SIZE), half]));
		const { entropy } = await scan(temp.file("image"), { entropy: true });
		assert.ok(entropy !== null && Math.abs(entropy - (7.95 + 4) / 2) < 0.02, `entropy ${entropy}`);
		await writeFile(temp.file("zero"), Buffer.alloc(BLOCK_SIZE));
		assert.equal((await scan(temp.file("zero"), { entropy: true })).entropy, null);
	});

	it("scans an empty image", async () => {
		await using temp = await tempFolder();
		await writeFile(temp.file("image"), "");
		const { bytes, zeroBlocks, dataBlocks } = await scan(temp.file("image"));
		assert.deepEqual([bytes, zeroBlocks, dataBlocks], [0, 0, 0]);
	});

	it(
		"sees the guest's view of a qcow2 and of an NBD export, and leaves nothing behind",
		needs("qemu-img", "qemu-nbd"),
		async (context) => {
			const random = testRandom(context);
			await using temp = await tempFolder();
			await mkdir(temp.file("tmp"));
			const before = process.env["TMPDIR"];
			process.env["TMPDIR"] = temp.file("tmp");
			try {
				const bytes = Buffer.concat([random.bytes(5 * BLOCK_SIZE), Buffer.alloc(9 * BLOCK_SIZE), random.bytes(1024)]);
				await writeFile(temp.file("raw"), bytes);
				run("qemu-img", "convert", "-O", "qcow2", temp.file("raw"), temp.file("qcow2"));
				const wanted = recount(bytes);
				const socket = temp.file("s");
				await using _ = await serve(
					socket,
					"qemu-nbd",
					"-r",
					"-t",
					"-e",
					"8",
					"-f",
					"raw",
					`--socket=${socket}`,
					temp.file("raw"),
				);
				for (const image of [temp.file("qcow2"), `nbd+unix:///?socket=${socket}`]) {
					const { zeroBlocks, dataBlocks, distinctBlocks } = await scan(image);
					assert.deepEqual({ zeroBlocks, dataBlocks, distinctBlocks }, wanted, image);
				}
				assert.deepEqual(await readdir(temp.file("tmp")), []);
			} finally {
				if (before === undefined) delete process.env["TMPDIR"];
				else process.env["TMPDIR"] = before;
			}
		},
	);

	it("says what is wrong with the image or the threads", async () => {
		await using temp = await tempFolder();
		await assert.rejects(scan(temp.file("none")), (error) => isUmbraError(error, "not-found"));
		await assert.rejects(scan(temp.path), (error) => isUmbraError(error));
		await writeFile(temp.file("image"), "x");
		for (const threads of [0, 65, 1.5, Number.NaN]) {
			await assert.rejects(scan(temp.file("image"), { threads }), (error) => isUmbraError(error, "bad-config"));
		}
	});

	it("fails where the image gets shorter while it is read, and stops when it is told to", async () => {
		await using temp = await tempFolder();
		const path = temp.file("image");
		const size = 400 * 2 ** 20;
		await writeFile(path, "");
		await truncate(path, size);
		const shrinking = scan(path, { threads: 1, onProgress: () => truncateSync(path, 1000) });
		await assert.rejects(
			shrinking,
			(error) => isUmbraError(error, "unavailable") && /ends at byte/.test(error.message),
		);
		await truncate(path, size);
		const abort = new AbortController();
		await assert.rejects(
			scan(path, { signal: abort.signal, onProgress: () => abort.abort() }),
			(error) => (error as Error).name === "AbortError",
		);
		await assert.rejects(scan(path, { signal: abort.signal }), (error) => (error as Error).name === "AbortError");
	});
});
