/** Waiting for what is to come true, never for a time to pass. */
import { setTimeout as sleep } from "node:timers/promises";
import { UmbraError } from "../../common/errors.ts";

export interface UntilOptions {
	/** For the error: "the agent's first point". */
	readonly what: string;
	/** Default 30 s: far more than an idle machine needs, as the machine may not be idle. */
	readonly timeoutMs?: number;
	readonly intervalMs?: number;
	readonly signal?: AbortSignal;
}

/**
 * Asks `condition` again and again until its answer is neither false nor undefined, and returns it.
 *
 * @throws UmbraError `unavailable` after `timeoutMs`; whatever `condition` throws.
 */
export async function until<T>(
	condition: () => T | Promise<T>,
	options: UntilOptions,
): Promise<Exclude<T, false | undefined>> {
	const { what, timeoutMs = 30_000, intervalMs = 25, signal } = options;
	const deadline = performance.now() + timeoutMs;
	for (;;) {
		// Whoever stood still meanwhile looks once more before he gives up.
		const isLast = performance.now() >= deadline;
		const answer = await condition();
		if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
		if (isLast) throw new UmbraError("unavailable", `${what}: not within ${timeoutMs} ms`);
		await sleep(intervalMs, undefined, signal === undefined ? {} : { signal });
	}
}
