/**
 * Alternate data streams as files of their own. A stream has no number that is its own, so one is made of the number
 * of its file and its name: the same in every scan, whatever other streams come and go.
 */

/** NTFS numbers files with 32 bits; what is above is the stream's. */
const FILE_NUMBERS = 2 ** 32;
/** Fewer than 2^17, so that a number still has room in the 52 bits that an encoded tree gives it. */
const SLOTS = 1 << 16;

/** Numbers of the named streams of a file, in the order of `names`. */
export function streamInodes(record: number, names: readonly string[]): number[] {
	if (names.length === 1) return [record + (1 + slotOf(names[0]!)) * FILE_NUMBERS];
	const taken = new Set<number>();
	const numbers = new Map<string, number>();
	for (const name of names.toSorted()) {
		let slot = slotOf(name);
		while (taken.has(slot)) slot = (slot + 1) % SLOTS;
		taken.add(slot);
		numbers.set(name, record + (1 + slot) * FILE_NUMBERS);
	}
	return names.map((name) => numbers.get(name)!);
}

/** The record of the file that an inode number belongs to. */
export function recordOf(inode: number): number {
	return inode % FILE_NUMBERS;
}

export function isStreamInode(inode: number): boolean {
	return inode >= FILE_NUMBERS;
}

/** FNV-1a, folded. */
function slotOf(name: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
	return ((hash >>> 16) ^ hash) & (SLOTS - 1);
}
