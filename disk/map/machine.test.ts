import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import type { FileNode } from "../filesystem.ts";
import { NO_OWNERS } from "../owners.ts";
import { type Segments, toDiskRanges, wholeRange } from "../segments.ts";
import type { MachineTree, VolumeTree } from "../tree.ts";
import { type ChangedPages, mapMachineChanges } from "./map.ts";

const PAGE = 4096;

function node(inode: number, change: Partial<FileNode>): FileNode {
	const fixed = { generation: 1, type: "file" as const, mode: 0o100644, uid: 0, gid: 0, nlink: 1, mtime: 1, ctime: 1 };
	return { inode, size: 0, data: [], meta: [], ...fixed, ...change };
}

/** A volume with files of one page each, in the pages of those numbers. */
function volume(
	id: string,
	segments: Segments,
	pages: readonly number[],
	change: Partial<VolumeTree> = {},
	mtime = 1,
): VolumeTree {
	const nodes = new Map([[2, node(2, { type: "dir", mode: 0o40755 })]]);
	for (const page of pages) nodes.set(page + 100, node(page + 100, { size: PAGE, data: [page * PAGE, PAGE], mtime }));
	const links = pages.map((page) => ({ parent: 2, name: `file${page}`, inode: page + 100 }));
	const first = segments[0]?.stripes[0] ?? { disk: 0, offset: 0 };
	return {
		id,
		...first,
		length: segments.reduce((sum, { length }) => sum + length, 0),
		segments,
		lvUuid: id,
		kind: "ext4",
		label: "",
		uuid: "u",
		blockSize: PAGE,
		usedBytes: 0,
		freeBytes: 0,
		files: pages.length,
		scan: { root: 2, nodes, links, metadata: [], journal: [] },
		owners: NO_OWNERS,
		...change,
	};
}

function machine(names: readonly string[], ...volumes: VolumeTree[]): MachineTree {
	const disks = names.map((name) => ({ name, size: 1 << 30, table: "none" as const }));
	return { disks, volumes, problems: [] };
}

function changed(...offsets: readonly number[]): ChangedPages {
	const sorted = Float64Array.from(offsets).sort();
	return { offsets: sorted, before: new Uint8Array(sorted.length), after: new Uint8Array(sorted.length) };
}

const striped: Segments = [
	{ start: 0, length: 2 * PAGE, stripeSize: 0, stripes: [{ disk: 1, offset: 10 * PAGE }] },
	{
		start: 2 * PAGE,
		length: 64 * PAGE,
		stripeSize: 2 * PAGE,
		stripes: [
			{ disk: 0, offset: 100 * PAGE },
			{ disk: 1, offset: 50 * PAGE },
		],
	},
];

describe("mapMachineChanges", () => {
	it("finds the file of every page of a striped volume", (context) => {
		const random = testRandom(context);
		const pages = Array.from({ length: 66 }, (_, page) => page);
		const tree = machine(["a", "b"], volume("vg/lv", striped, pages));
		for (let round = 0; round < 50; round++) {
			const wanted = pages.filter(() => random.chance(0.2));
			const places = wanted.map((page) => toDiskRanges(striped, page * PAGE, PAGE)[0]!);
			const on = (disk: number) =>
				changed(...places.filter((place) => place.disk === disk).map(({ offset }) => offset));
			const found = mapMachineChanges(
				tree,
				tree,
				new Map([
					["a", on(0)],
					["b", on(1)],
				]),
			);
			const paths = found.files.flatMap(({ files }) =>
				files.map(({ path, changedBytes }) => `${path} ${changedBytes}`),
			);
			assert.deepEqual(paths.sort(), wanted.map((page) => `/file${page} ${PAGE}`).sort());
			assert.equal(found.attribution.file, wanted.length * PAGE);
			assert.deepEqual(
				found.disks.map(({ name, attribution }) => [name, attribution.file, attribution.total]),
				[
					["a", 0],
					["b", 1],
				].map(([name, disk]) => {
					const bytes = places.filter((place) => place.disk === disk).length * PAGE;
					return [name, bytes, bytes];
				}),
			);
		}
	});

	it("follows disks that are counted in another order, and pages of segments that begin off a page", () => {
		const off: Segments = wholeRange(1, 63 * 512, 32 * PAGE);
		const before = machine(["a", "b"], volume("vg/lv", off, [3]));
		const swapped = off.map((segment) => ({ ...segment, stripes: [{ disk: 0, offset: 63 * 512 }] }));
		const after = machine(["b", "c"], volume("vg/lv", swapped, [3], {}, 2));
		// The file's page begins one sector before a page of the disk ends, and so touches two.
		const first = Math.floor((63 * 512 + 3 * PAGE) / PAGE) * PAGE;
		const { files, attribution, disks } = mapMachineChanges(
			before,
			after,
			new Map([["b", changed(first, first + PAGE)]]),
		);
		assert.deepEqual(
			files.map(({ disk, volume: id, files: found }) => [disk, id, found.map(({ path }) => path)]),
			[["b", "vg/lv", ["/file3"]]],
		);
		assert.equal(attribution.file, PAGE);
		assert.equal(attribution.free, PAGE);
		assert.deepEqual(
			disks.map(({ name }) => name),
			["b", "c", "a"],
		);
	});

	it("knows a volume that was renamed and moved to another place by its UUID", () => {
		const before = machine(["a"], volume("vg/old", wholeRange(0, 0, 16 * PAGE), [3], { lvUuid: "x" }));
		const moved = volume("vg/new", wholeRange(0, 64 * PAGE, 16 * PAGE), [3], { lvUuid: "x" });
		// What was copied is changed pages; but where nothing of a file changed in its place before, it has a story only
		// for the new place.
		const { files } = mapMachineChanges(before, machine(["a"], moved), new Map([["a", changed(0)]]));
		assert.deepEqual(files, []);
		const { files: renewed } = mapMachineChanges(before, machine(["a"], { ...moved, lvUuid: "y" }), new Map());
		assert.deepEqual(
			renewed.map(({ volume: id, files: found }) => [id, found.map(({ change, path }) => `${change} ${path}`)]),
			[
				["vg/new", ["created /file3"]],
				["vg/old", ["deleted /file3"]],
			],
		);
	});
});
