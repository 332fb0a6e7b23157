/**
 * Reads many chunks at once, on a thread of its own, for those who read long ranges of disks: what was captured
 * together lies together, so that neighbours on a disk mostly come with one read. Nothing of it enters the vault's cache.
 *
 * Whatever does not go this way, for want of a free slot or because a chunk is damaged or on the move, goes by
 * `Vault.get`, which also knows what to say of it.
 */
import { Worker } from "node:worker_threads";
import { BulkSlot, SLOT_CHUNKS } from "./bulk-slot.ts";
import { RECORD_HEADER_SIZE } from "./pack-format.ts";
import type { LentPack } from "./pack-store.ts";
import type { Vault } from "./vault.ts";

/** Of 1 MiB each. A reader that is slow to give back what it got takes them from others, who then go the long way. */
const MAX_SLOTS = 32;

export { SLOT_CHUNKS as MAX_BULK_CHUNKS } from "./bulk-slot.ts";

/** What the thread is told: so many chunks are asked for in this slot, whose memory comes with its first order. */
export interface BulkOrder {
	readonly slot: number;
	readonly count: number;
	readonly memory: SharedArrayBuffer | undefined;
}

/** Plain bytes, in the order asked for; not to be changed, and not to be used once it was disposed of. */
export interface ChunkBatch extends Disposable {
	readonly chunks: readonly Uint8Array[];
}

export class BulkReader implements AsyncDisposable {
	readonly #vault: Vault;
	readonly #slots: BulkSlot[] = [];
	readonly #free: number[] = [];
	/** Slots whose memory the thread has. */
	readonly #known = new Set<number>();
	/** By slot: told whether the thread has done its part. */
	readonly #waiting = new Map<number, (done: boolean) => void>();
	/** Started by the first reader: a collector at rest needs none. */
	#worker: Worker | undefined;
	#isBroken = false;

	constructor(vault: Vault) {
		this.#vault = vault;
	}

	/**
	 * @param names at most `MAX_BULK_CHUNKS`, none of them the zero name.
	 * @throws UmbraError as `Vault.get`, of the first that fails. The signal's reason.
	 */
	async read(names: readonly Uint8Array[], signal: AbortSignal): Promise<ChunkBatch> {
		signal.throwIfAborted();
		const index = names.length > SLOT_CHUNKS || this.#isBroken ? undefined : this.#takeSlot();
		const giveBack = () => {
			if (index !== undefined) this.#free.push(index);
		};
		try {
			const found = index === undefined ? [] : await this.#readSlot(index, names);
			signal.throwIfAborted();
			const chunks: Uint8Array[] = [];
			for (const [at, name] of names.entries()) chunks.push(found[at] ?? (await this.#vault.get(name, signal)));
			return { chunks, [Symbol.dispose]: giveBack };
		} catch (error) {
			giveBack();
			throw error;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#break();
		await this.#worker?.terminate();
	}

	#takeSlot(): number | undefined {
		const free = this.#free.pop();
		if (free !== undefined || this.#slots.length === MAX_SLOTS) return free;
		return this.#slots.push(new BulkSlot()) - 1;
	}

	/** What the thread could read of it. */
	async #readSlot(index: number, names: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
		const slot = this.#slots[index]!;
		/** Which chunk each request of the slot is. */
		const asked: number[] = [];
		const lent = new Map<number, LentPack | undefined>();
		using _files = {
			[Symbol.dispose]: () => {
				for (const pack of lent.values()) pack?.[Symbol.dispose]();
			},
		};
		for (const [at, name] of names.entries()) {
			const place = this.#vault.placeOf(name);
			if (place === undefined) continue;
			if (!lent.has(place.pack)) lent.set(place.pack, await this.#lend(place.pack));
			const fd = lent.get(place.pack)?.fd;
			if (fd === undefined) continue;
			const [offset, length] = [place.offset + RECORD_HEADER_SIZE, place.storedLength];
			slot.ask(asked.length, { name: place.name, fd, offset, length, isCompressed: place.encoding === "zstd" });
			asked.push(at);
		}
		const found: (Uint8Array | undefined)[] = [];
		if (asked.length === 0 || !(await this.#order(index, asked.length))) return found;
		for (const [request, at] of asked.entries()) found[at] = slot.plain(request);
		return found;
	}

	async #lend(pack: number): Promise<LentPack | undefined> {
		return await this.#vault.packs.lend?.(pack).catch(() => undefined);
	}

	#order(slot: number, count: number): Promise<boolean> {
		if (this.#isBroken) return Promise.resolve(false);
		return new Promise((resolve) => {
			this.#worker ??= this.#start();
			this.#worker.ref();
			this.#waiting.set(slot, resolve);
			const memory = this.#known.has(slot) ? undefined : this.#slots[slot]!.memory;
			this.#known.add(slot);
			this.#worker.postMessage({ slot, count, memory } satisfies BulkOrder);
		});
	}

	#start(): Worker {
		const worker = new Worker(new URL("./bulk-reader-worker.ts", import.meta.url), {
			execArgv: [],
			workerData: this.#vault.keys,
		});
		worker.on("message", (slot: number) => {
			const done = this.#waiting.get(slot);
			this.#waiting.delete(slot);
			// An idle thread keeps no process alive.
			if (this.#waiting.size === 0) worker.unref();
			done?.(true);
		});
		worker.on("error", () => this.#break());
		worker.on("exit", () => this.#break());
		return worker;
	}

	#break(): void {
		this.#isBroken = true;
		for (const done of this.#waiting.values()) done(false);
		this.#waiting.clear();
	}
}
