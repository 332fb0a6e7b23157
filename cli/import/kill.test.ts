import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openSite } from "../../collector/api/testing.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { startUmbra } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";

const BLOCKS = 800;
const SNAPSHOTS = 3;
const KILLS = Number(process.env["UMBRA_KILL_ROUNDS"] ?? 2);

// biome-ignore lint/suspicious/noExplicitAny: JSON, looked at field by field
type Json = any;

describe("umbra import, killed", needs("qemu-img", "qemu-io", "qemu-nbd"), () => {
	it("goes on with the first snapshot that is not there, and brings none twice", async (context) => {
		const random = testRandom(context);
		await using temp = await tempFolder();
		await using site = await openSite();
		const [image, raw] = [temp.file("a.qcow2"), temp.file("a.raw")];
		const disk = Buffer.from(random.bytes(BLOCKS * BLOCK_SIZE));
		await writeFile(raw, disk);
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, image]);
		const wanted: Buffer[] = [];
		for (let at = 0; at < SNAPSHOTS; at++) {
			if (at > 0) {
				const block = random.below(BLOCKS / 2);
				const bytes = (BLOCKS / 4) * BLOCK_SIZE;
				disk.fill(at, block * BLOCK_SIZE, block * BLOCK_SIZE + bytes);
				await runProgram("qemu-io", ["-c", `write -P ${at} ${block * BLOCK_SIZE} ${bytes}`, image]);
			}
			await runProgram("qemu-img", ["snapshot", "-c", `s${at}`, image]);
			wanted.push(Buffer.from(disk));
		}
		const start = () =>
			startUmbra([
				...["import", "vm", image, "--json", "--threads", "1", "--spool", "16MiB"],
				...["--address", site.collector.agentAddress, "--state", temp.file("state")],
			]);
		const there = async (): Promise<Json[]> => {
			const response = await site.request("/v1/vms/vm/points?order=oldest");
			return response.status === 404 ? [] : ((await response.json()) as Json).items;
		};
		const spool = temp.file("state/vm-vm/main/spool/segments");
		/** What there is to be seen of an import that is under way. */
		const stages: readonly (() => boolean | Promise<boolean>)[] = [
			() => existsSync(temp.file("state/vm-vm/main/state")),
			() => existsSync(spool) && readdirSync(spool).length > 0,
			async () => (await there()).length > 0,
			async () => (await there()).length > 1,
		];
		let kept: string[] = [];
		let cut = 0;
		for (let kill = 0; kill < KILLS; kill++) {
			await using program = await start();
			let ended = false;
			void program.finished.then(() => {
				ended = true;
			});
			const stage = random.pick(stages);
			await until(async () => ended || (await stage()), { what: "it is at work", timeoutMs: 120_000, intervalMs: 2 });
			await sleep(random.below(100));
			if (!ended) cut++;
			await program.kill();
			const times = (await there()).map(({ time }) => time as string);
			for (const time of kept) assert.ok(times.includes(time), "what was there is there");
			kept = times;
		}
		await using program = await start();
		assert.equal(await program.finished, 0, program.output());
		const lines: Json[] = program
			.stdout()
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		assert.deepEqual(
			lines.map(({ name, state }) => [name, state === "there" || state === "imported"]),
			wanted.map((_, at) => [`s${at}`, true]),
		);
		const points = await there();
		assert.equal(points.length, SNAPSHOTS);
		for (const [at, { time }] of points.entries()) {
			const response = await site.request(`/v1/vms/vm/points/${time}/disks/vda/data`);
			assert.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), wanted[at]!), 0, `s${at}`);
		}
		const { head } = await site.json("/v1/vms/vm/chain");
		const { check } = await site.json(`/v1/vms/vm/chain/verify?head=${head}`);
		assert.deepEqual([check.links, check.broken], [SNAPSHOTS, null]);
		assert.ok(cut > 0, "it was never at work when it was to be killed");
		context.diagnostic(`killed ${cut} times; ${kept.length} of ${SNAPSHOTS} were there after the last`);
	});
});
