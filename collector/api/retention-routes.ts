/** Which points stay: /v1/vms/:vm/retention and holds, and the deletion of points by hand. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { MAX_PAGE } from "../catalog/catalog.ts";
import { type ApiContext, findPoint, requestSignal, requireVm } from "./context.ts";
import { operation, pageOf, pageProperties } from "./operation.ts";
import { openCursor, type PageQuery, pageOptions, sealCursor, sealPage } from "./paging.ts";
import * as s from "./schemas.ts";
import { ref, withDescription } from "./shapes.ts";
import { LATEST, parseTime } from "./time.ts";

const sentence = {
	type: "string",
	minLength: 1,
	maxLength: 1024,
	description: "why, for those who come after",
} as const;
const count = { type: "integer", minimum: 0 } as const;
const text = { type: "string" } as const;

function answerOf(description: string, properties: object) {
	return { description, type: "object", required: Object.keys(properties), properties };
}

export function retentionRoutes(app: FastifyInstance, { catalog, retention, closing }: ApiContext): void {
	app.get<{ Params: s.VmParams; Querystring: PageQuery }>(
		"/v1/vms/:vm/retention",
		operation({
			id: "planRetention",
			tag: "retention",
			summary: "Which points of a VM its policy keeps, why, and which would go",
			params: s.vmParams,
			querystring: s.object({ ...s.pageFields, limit: { ...s.fields.limit, default: MAX_PAGE } }),
			answers: {
				200: answerOf("Every point, newest first, in pages.", {
					vm: text,
					policy: ref("RetentionPolicy"),
					kept: { ...count, description: "points that stay" },
					dropped: { ...count, description: "points that would go" },
					...pageProperties(ref("RetentionDecision")),
				}),
			},
			errors: [404],
		}),
		async ({ params: { vm }, query: { limit, cursor } }) => {
			await requireVm(catalog, vm);
			const after = cursor === undefined ? LATEST + 1n : parseTime("cursor", openCursor(cursor)).first;
			const plan = await retention.plan(vm);
			const rest = plan.filter(({ time }) => time < after);
			const items = rest.slice(0, limit).map(({ time, reasons }) => ({ time: time.toString(), reasons }));
			const dropped = plan.filter(({ reasons }) => reasons.length === 0).length;
			const next = rest.length > limit ? sealCursor(items.at(-1)?.time ?? null) : null;
			return { vm, policy: retention.policy(vm), kept: plan.length - dropped, dropped, items, next };
		},
	);

	app.post<{ Params: s.VmParams }>(
		"/v1/vms/:vm/retention",
		operation({
			id: "applyRetention",
			tag: "retention",
			summary: "Drop now what the policy of a VM does not keep",
			params: s.vmParams,
			answers: { 200: answerOf("How many points went.", { vm: text, dropped: count }) },
			errors: [404],
		}),
		async ({ params: { vm } }, reply) => {
			await requireVm(catalog, vm);
			return { vm, dropped: await retention.apply(vm, requestSignal(reply, closing)) };
		},
	);

	app.delete<{ Params: s.VmParams }>(
		"/v1/vms/:vm",
		operation({
			id: "forgetVm",
			tag: "retention",
			summary: "Drop a VM with all of its points",
			params: s.vmParams,
			answers: { 200: answerOf("How many points went.", { vm: text, dropped: count }) },
			errors: [404, 409],
		}),
		async ({ params: { vm } }, reply) => ({
			vm,
			dropped: await retention.forgetVm(vm, requestSignal(reply, closing)),
		}),
	);

	app.delete<{ Params: s.PointParams }>(
		"/v1/vms/:vm/points/:time",
		operation({
			id: "forgetPoint",
			tag: "retention",
			summary: "Drop one point, by its exact time",
			params: s.pointParams,
			answers: { 200: answerOf("It is gone.", { vm: text, time: text }) },
			errors: [404, 409],
		}),
		async ({ params: { vm, time } }, reply) => {
			await requireVm(catalog, vm);
			const found = await exactly(vm, time, async (from, to) => {
				const { items } = await catalog.changesets(vm, { from, to, limit: 2 });
				return items.map((point) => point.time);
			});
			await retention.drop(vm, found, requestSignal(reply, closing));
			return { vm, time: found.toString() };
		},
	);

	app.get<{ Params: s.VmParams; Querystring: PageQuery }>(
		"/v1/vms/:vm/holds",
		operation({
			id: "listHolds",
			tag: "retention",
			summary: "Points of a VM that are held",
			params: s.vmParams,
			querystring: s.object(s.pageFields),
			answers: { 200: pageOf(ref("Hold"), "Holds in order of the points' times.") },
			errors: [404],
		}),
		async ({ params: { vm }, query }) => {
			await requireVm(catalog, vm);
			return sealPage(await catalog.holds(vm, pageOptions(query)));
		},
	);

	app.post<{ Params: s.PointParams; Querystring: { readonly reason: string; readonly by: string } }>(
		"/v1/vms/:vm/points/:time/hold",
		operation({
			id: "holdPoint",
			tag: "retention",
			summary: "Keep a point until it is released, whatever the policy says",
			params: s.pointParams,
			querystring: s.object({ reason: sentence, by: { ...s.fields.name, description: "who says so" } }, [
				"reason",
				"by",
			]),
			answers: { 200: withDescription(ref("Hold"), "The hold; it takes the place of one before.") },
			errors: [404],
		}),
		async ({ params: { vm, time }, query: { reason, by } }, reply) => {
			const point = await findPoint(catalog, vm, time);
			return await retention.hold(vm, BigInt(point.time), { reason, by }, requestSignal(reply, closing));
		},
	);

	app.delete<{ Params: s.PointParams }>(
		"/v1/vms/:vm/points/:time/hold",
		operation({
			id: "releasePoint",
			tag: "retention",
			summary: "End a hold",
			params: s.pointParams,
			answers: { 200: answerOf("The point is not held any more.", { vm: text, time: text }) },
			errors: [404],
		}),
		async ({ params: { vm, time } }, reply) => {
			const found = await exactly(vm, time, (from, to) => holdsWithin(vm, from, to));
			await retention.release(vm, found, requestSignal(reply, closing));
			return { vm, time: found.toString() };
		},
	);

	const holdsWithin = async (vm: string, from: bigint, to: bigint): Promise<string[]> => {
		const found: string[] = [];
		let cursor: string | undefined;
		do {
			const { items, next } = await catalog.holds(vm, { cursor });
			for (const { time } of items) if (BigInt(time) >= from && BigInt(time) <= to) found.push(time);
			cursor = next ?? undefined;
		} while (cursor !== undefined);
		return found;
	};
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
