/**
 * What was made of a template and its clones, in a JSON record in the folder of each, so that an agent that was killed
 * leaves nothing that the next one cannot find. Control groups are written down before they are made, processes once they
 * have a number; until then they are found by their mark.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ProcessId } from "./process.ts";

const FILE = "record.json";
const shape = z.object({
	version: z.literal(1),
	id: z.string(),
	point: z.string(),
	madeAt: z.string(),
	/** Files that take numbers of processes, in the folders of control groups. */
	groups: z.array(z.string()),
	processes: z.array(z.object({ pid: z.number(), boot: z.string(), started: z.number() })),
});

type TrialRecord = z.output<typeof shape>;

export class Journal {
	readonly #path: string;
	#record: TrialRecord | undefined;

	constructor(folder: string) {
		this.#path = join(folder, FILE);
	}

	async begin(about: {
		readonly id: string;
		readonly point: string;
		readonly groups: readonly string[];
	}): Promise<void> {
		const { id, point, groups } = about;
		this.#record = { version: 1, id, point, madeAt: new Date().toISOString(), groups: [...groups], processes: [] };
		await this.#write();
	}

	async add(process: ProcessId): Promise<void> {
		this.#record?.processes.push({ ...process });
		await this.#write();
	}

	/** Whole or not at all. */
	async #write(): Promise<void> {
		const draft = `${this.#path}.new`;
		await writeFile(draft, JSON.stringify(this.#record), { mode: 0o600 });
		await rename(draft, this.#path);
	}
}

/** Undefined where there is none, or none that makes sense: what is left is then found by its mark. */
export async function readRecord(folder: string): Promise<TrialRecord | undefined> {
	try {
		return shape.parse(JSON.parse(await readFile(join(folder, FILE), "utf8")));
	} catch {
		return undefined;
	}
}
