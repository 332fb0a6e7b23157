import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { sweepOver } from "./sweeps.ts";

describe("a disk that fails", () => {
	for (const error of ["ENOSPC", "EIO"] as const) {
		it(`with ${error} at any of its operations loses nothing that was acknowledged, is told of clearly, and is got over`, async (context) => {
			await sweepOver(context, error, "all", testRandom(context));
		});
	}
});
