/** Damages the disks of one subject again and again, and reads all of each: what the fuzz worker does. */
import assert from "node:assert/strict";
import { createRandom } from "../../test/support/random.ts";
import { findVolume, type NamedSource, openDisks, type Volume } from "../disk.ts";
import { openExt } from "../ext/ext.ts";
import { openExfat, openFat } from "../fat/fat.ts";
import { mapMachineChanges } from "../map/map.ts";
import type { NtfsFilesystem } from "../ntfs/ntfs.ts";
import { openNtfs } from "../ntfs/ntfs.ts";
import { readUsnEnd, readUsnJournal, readUsnStream } from "../ntfs/usn.ts";
import { historiesOf } from "../ntfs/usn-histories.ts";
import { toDiskRanges } from "../segments.ts";
import type { BlockSource } from "../source/source.ts";
import { decodeMachineTree, encodeMachineTree, type MachineTree, readMachineTree } from "../tree.ts";
import { openXfs } from "../xfs/xfs.ts";
import { damage } from "./damage.ts";
import { DamagedSource } from "./damaged-source.ts";
import { loadImage } from "./memory-image.ts";
import { type Open, ours, readEverything } from "./read-everything.ts";
import { sealDisk } from "./seal.ts";
import { pagesOf, structuresOf } from "./structures.ts";

/** `disks`: whatever partition tables and volume groups lead to. */
export type FuzzFormat = "ext" | "xfs" | "ntfs" | "fat" | "exfat" | "disks";

export interface FuzzOrder {
	readonly format: FuzzFormat;
	readonly images: readonly string[];
	/** Paths of files whose content is damaged too. */
	readonly content: readonly string[];
	readonly seed: number;
}

interface Disk {
	readonly name: string;
	readonly whole: BlockSource;
	readonly places: readonly number[];
}

/** A path at which a subject may have a file that is a change journal. */
export const USN_STREAM = "/journal";
/** The block -> file map takes both trees: that is looked at in every so many rounds. */
const MAP_EVERY = 8;
const MAP_PAGE = 4096;

const OPENERS: Readonly<Record<Exclude<FuzzFormat, "disks">, Open>> = {
	ext: openExt,
	xfs: openXfs,
	ntfs: async (source) => {
		const filesystem = await openNtfs(source);
		await readJournals(filesystem as NtfsFilesystem);
		return filesystem;
	},
	fat: openFat,
	exfat: openExfat,
};

export class Rounds {
	readonly #order: FuzzOrder;
	readonly #disks: readonly Disk[];
	readonly #tree: MachineTree;

	private constructor(order: FuzzOrder, disks: readonly Disk[], tree: MachineTree) {
		this.#order = order;
		this.#disks = disks;
		this.#tree = tree;
	}

	static async prepare(order: FuzzOrder): Promise<Rounds> {
		const images = await Promise.all(order.images.map(loadImage));
		const named = images.map((source, at) => ({ name: String(at), source }));
		const disks: Disk[] = [];
		for (const [at, source] of images.entries()) {
			const ranges =
				order.format === "disks" ? await diskStructures(named, at, order) : await volumeStructures(source, order);
			const places = await pagesOf(source, ranges);
			assert.ok(places.length > 10, `${order.images[at]}: nothing to damage`);
			disks.push({ name: String(at), whole: source, places: createRandom(order.seed).shuffle(places) });
		}
		return new Rounds(order, disks, await readMachineTree(named));
	}

	/** The disks of a round: the same for the same images, seed and number. */
	async damaged(round: number): Promise<DamagedSource[]> {
		const random = createRandom(this.#order.seed + round);
		const sources = this.#disks.map(({ whole }) => new DamagedSource(whole));
		const only = random.chance(0.5) ? random.below(sources.length) : undefined;
		for (const [at, source] of sources.entries()) {
			if (only !== undefined && only !== at) continue;
			await damage(source, this.#disks[at]!.places, round, random);
			// Damage that a checksum gives away goes no deeper.
			if (this.#order.format === "disks" && random.chance(0.7)) await sealDisk(source);
		}
		return sources;
	}

	/** @throws what is not one of ours, and AssertionError. */
	async run(round: number): Promise<void> {
		const sources = await this.damaged(round);
		const { format } = this.#order;
		if (format !== "disks") await readEverything(OPENERS[format], sources[0]!);
		else await readVolumes(this.#name(sources));
		if (round % MAP_EVERY === 0) await this.#map(sources);
	}

	#name(sources: readonly BlockSource[]): NamedSource[] {
		return sources.map((source, at) => ({ name: this.#disks[at]!.name, source }));
	}

	/** The trees before and after, through their encoding and the map. */
	async #map(sources: readonly DamagedSource[]): Promise<void> {
		const tree = await readMachineTree(this.#name(sources));
		const encoded = encodeMachineTree(tree);
		const decoded = decodeMachineTree(encoded);
		assert.ok(Buffer.from(encodeMachineTree(decoded)).equals(encoded), "a tree changes with its encoding");
		const pages = new Map(sources.map((source, at) => [this.#disks[at]!.name, changedPages(source)]));
		mapMachineChanges(this.#tree, decoded, pages);
		mapMachineChanges(decoded, this.#tree, pages);
	}
}

function changedPages({ damaged }: DamagedSource) {
	const offsets = [...new Set(damaged.map((offset) => Math.floor(offset / MAP_PAGE) * MAP_PAGE))];
	return {
		offsets: Float64Array.from(offsets),
		before: new Uint8Array(offsets.length).fill(100),
		after: new Uint8Array(offsets.length).fill(200),
	};
}

async function readJournals(filesystem: NtfsFilesystem): Promise<void> {
	const none = (error: unknown) => void ours(error);
	await readUsnJournal(filesystem).catch(none);
	await readUsnEnd(filesystem).catch(none);
	const stream = await filesystem.lookup(USN_STREAM).catch(none);
	if (stream === undefined) return;
	const journal = await readUsnStream(filesystem, stream).catch(none);
	if (journal === undefined) return;
	historiesOf(journal.records, { root: filesystem.root, nodes: new Map(), links: [], metadata: [], journal: [] });
}

async function readVolumes(named: readonly NamedSource[]): Promise<void> {
	const { volumes } = await openDisks(named);
	for (const volume of volumes) {
		for (const { disk, offset, length } of toDiskRanges(
			volume.segments,
			0,
			volume.segments.length === 0 ? 0 : volume.length,
		)) {
			assert.ok(offset >= 0 && length >= 0 && offset + length <= named[disk]!.source.size, `${offset}+${length}`);
		}
		assert.equal(findVolume({ volumes }, volume.id).id, volume.id);
		await readVolume(volume);
	}
}

async function readVolume(volume: Volume): Promise<void> {
	// A volume never shows more than it holds, so its length bounds what its filesystem may say.
	const size = { size: volume.length } as BlockSource;
	await readEverything(() => volume.open(), size);
}

async function volumeStructures(source: BlockSource, { format, content }: FuzzOrder): Promise<number[]> {
	const filesystem = await OPENERS[format as Exclude<FuzzFormat, "disks">](source);
	return [...(await structuresOf(filesystem, content))];
}

/** The tables at both ends of a disk and before each volume, its physical volumes' heads, and its filesystems. */
async function diskStructures(named: readonly NamedSource[], at: number, { content }: FuzzOrder): Promise<number[]> {
	const { size } = named[at]!.source;
	const ranges = [0, Math.min(size, 34 * 512), Math.max(0, size - 33 * 512), Math.min(size, 33 * 512)];
	for (const volume of (await openDisks(named)).volumes) {
		if (volume.disk === at) {
			// The table of a logical partition stands a sector or a MiB in front of it.
			for (const gap of [512, 63 * 512, 1 << 20]) if (volume.offset >= gap) ranges.push(volume.offset - gap, 512);
			ranges.push(volume.offset, Math.min(volume.length, 16 << 10));
		}
		if (!volume.isReadable) continue;
		const structures = await structuresOf(await volume.open(), content);
		for (let i = 0; i < structures.length; i += 2) {
			for (const { disk, offset, length } of toDiskRanges(volume.segments, structures[i]!, structures[i + 1]!)) {
				if (disk === at) ranges.push(offset, length);
			}
		}
	}
	return ranges;
}
