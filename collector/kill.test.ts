/** The collector is killed in the middle of its work; what it acknowledged must be there afterwards. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BLOCK_SIZE, isZero } from "../common/block.ts";
import { v1 } from "../proto/service.ts";
import { fileChange, type Part, random, randomBlock, rawChunk, TestAgent, TestVm } from "./ingest/test-agent.ts";

const seed = Number(process.env["UMBRA_TEST_SEED"] ?? Date.now() % 2 ** 32);
const ROUNDS = Number(process.env["UMBRA_KILL_ROUNDS"] ?? 2);
const BLOCKS = 8;
const { SubmitStatus } = v1;

interface Running {
	readonly child: ChildProcess;
	readonly agents: string;
	readonly api: string;
}

async function start(config: string): Promise<Running> {
	const main = new URL("./main.ts", import.meta.url).href;
	const program = `await (await import(${JSON.stringify(main)})).main(${JSON.stringify(config)}, new AbortController().signal)`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
		stdio: ["ignore", "ignore", "pipe"],
	});
	const lines: string[] = [];
	for await (const line of createInterface({ input: child.stderr! })) {
		lines.push(line);
		const { msg, agents, api } = line.startsWith("{") ? JSON.parse(line) : {};
		if (msg === "collector started") {
			child.stderr!.resume();
			return { child, agents, api };
		}
	}
	throw new Error(`the collector did not start:\n${lines.join("\n")}`);
}

/** A VM, what was acknowledged of it, and what may or may not have arrived. */
class Witness {
	readonly vm: TestVm;
	readonly acknowledged: { readonly id: string; readonly disk: Buffer }[] = [];
	#pending: { readonly parts: readonly Part[]; readonly disk: Buffer } | undefined;
	readonly #next: () => number;

	constructor(name: string, next: () => number) {
		this.vm = new TestVm(name, { vda: BLOCKS });
		this.#next = next;
	}

	/** Captures until the collector is gone. */
	async work(agent: TestAgent): Promise<void> {
		for (;;) {
			this.#pending ??= this.#change();
			const { parts, disk } = this.#pending;
			const id = parts[0]?.header?.id ?? "";
			try {
				const blocks = Array.from({ length: BLOCKS }, (_, at) => disk.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE));
				await agent.upload(blocks.filter((block) => !isZero(block)).map(rawChunk), 3);
				const { status, message } = await agent.submit(parts);
				const taken = status === SubmitStatus.SUBMIT_STATUS_ACCEPTED || status === SubmitStatus.SUBMIT_STATUS_DUPLICATE;
				assert.ok(taken, `${SubmitStatus[status ?? 0]}: ${message}`);
			} catch (error) {
				if (error instanceof assert.AssertionError) throw error;
				return;
			}
			this.acknowledged.push({ id, disk });
			this.vm.baseId = id;
			this.#pending = undefined;
		}
	}

	#change() {
		for (let count = 1 + Math.floor(this.#next() * 3); count > 0; count--) {
			const block = this.#next() < 0.2 ? Buffer.alloc(BLOCK_SIZE) : randomBlock(this.#next, 0.1);
			this.vm.write("vda", Math.floor(this.#next() * BLOCKS), block);
		}
		// Some are too many for one batch, and staged.
		const files = Array.from({ length: this.#next() < 0.3 ? 2500 : 2 }, (_, at) => fileChange(`/f/${at}`));
		return { parts: this.vm.parts({}, files), disk: Buffer.from(this.vm.disks.get("vda")!) };
	}

	/** Every acknowledged changeset from number `from` on is there, with all its files, and reads back. */
	async verify(api: string, from: number): Promise<void> {
		const base = `http://${api}/v1/vms/${this.vm.vm}`;
		const known = new Map<string, { time: string; fileCount: number }>();
		for (let cursor = ""; ; ) {
			const response = await fetch(`${base}/points?limit=1000${cursor}`);
			if (response.status === 404) {
				assert.equal(this.acknowledged.length, 0, "a VM with acknowledged changesets is not known");
				return;
			}
			const page = (await response.json()) as {
				items: { id: string; time: string; fileCount: number }[];
				next: string | null;
			};
			for (const item of page.items) known.set(item.id, item);
			if (page.next === null) break;
			cursor = `&cursor=${encodeURIComponent(page.next)}`;
		}
		for (const { id, disk } of this.acknowledged.slice(from)) {
			const point = known.get(id);
			assert.ok(point !== undefined, `${id} was acknowledged but is not there`);
			const data = await fetch(`${base}/points/${point.time}/disks/vda/data`);
			assert.ok(Buffer.from(await data.arrayBuffer()).equals(disk), `${id} does not read back`);
			const paths: string[] = [];
			for (let cursor = ""; ; ) {
				const response = await fetch(`${base}/changes/${point.time}?limit=1000${cursor}`);
				const { files } = (await response.json()) as { files: { items: { path: string }[]; next: string | null } };
				for (const { path } of files.items) paths.push(path);
				if (files.next === null) break;
				cursor = `&cursor=${encodeURIComponent(files.next)}`;
			}
			assert.deepEqual(
				paths,
				Array.from({ length: point.fileCount }, (_, at) => `/f/${at}`),
				id,
			);
		}
	}
}

describe("a collector that is killed", () => {
	it(`has every changeset that it acknowledged (${ROUNDS} rounds, seed ${seed})`, async () => {
		const next = random(seed);
		const folder = await mkdtemp(join(tmpdir(), "umbra-kill-"));
		let running: Running | undefined;
		try {
			const config = join(folder, "collector.yaml");
			const listen = 'listen: { agents: "127.0.0.1:0", api: "127.0.0.1:0" }';
			await writeFile(config, `dataDir: ${join(folder, "data")}\nlog: info\n${listen}\n`);
			const witnesses = [new Witness("one", next), new Witness("two", next)];
			for (let round = 0; round < ROUNDS; round++) {
				running = await start(config);
				const { agents, child } = running;
				const verified = witnesses.map(({ acknowledged }) => acknowledged.length);
				await using agent = new TestAgent(agents);
				const work = Promise.all(witnesses.map((witness) => witness.work(agent)));
				const before = verified.reduce((sum, count) => sum + count, 0);
				const progress = () => witnesses.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0) - before;
				// At work; then any instant will do, and there is nothing to wait for.
				while (progress() === 0) {
					assert.equal(child.exitCode, null, "the collector ended by itself");
					await sleep(1);
				}
				await sleep(next() * 300);
				child.kill("SIGKILL");
				if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
				await work;
				running = await start(config);
				for (const [at, witness] of witnesses.entries()) await witness.verify(running.api, verified[at] ?? 0);
				running.child.kill("SIGKILL");
				await once(running.child, "exit");
			}
			running = await start(config);
			for (const witness of witnesses) {
				assert.ok(witness.acknowledged.length > 0, "nothing was ever acknowledged");
				await witness.verify(running.api, 0);
			}
			type Health = { judging: { waiting: number; unjudgeable: number } };
			for (;;) {
				const { judging } = (await (await fetch(`http://${running.api}/v1/health`)).json()) as Health;
				assert.equal(judging.unjudgeable, 0);
				if (judging.waiting === 0) break;
			}
			const listed = (await (await fetch(`http://${running.api}/v1/vms/one/points?limit=1000`)).json()) as {
				items: { severity: string | null }[];
			};
			for (const { severity } of listed.items) assert.notEqual(severity, null, "a changeset was never judged");
		} finally {
			running?.child.kill("SIGKILL");
			await rm(folder, { recursive: true, force: true });
		}
	});
});
