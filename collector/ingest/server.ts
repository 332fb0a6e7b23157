/**
 * `collector/ingest/` takes in what agents send, over gRPC: it checks every field, verifies every chunk,
 * and acknowledges nothing that is not on stable storage. Words: an *offer* asks which chunks are
 * lacking, an *upload* brings them, a *submit* is one changeset, a *session* is an agent's presence. An *imported*
 * changeset is of a snapshot that somebody else made earlier: its place in the VM's history is where its time says.
 * It knows the vault only as a `VaultStore`, and neither judges nor shows anything.
 *
 * This file is the server: listening, who may come in, and how calls end.
 */
import type { Http2Server, Settings } from "node:http2";
import { setDefaultHighWaterMark } from "node:stream";
import {
	logVerbosity,
	Server,
	ServerCredentials,
	ServerInterceptingCall,
	type ServerInterceptor,
	ServerListenerBuilder,
	setLogVerbosity,
	status,
} from "@grpc/grpc-js";
import { orAborted } from "../../common/abort.ts";
import { type Authorize, formatAddress, type HostPort } from "../../common/access.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import { collectorService, MAX_MESSAGE_BYTES, type wire } from "../../proto/service.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import type { AgentTable } from "./agents.ts";
import { ByteBudget } from "./byte-budget.ts";
import { KeyedMutex } from "./keyed-mutex.ts";
import { answerOffer } from "./offer.ts";
import { answerPoints } from "./points.ts";
import { answerOpenPoint, type BlocksCall, serveBlocks } from "./read-blocks.ts";
import { type SampleIntake, serveSession } from "./session.ts";
import { statusError, toStatus } from "./status.ts";
import { serveSubmit } from "./submit.ts";
import type { PointTickets } from "./tickets.ts";
import { serveUpload } from "./upload.ts";

/** Unflushed bytes of all upload streams together. */
const UPLOAD_BYTES = 256 * 1024 * 1024;
/** A changeset of which no further part comes within this time is given up, so that its VM is free for the next try. */
const PART_TIMEOUT_MS = 30_000;
/** How long calls may take to end by themselves when the server closes. */
const CLOSE_TIMEOUT_MS = 5_000;

/** PEM, known to make sense together. */
export interface TlsFiles {
	readonly cert: Buffer;
	readonly key: Buffer;
	readonly clientCa: Buffer | undefined;
}

export interface IngestOptions {
	readonly address: HostPort;
	readonly tls: TlsFiles | undefined;
	readonly authorize: Authorize;
	readonly catalog: Catalog;
	readonly store: VaultStore;
	readonly agents: AgentTable;
	/** What agents may read. */
	readonly tickets: PointTickets;
	/** An agent told how a clone fared. @throws UmbraError `denied`, `corrupt`, `limit`. */
	readonly trialReported: (report: wire.v1.TrialReport.$Properties) => Promise<void>;
	readonly samples: SampleIntake;
	/** A changeset of this VM was committed. */
	readonly committed: (vm: string) => void;
	/** By VM: no changeset of a VM is committed while somebody else holds its lock. */
	readonly locks?: KeyedMutex;
	/** Whether retention leaves a VM's imported points alone; true where it is left out. */
	readonly keepsImported?: (vm: string) => boolean;
	readonly log: Logger;
}

export class IngestServer implements AsyncDisposable {
	/** With the real port. */
	readonly address: string;
	readonly #server: Server;
	readonly #closing: AbortController;
	readonly #running: Set<Promise<unknown>>;
	readonly #budget: ByteBudget;

	private constructor(
		server: Server,
		address: string,
		closing: AbortController,
		running: Set<Promise<unknown>>,
		budget: ByteBudget,
	) {
		this.#server = server;
		this.#budget = budget;
		this.address = address;
		this.#closing = closing;
		this.#running = running;
	}

	/** @throws UmbraError `unavailable` where it cannot listen. */
	static async start(options: IngestOptions): Promise<IngestServer> {
		// grpc-js reads that many messages ahead of a handler, on every stream, and takes no option for it. A
		// batch is megabytes: with the default of 16 a few hundred agents would fill the memory.
		setDefaultHighWaterMark(true, 1);
		// What goes wrong is said by whom it concerns; grpc-js would write to standard error past the log.
		setLogVerbosity(logVerbosity.NONE);
		const closing = new AbortController();
		const running = new Set<Promise<unknown>>();
		const server = new Server({
			"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
			"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
			// Finds agents whose host vanished without a word.
			"grpc.keepalive_time_ms": 20_000,
			"grpc.keepalive_timeout_ms": 10_000,
			interceptors: [authorizing(options.authorize)],
		});
		const budget = new ByteBudget(UPLOAD_BYTES);
		addHandlers(server, options, closing.signal, running, budget);
		widenStreamWindow(server);
		const port = await bind(server, options.address, credentials(options.tls));
		widenSessionWindow(server);
		const address = formatAddress({ host: options.address.host, port });
		return new IngestServer(server, address, closing, running, budget);
	}

	/** Of chunks, as they travel, since it started. */
	get receivedBytes(): number {
		return this.#budget.total;
	}

	/** Cuts what is still arriving, waits for what is being written. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing.abort(new UmbraError("unavailable", "the collector is shutting down"));
		const closed = Promise.withResolvers<void>();
		this.#server.tryShutdown(() => closed.resolve());
		await Promise.allSettled(this.#running);
		const timer = setTimeout(() => this.#server.forceShutdown(), CLOSE_TIMEOUT_MS);
		await closed.promise;
		clearTimeout(timer);
	}
}

/** What may be under way to us on one connection before we have looked at it. HTTP/2's default is 64 KiB. */
const WINDOW_BYTES = 1024 * 1024;

/** The parts of grpc-js's server that hold Node's own: it has no option for the window (1.14). */
interface ServerInside {
	readonly commonServerOptions?: { settings?: Settings };
	readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
}

/**
 * With the default window the agent waits for us after every 64 KiB, and we for the agent: neither core is ever busy.
 * Does nothing with a grpc-js that has changed inside: uploads are slower then, not wrong.
 */
function widenStreamWindow(server: Server): void {
	const { commonServerOptions } = server as unknown as ServerInside;
	if (commonServerOptions === undefined) return;
	commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: WINDOW_BYTES };
}

function widenSessionWindow(server: Server): void {
	for (const http2Server of (server as unknown as ServerInside).http2Servers?.keys() ?? []) {
		http2Server.on("session", (session) => session.setLocalWindowSize(WINDOW_BYTES));
	}
}

function addHandlers(
	server: Server,
	options: IngestOptions,
	closing: AbortSignal,
	running: Set<Promise<unknown>>,
	budget: ByteBudget,
): void {
	const { catalog, store, agents, tickets, samples, committed, locks = new KeyedMutex(), log } = options;
	const { keepsImported = () => true, trialReported } = options;
	const submitContext = { catalog, store, agents, locks, committed, now: nowNs, log };
	const sessionContext = { agents, samples, collectorId: catalog.collectorId, log };

	const track = <T>(work: Promise<T>): Promise<T> => {
		running.add(work);
		work.catch(() => undefined).finally(() => running.delete(work));
		return work;
	};
	const failed = (method: string, call: { getPeer(): string }, error: unknown) => {
		const peer = call.getPeer();
		if (!isUmbraError(error) || error.code === "internal") {
			log.error({ method, peer, err: error }, `${method} failed: ${messageOf(error)}`);
		} else {
			log.warn({ method, peer, code: error.code }, `${method}: ${error.message}`);
		}
		return toStatus(error);
	};

	server.addService(collectorService, {
		session(call: Parameters<typeof serveSession>[0]) {
			const signal = callSignal(call, closing);
			track(serveSession(call, sessionContext, signal)).then(
				() => call.end(),
				(error: unknown) => endWith(call, () => failed("session", call, error)),
			);
		},
		offer(
			call: { readonly request: wire.v1.ChunkOffer.$Properties; getPeer(): string },
			answer: (error: Error | null, need?: wire.v1.ChunkNeed.$Properties) => void,
		) {
			try {
				answer(null, answerOffer(store, call.request));
			} catch (error) {
				answer(failed("offer", call, error));
			}
		},
		points(
			call: { readonly request: wire.v1.PointsQuery.$Properties; getPeer(): string },
			answer: (error: Error | null, page?: wire.v1.PointsPage.$Properties) => void,
		) {
			track(answerPoints(catalog, keepsImported, call.request)).then(
				(page) => answer(null, page),
				(error: unknown) => answer(failed("points", call, error)),
			);
		},
		openPoint(
			call: { readonly request: wire.v1.PointTicket.$Properties; getPeer(): string },
			answer: (error: Error | null, contents?: wire.v1.PointContents.$Properties) => void,
		) {
			try {
				answer(null, answerOpenPoint(tickets, call.request));
			} catch (error) {
				answer(failed("openPoint", call, error));
			}
		},
		reportTrial(
			call: { readonly request: wire.v1.TrialReport.$Properties; getPeer(): string },
			answer: (error: Error | null, receipt?: wire.v1.TrialReceipt.$Properties) => void,
		) {
			track(trialReported(call.request)).then(
				() => answer(null, {}),
				(error: unknown) => answer(failed("reportTrial", call, error)),
			);
		},
		readBlocks(call: BlocksCall & Cancellable & NodeJS.EventEmitter & { getPeer(): string; end(): void }) {
			const signal = callSignal(call, closing);
			track(serveBlocks(call, { store, tickets }, signal)).then(
				() => call.end(),
				(error: unknown) => endWith(call, () => failed("readBlocks", call, error)),
			);
		},
		upload(call: Parameters<typeof serveUpload>[0]) {
			const signal = callSignal(call, closing);
			track(serveUpload(call, { store, budget }, signal)).then(
				() => call.end(),
				(error: unknown) => endWith(call, () => failed("upload", call, error)),
			);
		},
		submit(
			call: AsyncIterable<wire.v1.ChangesetPart.$Properties> & Cancellable & { getPeer(): string },
			answer: (error: Error | null, result?: wire.v1.SubmitResult.$Properties) => void,
		) {
			const signal = callSignal(call, closing);
			track(serveSubmit(withTimeout(call, PART_TIMEOUT_MS, signal), submitContext, signal)).then(
				(result) => answer(null, result),
				(error: unknown) => {
					if (call.cancelled) log.info({ peer: call.getPeer() }, "submit: cut off by the agent");
					else answer(failed("submit", call, error));
				},
			);
		},
	});
}

interface Cancellable {
	readonly cancelled: boolean;
	once(event: "cancelled", listener: () => void): unknown;
}

/** Aborts when the agent goes away or the server closes. */
function callSignal(call: Cancellable, closing: AbortSignal): AbortSignal {
	const cancelled = new AbortController();
	const reason = () => new UmbraError("unavailable", "the agent ended the call");
	if (call.cancelled) cancelled.abort(reason());
	else call.once("cancelled", () => cancelled.abort(reason()));
	return AbortSignal.any([cancelled.signal, closing]);
}

/** A stream that fails says so in its status; one whose agent is gone has nobody to tell. */
function endWith(call: Cancellable & { emit(event: "error", error: Error): boolean }, error: () => Error): void {
	if (!call.cancelled) call.emit("error", error());
}

/** The same messages; throws where the next one takes longer than `milliseconds` or `signal` aborts. */
async function* withTimeout<T>(
	messages: AsyncIterable<T>,
	milliseconds: number,
	signal: AbortSignal,
): AsyncGenerator<T> {
	const iterator = messages[Symbol.asyncIterator]();
	for (;;) {
		const late = new AbortController();
		const timer = setTimeout(() => {
			const message = `no further part of the changeset came within ${milliseconds} ms`;
			late.abort(new UmbraError("unavailable", message));
		}, milliseconds);
		try {
			const next = await orAborted(iterator.next(), AbortSignal.any([signal, late.signal]));
			if (next.done === true) return;
			clearTimeout(timer);
			yield next.value;
		} finally {
			clearTimeout(timer);
		}
	}
}

/** Turns away whoever does not show the token, before any message is read. */
function authorizing(authorize: Authorize): ServerInterceptor {
	return (_method, call) =>
		new ServerInterceptingCall(call, {
			start(next) {
				next(
					new ServerListenerBuilder()
						.withOnReceiveMetadata((metadata, go) => {
							const shown = metadata.get("authorization")[0];
							if (authorize(typeof shown === "string" ? shown : undefined)) go(metadata);
							else call.sendStatus(statusError(status.UNAUTHENTICATED, REFUSAL));
						})
						.build(),
				);
			},
		});
}

const REFUSAL = "wrong or missing token (set the agent's tokenFile to a copy of the collector's)";

function credentials(tls: TlsFiles | undefined): ServerCredentials {
	if (tls === undefined) return ServerCredentials.createInsecure();
	const pair = [{ cert_chain: tls.cert, private_key: tls.key }];
	return ServerCredentials.createSsl(tls.clientCa ?? null, pair, tls.clientCa !== undefined);
}

async function bind(server: Server, address: HostPort, credentials: ServerCredentials): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	server.bindAsync(formatAddress(address), credentials, (error, port) => {
		if (error === null) resolve(port);
		else {
			const hint = "is another collector running? listen.agents sets the address";
			const message = `cannot listen for agents on ${formatAddress(address)}: ${error.message}`;
			reject(new UmbraError("unavailable", message, { cause: error, hint, context: { field: "listen.agents" } }));
		}
	});
	return await promise;
}
