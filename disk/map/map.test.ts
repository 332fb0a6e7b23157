import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import type { FileNode, Link } from "../filesystem.ts";
import { NO_OWNERS } from "../owners.ts";
import { wholeRange } from "../segments.ts";
import { type DiskTree, EMPTY_TREE, type VolumeTree } from "../tree.ts";
import { type DiskChanges, type FileChange, mapChanges } from "./map.ts";
import { TestImage } from "./test-image.ts";

const KIB = 1024;

interface FileSpec {
	readonly path: string;
	readonly inode: number;
	/** Blocks of content. */
	readonly at?: readonly number[];
	readonly blocks?: number;
	readonly change?: Partial<FileNode>;
}

/** A volume at 1 MiB with blocks of `blockSize`; directories get inodes from 1000 on and no blocks of their own. */
function tree(files: readonly FileSpec[], volume: Partial<VolumeTree> = {}): DiskTree {
	const blockSize = volume.blockSize ?? 4096;
	const nodes = new Map<number, FileNode>();
	const links: Link[] = [];
	const directories = new Map([["", 2]]);
	const node = (inode: number, change: Partial<FileNode>): FileNode => ({
		inode,
		generation: inode,
		type: "file",
		size: 0,
		mode: 0o100644,
		uid: 7,
		gid: 8,
		nlink: 1,
		mtime: 1000,
		ctime: 1000,
		data: [],
		meta: [],
		...change,
	});
	nodes.set(2, node(2, { type: "dir", mode: 0o40755 }));
	for (const { path, inode, at = [], blocks = 1, change = {} } of files) {
		const data = at.flatMap((block) => [block * blockSize, blocks * blockSize]);
		nodes.set(inode, node(inode, { data, size: at.length * blocks * blockSize, ...change }));
		const cut = path.lastIndexOf("/");
		links.push({ parent: directories.get(path.slice(0, cut))!, name: path.slice(cut + 1), inode });
		if (change.type === "dir") directories.set(path, inode);
	}
	return {
		size: 64 << 20,
		table: "mbr",
		problems: [],
		volumes: [
			{
				id: "1",
				disk: 0,
				offset: 1 << 20,
				length: 60 << 20,
				segments: wholeRange(0, volume.offset ?? 1 << 20, volume.length ?? 60 << 20),
				lvUuid: "",
				kind: "ext4",
				label: "",
				uuid: "u",
				blockSize,
				usedBytes: 0,
				freeBytes: 0,
				files: files.length,
				scan: { root: 2, nodes, links, metadata: [0, 10 * 4096], journal: [10 * 4096, 10 * 4096] },
				owners: { users: new Map([[7, "ada"]]), groups: new Map([[8, "staff"]]) },
				...volume,
			},
		],
	};
}

/** Changed pages by their number in the volume at 1 MiB; negative ones lie before it. */
function pages(...numbers: readonly number[]) {
	return {
		offsets: Float64Array.from(numbers, (page) => (1 << 20) + page * 4096),
		before: Uint8Array.from(numbers, () => 51),
		after: Uint8Array.from(numbers, () => 255),
	};
}

function lines(changes: DiskChanges): string[] {
	return changes.files.flatMap(({ files }) => files.map(line));
}

function line({ change, path, oldPath, changedBytes }: FileChange): string {
	return `${change} ${oldPath === undefined ? "" : `${oldPath} -> `}${path} ${changedBytes}`;
}

const NOTES = { path: "/notes", inode: 20, at: [100, 101] };
const DIRECTORY = { path: "/d", inode: 1000, change: { type: "dir" as const, mode: 0o40755 } };

describe("mapChanges", () => {
	const cases: readonly [what: string, before: DiskTree, after: DiskTree, pages: number[], told: string[]][] = [
		["nothing where nothing changed", tree([NOTES]), tree([NOTES]), [], []],
		["a page rewritten in place, times kept", tree([NOTES]), tree([NOTES]), [101], ["modified /notes 4096"]],
		[
			"an append to another extent",
			tree([NOTES]),
			tree([{ ...NOTES, at: [100, 101, 200] }]),
			[200],
			["modified /notes 4096"],
		],
		["a truncation that changed no page", tree([NOTES]), tree([{ ...NOTES, at: [100] }]), [], ["modified /notes 0"]],
		[
			"pages that a file gave up and that were then wiped",
			tree([NOTES]),
			tree([{ ...NOTES, at: [100] }]),
			[101],
			["modified /notes 4096"],
		],
		["a new file", tree([]), tree([NOTES]), [100, 101], ["created /notes 8192"]],
		["a deleted file whose blocks were left alone", tree([NOTES]), tree([]), [], ["deleted /notes 0"]],
		["a deleted file that was shredded", tree([NOTES]), tree([]), [100, 101], ["deleted /notes 8192"]],
		[
			"a chmod",
			tree([NOTES]),
			tree([{ ...NOTES, change: { mode: 0o104755, ctime: 2000 } }]),
			[],
			["metadata /notes 0"],
		],
		["a touch", tree([NOTES]), tree([{ ...NOTES, change: { mtime: 2000, ctime: 2000 } }]), [], ["metadata /notes 0"]],
		["a rename", tree([NOTES]), tree([{ ...NOTES, path: "/memo" }]), [], ["renamed /notes -> /memo 0"]],
		[
			"a rename with new content",
			tree([NOTES]),
			tree([{ ...NOTES, path: "/memo" }]),
			[100],
			["renamed /notes -> /memo 4096"],
		],
		[
			"a renamed directory without its children",
			tree([DIRECTORY, { ...NOTES, path: "/d/notes" }]),
			tree([
				{ ...DIRECTORY, path: "/e" },
				{ ...NOTES, path: "/e/notes" },
			]),
			[],
			["renamed /d -> /e 0"],
		],
		[
			"a changed file in a renamed directory, under its new path",
			tree([DIRECTORY, { ...NOTES, path: "/d/notes" }]),
			tree([
				{ ...DIRECTORY, path: "/e" },
				{ ...NOTES, path: "/e/notes" },
			]),
			[100],
			["renamed /d -> /e 0", "modified /e/notes 4096"],
		],
		[
			"an atomic replace as one modification",
			tree([NOTES]),
			tree([{ ...NOTES, inode: 21, at: [300] }]),
			[100, 300],
			["modified /notes 8192"],
		],
		[
			"an inode that was handed to another file",
			tree([NOTES]),
			tree([{ ...NOTES, path: "/other", at: [300], change: { generation: 99 } }]),
			[300],
			["deleted /notes 0", "created /other 4096"],
		],
		[
			"the same where the format has no generations",
			tree([{ ...NOTES, change: { generation: 0 } }]),
			tree([{ ...NOTES, path: "/other", at: [300], change: { generation: 0, mtime: 3000 } }]),
			[300],
			["deleted /notes 0", "created /other 4096"],
		],
		[
			"a log rotation: each path once",
			tree([
				{ path: "/log", inode: 30, at: [100] },
				{ path: "/log.1", inode: 31, at: [101] },
			]),
			tree([
				{ path: "/log", inode: 32, at: [102] },
				{ path: "/log.1", inode: 30, at: [100] },
			]),
			[101, 102],
			["created /log 4096", "renamed /log -> /log.1 4096"],
		],
		[
			"a further hard link as metadata",
			tree([NOTES]),
			tree([
				{ ...NOTES, change: { nlink: 2 } },
				{ ...NOTES, path: "/other", change: { nlink: 2 } },
			]),
			[],
			["metadata /notes 0"],
		],
		[
			"both names of a file, each replaced by a file of its own, its pages counted once",
			tree([
				{ ...NOTES, change: { nlink: 2 } },
				{ ...NOTES, path: "/other", change: { nlink: 2 } },
			]),
			tree([
				{ ...NOTES, inode: 40, at: [300] },
				{ ...NOTES, path: "/other", inode: 41, at: [301] },
			]),
			[100, 101, 300, 301],
			["modified /notes 12288", "modified /other 4096"],
		],
		[
			"inline content by its time",
			tree([{ path: "/i", inode: 5, change: { size: 9 } }]),
			tree([{ path: "/i", inode: 5, change: { size: 9, mtime: 2 } }]),
			[],
			["modified /i 0"],
		],
		[
			"a directory made anew as its children",
			tree([DIRECTORY, { ...NOTES, path: "/d/notes" }]),
			tree([
				{ ...DIRECTORY, inode: 1001 },
				{ path: "/d/notes", inode: 50, at: [300] },
			]),
			[300],
			["metadata /d 0", "modified /d/notes 4096"],
		],
		[
			"a file that became a directory",
			tree([NOTES]),
			tree([{ ...DIRECTORY, path: "/notes" }]),
			[],
			["modified /notes 0"],
		],
		[
			"everything of a disk that is seen for the first time",
			EMPTY_TREE,
			tree([NOTES]),
			[100, 101],
			["created /notes 8192"],
		],
		[
			"everything of a filesystem made anew",
			tree([NOTES]),
			tree([{ ...NOTES, at: [300] }], { uuid: "v" }),
			[300],
			["modified /notes 4096"],
		],
		[
			"pages only where the tree before is not known",
			tree([], { scan: undefined }),
			tree([NOTES, { path: "/x", inode: 9 }]),
			[100],
			["modified /notes 4096"],
		],
		[
			"pages only where the tree after cannot be read",
			tree([NOTES, { path: "/x", inode: 9 }]),
			tree([], { scan: undefined }),
			[100],
			["modified /notes 4096"],
		],
		[
			"files of a partition that was deleted",
			tree([NOTES]),
			{ ...tree([]), volumes: [] },
			[100],
			["deleted /notes 4096"],
		],
	];
	for (const [what, before, after, numbers, told] of cases) {
		it(`tells ${what}`, () => {
			const changes = mapChanges(before, after, pages(...numbers));
			assert.deepEqual(lines(changes), told);
			const { total, ...parts } = changes.attribution;
			assert.equal(total, numbers.length * 4096);
			assert.equal(
				Object.values(parts).reduce((sum, part) => sum + part),
				total,
			);
		});
	}

	it("does not list a directory for the coming and going of children, but for a mode", () => {
		const now = { type: "dir" as const, mode: 0o40755, mtime: 2000, ctime: 2000, data: [50 * 4096, 4096] };
		const old = { type: "dir" as const, mode: 0o40755, data: [50 * 4096, 4096] };
		const before = tree([{ path: "/d", inode: 1000, change: old }]);
		const child = { path: "/d/x", inode: 9 };
		assert.deepEqual(lines(mapChanges(before, tree([{ path: "/d", inode: 1000, change: now }, child]), pages(50))), [
			"created /d/x 0",
		]);
		assert.deepEqual(lines(mapChanges(before, tree([{ path: "/d", inode: 1000, change: now }]), pages(50))), []);
		const opened = { ...now, mode: 0o40777 };
		assert.deepEqual(lines(mapChanges(before, tree([{ path: "/d", inode: 1000, change: opened }]), pages(50))), [
			"metadata /d 4096",
		]);
	});

	it("fills in every field", () => {
		const after = tree([{ ...NOTES, at: [100, 101, 102], change: { mtime: 3000.5 } }]);
		const changes = mapChanges(tree([NOTES]), after, pages(101, 102));
		assert.deepEqual(changes.files, [
			{
				volume: "1",
				files: [
					{
						change: "modified",
						path: "/notes",
						type: "file",
						inode: 20,
						sizeBefore: 8192,
						sizeAfter: 12288,
						changedBytes: 8192,
						entropyBefore: 51 / 31.875,
						entropyAfter: 8,
						uid: 7,
						gid: 8,
						owner: "ada",
						group: "staff",
						mode: 0o100644,
						mtime: 3000.5,
					},
				],
			},
		]);
		assert.deepEqual(
			changes.volumes.map(({ id, kind, files }) => [id, kind, files]),
			[["1", "ext4", 1]],
		);
	});

	it("says null for the entropy of a side that held no changed page", () => {
		const [created] = mapChanges(tree([]), tree([NOTES]), pages(100)).files[0]!.files;
		assert.deepEqual([created!.entropyBefore, created!.entropyAfter], [null, 8]);
		const [deleted] = mapChanges(tree([NOTES]), tree([]), pages(100)).files[0]!.files;
		assert.deepEqual([deleted!.entropyBefore, deleted!.entropyAfter], [1.6, null]);
	});

	it("attributes every page: file, directory, metadata, journal, free, unknown", () => {
		const files = [
			NOTES,
			{ path: "/d", inode: 1000, change: { type: "dir" as const, data: [50 * 4096, 4096], meta: [51 * 4096, 4096] } },
		];
		const { attribution } = mapChanges(tree(files), tree(files), pages(-100, 0, 9, 10, 50, 51, 100, 5000, 15360));
		assert.deepEqual(attribution, {
			total: 9 * 4096,
			file: 4096,
			directory: 4096,
			journal: 4096,
			metadata: 3 * 4096,
			free: 4096,
			unknown: 2 * 4096,
		});
	});

	it("splits a page of 1 KiB blocks between the files that changed in it", () => {
		const volume = { blockSize: KIB };
		const at = (block: number): readonly number[] => [100 * 4 + block];
		const files = (mtime: number) =>
			tree(
				[0, 1, 2].map((block) => ({
					path: `/f${block}`,
					inode: 10 + block,
					at: at(block),
					change: block === 2 ? {} : { mtime },
				})),
				volume,
			);
		const changes = mapChanges(files(1), files(2), pages(100));
		// /f2 is the same in every field: the page changed for the others' sake. The fourth block is free.
		assert.deepEqual(lines(changes), ["modified /f0 1365", "modified /f1 1365"]);
		assert.deepEqual([changes.attribution.file, changes.attribution.free], [2730, 1366]);
		// With nobody else to blame it is theirs.
		const quiet = tree(
			[0, 1, 2, 3].map((block) => ({ path: `/f${block}`, inode: 10 + block, at: at(block) })),
			volume,
		);
		assert.deepEqual(lines(mapChanges(quiet, quiet, pages(100))), [
			"modified /f0 1024",
			"modified /f1 1024",
			"modified /f2 1024",
			"modified /f3 1024",
		]);
	});

	it("stays linear and whole where hostile files claim the same blocks", () => {
		const numbers = Array.from({ length: 2000 }, (_, at) => 100 + at);
		const files = Array.from({ length: 20_000 }, (_, at) => ({
			path: `/f${at}`,
			inode: 100 + at,
			at: [100],
			blocks: 2000,
		}));
		const start = process.cpuUsage().user;
		const changes = mapChanges(tree(files), tree(files), pages(...numbers));
		assert.deepEqual(lines(changes), [`modified /f0 ${2000 * 4096}`]);
		assert.equal(changes.problems.length, 1);
		assert.ok(process.cpuUsage().user - start < 5e6);
	});

	it("gives a directory ring and nameless inodes a path that ends", () => {
		const before = tree([]);
		const ring = tree([{ ...NOTES }]);
		const scan = ring.volumes[0]!.scan!;
		const nodes = new Map(scan.nodes);
		for (const inode of [40, 41]) nodes.set(inode, { ...nodes.get(2)!, inode });
		const links = [
			{ parent: 41, name: "a", inode: 40 },
			{ parent: 40, name: "b", inode: 41 },
			{ parent: 41, name: "notes", inode: 20 },
		];
		const after = { ...ring, volumes: [{ ...ring.volumes[0]!, owners: NO_OWNERS, scan: { ...scan, nodes, links } }] };
		const changes = mapChanges(before, after, pages());
		assert.equal(changes.files[0]!.files.length, 3);
		for (const { path } of changes.files[0]!.files) assert.match(path, /^\/#4[01]\//);
	});

	it("refuses pages that are not ascending multiples of 4096", () => {
		for (const offsets of [[4096, 0], [4096, 4096], [100]]) {
			const list = {
				offsets: Float64Array.from(offsets),
				before: new Uint8Array(offsets.length),
				after: new Uint8Array(offsets.length),
			};
			assert.throws(
				() => mapChanges(EMPTY_TREE, EMPTY_TREE, list),
				(error) => isUmbraError(error, "internal"),
			);
		}
	});
});

describe("mapChanges on a real ext4 image", () => {
	it("tells a day in the life of a filesystem", needs("mke2fs", "debugfs"), async () => {
		await using image = await TestImage.create("16M", "-t", "ext4", "-b", "4096");
		await image.debugfs("mkdir /etc", "mkdir /home");
		await image.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nada:x:1815:1815::/:/bin/sh\n");
		await image.write("/etc/group", "root:x:0:\n");
		await image.write("/home/thesis", Buffer.alloc(40_000, "words "));
		await image.write("/home/draft", Buffer.alloc(9000, "early words "));
		await image.write("/home/secret", "hidden");
		await image.debugfs("sif /home/thesis uid 1815");
		const saved = await image.save();
		const blocks = (await image.debugfs("blocks /home/thesis")).split("\n")[1]!.trim().split(" ").map(Number);
		const file = await open(image.path, "r+");
		await file.write(Buffer.alloc(4096, "changed "), 0, 4096, blocks[3]! * 4096).finally(() => file.close());
		await image.debugfs(
			"ln /home/draft /home/final",
			"unlink /home/draft",
			"rm /home/secret",
			"sif /etc/passwd mode 0100600",
			"mkdir /srv",
		);
		await image.write("/srv/new", Buffer.alloc(5000, 1));
		const { files, changes } = await image.changesSince(saved);
		assert.deepEqual(
			files.map((change) => `${line(change)} ${change.owner} ${change.sizeBefore} ${change.sizeAfter}`),
			[
				"metadata /etc/passwd 0 root 49 49",
				"renamed /home/draft -> /home/final 0 root 9000 9000",
				"deleted /home/secret 0 root 6 0",
				"modified /home/thesis 4096 ada 40000 40000",
				"created /srv 4096 root 0 4096",
				"created /srv/new 8192 root 0 5000",
			],
		);
		assert.equal(changes.attribution.file, 3 * 4096);
		assert.equal(changes.attribution.unknown, 0);
		assert.ok(changes.attribution.metadata > 0);
	});
});
