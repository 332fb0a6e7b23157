/**
 * The records of wtmp and btmp, `struct utmp` of utmp(5): 384 bytes where glibc keeps 32-bit times in it (x86), 400
 * where it does not (arm64).
 */
import { decodeTarget } from "../parser/names.ts";

export type UtmpKind = "boot" | "shutdown" | "login" | "logout" | "failed" | "other";

export interface UtmpRecord {
	readonly kind: UtmpKind;
	readonly pid: number;
	/** "pts/0", "tty1", "ssh:notty". */
	readonly line: string;
	readonly user: string;
	/** A name or an address of where the user came from; empty at the machine itself. */
	readonly host: string;
	/** Seconds since 1970. */
	readonly time: number;
}

interface Layout {
	readonly size: number;
	readonly seconds: number;
	readonly microseconds: number;
	readonly wide: boolean;
}

const LAYOUTS: readonly Layout[] = [
	{ size: 384, seconds: 340, microseconds: 344, wide: false },
	{ size: 400, seconds: 344, microseconds: 352, wide: true },
];

const RUN_LVL = 1;
const BOOT_TIME = 2;
const LOGIN_PROCESS = 6;
const USER_PROCESS = 7;
const DEAD_PROCESS = 8;
const MAX_TYPE = 9;
/** By which the layout is told. */
const SAMPLES = 8;

/** Bytes of a record in a file of which `head` is the start; undefined where it is no such file. */
export function utmpRecordSize(head: Buffer): number | undefined {
	const scores = LAYOUTS.map((layout) => {
		const count = Math.min(SAMPLES, Math.floor(head.length / layout.size));
		let plausible = 0;
		for (let at = 0; at < count; at++) if (isPlausible(head, at * layout.size, layout)) plausible++;
		return count === 0 ? 0 : plausible / count;
	});
	const best = scores[1]! > scores[0]! ? 1 : 0;
	return scores[best]! > 0.5 ? LAYOUTS[best]!.size : undefined;
}

/** The whole records in `bytes`, which begin at one. @param size as `utmpRecordSize` told. */
export function parseUtmp(bytes: Buffer, size: number): UtmpRecord[] {
	const layout = LAYOUTS.find((candidate) => candidate.size === size);
	const records: UtmpRecord[] = [];
	if (layout === undefined) return records;
	for (let at = 0; at + size <= bytes.length; at += size) {
		// Zeroes, or what a crash left.
		if (isPlausible(bytes, at, layout)) records.push(parseOne(bytes, at, layout));
	}
	return records;
}

function parseOne(bytes: Buffer, at: number, layout: Layout): UtmpRecord {
	const user = text(bytes, at + 44, 32);
	const line = text(bytes, at + 8, 32);
	return {
		kind: kindOf(bytes.readUInt16LE(at), user, line),
		pid: bytes.readInt32LE(at + 4),
		line,
		user,
		host: text(bytes, at + 76, 256),
		time: seconds(bytes, at, layout) + bytes.readUInt32LE(at + layout.microseconds) / 1e6,
	};
}

function kindOf(type: number, user: string, line: string): UtmpKind {
	switch (type) {
		case BOOT_TIME:
			return "boot";
		case RUN_LVL:
			return user === "shutdown" ? "shutdown" : "other";
		case LOGIN_PROCESS:
			return "failed";
		case USER_PROCESS:
			return user === "" || line === "" ? "logout" : "login";
		case DEAD_PROCESS:
			return "logout";
		default:
			return "other";
	}
}

function isPlausible(bytes: Buffer, at: number, layout: Layout): boolean {
	const type = bytes.readUInt16LE(at);
	if (type === 0 || type > MAX_TYPE || bytes.readUInt16LE(at + 2) !== 0) return false;
	if (layout.wide && bytes.readUInt32LE(at + layout.seconds + 4) !== 0) return false;
	return seconds(bytes, at, layout) > 0 && bytes.readUInt32LE(at + layout.microseconds) < 1e6;
}

function seconds(bytes: Buffer, at: number, layout: Layout): number {
	return bytes.readUInt32LE(at + layout.seconds);
}

function text(bytes: Buffer, at: number, length: number): string {
	const field = bytes.subarray(at, at + length);
	const end = field.indexOf(0);
	return decodeTarget(end === -1 ? field : field.subarray(0, end));
}
