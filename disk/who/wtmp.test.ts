import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { mergeSessions } from "./logins.ts";
import { memoryGuest, run } from "./testing.ts";
import { parseUtmp, utmpRecordSize } from "./utmp.ts";
import { readBtmp, readWtmp, toSessions } from "./wtmp.ts";

const BOOT = 2;
const LOGIN = 7;
const LOGOUT = 8;
const RUN_LEVEL = 1;
const ALWAYS = { from: 0, to: 1e11 };

interface Row {
	readonly type: number;
	readonly pid: number;
	readonly user: string;
	readonly line: string;
	readonly host: string;
	/** Seconds since 1970. */
	readonly time: number;
}

function row(type: number, time: number, line: string, user = "", host = "", pid = 100): Row {
	return { type, pid, user, line, host, time };
}

const ROWS: readonly Row[] = [
	row(BOOT, 1_700_000_000, "~", "reboot", "6.1.0-18-amd64"),
	row(RUN_LEVEL, 1_700_000_010, "~", "runlevel", "6.1.0-18-amd64"),
	row(LOGIN, 1_700_000_100, "tty1", "root"),
	row(LOGIN, 1_700_000_200, "pts/0", "alice", "10.0.0.7", 4242),
	row(LOGOUT, 1_700_003_800, "pts/0"),
	// A line that is taken over without a logout, and a machine that goes down with users on it.
	row(LOGIN, 1_700_004_000, "pts/0", "bob", "office.example.org"),
	row(LOGIN, 1_700_005_000, "pts/0", "carol", "2001:db8::17"),
	row(RUN_LEVEL, 1_700_090_000, "~~", "shutdown", "6.1.0-18-amd64"),
	row(BOOT, 1_700_090_100, "~", "reboot", "6.1.0-18-amd64"),
	row(LOGIN, 1_700_090_200, "pts/1", "dave", "10.0.0.9"),
];

/** As utmpdump writes and, with -r, reads it. */
function dumped(rows: readonly Row[]): string {
	return rows
		.map(({ type, pid, user, line, host, time }) => {
			const when = new Date(time * 1000).toISOString().replace(/\.\d+Z/, ",123456+00:00");
			const columns = [type, String(pid).padStart(5, "0"), "ts/0", user.padEnd(8), line.padEnd(12), host.padEnd(20)];
			return `${[...columns, "0.0.0.0".padEnd(15), when].map((column) => `[${column}]`).join(" ")}\n`;
		})
		.join("");
}

/** By util-linux, in the layout of this machine. */
async function makeWtmp(folder: string, rows: readonly Row[]): Promise<{ path: string; bytes: Buffer }> {
	const path = `${folder}/wtmp`;
	await writeFile(`${folder}/dump`, dumped(rows));
	await run("utmpdump", ["-r", "-o", path, `${folder}/dump`]);
	return { path, bytes: await readFile(path) };
}

/** The same records as glibc lays them out on arm64: `session` and the time are 64 bits wide. */
function widened(bytes: Buffer): Buffer {
	const records = [];
	for (let at = 0; at < bytes.length; at += 384) {
		const wide = Buffer.alloc(400);
		bytes.copy(wide, 0, at, at + 336);
		wide.writeBigInt64LE(BigInt(bytes.readInt32LE(at + 336)), 336);
		wide.writeBigInt64LE(BigInt(bytes.readInt32LE(at + 340)), 344);
		wide.writeBigInt64LE(BigInt(bytes.readInt32LE(at + 344)), 352);
		bytes.copy(wide, 360, at + 348, at + 364);
		records.push(wide);
	}
	return Buffer.concat(records);
}

describe("parseUtmp", () => {
	it("reads what utmpdump wrote, in both layouts", needs("utmpdump"), async () => {
		await using folder = await tempFolder();
		const { bytes } = await makeWtmp(folder.path, ROWS);
		for (const [file, size] of [
			[bytes, 384],
			[widened(bytes), 400],
		] as const) {
			assert.equal(utmpRecordSize(file.subarray(0, 4096)), size);
			const records = parseUtmp(file, size);
			assert.deepEqual(
				records.map(({ pid, line, user, host, time }) => ({ pid, line, user, host, time: Math.floor(time) })),
				ROWS.map(({ type: _, ...rest }) => rest),
			);
			assert.deepEqual(
				records.map(({ kind }) => kind),
				["boot", "other", "login", "login", "logout", "login", "login", "shutdown", "boot", "login"],
			);
		}
	});
});

describe("readWtmp", () => {
	it("tells the sessions that last tells", needs("utmpdump", "last"), async () => {
		await using folder = await tempFolder();
		const { path, bytes } = await makeWtmp(folder.path, ROWS);
		const { found, sessions } = await readWtmp(memoryGuest({ "/var/log/wtmp": bytes }), ALWAYS);
		assert.equal(found, true);
		const told = (await run("last", ["-f", path, "--time-format", "iso", "--fullnames"])).toString().split("\n");
		const wanted = told.flatMap((line) => {
			const match = /^(\w+) +(\S+) +(\S*) *(20\S+\+00:00)(?: - (\S+)| {3}(?:still|gone) .*)/.exec(line);
			if (match === null || match[1] === "reboot" || match[1] === "runlevel") return [];
			const [, user, tty, host, from, to] = match;
			const end = to === undefined || Number.isNaN(Date.parse(to)) ? to : Date.parse(to) / 1000;
			return [{ user, tty, host, from: Date.parse(from!) / 1000, to: end }];
		});
		assert.equal(wanted.length, 5);
		assert.deepEqual(
			sessions.toReversed().map(({ user, tty, host, from, to }) => ({
				...{ user, tty, host, from: Math.floor(from) },
				// last says "down" for whoever was there when the machine went down.
				to: to === undefined ? undefined : Math.floor(to) === 1_700_090_000 ? "down" : Math.floor(to),
			})),
			wanted,
		);
	});

	it("takes those that overlap the interval, begun before the file was rotated too", needs("utmpdump"), async () => {
		await using folder = await tempFolder();
		const old = (await makeWtmp(folder.path, ROWS.slice(0, 4))).bytes;
		const now = (await makeWtmp(folder.path, ROWS.slice(4))).bytes;
		const guest = memoryGuest({ "/var/log/wtmp.1": old, "/var/log/wtmp": now });
		const users = async (from: number, to: number): Promise<string[]> =>
			(await readWtmp(guest, { from, to })).sessions.map(({ user }) => user);
		assert.deepEqual(await users(1_700_003_000, 1_700_003_100), ["root", "alice"]);
		assert.deepEqual(await users(1_700_004_500, 1_700_004_600), ["root", "bob"]);
		assert.deepEqual(await users(1_700_090_300, 1_700_090_400), ["dave"]);
		assert.deepEqual(await users(1_700_000_000, 1_700_000_050), []);
	});

	it("is content without a wtmp, and with one that is none", async () => {
		assert.deepEqual(await readWtmp(memoryGuest({}), ALWAYS), { found: false, sessions: [] });
		const text = { "/var/log/wtmp": "this is a text, ".repeat(1000) };
		assert.deepEqual(await readWtmp(memoryGuest(text), ALWAYS), { found: true, sessions: [] });
	});

	it("throws nothing and ends, whatever stands in the file", needs("utmpdump"), async (t) => {
		await using folder = await tempFolder();
		const { bytes } = await makeWtmp(folder.path, ROWS);
		const random = testRandom(t);
		for (let round = 0; round < 300; round++) {
			const damaged = Buffer.from(random.chance(0.5) ? bytes : widened(bytes));
			for (let count = random.between(1, 200); count > 0; count--)
				damaged[random.below(damaged.length)] = random.below(256);
			const cut = damaged.subarray(0, random.between(0, damaged.length));
			const { sessions } = await readWtmp(memoryGuest({ "/var/log/wtmp": cut }), ALWAYS);
			for (const { from, to, user } of sessions) {
				assert.ok(Number.isFinite(from) && (to === undefined || Number.isFinite(to)) && user.isWellFormed());
			}
		}
	});
});

describe("readBtmp", () => {
	it("tells failed logins of the interval", needs("utmpdump"), async () => {
		await using folder = await tempFolder();
		const rows = [1, 2, 3].map((second) => row(6, second, "ssh:notty", "admin", "203.0.113.9"));
		const { bytes } = await makeWtmp(folder.path, rows);
		const failed = await readBtmp(memoryGuest({ "/var/log/btmp": bytes }), { from: 2, to: 3 });
		assert.deepEqual(
			failed.map(({ time, ...rest }) => ({ ...rest, time: Math.floor(time) })),
			[{ user: "admin", tty: "ssh:notty", host: "203.0.113.9", time: 2 }],
		);
	});
});

describe("mergeSessions", () => {
	it("tells a login once that both logs know", () => {
		const record = { user: "alice", tty: "", host: "", to: undefined, id: "", pid: 0 };
		const wtmp = toSessions(parseUtmp(Buffer.alloc(0), 384));
		assert.deepEqual(wtmp, []);
		const merged = mergeSessions(
			[
				{ ...record, tty: "pts/0", host: "10.0.0.7", from: 100, source: "wtmp" },
				{ ...record, tty: "pts/1", from: 200, source: "wtmp" },
			],
			[{ ...record, id: "3", from: 99, source: "journal" }],
		);
		assert.deepEqual(
			merged.map(({ tty, host, id, from }) => [tty, host, id, from]),
			[
				["pts/0", "10.0.0.7", "3", 99],
				["pts/1", "", "", 200],
			],
		);
	});
});
