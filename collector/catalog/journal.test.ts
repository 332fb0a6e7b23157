import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { LevelStore, type Operation } from "./store.ts";

const entryOf = (time: number): JournalEntry => ({ type: "changeset", vm: "web", time: String(time) });

async function append(store: LevelStore, journal: Journal, ...entries: JournalEntry[]): Promise<void> {
	const operations: Operation[] = [];
	using _written = journal.write(operations, entries);
	await store.batch(operations);
}

describe("Journal", () => {
	it("goes on where it ended when it is opened again", async () => {
		await using folder = await tempFolder();
		{
			await using store = await LevelStore.open(folder.path);
			const journal = await Journal.open(store);
			assert.deepEqual([journal.head, journal.forgotten, await journal.read(0, 10)], [0, 0, []]);
			await append(store, journal, entryOf(7), entryOf(8));
		}
		await using store = await LevelStore.open(folder.path);
		const journal = await Journal.open(store);
		assert.equal(journal.head, 2);
		await append(store, journal, entryOf(9));
		assert.deepEqual(
			(await journal.read(0, 10)).map(({ number, entry }) => [number, entry.time]),
			[
				[1, "7"],
				[2, "8"],
				[3, "9"],
			],
		);
		assert.deepEqual(await journal.read(1, 1), [{ number: 2, entry: entryOf(8) }]);
		assert.deepEqual(await journal.read(3, 10), []);
	});

	it("keeps so many, and says which it forgot", async () => {
		await using folder = await tempFolder();
		await using store = await LevelStore.open(folder.path);
		const journal = await Journal.open(store, 10);
		for (let at = 1; at <= 25; at++) await append(store, journal, entryOf(at));
		assert.deepEqual([journal.head, journal.forgotten], [25, 15]);
		const left = await journal.read(0, 100);
		assert.deepEqual(
			left.map(({ number }) => number),
			Array.from({ length: 10 }, (_, at) => 16 + at),
		);
		const again = await Journal.open(store, 10);
		assert.deepEqual([again.head, again.forgotten], [25, 15]);
	});

	it("shows followers every entry once and in order, whatever batches are under way or fail", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using store = await LevelStore.open(folder.path);
		const journal = await Journal.open(store);
		const written: number[] = [];
		const seen: number[] = [];
		let position = 0;
		const follow = async () => {
			const { head } = journal;
			for (const { number, entry } of await journal.read(position, 1000)) {
				seen.push(Number(entry.time));
				assert.ok(number > position && number <= journal.head);
				position = number;
			}
			position = Math.max(position, head);
		};
		const turn = () => new Promise((resolve) => setImmediate(resolve));
		let heard = 0;
		using _listening = journal.listen(() => heard++);
		const write = async (first: number) => {
			for (let waits = random.below(3); waits > 0; waits--) await turn();
			const entries = Array.from({ length: random.between(1, 3) }, (_, at) => first * 10 + at);
			const operations: Operation[] = [];
			using _written = journal.write(operations, entries.map(entryOf));
			for (let waits = random.below(8); waits > 0; waits--) await turn();
			if (random.chance(0.2)) return;
			await store.batch(operations, { sync: false });
			written.push(...entries);
		};
		const writers: Promise<void>[] = [];
		for (let at = 1; at <= 60; at++) {
			writers.push(write(at));
			if (random.chance(0.5)) await follow();
		}
		await Promise.all(writers);
		await follow();
		assert.equal(heard, 60);
		assert.deepEqual(
			seen.toSorted((a, b) => a - b),
			written.toSorted((a, b) => a - b),
		);
		const order = (await journal.read(0, 1000)).map(({ entry }) => Number(entry.time));
		assert.deepEqual(seen, order);
	});
});
