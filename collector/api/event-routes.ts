/** /v1/events: changesets, verdicts, alerts and trials as they come, as server-sent events. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import type { JournalEntry } from "../catalog/journal.ts";
import { type ApiContext, requestSignal } from "./context.ts";
import { streamEvents } from "./event-stream.ts";
import { operation } from "./operation.ts";
import { fields, object } from "./schemas.ts";

/** Each holds a connection. */
const MAX_CLIENTS = 256;

interface EventQuery {
	readonly vm?: string;
	readonly type?: JournalEntry["type"];
	readonly after?: string;
}

const DESCRIPTION = `Server-sent events, each with one object of JSON:

- \`ready\`, first: \`{collectorId, missed}\`. \`missed\` says that \`Last-Event-ID\` is too old, or of another collector's data: what happened since is to be looked up.
- \`changeset\`: a Changeset that came in. \`verdict\`: the same when it was judged.
- \`alert\`: an Alert that was raised, found again, or resolved.
- \`trial\`: a ListedTrial that ended.
- \`dropped\`, last: an Error that says why the collector ends the stream, such as a client that does not read.

Records are as they are when they are sent: what a later event tells of, or retention has dropped, is left out. A comment comes every 15 seconds.`;

export function eventRoutes(app: FastifyInstance, { catalog, log, closing }: ApiContext): void {
	let clients = 0;

	app.get<{ Querystring: EventQuery }>(
		"/v1/events",
		{
			...operation({
				id: "followEvents",
				tag: "events",
				summary: "What happens, as it happens",
				description: DESCRIPTION,
				querystring: object({
					vm: { ...fields.vm, description: "only what is about this VM" },
					type: { type: "string", enum: ["changeset", "verdict", "alert", "trial"], description: "only these" },
					after: {
						type: "string",
						minLength: 1,
						maxLength: 64,
						description: "as `Last-Event-ID`, for those who cannot set headers",
					},
				}),
				headers: { "last-event-id": { type: "string", description: "`id` of the last event that was seen" } },
				answers: {
					200: {
						description: "Events, until either side ends it.",
						content: { "text/event-stream": { schema: { type: "string" } } },
					},
				},
				errors: [503],
			}),
			// There is no end to what it would be the head of.
			exposeHeadRoute: false,
		},
		async (request, reply) => {
			if (clients >= MAX_CLIENTS) {
				throw new UmbraError("limit", `${MAX_CLIENTS} clients follow events, which is all there may be`);
			}
			const { vm, type, after } = request.query;
			const lastId = request.headers["last-event-id"];
			const signal = requestSignal(reply, closing);
			reply.hijack();
			clients++;
			try {
				const options = { catalog, filter: { vm, type }, signal, after: lastId?.toString() ?? after };
				const dropped = await streamEvents({ ...options, response: reply.raw });
				if (dropped !== undefined)
					log.warn({ peer: request.ip }, `a follower of events was cut off: ${dropped.message}`);
			} finally {
				clients--;
			}
		},
	);
}
