import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { amount } from "../../test/support/variants.ts";
import { runHistories } from "./gc-history.ts";

describe("a vault that gives back space", () => {
	const histories = amount(100, 1000);
	it(`keeps every point as it was, through ${histories} histories of crashes, failures and full disks`, async (context) => {
		const counts = await runHistories(testRandom(context), histories, 40);
		context.diagnostic(JSON.stringify(counts));
		// Or it was not tried.
		for (const [name, count] of Object.entries(counts)) assert.ok(count > 0, name);
	});
});
