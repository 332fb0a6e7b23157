/**
 * The page tables of an x86-64 processor, as they lie in physical memory: which pages it can reach, and whether programs may or the
 * kernel alone. Reference: Intel SDM volume 3A, 4.5 (4-level and 5-level paging). The guest wrote them: what is read is bounded.
 */
import type { Random } from "../../../common/random.ts";

const PRESENT = 1n << 0n;
const USER = 1n << 2n;
const LARGE = 1n << 7n;
/** Bits 51 to 12. */
const ADDRESS = 0x000f_ffff_ffff_f000n;
const ENTRIES = 512;
export const TABLE_BYTES = 4096;

/** A run of physical memory that one entry maps. */
export interface Mapping {
	readonly virtual: bigint;
	/** Below 2^52. */
	readonly physical: number;
	/** 4 KiB, 2 MiB or 1 GiB. */
	readonly bytes: number;
	/** Programs may reach it. */
	readonly isUser: boolean;
}

export interface WalkOptions {
	/** Where the uppermost table lies, with whatever else is in CR3. */
	readonly cr3: bigint;
	readonly levels: 4 | 5;
	/** Physical memory; undefined where there is none. */
	readonly read: (physical: number, length: number) => Promise<Buffer | undefined>;
	/** What programs may reach, or the half of the kernel. */
	readonly wanted: "user" | "kernel";
	/** Tables that are read at most: those that are then left out are drawn from `random`. */
	readonly maxTables: number;
	readonly random: Random;
}

export interface Walked {
	readonly mappings: readonly Mapping[];
	/** Physical addresses of the tables that were read. */
	readonly tables: readonly number[];
}

interface Table {
	readonly physical: number;
	/** Of the level that it is of: 1 maps pages. */
	readonly level: number;
	readonly virtual: bigint;
	readonly isUser: boolean;
}

/** @throws what `read` throws. */
export async function walkPageTables({ cr3, levels, read, wanted, maxTables, random }: WalkOptions): Promise<Walked> {
	const top = Number(cr3 & ADDRESS);
	const waiting: Table[] = [{ physical: top, level: levels, virtual: 0n, isUser: true }];
	// A table that says it is its own child is read once.
	const seen = new Set<number>([top]);
	const tables: number[] = [];
	const mappings: Mapping[] = [];
	while (waiting.length > 0 && tables.length < maxTables) {
		const at = waiting.length - 1 - (waiting.length > 1 ? random.below(waiting.length) : 0);
		const table = waiting[at] as Table;
		waiting[at] = waiting.at(-1) as Table;
		waiting.pop();
		const bytes = await read(table.physical, TABLE_BYTES);
		if (bytes === undefined) continue;
		tables.push(table.physical);
		for (let index = 0; index < ENTRIES; index++) {
			const entry = bytes.readBigUInt64LE(index * 8);
			if ((entry & PRESENT) === 0n) continue;
			const isUpper = table.level === levels && index >= ENTRIES / 2;
			if (table.level === levels && isUpper !== (wanted === "kernel")) continue;
			const isUser = table.isUser && (entry & USER) !== 0n;
			if (wanted === "user" && !isUser) continue;
			const shift = 12 + 9 * (table.level - 1);
			const virtual = table.virtual + (BigInt(index) << BigInt(shift)) + (isUpper ? signExtension(levels) : 0n);
			const isLeaf = table.level === 1 || (table.level <= 3 && (entry & LARGE) !== 0n);
			// Of large pages the lowest bits of the address have another meaning.
			const address = isLeaf ? ((entry & ADDRESS) >> BigInt(shift)) << BigInt(shift) : entry & ADDRESS;
			const physical = Number(address);
			if (isLeaf) mappings.push({ virtual, physical, bytes: 2 ** shift, isUser });
			else if (!seen.has(physical)) {
				seen.add(physical);
				waiting.push({ physical, level: table.level - 1, virtual, isUser });
			}
		}
	}
	return { mappings, tables };
}

/** Addresses of the upper half have all their upper bits set. */
function signExtension(levels: number): bigint {
	return (1n << 64n) - (1n << BigInt(12 + 9 * levels));
}

/**
 * Without the map of all memory that kernels have: mappings of which most lie at the same distance from their physical address, and
 * which together are at least half of the memory.
 */
export function withoutDirectMap(mappings: readonly Mapping[], memoryBytes: number): readonly Mapping[] {
	const distances = new Map<bigint, number>();
	for (const { virtual, physical, bytes } of mappings) {
		const distance = virtual - BigInt(physical);
		distances.set(distance, (distances.get(distance) ?? 0) + bytes);
	}
	const [most] = [...distances].sort(([, one], [, other]) => other - one);
	if (most === undefined || most[1] < memoryBytes / 2) return mappings;
	return mappings.filter(({ virtual, physical }) => virtual - BigInt(physical) !== most[0]);
}
