/**
 * Which copy of a RAID1 volume tells the truth. Every copy has a small metadata volume with a superblock, of which
 * `struct dm_raid_superblock` in Linux's drivers/md/dm-raid.c is the reference: a copy that dropped out has a lower
 * event count than those that went on, which note it as failed.
 */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { BlockSource } from "../source/source.ts";
import type { LogicalSegment, LogicalVolume, VolumeGroup } from "./group.ts";
import { Layout, type Preference, type PvPlace } from "./layout.ts";

const MAGIC = 0x64526d44;
const SUPERBLOCK_SIZE = 512;
const NOT_RECOVERING = 0xffffffffffffffffn;
/** Copies of all RAID1 volumes whose superblocks are read. */
const MAX_SUPERBLOCKS = 4096;

export interface RaidSuperblock {
	/** Which copy it is. */
	readonly position: number;
	/** Counts the changes of the array's state. */
	readonly events: bigint;
	/** By position, as bits. */
	readonly failedDevices: bigint;
	/** Whether this copy holds all that it should. */
	readonly isComplete: boolean;
}

/** @returns undefined where there is none: an array that was never started has none yet. */
export function parseRaidSuperblock(bytes: Uint8Array): RaidSuperblock | undefined {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (bytes.length < 40 || view.getUint32(0, true) !== MAGIC) return undefined;
	return {
		position: view.getUint32(12, true),
		events: view.getBigUint64(16, true),
		failedDevices: view.getBigUint64(24, true),
		isComplete: view.getBigUint64(32, true) === NOT_RECOVERING,
	};
}

/**
 * The copies in step, in their order. Those without a superblock count where none has one.
 *
 * @param superblocks by position; undefined where it is missing or cannot be read.
 */
export function copiesInStep(superblocks: readonly (RaidSuperblock | undefined)[]): number[] {
	const positions = superblocks.map((_, position) => position);
	const known = superblocks.filter((superblock) => superblock !== undefined);
	if (known.length === 0) return positions;
	let events = 0n;
	for (const superblock of known) if (superblock.events > events) events = superblock.events;
	const newest = known.filter((superblock) => superblock.events === events);
	return positions.filter((position) => {
		const superblock = superblocks[position];
		if (superblock === undefined || superblock.events !== events || !superblock.isComplete) return false;
		return newest.every(({ failedDevices }) => ((failedDevices >> BigInt(position)) & 1n) === 0n);
	});
}

/** Reads the superblocks of every RAID1 volume of a group. @throws UmbraError `unavailable` from the disks. */
export async function readPreference(
	group: VolumeGroup,
	places: ReadonlyMap<string, PvPlace>,
	members: readonly (PvPlace & { readonly source: BlockSource })[],
	note: (problem: UmbraError) => void,
	signal: AbortSignal | undefined,
): Promise<Preference> {
	const preferred = new Map<LogicalSegment, readonly string[]>();
	const layout = new Layout(group, places, () => []);
	let left = MAX_SUPERBLOCKS;
	const isRebuilding = (name: string): boolean => group.logicalVolumes.get(name)?.isRebuilding === true;
	for (const volume of group.logicalVolumes.values()) {
		for (const segment of volume.segments) {
			if (segment.type !== "raid1") continue;
			const superblocks: (RaidSuperblock | undefined)[] = [];
			for (const name of segment.metadata) {
				superblocks.push(left-- > 0 ? await readSuperblock(layout, name, members, signal) : undefined);
			}
			const inStep = copiesInStep(superblocks)
				.map((position) => segment.areas[position]!.name)
				.filter((name) => !isRebuilding(name));
			if (inStep.length < segment.areas.length) noteLeftOut(group, volume, segment, inStep, superblocks, note);
			preferred.set(segment, inStep);
		}
	}
	return (_, segment) => preferred.get(segment) ?? [];
}

function noteLeftOut(
	group: VolumeGroup,
	volume: LogicalVolume,
	segment: LogicalSegment,
	inStep: readonly string[],
	superblocks: readonly (RaidSuperblock | undefined)[],
	note: (problem: UmbraError) => void,
): void {
	const stale = segment.areas.filter(({ name }, at) => superblocks[at] !== undefined && !inStep.includes(name));
	if (stale.length === 0) return;
	const names = stale.map(({ name }) => name).join(", ");
	note(
		new UmbraError("conflict", `logical volume ${group.name}/${volume.name}: ${names} out of step, not read`, {
			context: { structure: "LVM2", path: `${group.name}/${volume.name}`, found: names },
		}),
	);
}

async function readSuperblock(
	layout: Layout,
	name: string,
	members: readonly (PvPlace & { readonly source: BlockSource })[],
	signal: AbortSignal | undefined,
): Promise<RaidSuperblock | undefined> {
	let place: { disk: number; offset: number } | undefined;
	try {
		place = layout.of(name)[0]?.stripes[0];
	} catch (error) {
		// Its physical volume is missing, or it makes no sense: as if it were not there.
		if (!isUmbraError(error)) throw error;
	}
	if (place === undefined) return undefined;
	const { disk, offset } = place;
	const member = members.find(
		(candidate) =>
			candidate.disk === disk && candidate.offset <= offset && offset < candidate.offset + candidate.length,
	);
	if (member === undefined) return undefined;
	return parseRaidSuperblock(await member.source.read(offset - member.offset, SUPERBLOCK_SIZE, signal));
}
