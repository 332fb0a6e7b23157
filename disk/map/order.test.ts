/** What the map says is no matter of the order in which scans list inodes and directories, even where blocks or names are shared. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import { NO_OWNERS } from "../owners.ts";
import { layerOver } from "../rescan/layered-scan.ts";
import { wholeRange } from "../segments.ts";
import type { DiskTree } from "../tree.ts";
import { mapChanges } from "./map.ts";

const ROUNDS = 300;
const ROOT = 2;
const BLOCK = 4096;
/** So few that files share them. */
const BLOCKS = 40;

interface World {
	readonly nodes: Map<number, FileNode>;
	/** By directory. */
	readonly names: Map<number, Link[]>;
}

describe("mapChanges, whatever the order of the scans", () => {
	it("says the same of inodes and directories in any order, and of layers", (t) => {
		const random = testRandom(t);
		for (let round = 0; round < ROUNDS; round++) {
			const told = `seed ${random.seed}, round ${round}`;
			const world = makeWorld(random);
			const old = inOrder(world, random);
			change(world, random);
			const now = inOrder(world, random);
			const offsets = Float64Array.from({ length: BLOCKS }, (_, block) => block * BLOCK).filter(() =>
				random.chance(0.7),
			);
			const pages = { offsets, before: new Uint8Array(offsets.length), after: new Uint8Array(offsets.length) };
			const wanted = mapChanges(asTree(old), asTree(now), pages);
			const others: readonly [what: string, FilesystemScan][] = [
				["in another order", inOrder(world, random)],
				["as layers", layerOver(old, now)],
				["as layers in another order", layerOver(old, inOrder(world, random))],
			];
			for (const [what, scan] of others) {
				assert.deepEqual(mapChanges(asTree(old), asTree(scan), pages), wanted, `${told}: ${what}`);
			}
		}
	});
});

/** Files and directories with several names, blocks that several hold, and inodes that no name leads to. */
function makeWorld(random: Random): World {
	const world: World = { nodes: new Map(), names: new Map([[ROOT, []]]) };
	world.nodes.set(ROOT, makeNode(ROOT, "dir", random));
	for (let inode = 10; inode < 40; inode++) if (random.chance(0.7)) addNode(world, inode, random);
	return world;
}

function addNode({ nodes, names }: World, inode: number, random: Random): void {
	const type = random.chance(0.3) ? "dir" : "file";
	nodes.set(inode, makeNode(inode, type, random));
	for (let links = random.pick([1, 1, 2]); links > 0; links--) {
		const parent = random.pick([...names.keys()]);
		names.get(parent)!.push({ parent, name: `n${random.below(30)}`, inode });
		if (type === "dir") break;
	}
	if (type === "dir") names.set(inode, []);
}

function makeNode(inode: number, type: FileNode["type"], random: Random): FileNode {
	const ranges = (count: number) =>
		Array.from({ length: count }, () => [random.below(BLOCKS) * BLOCK, random.pick([1, 1, 3]) * BLOCK]).flat();
	const data = ranges(random.below(3));
	const [mtime, ctime] = [random.below(3), random.below(3)];
	const about = { inode, generation: random.below(2), type, mode: 0o644, uid: 0, gid: 0, nlink: random.pick([1, 2]) };
	return { ...about, size: data.length * BLOCK, mtime, ctime, data, meta: ranges(random.pick([0, 0, 1])) };
}

function change(world: World, random: Random): void {
	const { nodes, names } = world;
	for (const inode of [...nodes.keys()]) {
		if (inode === ROOT) continue;
		const node = nodes.get(inode)!;
		switch (random.below(8)) {
			case 0:
				// Gone with its names, and below a directory with all that it led to.
				nodes.delete(inode);
				names.delete(inode);
				for (const [parent, links] of names) {
					names.set(
						parent,
						links.filter((link) => link.inode !== inode),
					);
				}
				if (random.chance(0.5)) addNode(world, inode, random);
				break;
			case 1:
				nodes.set(inode, { ...makeNode(inode, node.type, random), generation: node.generation });
				break;
			case 2:
				if (node.type === "file") addName(world, inode, random);
				break;
		}
	}
	for (let inode = 40; inode < 44; inode++) if (random.chance(0.5)) addNode(world, inode, random);
}

function addName({ names }: World, inode: number, random: Random): void {
	const parent = random.pick([...names.keys()]);
	names.get(parent)!.push({ parent, name: `n${random.below(30)}`, inode });
}

/** Parents before their children, all else as it falls. */
function inOrder({ nodes, names }: World, random: Random): FilesystemScan {
	const links: Link[] = [];
	const reached = new Set([ROOT]);
	const open = [ROOT];
	while (open.length > 0) {
		const [directory] = open.splice(random.below(open.length), 1);
		for (const link of names.get(directory!) ?? []) {
			links.push(link);
			if (names.has(link.inode) && !reached.has(link.inode)) open.push(link.inode);
			reached.add(link.inode);
		}
	}
	const shuffled = random.shuffle([...nodes.values()].filter(({ inode }) => reached.has(inode)));
	return {
		root: ROOT,
		nodes: new Map(shuffled.map((node) => [node.inode, node])),
		links,
		metadata: [0, BLOCK],
		journal: [0, 2 * BLOCK],
	};
}

function asTree(scan: FilesystemScan): DiskTree {
	const size = BLOCKS * BLOCK;
	return {
		size,
		table: "none",
		problems: [],
		volumes: [
			{
				id: "",
				disk: 0,
				offset: 0,
				length: size,
				segments: wholeRange(0, 0, size),
				lvUuid: "",
				kind: "ext4",
				label: "",
				uuid: "u",
				blockSize: BLOCK,
				usedBytes: 0,
				freeBytes: 0,
				files: 0,
				scan,
				owners: NO_OWNERS,
			},
		],
	};
}
