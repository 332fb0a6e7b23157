/**
 * What is left of a collector when nothing is done with what comes: a grpc-js server that decodes each batch and
 * acknowledges it.
 *
 * usage: node ingest-bare-server-child.ts     prints "port N"
 */
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { collectorService, MAX_MESSAGE_BYTES, type wire } from "../../proto/service.ts";

const server = new Server({ "grpc.max_receive_message_length": MAX_MESSAGE_BYTES });
server.addService(
	{ upload: collectorService.upload },
	{
		upload: (call: ServerDuplexStream<wire.v1.IChunkBatch, wire.v1.IChunkBatchAck>) => {
			call.on("data", ({ batch }: wire.v1.IChunkBatch) => call.write({ batch: batch ?? null }));
			call.on("end", () => call.end());
		},
	},
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
	if (error !== null) throw error;
	console.log(`port ${port}`);
});
