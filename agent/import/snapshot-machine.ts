/** A snapshot that was there as a machine whose disks are captured: each is served by a `qemu-nbd` of its own. */
import { stat } from "node:fs/promises";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { openFile, translateFileError } from "../../disk/source/file.ts";
import { differingRanges, type Qcow2Image, type Qcow2State, readQcow2 } from "../../disk/source/qcow2.ts";
import { ALLOCATION_DEPTH, type ServedImage, serveWithQemuNbd } from "../../disk/source/qemu-nbd.ts";
import { NO_BITMAP } from "../hypervisor/bitmaps.ts";
import type { DiskInfo, Machine, Snapshot, SnapshotDisk, SnapshotRequest, Tracking } from "../hypervisor/hypervisor.ts";
import type { DiskState } from "./images.ts";
import type { PlannedPoint } from "./plan.ts";

const ALL: Tracking = { kind: "lost", reason: "imported" };

export class SnapshotMachine implements Machine {
	readonly name: string;
	readonly uuid = "";
	readonly gone = new AbortController().signal;
	readonly #point: PlannedPoint;
	readonly #timeNs: bigint;
	readonly #since: PlannedPoint | undefined;

	/**
	 * @param timeNs that the point shall be of
	 * @param since what was read last, in this run: then what the images say of their differences to it is believed
	 */
	constructor(vm: string, point: PlannedPoint, timeNs: bigint, since?: PlannedPoint) {
		this.name = vm;
		this.#point = point;
		this.#timeNs = timeNs;
		this.#since = since;
	}

	state = async () => "unknown" as const;

	/** Nothing runs that could be measured. */
	async read(): Promise<never> {
		throw new UmbraError("unsupported", `${this.name}: a snapshot has no counters`);
	}

	async disks(): Promise<DiskInfo[]> {
		return this.#point.disks.map(infoOf);
	}

	/** @throws UmbraError `conflict` where a running VM has an image, or it was written to since it was looked at; `truncated`. */
	async openSnapshot({ signal }: SnapshotRequest): Promise<Snapshot> {
		await using opened = new AsyncDisposableStack();
		const disks: SnapshotDisk[] = [];
		for (const state of this.#point.disks) {
			const { path, format, isDevice, snapshot, sizeBytes } = state;
			const served = opened.use(await serveWithQemuNbd(path, { format, isDevice, snapshot, signal }));
			// From here on nobody else may write to it.
			if (snapshot === undefined && !(await isUntouched(state))) {
				throw new UmbraError("conflict", `${path}: was written to since it was looked at`, {
					context: { path },
					hint: "import it again, when whatever writes to it has ended",
				});
			}
			const { size } = served.client;
			if (size < sizeBytes) {
				throw new UmbraError("truncated", `${path}: has ${size} bytes of the disk, wanted ${sizeBytes}`, {
					context: { path, found: size, wanted: sizeBytes },
				});
			}
			const before = this.#since?.disks.find(({ disk }) => disk === state.disk);
			disks.push({
				disk: infoOf(state),
				isLonger: true,
				socketPath: served.socketPath,
				exportName: "",
				tracking: before === undefined ? ALL : await trackingOf(state, before, served, signal),
				token: NO_BITMAP,
			});
		}
		const owned = opened.move();
		return {
			timeNs: this.#timeNs,
			pauseNs: 0n,
			consistency: "crash",
			disks,
			keep: () => {},
			[Symbol.asyncDispose]: () => owned.disposeAsync(),
		};
	}
}

function infoOf({ disk, sizeBytes, format }: DiskState): DiskInfo {
	return { id: disk, size: sizeBytes, format };
}

/** Where a state can differ from one that was read before it; all of it where that cannot be told cheaply. */
async function trackingOf(
	state: DiskState,
	before: DiskState,
	served: ServedImage,
	signal: AbortSignal | undefined,
): Promise<Tracking> {
	try {
		const ranges =
			before.path === state.path
				? await rangesWithin(state, before, signal)
				: await rangesAbove(state, before, served, signal);
		return ranges === undefined ? ALL : { kind: "listed", ranges };
	} catch (error) {
		// Whatever is wrong with it shows when it is read.
		if (!isUmbraError(error, "corrupt", "truncated", "limit", "unsupported", "not-found")) throw error;
		return ALL;
	}
}

/** Of two states of one qcow2 image. */
async function rangesWithin(
	state: DiskState,
	before: DiskState,
	signal: AbortSignal | undefined,
): Promise<readonly number[] | undefined> {
	if (state.format !== "qcow2") return undefined;
	await using file = await openFile(state.path);
	const image = await readQcow2(file, signal);
	const [old, now] = [stateIn(image, before), stateIn(image, state)];
	if (old === undefined || now === undefined) return undefined;
	// What it was read as may since have been written over.
	if (before.snapshot === undefined && !(await isUntouched(before))) return undefined;
	return await differingRanges(file, image, old, now, signal);
}

/** As the image has it now, if it is still the same. */
function stateIn(image: Qcow2Image, { snapshot }: DiskState): Qcow2State | undefined {
	if (snapshot === undefined) return image.present;
	return image.snapshots.find(
		({ id, name, l1Offset, timeNs }) =>
			id === snapshot.id && name === snapshot.name && l1Offset === snapshot.l1Offset && timeNs === snapshot.timeNs,
	);
}

/** Of an image and one that it lies upon: what the images above that one have themselves. */
async function rangesAbove(
	state: DiskState,
	before: DiskState,
	{ client }: ServedImage,
	signal: AbortSignal | undefined,
): Promise<readonly number[] | undefined> {
	const above = state.chain.indexOf(before.path);
	if (above < 1 || state.snapshot !== undefined || before.snapshot !== undefined) return undefined;
	if (!client.contexts.has(ALLOCATION_DEPTH) || !(await isUntouched(before))) return undefined;
	const ranges: number[] = [];
	const size = Math.min(client.size, state.sizeBytes);
	for (const { offset, length, flags } of await client.statusExtents(ALLOCATION_DEPTH, 0, size, signal)) {
		if (flags >= 1 && flags <= above) ranges.push(offset, length);
	}
	return ranges;
}

async function isUntouched({ path, isDevice, modifiedNs }: DiskState): Promise<boolean> {
	if (isDevice) return true;
	try {
		return (await stat(path, { bigint: true })).mtimeNs === modifiedNs;
	} catch (error) {
		throw translateFileError(path, error);
	}
}
