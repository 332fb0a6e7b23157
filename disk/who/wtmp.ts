/** Sessions from wtmp and failed logins from btmp, as last(1) and lastb(1) tell them. */
import type { Interval } from "./audit-log.ts";
import type { GuestFiles } from "./guest-files.ts";
import type { FailedLogin, LoginSession } from "./logins.ts";
import { parseUtmp, type UtmpRecord, utmpRecordSize } from "./utmp.ts";

/** About 10,000 logins and logouts: the newest of a busy machine. */
const MAX_BYTES = 4 * 1024 * 1024;
const HEAD = 4096;

/** Those that overlap the interval, and whether the guest has the file; a session that never ended has no `to`. */
export async function readWtmp(
	files: GuestFiles,
	interval: Interval,
): Promise<{ readonly found: boolean; readonly sessions: LoginSession[] }> {
	// Who logged in before the file was begun anew stands in the one before.
	const records: UtmpRecord[] = [];
	let found = false;
	for (const path of ["/var/log/wtmp.1", "/var/log/wtmp"]) {
		const read = await readRecords(files, path);
		found ||= read !== undefined;
		records.push(...(read ?? []));
	}
	const until = records.filter(({ time }) => time <= interval.to);
	return { found, sessions: toSessions(until).filter(({ to }) => to === undefined || to >= interval.from) };
}

/** Those in the interval. */
export async function readBtmp(files: GuestFiles, interval: Interval): Promise<FailedLogin[]> {
	const records = (await readRecords(files, "/var/log/btmp")) ?? [];
	return records
		.filter(({ kind, time }) => kind === "failed" && time >= interval.from && time <= interval.to)
		.map(({ time, user, line, host }) => ({ time, user, tty: line, host }));
}

/** A login ends with the next logout or login on its line, or when the machine goes down. */
export function toSessions(records: readonly UtmpRecord[]): LoginSession[] {
	const sessions: LoginSession[] = [];
	const open = new Map<string, LoginSession>();
	const close = (line: string, time: number): void => {
		const session = open.get(line);
		if (session === undefined) return;
		open.delete(line);
		sessions.push({ ...session, to: time });
	};
	for (const { kind, pid, line, user, host, time } of records) {
		if (kind === "boot" || kind === "shutdown") for (const each of [...open.keys()]) close(each, time);
		if (kind === "login" || kind === "logout") close(line, time);
		if (kind !== "login") continue;
		open.set(line, { user, tty: line, host, from: time, to: undefined, id: "", pid, source: "wtmp" });
	}
	return [...sessions, ...open.values()].sort((a, b) => a.from - b.from);
}

async function readRecords(files: GuestFiles, path: string): Promise<UtmpRecord[] | undefined> {
	const file = await files.open(path);
	if (file === undefined) return undefined;
	return files.attempt(path, async () => {
		const size = utmpRecordSize(await file.read(0, HEAD));
		if (size === undefined) return [];
		const count = Math.min(Math.floor(file.size / size), Math.floor(MAX_BYTES / size));
		const start = (Math.floor(file.size / size) - count) * size;
		if (start > 0) files.note(`${path}: only the last ${count} records were read`);
		return parseUtmp(await file.read(start, count * size), size);
	});
}
