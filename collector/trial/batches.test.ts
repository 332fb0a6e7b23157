import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { checkProbes } from "../../common/trial/profile.ts";
import type { CloneReport } from "../../common/trial/report.ts";
import type { wire } from "../../proto/service.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import type { TrialRecord } from "../catalog/trial-records.ts";
import type { AgentTable } from "../ingest/agents.ts";
import { PointTickets } from "../ingest/tickets.ts";
import { SignatureBook } from "../signature/signatures.ts";
import { profileOf, reportOf } from "../signature/testing.ts";
import { replaysOf, TrialBatches, type WantedBatch } from "./batches.ts";
import { failed, told } from "./testing.ts";

const GIB = 2 ** 30;
const POINT = {
	vm: "web1",
	time: "1760000000000000000",
	disks: [],
	state: { memoryBytes: GIB },
} as unknown as ChangesetRecord;
const WANTED = { point: POINT, agent: undefined, probes: [], durationMs: 5000 };
const STRESSED = { profile: profileOf(2), replays: null };
const CONTROL = { profile: null, replays: null };
const PROBES = checkProbes([{ name: "web", tcp: { port: 80 }, every: "2s" }], "probes");

type Order = wire.v1.IRunTrial;
type Answer = wire.v1.OrderResult.$Properties;

/** Stands in for the table of connected agents: it has one, whose answers the test gives. */
class OneAgent {
	readonly orders: { readonly order: Order; readonly answer: PromiseWithResolvers<Answer> }[] = [];
	hasRoom = true;

	list() {
		const trials = { slots: 4, usedSlots: 4, memoryBytes: GIB, reservedBytes: GIB };
		return this.hasRoom ? [{ id: "a1", host: "h1", stale: false, heartbeat: { trials } }] : [];
	}

	async sendOrder(
		_agent: string,
		{ runTrial }: { runTrial: Order },
		{ signal }: { signal: AbortSignal },
	): Promise<Answer> {
		const answer = Promise.withResolvers<Answer>();
		signal.addEventListener("abort", () => answer.reject(signal.reason));
		this.orders.push({ order: runTrial, answer });
		return await answer.promise;
	}
}

class Desk implements AsyncDisposable {
	readonly agent = new OneAgent();
	readonly catalog: Catalog;
	readonly signatures: SignatureBook;
	batches!: TrialBatches;

	constructor(catalog: Catalog, stories: number) {
		this.catalog = catalog;
		this.signatures = new SignatureBook({ catalog, settings: { keep: 1000, stories } });
	}

	static async open(folder: TempFolder, stories = 200): Promise<Desk> {
		const desk = new Desk(await Catalog.open(folder.path), stories);
		desk.batches = await TrialBatches.open({
			trials: desk.catalog.trials,
			signatures: desk.signatures,
			agents: desk.agent as unknown as AgentTable,
			tickets: new PointTickets({ pin: () => ({ [Symbol.dispose]: () => undefined }) as never }),
			log: silentLogger(),
		});
		return desk;
	}

	async start(...trials: WantedBatch["trials"]) {
		const { id } = await this.batches.start({ ...WANTED, trials });
		return id;
	}

	async order(number = 0) {
		return await until(() => this.agent.orders[number], { what: "an order" });
	}

	async report(order: Order, told: CloneReport): Promise<void> {
		await this.batches.reported({ ticket: order.ticket ?? null, report: Buffer.from(JSON.stringify(told)) });
	}

	async ended(id: string) {
		return await until(
			() => {
				const view = this.batches.get(id);
				return view.state === "running" ? undefined : view;
			},
			{ what: "the batch ends" },
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.batches[Symbol.asyncDispose]();
		await this.catalog[Symbol.asyncDispose]();
	}
}

describe("batches of trials", () => {
	it("are given to an agent, filed trial by trial with their stories, and end", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder);
		const id = await desk.start(STRESSED, CONTROL);
		const { order, answer } = await desk.order();
		const [profile, control] = order.profiles ?? [];
		assert.equal(JSON.parse(Buffer.from(profile ?? []).toString()).name, "p2");
		assert.deepEqual([control?.length, order.clones, desk.batches.get(id).state], [0, 2, "running"]);
		assert.equal((await desk.catalog.trials.pending()).length, 2);

		await desk.report(order, failed(0));
		assert.deepEqual(
			desk.batches.get(id).trials.map(({ outcome }) => outcome),
			["failed", null],
		);
		await desk.report(order, told(1));
		await desk.report(order, told(1));
		answer.resolve({ ok: true, trial: { templateMs: 300, notes: ["n"] } });
		const { state, template, trials } = await desk.ended(id);
		assert.deepEqual([state, template?.notes, trials[0]?.failure?.title], ["done", ["n"], "f in g"]);
		assert.deepEqual(await desk.catalog.trials.pending(), []);

		const record = await desk.catalog.trials.trial(`${id}-0`);
		assert.equal(record?.control, false);
		const story = await desk.catalog.trials.story(record!);
		assert.deepEqual([story?.console, story?.failures[0]?.excerpt], ["login: ", ["BUG: f"]]);
		const signature = await desk.signatures.signature(record?.signature ?? "");
		// What came after the failure did not lead up to it.
		assert.deepEqual(signature.leadUp?.values["vm.cpu_usage_percent"], [1, 2, 3, 4, 5]);
		assert.deepEqual(signature.reproduction, { failed: 0, trials: 0 });
		await assert.rejects(desk.report(order, told(0)), { code: "denied" });
	});

	it("count replays, but not those that are lost", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder);
		const first = await desk.start(STRESSED);
		const { order, answer } = await desk.order();
		await desk.report(order, failed(0));
		answer.resolve({ ok: true, trial: {} });
		await desk.ended(first);
		const record = await desk.catalog.trials.trial(`${first}-0`);
		const { trials } = replaysOf(record!, 4);
		assert.deepEqual(trials[0], { profile: profileOf(2), replays: record?.signature });

		const again = await desk.start(...trials);
		const replay = await desk.order(1);
		await desk.report(replay.order, failed(0));
		await desk.report(replay.order, failed(1));
		await desk.report(replay.order, told(2));
		replay.answer.resolve({ ok: false, message: "the host is on fire" });
		const view = await desk.ended(again);
		assert.deepEqual(
			view.trials.map(({ outcome }) => outcome),
			["failed", "failed", "survived", "lost"],
		);
		assert.match(view.error, /on fire/);
		assert.deepEqual((await desk.signatures.signature(record?.signature ?? "")).reproduction, { failed: 2, trials: 3 });
	});

	it("keep what each trial was asked, and ask it again in a replay", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder);
		const own = { ...STRESSED, profile: { ...STRESSED.profile, probes: PROBES } };
		for (const probes of [PROBES, []]) {
			const number = desk.agent.orders.length;
			const first = await desk.batches.start({ ...WANTED, probes, trials: [own, CONTROL] });
			const { order, answer } = await desk.order(number);
			for (const index of [0, 1]) await desk.report(order, failed(index));
			answer.resolve({ ok: true, trial: {} });
			await desk.ended(first.id);
			for (const { id, profile } of first.trials) {
				const record = await desk.catalog.trials.trial(id);
				assert.deepEqual(record?.probes, probes);
				const orders = desk.agent.orders.length;
				const again = await desk.batches.start({ ...WANTED, ...replaysOf(record, 2) });
				const replay = await desk.order(orders);
				assert.deepEqual(checkProbes(JSON.parse(Buffer.from(replay.order.probes ?? []).toString()), "probes"), probes);
				const [told = new Uint8Array()] = replay.order.profiles ?? [];
				// Those of its own come with its profile, once.
				const asked = profile === null ? [] : JSON.parse(Buffer.from(told).toString()).probes;
				assert.equal(asked.length, profile === null ? 0 : 1);
				replay.answer.resolve({ ok: true, trial: {} });
				await desk.ended(again.id);
			}
		}
	});

	it("are given the same time again, however early they failed", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder);
		const short = { ...STRESSED, profile: { ...STRESSED.profile, duration: 61_000 } };
		const first = await desk.batches.start({ ...WANTED, durationMs: 62_000, trials: [CONTROL, short] });
		const { order, answer } = await desk.order();
		for (const index of [0, 1]) await desk.report(order, failed(index));
		answer.resolve({ ok: true, trial: {} });
		await desk.ended(first.id);
		const records = await Promise.all(first.trials.map(async ({ id }) => await desk.catalog.trials.trial(id)));
		assert.deepEqual(
			records.map((record) => [record?.durationMs, replaysOf(record!, 1).durationMs]),
			[
				[62_000, 62_000],
				[61_000, 61_000],
			],
		);
	});

	it("read trials that were filed before their probes and time were kept", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder);
		const { probes: _probes, durationMs: _durationMs, failure: _failure, leadUp: _leadUp, ...old } = reportOf(1, null);
		const { trials } = desk.catalog;
		await trials.begin([{ ...old, id: "begun" } as TrialRecord]);
		const trial = { ...old, signature: null, failure: null, consequences: [] } as unknown as TrialRecord;
		const control = { ...trial, id: "control", vm: "db", profile: null, control: true };
		await trials.file({ trial: control, signatures: [], aliases: [], story: null, dropped: [], forgotten: [] });
		await trials.file({ trial, signatures: [], aliases: [], story: null, dropped: [], forgotten: [] });
		const read = [
			await trials.trial(old.id),
			...(await trials.trials({ vm: old.vm })).items,
			...(await trials.pending()),
		];
		assert.deepEqual(
			read.map((each) => [each?.probes, each?.durationMs]),
			[
				[[], 60_000],
				[[], 60_000],
				[[], 60_000],
			],
		);
		const controls = (await trials.trials()).items.filter((each) => each.control);
		assert.deepEqual(
			controls.map((each) => [each.probes, each.durationMs, replaysOf(each, 1).durationMs]),
			[[[], null, 30_000]],
			"as long as it lasted",
		);
	});

	it("are cancelled, and lost where the collector ends", async () => {
		await using folder = await tempFolder();
		let left = "";
		{
			await using desk = await Desk.open(folder);
			const id = await desk.start(STRESSED, STRESSED);
			const { order } = await desk.order();
			await desk.report(order, told(0));
			desk.batches.cancel(id);
			const view = await desk.ended(id);
			assert.deepEqual([view.state, ...view.trials.map(({ outcome }) => outcome)], ["cancelled", "survived", "lost"]);
			left = await desk.start(STRESSED);
		}
		// As where it was killed: what it had begun stands there.
		await using desk = await Desk.open(folder);
		const lost = await desk.catalog.trials.trial(`${left}-0`);
		assert.equal(lost?.outcome, "lost");
		const pending = { ...lost!, id: "killed-0" };
		await desk.catalog.trials.begin([pending]);
		await desk[Symbol.asyncDispose]();
		await using again = await Desk.open(folder);
		assert.equal((await again.catalog.trials.trial("killed-0"))?.outcome, "lost");
		assert.deepEqual(await again.catalog.trials.pending(), []);
	});

	it("refuse what is no report, and a batch that nobody can run", async () => {
		await using folder = await tempFolder();
		await using desk = await Desk.open(folder, 2);
		const id = await desk.start(CONTROL, CONTROL, CONTROL);
		const { order, answer } = await desk.order();
		// What its heartbeat says is reserved counts while it runs one, and no longer.
		await assert.rejects(desk.start(CONTROL), { code: "unavailable", message: /h1 lacks 1\.0 GiB/ });
		const send = (text: string) => desk.batches.reported({ ticket: order.ticket ?? null, report: Buffer.from(text) });
		await assert.rejects(send("{"), { code: "corrupt", message: /not JSON/ });
		await assert.rejects(send(JSON.stringify({ ...told(0), outcome: "fine" })), {
			code: "corrupt",
			message: /outcome/,
		});
		await assert.rejects(desk.report(order, told(3)), { code: "corrupt", message: /index 3 of 3/ });
		await assert.rejects(send(JSON.stringify(told(0, { console: "x".repeat(2 ** 20) }))), { code: "limit" });
		// The newest two have a story.
		for (const index of [0, 1, 2]) await desk.report(order, told(index));
		answer.resolve({ ok: true, trial: {} });
		const { items } = await desk.catalog.trials.trials();
		const stories = await Promise.all(items.map((trial) => desk.catalog.trials.story(trial)));
		assert.deepEqual(
			stories.map((story) => story !== undefined),
			[false, true, true],
		);
		await desk.ended(id);
		const days = { ...WANTED, durationMs: 864e5, trials: Array.from({ length: 100 }, () => CONTROL) };
		await assert.rejects(desk.batches.start(days), {
			code: "bad-config",
			message: /^100 trials of up to 24 h 0 min, 4 at a time: may take 601 h .*; wanted at most 596 h/,
		});
		desk.agent.hasRoom = false;
		await assert.rejects(desk.start(CONTROL), { code: "unavailable", message: /takes trials/ });
	});
});
