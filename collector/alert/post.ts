/** One POST of JSON to a receiver of alerts, and what its answer means. */
import { messageOf } from "../../common/errors.ts";
import { retryAfter } from "../backoff.ts";

export interface Receiver {
	readonly url: string;
	readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface PostOptions {
	/** Milliseconds. */
	readonly timeout: number;
	readonly signal: AbortSignal;
	readonly headers?: Readonly<Record<string, string>>;
	readonly fetch?: typeof fetch | undefined;
}

/**
 * - `delivered`: 2xx.
 * - `failed`: no answer, 408, 425, 429, 5xx. Try again, not before `wait` milliseconds have passed.
 * - `refused`: anything else, a redirect included. Trying again soon will not help.
 */
export interface Outcome {
	readonly kind: "delivered" | "refused" | "failed";
	readonly reason: string;
	readonly wait: number;
}

const RETRIED_STATUS = new Set([408, 425, 429]);
/** Of an answer that says why it refuses: enough for a sentence in the log. */
const MAX_REASON = 300;

/** Never throws. */
export async function postJson(receiver: Receiver, body: string, options: PostOptions): Promise<Outcome> {
	const { timeout, signal, headers } = options;
	// A timer that ends with the post: AbortSignal.timeout would keep counting, and keeps its target alive.
	const limit = new AbortController();
	const timer = setTimeout(() => limit.abort(), timeout);
	try {
		const response = await (options.fetch ?? fetch)(receiver.url, {
			method: "POST",
			headers: { "user-agent": "umbra", ...receiver.headers, "content-type": "application/json", ...headers },
			body,
			// A followed 302 turns the post into a get, which any login page answers with 200.
			redirect: "manual",
			signal: AbortSignal.any([signal, limit.signal]),
		});
		if (response.ok) {
			await response.body?.cancel();
			return { kind: "delivered", reason: `HTTP ${response.status}`, wait: 0 };
		}
		const said = (await response.text()).slice(0, MAX_REASON).trim();
		const reason = `HTTP ${response.status}${said === "" ? "" : `: ${said}`}`;
		if (response.status >= 500 || RETRIED_STATUS.has(response.status)) {
			return { kind: "failed", reason, wait: retryAfter(response.headers.get("retry-after")) };
		}
		return { kind: "refused", reason, wait: 0 };
	} catch (error) {
		const reason = limit.signal.aborted ? `no answer within ${timeout} ms` : reasonOf(error);
		return { kind: "failed", reason, wait: 0 };
	} finally {
		clearTimeout(timer);
	}
}

/** `fetch` hides why it failed in a cause. */
function reasonOf(error: unknown): string {
	const cause = error instanceof Error ? error.cause : undefined;
	return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
