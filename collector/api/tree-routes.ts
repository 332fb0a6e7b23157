/** /v1/vms/:vm/points/:time/tree and /inodes: all that is below a folder, to make it again elsewhere. */
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { VERSION } from "../../common/version.ts";
import type { Filesystem } from "../../disk/filesystem.ts";
import { entityTag } from "./caching.ts";
import { byteAnswers, rangeHeaders, sendBytes } from "./content.ts";
import { type ApiContext, findPoint, requestSignal, wasAborted } from "./context.ts";
import { toHttp } from "./errors.ts";
import { operation } from "./operation.ts";
import { fields, object, type PointParams, pointParams } from "./schemas.ts";
import { isDamage, MAX_SMALL_BYTES, walkTree } from "./tree-walk.ts";

/** Lines are sent in pieces of so many characters. */
const PIECE = 64 * 1024;
/** Files that are read in one go. */
const MAX_INODES = 256;

interface VolumeQuery {
	readonly disk?: string;
	readonly volume?: string;
}

interface TreeQuery extends VolumeQuery {
	readonly path: string;
}

interface InodesQuery extends VolumeQuery {
	readonly inodes: string;
}

interface InodeParams extends PointParams {
	readonly inode: number;
}

const volumeFields = { disk: fields.disk, volume: fields.volume } as const;

const DESCRIPTION = `Objects of JSON, one a line:

- first \`{vm, time, disk, root, volume, kind, path}\`: which volume it is;
- one for every name, folders before what is in them: \`{inode, parent, name, type, size, mode, uid, gid, nlink, mtime}\`, of symlinks \`target\`, of devices \`device: {major, minor}\`, of files with holes \`written\`, \`[offset, length, ...]\` of what is not one. The top comes first and has neither \`parent\` nor \`name\`. What cannot be read has \`problem\`; of a folder whose names cannot be read another line with \`inode\` and \`problem\` alone says so;
- last \`{end: true, entries, damaged, problems}\`, or \`{error}\` where it could not go on. \`damaged\` is \`[inode, message]\` of files and folders that can be read in part, also of those elsewhere on the volume; \`problems\` is what else is wrong with it.

In names and targets bytes that are not UTF-8 stand as \`\\xNN\`. The content of a file is to be had by its inode.`;

export function treeRoutes(app: FastifyInstance, { catalog, points, closing, log }: ApiContext): void {
	app.get<{ Params: PointParams; Querystring: TreeQuery }>(
		"/v1/vms/:vm/points/:time/tree",
		{
			...operation({
				id: "readTree",
				tag: "files",
				summary: "All that was below a folder, with owners, modes, links and holes",
				description: DESCRIPTION,
				params: pointParams,
				querystring: object({ path: { ...fields.path, default: "/" }, ...volumeFields }),
				answers: {
					200: {
						description: "As long as it takes.",
						content: { "application/x-ndjson": { schema: { type: "string" } } },
					},
				},
				errors: [404, 422, 503],
			}),
			exposeHeadRoute: false,
		},
		async (request, reply) => {
			const { path, ...wanted } = request.query;
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, request.params.vm, request.params.time);
			const { disk, volume, filesystem } = await points.volume(point, wanted);
			const top = await filesystem.lookup(path, signal);
			const { vm, time } = point;
			const head = { vm, time, disk: disk.disk, root: disk.root, volume: volume.id, kind: filesystem.kind, path };
			const pieces = async function* () {
				let text = `${JSON.stringify(head)}\n`;
				try {
					let entries = 0;
					for await (const entry of walkTree(filesystem, top, signal)) {
						entries++;
						text += `${JSON.stringify(entry)}\n`;
						if (text.length < PIECE) continue;
						yield text;
						text = "";
					}
					yield `${text}${JSON.stringify({ end: true, entries, ...problemsOf(filesystem) })}\n`;
				} catch (error) {
					// The client left: there is nobody to tell.
					if (wasAborted(error, signal)) return;
					log.warn({ vm, time, err: error }, "a tree could not be read to its end");
					yield `${text}${JSON.stringify(toHttp(error).body)}\n`;
				}
			};
			return reply.type("application/x-ndjson").send(Readable.from(pieces()));
		},
	);

	app.get<{ Params: PointParams; Querystring: InodesQuery }>(
		"/v1/vms/:vm/points/:time/inodes/content",
		{
			...operation({
				id: "readInodes",
				tag: "files",
				summary: "The content of many small files at once",
				description: `Of each file in turn a line of JSON, \`{inode, length}\` or \`{inode, error}\`, and \`length\` bytes behind it. A file may have ${MAX_SMALL_BYTES} bytes.`,
				params: pointParams,
				querystring: object(
					{
						inodes: {
							type: "string",
							pattern: "^\\d{1,16}(,\\d{1,16})*$",
							maxLength: MAX_INODES * 17,
							description: `inodes of files, at most ${MAX_INODES}, with commas between them`,
						},
						...volumeFields,
					},
					["inodes"],
				),
				answers: {
					200: {
						description: "All of them.",
						content: { "application/octet-stream": { schema: { type: "string" } } },
					},
				},
				errors: [404, 422, 503],
			}),
			exposeHeadRoute: false,
		},
		async (request, reply) => {
			const { inodes, ...wanted } = request.query;
			const numbers = inodes.split(",").map(Number);
			if (numbers.length > MAX_INODES)
				throw new UmbraError("bad-config", `inodes: ${numbers.length} of them; wanted at most ${MAX_INODES}`);
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, request.params.vm, request.params.time);
			const { filesystem } = await points.volume(point, wanted);
			const parts: Uint8Array[] = [];
			for (const inode of numbers) {
				try {
					const bytes = await readSmall(filesystem, inode, signal);
					parts.push(Buffer.from(`${JSON.stringify({ inode, length: bytes.length })}\n`), bytes);
				} catch (error) {
					if (!isDamage(error)) throw error;
					parts.push(Buffer.from(`${JSON.stringify({ inode, ...toHttp(error).body })}\n`));
				}
			}
			return reply.type("application/octet-stream").send(Buffer.concat(parts));
		},
	);

	app.get<{ Params: InodeParams; Querystring: VolumeQuery }>(
		"/v1/vms/:vm/points/:time/inodes/:inode/content",
		operation({
			id: "readInode",
			tag: "files",
			summary: "The content of a file by its inode, or a range of it",
			params: object(
				{
					...pointParams.properties,
					inode: { ...fields.offset, description: "as a listing of that very volume at that point says it" },
				},
				["vm", "time", "inode"],
			),
			querystring: object(volumeFields),
			headers: rangeHeaders,
			answers: byteAnswers,
			errors: [404, 422, 503],
		}),
		async (request, reply) => {
			const { vm, time, inode } = request.params;
			const signal = requestSignal(reply, closing);
			const point = await findPoint(catalog, vm, time);
			const { disk, volume, filesystem } = await points.volume(point, request.query);
			const node = await filesystem.node(inode, signal);
			if (node.type !== "file")
				throw new UmbraError("bad-config", `inode ${inode} is a ${node.type}; wanted a file`, { context: { inode } });
			reply.header("umbra-time", point.time).header("umbra-root", disk.root);
			const machine = point.disks.map(({ disk: name, root, sizeBytes }) => [name, root, sizeBytes]);
			return await sendBytes(request, reply, {
				size: node.size,
				tag: entityTag("inode", VERSION, machine, disk.disk, volume.id, inode),
				immutable: time === point.time,
				read: (offset, length) => filesystem.readFile(node, offset, length, signal),
				signal,
			});
		},
	);
}

/** @throws UmbraError `limit` for a file that is not small. */
async function readSmall(filesystem: Filesystem, inode: number, signal: AbortSignal): Promise<Uint8Array> {
	const node = await filesystem.node(inode, signal);
	if (node.type !== "file") throw new UmbraError("unsupported", `inode ${inode} is a ${node.type}; wanted a file`);
	if (node.size > MAX_SMALL_BYTES) throw new UmbraError("limit", `inode ${inode} has ${node.size} bytes`);
	return await filesystem.readFile(node, 0, node.size, signal);
}

/** What a file or folder that is read shows nothing of: a part of it is missing. */
function problemsOf({ problems }: Filesystem): { damaged: [number, string][]; problems: string[] } {
	const damaged: [number, string][] = [];
	const others: string[] = [];
	for (const { message, context } of problems) {
		const inode = context["inode"] ?? context["record"];
		if (typeof inode === "number") damaged.push([inode, message]);
		else others.push(message);
	}
	return { damaged, problems: others };
}
