/** Which volume of an earlier tree is the one that stands here now, and which bytes of it changed since. */
import type { NamedSource, Volume } from "./disk.ts";
import type { Ranges } from "./filesystem.ts";
import { type ChangedPages, checkPages, finestSlot, NO_PAGES, PageSlots } from "./map/pages.ts";
import { appendRange } from "./parser/ranges.ts";
import type { Segments } from "./segments.ts";
import type { MachineTree, VolumeTree } from "./tree.ts";

export interface EarlierVolume {
	readonly tree: VolumeTree;
	/** Bytes from its start. */
	changed(): Ranges;
}

export class EarlierVolumes {
	readonly #before: MachineTree;
	readonly #names: readonly string[];
	readonly #pages: readonly ChangedPages[];

	/** @throws UmbraError `internal` for pages that are not ascending multiples of 4096. */
	constructor(before: MachineTree, sources: readonly NamedSource[], changed: ReadonlyMap<string, ChangedPages>) {
		this.#before = before;
		this.#names = sources.map(({ name }) => name);
		this.#pages = this.#names.map((name) => changed.get(name) ?? NO_PAGES);
		for (const pages of this.#pages) checkPages(pages);
	}

	/** One that lies on other blocks than before has no earlier one: what changed in it is not known. */
	find({ kind, uuid, segments }: Volume): EarlierVolume | undefined {
		const place = placeOf(segments, this.#names);
		const names = this.#before.disks.map(({ name }) => name);
		const tree = this.#before.volumes.find(
			(volume) => volume.kind === kind && volume.lvUuid === uuid && placeOf(volume.segments, names) === place,
		);
		if (tree?.scan === undefined) return undefined;
		return { tree, changed: () => this.#changedIn(segments) };
	}

	#changedIn(segments: Segments): number[] {
		const slotSize = finestSlot(
			segments.flatMap(({ start, stripeSize, stripes }) => [start, stripeSize, ...stripes.map(({ offset }) => offset)]),
		);
		const { offsets } = new PageSlots(this.#pages, slotSize).indexOf(segments);
		const ranges: number[] = [];
		for (const offset of offsets) appendRange(ranges, offset, slotSize);
		return ranges;
	}
}

/** The same text for the same blocks of disks of the same names. */
function placeOf(segments: Segments, names: readonly string[]): string {
	return JSON.stringify(
		segments.map(({ start, length, stripeSize, stripes }) => {
			return [start, length, stripeSize, ...stripes.map(({ disk, offset }) => [names[disk], offset])];
		}),
	);
}
