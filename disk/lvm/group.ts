/** What a volume group's metadata says, checked: physical volumes, logical volumes and their segments, in bytes. */
import { UmbraError } from "../../common/errors.ts";
import { SECTOR } from "./label.ts";
import { parseText, type Scalar, type Section, type Value } from "./text.ts";

/** As LVM2's NAME_LEN less the NUL; a name is also a path component. */
const NAME = /^[a-zA-Z0-9+_.-]{1,127}$/;
/** Extents are counted in 32 bits. */
const MAX_EXTENTS = 2 ** 32;
/** Beyond any that lvm makes; one segment an extent at the worst. Bounds what is kept of a hostile text. */
const MAX_SEGMENTS = 2 ** 17;

export interface PhysicalVolume {
	/** As the group's text calls it: "pv0". */
	readonly name: string;
	/** 32 characters, without dashes. */
	readonly uuid: string;
	/** The device that it was, for people. */
	readonly device: string;
	/** Lvm gave it up: what is on it may be old, even if it is there again. */
	readonly isMissing: boolean;
	/** Bytes from the start of the physical volume to its first extent. */
	readonly start: number;
	readonly extents: number;
}

/** A range of a physical or another logical volume. */
export interface Area {
	readonly name: string;
	/** Extents. */
	readonly start: number;
}

export interface LogicalSegment {
	/** Extents. */
	readonly start: number;
	readonly count: number;
	/** As in the text: "striped", "raid1", "thin-pool", ... */
	readonly type: string;
	/** Bytes; 0 with one stripe. */
	readonly stripeSize: number;
	/** Stripes, or the copies of a mirror; empty for the types that we do not read. */
	readonly areas: readonly Area[];
	/** Of a RAID with metadata volumes: their names, beside `areas`. */
	readonly metadata: readonly string[];
	/** Volumes that this segment uses in another way than through `areas`, by key: "cow_store", "origin". */
	readonly uses: ReadonlyMap<string, string>;
}

export interface LogicalVolume {
	readonly name: string;
	/** 32 characters, without dashes. */
	readonly uuid: string;
	readonly isVisible: boolean;
	/** Being rebuilt from its siblings: not to be read. */
	readonly isRebuilding: boolean;
	/** Ascending, from extent 0 and without gaps. */
	readonly segments: readonly LogicalSegment[];
	/** Why its segments make no sense; it then has none. */
	readonly problem: UmbraError | undefined;
}

export interface VolumeGroup {
	readonly name: string;
	/** 32 characters, without dashes. */
	readonly uuid: string;
	/** Counts the changes: the highest is the newest. */
	readonly seqno: number;
	/** Bytes. */
	readonly extentSize: number;
	/** By name. */
	readonly physicalVolumes: ReadonlyMap<string, PhysicalVolume>;
	/** By name. */
	readonly logicalVolumes: ReadonlyMap<string, LogicalVolume>;
}

/**
 * @param text of one metadata area, whose checksum was right.
 * @throws UmbraError `corrupt`, `limit`, `unsupported` for another format. A volume that makes no sense has a
 * `problem` instead.
 */
export function parseGroup(text: string): VolumeGroup {
	const root = parseText(text);
	if (root.get("contents") !== "Text Format Volume Group") {
		throw wrong("", "contents", root.get("contents"), "Text Format Volume Group");
	}
	if (root.get("version") !== 1) {
		throw new UmbraError("unsupported", `LVM2 metadata: version ${shown(root.get("version"))}, wanted 1`, {
			context: { structure: "LVM2 metadata", field: "version", wanted: 1 },
		});
	}
	const entry = [...root].find(([, value]) => isSection(value));
	if (entry === undefined) throw wrong("", "the volume group", undefined, "a section");
	const [name, group] = entry as [string, Section];
	if (!NAME.test(name)) throw wrong("", "the volume group", name, "a name");
	const extentSize = natural(group, "extent_size", name, 1, MAX_EXTENTS) * SECTOR;
	const physicalVolumes = new Map<string, PhysicalVolume>();
	for (const [pv, value] of sections(group, "physical_volumes")) {
		const field = `${name}/${pv}`;
		const start = natural(value, "pe_start", field, 0, Number.MAX_SAFE_INTEGER / SECTOR) * SECTOR;
		physicalVolumes.set(pv, {
			name: pv,
			uuid: uuid(value, field),
			device: typeof value.get("device") === "string" ? (value.get("device") as string) : "",
			isMissing: words(value, "flags").includes("MISSING") || words(value, "status").includes("MISSING"),
			start,
			extents: natural(value, "pe_count", field, 0, MAX_EXTENTS),
		});
	}
	const logicalVolumes = new Map<string, LogicalVolume>();
	const budget = { segments: MAX_SEGMENTS };
	for (const [lv, value] of sections(group, "logical_volumes")) {
		if (!NAME.test(lv)) throw wrong(name, "a logical volume", lv, "a name");
		logicalVolumes.set(lv, readVolume(name, lv, value, extentSize, budget));
	}
	return {
		name,
		uuid: uuid(group, name),
		seqno: natural(group, "seqno", name, 0, Number.MAX_SAFE_INTEGER),
		extentSize,
		physicalVolumes,
		logicalVolumes,
	};
}

function readVolume(
	group: string,
	name: string,
	section: Section,
	extentSize: number,
	budget: { segments: number },
): LogicalVolume {
	const field = `${group}/${name}`;
	const status = words(section, "status");
	let segments: LogicalSegment[] = [];
	let problem: UmbraError | undefined;
	try {
		segments = readSegments(field, section, extentSize, budget);
	} catch (error) {
		if (!(error instanceof UmbraError)) throw error;
		problem = error;
	}
	return {
		name,
		uuid: uuid(section, field),
		isVisible: status.includes("VISIBLE"),
		isRebuilding: status.includes("REBUILD"),
		segments,
		problem,
	};
}

function readSegments(
	field: string,
	section: Section,
	extentSize: number,
	budget: { segments: number },
): LogicalSegment[] {
	const count = natural(section, "segment_count", field, 0, MAX_SEGMENTS);
	budget.segments -= count;
	if (budget.segments < 0) {
		throw new UmbraError("limit", `LVM2 ${field}: more than ${MAX_SEGMENTS} segments in its group`, {
			context: { structure: "LVM2 metadata", field, wanted: MAX_SEGMENTS },
		});
	}
	const segments: LogicalSegment[] = [];
	for (let number = 1; number <= count; number++) {
		const value = section.get(`segment${number}`);
		if (!isSection(value)) throw wrong(field, `segment${number}`, value, "a section");
		segments.push(readSegment(`${field}/segment${number}`, value, extentSize));
	}
	segments.sort((a, b) => a.start - b.start);
	let end = 0;
	for (const { start, count: extents } of segments) {
		if (start !== end) throw wrong(field, "start_extent", start, end);
		end += extents;
	}
	if (end > MAX_EXTENTS || !Number.isSafeInteger(end * extentSize)) {
		throw wrong(field, "extent_count", end, "less than 2^53 bytes");
	}
	return segments;
}

function readSegment(field: string, section: Section, extentSize: number): LogicalSegment {
	const start = natural(section, "start_extent", field, 0, MAX_EXTENTS);
	const count = natural(section, "extent_count", field, 1, MAX_EXTENTS);
	const type = section.get("type");
	if (typeof type !== "string") throw wrong(field, "type", type, "a string");
	const uses = new Map<string, string>();
	for (const [key, value] of section) if (typeof value === "string") uses.set(key, value);
	const segment = { start, count, type, stripeSize: 0, areas: [], metadata: [], uses };
	switch (type) {
		case "striped":
		case "linear": {
			const areas = placedAreas(section, "stripes", field);
			return { ...segment, areas, stripeSize: stripeSize(section, areas.length, count, extentSize, field) };
		}
		case "mirror":
			return { ...segment, areas: placedAreas(section, "mirrors", field) };
		case "raid0": {
			const areas = names(section, "raid0_lvs", field).map((name) => ({ name, start: 0 }));
			return { ...segment, areas, stripeSize: stripeSize(section, areas.length, count, extentSize, field) };
		}
		case "raid0_meta":
		case "raid1": {
			const { areas, metadata } = raidAreas(section, field);
			const size = type === "raid1" ? 0 : stripeSize(section, areas.length, count, extentSize, field);
			return { ...segment, areas, metadata, stripeSize: size };
		}
		default:
			return segment;
	}
}

/** `["pv0", 0, "pv1", 25]`: names and first extents in turn. */
function placedAreas(section: Section, key: string, field: string): Area[] {
	const values = list(section, key, field);
	const areas: Area[] = [];
	for (let at = 0; at < values.length; at += 2) {
		const name = values[at];
		const start = values[at + 1];
		if (typeof name !== "string") throw wrong(field, key, name, "a name");
		if (typeof start !== "number" || !Number.isSafeInteger(start) || start < 0 || start > MAX_EXTENTS) {
			throw wrong(field, key, start, "an extent");
		}
		areas.push({ name, start });
	}
	if (areas.length === 0) throw wrong(field, key, "nothing", "names and extents");
	return areas;
}

/** `["lv_rmeta_0", "lv_rimage_0", ...]`. */
function raidAreas(section: Section, field: string): { areas: Area[]; metadata: string[] } {
	const found = names(section, "raids", field);
	if (found.length % 2 !== 0) throw wrong(field, "raids", `${found.length} names`, "pairs");
	return {
		areas: found.filter((_, at) => at % 2 === 1).map((name) => ({ name, start: 0 })),
		metadata: found.filter((_, at) => at % 2 === 0),
	};
}

function stripeSize(section: Section, stripes: number, count: number, extentSize: number, field: string): number {
	if (stripes === 1) return 0;
	const size = natural(section, "stripe_size", field, 1, MAX_EXTENTS) * SECTOR;
	if (count % stripes !== 0) throw wrong(field, "extent_count", count, `a multiple of ${stripes} stripes`);
	// Every stripe of the segment is whole extents; a turn that does not fit them has no meaning.
	if (((count / stripes) * extentSize) % size !== 0) {
		throw wrong(field, "stripe_size", size, `a part of ${(count / stripes) * extentSize} bytes a stripe`);
	}
	return size;
}

function isSection(value: Value | undefined): value is Section {
	return value instanceof Map;
}

function isList(value: Value | undefined): value is readonly Scalar[] {
	return Array.isArray(value);
}

function sections(section: Section, key: string): [string, Section][] {
	const value = section.get(key);
	if (!isSection(value)) return [];
	return [...value].filter((entry): entry is [string, Section] => isSection(entry[1]));
}

function list(section: Section, key: string, field: string): readonly Scalar[] {
	const value = section.get(key);
	if (!isList(value)) throw wrong(field, key, value, "a list");
	return value;
}

function names(section: Section, key: string, field: string): string[] {
	const values = list(section, key, field);
	if (values.length === 0 || !values.every((value) => typeof value === "string")) {
		throw wrong(field, key, "something else", "a list of names");
	}
	return values as string[];
}

function words(section: Section, key: string): readonly Scalar[] {
	const value = section.get(key);
	return isList(value) ? value : [];
}

function natural(section: Section, key: string, field: string, least: number, most: number): number {
	const value = section.get(key);
	if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
		throw wrong(field, key, value, `${least} to ${most}`);
	}
	return value;
}

/** "Abcdef-0123-4567-89ab-cdef-0123-456789" as the 32 characters that a physical volume's header has. */
function uuid(section: Section, field: string): string {
	const value = section.get("id");
	const plain = typeof value === "string" ? value.replaceAll("-", "") : "";
	if (!/^[a-zA-Z0-9!#]{32}$/.test(plain)) throw wrong(field, "id", value, "32 letters and digits");
	return plain;
}

function shown(value: Value | undefined): string {
	return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value === "number" ? `${value}` : "?";
}

function wrong(field: string, key: string, found: Value | undefined, wanted: unknown): UmbraError {
	const where = field === "" ? key : `${field}: ${key}`;
	return new UmbraError("corrupt", `LVM2 metadata: ${where} is ${shown(found)}, wanted ${wanted}`, {
		context: { structure: "LVM2 metadata", field: key, found: shown(found), wanted },
	});
}
