/** What `query-blockstats` tells of each disk. Source: QEMU, qapi/block-core.json (BlockDeviceStats). */
import { z } from "zod";
import type { FieldsOf } from "../../../common/measurements/measurements.ts";
import { parse } from "../block-graph.ts";

/** Filters and formats over the file; hands on the block graph could pile up more. */
const MAX_NODES_BELOW = 16;

const blockStatsShape = z.array(
	z.object({
		qdev: z.string().default(""),
		stats: z.object({
			rd_operations: z.number(),
			rd_bytes: z.number(),
			rd_total_time_ns: z.number(),
			wr_operations: z.number(),
			wr_bytes: z.number(),
			wr_total_time_ns: z.number(),
			flush_operations: z.number(),
			flush_total_time_ns: z.number(),
			rd_merged: z.number(),
			wr_merged: z.number(),
			unmap_bytes: z.number().optional(),
			failed_rd_operations: z.number(),
			failed_wr_operations: z.number(),
			failed_flush_operations: z.number(),
			idle_time_ns: z.number().optional(),
		}),
		parent: z.unknown().optional(),
	}),
);

export interface DiskFacts {
	/** As captures have it. */
	readonly id: string;
	/** Bytes, as the guest sees it. */
	readonly size: number;
	/** Bytes that the image takes on the host. */
	readonly allocated: number | undefined;
}

/**
 * The fields of each known disk, by its id. The counters belong to the device, so that they go on while a snapshot's
 * filter is between it and its disk.
 *
 * @param disks by what QEMU calls their device
 * @throws UmbraError `unsupported` for an answer of another shape.
 */
export function parseBlockStats(
	answer: unknown,
	disks: ReadonlyMap<string, DiskFacts>,
): Map<string, FieldsOf<"vm_disk">> {
	const fields = new Map<string, FieldsOf<"vm_disk">>();
	for (const { qdev, stats, parent } of parse(blockStatsShape, answer, "query-blockstats")) {
		const disk = disks.get(qdev);
		if (disk === undefined) continue;
		fields.set(disk.id, {
			rd_reqs: stats.rd_operations,
			rd_bytes: stats.rd_bytes,
			rd_times: stats.rd_total_time_ns,
			wr_reqs: stats.wr_operations,
			wr_bytes: stats.wr_bytes,
			wr_times: stats.wr_total_time_ns,
			fl_reqs: stats.flush_operations,
			fl_times: stats.flush_total_time_ns,
			rd_merged: stats.rd_merged,
			wr_merged: stats.wr_merged,
			unmap_bytes: stats.unmap_bytes,
			errors: stats.failed_rd_operations + stats.failed_wr_operations + stats.failed_flush_operations,
			idle_seconds: stats.idle_time_ns === undefined ? undefined : stats.idle_time_ns / 1e9,
			allocation: highestWritten(parent),
			capacity: disk.size,
			physical: disk.allocated,
		});
	}
	return fields;
}

/** Of the lowest node, which is the image itself; those above it come and go with snapshots. */
function highestWritten(parent: unknown): number | undefined {
	let found: number | undefined;
	let node = parent;
	for (let depth = 0; depth < MAX_NODES_BELOW && typeof node === "object" && node !== null; depth++) {
		const { stats, parent: below } = node as { stats?: { wr_highest_offset?: unknown }; parent?: unknown };
		const highest = stats?.wr_highest_offset;
		found = typeof highest === "number" ? highest : undefined;
		node = below;
	}
	return found;
}
