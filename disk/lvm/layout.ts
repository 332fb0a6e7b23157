/** From what a group's metadata says to where on the disks a logical volume's bytes lie. */
import { UmbraError } from "../../common/errors.ts";
import type { Segment, Segments } from "../segments.ts";
import type { Area, LogicalSegment, LogicalVolume, PhysicalVolume, VolumeGroup } from "./group.ts";

/** Volumes made of volumes: a mirror of images during a pvmove is three deep. */
const MAX_DEPTH = 8;
/** Segments of all volumes of a group together: volumes that use each other twice would double with every level. */
const MAX_SEGMENTS = 2 ** 18;

/** Where a physical volume lies. */
export interface PvPlace {
	readonly disk: number;
	/** Bytes from the start of that disk. */
	readonly offset: number;
	readonly length: number;
}

/** Which copies of a RAID1 may be read, best first, by the names of their volumes; those not named may not. */
export type Preference = (raid: LogicalVolume, segment: LogicalSegment) => readonly string[];

export class Layout {
	readonly #group: VolumeGroup;
	readonly #places: ReadonlyMap<string, PvPlace>;
	readonly #prefer: Preference;
	readonly #done = new Map<string, Segments | UmbraError>();
	readonly #cowStores = new Map<string, string>();
	readonly #merging = new Set<string>();
	#budget = MAX_SEGMENTS;

	/** @param places by the UUID of the physical volume; those that are not there are missing. */
	constructor(group: VolumeGroup, places: ReadonlyMap<string, PvPlace>, prefer: Preference) {
		this.#group = group;
		this.#places = places;
		this.#prefer = prefer;
		for (const { segments } of group.logicalVolumes.values()) {
			for (const { type, uses } of segments) {
				if (type !== "snapshot") continue;
				const origin = uses.get("origin") ?? "";
				const store = uses.get("cow_store") ?? uses.get("merging_store") ?? "";
				this.#cowStores.set(store, origin);
				if (uses.has("merging_store")) this.#merging.add(origin);
			}
		}
	}

	/**
	 * @throws UmbraError `unavailable` where a physical volume is missing, `unsupported` for a type that is not
	 * read (`context.found` is the type), `corrupt`, `truncated`, `limit`.
	 */
	of(name: string): Segments {
		return this.#resolve(name, 0);
	}

	#resolve(name: string, depth: number): Segments {
		const known = this.#done.get(name);
		if (known instanceof UmbraError) throw known;
		if (known !== undefined) return known;
		const volume = this.#group.logicalVolumes.get(name);
		if (volume === undefined) throw this.#error("corrupt", name, "is used but not there", "a volume");
		if (depth >= MAX_DEPTH) throw this.#error("limit", name, `lies deeper than ${MAX_DEPTH} volumes`, "a ring");
		try {
			const segments = this.#build(volume, depth);
			this.#done.set(name, segments);
			return segments;
		} catch (error) {
			// Not for a limit: it depends on the way that led here.
			if (error instanceof UmbraError && error.code !== "limit") this.#done.set(name, error);
			throw error;
		}
	}

	#build(volume: LogicalVolume, depth: number): Segments {
		if (volume.problem !== undefined) throw volume.problem;
		const origin = this.#cowStores.get(volume.name);
		if (origin !== undefined) throw this.#unsupported(volume.name, "snapshot", `a snapshot of ${origin}`);
		if (this.#merging.has(volume.name)) {
			throw this.#unsupported(volume.name, "snapshot-merge", "being merged with a snapshot");
		}
		const segments: Segment[] = [];
		const { extentSize } = this.#group;
		for (const segment of volume.segments) {
			const start = segment.start * extentSize;
			const length = segment.count * extentSize;
			for (const piece of this.#place(volume, segment, length, depth)) {
				if (--this.#budget < 0) {
					throw this.#error("limit", volume.name, `more than ${MAX_SEGMENTS} segments in the group`, "fewer");
				}
				append(segments, { ...piece, start: start + piece.start });
			}
		}
		return segments;
	}

	#place(volume: LogicalVolume, segment: LogicalSegment, length: number, depth: number): readonly Segment[] {
		const { type, areas, stripeSize } = segment;
		switch (type) {
			case "striped":
			case "linear":
			case "raid0":
			case "raid0_meta": {
				if (areas.length === 1) return this.#area(volume, areas[0]!, length, depth);
				const stripes = areas.map((area) => {
					const [only, another] = this.#area(volume, area, length / areas.length, depth);
					if (only === undefined || another !== undefined || only.stripes.length > 1) {
						throw this.#unsupported(volume.name, type, `whose stripe ${area.name} is in pieces`);
					}
					return only.stripes[0]!;
				});
				return [{ start: 0, length, stripeSize, stripes }];
			}
			case "mirror":
				return this.#firstOf(volume, areas, length, depth);
			case "raid1": {
				const preferred = this.#prefer(volume, segment);
				const usable = preferred.flatMap((name) => areas.filter((area) => area.name === name));
				if (usable.length === 0) throw this.#error("unavailable", volume.name, "no copy is in step", "one that is");
				return this.#firstOf(volume, usable, length, depth);
			}
			default: {
				const base = type.split("+", 1)[0]!;
				throw this.#unsupported(volume.name, base, `a volume of type ${type}`);
			}
		}
	}

	/** The first copy that can be read. */
	#firstOf(volume: LogicalVolume, areas: readonly Area[], length: number, depth: number): readonly Segment[] {
		let failure: UmbraError | undefined;
		for (const area of areas) {
			try {
				return this.#area(volume, area, length, depth);
			} catch (error) {
				if (!(error instanceof UmbraError)) throw error;
				failure ??= error;
			}
		}
		throw failure ?? this.#error("corrupt", volume.name, "has no copies", "at least one");
	}

	#area(volume: LogicalVolume, area: Area, length: number, depth: number): readonly Segment[] {
		const physical = this.#group.physicalVolumes.get(area.name);
		const start = area.start * this.#group.extentSize;
		if (physical !== undefined) return [this.#physical(volume, physical, area, length)];
		const below = this.#resolve(area.name, depth + 1);
		const pieces = cut(below, start, length);
		if (pieces === undefined) {
			throw this.#error("corrupt", volume.name, `uses ${area.name} beyond its end`, `${start + length} bytes`);
		}
		return pieces;
	}

	#physical(volume: LogicalVolume, physical: PhysicalVolume, area: Area, length: number): Segment {
		const place = this.#places.get(physical.uuid);
		const label = `${physical.name} (${physical.device || "unknown device"}, ${physical.uuid})`;
		if (place === undefined) {
			throw this.#error("unavailable", volume.name, `its physical volume ${label} is not here`, physical.uuid);
		}
		if (physical.isMissing) {
			throw this.#error("unavailable", volume.name, `its physical volume ${label} is marked as missing`, "in use");
		}
		const { extentSize } = this.#group;
		const from = physical.start + area.start * extentSize;
		if (area.start + length / extentSize > physical.extents) {
			throw this.#error("corrupt", volume.name, `beyond the extents of ${label}`, physical.extents);
		}
		if (!Number.isSafeInteger(from + length) || from + length > place.length) {
			throw this.#error("truncated", volume.name, `beyond the end of ${label}`, `${place.length} bytes`);
		}
		return { start: 0, length, stripeSize: 0, stripes: [{ disk: place.disk, offset: place.offset + from }] };
	}

	#unsupported(name: string, type: string, what: string): UmbraError {
		return new UmbraError("unsupported", `logical volume ${this.#group.name}/${name}: ${what} cannot be read`, {
			context: {
				structure: "LVM2",
				path: `${this.#group.name}/${name}`,
				found: type,
				wanted: "linear, striped, raid1",
			},
		});
	}

	#error(
		code: "corrupt" | "truncated" | "limit" | "unavailable",
		name: string,
		what: string,
		wanted: unknown,
	): UmbraError {
		return new UmbraError(code, `logical volume ${this.#group.name}/${name}: ${what}`, {
			context: { structure: "LVM2", path: `${this.#group.name}/${name}`, found: what, wanted },
		});
	}
}

/** `[start, start + length)` of a volume as segments from 0; undefined where it is not all there or cuts a stripe. */
function cut(segments: Segments, start: number, length: number): Segment[] | undefined {
	const pieces: Segment[] = [];
	let done = 0;
	for (const segment of segments) {
		const from = Math.max(start, segment.start);
		const to = Math.min(start + length, segment.start + segment.length);
		if (to <= from) continue;
		const { stripes, stripeSize } = segment;
		const within = from - segment.start;
		if (stripes.length > 1) {
			const stride = stripeSize * stripes.length;
			if (within % stride !== 0 || (to - from) % stride !== 0) return undefined;
		}
		const moved = stripes.map(({ disk, offset }) => ({ disk, offset: offset + within / stripes.length }));
		pieces.push({ start: from - start, length: to - from, stripeSize, stripes: moved });
		done += to - from;
	}
	return done === length ? pieces : undefined;
}

/** Neighbours that continue on the disk are one segment: volumes grow extent by extent. */
function append(segments: Segment[], next: Segment): void {
	const last = segments.at(-1);
	if (
		last !== undefined &&
		last.stripeSize === next.stripeSize &&
		last.stripes.length === next.stripes.length &&
		last.stripes.every(({ disk, offset }, at) => {
			const other = next.stripes[at]!;
			return disk === other.disk && offset + last.length / last.stripes.length === other.offset;
		})
	) {
		segments[segments.length - 1] = { ...last, length: last.length + next.length };
	} else segments.push(next);
}
