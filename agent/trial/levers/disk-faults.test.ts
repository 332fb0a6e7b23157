import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../../test/support/random.ts";
import { faultRules, rulesFile } from "./disk-faults.ts";

interface Rules {
	readonly "inject-error": readonly { readonly event: string; readonly iotype: string; readonly state?: number }[];
	readonly "set-state"?: readonly { readonly event: string; readonly state: number; readonly new_state: number }[];
}

/** As blkdebug does it: all rules of an event and state are looked at, then the state changes. What fails of `count` requests. */
function failures(rules: Rules, event: string, type: string, count: number): boolean[] {
	const injected = Map.groupBy(
		rules["inject-error"].filter((rule) => rule.event === event),
		(rule) => rule.state,
	);
	const next = new Map(
		(rules["set-state"] ?? []).filter((rule) => rule.event === event).map((rule) => [rule.state, rule.new_state]),
	);
	let state = 1;
	let active: readonly { readonly iotype: string }[] = [];
	return Array.from({ length: count }, () => {
		active = injected.get(state) ?? active;
		state = next.get(state) ?? state;
		return active.some(({ iotype }) => iotype === type);
	});
}

describe("faultRules", () => {
	it("has all requests of a kind fail", () => {
		assert.deepEqual(faultRules("read", 100, 5, 1), { "inject-error": [{ event: "none", iotype: "read", errno: 5 }] });
		const { "inject-error": write } = faultRules("write", 100, 28, 1) as unknown as Rules;
		assert.deepEqual(
			write.map(({ iotype }) => iotype),
			["write", "write-zeroes"],
		);
	});

	for (const [percent, round, failing] of [
		[50, 100, 50],
		[37, 100, 37],
		[12.5, 1000, 125],
		[0.1, 1000, 1],
		[0.01, 10_000, 1],
		[33.3333, 10_000, 3333],
	] as const) {
		it(`has ${failing} of ${round} fail for ${percent} percent, again and again`, (context) => {
			const seed = testRandom(context).below(2 ** 32);
			const rules = faultRules("read", percent, 5, seed) as unknown as Rules;
			const found = failures(rules, "read_aio", "read", 2 * round);
			assert.equal(found.slice(0, round).filter(Boolean).length, failing);
			assert.deepEqual(found.slice(round), found.slice(0, round));
		});
	}

	it("draws which from the seed, and spreads them", () => {
		const of = (seed: number) =>
			failures(faultRules("flush", 10, 5, seed) as unknown as Rules, "flush_to_disk", "flush", 100);
		assert.deepEqual(of(1), of(1));
		assert.notDeepEqual(of(1), of(2));
	});

	it("counts writes and writes of zeroes together", () => {
		const rules = faultRules("write", 50, 5, 1) as unknown as Rules;
		for (const [event, type] of [
			["pwritev", "write"],
			["pwritev_zero", "write-zeroes"],
		] as const) {
			assert.equal(failures(rules, event, type, 100).filter(Boolean).length, 50);
		}
	});
});

describe("rulesFile", () => {
	it("writes rules as QEMU's configuration has them", () => {
		assert.equal(
			rulesFile(faultRules("read", 100, 5, 1)),
			'[inject-error]\nevent = "none"\niotype = "read"\nerrno = "5"\n',
		);
	});
});
