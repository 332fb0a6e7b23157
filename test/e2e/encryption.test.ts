/** A collector whose vault is encrypted, as an operator sets it up: real programs, real files, a stand-in for the agent. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse, stringify } from "yaml";
import { fileChange, TestAgent, TestVm } from "../../collector/ingest/test-agent.ts";
import type { VaultJob } from "../../collector/retention/vault-jobs.ts";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { startUmbra } from "../support/processes.ts";
import { testRandom } from "../support/random.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const BLOCKS = 60;

async function umbra(...args: string[]): Promise<{ code: number | null; said: string }> {
	await using program = await startUmbra(args);
	const code = await program.finished;
	return { code, said: program.output() };
}

/** Every file below a folder. */
async function filesOf(folder: string): Promise<Map<string, Buffer>> {
	const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
	const paths = files.map(({ parentPath, name }) => join(parentPath, name));
	return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
}

describe("an encrypted vault", () => {
	it("takes in, restores and checks, shows nothing on disk, and opens with its present key only", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const [first, second] = [folder.file("first.key"), folder.file("second.key")];
		await Promise.all([first, second].map((file) => umbra("vault", "init-key", file)));
		assert.equal((await stat(first)).mode & 0o777, 0o600);

		await mkdir(folder.file("site"));
		await using site = await Site.start({
			folder: folder.file("site"),
			sockets: [folder.file("none")],
			collector: { vault: { encryption: { keyFile: first } } },
		});
		await site.agent?.kill();
		const config = folder.file("site/collector.yaml");
		const vm = new TestVm("web-1", { vda: BLOCKS });
		/** SHA-256 of the disk at each point. */
		const points = new Map<string, string>();
		const capture = async () => {
			await using agent = new TestAgent(`127.0.0.1:${site.agentPort}`);
			for (let count = 0; count < 20; count++) {
				const block = Buffer.from(random.bytes(BLOCK_SIZE));
				if (random.chance(0.5)) block.fill(`row ${random.below(1e9)};`, BLOCK_SIZE / 4);
				vm.write("vda", random.below(BLOCKS), block);
			}
			await vm.capture(agent, [fileChange("/srv/ledger.db")]);
			const { time } = (await site.changes("web-1")).at(-1)!;
			points.set(time, createHash("sha256").update(vm.disks.get("vda")!).digest("hex"));
		};
		const assertRestores = async () => {
			for (const [time, sha256] of points) assert.equal(await site.restoredSha256("web-1", time, "vda"), sha256);
		};

		await capture();
		await capture();
		await assertRestores();

		// Not while it runs.
		const rotate = ["vault", "rotate-key", "--config", config, "--new-key-file", second];
		const busy = await umbra(...rotate);
		assert.equal(busy.code, 1);
		assert.match(busy.said, /is locked: another process has this vault open/);
		await site.collector?.kill();

		// Neither contents nor names of blocks are in any file, be it the vault's or the catalog's.
		const files = await filesOf(folder.file("site/collector"));
		assert.ok([...files.keys()].some((path) => path.endsWith(".pack")));
		for (const [path, bytes] of files) {
			for (let block = 0; block < BLOCKS; block++) {
				const content = vm.block("vda", block);
				if (content.every((byte) => byte === 0)) continue;
				const name = Buffer.from(blake3Name(content));
				for (const secret of [content.subarray(100, 116), name.subarray(0, 12), Buffer.from(name.toString("hex"))]) {
					assert.ok(!bytes.includes(secret), `block ${block} in ${path}`);
				}
			}
		}

		const rotated = await umbra(...rotate);
		assert.equal(rotated.code, 0, rotated.said);
		await assert.rejects(site.startCollector(), /does not open the keyring/);
		const settings = parse(await readFile(config, "utf8"));
		await writeFile(config, stringify({ ...settings, vault: { encryption: { keyFile: second } } }));
		await site.startCollector();
		await capture();
		await assertRestores();

		let job = await site.client.post<VaultJob>("/v1/vault/check", { readShare: 1 });
		job = await until(
			async () => {
				const now = await site.client.get<VaultJob>("/v1/vault/job");
				return now.state === "running" ? undefined : now;
			},
			{ what: "the check ends" },
		);
		assert.equal(job.error, null);
		assert.deepEqual([job.state, job.check?.packDamageCount, job.check?.damagedTrees], ["done", 0, 0]);
		assert.equal(job.check?.readPacks, job.check?.packs);
	});
});
