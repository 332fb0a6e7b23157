import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkConfig } from "../../common/config.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, FileChangeRecord } from "../catalog/records.ts";
import { Detector } from "./detector.ts";
import { type DetectSettings, detectSettings } from "./settings.ts";
import { changeset, documents, fileChange, random, ransomware } from "./test-support.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1e9);

/** A collector in miniature: judges, then stores what came back. */
async function collector(settings?: DetectSettings) {
	const states = new Map<string, string>();
	const detector = await Detector.open({
		state: { get: async (key) => states.get(key) },
		...(settings === undefined ? {} : { settings }),
	});
	const judge = async (record: ChangesetRecord, files: readonly FileChangeRecord[]) => {
		const judged = await detector.judge(record, files);
		states.set(judged.state.key, judged.state.value);
		return judged.verdict;
	};
	return { states, detector, judge };
}

function quietMinute(at: number): FileChangeRecord[] {
	const bytes = 2000 + ((at * 7919) % 3000);
	return [
		fileChange("/var/log/syslog", {
			sizeBefore: 1e6 + at * bytes,
			sizeAfter: 1e6 + (at + 1) * bytes,
			changedBytes: 8192,
		}),
		...Array.from({ length: at % 4 }, (_, n) => fileChange(`/srv/data/${n}.txt`)),
	];
}

async function settled(captures: number, seconds = 60) {
	const vm = await collector();
	const first = changeset([], 0);
	await vm.judge(
		{ ...first, disks: first.disks.map((disk) => ({ ...disk, mode: "first" as const, changedBytes: 9e9 })) },
		[],
	);
	for (let at = 1; at <= captures; at++) await vm.judge(changeset(quietMinute(at), at * seconds), quietMinute(at));
	return { ...vm, next: (captures + 1) * seconds };
}

describe("Detector", () => {
	it("learns for twenty changesets, then scores", async () => {
		const vm = await collector();
		for (let at = 0; at < 20; at++) {
			const verdict = await vm.judge(changeset(quietMinute(at), at * 60), quietMinute(at));
			assert.equal(verdict.learning, true);
			assert.equal(verdict.score, 0);
		}
		const verdict = await vm.judge(changeset(quietMinute(20), 20 * 60), quietMinute(20));
		assert.equal(verdict.learning, false);
		assert.ok(verdict.score < 0.5, `${verdict.score}`);
	});

	it("neither scores a first capture nor learns from it", async () => {
		const vm = await settled(0);
		const state = JSON.parse(vm.states.get("detect/web-1") ?? "");
		assert.equal(state.seen, 0);
		assert.deepEqual(state.histograms, {});
	});

	for (const seconds of [4, 60, 3600]) {
		it(`says critical, why and which files, for an attack on a VM captured every ${seconds} s`, async () => {
			const vm = await settled(25, seconds);
			const files = [...ransomware.inPlace(documents(40)), ...quietMinute(26)];
			const verdict = await vm.judge(changeset(files, vm.next), files);
			assert.equal(verdict.severity, "critical");
			assert.ok(verdict.score >= 0.7, `${verdict.score}`);
			assert.equal(verdict.triggers[0]?.trigger, "mass-rewrite");
			assert.ok(verdict.contributions.some((item) => item.feature === "documentsLost"));
			assert.ok(verdict.contributions.every((item) => item.deviation > 3));
			assert.match(verdict.files[0] ?? "", /^\/home\/user/);
			assert.ok(verdict.files.length <= 50);
		});
	}

	it("runs triggers while it learns", async () => {
		const vm = await settled(1);
		const files = ransomware.renaming(documents(12));
		const verdict = await vm.judge(changeset(files, vm.next), files);
		assert.equal(verdict.learning, true);
		assert.equal(verdict.score, 0);
		assert.equal(verdict.severity, "critical");
		assert.equal(verdict.files.length, 12);
	});

	it("answers the same until its state is stored, in any order of files", async () => {
		const vm = await settled(25);
		const files = [...ransomware.inPlace(documents(8)), ...quietMinute(3)];
		const record = changeset(files, vm.next);
		const judged = await vm.detector.judge(record, files);
		assert.deepEqual(await vm.detector.judge(record, [...files].reverse()), judged);
		const restarted = await Detector.open({ state: { get: async (key) => vm.states.get(key) } });
		assert.deepEqual(await restarted.judge(record, files), judged);
	});

	it("judges nothing by files that came and went", async () => {
		const vm = await settled(25);
		const files = quietMinute(3);
		const gone = documents(50).map((path) => fileChange(path, { change: "transient", sizeBefore: 0, sizeAfter: 0 }));
		const gonePassword = fileChange("/etc/shadow", { change: "transient" });
		const record = changeset(files, vm.next);
		assert.deepEqual(
			await vm.detector.judge(record, [...files, ...gone, gonePassword]),
			await vm.detector.judge(record, files),
		);
	});

	it("does not learn a changeset twice, nor one that comes late", async () => {
		const vm = await settled(5);
		const before = vm.states.get("detect/web-1");
		await vm.judge(changeset(quietMinute(5), 5 * 60), quietMinute(5));
		await vm.judge(changeset(quietMinute(2), 2 * 60), quietMinute(2));
		assert.equal(vm.states.get("detect/web-1"), before);
	});

	it("keeps VMs apart", async () => {
		const vm = await settled(25);
		const { state, verdict } = await vm.detector.judge(changeset([], 60, { vm: "db/2" }), []);
		assert.equal(state.key, "detect/db/2");
		assert.equal(verdict.learning, true);
	});

	it("goes on finding an attack that lasts", async () => {
		const vm = await settled(30);
		for (let step = 0; step < 40; step++) {
			const files = ransomware.inPlace(documents(40).map((path) => path.replace("file-", `file-${step}-`)));
			const verdict = await vm.judge(changeset(files, vm.next + step * 60), files);
			assert.equal(verdict.triggers[0]?.trigger, "mass-rewrite", `step ${step}`);
		}
	});

	it("learns a VM anew whose state is damaged or of another version", async () => {
		for (const value of ["", "{", "null", '{"version":2}', '{"version":1,"time":5}']) {
			const detector = await Detector.open({ state: { get: async () => value } });
			assert.equal((await detector.judge(changeset([], 60), [])).verdict.learning, true);
		}
	});

	it(`survives whatever the records hold (seed ${SEED})`, async () => {
		const vm = await collector();
		const next = random(SEED);
		const numbers = [0, -5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 4096, 1e7];
		for (let at = 1; at < 60; at++) {
			const pick = () => numbers[Math.floor(next() * numbers.length)]!;
			const files = documents(12).map((path) =>
				fileChange(path, {
					sizeBefore: pick(),
					sizeAfter: pick(),
					changedBytes: pick(),
					entropyBefore: pick(),
					entropyAfter: pick(),
				}),
			);
			const base = changeset(files, at * 60);
			const verdict = await vm.judge(
				{ ...base, disks: base.disks.map((disk) => ({ ...disk, changedBytes: pick() })) },
				files,
			);
			assert.ok(verdict.score >= 0 && verdict.score <= 1);
			assert.doesNotMatch(JSON.stringify([verdict.features, verdict.contributions, [...vm.states]]), /null|NaN/);
		}
	});
});

describe("detectSettings", () => {
	it("has every default, takes what an operator writes, and refuses what it does not know", () => {
		assert.equal(checkConfig(detectSettings, {}, "x").massRewrite.minDocuments, 10);
		const settings = checkConfig(
			detectSettings,
			{ massRewrite: { window: "1h" }, logGrowth: { minBytes: "4MiB" } },
			"x",
		);
		assert.equal(settings.massRewrite.window, 3_600_000);
		assert.equal(settings.logGrowth.minBytes, 4 * 2 ** 20);
		assert.throws(
			() => checkConfig(detectSettings, { massRewrite: { minDocument: 5 } }, "x"),
			(error) => error instanceof UmbraError && error.code === "bad-config" && error.message.includes("minDocument"),
		);
	});
});
