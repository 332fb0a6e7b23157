/** What an operator can set of the store of time series: `series:` of collector.yaml. */
import { z } from "zod";
import { bytesField, durationField } from "../../common/config.ts";
import { influxSettings } from "./influx/settings.ts";

const DAY_MS = 864e5;

/** At least so long a point is kept. */
function keptFor(milliseconds: number) {
	return durationField()
		.refine((ms) => ms >= DAY_MS && ms <= 36_500 * DAY_MS, "wanted 1d to 36500d")
		.default(milliseconds);
}

/** How long points are kept: as they came, then one a minute, then one an hour, with the least, the most and the mean of it. */
const embeddedRetention = z
	.strictObject({ raw: keptFor(7 * DAY_MS), minute: keptFor(30 * DAY_MS), hour: keptFor(400 * DAY_MS) })
	.refine(({ raw, minute, hour }) => raw <= minute && minute <= hour, "wanted raw <= minute <= hour")
	.transform(({ raw, minute, hour }) => ({
		rawNs: BigInt(raw) * 1_000_000n,
		minuteNs: BigInt(minute) * 1_000_000n,
		hourNs: BigInt(hour) * 1_000_000n,
	}));

export const embeddedSettings = z.strictObject({
	store: z.literal("embedded").default("embedded"),
	retention: embeddedRetention.prefault({}),
	/** Most memory that questions may take; upkeep in the background takes half as much on top while it works. */
	memory: bytesField()
		.refine((bytes) => bytes >= 128 * 2 ** 20, "wanted at least 128MiB")
		.default(512 * 2 ** 20),
});

export const seriesSettings = z.discriminatedUnion("store", [embeddedSettings, influxSettings]);

export type EmbeddedRetention = z.output<typeof embeddedRetention>;
export type EmbeddedSettings = z.output<typeof embeddedSettings>;
export type SeriesSettings = z.output<typeof seriesSettings>;
