import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import type { ChunkStore } from "../collector/vault/chunk-store.ts";
import { updateTree } from "../collector/vault/tree.ts";
import { BLOCK_SIZE, blake3Name, blockCount, blockName, isZero, nameToHex, ZERO_NAME } from "../common/block.ts";
import { isUmbraError } from "../common/errors.ts";
import { testRandom } from "../test/support/random.ts";
import { tempFolder } from "../test/support/temp.ts";
import { CollectorClient } from "./collector-client.ts";
import { restoreDisk } from "./restore-disk.ts";
import { standIn } from "./testing.ts";

const NAMING: ChunkStore = {
	has: () => true,
	putAll: () => assert.fail(),
	putPlain: async (bytes) => (isZero(bytes) ? ZERO_NAME : blake3Name(bytes)),
	flush: async () => {},
	get: () => assert.fail(),
	stats: () => ({ chunks: 0, packs: 0, storedBytes: 0 }),
	[Symbol.asyncDispose]: async () => {},
};

async function rootOf(disk: Buffer): Promise<string> {
	async function* runs() {
		for (let block = 0; block < blockCount(disk.length); block++) {
			const bytes = Buffer.alloc(BLOCK_SIZE);
			disk.copy(bytes, 0, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
			yield { firstBlock: block, names: blockName(bytes) };
		}
	}
	return nameToHex(await updateTree(NAMING, null, blockCount(disk.length), runs()));
}

/** Serves `disk` as the collector's extents and data, two extents a page. */
async function serving(disk: Buffer, root: string, sendData: (bytes: Buffer, response: ServerResponse) => void) {
	const extents: { offset: number; length: number; zero: boolean }[] = [];
	for (let offset = 0; offset < disk.length; offset += BLOCK_SIZE) {
		const bytes = disk.subarray(offset, offset + BLOCK_SIZE);
		const last = extents.at(-1);
		if (last?.zero === isZero(bytes)) last.length += bytes.length;
		else extents.push({ offset, length: bytes.length, zero: isZero(bytes) });
	}
	return await standIn(({ url, headers }, response) => {
		const { pathname, searchParams } = new URL(url ?? "", "http://x");
		if (pathname.endsWith("/extents")) {
			const from = Number(searchParams.get("from") ?? 0);
			const next = from + 2 < extents.length ? from + 2 : null;
			response.end(
				JSON.stringify({ time: "17", sizeBytes: disk.length, root, extents: extents.slice(from, from + 2), next }),
			);
		} else {
			const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
			sendData(disk.subarray(Number(first), Number(last) + 1), response);
		}
	});
}

describe("restoreDisk", () => {
	const options = async (url: string, out: string, force = false) => ({
		client: await CollectorClient.from({ collector: url }),
		vm: "web/1",
		time: "latest",
		disk: "va",
		out,
		force,
	});
	const sample = (context: Parameters<typeof testRandom>[0]) => {
		const random = testRandom(context);
		const blocks = Array.from({ length: 40 }, (_, at) =>
			at % 5 < 2 ? Buffer.alloc(BLOCK_SIZE) : random.bytes(BLOCK_SIZE),
		);
		return Buffer.concat([...blocks, random.bytes(1000)]);
	};

	it("writes the disk, holes and a short end included", async (context) => {
		await using temp = await tempFolder();
		const disk = sample(context);
		const root = await rootOf(disk);
		await using server = await serving(disk, root, (bytes, response) => response.end(bytes));
		const result = await restoreDisk(await options(server.url, temp.file("out")));
		assert.equal(result.root, root);
		assert.equal(result.time, "17");
		assert.ok((await readFile(temp.file("out"))).equals(disk));
		assert.ok(!existsSync(temp.file("out.partial")));
		assert.ok(
			server.requests.slice(1).every(({ url }) => url?.startsWith("/v1/vms/web%2F1/points/17/")),
			"one point",
		);
	});

	for (const [what, code, spoil] of [
		[
			"one bit is wrong",
			"corrupt",
			(bytes: Buffer) => Buffer.concat([Buffer.of((bytes[0] as number) ^ 1), bytes.subarray(1)]),
		],
		["less comes than was asked for", "truncated", (bytes: Buffer) => bytes.subarray(1)],
	] as const) {
		it(`leaves nothing behind where ${what}`, async (context) => {
			await using temp = await tempFolder();
			const disk = sample(context);
			await using server = await serving(disk, await rootOf(disk), (bytes, response) => response.end(spoil(bytes)));
			await assert.rejects(restoreDisk(await options(server.url, temp.file("out"))), (error) =>
				isUmbraError(error, code),
			);
			assert.ok(!existsSync(temp.file("out")));
			assert.ok(!existsSync(temp.file("out.partial")));
		});
	}

	it("replaces a file, or another's unfinished one, only by force", async (context) => {
		await using temp = await tempFolder();
		const disk = sample(context);
		await using server = await serving(disk, await rootOf(disk), (bytes, response) => response.end(bytes));
		const out = temp.file("out");
		await writeFile(out, "mine");
		await assert.rejects(restoreDisk(await options(server.url, out)), (error) => isUmbraError(error, "conflict"));
		assert.equal(await readFile(out, "utf8"), "mine");
		await restoreDisk(await options(server.url, out, true));
		assert.ok((await readFile(out)).equals(disk));
		await writeFile(temp.file("other.partial"), "another restore");
		await assert.rejects(restoreDisk(await options(server.url, temp.file("other"))), (error) =>
			isUmbraError(error, "conflict"),
		);
		assert.equal(await readFile(temp.file("other.partial"), "utf8"), "another restore");
	});

	it("does not write over a folder, and says so", async (context) => {
		await using temp = await tempFolder();
		const disk = sample(context);
		await using server = await serving(disk, await rootOf(disk), (bytes, response) => response.end(bytes));
		await mkdir(temp.file("folder"));
		for (const force of [false, true]) {
			await assert.rejects(restoreDisk(await options(server.url, temp.file("folder"), force)), (error) =>
				isUmbraError(error, force ? "unavailable" : "conflict"),
			);
		}
		assert.ok(!existsSync(temp.file("folder.partial")));
	});
});
