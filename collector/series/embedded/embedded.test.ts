import { behavesAsSeriesStore } from "../suite/suite.ts";
import { DAY_NS } from "./layout.ts";
import { type EmbeddedPlace, embeddedPlace } from "./testing.ts";

behavesAsSeriesStore("EmbeddedStore", async () => await embeddedPlace());

// Whatever is flushed becomes parts at once, and as the days are over these are folded: nothing is answered from heads.
async function aDayLater(): Promise<EmbeddedPlace> {
	const place = await embeddedPlace();
	return {
		...place,
		open: async (options) => {
			const now = (): bigint => BigInt(Date.now()) * 1_000_000n + 2n * DAY_NS;
			const store = await place.open({ now, ...options });
			const flush = store.flush.bind(store);
			store.flush = async (signal) => {
				await flush(signal);
				await store.tidy();
			};
			return store;
		},
	};
}

behavesAsSeriesStore("EmbeddedStore, a day later", aDayLater, ["reading", "windows", "random"]);
