import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { variantsOf } from "../../test/support/variants.ts";
import { isExt, openExt } from "./ext.ts";
import { accountForAllBlocks, compareWithDebugfs, compareWithFolder, compareWithSleuthkit } from "./oracles.ts";
import { has, makeImage, makeTree, openImage, pathsOf, temporaryFolder } from "./testing.ts";

const MIB = 1 << 20;

interface Variant {
	readonly name: string;
	readonly kind: string;
	readonly options: readonly string[];
	readonly size?: number;
	/** Whether The Sleuth Kit 4.11 understands it. */
	readonly sleuthkit?: false;
}

const VARIANTS: readonly Variant[] = [
	{ name: "ext2, 1 KiB blocks", kind: "ext2", options: ["-t", "ext2", "-b", "1024"] },
	{ name: "ext2, 4 KiB blocks", kind: "ext2", options: ["-t", "ext2", "-b", "4096"] },
	{ name: "ext2, revision 0", kind: "ext2", options: ["-t", "ext2", "-r", "0", "-O", "none"] },
	{
		name: "ext2 without filetype",
		kind: "ext2",
		options: ["-t", "ext2", "-O", "^filetype,^sparse_super,^resize_inode"],
	},
	{ name: "ext3, 1 KiB blocks", kind: "ext3", options: ["-t", "ext3", "-b", "1024"] },
	{ name: "ext3, 128 byte inodes", kind: "ext3", options: ["-t", "ext3", "-I", "128"] },
	{ name: "ext4", kind: "ext4", options: ["-t", "ext4"] },
	{ name: "ext4, 1 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "1024"] },
	{ name: "ext4, 2 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "2048"] },
	{ name: "ext4, 64 KiB blocks", kind: "ext4", options: ["-t", "ext4", "-b", "65536"], size: 256 * MIB },
	{ name: "128 byte inodes", kind: "ext4", options: ["-t", "ext4", "-I", "128"] },
	{ name: "1 KiB inodes", kind: "ext4", options: ["-t", "ext4", "-I", "1024"] },
	{ name: "no extents", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "^extent,^64bit"] },
	{ name: "no 64bit", kind: "ext4", options: ["-t", "ext4", "-O", "^64bit"] },
	{ name: "no flex_bg", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "^flex_bg"] },
	{ name: "small groups", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-g", "1024"] },
	{
		name: "meta_bg",
		kind: "ext4",
		options: ["-t", "ext4", "-b", "1024", "-g", "512", "-O", "meta_bg,^resize_inode"],
	},
	{
		name: "bigalloc",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "bigalloc", "-C", "65536"],
		size: 256 * MIB,
		sleuthkit: false,
	},
	{
		name: "bigalloc, 1 KiB blocks",
		kind: "ext4",
		options: ["-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "16384"],
		size: 256 * MIB,
		sleuthkit: false,
	},
	{ name: "sparse_super2", kind: "ext4", options: ["-t", "ext4", "-b", "1024", "-O", "sparse_super2,^resize_inode"] },
	{ name: "inline_data", kind: "ext4", options: ["-t", "ext4", "-O", "inline_data"], sleuthkit: false },
	{
		name: "inline_data, 1 KiB inodes",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "inline_data", "-I", "1024"],
		sleuthkit: false,
	},
	{ name: "uninit_bg", kind: "ext4", options: ["-t", "ext4", "-O", "^metadata_csum,uninit_bg"] },
	{ name: "no checksums", kind: "ext4", options: ["-t", "ext4", "-O", "^metadata_csum"] },
	{ name: "metadata_csum_seed", kind: "ext4", options: ["-t", "ext4", "-O", "metadata_csum_seed"], sleuthkit: false },
	{ name: "large_dir", kind: "ext4", options: ["-t", "ext4", "-O", "large_dir"], sleuthkit: false },
	{
		name: "casefold",
		kind: "ext4",
		options: ["-t", "ext4", "-O", "casefold", "-E", "encoding=utf8"],
		sleuthkit: false,
	},
	{ name: "encrypt", kind: "ext4", options: ["-t", "ext4", "-O", "encrypt,verity,stable_inodes"], sleuthkit: false },
	{ name: "ea_inode", kind: "ext4", options: ["-t", "ext4", "-O", "ea_inode"], sleuthkit: false },
	{ name: "mmp", kind: "ext4", options: ["-t", "ext4", "-O", "mmp"] },
	{ name: "quota and project", kind: "ext4", options: ["-t", "ext4", "-O", "quota,project"] },
	{ name: "orphan_file", kind: "ext4", options: ["-t", "ext4", "-O", "orphan_file"] },
	{ name: "fast_commit", kind: "ext4", options: ["-t", "ext4", "-O", "fast_commit"] },
	{ name: "no journal", kind: "ext4", options: ["-t", "ext4", "-O", "^has_journal"] },
];

describe("openExt", () => {
	let folder: AsyncDisposable & { readonly path: string };
	let whole: string;
	/** mke2fs 1.47 cuts sparse files short where it writes inline data. */
	let withoutHoles: string;
	before(async () => {
		folder = await temporaryFolder();
		whole = join(folder.path, "whole");
		withoutHoles = join(folder.path, "without-holes");
		await makeTree(whole);
		await makeTree(withoutHoles, false);
	});
	after(() => folder[Symbol.asyncDispose]());

	for (const variant of variantsOf(VARIANTS, 3)) {
		it(`reads ${variant.name} as mke2fs wrote it, e2fsprogs and The Sleuth Kit show it`, async (t) => {
			if (!(await has(t, "mke2fs", "debugfs", "fls"))) return;
			const tree = variant.options.includes("inline_data") ? withoutHoles : whole;
			await using own = await temporaryFolder();
			const image = join(own.path, "image");
			await makeImage(image, variant.size ?? 64 * MIB, ["-L", "umbra", ...variant.options], tree);
			await using source = await openImage(image);
			assert.ok(isExt(await source.read(0, 4096)));
			const fs = await openExt(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			assert.equal(fs.kind, variant.kind);
			assert.equal(fs.label, "umbra");
			assert.equal(fs.usedBytes + fs.freeBytes, source.size - (source.size % fs.blockSize));

			const paths = pathsOf(scan);
			await compareWithFolder(fs, paths, tree);
			await compareWithDebugfs(fs, image, [...scan.nodes.values()]);
			if (variant.sleuthkit !== false) await compareWithSleuthkit(image, paths, scan.nodes);
			await accountForAllBlocks(image, fs.blockSize, scan);
		});
	}
});
