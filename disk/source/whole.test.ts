import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { createRandom, type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { variantsOf } from "../../test/support/variants.ts";
import { openFile } from "./file.ts";
import type { ImageFormat } from "./image-format.ts";
import { openImage } from "./open.ts";
import { readQcow2, readQcow2Header } from "./qcow2.ts";
import { qcow2Reach } from "./reach/qcow2.ts";
import { vdiReach } from "./reach/vdi.ts";
import { vmdkReach } from "./reach/vmdk.ts";
import { assertBytes, errorOf, run, sampleDisk } from "./testing.ts";
import { requireWhole } from "./whole.ts";

const MIB = 2 ** 20;
/** The last cluster of no format here ends with the disk. */
const SIZE = 9 * MIB + 512;

/** A disk with data up to its last sector. */
function rawDisk(folder: TempFolder): string {
	const raw = folder.file("disk.raw");
	const disk = sampleDisk(SIZE);
	disk.set(createRandom(2).bytes(200_000), SIZE - 200_000);
	writeFileSync(raw, disk);
	return raw;
}

function scribble(image: string, format: ImageFormat, random: Random, size = SIZE): void {
	const commands = Array.from({ length: 8 }, () => {
		const offset = random.below(size / 512) * 512;
		const length = Math.min(512 * random.pick([1, 7, 128, 129, 1000]), size - offset);
		return ["-c", `${random.pick(["write -P 1", "write -P 2", "write -z", "discard"])} ${offset} ${length}`];
	});
	run("qemu-io", "-f", format, ...commands.flat(), image);
}

/** How QEMU makes images: the format, options of `create` or `convert`, whether of compressed clusters. */
const KINDS: readonly (readonly [format: ImageFormat, options: string, compress?: "-c"])[] = [
	["qcow2", ""],
	["qcow2", "compression_type=zstd", "-c"],
	["qcow2", "", "-c"],
	["qcow2", "cluster_size=2M"],
	["qcow2", "extended_l2=on,cluster_size=128k"],
	["qcow2", "compat=0.10"],
	["qcow2", "preallocation=metadata"],
	["qcow2", "preallocation=metadata,extended_l2=on"],
	["qcow2", "cluster_size=512"],
	["qcow2", "cluster_size=512", "-c"],
	["qcow2", "preallocation=falloc"],
	["qcow2", "preallocation=full"],
	["qcow2", "lazy_refcounts=on"],
	["qcow2", "cluster_size=2M", "-c"],
	["vmdk", ""],
	["vmdk", "zeroed_grain=on"],
	["vmdk", "subformat=monolithicFlat"],
	["vmdk", "subformat=twoGbMaxExtentFlat"],
	["vmdk", "subformat=streamOptimized"],
	["vmdk", "subformat=twoGbMaxExtentSparse"],
	["vdi", ""],
	["vdi", "static=on"],
	["vhdx", ""],
	["vhdx", "subformat=fixed"],
];

/** The files of an image that hold its contents. */
function contents(folder: TempFolder, options: string): string {
	if (options.includes("monolithicFlat")) return folder.file("image-flat.vmdk");
	if (options.includes("twoGbMaxExtentFlat")) return folder.file("image-f001.vmdk");
	if (options.includes("twoGbMaxExtentSparse")) return folder.file("image-s001.vmdk");
	return "";
}

const programs = needs("qemu-nbd", "qemu-img", "qemu-io");

describe("requireWhole", programs, () => {
	for (const [format, options, compress] of variantsOf(KINDS, 2)) {
		const name = [format, options, compress].filter(Boolean).join(" ");
		const layout = options === "" ? [] : ["-o", options];
		const image = (folder: TempFolder) => folder.file(`image.${format}`);
		const convert = (folder: TempFolder, raw: string) => {
			const how = [...(compress === undefined ? [] : [compress]), "-f", "raw", "-O", format, ...layout];
			run("qemu-img", "convert", ...how, raw, image(folder));
			return image(folder);
		};

		it(`takes what QEMU converts to ${name}, and refuses it cut`, async () => {
			await using folder = await tempFolder();
			const raw = rawDisk(folder);
			const path = convert(folder, raw);
			await requireWhole(path, { format });
			const held = contents(folder, options) || path;
			const whole = statSync(held).size;
			for (const part of [0.98, 0.6, 0.2]) {
				truncateSync(held, Math.floor(whole * part));
				try {
					await using source = await openImage(path);
					// What was cut off may have been nothing that the disk needs.
					assertBytes(await source.read(0, SIZE), readFileSync(raw).subarray(0, SIZE), `${part} of ${held}`);
					assert.equal(part, 0.98);
				} catch (error) {
					assert.ok(isUmbraError(error), String(error));
					// QEMU's own check.
					if (format === "vhdx") {
						assert.match(error.message, /end of file/);
						continue;
					}
					assert.equal(error.code, "truncated", error.message);
					assert.ok(error.message.includes(held) && error.message.includes(String(statSync(held).size)), error.message);
					assert.match(error.hint ?? "", /not copied as a whole/);
				}
			}
		});

		it(`takes what QEMU creates and writes as ${name}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			const path = image(folder);
			run("qemu-img", "create", "-q", "-f", format, ...layout, path, String(SIZE));
			await requireWhole(path, { format });
			if (options.includes("streamOptimized")) return;
			for (let round = 0; round < 2; round++) {
				scribble(path, format, random);
				await requireWhole(path, { format });
				if (format === "qcow2") run("qemu-img", "snapshot", "-c", `s${round}`, path);
				await requireWhole(path, { format });
			}
		});
	}

	it("finds the grains of a VMDK whose directory is told at its end, as VMware streams it", async () => {
		await using folder = await tempFolder();
		const [raw, image] = [rawDisk(folder), folder.file("image.vmdk")];
		run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, image);
		const bytes = readFileSync(image);
		const footer = Buffer.alloc(512);
		footer.writeUInt32LE(1, 0);
		footer.writeUInt32LE(3, 12);
		const header = Buffer.from(bytes.subarray(0, 512));
		bytes.writeBigUInt64LE(2n ** 64n - 1n, 56);
		writeFileSync(image, Buffer.concat([bytes, footer, header, Buffer.alloc(512)]));
		{
			await using source = await openImage(image);
			assertBytes(await source.read(0, SIZE), readFileSync(raw), "the image");
		}
		// Without its middle. QEMU does not open such a one, as it finds fewer bytes than its header counts.
		const half = bytes.subarray(0, bytes.length / 2);
		writeFileSync(image, Buffer.concat([half, footer, header, Buffer.alloc(512)]));
		await using file = await openFile(image);
		const reach = await vmdkReach(file, undefined);
		assert.equal(reach?.what, "compressed grain");
		assert.throws(() => reach.require(file), { code: "truncated" });
	});

	it("refuses an image whose backing chain was cut, whatever stands below", async () => {
		await using folder = await tempFolder();
		const raw = rawDisk(folder);
		for (const format of ["qcow2", "vmdk", "vdi"] as const) {
			const [base, middle, top] = [`base.${format}`, `middle-${format}.qcow2`, `top-${format}.qcow2`].map((name) =>
				folder.file(name),
			);
			run("qemu-img", "convert", "-f", "raw", "-O", format, raw, base!);
			run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base!, "-F", format, middle!);
			run("qemu-img", "create", "-q", "-f", "qcow2", "-b", middle!, "-F", "qcow2", top!);
			await requireWhole(top!, { format: "qcow2" });
			truncateSync(base!, Math.floor(statSync(base!).size * 0.6));
			const error = await errorOf(openImage(top!));
			assert.equal(error.code, "truncated");
			assert.ok(error.message.startsWith(`${base}: `), error.message);
		}
	});

	it("tells a raw disk that was cut from one whose overlay was enlarged", needs("sfdisk", "mke2fs"), async () => {
		await using folder = await tempFolder();
		const overlayOf = async (base: string) => {
			const top = `${base}.qcow2`;
			run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", top, String(4 * SIZE));
			return top;
		};
		const [table, filesystem] = [folder.file("table.raw"), folder.file("filesystem.raw")];
		for (const path of [table, filesystem]) {
			writeFileSync(path, "");
			truncateSync(path, 2 * SIZE);
		}
		writeFileSync(folder.file("script"), "label: gpt\nstart=2048\n");
		run("sh", "-c", `sfdisk -q ${table} < ${folder.file("script")}`);
		run("mke2fs", "-q", "-F", "-t", "ext4", filesystem);
		for (const [base, message] of [
			[table, /partition 1 ends at \d+, beyond the disk's end at \d+/],
			[filesystem, /superblock/],
		] as const) {
			const top = await overlayOf(base);
			await requireWhole(top, { format: "qcow2" });
			truncateSync(base, SIZE);
			const error = await errorOf(openImage(top));
			assert.equal(error.code, "truncated");
			assert.match(error.message, message);
			assert.ok(error.message.startsWith(`${base}: ends after ${SIZE} bytes`), error.message);
		}
	});

	it("looks at the file that holds a qcow2's contents", async () => {
		await using folder = await tempFolder();
		const [image, contents] = [folder.file("image.qcow2"), folder.file("contents")];
		run("qemu-img", "create", "-q", "-f", "qcow2", "-o", `data_file=${contents}`, image, String(SIZE));
		run("qemu-io", "-c", `write -P 1 0 ${MIB}`, image);
		truncateSync(contents, MIB);
		await requireWhole(image, { format: "qcow2" });
		truncateSync(contents, MIB - 1);
		const error = await errorOf(openImage(image));
		assert.equal(error.code, "truncated");
		assert.ok(error.message.startsWith(`${contents}: `), error.message);
	});

	it("refuses a file that lacks a byte of what one state maps, and no other state", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, String(SIZE));
		run("qemu-io", "-c", "write -P 1 0 64k", image);
		run("qemu-img", "snapshot", "-c", "one", image);
		run("qemu-io", "-c", "write -P 2 1M 1M", image);
		await using file = await openFile(image);
		const { snapshots, present } = await readQcow2(file);
		const header = await readQcow2Header(file);
		const now = await qcow2Reach(file, header, present, undefined);
		const then = await qcow2Reach(file, header, snapshots[0]!, undefined);
		assert.ok(then.image.bytes < now.image.bytes);
		truncateSync(image, now.image.bytes);
		await requireWhole(image, { format: "qcow2" });
		truncateSync(image, now.image.bytes - 1);
		assert.equal((await errorOf(requireWhole(image, { format: "qcow2" }))).code, "truncated");
		await requireWhole(image, { format: "qcow2", state: snapshots[0] });
	});

	const fields: readonly (readonly [string, ImageFormat, (image: Buffer) => void, string, RegExp])[] = [
		["an L2 table at 2^55", "qcow2", (image) => l1(image, 2n ** 55n), "corrupt", /L2 table: offset .* below 2\^53/],
		["an L1 table at 2^50", "qcow2", (image) => image.writeBigUInt64BE(2n ** 50n, 40), "truncated", /L1 table/],
		["a cluster at 2^55", "qcow2", (image) => l2(image, 2n ** 55n), "corrupt", /data cluster: offset .* below 2\^53/],
		[
			"a compressed one at 2^48",
			"qcow2",
			(image) => l2(image, 2n ** 62n + 2n ** 48n),
			"truncated",
			/compressed cluster/,
		],
		[
			"a VDI of 2^32 blocks",
			"vdi",
			(image) => image.writeUInt32LE(0xffffffff, 0x180),
			"corrupt",
			/cBlocks is 4294967295/,
		],
		["blocks of 4 GiB", "vdi", (image) => image.writeUInt32LE(0xffffffff, 0x178), "corrupt", /cbBlock is 4294967295/],
		["a block map behind the end", "vdi", (image) => image.writeUInt32LE(0xfffff000, 0x154), "truncated", /block map/],
		["a grain of 2^63 sectors", "vmdk", (image) => image.writeBigUInt64LE(2n ** 63n, 20), "corrupt", /grainSize/],
		["2^32 entries a table", "vmdk", (image) => image.writeUInt32LE(0xffffffff, 44), "corrupt", /numGTEsPerGT/],
		["a disk of 2^63 sectors", "vmdk", (image) => image.writeBigUInt64LE(2n ** 63n, 12), "corrupt", /capacity/],
		["a grain directory at 2^62", "vmdk", (image) => image.writeBigUInt64LE(2n ** 62n, 56), "corrupt", /gdOffset/],
	];
	for (const [what, format, change, code, message] of fields) {
		it(`bounds ${what}`, async () => {
			await using folder = await tempFolder();
			const image = folder.file("image");
			run("qemu-img", "convert", "-f", "raw", "-O", format, rawDisk(folder), image);
			const bytes = readFileSync(image);
			change(bytes);
			writeFileSync(image, bytes);
			await using file = await openFile(image);
			const reach = async () => {
				if (format === "vdi") return (await vdiReach(file, undefined)).require(file);
				if (format === "vmdk") return (await vmdkReach(file, undefined))?.require(file);
				const header = await readQcow2Header(file);
				return (await qcow2Reach(file, header, header.present, undefined)).image.require(file);
			};
			const error = await errorOf(reach());
			assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
		});
	}
});

/** The first entry of the L1 table, and of the L2 table that it names. */
function l1(image: Buffer, entry: bigint): void {
	image.writeBigUInt64BE(entry, Number(image.readBigUInt64BE(40)));
}

function l2(image: Buffer, entry: bigint): void {
	const table = image.readBigUInt64BE(Number(image.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n;
	image.writeBigUInt64BE(entry, Number(table));
}
