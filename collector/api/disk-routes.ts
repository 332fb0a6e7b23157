/** /v1/vms/:vm/points/:time/disks/:disk: a disk as it was, its extents and its bytes. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, DiskRecord } from "../catalog/records.ts";
import { sendBytes } from "./content.ts";
import { type ApiContext, findPoint, requestSignal } from "./context.ts";
import type { Extent } from "./points.ts";
import { type DiskParams, diskParams, fields, object } from "./schemas.ts";

/** Extents in one answer. */
const MAX_EXTENTS = 10_000;

export function diskRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, points, closing } = context;

	const find = async ({ vm, time, disk }: DiskParams): Promise<{ point: ChangesetRecord; disk: DiskRecord }> => {
		const point = await findPoint(catalog, vm, time);
		return { point, disk: points.disk(point, disk) };
	};

	app.get<{ Params: DiskParams; Querystring: { readonly from: number; readonly to?: number } }>(
		"/v1/vms/:vm/points/:time/disks/:disk/extents",
		{
			schema: {
				params: diskParams,
				querystring: object({ from: { ...fields.offset, default: 0 }, to: fields.offset }),
			},
		},
		async ({ params, query }, reply) => {
			const { point, disk } = await find(params);
			const to = Math.min(query.to ?? disk.sizeBytes, disk.sizeBytes);
			if (query.from > to) throw new UmbraError("bad-config", `from: ${query.from} is behind the end, ${to}`);
			const extents: Extent[] = [];
			let next: number | null = null;
			for await (const extent of points.extents(disk, query.from, to, requestSignal(reply, closing))) {
				if (extents.length === MAX_EXTENTS) {
					next = extent.offset;
					break;
				}
				extents.push(extent);
			}
			const { sizeBytes, root } = disk;
			return { vm: point.vm, time: point.time, disk: disk.disk, sizeBytes, root, extents, next };
		},
	);

	app.get<{ Params: DiskParams }>(
		"/v1/vms/:vm/points/:time/disks/:disk/data",
		{ schema: { params: diskParams } },
		async (request, reply) => {
			const { point, disk } = await find(request.params);
			const source = points.source(point, disk);
			reply.header("umbra-time", point.time).header("umbra-root", disk.root);
			const read = (offset: number, length: number, signal: AbortSignal) => source.read(offset, length, signal);
			return await sendBytes(request, reply, disk.sizeBytes, read, requestSignal(reply, closing));
		},
	);
}
