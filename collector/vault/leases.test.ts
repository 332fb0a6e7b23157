import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Leases } from "./leases.ts";

const GRACE_MS = 1000;

/** Leases by a clock that the test sets; it begins long after the vault was opened. */
function leases(graceMs = GRACE_MS): { leases: Leases; at: (ms: number) => void } {
	let now = 0;
	const made = new Leases(graceMs, () => now);
	now = 1e6;
	return {
		leases: made,
		at: (ms) => {
			now = 1e6 + ms;
		},
	};
}

describe("Leases", () => {
	it("keeps what was touched within the grace time, and a quarter of it longer at most", () => {
		const { leases: made, at } = leases();
		made.touch(1);
		at(GRACE_MS);
		made.touch(2);
		at(1.9 * GRACE_MS);
		const collection = made.collection(GRACE_MS);
		assert.deepEqual([collection.has(1), collection.has(2), collection.has(3)], [false, true, false]);
	});

	it("tells what is touched after a collection began from what was before, by whatever clock", () => {
		const { leases: made } = leases(0);
		made.touch(1);
		using collection = made.collection(0);
		made.touch(2);
		assert.deepEqual([collection.has(1), collection.has(2)], [false, true]);
	});

	it("keeps for a collection what was touched while it is at work, however long that is", () => {
		const { leases: made, at } = leases(0);
		using collection = made.collection(0);
		made.touch(1);
		for (let ms = 0; ms < 1000; ms += 100) {
			at(ms);
			made.touch(2);
		}
		assert.deepEqual([collection.has(1), collection.has(2)], [true, true]);
	});

	it("keeps what a writer touched until it has ended, and for the collections that began before", () => {
		const { leases: made, at } = leases(0);
		const writer = made.lease([]);
		made.touch(1);
		at(5000);
		made.touch(2);
		const during = made.collection(0);
		writer[Symbol.dispose]();
		at(9000);
		made.touch(3);
		const after = made.collection(0);
		assert.deepEqual([during.has(1), during.has(2), after.has(1), after.has(2)], [true, true, false, false]);
	});

	it("counts everything as touched at the start", () => {
		let now = 0;
		const made = new Leases(GRACE_MS, () => now);
		now = GRACE_MS - 1;
		assert.equal(made.collection(GRACE_MS).has(77), true);
		now = GRACE_MS + 1;
		assert.equal(made.collection(GRACE_MS).has(77), false);
	});

	it("tells a collection what is read, and what was built upon since it began, also where that has ended", () => {
		const { leases: made } = leases();
		const [earlier, begun, later, read] = [1, 2, 3, 4].map((blocks) => ({ root: new Uint8Array(32), blocks }));
		made.lease([earlier!])[Symbol.dispose]();
		const lease = made.lease([begun!]);
		using collection = made.collection(0);
		lease[Symbol.dispose]();
		made.lease([later!])[Symbol.dispose]();
		const pin = made.pin([read!]);
		assert.deepEqual([...collection.pinned()], [read, begun, later]);
		pin[Symbol.dispose]();
		assert.deepEqual([...collection.pinned()], [begun, later]);
		using next = made.collection(0);
		assert.deepEqual([...next.pinned()], []);
	});
});
