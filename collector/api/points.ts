/** Disks and filesystems of past points, opened on demand and kept for the next question. */
import { nameFromHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { formatTime } from "../../common/units.ts";
import { type DiskSet, findVolume, openDisks, type Volume } from "../../disk/disk.ts";
import type { Filesystem } from "../../disk/filesystem.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import type { ChangesetRecord, DiskRecord } from "../catalog/records.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import { pointSource } from "../vault/point-source.ts";

/** Machines kept open; each holds partition tables and the fixed structures of its filesystems. */
const MAX_OPEN = 16;

/** One file system of one point. */
export interface OpenVolume {
	/** The one on which it begins. */
	readonly disk: DiskRecord;
	readonly volume: Volume;
	readonly filesystem: Filesystem;
}

/** Disks of a point, whose logical volumes may lie across them. */
interface OpenMachine {
	readonly sources: readonly BlockSource[];
	readonly disks: Promise<DiskSet>;
	/** By their volumes, which a machine never replaces. */
	readonly filesystems: Map<Volume, Promise<Filesystem>>;
}

export class PointReader implements AsyncDisposable {
	readonly #store: VaultStore;
	/** By names, roots and sizes: equal roots are equal disks, whatever VM and time. Least recently used first. */
	readonly #open = new Map<string, OpenMachine>();

	constructor(store: VaultStore) {
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
		return this.#machine(changeset, [disk]).sources[0]!;
	}

	/**
	 * The filesystem that `disk` and `volume` name; either may be left out where there is only one to choose. A logical
	 * volume is called "group/volume" and belongs to the disk on which it begins.
	 *
	 * @throws UmbraError `not-found`; `bad-config` where there are several; `unsupported`, `unavailable`, `corrupt` from the parser.
	 */
	async volume(
		changeset: ChangesetRecord,
		wanted: { readonly disk?: string | undefined; readonly volume?: string | undefined },
	): Promise<OpenVolume> {
		const only = wanted.disk === undefined ? undefined : this.disk(changeset, wanted.disk);
		const isAlone = only !== undefined && (await this.#isAlone(changeset, only, wanted.volume));
		const disks = isAlone ? [only] : changeset.disks;
		const machine = this.#machine(changeset, disks);
		const opened = await machine.disks;
		const volumes = opened.volumes.filter(
			(volume) => only === undefined || disks[volume.disk] === only || isWithoutPlace(volume),
		);
		const volume = choose(changeset, disks, volumes, wanted);
		return { disk: disks[volume.disk]!, volume, filesystem: await openFilesystem(machine, volume) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const sources = [...this.#open.values()].flatMap((machine) => machine.sources);
		this.#open.clear();
		await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
	}

	/** Whether a disk says all about its volumes: then it is read whatever became of the others. */
	async #isAlone(changeset: ChangesetRecord, disk: DiskRecord, volume: string | undefined): Promise<boolean> {
		if (volume !== undefined && !volume.includes("/")) return true;
		const { volumes } = await this.#machine(changeset, [disk]).disks;
		return !volumes.some(({ kind }) => kind === "LVM2_member");
	}

	#machine(changeset: ChangesetRecord, disks: readonly DiskRecord[]): OpenMachine {
		const key = JSON.stringify(disks.map(({ disk, root, sizeBytes }) => [disk, root, sizeBytes]));
		let open = this.#open.get(key);
		if (open === undefined) {
			const named = disks.map(({ disk, root, sizeBytes }) => {
				const name = `${changeset.vm}@${formatTime(BigInt(changeset.time))}/${disk}`;
				return { name: disk, source: pointSource(this.#store, { root: nameFromHex(root), sizeBytes, name }) };
			});
			let opened: Promise<DiskSet> | undefined;
			open = {
				sources: named.map(({ source }) => source),
				// No request's own signal: others may wait for the same disks.
				get disks() {
					opened ??= openDisks(named).catch((error: unknown) => {
						opened = undefined; // It may pass: it is tried again next time.
						throw error;
					});
					return opened;
				},
				filesystems: new Map(),
			};
		}
		this.#open.delete(key);
		this.#open.set(key, open);
		for (const [oldest, { sources }] of this.#open) {
			if (this.#open.size <= MAX_OPEN) break;
			this.#open.delete(oldest);
			// They hold no handle, so requests that still read from them can go on, as long as the point is there.
			for (const source of sources) void source[Symbol.asyncDispose]();
		}
		return open;
	}
}

/** A logical volume that cannot be put together begins on no disk; whoever names it is told why. */
function isWithoutPlace({ uuid, segments }: Volume): boolean {
	return uuid !== "" && segments.length === 0;
}

function choose(
	changeset: ChangesetRecord,
	disks: readonly DiskRecord[],
	volumes: readonly Volume[],
	wanted: { readonly disk?: string | undefined; readonly volume?: string | undefined },
): Volume {
	const names = wanted.disk ?? disks.map(({ disk }) => disk).join(", ");
	const found = volumes.filter(({ id, isReadable }) =>
		wanted.volume === undefined ? isReadable : id === wanted.volume,
	);
	const [only, second] = found;
	if (only === undefined) {
		if (wanted.volume !== undefined) return findVolume({ volumes }, wanted.volume);
		throw new UmbraError("not-found", `no filesystem that can be read on ${names}`);
	}
	if (second !== undefined) {
		const choices = found.map(({ disk, id }) => `disk=${disks[disk]!.disk}&volume=${id}`).join(", ");
		throw new UmbraError("bad-config", `VM ${changeset.vm} has several filesystems; name one`, {
			context: { field: "volume", wanted: choices },
			hint: choices,
		});
	}
	return only;
}

async function openFilesystem({ filesystems }: OpenMachine, volume: Volume): Promise<Filesystem> {
	let opening = filesystems.get(volume);
	if (opening === undefined) {
		opening = volume.open();
		filesystems.set(volume, opening);
	}
	try {
		return await opening;
	} catch (error) {
		// What may pass is tried again next time.
		if (isUmbraError(error, "unavailable")) filesystems.delete(volume);
		throw error;
	}
}
