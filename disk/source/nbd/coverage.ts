/** Which bytes of a read have arrived: content chunks may come in any order but never twice. */
import { violation } from "./protocol.ts";

/** Separate pieces to remember. Servers send in order, which is one piece; this bounds what a hostile one can cost. */
const MAX_PIECES = 1024;

export class Coverage {
	/** Disjoint, ascending, never touching: start, end, start, end ... */
	readonly #bounds: number[] = [];

	/** @throws UmbraError `unavailable` where [start, end) overlaps what was added before. */
	add(start: number, end: number): void {
		const bounds = this.#bounds;
		let at = bounds.length;
		while (at > 0 && bounds[at - 2]! >= end) at -= 2;
		// Now the piece before `at` is the last that begins below `end`.
		const previousEnd = at > 0 ? bounds[at - 1]! : -1;
		if (previousEnd > start) throw violation("content chunk", "offset", start, "bytes not sent before");
		const joinsPrevious = previousEnd === start;
		const joinsNext = at < bounds.length && bounds[at] === end;
		if (joinsPrevious && joinsNext) bounds.splice(at - 1, 2);
		else if (joinsPrevious) bounds[at - 1] = end;
		else if (joinsNext) bounds[at] = start;
		else bounds.splice(at, 0, start, end);
		if (bounds.length > 2 * MAX_PIECES) {
			throw violation("content chunk", "pieces", bounds.length / 2, `at most ${MAX_PIECES} out of order`);
		}
	}

	/** True where [start, end) has arrived whole. */
	covers(start: number, end: number): boolean {
		return this.#bounds.length === 2 && this.#bounds[0] === start && this.#bounds[1] === end;
	}
}
