/**
 * `collector/api/` answers questions over HTTP, in JSON, under /v1: for the command line, dashboards and
 * people with curl. It reads catalog and vault and writes neither; what it sets in motion is an order to an
 * agent, a decision of retention, what operators say of a failure, or a job on the vault. Errors are `{error: {code, message, hint}}`; listings are `{items, next}`, and
 * `next` is the `cursor` of the next page.
 */
import fastify, { type FastifyInstance } from "fastify";
import { type Authorize, formatAddress, type HostPort } from "../../common/access.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { TlsFiles } from "../ingest/server.ts";
import { batchRoutes } from "./batch-routes.ts";
import { changeRoutes } from "./change-routes.ts";
import type { ApiContext, ApiServices } from "./context.ts";
import { diskRoutes } from "./disk-routes.ts";
import { isTooLarge, toHttp, tooLarge } from "./errors.ts";
import { eventRoutes } from "./event-routes.ts";
import { exportRoutes } from "./export-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { integrityRoutes } from "./integrity-routes.ts";
import { describeRoutes, documentText, openApiRoute } from "./openapi.ts";
import { PointReader } from "./points.ts";
import { PROBE_PATHS, probeRoutes } from "./probe-routes.ts";
import { retentionRoutes } from "./retention-routes.ts";
import { stateRoutes } from "./state-routes.ts";
import { statusRoutes } from "./status-routes.ts";
import { treeRoutes } from "./tree-routes.ts";
import { trialRoutes } from "./trial-routes.ts";
import { vaultRoutes } from "./vault-routes.ts";
import { vmRoutes } from "./vm-routes.ts";

/** Percent-encoded names of VMs and disks in a path. */
const MAX_PARAM_LENGTH = 4096;
const MAX_BODY_BYTES = 64 * 1024;

const ROUTES = [
	openApiRoute,
	statusRoutes,
	vmRoutes,
	changeRoutes,
	diskRoutes,
	fileRoutes,
	treeRoutes,
	stateRoutes,
	batchRoutes,
	eventRoutes,
	exportRoutes,
	trialRoutes,
	retentionRoutes,
	vaultRoutes,
	integrityRoutes,
	probeRoutes,
];

export interface ApiOptions extends ApiServices {
	readonly address: HostPort;
	readonly tls: TlsFiles | undefined;
	readonly authorize: Authorize;
}

export class ApiServer implements AsyncDisposable {
	/** With the real port. */
	readonly address: string;
	readonly #app: FastifyInstance;
	readonly #closing: AbortController;

	private constructor(app: FastifyInstance, address: string, closing: AbortController) {
		this.#app = app;
		this.address = address;
		this.#closing = closing;
	}

	/** @throws UmbraError `unavailable` where it cannot listen. */
	static async start(options: ApiOptions): Promise<ApiServer> {
		const { tls, authorize, log } = options;
		const closing = new AbortController();
		const points = new PointReader(options.store);
		const app = create(tls);
		await describeRoutes(app);
		app.setErrorHandler((error, request, reply) => {
			const { status, body } = isTooLarge(error) ? tooLarge(request) : toHttp(error);
			// They were meant for what it could not answer.
			reply.removeHeader("etag").removeHeader("cache-control");
			const { method, url } = request;
			if (status >= 500 && !closing.signal.aborted) log.error({ method, url, err: error }, messageOf(error));
			return reply.code(status).send(body);
		});
		app.setNotFoundHandler((request, reply) => {
			const message = `no such resource: ${request.method} ${request.url}`;
			return reply.code(404).send(toHttp(new UmbraError("not-found", message)).body);
		});
		app.addHook("onRequest", async (request, reply) => {
			if (PROBE_PATHS.has(request.url) || authorize(request.headers.authorization)) return;
			reply.header("www-authenticate", "Bearer");
			throw new UmbraError("denied", "wrong or missing token", {
				hint: "send the collector's token: Authorization: Bearer TOKEN",
			});
		});
		app.addHook("onClose", async () => await points[Symbol.asyncDispose]());
		const context: ApiContext = { ...options, points, closing: closing.signal };
		for (const routes of ROUTES) routes(app, context);
		const { host, port } = options.address;
		try {
			await app.listen({ host, port });
		} catch (error) {
			await app.close();
			const message = `cannot listen for the API on ${formatAddress(options.address)}: ${messageOf(error)}`;
			const hint = "is another collector running? listen.api sets the address";
			throw new UmbraError("unavailable", message, { cause: error, hint, context: { field: "listen.api" } });
		}
		const bound = app.server.address();
		const realPort = typeof bound === "object" && bound !== null ? bound.port : port;
		return new ApiServer(app, formatAddress({ host, port: realPort }), closing);
	}

	/** Cuts what is being answered. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing.abort(new UmbraError("unavailable", "the collector is shutting down"));
		await this.#app.close();
	}
}

/** What is checked in as docs/openapi.json. */
export async function openApiDocument(): Promise<string> {
	const app = create(undefined);
	await describeRoutes(app);
	// Routes are described, none is asked: nothing of this is touched.
	for (const routes of ROUTES) routes(app, {} as ApiContext);
	await app.ready();
	const text = documentText(app);
	await app.close();
	return text;
}

function create(tls: TlsFiles | undefined): FastifyInstance {
	const options = {
		bodyLimit: MAX_BODY_BYTES,
		forceCloseConnections: true as const,
		routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
		// A misspelt parameter must not pass for its default.
		ajv: { customOptions: { removeAdditional: false, coerceTypes: true as const, useDefaults: true } },
	};
	const app =
		tls === undefined
			? fastify(options)
			: (fastify({ ...options, https: { cert: tls.cert, key: tls.key } }) as unknown as FastifyInstance);
	// Schemas of answers describe; they do not leave out what they do not know.
	app.setSerializerCompiler(() => (body) => JSON.stringify(body));
	return app;
}
