/**
 * QEMU's block devices and nodes as `query-block` and its kin tell them, checked before they are used.
 * Source: QEMU, qapi/block-core.json and qapi/block-export.json.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UmbraError } from "../../common/errors.ts";
import type { BitmapInfo } from "./bitmaps.ts";
import type { DiskInfo } from "./hypervisor.ts";
import type { QmpClient } from "./qmp.ts";

/** A job of ours creates a small image: it ends by itself, within these looks. */
const MAX_JOB_LOOKS = 500;
const JOB_LOOK_MS = 10;

const bitmapShape = z.object({
	name: z.string().default(""),
	recording: z.boolean().default(false),
	busy: z.boolean().default(false),
	inconsistent: z.boolean().default(false),
	granularity: z.number().default(0),
});

const blockShape = z.object({
	device: z.string().default(""),
	qdev: z.string().default(""),
	inserted: z
		.object({
			"node-name": z.string().default(""),
			drv: z.string(),
			ro: z.boolean(),
			image: z.object({ "virtual-size": z.number(), "actual-size": z.number().optional() }),
			"dirty-bitmaps": z.array(bitmapShape).default([]),
		})
		.optional(),
});

const nodeShape = z.object({
	"node-name": z.string().default(""),
	drv: z.string(),
	image: z.object({ "virtual-size": z.number() }),
	"dirty-bitmaps": z.array(bitmapShape).default([]),
});

const graphShape = z.object({
	nodes: z.array(z.object({ id: z.number(), type: z.string(), name: z.string() })),
	edges: z.array(z.object({ parent: z.number(), child: z.number(), name: z.string() })),
});

/** A disk as the machine has it plugged in. */
export interface BlockDevice extends DiskInfo {
	/** The node that the device writes to. */
	readonly node: string;
	/** What QEMU calls the device where it tells of it. */
	readonly qdev: string;
	/** Bytes that the image takes on the host; undefined where QEMU does not know. */
	readonly allocated: number | undefined;
	/** QOM path of the device: its `drive` property can be pointed at another node while it runs. */
	readonly qomPath: string;
	readonly bitmaps: readonly BitmapInfo[];
}

/** QOM folders of the devices that a machine was given, with an id and without. */
export const PERIPHERALS: readonly string[] = ["/machine/peripheral", "/machine/peripheral-anon"];

/** The copy-before-write filters that snapshots put between a device and its disk. */
export const FILTER_PREFIX = "umbra-cbw-";

/** @throws UmbraError `unsupported` where QEMU's answer to `command` is not of this shape. */
export function parse<T extends z.ZodType>(shape: T, value: unknown, command: string): z.output<T> {
	const result = shape.safeParse(value);
	if (result.success) return result.data;
	throw new UmbraError(
		"unsupported",
		`${command}: an answer that this version does not understand: ${result.error.message}`,
		{
			context: { structure: command },
		},
	);
}

/** Every writable disk with a medium, in the order in which QEMU lists them. */
export async function queryDevices(qmp: QmpClient): Promise<BlockDevice[]> {
	const blocks = parse(z.array(blockShape), await qmp.execute("query-block"), "query-block");
	const below = blocks.some(({ inserted }) => inserted?.["node-name"].startsWith(FILTER_PREFIX))
		? await nodesBelowFilters(qmp)
		: new Map<string, string>();
	const devices: BlockDevice[] = [];
	const ownIds = new Set(blocks.map(({ qdev }) => ownId(qdev)));
	const taken = new Set<string>();
	for (const { device, qdev, inserted } of blocks) {
		if (inserted === undefined || inserted.ro || qdev === "") continue;
		const node = inserted["node-name"];
		const name = diskId(qdev, device, below.get(node) ?? node);
		// A drive or node may be called as another's device; their histories must not be mixed.
		const clashes = taken.has(name) || (ownId(qdev) === undefined && ownIds.has(name));
		const id = clashes ? placeOf(qdev) : name;
		taken.add(id);
		devices.push({
			id,
			size: inserted.image["virtual-size"],
			format: inserted.drv,
			node,
			qdev,
			allocated: inserted.image["actual-size"],
			qomPath: qdev.startsWith("/") ? qdev.replace(/\/virtio-backend$/, "") : `/machine/peripheral/${qdev}`,
			bitmaps: inserted["dirty-bitmaps"],
		});
	}
	return devices;
}

const belowShape = z.object({
	"node-name": z.string().default(""),
	parent: z.object({ "node-name": z.string().default("") }).optional(),
});

/** The disk's own node by the name of the filter over it: a disk that is named by its node keeps that name. */
async function nodesBelowFilters(qmp: QmpClient): Promise<Map<string, string>> {
	// What it calls the parent is the node below.
	const blocks = parse(z.array(belowShape), await qmp.execute("query-blockstats"), "query-blockstats");
	return new Map(
		blocks.flatMap(({ "node-name": node, parent }) =>
			node.startsWith(FILTER_PREFIX) && parent !== undefined ? [[node, parent["node-name"]]] : [],
		),
	);
}

/**
 * A name that stays the same when the machine is started again the same way: the device's own id, the
 * `-drive` name, the node's name, and as a last resort the device's place among those without an id.
 *
 * @param qdev what QEMU says: the id itself (SCSI, IDE), or a path, which has the id in it (virtio-blk) or not
 */
export function diskId(qdev: string, device: string, node: string): string {
	const own = ownId(qdev);
	if (own !== undefined) return own;
	if (device !== "") return device;
	if (node !== "" && !node.startsWith("#")) return node;
	return placeOf(qdev);
}

/** The id that the operator gave the device. */
function ownId(qdev: string): string | undefined {
	if (qdev === "") return undefined;
	return qdev.startsWith("/") ? /^\/machine\/peripheral\/([^/]+)/.exec(qdev)?.[1] : qdev;
}

function placeOf(qdev: string): string {
	return qdev
		.replace(/^\/machine\//, "")
		.replace(/\/virtio-backend$/, "")
		.replaceAll("/", "-");
}

export interface BlockNode {
	readonly name: string;
	readonly driver: string;
	readonly bitmaps: readonly BitmapInfo[];
}

export async function queryNodes(qmp: QmpClient): Promise<BlockNode[]> {
	const nodes = parse(
		z.array(nodeShape),
		await qmp.execute("query-named-block-nodes", { flat: true }),
		"query-named-block-nodes",
	);
	return nodes.map((node) => ({ name: node["node-name"], driver: node.drv, bitmaps: node["dirty-bitmaps"] }));
}

/** The node that hangs below `node` by the edge `edge` ("file", "target", ...), if there is one. */
export async function childOf(qmp: QmpClient, node: string, edge: string): Promise<string | undefined> {
	// The only command of QEMU 7.2 to 10 that tells edges; `x-` because it is meant for debugging, which this is.
	const graph = parse(graphShape, await qmp.execute("x-debug-query-block-graph"), "x-debug-query-block-graph");
	const parent = graph.nodes.find((entry) => entry.name === node && entry.type === "block-driver");
	const found = graph.edges.find((entry) => entry.parent === parent?.id && entry.name === edge);
	return graph.nodes.find((entry) => entry.id === found?.child)?.name;
}

export async function queryExports(qmp: QmpClient): Promise<string[]> {
	const shape = z.array(z.object({ id: z.string() }));
	return parse(shape, await qmp.execute("query-block-exports"), "query-block-exports").map((entry) => entry.id);
}

/** Runs a block job that creates something, to its end. @throws UmbraError with the job's own error. */
export async function runJob(
	qmp: QmpClient,
	jobId: string,
	command: string,
	args: Record<string, unknown>,
): Promise<void> {
	const concluded = Promise.withResolvers<void>();
	const off = qmp.onEvent((event) => {
		if (event.event === "JOB_STATUS_CHANGE" && event.data["id"] === jobId && event.data["status"] === "concluded") {
			concluded.resolve();
		}
	});
	const onClose = () => concluded.reject(qmp.closed.reason);
	qmp.closed.addEventListener("abort", onClose, { once: true });
	try {
		await qmp.execute(command, { ...args, "job-id": jobId });
		await concluded.promise;
		const shape = z.array(z.object({ id: z.string(), error: z.string().optional() }));
		const job = parse(shape, await qmp.execute("query-jobs"), "query-jobs").find((entry) => entry.id === jobId);
		await qmp.execute("job-dismiss", { id: jobId });
		if (job?.error !== undefined) {
			const full = /No space left|Disk quota/i.test(job.error);
			throw new UmbraError(full ? "limit" : "unavailable", `QEMU could not run ${command}: ${job.error}`, {
				context: { structure: command },
			});
		}
	} finally {
		off();
		qmp.closed.removeEventListener("abort", onClose);
		concluded.promise.catch(() => {});
	}
}

/**
 * Ends the jobs of an agent that died between starting and dismissing them: a concluded one keeps its id from being used
 * again. They create small things and are soon done.
 *
 * @throws UmbraError `unavailable` where one is not.
 */
export async function dismissJobs(qmp: QmpClient, prefix: string): Promise<void> {
	const shape = z.array(z.object({ id: z.string(), status: z.string() }));
	for (let attempt = 0; ; attempt++) {
		const jobs = parse(shape, await qmp.execute("query-jobs"), "query-jobs").filter(({ id }) => id.startsWith(prefix));
		if (jobs.length === 0) return;
		for (const { id, status } of jobs) if (status === "concluded") await qmp.execute("job-dismiss", { id });
		if (attempt === MAX_JOB_LOOKS) {
			throw new UmbraError("unavailable", `QEMU does not end the job ${jobs[0]?.id}`, { context: { path: qmp.path } });
		}
		if (jobs.some(({ status }) => status !== "concluded")) await sleep(JOB_LOOK_MS);
	}
}
