/**
 * Dates as DOS writes them. FAT's have no time zone: they are the guest's local time and are taken as UTC,
 * since nothing on the disk says otherwise. exFAT's carry their distance from UTC.
 */

/** Hundredths of a second that may stand beside a time of two-second steps. */
const MAX_HUNDREDTHS = 199;
const OFFSET_VALID = 0x80;
const QUARTER_HOUR = 900;

/** Seconds since 1970; 0 where no date was written. Months and days beyond their range carry over. */
export function dosTime(date: number, time: number, hundredths = 0): number {
	if (date === 0) return 0;
	const year = 1980 + (date >>> 9);
	const month = Math.max(1, (date >>> 5) & 0x0f) - 1;
	const day = Math.max(1, date & 0x1f);
	const milliseconds = Date.UTC(year, month, day, time >>> 11, (time >>> 5) & 0x3f, (time & 0x1f) * 2);
	return milliseconds / 1000 + Math.min(hundredths, MAX_HUNDREDTHS) / 100;
}

/** @param offset the byte of the UTC offset: a valid bit and a signed count of quarters of an hour. */
export function exfatTime(timestamp: number, hundredths: number, offset: number): number {
	if (timestamp === 0) return 0;
	const local = dosTime(timestamp >>> 16, timestamp & 0xffff, hundredths);
	if ((offset & OFFSET_VALID) === 0) return local;
	return local - (((offset & 0x7f) << 25) >> 25) * QUARTER_HOUR;
}

/** A number that tells one moment of creation from another; 0 where none was written. */
export function creationNumber(date: number, time: number, hundredths: number): number {
	return date === 0 ? 0 : (date * 65536 + time) * (MAX_HUNDREDTHS + 1) + Math.min(hundredths, MAX_HUNDREDTHS);
}
