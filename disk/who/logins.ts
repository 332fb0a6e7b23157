/** Who was logged in: what wtmp, btmp and the journal tell, put together. */
import type { Interval } from "./audit-log.ts";
import type { GuestFiles } from "./guest-files.ts";
import { readJournal } from "./journal.ts";
import { readBtmp, readWtmp } from "./wtmp.ts";

export interface LoginSession {
	readonly user: string;
	/** "pts/0", "tty1"; empty where it is not known. */
	readonly tty: string;
	/** A name or an address of where the user came from; empty at the machine itself, or where it is not known. */
	readonly host: string;
	/** Seconds since 1970. */
	readonly from: number;
	/** Undefined while it lasts. */
	readonly to: number | undefined;
	/** The number by which logind and the kernel's audit know it; else empty. */
	readonly id: string;
	/** The process that leads it; 0 where it is not known. */
	readonly pid: number;
	readonly source: "wtmp" | "journal";
}

/** A command that sudo ran. */
export interface SudoCommand {
	/** Seconds since 1970. */
	readonly time: number;
	readonly user: string;
	/** Empty without a terminal. */
	readonly tty: string;
	/** The working directory. */
	readonly folder: string;
	/** As whom it ran. */
	readonly account: string;
	/** The program's path and its arguments. */
	readonly command: string;
}

export interface FailedLogin {
	/** Seconds since 1970. */
	readonly time: number;
	/** As it was typed, which may be no user's name. */
	readonly user: string;
	readonly tty: string;
	readonly host: string;
}

export interface Logins {
	/** Those that overlap the interval, from old to new; of too many, the newest. */
	readonly sessions: readonly LoginSession[];
	/** In the interval, as the following. */
	readonly commands: readonly SudoCommand[];
	readonly failed: readonly FailedLogin[];
	/** Which logs the guest has. */
	readonly sources: readonly ("wtmp" | "journal")[];
}

/** More than these are not told one by one. */
const MAX_SESSIONS = 256;
const MAX_COMMANDS = 1000;
const MAX_FAILED = 1000;
/** Seconds between the two records of one login. */
const SAME_LOGIN = 5;

export async function readLogins(files: GuestFiles, interval: Interval): Promise<Logins> {
	const wtmp = await readWtmp(files, interval);
	const journal = await readJournal(files, interval);
	const refused = await readBtmp(files, interval);
	return {
		sessions: mergeSessions(wtmp.sessions, journal.sessions).slice(-MAX_SESSIONS),
		commands: journal.commands.slice(-MAX_COMMANDS),
		// Both tell of ssh; btmp of all else too.
		failed: (refused.length > 0 ? refused : journal.failed).slice(-MAX_FAILED),
		sources: [...(wtmp.found ? (["wtmp"] as const) : []), ...(journal.found ? (["journal"] as const) : [])],
	};
}

/** wtmp knows the terminal, the journal the session's number; where both know a login, it is told once. */
export function mergeSessions(wtmp: readonly LoginSession[], journal: readonly LoginSession[]): LoginSession[] {
	const left = [...wtmp];
	const merged = journal.map((session): LoginSession => {
		const at = left.findIndex(
			({ user, from, host }) =>
				user === session.user &&
				Math.abs(from - session.from) <= SAME_LOGIN &&
				(host === session.host || host === "" || session.host === ""),
		);
		if (at === -1) return session;
		const [twin] = left.splice(at, 1);
		return { ...session, tty: twin!.tty, host: session.host || twin!.host, to: session.to ?? twin!.to };
	});
	return [...merged, ...left].sort((a, b) => a.from - b.from);
}
