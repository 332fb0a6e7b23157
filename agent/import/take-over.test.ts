import assert from "node:assert/strict";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { type AgentDb, BlockIndex, encodeKey } from "../capture/block-index.ts";
import { RECORD_SIZE } from "../capture/record.ts";
import { openDb } from "../capture/testing.ts";
import { loadVmState, vmStateOperation } from "../capture/vm-state.ts";
import { openLineDb, READY } from "./line.ts";
import { importFolder, takeOver } from "./take-over.ts";

const VM = "web/1 ü";
const STATE = { headId: "import-1", headTime: "5", disks: { vda: { size: 7, token: "" } } };

/** What an import leaves: blocks, a tree in two parts, and what goes with them. */
async function leave(folder: string, ready: string | undefined): Promise<void> {
	const line = await openLineDb(folder, "main");
	const index = new BlockIndex(line);
	await index.begin(VM);
	const stager = index.stager(VM, "vda", "anew");
	for (const block of [0, 63, 64, 5000]) await stager.put(block, new Uint8Array(RECORD_SIZE).fill(block % 251 || 1));
	await stager.end();
	await line.batch(index.finishOperations(VM, [stager]));
	await index.fold(VM);
	for (const part of ["0000", "0001"]) await line.put(encodeKey("tree", VM, part), Buffer.from(`part ${part}`));
	for (const kind of ["volumes", "packages", "owners"]) await line.put(encodeKey(kind, VM), Buffer.from(kind));
	await line.batch([vmStateOperation(VM, STATE)]);
	if (ready !== undefined) await line.put(READY, Buffer.from(ready));
	await line.close();
}

async function everything(db: AgentDb): Promise<[string, string][]> {
	const entries = await Array.fromAsync(db.iterator());
	return entries.map(([key, value]) => [Buffer.from(key).toString(), Buffer.from(value).toString("hex")]);
}

describe("takeOver", () => {
	it("copies what is ready, once, for a VM that was never met", async () => {
		await using temp = await tempFolder();
		const folder = importFolder(temp.file("import"), VM);
		await leave(folder, STATE.headId);
		await using db = await openDb(temp.file("db"));
		await using other = await openDb(temp.file("other"));
		assert.equal(await takeOver(db, VM, folder), STATE.headId);
		const line = await openLineDb(folder, "main");
		assert.deepEqual(await everything(db), await everything(line), "all but the mark that it is ready");
		await line.close();
		assert.equal((await loadVmState(db, VM)).headId, STATE.headId);
		assert.equal(await takeOver(db, VM, folder), undefined, "it is known now");
		assert.equal(await takeOver(other, VM, folder), undefined, "nor by another");
	});

	for (const [what, ready] of [
		["is not finished", undefined],
		["is not what the VM stands at", "import-0"],
	] as const) {
		it(`leaves alone what ${what}`, async () => {
			await using temp = await tempFolder();
			const folder = importFolder(temp.file("import"), VM);
			await leave(folder, ready);
			await using db = await openDb(temp.file("db"));
			assert.equal(await takeOver(db, VM, folder), undefined);
			assert.deepEqual(await everything(db), []);
		});
	}

	it("leaves alone a VM that was met, even if it was to be forgotten, and one of which nothing was imported", async () => {
		await using temp = await tempFolder();
		const folder = importFolder(temp.file("import"), VM);
		await using db = await openDb(temp.file("db"));
		assert.equal(await takeOver(db, VM, folder), undefined);
		await leave(folder, STATE.headId);
		await db.batch([vmStateOperation(VM, { headId: "", headTime: "0", disks: {} })]);
		assert.equal(await takeOver(db, VM, folder), undefined);
	});

	it("says that an import is at work", async () => {
		await using temp = await tempFolder();
		const folder = importFolder(temp.file("import"), VM);
		await leave(folder, STATE.headId);
		const line = await openLineDb(folder, "main");
		await using db = await openDb(temp.file("db"));
		await assert.rejects(
			takeOver(db, VM, folder),
			(error) => isUmbraError(error, "conflict") && /another import of this VM runs/.test(error.message),
		);
		await line.close();
	});
});

describe("importFolder", () => {
	it("is one below the folder, whatever a VM is called", () => {
		const names = ["web1", "..", ".", "a/b", "x".repeat(250), "ü".repeat(100), "X".repeat(250)];
		const folders = names.map((name) => importFolder("/base", name));
		for (const folder of folders) {
			assert.equal(folder, `/base/${basename(folder)}`);
			assert.ok(basename(folder).startsWith("vm-") && basename(folder).length <= 200, folder);
		}
		assert.equal(new Set(folders).size, names.length);
	});
});
