/** The collector is killed while points go and space is given back; every point that it still names is as it was. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isZero } from "../../common/block.ts";
import { v1 } from "../../proto/service.ts";
import { type Program, startProgram } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { type Chunk, fileChange, randomBlock, rawChunk, TestAgent, TestVm } from "../ingest/test-agent.ts";

const ROUNDS = Number(process.env["UMBRA_KILL_ROUNDS"] ?? 2);
const BLOCKS = 60;
const KEPT = 3;
const MAIN = new URL("../main.ts", import.meta.url).href;

interface Running extends AsyncDisposable {
	readonly program: Program;
	readonly agents: string;
	readonly api: string;
}

async function start(config: string): Promise<Running> {
	const code = `await (await import(${JSON.stringify(MAIN)})).main(${JSON.stringify(config)}, new AbortController().signal)`;
	const program = await startProgram(process.execPath, ["--input-type=module", "-e", code]);
	await program.said(/"collector started"/);
	const line =
		program
			.output()
			.split("\n")
			.find((text) => text.includes('"collector started"')) ?? "{}";
	const { agents, api } = JSON.parse(line);
	return { program, agents, api, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Every block that stands on the disk. */
function standing(vm: TestVm): Chunk[] {
	return Array.from({ length: BLOCKS }, (_, at) => vm.block("vda", at))
		.filter((block) => !isZero(block))
		.map(rawChunk);
}

describe("a collector that is killed while it gives back space", () => {
	it("has every point that it names, and the newest that it acknowledged", async (context) => {
		const random = testRandom(context);
		const next = () => random.fraction();
		await using folder = await tempFolder();
		const config = folder.file("collector.yaml");
		await writeFile(
			config,
			[
				`dataDir: ${folder.file("data")}`,
				'listen: { agents: "127.0.0.1:0", api: "127.0.0.1:0" }',
				`retention: { last: ${KEPT}, hourly: 0, daily: 0, weekly: 0, monthly: 0 }`,
				'gc: { every: "0s", grace: "0s", rewriteBelow: 1, bytesPerSecond: 10GB }',
			].join("\n"),
		);
		const vm = new TestVm("vm", { vda: BLOCKS });
		/** What the disk held, by changeset. */
		const disks = new Map<string, Buffer>();
		let packs = 0;

		/** Captures until the collector is gone. */
		const capture = async (running: Running): Promise<void> => {
			await using agent = new TestAgent(running.agents);
			for (;;) {
				// Five captures to a pack, and few blocks that live for long.
				for (let at = 0; at < BLOCKS; at++) if (random.chance(0.9)) vm.write("vda", at, randomBlock(next));
				const parts = vm.parts({}, [fileChange("/a")]);
				const id = parts[0]?.header?.id ?? "";
				disks.set(id, Buffer.from(vm.disks.get("vda")!));
				try {
					for (let attempt = 0; ; attempt++) {
						// All that stands there: what went meanwhile is brought again, as an agent's spool would.
						await agent.upload(standing(vm), 8);
						const { status } = await agent.submit(parts);
						if (status === v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED) break;
						assert.equal(status, v1.SubmitStatus.SUBMIT_STATUS_MISSING);
						assert.ok(attempt < 20);
					}
				} catch (error) {
					if (error instanceof assert.AssertionError) throw error;
					// It may have arrived all the same: the next changeset builds upon what is there.
					return;
				}
				vm.baseId = id;
			}
		};

		/** Drops points and gives back space until the collector is gone. */
		const keepHouse = async ({ api }: Running): Promise<void> => {
			for (;;) {
				try {
					await fetch(`http://${api}/v1/vms/vm/retention`, { method: "POST" });
					await (await fetch(`http://${api}/v1/vault/gc`, { method: "POST" })).arrayBuffer();
					// biome-ignore lint/suspicious/noExplicitAny: JSON, looked at field by field
					const { gc } = (await (await fetch(`http://${api}/v1/vault/job`)).json()) as any;
					packs += (gc?.removedPacks ?? 0) + (gc?.rewrittenPacks ?? 0);
				} catch {
					return;
				}
			}
		};

		const verify = async ({ api }: Running): Promise<void> => {
			const answer = await fetch(`http://${api}/v1/vms/vm/points?order=oldest&limit=1000`);
			const { items } = (await answer.json()) as { items: { id: string; time: string }[] };
			for (const [at, { id, time }] of items.entries()) {
				const data = await fetch(`http://${api}/v1/vms/vm/points/${time}/disks/vda/data`);
				// Retention runs at every start: those that it does not keep may be gone since they were listed.
				if (data.headers.get("umbra-time") !== time && at < items.length - KEPT) continue;
				assert.equal(data.status, 200, id);
				assert.equal(
					Buffer.compare(Buffer.from(await data.arrayBuffer()), disks.get(id)!),
					0,
					`${id} reads differently`,
				);
			}
			const ids = items.map(({ id }) => id);
			assert.ok(ids.includes(vm.baseId), `${vm.baseId} was acknowledged and is not there`);
			vm.baseId = ids.at(-1) ?? "";
		};

		for (let round = 0; round < ROUNDS; round++) {
			await using running = await start(config);
			if (round > 0) await verify(running);
			const before = [disks.size, packs];
			const work = Promise.all([capture(running), keepHouse(running)]);
			const isAtWork = () => disks.size > before[0]! + KEPT && packs > before[1]!;
			await until(isAtWork, { what: "packs to go" });
			await sleep(random.below(200));
			await running.program.kill();
			await work;
		}
		await using running = await start(config);
		await verify(running);
		await fetch(`http://${running.api}/v1/vault/check?readShare=1`, { method: "POST" });
		const job = await until(
			async () => {
				// biome-ignore lint/suspicious/noExplicitAny: JSON, looked at field by field
				const now = (await (await fetch(`http://${running.api}/v1/vault/job`)).json()) as any;
				return now.state === "running" ? undefined : now;
			},
			{ what: "the check" },
		);
		assert.deepEqual([job.check?.packDamage, job.check?.treeDamage], [[], []]);
		context.diagnostic(`${disks.size} captures, ${packs} packs given up`);
	});
});
