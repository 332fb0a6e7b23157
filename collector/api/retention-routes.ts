/** Which points stay: /v1/vms/:vm/retention and holds, and the deletion of points by hand. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { type ApiContext, findPoint, requestSignal, unknownVm } from "./context.ts";
import {
	fields,
	object,
	type PageQuery,
	type PointParams,
	pageFields,
	pointParams,
	type VmParams,
	vmParams,
} from "./schemas.ts";
import { LATEST, parseTime } from "./time.ts";

/** Points that would go, in one answer: the oldest. */
const MAX_SHOWN = 1000;

const sentence = { type: "string", minLength: 1, maxLength: 1024 } as const;

export function retentionRoutes(app: FastifyInstance, { catalog, retention, closing }: ApiContext): void {
	app.get<{ Params: VmParams }>(
		"/v1/vms/:vm/retention",
		{ schema: { params: vmParams } },
		async ({ params: { vm } }) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			const plan = await retention.plan(vm);
			const going = plan.filter(({ reasons }) => reasons.length === 0).map(({ time }) => time.toString());
			return {
				vm,
				policy: retention.policy(vm),
				kept: plan.flatMap(({ time, reasons }) => (reasons.length === 0 ? [] : [{ time: time.toString(), reasons }])),
				dropped: { count: going.length, times: going.slice(-MAX_SHOWN) },
			};
		},
	);

	app.post<{ Params: VmParams }>(
		"/v1/vms/:vm/retention",
		{ schema: { params: vmParams } },
		async ({ params: { vm } }, reply) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			return { vm, dropped: await retention.apply(vm, requestSignal(reply, closing)) };
		},
	);

	app.delete<{ Params: VmParams }>(
		"/v1/vms/:vm",
		{ schema: { params: vmParams } },
		async ({ params: { vm } }, reply) => ({
			vm,
			dropped: await retention.forgetVm(vm, requestSignal(reply, closing)),
		}),
	);

	app.delete<{ Params: PointParams }>(
		"/v1/vms/:vm/points/:time",
		{ schema: { params: pointParams } },
		async ({ params: { vm, time } }, reply) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			const found = await exactly(vm, time, async (from, to) => {
				const { items } = await catalog.changesets(vm, { from, to, limit: 2 });
				return items.map((point) => point.time);
			});
			await retention.drop(vm, found, requestSignal(reply, closing));
			return { vm, time: found.toString() };
		},
	);

	app.get<{ Params: VmParams; Querystring: PageQuery }>(
		"/v1/vms/:vm/holds",
		{ schema: { params: vmParams, querystring: object(pageFields) } },
		async ({ params: { vm }, query }) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			return await catalog.holds(vm, query);
		},
	);

	app.post<{ Params: PointParams; Querystring: { readonly reason: string; readonly by: string } }>(
		"/v1/vms/:vm/points/:time/hold",
		{ schema: { params: pointParams, querystring: object({ reason: sentence, by: fields.vm }, ["reason", "by"]) } },
		async ({ params: { vm, time }, query: { reason, by } }, reply) => {
			const point = await findPoint(catalog, vm, time);
			return await retention.hold(vm, BigInt(point.time), { reason, by }, requestSignal(reply, closing));
		},
	);

	app.delete<{ Params: PointParams }>(
		"/v1/vms/:vm/points/:time/hold",
		{ schema: { params: pointParams } },
		async ({ params: { vm, time } }, reply) => {
			const found = await exactly(vm, time, async (from, to) => {
				const { items } = await catalog.holds(vm);
				return items.map((hold) => hold.time).filter((held) => BigInt(held) >= from && BigInt(held) <= to);
			});
			await retention.release(vm, found, requestSignal(reply, closing));
			return { vm, time: found.toString() };
		},
	);
}

/**
 * The one time that `text` stands for: what takes something away never means the nearest point.
 *
 * @throws UmbraError `not-found`, `bad-config` where several times are written like this.
 */
async function exactly(
	vm: string,
	text: string,
	find: (from: bigint, to: bigint) => Promise<string[]>,
): Promise<bigint> {
	const { first, last } = parseTime("time", text);
	if (last === LATEST) {
		throw new UmbraError("bad-config", "time: latest; wanted the time of one point", {
			context: { field: "time", found: text },
			hint: `umbra points ${vm} lists them`,
		});
	}
	const [found, another] = await find(first, last);
	if (found === undefined) {
		throw new UmbraError("not-found", `VM ${vm} has no such point at exactly ${text}`, {
			hint: `umbra points ${vm} lists them`,
		});
	}
	if (another !== undefined) {
		throw new UmbraError("bad-config", `VM ${vm} has several points at ${text}`, {
			context: { field: "time", found: text },
			hint: `one of them: ${found} (nanoseconds, as umbra points ${vm} --json shows them)`,
		});
	}
	return BigInt(found);
}
