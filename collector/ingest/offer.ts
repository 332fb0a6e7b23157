/** `Offer`: which of these chunks does the collector lack? */
import { NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { MAX_OFFER_NAMES, type wire } from "../../proto/service.ts";
import type { ChunkStore } from "../vault/chunk-store.ts";

/** @throws UmbraError `corrupt` for an offer that is not whole names, or too many. */
export function answerOffer(store: ChunkStore, offer: wire.v1.ChunkOffer.$Properties): wire.v1.ChunkNeed.$Properties {
	const names = offer.names ?? new Uint8Array();
	if (names.length % NAME_SIZE !== 0 || names.length > MAX_OFFER_NAMES * NAME_SIZE) {
		throw new UmbraError(
			"corrupt",
			`ChunkOffer.names: ${names.length} bytes; wanted at most ${MAX_OFFER_NAMES} names of ${NAME_SIZE} bytes`,
			{ context: { structure: "ChunkOffer", field: "names", found: names.length } },
		);
	}
	const count = names.length / NAME_SIZE;
	const missing = new Uint8Array(Math.ceil(count / 8));
	for (let at = 0; at < count; at++) {
		const name = names.subarray(at * NAME_SIZE, (at + 1) * NAME_SIZE);
		if (!store.has(name)) missing[at >> 3] = (missing[at >> 3] ?? 0) | (1 << (at & 7));
	}
	return { missing };
}
