/** How a route describes itself: to fastify, which refuses what does not fit, and to whoever reads the OpenAPI document. */
import type { FastifySchema } from "fastify";
import { list, nullable, ref, type Schema, withDescription } from "./shapes.ts";

/** Groups of operations, as the document lists them. */
export const TAGS = {
	collector: "The collector, its agents and what they measure",
	vms: "VMs, and orders to their agents",
	points: "States of a VM that can be read, exported and restored",
	states: "RAM and devices of VMs at some of their points",
	changes: "What changed when",
	disks: "Disks as they were",
	files: "Files as they were",
	alerts: "What wants an operator's eye",
	events: "What happens, as it happens",
	trials: "Trials of shadow VMs, and the ways to fail that they found",
	retention: "Which points stay",
	exports: "Points as NBD servers",
	vault: "The store of block contents",
} as const;

export interface Operation {
	/** Unique; a client made from the document calls its function so. */
	readonly id: string;
	readonly tag: keyof typeof TAGS;
	readonly summary: string;
	readonly description?: string;
	readonly params?: Schema;
	readonly querystring?: Schema;
	/** Headers of the request that count. */
	readonly headers?: Readonly<Record<string, Schema>>;
	/** Of a request that has one. */
	readonly body?: Schema;
	/** By status. */
	readonly answers: Readonly<Record<number, Schema>>;
	/** Statuses of errors that are to be expected, beside those that any request may meet. */
	readonly errors?: readonly (keyof typeof ERRORS)[];
}

const ERRORS = {
	404: "There is no such VM, point, disk, volume, path or export.",
	409: "The state that it is in does not allow this.",
	422: "The guest's disk holds what cannot be read.",
	503: "The collector or the agent cannot do it now; trying again may help.",
} as const;

export function operation({ id, tag, summary, description, answers, errors = [], ...request }: Operation): {
	readonly schema: FastifySchema;
} {
	const { params, querystring, headers, body } = request;
	const failures: Record<string, Schema> = {
		...(params === undefined && querystring === undefined && body === undefined
			? {}
			: { 400: failure("A parameter makes no sense.") }),
		401: failure("The token is wrong or missing."),
		...(body === undefined ? {} : { 413: failure("The body is larger than this may be; the message says the limit.") }),
	};
	for (const status of errors) failures[status] = failure(ERRORS[status]);
	const schema = {
		operationId: id,
		tags: [tag],
		summary,
		...(description === undefined ? {} : { description }),
		...(params === undefined ? {} : { params }),
		...(querystring === undefined ? {} : { querystring }),
		...(body === undefined ? {} : { body }),
		...(headers === undefined ? {} : { headers: { type: "object", properties: headers } }),
		response: { ...answers, ...failures, "5xx": failure("The collector failed.") },
	};
	return { schema };
}

function failure(description: string): Schema {
	return { description, ...ref("Error") };
}

export const nextCursor: Schema = withDescription(
	nullable({ type: "string" }),
	"`cursor` of the page that follows; null at the end",
);

/** One page of a listing. */
export function pageOf(items: Schema, description: string): Schema {
	return { description, type: "object", required: ["items", "next"], properties: pageProperties(items) };
}

export function pageProperties(items: Schema) {
	return { items: list(items), next: nextCursor };
}

/** An answer that may be kept, and what a client says that has kept one. */
const etag: Schema = { type: "string", description: "names this very content" };
const cacheControl: Schema = {
	type: "string",
	description: "immutable where the URL names the point by its exact time",
};

export function kept(schema: Schema): Schema {
	return { ...schema, headers: { etag, "cache-control": cacheControl, ...(schema["headers"] as object | undefined) } };
}

export const notModified: Schema = {
	description: "What the client has kept is still right.",
	type: "null",
	headers: { etag, "cache-control": cacheControl },
};

export const conditional = {
	"if-none-match": { type: "string", description: "ETags of what the client has kept" },
} as const;
