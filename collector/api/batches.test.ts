import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { BLOCK_SIZE, blockName } from "../../common/block.ts";
import { generateProfile } from "../../common/trial/generate.ts";
import { formatBatch } from "../../common/trial/profile.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import { until } from "../../test/support/wait.ts";
import { rawChunk, TestVm } from "../ingest/test-agent.ts";
import type { BatchView } from "../trial/batch.ts";
import { failed, told } from "../trial/testing.ts";
import { type ApiSite, openSite } from "./testing.ts";

const { STATE_PART_RAM, STATE_PART_DEVICES, STATE_PART_CONFIGURATION } = v1.StatePartKind;
const PROFILE = `
probes: [{ name: web, tcp: { port: 80 } }]
profiles:
  - { name: nmi, seed: 1, duration: 10s, phases: [{ from: 1s, levers: [{ lever: nmi }] }] }
`;

describe("the API of batches", () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	let orders: { readonly orderId: string; readonly runTrial: wire.v1.RunTrial.$Properties }[];
	let answer: (orderId: string, result: wire.v1.OrderResult.$Properties) => void;

	before(async () => {
		site = resources.use(await openSite());
		const { agent } = site;
		const vm = new TestVm("web", { vda: 1 });
		const block = Buffer.alloc(BLOCK_SIZE, 7);
		vm.write("vda", 0, block);
		await agent.upload([rawChunk(block)]);
		const kinds = [STATE_PART_RAM, STATE_PART_DEVICES, STATE_PART_CONFIGURATION];
		const runs = kinds.map((part) => ({ blocks: { part, firstBlock: toLong(0), names: blockName(block) } }));
		const state = { parts: kinds.map((part) => ({ part, sizeBytes: toLong(BLOCK_SIZE) })), machineType: "pc" };
		const all = [...vm.runs(), ...runs];
		const accepted = await agent.submit([{ header: vm.header({ state, parts: toLong(all.length) }) }, ...all]);
		assert.equal(accepted.status, v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED, accepted.message ?? "");
		orders = [];
		const session = await agent.greet({}, ({ order }) => {
			if (order?.runTrial) orders.push({ orderId: order.orderId ?? "", runTrial: order.runTrial });
		});
		resources.defer(() => void session.stream.end());
		const trials = { slots: 2, usedSlots: 0, memoryBytes: toLong(2 ** 30), reservedBytes: toLong(0) };
		session.stream.write({ heartbeat: { timeNs: toLong(1), trials } });
		answer = (orderId, result) => void session.stream.write({ orderResult: { orderId, ...result } });
		await until(async () => (await site.json("/v1/agents")).items[0]?.heartbeat?.trials, { what: "the agent's room" });
	});
	after(() => resources[Symbol.asyncDispose]());

	async function start(path: string, body?: string, status = 202) {
		const headers = body === undefined ? {} : { "content-type": "application/yaml" };
		const response = await site.request(path, { method: "POST", headers, ...(body === undefined ? {} : { body }) });
		const view = (await response.json()) as BatchView & { readonly error: { readonly message: string } };
		assert.equal(response.status, status, JSON.stringify(view));
		return view;
	}

	async function over(id: string) {
		return await until(
			async () => {
				const view = await site.json(`/v1/trial-batches/${id}`);
				return view.state === "running" ? undefined : view;
			},
			{ what: "the batch is over" },
		);
	}

	it("runs a profile with a control, tells of each trial as it ends, and has it again", async () => {
		const { id, trials } = await start("/v1/vms/web/trials?seed=9", PROFILE);
		assert.deepEqual(
			trials.map(({ profile, control }) => [profile, control]),
			[
				["nmi", false],
				[null, true],
			],
		);
		const { orderId, runTrial } = await until(() => orders[0], { what: "the order" });
		assert.equal(JSON.parse(Buffer.from(runTrial.profiles?.[0] ?? []).toString()).seed, 9);
		const report = async (index: number) => {
			const { ticket = null } = runTrial;
			await site.agent.reportTrial({
				ticket,
				report: Buffer.from(JSON.stringify(index === 0 ? failed(0) : told(index))),
			});
		};
		await report(0);
		assert.equal((await site.json(`/v1/trial-batches/${id}`)).trials[0].failure.title, "f in g");
		await report(1);
		answer(orderId, { ok: true, trial: { templateMs: 100, ramBytes: toLong(5), notes: ["n"] } });
		const view = await over(id);
		assert.deepEqual([view.state, view.template.ramBytes, view.trials[1].outcome], ["done", 5, "survived"]);
		const [first = assert.fail("no trial")] = view.trials;
		assert.equal((await site.json(`/v1/trials/${first.id}/story`)).console, "login: ");
		await assert.rejects(report(0), /no such ticket/);

		const again = await start(`/v1/trials/${first.id}/replays?times=3`);
		const replay = await until(() => orders[1], { what: "the order" });
		assert.deepEqual([replay.runTrial.clones, replay.runTrial.profiles?.length], [3, 3]);
		assert.match(Buffer.from(replay.runTrial.probes ?? []).toString(), /"name":"web"/);
		assert.equal((await site.json(`/v1/trials/${first.id}`)).probes[0].name, "web");
		const cancelled = await site.request(`/v1/trial-batches/${again.id}`, { method: "DELETE" });
		assert.equal(cancelled.status, 200);
		const lost = await over(again.id);
		assert.deepEqual([lost.state, lost.trials[2].outcome], ["cancelled", "lost"]);
		assert.deepEqual(
			(await site.json("/v1/trial-batches")).map((batch: { id: string }) => batch.id),
			[again.id, id],
		);
	});

	it("takes long files, and no more profiles than one batch may have", async () => {
		const averages = { cpuPercent: 40, memoryPercent: 60, ioBytesPerSecond: 1e6 };
		const batchOf = (count: number) => {
			const profiles = Array.from({ length: count }, (_, seed) => generateProfile({ vm: "web", averages, seed }));
			return formatBatch({ vm: "web", control: true, probes: [], profiles });
		};
		// More than other requests may bring, as many profiles are.
		const { id, trials } = await start("/v1/vms/web/trials", `${batchOf(2)}# ${"x".repeat(2 ** 16)}\n`);
		assert.equal(trials.length, 3);
		await site.request(`/v1/trial-batches/${id}`, { method: "DELETE" });
		await over(id);
		const { error } = await start("/v1/vms/web/trials", batchOf(256), 400);
		assert.match(error.message, /256 profiles and a control; wanted at most 256 trials/);
	});

	it("says how long a body may be", async () => {
		// Refused before it is sent: by what its length says.
		const asked = request(`http://${site.collector.apiAddress}/v1/vms/web/trials`, {
			method: "POST",
			headers: { "content-type": "application/yaml", "content-length": 5 * 2 ** 20 },
		});
		asked.on("error", () => undefined).flushHeaders();
		const [response] = (await once(asked, "response")) as [IncomingMessage];
		const { error } = JSON.parse(Buffer.concat(await response.toArray()).toString());
		asked.destroy();
		assert.equal(response.statusCode, 413);
		assert.match(error.message, /^POST \/v1\/vms\/:vm\/trials: a body of 5242880 bytes; wanted at most 4194304$/);
		assert.match(error.hint, /in parts/);
	});

	it("says what is wrong with what is asked", async () => {
		const bad = await start(
			"/v1/vms/web/trials",
			"name: x\nduration: 1m\nphases: [{ levers: [{ lever: gravity }] }]",
			400,
		);
		assert.match(bad.error.message, /phases\.0\.levers\.0\.lever/);
		const endless = "{ lever: nmi, every: 500ms }";
		const steps = `name: x\nduration: 1d\nphases: [{ levers: [${endless}] }]`;
		assert.match(
			(await start("/v1/vms/web/trials", steps, 400)).error.message,
			/phases\.0\.levers\.0: more than 100000/,
		);
		const probe = `{ name: p, command: { run: [${"x".repeat(4000)}] } }`;
		const large = `probes: [${Array.from({ length: 16 }, () => probe).join(",")}]\nprofiles:`;
		const many = `${large} [${Array.from({ length: 200 }, () => "{ name: x, duration: 1m, phases: [] }").join(",")}]`;
		assert.match((await start("/v1/vms/web/trials", many, 400)).error.message, /201 trials are asked comes to/);
		assert.match((await start("/v1/vms/web/trials", `vm: other\n${PROFILE}`, 409)).error.message, /made for VM other/);
		await start("/v1/vms/none/trials", undefined, 404);
		await start("/v1/trials/none/replays", undefined, 404);
		assert.match((await start("/v1/vms/web/trials?agent=elsewhere", undefined, 503)).error.message, /takes trials/);
		await site.json("/v1/trial-batches/none", 404);
	});

	it("is asked all that is documented", () => {
		const asked = new Set([...site.conformance.seen].map((each) => each.split(" ")[0]));
		const all = ["get", "post", "delete"].flatMap((method) => site.conformance.operations(method));
		for (const each of all.filter((name) => /TrialBatch|TrialStory|startTrials|replayTrial/.test(name)))
			assert.ok(asked.has(each), each);
	});
});
