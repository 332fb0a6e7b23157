/** The thread of `chunk-verifier.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { isUmbraError } from "../../common/errors.ts";
import { encodeChunk } from "./chunk-codec.ts";
import { chunkForm, lookIntoChunk, PLAIN_FORM, type VaultKeys } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import type { Verdict, VerifyReply, VerifyRequest } from "./chunk-verifier.ts";
import { unpackChunks } from "./packed-chunks.ts";

const form = chunkForm(workerData as VaultKeys | undefined);

parentPort?.on("message", ({ id, count, packed }: VerifyRequest) => {
	const verdicts = unpackChunks(packed, count).map(verify);
	const data = verdicts.flatMap((verdict) =>
		typeof verdict === "object" && "data" in verdict ? [verdict.data.buffer as ArrayBuffer] : [],
	);
	parentPort?.postMessage({ id, packed, verdicts } satisfies VerifyReply, [packed.buffer, ...data]);
});

function verify({ name, encoding, data }: StoredChunk): Verdict {
	let plain: Uint8Array;
	try {
		plain = lookIntoChunk(PLAIN_FORM, name, encoding, data);
	} catch (error) {
		if (!isUmbraError(error, "corrupt")) throw error;
		return { message: error.message, context: error.context };
	}
	const isSmall = encoding === "zstd" && data.length < plain.length;
	const encoded = isSmall ? { encoding, data } : encodeChunk(plain);
	const stored = form.encrypt(form.storedName(name), encoded.encoding, encoded.data);
	if (stored === data) return plain.length;
	// A copy where it may be a view of more than itself, such as of what goes back.
	const own = stored.byteLength === stored.buffer.byteLength ? stored : new Uint8Array(stored);
	return { plainLength: plain.length, encoding: encoded.encoding, data: own };
}
