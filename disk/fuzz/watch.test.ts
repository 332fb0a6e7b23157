import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { type Bounds, type Outcome, watch } from "./watch.ts";

const MIB = 1 << 20;
const BOUNDS: Bounds = { roundMs: 60_000, startMs: 60_000, memoryBytes: 256 * MIB, minRounds: 1000 };

/** A worker that begins a few rounds and then does something. */
async function watched(action: string, bounds: Partial<Bounds> = {}): Promise<Outcome> {
	await using folder = await tempFolder();
	const program = folder.file("worker.mjs");
	const lines = [
		'process.send({ kind: "ready" });',
		"for (let round = 0; ; round++) {",
		'	process.send({ kind: "round", round });',
		"	await new Promise((resolve) => setTimeout(resolve, 1));",
		`	if (round === 4) ${action}`,
		"}",
	];
	await writeFile(program, lines.join("\n"));
	return await watch(program, "", 0, { ...BOUNDS, ...bounds });
}

describe("watch", () => {
	it("ends a worker after enough rounds", async () => {
		const { rounds, fault, base } = await watched("{}", { minRounds: 20 });
		assert.equal(fault, undefined);
		assert.ok(rounds >= 20 && base > MIB);
	});

	it("tells of a round that does not end, and ends it", async () => {
		// On a host that has no time for it an earlier one may take as long.
		await until(
			async () => {
				const { rounds, fault } = await watched("for (;;);", { roundMs: 300 });
				assert.match(fault ?? "", /^no end after \d+ ms$/);
				return rounds === 5;
			},
			{ what: "the fifth round is told of" },
		);
	});

	it("tells of a round that takes too much memory, even if it gives it back", async () => {
		const { rounds, fault, memory } = await watched("Buffer.alloc(300 * 2 ** 20, 1);");
		assert.ok(rounds >= 5 && memory > 256 * MIB);
		assert.match(fault ?? "", /^\d+ bytes of memory/);
	});

	it("tells of a heap that is full, of an error, and of an end", async () => {
		const heap = await watched("for (const kept = []; ; ) kept.push(new Array(10_000).fill(round));", {
			memoryBytes: 2 ** 33,
		});
		assert.match(heap.fault ?? "", /^the worker ended with SIG.*heap/is);
		const told = await watched('process.send({ kind: "failed", round, error: "a fault" });');
		assert.equal(told.fault, "a fault");
		const ended = await watched("process.exit(7);");
		assert.match(ended.fault ?? "", /^the worker ended with 7/);
	});

	it("tells of a worker that never begins", async () => {
		await using folder = await tempFolder();
		await writeFile(folder.file("worker.mjs"), "for (;;);");
		const { rounds, fault } = await watch(folder.file("worker.mjs"), "", 0, { ...BOUNDS, startMs: 300 });
		assert.equal(rounds, 0);
		assert.match(fault ?? "", /^no end after/);
	});
});
