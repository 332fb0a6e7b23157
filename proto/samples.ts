/**
 * Samples as they wait and travel: one zstd frame of a TelemetryBatch. Names of measurements, tags and fields stand in
 * every sample; compressed they cost next to nothing.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { messageOf, UmbraError } from "../common/errors.ts";
import { MAX_MESSAGE_BYTES, v1, type wire } from "./service.ts";

/** The fastest: higher levels were seen to take twice the time and save nothing. */
const LEVEL = 1;

export function packSamples(samples: readonly wire.v1.ISample[]): Uint8Array {
	const plain = v1.TelemetryBatch.encode({ samples: [...samples] }).finish();
	return zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** @throws UmbraError `corrupt` where it is no such frame, or a larger one than a message may be. */
export function unpackSamples(compressed: Uint8Array): wire.v1.ISample[] {
	try {
		const plain = zstdDecompressSync(compressed, { maxOutputLength: MAX_MESSAGE_BYTES });
		return v1.TelemetryBatch.decode(plain).samples;
	} catch (error) {
		throw new UmbraError("corrupt", `TelemetryBatch.compressed: ${messageOf(error)}`, {
			cause: error,
			context: { structure: "TelemetryBatch", field: "compressed", found: compressed.length },
		});
	}
}
