/** A manifest made of the parts alone, where it was lost. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import { isMeasurement, type MeasurementName } from "../../../common/measurements/measurements.ts";
import type { Lane } from "./database.ts";
import { translateFileError } from "./files.ts";
import { column, DAY_NS, floorTo, type Level, quote, TIME, tableOf } from "./layout.ts";
import { type Kept, type Manifest, NOTHING_KEPT } from "./manifest.ts";
import { monthOf, type Part, parsePartFile } from "./parts.ts";

/** @returns undefined where there are no parts either */
export async function rebuildManifest(folder: string, lane: Lane, log: Logger): Promise<Manifest | undefined> {
	let names: string[];
	try {
		names = await readdir(folder);
	} catch (error) {
		throw translateFileError(error, "read", folder);
	}
	const found: Part[] = [];
	for (const name of names) {
		const parsed = parsePartFile(name);
		if (parsed === undefined || !isMeasurement(parsed.measurement)) continue;
		try {
			found.push(await describe(join(folder, name), { ...parsed, measurement: parsed.measurement }, lane));
		} catch (error) {
			log.error({ path: join(folder, name), error: messageOf(error) }, "a part of the series store cannot be read");
		}
	}
	if (found.length === 0) return undefined;
	const parts: Part[] = [];
	const kept = new Map<MeasurementName, Kept>();
	for (const [measurement, all] of Map.groupBy(found, (part) => part.measurement)) {
		const raw = all.filter(({ level }) => level === "raw");
		// Minutes and hours of days whose raw points are there are made again, as it is not known what of these they hold.
		const days = new Set(raw.map(({ beginNs }) => beginNs));
		const past = all.filter(({ level, beginNs }) => level !== "raw" && !days.has(beginNs));
		parts.push(...raw, ...past);
		const endOf = (level: Level): bigint =>
			past.reduce((end, part) => (part.level === level && part.endNs > end ? part.endNs : end), NOTHING_KEPT.rawFromNs);
		const minutes = past.filter(({ level }) => level === "minute");
		const firstMinute = minutes.reduce((begin, part) => (part.beginNs < begin ? part.beginNs : begin), endOf("hour"));
		kept.set(measurement, {
			rawFromNs: endOf("minute") > endOf("hour") ? endOf("minute") : endOf("hour"),
			minuteFromNs: past.some(({ level, beginNs }) => level === "hour" && beginNs < firstMinute)
				? firstMinute
				: NOTHING_KEPT.minuteFromNs,
		});
	}
	const nextPart = Math.max(...found.map(({ number }) => number)) + 1;
	return { segment: 0, nextPart, parts, kept };
}

async function describe(path: string, part: Pick<Part, "measurement" | "level" | "number">, lane: Lane): Promise<Part> {
	const first = column(tableOf(part.measurement).tags[0]!);
	const file = `read_parquet(${quote(path)})`;
	const [stats] = await lane.rows(
		`SELECT count(*)::DOUBLE, min(${TIME}), max(${TIME}), min(${first}), max(${first}) FROM ${file}`,
	);
	const [rows, minNs, maxNs, from, to] = stats as [number, bigint, bigint, string, string];
	const columns = (await lane.rows(`DESCRIBE SELECT * FROM ${file}`)).map(([name]) => name as string);
	const dayNs = floorTo(minNs, DAY_NS);
	const stretch = maxNs < dayNs + DAY_NS ? { beginNs: dayNs, endNs: dayNs + DAY_NS } : monthOf(minNs);
	return {
		...part,
		...stretch,
		minNs,
		maxNs,
		segment: 0,
		run: part.number,
		tier: 0,
		folded: part.level !== "raw",
		// Which of two values came later is known no more.
		...(part.level === "raw" && { doubtNs: { from: minNs, to: maxNs } }),
		tag: { from, to },
		columns: columns.slice(tableOf(part.measurement).tags.length + 1),
		rows,
		bytes: (await stat(path)).size,
	};
}
