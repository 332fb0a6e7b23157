import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { testRandom } from "../../../test/support/random.ts";
import { type Hours, Turnstile } from "./turnstile.ts";

const NEVER = new AbortController().signal;
const isDone = (done: boolean): boolean => done;
const of = (first: number, last = first): Hours => ({ first, last });

/** A request that ends when the test says so. */
function start(turnstile: Turnstile, hours: Hours, signal = NEVER) {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const state = { begun: false, end: (done = true) => resolve(done), passed: Promise.resolve(true) };
	const request = async () => {
		state.begun = true;
		return await promise;
	};
	state.passed = turnstile.pass(hours, signal, request, isDone);
	return state;
}

describe("Turnstile", () => {
	it("lets the first request of an hour through alone, then those of that hour together", async () => {
		const turnstile = new Turnstile();
		const [first, second, third] = [start(turnstile, of(1)), start(turnstile, of(1)), start(turnstile, of(1))];
		await turn();
		assert.deepEqual([first.begun, second.begun, third.begun], [true, false, false]);
		first.end();
		await turn();
		assert.deepEqual([second.begun, third.begun], [true, true]);
		const [next, again] = [start(turnstile, of(1, 2)), start(turnstile, of(1))];
		await turn();
		// The one of a new hour waits for those under way, and the one behind it for that one.
		assert.deepEqual([next.begun, again.begun], [false, false]);
		second.end();
		await turn();
		assert.deepEqual([next.begun, again.begun], [false, false]);
		third.end();
		await turn();
		assert.deepEqual([next.begun, again.begun], [true, false]);
		next.end();
		await turn();
		assert.equal(again.begun, true);
		again.end();
		await Promise.all([first, second, third, next, again].map(({ passed }) => passed));
	});

	it("takes an hour for new where the request failed or was not done", async () => {
		const turnstile = new Turnstile();
		const fail = async (): Promise<boolean> => {
			throw new Error("gone");
		};
		await assert.rejects(turnstile.pass(of(1), NEVER, fail, isDone), /gone/);
		assert.equal(await turnstile.pass(of(1), NEVER, async () => false, isDone), false);
		const [first, second] = [start(turnstile, of(1)), start(turnstile, of(1))];
		await turn();
		assert.deepEqual([first.begun, second.begun], [true, false]);
		first.end();
		second.end();
		await second.passed;
	});

	it("lets a caller go that gives up, and others pass", async () => {
		const turnstile = new Turnstile();
		const controller = new AbortController();
		const first = start(turnstile, of(1));
		const waiting = start(turnstile, of(2), controller.signal);
		await turn();
		controller.abort();
		await assert.rejects(waiting.passed, { name: "AbortError" });
		assert.equal(waiting.begun, false);
		first.end();
		await first.passed;
		const [one, other] = [start(turnstile, of(1)), start(turnstile, of(1))];
		await turn();
		assert.deepEqual([one.begun, other.begun], [true, true]);
		one.end();
		other.end();
		await other.passed;
	});

	it("never has the first request of an hour beside another, and lets all through", async (context) => {
		const random = testRandom(context);
		const turnstile = new Turnstile();
		const known = new Set<number>();
		let underWay = 0;
		let together = 0;
		const requests = Array.from({ length: 400 }, async () => {
			const first = random.below(20);
			const hours = of(first, first + random.below(3));
			const isNew = () =>
				Array.from({ length: hours.last - first + 1 }, (_, at) => first + at).some((at) => !known.has(at));
			for (let waits = random.below(50); waits > 0; waits--) await turn();
			const request = async (): Promise<boolean> => {
				underWay++;
				together = Math.max(together, underWay);
				const wasNew = isNew();
				for (let waits = random.below(5); waits > 0; waits--) {
					if (wasNew) assert.equal(underWay, 1);
					await turn();
				}
				underWay--;
				const done = random.chance(0.7);
				if (done) for (let hour = hours.first; hour <= hours.last; hour++) known.add(hour);
				return done;
			};
			await turnstile.pass(hours, NEVER, request, isDone);
		});
		await Promise.all(requests);
		assert.ok(together > 1);
	});
});
