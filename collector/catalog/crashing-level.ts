/**
 * For tests: a real LevelDB on a machine that loses its power. What was not synced is then lost from some byte of its log
 * on, as after a power cut; from a kill on nothing is written any more; `restart` gives the folder to the next process.
 */
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import type { Random } from "../../test/support/random.ts";
import type { Level, MakeLevel } from "./store.ts";

/** What becomes of a batch: it is written, fails before it is, or fails although it was. */
export type BatchFate = "written" | "lost" | "unknown";

export interface LevelMachine {
	/** Called before each batch; may kill the process. */
	before: (isSynced: boolean) => BatchFate;
	/** What the disk says of a batch that fails. */
	failure: "full" | "broken";
	readonly make: MakeLevel;
	/** The process is killed: what it still writes has no effect. */
	kill(): void;
	/** After the catalog was closed. With `random`, as after a power cut. */
	restart(random?: Random): void;
}

export class CrashingLevel implements LevelMachine {
	readonly #folder: string;
	before: (isSynced: boolean) => BatchFate = () => "written";
	failure: "full" | "broken" = "broken";
	#isGone = false;
	/** By log file: how much of it survives a power cut. */
	readonly #synced = new Map<string, number>();
	/** One batch after another, so that it is known what a sync covered. */
	#last: Promise<void> = Promise.resolve();

	constructor(folder: string) {
		this.#folder = folder;
	}

	readonly make: MakeLevel = (folder) => {
		const level = new ClassicLevel<string, string>(folder, { keyEncoding: "utf8", valueEncoding: "utf8" });
		const write: Level["batch"] = level.batch.bind(level);
		const batch: Level["batch"] = (operations, options) => {
			const work = this.#last.then(() => this.#batch(() => write(operations, options), options.sync));
			this.#last = work.catch(() => undefined);
			return work;
		};
		return Object.assign(level, { batch });
	};

	kill(): void {
		this.#isGone = true;
	}

	restart(random?: Random): void {
		this.#isGone = false;
		if (random === undefined) return;
		const log = this.#log();
		if (log === undefined) return;
		const { size } = statSync(join(this.#folder, log));
		const synced = Math.min(size, this.#synced.get(log) ?? 0);
		truncateSync(join(this.#folder, log), synced + random.below(size - synced + 1));
	}

	async #batch(write: () => Promise<void>, isSynced: boolean): Promise<void> {
		this.#alive();
		const fate = this.before(isSynced);
		if (fate !== "lost") await write();
		this.#alive();
		if (fate !== "written") throw this.#error();
		const log = isSynced ? this.#log() : undefined;
		if (log !== undefined) this.#synced.set(log, statSync(join(this.#folder, log)).size);
	}

	#log(): string | undefined {
		const logs = readdirSync(this.#folder).filter((name) => name.endsWith(".log"));
		return logs.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1);
	}

	#alive(): void {
		if (this.#isGone) throw this.#error();
	}

	/** As LevelDB tells it. */
	#error(): Error {
		const text = this.failure === "full" ? "No space left on device" : "Input/output error";
		return Object.assign(new Error(`IO error: ${this.#folder}/000003.log: ${text}`), { code: "LEVEL_IO_ERROR" });
	}
}
