/**
 * HTTP to an InfluxDB, through the transport of its official client: keep-alive, TLS, bodies, errors. Above the transport the
 * client would hold lines in memory and drop them when it sees fit, and it takes strings only and compresses them at
 * zlib's own level, which costs more than all the rest (docs/decisions/0010-influxdb-writes.md).
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { HttpError, InfluxDB, type Transport } from "@influxdata/influxdb-client";
import { type ErrorCode, errnoOf, messageOf, UmbraError } from "../../../common/errors.ts";
import { retryAfter } from "../../backoff.ts";
import type { InfluxAccess } from "./settings.ts";

/** What the server makes of lines. Everything else is an error. */
export type WriteAnswer =
	| { readonly kind: "accepted" }
	| { readonly kind: "too-large" }
	/** Some or all lines will never be taken; `dropped` is how many, where it says so. */
	| { readonly kind: "refused"; readonly reason: string; readonly dropped: number };

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	/** Parsed where it is JSON; text otherwise. */
	readonly body: unknown;
}

/** Lines compress to a fifth at the first level; the default level takes three times as long for a sixth less. */
const GZIP = { level: 1, chunkSize: 256 * 1024 };
/** Bad lines: 400, and 422 of InfluxDB 2.x. */
const REFUSED = new Set([400, 422]);
const TOO_LARGE = 413;
/** Of what a server says: enough for a sentence. */
const MAX_REASON = 500;

const FORM = "application/x-www-form-urlencoded";
const UNEXPECTED_HINT = "is series.url where the database's HTTP interface begins, and series.version what it is?";
const MEANINGS: Readonly<Record<number, readonly [ErrorCode, string | undefined]>> = {
	401: ["denied", "check series.tokenFile, or username and passwordFile"],
	403: ["denied", "the token or user has to be allowed to write and read that database or bucket"],
	404: ["not-found", "the database or bucket is missing; series.createDatabase: true makes it where that is allowed"],
	408: ["unavailable", undefined],
	429: ["unavailable", undefined],
};

const gzipped = promisify(gzip);

export class Connection implements Disposable {
	readonly #access: InfluxAccess;
	readonly #agent: HttpAgent;
	readonly #transport: Transport;

	constructor(access: InfluxAccess, maxSockets: number) {
		const { url, ca, timeoutMs, authorization } = access;
		this.#access = access;
		const options = { keepAlive: true, maxSockets };
		this.#agent = url.startsWith("https:") ? new HttpsAgent({ ...options, ...(ca && { ca }) }) : new HttpAgent(options);
		this.#transport = new InfluxDB({
			url,
			// Its own limit leaves the socket open: ours, which does not, comes first.
			timeout: 2 * timeoutMs,
			transportOptions: { agent: this.#agent },
			...(authorization !== undefined && { headers: { authorization } }),
		}).transport;
	}

	/** Sends lines, compressed. @throws UmbraError as `stream`. */
	async write(path: string, lines: Buffer, signal: AbortSignal): Promise<WriteAnswer> {
		const body = await gzipped(lines, GZIP);
		const headers = { "content-type": "text/plain; charset=utf-8", "content-encoding": "gzip" };
		try {
			for await (const _ of this.#iterate(path, body, headers, signal));
			return { kind: "accepted" };
		} catch (error) {
			if (error instanceof HttpError && error.statusCode === TOO_LARGE) return { kind: "too-large" };
			if (!(error instanceof HttpError) || !REFUSED.has(error.statusCode)) throw this.#failureOf(error, signal);
			const dropped = Number(/\bdropped=(\d+)/.exec(error.body ?? "")?.[1] ?? 0);
			return { kind: "refused", reason: reasonOf(error), dropped };
		}
	}

	/**
	 * The bytes of an answer as they come.
	 *
	 * @throws UmbraError `denied` for 401 and 403, `not-found` for 404, `unavailable` for all else that is no success, with the
	 * answer's `status` and `retryAfterMs` in its context; the signal's reason.
	 */
	async *stream(path: string, form: URLSearchParams, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		try {
			yield* this.#iterate(path, String(form), { "content-type": FORM }, signal);
		} catch (error) {
			throw this.#failureOf(error, signal);
		}
	}

	/** @param body of a POST: a form, or what is sent as JSON. @throws UmbraError as `stream`. */
	async request(path: string, signal: AbortSignal, body?: URLSearchParams | object): Promise<Answer> {
		const isForm = body instanceof URLSearchParams;
		let status = 0;
		let headers: Answer["headers"] = {};
		using limit = this.#limit(signal);
		try {
			const options = {
				method: body === undefined ? "GET" : "POST",
				headers: { "content-type": isForm ? FORM : "application/json" },
				signal: limit.signal,
			};
			const text = isForm ? String(body) : (body ?? "");
			const received: unknown = await this.#transport.request(path, text, options, (its, code) => {
				[headers, status] = [its, code ?? 0];
			});
			return { status, headers, body: received };
		} catch (error) {
			throw this.#failureOf(limit.over ? this.#late() : error, signal);
		}
	}

	async *#iterate(
		path: string,
		body: string | Buffer,
		headers: Readonly<Record<string, string>>,
		signal: AbortSignal,
	): AsyncGenerator<Uint8Array> {
		using limit = this.#limit(signal);
		try {
			yield* this.#transport.iterate(path, body, { method: "POST", headers, signal: limit.signal });
		} catch (error) {
			throw limit.over ? this.#late() : error;
		}
	}

	/** Aborts with `signal`, and when the time is over. No `AbortSignal.any`: it would live as long as `signal` does. */
	#limit(signal: AbortSignal): { readonly signal: AbortSignal; readonly over: boolean } & Disposable {
		signal.throwIfAborted();
		const limit = new AbortController();
		let over = false;
		const timer = setTimeout(() => {
			over = true;
			limit.abort();
		}, this.#access.timeoutMs);
		const stop = () => limit.abort();
		signal.addEventListener("abort", stop, { once: true });
		return {
			signal: limit.signal,
			get over() {
				return over;
			},
			[Symbol.dispose]: () => {
				clearTimeout(timer);
				signal.removeEventListener("abort", stop);
			},
		};
	}

	#late(): UmbraError {
		const { url, timeoutMs } = this.#access;
		return new UmbraError("unavailable", `${url} did not answer within ${timeoutMs} ms`, { context: { timeoutMs } });
	}

	#failureOf(error: unknown, signal: AbortSignal): unknown {
		if (signal.aborted) return signal.reason;
		if (error instanceof UmbraError) return error;
		const { url } = this.#access;
		if (!(error instanceof HttpError)) {
			const reason = errnoOf(error) ?? messageOf(error);
			return new UmbraError("unavailable", `cannot reach ${url}: ${reason}`, { cause: error });
		}
		const { statusCode: status, headers } = error;
		const [code, hint] = MEANINGS[status] ?? ["unavailable", status < 500 ? UNEXPECTED_HINT : undefined];
		return new UmbraError(code, `${url} answered with HTTP ${status}: ${reasonOf(error)}`, {
			cause: error,
			context: { status, retryAfterMs: retryAfter(headers?.["retry-after"]?.toString()) },
			...(hint !== undefined && { hint }),
		});
	}

	/** Ends what is under way. */
	[Symbol.dispose](): void {
		this.#agent.destroy();
	}
}

/** InfluxDB 1.x and 3 say `error`, 2.x says `message`; 3 says of bad lines what is wrong with each. */
function reasonOf({ json, body, statusMessage }: HttpError): string {
	const { error, message, data } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
	const first: unknown = Array.isArray(data) ? data[0]?.error_message : undefined;
	const said = [error, message, first].filter((text) => typeof text === "string" && text !== "").join(": ");
	return (said || body?.trim() || statusMessage || "no reason given").slice(0, MAX_REASON);
}
