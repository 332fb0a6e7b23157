/**
 * /metrics, /healthz, /readyz: for machines that watch the collector, in the plain text that they read, and so not part of the
 * OpenAPI document. The probes ask for no token: they say no more than that it works.
 */
import type { FastifyInstance } from "fastify";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import { PrometheusPage } from "../../common/prometheus.ts";
import { nowNs } from "../../common/units.ts";
import type { ApiContext } from "./context.ts";

export const PROBE_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

export function probeRoutes(app: FastifyInstance, context: ApiContext): void {
	const hidden = { schema: { hide: true } };
	let page: PrometheusPage | undefined;

	app.get("/metrics", hidden, async (_request, reply) => {
		page ??= new PrometheusPage(() => context.self.points(nowNs()));
		return reply
			.type(page.contentType)
			.header("cache-control", "no-store")
			.send(await page.render());
	});

	app.get("/healthz", hidden, async (_request, reply) => reply.type("text/plain; charset=utf-8").send("ok\n"));

	app.get("/readyz", hidden, async (_request, reply) => {
		const problems = await findProblems(context);
		return reply
			.code(problems.length === 0 ? 200 : 503)
			.type("text/plain; charset=utf-8")
			.send(problems.length === 0 ? "ok\n" : `${problems.join("\n")}\n`);
	});
}

/** What keeps it from taking in changesets. */
async function findProblems({ catalog, closing }: ApiContext): Promise<string[]> {
	if (closing.aborted) return ["it is shutting down"];
	try {
		await catalog.vms({ limit: 1 });
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return [`catalog: ${messageOf(error)}`];
	}
	return [];
}
