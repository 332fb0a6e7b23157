/** From the states of disks to points: which belong together, in which order they come, what each is called. Pure. */
import { blake3Name, nameToHex } from "../../common/block.ts";
import type { DiskState, TimeFrom } from "./images.ts";
import { naturally } from "./images.ts";

/** All disks of a VM at one time. */
export interface PlannedPoint {
	/** Of its changeset: the same whenever the same snapshots are looked at. */
	readonly id: string;
	/** Unix nanoseconds, ascending from point to point. */
	readonly timeNs: bigint;
	readonly timeFrom: TimeFrom;
	readonly kind: DiskState["kind"];
	readonly name: string;
	/** By the names of the disks. */
	readonly disks: readonly DiskState[];
}

/** No two points of a VM are of one time. */
export const TIME_STEP_NS = 1_000_000n;
/** Snapshots of one name that QEMU makes of all disks of a VM are seconds apart at most. */
const SAME_NAME_NS = 3_600_000_000_000n;
const ID_DIGITS = 32;

/**
 * @param withinNs states of different disks that lie no further apart make one point.
 * @returns oldest first.
 */
export function planPoints(vm: string, states: readonly DiskState[], withinNs: bigint): PlannedPoint[] {
	const groups: DiskState[][] = [];
	for (const state of distinct(states)) {
		const group = groups.findLast((candidate) => belongsTo(candidate, state, withinNs));
		if (group === undefined) groups.push([state]);
		else group.push(state);
	}
	const points = groups.map((group) => pointOf(vm, group)).sort(byTime);
	let earliest = 0n;
	return points.map((point) => {
		const timeNs = point.timeNs < earliest ? earliest : point.timeNs;
		earliest = timeNs + TIME_STEP_NS;
		return { ...point, timeNs };
	});
}

/** Each once, oldest first: a folder may be named with an image in it, an image with one that it lies upon. */
function distinct(states: readonly DiskState[]): DiskState[] {
	const found = new Map<string, DiskState>();
	for (const state of states) {
		const { disk, path, snapshot } = state;
		const key = JSON.stringify([disk, path, snapshot?.id, snapshot?.name]);
		if (!found.has(key)) found.set(key, state);
	}
	return [...found.values()].sort(byTime);
}

function belongsTo(group: readonly DiskState[], state: DiskState, withinNs: bigint): boolean {
	if (group.some(({ disk }) => disk === state.disk)) return false;
	return group.every((other) => {
		const apart = state.timeNs - other.timeNs;
		const isSameSnapshot = state.kind === "snapshot" && other.kind === "snapshot" && state.name === other.name;
		return (apart < 0n ? -apart : apart) <= (isSameSnapshot ? SAME_NAME_NS : withinNs);
	});
}

/** The point is of the time at which the last of its disks was. */
function pointOf(vm: string, group: readonly DiskState[]): PlannedPoint {
	const disks = [...group].sort((a, b) => naturally(a.disk, b.disk));
	const last = disks.reduce((newest, state) => (state.timeNs > newest.timeNs ? state : newest));
	const { kind, name } = disks[0]!;
	return { id: idOf(vm, disks), timeNs: last.timeNs, timeFrom: last.timeFrom, kind, name, disks };
}

function idOf(vm: string, disks: readonly DiskState[]): string {
	const told = disks.map(({ disk, kind, name, snapshot, timeNs, sizeBytes }) => {
		return [disk, kind === "snapshot" ? (snapshot?.id ?? "") : "", name, timeNs.toString(), sizeBytes];
	});
	return `import-${nameToHex(blake3Name(Buffer.from(JSON.stringify([vm, told])))).slice(0, ID_DIGITS)}`;
}

function byTime(
	a: { readonly timeNs: bigint; readonly name: string },
	b: { readonly timeNs: bigint; readonly name: string },
) {
	return a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : naturally(a.name, b.name);
}
