/** How an agent that meets a VM for the first time begins with what was imported of it, instead of with nothing. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { blake3Name, nameToHex } from "../../common/block.ts";
import { type AgentDb, type AgentOperation, encodeKey, keyRange } from "../capture/block-index.ts";
import { loadVmState } from "../capture/vm-state.ts";
import { openLineDb, READY } from "./line.ts";

/** Some MiB. */
const BATCH = 1024;
/** So long that a folder can be called so on any filesystem. */
const MAX_FOLDER_NAME = 200;

/** Where what is imported of a VM is remembered, below `folder`. */
export function importFolder(folder: string, vm: string): string {
	const name = `vm-${encodeURIComponent(vm)}`;
	return join(folder, name.length <= MAX_FOLDER_NAME ? name : `vm-${nameToHex(blake3Name(Buffer.from(vm)))}`);
}

/**
 * Copies into an agent's database what an import left ready, where the agent knows nothing of the VM and never has.
 *
 * @returns the changeset that the next capture builds upon; undefined where there was nothing to take over.
 * @throws UmbraError `conflict` while an import runs, `unavailable`; what the database throws.
 */
export async function takeOver(db: AgentDb, vm: string, folder: string): Promise<string | undefined> {
	if ((await db.get(encodeKey("vm", vm))) !== undefined) return undefined;
	const isThere = await access(join(folder, "main", "state")).then(
		() => true,
		() => false,
	);
	if (!isThere) return undefined;
	const line = await openLineDb(folder, "main");
	try {
		const ready = await line.get(READY);
		const { headId } = await loadVmState(line, vm);
		if (ready === undefined || headId === "" || Buffer.from(ready).toString() !== headId) return undefined;
		for (const kind of ["index", "tree"]) await copyRange(line, db, kind, vm);
		const operations: AgentOperation[] = [];
		// The state last: without it nothing of the rest counts.
		for (const kind of ["volumes", "packages", "owners", "vm"]) {
			const value = await line.get(encodeKey(kind, vm));
			if (value !== undefined) operations.push({ type: "put", key: encodeKey(kind, vm), value });
		}
		await db.batch(operations, { sync: true });
		// Once: should the agent lose its data, the collector's head will be another.
		await line.del(READY, { sync: true });
		return headId;
	} finally {
		await line.close();
	}
}

async function copyRange(from: AgentDb, to: AgentDb, kind: string, vm: string): Promise<void> {
	await to.clear(keyRange(kind, vm));
	let batch: AgentOperation[] = [];
	const write = async () => {
		await to.batch(batch, { sync: true });
		batch = [];
	};
	for await (const [key, value] of from.iterator(keyRange(kind, vm))) {
		batch.push({ type: "put", key, value });
		if (batch.length >= BATCH) await write();
	}
	await write();
}
