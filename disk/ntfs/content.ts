/** The bytes of a stream: resident, in clusters, with holes, compressed. */
import type { UmbraError } from "../../common/errors.ts";
import { appendRange } from "../parser/ranges.ts";
import type { FileRecord, Stream } from "./file.ts";
import { decodeLznt1 } from "./lznt1.ts";
import type { LoadedFile } from "./mft.ts";
import { FLAG_COMPRESSED, FLAG_ENCRYPTED } from "./record.ts";
import { contentElsewhere } from "./reparse.ts";
import { findRun } from "./runlist.ts";
import type { NtfsVolume } from "./volume.ts";

/** Callers read content in pieces; more at once is a mistake or a hostile size. */
const MAX_READ_BYTES = 1 << 30;
/** Compression units are 16 clusters of at most 4 KiB; Windows compresses nothing in larger clusters. */
const MAX_UNIT_BYTES = 1 << 20;

/** Why the content of a stream cannot be given; undefined where it can. */
export function unreadable(volume: NtfsVolume, file: FileRecord, stream: Stream): UmbraError | undefined {
	const reason =
		(stream.flags & FLAG_ENCRYPTED) !== 0
			? "encrypted by EFS"
			: stream.name === "" && !stream.resident
				? contentElsewhere(file.reparseTag)
				: undefined;
	if (reason === undefined) return undefined;
	const record = file.record;
	return volume.problems.error("unsupported", `MFT record ${record}: the content is ${reason}`, { record });
}

/**
 * Bytes [offset, offset + length) of a stream, fewer at its end.
 *
 * @throws UmbraError `unsupported`, `limit`, `corrupt` for a compression unit that cannot be decoded.
 */
export async function readStream(
	volume: NtfsVolume,
	{ file, raw }: LoadedFile,
	stream: Stream,
	offset: number,
	length: number,
	signal?: AbortSignal,
): Promise<Buffer> {
	const end = Math.min(stream.size, offset + length);
	if (!(offset >= 0 && end > offset)) return Buffer.alloc(0);
	if (end - offset > MAX_READ_BYTES) {
		throw volume.problems.error("limit", `a read of ${end - offset} bytes at once; at most ${MAX_READ_BYTES}`, {
			record: file.record,
			offset,
		});
	}
	const refusal = unreadable(volume, file, stream);
	if (refusal !== undefined) throw refusal;
	if (stream.resident) {
		const { bytes } = raw.get(stream.record)!;
		return Buffer.from(bytes.subarray(stream.valueAt + offset, stream.valueAt + end));
	}
	const filled = Math.max(offset, Math.min(end, stream.initialized));
	if ((stream.flags & FLAG_COMPRESSED) !== 0 && stream.unit > 0) {
		const content = Buffer.alloc(end - offset);
		if (filled > offset) await readCompressed(volume, file, stream, offset, filled, content, signal);
		return content;
	}
	return volume.gather(volume.pieces(stream.runs, offset, filled - offset), end - offset, signal);
}

/** Fills `content` with the bytes [offset, end) of a compressed stream. */
async function readCompressed(
	volume: NtfsVolume,
	file: FileRecord,
	stream: Stream,
	offset: number,
	end: number,
	content: Buffer,
	signal?: AbortSignal,
): Promise<void> {
	const { clusterSize } = volume.boot;
	const unitBytes = stream.unit * clusterSize;
	if (unitBytes > MAX_UNIT_BYTES) {
		throw volume.problems.error("corrupt", `MFT record ${file.record} has compression units of ${unitBytes} bytes`, {
			record: file.record,
		});
	}
	for (let start = Math.floor(offset / unitBytes) * unitBytes; start < end; start += unitBytes) {
		const clusters = leadingClusters(stream, start / clusterSize);
		if (clusters === 0) continue; // a hole
		const packed = clusters * clusterSize;
		const bytes = await volume.gather(volume.pieces(stream.runs, start, packed), packed, signal);
		let plain = bytes;
		if (clusters < stream.unit) {
			plain = Buffer.alloc(unitBytes);
			const fault = decodeLznt1(bytes, plain);
			if (fault !== undefined) {
				throw volume.problems.error(
					"corrupt",
					`MFT record ${file.record}: the compressed unit at ${start} has ${fault}`,
					{
						record: file.record,
						offset: start,
					},
				);
			}
		}
		const from = Math.max(offset, start);
		content.set(plain.subarray(from - start, Math.min(end, start + unitBytes) - start), from - offset);
	}
}

/** What of a stream may be other than zeroes, `[offset, length, ...]`; of a compressed one in whole units. */
export function writtenBytes({ boot }: NtfsVolume, { resident, runs, unit, size, initialized }: Stream): number[] {
	const end = Math.min(size, initialized);
	if (resident) return size === 0 ? [] : [0, size];
	const step = boot.clusterSize * Math.max(1, unit);
	const ranges: number[] = [];
	let done = 0;
	for (let i = 0; i < runs.length; i += 3) {
		const first = Math.floor((runs[i]! * boot.clusterSize) / step) * step;
		const behind = Math.ceil(((runs[i]! + runs[i + 2]!) * boot.clusterSize) / step) * step;
		const [from, to] = [Math.max(done, first), Math.min(end, behind)];
		if (to <= from) continue;
		appendRange(ranges, from, to - from);
		done = to;
	}
	return ranges;
}

/** How many clusters of a compression unit stand on the volume: all of them where it was left as it is. */
function leadingClusters({ runs, unit }: Stream, vcn: number): number {
	let next = vcn;
	for (let i = findRun(runs, vcn); i < runs.length && next < vcn + unit; i += 3) {
		if (runs[i]! > next) break;
		next = Math.min(vcn + unit, runs[i]! + runs[i + 2]!);
	}
	return next - vcn;
}

/** All of a stream that is read at once, up to `limit` bytes. */
export function readAll(
	volume: NtfsVolume,
	loaded: LoadedFile,
	stream: Stream,
	limit: number,
	signal?: AbortSignal,
): Promise<Buffer> {
	return readStream(volume, loaded, stream, 0, Math.min(stream.size, limit), signal);
}
