/** /v1/vms/:vm/points/:time/files and /content: files inside a disk as it was. */
import type { FastifyInstance } from "fastify";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { VERSION } from "../../common/version.ts";
import type { FileNode, Filesystem } from "../../disk/filesystem.ts";
import { MAX_PAGE } from "../catalog/catalog.ts";
import { entityTag, sendKept } from "./caching.ts";
import { byteAnswers, rangeHeaders, sendBytes } from "./content.ts";
import { type ApiContext, findPoint, requestSignal } from "./context.ts";
import { conditional, kept, nextCursor, notModified, operation } from "./operation.ts";
import { openCursor, type PageQuery, sealCursor } from "./paging.ts";
import { fields, object, type PointParams, pageFields, pointParams } from "./schemas.ts";
import { list, ref } from "./shapes.ts";

interface FileQuery {
	readonly path: string;
	readonly disk?: string;
	readonly volume?: string;
}

type ListQuery = FileQuery & PageQuery;

const place = { path: { ...fields.path, default: "/" }, disk: fields.disk, volume: fields.volume } as const;

const text = { type: "string" } as const;
const listing = {
	description: "What is at the path.",
	type: "object",
	required: ["vm", "time", "disk", "root", "volume", "kind", "path", "node"],
	properties: {
		vm: text,
		time: text,
		disk: text,
		root: text,
		volume: text,
		kind: { ...text, description: '"ext4", "xfs", "ntfs" and so on' },
		path: text,
		node: ref("FileNode"),
		entries: {
			...list(ref("FileEntry")),
			description: "of a folder, in pages",
		},
		next: nextCursor,
	},
};

export function fileRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, points, closing } = context;

	app.get<{ Params: PointParams; Querystring: ListQuery }>(
		"/v1/vms/:vm/points/:time/files",
		operation({
			id: "listFiles",
			tag: "files",
			summary: "A file or folder as it was, and what was in the folder",
			description:
				"`disk` and `volume` may be left out where there is one filesystem only. An entry that cannot be read has `problem` instead of what its inode says.",
			params: pointParams,
			querystring: object({ ...place, ...pageFields, limit: { ...fields.limit, default: MAX_PAGE } }),
			headers: conditional,
			answers: { 200: kept(listing), 304: notModified },
			errors: [404, 422, 503],
		}),
		async (request, reply) => {
			const { params, query } = request;
			const { path, limit, cursor, ...wanted } = query;
			const first = cursor === undefined ? 0 : entryNumber(openCursor(cursor));
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
			const immutable = params.time === point.time;
			if (node.type !== "dir") return sendKept(request, reply, answer, { immutable });
			const entries = await filesystem.readDirectory(node, signal);
			const shown = entries.slice(first, first + limit);
			const listed: object[] = [];
			for (const entry of shown)
				listed.push({ name: entry.name, ...(await statEntry(filesystem, entry.inode, signal)) });
			const end = first + shown.length;
			const next = sealCursor(end < entries.length ? String(end) : null);
			return sendKept(request, reply, { ...answer, entries: listed, next }, { immutable });
		},
	);

	app.get<{ Params: PointParams; Querystring: FileQuery }>(
		"/v1/vms/:vm/points/:time/content",
		operation({
			id: "readFile",
			tag: "files",
			summary: "The content of a file as it was, or a range of it",
			params: pointParams,
			querystring: object(place, ["path"]),
			headers: rangeHeaders,
			answers: byteAnswers,
			errors: [404, 422, 503],
		}),
		async (request, reply) => {
			const { path, ...wanted } = request.query;
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, request.params.vm, request.params.time);
			const { disk, volume, filesystem } = await points.volume(point, wanted);
			const node = await filesystem.lookup(path, signal);
			if (node.type !== "file") {
				throw new UmbraError("bad-config", `path: ${path} is a ${node.type}; wanted a file`, { context: { path } });
			}
			reply.header("umbra-time", point.time).header("umbra-root", disk.root);
			const read = (offset: number, length: number) => filesystem.readFile(node, offset, length, signal);
			const machine = point.disks.map(({ disk: name, root, sizeBytes }) => [name, root, sizeBytes]);
			// Which bytes make up a file is what this version reads out of the disks.
			const tag = entityTag("content", VERSION, machine, disk.disk, volume.id, path);
			const immutable = request.params.time === point.time;
			return await sendBytes(request, reply, { size: node.size, tag, immutable, read, signal });
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

/** @throws UmbraError `bad-config` for what no listing gave. */
function entryNumber(text: string): number {
	const number = Number(text);
	if (/^\d{1,15}$/.test(text)) return number;
	throw new UmbraError("bad-config", "cursor: not a cursor that a listing gave", { context: { field: "cursor" } });
}
