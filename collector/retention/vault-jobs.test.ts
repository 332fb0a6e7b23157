import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, nameToHex } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { Catalog } from "../catalog/catalog.ts";
import { MemoryLevels } from "../catalog/memory-level.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { MemoryDisk, MemoryPackStore } from "../vault/memory-packs.ts";
import { errorOf, sampleChunk } from "../vault/testing.ts";
import { updateTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { VaultJobs } from "./vault-jobs.ts";

const GC = { every: 0, grace: 0, rewriteBelow: 1, bytesPerSecond: 2 ** 40 };

describe("VaultJobs", () => {
	it("gives back nothing of a changeset whose commit failed, but is there all the same", async () => {
		const levels = new MemoryLevels();
		await using catalog = await Catalog.open("catalog", levels.make);
		let now = 0;
		const options = { packBytes: 70_000, graceMs: 0, clock: () => now, cacheBytes: 0 };
		await using vault = await Vault.over(new MemoryPackStore(new MemoryDisk()), options);
		const none = () => undefined;
		const watch = { onDamage: none, onSuspect: none, log: silentLogger() };
		await using jobs = new VaultJobs({ catalog, vault, settings: GC, ...watch });

		const block = sampleChunk(2, 20_000);
		await vault.putPlain(block.data);
		const root = await updateTree(vault, null, 1, [{ firstBlock: 0, names: block.name }]);
		await vault.flush();
		const disk = { disk: "vda", sizeBytes: BLOCK_SIZE, root: nameToHex(root) };
		const changeset = { id: "c1", vm: "web1", time: "1000", disks: [disk], fileCount: 0 } as unknown as ChangesetRecord;
		const head = { vm: "web1", uuid: "", agentId: "a", host: "h", headId: "c1", headTime: "1000", disks: [] };
		levels.before = () => "unknown";
		await errorOf(catalog.commit({ changeset, vm: head, files: [], firstIndex: 0 }));
		levels.before = () => "written";
		assert.equal(await catalog.changeset("web1", 1000n), undefined, "nobody sees it yet");

		// Others fill the pack, so that it could go.
		for (let other = 4; other < 12; other += 2) await vault.putPlain(sampleChunk(other, 20_000).data);
		await vault.flush();
		now = 1000;
		jobs.startGc({ dryRun: false });
		await jobs.ended();
		assert.deepEqual([jobs.job?.state, jobs.job?.gc?.trees], ["done", 1]);
		assert.equal((await catalog.changeset("web1", 1000n))?.id, "c1");
		assert.equal(Buffer.compare(await vault.get(block.name), block.data), 0);
	});
});
