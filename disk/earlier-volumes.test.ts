import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Volume } from "./disk.ts";
import { EarlierVolumes } from "./earlier-volumes.ts";
import { memorySource } from "./ext/testing.ts";
import type { ChangedPages } from "./map/map.ts";
import { NO_OWNERS } from "./owners.ts";
import { type Segments, wholeRange } from "./segments.ts";
import type { MachineTree, VolumeTree } from "./tree.ts";

const PAGE = 4096;

function treeOf(segments: Segments, change: Partial<VolumeTree> = {}): VolumeTree {
	return {
		id: "1",
		disk: 0,
		offset: 0,
		length: 0,
		segments,
		lvUuid: "",
		kind: "ext4",
		label: "",
		uuid: "u",
		blockSize: PAGE,
		usedBytes: 0,
		freeBytes: 0,
		files: 0,
		scan: { root: 2, nodes: new Map(), links: [], metadata: [], journal: [] },
		owners: NO_OWNERS,
		...change,
	};
}

function machine(names: readonly string[], ...volumes: VolumeTree[]): MachineTree {
	return { disks: names.map((name) => ({ name, size: 2 ** 30, table: "none" as const })), volumes, problems: [] };
}

function standing(segments: Segments, change: Partial<Volume> = {}): Volume {
	return { segments, kind: "ext4", uuid: "", ...change } as Volume;
}

function pages(...offsets: readonly number[]): ChangedPages {
	const none = new Uint8Array(offsets.length);
	return { offsets: Float64Array.from(offsets), before: none, after: none };
}

const sources = (...names: readonly string[]) => names.map((name) => ({ name, source: memorySource(Buffer.alloc(1)) }));

describe("EarlierVolumes", () => {
	it("finds a volume by where it lies, whatever the order of the disks", () => {
		const tree = treeOf(wholeRange(0, PAGE, 100 * PAGE));
		const earlier = new EarlierVolumes(machine(["a", "b"], tree), sources("b", "a"), new Map());
		assert.equal(earlier.find(standing(wholeRange(1, PAGE, 100 * PAGE)))?.tree, tree);
		assert.equal(earlier.find(standing(wholeRange(0, PAGE, 100 * PAGE))), undefined);
	});

	it("knows nothing of a volume that grew, moved, changed its kind or was not read", () => {
		const tree = treeOf(wholeRange(0, PAGE, 100 * PAGE));
		const place = wholeRange(0, PAGE, 100 * PAGE);
		const find = (before: VolumeTree, now: Volume) =>
			new EarlierVolumes(machine(["a"], before), sources("a"), new Map()).find(now);
		assert.ok(find(tree, standing(place)));
		assert.equal(find(tree, standing(wholeRange(0, PAGE, 101 * PAGE))), undefined);
		assert.equal(find(tree, standing(wholeRange(0, 2 * PAGE, 100 * PAGE))), undefined);
		assert.equal(find(tree, standing(place, { kind: "xfs" })), undefined);
		assert.equal(find(tree, standing(place, { uuid: "lv" })), undefined);
		assert.equal(find({ ...tree, scan: undefined }, standing(place)), undefined);
	});

	it("tells what changed from the volume's start, stripe by stripe", () => {
		const stripes = [
			{ disk: 0, offset: 10 * PAGE },
			{ disk: 1, offset: 20 * PAGE },
		];
		const striped: Segments = [{ start: 0, length: 8 * PAGE, stripeSize: 2 * PAGE, stripes }];
		const changed = new Map([
			["a", pages(9 * PAGE, 11 * PAGE, 12 * PAGE)],
			["b", pages(20 * PAGE, 24 * PAGE)],
		]);
		const earlier = new EarlierVolumes(machine(["a", "b"], treeOf(striped)), sources("a", "b"), changed);
		assert.deepEqual(earlier.find(standing(striped))?.changed(), [PAGE, 2 * PAGE, 4 * PAGE, PAGE]);
	});

	it("takes a whole page for changed where the volume begins within it", () => {
		const place = wholeRange(0, 512, 10 * PAGE);
		const earlier = new EarlierVolumes(machine(["a"], treeOf(place)), sources("a"), new Map([["a", pages(0)]]));
		assert.deepEqual(earlier.find(standing(place))?.changed(), [0, PAGE - 512]);
	});
});
