/**
 * Checks whole packs on threads of its own, which read them by themselves, so that the thread that serves everybody else goes
 * on doing so.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { checkPack, type PackCheck } from "./check.ts";
import { chunkForm, type VaultKeys } from "./chunk-form.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";

/** One core is left to whoever does not look for damage; more threads than four wait for the disk. */
export const CHECK_THREADS = Math.max(1, Math.min(4, availableParallelism() - 1));

export interface CheckRequest {
	readonly pack: PackInfo;
	readonly fd: number;
}

/** Undefined where the pack could not be read. */
export type CheckReply = PackCheck | undefined;

export class PackChecker implements AsyncDisposable {
	readonly #packs: PackStore;
	readonly #keys: VaultKeys | undefined;
	readonly #all: Worker[] = [];
	/** Threads without work. */
	readonly #free: Worker[] = [];
	/** Told what the thread has found. */
	readonly #waiting = new Map<Worker, (reply: CheckReply) => void>();
	#isBroken = false;

	constructor(packs: PackStore, keys: VaultKeys | undefined) {
		this.#packs = packs;
		this.#keys = keys;
	}

	/**
	 * Reads and checks all of a pack. So many calls at a time as there are threads are done by them.
	 *
	 * @throws UmbraError as `PackStore.read`; the signal's reason.
	 */
	async check(pack: PackInfo, signal?: AbortSignal): Promise<PackCheck> {
		signal?.throwIfAborted();
		const found = await this.#onThread(pack);
		signal?.throwIfAborted();
		// Where it could not be read there, it is told here why.
		return found ?? checkPack(pack, await this.#packs.read(pack.id, 0, pack.bytes, signal), chunkForm(this.#keys));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#break();
		await Promise.all(this.#all.map((worker) => worker.terminate()));
	}

	async #onThread(pack: PackInfo): Promise<CheckReply> {
		const lent = await this.#packs.lend?.(pack.id).catch(() => undefined);
		using _file = lent;
		if (lent === undefined || this.#isBroken) return undefined;
		const worker = this.#free.pop() ?? (this.#all.length < CHECK_THREADS ? this.#start() : undefined);
		if (worker === undefined) return undefined;
		const { promise, resolve } = Promise.withResolvers<CheckReply>();
		this.#waiting.set(worker, resolve);
		worker.postMessage({ pack, fd: lent.fd } satisfies CheckRequest);
		return await promise;
	}

	#start(): Worker {
		const worker = new Worker(new URL("./pack-checker-worker.ts", import.meta.url), {
			execArgv: [],
			workerData: this.#keys,
		});
		worker.on("message", (reply: CheckReply) => {
			const resolve = this.#waiting.get(worker);
			this.#waiting.delete(worker);
			this.#free.push(worker);
			resolve?.(reply);
		});
		worker.on("error", () => this.#break());
		worker.on("exit", () => this.#break());
		this.#all.push(worker);
		return worker;
	}

	/** Where a thread has died, all is done without threads from then on. */
	#break(): void {
		this.#isBroken = true;
		for (const resolve of this.#waiting.values()) resolve(undefined);
		this.#waiting.clear();
	}
}
