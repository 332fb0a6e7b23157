/** FILETIME: 100 ns since 1601. */

/** Seconds from 1601 to 1970. */
const EPOCH = 11_644_473_600;
const TICKS = 1e7;

/** Seconds since 1970, with a fraction; whole seconds come out whole. */
export function readFileTime(view: DataView, at: number): number {
	// 2^32 ticks are 429 s and 4,967,296 ticks: each step stays an exact integer.
	const high = view.getUint32(at + 4, true);
	const ticks = high * 4_967_296 + view.getUint32(at, true);
	const seconds = Math.floor(ticks / TICKS);
	return high * 429 + seconds - EPOCH + (ticks - seconds * TICKS) / TICKS;
}
