/** Randomness of tests: another seed in every run, printed, and set by UMBRA_TEST_SEED to have a failure again. */
import type { TestContext } from "node:test";
import { createRandom, type Random } from "../../common/random.ts";

export { createRandom, type Random } from "../../common/random.ts";

/** @throws RangeError where UMBRA_TEST_SEED is no whole number. */
export function testRandom(context: TestContext): Random {
	const wanted = process.env["UMBRA_TEST_SEED"];
	const seed = wanted === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(wanted);
	if (!Number.isSafeInteger(seed)) throw new RangeError(`UMBRA_TEST_SEED=${wanted} is not a whole number`);
	context.diagnostic(`seed: ${seed} (again with UMBRA_TEST_SEED=${seed})`);
	return createRandom(seed);
}
