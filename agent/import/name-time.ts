/** Times as people write them: into the names of images, and on a command line. Pure but for the local time zone. */
import { UmbraError } from "../../common/errors.ts";

const NS_PER_MS = 1_000_000n;
const DAY_MS = 864e5;
/** No image of a virtual machine is older. */
const FIRST_YEAR = 1990;

/** 2024-01-31, 20240131, 2024_01_31; behind it 03:00, 0300, 03-00-05, with T, _ or the like between; Z, +01:00. */
const DAY = String.raw`(?<year>\d{4})(?<mark>[-_.]?)(?<month>0[1-9]|1[0-2])\k<mark>(?<day>0[1-9]|[12]\d|3[01])`;
const CLOCK = String.raw`(?<hour>[01]\d|2[0-3])[:._h-]?(?<minute>[0-5]\d)(?:[:._m-]?(?<second>[0-5]\d))?`;
const ZONE = String.raw`(?<zone>Z|UTC|\+\d\d:?\d\d|-\d\d:\d\d)?`;
const IN_NAME = new RegExp(String.raw`(?<!\d)${DAY}(?:[T_.@ -]?${CLOCK}${ZONE})?(?!\d)`, "gi");
const GIVEN = new RegExp(String.raw`^${DAY}(?:[T ]${CLOCK}(?:\.(?<fraction>\d{1,9}))?${ZONE})?$`, "i");
/** Seconds or milliseconds since 1970, from 2001 to 2033. */
const EPOCH = /(?<!\d)(1\d{9})(\d{3})?(?!\d)/g;

/**
 * The date that stands in a name, as Unix nanoseconds; local time where it says no zone. Undefined where there is none, or
 * only one that people read differently (01-02-2024), or one that is still to come.
 *
 * @param now Unix milliseconds
 */
export function timeInName(name: string, now: number = Date.now()): bigint | undefined {
	const dates = [...name.matchAll(IN_NAME)].map(({ groups }) => dateOf(groups ?? {}));
	const counts = [...name.matchAll(EPOCH)].map(([, seconds, milliseconds]) =>
		Number(seconds + (milliseconds ?? "000")),
	);
	const found = [...dates, ...counts].find((time) => time !== undefined && time <= now + DAY_MS);
	return found === undefined ? undefined : BigInt(found) * NS_PER_MS;
}

/**
 * A time that an operator gives: ISO 8601, local time where it says no zone, or Unix nanoseconds.
 *
 * @throws UmbraError `bad-config`.
 */
export function parseGivenTime(text: string): bigint {
	if (/^\d{16,20}$/.test(text)) return BigInt(text);
	const groups = GIVEN.exec(text)?.groups ?? {};
	const milliseconds = dateOf(groups);
	if (milliseconds !== undefined) {
		return BigInt(milliseconds) * NS_PER_MS + BigInt((groups["fraction"] ?? "").padEnd(9, "0"));
	}
	throw new UmbraError("bad-config", `not a time: "${text}"`, {
		context: { field: "time", found: text },
		hint: "wanted ISO 8601 such as 2026-01-31T03:00:00Z, without a zone in local time, or Unix nanoseconds",
	});
}

/** Unix milliseconds; undefined for what is in no calendar. */
function dateOf({ year, month, day, hour, minute, second, zone }: Readonly<Record<string, string | undefined>>) {
	const [y, m, d] = [Number(year), Number(month), Number(day)];
	const [h, min, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
	const utc = Date.UTC(y, m - 1, d, h, min, s);
	// Without a year, or 31 February.
	if (!(y >= FIRST_YEAR) || new Date(utc).getUTCDate() !== d) return undefined;
	if (zone === undefined) return new Date(y, m - 1, d, h, min, s).getTime();
	const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
	if (offset === null) return utc;
	const minutes = Number(offset[2]) * 60 + Number(offset[3]);
	return utc - (offset[1] === "-" ? -minutes : minutes) * 60_000;
}
