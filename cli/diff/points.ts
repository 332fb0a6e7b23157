/** `umbra diff VM@TIME VM@TIME`: what differs between two points of a VM, in files or in blocks, as the collector has them. */
import { access } from "node:fs/promises";
import { BLOCK_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { Ranges } from "../../disk/filesystem.ts";
import { cacheSource } from "../../disk/source/cache.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, vmPath } from "../collector-client.ts";
import { collectorDisk, type DiskAtPoint, dirtyExtents, sharing } from "../collector-disk.ts";
import { warn } from "../commands/image.ts";
import type { Output } from "../commands/output.ts";
import { isoTime } from "../commands/vms.ts";
import { printable } from "../printable.ts";
import { showDiff } from "./show.ts";

/** Of each disk at each point. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** Ranges of one disk that are kept; where there are more, the gaps between them are compared too. */
const MAX_RANGES = 250_000;

export interface DiffPointsOptions extends CollectorOptions {
	readonly json: boolean;
	readonly blocks: boolean;
	/** Only this one. */
	readonly disk: string | undefined;
}

interface PointView {
	readonly time: string;
	readonly disks: readonly { readonly disk: string; readonly sizeBytes: number }[];
}

/** A disk at both points. */
interface DiskPair {
	readonly before: DiskAtPoint;
	readonly after: DiskAtPoint;
}

/** True for `VM@TIME`: not a file, and not an address. */
export async function isPoint(text: string): Promise<boolean> {
	if (!text.includes("@") || /^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return false;
	const files = [text, text.replace(/#[^#]*$/, "")].map((path) => access(path).then(() => true));
	return !(await Promise.allSettled(files)).some(({ status }) => status === "fulfilled");
}

/** @throws UmbraError `bad-config` for two VMs, `not-found`. */
export async function diffPoints(
	old: string,
	now: string,
	options: DiffPointsOptions,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	const { disk, json, blocks } = options;
	const [from, to] = [parseVmAtTime(old), parseVmAtTime(now)];
	if (from.vm !== to.vm) {
		throw new UmbraError("bad-config", `${from.vm} and ${to.vm} are two VMs; wanted two points of one`);
	}
	const { vm } = from;
	const client = await CollectorClient.from(options);
	const before: PointView = await client.get(vmPath(vm, "points", from.time), {}, signal);
	const after: PointView = await client.get(vmPath(vm, "points", to.time), {}, signal);
	const pairs = pair(vm, before, after, disk);
	if (blocks) await showBlocks(client, pairs, json, output, signal);
	else await showFiles(client, { old, now }, pairs, json, output, signal);
}

function pair(vm: string, before: PointView, after: PointView, wanted: string | undefined): DiskPair[] {
	const at = (point: PointView, name: string): DiskAtPoint | undefined => {
		const found = point.disks.find(({ disk }) => disk === name);
		return found === undefined ? undefined : { vm, time: point.time, disk: name, sizeBytes: found.sizeBytes };
	};
	const names = new Set([...after.disks, ...before.disks].map(({ disk }) => disk));
	const pairs: DiskPair[] = [];
	for (const name of wanted === undefined ? names : [wanted]) {
		const [old, now] = [at(before, name), at(after, name)];
		if (old !== undefined && now !== undefined) {
			pairs.push({ before: old, after: now });
			continue;
		}
		const missing = [...(old === undefined ? [before] : []), ...(now === undefined ? [after] : [])];
		const times = missing.map(({ time }) => isoTime(time)).join(" nor at ");
		const message = `VM ${vm} had no disk ${JSON.stringify(name)} at ${times}`;
		if (wanted !== undefined) throw new UmbraError("not-found", message, { hint: `it had ${[...names].join(", ")}` });
		warn(message);
	}
	if (pairs.length === 0) throw new UmbraError("not-found", `the two points of VM ${vm} have no disk in common`);
	return pairs;
}

async function showBlocks(
	client: CollectorClient,
	pairs: readonly DiskPair[],
	json: boolean,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	let [ranges, bytes] = [0, 0];
	for (const { before, after } of pairs) {
		for await (const { offset, length, zero } of dirtyExtents(client, after, before.time, signal)) {
			ranges++;
			bytes += length;
			const written = output.line(
				json
					? JSON.stringify({ disk: after.disk, offset, length, zero })
					: `${printable(after.disk)}  ${offset}  ${length}${zero ? "  zeroes now" : ""}`,
			);
			if (written !== undefined) await written;
		}
		if (before.sizeBytes === after.sizeBytes || json) continue;
		const sizes = `${formatBytes(before.sizeBytes)} -> ${formatBytes(after.sizeBytes)}`;
		await output.line(`${printable(after.disk)}  resized, ${sizes}`);
	}
	if (!json)
		await output.line(`${ranges} ${ranges === 1 ? "range" : "ranges"}, ${formatBytes(bytes)} in blocks that differ`);
}

/**
 * The disks are read from here, as images are, so that both kinds of `umbra diff` tell the same. Only blocks that differ
 * are compared; metadata that is the same in both travels once.
 */
async function showFiles(
	client: CollectorClient,
	{ old, now }: { readonly old: string; readonly now: string },
	pairs: readonly DiskPair[],
	json: boolean,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	await using opened = new AsyncDisposableStack();
	const [before, after]: [NamedSource[], NamedSource[]] = [[], []];
	const changed: Ranges[] = [];
	for (const each of pairs) {
		const name = each.after.disk;
		const dirty = new MergedRanges(MAX_RANGES);
		for await (const { offset, length } of dirtyExtents(client, each.after, each.before.time, signal)) {
			dirty.add(offset, length);
		}
		// What a disk lost beyond its end is no range of it any more.
		const end = Math.floor(each.after.sizeBytes / BLOCK_SIZE) * BLOCK_SIZE;
		if (each.before.sizeBytes > each.after.sizeBytes) dirty.add(end, each.before.sizeBytes - end);
		const first = opened.use(cacheSource(collectorDisk(client, each.before), { limitBytes: CACHE_BYTES }));
		const second = sharing(first, collectorDisk(client, each.after), dirty.ranges);
		before.push({ name, source: first });
		after.push({ name, source: opened.use(cacheSource(second, { limitBytes: CACHE_BYTES })) });
		changed.push(dirty.ranges);
	}
	const within = async (at: number): Promise<Ranges | undefined> => changed[at];
	await showDiff({ old, now, before, after, within }, json, output, signal);
}

/** Ascending ranges, so many at most: neighbours become one where there are more. */
export class MergedRanges {
	readonly #limit: number;
	#ranges: number[] = [];
	/** Ranges that are no further apart are one. */
	#gap = 0;

	constructor(limit: number) {
		this.#limit = limit;
	}

	get ranges(): Ranges {
		return this.#ranges;
	}

	add(offset: number, length: number): void {
		this.#append(this.#ranges, offset, length);
		while (this.#ranges.length / 2 > this.#limit) {
			this.#gap = Math.max(BLOCK_SIZE, this.#gap * 2);
			const merged: number[] = [];
			for (let at = 0; at < this.#ranges.length; at += 2)
				this.#append(merged, this.#ranges[at]!, this.#ranges[at + 1]!);
			this.#ranges = merged;
		}
	}

	#append(ranges: number[], offset: number, length: number): void {
		const last = ranges.length - 2;
		if (last >= 0 && offset - (ranges[last]! + ranges[last + 1]!) <= this.#gap) {
			ranges[last + 1] = offset + length - ranges[last]!;
		} else ranges.push(offset, length);
	}
}
