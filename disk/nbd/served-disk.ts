/**
 * `disk/nbd/` serves disks over NBD, read-only: the protocol and nothing else. Whoever has disks (the collector's
 * vault, an agent's trials) gives them as a `ServedDisk`, opens the sockets, and decides who may connect.
 *
 *     connection       one client                    replies       what goes over the wire
 *     negotiate, options   the handshake             byte-reader   what a client sends
 */

/** The most that is read at once: what the vault reads together. */
export const PIECE_BYTES: number = 2 ** 19;

/** Bytes of the disk behind one another; `parts` is null where they are zeroes. */
export interface Span {
	readonly offset: number;
	readonly length: number;
	readonly parts: readonly Uint8Array[] | null;
}

/** What was read; its bytes are not to be used once it was disposed of. */
export interface DiskRead extends Disposable {
	readonly spans: readonly Span[];
}

export interface Allocation {
	/** Bytes. */
	readonly length: number;
	readonly zero: boolean;
}

export interface ServedDisk {
	/** What clients call it. */
	readonly disk: string;
	readonly sizeBytes: number;
	/**
	 * At most `PIECE_BYTES` from `offset` on, of at most as many blocks as these are. The range lies on the disk; the
	 * bytes are not to be changed.
	 *
	 * @throws UmbraError with the `offset` of the first byte that cannot be read in its context; the signal's reason.
	 */
	read(offset: number, length: number, signal: AbortSignal): Promise<DiskRead>;
	/** Brings the range to where it is read fast from. @throws as `read`. */
	prefetch(offset: number, length: number, signal: AbortSignal): Promise<void>;
	/** What holds data from `offset` on: at most `limit` runs, which may end before `length` does, never behind it. */
	allocation(offset: number, length: number, limit: number, signal: AbortSignal): Promise<Allocation[]>;
}
