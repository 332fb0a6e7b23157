import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Catalog } from "../catalog/catalog.ts";
import { VaultJobs } from "../retention/vault-jobs.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "../vault/pack-format.ts";
import { flipBit, put, sampleChunk } from "../vault/testing.ts";
import { Vault } from "../vault/vault.ts";
import { Patrol } from "./patrol.ts";

const LENGTH = 40_000;
/** One chunk to a pack. */
const PACK_BYTES = 70_000;
const PACKS = 12;
const FAST = 2 ** 40;
const DAY_MS = 864e5;
const GC = { every: 0, grace: 0, rewriteBelow: 0, bytesPerSecond: FAST };

interface Stage extends AsyncDisposable {
	readonly patrol: Patrol;
	readonly damaged: number[];
}

async function start(folder: TempFolder, bytesPerSecond: number, every = DAY_MS): Promise<Stage> {
	await using stack = new AsyncDisposableStack();
	const log = silentLogger();
	const catalog = stack.use(await Catalog.open(folder.file("catalog")));
	const vault = stack.use(await Vault.open({ folder: folder.file("vault"), packBytes: PACK_BYTES }));
	if (vault.stats().chunks === 0) {
		for (let at = 0; at <= PACKS; at++) await put(vault, sampleChunk(at * 2, LENGTH));
		await vault.flush();
	}
	const nothing = () => undefined;
	const jobs = new VaultJobs({ catalog, vault, settings: GC, onDamage: nothing, onSuspect: nothing, log });
	stack.use(jobs);
	const damaged: number[] = [];
	const onDamage = (pack: number) => void damaged.push(pack);
	const settings = { every, bytesPerSecond };
	const patrol = stack.use(await Patrol.start({ catalog, vault, jobs, settings, onDamage, log, firstMs: 0 }));
	const owned = stack.move();
	return { patrol, damaged, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Packs 1 to 12 are there and sealed; the last chunk is in the pack that is open. */
async function filled(): Promise<TempFolder> {
	const folder = await tempFolder();
	await using stage = await start(folder, FAST, 0);
	assert.equal(stage.patrol.status.begun, null, "it is told never to begin");
	return folder;
}

describe("Patrol", () => {
	it("reads every pack, tells which are damaged, and rests until the next round", async () => {
		await using folder = await filled();
		for (const pack of ["00000003", "0000000b"]) {
			await flipBit(folder.file(`vault/packs/${pack}.pack`), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 1000);
		}
		await using stage = await start(folder, FAST);
		await until(() => stage.patrol.status.ended !== null, { what: "the round ends" });
		const { readPacks, damagedPacks, nextPack } = stage.patrol.status;
		assert.deepEqual([readPacks, damagedPacks, nextPack, stage.damaged], [PACKS + 1, 2, PACKS + 2, [3, 11]]);
	});

	it("is held back to its rate, and goes on where it stopped after a restart", async () => {
		await using folder = await filled();
		// A pack takes 0.4 s; a burst of a quarter of a second passes at once.
		const rate = LENGTH / 0.4;
		let reached = 0;
		let begun: string | null = null;
		{
			const started = performance.now();
			await using stage = await start(folder, rate);
			await until(() => stage.patrol.status.readPacks >= 3, { what: "three packs" });
			({ nextPack: reached, begun } = stage.patrol.status);
			assert.ok(performance.now() - started > 400, "three packs at this rate take longer");
			assert.equal(stage.patrol.status.ended, null);
		}
		await flipBit(folder.file("vault/packs/00000001.pack"), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 1000);
		await flipBit(folder.file("vault/packs/0000000c.pack"), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 1000);
		await using stage = await start(folder, FAST);
		await until(() => stage.patrol.status.ended !== null, { what: "the round ends" });
		const { readPacks, begun: same } = stage.patrol.status;
		assert.equal(same, begun);
		assert.equal(readPacks, PACKS + 1, "none was read twice");
		assert.ok(reached > 1);
		assert.deepEqual(stage.damaged, [12], "what rots behind it is for the next round");
	});
});
