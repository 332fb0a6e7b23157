/** How much of its memory a clone's guest is asked to give back. */
import { setTimeout as sleep } from "node:timers/promises";
import { UmbraError } from "../../../common/errors.ts";
import type { Clone } from "../clone.ts";

const LOOK_MS = 50;
/** Looks at a guest that gave nothing, three seconds: it has nothing more to give, or nobody in it gives. Time that this host stood still is none. */
const IDLE_LOOKS = 60;
const MIN_TOLERANCE_BYTES = 2 ** 20;
const GUEST_PAGE = 4096;

/** Of several that take memory the one that takes most counts. */
export class Balloon {
	static readonly #known = new WeakMap<Clone, Balloon>();
	readonly #clone: Clone;
	readonly #wanted = new Map<object, number>();
	/** What the guest had before anyone took of it; undefined before that. */
	#before: number | undefined;
	#target: number | undefined;

	private constructor(clone: Clone) {
		this.#clone = clone;
	}

	static of(clone: Clone): Balloon {
		const known = Balloon.#known.get(clone) ?? new Balloon(clone);
		Balloon.#known.set(clone, known);
		return known;
	}

	/** All memory of the machine, in bytes. @throws UmbraError `unavailable`. */
	async totalBytes(): Promise<number> {
		const summary = (await this.#clone.qmp.execute("query-memory-size-summary")) as Record<string, number | undefined>;
		return (summary["base-memory"] ?? 0) + (summary["plugged-memory"] ?? 0);
	}

	/**
	 * @param percent of all memory that shall be taken; undefined: nothing for `owner` any more
	 * @returns bytes that the guest shall have left.
	 * @throws UmbraError `unsupported` where the machine has no balloon, `unavailable`.
	 */
	async set(owner: object, percent: number | undefined): Promise<number> {
		const actual = await this.#actual();
		this.#before ??= actual;
		if (percent === undefined) this.#wanted.delete(owner);
		else this.#wanted.set(owner, percent);
		const most = Math.max(0, ...this.#wanted.values());
		const left = ((await this.totalBytes()) * (100 - most)) / 100;
		this.#target = Math.min(this.#before, Math.floor(left / GUEST_PAGE) * GUEST_PAGE);
		await this.#clone.qmp.execute("balloon", { value: this.#target });
		return this.#target;
	}

	/** Waits as long as the guest goes on to give or take. @throws UmbraError `unavailable` where it has not as much as it should. */
	async verify(signal: AbortSignal): Promise<void> {
		const target = this.#target;
		if (target === undefined) return;
		let [last, idle] = [Number.NaN, 0];
		for (;;) {
			const actual = await this.#actual();
			if (Math.abs(actual - target) <= Math.max(MIN_TOLERANCE_BYTES, target / 100)) return;
			idle = actual === last ? idle + 1 : 0;
			last = actual;
			if (idle > IDLE_LOOKS) {
				throw new UmbraError("unavailable", `the guest has ${actual} bytes of memory left; wanted ${target}`, {
					context: { structure: "balloon", found: actual, wanted: target },
					hint: "has the guest a driver for its balloon, and memory to give?",
				});
			}
			await sleep(LOOK_MS, undefined, { signal });
		}
	}

	async #actual(): Promise<number> {
		try {
			const { actual } = (await this.#clone.qmp.execute("query-balloon")) as { actual: number };
			return actual;
		} catch (cause) {
			if (!/No balloon device/i.test(String(cause))) throw cause;
			throw new UmbraError("unsupported", "the machine has no balloon", {
				cause,
				hint: "a virtio-balloon device in the production machine makes its memory a lever",
			});
		}
	}
}
