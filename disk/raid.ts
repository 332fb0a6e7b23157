/** What a member of a Linux software RAID (md) is, in words: such volumes are named, not put together. */
import type { Ends } from "./formats.ts";

const MAGIC = 0xa92b4efc;
const SECTOR = 512;

/** "RAID1 of 2 disks (metadata 1.2), data from byte 1048576"; struct mdp_superblock_1 in Linux's md_p.h. */
export function describeRaid({ head, tail, size }: Ends): string {
	const sectors = Math.floor(size / SECTOR);
	const tailStart = size - tail.length;
	const version10 = (sectors - 16 - ((sectors - 16) % 8)) * SECTOR - tailStart;
	const places = [
		{ bytes: head, at: 0, version: "1.1" },
		{ bytes: head, at: 4096, version: "1.2" },
		{ bytes: tail, at: version10, version: "1.0" },
	];
	for (const { bytes, at, version } of places) {
		if (at < 0 || at + 256 > bytes.length || bytes.readUInt32LE(at) !== MAGIC || bytes.readUInt32LE(at + 4) !== 1) {
			continue;
		}
		const level = bytes.readInt32LE(at + 72);
		const disks = bytes.readUInt32LE(at + 92);
		const from = bytes.readBigUInt64LE(at + 128) * BigInt(SECTOR);
		const name = level >= 0 ? `RAID${level}` : level === -1 ? "linear RAID" : `RAID of level ${level}`;
		return `member of a ${name} of ${disks} disks (md metadata ${version}), data from byte ${from}; arrays are not read`;
	}
	return "member of a Linux RAID (md metadata 0.90); arrays are not read";
}
