import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { stringify } from "yaml";
import { random as prng, randomBlock, TestAgent, TestVm } from "../../collector/ingest/test-agent.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { type Program, startUmbra } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { freePort } from "../../test/support/site.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";

const BLOCKS = 800;
const KILLS = 1;

describe("umbra restore, killed", needs("qemu-img"), () => {
	it("goes on where it was, itself or the collector killed at any instant", async (context) => {
		const random = testRandom(context);
		const format = random.pick(["raw", "qcow2"]);
		await using temp = await tempFolder();
		const [agents, api] = [await freePort(), await freePort()];
		const config = temp.file("collector.yaml");
		const listen = { agents: `127.0.0.1:${agents}`, api: `127.0.0.1:${api}` };
		await writeFile(config, stringify({ dataDir: temp.file("collector"), listen }));
		const url = `http://127.0.0.1:${api}`;
		const start = async (): Promise<Program> => {
			const program = await startUmbra(["collector", "--config", config]);
			const answers = () =>
				fetch(`${url}/v1/health`).then(
					({ ok }) => ok,
					() => false,
				);
			await until(answers, { what: "the collector answers", timeoutMs: 60_000 });
			return program;
		};
		let collector = await start();
		await using _stack = { [Symbol.asyncDispose]: async () => await collector[Symbol.asyncDispose]() };
		const vm = new TestVm("vm", { vda: BLOCKS });
		const next = prng(random.below(2 ** 31));
		for (let at = 0; at < BLOCKS; at++) if (next() < 0.7) vm.write("vda", at, randomBlock(next, 0.05));
		{
			await using agent = new TestAgent(`127.0.0.1:${agents}`);
			await vm.capture(agent);
		}
		const disk = vm.disks.get("vda")!;
		const out = temp.file(`out.${format}`);
		const restore = () => startUmbra(["restore", "vm@latest", "vda", out, "--json", "--collector", url]);
		// Room that the unfinished file takes, which grows as it is written.
		const taken = async () => (existsSync(`${out}.partial`) ? (await stat(`${out}.partial`)).blocks * 512 : 0);
		for (let kill = 0; kill < KILLS && !existsSync(out); kill++) {
			await using program = await restore();
			let ended = false;
			void program.finished.then(() => {
				ended = true;
			});
			const most = random.below(disk.length * 0.7);
			await until(async () => ended || (await taken()) > most, { what: "it is there", intervalMs: 1 });
			if (random.chance(0.5)) await program.kill();
			else {
				await collector.kill();
				const code = await program.finished;
				collector = await start();
				if (code !== 0) assert.match(program.output(), /cannot reach the collector|run the same command again|cut/);
			}
		}
		if (!existsSync(out)) {
			const there = await taken();
			await using program = await restore();
			assert.equal(await program.finished, 0, program.output());
			const { keptBytes, dataBytes } = JSON.parse(program.stdout());
			context.diagnostic(`${there} bytes lay there, ${keptBytes} of ${dataBytes} were kept`);
		}
		const left = (await readdir(temp.path)).filter((name) => name.startsWith("out"));
		assert.deepEqual(left, [`out.${format}`]);
		if (format === "qcow2") await runProgram("qemu-img", ["check", "-q", "-f", "qcow2", out]);
		await runProgram("qemu-img", ["convert", "-f", format, "-O", "raw", out, temp.file("flat")]);
		const flat = await readFile(temp.file("flat"));
		assert.equal(flat.length, BLOCKS * BLOCK_SIZE);
		assert.ok(flat.equals(disk));
	});
});
