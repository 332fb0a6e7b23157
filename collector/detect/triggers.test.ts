import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FileChangeRecord, TriggerHit } from "../catalog/records.ts";
import { EMPTY_BASELINE, learn } from "./baseline.ts";
import { entropyCeiling } from "./entropy.ts";
import { assess } from "./features.ts";
import { changeset, documents, fileChange, ordinary, ransomware, START, triggerInput } from "./test-support.ts";
import type { TriggerInput } from "./triggers/trigger.ts";
import { runTriggers } from "./triggers.ts";

function hits(files: readonly FileChangeRecord[], part: Partial<TriggerInput> = {}): Map<string, TriggerHit> {
	const found = runTriggers(triggerInput(files, part)).hits;
	return new Map(found.map((hit) => [`${hit.trigger}:${hit.severity}`, hit]));
}

const names = (files: readonly FileChangeRecord[], part?: Partial<TriggerInput>) =>
	[...hits(files, part).keys()].sort();

describe("mass-rewrite", () => {
	const attacks: readonly (readonly [string, readonly FileChangeRecord[]])[] = [
		["documents encrypted in place", ransomware.inPlace(documents(40))],
		[
			"plain documents encrypted in place, just as many as count",
			ransomware.inPlace(documents(10, ["txt", "csv", "md"])),
		],
		["documents encrypted and renamed", ransomware.renaming(documents(12))],
		[
			"photos and office files encrypted and renamed",
			ransomware.renaming(documents(30, ["jpg", "docx", "pdf"]), "id-7f3a.ruin"),
		],
		[
			"documents that lost their extension",
			documents(20).map((path, at) =>
				fileChange(path.replace(/\.\w+$/, ""), {
					change: "renamed",
					oldPath: path,
					sizeAfter: 9000 + at,
					changedBytes: 12_288,
					entropyBefore: 5,
					entropyAfter: entropyCeiling(9000 + at),
				}),
			),
		],
		["originals deleted beside new files", ransomware.replacing(documents(15))],
		[
			"originals deleted, names scrambled",
			ransomware.replacing(
				documents(24),
				(path, at) => `${path.slice(0, path.lastIndexOf("/"))}/${(at * 2654435761).toString(16)}.enk`,
			),
		],
		["each document locked up in an archive of its own", ransomware.replacing(documents(15), (path) => `${path}.7z`)],
		[
			"base64 instead of random content, renamed",
			documents(15).map((path) =>
				fileChange(`${path}.pay`, {
					change: "renamed",
					oldPath: path,
					sizeAfter: 12_000,
					changedBytes: 12_288,
					entropyBefore: 4.6,
					entropyAfter: 6.0,
				}),
			),
		],
		[
			"entropy before unknown",
			ransomware.inPlace(documents(12, ["txt", "csv"])).map((file) => ({ ...file, entropyBefore: null })),
		],
		[
			"small documents of a few hundred bytes",
			documents(12, ["txt", "ini"]).map((path) =>
				fileChange(path, { sizeBefore: 400, sizeAfter: 400, entropyBefore: 0.9, entropyAfter: entropyCeiling(400) }),
			),
		],
		[
			"only the first pages of large documents",
			documents(12, ["doc", "csv"]).map((path) =>
				fileChange(path, {
					sizeBefore: 9e6,
					sizeAfter: 9e6,
					changedBytes: 65536,
					entropyBefore: 4.9,
					entropyAfter: 7.95,
				}),
			),
		],
	];
	for (const [what, files] of attacks) {
		it(`finds ${what}`, () => {
			const hit = hits(files).get("mass-rewrite:critical");
			assert.ok(hit, `got ${names(files)}`);
			assert.ok(hit.fileCount >= 10);
			assert.ok(hit.files.length <= 50);
			assert.match(hit.summary, /^\d+ documents in \d+ folders rewritten as if encrypted/);
		});
	}

	for (const [what, files] of Object.entries(ordinary)) {
		it(`is silent about ${what}`, () => {
			assert.deepEqual(
				[...hits(files()).keys()].filter((key) => key.startsWith("mass-rewrite")),
				[],
			);
		});
	}

	it("wants ten documents, or as many as are set", () => {
		const nine = ransomware.renaming(documents(9));
		assert.deepEqual(names(nine), []);
		const { settings } = triggerInput([]);
		assert.deepEqual(
			names(nine, { settings: { ...settings, massRewrite: { ...settings.massRewrite, minDocuments: 9 } } }),
			["mass-rewrite:critical"],
		);
	});

	it("is a warning where one folder alone is hit", () => {
		const files = ransomware.renaming(Array.from({ length: 12 }, (_, at) => `/srv/app/data/${at}.json`));
		assert.deepEqual(names(files), ["mass-rewrite:warning"]);
	});

	it("adds up what is lost over hours, each document once, and forgets after the window", () => {
		const paths = documents(60, ["txt"]);
		const run = (step: number, passes: number) => {
			let memory = triggerInput([]).memory;
			for (let pass = 0; pass < passes; pass++) {
				const time = START + pass * step;
				const files = ransomware.inPlace(paths.slice(pass * 2, pass * 2 + 2));
				const outcome = runTriggers(triggerInput(files, { memory, time }));
				memory = outcome.memory;
				if (outcome.hits.length > 0) return { pass, hit: outcome.hits[0] };
			}
			return undefined;
		};
		const found = run(600, 20);
		assert.equal(found?.pass, 4);
		assert.equal(found?.hit?.fileCount, 10);
		assert.match(found?.hit?.summary ?? "", /within 40 minutes/);
		assert.equal(run(6 * 3600, 20), undefined);
		let memory = triggerInput([]).memory;
		for (let pass = 0; pass < 30; pass++) {
			const outcome = runTriggers(
				triggerInput(ransomware.inPlace(paths.slice(0, 2)), { memory, time: START + pass * 60 }),
			);
			memory = outcome.memory;
			assert.deepEqual(outcome.hits, []);
		}
	});
});

describe("critical-file", () => {
	const cases: readonly (readonly [string, FileChangeRecord, string])[] = [
		["a password file modified", fileChange("/etc/shadow"), "critical"],
		["a preload list created", fileChange("/etc/ld.so.preload", { change: "created", sizeAfter: 20 }), "critical"],
		["login keys with another owner", fileChange("/root/.ssh/authorized_keys", { change: "metadata" }), "critical"],
		[
			"a sudo rule that took its place by renaming",
			fileChange("/etc/sudoers", { change: "renamed", oldPath: "/etc/sudoers.tmp" }),
			"critical",
		],
		[
			"a password file renamed away",
			fileChange("/etc/passwd.x", { change: "renamed", oldPath: "/etc/passwd" }),
			"critical",
		],
		["a kernel deleted", fileChange("/boot/vmlinuz-6.1", { change: "deleted" }), "critical"],
		["a program replaced", fileChange("/usr/bin/ssh", { entropyBefore: null }), "warning"],
		["a program linked elsewhere", fileChange("/bin/sh", { type: "symlink", sizeAfter: 9 }), "warning"],
		["a shell given root's rights", fileChange("/bin/bash", { change: "metadata", mode: 0o104755 }), "critical"],
		[
			"a root program in a user's folder",
			fileChange("/home/ann/.x", { change: "created", mode: 0o104755 }),
			"critical",
		],
	];
	for (const [what, file, severity] of cases) {
		it(`reports ${what}`, () => {
			const hit = hits([file, fileChange("/srv/x.dat")]).get(`critical-file:${severity}`);
			assert.ok(hit);
			assert.equal(hit.fileCount, 1);
			assert.ok(hit.summary.startsWith("1 critical system file changed: "), hit.summary);
		});
	}

	it("is silent about ordinary files and folders", () => {
		assert.deepEqual(
			names([
				fileChange("/etc/resolv.conf"),
				fileChange("/etc/sudoers.d", { type: "dir", change: "metadata" }),
				fileChange("/home/ann/x", { mode: 0o104755, uid: 1000, change: "created" }),
			]),
			[],
		);
	});

	it("takes a package manager's work for information", () => {
		assert.deepEqual(names(ordinary.aptUpgrade()), ["critical-file:info"]);
		assert.deepEqual(names(ordinary.aptUpgrade().filter((file) => !file.path.startsWith("/var/lib/dpkg"))), [
			"critical-file:critical",
		]);
	});

	it("keeps credentials a warning during a package run, and a stranger's program open", () => {
		const added = [fileChange("/etc/shadow"), fileChange("/usr/bin/odd", { uid: 1000, change: "created" })];
		const found = hits([...ordinary.aptUpgrade(), ...added]);
		assert.deepEqual([...found.keys()].sort(), ["critical-file:info", "critical-file:warning"]);
		assert.deepEqual(found.get("critical-file:warning")?.files, ["/etc/shadow", "/usr/bin/odd"]);
	});

	it("believes what a package shipped more than a package run, and names who did it", () => {
		const owner = { name: "openssh-client", version: "1:9.2p1", event: "upgraded" };
		const shipped = { ...owner, state: "shipped", explained: true };
		assert.deepEqual(names([fileChange("/usr/bin/ssh", { package: shipped })]), ["critical-file:info"]);
		const actor = { time: START, count: 1, action: "write", user: "eve", account: "root", host: "", tty: "pts/0" };
		const planted = fileChange("/usr/bin/ssh", {
			package: { ...owner, state: "modified", explained: false },
			actors: [{ ...actor, process: "cp", executable: "/usr/bin/cp", pid: 7, source: "audit" }],
		});
		const hit = hits([...ordinary.aptUpgrade(), planted]).get("critical-file:warning");
		assert.deepEqual(hit?.files, ["/usr/bin/ssh"]);
		assert.match(hit.summary, /by eve with \/usr\/bin\/cp, not what openssh-client 1:9\.2p1 shipped/);
	});

	it("remembers a package run for ten minutes", () => {
		const time = START + 1000;
		const later = [fileChange("/usr/bin/ssh")];
		assert.deepEqual(names(later, { time, memory: { packageRun: time - 600, lost: [] } }), ["critical-file:info"]);
		assert.deepEqual(names(later, { time, memory: { packageRun: time - 601, lost: [] } }), ["critical-file:warning"]);
		assert.deepEqual(names(later, { time, memory: { packageRun: time + 60, lost: [] } }), ["critical-file:warning"]);
		assert.equal(runTriggers(triggerInput(ordinary.aptUpgrade(), { time })).memory.packageRun, time);
	});
});

describe("log-growth", () => {
	const grown = (bytes: number, path = "/var/log/syslog") =>
		fileChange(path, { sizeBefore: 5_000_000, sizeAfter: 5_000_000 + bytes, changedBytes: bytes + 4096 });
	const usual = (bytes: number, times = 30) => {
		let baseline = EMPTY_BASELINE;
		const files = [grown(bytes)];
		for (let at = 0; at < times; at++)
			baseline = learn(baseline, assess(changeset(files), files, 60).features, 1, 10_000);
		return baseline;
	};

	it("finds a log that grows far faster than this VM's do", () => {
		const hit = hits([grown(30_000_000), grown(2000, "/var/log/auth.log")], { baseline: usual(20_000) }).get(
			"log-growth:warning",
		);
		assert.ok(hit);
		assert.deepEqual(hit.files, ["/var/log/syslog"]);
		assert.match(hit.summary, /grew by 28.6 MiB .*usually grow by 1\d\.\d KiB a minute/);
	});

	it("is silent below a mebibyte, and where logs always grow like that", () => {
		assert.deepEqual(names([grown(1_000_000)], { baseline: usual(100) }), []);
		assert.deepEqual(names([grown(30_000_000)], { baseline: usual(20_000_000) }), []);
		assert.deepEqual(names([grown(30_000_000)], { baseline: usual(4_000_000) }), []);
	});

	it("wants more while it knows nothing", () => {
		assert.deepEqual(names([grown(4_000_000)]), []);
		assert.deepEqual(names([grown(30_000_000)]), ["log-growth:warning"]);
	});

	it("is critical where the volume will be full within the hour", () => {
		const base = changeset([]);
		const disk = base.disks[0]!;
		const record = { ...base, disks: [{ ...disk, volumes: [{ ...disk.volumes[0]!, freeBytes: 300_000_000 }] }] };
		const hit = hits([grown(30_000_000)], { changeset: record }).get("log-growth:critical");
		assert.match(hit?.summary ?? "", /Its volume is full in 10 min 0 s\./);
	});

	it("counts what was written, not what was reserved", () => {
		assert.deepEqual(
			names([fileChange("/var/log/app.log", { sizeBefore: 1e6, sizeAfter: 1e9, changedBytes: 8192 })]),
			[],
		);
		assert.deepEqual(
			names([
				fileChange("/var/log/journal/a/system.journal", { sizeBefore: 8e6, sizeAfter: 2.4e7, changedBytes: 90_000 }),
			]),
			[],
		);
	});

	for (const what of ["logrotate", "copyTruncate", "aptUpgrade"] as const) {
		it(`is silent about ${what}`, () => {
			assert.deepEqual(
				names(ordinary[what]()).filter((key) => key.startsWith("log-")),
				[],
			);
		});
	}
});

describe("log-cleared", () => {
	it("finds emptied and deleted logs of who did what", () => {
		const files = [
			fileChange("/var/log/auth.log", { sizeBefore: 900_000, sizeAfter: 0, changedBytes: 0 }),
			fileChange("/root/.bash_history", { change: "deleted", sizeBefore: 9000 }),
			fileChange("/var/log/nginx/access.log", { sizeBefore: 9e6, sizeAfter: 0 }),
		];
		const hit = hits(files).get("log-cleared:warning");
		assert.deepEqual(hit?.files, ["/var/log/auth.log", "/root/.bash_history"]);
	});

	it("is silent about rotation by renaming, as a replaced name, and by copying", () => {
		const replaced = [
			fileChange("/var/log/auth.log.1", { change: "renamed", oldPath: "/var/log/auth.log", sizeAfter: 900_000 }),
			fileChange("/var/log/auth.log", { sizeBefore: 900_000, sizeAfter: 100 }),
		];
		const vacuumed = [fileChange("/var/log/journal/a/system@00-01.journal", { change: "deleted", sizeBefore: 8e6 })];
		for (const files of [ordinary.logrotate(), ordinary.copyTruncate(), replaced, vacuumed])
			assert.deepEqual(names(files), []);
	});
});
