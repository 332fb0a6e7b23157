/** Events of auditd's log: the records of one system call, which may stand apart and among those of others. */
import { type AuditRecord, decimal, untrusted } from "./audit-record.ts";
import { actionOf, type FileAction, flagsArgument, folderArguments, syscallName } from "./audit-syscalls.ts";
import { normalise } from "./mounts.ts";

export interface AuditPath {
	/** Absolute in the tree of the process; undefined where the log does not tell. */
	readonly path: string | undefined;
	/** "CREATE", "DELETE", "NORMAL", "PARENT"; "UNKNOWN" of old kernels. */
	readonly nametype: string;
	readonly inode: number | undefined;
	/** "major:minor" in hex. */
	readonly dev: string | undefined;
	/** Undefined where the file was only read. */
	readonly action: FileAction | undefined;
}

/** A system call that named files. */
export interface AuditEvent {
	/** Seconds since 1970. */
	readonly time: number;
	readonly serial: number;
	/** Empty where the architecture or the number is not known. */
	readonly syscall: string;
	readonly success: boolean;
	readonly pid: number;
	readonly ppid: number;
	readonly uid: number | undefined;
	readonly euid: number | undefined;
	/** Who logged in, whatever they became since; undefined for daemons, who never logged in. */
	readonly auid: number | undefined;
	/** Of the login; undefined where there was none. */
	readonly session: number | undefined;
	/** "pts0", empty without a terminal. */
	readonly tty: string;
	/** The program's short name, at most 15 bytes, which it can change. */
	readonly comm: string;
	/** Path of the program's file. */
	readonly exe: string;
	/** Names that the guest itself gave `auid` and `uid`, where its log has them; else empty. */
	readonly loginName: string;
	readonly userName: string;
	readonly paths: readonly AuditPath[];
}

/** Unset ids are -1 in 32 bits. */
const UNSET = 0xffffffff;
/** AUDIT_NAMES in the kernel is 5; calls on more names allocate, but none names this many. */
const MAX_PATHS = 32;
/** Events whose records are still coming: as many processes as may be in a call at once, within reason. */
const MAX_OPEN = 1024;
const MAX_TEXT = 4096;

interface OpenEvent {
	readonly time: number;
	readonly serial: number;
	syscall: AuditRecord | undefined;
	cwd: string | undefined;
	readonly paths: AuditRecord[];
}

/** Takes records as they come and gives events as they end. */
export class EventAssembler {
	readonly #open = new Map<string, OpenEvent>();

	/** The event that the record ends or, where too many are open, pushes out. */
	add(record: AuditRecord): AuditEvent | undefined {
		const { type, time, serial } = record;
		const key = `${time}:${serial}`;
		const known = this.#open.get(key);
		if (type === "EOE" || type === "PROCTITLE") {
			this.#open.delete(key);
			return known === undefined ? undefined : toEvent(known);
		}
		if (type !== "SYSCALL" && type !== "CWD" && type !== "PATH") return undefined;
		const event: OpenEvent = known ?? { time, serial, syscall: undefined, cwd: undefined, paths: [] };
		if (type === "SYSCALL") event.syscall ??= record;
		else if (type === "CWD") event.cwd ??= untrusted(record.fields.get("cwd"));
		else if (event.paths.length < MAX_PATHS) event.paths.push(record);
		if (known !== undefined) return undefined;
		this.#open.set(key, event);
		if (this.#open.size <= MAX_OPEN) return undefined;
		const [oldestKey, oldest] = this.#open.entries().next().value!;
		this.#open.delete(oldestKey);
		return toEvent(oldest);
	}

	/** Those whose end was not seen. */
	flush(): AuditEvent[] {
		const events = [...this.#open.values()].map(toEvent).filter((event) => event !== undefined);
		this.#open.clear();
		return events;
	}
}

function toEvent({ time, serial, syscall: record, cwd, paths }: OpenEvent): AuditEvent | undefined {
	if (record === undefined || paths.length === 0) return undefined;
	const { fields, enriched } = record;
	const syscall = enriched.get("SYSCALL") ?? syscallName(fields.get("arch"), decimal(fields.get("syscall")));
	const flagsAt = flagsArgument(syscall);
	const flags = flagsAt === undefined ? undefined : Number.parseInt(fields.get(flagsAt) ?? "", 16);
	// Relative to an open folder, whose path the kernel does not log.
	const unplaced = folderArguments(syscall).some((argument) => !isWorkingDirectory(fields.get(argument)));
	return {
		time,
		serial,
		syscall: limited(syscall),
		success: fields.get("success") === "yes",
		pid: decimal(fields.get("pid")) ?? 0,
		ppid: decimal(fields.get("ppid")) ?? 0,
		uid: identifier(fields.get("uid")),
		euid: identifier(fields.get("euid")),
		auid: identifier(fields.get("auid")),
		session: identifier(fields.get("ses")),
		tty: limited(untrusted(fields.get("tty"))),
		comm: limited(untrusted(fields.get("comm"))),
		exe: limited(untrusted(fields.get("exe"))),
		loginName: accountName(enriched.get("AUID")),
		userName: accountName(enriched.get("UID")),
		paths: paths.map((path) => toPath(path, syscall, flags, unplaced ? undefined : cwd)),
	};
}

function toPath(
	{ fields }: AuditRecord,
	syscall: string,
	flags: number | undefined,
	folder: string | undefined,
): AuditPath {
	const nametype = limited(fields.get("nametype") ?? fields.get("objtype") ?? "UNKNOWN");
	return {
		path: absolute(untrusted(fields.get("name")), folder),
		nametype,
		inode: decimal(fields.get("inode")),
		dev: /^[0-9a-f]{1,8}:[0-9a-f]{1,8}$/.exec(fields.get("dev") ?? "")?.[0],
		action: actionOf(syscall, nametype, Number.isNaN(flags) ? undefined : flags),
	};
}

function absolute(name: string | undefined, folder: string | undefined): string | undefined {
	if (name === undefined || name === "" || name.length > MAX_TEXT) return undefined;
	if (name.startsWith("/")) return normalise(name);
	if (folder === undefined || !folder.startsWith("/") || folder.length > MAX_TEXT) return undefined;
	return normalise(`${folder}/${name}`);
}

/** AT_FDCWD, -100, as 32 or 64 bits. */
function isWorkingDirectory(argument: string | undefined): boolean {
	return argument === undefined || /^(?:f{8})?ffffff9c$/.test(argument);
}

function identifier(value: string | undefined): number | undefined {
	const number = decimal(value);
	return number === undefined || number < 0 || number >= UNSET ? undefined : number;
}

/** auditd writes "unset" for no login and "unknown(1000)" for a number without an account. */
function accountName(value: string | undefined): string {
	// Quoted by today's auditd, bare by older ones; a bare name may look like hex, as "bad" and "cafe" do.
	const plain = value?.startsWith('"') === true ? untrusted(value) : value;
	const name = limited(Buffer.from(plain ?? "", "latin1").toString("utf8"));
	return name === "unset" || name.startsWith("unknown(") ? "" : name;
}

function limited(text: string | undefined): string {
	return (text ?? "").slice(0, MAX_TEXT).toWellFormed();
}
