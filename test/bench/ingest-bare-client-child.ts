/**
 * Sends the same messages as the uplink does, over as many connections and with as much in flight, and does nothing
 * else: they are encoded before the clock starts.
 *
 * usage: node ingest-bare-client-child.ts PORT KIND BYTES     prints {"bytes":...,"seconds":...}
 */
import { once } from "node:events";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import type { StoredChunk } from "../../agent/spool/spool.ts";
import { encodeChunkBatch } from "../../agent/uplink/chunk-batch.ts";
import { collectorService, MAX_BATCH_CHUNKS, MAX_MESSAGE_BYTES, type wire } from "../../proto/service.ts";
import { chunksOf, type Kind } from "./ingest-data.ts";

/** The uplink's own numbers. */
const CONNECTIONS = 2;
const BATCH_BYTES = 2 ** 20;
const BYTES_IN_FLIGHT = 16 * 2 ** 20;
/** Of disk; sent again and again. */
const PREPARED_BYTES = 64 * 2 ** 20;

interface Message {
	readonly encoded: Buffer;
	readonly bytes: number;
}

const [port = "", kind = "", size = ""] = process.argv.slice(2);
const messages = [...batches(kind as Kind)];
let left = Math.round((Number(size) / PREPARED_BYTES) * messages.length);
let bytes = 0;
let next = 0;

const start = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, () => send()));
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ bytes, seconds }));

function* batches(of: Kind): Generator<Message> {
	let batch: StoredChunk[] = [];
	let filled = 0;
	const message = (): Message => ({ encoded: encodeChunkBatch(1, batch), bytes: filled });
	for (const chunk of chunksOf(of, PREPARED_BYTES)) {
		if (batch.length === MAX_BATCH_CHUNKS || filled + chunk.data.length > BATCH_BYTES) {
			yield message();
			[batch, filled] = [[], 0];
		}
		batch.push({ position: 0, ...chunk });
		filled += chunk.data.length;
	}
	yield message();
}

/** One connection, until nothing is left to send and all is acknowledged. */
async function send(): Promise<void> {
	const { path, responseDeserialize } = collectorService.upload;
	const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
		"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
		"grpc.use_local_subchannel_pool": 1,
	});
	const call: ClientDuplexStream<Buffer, wire.v1.IChunkBatchAck> = client.makeBidiStreamRequest(
		path,
		(encoded: Buffer) => encoded,
		responseDeserialize,
	);
	const sent: number[] = [];
	let flying = 0;
	call.on("data", () => {
		flying -= sent.shift() ?? 0;
		call.emit("acknowledged");
	});
	while (left-- > 0) {
		const message = messages[next++ % messages.length] as Message;
		while (flying > 0 && flying + message.bytes > BYTES_IN_FLIGHT / CONNECTIONS) await once(call, "acknowledged");
		sent.push(message.bytes);
		flying += message.bytes;
		bytes += message.bytes;
		if (!call.write(message.encoded)) await once(call, "drain");
	}
	call.end();
	await once(call, "end");
	client.close();
}
