/**
 * Dirty bitmaps as QEMU keeps them, and what each state of them means. Pure: it decides, `fleece.ts` acts.
 *
 * Of each disk the agent remembers one token, the name of the bitmap that has recorded since the last
 * kept snapshot. While a snapshot is open there are two: the remembered one, disabled, and a newer one
 * that records. A bitmap can be lost (QEMU died, the disk got a new overlay, somebody removed it), be
 * inconsistent (a persistent one after a crash) or belong to an attempt that never finished.
 */

/** One entry of `dirty-bitmaps` in QEMU's `query-named-block-nodes`. */
export interface BitmapInfo {
	readonly name: string;
	readonly recording: boolean;
	readonly busy: boolean;
	readonly inconsistent: boolean;
	readonly granularity: number;
}

export const BITMAP_PREFIX = "umbra-";
/** The token of a disk whose last point was imported: nothing recorded what came since. */
export const NO_BITMAP = "";

export type BitmapAction =
	| { readonly do: "enable"; readonly name: string }
	| { readonly do: "merge"; readonly from: string; readonly into: string }
	| { readonly do: "remove"; readonly name: string };

export interface BitmapPlan {
	/** What to run before the next snapshot, in order; all of it can stand in one transaction. */
	readonly actions: readonly BitmapAction[];
	/** The bitmap that says what changed since the token, or why there is none. */
	readonly usable: { readonly name: string } | { readonly lost: string };
}

/** What to do with a disk's bitmaps when no snapshot of ours is open, given the token that was remembered. */
export function planBitmaps(bitmaps: readonly BitmapInfo[], token: string | undefined): BitmapPlan {
	const ours = bitmaps.filter((bitmap) => bitmap.name.startsWith(BITMAP_PREFIX));
	const remembered = ours.find((bitmap) => bitmap.name === token);
	const others = ours.filter((bitmap) => bitmap.name !== token);
	const removeOthers = others.map((bitmap): BitmapAction => ({ do: "remove", name: bitmap.name }));

	if (token === undefined) return { actions: removeOthers, usable: { lost: "no earlier capture" } };
	if (token === NO_BITMAP) return { actions: removeOthers, usable: { lost: "its last point was imported" } };
	if (remembered === undefined) {
		return {
			actions: removeOthers,
			usable: { lost: `dirty bitmap ${token} is gone (the VM was restarted or its disk replaced)` },
		};
	}
	if (remembered.inconsistent) {
		return {
			actions: [...removeOthers, { do: "remove", name: token }],
			usable: { lost: `dirty bitmap ${token} is inconsistent (QEMU did not close the disk cleanly)` },
		};
	}
	if (remembered.recording) return { actions: removeOthers, usable: { name: token } };

	// A snapshot was opened and never finished: what came since stands in the newer bitmap.
	const recording = others.filter((bitmap) => bitmap.recording && !bitmap.inconsistent);
	if (recording.length === 0) {
		return {
			actions: [...removeOthers, { do: "remove", name: token }],
			usable: { lost: `dirty bitmap ${token} stopped recording and nothing took over` },
		};
	}
	return {
		actions: [
			{ do: "enable", name: token },
			...recording.map((bitmap): BitmapAction => ({ do: "merge", from: bitmap.name, into: token })),
			...removeOthers,
		],
		usable: { name: token },
	};
}
