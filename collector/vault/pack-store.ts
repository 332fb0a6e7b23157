/**
 * Where packs lie: a local folder now, an object store next. It knows files and bytes, nothing of
 * what a pack holds. Two instances over one place at a time are the caller's mistake (see `lock.ts`).
 *
 * Every method throws UmbraError only: `not-found`, `truncated`, `limit` (no space), `unavailable`.
 */

export interface PackInfo {
	/** 1 to 2^32 - 1. */
	readonly id: number;
	readonly bytes: number;
}

export interface PackStore extends AsyncDisposable {
	/** All packs in ascending order of id. */
	list(): Promise<PackInfo[]>;
	/** A new, empty pack. Its being there is durable when this resolves. @throws UmbraError `conflict` where it exists. */
	create(id: number): Promise<PackAppender>;
	/** Goes on with a pack that was not sealed, cut to `length` bytes. */
	resume(id: number, length: number): Promise<PackAppender>;
	/** Exactly `length` bytes from `offset`, the caller's to keep. @throws UmbraError `truncated` where there are fewer. */
	read(id: number, offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
	/** A pack as a file, for a thread that reads by itself; where packs are no files, there is no such thing. */
	lend?(id: number): Promise<LentPack>;
	/** Nothing to remove is no error. */
	remove(id: number): Promise<void>;
	/** As `remove`, but what it held is kept where a person can find it; where it cannot be, there is no such thing. */
	setAside?(id: number): Promise<void>;
}

/** Readable until it is disposed of, even where the pack is removed meanwhile. */
export interface LentPack extends Disposable {
	readonly fd: number;
}

/** A pack that still grows. One call at a time, except that `sync` may run beside `append`: it then covers what was appended before. */
export interface PackAppender extends AsyncDisposable {
	/** All of `bytes` or nothing: a failure leaves the pack as long as it was. */
	append(bytes: Uint8Array): Promise<void>;
	/** Everything appended so far is on stable storage when this resolves. */
	sync(): Promise<void>;
	/** Throws away everything from `length` on. */
	cut(length: number): Promise<void>;
	/** Synced, and never written again. */
	seal(): Promise<void>;
}
