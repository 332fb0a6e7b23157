/** What an operator can set of trials' records. */
import { z } from "zod";

export const trialSettings = z.strictObject({
	/** The newest so many trials of a VM are kept; signatures stay. */
	keep: z.int().min(1).max(100_000).default(1000),
	/** Of the newest so many of a VM also what was seen of them: telemetry, console, screens. */
	stories: z.int().min(0).max(100_000).default(200),
});

export type TrialSettings = z.output<typeof trialSettings>;
