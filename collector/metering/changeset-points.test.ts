import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { assess, FEATURES } from "../detect/features.ts";
import { changeset, fileChange } from "../detect/test-support.ts";
import { whyRefused } from "../series/check.ts";
import { changesetPoints, filesText, HOT_FILES, hotFilePoints } from "./changeset-points.ts";

const FILES = [
	fileChange("/srv/a.docx", { changedBytes: 8192 }),
	fileChange("/var/log/syslog", { changedBytes: 65536 }),
];

function judged() {
	const record = changeset(FILES);
	const { features } = assess(record, FILES, 60);
	const verdict = {
		score: 0.93,
		severity: "critical",
		learning: false,
		features,
		contributions: [{ feature: "documentsLost", value: 40, expected: 0, deviation: 11 }],
		files: ["/srv/a.docx"],
		triggers: [
			{
				trigger: "mass-rewrite",
				severity: "critical",
				summary: "40 documents",
				files: ["/srv/a.docx"],
				fileCount: 40,
				features: {},
			},
		],
	} as const;
	return { ...record, verdict };
}

describe("changesetPoints", () => {
	it("makes points that every store takes, all at the point's time", () => {
		const record = judged();
		const points = [...changesetPoints(record), ...hotFilePoints(record, FILES)];
		for (const point of points) {
			assert.equal(whyRefused(point), undefined);
			assert.equal(point.timeNs, BigInt(record.time));
		}
		assert.deepEqual(
			points.map(({ measurement }) => measurement),
			["change", "change_disk", "vm_volume", "anomaly", "trigger", "file_hot", "file_hot"],
		);
		const named = (name: string) => points.find(({ measurement }) => measurement === name);
		assert.deepEqual(named("anomaly")?.tags, { host: "host-1", vm: "web-1", severity: "critical" });
		assert.equal(named("anomaly")?.fields["score"], 0.93);
		assert.equal(named("trigger")?.fields["files"], "/srv/a.docx\nand 39 more");
		assert.deepEqual(named("vm_volume")?.tags, { host: "host-1", vm: "web-1", disk: "vda", volume: "1" });
		assert.ok(Math.abs(Number(named("vm_volume")?.fields["used_percent"]) - 100 / 3) < 1e-9);
		assert.equal(named("file_hot")?.fields["path"], "/var/log/syslog");
		assert.equal(named("file_hot")?.tags["rank"], "01");
	});

	it("tells every feature of a verdict", () => {
		const change = changesetPoints(judged())[0];
		const bare = changesetPoints(changeset(FILES))[0];
		const added = Object.keys(change?.fields ?? {}).filter((field) => !(field in (bare?.fields ?? {})));
		assert.equal(added.length, FEATURES.length);
		assert.equal(change?.fields["files_modified_per_minute"], 2);
	});

	it("does not take the first sight of a disk for a change", () => {
		const record = changeset(FILES);
		const first = { ...record, disks: record.disks.map((disk) => ({ ...disk, mode: "first" as const })) };
		const change = changesetPoints(first).find(({ measurement }) => measurement === "change");
		assert.equal(change?.fields["changed_bytes"], 0);
		assert.ok(Number(change?.fields["read_bytes"]) > 0);
	});
});

describe("hotFilePoints", () => {
	it("finds those that changed most among any number, in any order", (context) => {
		const random = testRandom(context);
		const count = random.between(1, 5000);
		const files = Array.from({ length: count }, (_, at) => fileChange(`/f${at}`, { changedBytes: (at + 1) * 4096 }));
		const points = hotFilePoints(changeset(files), random.shuffle(files));
		assert.equal(points.length, Math.min(HOT_FILES, count));
		points.forEach((point, at) => {
			assert.equal(point.fields["path"], `/f${count - 1 - at}`);
			assert.equal(point.tags["rank"], String(at + 1).padStart(2, "0"));
		});
		const total = (count * (count + 1) * 4096) / 2;
		assert.ok(Math.abs(Number(points[0]?.fields["share"]) - (count * 4096) / total) < 1e-12);
	});

	it("leaves out what has no content of its own", () => {
		const files = [fileChange("/d", { type: "dir", changedBytes: 4096 }), fileChange("/e", { changedBytes: 0 })];
		assert.deepEqual(hotFilePoints(changeset(files), files), []);
	});
});

describe("filesText", () => {
	it("names ten and counts the rest", () => {
		const files = Array.from({ length: 12 }, (_, at) => `/${at}`);
		assert.ok(filesText(files, 40).endsWith("/9\nand 30 more"));
		assert.equal(filesText(["/a"], 1), "/a");
		assert.equal(filesText([], 0), "");
	});
});
