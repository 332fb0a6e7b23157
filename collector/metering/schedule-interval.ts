/** How long a schedule lets pass between two captures. Pure. */
import { Cron } from "croner";
import { parseDuration } from "../../common/units.ts";

/**
 * Milliseconds between captures as an agent's schedule has it ("every 60s", "cron 0 * * * *"): of a cron pattern the time between the
 * next two. Undefined where nothing is due, as of a VM that is paused or left out, or where the schedule makes no sense.
 */
export function scheduleInterval(schedule: string, now: Date): number | undefined {
	const [, kind, rest = ""] = /^\s*(every|cron)\s+(.+?)\s*$/.exec(schedule) ?? [];
	try {
		if (kind === "every") return parseDuration(rest);
		if (kind !== "cron") return undefined;
		const [first, second] = new Cron(rest, { paused: true }).nextRuns(2, now);
		return first === undefined || second === undefined ? undefined : second.getTime() - first.getTime();
	} catch {
		return undefined;
	}
}
