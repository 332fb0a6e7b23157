/** Disks and filesystems of past points, opened on demand and kept for the next question. */
import { BLOCK_SIZE, blockCount, nameFromHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { type Disk, findVolume, openDisk, type Volume } from "../../disk/disk.ts";
import type { Filesystem } from "../../disk/filesystem.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import type { ChangesetRecord, DiskRecord } from "../catalog/records.ts";
import type { ChunkStore } from "../vault/chunk-store.ts";
import { pointSource } from "../vault/point-source.ts";
import { walkExtents } from "../vault/tree.ts";

/** Disks kept open; each holds a partition table and the fixed structures of its filesystems. */
const MAX_OPEN = 16;

export interface Extent {
	readonly offset: number;
	readonly length: number;
	readonly zero: boolean;
}

/** One file system of one point. */
export interface OpenVolume {
	readonly disk: DiskRecord;
	readonly volume: Volume;
	readonly filesystem: Filesystem;
}

interface OpenDisk {
	readonly source: BlockSource;
	readonly disk: Promise<Disk>;
	/** By volume id. */
	readonly filesystems: Map<string, Promise<Filesystem>>;
}

export class PointReader implements AsyncDisposable {
	readonly #store: ChunkStore;
	/** By root and size: equal roots are equal disks, whatever VM and time. Least recently used first. */
	readonly #open = new Map<string, OpenDisk>();

	constructor(store: ChunkStore) {
		this.#store = store;
	}

	/** @throws UmbraError `not-found` that names the disks there are. */
	disk(changeset: ChangesetRecord, name: string): DiskRecord {
		const disk = changeset.disks.find((candidate) => candidate.disk === name);
		if (disk !== undefined) return disk;
		const known = changeset.disks.map((candidate) => candidate.disk).join(", ");
		throw new UmbraError("not-found", `VM ${changeset.vm} had no disk ${JSON.stringify(name)} then; it had ${known}`, {
			context: { field: "disk", found: name, wanted: known },
		});
	}

	source(changeset: ChangesetRecord, disk: DiskRecord): BlockSource {
		return this.#disk(changeset, disk).source;
	}

	/** Which parts of `[from, to)` hold data: whole blocks, in order, without gaps; at most `limit` of them. */
	async *extents(disk: DiskRecord, from: number, to: number, signal: AbortSignal): AsyncGenerator<Extent> {
		const blocks = blockCount(disk.sizeBytes);
		if (blocks === 0) return;
		const tree = { root: nameFromHex(disk.root), blocks };
		const last = Math.min(blocks, Math.ceil(to / BLOCK_SIZE));
		for await (const extent of walkExtents(this.#store, tree, Math.floor(from / BLOCK_SIZE), last)) {
			signal.throwIfAborted();
			const offset = extent.firstBlock * BLOCK_SIZE;
			const end = Math.min(disk.sizeBytes, offset + extent.count * BLOCK_SIZE);
			yield { offset, length: end - offset, zero: extent.zero };
		}
	}

	/**
	 * The filesystem that `disk` and `volume` name; either may be left out where there is only one to choose.
	 *
	 * @throws UmbraError `not-found`; `bad-config` where there are several; `unsupported`, `corrupt` from the parser.
	 */
	async volume(
		changeset: ChangesetRecord,
		wanted: { readonly disk?: string | undefined; readonly volume?: string | undefined },
	): Promise<OpenVolume> {
		const disks = wanted.disk === undefined ? changeset.disks : [this.disk(changeset, wanted.disk)];
		const found: { disk: DiskRecord; volume: Volume }[] = [];
		for (const disk of disks) {
			const opened = await this.#disk(changeset, disk).disk;
			if (wanted.volume === undefined) {
				for (const volume of opened.volumes) if (volume.isReadable) found.push({ disk, volume });
			} else if (disks.length === 1) {
				found.push({ disk, volume: findVolume(opened, wanted.volume) });
			} else {
				const volume = opened.volumes.find(({ id }) => id === wanted.volume);
				if (volume !== undefined) found.push({ disk, volume });
			}
		}
		const [only, second] = found;
		if (only === undefined) {
			throw new UmbraError(
				"not-found",
				`no filesystem that can be read on ${disks.map(({ disk }) => disk).join(", ")}`,
			);
		}
		if (second !== undefined) {
			const choices = found.map(({ disk, volume }) => `disk=${disk.disk}&volume=${volume.id}`).join(", ");
			throw new UmbraError("bad-config", `VM ${changeset.vm} has several filesystems; name one`, {
				context: { field: "volume", wanted: choices },
				hint: choices,
			});
		}
		return { ...only, filesystem: await this.#filesystem(changeset, only.disk, only.volume) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const sources = [...this.#open.values()].map(({ source }) => source);
		this.#open.clear();
		await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
	}

	#disk(changeset: ChangesetRecord, disk: DiskRecord): OpenDisk {
		const key = `${disk.root}/${disk.sizeBytes}`;
		let open = this.#open.get(key);
		if (open === undefined) {
			const name = `${changeset.vm}@${changeset.time}/${disk.disk}`;
			const source = pointSource(this.#store, { root: nameFromHex(disk.root), sizeBytes: disk.sizeBytes, name });
			let opened: Promise<Disk> | undefined;
			open = {
				source,
				// No request's own signal: others may wait for the same disk.
				get disk() {
					opened ??= openDisk(source);
					return opened;
				},
				filesystems: new Map(),
			};
		}
		this.#open.delete(key);
		this.#open.set(key, open);
		for (const oldest of this.#open.keys()) {
			if (this.#open.size <= MAX_OPEN) break;
			// It holds no handle, only memory, so requests that still read from it can go on.
			this.#open.delete(oldest);
		}
		return open;
	}

	async #filesystem(changeset: ChangesetRecord, disk: DiskRecord, volume: Volume): Promise<Filesystem> {
		const { filesystems } = this.#disk(changeset, disk);
		let opening = filesystems.get(volume.id);
		if (opening === undefined) {
			opening = volume.open();
			filesystems.set(volume.id, opening);
		}
		try {
			return await opening;
		} catch (error) {
			// What may pass is tried again next time.
			if (isUmbraError(error, "unavailable")) filesystems.delete(volume.id);
			throw error;
		}
	}
}
