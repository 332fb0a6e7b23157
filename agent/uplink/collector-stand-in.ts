/**
 * For tests only: a real grpc-js server that keeps the contract with its store in memory. It stands in for the
 * collector, which agent code may not know; the real one meets the uplink where tests cross processes. Its knobs are
 * the ways in which a collector is slow, forgetful, or gone.
 */
import {
	Server,
	ServerCredentials,
	type ServerDuplexStream,
	type ServerReadableStream,
	type ServerUnaryCall,
	type sendUnaryData,
	type status,
} from "@grpc/grpc-js";
import { blake3Name, NAME_SIZE } from "../../common/block.ts";
import { unpackSamples } from "../../proto/samples.ts";
import { collectorService, MAX_MESSAGE_BYTES, PROTOCOL, toBigInt, toLong, v1, type wire } from "../../proto/service.ts";
import { until } from "../../test/support/wait.ts";

export interface SubmittedChangeset {
	readonly id: string;
	readonly vm: string;
	readonly sequence: bigint;
	/** Every chunk name of its block runs, as hexadecimal digits. */
	readonly names: readonly string[];
	readonly parts: number;
}

export class CollectorStandIn implements AsyncDisposable {
	readonly chunks = new Map<string, Uint8Array>();
	readonly changesets: SubmittedChangeset[] = [];
	readonly heartbeats: wire.v1.IHeartbeat[] = [];
	readonly hellos: wire.v1.IHello[] = [];
	readonly samples: wire.v1.ISample[] = [];
	readonly orderResults: wire.v1.IOrderResult[] = [];
	readonly tokens: string[] = [];
	/** Chunks received, those that were there already included. */
	received = 0;
	/** How many names each offer had. */
	readonly offers: number[] = [];
	/** Received and not acknowledged now, and the most that ever were. */
	unacknowledgedBytes = 0;
	mostUnacknowledgedBytes = 0;
	protocol = PROTOCOL;
	/** Awaited before each batch is acknowledged. */
	beforeAck: () => Promise<void> = async () => {};
	/** True: this chunk is said to be wrong. */
	reject: (name: string) => boolean = () => false;
	/** Instead of the usual answer to a changeset. */
	answer: (changeset: SubmittedChangeset) => wire.v1.ISubmitResult | undefined = () => undefined;
	/** The next upload batch fails with this status. */
	failUploads: status | undefined;
	ackTelemetry = true;
	takesCompressed = true;
	compressedBatches = 0;
	#server: Server | undefined;
	#port = 0;
	#sessions = new Set<ServerDuplexStream<wire.v1.IAgentMessage, wire.v1.ICollectorMessage>>();

	get address(): string {
		return `127.0.0.1:${this.#port}`;
	}

	/** Listens, on the port of the last time if there was one. */
	async listen(): Promise<void> {
		// While nobody listened at it, the port may have become the near end of somebody's connection.
		const again = () => this.#open().catch(() => undefined);
		if (this.#port === 0) this.#port = await this.#open();
		else await until(again, { what: `port ${this.#port} is free again` });
	}

	async #open(): Promise<number> {
		const server = new Server({
			"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
			"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
		});
		server.addService(collectorService, {
			session: (call: ServerDuplexStream<wire.v1.IAgentMessage, wire.v1.ICollectorMessage>) => this.#session(call),
			offer: (
				call: ServerUnaryCall<wire.v1.IChunkOffer, wire.v1.IChunkNeed>,
				reply: sendUnaryData<wire.v1.IChunkNeed>,
			) => this.#offer(call, reply),
			upload: (call: ServerDuplexStream<wire.v1.IChunkBatch, wire.v1.IChunkBatchAck>) => this.#upload(call),
			submit: (
				call: ServerReadableStream<wire.v1.IChangesetPart, wire.v1.ISubmitResult>,
				reply: sendUnaryData<wire.v1.ISubmitResult>,
			) => void this.#submit(call, reply),
		});
		this.#server = server;
		return await new Promise<number>((resolve, reject) => {
			server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
				error === null ? resolve(port) : reject(error),
			);
		});
	}

	/** Cuts every connection at once, as a crash does; the store stays. */
	crash(): void {
		this.#server?.forceShutdown();
		this.#server = undefined;
		this.#sessions.clear();
		this.unacknowledgedBytes = 0;
	}

	order(order: wire.v1.IOrder): void {
		for (const session of this.#sessions) session.write({ order });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.crash();
	}

	#session(call: ServerDuplexStream<wire.v1.IAgentMessage, wire.v1.ICollectorMessage>): void {
		this.#sessions.add(call);
		this.tokens.push(String(call.metadata.get("authorization")[0] ?? ""));
		call.on("data", (message: wire.v1.IAgentMessage) => {
			if (message.hello) {
				this.hellos.push(message.hello);
				const { protocol, takesCompressed: compressedTelemetry } = this;
				call.write({ welcome: { collectorId: "stand-in", protocol, heartbeatSeconds: 1, compressedTelemetry } });
			} else if (message.heartbeat) {
				this.heartbeats.push(message.heartbeat);
			} else if (message.orderResult) {
				this.orderResults.push(message.orderResult);
			} else if (message.telemetry && this.ackTelemetry) {
				const { samples, compressed } = message.telemetry;
				this.samples.push(...(samples ?? []));
				if (compressed && compressed.length > 0) {
					this.compressedBatches++;
					this.samples.push(...unpackSamples(compressed));
				}
				call.write({ telemetryAck: { sequence: message.telemetry.sequence ?? null } });
			}
		});
		const end = () => {
			this.#sessions.delete(call);
			call.end();
		};
		call.on("end", end);
		call.on("error", end);
	}

	#offer(call: ServerUnaryCall<wire.v1.IChunkOffer, wire.v1.IChunkNeed>, reply: sendUnaryData<wire.v1.IChunkNeed>) {
		const names = Buffer.from(call.request.names ?? new Uint8Array());
		const count = names.length / NAME_SIZE;
		this.offers.push(count);
		const missing = Buffer.alloc(Math.ceil(count / 8));
		for (let index = 0; index < count; index++) {
			const name = names.toString("hex", index * NAME_SIZE, (index + 1) * NAME_SIZE);
			if (!this.chunks.has(name)) missing[index >> 3] = (missing[index >> 3] as number) | (1 << (index & 7));
		}
		reply(null, { missing });
	}

	#upload(call: ServerDuplexStream<wire.v1.IChunkBatch, wire.v1.IChunkBatchAck>): void {
		call.on("error", () => {});
		call.on("end", () => call.end());
		call.on("data", (batch: wire.v1.IChunkBatch) => {
			void this.#take(call, batch);
		});
	}

	async #take(call: ServerDuplexStream<wire.v1.IChunkBatch, wire.v1.IChunkBatchAck>, batch: wire.v1.IChunkBatch) {
		const chunks = batch.chunks ?? [];
		const bytes = chunks.reduce((sum, chunk) => sum + (chunk.data?.length ?? 0), 0);
		this.unacknowledgedBytes += bytes;
		this.mostUnacknowledgedBytes = Math.max(this.mostUnacknowledgedBytes, this.unacknowledgedBytes);
		await this.beforeAck();
		if (call.cancelled) return;
		if (this.failUploads !== undefined) {
			call.emit("error", { code: this.failUploads, details: "no room in the vault" });
			return;
		}
		this.unacknowledgedBytes -= bytes;
		const rejected: Uint8Array[] = [];
		for (const chunk of chunks) {
			const name = Buffer.from(chunk.name ?? new Uint8Array());
			const data = chunk.data ?? new Uint8Array();
			this.received++;
			if (this.reject(name.toString("hex")) || !name.equals(blake3Name(data))) rejected.push(name);
			else this.chunks.set(name.toString("hex"), Buffer.from(data));
		}
		call.write({ batch: toLong(toBigInt(batch.batch)), rejected });
	}

	async #submit(
		call: ServerReadableStream<wire.v1.IChangesetPart, wire.v1.ISubmitResult>,
		reply: sendUnaryData<wire.v1.ISubmitResult>,
	): Promise<void> {
		const names: string[] = [];
		let header: wire.v1.IChangesetHeader = {};
		let parts = 0;
		try {
			for await (const part of call as AsyncIterable<wire.v1.IChangesetPart>) {
				parts++;
				if (part.header) header = part.header;
				const run = Buffer.from(part.blocks?.names ?? new Uint8Array());
				for (let at = 0; at < run.length; at += NAME_SIZE) names.push(run.toString("hex", at, at + NAME_SIZE));
			}
		} catch {
			return;
		}
		const changeset = {
			id: header.id ?? "",
			vm: header.vm ?? "",
			sequence: toBigInt(header.sequence),
			names,
			parts,
		};
		reply(null, { ...this.#judge(changeset), sequence: toLong(changeset.sequence) });
	}

	#judge(changeset: SubmittedChangeset): wire.v1.ISubmitResult {
		const answer = this.answer(changeset);
		if (answer !== undefined) return answer;
		if (this.changesets.some(({ id }) => id === changeset.id)) {
			return { status: v1.SubmitStatus.SUBMIT_STATUS_DUPLICATE };
		}
		const missing = changeset.names.filter((name) => !this.chunks.has(name));
		if (missing.length > 0) {
			return { status: v1.SubmitStatus.SUBMIT_STATUS_MISSING, missing: Buffer.from(missing.join(""), "hex") };
		}
		this.changesets.push(changeset);
		return { status: v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED };
	}
}
