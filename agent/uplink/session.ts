/** One session with the collector: greeting, heartbeats, telemetry, orders. */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { unpackSamples } from "../../proto/samples.ts";
import { PROTOCOL, toLong, toNumber, type wire } from "../../proto/service.ts";
import type { Link } from "./link.ts";
import { DuplexCall } from "./stream.ts";
import type { TelemetryQueue } from "./telemetry-queue.ts";

/** A collector that takes the stream but says nothing for so long is not one. */
const GREETING_MS = 15_000;
const MIN_HEARTBEAT_SECONDS = 1;
const MAX_HEARTBEAT_SECONDS = 3600;
const DEFAULT_HEARTBEAT_SECONDS = 10;
/** Orders being carried out at once; captures take their own turns behind this. */
const MAX_ORDERS = 64;
const TELEMETRY_IN_FLIGHT = 4;

export interface SessionHandlers {
	readonly heartbeat: () => wire.v1.IHeartbeat;
	readonly onOrder: (order: wire.v1.IOrder) => Promise<wire.v1.IOrderResult>;
	readonly telemetry: TelemetryQueue;
	readonly log: Logger;
}

export class Session implements Disposable {
	readonly #call: DuplexCall<wire.v1.IAgentMessage, wire.v1.ICollectorMessage>;
	readonly #handlers: SessionHandlers;
	readonly #welcomed = Promise.withResolvers<wire.v1.IWelcome>();
	#greeted = false;
	#takesCompressed = false;
	#orders = 0;
	#sending = false;
	#beating = false;
	#timer: NodeJS.Timeout | undefined;
	/** Settles when the stream ends, with an UmbraError where it did not end in good order. */
	readonly ended: Promise<void>;

	private constructor(link: Link, handlers: SessionHandlers, signal: AbortSignal) {
		this.#handlers = handlers;
		this.#call = new DuplexCall(link.session(), {
			doing: "keep a session with",
			address: link.address,
			signal,
			onMessage: (message) => this.#take(message),
		});
		this.ended = this.#call.ended;
		this.#welcomed.promise.catch(() => {});
	}

	/**
	 * Says hello and waits for the welcome; from then on heartbeats go out by themselves.
	 *
	 * @throws UmbraError `unavailable`, `denied`, or `unsupported` where the collector speaks another protocol.
	 */
	static async greet(
		link: Link,
		hello: wire.v1.IHello,
		handlers: SessionHandlers,
		signal: AbortSignal,
	): Promise<Session> {
		const session = new Session(link, handlers, signal);
		const { promise: late, reject } = Promise.withResolvers<never>();
		const timer = setTimeout(
			() => reject(new UmbraError("unavailable", `the collector at ${link.address} did not answer the greeting`)),
			GREETING_MS,
		);
		const cut = session.ended.then(() => {
			throw new UmbraError("unavailable", `the collector at ${link.address} ended the session at the greeting`);
		});
		try {
			await session.#call.write({ hello });
			const welcome = await Promise.race([session.#welcomed.promise, cut, late]);
			if (welcome.protocol !== PROTOCOL) {
				throw new UmbraError(
					"unsupported",
					`the collector speaks protocol ${welcome.protocol}, this agent ${PROTOCOL}`,
					{
						context: { structure: "Welcome", field: "protocol", found: welcome.protocol, wanted: PROTOCOL },
						hint: "run the same release of agent and collector",
					},
				);
			}
			session.#begin(welcome);
			return session;
		} catch (error) {
			session[Symbol.dispose]();
			throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	#begin(welcome: wire.v1.IWelcome): void {
		this.#handlers.telemetry.restart();
		this.#takesCompressed = welcome.compressedTelemetry === true;
		const wanted = welcome.heartbeatSeconds || DEFAULT_HEARTBEAT_SECONDS;
		const seconds = Math.min(MAX_HEARTBEAT_SECONDS, Math.max(MIN_HEARTBEAT_SECONDS, wanted));
		this.#timer = setInterval(() => void this.#heartbeat(), seconds * 1000);
		void this.#heartbeat();
		this.sendTelemetry();
	}

	async #heartbeat(): Promise<void> {
		if (this.#beating) return; // The last one still waits for room: another would only wait behind it.
		this.#beating = true;
		try {
			await this.#call.write({ heartbeat: this.#handlers.heartbeat() });
		} catch (error) {
			this.#handlers.log.error({ err: error }, "could not compose a heartbeat");
		} finally {
			this.#beating = false;
		}
	}

	#take(message: wire.v1.ICollectorMessage): void {
		if (message.welcome) {
			if (this.#greeted) return;
			this.#greeted = true;
			this.#welcomed.resolve(message.welcome);
		} else if (message.order) {
			void this.#carryOut(message.order);
		} else if (message.telemetryAck) {
			this.#handlers.telemetry.acknowledge(toNumber(message.telemetryAck.sequence));
			this.sendTelemetry();
		}
	}

	async #carryOut(order: wire.v1.IOrder): Promise<void> {
		const { log, onOrder } = this.#handlers;
		const orderId = order.orderId ?? "";
		let result: wire.v1.IOrderResult;
		if (this.#orders >= MAX_ORDERS) {
			result = { ok: false, errorCode: "limit", message: `the agent already carries out ${MAX_ORDERS} orders` };
		} else {
			this.#orders++;
			try {
				result = await onOrder(order);
			} catch (error) {
				log.warn({ err: error, order: orderId }, "an order failed");
				result = { ok: false, errorCode: isUmbraError(error) ? error.code : "internal", message: messageOf(error) };
			} finally {
				this.#orders--;
			}
		}
		// Where the session ended meanwhile the answer is lost, and the collector asks again if it still wants to know.
		await this.#call.write({ orderResult: { ...result, orderId } });
	}

	/** Sends what waits, as far as acknowledgements allow. */
	sendTelemetry(): void {
		if (this.#sending || this.#timer === undefined) return;
		this.#sending = true;
		void (async () => {
			const { telemetry } = this.#handlers;
			while (!this.#call.over && telemetry.flying < TELEMETRY_IN_FLIGHT) {
				const batch = telemetry.take();
				if (batch === undefined) break;
				const content = this.#takesCompressed ? { compressed: batch.bytes } : { samples: unpackSamples(batch.bytes) };
				await this.#call.write({ telemetry: { sequence: toLong(batch.sequence), ...content } });
			}
			this.#sending = false;
		})();
	}

	[Symbol.dispose](): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
		this.#call[Symbol.dispose]();
	}
}
