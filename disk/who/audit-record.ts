/**
 * One line of auditd's log: `type=SYSCALL msg=audit(SECONDS.MS:SERIAL): name=value ...`. The kernel's side is
 * `kernel/audit.c` (audit_log_untrustedstring), auditd's is auditd.conf(5) under `log_format` and `name_format`.
 */
import { decodeTarget } from "../parser/names.ts";

export interface AuditRecord {
	/** "SYSCALL", "PATH", "CWD", ... */
	readonly type: string;
	/** Seconds since 1970; records of one event share it and the serial. */
	readonly time: number;
	readonly serial: number;
	/** As they stand: quoted, hex or plain. The first of a name counts, since what follows may be a program's to choose. */
	readonly fields: ReadonlyMap<string, string>;
	/** What auditd adds in the ENRICHED format: "SYSCALL" -> "openat", "AUID" -> "alice". */
	readonly enriched: ReadonlyMap<string, string>;
}

/** As MAX_AUDIT_MESSAGE_LENGTH of libaudit, twice for what enriching adds. */
export const MAX_RECORD = 2 * 8970;
/** SYSCALL, the longest of those that are read, has 27. */
const MAX_FIELDS = 64;
/** Where auditd puts what it adds: ASCII's group separator. */
const ENRICHED = "\x1d";
const HEAD = /^(?:node=\S+ )?type=([A-Z0-9_]{1,32}) msg=audit\((\d{1,11})\.(\d{3}):(\d{1,20})\): ?/;

/** The line without its end; undefined where it is no record. */
export function parseRecord(line: string): AuditRecord | undefined {
	if (line.length > MAX_RECORD) return undefined;
	const head = HEAD.exec(line);
	if (head === null) return undefined;
	const mark = line.indexOf(ENRICHED, head[0].length);
	const end = mark === -1 ? line.length : mark;
	return {
		type: head[1]!,
		time: Number(`${head[2]}.${head[3]}`),
		serial: Number(head[4]),
		fields: parseFields(line.slice(head[0].length, end)),
		enriched: mark === -1 ? new Map() : parseFields(line.slice(mark + 1)),
	};
}

/** The time of a line, in seconds since 1970; undefined where it is no record. */
export function recordTime(line: string): number | undefined {
	const head = HEAD.exec(line.slice(0, 512));
	return head === null ? undefined : Number(`${head[2]}.${head[3]}`);
}

/**
 * A string that a program chose. The kernel quotes it, or writes it in hex where it holds blanks, quotes or bytes
 * beyond ASCII. Bytes that are not UTF-8 come out as `\xNN`. Undefined for `(null)`, which stands for none.
 */
export function untrusted(value: string | undefined): string | undefined {
	if (value === undefined || value === "(null)" || value === "(none)" || value === "?") return undefined;
	if (value.startsWith('"')) return value.slice(1, value.endsWith('"') && value.length > 1 ? -1 : undefined);
	if (/^(?:[0-9A-Fa-f]{2})+$/.test(value)) return decodeTarget(Buffer.from(value, "hex"));
	return value;
}

/** A whole number; undefined for anything else. */
export function decimal(value: string | undefined): number | undefined {
	if (value === undefined || !/^-?\d{1,16}$/.test(value)) return undefined;
	const number = Number(value);
	return Number.isSafeInteger(number) ? number : undefined;
}

function parseFields(text: string): Map<string, string> {
	const fields = new Map<string, string>();
	for (const [, name, value] of text.matchAll(/(?<![\w-])([\w-]{1,32})=("[^"]*"|'[^']*'|[^\s]*)/g)) {
		if (!fields.has(name!)) fields.set(name!, value!);
		if (fields.size === MAX_FIELDS) break;
	}
	return fields;
}
