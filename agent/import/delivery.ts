/**
 * Brings what a spool holds to the collector for as long as an import lasts: the pumps of the uplink, without a session.
 * Where the connection is cut it tries again for a while, and then gives up: an import can be repeated, and goes on.
 */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Spool } from "../spool/spool.ts";
import { Backoff } from "../uplink/backoff.ts";
import { pumpChangesets } from "../uplink/changeset-pump.ts";
import { pumpChunks } from "../uplink/chunk-pump.ts";
import type { Link } from "../uplink/link.ts";

/** Without the collector taking anything. */
const GIVE_UP_MS = 120_000;

/** What the collector does not take. */
export interface Turned {
	readonly reason: string;
	/** True: whatever it builds upon. */
	readonly isRefused: boolean;
}

export interface DeliveryOptions {
	readonly link: Link;
	readonly connections: number;
	readonly spool: Spool;
	readonly log: Logger;
}

export class Delivery implements AsyncDisposable {
	readonly #options: DeliveryOptions;
	readonly #stop = new AbortController();
	readonly #failed = new AbortController();
	readonly #run: Promise<void>;
	#turned: Turned | undefined;

	private constructor(options: DeliveryOptions) {
		this.#options = options;
		options.spool.setDraining(true);
		this.#run = this.#deliver();
	}

	static start(options: DeliveryOptions): Delivery {
		return new Delivery(options);
	}

	/** Aborted, with the reason, when nothing more will be brought. */
	get failed(): AbortSignal {
		return this.#failed.signal;
	}

	/**
	 * Resolves when the collector has the changeset, or with why it does not take it: then it is no longer spooled.
	 *
	 * @throws the reason why nothing more will be brought; the signal's.
	 */
	async delivered(id: string, signal: AbortSignal): Promise<Turned | undefined> {
		const { spool } = this.#options;
		const either = AbortSignal.any([signal, this.#failed.signal]);
		for (;;) {
			either.throwIfAborted();
			const changeset = spool.changesets().find((candidate) => candidate.id === id);
			const turned = this.#turned;
			if (turned !== undefined) {
				if (changeset !== undefined) await spool.dropVm(changeset.vm);
				this.#turned = undefined;
				return turned;
			}
			if (changeset === undefined) return undefined;
			await spool.changed.wait(either);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.#run;
	}

	async #deliver(): Promise<void> {
		const { spool } = this.#options;
		const { signal } = this.#stop;
		const backoff = new Backoff();
		let last = performance.now();
		const onProgress = () => {
			last = performance.now();
			backoff.reset();
		};
		while (!signal.aborted) {
			try {
				await this.#pump(onProgress);
			} catch (error) {
				if (signal.aborted) return;
				const isOver = !isUmbraError(error, "unavailable", "limit", "corrupt");
				if (isOver || performance.now() - last > GIVE_UP_MS) {
					spool.setDraining(false);
					this.#failed.abort(isUmbraError(error) ? again(error) : error);
					return;
				}
				this.#options.log.warn(`the connection to the collector was cut, trying again: ${messageOf(error)}`);
			}
			await backoff.wait(signal).catch(() => undefined);
		}
	}

	/** Until one of the pumps fails. */
	async #pump(onProgress: () => void): Promise<void> {
		const { link, connections, spool, log } = this.#options;
		const ending = new AbortController();
		const signal = AbortSignal.any([this.#stop.signal, ending.signal]);
		const onBaseLost = async (_vm: string, reason: string, isRefused: boolean) => {
			this.#turned = { reason, isRefused };
		};
		const pumps = [
			pumpChunks({ link, spool, connections, log, onProgress }, signal),
			pumpChangesets({ link, spool, onBaseLost, log, onProgress }, signal),
		];
		try {
			await Promise.race(pumps);
		} finally {
			ending.abort();
			await Promise.allSettled(pumps);
		}
	}
}

function again(error: UmbraError): UmbraError {
	if (error.code === "denied") return error;
	return new UmbraError(error.code, error.message, {
		cause: error,
		context: error.context,
		hint: error.hint ?? "what was imported stays: the same command goes on where this one ended",
	});
}
