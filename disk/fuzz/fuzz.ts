/**
 * `disk/fuzz/` holds every parser against damaged disks: real images, damaged block by block where their structures
 * are, are opened, scanned and read in every way. Nothing but an UmbraError may come of it, in bounded time and memory.
 *
 * A *subject* is an image, or several that are one machine's disks; a *round* is one damaged version of it. Rounds run
 * in a process of their own, which is ended where one hangs or takes too much. What a round does follows from the
 * image, the seed and its number; the damaged disks of a round that failed are kept, and named in the failure.
 *
 * Only tests use this folder: `fuzz.test.ts` of each format for some seconds, `fuzz.long.test.ts` for longer.
 */
import assert from "node:assert/strict";
import { mkdtemp, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Random, testRandom } from "../../test/support/random.ts";
import type { Needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import { PAGE } from "./damaged-source.ts";
import { type FuzzFormat, type FuzzOrder, Rounds } from "./rounds.ts";
import { type Bounds, watch } from "./watch.ts";

export interface FuzzSubject {
	readonly name: string;
	readonly format: FuzzFormat;
	readonly needs: () => Needs;
	/** Makes the images at `path` + "0", `path` + "1", ... @returns their paths. */
	readonly make: (path: string) => Promise<readonly string[]>;
	/** Paths of files whose content is damaged too. */
	readonly content?: readonly string[];
}

const BOUNDS: Bounds = {
	// Generous, since the machine may be busy.
	roundMs: 20_000,
	startMs: 60_000,
	memoryBytes: 256 << 20,
	minRounds: 10,
};
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** @param seconds shared by the subjects; UMBRA_FUZZ_SECONDS overrides it. */
export function fuzzes(parser: string, seconds: number, subjects: readonly FuzzSubject[]): void {
	const each = (Number(process.env["UMBRA_FUZZ_SECONDS"] ?? seconds) * 1000) / subjects.length;
	describe(`${parser} on damaged disks`, () => {
		for (const subject of subjects) {
			it(
				`throws nothing but UmbraError, ends, and takes no more memory than it may: ${subject.name}`,
				subject.needs(),
				async (t) => {
					t.diagnostic(await fuzz(subject, testRandom(t), each));
				},
			);
		}
	});
}

async function fuzz(subject: FuzzSubject, random: Random, milliseconds: number): Promise<string> {
	await using folder = await tempFolder();
	const images = await subject.make(folder.file("image"));
	const order = { format: subject.format, images, content: subject.content ?? [], seed: random.seed };
	const { rounds, fault, memory, base } = await watch(WORKER, JSON.stringify(order), milliseconds, BOUNDS);
	if (fault !== undefined && rounds > 0) assert.fail(`round ${rounds - 1}, ${await keep(order, rounds - 1)}: ${fault}`);
	assert.equal(fault, undefined);
	return `${rounds} rounds, at most ${Math.round(memory / 2 ** 20)} MiB more than ${Math.round(base / 2 ** 20)} MiB`;
}

/** Writes the damaged disks of a round where they stay. @returns their folder. */
async function keep(order: FuzzOrder, round: number): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), `umbra-fuzz-${order.format}-`));
	const rounds = await Rounds.prepare(order);
	for (const [at, source] of (await rounds.damaged(round)).entries()) {
		const path = join(folder, `disk${at}`);
		await run("cp", ["--sparse=always", order.images[at]!, path]);
		await using file = await open(path, "r+");
		for (const offset of source.damaged) await file.write(await source.page(offset), 0, PAGE, offset);
		await file.truncate(source.size);
	}
	return folder;
}
