/** auditd's log files: finds what was written in an interval without reading the rest. */
import { type AuditEvent, EventAssembler } from "./audit-event.ts";
import { MAX_RECORD, parseRecord, recordTime } from "./audit-record.ts";
import type { GuestFiles, RangeReader } from "./guest-files.ts";

/** Seconds since 1970, both ends included. */
export interface Interval {
	readonly from: number;
	readonly to: number;
}

export interface AuditFindings {
	/** Whether the guest has such a log. */
	readonly found: boolean;
	/** In the order of the log, or nearly: a call is logged when it ends, with the time at which it began. */
	readonly events: readonly AuditEvent[];
	/** Whether there was more in the interval than was read. */
	readonly incomplete: boolean;
}

const DEFAULT_LOG = "/var/log/audit/audit.log";
const MAX_CONFIG = 64 * 1024;
/** auditd keeps up to 999 old logs; an interval that reaches back further than this is not about what just changed. */
const MAX_ROTATED = 16;
/** A record is logged this much later than its time at most, in seconds: a call may wait, for a lock or a slow disk. */
const DISORDER = 30;
const CHUNK = 256 * 1024;
/** A probe of the search must hold a whole record. */
const PROBE = 2 * MAX_RECORD;
/** Where the search ends: what is left is read as quickly. */
const STEP = 128 * 1024;
/** Bytes in memory: a record of few bytes can name a long path, by the working directory. */
const MAX_WEIGHT = 48 * 1024 * 1024;

/**
 * What auditd logged in the interval, the newest of it where that is too much.
 *
 * @param maxBytes most bytes of logs read.
 */
export async function readAuditLog(files: GuestFiles, interval: Interval, maxBytes: number): Promise<AuditFindings> {
	const path = await findLog(files);
	const parts: LogPart[] = [];
	let incomplete = false;
	let [bytesLeft, weightLeft] = [maxBytes, MAX_WEIGHT];
	for (let number = 0; number <= MAX_ROTATED; number++) {
		const name = number === 0 ? path : `${path}.${number}`;
		const log = await files.open(name);
		// Between two steps of a rotation audit.log is not there for a moment.
		if (log === undefined && number > 0) break;
		if (log === undefined) continue;
		const part = await files.attempt(name, () => readOneLog(log, interval, bytesLeft, weightLeft));
		if (part === undefined) incomplete = true;
		else {
			parts.push(part);
			incomplete ||= part.incomplete;
			bytesLeft -= part.bytesRead;
			weightLeft -= part.weight;
		}
		if (incomplete || part?.reachesBack === true) break;
		if (number === MAX_ROTATED) incomplete = true;
	}
	return { found: parts.length > 0, events: parts.reverse().flatMap(({ events }) => events), incomplete };
}

/** `log_file` of auditd.conf(5). */
async function findLog(files: GuestFiles): Promise<string> {
	const config = await files.readText("/etc/audit/auditd.conf", MAX_CONFIG);
	return /^[ \t]*log_file[ \t]*=[ \t]*(\/\S{1,1000})[ \t]*$/m.exec(config ?? "")?.[1] ?? DEFAULT_LOG;
}

interface LogPart {
	readonly events: readonly AuditEvent[];
	readonly weight: number;
	readonly bytesRead: number;
	/** Whether the file begins before the interval, so that older files need not be read. */
	readonly reachesBack: boolean;
	readonly incomplete: boolean;
}

/** @throws as `RangeReader.read`. */
async function readOneLog(log: RangeReader, interval: Interval, maxBytes: number, maxWeight: number): Promise<LogPart> {
	const { high: end } = await findTime(log, interval.to + DISORDER, log.size, "earlier");
	const { low: begin } = await findTime(log, interval.from - DISORDER, end, "later");
	const start = Math.max(begin, end - maxBytes);
	const assembler = new EventAssembler();
	const newest = new Newest(maxWeight);
	const keep = (event: AuditEvent | undefined): void => {
		if (event !== undefined && event.time >= interval.from && event.time <= interval.to) newest.add(event);
	};
	for await (const line of linesOf(log, start, end)) {
		const record = parseRecord(line);
		if (record !== undefined) keep(assembler.add(record));
	}
	for (const event of assembler.flush()) keep(event);
	return {
		events: newest.events,
		weight: newest.weight,
		bytesRead: end - start,
		reachesBack: begin > 0,
		incomplete: start > begin || newest.dropped,
	};
}

/** Forgets the older half of its events when they grow too heavy. */
class Newest {
	readonly #limit: number;
	#events: AuditEvent[] = [];
	weight = 0;
	dropped = false;

	constructor(limit: number) {
		this.#limit = limit;
	}

	get events(): readonly AuditEvent[] {
		return this.#events;
	}

	add(event: AuditEvent): void {
		this.#events.push(event);
		this.weight += weigh(event);
		while (this.weight > this.#limit && this.#events.length > 0) {
			this.#events = this.#events.slice(Math.ceil(this.#events.length / 2));
			this.weight = this.#events.reduce((sum, each) => sum + weigh(each), 0);
			this.dropped = true;
		}
	}
}

/** About as many bytes as it takes in memory. */
function weigh({ comm, exe, paths }: AuditEvent): number {
	return paths.reduce((sum, { path }) => sum + 64 + (path?.length ?? 0), 256 + comm.length + exe.length);
}

/**
 * Two places, not far apart: before `low` all lines are older than `time`, from `high` on none is. Where clocks were set
 * back, or calls took longer than `DISORDER`, that is a guess.
 *
 * @param size bytes of the log to search, from its start.
 * @param doubt what to take a place for where no record is found.
 */
async function findTime(
	log: RangeReader,
	time: number,
	size: number,
	doubt: "earlier" | "later",
): Promise<{ readonly low: number; readonly high: number }> {
	let [low, high] = [0, size];
	while (high - low > STEP) {
		const middle = Math.floor((low + high) / 2);
		const found = await timeAfter(log, middle, Math.min(high, middle + PROBE));
		const earlier = found === undefined ? doubt === "earlier" : found < time;
		if (earlier) low = middle;
		else high = middle;
	}
	return { low, high };
}

/** Of the first whole line in the range. */
async function timeAfter(log: RangeReader, from: number, to: number): Promise<number | undefined> {
	const text = (await log.read(from, to - from)).toString("latin1");
	for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
		const time = recordTime(text.slice(at + 1, at + 513));
		if (time !== undefined) return time;
	}
	return undefined;
}

/** The whole lines of a range, and the one on which it ends. Too long ones are left out, in part. */
async function* linesOf(log: RangeReader, from: number, to: number): AsyncGenerator<string> {
	// In the middle of a file the first line may be cut; a record that is cut is none, and is skipped.
	let rest = "";
	for (let at = from; at < to; at += CHUNK) {
		const bytes = await log.read(at, Math.min(CHUNK, to - at));
		const lines = (rest + bytes.toString("latin1")).split("\n");
		rest = lines.pop()!;
		if (rest.length > MAX_RECORD) rest = rest.slice(-MAX_RECORD);
		yield* lines;
	}
	if (rest !== "") yield rest;
}
