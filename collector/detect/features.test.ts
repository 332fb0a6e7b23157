import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuTimeMs } from "../../test/support/cpu-time.ts";
import type { FileChangeKind, FileChangeRecord } from "../catalog/records.ts";
import { assess, FEATURES, type FeatureName } from "./features.ts";
import { changeset, documents, fileChange, ordinary, random, ransomware } from "./test-support.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1e9);
const of = (files: readonly FileChangeRecord[], seconds = 60) => assess(changeset(files), files, seconds).features;

describe("assess", () => {
	const cases: readonly (readonly [FeatureName, readonly FileChangeRecord[], number])[] = [
		["filesModified", [fileChange("/a/x"), fileChange("/a/y")], 2],
		["filesMetadata", [fileChange("/a/x", { change: "metadata" })], 1],
		[
			"foldersTouched",
			[
				fileChange("/a/x"),
				fileChange("/a/y"),
				fileChange("/b/z"),
				fileChange("/b/z", { volume: "2" }),
				fileChange("/c/m", { change: "metadata" }),
			],
			3,
		],
		["filesCreated", [fileChange("/a/x", { change: "created" })], 1],
		["filesDeleted", [fileChange("/a/x", { change: "deleted" })], 1],
		["filesRenamed", [fileChange("/a/x", { change: "renamed", oldPath: "/a/y" })], 1],
		[
			"documentsDeleted",
			[fileChange("/a/x.docx", { change: "deleted" }), fileChange("/a/x", { change: "deleted" })],
			1,
		],
		["documentsRewritten", [fileChange("/a/x.docx"), fileChange("/a/x"), fileChange("/tmp/x.docx")], 1],
		["documentsLost", ransomware.inPlace(documents(4, ["txt"])), 4],
		[
			"extensionChanges",
			[
				fileChange("/a/x.docx.foo", { change: "renamed", oldPath: "/a/x.docx" }),
				fileChange("/a/x.log.1", { change: "renamed", oldPath: "/a/x.log" }),
			],
			1,
		],
		[
			"entropyAfter",
			[
				fileChange("/a/x", { changedBytes: 4096, entropyAfter: 2 }),
				fileChange("/a/y", { changedBytes: 12_288, entropyAfter: 6 }),
				fileChange("/a/z", { entropyAfter: null }),
			],
			5,
		],
		[
			"entropyRise",
			[
				fileChange("/a/x", { sizeAfter: 8192, entropyBefore: 4, entropyAfter: 7 }),
				fileChange("/a/y", { sizeAfter: 8192, entropyBefore: 5, entropyAfter: 4 }),
			],
			1,
		],
		[
			"highEntropyShare",
			[fileChange("/a/x", { sizeAfter: 4096, entropyAfter: 7.9 }), fileChange("/a/y", { sizeAfter: 12_288 })],
			0.25,
		],
		["highEntropyBytes", [fileChange("/a/x", { sizeAfter: 4096, entropyAfter: 7.9 })], 4096],
		["systemFilesTouched", [fileChange("/etc/shadow", { change: "metadata" }), fileChange("/etc/x")], 1],
		["executablesTouched", [fileChange("/usr/bin/x"), fileChange("/usr/bin/y", { change: "deleted" })], 1],
		[
			"logBytesGrown",
			[
				fileChange("/var/log/a", { sizeBefore: 1000, sizeAfter: 2000 }),
				fileChange("/var/log/b", { sizeBefore: 1000, sizeAfter: 4000 }),
			],
			4000,
		],
		[
			"largestLogGrowth",
			[
				fileChange("/var/log/a", { sizeBefore: 1000, sizeAfter: 2000 }),
				fileChange("/var/log/b", { sizeBefore: 1000, sizeAfter: 4000 }),
			],
			3000,
		],
	];
	for (const [name, files, wanted] of cases) {
		it(`measures ${name}`, () => {
			assert.ok(Math.abs(of(files)[name] - wanted) < 1e-9, `${of(files)[name]}`);
			assert.equal(of([])[name], 0);
		});
	}

	it("measures changedBytes and unattributedShare from the disks, but not from one seen first", () => {
		const base = changeset([fileChange("/a")]);
		const disk = base.disks[0]!;
		const attribution = { ...disk.attribution, total: 100, free: 20, unknown: 5 };
		const disks = [
			{ ...disk, changedBytes: 65536, attribution },
			{ ...disk, disk: "vdb", mode: "first" as const, changedBytes: 1e12 },
		];
		const { features } = assess({ ...base, disks }, [], 30);
		assert.equal(features.changedBytes, 131072);
		assert.equal(features.unattributedShare, 0.25);
	});

	it("gives rates a minute, and no bursts for short intervals", () => {
		const files = [fileChange("/a/x"), fileChange("/a/y")];
		assert.equal(of(files, 120).filesModified, 1);
		for (const seconds of [10, 1, 0, -5, Number.NaN]) assert.equal(of(files, seconds).filesModified, 12);
	});

	it("has every feature in the table, once", () => {
		assert.deepEqual(Object.keys(of([])).sort(), FEATURES.map((feature) => feature.name).sort());
	});

	it(`does not depend on the order of files and is finite for any input (seed ${SEED})`, () => {
		const next = random(SEED);
		const pick = <T>(items: readonly T[]) => items[Math.floor(next() * items.length)]!;
		const paths = [
			"/etc/shadow",
			"/var/log/syslog",
			"/var/log/auth.log",
			"",
			"/",
			"x",
			"/a/b.docx",
			"/a/b.docx.zzz",
			"/a/b",
			"/a/c.txt",
			"/a/\u{1F600}.pdf",
			`/${"d/".repeat(500)}x.txt`,
			"/.ssh/authorized_keys",
		];
		const numbers = [0, 1, 255, 4096, 1e6, 9e15, -1, Number.NaN, Number.POSITIVE_INFINITY];
		const entropies = [null, 0, 4.5, 7.95, 8, 99, -1, Number.NaN];
		const kinds: FileChangeKind[] = ["created", "modified", "deleted", "renamed", "metadata"];
		for (let round = 0; round < 300; round++) {
			const files = Array.from({ length: Math.floor(next() * 30) }, () => {
				const change = pick(kinds);
				return fileChange(pick(paths), {
					change,
					...(change === "renamed" && next() < 0.8 ? { oldPath: pick(paths) } : {}),
					type: pick(["file", "dir", "symlink"]),
					sizeBefore: pick(numbers),
					sizeAfter: pick(numbers),
					changedBytes: pick(numbers),
					entropyBefore: pick(entropies),
					entropyAfter: pick(entropies),
					mode: pick([0o100644, 0o104755]),
				});
			});
			const features = of(files);
			for (const [name, value] of Object.entries(features))
				assert.ok(Number.isFinite(value) && value >= 0, `${name}: ${value}`);
			const shuffled = files
				.map((file) => ({ file, at: next() }))
				.sort((a, b) => a.at - b.at)
				.map((item) => item.file);
			assert.deepEqual(of(shuffled), features);
		}
	});

	it("keeps up with a hundred thousand files", () => {
		const files = Array.from({ length: 50 }, () => ordinary.gitClone()).flat();
		const usedMs = cpuTimeMs(() => of(files), 3000);
		assert.ok(usedMs < 3000, `${usedMs} ms`);
	});
});
