/** Sizes, durations and times as people write and read them. */
import { UmbraError } from "./errors.ts";

const BYTE_UNITS: ReadonlyMap<string, number> = new Map(
	Object.entries({
		"": 1,
		b: 1,
		k: 1e3,
		kb: 1e3,
		kib: 2 ** 10,
		m: 1e6,
		mb: 1e6,
		mib: 2 ** 20,
		g: 1e9,
		gb: 1e9,
		gib: 2 ** 30,
		t: 1e12,
		tb: 1e12,
		tib: 2 ** 40,
	}),
);

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** "512MiB" -> 536870912. @throws UmbraError `bad-config`. */
export function parseBytes(text: string): number {
	const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
	const unit = match === null ? undefined : BYTE_UNITS.get((match[2] ?? "").toLowerCase());
	if (match === null || unit === undefined) {
		throw new UmbraError("bad-config", `not a size: "${text}"; wanted a number with a unit such as 512MiB or 10GB`);
	}
	return Math.round(Number(match[1]) * unit);
}

/** "90s" -> 90000 milliseconds. @throws UmbraError `bad-config`. */
export function parseDuration(text: string): number {
	const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*$/.exec(text);
	const unit = match === null ? undefined : DURATION_UNITS[match[2] ?? ""];
	if (match === null || unit === undefined) {
		throw new UmbraError("bad-config", `not a duration: "${text}"; wanted a number with a unit: ms, s, m, h, d or w`);
	}
	return Number(match[1]) * unit;
}

/** 1536 -> "1.5 KiB". */
export function formatBytes(bytes: number): string {
	const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
	let value = bytes;
	let unit = 0;
	// What would be shown as 1024 of a unit is one of the next.
	while (value >= 1023.5 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds -> "850 ms", "3.2 s", "4 min 10 s". */
export function formatDuration(milliseconds: number): string {
	if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
	if (milliseconds < 6e4) return `${(milliseconds / 1000).toFixed(1)} s`;
	const seconds = Math.round(milliseconds / 1000);
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
	return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Unix nanoseconds -> "2026-11-21T19:48:03.123Z". */
export function formatTime(timeNs: bigint): string {
	return new Date(Number(timeNs / 1_000_000n)).toISOString();
}

/** When `performance.now()` was 0. */
let origin = performance.timeOrigin;
/** Date.now() counts whole milliseconds; beyond this the clock has been set, or the host slept. */
const CLOCK_SLACK_MS = 2;

/** Now by the clock of the host, also after it was set, in Unix nanoseconds (with a resolution of microseconds). */
export function nowNs(): bigint {
	const elapsed = performance.now();
	const now = Date.now();
	if (Math.abs(now - origin - elapsed) > CLOCK_SLACK_MS) origin = now - elapsed;
	return BigInt(Math.round((origin + elapsed) * 1e3)) * 1000n;
}
