/** /v1/vms/:vm/points/:time/files and /content: files inside a disk as it was. */
import type { FastifyInstance } from "fastify";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem } from "../../disk/filesystem.ts";
import { MAX_PAGE } from "../catalog/catalog.ts";
import { sendBytes } from "./content.ts";
import { type ApiContext, findPoint, requestSignal } from "./context.ts";
import { fields, object, type PointParams, pointParams } from "./schemas.ts";

interface FileQuery {
	readonly path: string;
	readonly disk?: string;
	readonly volume?: string;
}

interface ListQuery extends FileQuery {
	readonly limit: number;
	/** Number of the first entry. */
	readonly cursor: number;
}

const place = { path: { ...fields.path, default: "/" }, disk: fields.disk, volume: fields.volume } as const;

export function fileRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, points, closing } = context;

	app.get<{ Params: PointParams; Querystring: ListQuery }>(
		"/v1/vms/:vm/points/:time/files",
		{
			schema: {
				params: pointParams,
				querystring: object({
					...place,
					limit: { ...fields.limit, default: MAX_PAGE },
					cursor: { ...fields.offset, default: 0 },
				}),
			},
		},
		async ({ params, query: { path, limit, cursor, ...wanted } }, reply) => {
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, params.vm, params.time);
			const { disk, volume, filesystem } = await points.volume(point, wanted);
			const node = await filesystem.lookup(path, signal);
			const target = node.type === "symlink" ? { target: await filesystem.readLink(node, signal) } : {};
			const answer = {
				vm: point.vm,
				time: point.time,
				disk: disk.disk,
				root: disk.root,
				volume: volume.id,
				kind: filesystem.kind,
				path,
				node: { ...nodeView(node), ...target },
			};
			if (node.type !== "dir") return answer;
			const entries = await filesystem.readDirectory(node, signal);
			const shown = entries.slice(cursor, cursor + limit);
			const listed: object[] = [];
			for (const entry of shown)
				listed.push({ name: entry.name, ...(await statEntry(filesystem, entry.inode, signal)) });
			const end = cursor + shown.length;
			return { ...answer, entries: listed, next: end < entries.length ? String(end) : null };
		},
	);

	app.get<{ Params: PointParams; Querystring: FileQuery }>(
		"/v1/vms/:vm/points/:time/content",
		{ schema: { params: pointParams, querystring: object(place, ["path"]) } },
		async (request, reply) => {
			const { path, ...wanted } = request.query;
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, request.params.vm, request.params.time);
			const { disk, filesystem } = await points.volume(point, wanted);
			const node = await filesystem.lookup(path, signal);
			if (node.type !== "file") {
				throw new UmbraError("bad-config", `path: ${path} is a ${node.type}; wanted a file`, { context: { path } });
			}
			reply.header("umbra-time", point.time).header("umbra-root", disk.root);
			const read = (offset: number, length: number) => filesystem.readFile(node, offset, length, signal);
			return await sendBytes(request, reply, node.size, read, signal);
		},
	);
}

/** One damaged inode must not hide its directory. */
async function statEntry(filesystem: Filesystem, inode: number, signal: AbortSignal): Promise<object> {
	try {
		return nodeView(await filesystem.node(inode, signal));
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "not-found", "truncated", "unsupported")) throw error;
		return { inode, problem: error.message };
	}
}

function nodeView({ inode, type, size, mode, uid, gid, nlink, mtime, ctime }: FileNode) {
	return { inode, type, size, mode, uid, gid, nlink, mtime, ctime };
}
