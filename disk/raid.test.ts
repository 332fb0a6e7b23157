import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findVolume, openDisk } from "./disk.ts";
import { bytesSource } from "./partition/builders.ts";
import { readDiskTree } from "./tree.ts";

/** struct mdp_superblock_1 of Linux's md_p.h, as far as it is read. */
function superblock(level: number, disks: number, dataSectors: number): Buffer {
	const bytes = Buffer.alloc(256);
	bytes.writeUInt32LE(0xa92b4efc, 0);
	bytes.writeUInt32LE(1, 4);
	bytes.write("host:0", 32);
	bytes.writeInt32LE(level, 72);
	bytes.writeUInt32LE(disks, 92);
	bytes.writeBigUInt64LE(BigInt(dataSectors), 128);
	return bytes;
}

describe("members of Linux RAIDs", () => {
	const size = 1 << 20;
	const cases: readonly [at: number, bytes: Buffer, note: RegExp][] = [
		[4096, superblock(1, 2, 2048), /^member of a RAID1 of 2 disks \(md metadata 1\.2\), data from byte 1048576;/],
		[0, superblock(5, 3, 64), /^member of a RAID5 of 3 disks \(md metadata 1\.1\), data from byte 32768;/],
		[size - 8192, superblock(1, 2, 0), /^member of a RAID1 of 2 disks \(md metadata 1\.0\), data from byte 0;/],
		[size - 65536, superblock(1, 2, 0).fill(0, 4, 8), /md metadata 0\.90/],
	];
	for (const [at, bytes, note] of cases) {
		it(`are described and not read: superblock at ${at}`, async () => {
			const disk = Buffer.alloc(size);
			bytes.copy(disk, at);
			const volume = findVolume(await openDisk(bytesSource(disk)), "");
			assert.deepEqual([volume.kind, volume.isReadable, volume.isFilesystem], ["linux_raid_member", false, false]);
			assert.match(volume.note, note);
			assert.match(
				(await readDiskTree(bytesSource(disk))).problems.join(),
				/whole disk \(linux_raid_member\): member of/,
			);
		});
	}
});
