/**
 * Turns runs that are pushed, as they arrive, into the runs that `updateTree` pulls, so that a first
 * capture of any size passes through without being held in memory.
 */
import { UmbraError } from "../../common/errors.ts";
import type { ChunkStore } from "../vault/chunk-store.ts";
import { updateTree } from "../vault/tree.ts";

export interface BlockNames {
	readonly firstBlock: number;
	readonly names: Uint8Array;
}

export interface BaseTree {
	readonly root: Uint8Array;
	readonly blocks: number;
}

export class TreeWriter {
	readonly #root: Promise<Uint8Array>;
	#slot: BlockNames | undefined;
	#failure: { readonly error: unknown } | undefined;
	#state: "open" | "ended" | "aborted" = "open";
	#changed = Promise.withResolvers<void>();

	/** `base` null: the disk was all zeroes before. */
	constructor(store: ChunkStore, base: BaseTree | null, blocks: number) {
		this.#root = updateTree(store, base, blocks, this.#runs());
		// Seen by whoever pushes or finishes next.
		this.#root.catch((error: unknown) => {
			this.#failure = { error };
			this.#notify();
		});
	}

	/**
	 * Resolves when the run before it was taken. Runs ascend.
	 *
	 * @throws UmbraError what `updateTree` failed with.
	 */
	async push(run: BlockNames): Promise<void> {
		while (this.#slot !== undefined && this.#failure === undefined) await this.#changed.promise;
		if (this.#failure !== undefined) throw this.#failure.error;
		this.#slot = run;
		this.#notify();
	}

	/**
	 * The root with all runs applied; its pages are put but not flushed.
	 *
	 * @throws UmbraError what `updateTree` failed with.
	 */
	async finish(): Promise<Uint8Array> {
		this.#state = "ended";
		this.#notify();
		return await this.#root;
	}

	/** Ends it without a root; what pages were put are garbage for the vault to find. */
	async abort(): Promise<void> {
		this.#state = "aborted";
		this.#notify();
		await this.#root.catch(() => undefined);
	}

	async *#runs(): AsyncGenerator<BlockNames> {
		for (;;) {
			if (this.#state === "aborted") throw new UmbraError("unavailable", "the changeset was cut off");
			const run = this.#slot;
			if (run !== undefined) {
				this.#slot = undefined;
				this.#notify();
				yield run;
			} else if (this.#state === "ended") {
				return;
			} else {
				await this.#changed.promise;
			}
		}
	}

	#notify(): void {
		this.#changed.resolve();
		this.#changed = Promise.withResolvers();
	}
}
