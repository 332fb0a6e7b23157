/** The collector's HTTP API as the commands use it. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { ErrorCode } from "../common/errors.ts";
import { messageOf, UmbraError } from "../common/errors.ts";

const DEFAULT_URL = "http://127.0.0.1:7070";

/** Options of every command that talks to a collector. */
export interface CollectorOptions {
	readonly collector?: string;
	readonly tokenFile?: string;
}

export function withCollector(command: Command): Command {
	return command
		.option(
			"--collector <url>",
			"the collector's API (or $UMBRA_COLLECTOR)",
			process.env["UMBRA_COLLECTOR"] ?? DEFAULT_URL,
		)
		.option(
			"--token-file <file>",
			"file with the bearer token (or $UMBRA_TOKEN_FILE)",
			process.env["UMBRA_TOKEN_FILE"],
		);
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** What a client needs to know, for one on another thread. */
export interface CollectorAddress {
	readonly base: string;
	readonly headers: Readonly<Record<string, string>>;
}

interface Page<T> {
	readonly items: readonly T[];
	readonly next: string | null;
}

export class CollectorClient {
	readonly address: CollectorAddress;
	readonly #base: string;

	constructor(address: CollectorAddress) {
		this.address = address;
		this.#base = address.base;
	}

	static async from(options: CollectorOptions): Promise<CollectorClient> {
		let token: string | undefined;
		if (options.tokenFile !== undefined) {
			try {
				token = (await readFile(options.tokenFile, "utf8")).trim();
			} catch (error) {
				throw new UmbraError("bad-config", `cannot read the token file ${options.tokenFile}: ${messageOf(error)}`, {
					cause: error,
				});
			}
		}
		const base = options.collector ?? DEFAULT_URL;
		if (!/^https?:$/.test(URL.parse(base)?.protocol ?? "")) {
			throw new UmbraError(
				"bad-config",
				`not the address of a collector: "${base}"; wanted one such as ${DEFAULT_URL}`,
			);
		}
		return new CollectorClient({
			base: base.replace(/\/+$/, ""),
			headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
		});
	}

	/** @throws UmbraError with the collector's own code, `unavailable` where it cannot be reached. */
	async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
		return await this.#json(await this.fetch(path, query, { signal }), signal);
	}

	async post<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
		return await this.send("POST", path, query, signal);
	}

	async send<T>(method: "POST" | "DELETE", path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
		return await this.#json(await this.fetch(path, query, { method, signal }), signal);
	}

	/** With a body of its own type. */
	async sendBody<T>(
		method: "POST" | "PUT",
		path: string,
		body: { readonly type: string; readonly text: string },
		query: Query = {},
		signal?: AbortSignal,
	): Promise<T> {
		const headers = { "content-type": body.type };
		return await this.#json(await this.fetch(path, query, { method, headers, body: body.text, signal }), signal);
	}

	/** The whole body. @throws UmbraError `unavailable` where the connection is cut. */
	async body(response: Response, signal?: AbortSignal): Promise<Uint8Array> {
		try {
			return new Uint8Array(await response.arrayBuffer());
		} catch (error) {
			throw this.#translate(error, signal);
		}
	}

	async #json<T>(response: Response, signal?: AbortSignal): Promise<T> {
		const text = Buffer.from(await this.body(response, signal)).toString("utf8");
		try {
			return JSON.parse(text) as T;
		} catch (error) {
			throw new UmbraError("unavailable", `what answers at ${this.#base} is no Umbra collector`, {
				cause: error,
				hint: "--collector or UMBRA_COLLECTOR names the collector's API",
			});
		}
	}

	/** What `fetch` throws, for people; an abort stays what it is. */
	#translate(error: unknown, signal: AbortSignal | undefined): unknown {
		if (signal?.aborted === true) return error;
		const cause = error instanceof Error ? (error.cause ?? error) : error;
		return new UmbraError("unavailable", `cannot reach the collector at ${this.#base}: ${messageOf(cause)}`, {
			cause: error,
			hint: "is it running? --collector or UMBRA_COLLECTOR names another",
		});
	}

	/** Every item of a listing that comes in pages, at most `limit`. */
	async *list<T>(
		path: string,
		query: Query = {},
		limit = Number.POSITIVE_INFINITY,
		signal?: AbortSignal,
	): AsyncGenerator<T> {
		let cursor: string | undefined;
		let left = limit;
		while (left > 0) {
			const page: Page<T> = await this.get(path, { ...query, limit: Math.min(left, 500), cursor }, signal);
			for (const item of page.items) {
				yield item;
				if (--left <= 0) return;
			}
			if (page.next === null) return;
			cursor = page.next;
		}
	}

	async fetch(
		path: string,
		query: Query = {},
		options: {
			readonly method?: string;
			readonly headers?: Record<string, string>;
			readonly body?: string;
			readonly signal?: AbortSignal | undefined;
		} = {},
	): Promise<Response> {
		const url = new URL(this.#base + path);
		for (const [name, value] of Object.entries(query))
			if (value !== undefined) url.searchParams.set(name, String(value));
		let response: Response;
		try {
			response = await fetch(url, {
				method: options.method ?? "GET",
				headers: { ...this.address.headers, ...options.headers },
				body: options.body ?? null,
				signal: options.signal ?? null,
			});
		} catch (error) {
			throw this.#translate(error, options.signal);
		}
		if (response.ok) return response;
		const body = (await response.json().catch(() => ({}))) as {
			error?: { code?: ErrorCode; message?: string; hint?: string };
		} | null;
		const { code = "internal", message = `HTTP ${response.status}`, hint } = body?.error ?? {};
		throw new UmbraError(code, message, hint === undefined ? {} : { hint });
	}
}

/** `web1@2026-11-21T19:48:00Z` -> VM and time; without a time, the newest point. */
export function parseVmAtTime(text: string): { readonly vm: string; readonly time: string } {
	const at = text.lastIndexOf("@");
	if (at < 0) return { vm: text, time: "latest" };
	const [vm, time] = [text.slice(0, at), text.slice(at + 1)];
	if (vm === "" || time === "") {
		throw new UmbraError("bad-config", `not VM@TIME: "${text}"`, {
			hint: "for example web1@2026-11-21T19:48:00Z, or web1@latest",
		});
	}
	return { vm, time };
}

/** The path of a VM's resource in the API. */
export function vmPath(vm: string, ...rest: readonly string[]): string {
	return ["/v1/vms", vm, ...rest].map((part, index) => (index === 0 ? part : encodeURIComponent(part))).join("/");
}
