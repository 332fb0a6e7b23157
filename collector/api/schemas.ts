/** JSON schemas of what requests carry. Unknown parameters are refused by name. */
import { MAX_PAGE } from "../catalog/catalog.ts";
import type { PageQuery } from "./paging.ts";

const text = { type: "string", minLength: 1, maxLength: 1024 } as const;

export const fields = {
	vm: { ...text, description: "name of a VM" },
	name: { ...text, description: "only these" },
	time: { ...text, description: '"latest", ISO 8601 or Unix nanoseconds: the newest point at or before it' },
	disk: { ...text, description: "name of a disk of that VM" },
	volume: {
		type: "string",
		maxLength: 255,
		description: 'partition number, "group/volume" of LVM2, or empty for a disk without partitions',
	},
	path: { type: "string", minLength: 1, maxLength: 16_384, pattern: "^/", description: "absolute path in the guest" },
	limit: { type: "integer", minimum: 1, maximum: MAX_PAGE, default: 100, description: "at most so many" },
	cursor: { type: "string", minLength: 1, maxLength: 100_000, description: "`next` of the page before" },
	order: { type: "string", enum: ["newest", "oldest"], default: "newest", description: "which come first" },
	since: { ...text, description: "not before this time: ISO 8601 or Unix nanoseconds" },
	until: { ...text, description: "not after this time: ISO 8601 or Unix nanoseconds" },
	offset: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
	flag: { type: "string", enum: ["0", "1", "false", "true"], default: "0", description: "whether to" },
} as const;

export function object<P extends object>(properties: P, required: readonly (keyof P & string)[] = []) {
	return { type: "object", additionalProperties: false, properties, required } as const;
}

export interface TimesQuery extends PageQuery {
	readonly since?: string;
	readonly until?: string;
	readonly order: "newest" | "oldest";
}

export const pageFields = { limit: fields.limit, cursor: fields.cursor } as const;

export const timesFields = { ...pageFields, since: fields.since, until: fields.until, order: fields.order } as const;

export interface VmParams {
	readonly vm: string;
}

export interface PointParams extends VmParams {
	readonly time: string;
}

export interface DiskParams extends PointParams {
	readonly disk: string;
}

export const vmParams = object({ vm: fields.vm }, ["vm"]);
export const pointParams = object({ vm: fields.vm, time: fields.time }, ["vm", "time"]);
export const diskParams = object({ vm: fields.vm, time: fields.time, disk: fields.disk }, ["vm", "time", "disk"]);
