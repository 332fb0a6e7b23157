/** A process that writes is killed at any instant; what it was promised must be there afterwards. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startProgram } from "../../../test/support/processes.ts";
import { testRandom } from "../../../test/support/random.ts";
import { crashPoint } from "./crash-points.ts";
import { DAY_NS, floorTo } from "./layout.ts";
import { embeddedPlace } from "./testing.ts";

const ROUNDS = Number(process.env["UMBRA_KILL_ROUNDS"] ?? 3);
const CHILD = fileURLToPath(new URL("crash-child.ts", import.meta.url));

describe("the embedded store, killed", () => {
	it("has every point that was taken, once, and goes on", async (context) => {
		const random = testRandom(context);
		await using place = await embeddedPlace();
		// A day that is over: parts are made, merged and folded all the time.
		const baseNs = floorTo(BigInt(Date.now()) * 1_000_000n, DAY_NS);
		let first = 0;
		for (let round = 0; round < ROUNDS; round++) {
			await using child = await startProgram(process.execPath, [CHILD, place.folder, `${first}`, `${baseNs}`]);
			await child.said(/taken/, { timeoutMs: 120_000 });
			await sleep(random.below(1500));
			await child.kill();
			const taken = Number([...child.stdout().matchAll(/^taken (\d+)$/gm)].at(-1)?.[1]);
			assert.ok(taken > first, child.output());
			{
				await using store = await place.open();
				const range = { fromNs: baseNs, toNs: baseNs + 100n * DAY_NS };
				const [numbers] = await store.query({ measurement: "vm", fields: ["threads"], ...range });
				const [texts] = await store.query({ measurement: "anomaly", fields: ["feature"], ...range });
				const found = [...(numbers?.timesNs ?? []), ...(texts?.timesNs ?? [])].map((time) =>
					Number((time - baseNs) / 1_000_000_000n),
				);
				const values = [...(numbers?.values["threads"] ?? []), ...(texts?.values["feature"] ?? [])];
				assert.equal(new Set(found).size, found.length, "a point is there twice");
				for (const [at, number] of found.entries()) {
					assert.deepEqual(Object.values(crashPoint(number, baseNs).fields), [values[at]]);
				}
				const there = new Set(found);
				for (let number = 0; number < taken; number++)
					assert.ok(there.has(number), `point ${number} of ${taken} is gone`);
				// What was not promised may be there all the same.
				first = Math.max(taken, ...found.map((number) => number + 1));
			}
		}
	});
});
