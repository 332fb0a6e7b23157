/**
 * What a guest's kernel says after its machine stood still. It finds that a processor was away for long, and names the function at which it happened to be:
 * that one says nothing, and is another each time. That the machine stood still can be seen from outside only. Pure.
 */
import type { Failure, FailureType } from "../../../common/failures/failures.ts";

/** By clocks that went on meanwhile, or were not looked at. */
const DETECTORS: ReadonlySet<FailureType> = new Set(["soft-lockup", "hard-lockup", "rcu-stall"]);
/** Shorter is what an idle guest, or a host with much to do, may come to as well. */
const STANDS_MS = 2000;
/** In which kernels notice it. */
const NOTICED_MS = 5000;
/** Of a vCPU that was not woken once in a second. */
const RAN_MS = 0.05;
const MAX_STALLS = 1000;

export class Stalls {
	readonly #ends: number[] = [];
	#since: number | undefined;
	#lastMs = 0;

	/**
	 * Once a second.
	 *
	 * @param isStopped its process is held by the host
	 * @param ranMs that its vCPUs ran since the look before; undefined where that is not known
	 */
	look(atMs: number, isStopped: boolean, ranMs: number | undefined): void {
		const stands = isStopped || (ranMs !== undefined && ranMs < RAN_MS);
		if (stands) this.#since ??= this.#lastMs;
		else if (this.#since !== undefined) {
			if (this.#lastMs - this.#since >= STANDS_MS && this.#ends.length < MAX_STALLS) this.#ends.push(atMs);
			this.#since = undefined;
		}
		this.#lastMs = atMs;
	}

	/** With the machine's standing still in place of the function, where that is what it was told for. */
	named<F extends Pick<Failure, "type" | "title" | "alternatives" | "atMs">>(failure: F): F {
		const { type, atMs } = failure;
		if (atMs === null || !DETECTORS.has(type)) return failure;
		// The look that sees the end of it comes up to a second after the kernel did.
		if (!this.#ends.some((end) => atMs > end - 2 * 1000 && atMs < end + NOTICED_MS)) return failure;
		const what = type === "rcu-stall" ? "RCU stall" : type.replace("-", " ");
		return { ...failure, title: `${what} after the machine stood still`, alternatives: [] };
	}
}
