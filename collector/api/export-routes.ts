/** /v1/exports: points of the past as read-only NBD servers on the collector's machine. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { type ApiContext, findPoint } from "./context.ts";
import { operation, pageOf } from "./operation.ts";
import { fields, object, type PointParams, pointParams } from "./schemas.ts";
import { ref, withDescription } from "./shapes.ts";

const DEFAULT_LEASE_SECONDS = 60;
const MAX_LEASE_SECONDS = 86_400;

interface ExportQuery {
	readonly disk?: string;
	readonly listen?: string;
	readonly leaseSeconds: number;
}

interface ExportParams {
	readonly id: string;
}

const exportParams = object({ id: { type: "string", minLength: 1, maxLength: 64, description: "id of an export" } }, [
	"id",
]);

export function exportRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, points, exports } = context;

	app.post<{ Params: PointParams; Querystring: ExportQuery }>(
		"/v1/vms/:vm/points/:time/exports",
		operation({
			id: "startExport",
			tag: "exports",
			summary: "Serve disks of a point over NBD, read-only, on the collector's machine",
			params: pointParams,
			querystring: object({
				disk: { ...fields.disk, description: "only this disk; all of the VM where it is left out" },
				listen: {
					type: "string",
					minLength: 1,
					maxLength: 255,
					description: '"unix:/path" or "127.0.0.1:10809" (port 0: any); a socket in the data folder by default',
				},
				leaseSeconds: {
					type: "integer",
					minimum: 1,
					maximum: MAX_LEASE_SECONDS,
					default: DEFAULT_LEASE_SECONDS,
					description: "the export ends so long after it was last renewed or its last client left",
				},
			}),
			answers: { 201: withDescription(ref("Export"), "It is served until its lease runs out.") },
			errors: [404, 409, 503],
		}),
		async ({ params, query: { disk, listen, leaseSeconds } }, reply) => {
			const point = await findPoint(catalog, params.vm, params.time);
			const { vm, time } = point;
			const disks = disk === undefined ? point.disks : [points.disk(point, disk)];
			if (disks.length === 0) throw new UmbraError("not-found", `VM ${vm} had no disks then`);
			return reply.code(201).send(await exports.start({ vm, time, disks, listen, leaseSeconds }));
		},
	);

	app.get(
		"/v1/exports",
		operation({
			id: "listExports",
			tag: "exports",
			summary: "Exports that are open",
			answers: { 200: pageOf(ref("Export"), "All of them: there are never many.") },
		}),
		async () => ({ items: exports.list(), next: null }),
	);

	app.post<{ Params: ExportParams }>(
		"/v1/exports/:id/renew",
		operation({
			id: "renewExport",
			tag: "exports",
			summary: "Begin the lease of an export anew",
			params: exportParams,
			answers: { 200: withDescription(ref("Export"), "As it is now.") },
			errors: [404],
		}),
		async ({ params }) => exports.renew(params.id),
	);

	app.delete<{ Params: ExportParams }>(
		"/v1/exports/:id",
		operation({
			id: "endExport",
			tag: "exports",
			summary: "End an export; its clients are cut off",
			params: exportParams,
			answers: { 200: withDescription(ref("Export"), "As it was.") },
			errors: [404],
		}),
		({ params }) => exports.end(params.id),
	);
}
