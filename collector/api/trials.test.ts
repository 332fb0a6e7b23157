import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { point } from "../../common/measurements/measurements.ts";
import { toLong } from "../../proto/service.ts";
import { until } from "../../test/support/wait.ts";
import { TestVm } from "../ingest/test-agent.ts";
import { signatureId } from "../signature/filing.ts";
import { MITIGATIONS } from "../signature/mitigations.ts";
import { failureOf, reportOf } from "../signature/testing.ts";
import { type ApiSite, openSite } from "./testing.ts";

const TOKEN = "a-token-of-enough-length";
const VM = "web/1 ü";

describe("the API of trials", () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	const id = signatureId("oops", "f in g");

	before(async () => {
		site = resources.use(await openSite({ token: TOKEN }));
		for (let at = 1; at <= 7; at++) {
			const failure = at % 2 === 0 ? failureOf("f in g") : at === 7 ? failureOf("other", { type: "oom-kill" }) : null;
			const more = at === 3 ? { control: true, profile: null } : { replays: at === 4 || at === 5 ? id : null };
			await site.collector.signatures.file(reportOf(at, failure, { vm: at === 7 ? "db" : VM, ...more }));
		}
	});
	after(() => resources[Symbol.asyncDispose]());

	const idsOf = ({ items }: { items: { id: string }[] }) => items.map((each) => each.id);

	it("lists trials, newest first, in pages, of a VM, by outcome and by signature", async () => {
		assert.deepEqual(idsOf(await site.json("/v1/trials")), ["t7", "t6", "t5", "t4", "t3", "t2", "t1"]);
		const page = await site.json(`/v1/trials?vm=${encodeURIComponent(VM)}&limit=4`);
		assert.deepEqual(idsOf(page), ["t6", "t5", "t4", "t3"]);
		assert.deepEqual([page.items[0].profile, page.items[3].profile, page.items[0].levers], ["p3", null, undefined]);
		assert.deepEqual(idsOf(await site.json(`/v1/trials?vm=${encodeURIComponent(VM)}&limit=4&cursor=${page.next}`)), [
			"t2",
			"t1",
		]);
		assert.deepEqual(idsOf(await site.json("/v1/trials?outcome=survived")), ["t5", "t3", "t1"]);
		assert.deepEqual(idsOf(await site.json(`/v1/trials?signature=${id}&order=oldest`)), ["t2", "t4", "t6"]);
		assert.deepEqual(idsOf(await site.json(`/v1/trials?since=${reportOf(6, null).time}`)), ["t7", "t6"]);
		const { error } = await site.json("/v1/trials?outcome=happy", 400);
		assert.equal(error.code, "bad-config");
		assert.match(error.message, /outcome must .* allowed values: survived, degraded, failed, lost$/);
		assert.match((await site.json("/v1/trials?vm=none", 404)).error.message, /no VM named "none"/);
		const last = await site.json("/v1/trials?vm=db");
		assert.deepEqual(idsOf(last), ["t7"], "known, though no agent has it");
		assert.deepEqual(idsOf(await site.json(`/v1/trials?vm=db&since=${reportOf(8, null).time}`)), []);
	});

	it("shows one with its profile, and what was seen of it where that is kept", async () => {
		const trial = await site.json("/v1/trials/t2");
		assert.equal(trial.profile.phases[0].levers.length, 3);
		assert.deepEqual(trial.failure, { type: "oops", title: "f in g" });
		assert.match((await site.json("/v1/trials/none", 404)).error.hint, /umbra trials/);
		assert.match((await site.json("/v1/trials/t2/story", 404)).error.hint, /trials\.stories/);
	});

	it("lists signatures, of a VM and by type, and shows one with what is to be done", async () => {
		assert.equal((await site.json("/v1/signatures")).items.length, 2);
		assert.deepEqual(idsOf(await site.json(`/v1/signatures?vm=${encodeURIComponent(VM)}`)), [id]);
		assert.deepEqual((await site.json("/v1/signatures?type=oom-kill")).items[0].vms, ["db"]);
		const signature = await site.json(`/v1/signatures/${id}`);
		assert.deepEqual(signature.mitigation, { text: MITIGATIONS.oops, by: null, time: null });
		assert.deepEqual(signature.reproduction, { failed: 1, trials: 2 });
		await site.json("/v1/signatures/none", 404);
		assert.deepEqual(idsOf(await site.json("/v1/signatures?vm=db&type=oops")), [], "known, though no agent has it");
		assert.match((await site.json("/v1/signatures?vm=none", 404)).error.message, /no VM named "none"/);
		assert.match((await site.json("/v1/signatures?type=ouch", 400)).error.message, /type must .*: .*oops.*oom-kill/);
	});

	it("lets operators say what is to be done, and take it back", async () => {
		const put = (body: unknown, status = 200) =>
			asked("PUT", `/v1/signatures/${id}/mitigation`, status, JSON.stringify(body), "application/json");
		assert.equal((await put({ text: "Pin the kernel", by: "ann" })).mitigation.by, "ann");
		assert.equal((await site.json(`/v1/signatures/${id}`)).mitigation.text, "Pin the kernel");
		await put({ text: "", by: "ann" }, 400);
		await put({ text: "x", by: "ann", until: "tomorrow" }, 400);
		assert.equal((await asked("DELETE", `/v1/signatures/${id}/mitigation`)).mitigation.by, null);
		await asked("DELETE", "/v1/signatures/none/mitigation", 404);
	});

	async function asked(method: string, path: string, status = 200, body?: string, type?: string) {
		const headers = type === undefined ? {} : { "content-type": type };
		const response = await site.request(path, { method, headers, body: body ?? null });
		const text = await response.text();
		assert.equal(response.status, status, text);
		return JSON.parse(text);
	}

	it("gives all signatures to another site, and takes in what one gives", async () => {
		await using other = await openSite({ token: TOKEN });
		const exported = await site.request("/v1/signatures.yaml");
		assert.equal(exported.headers.get("content-type"), "application/yaml");
		const text = await exported.text();
		assert.equal(parse(text).signatures.length, 2);
		const importTo = async (body: string) =>
			await other.request("/v1/signatures.yaml?by=bob", {
				method: "POST",
				headers: { "content-type": "application/yaml" },
				body,
			});
		const response = await importTo(text);
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			...{ site: site.collector.collectorId, added: 2, changed: 0, unchanged: 0, mitigations: [] },
		});
		const signature = await other.json(`/v1/signatures/${id}`);
		assert.deepEqual([signature.count, signature.firstSeen, signature.sites[0].failed], [0, null, 1]);
		assert.equal((await importTo("format: x")).status, 400);
		// Beyond what any other request may bring.
		assert.equal((await importTo(`${text}\n# ${"x".repeat(200_000)}`)).status, 200);
	});

	it("tells what a VM does on average", async () => {
		const vm = new TestVm(VM);
		await vm.capture(site.agent);
		const base = `/v1/vms/${encodeURIComponent(VM)}/load`;
		const none = await site.json(base);
		assert.deepEqual([none.cpuPercent, none.memoryPercent, none.ioBytesPerSecond], [null, null, null]);
		const now = BigInt(Date.now()) * 1_000_000n;
		const session = await site.agent.greet();
		const samples = Array.from({ length: 40 }, (_, at) => {
			const timeNs = now - BigInt(40 - at) * 60_000_000_000n;
			const told = [
				point("vm", { host: "h", vm: VM }, timeNs, {
					cpu_usage_percent: at % 2 === 0 ? 20 : 40,
					memory_used_percent: 60,
				}),
				point("vm_disk", { host: "h", vm: VM, disk: "vda" }, timeNs, { rd_bytes: at * 60_000, wr_bytes: at * 120_000 }),
			];
			return told.map((each) => ({ ...each!, timeNs: toLong(Number(timeNs / 1000n) * 1000) }));
		}).flat();
		session.stream.write({ telemetry: { sequence: toLong(1), samples } } as never);
		await until(async () => (await site.json(base)).ioBytesPerSecond !== null, { what: "readings" });
		const load = await site.json(base);
		session.stream.end();
		await session.ended;
		assert.ok(Math.abs(load.cpuPercent - 30) < 2, `${load.cpuPercent}`);
		assert.equal(load.memoryPercent, 60);
		assert.ok(Math.abs(load.ioBytesPerSecond - 3000) < 300, `${load.ioBytesPerSecond}`);
		assert.equal((await site.json(`${base}?since=2020-01-01T00:00Z`)).memoryPercent, 60);
		await site.json("/v1/vms/none/load", 404);
	});

	it("tells of a trial as it ends", async () => {
		const gone = new AbortController();
		const response = await site.request("/v1/events?type=trial", { signal: gone.signal });
		const report = reportOf(8, null, { vm: VM });
		await site.collector.signatures.file(report);
		let text = "";
		for await (const bytes of response.body ?? []) {
			text += Buffer.from(bytes).toString();
			if (/event: trial\n.*\n\n/.test(text)) break;
		}
		gone.abort();
		const { id: told, profile, outcome } = JSON.parse(/event: trial\ndata: (.*)/.exec(text)?.[1] ?? "");
		assert.deepEqual([told, profile, outcome], ["t8", "p3", "survived"]);
	});

	it("answers as it is documented, whatever is asked", () => {
		const asked = new Set([...site.conformance.seen].map((each) => each.split(" ")[0]));
		const all = ["get", "put", "delete"].flatMap((method) => site.conformance.operations(method));
		// batches.test.ts asks the others.
		for (const each of all.filter((name) => /Trial(?!Batch|Story)|Signature|Mitigation|Load/.test(name)))
			assert.ok(asked.has(each), each);
	});
});
