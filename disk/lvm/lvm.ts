/**
 * `disk/lvm/` reads LVM2: from the ranges of disks that are *physical volumes* to the *logical volumes* that a
 * *volume group* makes of their extents. A group's description, the *metadata*, stands as text in a ring buffer on
 * some or all of its physical volumes; every change raises its `seqno` and is written to all of them, so that after a
 * crash the highest valid one counts. This folder knows nothing of what a logical volume holds.
 */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Segments } from "../segments.ts";
import { allocateRead } from "../source/range.ts";
import type { BlockSource } from "../source/source.ts";
import { type LogicalVolume, parseGroup, type VolumeGroup } from "./group.ts";
import { LABEL_SCAN_SECTORS, lvmCrc, parseLabel, parseMdaHeader, SECTOR } from "./label.ts";
import { Layout, type PvPlace } from "./layout.ts";
import { readPreference } from "./raid1.ts";

const MDA_HEADER_SIZE = 512;
/** Enough to see what is wrong. */
const MAX_PROBLEMS = 64;
/** Linux gives all device-mapper devices one range of minors; a group with more volumes shows the first. */
const MAX_VOLUMES = 4096;

/** A range of a disk that is labelled as a physical volume. */
export interface PhysicalMember extends PvPlace {
	/** Its bytes. */
	readonly source: BlockSource;
	/** For people. */
	readonly name: string;
}

export interface LogicalPlace {
	/** "group/volume". */
	readonly id: string;
	/** Stays with the volume when it is renamed, resized or moved. */
	readonly uuid: string;
	/** Bytes. */
	readonly length: number;
	/** Where it lies, or why that is not known: `unavailable`, `unsupported`, `corrupt`, `truncated`, `limit`. */
	readonly segments: Segments | UmbraError;
	/** What an unreadable one is: "thin", "thin-pool", "cache", ... as lvs calls the type. */
	readonly type: string;
}

export interface LogicalPlaces {
	/** The visible ones, by group and then in the order of the metadata. */
	readonly volumes: readonly LogicalPlace[];
	readonly problems: readonly UmbraError[];
}

interface Found {
	readonly member: PhysicalMember;
	readonly uuid: string;
}

/**
 * Finds the logical volumes of all groups of these physical volumes.
 *
 * @throws UmbraError `unavailable` where a disk cannot be read; never for what is on it.
 */
export async function readLogicalVolumes(
	members: readonly PhysicalMember[],
	signal?: AbortSignal,
): Promise<LogicalPlaces> {
	const problems: UmbraError[] = [];
	const note = (problem: UmbraError): void => {
		if (problems.length < MAX_PROBLEMS) problems.push(problem);
	};
	const places = new Map<string, Found>();
	const groups = new Map<string, VolumeGroup>();
	for (const member of members) {
		await attempt(note, async () => {
			const found = await readMember(member, groups, note, signal);
			const twin = places.get(found.uuid);
			if (twin === undefined) places.set(found.uuid, found);
			else {
				note(
					new UmbraError(
						"conflict",
						`${member.name}: the same physical volume as ${twin.member.name}, which is used instead`,
						{ context: { structure: "LVM2", path: member.name, found: found.uuid } },
					),
				);
			}
		});
	}
	const volumes: LogicalPlace[] = [];
	const names = new Set<string>();
	for (const group of [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
		// Two groups of one name can meet in a copied disk: the second goes by its UUID, as vgrename takes it.
		let name = group.name;
		if (names.has(name)) {
			name = group.uuid;
			note(
				new UmbraError("conflict", `two volume groups are called ${group.name}; one is listed as ${name}`, {
					context: { structure: "LVM2", found: group.name },
				}),
			);
		}
		names.add(name);
		await readGroup(name, group, members, places, volumes, note, signal);
	}
	return { volumes, problems };
}

async function readGroup(
	name: string,
	group: VolumeGroup,
	members: readonly PhysicalMember[],
	found: ReadonlyMap<string, Found>,
	volumes: LogicalPlace[],
	note: (problem: UmbraError) => void,
	signal: AbortSignal | undefined,
): Promise<void> {
	const places = new Map<string, PvPlace>();
	for (const { uuid } of group.physicalVolumes.values()) {
		const member = found.get(uuid)?.member;
		if (member !== undefined) places.set(uuid, member);
	}
	const preference = await readPreference(group, places, members, note, signal);
	const layout = new Layout(group, places, preference);
	for (const volume of group.logicalVolumes.values()) {
		if (!volume.isVisible) continue;
		if (volumes.length === MAX_VOLUMES) {
			note(
				new UmbraError("limit", `more than ${MAX_VOLUMES} logical volumes; the others are left out`, {
					context: { structure: "LVM2", wanted: MAX_VOLUMES },
				}),
			);
			return;
		}
		const { segments, type } = placeOf(layout, volume);
		const last = volume.segments.at(-1);
		const length = last === undefined ? 0 : (last.start + last.count) * group.extentSize;
		volumes.push({ id: `${name}/${volume.name}`, uuid: volume.uuid, length, segments, type });
	}
}

function placeOf(layout: Layout, volume: LogicalVolume): { segments: Segments | UmbraError; type: string } {
	const type = volume.segments[0]?.type ?? "";
	try {
		return { segments: layout.of(volume.name), type };
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return { segments: error, type: error.code === "unsupported" ? String(error.context.found) : type };
	}
}

/** Reads one physical volume's label and keeps the newest metadata of each group. */
async function readMember(
	member: PhysicalMember,
	groups: Map<string, VolumeGroup>,
	note: (problem: UmbraError) => void,
	signal: AbortSignal | undefined,
): Promise<Found> {
	const { source } = member;
	const head = await source.read(0, Math.min(source.size, LABEL_SCAN_SECTORS * SECTOR), signal);
	const { pvUuid, metadataAreas } = parseLabel(head, source.size);
	for (const area of metadataAreas) {
		await attempt(note, async () => {
			const header = await source.read(area.offset, MDA_HEADER_SIZE, signal);
			const location = parseMdaHeader(header, area);
			if (location === undefined) return;
			const bytes = allocateRead(member.name, area.offset, location.size);
			let at = 0;
			for (const { offset, size } of location.parts) {
				bytes.set(await source.read(offset, size, signal), at);
				at += size;
			}
			const crc = lvmCrc(bytes);
			if (crc !== location.checksum) {
				throw new UmbraError(
					"corrupt",
					`${member.name}: LVM2 metadata: checksum is ${crc}, wanted ${location.checksum}`,
					{
						context: {
							structure: "LVM2 metadata",
							offset: location.parts[0]!.offset,
							found: crc,
							wanted: location.checksum,
						},
					},
				);
			}
			const group = parseGroup(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
			const known = groups.get(group.uuid);
			if (known === undefined || group.seqno > known.seqno) groups.set(group.uuid, group);
		});
	}
	return { member, uuid: pvUuid };
}

/** Runs `read`; what is wrong on a disk is a problem, that it cannot be read is an end. */
async function attempt(note: (problem: UmbraError) => void, read: () => Promise<void>): Promise<void> {
	try {
		await read();
	} catch (error) {
		if (!isUmbraError(error) || error.code === "unavailable") throw error;
		note(error);
	}
}
