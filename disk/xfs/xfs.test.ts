import { describe, it } from "node:test";
import { assertVariant, needsMount, VARIANTS } from "./testing.ts";

describe("openXfs shows what the kernel and xfs_db show", () => {
	for (const variant of VARIANTS) {
		if (variant.long === true) continue;
		it(`${variant.name}: ${variant.options.join(" ")}`, needsMount(), () => assertVariant(variant));
	}
});
