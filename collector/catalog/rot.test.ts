import assert from "node:assert/strict";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { isUmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { Catalog } from "./catalog.ts";
import { checkChain } from "./chain-check.ts";
import { keys } from "./keys.ts";
import { withChecksum } from "./record-form.ts";
import type { AlertRecord, ChangesetRecord, DamageRecord, FileChangeRecord, StateRecord, Verdict } from "./records.ts";
import type { SignatureRecord, TrialRecord } from "./trial-records.ts";
import type { TrialFiling } from "./trial-store.ts";

const VM = "web/1 ü";
const NAME = "ab".repeat(32);

/** Every kind of record. */
const KINDS = [
	...["meta", "vm", "change", "id", "filechange", "file", "staged", "deleting", "hold", "imported", "unjudged"],
	...["anomaly", "alert", "vmalert", "firing", "undelivered", "agent", "chain", "link", "damage", "event", "state"],
	"machinestate",
	...["trial", "trialid", "trialtime", "signature", "vmsignature", "alias"],
];

function changeset(time: number, random: Random, more: Partial<ChangesetRecord> = {}): ChangesetRecord {
	const root = Buffer.from(random.bytes(32)).toString("hex");
	const attribution = { total: 1, file: 1, directory: 0, journal: 0, metadata: 0, free: 0, unknown: 0 };
	const disk = { disk: "vda", sizeBytes: 2 ** 30, root, mode: "tracked", reason: "", dirtyBytes: 1 } as const;
	const told = { readBytes: 1, changedBytes: 1, entropyBefore: null, entropyAfter: null, attribution };
	const of = { vm: VM, vmUuid: "", agentId: "a", host: "h", sequence: "1", consistency: "crash" as const };
	const disks = [{ ...disk, ...told }] as unknown as ChangesetRecord["disks"];
	const times = { time: String(time), captureMs: 1, pauseMs: 1 };
	return { id: `c${time}`, baseId: "", ...of, ...times, disks, fileCount: 2, verdict: null, ...more };
}

function fileOf(path: string): FileChangeRecord {
	const sizes = { inode: 1, sizeBefore: 0, sizeAfter: 0, changedBytes: 0, entropyBefore: null, entropyAfter: null };
	const owner = { uid: 0, gid: 0, owner: "", group: "", mode: 0, mtime: 0 };
	return { disk: "vda", volume: "1", change: "modified", path, type: "file", ...sizes, ...owner };
}

const verdict: Verdict = {
	...{ score: 0.9, severity: "critical", learning: false, features: {}, contributions: [], files: [], triggers: [] },
};

function alertOf({ id: changesetId, time }: ChangesetRecord): AlertRecord {
	const told = { summary: "", score: 1, files: [], fileCount: 0, contributions: [], features: {}, mitigation: "" };
	const life = { state: "firing", count: 1, lastSeen: time, quiet: 0, resolvedTime: null } as const;
	const cause = { changesetId, changesetTime: time, severity: "warning", cause: "anomaly" } as const;
	return { id: "a1", vm: VM, host: "h", time, ...cause, ...told, ...life, undelivered: ["noc"] };
}

function filing(): TrialFiling {
	const of = { vm: VM, time: "9000", ended: "9500", batch: "b1", point: "6000", agentId: "a", host: "h" };
	const failure = { type: "oom-kill", title: "OOM kill of db" } as const;
	const measured = { firstStressMs: null, failedMs: 400, cloneMs: null, memoryBytes: null };
	const trial: TrialRecord = {
		...{
			id: "t1",
			...of,
			profile: null,
			control: true,
			durationMs: 60_000,
			probes: [],
			replays: null,
			outcome: "failed",
			signature: NAME,
		},
		...{ failure, consequences: [], ...measured, levers: [] },
	};
	const seen = { firstSeen: "9000", lastSeen: "9000", sites: [], leadUp: null, minimal: null, provokedBy: null };
	const counts = { count: 1, controls: 1, occurrences: [], vms: [VM], reproduction: { failed: 0, trials: 0 } };
	const signature: SignatureRecord = {
		...{
			id: NAME,
			...failure,
			alternatives: ["x"],
			excerpt: [],
			consequences: [],
			mitigation: null,
			...counts,
			...seen,
		},
	};
	return {
		trial,
		signatures: [signature],
		aliases: [{ alias: "cd".repeat(32), signature: NAME }],
		dropped: [],
		forgotten: [],
		story: null,
	};
}

/** A catalog with records of every kind, but for those that are there only for moments. */
async function fill(path: string, random: Random, points = 6): Promise<void> {
	await using catalog = await Catalog.open(path);
	const of = { uuid: "", agentId: "a", host: "h", disks: [] };
	for (let at = 1; at <= points; at++) {
		const imported = at === 1 ? { imported: { source: "s", timeFrom: "name" } as unknown as never } : {};
		const state = at === 2 ? { state: { parts: {} } as unknown as StateRecord } : {};
		const record = changeset(at * 1000, random, { ...imported, ...state });
		const vm = { vm: VM, ...of, headId: record.id, headTime: record.time };
		const files = [fileOf(`/etc/${at}`), fileOf("/etc/passwd")];
		await catalog.commit({ changeset: record, vm, files, firstIndex: 0 });
		const stored = await catalog.nextUnjudged(VM);
		assert.ok(stored);
		const alerts = at === 2 ? [alertOf(record)] : [];
		if (at < points) {
			await catalog.saveJudgement({ changeset: stored, verdict, state: { key: "detect", value: "x" }, alerts });
		}
	}
	await catalog.deletePoints(VM, [3000n], "test");
	await catalog.saveHold({ vm: VM, time: "4000", reason: "r", by: "b", since: "1" });
	const seen = { firstSeen: "1", lastSeen: "2" };
	await catalog.saveAgent({ id: "a", host: "h", version: "1", peer: "p", ...seen });
	const lost = { kind: "block", since: "1", message: "m", vms: [VM], places: [], placeCount: 0, files: [] } as const;
	await catalog.trials.file(filing());
	await catalog.changeDamage([{ name: NAME, ...lost } satisfies DamageRecord], []);
}

/** All that can be asked of a catalog; each answer is what was written, or an error. */
async function answers(catalog: Catalog): Promise<unknown[]> {
	const all = async <T>(items: AsyncIterable<T>) => await Array.fromAsync(items);
	const times = [1000n, 2000n, 3000n, 4000n, 5000n, 6000n];
	const questions = [
		() => catalog.vms(),
		() => catalog.changesets(VM),
		...times.map((time) => () => catalog.changeset(VM, time)),
		...times.map((time) => () => catalog.changesetById(`c${time}`)),
		...times.map((time) => () => catalog.fileChanges(VM, time)),
		() => catalog.fileHistory(VM, "/etc/passwd"),
		() => catalog.imported(VM),
		() => catalog.holds(VM),
		() => all(catalog.unjudged()),
		() => catalog.nextUnjudged(VM),
		() => catalog.anomalies(),
		() => catalog.alerts(),
		() => catalog.alerts({ vm: VM }),
		() => catalog.firingAlerts(VM),
		() => all(catalog.undeliveredAlerts()),
		() => catalog.agent("a"),
		() => all(catalog.chains()),
		() => catalog.links(VM, 1, 6),
		() => all(catalog.allDamage()),
		() => catalog.journal.read(0, 100),
		() => catalog.state("detect"),
		() => all(catalog.pointTimes(VM)),
		() => catalog.trials.trial("t1"),
		() => catalog.trials.trials(),
		() => catalog.trials.trials({ vm: VM }),
		() => catalog.trials.signatures(),
		() => catalog.trials.signatures({ vm: VM }),
		() => catalog.trials.signatureNamed(["cd".repeat(32)]),
	];
	return await Promise.all(
		questions.map(async (ask) => {
			try {
				return await ask();
			} catch (error) {
				if (!isUmbraError(error, "corrupt")) throw error;
				return error;
			}
		}),
	);
}

/** Where something was answered, it is as it was. */
function assertSame(found: readonly unknown[], wanted: readonly unknown[], what: string): void {
	for (const [at, answer] of found.entries()) {
		if (!isUmbraError(answer)) assert.deepEqual(answer, wanted[at], `${what}, question ${at}`);
	}
}

async function raw<T>(path: string, work: (level: ClassicLevel<string, string>) => Promise<T>): Promise<T> {
	const level = new ClassicLevel<string, string>(path);
	await level.open();
	try {
		return await work(level);
	} finally {
		await level.close();
	}
}

async function copyOf(folder: TempFolder): Promise<TempFolder> {
	const copy = await tempFolder();
	await cp(folder.path, copy.path, { recursive: true });
	return copy;
}

describe("a catalog with a flipped bit", () => {
	it("answers as before or says that it is damaged, whichever record it is in, and the check names the record", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await fill(folder.path, random);
		await raw(folder.path, async (level) => {
			for (const key of [keys.staged("gone", 7n), keys.deleting("gone", 8n)]) {
				await level.put(key, withChecksum(key, '{"vm":"gone","time":"7"}') ?? "");
			}
		});
		const records = await raw(folder.path, (level) => level.iterator().all());
		assert.deepEqual(new Set(records.map(([key]) => key.split("/")[0])), new Set(KINDS));
		let wanted: unknown[];
		{
			await using copy = await copyOf(folder);
			await using catalog = await Catalog.open(copy.path);
			wanted = await answers(catalog);
			assert.deepEqual((await catalog.check()).damage, []);
		}
		for (const [key, text] of records) {
			const at = random.below(text.length);
			const flipped =
				text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(7))) + text.slice(at + 1);
			await using copy = await copyOf(folder);
			await raw(copy.path, (level) => level.put(key, flipped));
			const what = `${key}, character ${at}`;
			let catalog: Catalog;
			try {
				catalog = await Catalog.open(copy.path);
			} catch (error) {
				assert.ok(isUmbraError(error, "corrupt", "unsupported"), `${what}: ${error}`);
				assert.match(error.message, key === keys.schema ? /meta\/schema|catalog version/ : /catalog's record/, what);
				continue;
			}
			await using _catalog = catalog;
			assertSame(await answers(catalog), wanted, what);
			const { damage } = await catalog.check();
			assert.ok(
				damage.some(({ place, message }) => place === key && /checksum|JSON/.test(message)),
				`${what}: the check does not tell: ${JSON.stringify(damage)}`,
			);
		}
	});

	it("is told from another record that stands under its key", async (context) => {
		await using folder = await tempFolder();
		await fill(folder.path, testRandom(context));
		await raw(folder.path, async (level) => {
			await level.put(keys.change(VM, 4000n), (await level.get(keys.change(VM, 5000n))) ?? "");
		});
		await using catalog = await Catalog.open(folder.path);
		await assert.rejects(catalog.changeset(VM, 4000n), (error) => {
			assert.ok(isUmbraError(error, "corrupt"));
			assert.deepEqual(error.context, { structure: "catalog record", key: keys.change(VM, 4000n) });
			assert.match(error.hint ?? "", /vault check/);
			return true;
		});
	});

	it("has a check that finds what is gone, where anything else needs it", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await fill(folder.path, random);
		/** Nothing else says that they were: the files of the database vouch for them. */
		const alone = new Set(["meta", "agent", "damage", "event", "state", "hold", "unjudged", "anomaly", "alias"]);
		const records = await raw(folder.path, (level) => level.keys().all());
		for (const key of records) {
			if (alone.has(key.split("/")[0] ?? "")) continue;
			await using copy = await copyOf(folder);
			await raw(copy.path, (level) => level.del(key));
			await using catalog = await Catalog.open(copy.path);
			const { damage } = await catalog.check();
			const { broken } = await checkChain(catalog, VM, { files: true });
			assert.ok(
				damage.some(({ place }) => place === key) || broken !== null,
				`${key} is gone, and only ${JSON.stringify(damage)} is told`,
			);
		}
	});

	it("does not open where the bit is in any of its files, but as before", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await fill(folder.path, random, 40);
		// What is in the log becomes a table; then another log.
		await raw(folder.path, (level) => level.compactRange("a", "z"));
		{
			await using catalog = await Catalog.open(folder.path);
			await catalog.saveAgent({ id: "b", host: "h", version: "1", peer: "p", firstSeen: "1", lastSeen: "2" });
		}
		const wanted = await raw((await copyOf(folder)).path, (level) => level.iterator().all());
		const names = (await readdir(folder.path)).filter((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb))$/.test(name));
		let refused = 0;
		for (let round = 0; round < 60; round++) {
			const name = random.pick(names);
			await using copy = await copyOf(folder);
			const bytes = await readFile(copy.file(name));
			const at = random.below(bytes.length);
			bytes[at]! ^= 1 << random.below(8);
			await writeFile(copy.file(name), bytes);
			try {
				await using catalog = await Catalog.open(copy.path);
				assert.deepEqual((await catalog.check()).damage, []);
			} catch (error) {
				assert.ok(isUmbraError(error, "corrupt"), `${name}, byte ${at}: ${error}`);
				assert.match(error.message, /^the catalog is damaged: .*(CURRENT|MANIFEST-\d+|\d+\.(log|ldb)), byte \d+: /);
				assert.match(error.hint ?? "", /restore it from a backup/);
				refused++;
				continue;
			}
			assert.deepEqual(await raw(copy.path, (level) => level.iterator().all()), wanted, `${name}, byte ${at}`);
		}
		assert.ok(refused > 30, `${refused}`);
	});

	it("is told by the check where it rots while it is open", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await fill(folder.path, random, 40);
		await raw(folder.path, (level) => level.compactRange("a", "z"));
		await using catalog = await Catalog.open(folder.path);
		const wanted = await answers(catalog);
		const name = (await readdir(folder.path)).find((each) => each.endsWith(".ldb"));
		assert.ok(name !== undefined);
		const bytes = await readFile(folder.file(name));
		bytes[200]! ^= 1;
		await writeFile(folder.file(name), bytes);
		assertSame(await answers(catalog), wanted, name);
		const { damage, damageCount } = await catalog.check();
		assert.ok(damageCount > 0);
		assert.equal(damage[0]?.place, `${name}, byte 0`);
		assert.match(damage[0]?.message ?? "", /checksum of a block/);
	});
});

describe("a catalog from before records had checksums", () => {
	for (const [what, share] of [
		["as it was left", 0],
		["where giving them one was cut short", 0.5],
	] as const) {
		it(`opens with all that it holds: ${what}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			await fill(folder.path, random, 30);
			let wanted: unknown[];
			{
				await using catalog = await Catalog.open(folder.path);
				wanted = await answers(catalog);
			}
			await raw(folder.path, async (level) => {
				for (const [key, text] of await level.iterator().all()) {
					if (key !== keys.schema && !random.chance(share)) await level.put(key, text.slice(9));
				}
				await level.put(keys.schema, share === 0 ? '{"version":1}' : '{"version":2,"adding":true}');
			});
			for (let start = 0; start < 2; start++) {
				await using catalog = await Catalog.open(folder.path);
				assert.deepEqual(await answers(catalog), wanted);
				assert.deepEqual((await catalog.check()).damage, []);
			}
			assert.equal(await raw(folder.path, (level) => level.get(keys.schema)), '{"version":2}');
			// From then on one without is damaged.
			await raw(folder.path, async (level) => {
				const key = keys.change(VM, 4000n);
				await level.put(key, ((await level.get(key)) ?? "").slice(9));
			});
			await using catalog = await Catalog.open(folder.path);
			await assert.rejects(catalog.changeset(VM, 4000n), { code: "corrupt", message: /checksum/ });
		});
	}
});
