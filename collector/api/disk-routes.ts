/** /v1/vms/:vm/points/:time/disks/:disk: a disk as it was, its extents, its bytes, and its blocks as they are stored. */
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { BLOCK_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, DiskRecord } from "../catalog/records.ts";
import { entityTag, isKept } from "./caching.ts";
import { byteAnswers, rangeHeaders, sendBytes } from "./content.ts";
import { type ApiContext, findPoint, requestSignal, wasAborted } from "./context.ts";
import { diskExtents, type Extent, treeOf } from "./extents.ts";
import { conditional, kept, notModified, operation } from "./operation.ts";
import { type DiskParams, diskParams, fields, object } from "./schemas.ts";
import { list, type Schema } from "./shapes.ts";
import { storedBlocks } from "./stored-blocks.ts";

/** Extents in one answer. */
const MAX_EXTENTS = 10_000;
/** Part of the tags of extents: to be raised when they are told otherwise. */
const EXTENTS_VERSION = 1;

interface ExtentQuery {
	readonly from: number;
	readonly to?: number;
	readonly since?: string;
	readonly limit: number;
}

const text = { type: "string" } as const;
const bytes = { type: "integer", minimum: 0, description: "bytes" } as const;
const place = { time: text, sizeBytes: bytes, root: text };
const extents = {
	description: "Ranges in order, without gaps.",
	type: "object",
	required: ["vm", "time", "disk", "sizeBytes", "root", "since", "extents", "next"],
	properties: {
		vm: text,
		disk: text,
		...place,
		since: {
			anyOf: [{ type: "object", required: Object.keys(place), properties: place }, { type: "null" }],
			description: "the disk that this one was compared with",
		},
		extents: list({
			type: "object",
			required: ["offset", "length", "kind", "zero"],
			properties: {
				offset: bytes,
				length: bytes,
				kind: { type: "string", enum: ["zero", "data", "dirty"], description: "dirty: differs from `since`" },
				zero: { type: "boolean", description: "reads as zeroes, whatever its kind" },
			},
		}),
		next: { type: ["integer", "null"], description: "`from` of what follows; null at the end" },
	},
};

const frames: Schema = {
	description:
		"A frame for each block that is not zero, in order: as little-endian 32-bit numbers the block's number, from the first of the answer on, its encoding (0: as it is, 1: a frame of zstd) and the length of what follows the name; the BLAKE3-256 of its bytes (32 bytes); the encoded bytes, behind which zeroes follow up to a whole block.",
	content: { "application/octet-stream": { schema: { type: "string", contentMediaType: "application/octet-stream" } } },
};

export function diskRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, store, points, closing } = context;

	const find = async ({ vm, time, disk }: DiskParams): Promise<{ point: ChangesetRecord; disk: DiskRecord }> => {
		const point = await findPoint(catalog, vm, time);
		return { point, disk: points.disk(point, disk) };
	};

	app.get<{ Params: DiskParams; Querystring: ExtentQuery }>(
		"/v1/vms/:vm/points/:time/disks/:disk/extents",
		operation({
			id: "listExtents",
			tag: "disks",
			summary: "Which ranges of a disk are zero, hold data, or differ from another point",
			description: "Ranges are whole blocks of 64 KiB but for the disk's end, also where `from` and `to` are not.",
			params: diskParams,
			querystring: object({
				from: { ...fields.offset, default: 0, description: "from this byte on" },
				to: { ...fields.offset, description: "up to this byte" },
				since: { ...fields.time, description: "another point: what differs from it is dirty" },
				limit: {
					type: "integer",
					minimum: 1,
					maximum: MAX_EXTENTS,
					default: MAX_EXTENTS,
					description: "at most so many",
				},
			}),
			headers: conditional,
			answers: { 200: kept(extents), 304: notModified },
			errors: [404],
		}),
		async (request, reply) => {
			const { params, query } = request;
			const { point, disk } = await find(params);
			const before = query.since === undefined ? undefined : await find({ ...params, time: query.since });
			const to = Math.min(query.to ?? disk.sizeBytes, disk.sizeBytes);
			if (query.from > to) throw new UmbraError("bad-config", `from: ${query.from} is behind the end, ${to}`);
			const { sizeBytes, root } = disk;
			const since =
				before === undefined
					? null
					: { time: before.point.time, sizeBytes: before.disk.sizeBytes, root: before.disk.root };
			const answer = { vm: point.vm, time: point.time, disk: disk.disk, sizeBytes, root, since };
			const immutable = params.time === point.time && query.since === since?.time;
			const tag = entityTag("extents", EXTENTS_VERSION, answer, query.from, to, query.limit);
			if (isKept(request, reply, tag, { immutable })) return reply.send();
			const found: Extent[] = [];
			let next: number | null = null;
			const wanted = { since: before?.disk, from: query.from, to, signal: requestSignal(reply, closing) };
			using _pin = store.pin((before === undefined ? [disk] : [disk, before.disk]).map(treeOf));
			for await (const extent of diskExtents(store, disk, wanted)) {
				if (found.length === query.limit) {
					next = extent.offset;
					break;
				}
				found.push(extent);
			}
			return reply.send({ ...answer, extents: found, next });
		},
	);

	app.get<{ Params: DiskParams }>(
		"/v1/vms/:vm/points/:time/disks/:disk/data",
		operation({
			id: "readDisk",
			tag: "disks",
			summary: "The bytes of a disk as it was, or a range of them",
			params: diskParams,
			headers: rangeHeaders,
			answers: byteAnswers,
			errors: [404, 503],
		}),
		async (request, reply) => {
			const { point, disk } = await find(request.params);
			const source = points.source(point, disk);
			reply.header("umbra-time", point.time).header("umbra-root", disk.root);
			return await sendBytes(request, reply, {
				size: disk.sizeBytes,
				tag: entityTag("disk", disk.root, disk.sizeBytes),
				immutable: request.params.time === point.time,
				read: (offset, length, signal) => source.read(offset, length, signal),
				signal: requestSignal(reply, closing),
			});
		},
	);

	app.get<{ Params: DiskParams; Querystring: { readonly from: number; readonly to?: number } }>(
		"/v1/vms/:vm/points/:time/disks/:disk/blocks",
		operation({
			id: "readBlocks",
			tag: "disks",
			summary: "Blocks of a disk as they are stored, for whoever decompresses and verifies them",
			description:
				"They are not verified: compare the BLAKE3-256 of each with its name, and the Merkle tree of the names with `root` of the extents. What is not right may be right in `data`, which is verified.",
			params: diskParams,
			querystring: object({
				from: { ...fields.offset, default: 0, description: "from the block with this byte on" },
				to: { ...fields.offset, description: "up to the block with the byte before this one" },
			}),
			answers: { 200: frames },
			errors: [404, 503],
		}),
		async ({ method, params, query: { from, to } }, reply) => {
			const tree = treeOf((await find(params)).disk);
			const [first, end] = [Math.floor(from / BLOCK_SIZE), Math.ceil((to ?? tree.blocks * BLOCK_SIZE) / BLOCK_SIZE)];
			reply.type("application/octet-stream");
			if (method === "HEAD") return reply.send(Readable.from([]));
			const pin = store.pin([tree]);
			reply.raw.once("close", () => pin[Symbol.dispose]());
			const signal = requestSignal(reply, closing);
			const pieces = storedBlocks(store, tree, { first, end: Math.min(end, tree.blocks) }, signal);
			// What fails later can only cut the connection.
			const begin = await pieces.next();
			const body = async function* () {
				if (begin.done === true) return;
				yield begin.value;
				try {
					yield* pieces;
				} catch (error) {
					if (!wasAborted(error, signal)) throw error;
				}
			};
			return reply.send(Readable.from(body(), { objectMode: false }));
		},
	);
}
