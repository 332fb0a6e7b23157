import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DiskState } from "./images.ts";
import { planPoints } from "./plan.ts";

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;
const WITHIN = 60n * SECOND;

/** A state of `disk`, so many seconds after the start. */
function state(disk: string, name: string, seconds: number, more: Partial<DiskState> = {}): DiskState {
	return {
		disk,
		path: `/images/${disk}/${name}`,
		format: "raw",
		isDevice: false,
		snapshot: undefined,
		kind: "image",
		name,
		timeNs: START + BigInt(seconds) * SECOND,
		timeFrom: "modified",
		sizeBytes: 2 ** 30,
		chain: [`/images/${disk}/${name}`],
		modifiedNs: 0n,
		...more,
	};
}

function snapshot(disk: string, name: string, seconds: number): DiskState {
	const timeNs = START + BigInt(seconds) * SECOND;
	const inside = { id: name, name, timeNs, vmStateBytes: 0, l1Offset: 0, l1Entries: 1, sizeBytes: 2 ** 30 };
	return state(disk, name, seconds, {
		kind: "snapshot",
		timeFrom: "snapshot",
		path: `/${disk}.qcow2`,
		snapshot: inside,
	});
}

/** What a plan comes to: seconds, and the disks of each point. */
function planned(states: readonly DiskState[], vm = "web"): [number, string][] {
	return planPoints(vm, states, WITHIN).map(({ timeNs, disks }) => [
		Number((timeNs - START) / 1_000_000n) / 1000,
		disks.map(({ disk, name }) => `${disk}:${name}`).join(" "),
	]);
}

describe("planPoints", () => {
	it("puts the states of one disk in order of time, and natural order of names where that is the same", () => {
		const states = [state("vda", "b", 50), state("vda", "c10", 90), state("vda", "c9", 90), state("vda", "a", 0)];
		assert.deepEqual(planned(states), [
			[0, "vda:a"],
			[50, "vda:b"],
			[90, "vda:c9"],
			[90.001, "vda:c10"],
		]);
	});

	it("makes one point of the disks that are of one time, named after its last", () => {
		const states = [state("vdb", "x", 40), state("vda", "x", 0), state("vda", "y", 1000), state("vdb", "y", 1100)];
		assert.deepEqual(planned(states), [
			[40, "vda:x vdb:x"],
			[1000, "vda:y"],
			[1100, "vdb:y"],
		]);
	});

	it("never puts two states of a disk into one point, however close they are", () => {
		const states = [0, 10, 20].flatMap((at) => [state("vda", `a${at}`, at), state("vdb", `b${at}`, at + 1)]);
		assert.deepEqual(
			planned(states).map(([, disks]) => disks),
			["vda:a0 vdb:b0", "vda:a10 vdb:b10", "vda:a20 vdb:b20"],
		);
	});

	it("takes snapshots of one name for those of one time, unless they are hours apart", () => {
		const states = [snapshot("vda", "s", 0), snapshot("vdb", "s", 300), snapshot("vdc", "other", 301)];
		assert.deepEqual(planned(states), [
			[300, "vda:s vdb:s"],
			[301, "vdc:other"],
		]);
		assert.equal(planned([snapshot("vda", "s", 0), snapshot("vdb", "s", 9000)]).length, 2);
	});

	it("takes each state once, though it was named twice", () => {
		const one = state("vda", "a", 0);
		assert.equal(planned([one, { ...one, kind: "layer" }]).length, 1);
		assert.equal(planned([snapshot("vda", "s", 0), snapshot("vda", "s", 0)]).length, 1);
	});

	it("calls a point the same wherever its image lies and whatever else there is, and different where it is another", () => {
		const idOf = (states: readonly DiskState[], vm = "web") => planPoints(vm, states, WITHIN).at(-1)?.id;
		const one = state("vda", "a", 100);
		const id = idOf([one]);
		assert.match(id ?? "", /^import-[0-9a-f]{32}$/);
		assert.equal(idOf([{ ...one, path: "/elsewhere/a" }]), id);
		assert.equal(idOf([state("vda", "0", 0), one]), id);
		// Of the same time as another that comes first.
		assert.equal(idOf([state("vda", "0", 100), one]), id);
		for (const [what, other] of [
			["VM", idOf([one], "mail")],
			["disk", idOf([{ ...one, disk: "vdb" }])],
			["name", idOf([{ ...one, name: "b" }])],
			["time", idOf([{ ...one, timeNs: one.timeNs + 1n }])],
			["size", idOf([{ ...one, sizeBytes: 1 }])],
			["kind", idOf([snapshot("vda", "a", 100)])],
			["disks", idOf([one, state("vdb", "a", 100)])],
		] as const) {
			assert.notEqual(other, id, `another ${what}`);
		}
	});
});
