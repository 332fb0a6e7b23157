/**
 * The manifest says which parts there are, and from which log segment on points are in none of them. It is replaced as a whole: what it
 * does not name is left over from work that was cut, and goes.
 */
import { readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { errnoOf, messageOf, UmbraError } from "../../../common/errors.ts";
import { isMeasurement, type MeasurementName } from "../../../common/measurements/measurements.ts";
import { replaceFile, translateFileError } from "./files.ts";
import { LEVELS } from "./layout.ts";
import type { Part } from "./parts.ts";

const VERSION = 1;

/** What is known of a measurement besides its parts. */
export interface Kept {
	/** Raw points before it were given up for the minutes made of them; 0n where none were. */
	readonly rawFromNs: bigint;
	/** The same of minutes and hours. */
	readonly minuteFromNs: bigint;
}

export interface Manifest {
	/** The first log segment whose points are in no part. */
	readonly segment: number;
	/** Of the part made next. */
	readonly nextPart: number;
	readonly parts: readonly Part[];
	readonly kept: ReadonlyMap<MeasurementName, Kept>;
}

export const NOTHING_KEPT: Kept = { rawFromNs: -(2n ** 63n), minuteFromNs: -(2n ** 63n) };
export const EMPTY: Manifest = { segment: 1, nextPart: 1, parts: [], kept: new Map() };

const time = z
	.string()
	.regex(/^-?\d{1,19}$/)
	.transform(BigInt);
const count = z.int().min(0);
const measurement = z.string().transform((name) => name as MeasurementName);
const range = z.strictObject({ from: time, to: time });
const partSchema = z.strictObject({
	number: count,
	measurement,
	level: z.enum(LEVELS),
	beginNs: time,
	endNs: time,
	minNs: time,
	maxNs: time,
	segment: count,
	run: count,
	tier: count,
	folded: z.boolean(),
	doubtNs: range.optional(),
	tag: z.strictObject({ from: z.string(), to: z.string() }),
	columns: z.array(z.string()),
	rows: count,
	bytes: count,
});
const contentSchema = z.strictObject({
	segment: count,
	nextPart: count,
	parts: z.array(partSchema),
	kept: z.array(z.strictObject({ measurement, rawFromNs: time, minuteFromNs: time })),
});
const fileSchema = z.looseObject({ version: z.int(), crc: z.int(), content: z.string() });

export async function saveManifest(path: string, { segment, nextPart, parts, kept }: Manifest): Promise<void> {
	const content = JSON.stringify(
		{ segment, nextPart, parts, kept: [...kept].map(([measurement, values]) => ({ measurement, ...values })) },
		(_, value) => (typeof value === "bigint" ? `${value}` : value),
	);
	await replaceFile(path, JSON.stringify({ version: VERSION, crc: crc32(content), content }));
}

/**
 * Undefined where there is none. Parts of measurements that this release does not know are left out.
 *
 * @throws UmbraError `unsupported` where a newer Umbra wrote it, `corrupt` where it is damaged, `unavailable` where it cannot be read.
 */
export async function loadManifest(path: string): Promise<Manifest | undefined> {
	let text: string;
	try {
		text = await readFile(path, "utf8");
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw translateFileError(error, "read", path);
	}
	try {
		const { version, crc, content } = fileSchema.parse(JSON.parse(text));
		if (version > VERSION) {
			throw new UmbraError("unsupported", `${path} is of version ${version}, wanted at most ${VERSION}`, {
				context: { path, field: "version", found: version, wanted: VERSION },
				hint: "it was written by a newer Umbra: use that one, or move the folder away to begin anew",
			});
		}
		if (crc32(content) !== crc) throw new Error("its checksum does not fit");
		const { kept, parts, ...rest } = contentSchema.parse(JSON.parse(content));
		return {
			...rest,
			parts: parts.filter((part) => isMeasurement(part.measurement)) as Part[],
			kept: new Map(kept.map(({ measurement, ...values }) => [measurement, values])),
		};
	} catch (error) {
		if (error instanceof UmbraError) throw error;
		throw new UmbraError("corrupt", `${path} is damaged: ${messageOf(error)}`, { cause: error, context: { path } });
	}
}
