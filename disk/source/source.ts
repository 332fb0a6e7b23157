/**
 * What the rest of `disk/` reads from: a range of bytes that is as long as the disk. This folder is
 * the only place in `disk/` that does I/O.
 */

/** A range of a disk: `zero` says that it reads as zeroes without being read. */
export interface SourceExtent {
	readonly offset: number;
	readonly length: number;
	readonly zero: boolean;
}

export interface BlockSource extends AsyncDisposable {
	/** Bytes. */
	readonly size: number;
	/** For people, in errors: a path, an NBD export, `vm@time/disk`. */
	readonly name: string;
	/**
	 * Exactly `length` bytes from `offset`; the caller may keep and change them.
	 *
	 * @throws UmbraError `truncated` where the range leaves the disk, `unavailable` where it cannot be read.
	 */
	read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
	/**
	 * The same into memory that the caller has, for those who read all of a disk: new memory for every piece costs as
	 * much as reading it. Where a source lacks it, `read` does.
	 */
	readInto?(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>;
	/**
	 * The same at once, for those who read thousands of small pieces: to wait for each would cost more than reading it.
	 * False, and nothing is read, where it is better waited for.
	 */
	readNow?(target: Uint8Array, offset: number): boolean;
	/** Which parts of the range hold data, in order and without gaps. One extent of data where that is not known. */
	extents(offset: number, length: number, signal?: AbortSignal): Promise<SourceExtent[]>;
}
