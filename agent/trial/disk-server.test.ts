import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { DiskServer } from "./disk-server.ts";

const BLOCK = 65_536;

/** Four blocks, of which the last is damaged. */
const source: BlockSource = {
	size: 4 * BLOCK,
	name: "vm@now/disk0",
	read: async (offset, length) => {
		if (offset + length <= 3 * BLOCK) return Buffer.alloc(length, 7);
		throw new UmbraError("corrupt", "chunk 12ab is damaged", { context: { offset: 3 * BLOCK } });
	},
	extents: async (offset, length) => [{ offset, length, zero: false }],
	[Symbol.asyncDispose]: async () => undefined,
};

describe("DiskServer", () => {
	it("tells whose disk could not be read, before its clone knows", async () => {
		await using temp = await tempFolder();
		const server = new DiskServer({ disks: new Map([["disk0", source]]), log: silentLogger() });
		const told: string[] = [];
		await using _a = await server.listen(temp.file("a"), (error) => told.push(`a: ${messageOf(error)}`));
		await using _b = await server.listen(temp.file("b"), (error) => told.push(`b: ${messageOf(error)}`));
		const client = (path: string) =>
			NbdClient.connect({ address: { path: temp.file(path) }, exportName: "disk0", contexts: [] });
		await using first = await client("a");
		await using second = await client("b");
		assert.equal((await first.read(0, 3 * BLOCK))[0], 7);
		await assert.rejects(second.read(0, 4 * BLOCK));
		assert.deepEqual(told, ["b: chunk 12ab is damaged"]);
	});
});
