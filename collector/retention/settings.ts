/** What an operator can set of retention and of giving space back. */
import { z } from "zod";
import { bytesField, durationField } from "../../common/config.ts";
import { globMatches } from "../../common/glob.ts";

const count = z.int().min(0).max(1_000_000);

/** How many points of a VM stay. A point stays where any of them wants it. */
const counts = {
	/** The newest so many. */
	last: count,
	/** The newest point of each of the newest so many hours (days, ISO weeks, months; UTC) that have points. */
	hourly: count,
	daily: count,
	weekly: count,
	monthly: count,
	/** Every point stays. */
	keepAll: z.boolean(),
	/** Points that were imported stay, and use up nothing of the above; else they count as any other, by their own times. */
	keepImported: z.boolean(),
};

/** With a capture a minute: the last hour whole, two days by the hour, two weeks by the day, half a year by the month. */
const defaults = { last: 60, hourly: 48, daily: 14, weekly: 8, monthly: 6, keepAll: false, keepImported: true };

export const retentionSettings = z.strictObject({
	last: counts.last.default(defaults.last),
	hourly: counts.hourly.default(defaults.hourly),
	daily: counts.daily.default(defaults.daily),
	weekly: counts.weekly.default(defaults.weekly),
	monthly: counts.monthly.default(defaults.monthly),
	keepAll: counts.keepAll.default(defaults.keepAll),
	keepImported: counts.keepImported.default(defaults.keepImported),
	/** How often points are dropped. */
	every: durationField()
		.refine((ms) => ms >= 1000 && ms <= 7 * 864e5, "wanted 1s to 7d")
		.default(36e5),
});

/** The first entry whose `match` or `name` fits a VM counts; what it leaves out is as for the others. */
export const retentionOfVms = z
	.strictObject({
		/** A VM's name; `*` stands for any characters. */
		match: z.string().optional(),
		name: z.string().min(1).optional(),
		retention: z.strictObject(counts).partial().prefault({}),
	})
	.refine(({ match, name }) => match !== undefined || name !== undefined, {
		path: ["match"],
		message: "an entry without match and name fits no VM",
	});

export const gcSettings = z.strictObject({
	/** How often space is given back by itself; 0s: only when it is asked for. */
	every: durationField()
		.refine((ms) => ms === 0 || (ms >= 6e4 && ms <= 20 * 864e5), "wanted 0s, or 1m to 20d")
		.default(864e5),
	/** For so long after it was brought or asked for, a chunk stays although no point needs it (yet). */
	grace: durationField()
		.refine((ms) => ms <= 20 * 864e5, "wanted at most 20d")
		.default(864e5),
	/** Packs of whose bytes less than this share is needed are written anew. */
	rewriteBelow: z.number().min(0).max(1).default(0.5),
	/** Read and written a second while packs are written anew. */
	bytesPerSecond: bytesField()
		.refine((bytes) => bytes >= 2 ** 20, "wanted at least 1MiB")
		.default(100 * 2 ** 20),
});

export type RetentionPolicy = Readonly<Record<"last" | "hourly" | "daily" | "weekly" | "monthly", number>> & {
	readonly keepAll: boolean;
	readonly keepImported: boolean;
};
export type RetentionSettings = z.output<typeof retentionSettings>;
export type RetentionOfVms = z.output<typeof retentionOfVms>;
export type GcSettings = z.output<typeof gcSettings>;

/** The policy of the VM called `name`. */
export function policyFor(settings: RetentionSettings, vms: readonly RetentionOfVms[], name: string): RetentionPolicy {
	const entry = vms.find(
		(candidate) => candidate.name === name || (candidate.match !== undefined && globMatches(candidate.match, name)),
	);
	const { every: _, ...policy } = settings;
	return { ...policy, ...withoutUndefined(entry?.retention ?? {}) };
}

function withoutUndefined(given: RetentionOfVms["retention"]): Partial<RetentionPolicy> {
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
