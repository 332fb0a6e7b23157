import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { needs, needsGuest } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { openDisk } from "../disk.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { openFile } from "../source/file.ts";
import { EventAssembler } from "./audit-event.ts";
import { type WatchedGuest, watchedGuest } from "./audit-guest.ts";
import { parseRecord } from "./audit-record.ts";
import { type Actor, type Evidence, MAX_ACTORS, readEvidence } from "./evidence.ts";
import { ausearch, JOURNAL_REMOTE, makeJournal, memoryFilesystem, memoryVolume, run } from "./testing.ts";

const NOW = Math.floor(Date.now() / 1000);

/** Two people at work, by utmpdump. */
async function wtmp(folder: string): Promise<Buffer> {
	const row = (type: number, time: number, user: string): string =>
		`[${type}] [00100] [ts/0] [${user}] [pts/0] [10.0.0.7] [10.0.0.7] [${new Date(time * 1000).toISOString().replace(/\..*/, ",000000+00:00")}]\n`;
	await writeFile(`${folder}/dump`, row(7, NOW - 7200, "bob") + row(8, NOW - 3600, "") + row(7, NOW - 600, "alice"));
	await run("utmpdump", ["-r", "-o", `${folder}/wtmp`, `${folder}/dump`]);
	return readFile(`${folder}/wtmp`);
}

describe("readEvidence of a guest with auditd", needsGuest("auditd", "ausearch", "utmpdump"), () => {
	let folder: TempFolder;
	let guest: WatchedGuest;
	let filesystem: Filesystem;
	let evidence: Evidence;
	const opened = new AsyncDisposableStack();

	before(async () => {
		folder = opened.use(await tempFolder());
		guest = await watchedGuest(folder.path, "RAW", [{ path: "/var/log/wtmp", content: await wtmp(folder.path) }]);
		const source = opened.use(await openFile(guest.image));
		filesystem = await (await openDisk(source)).volumes[0]!.open();
		evidence = await readEvidence([{ disk: 0, id: "", filesystem }], guest);
	});

	after(async () => {
		await opened.disposeAsync();
	});

	const actorsOf = async (path: string, known?: FileNode): Promise<Actor[]> => {
		const { inode } = known ?? (await filesystem.lookup(path));
		return evidence.actorsOf({ disk: 0, volume: "", path, inode });
	};
	const brief = (actors: readonly Actor[]): string[] =>
		actors.map(({ action, user, account, process }) => `${process} ${action} ${user || "-"} as ${account}`);

	it("reads of its log what ausearch reads", async () => {
		const log = folder.file("audit.log");
		// debugfs would not see what stands in the journal only.
		const node = await filesystem.lookup("/var/log/audit/audit.log");
		await writeFile(log, await filesystem.readFile(node, 0, node.size));
		const wanted = await ausearch(log);
		assert.ok(wanted.length >= 15);
		const assembler = new EventAssembler();
		const lines = (await readFile(log, "latin1")).split("\n").map((line) => parseRecord(line));
		const events = lines.map((record) => record && assembler.add(record)).filter((event) => event !== undefined);
		const told = events.map((event) => ({
			...{ time: event.time, serial: event.serial, success: event.success, pid: event.pid, ppid: event.ppid },
			...{ comm: event.comm, exe: event.exe },
			paths: event.paths.map(({ nametype, inode }) => ({ nametype, inode })),
		}));
		assert.deepEqual(
			told,
			wanted.map(({ time, serial, success, pid, ppid, comm, exe, paths }) => ({
				...{ time, serial, success, pid, ppid, comm, exe },
				paths: paths.map(({ nametype, inode }) => ({ nametype, inode })),
			})),
		);
		for (const [at, { syscall, paths, cwd }] of wanted.entries()) {
			// Calls that change no file have no name here.
			if (events[at]!.syscall !== "") assert.equal(events[at]!.syscall, syscall);
			for (const [item, { name }] of paths.entries()) {
				if (name === "(null)") continue;
				const absolute = name.startsWith("/") ? name : `${cwd}/${name}`.replace("//", "/");
				assert.equal(events[at]!.paths[item]!.path, absolute.replace(/(.)\/$/, "$1"));
			}
		}
	});

	it("names who changed a file: the user who logged in, whatever they became", async () => {
		assert.deepEqual(brief(await actorsOf("/data/sub/old.txt")), ["sh write alice as root"]);
		assert.deepEqual(brief(await actorsOf("/data/keep.txt")), ["chmod metadata alice as root"]);
		assert.deepEqual(brief(await actorsOf("/data/service.txt")), ["sh create - as root"]);
		const [actor] = await actorsOf("/data/alice/with space é.txt");
		assert.deepEqual(
			{ ...actor, time: undefined, pid: undefined },
			{
				...{ time: undefined, pid: undefined, count: 1, action: "create", user: "alice", uid: 1000, account: "alice" },
				...{ host: "", tty: "", process: "sh", executable: "/bin/busybox", source: "audit" },
			},
		);
		assert.ok(actor!.time >= guest.from && actor!.time <= guest.to && actor!.pid > 1);
	});

	it("follows a file through renames, links and symlinks", async () => {
		assert.deepEqual(brief(await actorsOf("/data/made/deep/moved")), [
			"mv rename alice as root",
			"touch create alice as root",
		]);
		// By its other name, and by a path through a symlink.
		assert.deepEqual(brief(await actorsOf("/data/alice/hard")), ["ln link alice as alice", "sh write alice as alice"]);
		assert.deepEqual(brief(await actorsOf("/data/fixed.txt")), ["truncate write alice as root"]);
	});

	it("does not mistake a new file for the deleted one whose inode it has", async () => {
		const made = await filesystem.lookup("/data/alice/with space é.txt");
		assert.deepEqual(brief(await actorsOf("/data/sub/gone.txt", made)), ["rm delete alice as root"]);
		assert.deepEqual(brief(await actorsOf("/data/alice/with space é.txt")), ["sh create alice as alice"]);
	});

	it("accuses nobody of reading, of failing, or of a file below another root", async () => {
		assert.ok((await actorsOf("/data/alice/report.txt")).every(({ account }) => account !== "bob"));
		assert.deepEqual(await actorsOf("/etc/passwd"), []);
		assert.deepEqual(brief(await actorsOf("/jail/etc/passwd")), ["busybox write alice as root"]);
		assert.deepEqual(evidence.actorsOf({ disk: 1, volume: "", path: "/data/keep.txt", inode: 19 }), []);
	});

	it("tells who was logged in, and which logs there are", () => {
		assert.deepEqual(
			evidence.sessions.map(({ user, tty, host, from, to }) => ({ user, tty, host, from, to })),
			[{ user: "alice", tty: "pts/0", host: "10.0.0.7", from: NOW - 600, to: undefined }],
		);
		assert.deepEqual(evidence.sources, ["audit", "wtmp"]);
		assert.deepEqual([evidence.problems, evidence.incomplete], [[], false]);
	});

	it("knows nothing of another interval", async () => {
		const later = await readEvidence([{ disk: 0, id: "", filesystem }], { from: guest.to + 100, to: guest.to + 200 });
		const { inode } = await filesystem.lookup("/data/keep.txt");
		assert.deepEqual(later.actorsOf({ disk: 0, volume: "", path: "/data/keep.txt", inode }), []);
	});
});

describe("readEvidence", () => {
	const INTERVAL = { from: 1000, to: 2000 };
	const event = (serial: number, dev: string, inode: number, name = "/srv/a", pid = 9): string =>
		[
			`type=SYSCALL msg=audit(1500.000:${serial}): arch=c000003e syscall=87 success=yes ppid=1 pid=${pid} auid=1000 uid=0 comm="rm" exe="/bin/rm"`,
			`type=PATH msg=audit(1500.000:${serial}): item=0 name="${name}" inode=${inode} dev=${dev} nametype=NORMAL`,
			`type=EOE msg=audit(1500.000:${serial}): `,
			"",
		].join("\n");
	const guestWith = (log: string) => {
		const root = memoryFilesystem({
			"/etc/fstab": "UUID=r / ext4 defaults 0 1\nLABEL=srv /srv ext4 defaults 0 2\n",
			"/etc/passwd": "ada:x:1000:1000::/:/bin/sh\n",
			"/var/log/audit/audit.log": log,
		});
		const srv = memoryFilesystem({ "/a": "a", "/b": "b" }, { label: "srv" });
		return readEvidence([memoryVolume("1", root), memoryVolume("2", srv)], INTERVAL);
	};
	const place = (path: string, inode: number, volume = "2") => ({ disk: 0, volume, path, inode });

	it("tells the volumes apart by their device numbers, once it has learned these", async () => {
		const evidence = await guestWith(event(1, "08:02", 1) + event(2, "08:01", 1, "/lost", 10));
		assert.deepEqual(
			evidence.actorsOf(place("/a", 1)).map(({ pid, user }) => [pid, user]),
			[[9, "ada"]],
		);
		assert.deepEqual(evidence.actorsOf(place("/c", 1, "1")), []);
	});

	it("takes no file in memory or on a share for one on the disk", async () => {
		const evidence = await guestWith(event(1, "00:2f", 77));
		assert.deepEqual(evidence.actorsOf(place("/a", 1)), []);
		// What a container sees: the overlay's device, and the inode and the name of the file below it.
		assert.equal((await guestWith(event(1, "00:2f", 1, "/app/a"))).actorsOf(place("/a", 1)).length, 1);
	});

	it("tells the files apart that had the same inode one after the other", async () => {
		const call = (serial: number, syscall: number, nametype: string, name: string): string =>
			[
				`type=SYSCALL msg=audit(1500.000:${serial}): arch=c000003e syscall=${syscall} success=yes ppid=1 pid=${serial} auid=1000 uid=0 comm="x" exe="/bin/x"`,
				`type=PATH msg=audit(1500.000:${serial}): item=0 name="${name}" inode=1 dev=08:02 nametype=${nametype}`,
				`type=PROCTITLE msg=audit(1500.000:${serial}): proctitle=78`,
				"",
			].join("\n");
		const evidence = await guestWith(call(7, 87, "DELETE", "/srv/gone") + call(8, 82, "CREATE", "/srv/a"));
		const pids = (path: string, deleted: boolean) =>
			evidence.actorsOf({ ...place(path, 1), deleted }).map(({ pid }) => pid);
		assert.deepEqual(pids("/a", false), [8]);
		assert.deepEqual(pids("/gone", true), [7]);
		// Its deletion was not logged.
		assert.deepEqual(pids("/other", true), []);
	});

	it("counts what a process did again, and names no more than the newest", async () => {
		const many = Array.from({ length: 40 }, (_, at) => event(at, "08:02", 1, "/srv/a", 100 + Math.floor(at / 2)));
		const actors = (await guestWith(many.join(""))).actorsOf(place("/a", 1));
		assert.equal(actors.length, MAX_ACTORS);
		assert.ok(actors.every(({ count }) => count === 2));
	});

	it("tells where a user came from, and what sudo ran", needs(JOURNAL_REMOTE), async () => {
		await using folder = await tempFolder();
		const boot = "a".repeat(32);
		const entry = (time: number, fields: Readonly<Record<string, string>>) => ({ time, boot, fields });
		const ssh = {
			SYSLOG_IDENTIFIER: "sshd",
			_PID: "7",
			MESSAGE: "Accepted password for ada from 10.0.0.7 port 1 ssh2",
		};
		const start = { MESSAGE_ID: "8d45620c1a4348dbb17410da57c60c66", SESSION_ID: "3", USER_ID: "ada", LEADER: "7" };
		const command = "ada : TTY=pts/0 ; PWD=/etc ; USER=root ; COMMAND=/usr/bin/vi -n passwd";
		const journal = await makeJournal(folder.path, [
			entry(1400, ssh),
			entry(1401, start),
			entry(1600, { SYSLOG_IDENTIFIER: "sudo", MESSAGE: command }),
		]);
		const root = memoryFilesystem({
			"/etc/fstab": "",
			"/etc/passwd": "ada:x:1000:1000::/:/bin/sh\n",
			"/var/log/audit/audit.log": event(1, "08:01", 2, "/etc/passwd").replace(" comm=", " ses=3 comm="),
			[`/var/log/journal/${"0".repeat(32)}/system.journal`]: await readFile(journal),
		});
		const evidence = await readEvidence([memoryVolume("1", root)], INTERVAL);
		assert.deepEqual(evidence.problems, []);
		assert.deepEqual(evidence.sources, ["audit", "journal"]);
		const { inode } = await root.lookup("/etc/passwd");
		assert.deepEqual(
			evidence
				.actorsOf(place("/etc/passwd", inode, "1"))
				.map(({ source, user, account, host, executable, tty }) => [source, user, account, host, executable, tty]),
			[
				["sudo", "ada", "root", "", "/usr/bin/vi", "pts/0"],
				["audit", "ada", "0", "10.0.0.7", "/bin/rm", ""],
			],
		);
		assert.deepEqual(evidence.actorsOfPath("/etc/../etc/passwd"), evidence.actorsOf(place("/etc/passwd", inode, "1")));
	});

	it("has nothing to say of a machine without a system", async () => {
		const evidence = await readEvidence([memoryVolume("1", memoryFilesystem({ "/data": "x" }))], INTERVAL);
		assert.deepEqual([evidence.sources, evidence.sessions, evidence.problems], [[], [], []]);
		assert.deepEqual(evidence.actorsOf(place("/data", 1, "1")), []);
		assert.deepEqual((await readEvidence([], INTERVAL)).sources, []);
	});
});
