import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { type Random, testRandom } from "../test/support/random.ts";
import type { FileNode, FilesystemScan, Link } from "./filesystem.ts";
import { NO_OWNERS } from "./owners.ts";
import { baseOf, type Directory, directoriesOf, layerScan } from "./rescan/layered-scan.ts";
import { assertSameScan } from "./rescan/testing.ts";
import { wholeRange } from "./segments.ts";
import type { MachineTree, VolumeTree } from "./tree.ts";
import { TreeLog } from "./tree-log.ts";

const BLOCK = 4096;
const ROOT = 2;
const FILES_A_DIRECTORY = 20;

function nodeOf(random: Random, inode: number, type: "file" | "dir"): FileNode {
	const mtime = 1.7e9 + random.below(1e7) + random.fraction();
	const meta = random.chance(0.02) ? [random.below(2 ** 20) * BLOCK, BLOCK] : [];
	return {
		inode,
		generation: random.below(2 ** 32),
		type,
		size: random.below(100_000),
		mode: type === "dir" ? 0o40755 : 0o100644,
		uid: random.below(3),
		gid: 0,
		nlink: 1,
		mtime,
		ctime: random.chance(0.5) ? mtime : mtime + 1,
		data: [random.below(2 ** 24) * BLOCK, random.between(1, 9) * BLOCK],
		meta,
	};
}

function scanOf(random: Random, directories: number): FilesystemScan {
	const nodes = new Map([[ROOT, nodeOf(random, ROOT, "dir")]]);
	const links: Link[] = [];
	let inode = 11;
	const add = (parent: number, type: "file" | "dir") => {
		nodes.set(inode, nodeOf(random, inode, type));
		links.push({ parent, name: `${random.pick(["report", "IMG", "lib"])}-${random.below(1e6)}-${inode}`, inode });
		return inode++;
	};
	const parents = Array.from({ length: directories }, () => add(ROOT, "dir"));
	for (const parent of parents) for (let file = 0; file < FILES_A_DIRECTORY; file++) add(parent, "file");
	const basis = { layout: "layout", replayed: [0, BLOCK], dangling: [{ parent: ROOT, name: "gone", inode: 7 }] };
	return { root: ROOT, nodes, links, metadata: [0, BLOCK * 9], journal: [BLOCK * 9, BLOCK], basis };
}

function machine(scan: FilesystemScan, journal?: VolumeTree["journal"]): MachineTree {
	const length = 2 ** 36;
	const place = { id: "", disk: 0, offset: 0, length, segments: wholeRange(0, 0, length), lvUuid: "" };
	const facts = { kind: "ext4", label: "", uuid: "u", blockSize: BLOCK, usedBytes: 0, freeBytes: 0 };
	const volume = {
		...place,
		...facts,
		files: scan.nodes.size,
		scan,
		owners: NO_OWNERS,
		...(journal ? { journal } : {}),
	};
	return { disks: [{ name: "a", size: length, table: "none" }], volumes: [volume], problems: ["a problem"] };
}

/** A base and a delta as the version before this one wrote them: `/a` on an NTFS volume, then a problem. */
const VERSION_3 = [
	"VVRSRQN0AAAAjzGeglGpFn5iJRlycmaOCIDfx0rkiCUbsc30JC2fcXEotS/9IHSNAgBSBRAZsCXpDMMwg+EQukGQUfFScHeW5IRatvFOKZ5/Zcu1AEXeqODgq5JxkHGU4l8UIiMmC2xhYCCUutk2m7qa7RR0BQCA4AoFcENcG3JhkgE=",
	"VVRSRAM5AAAA9v7+Gw5ahC2bE4AXFmOiEqrkHOrkzl+mIt3lDDqXQO2PMZ6CUakWfmIlGXJyZo4IgN/HSuSIJRuxzfQkLZ9xcSi1L/0gOckBAAECdmGAgEAAAQVsYXRlcgEAAACAgEABgIBAAQAAAARudGZzAAExgAgAAAEAAAIAgAgAAAAAAAEBAA==",
];

/** Some files changed, came and went. */
function lived(random: Random, before: FilesystemScan, changes: number): FilesystemScan {
	const nodes = new Map<number, FileNode | undefined>();
	const directories = new Map<number, Directory>();
	const old = directoriesOf(before);
	const all = [...old].filter(([, { links }]) => links.length > 0 && !old.has(links[0]!.inode));
	for (let change = 0; change < changes; change++) {
		const [inode, { parent }] = random.pick(all);
		const links = [...(directories.get(inode) ?? old.get(inode)!).links];
		const at = random.below(links.length);
		const kind = random.below(3);
		const target = links[at]?.inode;
		if (kind === 0 && target !== undefined) nodes.set(target, nodeOf(random, target, "file"));
		if (kind === 1 && target !== undefined) {
			nodes.set(target, undefined);
			links.splice(at, 1);
		}
		if (kind === 2) {
			const made = 2 ** 33 + random.below(2 ** 30);
			nodes.set(made, nodeOf(random, made, "file"));
			links.splice(at, 0, { parent: inode, name: `new-${made}`, inode: made });
		}
		directories.set(inode, { parent, links });
	}
	const metadata = random.chance(0.3) ? [0, BLOCK * random.between(1, 9)] : before.metadata;
	return layerScan(before, { nodes, directories }, { metadata, journal: before.journal, basis: before.basis });
}

describe("TreeLog", () => {
	it("gives back every tree that was appended, base or changes", (context) => {
		const random = testRandom(context);
		let scan = scanOf(random, 100);
		let { log, part } = TreeLog.begin(machine(scan));
		let parts = [part.bytes];
		let bases = 0;
		for (let round = 0; round < 24; round++) {
			// Every fourth is large, so that the changes outgrow their base whatever the others are.
			scan = lived(random, scan, round % 4 === 3 ? 800 : random.pick([0, 1, 30, 800]));
			const journal = random.chance(0.5) ? { id: "01", next: round } : undefined;
			({ log, part } = log.append(machine(scan, journal)));
			if (part.isBase) {
				parts = [];
				bases++;
			}
			assert.equal(part.index, parts.length);
			parts.push(part.bytes);
			// Goes on from what was read as well as from what was kept.
			const read = TreeLog.read(parts);
			if (random.chance(0.3)) {
				log = read;
				scan = read.tree.volumes[0]!.scan!;
			}
			const { scan: found, ...volume } = read.tree.volumes[0]!;
			const { scan: wanted, ...wantedVolume } = machine(scan, journal).volumes[0]!;
			assert.deepEqual(volume, wantedVolume);
			assertSameScan(found!, wanted!, `seed ${random.seed}, round ${round}`);
			const bytes = parts.reduce((sum, { length }) => sum + length, 0);
			assert.ok(bytes / scan.nodes.size <= 300, `${bytes} bytes for ${scan.nodes.size} files`);
		}
		assert.ok(bases > 0, "the changes were never made one with their base");
		assert.ok(bases < 20, `a new base ${bases} times`);
	});

	it("stores what changed in a few bytes a file, and shares the rest", (context) => {
		const random = testRandom(context);
		const scan = scanOf(random, 500);
		const { log } = TreeLog.begin(machine(scan));
		const next = lived(random, scan, 10);
		const { part } = log.append(machine(next));
		assert.ok(!part.isBase && part.bytes.length < 3000, `${part.bytes.length} bytes`);
		assert.equal(baseOf(next), scan);
	});

	it("goes on from parts of the version before, of which no journal is known", () => {
		const parts = VERSION_3.map((text) => Buffer.from(text, "base64"));
		const log = TreeLog.read(parts);
		const { tree } = log;
		assert.deepEqual([tree.problems, tree.volumes.length], [["later"], 1]);
		const [volume] = tree.volumes;
		assert.deepEqual([volume!.kind, volume!.journal, volume!.scan?.links[0]?.name], ["ntfs", undefined, "a"]);
		const journal = { id: "77", next: 4096 };
		const { part } = log.append({ ...tree, volumes: [{ ...volume!, journal }] });
		assert.deepEqual([part.isBase, part.index], [false, 2]);
		assert.deepEqual(TreeLog.read([...parts, part.bytes]).tree.volumes[0]!.journal, journal);
	});

	it("refuses parts that are damaged, missing, or another tree's", (context) => {
		const random = testRandom(context);
		const scan = scanOf(random, 20);
		const { log, part } = TreeLog.begin(machine(scan));
		const second = log.append(machine(lived(random, scan, 5)));
		const third = second.log.append(machine(lived(random, scan, 7)));
		const [a, b, c] = [part.bytes, second.part.bytes, third.part.bytes];
		TreeLog.read([a, b, c]);
		const other = TreeLog.begin(machine(scanOf(random, 20))).part.bytes;
		for (const parts of [[], [b], [a, c], [a, c, b], [a, b, b], [other, b], [a, a]]) {
			assert.throws(
				() => TreeLog.read(parts),
				(error) => isUmbraError(error, "corrupt"),
			);
		}
		for (let at = 0; at < b.length; at++) {
			const spoilt = Uint8Array.from(b);
			spoilt[at]! ^= 1 << random.below(8);
			const code = at === 4 ? "unsupported" : "corrupt";
			assert.throws(
				() => TreeLog.read([a, spoilt]),
				(error) => isUmbraError(error, code),
				`byte ${at}`,
			);
		}
	});
});
