/**
 * `disk/partition/` says where on a disk the volumes lie: MBR with its chain of logical partitions, and
 * GPT. A *partition* is a byte range with the number that Linux gives it. This folder knows nothing of
 * what a partition holds. A damaged table is a list of problems beside what could still be read, never
 * an end.
 */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { BlockSource } from "../source/source.ts";
import {
	type GptEntry,
	type GptHeader,
	gptEntriesLength,
	hasGptSignature,
	parseGptEntries,
	parseGptHeader,
} from "./gpt.ts";
import { isExtended, MBR_SECTOR, type MbrEntry, parseMbr, TYPE_GPT_PROTECTIVE } from "./mbr.ts";

export interface Partition {
	/** As Linux numbers them: MBR slots are 1 to 4, logical partitions start at 5, GPT entries count from 1. */
	readonly number: number;
	/** Bytes from the start of the disk. */
	readonly offset: number;
	/** Bytes; never beyond the end of the disk. */
	readonly length: number;
	/** The MBR's OS type in hex ("83"), or the GPT's type GUID in capitals. */
	readonly type: string;
	/** GPT only, else empty. */
	readonly name: string;
}

export interface PartitionTable {
	readonly kind: "mbr" | "gpt" | "none";
	/** In the order of their numbers. */
	readonly partitions: readonly Partition[];
	readonly problems: readonly UmbraError[];
}

/** Logical sector sizes in use; the header's place tells which one a disk was partitioned with. */
const SECTOR_SIZES = [512, 4096] as const;
/** Linux gives a disk 256 minors; a longer chain is a loop or an attack. */
const MAX_LOGICAL = 256;
/** Enough to see what is wrong; a hostile table must not fill the memory with complaints. */
const MAX_PROBLEMS = 32;

/**
 * Reads the partition table of a disk. What is wrong with it is in `problems`.
 *
 * @throws UmbraError only what `source` throws when it cannot be read (`unavailable`).
 */
export async function readPartitionTable(source: BlockSource, signal?: AbortSignal): Promise<PartitionTable> {
	return new TableReader(source, signal).read();
}

class TableReader {
	readonly #source: BlockSource;
	readonly #signal: AbortSignal | undefined;
	readonly #problems: UmbraError[] = [];

	constructor(source: BlockSource, signal: AbortSignal | undefined) {
		this.#source = source;
		this.#signal = signal;
	}

	async read(): Promise<PartitionTable> {
		if (this.#source.size < MBR_SECTOR) return this.#table("none", []);
		const sector = await this.#source.read(0, MBR_SECTOR, this.#signal);
		const record = this.#attempt(() => parseMbr(sector), false);
		const entries = record?.entries ?? [];
		if (entries.some((entry) => entry.osType === TYPE_GPT_PROTECTIVE)) {
			return this.#table("gpt", await this.#readGpt(true));
		}
		// Without a protective MBR a GPT header is a leftover, unless there is no other table at all.
		if (entries.length === 0) {
			const gpt = await this.#readGpt(false);
			if (gpt.length > 0) return this.#table("gpt", gpt);
			return this.#table("none", []);
		}
		// A FAT disk without partitions may carry an entry that describes itself (mkfs.fat --mbr).
		if (entries.some((entry) => entry.startingLba === 0)) return this.#table("none", []);
		return this.#table("mbr", await this.#readMbr(entries));
	}

	async #readMbr(entries: readonly MbrEntry[]): Promise<Partition[]> {
		const partitions: Partition[] = [];
		for (const entry of entries) {
			if (isExtended(entry)) continue;
			this.#add(partitions, entry.slot, entry.startingLba, entry.sizeInLba, MBR_SECTOR, mbrType(entry), "");
		}
		// Linux numbers the logical partitions of all containers on.
		let number = 5;
		const visited = new Set<number>();
		for (const container of entries.filter(isExtended)) {
			number = await this.#readChain(container, number, visited, partitions);
		}
		return partitions;
	}

	/** Walks one chain of extended boot records; returns the next free number. */
	async #readChain(
		container: MbrEntry,
		firstNumber: number,
		visited: Set<number>,
		partitions: Partition[],
	): Promise<number> {
		let number = firstNumber;
		let lba = container.startingLba;
		for (;;) {
			const offset = lba * MBR_SECTOR;
			if (visited.has(lba) || visited.size >= MAX_LOGICAL) {
				const what = visited.has(lba) ? "comes back to itself" : `has more than ${MAX_LOGICAL} records`;
				this.#problem(
					new UmbraError("corrupt", `the chain of extended boot records ${what} at ${offset}`, {
						context: { structure: "EBR", offset },
					}),
				);
				return number;
			}
			visited.add(lba);
			if (offset + MBR_SECTOR > this.#source.size) {
				this.#problem(
					new UmbraError("truncated", `the extended boot record at ${offset} lies beyond the disk's end`, {
						context: { structure: "EBR", offset, wanted: `below ${this.#source.size}` },
					}),
				);
				return number;
			}
			const sector = await this.#source.read(offset, MBR_SECTOR, this.#signal);
			const record = this.#attempt(() => parseMbr(sector, offset), true);
			if (record === undefined) return number;
			// The first entry that is no container is the logical partition, relative to this record; the first
			// that is one links to the next record, relative to the container.
			const logical = record.entries.find((entry) => !isExtended(entry));
			if (logical !== undefined) {
				const start = lba + logical.startingLba;
				this.#add(partitions, number, start, logical.sizeInLba, MBR_SECTOR, mbrType(logical), "");
				number++;
			}
			const next = record.entries.find(isExtended);
			if (next === undefined) return number;
			lba = container.startingLba + next.startingLba;
		}
	}

	/** The entries of the first copy that is whole: primary, then backup. `expected` makes their absence a problem. */
	async #readGpt(expected: boolean): Promise<Partition[]> {
		const { size } = this.#source;
		let found = false;
		for (const sectorSize of SECTOR_SIZES) {
			const lastLba = Math.floor(size / sectorSize) - 1;
			if (lastLba < 2) continue;
			// A disk that grew has its backup where the primary says, not at the end.
			const places = [1, lastLba];
			for (let place = 0; place < places.length && place < 3; place++) {
				const lba = places[place]!;
				const sector = await this.#source.read(lba * sectorSize, sectorSize, this.#signal);
				if (!hasGptSignature(sector)) continue;
				found = true;
				const header = this.#attempt(() => parseGptHeader(sector, lba), true);
				if (header === undefined) continue;
				if (lba === 1 && header.alternateLba > 1 && header.alternateLba < lastLba) places.push(header.alternateLba);
				const entries = await this.#readGptEntries(header, sectorSize);
				if (entries === undefined) continue;
				if (lba !== 1) {
					this.#problem(
						new UmbraError("corrupt", `the primary GPT is damaged; its backup in sector ${lba} was used`, {
							context: { structure: "GPT header", offset: sectorSize },
							hint: "sgdisk --verify shows what is wrong, sgdisk -e or gdisk's recovery menu rewrites it",
						}),
					);
				}
				const partitions: Partition[] = [];
				for (const entry of entries) {
					const sectors = entry.endingLba - entry.startingLba + 1;
					this.#add(
						partitions,
						entry.number,
						entry.startingLba,
						sectors,
						sectorSize,
						entry.partitionTypeGuid,
						entry.name,
					);
				}
				return partitions;
			}
		}
		if (expected && !found) {
			this.#problem(
				new UmbraError("corrupt", "the protective MBR announces a GPT, but neither copy of it is there", {
					context: { structure: "GPT header", offset: SECTOR_SIZES[0] },
				}),
			);
		}
		return [];
	}

	async #readGptEntries(header: GptHeader, sectorSize: number): Promise<GptEntry[] | undefined> {
		const offset = header.partitionEntryLba * sectorSize;
		const length = gptEntriesLength(header);
		if (offset + length > this.#source.size) {
			this.#problem(
				new UmbraError("truncated", `the GPT entries at ${offset} lie beyond the disk's end`, {
					context: { structure: "GPT entries", offset, wanted: `below ${this.#source.size}` },
				}),
			);
			return undefined;
		}
		const bytes = await this.#source.read(offset, length, this.#signal);
		return this.#attempt(() => parseGptEntries(bytes, header, (problem) => this.#problem(problem)), true);
	}

	#add(
		partitions: Partition[],
		number: number,
		lba: number,
		sectors: number,
		sectorSize: number,
		type: string,
		name: string,
	): void {
		const { size } = this.#source;
		const offset = lba * sectorSize;
		const wanted = sectors * sectorSize;
		if (offset >= size) {
			this.#problem(
				new UmbraError("truncated", `partition ${number} starts at ${offset}, beyond the disk's end at ${size}`, {
					context: { structure: "partition", offset, found: offset, wanted: `below ${size}` },
				}),
			);
			return;
		}
		if (offset + wanted > size) {
			this.#problem(
				new UmbraError(
					"truncated",
					`partition ${number} ends at ${offset + wanted}, beyond the disk's end at ${size}`,
					{
						context: { structure: "partition", offset, found: offset + wanted, wanted: size },
					},
				),
			);
		}
		partitions.push({ number, offset, length: Math.min(wanted, size - offset), type, name });
	}

	/** What `parse` returns; undefined where it failed, which is a problem if `report`. */
	#attempt<T>(parse: () => T, report: boolean): T | undefined {
		try {
			return parse();
		} catch (error) {
			const problem = isUmbraError(error)
				? error
				: new UmbraError("internal", `partition table: ${messageOf(error)}`, { cause: error });
			if (report || problem.code === "internal") this.#problem(problem);
			return undefined;
		}
	}

	#problem(problem: UmbraError): void {
		if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
	}

	#table(kind: PartitionTable["kind"], partitions: Partition[]): PartitionTable {
		partitions.sort((a, b) => a.number - b.number);
		return { kind, partitions, problems: this.#problems };
	}
}

function mbrType(entry: MbrEntry): string {
	return entry.osType.toString(16).padStart(2, "0");
}
