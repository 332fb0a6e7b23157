import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { needs } from "../test/support/requires.ts";
import { tempFolder } from "../test/support/temp.ts";
import { openDisk } from "./disk.ts";
import { bytesSource } from "./partition/builders.ts";
import { openFile } from "./source/file.ts";

const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };

describe("openDisk on what real tools make", () => {
	const made: readonly [kind: string, label: string, size: number, program: string, ...args: string[]][] = [
		["ext2", "two", 8, "mke2fs", "-q", "-F", "-t", "ext2", "-L", "two"],
		["ext3", "three", 8, "mke2fs", "-q", "-F", "-t", "ext3", "-L", "three"],
		["ext4", "Größe", 8, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "Größe"],
		["xfs", "data", 300, "mkfs.xfs", "-q", "-L", "data"],
		["ntfs", "", 8, "mkfs.ntfs", "-q", "-F", "-f", "-L", "win"],
		["vfat", "EFI", 16, "mkfs.vfat", "-F", "16", "-n", "EFI"],
		["vfat", "BOOT", 40, "mkfs.vfat", "-F", "32", "-n", "BOOT"],
		["vfat", "", 2, "mkfs.vfat", "-F", "12", "--mbr=yes"],
		["exfat", "", 8, "mkfs.exfat", "-L", "stick"],
		["btrfs", "pool", 200, "mkfs.btrfs", "-q", "-L", "pool"],
		["swap", "swp", 8, "mkswap", "-q", "-L", "swp"],
	];
	for (const [kind, label, megabytes, program, ...args] of made) {
		it(`recognises ${kind} of ${program} ${args.join(" ")}`, needs(program), async () => {
			await using folder = await tempFolder();
			const image = folder.file("image");
			await writeFile(image, "");
			truncateSync(image, megabytes << 20);
			execFileSync(program, [...args, image], { env: ENVIRONMENT, stdio: "ignore" });
			await using source = await openFile(image);
			const { table, volumes, problems } = await openDisk(source);
			assert.equal(table, "none");
			assert.deepEqual(problems, []);
			const found = volumes.map((volume) => [volume.id, volume.offset, volume.length, volume.kind, volume.label]);
			assert.deepEqual(found, [["", 0, megabytes << 20, kind, label]]);
			const [volume] = volumes;
			if (volume!.isReadable) {
				// A FAT whose root has a place of its own uses none of its clusters while it is empty.
				const { usedBytes, freeBytes } = await volume!.open();
				assert.ok(usedBytes + freeBytes > 0);
			} else
				await assert.rejects(
					volume!.open(),
					(error) => isUmbraError(error, "unsupported") && error.context.found === kind,
				);
		});
	}
});

const MKFS_VFAT = "mkfs.vfat";

describe("openDisk on a FAT that does not name itself", () => {
	it("recognises it by its fields and its table", needs(MKFS_VFAT), async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await writeFile(image, "");
		truncateSync(image, 8 << 20);
		execFileSync(MKFS_VFAT, ["-n", "NAMELESS", image], { env: ENVIRONMENT, stdio: "ignore" });
		const bytes = await readFile(image);
		bytes.fill(0, 54, 62);
		const [volume] = (await openDisk(bytesSource(bytes))).volumes;
		assert.equal(volume!.kind, "vfat");
		assert.equal((await volume!.open()).label, "NAMELESS");
		bytes[bytes.readUInt16LE(14) * 512] = 0;
		assert.equal((await openDisk(bytesSource(bytes))).volumes[0]!.kind, "unknown");
	});
});

describe("openDisk on signatures", () => {
	const disk = (at: number, signature: Buffer | string, also: (bytes: Buffer) => void = () => undefined): Buffer => {
		const bytes = Buffer.alloc(1 << 20);
		Buffer.from(signature as string, "latin1").copy(bytes, at);
		also(bytes);
		return bytes;
	};
	const raid = Buffer.from("fc4e2ba901000000", "hex");
	const cases: readonly [kind: string, bytes: Buffer][] = [
		["bitlocker", disk(3, "-FVE-FS-")],
		["btrfs", disk(0x10040, "_BHRfS_M")],
		["crypto_LUKS", disk(0, "LUKS\xba\xbe\0\x02")],
		["iso9660", disk(0x8001, "CD001")],
		["LVM2_member", disk(512, "LABELONE", (bytes) => bytes.write("LVM2 001", 536))],
		["zfs_member", disk(131072, Buffer.from("0cb1ba0000000000", "hex"))],
		["linux_raid_member", disk(0, raid)],
		["linux_raid_member", disk(4096, raid)],
		["linux_raid_member", disk((1 << 20) - 8192, raid, (bytes) => bytes.writeUInt16LE(0xef53, 1080))],
		["linux_raid_member", disk((1 << 20) - 65536, raid)],
		["unknown", Buffer.alloc(1 << 20)],
		["unknown", Buffer.alloc(100)],
	];
	for (const [kind, bytes] of cases) {
		it(`recognises ${kind} in ${bytes.length} bytes`, async () => {
			const { volumes } = await openDisk(bytesSource(bytes));
			assert.deepEqual(
				volumes.map((volume) => volume.kind),
				[kind],
			);
			await assert.rejects(volumes[0]!.open(), (error) => isUmbraError(error, "unsupported"));
		});
	}
});
