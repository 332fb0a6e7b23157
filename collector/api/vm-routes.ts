/** /v1/vms, one VM, its points, and the order to capture it now. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { OrderBody } from "../ingest/agents.ts";
import { sendKept } from "./caching.ts";
import { type ApiContext, findPoint, requestSignal, requireVm, unknownVm } from "./context.ts";
import { conditional, kept, notModified, operation, pageOf } from "./operation.ts";
import { refusedBy } from "./orders.ts";
import { type PageQuery, pageOptions, sealPage } from "./paging.ts";
import {
	fields,
	object,
	type PointParams,
	pageFields,
	pointParams,
	type TimesQuery,
	timesFields,
	type VmParams,
	vmParams,
} from "./schemas.ts";
import { ref, withDescription } from "./shapes.ts";
import { timeOptions } from "./time.ts";
import { pointView, vmView } from "./views.ts";

/** A first capture of a large disk takes its time. */
const MAX_CAPTURE_SECONDS = 3600;
/** Nothing is read for it. */
const POLICY_SECONDS = 15;

interface PointsQuery extends TimesQuery {
	readonly imported: Flag;
	readonly state: Flag;
}

interface CaptureQuery {
	readonly timeoutSeconds: number;
	readonly state: Flag;
	readonly allowPause: Flag;
}

type Flag = "0" | "1" | "false" | "true";

const isSet = (flag: Flag): boolean => flag === "1" || flag === "true";

const text = { type: "string" } as const;
const orderAnswer = {
	description: "The agent has done it.",
	type: "object",
	required: ["vm", "agentId", "changesetId", "message"],
	properties: { vm: text, agentId: text, changesetId: text, message: text },
};

export function vmRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, agents, closing } = context;

	app.get<{ Querystring: PageQuery }>(
		"/v1/vms",
		operation({
			id: "listVms",
			tag: "vms",
			summary: "Every VM, with its disks and its newest point",
			querystring: object(pageFields),
			answers: { 200: pageOf(ref("Vm"), "VMs by their names.") },
		}),
		async ({ query }) => {
			const { items, next } = sealPage(await catalog.vms(pageOptions(query)));
			return { items: items.map((record) => vmView(record, agents)), next };
		},
	);

	app.get<{ Params: VmParams }>(
		"/v1/vms/:vm",
		operation({
			id: "getVm",
			tag: "vms",
			summary: "One VM",
			params: vmParams,
			answers: { 200: withDescription(ref("Vm"), "The VM.") },
			errors: [404],
		}),
		async ({ params }) => vmView(await requireVm(catalog, params.vm), agents),
	);

	app.get<{ Params: VmParams; Querystring: PointsQuery }>(
		"/v1/vms/:vm/points",
		operation({
			id: "listPoints",
			tag: "points",
			summary: "The points of a VM",
			params: vmParams,
			querystring: object({
				...timesFields,
				imported: { ...fields.flag, description: "only those that were imported" },
				state: { ...fields.flag, description: "only those with RAM and devices" },
			}),
			answers: { 200: pageOf(ref("Point"), "Points in order of time.") },
			errors: [404],
		}),
		async ({ params: { vm }, query }) => {
			await requireVm(catalog, vm);
			const options = { ...timeOptions(query), ...pageOptions(query) };
			const list = isSet(query.imported) ? "imported" : isSet(query.state) ? "withState" : "changesets";
			const page = sealPage(await catalog[list](vm, options));
			return { items: page.items.map(pointView), next: page.next };
		},
	);

	app.get<{ Params: PointParams }>(
		"/v1/vms/:vm/points/:time",
		operation({
			id: "getPoint",
			tag: "points",
			summary: "One point: the newest at or before a time",
			params: pointParams,
			headers: conditional,
			answers: { 200: kept(withDescription(ref("Point"), "The point.")), 304: notModified },
			errors: [404],
		}),
		async (request, reply) => {
			const { vm, time } = request.params;
			const point = await findPoint(catalog, vm, time);
			// Its verdict is still to come.
			const immutable = time === point.time && point.verdict !== null;
			return sendKept(request, reply, pointView(point), { immutable });
		},
	);

	/** @throws UmbraError as the agent answered, `not-found` where no agent has this VM. */
	const order = async (vm: string, body: OrderBody, timeoutSeconds: number, reply: FastifyReply) => {
		const agentId = agents.agentOf(vm)?.id ?? (await catalog.vm(vm))?.agentId;
		if (agentId === undefined) throw unknownVm(vm);
		const signal = requestSignal(reply, closing);
		const result = await agents.sendOrder(agentId, body, { timeoutMs: timeoutSeconds * 1000, signal });
		if (!result.ok) {
			throw refusedBy(agentId, vm, result);
		}
		return { vm, agentId, changesetId: result.changesetId ?? "", message: result.message ?? "" };
	};

	app.post<{ Params: VmParams; Querystring: CaptureQuery }>(
		"/v1/vms/:vm/capture",
		operation({
			id: "captureVm",
			tag: "vms",
			summary: "Capture a VM now",
			description: "Answers when the agent has the capture on its disk; the collector gets it soon after.",
			params: vmParams,
			querystring: object({
				timeoutSeconds: {
					type: "integer",
					minimum: 1,
					maximum: MAX_CAPTURE_SECONDS,
					default: 120,
					description: "how long to wait for the agent",
				},
				state: { ...fields.flag, description: "RAM and devices too, at the same instant" },
				allowPause: { ...fields.flag, description: "with state: also where the VM stands still for long for it" },
			}),
			answers: { 200: orderAnswer },
			errors: [404, 409, 503],
		}),
		({ params: { vm }, query }, reply) => {
			const captureNow = { vm, state: isSet(query.state), allowPause: isSet(query.allowPause) };
			return order(vm, { captureNow }, query.timeoutSeconds, reply);
		},
	);

	app.post<{ Params: VmParams; Querystring: { readonly schedule?: string; readonly paused?: "true" | "false" } }>(
		"/v1/vms/:vm/policy",
		operation({
			id: "setPolicy",
			tag: "vms",
			summary: "Change when a VM is captured, until its agent is started again",
			params: vmParams,
			querystring: object({
				schedule: { type: "string", minLength: 1, maxLength: 255, description: '"every 60s", "cron 0 * * * *"' },
				paused: { type: "string", enum: ["true", "false"], description: "no captures but those asked for" },
			}),
			answers: { 200: orderAnswer },
			errors: [404, 409, 503],
		}),
		({ params: { vm }, query: { schedule, paused } }, reply) => {
			const policy = { vm, ...(schedule && { schedule }), ...(paused && { paused: paused === "true" }) };
			return order(vm, { setPolicy: policy }, POLICY_SECONDS, reply);
		},
	);
}
