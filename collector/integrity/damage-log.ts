/** Gathers what a walk over the disks of all points finds damaged, chunk by chunk, and brings the catalog's record of it up to date. */
import type { Catalog } from "../catalog/catalog.ts";
import type { DamagedPlace, DamageRecord } from "../catalog/records.ts";
import type { LiveTree } from "../vault/live-chunks.ts";
import type { TreeDamage } from "../vault/tree-check.ts";

/** Chunks told apart in one walk, which bounds memory; what is healed makes room for the others in the next. */
const MAX_CHUNKS = 20_000;
const MAX_PLACES = 20;
const MAX_VMS = 64;

/** A disk of a point. */
export interface PointTree extends LiveTree {
	readonly vm: string;
	readonly time: string;
	readonly disk: string;
}

interface Damaged {
	readonly kind: "block" | "page";
	readonly message: string;
	readonly vms: Set<string>;
	readonly places: DamagedPlace[];
	placeCount: number;
}

export class DamageLog {
	readonly #chunks = new Map<string, Damaged>();
	#isFull = false;

	/** Points of a VM are to be walked in the order of their times. */
	add({ name, kind, message, firstBlock, count }: TreeDamage, { vm, time, disk }: PointTree): void {
		let damaged = this.#chunks.get(name);
		if (damaged === undefined) {
			if (this.#chunks.size >= MAX_CHUNKS) {
				this.#isFull = true;
				return;
			}
			damaged = { kind, message, vms: new Set(), places: [], placeCount: 0 };
			this.#chunks.set(name, damaged);
		}
		if (damaged.vms.size < MAX_VMS) damaged.vms.add(vm);
		damaged.placeCount++;
		damaged.places.push({ vm, time, disk, firstBlock, count });
		// The newest of each VM count most: they are what the VM is now.
		if (damaged.places.length > MAX_PLACES) damaged.places.shift();
	}

	/** After a walk over all points. What is recorded and was not found is over. */
	async save(catalog: Catalog, now: bigint): Promise<void> {
		const known = new Map<string, DamageRecord>();
		for await (const record of catalog.allDamage()) known.set(record.name, record);
		const found = [...this.#chunks].map(([name, damaged]): DamageRecord => {
			const { kind, message, placeCount } = damaged;
			const before = known.get(name);
			return {
				name,
				kind,
				since: before?.since ?? now.toString(),
				message,
				vms: [...damaged.vms],
				places: damaged.places.toReversed(),
				placeCount,
				files: before?.files ?? [],
			};
		});
		// A walk that could not hold everything says nothing of what it left out.
		const ended = this.#isFull ? [] : [...known.keys()].filter((name) => !this.#chunks.has(name));
		await catalog.changeDamage(found, ended);
	}
}
