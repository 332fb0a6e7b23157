import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Capacity } from "./capacity.ts";

const GIB = 2 ** 30;

describe("Capacity", () => {
	it("gives no more slots and no more memory than there are, and takes them back once", () => {
		const capacity = new Capacity({ slots: 2, memoryBytes: 4 * GIB }, () => 100 * GIB);
		const template = capacity.reserve("RAM", 2 * GIB, 0);
		template.settle(() => GIB, GIB);
		const first = capacity.reserve("one", GIB, 1);
		assert.throws(() => capacity.reserve("much", 3 * GIB, 1), { code: "limit", message: /2\.?0* GiB of the 4/ });
		using _second = capacity.reserve("two", GIB, 1);
		assert.throws(() => capacity.reserve("three", 1, 1), { code: "limit", message: /all 2 slots/ });
		first[Symbol.dispose]();
		first[Symbol.dispose]();
		assert.deepEqual([capacity.usedSlots, capacity.reservedBytes], [1, 2 * GIB]);
	});

	it("leaves the host what was promised and not taken yet", () => {
		let available = 3 * GIB;
		const capacity = new Capacity({ slots: 9, memoryBytes: 100 * GIB }, () => available);
		using first = capacity.reserve("one", GIB, 1);
		assert.throws(() => capacity.reserve("two", 2 * GIB, 1), { code: "limit", message: /the host can spare/ });
		// It took what it may: the host's own figure says so now.
		available = 2 * GIB;
		first.settle(() => GIB);
		using _second = capacity.reserve("two", 1.5 * GIB, 1);
		assert.equal(capacity.usedSlots, 2);
	});
});
