/**
 * Formats come in more variants than `npm test` has time for: it takes every n-th of them, and a long test the others, by
 * importing the same file.
 */

/** Set by the runner of the long tests. */
const LONG = "UMBRA_TEST_LONG";

/** Set by whoever has less than an hour: of what is tried at random, or again and again, a part. */
const BRIEF = "UMBRA_TEST_BRIEF";

/** How often something is done in the long tests: `all`, or `some` where they are to be brief. */
export function amount(some: number, all: number): number {
	return (process.env[BRIEF] ?? "") === "" ? all : some;
}

/** Whether this is a run of the long tests. */
export const isLong: boolean = (process.env[LONG] ?? "") !== "";

/** The variants of this run: in `npm test` the first of every `n`, in the long tests the rest. */
export function variantsOf<T>(all: readonly T[], n: number): readonly T[] {
	return all.filter((_, at) => (at % n === 0) !== isLong);
}
