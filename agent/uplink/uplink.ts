/**
 * `agent/uplink/` brings what the spool holds to the collector, and the collector's orders to the agent. The
 * collector may be away for days, slow, or restarted at any moment: nothing leaves the spool before it is
 * acknowledged, and whatever is cut begins again where the acknowledgements stand.
 *
 *   link       the connections of one attempt
 *   session    greeting, heartbeats, telemetry and orders, on one stream for as long as it lasts
 *   pump       a loop that empties one half of the spool: chunks, or changesets
 *
 * It may not know hypervisors, disks or files, nor what is in a changeset.
 */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { PROTOCOL, type wire } from "../../proto/service.ts";
import type { Spool } from "../spool/spool.ts";
import { Backoff } from "./backoff.ts";
import { pumpChangesets } from "./changeset-pump.ts";
import { pumpChunks } from "./chunk-pump.ts";
import { Link, type UplinkTls } from "./link.ts";
import { Session } from "./session.ts";
import { TelemetryQueue } from "./telemetry-queue.ts";

export type { UplinkTls } from "./link.ts";

/** An hour of a host with 50 VMs and readings every 10 s takes half of it. */
const MAX_TELEMETRY_BYTES = 12 * 1024 * 1024;
const DEFAULT_CONNECTIONS = 2;

export interface UplinkOptions {
	/** Of the collector, host:port. */
	readonly address: string;
	readonly agentId: string;
	/** This host's name, for people. */
	readonly host: string;
	/** Of the program. */
	readonly version: string;
	/** Travels as `authorization: Bearer ...`. */
	readonly token?: string;
	readonly tls?: UplinkTls;
	readonly spool: Spool;
	readonly heartbeat: () => wire.v1.IHeartbeat;
	/** Its answer's order id is filled in; what it throws is answered as a failure. */
	readonly onOrder: (order: wire.v1.IOrder) => Promise<wire.v1.IOrderResult>;
	/**
	 * The collector cannot build on what the agent thinks it has of this VM: capture it anew from nothing. Resolves
	 * once nothing more will be staged upon the old base and before anything new is: then the VM's pending changesets
	 * are dropped. May be called again for the same VM.
	 */
	readonly onBaseLost: (vm: string, reason: string) => Promise<void>;
	readonly log: Logger;
	/** For chunks, beside the one for everything else. More help over long distances. */
	readonly connections?: number;
	/** What may wait of telemetry, packed. */
	readonly telemetryLimitBytes?: number;
}

type State =
	| { readonly kind: "disconnected" }
	| { readonly kind: "connecting" }
	| { readonly kind: "greeting"; readonly link: Link }
	| { readonly kind: "open"; readonly link: Link; readonly session: Session }
	| { readonly kind: "closed" };

export class Uplink implements AsyncDisposable {
	readonly #options: UplinkOptions;
	readonly #abort = new AbortController();
	readonly #telemetry: TelemetryQueue;
	/** It was said that samples are dropped: once for each time that the collector is away. */
	#saidDropped = false;
	#state: State = { kind: "disconnected" };
	/** Failures of the chunk pump since the collector last took something. */
	#pumpFailures = 0;
	/** Resolves when the uplink is disposed of; rejects where it cannot go on, which is an error in the program. */
	readonly finished: Promise<void>;

	private constructor(options: UplinkOptions) {
		this.#options = options;
		this.#telemetry = new TelemetryQueue(options.telemetryLimitBytes ?? MAX_TELEMETRY_BYTES);
		this.finished = this.#run();
		this.finished.catch(() => {});
	}

	/** Begins to connect; returns at once. */
	static start(options: UplinkOptions): Uplink {
		return new Uplink(options);
	}

	/** True while a session is open. */
	get connected(): boolean {
		return this.#state.kind === "open";
	}

	/** Samples that were dropped because the collector was away for too long. */
	get droppedSamples(): number {
		return this.#telemetry.dropped;
	}

	/** Queues samples; where there are too many the oldest are dropped and counted. */
	sendTelemetry(samples: readonly wire.v1.ISample[]): void {
		const before = this.droppedSamples;
		this.#telemetry.push(samples);
		if (this.droppedSamples > before && !this.#saidDropped) {
			this.#saidDropped = true;
			this.#options.log.warn("the collector is away for too long: the oldest telemetry is thrown away");
		}
		if (this.#state.kind === "open") this.#state.session.sendTelemetry();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#abort.abort();
		await this.finished.catch(() => {});
	}

	async #run(): Promise<void> {
		const { signal } = this.#abort;
		const { spool, log, address } = this.#options;
		const backoff = new Backoff();
		try {
			while (!signal.aborted) {
				try {
					await this.#connect(backoff);
					log.info({ address }, "the collector ended the session");
				} catch (error) {
					if (signal.aborted) break;
					if (!isUmbraError(error)) throw error;
					this.#report(error, backoff);
				}
				this.#state = { kind: "disconnected" };
				await backoff.wait(signal);
			}
		} catch (error) {
			if (!signal.aborted) {
				throw new UmbraError("internal", `the uplink failed: ${messageOf(error)}`, { cause: error });
			}
		} finally {
			this.#state = { kind: "closed" };
			spool.setDraining(false);
		}
	}

	#report(error: UmbraError, backoff: Backoff): void {
		const { spool, log, address } = this.#options;
		// A session that was cut is tried again at once, and captures that wait for room may go on waiting; a
		// collector that cannot be reached is another matter.
		if (this.#state.kind !== "open") spool.setDraining(false);
		if (isUmbraError(error, "denied", "unsupported", "bad-config")) {
			log.error({ err: error, address, hint: error.hint }, "the collector cannot be used");
			backoff.exhaust();
		} else {
			log.warn({ err: error, address }, "no connection to the collector");
		}
	}

	/** One connection from its beginning to its end. */
	async #connect(backoff: Backoff): Promise<void> {
		const { agentId, host, version, spool, log } = this.#options;
		const connections = this.#options.connections ?? DEFAULT_CONNECTIONS;
		const ending = new AbortController();
		const signal = AbortSignal.any([this.#abort.signal, ending.signal]);
		this.#state = { kind: "connecting" };
		using link = await Link.open({ ...this.#options, connections }, signal);
		this.#state = { kind: "greeting", link };
		const hello = { agentId, host, version, protocol: PROTOCOL };
		using session = await Session.greet(link, hello, { ...this.#options, telemetry: this.#telemetry }, signal);
		this.#state = { kind: "open", link, session };
		this.#saidDropped = false;
		backoff.reset();
		log.info({ address: link.address }, "connected to the collector");
		if (this.#pumpFailures < 2) spool.setDraining(true);
		const pumps = [this.#pumpChunks(link, connections, signal), this.#pumpChangesets(link, signal)];
		try {
			// A pump ends only by failing in a way that is not its connection's fault.
			await Promise.race([session.ended, ...pumps]);
		} finally {
			ending.abort();
			await Promise.allSettled(pumps);
		}
	}

	#pumpChunks(link: Link, connections: number, signal: AbortSignal): Promise<void> {
		const { spool, log } = this.#options;
		const onProgress = () => {
			this.#pumpFailures = 0;
			spool.setDraining(true);
		};
		const onFailure = () => {
			if (++this.#pumpFailures >= 2) spool.setDraining(false);
		};
		return supervise(
			(progress) => {
				const moved = () => {
					progress();
					onProgress();
				};
				return pumpChunks({ link, spool, connections, log, onProgress: moved }, signal);
			},
			{ what: "uploading chunks failed", log, onFailure, signal },
		);
	}

	#pumpChangesets(link: Link, signal: AbortSignal): Promise<void> {
		const { spool, log, onBaseLost } = this.#options;
		return supervise((onProgress) => pumpChangesets({ link, spool, onBaseLost, log, onProgress }, signal), {
			what: "submitting changesets failed",
			log,
			onFailure: () => {},
			signal,
		});
	}
}

/** Runs a pump again and again, with a growing wait between failures, until the signal is aborted. */
async function supervise(
	run: (onProgress: () => void) => Promise<void>,
	options: { what: string; log: Logger; onFailure: () => void; signal: AbortSignal },
): Promise<void> {
	const { what, log, onFailure, signal } = options;
	const backoff = new Backoff();
	for (;;) {
		try {
			await run(() => backoff.reset());
		} catch (error) {
			if (signal.aborted) return;
			if (!isUmbraError(error)) throw error;
			log.warn({ err: error }, what);
			onFailure();
		}
		try {
			await backoff.wait(signal);
		} catch {
			return;
		}
	}
}
