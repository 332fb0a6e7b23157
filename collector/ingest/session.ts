/** `Session`: greeting, heartbeats and telemetry in; welcome, acknowledgements and orders out. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { unpackSamples } from "../../proto/samples.ts";
import { PROTOCOL, toLong, type wire } from "../../proto/service.ts";
import type { AgentLink, AgentTable } from "./agents.ts";
import { wrong } from "./fields.ts";
import { checkHeartbeat, checkHello } from "./heartbeat.ts";

/** How long a connection may take to say who it is. */
const HELLO_TIMEOUT_MS = 10_000;
/** Answers that an agent may leave unread before it is taken for dead. */
const MAX_UNREAD = 1000;

export type SessionCall = ServerDuplexStream<wire.v1.AgentMessage.$Properties, wire.v1.CollectorMessage.$Properties>;

/** Takes samples in. */
export interface SampleIntake {
	/** Resolves once they are safe; waits while there is no room. @throws the signal's reason. */
	take(samples: readonly wire.v1.Sample.$Properties[], signal: AbortSignal): Promise<void>;
}

export interface SessionContext {
	readonly agents: AgentTable;
	readonly samples: SampleIntake;
	readonly collectorId: string;
	readonly log: Logger;
}

/**
 * Serves one session until either side ends it.
 *
 * @throws UmbraError `unsupported` for another protocol, `conflict` where another session took over,
 * `corrupt` for a malformed message, `unavailable` where no greeting came; the signal's reason.
 */
export async function serveSession(call: SessionCall, context: SessionContext, signal: AbortSignal): Promise<void> {
	const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
	let link: AgentLink | undefined;
	const over = new AbortController();
	const either = AbortSignal.any([signal, over.signal]);
	/** Samples that are being taken in, batch after batch. */
	let taking = Promise.resolve();
	const abort = () => reject(signal.reason);
	const helloTimer = setTimeout(() => {
		reject(new UmbraError("unavailable", `no Hello within ${HELLO_TIMEOUT_MS} ms`));
	}, HELLO_TIMEOUT_MS);

	const send = (message: wire.v1.CollectorMessage.$Properties) => {
		if (call.writableLength > MAX_UNREAD) {
			reject(new UmbraError("limit", `the agent left ${MAX_UNREAD} messages unread`));
			return;
		}
		call.write(message);
	};

	const receive = async (message: wire.v1.AgentMessage.$Properties) => {
		const { hello, heartbeat, telemetry, orderResult } = message;
		if (hello) {
			if (link !== undefined) throw wrong("AgentMessage.hello", "a second one", "one greeting a session");
			clearTimeout(helloTimer);
			const greeting = {
				...checkHello(hello),
				peer: call.getPeer(),
				send: (order: wire.v1.Order.$Properties) => send({ order }),
				close: reject,
			};
			link = greeting;
			await context.agents.connect(greeting);
			const { collectorId, agents } = context;
			const { heartbeatSeconds } = agents;
			send({ welcome: { collectorId, protocol: PROTOCOL, heartbeatSeconds, compressedTelemetry: true } });
			return;
		}
		if (link === undefined) throw wrong("AgentMessage", message.body ?? "nothing", "Hello as the first message");
		if (heartbeat) context.agents.heartbeat(link, checkHeartbeat(heartbeat));
		if (telemetry) {
			// Beside what follows: heartbeats must not wait for room for samples. The agent bounds what is under way.
			const before = taking;
			taking = (async () => {
				await before;
				const { samples, compressed } = telemetry;
				const unpacked = compressed && compressed.length > 0 ? unpackSamples(compressed) : [];
				await context.samples.take([...(samples ?? []), ...unpacked], either);
				send({ telemetryAck: { sequence: telemetry.sequence ?? toLong(0) } });
			})();
			taking.catch(reject);
		}
		if (orderResult) context.agents.orderResult(link, orderResult);
	};

	signal.addEventListener("abort", abort, { once: true });
	// One message at a time: what follows a greeting waits until it was taken in.
	call.on("data", (message: wire.v1.AgentMessage.$Properties) => {
		call.pause();
		receive(message).then(() => call.resume(), reject);
	});
	call.once("end", resolve);
	try {
		signal.throwIfAborted();
		await ended;
	} finally {
		clearTimeout(helloTimer);
		signal.removeEventListener("abort", abort);
		call.pause();
		over.abort();
		await taking.catch(() => undefined);
		if (link !== undefined) await context.agents.disconnect(link);
	}
}
