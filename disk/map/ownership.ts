/**
 * Who holds each changed page before and after, and how a page that several hold is split between them.
 *
 * A page is cut into slots as fine as the filesystems' blocks and the volumes' places demand (one where all are
 * aligned to 4 KiB, eight of 512 bytes at the finest). Each slot has at most one owner a side: where several claim it
 * (shared blocks, a damaged filesystem) that is the journal or metadata, else the lowest inode, whatever the order of
 * the claims.
 */
import { ENTROPY_SCALE, PAGE_SIZE } from "../../common/block.ts";
import type { Ranges } from "../filesystem.ts";
import type { Segments } from "../segments.ts";
import type { Attribution } from "./changes.ts";
import { type ChangedPages, finestSlot, PageSlots, type SlotIndex } from "./pages.ts";

/** Owners that are no inode. Inodes follow from `FIRST_INODE_OWNER` on. */
const UNKNOWN = 0;
const FREE = 1;
const METADATA = 2;
const JOURNAL = 3;
const FIRST_INODE_OWNER = 4;

/**
 * Claims visit each slot once where no block has two owners. A filesystem that lets blocks be shared by many, or
 * that is damaged or hostile, is followed this many times over; then its further claims are dropped.
 */
const MAX_VISITS_PER_SLOT = 16;

export type Side = "before" | "after";

/** What the changed pages say about one inode on one side. */
export interface Holding {
	/** Bytes. */
	readonly charged: number;
	/** Slots of changed pages held; 0: no changed page is its own. */
	readonly slots: number;
	/** Bits per byte, mean over these slots; null without any. */
	readonly entropy: number | null;
}

const NOTHING: Holding = { charged: 0, slots: 0, entropy: null };

export class PageOwnership {
	readonly #slots: PageSlots;
	readonly #disks: readonly ChangedPages[];
	readonly #owners: Readonly<Record<Side, Int32Array>>;
	readonly #visitsLeft: Record<Side, number>;
	#exhausted = false;

	/** By owner, less `FIRST_INODE_OWNER`. */
	readonly #inodes: number[] = [];
	readonly #isDirectory: boolean[] = [];
	readonly #isQuiet: boolean[] = [];
	#charged = new Float64Array(0);
	#held = new Float64Array(0);
	#entropy = new Float64Array(0);

	/**
	 * @param disks the changed pages of each disk.
	 * @param alignments bytes; places and block sizes of the volumes.
	 */
	constructor(disks: readonly ChangedPages[], alignments: Iterable<number>) {
		this.#disks = disks;
		this.#slots = new PageSlots(disks, finestSlot(alignments));
		const slots = this.#slots.count * this.#slots.perPage;
		this.#owners = { before: new Int32Array(slots), after: new Int32Array(slots) };
		const visits = slots * MAX_VISITS_PER_SLOT;
		this.#visitsLeft = { before: visits, after: visits };
	}

	/** True where claims were dropped because blocks have too many owners. */
	get exhausted(): boolean {
		return this.#exhausted;
	}

	/** Where claims of a volume find the changed pages that lie in it. */
	place(segments: Segments): SlotIndex {
		return this.#slots.indexOf(segments);
	}

	/** A volume whose filesystem was read: what nobody claims in it is free. Ranges count from its start. */
	claimVolume(side: Side, volume: SlotIndex): void {
		this.#claim(side, FREE, volume, 0, Number.POSITIVE_INFINITY);
	}

	claimMetadata(side: Side, volume: SlotIndex, ranges: Ranges): void {
		if (ranges.length > 0) this.#claimRanges(side, METADATA, volume, ranges);
	}

	claimJournal(side: Side, volume: SlotIndex, ranges: Ranges): void {
		this.#claimRanges(side, JOURNAL, volume, ranges);
	}

	/**
	 * An inode's content.
	 *
	 * @returns the owner to ask about after `settle`, 0 where no changed page lies in `ranges` that could be its own.
	 */
	claimInode(side: Side, volume: SlotIndex, ranges: Ranges, inode: number, isDirectory: boolean): number {
		if (ranges.length === 0) return 0;
		const owner = FIRST_INODE_OWNER + this.#inodes.length;
		this.#inodes.push(inode);
		if (!this.#claimRanges(side, owner, volume, ranges)) {
			this.#inodes.pop();
			return 0;
		}
		this.#isDirectory.push(isDirectory);
		this.#isQuiet.push(false);
		return owner;
	}

	/**
	 * Says of an owner that its inode's record does not speak of new content. Where it shares a page with anything
	 * else, the change is then not counted as its own: that page changed for another reason.
	 */
	markQuiet(owner: number): void {
		if (owner >= FIRST_INODE_OWNER) this.#isQuiet[owner - FIRST_INODE_OWNER] = true;
	}

	/** Splits every page between those who hold it, and says so disk by disk. Call once, after all claims. */
	settle(): Attribution[] {
		const owners = this.#isDirectory.length;
		this.#charged = new Float64Array(owners);
		this.#held = new Float64Array(owners);
		this.#entropy = new Float64Array(owners);
		let first = 0;
		return this.#disks.map((pages) => {
			const attribution = this.#settleDisk(pages, first);
			first += pages.offsets.length;
			return attribution;
		});
	}

	#settleDisk(pages: ChangedPages, firstPage: number): Attribution {
		const sums = { file: 0, directory: 0, journal: 0, metadata: 0, free: 0, unknown: 0 };
		const { before, after } = this.#owners;
		const charge = (owner: number, bytes: number): void => {
			if (owner === UNKNOWN) sums.unknown += bytes;
			else if (owner === FREE) sums.free += bytes;
			else if (owner === METADATA) sums.metadata += bytes;
			else if (owner === JOURNAL) sums.journal += bytes;
			else {
				this.#charged[owner - FIRST_INODE_OWNER]! += bytes;
				if (this.#isDirectory[owner - FIRST_INODE_OWNER]) sums.directory += bytes;
				else sums.file += bytes;
			}
		};
		const { perPage } = this.#slots;
		const count = pages.offsets.length;
		for (let page = 0; page < count; page++) {
			const first = (firstPage + page) * perPage;
			let loud = 0;
			for (let slot = first; slot < first + perPage; slot++) {
				if (!this.#quiet(holder(before[slot]!, after[slot]!))) loud++;
			}
			// With nobody but quiet inodes, the change is theirs after all.
			const sharers = loud === 0 ? perPage : loud;
			let share = 0;
			for (let slot = first; slot < first + perPage; slot++) {
				const owner = holder(before[slot]!, after[slot]!);
				if (loud > 0 && this.#quiet(owner)) continue;
				charge(owner, Math.floor((PAGE_SIZE * (share + 1)) / sharers) - Math.floor((PAGE_SIZE * share) / sharers));
				share++;
				this.#hold(before[slot]!, pages.before[page]!);
				this.#hold(after[slot]!, pages.after[page]!);
			}
		}
		return { total: count * PAGE_SIZE, ...sums };
	}

	holding(owner: number): Holding {
		const at = owner - FIRST_INODE_OWNER;
		if (at < 0) return NOTHING;
		const slots = this.#held[at]!;
		return {
			charged: this.#charged[at]!,
			slots,
			entropy: slots === 0 ? null : this.#entropy[at]! / slots / ENTROPY_SCALE,
		};
	}

	#quiet(owner: number): boolean {
		return owner >= FIRST_INODE_OWNER && this.#isQuiet[owner - FIRST_INODE_OWNER]!;
	}

	#hold(owner: number, entropy: number): void {
		if (owner < FIRST_INODE_OWNER) return;
		this.#held[owner - FIRST_INODE_OWNER]!++;
		this.#entropy[owner - FIRST_INODE_OWNER]! += entropy;
	}

	#claimRanges(side: Side, owner: number, volume: SlotIndex, ranges: Ranges): boolean {
		let claimed = false;
		for (let at = 0; at < ranges.length; at += 2) {
			const from = ranges[at]!;
			if (this.#claim(side, owner, volume, from, from + ranges[at + 1]!)) claimed = true;
		}
		return claimed;
	}

	/** True where at least one slot became the owner's, if only until another claims it who goes before. */
	#claim(side: Side, owner: number, volume: SlotIndex, from: number, to: number): boolean {
		let at = volume.first(from, to);
		if (at === -1) return false;
		const { offsets, slots } = volume;
		const owners = this.#owners[side];
		let claimed = false;
		for (; at < offsets.length && offsets[at]! < to; at++) {
			if (--this.#visitsLeft[side] < 0) {
				this.#exhausted = true;
				return claimed;
			}
			const slot = slots[at]!;
			if (!this.#goesBefore(owner, owners[slot]!)) continue;
			owners[slot] = owner;
			claimed = true;
		}
		return claimed;
	}

	#goesBefore(owner: number, known: number): boolean {
		if (known <= FREE || owner <= FREE) return known <= FREE;
		if (known < FIRST_INODE_OWNER || owner < FIRST_INODE_OWNER) return owner < known;
		return this.#inodes[owner - FIRST_INODE_OWNER]! < this.#inodes[known - FIRST_INODE_OWNER]!;
	}
}

/** Who answers for a slot: who holds it now, else who held it before, else free space, else nobody we know. */
function holder(before: number, after: number): number {
	if (after > FREE) return after;
	if (before > FREE) return before;
	return after === FREE || before === FREE ? FREE : UNKNOWN;
}
