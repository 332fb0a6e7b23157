/** How many trials one batch may come to. */
import { UmbraError } from "../errors.ts";
import type { TrialBatch } from "./profile.ts";

/** Of one order to an agent; each is a clone. */
export const MAX_TRIALS = 256;

/** @throws UmbraError `bad-config` for more trials than one batch may have, the control among them. */
export function checkTrialCount({ control, profiles }: TrialBatch, path: string): void {
	const count = profiles.length + (control ? 1 : 0);
	if (count <= MAX_TRIALS) return;
	const found = control ? `${profiles.length} profiles and a control` : `${profiles.length} profiles`;
	throw new UmbraError("bad-config", `${path}: ${found}; wanted at most ${MAX_TRIALS} trials in a batch`, {
		context: { path, field: "profiles", found: count, wanted: MAX_TRIALS },
		hint: "run them in parts, each a file of its own: umbra profile make --seed and --count make them so",
	});
}
