/** When a VM is captured: "every 60s", or "cron 0 * * * *" (minute hour day month weekday, local time). */
import { Cron } from "croner";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { parseDuration } from "../../common/units.ts";

export type Schedule =
	| { readonly kind: "every"; readonly ms: number }
	| { readonly kind: "cron"; readonly pattern: string };

/** Shortest interval: a capture itself takes a good part of a second. */
const MIN_INTERVAL_MS = 1000;

/** @throws UmbraError `bad-config`. */
export function parseSchedule(text: string): Schedule {
	const match = /^\s*(every|cron)\s+(.+?)\s*$/.exec(text);
	if (match?.[1] === "every") {
		const ms = parseDuration(match[2] ?? "");
		if (ms < MIN_INTERVAL_MS) throw wrong(text, "the shortest interval is 1s");
		return { kind: "every", ms };
	}
	if (match?.[1] === "cron") {
		const pattern = match[2] ?? "";
		let next: Date | null;
		try {
			next = new Cron(pattern, { paused: true }).nextRun();
		} catch (error) {
			throw wrong(text, messageOf(error));
		}
		if (next === null) throw wrong(text, "it never comes due");
		return { kind: "cron", pattern };
	}
	throw wrong(text, 'wanted "every 60s" or "cron 0 * * * *"');
}

/**
 * Milliseconds until the next capture.
 *
 * @param sinceLast milliseconds since the last one began, by a clock that is never set; undefined where there was none
 * @param now Unix milliseconds
 */
export function nextDelay(schedule: Schedule, sinceLast: number | undefined, now: number): number {
	if (schedule.kind === "every") return sinceLast === undefined ? 0 : Math.max(0, schedule.ms - sinceLast);
	const next = new Cron(schedule.pattern, { paused: true }).nextRun(new Date(now));
	return next === null ? Number.POSITIVE_INFINITY : Math.max(0, next.getTime() - now);
}

function wrong(text: string, why: string): UmbraError {
	return new UmbraError("bad-config", `not a schedule: "${text}"; ${why}`, { context: { found: text } });
}
