import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { random } from "../ingest/test-agent.ts";
import { Catalog } from "./catalog.ts";
import { escapeComponent, keys, rangeBelow, unescapeComponent } from "./keys.ts";
import { encodeRecord } from "./record-form.ts";
import type { AlertRecord, ChangesetRecord, FileChangeRecord, Verdict, VmRecord } from "./records.ts";

const seed = Number(process.env["UMBRA_TEST_SEED"] ?? Date.now() % 2 ** 32);

function changeset(vm: string, time: bigint, more: Partial<ChangesetRecord> = {}): ChangesetRecord {
	return {
		id: `${vm}@${time}`,
		baseId: "",
		vm,
		vmUuid: "",
		agentId: "agent-1",
		host: "host-1",
		sequence: "1",
		time: time.toString(),
		consistency: "crash",
		captureMs: 1,
		pauseMs: 1,
		disks: [],
		fileCount: 0,
		verdict: null,
		...more,
	};
}

function vmRecord({ vm, vmUuid: uuid, agentId, host, id, time }: ChangesetRecord): VmRecord {
	return { vm, uuid, agentId, host, headId: id, headTime: time, disks: [] };
}

function file(path: string, more: Partial<FileChangeRecord> = {}): FileChangeRecord {
	const sizes = { inode: 1, sizeBefore: 0, sizeAfter: 0, changedBytes: 0, entropyBefore: null, entropyAfter: null };
	const owner = { uid: 0, gid: 0, owner: "", group: "", mode: 0, mtime: 0 };
	return { disk: "vda", volume: "1", change: "modified", path, type: "file", ...sizes, ...owner, ...more };
}

const verdict: Verdict = {
	score: 0.9,
	severity: "critical",
	learning: false,
	features: {},
	contributions: [],
	files: [],
	triggers: [],
};

function alert(vm: string, time: bigint, id: string, more: Partial<AlertRecord> = {}): AlertRecord {
	const cause = { changesetId: "c", changesetTime: time.toString(), severity: "warning", cause: "anomaly" } as const;
	const told = { summary: "", score: 1, files: [], fileCount: 0, contributions: [], features: {}, mitigation: "" };
	const life = { state: "firing", count: 1, lastSeen: time.toString(), quiet: 0, resolvedTime: null } as const;
	return { id, vm, host: "h", time: time.toString(), ...cause, ...told, ...life, undelivered: ["noc"], ...more };
}

async function put(catalog: Catalog, record: ChangesetRecord, files: readonly FileChangeRecord[] = []): Promise<void> {
	const counted = { ...record, fileCount: files.length };
	await catalog.commit({ changeset: counted, vm: vmRecord(record), files, firstIndex: 0 });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
	return await Array.fromAsync(items);
}

describe("catalog keys", () => {
	/** Names made of what could forge a key, and of anything else. */
	const nasty = ["/", "%", "%2F", "0", "\0", "..", "~", "\u{10ffff}", "ü", "a", "", "\x7f", "\uffff", "/0", " "];
	const name = (next: () => number) => {
		let text = "";
		for (let count = Math.floor(next() * 5); count > 0; count--) {
			text +=
				next() < 0.8 ? nasty[Math.floor(next() * nasty.length)]! : String.fromCodePoint(Math.floor(next() * 0xd7ff));
		}
		return text;
	};

	it(`never let one name stand for another (seed ${seed})`, () => {
		const next = random(seed);
		const seen = new Map<string, string>();
		for (let round = 0; round < 20_000; round++) {
			const parts = [name(next), name(next)] as const;
			const key = keys.file(parts[0], parts[1], 1n, 1);
			const known = seen.get(key);
			assert.ok(
				known === undefined || known === JSON.stringify(parts),
				`${key}: ${known} and ${JSON.stringify(parts)}`,
			);
			seen.set(key, JSON.stringify(parts));
			assert.equal(unescapeComponent(escapeComponent(parts[0])), parts[0]);
			assert.equal(key.split("/").length, 5);
		}
	});

	it(`lie in the range of their own prefix only (seed ${seed})`, () => {
		const next = random(seed);
		for (let round = 0; round < 20_000; round++) {
			const [a, b] = [name(next), name(next)];
			const { prefix, end } = rangeBelow("change", escapeComponent(a));
			const key = keys.change(b, BigInt(Math.floor(next() * 2 ** 50)));
			assert.equal(key >= prefix && key < end, a === b, JSON.stringify([a, b]));
		}
	});

	it("sort as their times do", () => {
		const times = [0n, 1n, 9n, 10n, 10n ** 18n, 10n ** 19n, 2n ** 64n - 1n];
		const sorted = times.map((time) => keys.change("v", time)).sort();
		assert.deepEqual(
			sorted,
			times.map((time) => keys.change("v", time)),
		);
	});

	it("refuse half a surrogate pair and what is no time", () => {
		assert.throws(() => keys.vm("\ud800"), { code: "corrupt", message: /well-formed/ });
		assert.throws(() => keys.change("v", "1e9"), { code: "internal" });
		assert.throws(() => keys.change("v", -1n), { code: "internal" });
		assert.throws(() => keys.fileChange("v", 1n, 1e8), { code: "limit" });
	});
});

describe("Catalog", () => {
	let folder: string;
	let catalog: Catalog;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "umbra-catalog-"));
		catalog = await Catalog.open(join(folder, "main"));
	});
	after(async () => {
		await catalog[Symbol.asyncDispose]();
		await rm(folder, { recursive: true, force: true });
	});

	it("refuses a second opener, and a newer version", async () => {
		await assert.rejects(Catalog.open(join(folder, "main")), { code: "conflict", hint: /one collector/ });
		const path = join(folder, "newer");
		const level = new ClassicLevel(path);
		await level.put("meta/schema", '{"version":3}');
		await level.close();
		await assert.rejects(Catalog.open(path), { code: "unsupported", message: /catalog version 3/, hint: /newer/ });
	});

	it("keeps its identity over a restart", async () => {
		const path = join(folder, "identity");
		const ids: string[] = [];
		for (let round = 0; round < 2; round++) {
			await using opened = await Catalog.open(path);
			ids.push(opened.collectorId);
		}
		assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
		assert.equal(ids[0], ids[1]);
	});

	it("finds changesets by id, by time, and the newest at or before one", async () => {
		for (const time of [100n, 200n, 300n]) await put(catalog, changeset("a/b", time));
		await put(catalog, changeset("a", 150n));
		await put(catalog, changeset("a/b/c", 250n));
		assert.equal((await catalog.changesetById("a/b@200"))?.time, "200");
		assert.equal(await catalog.changesetById("a/b@201"), undefined);
		assert.equal((await catalog.changesetAt("a/b", 299n))?.time, "200");
		assert.equal((await catalog.changesetAt("a/b", 300n))?.time, "300");
		assert.equal(await catalog.changesetAt("a/b", 99n), undefined);
		assert.equal((await catalog.vm("a/b"))?.headTime, "300");
	});

	it(`pages as a sorted array does (seed ${seed})`, async () => {
		const next = random(seed);
		const times = [...new Set(Array.from({ length: 40 }, () => Math.floor(next() * 1000)))].sort((x, y) => x - y);
		for (const time of times) await put(catalog, changeset("paged", BigInt(time)));
		for (let round = 0; round < 60; round++) {
			const reverse = next() < 0.5;
			const from = next() < 0.5 ? undefined : BigInt(Math.floor(next() * 1000));
			const to = next() < 0.5 ? undefined : BigInt(Math.floor(next() * 1000));
			const limit = 1 + Math.floor(next() * 15);
			const wanted = times.filter((time) => (from === undefined || time >= from) && (to === undefined || time <= to));
			if (reverse) wanted.reverse();
			const seen: number[] = [];
			let cursor: string | undefined;
			do {
				const page = await catalog.changesets("paged", { from, to, reverse, limit, cursor });
				assert.ok(page.items.length <= limit);
				seen.push(...page.items.map(({ time }) => Number(time)));
				cursor = page.next ?? undefined;
			} while (cursor !== undefined);
			assert.deepEqual(seen, wanted, JSON.stringify({ reverse, from: String(from), to: String(to), limit }));
		}
		await assert.rejects(catalog.changesets("paged", { cursor: "\0" }), { code: "bad-config", message: /cursor/ });
		// A cursor of another listing leads nowhere else.
		assert.deepEqual((await catalog.changesets("paged", { cursor: "../vm/a" })).items.length, times.length);
	});

	it("knows the history of a path under old and new names", async () => {
		const renamed = file("/new", { change: "renamed", oldPath: "/old" });
		await put(catalog, changeset("h", 1n), [file("/old"), file("/old/"), file("/ol")]);
		await put(catalog, changeset("h", 2n), [file("/x"), renamed]);
		await put(catalog, changeset("h", 3n), [file("/new")]);
		const history = async (path: string) => (await catalog.fileHistory("h", path)).items;
		assert.deepEqual(
			(await history("/old")).map(({ time, file: { path, change } }) => [time, path, change]),
			[
				["1", "/old", "modified"],
				["2", "/new", "renamed"],
			],
		);
		assert.deepEqual(
			(await history("/new")).map(({ time }) => time),
			["2", "3"],
		);
		assert.deepEqual(await history("/o"), []);
		await put(catalog, changeset("h", 4n), [file("/end", { change: "created", oldPath: "/begin", via: ["/between"] })]);
		for (const path of ["/end", "/begin", "/between"]) {
			assert.deepEqual(
				(await history(path)).map(({ time }) => time),
				["4"],
			);
		}
	});

	it("hides what is staged, and sweeps it away at the next start", async () => {
		const path = join(folder, "staged");
		const files = Array.from({ length: 2500 }, (_, at) => file(`/f/${at}`));
		{
			await using opened = await Catalog.open(path);
			await opened.stageFiles("v", 7n, 0, files);
			assert.deepEqual((await opened.fileHistory("v", "/f/3")).items, []);
			await opened.stageFiles("w", 8n, 0, files.slice(0, 3));
			await opened.commit({
				changeset: changeset("w", 8n),
				vm: vmRecord(changeset("w", 8n)),
				files: [file("/l")],
				firstIndex: 3,
				filesHash: "00".repeat(32),
			});
		}
		{
			await using opened = await Catalog.open(path);
			assert.equal((await opened.fileChanges("w", 8n)).items.length, 4);
			assert.equal((await opened.fileHistory("w", "/l")).items.length, 1);
		}
		const level = new ClassicLevel(path);
		const left = (await level.keys().all()).filter((key) => /^(staged\/|file(change)?\/v\/)/.test(key));
		await level.close();
		assert.deepEqual(left, []);
	});

	it("forgets what is judged from what waits, and lists what is abnormal", async () => {
		const path = join(folder, "judged");
		await using opened = await Catalog.open(path);
		for (const time of [1n, 2n, 3n]) await put(opened, changeset("v", time));
		assert.equal((await all(opened.unjudged())).length, 3);
		const first = await opened.nextUnjudged("v");
		assert.equal(first?.time, "1");
		const state = { key: "detect/v", value: "s" };
		await opened.saveJudgement({ changeset: first!, verdict, state, alerts: [alert("v", 5n, "x")] });
		const second = await opened.nextUnjudged("v");
		assert.equal(second?.time, "2");
		await opened.saveJudgement({ changeset: second!, verdict: { ...verdict, severity: "info" }, alerts: [] });
		assert.deepEqual(await all(opened.unjudged()), [{ vm: "v", time: "3" }]);
		assert.equal(await opened.state("detect/v"), "s");
		assert.deepEqual(
			(await opened.anomalies()).items.map(({ time }) => time),
			["1"],
		);
		assert.equal((await opened.changeset("v", 1n))?.verdict?.score, 0.9);
	});

	it("keeps the lists of alerts in step with their state", async () => {
		await using opened = await Catalog.open(join(folder, "alerts"));
		const one = alert("v", 5n, "one");
		for (const each of [one, alert("w", 6n, "two"), alert("v", 7n, "three", { undelivered: [] })]) {
			await opened.saveAlert(each);
		}
		const ids = (alerts: readonly AlertRecord[]) => alerts.map(({ id }) => id);
		assert.deepEqual(ids((await opened.alerts({ reverse: true })).items), ["three", "two", "one"]);
		assert.deepEqual(ids((await opened.alerts({ vm: "v" })).items), ["one", "three"]);
		assert.deepEqual(ids(await opened.firingAlerts("v")).sort(), ["one", "three"]);
		assert.deepEqual(ids(await all(opened.undeliveredAlerts())), ["one", "two"]);
		await opened.saveAlert({ ...one, state: "resolved", undelivered: [] });
		assert.deepEqual(ids(await opened.firingAlerts("v")), ["three"]);
		assert.deepEqual(ids(await all(opened.undeliveredAlerts())), ["two"]);
		assert.equal((await opened.alert(5n, "one"))?.state, "resolved");
	});
});

describe("deleting points", () => {
	async function commit(catalog: Catalog, vm: string, time: bigint, files: readonly FileChangeRecord[]): Promise<void> {
		const record = changeset(vm, time, { fileCount: files.length });
		await catalog.commit({ changeset: record, vm: vmRecord(record), files, firstIndex: 0 });
		await catalog.saveJudgement({ changeset: record, verdict, alerts: [] });
	}

	/** Every key that names this time. */
	async function keysOf(folder: string, time: bigint): Promise<string[]> {
		const level = new ClassicLevel(folder);
		await level.open();
		const found = (await level.keys().all()).filter((key) => key.includes(time.toString()));
		await level.close();
		return found.map((key) => key.split("/")[0] ?? "");
	}

	it("takes all with them but what has to stay, which it says", async () => {
		const folder = await mkdtemp(join(tmpdir(), "umbra-catalog-"));
		try {
			{
				await using catalog = await Catalog.open(folder);
				const files = Array.from({ length: 2500 }, (_, at) => file(`/f${at}`, { oldPath: `/g${at}` }));
				await commit(catalog, "web", 111_111n, files);
				await commit(catalog, "web", 222_222n, [file("/f1")]);
				await commit(catalog, "web", 333_333n, [file("/f1")]);
				await catalog.saveHold({ vm: "web", time: "222222", reason: "r", by: "b", since: "1" });
				const unjudged = changeset("web", 444_444n);
				await catalog.commit({ changeset: unjudged, vm: vmRecord(unjudged), files: [], firstIndex: 0 });
				const head = changeset("web", 555_555n);
				await catalog.commit({ changeset: head, vm: vmRecord(head), files: [], firstIndex: 0 });
				assert.deepEqual(
					await catalog.deletePoints("web", [111_111n, 222_222n, 333_333n, 444_444n, 555_555n, 6n], "test"),
					["deleted", "held", "deleted", "unjudged", "head", "absent"],
				);
				assert.deepEqual(await Array.fromAsync(catalog.pointTimes("web")), [555_555n, 444_444n, 222_222n]);
				assert.equal((await catalog.fileHistory("web", "/f1")).items.length, 1);
				assert.equal(await catalog.changesetById("web@111111"), undefined);
				assert.equal((await catalog.anomalies()).items.length, 1);
				await assert.rejects(catalog.deleteVm("web", "test"), { code: "conflict" });
			}
			for (const time of [111_111n, 333_333n]) assert.deepEqual(await keysOf(folder, time), []);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});

	it("is taken up at the next start where it was cut short, and unseen meanwhile", async () => {
		const folder = await mkdtemp(join(tmpdir(), "umbra-catalog-"));
		try {
			{
				await using catalog = await Catalog.open(folder);
				await commit(catalog, "web", 111_111n, [file("/f1"), file("/f2", { oldPath: "/f3" })]);
				await commit(catalog, "web", 222_222n, [file("/f1")]);
			}
			// As a process leaves it that is killed right after the first batch.
			const level = new ClassicLevel<string, string>(folder);
			await level.open();
			const marker = keys.deleting("web", 111_111n);
			await level.put(marker, encodeRecord(marker, { vm: "web", time: "111111" }));
			for (const key of [keys.change("web", 111_111n), keys.id("web@111111"), keys.anomaly(111_111n, "web")])
				await level.del(key);
			await level.close();
			{
				await using catalog = await Catalog.open(folder);
				assert.deepEqual(await Array.fromAsync(catalog.pointTimes("web")), [222_222n]);
			}
			assert.deepEqual(await keysOf(folder, 111_111n), []);
			assert.ok((await keysOf(folder, 222_222n)).includes("filechange"));
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
