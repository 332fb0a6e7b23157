import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { type Turns, withRoom } from "./run-trial.ts";

const noRoom = new UmbraError("limit", "no room");

describe("withRoom", () => {
	it("tries again once one of its own has given room back, and gives up where none has any", async () => {
		const turns: Turns = new Set();
		let free = 1;
		const make = async () => {
			if (free === 0) throw noRoom;
			free--;
			return "made";
		};
		const first = await withRoom(turns, make);
		const second = withRoom(turns, make);
		const third = withRoom(turns, make);
		await Promise.resolve();
		free++;
		first[Symbol.dispose]();
		// One of the two has it; the other waits for that one.
		const next = await Promise.race([second, third]);
		free++;
		next[Symbol.dispose]();
		for (const each of await Promise.all([second, third])) each[Symbol.dispose]();
		assert.equal(turns.size, 0);
		free = 0;
		await assert.rejects(Promise.all([withRoom(turns, make), withRoom(turns, make)]), { code: "limit" });
		assert.equal(turns.size, 0);
	});

	it("does not try again for anything else", async () => {
		const turns: Turns = new Set();
		const held = await withRoom(turns, async () => 1);
		let tries = 0;
		const make = async () => {
			tries++;
			throw new UmbraError("unavailable", "it could not be started");
		};
		await assert.rejects(withRoom(turns, make), { code: "unavailable" });
		assert.equal(tries, 1);
		held[Symbol.dispose]();
	});
});
