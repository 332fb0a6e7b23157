/**
 * The connections of one attempt to reach the collector: one for the session, so that nothing delays a heartbeat,
 * one for offers and changesets, and some for chunks, each a socket of its own, since a grpc-js server lets about
 * 64 KiB be in flight on each. All but the first close by themselves while nothing travels.
 */
import { readFile } from "node:fs/promises";
import {
	type ChannelCredentials,
	type ChannelOptions,
	Client,
	type ClientDuplexStream,
	type ClientWritableStream,
	credentials,
	Metadata,
	type MethodDefinition,
} from "@grpc/grpc-js";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { collectorService, MAX_MESSAGE_BYTES, type wire } from "../../proto/service.ts";
import { translateRpcError } from "./rpc-error.ts";

/** Paths of PEM files; they are read again at every connection, so that renewed ones are taken up. */
export interface UplinkTls {
	/** Who may have signed the collector's certificate; the system's own roots where it is left out. */
	readonly ca?: string;
	/** The agent's own, where the collector asks for one; both or neither. */
	readonly certificate?: string;
	readonly key?: string;
	/** The name that the collector's certificate must carry, where it is not the address's. */
	readonly serverName?: string;
}

export interface LinkOptions {
	/** host:port */
	readonly address: string;
	readonly token?: string;
	readonly tls?: UplinkTls;
	/** How many for chunks. */
	readonly connections: number;
}

/** For 64 MiB at the most; a guest waits for it. */
const READ_MS = 120_000;

const CHANNEL_OPTIONS: ChannelOptions = {
	"grpc.enable_retries": 0,
	"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
	"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
	// A peer that vanished without a word is noticed after half a minute.
	"grpc.keepalive_time_ms": 20_000,
	"grpc.keepalive_timeout_ms": 10_000,
	// Each client a connection of its own, and none outlives its link.
	"grpc.use_local_subchannel_pool": 1,
	"grpc.client_idle_timeout_ms": 60_000,
};

/** Parts of a changeset lie encoded in the spool and travel as they are. */
const SUBMIT: MethodDefinition<Buffer, wire.v1.ISubmitResult> = {
	...collectorService.submit,
	requestSerialize: (bytes) => bytes,
	requestDeserialize: (bytes) => bytes,
};

/** Batches are encoded by `encodeChunkBatch`. */
const UPLOAD: MethodDefinition<Buffer, wire.v1.IChunkBatchAck> = {
	...collectorService.upload,
	requestSerialize: (bytes) => bytes,
	requestDeserialize: (bytes) => bytes,
};

export class Link implements Disposable {
	readonly address: string;
	readonly #control: Client;
	readonly #calls: Client;
	readonly #uploads: readonly Client[];
	readonly #token: string | undefined;
	/** Reads of blocks take the connections in turns. */
	#turn = 0;

	private constructor(options: LinkOptions, channel: ChannelCredentials, channelOptions: ChannelOptions) {
		this.address = options.address;
		this.#token = options.token;
		this.#control = new Client(options.address, channel, channelOptions);
		this.#calls = new Client(options.address, channel, channelOptions);
		this.#uploads = Array.from(
			{ length: options.connections },
			() => new Client(options.address, channel, channelOptions),
		);
	}

	/** Prepares the connections; each is made at its first call. @throws UmbraError `bad-config` where a TLS file cannot be used. */
	static async open(options: LinkOptions, signal: AbortSignal): Promise<Link> {
		const channelOptions: ChannelOptions = { ...CHANNEL_OPTIONS };
		const serverName = options.tls?.serverName;
		if (serverName !== undefined) channelOptions["grpc.ssl_target_name_override"] = serverName;
		return new Link(options, await channelCredentials(options.tls, signal), channelOptions);
	}

	session(): ClientDuplexStream<wire.v1.IAgentMessage, wire.v1.ICollectorMessage> {
		const { path, requestSerialize, responseDeserialize } = collectorService.session;
		return this.#control.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata(), {});
	}

	/** Takes encoded batches. @param index below the number of connections */
	upload(index: number): ClientDuplexStream<Buffer, wire.v1.IChunkBatchAck> {
		const { path, requestSerialize, responseDeserialize } = UPLOAD;
		const client = this.#uploads[index] as Client;
		return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata(), {});
	}

	/** The stream to write encoded parts to, and the answer. */
	submit(deadlineMs: number): {
		readonly stream: ClientWritableStream<Buffer>;
		readonly result: Promise<wire.v1.ISubmitResult>;
	} {
		const { promise: result, resolve, reject } = Promise.withResolvers<wire.v1.ISubmitResult>();
		const stream = this.#calls.makeClientStreamRequest(
			SUBMIT.path,
			SUBMIT.requestSerialize,
			SUBMIT.responseDeserialize,
			this.#metadata(),
			{ deadline: Date.now() + deadlineMs },
			(error, value) => {
				if (error !== null || value === undefined)
					reject(translateRpcError(error, "submit a changeset to", this.address));
				else resolve(value);
			},
		);
		result.catch(() => {});
		return { stream, result };
	}

	/** @throws UmbraError, or the signal's reason. */
	offer(names: Uint8Array, deadlineMs: number, signal: AbortSignal): Promise<wire.v1.IChunkNeed> {
		return this.#ask(collectorService.offer, { names }, "offer chunks to", deadlineMs, signal);
	}

	/** @throws UmbraError, `unsupported` where the collector is older than this; or the signal's reason. */
	points(query: wire.v1.IPointsQuery, deadlineMs: number, signal: AbortSignal): Promise<wire.v1.IPointsPage> {
		return this.#ask(collectorService.points, query, "list the points of a VM at", deadlineMs, signal);
	}

	/** @throws UmbraError, `unsupported` where the collector is older than this; or the signal's reason. */
	openPoint(ticket: wire.v1.IPointTicket, deadlineMs: number, signal: AbortSignal): Promise<wire.v1.IPointContents> {
		return this.#ask(collectorService.openPoint, ticket, "open a point at", deadlineMs, signal);
	}

	/** @throws UmbraError, `unsupported` where the collector is older than this; or the signal's reason. */
	reportTrial(report: wire.v1.ITrialReport, deadlineMs: number, signal: AbortSignal): Promise<wire.v1.ITrialReceipt> {
		return this.#ask(collectorService.reportTrial, report, "report a trial to", deadlineMs, signal);
	}

	/** @throws UmbraError, or the signal's reason. */
	async *readBlocks(query: wire.v1.IBlocksQuery, signal?: AbortSignal): AsyncGenerator<wire.v1.IBlocksPart, undefined> {
		signal?.throwIfAborted();
		const { path, requestSerialize, responseDeserialize } = collectorService.readBlocks;
		const client = this.#uploads[this.#turn++ % this.#uploads.length] ?? this.#calls;
		const deadline = Date.now() + READ_MS;
		const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, query, this.#metadata(), {
			deadline,
		});
		const cancel = () => call.cancel();
		signal?.addEventListener("abort", cancel, { once: true });
		try {
			for await (const part of call) yield part as wire.v1.IBlocksPart;
		} catch (error) {
			signal?.throwIfAborted();
			throw translateRpcError(error, "read blocks of a point at", this.address);
		} finally {
			signal?.removeEventListener("abort", cancel);
			call.cancel();
		}
	}

	#ask<Req, Res>(
		{ path, requestSerialize, responseDeserialize }: MethodDefinition<Req, Res>,
		request: Req,
		doing: string,
		deadlineMs: number,
		signal: AbortSignal,
	): Promise<Res> {
		const { promise, resolve, reject } = Promise.withResolvers<Res>();
		signal.throwIfAborted();
		const call = this.#calls.makeUnaryRequest(
			path,
			requestSerialize,
			responseDeserialize,
			request,
			this.#metadata(),
			{ deadline: Date.now() + deadlineMs },
			(error, value) => {
				signal.removeEventListener("abort", cancel);
				if (signal.aborted) reject(signal.reason);
				else if (error !== null || value === undefined) reject(translateRpcError(error, doing, this.address));
				else resolve(value);
			},
		);
		const cancel = () => call.cancel();
		signal.addEventListener("abort", cancel, { once: true });
		return promise;
	}

	#metadata(): Metadata {
		const metadata = new Metadata();
		if (this.#token !== undefined) metadata.set("authorization", `Bearer ${this.#token}`);
		return metadata;
	}

	[Symbol.dispose](): void {
		this.#control.close();
		this.#calls.close();
		for (const client of this.#uploads) client.close();
	}
}

async function channelCredentials(tls: UplinkTls | undefined, signal: AbortSignal): Promise<ChannelCredentials> {
	if (tls === undefined) return credentials.createInsecure();
	try {
		const read = (path: string | undefined) => (path === undefined ? null : readFile(path, { signal }));
		const [ca, key, certificate] = await Promise.all([read(tls.ca), read(tls.key), read(tls.certificate)]);
		return credentials.createSsl(ca, key, certificate);
	} catch (error) {
		signal.throwIfAborted();
		throw new UmbraError("bad-config", `cannot use the uplink's TLS files: ${messageOf(error)}`, { cause: error });
	}
}
