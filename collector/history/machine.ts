/**
 * `collector/history/` is for tests: it leads the store of a collector through random histories and says after each step
 * what must be there.
 *
 *     store      the parts of a collector that keep something
 *     machine    where they run: a disk that fills up, fails and loses its power, a process that is killed
 *     model      what ought to be kept, in memory, as simple as it can be said
 *     agent, operator    what happens to it: captures; retention, deletes, space given back, restores
 *     history    all of it at once, step by step; compare says whether what is there is what ought to be
 *     race       all of it at once without a pause, on real files, without accidents
 *     sweep      one run of it, with a disk that is full or fails at one operation, whichever it is
 *
 * The parts are the real ones; what comes over the network is done here. But for the race, files of packs are in memory, and
 * the catalog is a LevelDB, or for what takes the same course every time one in memory.
 */
import { setImmediate as turn } from "node:timers/promises";
import { isUmbraError } from "../../common/errors.ts";
import type { Random } from "../../test/support/random.ts";
import type { LevelMachine } from "../catalog/crashing-level.ts";
import type { RetentionPolicy } from "../retention/settings.ts";
import { MemoryFiles, systemError } from "../vault/memory-files.ts";
import { testKeys } from "../vault/testing.ts";
import { openStore, type Store } from "./store.ts";

export const GRACE_MS = 1000;

/** How a process ends. */
export type End = "stop" | "kill" | "power cut";
/** What goes wrong at some operation of the disk: the process is killed, a sync fails, a call fails, a batch of the catalog. */
export type Accident = "none" | "kill" | "sync" | "call" | "batch";

export interface MachineOptions {
	/** The catalog's disk; its folder is empty. */
	readonly level: LevelMachine;
	readonly folder: string;
	readonly random: Random;
	readonly isEncrypted: boolean;
	/** By VM. */
	readonly policies: ReadonlyMap<string, RetentionPolicy>;
}

export class Machine implements AsyncDisposable {
	readonly files = new MemoryFiles();
	readonly #options: MachineOptions;
	#store: Store | undefined;
	/** Milliseconds of the vault's clock. */
	now = 0;
	/** Of processes that start from now on; each has one of its own, where it is not set. */
	rewriteBelow: number | undefined;
	/** Accidents that took place, and times that a key was added. */
	accidents = 0;
	rotations = 0;
	#accident: Accident = "none";
	#accidentIn = 0;
	#isDead = false;

	constructor(options: MachineOptions) {
		const { random, level } = options;
		this.#options = options;
		this.files.pause = async () => {
			if (random.chance(0.2)) await turn();
		};
		this.files.before = (operation, path) => {
			const isMeant = this.#accident === "kill" || this.#accident === "call";
			if (!isMeant && !(this.#accident === "sync" && operation === "sync")) return;
			if (!this.#isDue()) return;
			if (this.#accident === "kill") return this.#kill();
			this.#accident = "none";
			throw systemError(random.chance(0.5) ? "EIO" : "ENOSPC", path);
		};
		level.before = () => {
			if (this.#accident !== "kill" && this.#accident !== "batch") return "written";
			if (!this.#isDue()) return "written";
			if (this.#accident === "kill") this.#kill();
			this.#accident = "none";
			level.failure = random.chance(0.5) ? "full" : "broken";
			return random.pick(["lost", "unknown"]);
		};
	}

	get store(): Store {
		return this.#store!;
	}

	/** The process was killed, and nobody started another yet. */
	get isDead(): boolean {
		return this.#isDead;
	}

	/** At the operation of that number from now on, of those at which it can happen. */
	plan(accident: Accident, operation: number): void {
		this.#accident = accident;
		this.#accidentIn = operation;
	}

	/** @throws what opening throws; nothing is open then. */
	async open(): Promise<void> {
		const { random, level, folder, isEncrypted, policies } = this.#options;
		this.#isDead = false;
		if (isEncrypted && random.chance(0.2)) this.rotations++;
		this.#store = await openStore({
			folder,
			make: level.make,
			files: this.files,
			keys: isEncrypted ? testKeys(1, this.rotations) : undefined,
			policies,
			// Without one, what protects is the leases alone.
			graceMs: random.pick([0, GRACE_MS]),
			rewriteBelow: this.rewriteBelow ?? random.pick([0.3, 0.7, 1, 1]),
			clock: () => this.now,
		});
	}

	/** Ends this process and starts the next, as often as it takes: what is planned may strike meanwhile. */
	async restart(how: End): Promise<void> {
		const { random, level } = this.#options;
		for (let next = how; ; next = random.pick(["kill", "power cut"])) {
			if (next !== "stop") this.#kill();
			await this[Symbol.asyncDispose]();
			const lossy = next === "power cut" ? random : undefined;
			this.files.restart(lossy);
			level.restart(lossy);
			const before = this.accidents;
			try {
				await this.open();
				return;
			} catch (error) {
				if (!isUmbraError(error, "unavailable", "limit") || this.accidents === before) throw error;
			}
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const store = this.#store;
		this.#store = undefined;
		await store?.[Symbol.asyncDispose]();
	}

	/** Whatever this process still does has no effect. */
	#kill(): void {
		this.#accident = "none";
		this.#isDead = true;
		this.files.kill();
		this.#options.level.kill();
	}

	#isDue(): boolean {
		if (--this.#accidentIn > 0) return false;
		this.accidents++;
		return true;
	}
}
