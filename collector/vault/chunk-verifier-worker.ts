/** The thread of `chunk-verifier.ts`. */
import { parentPort } from "node:worker_threads";
import { isUmbraError } from "../../common/errors.ts";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import type { StoredChunk } from "./chunk-store.ts";
import type { Verdict, VerifyReply, VerifyRequest } from "./chunk-verifier.ts";
import { unpackChunks } from "./packed-chunks.ts";

parentPort?.on("message", ({ id, count, packed }: VerifyRequest) => {
	const verdicts = unpackChunks(packed, count).map(verify);
	parentPort?.postMessage({ id, packed, verdicts } satisfies VerifyReply, [packed.buffer]);
});

function verify({ name, encoding, data }: StoredChunk): Verdict {
	let plain: Uint8Array;
	try {
		plain = decodeChunk(name, encoding, data);
	} catch (error) {
		if (!isUmbraError(error, "corrupt")) throw error;
		return { message: error.message, context: error.context };
	}
	if (encoding === "zstd" && data.length < plain.length) return plain.length;
	const encoded = encodeChunk(plain);
	if (encoded.data === data) return plain.length;
	// A copy: raw data may still be a view of what goes back.
	return { plainLength: plain.length, encoding: encoded.encoding, data: new Uint8Array(encoded.data) };
}
