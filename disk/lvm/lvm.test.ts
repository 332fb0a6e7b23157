import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { open, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { isUmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { variantsOf } from "../../test/support/variants.ts";
import { type DiskSet, findVolume, type NamedSource, openDisk, openDisks } from "../disk.ts";
import { comparePages } from "../map/compare.ts";
import { type ChangedPages, mapChanges, mapMachineChanges } from "../map/map.ts";
import { resolvePath } from "../path.ts";
import { segmentSource, toDiskRanges } from "../segments.ts";
import { openFile } from "../source/file.ts";
import { decodeMachineTree, encodeMachineTree, readDiskTree, readMachineTree } from "../tree.ts";
import { needsLvm, type OracleSegment, oracleRanges, place, TestGroup } from "./testing.ts";

const run = promisify(execFile);
const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, DEBUGFS_PAGER: "__none__" };
const MIB = 1 << 20;
const LVM = needsLvm();
const LVM_EXT = needsLvm("mke2fs", "debugfs");

async function openAll(images: readonly string[], opened: AsyncDisposableStack): Promise<NamedSource[]> {
	const sources: NamedSource[] = [];
	for (const [at, image] of images.entries()) {
		sources.push({ name: `d${at}`, source: opened.use(await openFile(image)) });
	}
	return sources;
}

/** Neighbouring pieces as one, so that two ways to say the same place are equal. */
function joined(pieces: Iterable<{ disk: number; offset: number; length: number }>): string[] {
	const result: { disk: number; offset: number; length: number }[] = [];
	for (const { disk, offset, length } of pieces) {
		const last = result.at(-1);
		if (last?.disk === disk && last.offset + last.length === offset) last.length += length;
		else result.push({ disk, offset, length });
	}
	return result.map(({ disk, offset, length }) => `${disk}:${offset}+${length}`);
}

function assertPlaces(machine: DiskSet, group: string, oracle: ReadonlyMap<string, readonly OracleSegment[]>): number {
	let compared = 0;
	for (const [name, segments] of oracle) {
		const volume = findVolume(machine, `${group}/${name}`);
		const found = toDiskRanges(volume.segments, 0, volume.length);
		assert.deepEqual(joined(found), joined(oracleRanges(segments)), name);
		compared++;
	}
	return compared;
}

describe("openDisks on what lvm makes", () => {
	it("finds every extent of linear and striped volumes that grew and shrank", LVM, async (context) => {
		const random = testRandom(context);
		for (const extent of variantsOf(["64k", "4m", "1m"], 3)) {
			const size = extent === "4m" ? 96 * MIB : 24 * MIB;
			await using group = await TestGroup.create("vgmap", [size, size, size, size], { vgcreate: ["-s", extent] });
			const volumes: string[] = [];
			for (let step = 0; step < 14; step++) {
				const name = `lv${step}`;
				const stripes = random.pick([1, 1, 2, 3, 4]);
				const stripeKib = random.pick(extent === "64k" ? [4, 16, 64] : [4, 8, 64, 512]);
				const size = ["-l", String(stripes * random.between(1, 3))];
				const striped = stripes === 1 ? [] : ["-i", String(stripes), "-I", `${stripeKib}k`];
				const roll = random.below(10);
				// What does not fit is refused by lvm; whatever is there then is what counts.
				try {
					if (roll < 6 || volumes.length < 3) {
						await group.create(name, [...size, ...striped]);
						volumes.push(name);
					} else if (roll < 9) {
						await group.extend(random.pick(volumes), ["-l", `+${stripes * random.between(1, 3)}`, ...striped]);
					} else {
						const [gone] = volumes.splice(random.below(volumes.length), 1);
						await group.lvm("lvremove", "-y", `vgmap/${gone}`);
					}
				} catch (error) {
					assert.match(String(error), /[Ii]nsufficient|not enough|Rounding|stripe/);
				}
			}
			await using opened = new AsyncDisposableStack();
			const sources = await openAll(group.images, opened);
			const machine = await openDisks(sources);
			assert.deepEqual(machine.problems, []);
			const oracle = await group.oracle();
			assert.ok(assertPlaces(machine, "vgmap", oracle) >= 3);
			assert.equal(machine.volumes.filter(({ id }) => id.startsWith("vgmap/")).length, oracle.size);

			// What the volume reads, in one go and in pieces, is what stands in those places.
			for (const [name, segments] of oracle) {
				const { length, segments: found } = findVolume(machine, `vgmap/${name}`);
				const content = random.bytes(length);
				await place(group.images, segments, Buffer.from(content));
				const source = segmentSource(
					sources.map((disk) => disk.source),
					found,
					name,
				);
				assert.equal(Buffer.compare(await source.read(0, length), content), 0, name);
				for (let round = 0; round < 10; round++) {
					const at = random.below(length);
					const count = random.below(length - at + 1);
					const piece = content.subarray(at, at + count);
					assert.equal(Buffer.compare(await source.read(at, count), piece), 0, `${name} ${at}+${count}`);
				}
			}
		}
	});

	it("takes the newest metadata that is whole, from whichever copy", LVM, async () => {
		await using group = await TestGroup.create("vgmeta", [32 * MIB, 32 * MIB], {
			pvcreate: ["--metadatacopies", "2"],
		});
		await group.create("one", ["-l", "1"]);
		const old = await group.save("old");
		await group.create("two", ["-l", "1"]);
		const ids = async (images: readonly string[]) => {
			await using opened = new AsyncDisposableStack();
			const { volumes, problems } = await openDisks(await openAll(images, opened));
			return { ids: volumes.map(({ id }) => id).filter((id) => id !== ""), problems };
		};
		assert.deepEqual(await ids(group.images), { ids: ["vgmeta/one", "vgmeta/two"], problems: [] });
		assert.deepEqual((await ids([old[0]!, group.images[1]!])).ids, ["vgmeta/one", "vgmeta/two"]);
		assert.deepEqual((await ids([group.images[0]!, old[1]!])).ids, ["vgmeta/one", "vgmeta/two"]);

		// The first copy on the first disk is damaged: its text, then its header.
		const bytes = await readFile(group.images[0]!);
		const header = bytes.indexOf(" LVM2 x[5A%r0N*>") - 4;
		const text = header + Number(bytes.readBigUInt64LE(header + 40));
		for (const [at, structure] of [
			[text + 100, "LVM2 metadata"],
			[header + 41, "mda_header"],
		] as const) {
			const file = await open(group.images[0]!, "r+");
			await file.write(Buffer.from([bytes[at]! ^ 1]), 0, 1, at).finally(() => file.close());
			const found = await ids([group.images[0]!]);
			assert.deepEqual(found.ids, ["vgmeta/one", "vgmeta/two"]);
			assert.deepEqual(
				found.problems.map(({ code, context }) => [code, context.structure]),
				[["corrupt", structure]],
			);
		}
	});

	it("reads metadata that wraps around the end of its ring", LVM, async () => {
		await using group = await TestGroup.create("vgring", [32 * MIB]);
		await group.create("first", ["-l", "1"]);
		let wrapped = 0;
		for (let change = 0; change < 30 && wrapped < 2; change++) {
			// Tags make a text of 100 KB, so that a few changes fill the ring of 1 MiB.
			const tags = Array.from({ length: 100 }, (_, at) => ["--addtag", `t${change}-${at}-${"x".repeat(900)}`]);
			if (change === 1) await group.create("second", ["-l", "1"]);
			if (change === 0) await group.lvm("vgchange", ...tags.flat(), "vgring");
			else await group.lvm("vgchange", "--addtag", `again${change}`, "vgring");
			const bytes = await readFile(group.images[0]!);
			const header = bytes.indexOf(" LVM2 x[5A%r0N*>") - 4;
			const [size, offset, length] = [32, 40, 48].map((at) => Number(bytes.readBigUInt64LE(header + at)));
			if (offset! + length! <= size!) continue;
			wrapped++;
			await using opened = new AsyncDisposableStack();
			const machine = await openDisks(await openAll(group.images, opened));
			assert.deepEqual(machine.problems, []);
			assert.equal(assertPlaces(machine, "vgring", await group.oracle()), 2);
		}
		assert.ok(wrapped > 0, "no text wrapped around");
	});

	it("names what a missing physical volume takes away, and reads the rest", LVM, async () => {
		await using group = await TestGroup.create("vgpart", [32 * MIB, 32 * MIB]);
		await group.create("here", ["-l", "2"], ["0"]);
		await group.create("gone", ["-l", "2"], ["1"]);
		await group.create("both", ["-l", "2", "-i", "2"]);
		await using opened = new AsyncDisposableStack();
		const [first] = await openAll(group.images, opened);
		const { volumes } = await openDisk(first!.source);
		assert.deepEqual(
			volumes.map(({ id, kind, segments }) => [id, kind, segments.length]),
			[
				["", "LVM2_member", 1],
				["vgpart/here", "unknown", 1],
				["vgpart/gone", "LVM2_unavailable", 0],
				["vgpart/both", "LVM2_unavailable", 0],
			],
		);
		const gone = findVolume({ volumes }, "vgpart/gone");
		assert.match(
			gone.note,
			/logical volume vgpart\/gone: its physical volume pv1 \(\/dev\/loop\d+, \w{32}\) is not here/,
		);
		await assert.rejects(gone.open(), (error) => isUmbraError(error, "unavailable"));
	});

	it("reads raid0 and mirrors, and names the types that it does not read", LVM, async () => {
		await using group = await TestGroup.create("vgkind", [64 * MIB, 64 * MIB]);
		await group.create("r0", ["--type", "raid0", "-i", "2", "-l", "2"]);
		await group.create("mir", ["-l", "1"], ["0"]);
		for (const name of ["mcopy0", "mcopy1", "copy0", "copy1", "meta0", "meta1"]) {
			await group.create(name, ["-l", "1"], [name.endsWith("0") ? "0" : "1"]);
		}
		await group.create("r1", ["-l", "1"]);
		for (const name of ["tpool", "data", "tmeta", "thin", "origin", "snap", "store", "r5"]) {
			await group.create(name, ["-l", "1"]);
		}
		const bodies: Record<string, string> = {
			mir: 'type = "mirror"\nmirror_count = 2\nregion_size = 1024\nmirrors = ["mcopy0", 0, "mcopy1", 0]',
			r1: 'type = "raid1"\ndevice_count = 2\nregion_size = 1024\nraids = ["meta0", "copy0", "meta1", "copy1"]',
			tpool:
				'type = "thin-pool"\nmetadata = "tmeta"\npool = "data"\ntransaction_id = 1\nchunk_size = 128\ndiscards = "passdown"\nzero_new_blocks = 1',
			thin: 'type = "thin"\nthin_pool = "tpool"\ntransaction_id = 0\ndevice_id = 1',
			store: 'type = "snapshot"\nchunk_size = 8\norigin = "origin"\ncow_store = "snap"',
			r5: 'type = "raid5_ls"\ndevice_count = 2\nraids = ["meta0", "copy0"]',
		};
		const images = await group.save("before");
		// Lvm refuses to restore half of these without their kernel modules; the metadata is written in its place.
		await using opened = new AsyncDisposableStack();
		for (const image of images) await rewriteText(image, (text) => replaceSegments(text, bodies));
		const oracle = await group.oracle();
		const sources = await openAll(images, opened);
		const { volumes, problems } = await openDisks(sources);
		assert.deepEqual(problems, []);
		const kinds = new Map(volumes.map(({ id, kind }) => [id, kind]));
		assert.deepEqual(
			["thin", "tpool", "snap", "r5", "origin"].map((name) => kinds.get(`vgkind/${name}`)),
			["LVM2_thin", "LVM2_thin-pool", "LVM2_snapshot", "LVM2_raid5_ls", "unknown"],
		);
		assert.equal(findVolume({ volumes }, "vgkind/tpool").isFilesystem, false);
		assert.equal(findVolume({ volumes }, "vgkind/thin").isFilesystem, true);
		await assert.rejects(
			findVolume({ volumes }, "vgkind/thin").open(),
			(error) => isUmbraError(error, "unsupported") && error.context.found === "thin",
		);
		const places = (name: string) =>
			joined(toDiskRanges(findVolume({ volumes }, `vgkind/${name}`).segments, 0, 2 ** 40));
		const wanted = (name: string) => joined(oracleRanges(oracle.get(name)!));
		assert.deepEqual(places("mir"), wanted("mcopy0"));
		assert.deepEqual(places("r1"), wanted("copy0"));
		const images0 = ["r0_rimage_0", "r0_rimage_1"].map((name) => oracle.get(name)![0]!);
		const [r0] = oracle.get("r0")!;
		const stripes = images0.map(({ stripes: [stripe] }) => stripe!);
		assert.deepEqual(places("r0"), joined(oracleRanges([{ ...r0!, stripes }])));

		// Only the second disk: the mirrors are read there.
		const { volumes: half } = await openDisk(sources[1]!.source);
		const halfPlaces = (name: string) => joined(toDiskRanges(findVolume({ volumes: half }, name).segments, 0, 2 ** 40));
		const onOne = (name: string) => wanted(name).map((piece) => piece.replace(/^1:/, "0:"));
		assert.deepEqual(halfPlaces("vgkind/mir"), onOne("mcopy1"));
		assert.deepEqual(halfPlaces("vgkind/r1"), onOne("copy1"));

		// The superblocks say that the first copy dropped out.
		const superblock = (position: number, events: bigint, failed: bigint): Buffer => {
			const bytes = Buffer.alloc(512);
			bytes.write("DmRd", 0, "latin1");
			bytes.writeUInt32LE(2, 8);
			bytes.writeUInt32LE(position, 12);
			bytes.writeBigUInt64LE(events, 16);
			bytes.writeBigUInt64LE(failed, 24);
			bytes.writeBigUInt64LE(0xffffffffffffffffn, 32);
			return bytes;
		};
		await place(images, oracle.get("meta0")!, superblock(0, 5n, 0n));
		await place(images, oracle.get("meta1")!, superblock(1, 7n, 1n));
		const later = await openDisks(sources);
		assert.deepEqual(joined(toDiskRanges(findVolume(later, "vgkind/r1").segments, 0, 2 ** 40)), wanted("copy1"));
		assert.match(later.problems.map(({ message }) => message).join(), /vgkind\/r1: copy0 out of step/);
	});
});

/** Puts other segments into the description of some volumes. */
function replaceSegments(text: string, bodies: Readonly<Record<string, string>>): string {
	let result = text;
	for (const [name, body] of Object.entries(bodies)) {
		const pattern = new RegExp(
			`(\\n${name} \\{[^{]*segment_count = )1(\\n+segment1 \\{\\nstart_extent = 0\\nextent_count = \\d+\\n)[^}]*\\}`,
		);
		assert.match(result, pattern, name);
		result = result.replace(pattern, (_, head: string, start: string) => `${head}1${start}${body}\n}`);
	}
	return result;
}

/** Changes the metadata's text in an image and the checksums with it. */
async function rewriteText(image: string, change: (text: string) => string): Promise<void> {
	const { lvmCrc } = await import("./label.ts");
	const bytes = await readFile(image);
	const header = bytes.indexOf(" LVM2 x[5A%r0N*>") - 4;
	const [start, , offset, length] = [24, 32, 40, 48].map((at) => Number(bytes.readBigUInt64LE(header + at)));
	const text = bytes.toString("latin1", start! + offset!, start! + offset! + length!);
	const changed = Buffer.from(change(text), "latin1");
	changed.copy(bytes, start! + 512);
	bytes.writeBigUInt64LE(512n, header + 40);
	bytes.writeBigUInt64LE(BigInt(changed.length), header + 48);
	bytes.writeUInt32LE(lvmCrc(changed), header + 56);
	bytes.writeUInt32LE(lvmCrc(bytes.subarray(header + 4, header + 512)), header);
	await writeFile(image, bytes);
}

/** An ext4 filesystem of this size with some files, and their contents. */
async function makeExt4(
	group: TestGroup,
	size: number,
	files: ReadonlyMap<string, Uint8Array>,
	...more: readonly string[]
): Promise<Buffer> {
	const image = group.folder.file("ext4");
	await writeFile(image, "");
	await run("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", image, `${size >> 10}k`], { env: ENVIRONMENT });
	await editExt4(group, image, files, ...more);
	return await readFile(image);
}

async function editExt4(
	group: TestGroup,
	image: string,
	files: ReadonlyMap<string, Uint8Array>,
	...more: readonly string[]
): Promise<void> {
	const commands: string[] = [];
	for (const [name, content] of files) {
		await writeFile(group.folder.file(`content-${name}`), content);
		commands.push(`write ${group.folder.file(`content-${name}`)} ${name}`);
	}
	commands.push(...more);
	await writeFile(group.folder.file("commands"), `${commands.join("\n")}\n`);
	await run("debugfs", ["-w", "-f", group.folder.file("commands"), image], { env: ENVIRONMENT });
}

describe("files on logical volumes", () => {
	for (const [what, args] of [
		["one linear segment", [["-l", "8"]]],
		[
			"pieces of several disks",
			[
				["-l", "3"],
				["-l", "+5"],
				["-l", "+8"],
			],
		],
		["stripes of 4 KiB", [["-l", "8", "-i", "2", "-I", "4k"]]],
		["stripes of 64 KiB over three disks", [["-l", "9", "-i", "3", "-I", "64k"]]],
		[
			"stripes of 1 MiB behind a linear piece",
			[
				["-l", "2"],
				["-l", "+6", "-i", "2", "-I", "1m"],
			],
		],
	] as const) {
		it(`are read and their changes found: ${what}`, LVM_EXT, async (context) => {
			const random = testRandom(context);
			await using group = await TestGroup.create("vgext", [64 * MIB, 64 * MIB, 64 * MIB]);
			await group.create("root", args[0]);
			for (const [at, more] of args.slice(1).entries()) {
				// Something in between, so that the next piece lies elsewhere.
				await group.create(`gap${at}`, ["-l", "1"], [String(at % 3)]);
				await group.extend("root", more, (more as readonly string[]).includes("-i") ? [] : [String((at + 1) % 3)]);
			}
			const segments = (await group.oracle()).get("root")!;
			const length = segments.reduce((sum, segment) => sum + segment.length, 0);
			const files = new Map([
				["a", random.bytes(3 * MIB + 17)],
				["b", random.bytes(200_000)],
				["c", random.bytes(5000)],
			]);
			const content = await makeExt4(group, length, files);
			await place(group.images, segments, content);
			const saved = await group.save("before");
			const later = new Map([["d", random.bytes(300_000)]]);
			await editExt4(group, group.folder.file("ext4"), later, "rm b");
			await place(group.images, segments, await readFile(group.folder.file("ext4")));

			await using opened = new AsyncDisposableStack();
			const before = await openAll(saved, opened);
			const after = await openAll(group.images, opened);
			const volume = findVolume(await openDisks(before), "vgext/root");
			assert.equal(volume.kind, "ext4");
			const filesystem = await volume.open();
			for (const [name, wanted] of files) {
				const { node } = await resolvePath(filesystem, `/${name}`, { followLast: true });
				assert.equal(Buffer.compare(await filesystem.readFile(node, 0, node.size), wanted), 0, name);
				// By the map of ranges the same bytes are found on the disks.
				const pieces: Uint8Array[] = [];
				for (let at = 0; at < node.data.length; at += 2) {
					for (const range of toDiskRanges(volume.segments, node.data[at]!, node.data[at + 1]!)) {
						pieces.push(await before[range.disk]!.source.read(range.offset, range.length));
					}
				}
				assert.equal(Buffer.compare(Buffer.concat(pieces).subarray(0, node.size), wanted), 0, `${name} on the disks`);
			}

			const pages = new Map<string, ChangedPages>();
			for (const [at, { name, source }] of before.entries()) {
				pages.set(name, await comparePages(source, after[at]!.source));
			}
			const trees = [await readMachineTree(before), await readMachineTree(after)] as const;
			const [oldTree, newTree] = trees.map((tree) => decodeMachineTree(encodeMachineTree(tree)));
			const changes = mapMachineChanges(oldTree!, newTree!, pages);
			assert.deepEqual(
				changes.files.map(({ volume: id, files: found }) => [id, found.map(({ path, change }) => `${change} ${path}`)]),
				[["vgext/root", ["deleted /b", "created /d"]]],
			);
			const created = changes.files[0]!.files.find(({ path }) => path === "/d")!;
			assert.ok(
				created.changedBytes >= 300_000 && created.changedBytes < 300_000 + 3 * 4096,
				`${created.changedBytes}`,
			);
			assert.equal(changes.attribution.unknown, 0);
			assert.ok(changes.attribution.metadata > 0);

			// One volume looked at alone says the same.
			const alone = await Promise.all(
				[before, after].map(async (sources) => {
					const { segments: found } = findVolume(await openDisks(sources), "vgext/root");
					return segmentSource(
						sources.map(({ source }) => source),
						found,
						"root",
					);
				}),
			);
			const [oldRoot, newRoot] = alone;
			const single = mapChanges(
				await readDiskTree(oldRoot!),
				await readDiskTree(newRoot!),
				await comparePages(oldRoot!, newRoot!),
			);
			assert.deepEqual(single.files[0]!.files, changes.files[0]!.files);
			assert.deepEqual(single.attribution, changes.attribution);
		});
	}
});
