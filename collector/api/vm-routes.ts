/** /v1/vms, one VM, its points, and the order to capture it now. */
import type { FastifyInstance, FastifyReply } from "fastify";
import { type ErrorCode, UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, VmRecord } from "../catalog/records.ts";
import type { OrderBody } from "../ingest/agents.ts";
import { type ApiContext, requestSignal, unknownVm } from "./context.ts";
import { fields, object, type PageQuery, pageFields, type VmParams, vmParams } from "./schemas.ts";
import { parseTime } from "./time.ts";

/** A first capture of a large disk takes its time. */
const MAX_CAPTURE_SECONDS = 3600;
/** Nothing is read for it. */
const POLICY_SECONDS = 15;

interface PointQuery extends PageQuery {
	readonly since?: string;
	readonly until?: string;
	readonly order: "newest" | "oldest";
}

export function vmRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, agents, closing } = context;

	const view = (record: VmRecord) => {
		const agent = agents.status(record.agentId);
		const status = agent?.heartbeat?.vms.find(({ vm }) => vm === record.vm) ?? null;
		return { ...record, connected: agent !== undefined, stale: agent?.stale ?? false, status };
	};

	app.get<{ Querystring: PageQuery }>("/v1/vms", { schema: { querystring: object(pageFields) } }, async ({ query }) => {
		const page = await catalog.vms(query);
		return { items: page.items.map(view), next: page.next };
	});

	app.get<{ Params: VmParams }>("/v1/vms/:vm", { schema: { params: vmParams } }, async ({ params }) => {
		const record = await catalog.vm(params.vm);
		if (record === undefined) throw unknownVm(params.vm);
		return view(record);
	});

	app.get<{ Params: VmParams; Querystring: PointQuery }>(
		"/v1/vms/:vm/points",
		{
			schema: {
				params: vmParams,
				querystring: object({ ...pageFields, since: fields.time, until: fields.time, order: fields.order }),
			},
		},
		async ({ params: { vm }, query: { since, until, order, limit, cursor } }) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			const from = since === undefined ? undefined : parseTime("since", since).first;
			const to = until === undefined ? undefined : parseTime("until", until).last;
			const page = await catalog.changesets(vm, { from, to, limit, cursor, reverse: order === "newest" });
			return { items: page.items.map(pointView), next: page.next };
		},
	);

	/** @throws UmbraError as the agent answered, `not-found` where no agent has this VM. */
	const order = async (vm: string, body: OrderBody, timeoutSeconds: number, reply: FastifyReply) => {
		const agentId = agents.agentOf(vm)?.id ?? (await catalog.vm(vm))?.agentId;
		if (agentId === undefined) throw unknownVm(vm);
		const signal = requestSignal(reply, closing);
		const result = await agents.sendOrder(agentId, body, { timeoutMs: timeoutSeconds * 1000, signal });
		if (!result.ok) {
			const message = `agent ${agentId} refused the order for ${vm}: ${result.message || "it did not say why"}`;
			throw new UmbraError(errorCode(result.errorCode), message);
		}
		return { vm, agentId, changesetId: result.changesetId ?? "", message: result.message ?? "" };
	};

	app.post<{ Params: VmParams; Querystring: { readonly timeoutSeconds: number } }>(
		"/v1/vms/:vm/capture",
		{
			schema: {
				params: vmParams,
				querystring: object({
					timeoutSeconds: { type: "integer", minimum: 1, maximum: MAX_CAPTURE_SECONDS, default: 120 },
				}),
			},
		},
		({ params: { vm }, query: { timeoutSeconds } }, reply) => order(vm, { captureNow: { vm } }, timeoutSeconds, reply),
	);

	app.post<{ Params: VmParams; Querystring: { readonly schedule?: string; readonly paused?: "true" | "false" } }>(
		"/v1/vms/:vm/policy",
		{
			schema: {
				params: vmParams,
				querystring: object({
					schedule: { type: "string", minLength: 1, maxLength: 255, description: '"every 60s", "cron 0 * * * *"' },
					paused: { type: "string", enum: ["true", "false"] },
				}),
			},
		},
		({ params: { vm }, query: { schedule, paused } }, reply) => {
			const policy = { vm, ...(schedule && { schedule }), ...(paused && { paused: paused === "true" }) };
			return order(vm, { setPolicy: policy }, POLICY_SECONDS, reply);
		},
	);
}

/** A point without what the changeset says of it. */
function pointView(changeset: ChangesetRecord) {
	const { id, vm, time, consistency, captureMs, pauseMs, fileCount, verdict } = changeset;
	return {
		id,
		vm,
		time,
		consistency,
		captureMs,
		pauseMs,
		fileCount,
		disks: changeset.disks.map(({ disk, sizeBytes, root, mode, changedBytes }) => ({
			disk,
			sizeBytes,
			root,
			mode,
			changedBytes,
		})),
		score: verdict?.score ?? null,
		severity: verdict?.severity ?? null,
	};
}

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
	"not-found",
	"bad-config",
	"corrupt",
	"truncated",
	"unsupported",
	"unavailable",
	"denied",
	"conflict",
	"limit",
]);

/** What an agent answered, where it is a code that we know. */
function errorCode(code: string | null | undefined): ErrorCode {
	return code && CODES.has(code) ? (code as ErrorCode) : "internal";
}
