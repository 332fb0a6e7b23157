/**
 * The scrub in the background: reads pack after pack, slowly and for ever, so that rot is found while the machines
 * still have what rotted. It goes on where it stopped, also after a restart. At the end of a round the structure of
 * everything is checked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { VaultJobs } from "../retention/vault-jobs.ts";
import { Pace } from "../vault/pace.ts";
import type { Vault } from "../vault/vault.ts";
import type { ScrubSettings } from "./settings.ts";

const STATE = "vault/patrol";
/** Longest sleep: the clock may be set meanwhile, and Node's timers hold no more than 24 days. */
const MAX_SLEEP_MS = 3_600_000;
const RETRY_MS = 60_000;
/** No round begins before: everything has to do with everyone who connects. One that was begun goes on at once. */
const FIRST_MS = 10 * 60_000;

export interface PatrolStatus {
	/** When the round began, Unix nanoseconds; null before the first. */
	readonly begun: string | null;
	/** When it ended; null while it lasts. */
	readonly ended: string | null;
	/** Packs below this id were read in this round. */
	readonly nextPack: number;
	readonly readPacks: number;
	readonly readBytes: number;
	readonly damagedPacks: number;
}

const NEVER: PatrolStatus = { begun: null, ended: null, nextPack: 0, readPacks: 0, readBytes: 0, damagedPacks: 0 };

export interface PatrolOptions {
	readonly catalog: Catalog;
	readonly vault: Vault;
	readonly jobs: VaultJobs;
	readonly settings: ScrubSettings;
	/** Something in this pack is damaged. */
	readonly onDamage: (pack: number) => void;
	readonly log: Logger;
	/** After the start, before a round may begin, in milliseconds. */
	readonly firstMs?: number;
}

export class Patrol implements AsyncDisposable {
	/** Settles when its loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: PatrolOptions;
	readonly #stop = new AbortController();
	readonly #pace: Pace;
	#status: PatrolStatus;

	private constructor(options: PatrolOptions, status: PatrolStatus) {
		this.#options = options;
		this.#status = status;
		this.#pace = new Pace(options.settings.bytesPerSecond);
		this.finished = options.settings.every === 0 ? Promise.resolve() : this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	/** @throws UmbraError where the catalog cannot be read. */
	static async start(options: PatrolOptions): Promise<Patrol> {
		const text = await options.catalog.state(STATE);
		return new Patrol(options, text === undefined ? NEVER : { ...NEVER, ...(JSON.parse(text) as PatrolStatus) });
	}

	get status(): PatrolStatus {
		return this.#status;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}

	async #run(): Promise<void> {
		const { signal } = this.#stop;
		const { settings, log, firstMs = FIRST_MS } = this.#options;
		const started = performance.now();
		while (!signal.aborted) {
			try {
				const { begun, ended } = this.#status;
				if (ended !== null || begun === null) {
					const sinceBegun = Number((nowNs() - BigInt(begun ?? 0)) / 1_000_000n);
					// A clock that was set back must not stop it.
					const untilDue = begun === null || sinceBegun < 0 ? 0 : settings.every - sinceBegun;
					const wait = Math.max(untilDue, firstMs - (performance.now() - started));
					if (wait > 0) {
						await this.#sleep(Math.min(wait, MAX_SLEEP_MS));
						continue;
					}
					await this.#save({ ...NEVER, begun: nowNs().toString() });
				}
				await this.#round();
			} catch (error) {
				if (signal.aborted) return;
				if (!isUmbraError(error)) throw error;
				log.error({ err: error }, `the vault cannot be scrubbed now: ${messageOf(error)}`);
				await this.#sleep(RETRY_MS);
			}
		}
	}

	async #round(): Promise<void> {
		const { vault, onDamage, log } = this.#options;
		const { signal } = this.#stop;
		for (;;) {
			// Anew each time: packs come and go meanwhile.
			const pack = (await vault.packs.list()).find(({ id }) => id >= this.#status.nextPack);
			if (pack === undefined) break;
			await this.#pace.take(pack.bytes, signal);
			const damage = await vault.inspect(pack, signal);
			const { readPacks, readBytes, damagedPacks } = this.#status;
			if (damage.length > 0) {
				log.error({ pack: pack.id, damage: damage.slice(0, 20) }, "a pack of the vault is damaged");
				onDamage(pack.id);
			}
			await this.#save({
				...this.#status,
				nextPack: pack.id + 1,
				readPacks: readPacks + 1,
				readBytes: readBytes + pack.bytes,
				damagedPacks: damagedPacks + (damage.length > 0 ? 1 : 0),
			});
		}
		await this.#checkStructure();
		await this.#save({ ...this.#status, ended: nowNs().toString() });
		const { readPacks, readBytes, damagedPacks } = this.#status;
		log.info({ readPacks, readBytes, damagedPacks }, "the vault was scrubbed");
	}

	async #checkStructure(): Promise<void> {
		const { jobs } = this.#options;
		const { signal } = this.#stop;
		for (;;) {
			try {
				jobs.startCheck({ readShare: 0 });
				await jobs.ended();
				return;
			} catch (error) {
				// Another job runs: behind it.
				if (!isUmbraError(error, "conflict") || signal.aborted) throw error;
				await jobs.ended();
			}
		}
	}

	async #save(status: PatrolStatus): Promise<void> {
		this.#status = status;
		await this.#options.catalog.saveState(STATE, JSON.stringify(status));
	}

	async #sleep(milliseconds: number): Promise<void> {
		await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
	}
}
