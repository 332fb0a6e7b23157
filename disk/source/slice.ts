/** A range of another source as a source of its own: a partition of a disk, a logical volume. */
import { checkRange } from "./range.ts";
import type { BlockSource } from "./source.ts";

/**
 * Does not own `source`: disposing the slice leaves it open, because a disk has several partitions.
 *
 * @throws UmbraError `truncated` where the range leaves `source`.
 */
export function sliceSource(source: BlockSource, offset: number, length: number, name?: string): BlockSource {
	checkRange(source.name, source.size, offset, length);
	const sliceName = name ?? `${source.name}[${offset}+${length}]`;
	return {
		size: length,
		name: sliceName,
		read: async (at, count, signal) => {
			checkRange(sliceName, length, at, count);
			return source.read(offset + at, count, signal);
		},
		...(source.readInto !== undefined && {
			readInto: async (target: Uint8Array, at: number, signal?: AbortSignal) => {
				checkRange(sliceName, length, at, target.length);
				await source.readInto!(target, offset + at, signal);
			},
		}),
		...(source.readNow !== undefined && {
			readNow: (target: Uint8Array, at: number) => {
				checkRange(sliceName, length, at, target.length);
				return source.readNow!(target, offset + at);
			},
		}),
		extents: async (at, count, signal) => {
			checkRange(sliceName, length, at, count);
			const extents = await source.extents(offset + at, count, signal);
			return extents.map((extent) => ({ ...extent, offset: extent.offset - offset }));
		},
		[Symbol.asyncDispose]: async () => {},
	};
}
