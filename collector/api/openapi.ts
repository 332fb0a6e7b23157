/** The OpenAPI document, made of what the routes say of themselves. */
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { VERSION } from "../../common/version.ts";
import { SHARED_SCHEMAS } from "./answers.ts";
import { operation, TAGS } from "./operation.ts";

const DESCRIPTION = `What an Umbra collector knows: VMs, the points to which each can be read back, what changed between them, and what was abnormal about it.

Times are Unix nanoseconds in decimal, as strings: JSON numbers would lose digits. Where a path takes a time, it is the newest point at or before it that counts, and \`latest\` is the newest of all. Names in paths are percent-encoded. Answers may grow properties.

docs/api.md tells of tokens, pages, ranges, ETags and events.`;

/** Before any route is added. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
	for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
	await app.register(swagger, {
		openapi: {
			openapi: "3.1.0",
			info: {
				title: "Umbra collector",
				version: VERSION,
				description: DESCRIPTION,
				license: { name: "Apache-2.0", identifier: "Apache-2.0" },
			},
			servers: [{ url: "http://127.0.0.1:7070", description: "a collector with its settings as they come" }],
			tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
			security: [{ token: [] }, {}],
			components: {
				securitySchemes: {
					token: {
						type: "http",
						scheme: "bearer",
						description: "What `tokenFile` holds; nothing is asked without one.",
					},
				},
			},
		},
		refResolver: {
			buildLocalReference: ({ $id }, _base, _fragment, at) => (typeof $id === "string" ? $id : `def-${at}`),
		},
	});
}

export function openApiRoute(app: FastifyInstance): void {
	let text: string | undefined;
	app.get(
		"/v1/openapi.json",
		operation({
			id: "getOpenApi",
			tag: "collector",
			summary: "This document",
			answers: { 200: { description: "An OpenAPI document, version 3.1.", type: "object" } },
		}),
		async (_request, reply) => {
			text ??= documentText(app);
			return reply.type("application/json; charset=utf-8").send(text);
		},
	);
}

/** As it is checked in. Once the app is ready. */
export function documentText(app: FastifyInstance): string {
	return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}
