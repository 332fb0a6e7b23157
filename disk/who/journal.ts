/** Logins, and commands run through sudo, from the guest's persistent systemd journal. */
import type { Interval } from "./audit-log.ts";
import type { GuestFiles } from "./guest-files.ts";
import { type JournalEntry, JournalFile } from "./journal-file.ts";
import type { FailedLogin, LoginSession, SudoCommand } from "./logins.ts";

const FOLDER = "/var/log/journal";
/** systemd's `sd-messages.h`. */
const SESSION_START = "MESSAGE_ID=8d45620c1a4348dbb17410da57c60c66";
const SESSION_STOP = "MESSAGE_ID=3354939424b4456d9802ca8333ed424a";
/** Since OpenSSH 9.8 each session has a program of its own. */
const SSHD = ["SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"];
const SUDO = "SYSLOG_IDENTIFIER=sudo";
const FIELDS = new Set(["MESSAGE", "SESSION_ID", "USER_ID", "LEADER", "_PID"]);

/** Seconds before the interval in which a session that lasts into it may have begun. */
const LOOK_BACK = 7 * 24 * 3600;
/** By default journald keeps about 100 files of a system and as many of its users. */
const MAX_FILES = 256;
/** A guest with more machine ids was cloned without end. */
const MAX_FOLDERS = 8;
/** Entries of one kind: messages of the interval, sessions (each job of cron is one), messages near a login. */
const MAX_ENTRIES = 1000;
const MAX_SESSIONS = 500;
const MAX_NEAR = 50;
/** Seconds from when sshd accepts a user to the session. */
const LOGIN_TAKES = 30;
const MAX_TEXT = 4096;

export interface JournalFindings {
	/** Whether the guest keeps a journal on disk. */
	readonly found: boolean;
	/** Those that overlap the interval. */
	readonly sessions: readonly LoginSession[];
	/** In the interval, as the following. */
	readonly commands: readonly SudoCommand[];
	readonly failed: readonly FailedLogin[];
}

export async function readJournal(files: GuestFiles, interval: Interval): Promise<JournalFindings> {
	const collected = new Collected(interval);
	let found = false;
	for (const path of await listFiles(files, interval.from - LOOK_BACK)) {
		const file = await files.open(path);
		if (file === undefined) continue;
		const journal = await files.attempt(path, () => JournalFile.open(file));
		if (journal === undefined) continue;
		found = true;
		await files.attempt(path, () => collected.read(journal));
		if (journal.unread !== undefined) files.note(`${path}: fields not read, the first: ${journal.unread.message}`);
	}
	return { found, ...collected.result() };
}

/**
 * The files that may hold what lies after `since`, such as are written to first, then the archived ones from new to
 * old: `NAME@SEQNUM_ID-SEQNUM-TIME.journal`, times in microseconds since 1970, in hex.
 */
async function listFiles(files: GuestFiles, since: number): Promise<string[]> {
	const found: { readonly path: string; readonly begins: number; readonly chain: string }[] = [];
	for (const machine of (await files.list(FOLDER))
		.filter((name) => /^[0-9a-f]{32}$/.test(name))
		.slice(0, MAX_FOLDERS)) {
		for (const name of await files.list(`${FOLDER}/${machine}`)) {
			const parts = /^([\w.-]+)(?:@(?:[0-9a-f]{32}-)?[0-9a-f]{16}-([0-9a-f]{16}))?\.journal~?$/.exec(name);
			if (parts === null) continue;
			const begins = parts[2] === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(parts[2], 16) / 1e6;
			found.push({ path: `${FOLDER}/${machine}/${name}`, begins, chain: `${machine}/${parts[1]}` });
		}
	}
	found.sort((a, b) => (a.begins === b.begins ? 0 : b.begins - a.begins));
	// A file ends where the next of its chain begins: the first that begins before is the last that is wanted.
	const done = new Set<string>();
	const wanted = found.filter(({ begins, chain }) => {
		if (done.has(chain)) return false;
		if (begins < since) done.add(chain);
		return true;
	});
	if (wanted.length > MAX_FILES) files.note(`${FOLDER}: only ${MAX_FILES} of ${wanted.length} files were read`);
	return wanted.slice(0, MAX_FILES).map(({ path }) => path);
}

/** What was read, by what it has to be put together from. */
class Collected {
	readonly #interval: Interval;
	readonly #starts: JournalEntry[] = [];
	/** Boot and session id -> when it ended. */
	readonly #stops = new Map<string, number>();
	/** Boot and process of an sshd -> where its user came from. */
	readonly #origins = new Map<string, string>();
	readonly #commands: SudoCommand[] = [];
	readonly #failed: FailedLogin[] = [];
	/** Boot -> the first time seen of it. */
	readonly #boots = new Map<string, number>();

	constructor(interval: Interval) {
		this.#interval = interval;
	}

	/** @param journal no older than those read before, of one machine: a session ends after it begins. */
	async read(journal: JournalFile): Promise<void> {
		const { from, to } = this.#interval;
		const before = { from: from - LOOK_BACK, to };
		for await (const entry of journal.entriesWith(SESSION_STOP, before, FIELDS, MAX_SESSIONS)) {
			this.#stops.set(sessionKey(entry), entry.time);
		}
		const boots = new Set([journal.header.tail_entry_boot_id]);
		for await (const entry of journal.entriesWith(SESSION_START, before, FIELDS, MAX_SESSIONS - this.#starts.length)) {
			boots.add(entry.bootId);
			if ((this.#stops.get(sessionKey(entry)) ?? from) < from) continue;
			this.#starts.push(entry);
			const login = { from: entry.time - LOGIN_TAKES, to: entry.time + 1 };
			for (const match of SSHD) {
				for await (const sshd of journal.entriesWith(match, login, FIELDS, MAX_NEAR)) this.#addOrigin(sshd);
			}
		}
		for (const bootId of boots) {
			const time = await journal.firstOf(`_BOOT_ID=${bootId}`);
			if (time !== undefined) this.#boots.set(bootId, Math.min(time, this.#boots.get(bootId) ?? time));
		}
		for (const match of SSHD) {
			const most = MAX_ENTRIES - this.#failed.length;
			for await (const entry of journal.entriesWith(match, this.#interval, FIELDS, most)) this.#addFailed(entry);
		}
		const most = MAX_ENTRIES - this.#commands.length;
		for await (const entry of journal.entriesWith(SUDO, this.#interval, FIELDS, most)) this.#addSudo(entry);
	}

	result(): Omit<JournalFindings, "found"> {
		const { from, to: until } = this.#interval;
		const boots = [...this.#boots.values()].filter((time) => time <= until).sort((a, b) => a - b);
		const sessions = this.#starts.map((entry): LoginSession => {
			const { fields, time, bootId } = entry;
			const leader = fields.get("LEADER") ?? "";
			// The machine went down without a word: the session ended before the next boot at the latest.
			const began = this.#boots.get(bootId);
			const nextBoot = began === undefined ? undefined : boots.find((other) => other > began && other > time);
			return {
				user: text(fields.get("USER_ID")),
				tty: "",
				host: this.#origins.get(`${bootId}:${leader}`) ?? "",
				from: time,
				to: this.#stops.get(sessionKey(entry)) ?? nextBoot,
				id: text(fields.get("SESSION_ID")),
				pid: /^\d{1,10}$/.test(leader) ? Number(leader) : 0,
				source: "journal",
			};
		});
		return {
			sessions: sessions.filter(({ to }) => to === undefined || to >= from).sort((a, b) => a.from - b.from),
			commands: this.#commands.sort((a, b) => a.time - b.time),
			failed: this.#failed.sort((a, b) => a.time - b.time),
		};
	}

	#addOrigin({ bootId, fields }: JournalEntry): void {
		const accepted = /^Accepted \S+ for \S+ from (\S{1,256}) port \d+/.exec(fields.get("MESSAGE") ?? "");
		if (accepted !== null) this.#origins.set(`${bootId}:${fields.get("_PID") ?? ""}`, accepted[1]!);
	}

	#addFailed({ time, fields }: JournalEntry): void {
		const message = fields.get("MESSAGE") ?? "";
		const failed = /^Failed \S+ for (?:invalid user )?(.{0,256}) from (\S{1,256}) port \d+/.exec(message);
		if (failed !== null) this.#failed.push({ time, user: failed[1]!, tty: "ssh", host: failed[2]! });
	}

	/** sudoers(5), "LOG FORMAT"; a refused command has the reason before its fields, which is not a command that ran. */
	#addSudo({ time, fields }: JournalEntry): void {
		const message = fields.get("MESSAGE") ?? "";
		const parts =
			/^ *(\S{1,256}) : (?:TTY=(\S{1,64}) ; )?PWD=(.{0,4096}?) ; USER=(\S{1,256}) ; (?:.{0,1000}? ; )??COMMAND=(.+)$/s.exec(
				message,
			);
		if (parts === null) return;
		const [, user, tty, folder, account, command] = parts;
		this.#commands.push({
			time,
			user: user!,
			tty: tty ?? "",
			folder: text(folder),
			account: account!,
			command: text(command),
		});
	}
}

function sessionKey({ bootId, fields }: JournalEntry): string {
	return `${bootId}:${fields.get("SESSION_ID") ?? ""}`;
}

function text(value: string | undefined): string {
	return (value ?? "").slice(0, MAX_TEXT).toWellFormed();
}
