/**
 * `disk/who/` tells who changed a file and who was logged in, by what the guest itself wrote down: auditd's log, wtmp and
 * btmp, systemd's journal, its account files. *Evidence* is what these say of one interval; an *actor* is a process that
 * did something to a file, and the user behind it. The guest's clock and the guest's honesty are all it rests on: whoever
 * is root in there can write what they like.
 *
 * What a guest wrote reaches its disk some seconds later, a log no sooner than the rest. Evidence of a file may thus only
 * be found at the next look, which may ask for the same interval again.
 */
import { isUmbraError } from "../../common/errors.ts";
import { NO_OWNERS, type Owners, readOwners } from "../owners.ts";
import { resolvePath } from "../path.ts";
import type { AuditEvent, AuditPath } from "./audit-event.ts";
import { type Interval, readAuditLog } from "./audit-log.ts";
import type { FileAction } from "./audit-syscalls.ts";
import { GuestFiles, ReadBudget } from "./guest-files.ts";
import { type FailedLogin, type LoginSession, readLogins, type SudoCommand } from "./logins.ts";
import { type GuestVolume, type MountTable, normalise, readMounts } from "./mounts.ts";

export type { FileAction } from "./audit-syscalls.ts";
export type { FailedLogin, LoginSession, SudoCommand } from "./logins.ts";
export type { GuestVolume } from "./mounts.ts";

export interface Actor {
	/** Of the last of its deeds, in seconds since 1970. */
	readonly time: number;
	/** How often it did the same. */
	readonly count: number;
	readonly action: FileAction;
	/** Who had logged in, whatever they became since; empty where nobody had, as for a service. */
	readonly user: string;
	/** As whom the process ran: undefined where the log does not say, and the name of that number, or empty. */
	readonly uid: number | undefined;
	readonly account: string;
	/** Where the user came from; empty where that is not known. */
	readonly host: string;
	/** Empty without a terminal. */
	readonly tty: string;
	/** The program's short name, which it can change. */
	readonly process: string;
	/** Path of the program's file in the guest. */
	readonly executable: string;
	/** 0 where it is not known. */
	readonly pid: number;
	/** `sudo` says only that the file's path stands in a command that sudo ran. */
	readonly source: "audit" | "sudo";
}

/** A file of a volume. */
export interface FilePlace {
	/** As `Volume.disk` and `Volume.id`. */
	readonly disk: number;
	readonly volume: string;
	/** Absolute in the volume. */
	readonly path: string;
	readonly inode: number;
	/** Whether it is no longer there, so that another file may have its inode now. */
	readonly deleted?: boolean;
}

export interface Evidence {
	/** Who was logged in during the interval, from old to new. */
	readonly sessions: readonly LoginSession[];
	/** In the interval, as the following. */
	readonly commands: readonly SudoCommand[];
	readonly failedLogins: readonly FailedLogin[];
	/** Which of its logs the guest has. */
	readonly sources: readonly ("audit" | "wtmp" | "journal")[];
	/** Whether the audit log holds more of the interval than was read. */
	readonly incomplete: boolean;
	/** What could not be read, and why, for people; bounded. */
	readonly problems: readonly string[];
	/** Who did something to a file, the newest first, at most `MAX_ACTORS`. Reading does not count. */
	actorsOf(file: FilePlace): Actor[];
	/** The same by the path that the guest knows the file by. */
	actorsOfPath(guestPath: string): Actor[];
}

export const MAX_ACTORS = 8;
/** Bytes of the guest's logs read for one interval. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Their share for the audit log; wtmp and the journal need less. */
const MAX_AUDIT_BYTES = 20 * 1024 * 1024;
/**
 * Seconds before the interval: Linux writes a changed page to the disk within 35 s (dirty_expire_centisecs and
 * dirty_writeback_centisecs) on an idle machine, so that a change found now may have been made then.
 */
const WRITE_BACK = 60;
/** Seconds after it: the guest's clock may be ahead. */
const CLOCK_AHEAD = 5;
/** Paths looked up to learn which device number is which volume. */
const MAX_PROBES = 128;
const MAX_PROBES_EACH = 8;
/** Words of a command that are taken for paths. */
const MAX_WORDS = 64;

/**
 * What the guest's logs say of an interval.
 *
 * @param volumes of one machine, at the end of the interval or later; those that cannot be opened left out.
 * @throws UmbraError `unavailable` where a disk cannot be read; never for what is on it.
 */
export async function readEvidence(
	volumes: readonly GuestVolume[],
	interval: Interval,
	signal?: AbortSignal,
): Promise<Evidence> {
	const mounts = await readMounts(volumes, signal);
	const files = new GuestFiles(mounts, new ReadBudget(MAX_BYTES), signal);
	const wide = { from: interval.from - WRITE_BACK, to: interval.to + CLOCK_AHEAD };
	const audit = await readAuditLog(files, wide, MAX_AUDIT_BYTES);
	const logins = await readLogins(files, wide);
	const root = mounts.toVolume("/");
	const owners = root === undefined ? undefined : await readOwners(volumes[root.volume]!.filesystem, signal);
	const devices = await learnDevices(mounts, audit.events, signal);
	const witness = new Witness(mounts, audit.events, devices, logins, owners ?? NO_OWNERS);
	return {
		sessions: logins.sessions.filter(({ to }) => to === undefined || to >= interval.from),
		commands: logins.commands.filter(({ time }) => time >= interval.from),
		failedLogins: logins.failed.filter(({ time }) => time >= interval.from),
		sources: [...(audit.found ? (["audit"] as const) : []), ...logins.sources],
		incomplete: audit.incomplete,
		problems: files.problems,
		actorsOf: (file) => witness.actorsOf(file),
		actorsOfPath: (guestPath) => witness.actorsOfPath(guestPath),
	};
}

/** Device numbers -> volumes, by folders and files that are still what the log says. */
async function learnDevices(
	mounts: MountTable,
	events: readonly AuditEvent[],
	signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
	const devices = new Map<string, number>();
	const tried = new Map<string, Set<string>>();
	let probes = 0;
	for (const { path, dev, inode } of events.flatMap(({ paths }) => paths)) {
		if (path === undefined || dev === undefined || inode === undefined || devices.has(dev)) continue;
		const paths = tried.get(dev) ?? new Set();
		if (paths.has(path) || paths.size >= MAX_PROBES_EACH) continue;
		if (++probes > MAX_PROBES) break;
		tried.set(dev, paths.add(path));
		const place = mounts.toVolume(path);
		if (place === undefined) continue;
		try {
			const { filesystem } = mounts.volumes[place.volume]!;
			const { node } = await resolvePath(filesystem, place.path, { followLast: false, signal });
			if (node.inode === inode) devices.set(dev, place.volume);
		} catch (error) {
			if (!isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported", "limit")) throw error;
		}
	}
	return devices;
}

/** A deed: one path of one event. */
interface Deed {
	readonly event: AuditEvent;
	readonly path: AuditPath;
}

class Witness {
	readonly #mounts: MountTable;
	readonly #devices: ReadonlyMap<string, number>;
	readonly #owners: Owners;
	readonly #byPath = new Map<string, Deed[]>();
	readonly #byInode = new Map<number, Deed[]>();
	readonly #commands = new Map<string, SudoCommand[]>();
	/** By the session's number. */
	readonly #sessions = new Map<string, LoginSession>();

	constructor(
		mounts: MountTable,
		events: readonly AuditEvent[],
		devices: ReadonlyMap<string, number>,
		logins: { readonly sessions: readonly LoginSession[]; readonly commands: readonly SudoCommand[] },
		owners: Owners,
	) {
		this.#mounts = mounts;
		this.#devices = devices;
		this.#owners = owners;
		for (const event of events) {
			if (!event.success) continue;
			for (const path of event.paths) {
				if (path.action === undefined) continue;
				if (path.path !== undefined) push(this.#byPath, path.path, { event, path });
				if (path.inode !== undefined) push(this.#byInode, path.inode, { event, path });
			}
		}
		for (const command of logins.commands) {
			const words = command.command.split(/\s+/, MAX_WORDS).slice(1);
			const paths = words.map((word) => normalise(word.startsWith("/") ? word : `${command.folder}/${word}`));
			for (const path of new Set(paths)) push(this.#commands, path, command);
		}
		// Numbers begin anew with each boot: the newest session is meant.
		for (const session of logins.sessions) if (session.id !== "") this.#sessions.set(session.id, session);
	}

	actorsOf({ disk, volume: id, path, inode, deleted = false }: FilePlace): Actor[] {
		const volume = this.#mounts.volumes.findIndex((candidate) => candidate.disk === disk && candidate.id === id);
		if (volume === -1) return [];
		const guestPaths = this.#mounts.toGuest({ volume, path });
		const onFile = (this.#byInode.get(inode) ?? []).filter((deed) => this.#isFile(deed, volume, path));
		const deeds = new Set(lifeOf(onFile, guestPaths, deleted));
		for (const guestPath of guestPaths) {
			for (const deed of this.#byPath.get(guestPath) ?? []) if (this.#mayBe(deed.path, inode)) deeds.add(deed);
		}
		return this.#toActors(deeds, guestPaths);
	}

	actorsOfPath(guestPath: string): Actor[] {
		const path = normalise(guestPath);
		return this.#toActors(this.#byPath.get(path) ?? [], [path]);
	}

	/** Whether a deed on the file's inode number was on the file. */
	#isFile({ path: deed }: Deed, volume: number, path: string): boolean {
		const known = deed.dev === undefined ? undefined : this.#devices.get(deed.dev);
		if (known !== undefined) return known === volume;
		// An overlay of containers has a device number of its own, and the inodes of what lies below it.
		return deed.path !== undefined && lastName(deed.path) === lastName(path);
	}

	/**
	 * Whether a deed on the file's path may have been on the file. The path may also mean one in a container or below
	 * another root, in memory or on a share; the last two have device numbers without a driver.
	 */
	#mayBe(deed: AuditPath, inode: number): boolean {
		if (deed.dev === undefined) return deed.inode === undefined || deed.inode === inode;
		// Of a volume that is known the inode decides, and was asked for already.
		return !this.#devices.has(deed.dev) && !/^0+:/.test(deed.dev);
	}

	#toActors(deeds: Iterable<Deed>, guestPaths: readonly string[]): Actor[] {
		const actors = new Map<string, Actor>();
		const add = (key: string, actor: Actor): void => {
			const known = actors.get(key);
			const count = (known?.count ?? 0) + actor.count;
			actors.set(key, known === undefined || known.time <= actor.time ? { ...actor, count } : { ...known, count });
		};
		const seen = new Set<string>();
		for (const { event, path } of deeds) {
			// A rename names the file twice.
			const once = `${event.time} ${event.serial} ${path.action}`;
			if (seen.has(once)) continue;
			seen.add(once);
			const actor = this.#toActor(event, path.action!);
			add(JSON.stringify([actor.action, actor.pid, actor.executable, event.auid, event.uid]), actor);
		}
		for (const command of new Set(guestPaths.flatMap((path) => this.#commands.get(path) ?? []))) {
			const actor = toSudoActor(command);
			add(JSON.stringify([actor.source, actor.executable, actor.user, actor.account]), actor);
		}
		return [...actors.values()].sort((a, b) => b.time - a.time).slice(0, MAX_ACTORS);
	}

	#toActor(event: AuditEvent, action: FileAction): Actor {
		const { time, pid, uid, auid, tty, comm, exe, session } = event;
		return {
			time,
			count: 1,
			action,
			user: event.loginName || this.#nameOf(auid),
			uid,
			account: event.userName || this.#nameOf(uid),
			host: (session === undefined ? undefined : this.#sessions.get(String(session)))?.host ?? "",
			tty,
			process: comm,
			executable: exe,
			pid,
			source: "audit",
		};
	}

	/** The number itself where the guest's files have no name for it, as with accounts of a directory service. */
	#nameOf(uid: number | undefined): string {
		return uid === undefined ? "" : (this.#owners.users.get(uid) ?? String(uid));
	}
}

function toSudoActor({ time, user, account, tty, command }: SudoCommand): Actor {
	const executable = command.split(" ", 1)[0]!;
	const process = lastName(executable);
	const fixed = { count: 1, action: "touch", uid: undefined, host: "", pid: 0, source: "sudo" } as const;
	return { ...fixed, time, user, account, tty, process, executable };
}

/**
 * An inode is used again when its file is gone: of all that was done to those that had it, what was done to one file,
 * from a creation to a deletion. It is the one that had one of the paths; else, for a file that is there, the last. The
 * path of one that is gone may be told by way of a symlink, and then it still ends as the file's own.
 */
function lifeOf(deeds: readonly Deed[], paths: readonly string[], deleted: boolean): readonly Deed[] {
	const lives: Deed[][] = [[]];
	for (const deed of deeds) {
		if (deed.path.action === "create") lives.push([]);
		lives.at(-1)!.push(deed);
		if (isEnd(deed)) lives.push([]);
	}
	const findLife = (isNamed: (path: string) => boolean): Deed[] | undefined =>
		lives.findLast((life) => life.some(({ path: { path } }) => path !== undefined && isNamed(path)));
	const named = findLife((path) => paths.includes(path));
	if (named !== undefined) return named;
	if (!deleted) return lives.at(-1)!;
	const names = new Set(paths.map(lastName));
	return findLife((path) => names.has(lastName(path))) ?? [];
}

/** Whether it took a name from the file, by a deletion or by a rename of another file to that name. */
function isEnd({ event, path: { path, nametype, action } }: Deed): boolean {
	if (action === "delete") return true;
	return nametype === "DELETE" && event.paths.some((other) => other.nametype === "CREATE" && other.path === path);
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
	const known = map.get(key);
	if (known === undefined) map.set(key, [value]);
	else known.push(value);
}

function lastName(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1);
}
