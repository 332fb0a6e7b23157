/** Imported points as the collector takes, keeps and shows them: a real one, over gRPC and HTTP. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { nowNs } from "../common/units.ts";
import { collectorService, toBigInt, toLong, v1, type wire } from "../proto/service.ts";
import { until } from "../test/support/wait.ts";
import { type ApiSite, openSite } from "./api/testing.ts";
import { fileChange, random, randomBlock, type TestAgent, TestVm } from "./ingest/test-agent.ts";

const BLOCKS = 20;
const MINUTE = 60_000_000_000n;
const { SubmitStatus, FileChangeKind } = v1;

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
type Json = any;
type File = wire.v1.FileChange.$Properties;

describe("imported points", () => {
	const resources = new AsyncDisposableStack();
	const next = random(11);
	const importer = { agentId: "importer" };
	let site: ApiSite;
	let agent: TestAgent;

	before(async () => {
		const settings = {
			retention: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, every: "1h" },
			vms: [{ match: "counted-*", retention: { keepImported: false } }],
			gc: { every: "0s" },
		};
		site = resources.use(await openSite({ settings }));
		agent = site.agent;
	});
	after(() => resources[Symbol.asyncDispose]());

	async function ask(method: string, path: string, status = 200): Promise<Json> {
		const response = await site.request(path, { method });
		const body = await response.json();
		assert.equal(response.status, status, JSON.stringify(body));
		return body;
	}

	const times = async (vm: string): Promise<bigint[]> =>
		(await ask("GET", `/v1/vms/${vm}/points?order=oldest`)).items.map(({ time }: Json) => BigInt(time));

	const judged = async (vm: string) => {
		const isJudged = ({ severity }: Json) => severity !== null;
		const all = async () => (await ask("GET", `/v1/vms/${vm}/points`)).items.every(isJudged);
		await until(all, { what: "all to be judged", intervalMs: 5 });
	};

	/** What an agent captures: the next minute. */
	async function capture(vm: TestVm, files: readonly File[] = [fileChange("/live")]): Promise<bigint> {
		vm.write("vda", Math.floor(next() * BLOCKS), randomBlock(next));
		await vm.capture(agent, files);
		await judged(vm.vm);
		return vm.timeNs;
	}

	interface Snapshot {
		readonly id: string;
		readonly baseId?: string;
		readonly files?: readonly File[];
	}

	/** What `umbra import` brings: a state that `disks` had at a time of its own. Returns what it was answered. */
	async function bring(vm: TestVm, time: bigint, { id, baseId = "", files = [] }: Snapshot) {
		vm.write("vda", Math.floor(next() * BLOCKS), randomBlock(next));
		await agent.upload(vm.newChunks());
		const mode = baseId === "" ? v1.CaptureMode.CAPTURE_MODE_FIRST : v1.CaptureMode.CAPTURE_MODE_RESYNC;
		const disks = [...vm.disks].map(([disk, { length }]) => ({ disk, sizeBytes: toLong(length), mode }));
		const imported = {
			kind: v1.ImportKind.IMPORT_KIND_SNAPSHOT,
			name: `called ${id}`,
			timeFrom: v1.ImportTime.IMPORT_TIME_SNAPSHOT,
		};
		const parts = vm.parts({ ...importer, id, baseId, timeNs: toLong(time), imported, disks }, files);
		const { status, message } = await agent.submit(parts);
		if (status === SubmitStatus.SUBMIT_STATUS_ACCEPTED) await judged(vm.vm);
		return { status: SubmitStatus[status ?? 0], message, disk: Buffer.from(vm.disks.get("vda")!) };
	}

	async function readsBack(vm: string, time: bigint, disk: Buffer): Promise<void> {
		const response = await site.request(`/v1/vms/${vm}/points/${time}/disks/vda/data`);
		assert.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), disk), 0, `${vm} at ${time}`);
	}

	const chainHolds = async (vm: string) => {
		const { head } = await ask("GET", `/v1/vms/${vm}/chain`);
		const { check } = await ask("GET", `/v1/vms/${vm}/chain/verify?head=${head}`);
		assert.equal(check.broken, null, JSON.stringify(check.broken));
		return check.links;
	};

	const points = async (vm: string): Promise<wire.v1.PointsPage.$Properties> => {
		const { promise, resolve, reject } = Promise.withResolvers<wire.v1.PointsPage.$Properties>();
		const { path, requestSerialize, responseDeserialize } = collectorService.points;
		agent.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { vm }, (error, page) =>
			error === null ? resolve(page ?? {}) : reject(error),
		);
		return await promise;
	};

	it("are the shadow of a VM that nobody captured, and what its first capture builds upon", async () => {
		assert.equal((await points("begun")).known, false);
		const old = new TestVm("begun", { vda: BLOCKS }, importer.agentId);
		const [a, b, c] = [1n, 2n, 3n].map((at) => old.timeNs + at * 1440n * MINUTE);
		const first = await bring(old, a!, { id: "i-begun-a" });
		assert.equal(first.status, "SUBMIT_STATUS_ACCEPTED", first.message ?? "");
		const second = await bring(old, b!, { id: "i-begun-b", baseId: "i-begun-a" });
		assert.equal((await bring(old, b!, { id: "i-begun-b", baseId: "i-begun-a" })).status, "SUBMIT_STATUS_DUPLICATE");
		const third = await bring(old, c!, { id: "i-begun-c", baseId: "i-begun-b" });
		for (const [time, { disk }] of [
			[a!, first],
			[b!, second],
			[c!, third],
		] as const) {
			await readsBack("begun", time, disk);
		}
		const before = await ask("GET", "/v1/vms/begun");
		assert.deepEqual([before.headId, before.headTime, before.imported], ["i-begun-c", c!.toString(), true]);

		const live = new TestVm("begun", { vda: BLOCKS });
		live.baseId = "i-begun-c";
		live.timeNs = c! + 5n * MINUTE;
		for (const [name, disk] of old.disks) live.disks.get(name)?.set(disk);
		const taken = await capture(live);
		await readsBack("begun", taken, live.disks.get("vda")!);
		const now = await ask("GET", "/v1/vms/begun");
		assert.deepEqual([now.headTime, now.imported], [taken.toString(), undefined]);
		assert.deepEqual(await times("begun"), [a, b, c, taken]);
		await chainHolds("begun");

		const listed = (await ask("GET", "/v1/vms/begun/points?imported=1&order=oldest")).items;
		assert.deepEqual(
			listed.map(({ time, imported }: Json) => [BigInt(time), imported.kind, imported.name, imported.timeFrom]),
			[a, b, c].map((time, at) => [time, "snapshot", `called i-begun-${"abc"[at]}`, "snapshot"]),
		);
	});

	it("go before, between and behind those that were captured, which nobody notices who captures", async () => {
		const live = new TestVm("rich", { vda: BLOCKS });
		const [one, two] = [await capture(live), await capture(live)];
		const old = new TestVm("rich", { vda: BLOCKS }, importer.agentId);
		const wanted = [one - 1440n * MINUTE, one + MINUTE / 2n, two + MINUTE / 4n];
		const brought: Buffer[] = [];
		for (const [at, time] of wanted.entries()) {
			// The one before is older, whatever lies between.
			const baseId = at === 0 ? "" : `i-rich-${at - 1}`;
			const { status, message, disk } = await bring(old, time, { id: `i-rich-${at}`, baseId });
			assert.equal(status, "SUBMIT_STATUS_ACCEPTED", message ?? "");
			brought.push(disk);
		}
		assert.equal((await ask("GET", "/v1/vms/rich")).headTime, two.toString());
		const three = await capture(live);
		assert.deepEqual(await times("rich"), [wanted[0], one, wanted[1], two, wanted[2], three]);
		for (const [at, time] of wanted.entries()) await readsBack("rich", time, brought[at]!);
		await readsBack("rich", three, live.disks.get("vda")!);
		assert.equal(
			(await ask("GET", `/v1/vms/rich/points/${two - 1n}`)).id,
			"i-rich-1",
			"the newest at or before a time",
		);
		assert.equal(await chainHolds("rich"), 6);
	});

	it("of a time that is taken come a millisecond later, and say so", async () => {
		const live = new TestVm("same", { vda: BLOCKS });
		const taken = await capture(live);
		const old = new TestVm("same", { vda: BLOCKS }, importer.agentId);
		await bring(old, taken, { id: "i-same-1" });
		await bring(old, taken, { id: "i-same-2" });
		assert.deepEqual(await times("same"), [taken, taken + 1_000_000n, taken + 2_000_000n]);
		const { changeset } = await ask("GET", `/v1/vms/same/changes/${taken + 2_000_000n}`);
		assert.equal(changeset.agentTime, taken.toString());
		// The next capture's own time may be taken too.
		live.timeNs = taken - MINUTE + 1n;
		assert.equal(await capture(live), taken + 1n);
		assert.equal((await times("same")).at(-1), taken + 3_000_000n);
		await chainHolds("same");
	});

	it("are refused from the future, upon what is not older, and where an agent's newest would be hidden", async () => {
		const live = new TestVm("strict", { vda: BLOCKS });
		const newest = await capture(live);
		const old = new TestVm("strict", { vda: BLOCKS }, importer.agentId);
		const future = await bring(old, nowNs() + 3600n * 1_000_000_000n, { id: "i-strict-1" });
		assert.equal(future.status, "SUBMIT_STATUS_REFUSED");
		assert.match(future.message ?? "", /^time_ns: \d+; wanted a time before now/);
		for (const baseId of ["i-strict-1", live.baseId]) {
			const { status } = await bring(old, newest - MINUTE, { id: "i-strict-2", baseId });
			assert.equal(status, "SUBMIT_STATUS_BASE_UNKNOWN", baseId);
		}
		const { stream } = await agent.greet();
		stream.write({ heartbeat: { vms: [{ vm: "strict", state: v1.VmState.VM_STATE_RUNNING }] } });
		await until(async () => (await ask("GET", "/v1/vms/strict")).status !== null, { what: "the heartbeat" });
		const hiding = await bring(old, newest + 1n, { id: "i-strict-3" });
		assert.equal(hiding.status, "SUBMIT_STATUS_REFUSED");
		assert.match(hiding.message ?? "", /strict is captured by the agent on host-1, and this is newer \(umbra capture/);
		assert.equal((await bring(old, newest - 1n, { id: "i-strict-4" })).status, "SUBMIT_STATUS_ACCEPTED");
		stream.end();
		await until(async () => !(await ask("GET", "/v1/vms/strict")).connected, { what: "the agent to leave" });
		assert.equal((await bring(old, newest + 1n, { id: "i-strict-3" })).status, "SUBMIT_STATUS_ACCEPTED");
		assert.equal((await ask("GET", "/v1/vms/strict")).headTime, newest.toString(), "the agent builds upon its own");
	});

	it("are judged by their own past, and neither raise an alert nor end one", async () => {
		const encrypted = (more: File): File[] =>
			Array.from({ length: 30 }, (_, at) =>
				fileChange(`/home/alice/docs-${at % 4}/report-${at}.txt`, {
					sizeBefore: toLong(40_000),
					sizeAfter: toLong(40_000),
					changedBytes: toLong(40_000),
					entropyBefore: 5,
					entropyAfter: 7.99,
					...more,
				}),
			);
		const live = new TestVm("hit", { vda: BLOCKS });
		await capture(live, []);
		await capture(live, [fileChange("/etc/shadow")]);
		const firing = async () => (await ask("GET", "/v1/alerts?vm=hit&state=firing")).items;
		const raised = await firing();
		assert.equal(raised.length, 1);

		const old = new TestVm("hit", { vda: BLOCKS }, importer.agentId);
		const year = 365n * 1440n * MINUTE;
		const begin = live.timeNs - year;
		await bring(old, begin, { id: "i-hit-0" });
		await bring(old, begin + 1440n * MINUTE, {
			id: "i-hit-1",
			baseId: "i-hit-0",
			files: encrypted({ change: FileChangeKind.FILE_CHANGE_MODIFIED }),
		});
		for (let at = 2; at < 7; at++) {
			await bring(old, begin + BigInt(at) * 1440n * MINUTE, { id: `i-hit-${at}`, baseId: `i-hit-${at - 1}` });
		}
		const { changeset } = await ask("GET", `/v1/vms/hit/changes/${begin + 1440n * MINUTE}`);
		assert.deepEqual(
			[changeset.verdict.severity, changeset.verdict.triggers.map(({ trigger }: Json) => trigger)],
			["critical", ["mass-rewrite"]],
		);
		// A day's worth, at a rate a minute.
		assert.ok(changeset.verdict.features.filesModified < 1, JSON.stringify(changeset.verdict.features));
		const anomalies = (await ask("GET", "/v1/anomalies")).items.map(({ id }: Json) => id);
		assert.ok(anomalies.includes("i-hit-1"), "it is found where one looks for what was abnormal");
		assert.deepEqual(await firing(), raised, "what goes on is not told by what was");
		assert.equal((await ask("GET", "/v1/alerts?vm=hit")).items.length, 1);

		const summary = (await points("hit")).points?.find(({ id }) => id === "i-hit-1");
		assert.deepEqual(
			[summary?.imported, summary?.judged, summary?.severity, summary?.triggers],
			[true, true, "critical", ["mass-rewrite"]],
		);
	});

	it("judge the capture that follows them by the time that has passed, and teach it nothing", async () => {
		const old = new TestVm("bridge", { vda: BLOCKS }, importer.agentId);
		const time = old.timeNs;
		await bring(old, time, { id: "i-bridge-1" });
		const live = new TestVm("bridge", { vda: BLOCKS });
		live.baseId = "i-bridge-1";
		live.timeNs = time + 1440n * MINUTE;
		const grown = { sizeBefore: toLong(0), sizeAfter: toLong(2 ** 26), changedBytes: toLong(2 ** 26) };
		const taken = await capture(live, [fileChange("/var/log/app.log", grown), fileChange("/etc/passwd")]);
		const { changeset } = await ask("GET", `/v1/vms/bridge/changes/${taken}`);
		const { triggers, features, score } = changeset.verdict;
		assert.ok(features.logBytesGrown < 2 ** 26 / 1400, String(features.logBytesGrown));
		assert.deepEqual([score, triggers.some(({ trigger }: Json) => trigger === "critical-file")], [0, true]);
	});

	it("stay whatever the policy says, and count for nothing in it", async () => {
		const live = new TestVm("kept", { vda: BLOCKS });
		const old = new TestVm("kept", { vda: BLOCKS }, importer.agentId);
		const begin = live.timeNs - 10_000n * MINUTE;
		for (let at = 0; at < 3; at++) await bring(old, begin + BigInt(at) * MINUTE, { id: `i-kept-${at}` });
		const taken = [await capture(live), await capture(live), await capture(live)];
		const plan = await ask("GET", "/v1/vms/kept/retention");
		assert.equal(plan.policy.keepImported, true);
		assert.deepEqual(
			plan.items.map(({ reasons }: Json) => reasons.join(" ")),
			["head last", "last", "", "imported", "imported", "imported"],
		);
		assert.equal((await points("kept")).keepsImported, true);
		await ask("POST", "/v1/vms/kept/retention");
		assert.equal((await times("kept")).length, 5);
		// By hand they go, and can come again.
		await ask("DELETE", `/v1/vms/kept/points/${begin + MINUTE}`);
		assert.deepEqual((await ask("GET", "/v1/vms/kept/points?imported=1")).items.length, 2);
		const again = await bring(old, begin + MINUTE, { id: "i-kept-1", baseId: "i-kept-0" });
		assert.equal(again.status, "SUBMIT_STATUS_ACCEPTED", again.message ?? "");
		assert.deepEqual(await times("kept"), [begin, begin + MINUTE, begin + 2n * MINUTE, taken[1], taken[2]]);
		await readsBack("kept", begin + MINUTE, again.disk);
		await chainHolds("kept");
		assert.equal((await ask("DELETE", "/v1/vms/kept")).dropped, 5);
		await ask("GET", "/v1/vms/kept", 404);
	});

	it("count like any other, by their own times, where that is wanted; the head stays though one of them is newer", async () => {
		const live = new TestVm("counted-1", { vda: BLOCKS });
		const old = new TestVm("counted-1", { vda: BLOCKS }, importer.agentId);
		const head = await capture(live);
		for (const [at, offset] of [-2n, -1n, 1n, 2n].entries()) {
			await bring(old, head + offset * 1_000_000_000n, { id: `i-counted-${at}` });
		}
		assert.equal((await points("counted-1")).keepsImported, false);
		await ask("POST", "/v1/vms/counted-1/retention");
		assert.deepEqual(await times("counted-1"), [head, head + 1_000_000_000n, head + 2_000_000_000n]);
		await ask("DELETE", `/v1/vms/counted-1/points/${head}`, 409);
		await chainHolds("counted-1");
	});

	it("leave a vault that is whole when the space of those that went was given back", async () => {
		const { id } = await ask("POST", "/v1/vault/gc?grace=0s");
		const ended = (job: string) =>
			until(
				async () => {
					const now = await ask("GET", `/v1/vault/job?id=${job}`);
					return now.state === "running" ? undefined : now;
				},
				{ what: "the job" },
			);
		assert.equal((await ended(id)).error, null);
		const check = await ended((await ask("POST", "/v1/vault/check?readShare=1")).id);
		assert.deepEqual([check.check.packDamage, check.check.treeDamage, check.chains.brokenCount], [[], [], 0]);
	});

	it("come in pages to whoever asks for them", async () => {
		const all = (await points("rich")).points ?? [];
		assert.deepEqual(
			all.map(({ timeNs }) => toBigInt(timeNs)),
			await times("rich"),
		);
		assert.equal(all[0]?.disks?.[0]?.root?.length, 32);
	});
});
