/** Retention, giving back space and checking, as an operator meets them: over HTTP, with a real collector behind it. */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { v1 } from "../../proto/service.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Conformance, type OpenApi } from "../api/conformance.ts";
import { openApiDocument } from "../api/server.ts";
import { Collector } from "../collector.ts";
import { collectorConfig } from "../config.ts";
import { fileChange, random, randomBlock, rawChunk, TestAgent, TestVm } from "../ingest/test-agent.ts";
import { flipBit } from "../vault/testing.ts";

const BLOCKS = 40;
const { SubmitStatus } = v1;

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
type Json = any;

describe("retention", () => {
	const resources = new AsyncDisposableStack();
	const next = random(7);
	let folder: TempFolder;
	let collector: Collector;
	let conformance: Conformance;
	let agent: TestAgent;

	before(async () => {
		conformance = new Conformance(JSON.parse(await openApiDocument()) as OpenApi);
		folder = resources.use(await tempFolder());
		await start();
	});
	after(async () => {
		await agent?.[Symbol.asyncDispose]();
		await collector?.[Symbol.asyncDispose]();
		await resources[Symbol.asyncDispose]();
	});

	async function start(): Promise<void> {
		await agent?.[Symbol.asyncDispose]();
		await collector?.[Symbol.asyncDispose]();
		const config = collectorConfig.parse({
			dataDir: folder.file("data"),
			listen: { agents: "127.0.0.1:0", api: "127.0.0.1:0" },
			retention: { last: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, every: "1h" },
			vms: [{ match: "all-*", retention: { keepAll: true } }],
			gc: { every: "0s" },
		});
		collector = await Collector.start(config, silentLogger());
		agent = new TestAgent(collector.agentAddress);
	}

	async function ask(method: string, path: string, status = 200): Promise<Json> {
		const response = await fetch(`http://${collector.apiAddress}${path}`, { method });
		const body = await response.json();
		conformance.check(method, path, response, body);
		assert.equal(response.status, status, JSON.stringify(body));
		return body;
	}

	/** What a job came to. */
	async function job(path: string): Promise<Json> {
		const { id } = await ask("POST", path);
		return await until(
			async () => {
				const now = await ask("GET", `/v1/vault/job?id=${id}`);
				return now.state !== "running" ? now : undefined;
			},
			{ what: path },
		);
	}

	/** So many points, each with some blocks of its own; what the disk held at each. */
	async function points(vm: TestVm, count: number): Promise<{ time: string; disk: Buffer }[]> {
		const taken: { time: string; disk: Buffer }[] = [];
		for (let at = 0; at < count; at++) {
			for (let more = 0; more < 4; more++) vm.write("vda", Math.floor(next() * BLOCKS), randomBlock(next));
			await vm.capture(agent, [fileChange(`/srv/${at}`), fileChange("/same")]);
			taken.push({ time: vm.timeNs.toString(), disk: Buffer.from(vm.disks.get("vda")!) });
		}
		await until(async () => (await ask("GET", "/v1/health")).judging.waiting === 0, { what: "all to be judged" });
		return taken;
	}

	const times = async (vm: string): Promise<string[]> =>
		(await ask("GET", `/v1/vms/${vm}/points?order=oldest`)).items.map(({ time }: { time: string }) => time);

	async function readsBack(vm: string, { time, disk }: { time: string; disk: Buffer }): Promise<void> {
		const response = await fetch(`http://${collector.apiAddress}/v1/vms/${vm}/points/${time}/disks/vda/data`);
		assert.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), disk), 0, `${vm} at ${time}`);
	}

	it("shows what would go, then drops it with all that was found of it, and keeps what is held", async () => {
		const vm = new TestVm("web1", { vda: BLOCKS });
		const taken = await points(vm, 8);
		const hold = await ask("POST", `/v1/vms/web1/points/${taken[1]!.time}/hold?reason=audit&by=eve`);
		assert.deepEqual([hold.time, hold.reason, hold.by], [taken[1]!.time, "audit", "eve"]);
		const plan = await ask("GET", "/v1/vms/web1/retention");
		assert.deepEqual([plan.kept, plan.dropped, plan.next], [4, 4, null]);
		assert.deepEqual(
			plan.items.map(({ time, reasons }: Json) => [time, reasons.join(" ")]),
			["head last", "last", "last", "", "", "", "hold", ""].map((reasons, at) => [taken[7 - at]!.time, reasons]),
		);
		const first = await ask("GET", "/v1/vms/web1/retention?limit=3");
		const rest = await ask("GET", `/v1/vms/web1/retention?cursor=${first.next}`);
		assert.deepEqual([...first.items, ...rest.items], plan.items);
		assert.equal((await times("web1")).length, 8, "a plan changes nothing");
		assert.equal((await ask("POST", "/v1/vms/web1/retention")).dropped, 4);
		const kept = [1, 5, 6, 7].map((at) => taken[at]!);
		assert.deepEqual(
			await times("web1"),
			kept.map(({ time }) => time),
		);
		for (const point of kept) await readsBack("web1", point);
		const history = await ask("GET", "/v1/vms/web1/changes?path=/same&order=oldest");
		assert.deepEqual(
			history.items.map(({ time }: Json) => time),
			kept.map(({ time }) => time),
		);
		assert.equal((await ask("GET", "/v1/vms/web1/changes?path=/srv/0")).items.length, 0);
	});

	it("drops by hand the one point that is named, and none that has to stay", async () => {
		const [head, held] = [(await times("web1")).at(-1)!, (await times("web1"))[0]!];
		for (const [time, status, code] of [
			[head, 409, "conflict"],
			[held, 409, "conflict"],
			[String(BigInt(held) + 1n), 404, "not-found"],
			["latest", 400, "bad-config"],
		] as const) {
			assert.equal((await ask("DELETE", `/v1/vms/web1/points/${time}`, status)).error.code, code, time);
		}
		await ask("DELETE", `/v1/vms/web1/points/${held}/hold`);
		await ask("DELETE", `/v1/vms/web1/points/${held}/hold`, 404);
		// As it is printed: in milliseconds.
		const iso = new Date(Number(BigInt(held) / 1_000_000n)).toISOString();
		assert.equal((await ask("DELETE", `/v1/vms/web1/points/${iso}`)).time, held);
		assert.equal((await times("web1")).length, 3);
	});

	it("has another policy for some VMs, and drops points by itself at the next start", async () => {
		await points(new TestVm("all-1", { vda: BLOCKS }), 5);
		const vm = new TestVm("auto", { vda: BLOCKS });
		const taken = await points(vm, 6);
		await start();
		await until(async () => (await times("auto")).length === 3, { what: "points to be dropped" });
		for (const point of taken.slice(-3)) await readsBack("auto", point);
		assert.equal((await times("all-1")).length, 5);
	});

	it("gives back the space, while points are read and taken", async () => {
		const packs = async () => {
			const names = await readdir(join(folder.path, "data/vault/packs"));
			const sizes = await Promise.all(names.map((name) => stat(join(folder.path, "data/vault/packs", name))));
			return sizes.reduce((sum, { size }) => sum + size, 0);
		};
		const vm = new TestVm("busy", { vda: BLOCKS });
		for (let at = 0; at < BLOCKS; at++) vm.write("vda", at, randomBlock(next));
		// More than a pack of what nobody will need.
		for (let round = 0; round < 8; round++) {
			for (let at = 0; at < BLOCKS; at++) vm.write("vda", at, randomBlock(next));
			await points(vm, 1);
		}
		const kept = await points(vm, 3);
		await ask("POST", "/v1/vms/busy/retention");
		const wanted = await job("/v1/vault/gc?dryRun=1&grace=0s");
		assert.equal(wanted.state, "done", JSON.stringify(wanted.error));
		assert.equal((await job("/v1/vault/gc")).gc.deadBytes, 0, "all of it was brought within the grace time");
		const before = await packs();
		const [collected] = await Promise.all([
			job("/v1/vault/gc?grace=0s"),
			...kept.map((point) => readsBack("busy", point)),
			points(vm, 4),
		]);
		assert.equal(collected.state, "done", JSON.stringify(collected.error));
		assert.ok(collected.gc.removedPacks + collected.gc.rewrittenPacks > 0);
		assert.ok((await packs()) < before - 8 * BLOCKS * BLOCK_SIZE * 0.5, `${before} to ${await packs()}`);
		for (const point of kept) await readsBack("busy", point);
		await readsBack("busy", { time: vm.timeNs.toString(), disk: vm.disks.get("vda")! });
		const stats = await ask("GET", "/v1/vault/stats");
		assert.equal(stats.lastGc.id, collected.id);
		const names = (await ask("GET", "/v1/vms")).items.map(({ vm }: Json) => vm);
		const counts = await Promise.all(names.map(async (name: string) => (await times(name)).length));
		assert.deepEqual([stats.vms, stats.points], [names.length, counts.reduce((sum, count) => sum + count, 0)]);
		const { check } = await job("/v1/vault/check?readShare=1");
		assert.deepEqual([check.packDamage, check.treeDamage], [[], []]);
		assert.equal(check.readPacks, check.packs);
	});

	it("answers MISSING where what an offer was told to be there went before the changeset came, and takes it again", async () => {
		const vm = new TestVm("late", { vda: BLOCKS });
		for (let at = 0; at < BLOCKS; at++) vm.write("vda", at, randomBlock(next));
		const chunks = vm.newChunks();
		await agent.upload(chunks);
		// A pack is given up only once another is written.
		for (let round = 0; round < 8; round++) {
			await agent.upload(Array.from({ length: 40 }, () => rawChunk(randomBlock(next))));
		}
		const names = Buffer.concat(chunks.map(({ name }) => name!));
		assert.ok((await agent.offer(names)).every((bits) => bits === 0));
		await until(async () => (await job("/v1/vault/gc?grace=0s")).gc.removedPacks > 0, { what: "a pack to go" });
		const parts = vm.parts();
		const refused = await agent.submit(parts);
		assert.equal(SubmitStatus[refused.status ?? 0], "SUBMIT_STATUS_MISSING");
		assert.ok((refused.missing?.length ?? 0) >= 32);
		await agent.upload(chunks);
		assert.equal(SubmitStatus[(await agent.submit(parts)).status ?? 0], "SUBMIT_STATUS_ACCEPTED");
		await readsBack("late", { time: vm.timeNs.toString(), disk: vm.disks.get("vda")! });
	});

	it("drops a VM as a whole, unless an agent still has it", async () => {
		const { stream } = await agent.greet();
		stream.write({ heartbeat: { vms: [{ vm: "auto", state: v1.VmState.VM_STATE_RUNNING }] } });
		await until(async () => (await ask("GET", "/v1/vms/auto")).status !== null, { what: "the heartbeat" });
		const { error } = await ask("DELETE", "/v1/vms/auto", 409);
		assert.match(error.message, /captured by the agent on host-1/);
		stream.end();
		await until(async () => !(await ask("GET", "/v1/vms/auto")).connected, { what: "the agent to leave" });
		assert.equal((await ask("DELETE", "/v1/vms/auto")).dropped, 3);
		await ask("GET", "/v1/vms/auto", 404);
		assert.equal((await ask("GET", "/v1/vms/late/points")).items.length, 1);
	});

	it("finds a flipped bit by the points that it hits, and never serves it", async () => {
		const pack = (await readdir(join(folder.path, "data/vault/packs"))).sort()[0]!;
		const path = join(folder.path, "data/vault/packs", pack);
		await start();
		for (let offset = 5000; offset < (await stat(path)).size; offset += BLOCK_SIZE) await flipBit(path, offset, 3);
		const { check } = await job("/v1/vault/check?readShare=1");
		assert.ok(check.packDamageCount > 0);
		assert.ok(check.damagedTrees > 0);
		const [vm, time] = check.treeDamage[0].tree.split(/[@/]/);
		const response = await fetch(`http://${collector.apiAddress}/v1/vms/${vm}/points/${time}/disks/vda/data`);
		await assert.rejects(async () => {
			assert.ok(response.ok, "refused at once");
			await response.arrayBuffer();
		});
	});
});
