import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type AuditEvent, EventAssembler } from "./audit-event.ts";
import { readAuditLog } from "./audit-log.ts";
import { parseRecord, untrusted } from "./audit-record.ts";
import { actionOf, syscallName } from "./audit-syscalls.ts";
import { ausearch, memoryGuest } from "./testing.ts";

/**
 * Some events of a real guest: Debian 12 with auditd 3.0.9 and `log_format = ENRICHED` after what `watchedGuest` of
 * audit-guest.ts does; its disk was read with debugfs.
 */
const FIXTURE = join(import.meta.dirname, "fixtures/audit-enriched.txt");
const ALWAYS = { from: 0, to: 1e11 };

function toEvents(text: string): AuditEvent[] {
	const assembler = new EventAssembler();
	const events = text.split("\n").map((line) => {
		const record = parseRecord(line);
		return record === undefined ? undefined : assembler.add(record);
	});
	return [...events, ...assembler.flush()].filter((event) => event !== undefined);
}

/** An event as auditd logs it. */
function logged(time: number, serial: number, name: string, change: Readonly<Record<string, string>> = {}): string[] {
	const fields = { arch: "c000003e", syscall: "257", success: "yes", a0: "ffffff9c", a1: "0", a2: "241", ...change };
	const list = Object.entries({
		...fields,
		ppid: "1",
		pid: "2",
		auid: "1000",
		uid: "0",
		comm: '"sh"',
		exe: '"/bin/sh"',
	});
	const stamp = `msg=audit(${time.toFixed(3)}:${serial}):`;
	return [
		`type=SYSCALL ${stamp} ${list.map(([key, value]) => `${key}=${value}`).join(" ")}`,
		`type=CWD ${stamp} cwd="/srv"`,
		`type=PATH ${stamp} item=0 name=${name} inode=7 dev=fe:00 nametype=NORMAL`,
		`type=PROCTITLE ${stamp} proctitle="sh"`,
	];
}

describe("EventAssembler", () => {
	it("tells what ausearch tells", needs("ausearch"), async () => {
		const events = toEvents(await readFile(FIXTURE, "latin1"));
		const wanted = await ausearch(FIXTURE);
		assert.equal(wanted.length, 7);
		const told = events.map((event) => ({
			...{ time: event.time, serial: event.serial, syscall: event.syscall, success: event.success },
			...{ pid: event.pid, ppid: event.ppid, auid: event.loginName || "unset", uid: event.userName },
			...{ comm: event.comm, exe: event.exe },
			paths: event.paths.map(({ nametype, inode }) => ({ nametype, inode })),
		}));
		assert.deepEqual(
			told,
			wanted.map(({ cwd: _, paths, ...event }) => ({
				...event,
				paths: paths.map(({ nametype, inode }) => ({ nametype, inode })),
			})),
		);
	});

	it("makes names absolute, from hex where they need it, and takes a symlink's target for no path", async () => {
		const events = toEvents(await readFile(FIXTURE, "latin1"));
		const deeds = events.flatMap(({ success, paths }) =>
			paths.flatMap(({ path, action, nametype }) => (nametype === "PARENT" ? [] : [{ path, action, success }])),
		);
		assert.deepEqual(deeds, [
			{ path: undefined, action: "create", success: true },
			{ path: undefined, action: "create", success: true },
			{ path: "/data/made/deep/file", action: "rename", success: true },
			{ path: "/data/made/deep/moved", action: "rename", success: true },
			{ path: "/data/alice/report.txt", action: "write", success: true },
			{ path: "/data/alice/with space é.txt", action: "create", success: true },
			{ path: "/data/alice/report.txt", action: undefined, success: true },
			{ path: "/data/alice/link", action: "create", success: true },
			{ path: "/data/alice/report.txt", action: "write", success: false },
			{ path: "/data/service.txt", action: "create", success: true },
		]);
	});

	it("keeps events apart whose records are mixed, and takes those without an end", () => {
		const [first, second] = [logged(5, 1, '"a"'), logged(5, 2, '"b"')];
		const mixed = [first[0], second[0], second[1], first[2], first[1], second[2], first[3]];
		assert.deepEqual(
			toEvents(mixed.join("\n")).map(({ serial, paths }) => [serial, paths[0]?.path]),
			[
				[1, "/srv/a"],
				[2, "/srv/b"],
			],
		);
	});

	it("does not guess a path that is relative to an open folder", () => {
		const at = (change: Record<string, string>): (string | undefined)[] =>
			toEvents(logged(5, 1, '"a/../b"', change).join("\n")).flatMap(({ paths }) => paths.map(({ path }) => path));
		assert.deepEqual(at({ a0: "ffffff9c" }), ["/srv/b"]);
		assert.deepEqual(at({ a0: "ffffffffffffff9c" }), ["/srv/b"]);
		assert.deepEqual(at({ a0: "5" }), [undefined]);
		assert.deepEqual(at({ syscall: "2", a0: "5" }), ["/srv/b"]);
	});

	it("says by the flags of open whether a file was written or only read", () => {
		const opened = (a2: string, arch = "c000003e", syscall = "257"): unknown =>
			toEvents(logged(5, 1, '"a"', { a2, arch, syscall }).join("\n"))[0]?.paths[0]?.action;
		assert.deepEqual(
			["0", "80000", "1", "2", "200", "garbage"].map((flags) => opened(flags)),
			[...[undefined, undefined, "write", "write", "write"], "touch"],
		);
		assert.equal(opened("0", "c00000b7", "56"), undefined);
		// 32-bit x86: the numbers are others, and not known here.
		assert.equal(opened("0", "40000003", "295"), "touch");
	});

	it("knows no user where nobody logged in", () => {
		const [event] = toEvents(
			logged(5, 1, '"a"', { ses: "4294967295" }).join("\n").replace("auid=1000", "auid=4294967295"),
		);
		assert.deepEqual([event?.auid, event?.session, event?.uid], [undefined, undefined, 0]);
	});
});

describe("parseRecord", () => {
	it("reads past a node's name, and no field twice", () => {
		const record = parseRecord(
			'node=web1 type=PATH msg=audit(1700000000.042:9): name="a b" inode=3 name="c" msg=\'x=1 y="2"\'',
		);
		assert.equal(record?.type, "PATH");
		assert.deepEqual([record?.time, record?.serial], [1700000000.042, 9]);
		assert.deepEqual(
			[...record!.fields],
			[
				["name", '"a b"'],
				["inode", "3"],
				["msg", "'x=1 y=\"2\"'"],
			],
		);
	});

	const broken = [
		"",
		"type=PATH",
		"type=PATH msg=audit(1.2:3): x=1",
		"audit(1.200:3): x=1",
		`type=PATH msg=audit(1.200:3): x=${"y".repeat(20_000)}`,
	];
	for (const line of broken) {
		it(`takes ${line.length > 60 ? "an endless line" : JSON.stringify(line)} for no record`, () => {
			assert.equal(parseRecord(line), undefined);
		});
	}

	it("does not search a long line again from each of its letters", { timeout: 20_000 }, () => {
		const line = `type=PATH msg=audit(1.200:3): ${"a".repeat(17_000)} b=1`;
		for (let round = 0; round < 1000; round++) assert.deepEqual([...parseRecord(line)!.fields], [["b", "1"]]);
	});

	it("decodes hex only where the kernel did not quote", () => {
		assert.equal(untrusted('"cafe"'), "cafe");
		assert.equal(untrusted("63C3A9FF2F"), "cé\\xff/");
		assert.equal(untrusted("(null)"), undefined);
		assert.equal(untrusted("pts0"), "pts0");
	});
});

describe("syscallName", () => {
	it("knows what ausyscall knows", needs("ausyscall"), async () => {
		const { run } = await import("./testing.ts");
		for (const [arch, machine] of [
			["c000003e", "x86_64"],
			["c00000b7", "aarch64"],
		] as const) {
			const lines = (await run("ausyscall", [machine, "--dump"])).toString().split("\n").slice(1);
			const names = new Map(lines.map((line) => line.split("\t")).map(([number, name]) => [Number(number), name]));
			let known = 0;
			for (let number = 0; number < 500; number++) {
				const name = syscallName(arch, number);
				// Newer than Debian 12's table.
				if (name === "" || name === "fchmodat2") continue;
				assert.equal(name, names.get(number), `${machine} ${number}`);
				known++;
			}
			assert.ok(known >= 26);
		}
	});

	it("leads to actions", () => {
		assert.equal(actionOf("fchmodat", "NORMAL", undefined), "metadata");
		assert.equal(actionOf("lsetxattr", "NORMAL", undefined), "metadata");
		assert.equal(actionOf("utimensat", "NORMAL", undefined), "metadata");
		assert.equal(actionOf("ftruncate", "NORMAL", undefined), "write");
		assert.equal(actionOf("linkat", "CREATE", undefined), "link");
		assert.equal(actionOf("renameat2", "DELETE", undefined), "rename");
		assert.equal(actionOf("unlinkat", "PARENT", undefined), "touch");
		assert.equal(actionOf("execve", "NORMAL", undefined), undefined);
	});
});

describe("readAuditLog", () => {
	const begin = 1_700_000_000;
	/** One event a second. */
	const lines = (from: number, count: number): string =>
		Array.from({ length: count }, (_, at) => logged(begin + from + at, from + at, `"${from + at}"`))
			.flat()
			.join("\n");

	it("reads only what an interval needs, over rotated files", async () => {
		const contents = {
			"/var/log/audit/audit.log.2": `${lines(0, 8000)}\n`,
			"/var/log/audit/audit.log.1": `${lines(8000, 8000)}\n`,
			"/var/log/audit/audit.log": `${lines(16_000, 8000)}\n`,
		};
		for (const [from, to] of [
			[23_900, 24_100],
			[20_000, 20_010],
			[15_950, 16_050],
			[7000, 16_500],
			[3, 4],
		] as const) {
			// About 3.5 MB a file.
			const budget = to - from > 1000 ? 64e6 : 1e6;
			const guest = memoryGuest(contents, budget);
			const found = await readAuditLog(guest, { from: begin + from, to: begin + to }, budget);
			assert.deepEqual(guest.problems, []);
			assert.equal(found.incomplete, false);
			const wanted = Array.from({ length: Math.min(23_999, to) - from + 1 }, (_, at) => from + at);
			assert.deepEqual(
				found.events.map(({ serial }) => serial),
				wanted,
			);
		}
	});

	it("keeps the newest where there is too much, and says so", async () => {
		const guest = memoryGuest({ "/var/log/audit/audit.log": lines(0, 8000) });
		const found = await readAuditLog(guest, ALWAYS, 500_000);
		assert.equal(found.incomplete, true);
		assert.equal(found.events.at(-1)?.serial, 7999);
		assert.ok(found.events.length > 900 && found.events.length < 1500, `${found.events.length}`);
	});

	it("finds the log where auditd.conf puts it", async () => {
		const files = { "/etc/audit/auditd.conf": "# x\nlog_file = /srv/a.log\nnum_logs = 5\n", "/srv/a.log": lines(0, 1) };
		assert.equal((await readAuditLog(memoryGuest(files), ALWAYS, 1e6)).events.length, 1);
		assert.deepEqual(await readAuditLog(memoryGuest({}), ALWAYS, 1e6), { found: false, events: [], incomplete: false });
	});

	it("bounds what one event and all of them may hold", async () => {
		const folder = `/${"d".repeat(4000)}`;
		const heavy = Array.from({ length: 600 }, (_, serial) => {
			const [syscall, , path, end] = logged(begin, serial, '"x"');
			const cwd = `type=CWD msg=audit(${begin}.000:${serial}): cwd="${folder}"`;
			return [syscall, cwd, ...Array.from({ length: 40 }, () => path), end];
		});
		const guest = memoryGuest({ "/var/log/audit/audit.log": heavy.flat().join("\n") }, 64e6);
		const { events, incomplete } = await readAuditLog(guest, ALWAYS, 64e6);
		assert.equal(incomplete, true);
		const held = events.flatMap(({ paths }) => paths).reduce((sum, { path }) => sum + path!.length, 0);
		assert.ok(held < 48 << 20 && held > 10 << 20, `${held}`);
		assert.ok(events.every(({ paths }) => paths.length === 32));
	});

	it("throws nothing and ends, whatever stands in the log", async (t) => {
		const random = testRandom(t);
		const whole = await readFile(FIXTURE);
		const special = ["\n", '"', "\x1d", " ", "=", "\0", "type=SYSCALL msg=audit(", ":", "9".repeat(40), "(null)"];
		for (let round = 0; round < 400; round++) {
			let bytes: Buffer = Buffer.from(whole);
			for (let count = random.between(1, 30); count > 0; count--) {
				const at = random.below(bytes.length);
				const piece = random.chance(0.5) ? Buffer.from(random.pick(special)) : random.bytes(random.between(1, 8));
				bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + random.below(20))]);
			}
			const guest = memoryGuest({ "/var/log/audit/audit.log": bytes });
			const { events } = await readAuditLog(guest, ALWAYS, 1e6);
			for (const event of events) {
				assert.ok(Number.isFinite(event.time) && Number.isSafeInteger(event.pid));
				for (const { path, inode } of event.paths) {
					assert.ok(path === undefined || (path.startsWith("/") && path.isWellFormed()));
					assert.ok(inode === undefined || Number.isSafeInteger(inode));
				}
			}
		}
	});
});
