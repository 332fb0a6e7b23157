/** A VM's state beside its disks: what was captured of RAM and devices, how the machine was made, and the bytes of each part. */
import type { FastifyInstance } from "fastify";
import { nameFromHex } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord, StatePart, StateRecord } from "../catalog/records.ts";
import { pointSource } from "../vault/point-source.ts";
import { entityTag, sendKept } from "./caching.ts";
import { byteAnswers, rangeHeaders, sendBytes } from "./content.ts";
import { type ApiContext, requestSignal, requireVm } from "./context.ts";
import { conditional, kept, notModified, operation } from "./operation.ts";
import { fields, object, type PointParams } from "./schemas.ts";
import { ref } from "./shapes.ts";
import { LATEST, parseTime } from "./time.ts";

interface PartParams extends PointParams {
	readonly part: StatePart;
}

interface StatePoint {
	readonly point: ChangesetRecord;
	readonly state: StateRecord;
}

const PARTS: readonly StatePart[] = ["ram", "devices", "configuration"];
const time = {
	...fields.time,
	description: '"latest", ISO 8601 or Unix nanoseconds: the newest state at or before it',
};
const stateParams = object({ vm: fields.vm, time }, ["vm", "time"]);
const partParams = object(
	{ vm: fields.vm, time, part: { type: "string", enum: PARTS, description: "which part of the state" } },
	["vm", "time", "part"],
);

export function stateRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, store, closing } = context;

	const find = (params: PointParams) => findState(catalog, params);

	const source = ({ point, state }: StatePoint, part: StatePart) => {
		const { root, sizeBytes } = state.parts[part];
		const name = `${point.vm}@${point.time}/state/${part}`;
		return pointSource(store, { root: nameFromHex(root), sizeBytes, name });
	};

	app.get<{ Params: PointParams }>(
		"/v1/vms/:vm/states/:time",
		operation({
			id: "getState",
			tag: "states",
			summary: "One state: the newest at or before a time, and how the machine was made",
			params: stateParams,
			headers: conditional,
			answers: {
				200: kept({
					description: "The state.",
					type: "object",
					required: ["vm", "time", "pauseMs", "state", "configuration"],
					properties: {
						vm: { type: "string" },
						time: { type: "string" },
						pauseMs: { type: "number", description: "how long the guest stood still" },
						state: ref("State"),
						configuration: { type: "object", description: "as docs/formats.md says" },
					},
				}),
				304: notModified,
			},
			errors: [404, 503],
		}),
		async (request, reply) => {
			const found = await find(request.params);
			const { point, state } = found;
			await using part = source(found, "configuration");
			const text = Buffer.from(await part.read(0, part.size, requestSignal(reply, closing))).toString("utf8");
			const { vm, time, pauseMs } = point;
			const answer = { vm, time, pauseMs, state, configuration: JSON.parse(text) as object };
			return sendKept(request, reply, answer, { immutable: request.params.time === time });
		},
	);

	app.get<{ Params: PartParams }>(
		"/v1/vms/:vm/states/:time/:part/data",
		operation({
			id: "readState",
			tag: "states",
			summary: "The bytes of a part of a state, or a range of them",
			params: partParams,
			headers: rangeHeaders,
			answers: byteAnswers,
			errors: [404, 503],
		}),
		async (request, reply) => {
			const found = await find(request.params);
			const { root, sizeBytes } = found.state.parts[request.params.part];
			reply.header("umbra-time", found.point.time).header("umbra-root", root);
			// Not disposed of with the request, whose answer is read when this has returned.
			const part = source(found, request.params.part);
			reply.raw.once("close", () => void part[Symbol.asyncDispose]());
			return await sendBytes(request, reply, {
				size: sizeBytes,
				tag: entityTag("state", request.params.part, root, sizeBytes),
				immutable: request.params.time === found.point.time,
				read: (offset, length, signal) => part.read(offset, length, signal),
				signal: requestSignal(reply, closing),
			});
		},
	);
}

/** The newest state at or before a time. @throws UmbraError `not-found`. */
export async function findState(catalog: Catalog, { vm, time }: PointParams): Promise<StatePoint> {
	const { last } = parseTime("time", time);
	const [point] = (await catalog.withState(vm, { to: last, limit: 1, reverse: true })).items;
	if (point?.state !== undefined) return { point, state: point.state };
	await requireVm(catalog, vm);
	const when = last === LATEST ? "" : ` at or before ${time}`;
	throw new UmbraError("not-found", `VM ${vm} has no state with RAM and devices${when}`, {
		hint: `umbra states ${vm} lists them, umbra state capture ${vm} takes one`,
	});
}
