/** What an operator may tune about judgement, with every default in this one place. */
import { z } from "zod";
import { bytesField, durationField } from "../../common/config.ts";

export const detectSettings = z.strictObject({
	/** Changesets of a VM before its baseline scores; triggers work from the first. */
	learnChangesets: z.number().int().min(1).max(10_000).default(20),
	/** After so many changesets, what was learned counts half: a week and a half-life at one a minute. */
	halfLifeChangesets: z.number().int().min(100).max(1_000_000).default(10_080),
	/** Scores from here on are a warning, ... */
	warningScore: z.number().gt(0).lt(1).default(0.7),
	/** ... and from here on critical. */
	criticalScore: z.number().gt(0).lte(1).default(0.9),
	massRewrite: z
		.strictObject({
			/** Documents turned into something else before it counts as an attack. */
			minDocuments: z.number().int().min(2).max(50).default(10),
			/** How far back a slow attack is added up, in milliseconds. */
			window: durationField().default(6 * 3_600_000),
		})
		.prefault({}),
	logGrowth: z
		.strictObject({
			/** A log that grew by less since the last changeset never counts, in bytes. */
			minBytes: bytesField().default(2 ** 20),
			/** The same while too little of the VM's own logs was seen to compare with, in bytes. */
			minBytesUnknown: bytesField().default(8 * 2 ** 20),
		})
		.prefault({}),
});

export type DetectSettings = z.output<typeof detectSettings>;

/** The defaults. */
export const DEFAULT_DETECT_SETTINGS: DetectSettings = detectSettings.parse({});
