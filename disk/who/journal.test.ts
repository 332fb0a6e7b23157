import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { Random } from "../../test/support/random.ts";
import { createRandom, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { readJournal } from "./journal.ts";
import { JournalFile } from "./journal-file.ts";
import { decodeLz4Block } from "./lz4.ts";
import { type JournalSeed, makeJournal, memoryGuest, memoryReader, JOURNAL_REMOTE as REMOTE, run } from "./testing.ts";

const MACHINE = "0123456789abcdef0123456789abcdef";
const BOOTS = ["a".repeat(32), "b".repeat(32)] as const;
const START = 1_700_000_000;
const ALWAYS = { from: 0, to: 1e11 };

const FORMS = [
	{ name: "compact, keyed hash, zstd", env: { SYSTEMD_JOURNAL_COMPACT: "1", SYSTEMD_JOURNAL_KEYED_HASH: "1" } },
	{ name: "regular, Jenkins hash, zstd", env: { SYSTEMD_JOURNAL_COMPACT: "0", SYSTEMD_JOURNAL_KEYED_HASH: "0" } },
] as const;

async function openJournal(path: string): Promise<JournalFile> {
	return JournalFile.open(memoryReader(await readFile(path), path));
}

async function collect(journal: JournalFile, match: string, interval = ALWAYS, most = 1e6, names = ["MESSAGE"]) {
	const entries = [];
	for await (const entry of journal.entriesWith(match, interval, new Set(names), most)) entries.push(entry);
	return entries;
}

/** What journalctl reads, oldest first. */
async function journalctl(path: string, match: string): Promise<{ time: number; message: string }[]> {
	const text = (await run("journalctl", ["--file", path, "--output", "json", "--all", "--no-pager", match])).toString();
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, string | number[]>)
		.map((entry) => {
			const message = entry["MESSAGE"] ?? "";
			return {
				time: Number(entry["__REALTIME_TIMESTAMP"]) / 1e6,
				message: typeof message === "string" ? message : Buffer.from(message).toString("utf8").toWellFormed(),
			};
		});
}

const PROGRAMS = ["sshd", "sudo", "cron", "kernel", "systemd-logind"];

function noise(random: Random, count: number): JournalSeed[] {
	return Array.from({ length: count }, (_, at) => ({
		time: START + at + random.fraction() / 2,
		boot: BOOTS[at < count / 2 ? 0 : 1],
		fields: {
			SYSLOG_IDENTIFIER: random.pick(PROGRAMS),
			// Long ones are compressed.
			MESSAGE: `entry ${at} ${"so it says ".repeat(random.chance(0.2) ? random.between(60, 2000) : 1)}`,
			_PID: String(random.below(30_000)),
			PRIORITY: String(random.below(8)),
		},
	}));
}

describe("JournalFile", () => {
	for (const { name, env } of FORMS) {
		it(`finds and reads what journalctl does: ${name}`, needs("journalctl", REMOTE), async (t) => {
			await using folder = await tempFolder();
			const entries = noise(testRandom(t), 1500);
			const path = await makeJournal(folder.path, entries, env);
			const journal = await openJournal(path);
			assert.equal(journal.header.isCompact, env.SYSTEMD_JOURNAL_COMPACT === "1");
			assert.equal(journal.header.isKeyedHash, env.SYSTEMD_JOURNAL_KEYED_HASH === "1");
			for (const program of PROGRAMS) {
				const match = `SYSLOG_IDENTIFIER=${program}`;
				const wanted = await journalctl(path, match);
				assert.ok(wanted.length > 200);
				const told = (await collect(journal, match)).map(({ time, fields }) => ({
					time,
					message: fields.get("MESSAGE"),
				}));
				assert.deepEqual(told.reverse(), wanted);
				const interval = { from: START + 400, to: START + 410.25 };
				const part = (await collect(journal, match, interval)).map(({ time }) => time);
				assert.deepEqual(
					part.reverse(),
					wanted.map(({ time }) => time).filter((time) => time >= interval.from && time <= interval.to),
				);
			}
			assert.equal(journal.unread, undefined);
			assert.deepEqual(await collect(journal, "SYSLOG_IDENTIFIER=nobody"), []);
			assert.equal(await journal.firstOf(`_BOOT_ID=${BOOTS[1]}`), Math.round(entries[750]!.time * 1e6) / 1e6);
		});
	}

	it("reads little where little is asked for", needs(REMOTE), async () => {
		await using folder = await tempFolder();
		const path = await makeJournal(folder.path, noise(createRandom(1), 3000), {});
		const bytes = await readFile(path);
		const guest = memoryGuest({ "/j": bytes }, 400_000);
		const journal = await JournalFile.open((await guest.open("/j"))!);
		const found = await collect(journal, "SYSLOG_IDENTIFIER=sshd", { from: START + 2000, to: START + 2010 });
		assert.ok(bytes.length > 4e6 && found.length > 0);
	});

	it("reads fields in LZ4, as journalctl does, and names those in xz", needs("journalctl", REMOTE), async () => {
		await using folder = await tempFolder();
		// Bytes that no compressor makes shorter, and a repetition.
		const unique = createRandom(4).bytes(600);
		const message = Buffer.concat([unique, unique.subarray(0, 300), Buffer.from("12345")]);
		const fields = { SYSLOG_IDENTIFIER: "sshd", MESSAGE: message };
		const path = await makeJournal(folder.path, [{ time: START, boot: BOOTS[0], fields }], FORMS[1].env);
		const bytes = await readFile(path);
		const frame = bytes.indexOf(Buffer.from("28b52ffd", "hex"));
		const object = frame - 64;
		assert.equal(bytes[object + 1], 4, "a data object in zstd");

		const literals = Buffer.concat([Buffer.from("MESSAGE="), unique]);
		const block = Buffer.concat([
			Buffer.from([0xff, 255, 255, literals.length - 15 - 510]),
			literals,
			// 600 bytes back, 300 long; then the last five literals.
			Buffer.from([600 & 255, 600 >> 8, 255, 300 - 4 - 15 - 255]),
			Buffer.from([5 << 4]),
			Buffer.from("12345"),
		]);
		const stored = Buffer.concat([Buffer.alloc(8), block]);
		stored.writeBigUInt64LE(BigInt(8 + message.length));
		assert.ok(64 + stored.length <= bytes.readUInt32LE(object + 8));
		bytes[12]! |= 2;
		bytes[object + 1] = 2;
		bytes.writeUInt32LE(64 + stored.length, object + 8);
		stored.copy(bytes, frame);
		await writeFile(path, bytes);
		const match = "SYSLOG_IDENTIFIER=sshd";
		const wanted = [{ time: START, message: message.toString("utf8").toWellFormed() }];
		assert.deepEqual(await journalctl(path, match), wanted);
		const told = (await collect(await openJournal(path), match)).map(({ time, fields }) => ({
			time,
			message: fields.get("MESSAGE"),
		}));
		assert.deepEqual(told, wanted);

		bytes[object + 1] = 1;
		await writeFile(path, bytes);
		const journal = await openJournal(path);
		assert.deepEqual(
			(await collect(journal, match)).map(({ fields }) => [...fields]),
			[[]],
		);
		assert.equal(journal.unread?.code, "unsupported");
		assert.match(journal.unread.message, /xz/);
	});

	for (const { name, env } of FORMS) {
		it(`throws nothing but UmbraError and ends, whatever stands in the file: ${name}`, needs(REMOTE), async (t) => {
			await using folder = await tempFolder();
			const random = testRandom(t);
			const whole = await readFile(await makeJournal(folder.path, [...noise(random, 120), ...LOGINS], env));
			const bytes = Buffer.from(whole.subarray(0, whole.readUInt32LE(136) + 4096));
			// Behind the two hash tables, which are mostly empty.
			const objects = Math.max(...[104, 120].map((field) => whole.readUInt32LE(field) + whole.readUInt32LE(field + 8)));
			const special = [0, 1, 0xff, 0xffff, 0xffffffff, 0x7fffffff, 64, 16, bytes.length];
			for (let round = 0; round < 150; round++) {
				const touched: number[] = [];
				for (let count = random.between(1, 60); count > 0; count--) {
					const place = random.chance(0.1) ? random.below(256) : random.between(objects, bytes.length - 4);
					const value = random.chance(0.5) ? random.pick(special) : random.below(2 ** 32);
					bytes.writeUInt32LE(value, place & ~3);
					touched.push(place & ~3);
				}
				const cut = random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
				const guest = memoryGuest({ [`/var/log/journal/${MACHINE}/system.journal`]: cut });
				const { sessions } = await readJournal(guest, ALWAYS);
				for (const { from, user } of sessions) assert.ok(Number.isFinite(from) && user.isWellFormed());
				for (const place of touched) whole.copy(bytes, place, place, place + 4);
			}
		});
	}
});

const at = (seconds: number, fields: JournalSeed["fields"], boot: string = BOOTS[0]): JournalSeed => ({
	time: START + seconds,
	boot,
	fields,
});
const logind = (
	seconds: number,
	id: string,
	session: string,
	user: string,
	leader: number,
	boot?: string,
): JournalSeed =>
	at(seconds, { MESSAGE_ID: id, SESSION_ID: session, USER_ID: user, LEADER: String(leader), MESSAGE: "..." }, boot);
const NEW = "8d45620c1a4348dbb17410da57c60c66";
const REMOVED = "3354939424b4456d9802ca8333ed424a";
const said = (seconds: number, program: string, pid: number, message: string): JournalSeed =>
	at(seconds, { SYSLOG_IDENTIFIER: program, _PID: String(pid), MESSAGE: message });

/** As Debian 12's logind, sshd and sudo write them. */
const LOGINS: readonly JournalSeed[] = [
	said(10, "sshd", 500, "Accepted publickey for alice from 10.0.0.7 port 50022 ssh2: ED25519 SHA256:abc"),
	logind(11, NEW, "3", "alice", 500),
	said(20, "sshd", 510, "Failed password for invalid user admin from 203.0.113.9 port 4711 ssh2"),
	said(21, "sshd", 511, "Failed password for root from 203.0.113.9 port 4712 ssh2"),
	said(30, "sudo", 520, "   alice : TTY=pts/0 ; PWD=/etc ; USER=root ; COMMAND=/usr/bin/tee hosts motd"),
	said(31, "sudo", 521, " alice : PWD=/tmp/a ; b ; USER=root ; ENV=X=1 ; COMMAND=/bin/sh -c echo ; COMMAND=no"),
	said(32, "sudo", 522, "   bob : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/rm -r /etc"),
	logind(40, REMOVED, "3", "alice", 500),
	said(50, "sshd-session", 600, "Accepted password for bob from 2001:db8::17 port 50023 ssh2"),
	logind(51, NEW, "4", "bob", 600),
	at(100, { MESSAGE: "booted", SYSLOG_IDENTIFIER: "kernel" }, BOOTS[1]),
	logind(110, NEW, "1", "carol", 700, BOOTS[1]),
];

describe("readJournal", () => {
	const guestOf = async (folder: string, files: Readonly<Record<string, readonly JournalSeed[]>>) => {
		const contents: Record<string, Buffer> = {};
		for (const [name, entries] of Object.entries(files)) {
			contents[`/var/log/journal/${MACHINE}/${name}`] = await readFile(await makeJournal(folder, entries, {}));
		}
		return memoryGuest(contents);
	};

	it("tells sessions with where their users came from, and when they ended", needs(REMOTE), async () => {
		await using folder = await tempFolder();
		const guest = await guestOf(folder.path, { "system.journal": LOGINS });
		const { found, sessions } = await readJournal(guest, { from: START + 30, to: START + 200 });
		assert.equal(found, true);
		assert.deepEqual(guest.problems, []);
		assert.deepEqual(
			sessions.map(({ user, host, from, to, id, pid }) => [user, host, from - START, to && to - START, id, pid]),
			[
				["alice", "10.0.0.7", 11, 40, "3", 500],
				// The machine went down without a word.
				["bob", "2001:db8::17", 51, 100, "4", 600],
				["carol", "", 110, undefined, "1", 700],
			],
		);
		const later = await readJournal(guest, { from: START + 120, to: START + 200 });
		assert.deepEqual(
			later.sessions.map(({ user }) => user),
			["carol"],
		);
		const before = await readJournal(guest, { from: START + 12, to: START + 13 });
		assert.deepEqual(
			before.sessions.map(({ user, to }) => [user, to]),
			[["alice", undefined]],
		);
	});

	it("tells commands that sudo ran, and failed logins", needs(REMOTE), async () => {
		await using folder = await tempFolder();
		const guest = await guestOf(folder.path, { "system.journal": LOGINS });
		const { commands, failed } = await readJournal(guest, { from: START + 21, to: START + 200 });
		assert.deepEqual(commands, [
			{
				time: START + 30,
				user: "alice",
				tty: "pts/0",
				folder: "/etc",
				account: "root",
				command: "/usr/bin/tee hosts motd",
			},
			{
				time: START + 31,
				user: "alice",
				tty: "",
				folder: "/tmp/a ; b",
				account: "root",
				command: "/bin/sh -c echo ; COMMAND=no",
			},
		]);
		assert.deepEqual(failed, [{ time: START + 21, user: "root", tty: "ssh", host: "203.0.113.9" }]);
	});

	it("reads archived files as far back as needed", needs(REMOTE), async () => {
		await using folder = await tempFolder();
		const archived = (day: number): string => {
			const hex = (value: number): string => value.toString(16).padStart(16, "0");
			return `system@${"c".repeat(32)}-${hex(day)}-${hex((START + day * 86_400) * 1e6)}.journal`;
		};
		const session = (day: number, name: string): JournalSeed[] => [
			logind(day * 86_400 + 5, NEW, String(day), name, day),
		];
		const guest = await guestOf(folder.path, {
			[archived(0)]: session(0, "ancient"),
			[archived(10)]: [...session(10, "old"), ...session(13.5, "long")],
			[archived(14)]: session(14, "recent"),
			"system.journal": session(20, "now"),
			"user-1000.journal": [said(20 * 86_400, "sudo", 1, "me : PWD=/ ; USER=root ; COMMAND=/bin/true")],
			"notes.txt": [],
		});
		const day = 20 * 86_400;
		const { sessions, commands } = await readJournal(guest, { from: START + day - 60, to: START + day + 60 });
		// Seven days back, into which a file goes on that was begun before.
		assert.deepEqual(
			sessions.map(({ user }) => user),
			["long", "recent", "now"],
		);
		assert.equal(commands.length, 1);
	});
});

describe("decodeLz4Block", () => {
	const cases = [
		{ name: "no block", block: [], size: 4 },
		{ name: "literals beyond the end", block: [0x50, 1, 2], size: 5 },
		{ name: "a length without an end", block: [0xf0, 255, 255], size: 600 },
		{ name: "a match before the start", block: [0x10, 1, 2, 0], size: 9 },
		{ name: "a match at no distance", block: [0x10, 1, 0, 0, 0x00], size: 5 },
		{ name: "a match that makes too much", block: [0x1f, 1, 1, 0, 255, 0, 0x00], size: 20 },
		{ name: "less than was promised", block: [0x20, 1, 2], size: 3 },
	];
	for (const { name, block, size } of cases) {
		it(`refuses ${name}`, () => {
			assert.throws(() => decodeLz4Block(Buffer.from(block), size), { code: "corrupt" });
		});
	}

	it("repeats what a match itself makes", () => {
		const block = [0x1f, 97, 1, 0, 1, 0x10, 98];
		assert.equal(decodeLz4Block(Buffer.from(block), 22).toString(), `${"a".repeat(21)}b`);
	});
});
