/** Disks at points as the collector's API gives them: a `BlockSource` for parsers, and what differs between two points. */
import { UmbraError } from "../common/errors.ts";
import type { Ranges } from "../disk/filesystem.ts";
import type { BlockSource, SourceExtent } from "../disk/source/source.ts";
import { type CollectorClient, type Query, vmPath } from "./collector-client.ts";

export interface DiskAtPoint {
	readonly vm: string;
	/** Exact, so that it stays this point: Unix nanoseconds, decimal. */
	readonly time: string;
	readonly disk: string;
	readonly sizeBytes: number;
}

interface ExtentView extends SourceExtent {
	readonly kind: "zero" | "data" | "dirty";
}

interface ExtentsView {
	readonly extents: readonly ExtentView[];
	readonly next: number | null;
}

/** Nothing is read until it is asked for; disposing of it does nothing. */
export function collectorDisk(client: CollectorClient, place: DiskAtPoint): BlockSource {
	const { vm, time, disk, sizeBytes } = place;
	const source = { path: `${diskPath(place)}/data`, name: `${vm}@${time}/${disk}`, size: sizeBytes };
	return {
		...collectorBytes(client, source),
		async extents(offset, length, signal) {
			const found: SourceExtent[] = [];
			const end = offset + length;
			for await (const extent of listExtents(client, place, { from: offset, to: end }, signal)) {
				// They are whole blocks, whatever was asked for.
				const start = Math.max(offset, extent.offset);
				const stop = Math.min(end, extent.offset + extent.length);
				if (start < stop) found.push({ offset: start, length: stop - start, zero: extent.zero });
			}
			return found;
		},
	};
}

/** Bytes that the API gives at `path`, by ranges; what of them is zero is not known. `name` is for people. */
export function collectorBytes(
	client: CollectorClient,
	{ path, name, size }: { readonly path: string; readonly name: string; readonly size: number },
): BlockSource {
	return {
		size,
		name,
		extents: async (offset, length) => [{ offset, length, zero: false }],
		async read(offset, length, signal) {
			if (length === 0) return new Uint8Array();
			const headers = { range: `bytes=${offset}-${offset + length - 1}` };
			const response = await client.fetch(path, {}, { headers, signal });
			const bytes = await client.body(response, signal);
			if (response.status === 206 && bytes.length === length) return bytes;
			throw new UmbraError("truncated", `${name}: ${bytes.length} bytes from ${offset} came, wanted ${length}`, {
				context: { path: name, offset, found: bytes.length, wanted: length },
			});
		},
		async [Symbol.asyncDispose]() {},
	};
}

/** Ranges in which a disk differs from itself at another point, in order; whole blocks of 64 KiB but for its end. */
export async function* dirtyExtents(
	client: CollectorClient,
	place: DiskAtPoint,
	since: string,
	signal?: AbortSignal,
): AsyncGenerator<SourceExtent, void, undefined> {
	for await (const { kind, ...extent } of listExtents(client, place, { since }, signal)) {
		if (kind === "dirty") yield extent;
	}
}

/**
 * `after`, of which is read from `before` what is the same in both: a cache of `before` then serves both.
 *
 * @param dirty where they may differ, ascending.
 */
export function sharing(before: BlockSource, after: BlockSource, dirty: Ranges): BlockSource {
	const pick = (offset: number, length: number): BlockSource =>
		offset + length <= before.size && !overlaps(dirty, offset, offset + length) ? before : after;
	return {
		size: after.size,
		name: after.name,
		read: (offset, length, signal) => pick(offset, length).read(offset, length, signal),
		extents: (offset, length, signal) => after.extents(offset, length, signal),
		[Symbol.asyncDispose]: () => after[Symbol.asyncDispose](),
	};
}

async function* listExtents(
	client: CollectorClient,
	place: DiskAtPoint,
	query: Query,
	signal: AbortSignal | undefined,
): AsyncGenerator<ExtentView, void, undefined> {
	const path = `${diskPath(place)}/extents`;
	for (let from = query["from"]; ; ) {
		const page: ExtentsView = await client.get(path, { ...query, from }, signal);
		yield* page.extents;
		if (page.next === null) return;
		from = page.next;
	}
}

function diskPath({ vm, time, disk }: DiskAtPoint): string {
	return vmPath(vm, "points", time, "disks", disk);
}

function overlaps(ranges: Ranges, from: number, to: number): boolean {
	// The first range that ends behind `from`.
	let [low, high] = [0, ranges.length / 2];
	while (low < high) {
		const middle = Math.floor((low + high) / 2);
		if (ranges[2 * middle]! + ranges[2 * middle + 1]! <= from) low = middle + 1;
		else high = middle;
	}
	return 2 * low < ranges.length && ranges[2 * low]! < to;
}
