/**
 * The log that points are appended to before anybody is told that they were taken. A *segment* is one of its files; once its points
 * are in parts it is removed. After a failed write or sync the kernel's word on a file is worth nothing: a new segment is begun.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isUmbraError, messageOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { MeasurementName } from "../../../common/measurements/measurements.ts";
import type { Block } from "./block.ts";
import { syncFolder, translateFileError } from "./files.ts";
import {
	checkSegmentHeader,
	encodeRecord,
	encodeSegmentHeader,
	readSegment,
	SEGMENT_HEADER_BYTES,
	type Section,
	type SeriesSection,
	type Tags,
} from "./log-record.ts";

const NAME = /^log-(\d{10})$/;
/** In one record: so many are encoded at once, and lost together where one byte of them rots. */
const RECORD_BLOCKS = 16;

/** Who knows the tags of a series by its number. */
export type TagsOf = (measurement: MeasurementName, series: number) => Tags;

export class SeriesLog implements AsyncDisposable {
	/** The segment that is appended to. */
	segment: number;
	readonly #folder: string;
	readonly #tagsOf: TagsOf;
	#handle: FileHandle | undefined;
	#bytes = 0;
	/** Series that the segment names already. */
	#named = new Map<MeasurementName, Set<number>>();
	/** Bytes of the segments before it that are there. */
	readonly #earlier = new Map<number, number>();

	private constructor(folder: string, segment: number, tagsOf: TagsOf) {
		this.#folder = folder;
		this.segment = segment;
		this.#tagsOf = tagsOf;
	}

	/**
	 * Removes the segments before `from`, hands the others to `replay` in their order, and begins a new one. What is damaged is moved
	 * to `damaged`, and said.
	 *
	 * @throws UmbraError `unsupported` where a newer Umbra wrote it, `unavailable` where the folder cannot be used.
	 */
	static async open(options: {
		readonly folder: string;
		readonly damaged: string;
		readonly from: number;
		readonly tagsOf: TagsOf;
		readonly replay: (segment: number, sections: readonly Section[]) => void;
		readonly log: Logger;
	}): Promise<SeriesLog> {
		const { folder, from, tagsOf, replay } = options;
		try {
			const segments = (await readdir(folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
			const series = new SeriesLog(folder, Math.max(from, ...segments.map((segment) => segment + 1)), tagsOf);
			for (const segment of segments.sort((a, b) => a - b)) {
				const path = series.#path(segment);
				if (segment < from) {
					await rm(path, { force: true });
					continue;
				}
				const bytes = await readFile(path);
				const sections = await salvage(bytes, segment, path, options);
				if (sections === undefined) continue;
				replay(segment, sections);
				series.#earlier.set(segment, bytes.length);
			}
			return series;
		} catch (error) {
			throw translateFileError(error, "read the log of series in", folder);
		}
	}

	/** Of the segment that is appended to. */
	get bytes(): number {
		return this.#bytes;
	}

	/** Of all segments before it. */
	get earlierBytes(): number {
		return [...this.#earlier.values()].reduce((sum, bytes) => sum + bytes, 0);
	}

	/**
	 * Resolves once the rows are on stable storage. One call at a time.
	 *
	 * @throws UmbraError `unavailable`: then `segment` is another one, and the rows may come back or not after a crash.
	 */
	async append(blocks: readonly Block[]): Promise<void> {
		const path = this.#path(this.segment);
		try {
			this.#handle ??= await this.#begin();
			for (let at = 0; at < blocks.length; at += RECORD_BLOCKS) {
				const some = blocks.slice(at, at + RECORD_BLOCKS);
				const record = encodeRecord(this.#unnamed(some), some);
				for (let done = 0; done < record.length; ) {
					const { bytesWritten } = await this.#handle.write(record, done, record.length - done);
					done += bytesWritten;
				}
				this.#bytes += record.length;
			}
			await this.#handle.datasync();
		} catch (error) {
			await this.turn();
			throw translateFileError(error, "write", path);
		}
	}

	async #begin(): Promise<FileHandle> {
		const handle = await open(this.#path(this.segment), "wx", 0o600);
		try {
			await handle.write(encodeSegmentHeader(this.segment));
			await syncFolder(this.#folder);
		} catch (error) {
			await handle.close();
			throw error;
		}
		this.#bytes = SEGMENT_HEADER_BYTES;
		return handle;
	}

	/** The series of these rows that the segment does not name yet. */
	#unnamed(blocks: readonly Block[]): SeriesSection[] {
		return blocks.flatMap(({ table: { measurement }, series, rows }) => {
			let named = this.#named.get(measurement);
			if (named === undefined) {
				named = new Set();
				this.#named.set(measurement, named);
			}
			const found: [number, Tags][] = [];
			for (let row = 0; row < rows; row++) {
				const number = series[row]!;
				if (named.has(number)) continue;
				named.add(number);
				found.push([number, this.#tagsOf(measurement, number)]);
			}
			return found.length > 0 ? [{ measurement, series: found }] : [];
		});
	}

	/** Ends the segment, where anything is in it, and begins another. Not while `append` runs. */
	async turn(): Promise<void> {
		const handle = this.#handle;
		if (handle === undefined && this.#bytes === 0) {
			// It could not be created: another name may do no better, and is no worse.
			this.segment++;
			return;
		}
		this.#earlier.set(this.segment, this.#bytes);
		this.segment++;
		this.#handle = undefined;
		this.#bytes = 0;
		this.#named = new Map();
		await handle?.close().catch(() => {});
	}

	/** Their points are elsewhere: the segments up to and with `last` go. */
	async remove(last: number): Promise<void> {
		for (const segment of [...this.#earlier.keys()].filter((each) => each <= last)) {
			await rm(this.#path(segment), { force: true });
			this.#earlier.delete(segment);
		}
	}

	#path(segment: number): string {
		return join(this.#folder, `log-${String(segment).padStart(10, "0")}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#handle?.close();
		this.#handle = undefined;
	}
}

/** What can be read of a segment; undefined where nothing can, and it lies among what is damaged. */
async function salvage(
	bytes: Buffer,
	segment: number,
	path: string,
	{ damaged, log }: { readonly damaged: string; readonly log: Logger },
): Promise<readonly Section[] | undefined> {
	// Created, and then the machine went down.
	if (bytes.length < SEGMENT_HEADER_BYTES) return [];
	try {
		checkSegmentHeader(bytes, segment, path);
	} catch (error) {
		if (!isUmbraError(error, "corrupt")) throw error;
		await mkdir(damaged, { recursive: true });
		await rename(path, join(damaged, `log-${segment}`));
		log.error({ path, error: messageOf(error), damaged }, "a log segment of the series store is damaged: set aside");
		return undefined;
	}
	const { sections, damagedBytes, tornBytes } = readSegment(bytes);
	if (damagedBytes > 0)
		log.error({ path, damagedBytes }, "a log segment of the series store is damaged: some points are lost");
	else if (tornBytes > 0)
		log.info({ path, tornBytes }, "a log segment of the series store ends in a write that was cut");
	return sections;
}
