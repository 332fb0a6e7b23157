import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { sweepOver } from "./sweeps.ts";

describe("a disk that fails", () => {
	for (const error of ["ENOSPC", "EIO"] as const) {
		it(`with ${error} at one of its operations loses nothing, says so clearly, and is got over`, async (context) => {
			await sweepOver(context, error, "some", testRandom(context));
		});
	}
});
