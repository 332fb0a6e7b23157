/** What an operator can set of the scrub in the background. */
import { z } from "zod";
import { bytesField, durationField } from "../../common/config.ts";

export const scrubSettings = z.strictObject({
	/** From the start of one round over all packs to that of the next, at least; 0s: never. */
	every: durationField()
		.refine((ms) => ms === 0 || (ms >= 36e5 && ms <= 400 * 864e5), "wanted 0s, or 1h to 400d")
		.default(30 * 864e5),
	/** Read a second. */
	bytesPerSecond: bytesField()
		.refine((bytes) => bytes >= 64 * 2 ** 10, "wanted at least 64KiB")
		.default(8 * 2 ** 20),
});

export type ScrubSettings = z.output<typeof scrubSettings>;
