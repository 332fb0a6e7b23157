/**
 * What an agent that was killed left of its trials is ended and removed before this one begins any. Processes die with
 * their agent; those that did not are found by the journal and by their mark, and killed only where they are the very
 * same.
 */
import { readdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, UmbraError } from "../../common/errors.ts";
import { KernelTree } from "../proc/tree.ts";
import { removeGroup } from "./control-groups.ts";
import { readRecord } from "./journal.ts";
import { identify, MARK, type ProcessId } from "./process.ts";

const LOOK_MS = 10;
/** A process that does not die of SIGKILL for so long waits for a device that does not answer. */
const KILL_MS = 10_000;

export interface Swept {
	readonly templates: number;
	readonly processes: number;
}

/** @throws UmbraError `conflict` where something of them cannot be ended. */
export async function sweepTrials(folder: string): Promise<Swept> {
	const templates = await folders(folder);
	const found = new Map<number, ProcessId>(markedProcesses(folder).map((id) => [id.pid, id]));
	const groups: string[] = [];
	for (const template of templates) {
		for (const place of [template, ...(await folders(template))]) {
			const record = await readRecord(place);
			groups.push(...(record?.groups ?? []));
			for (const id of record?.processes ?? []) if (isSame(id)) found.set(id.pid, id);
		}
	}
	for (const id of found.values()) await kill(id);
	for (const group of groups) await removeGroup(dirname(group));
	for (const template of templates) await rm(template, { recursive: true, force: true, maxRetries: 3 });
	return { templates: templates.length, processes: found.size };
}

/** Processes that carry the mark of a trial below this folder. */
export function markedProcesses(folder: string): ProcessId[] {
	const tree = new KernelTree();
	return readdirSync("/proc").flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		const before = identify(Number(name));
		const marks = tree.text(`/proc/${name}/environ`)?.split("\0") ?? [];
		const isOurs = marks.some((entry) => entry.startsWith(`${MARK}=${folder}/`));
		return isOurs && before !== undefined && isSame(before) ? [before] : [];
	});
}

function isSame(id: ProcessId): boolean {
	const now = identify(id.pid);
	return now !== undefined && now.started === id.started && now.boot === id.boot;
}

async function kill(id: ProcessId): Promise<void> {
	const deadline = performance.now() + KILL_MS;
	while (isSame(id)) {
		try {
			process.kill(id.pid, "SIGKILL");
		} catch (error) {
			if (errnoOf(error) === "ESRCH") return;
			throw new UmbraError("conflict", `cannot end process ${id.pid} that an earlier agent left`, { cause: error });
		}
		if (performance.now() > deadline) {
			throw new UmbraError("conflict", `process ${id.pid}, which an earlier agent left, does not end`, {
				hint: "it waits for something that does not answer; is the host's disk in order?",
			});
		}
		await sleep(LOOK_MS);
	}
}

async function folders(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
		if (errnoOf(error) === "ENOENT") return [];
		throw error;
	});
	return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}
