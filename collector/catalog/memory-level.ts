/**
 * For tests: a LevelDB in memory, on a machine that loses its power: of the batches that were not synced the last ones may
 * then be lost. Whatever is done with it is done in the same order in every run.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Random } from "../../test/support/random.ts";
import type { BatchFate, LevelMachine } from "./crashing-level.ts";
import type { Level, LevelOperation, LevelRange, MakeLevel } from "./store.ts";

export class MemoryLevels implements LevelMachine {
	before: (isSynced: boolean) => BatchFate = () => "written";
	failure: "full" | "broken" = "broken";
	/** Waited for before every call, so that others get their turn in between. */
	pause: () => Promise<void> = turn;
	/** What is on stable storage, and the batches that are not. */
	#synced = new Map<string, string>();
	#unsynced: (readonly LevelOperation[])[] = [];
	#isGone = false;

	readonly make: MakeLevel = () => {
		const level = new MemoryLevel();
		const batch = async (operations: LevelOperation[], { sync }: { readonly sync: boolean }) => {
			await this.pause();
			this.#alive();
			if (level.hasFailed) throw this.#error();
			const fate = this.before(sync);
			if (fate !== "lost") this.#write(operations, sync);
			this.#alive();
			if (fate === "written") return level.apply(operations);
			// Nobody sees it, and nothing else is written, until it is opened anew.
			level.hasFailed = true;
			throw this.#error();
		};
		const open = async () => {
			await this.pause();
			this.#alive();
			this.#write([], true);
			level.begin(this.#synced);
		};
		return Object.assign(level, { open, batch });
	};

	kill(): void {
		this.#isGone = true;
	}

	restart(random?: Random): void {
		this.#isGone = false;
		const kept = random === undefined ? this.#unsynced.length : random.below(this.#unsynced.length + 1);
		this.#unsynced.length = kept;
	}

	#write(operations: readonly LevelOperation[], isSynced: boolean): void {
		this.#unsynced.push(operations);
		if (!isSynced) return;
		for (const one of this.#unsynced.flat()) {
			if (one.type === "put") this.#synced.set(one.key, one.value);
			else this.#synced.delete(one.key);
		}
		this.#unsynced = [];
	}

	#alive(): void {
		if (this.#isGone) throw this.#error();
	}

	/** As LevelDB tells it. */
	#error(): Error {
		const text = this.failure === "full" ? "No space left on device" : "Input/output error";
		return Object.assign(new Error(`IO error: 000003.log: ${text}`), { code: "LEVEL_IO_ERROR" });
	}
}

class MemoryLevel implements Omit<Level, "open" | "batch"> {
	readonly #values = new Map<string, string>();
	/** Sorted. */
	#keys: string[] = [];
	hasFailed = false;

	begin(values: ReadonlyMap<string, string>): void {
		for (const [key, value] of values) this.#values.set(key, value);
		this.#keys = [...values.keys()].sort();
	}

	apply(operations: readonly LevelOperation[]): void {
		for (const operation of operations) {
			const { key } = operation;
			const isThere = this.#values.has(key);
			if (operation.type === "put") {
				this.#values.set(key, operation.value);
				if (!isThere) this.#keys.splice(this.#indexOf(key), 0, key);
			} else if (isThere) {
				this.#values.delete(key);
				this.#keys.splice(this.#indexOf(key), 1);
			}
		}
	}

	async get(key: string): Promise<string | undefined> {
		await turn();
		return this.#values.get(key);
	}

	async getMany(keys: string[]): Promise<(string | undefined)[]> {
		await turn();
		return keys.map((key) => this.#values.get(key));
	}

	async has(key: string): Promise<boolean> {
		await turn();
		return this.#values.has(key);
	}

	async hasMany(keys: string[]): Promise<boolean[]> {
		await turn();
		return keys.map((key) => this.#values.has(key));
	}

	iterator(range: LevelRange): { all(): Promise<[string, string][]> } {
		return {
			all: async () => {
				await turn();
				return this.#range(range).map((key) => [key, this.#values.get(key)!]);
			},
		};
	}

	keys(range: LevelRange): { all(): Promise<string[]> } {
		return {
			all: async () => {
				await turn();
				return this.#range(range);
			},
		};
	}

	async close(): Promise<void> {}

	#range({ gte, gt, lt, reverse, limit }: LevelRange): string[] {
		// Nothing stands between a key and itself with a zero behind it.
		const from = this.#indexOf(gt === undefined ? (gte ?? "") : `${gt}\0`);
		const to = this.#indexOf(lt);
		if (!reverse) return this.#keys.slice(from, Math.min(to, from + limit));
		return this.#keys.slice(Math.max(from, to - limit), to).reverse();
	}

	/** Where the key is, or would be. */
	#indexOf(key: string): number {
		let [low, high] = [0, this.#keys.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#keys[middle]! < key) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
