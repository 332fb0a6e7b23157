import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { generateProfile } from "../../common/trial/generate.ts";
import { testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { Catalog } from "../catalog/catalog.ts";
import { CrashingLevel } from "../catalog/crashing-level.ts";
import type { SignatureRecord } from "../catalog/trial-records.ts";
import { signatureId } from "./filing.ts";
import { SignatureBook } from "./signatures.ts";
import { failureOf, leverOf, profileOf, reportOf } from "./testing.ts";

class Desk implements AsyncDisposable {
	readonly catalog: Catalog;
	readonly book: SignatureBook;
	readonly #folder: TempFolder;

	private constructor(folder: TempFolder, catalog: Catalog, keep: number) {
		this.#folder = folder;
		this.catalog = catalog;
		this.book = new SignatureBook({ catalog, settings: { keep, stories: 200 } });
	}

	static async open(keep = 1000): Promise<Desk> {
		const folder = await tempFolder();
		return new Desk(folder, await Catalog.open(folder.path), keep);
	}

	async all(): Promise<readonly SignatureRecord[]> {
		return (await this.catalog.trials.signatures()).items;
	}

	async only(): Promise<SignatureRecord> {
		const [signature, ...more] = await this.all();
		assert.ok(signature !== undefined && more.length === 0, `${more.length + 1} signatures`);
		return signature;
	}

	async sound(): Promise<void> {
		assert.deepEqual((await this.catalog.check()).damage, []);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.catalog[Symbol.asyncDispose]();
		await this.#folder[Symbol.asyncDispose]();
	}
}

const OOPS = failureOf("NULL pointer dereference in f", { alternatives: ["bad access in f"] });

describe("SignatureBook.file", () => {
	it("writes the trial, its signature and an event together, and gathers what comes again", async () => {
		await using desk = await Desk.open();
		const levers = [
			leverOf(1000, "set", "disk-latency", { disk: "vda", ms: 400 }),
			leverOf(1500, "set", "cpu-share", { percent: 10 }),
			leverOf(2000, "revert", "cpu-share"),
			leverOf(3900, "fire", "nmi"),
			leverOf(5000, "set", "network-link"),
		];
		const leadUp = { intervalMs: 1000, values: { "vm.cpu_usage_percent": [1, null, 99] } };
		const consequences = [{ type: "kernel-panic", title: "kernel panic: Fatal exception", alternatives: [] }] as const;
		assert.equal(await desk.book.file(reportOf(1, { ...OOPS, consequences }, { levers, leadUp })), "filed");
		const first = await desk.only();
		assert.equal(first.id, signatureId("oops", OOPS.title));
		assert.match(first.id, /^[0-9a-f]{64}$/);
		assert.deepEqual(
			first.provokedBy?.levers.map(({ lever }) => lever),
			["disk-latency", "nmi"],
		);
		assert.deepEqual(first.reproduction, { failed: 0, trials: 0 });
		assert.deepEqual(first.leadUp, leadUp);
		const trial = await desk.catalog.trials.trial("t1");
		assert.equal(trial?.signature, first.id);
		assert.deepEqual(trial.consequences, [{ type: "kernel-panic", title: "kernel panic: Fatal exception" }]);
		assert.deepEqual(
			(await desk.catalog.journal.read(0, 10)).map(({ entry }) => entry),
			[{ type: "trial", vm: "web1", time: trial.time, id: "t1" }],
		);

		await desk.book.file(reportOf(2, OOPS, { vm: "db/1 ü", profile: profileOf(1) }));
		const second = await desk.only();
		assert.deepEqual([second.count, second.controls], [2, 0]);
		assert.deepEqual(second.vms, ["web1", "db/1 ü"]);
		assert.deepEqual(
			second.occurrences.map((each) => each.trial),
			["t2", "t1"],
		);
		assert.deepEqual(second.minimal, { profile: profileOf(1), trial: "t2" }, "the smaller stress");
		assert.deepEqual(second.provokedBy, first.provokedBy, "the first stays");
		assert.deepEqual([second.firstSeen, second.lastSeen], [reportOf(1, null).time, reportOf(2, null).ended]);
		for (const [vm, count] of [
			["web1", 1],
			["db/1 ü", 1],
			["other", 0],
		] as const) {
			assert.equal((await desk.catalog.trials.signatures({ vm })).items.length, count, vm);
			assert.equal((await desk.catalog.trials.trials({ vm })).items.length, count, vm);
		}
		await desk.sound();
	});

	it("counts a trial once, however often and together with whichever others it is filed", async (context) => {
		const random = testRandom(context);
		await using desk = await Desk.open();
		const reports = Array.from({ length: 20 }, (_, at) => reportOf(at, at % 4 === 3 ? null : failureOf(`f${at % 3}`)));
		const filed = random.shuffle([...reports, ...reports, ...reports]);
		const outcomes = await Promise.all(filed.map((report) => desk.book.file(report)));
		assert.equal(outcomes.filter((outcome) => outcome === "filed").length, 20);
		const signatures = await desk.all();
		assert.equal(
			signatures.reduce((sum, { count }) => sum + count, 0),
			15,
		);
		assert.equal((await desk.catalog.journal.read(0, 100)).length, 20);
		await desk.sound();
	});

	it("finds a signature by any of the titles that it went by", async () => {
		await using desk = await Desk.open();
		await desk.book.file(reportOf(1, OOPS));
		await desk.book.file(reportOf(2, failureOf("bad paging request in f", { alternatives: ["bad access in f"] })));
		await desk.book.file(reportOf(3, failureOf("bad paging request in f")));
		const { title, alternatives, count } = await desk.only();
		assert.deepEqual([title, count], [OOPS.title, 3]);
		assert.deepEqual([...alternatives].sort(), ["bad access in f", "bad paging request in f"]);
		await desk.book.file(reportOf(4, failureOf("bad access in f", { type: "memory-corruption" })));
		assert.equal((await desk.all()).length, 2, "another type is another failure");
		await desk.sound();
	});

	it("counts how often trials that failed alike were replayed, and how often they failed again", async () => {
		await using desk = await Desk.open();
		await desk.book.file(reportOf(1, OOPS));
		const { id } = await desk.only();
		await desk.book.file(reportOf(2, null, { replays: id }));
		await desk.book.file(reportOf(3, OOPS, { replays: id }));
		await desk.book.file(reportOf(4, failureOf("another"), { replays: id }));
		await desk.book.file(reportOf(5, OOPS, { control: true, profile: null }));
		await desk.book.file(reportOf(6, null, { replays: "no such signature" }));
		await desk.book.file(reportOf(7, null, { replays: id, outcome: "lost" }));
		// Under any other profile: whether it comes there says nothing of how often it comes again here.
		for (let at = 8; at < 16; at++) await desk.book.file(reportOf(at, at % 2 === 0 ? OOPS : null));
		const signature = await desk.book.signature(id);
		assert.deepEqual(signature.reproduction, { failed: 1, trials: 3 });
		assert.deepEqual([signature.count, signature.controls], [7, 1]);
		await desk.sound();
	});

	it("counts replays of a control that failed, whether they fail or not", async () => {
		await using desk = await Desk.open();
		const control = { control: true, profile: null };
		await desk.book.file(reportOf(0, OOPS, control));
		const { id } = await desk.only();
		for (let at = 1; at <= 10; at++) {
			await desk.book.file(reportOf(at, at % 2 === 0 ? OOPS : null, { ...control, replays: id }));
		}
		const { reproduction, controls } = await desk.only();
		assert.deepEqual([reproduction, controls], [{ failed: 5, trials: 10 }, 6]);
	});

	it("keeps the newest trials of each VM, and all signatures", async () => {
		await using desk = await Desk.open(3);
		for (let at = 1; at <= 6; at++) await desk.book.file(reportOf(at, OOPS));
		await desk.book.file(reportOf(1, OOPS, { vm: "other", id: "o1" }));
		const kept = (await desk.catalog.trials.trials({ vm: "web1" })).items.map(({ id }) => id);
		assert.deepEqual(kept, ["t4", "t5", "t6"]);
		assert.equal((await desk.catalog.trials.trials()).items.length, 4);
		assert.equal(await desk.book.file(reportOf(2, OOPS)), "expired");
		assert.equal((await desk.only()).count, 7, "one that was let go of is not counted again");
		assert.equal(await desk.catalog.trials.trial("t2"), undefined);
		await desk.sound();
	});

	it("is filed once by whoever tries again, whatever became of the first write", async (context) => {
		const random = testRandom(context);
		for (const fate of ["lost", "unknown"] as const) {
			await using folder = await tempFolder();
			const machine = new CrashingLevel(folder.path);
			await using catalog = await Catalog.open(folder.path, machine.make);
			const book = new SignatureBook({ catalog, settings: { keep: 1000, stories: 200 } });
			const reports = Array.from({ length: 10 }, (_, at) => reportOf(at, at % 2 === 0 ? OOPS : failureOf("g")));
			for (const report of reports) {
				const hurts = random.chance(0.6);
				machine.before = () => (hurts ? fate : "written");
				const first = await book.file(report).catch((error: unknown) => error);
				machine.before = () => "written";
				if (hurts) assert.ok(isUmbraError(first, "unavailable"), String(first));
				assert.equal(await book.file(report), hurts && fate === "lost" ? "filed" : "known");
			}
			const { items } = await catalog.trials.signatures();
			assert.deepEqual(
				items.map(({ count }) => count),
				[5, 5],
			);
			assert.equal((await catalog.trials.trials()).items.length, 10);
			assert.deepEqual((await catalog.check()).damage, []);
		}
	});

	it("bounds what a signature holds", async () => {
		await using desk = await Desk.open(10);
		for (let at = 0; at < 130; at++) {
			await desk.book.file(reportOf(at, failureOf("f", { alternatives: [`also ${at}`] }), { vm: `vm${at}` }));
		}
		const { occurrences, alternatives, count, vms } = await desk.only();
		assert.deepEqual([occurrences.length, alternatives.length, count, vms.length], [100, 20, 130, 130]);
		assert.equal(occurrences[0]?.trial, "t129");
	});
});

describe("SignatureBook.setMitigation", () => {
	it("takes an operator's word in place of what is said of the type, until it is taken back", async () => {
		await using desk = await Desk.open();
		await desk.book.file(reportOf(1, OOPS));
		const { id, mitigation } = await desk.only();
		assert.equal(mitigation, null);
		await desk.book.setMitigation(id, { text: "Pin the kernel", by: "ann" });
		await desk.book.file(reportOf(2, OOPS));
		assert.deepEqual({ ...(await desk.only()).mitigation, time: "" }, { text: "Pin the kernel", by: "ann", time: "" });
		await desk.book.setMitigation(id, null);
		assert.equal((await desk.only()).mitigation, null);
		await assert.rejects(desk.book.setMitigation("x", null), { code: "not-found", message: /no signature "x"/ });
	});
});

describe("signatures of other sites", () => {
	const options = { takeMitigations: false, by: "bob" };

	it("come with their evidence and their counts, which stay apart from ours", async () => {
		await using there = await Desk.open();
		await using here = await Desk.open();
		const averages = { cpuPercent: 40, memoryPercent: 60, ioBytesPerSecond: 1e6 };
		const profile = generateProfile({ vm: "web1", averages, seed: 7 });
		await there.book.file(reportOf(1, OOPS, { profile, leadUp: { intervalMs: 1000, values: { cpu: [1, 2] } } }));
		await there.book.file(reportOf(2, failureOf("only there")));
		const replays = signatureId("oops", OOPS.title);
		await there.book.file(reportOf(3, null, { replays }));
		await there.book.file(reportOf(4, OOPS, { replays }));
		await here.book.file(reportOf(7, failureOf("bad access in f")));
		const text = await there.book.exportAll();
		assert.doesNotMatch(text, /web1/, "names of VMs stay at home");
		assert.match(text, /provokedBy:\n +name: profile-7\n +seed: 7\n.*minimal:\n +name: profile-7\n/s);
		const { site, added, changed, unchanged } = await here.book.importAll(text, "f.yaml", options);
		assert.deepEqual([site, added, changed, unchanged], [there.catalog.collectorId, 1, 1, 0]);
		const known = await here.book.signature(signatureId("oops", "bad access in f"));
		assert.equal(known.count, 1);
		assert.deepEqual(known.reproduction, { failed: 0, trials: 0 });
		assert.deepEqual(
			known.sites.map(({ site: each, failed, trials }) => [each, failed, trials]),
			[[site, 1, 2]],
		);
		assert.deepEqual(known.leadUp, { intervalMs: 1000, values: { cpu: [1, 2] } });
		const foreign = await here.book.signature(signatureId("oops", "only there"));
		assert.deepEqual([foreign.count, foreign.firstSeen, foreign.vms], [0, null, []]);
		assert.deepEqual(foreign.provokedBy?.profile, { ...profileOf(3), name: "profile-1" });
		await here.sound();

		const again = await here.book.importAll(text, "f.yaml", options);
		assert.deepEqual([again.added, again.changed, again.unchanged], [0, 0, 2]);
		// Ours come back to us by way of them: nothing is counted twice.
		await there.book.importAll(await here.book.exportAll(), "g.yaml", options);
		const back = await here.book.importAll(await there.book.exportAll(), "h.yaml", options);
		assert.equal(back.added, 0);
		const after = await here.book.signature(known.id);
		assert.deepEqual([after.count, after.reproduction, after.sites.length], [1, { failed: 0, trials: 0 }, 1]);
		await here.book.file(reportOf(8, failureOf("only there")));
		assert.equal((await here.book.signature(foreign.id)).count, 1, "ours begin with ours");
	});

	it("never take the place of a mitigation without being told to", async () => {
		await using there = await Desk.open();
		await using here = await Desk.open();
		for (const { book } of [there, here]) for (const at of [1, 2]) await book.file(reportOf(at, failureOf(`f${at}`)));
		const [one, two] = [signatureId("oops", "f1"), signatureId("oops", "f2")];
		for (const id of [one, two]) await there.book.setMitigation(id, { text: "theirs", by: "eve" });
		await here.book.setMitigation(one, { text: "ours", by: "ann" });
		const text = await there.book.exportAll();
		const said = async (id: string) => (await here.book.signature(id)).mitigation?.text;
		const { mitigations } = await here.book.importAll(text, "f", options);
		assert.deepEqual(Object.fromEntries(mitigations.map(({ id, outcome }) => [id, outcome])), {
			[one]: "kept",
			[two]: "adopted",
		});
		assert.deepEqual([await said(one), await said(two)], ["ours", "theirs"]);
		assert.equal((await here.book.signature(one)).sites[0]?.mitigation, "theirs", "it can be read");
		const forced = await here.book.importAll(text, "f", { ...options, takeMitigations: true });
		assert.deepEqual(
			forced.mitigations.map(({ outcome }) => outcome),
			["replaced"],
		);
		assert.deepEqual(
			{ ...(await here.book.signature(one)).mitigation, time: "" },
			{ text: "theirs", by: "bob", time: "" },
		);
	});

	for (const [what, change, message] of [
		["what is no YAML", () => "a: [", /f\.yaml: not YAML/],
		["another format", (text: string) => text.replace("umbra-signatures", "x"), /f\.yaml: format: /],
		["a later version", (text: string) => text.replace("version: 1", "version: 2"), /f\.yaml: version: /],
		["a type that is none", (text: string) => text.replace("type: oops", "type: ouch"), /signatures\.0\.type: /],
		[
			"a title that is too long",
			(text: string) => text.replace("title: f1", `title: ${"x".repeat(121)}`),
			/signatures\.0\.title: /,
		],
		[
			"a profile that makes no sense",
			(text: string) => text.replace("lever: nmi", "lever: gravity"),
			/signatures\.0\.provokedBy: .*no such lever/,
		],
		[
			"an unknown field",
			(text: string) => text.replace("type: oops", "type: oops\n    vm: web1"),
			/signatures\.0: .*"vm"/,
		],
		["a count below nothing", (text: string) => text.replace("failed: 0", "failed: -1"), /sites\.0\.failed: /],
	] as const) {
		it(`are refused as a whole where they hold ${what}`, async () => {
			await using there = await Desk.open();
			await using here = await Desk.open();
			for (const at of [1, 2]) await there.book.file(reportOf(at, failureOf(`f${at}`)));
			const text = (await there.book.exportAll()).replace(/^( +)- type: oops\n( +)title: f2/m, "$&");
			const first = text.indexOf("title: f1") < text.indexOf("title: f2") ? text : reorder(text);
			await assert.rejects(here.book.importAll(change(first), "f.yaml", options), { code: "bad-config", message });
			assert.deepEqual(await here.all(), []);
		});
	}
});

/** The second signature first: their order is that of their ids. */
function reorder(text: string): string {
	const [head = "", one = "", two = ""] = text.split(/^(?= {2}- type: )/m);
	return head + two + one;
}
