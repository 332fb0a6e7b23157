/** Many runs of a `Sweep`, each with the fault at another operation. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Random } from "../../test/support/random.ts";
import { testKeys } from "../vault/testing.ts";
import { type Fault, Sweep } from "./sweep.ts";

/** Operations of one run, where not all are tried. */
const SOME = 30;

/** @param which all operations of the disk, or one of some of the kinds that come in some step of the run. */
export async function sweepOver(
	context: TestContext,
	error: Fault["error"],
	which: "all" | "some",
	random: Random,
): Promise<void> {
	await using whole = new Sweep(undefined);
	await whole.run();
	const kinds = Map.groupBy(whole.operations.keys(), (at) => {
		const { step, what } = whole.operations[at]!;
		return `${step}: ${what}`;
	});
	for (const step of ["open", "capture 0", "judge", "retention", "gc", "rebuild", "capture 6", "restart"]) {
		assert.ok(
			[...kinds.keys()].some((kind) => kind.startsWith(`${step}: `)),
			step,
		);
	}
	const outcomes: Record<Sweep["outcome"], number> = { unnoticed: 0, "went on": 0, restarted: 0, "power cut": 0 };
	const all = [...kinds.values()];
	const some = () => all.splice(random.below(all.length), 1).map((kind) => random.pick(kind));
	const chosen = which === "all" ? all.flat() : Array.from({ length: SOME }, some).flat();
	for (const operation of chosen) {
		// Some vaults are encrypted.
		const keys = random.chance(0.5) ? testKeys(1) : undefined;
		const cutsPower = random.chance(0.3);
		const shortBytes = random.chance(0.7) ? random.below(20_000) : 0;
		await using sweep = new Sweep({ operation, error, cutsPower, shortBytes }, keys);
		try {
			await sweep.run();
		} catch (cause) {
			const { what, path, step } = sweep.struck ?? whole.operations[operation]!;
			const more = [keys && "encrypted", cutsPower && "power cut", shortBytes > 0 && `${shortBytes} bytes left`];
			const how = more.filter((one) => one).join(", ");
			throw new Error(`operation ${operation}, ${step}: ${what} ${path} (${how})`, { cause });
		}
		assert.ok(sweep.struck !== undefined, `operation ${operation} did not come`);
		outcomes[sweep.outcome]++;
	}
	context.diagnostic(`${chosen.length} of ${whole.operations.length} operations: ${JSON.stringify(outcomes)}`);
	assert.ok(outcomes["went on"] > 0 && outcomes["power cut"] > 0);
}
