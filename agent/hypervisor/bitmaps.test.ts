import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import { BITMAP_PREFIX, type BitmapAction, type BitmapInfo, NO_BITMAP, planBitmaps } from "./bitmaps.ts";

function bitmap(name: string, state: Partial<BitmapInfo> = {}): BitmapInfo {
	return { name, recording: true, busy: false, inconsistent: false, granularity: 65536, ...state };
}

const A = "umbra-a";
const B = "umbra-b";
const remove = (name: string): BitmapAction => ({ do: "remove", name });
const stopped = { recording: false };
const broken = { recording: false, inconsistent: true };

describe("planBitmaps", () => {
	const table: readonly {
		readonly what: string;
		readonly bitmaps: readonly BitmapInfo[];
		readonly token: string | undefined;
		readonly actions: readonly BitmapAction[];
		readonly usable: string | RegExp;
	}[] = [
		{ what: "an untouched disk", bitmaps: [], token: undefined, actions: [], usable: /no earlier capture/ },
		{
			what: "bitmaps without a token",
			bitmaps: [bitmap(A), bitmap(B, stopped)],
			token: undefined,
			actions: [remove(A), remove(B)],
			usable: /no earlier capture/,
		},
		{ what: "somebody else's bitmap", bitmaps: [bitmap("backup-1")], token: undefined, actions: [], usable: /no earl/ },
		{
			what: "bitmaps of a disk whose last point was imported",
			bitmaps: [bitmap(A)],
			token: NO_BITMAP,
			actions: [remove(A)],
			usable: /its last point was imported/,
		},
		{ what: "a recording token", bitmaps: [bitmap(A)], token: A, actions: [], usable: A },
		{
			what: "an attempt that died before the token stopped",
			bitmaps: [bitmap(A), bitmap(B)],
			token: A,
			actions: [remove(B)],
			usable: A,
		},
		{
			what: "an attempt that died after the token stopped",
			bitmaps: [bitmap(B), bitmap(A, stopped)],
			token: A,
			actions: [{ do: "enable", name: A }, { do: "merge", from: B, into: A }, remove(B)],
			usable: A,
		},
		{
			what: "an agent that died between the commit and keep",
			bitmaps: [bitmap(A, stopped), bitmap(B)],
			token: B,
			actions: [remove(A)],
			usable: B,
		},
		{ what: "a token that is gone", bitmaps: [bitmap(B)], token: A, actions: [remove(B)], usable: /umbra-a is gone/ },
		{
			what: "an inconsistent token",
			bitmaps: [bitmap(A, broken), bitmap(B)],
			token: A,
			actions: [remove(B), remove(A)],
			usable: /inconsistent/,
		},
		{
			what: "an inconsistent token that claims to record",
			bitmaps: [bitmap(A, { inconsistent: true })],
			token: A,
			actions: [remove(A)],
			usable: /inconsistent/,
		},
		{
			what: "a stopped token whose successor is inconsistent",
			bitmaps: [bitmap(A, stopped), bitmap(B, { inconsistent: true })],
			token: A,
			actions: [remove(B), remove(A)],
			usable: /nothing took over/,
		},
		{
			what: "a stopped token whose successor stopped too",
			bitmaps: [bitmap(A, stopped), bitmap(B, stopped)],
			token: A,
			actions: [remove(B), remove(A)],
			usable: /nothing took over/,
		},
		{
			what: "a stopped token alone",
			bitmaps: [bitmap(A, stopped)],
			token: A,
			actions: [remove(A)],
			usable: /nothing took over/,
		},
		{
			what: "a token beside somebody else's recording bitmap",
			bitmaps: [bitmap(A, stopped), bitmap("backup-1")],
			token: A,
			actions: [remove(A)],
			usable: /nothing took over/,
		},
	];
	for (const { what, bitmaps, token, actions, usable } of table) {
		it(`decides on ${what}`, () => {
			const plan = planBitmaps(bitmaps, token);
			assert.deepEqual(plan.actions, actions);
			if (typeof usable === "string") assert.deepEqual(plan.usable, { name: usable });
			else assert.match("lost" in plan.usable ? plan.usable.lost : `usable: ${plan.usable.name}`, usable);
		});
	}

	it("never loses a write, and says lost only when QEMU lost something", (context) => {
		const random = testRandom(context);
		let tracked = 0;
		for (let history = 0; history < 500; history++) tracked += playHistory(random);
		assert.ok(tracked > 500, `only ${tracked} snapshots were tracked: the histories are too rough to prove anything`);
	});
});

interface ModelBitmap {
	recording: boolean;
	inconsistent: boolean;
	readonly persistent: boolean;
	/** It was in the image when QEMU opened it: a crash makes it inconsistent; one that was never stored is gone. */
	stored: boolean;
	dirty: Set<number>;
}

/** A disk in QEMU, its bitmaps, and what the test knows was written since each token's instant. */
class ModelDisk {
	readonly bitmaps = new Map<string, ModelBitmap>();
	readonly since = new Map<string, Set<number>>();

	write(block: number): void {
		for (const { recording, dirty } of this.bitmaps.values()) if (recording) dirty.add(block);
		for (const written of this.since.values()) written.add(block);
	}

	infos(): BitmapInfo[] {
		return [...this.bitmaps].map(([name, { recording, inconsistent }]) => bitmap(name, { recording, inconsistent }));
	}

	apply(actions: readonly BitmapAction[]): void {
		for (const action of actions) {
			if (action.do === "merge") {
				const from = this.get(action.from);
				const into = this.get(action.into);
				assert.ok(!from.inconsistent && !into.inconsistent, "QEMU merges no inconsistent bitmaps");
				for (const block of from.dirty) into.dirty.add(block);
			} else if (action.do === "remove") {
				this.get(action.name);
				this.bitmaps.delete(action.name);
			} else {
				assert.ok(!this.get(action.name).inconsistent, "QEMU enables no inconsistent bitmap");
				this.get(action.name).recording = true;
			}
		}
	}

	get(name: string): ModelBitmap {
		return this.bitmaps.get(name) ?? assert.fail(`there is no bitmap ${name}`);
	}

	restart(clean: boolean): void {
		for (const [name, entry] of this.bitmaps) {
			const kept = entry.persistent && (clean || entry.stored);
			if (!kept) this.bitmaps.delete(name);
			else if (!clean) entry.inconsistent = true;
			entry.stored = true;
		}
	}
}

/** One random life of a disk. Returns how many snapshots were tracked. */
function playHistory(random: Random): number {
	const disk = new ModelDisk();
	let token: string | undefined;
	/** Something happened to QEMU since the token was made that may have cost its record. */
	let harmed = true;
	let tracked = 0;
	let names = 0;
	const persistent = random.chance(0.7);
	const writes = () => {
		for (let count = random.below(3); count > 0; count--) disk.write(random.below(40));
	};
	const mayRestart = (): boolean => {
		if (!random.chance(0.06)) return false;
		const clean = random.chance(0.5);
		disk.restart(clean);
		if (!clean || !persistent) harmed = true;
		return true;
	};

	for (let step = 0; step < 40; step++) {
		writes();
		mayRestart();
		writes();
		// A snapshot is opened. The agent, or QEMU, may die at every "die".
		const die = () => random.chance(0.12);
		const plan = planBitmaps(disk.infos(), token);
		disk.apply(plan.actions);
		if ("name" in plan.usable) {
			tracked++;
			const { dirty, recording } = disk.get(plan.usable.name);
			assert.ok(recording, "a usable bitmap records");
			for (const block of disk.since.get(plan.usable.name) ?? assert.fail("an unknown token"))
				assert.ok(dirty.has(block), `block ${block} was written and is not marked`);
		} else assert.ok(harmed, `nothing was lost, but: ${plan.usable.lost}`);
		const old = "name" in plan.usable ? plan.usable.name : undefined;
		if (die()) continue;

		const fresh = `${BITMAP_PREFIX}${++names}`;
		disk.bitmaps.set(fresh, { recording: true, inconsistent: false, persistent, stored: false, dirty: new Set() });
		writes();
		if (die()) continue;
		disk.since.set(fresh, new Set()); // The instant.
		writes();
		if (die()) continue;
		if (old !== undefined) disk.get(old).recording = false;
		writes();
		if (die() || mayRestart()) continue;
		const kept = random.chance(0.7);
		if (kept) {
			token = fresh;
			harmed = false;
			for (const name of disk.since.keys()) if (name !== fresh) disk.since.delete(name);
			if (die() || mayRestart()) continue;
			disk.apply(planBitmaps(disk.infos(), fresh).actions);
		} else {
			const mine = disk.infos().filter(({ name }) => name === fresh || name === old);
			disk.apply(planBitmaps(mine, old).actions);
		}
		assert.deepEqual([...disk.bitmaps.keys()], kept ? [fresh] : old === undefined ? [] : [old]);
	}
	return tracked;
}
