/**
 * The agent's own HTTP listener, where `status.listen` asks for one: `/metrics` for Prometheus, `/healthz` (it is alive) and
 * `/readyz` (it does its work: else 503 and why). Plain node:http: three answers are no reason for a framework in every host's memory.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Authorize, formatAddress, type HostPort } from "../common/access.ts";
import { messageOf, UmbraError } from "../common/errors.ts";
import type { Point } from "../common/measurements/measurements.ts";
import { PrometheusPage } from "../common/prometheus.ts";

export interface StatusServerOptions {
	readonly address: HostPort;
	/** For `/metrics`; the others say nothing that is worth hiding. */
	readonly authorize: Authorize;
	readonly points: () => Promise<readonly Point[]>;
	/** What keeps the agent from its work, for people; empty where it works. */
	readonly problems: () => readonly string[];
}

const HEADERS_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 32;

export class StatusServer implements AsyncDisposable {
	/** With the real port. */
	readonly address: string;
	readonly #server: Server;

	private constructor(server: Server, address: string) {
		this.#server = server;
		this.address = address;
	}

	/** @throws UmbraError `unavailable` where it cannot listen. */
	static async start(options: StatusServerOptions): Promise<StatusServer> {
		const page = new PrometheusPage(options.points);
		const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
			answer(request, response, options, page).catch((error: unknown) => {
				if (!response.headersSent) response.writeHead(500);
				response.end(`${messageOf(error)}\n`);
			});
		});
		server.maxConnections = MAX_CONNECTIONS;
		const { host, port } = options.address;
		const listening = Promise.withResolvers<void>();
		server.once("error", listening.reject).listen(port, host, listening.resolve);
		try {
			await listening.promise;
		} catch (error) {
			throw new UmbraError("unavailable", `cannot listen on ${formatAddress(options.address)}: ${messageOf(error)}`, {
				cause: error,
				hint: "status.listen sets the address",
				context: { field: "status.listen" },
			});
		}
		const bound = server.address();
		const realPort = typeof bound === "object" && bound !== null ? bound.port : port;
		return new StatusServer(server, formatAddress({ host, port: realPort }));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		this.#server.closeAllConnections();
		await closed;
	}
}

async function answer(
	request: IncomingMessage,
	response: ServerResponse,
	{ authorize, problems }: StatusServerOptions,
	page: PrometheusPage,
): Promise<void> {
	const text = (status: number, body: string, type = "text/plain; charset=utf-8") => {
		response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
		response.end(request.method === "HEAD" ? undefined : body);
	};
	if (request.method !== "GET" && request.method !== "HEAD") return text(405, "GET only\n");
	const path = (request.url ?? "").split("?", 1)[0];
	if (path === "/healthz") return text(200, "ok\n");
	if (path === "/readyz") {
		const found = problems();
		return found.length === 0 ? text(200, "ok\n") : text(503, `${found.join("\n")}\n`);
	}
	if (path !== "/metrics") return text(404, "there are /metrics, /healthz and /readyz\n");
	if (!authorize(request.headers.authorization)) {
		response.setHeader("www-authenticate", "Bearer");
		return text(401, "wrong or missing token\n");
	}
	text(200, await page.render(), page.contentType);
}
