import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../common/log.ts";
import { until } from "../test/support/wait.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Detector } from "./detect/detector.ts";
import { Judge } from "./judge.ts";

describe("Judge.status", () => {
	it("tells of a VM that waits until it was found that nothing of it does", async () => {
		const found = Promise.withResolvers<undefined>();
		let looks = 0;
		const nextUnjudged = async () => {
			looks++;
			return await found.promise;
		};
		const catalog = { unjudged: async function* () {}, nextUnjudged } as unknown as Catalog;
		const nothing = () => undefined;
		const rest = { targets: [], judged: nothing, alerted: nothing, log: silentLogger() };
		await using judge = await Judge.start({ catalog, detector: {} as Detector, ...rest });
		using _end = { [Symbol.dispose]: () => found.resolve(undefined) };
		judge.committed("web");
		await until(() => looks > 0, { what: "a look at it" });
		assert.equal(judge.status.waiting, 1);
		// It may be looked at again by then.
		judge.committed("web");
		assert.equal(judge.status.waiting, 1);
		found.resolve(undefined);
		await until(() => judge.status.waiting === 0, { what: "the look's end" });
	});
});
