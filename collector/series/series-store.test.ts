/** The suite itself, on the plain store that it compares others with. */
import { MemorySeriesStore } from "./memory-store.ts";
import { behavesAsSeriesStore } from "./suite/suite.ts";

behavesAsSeriesStore("MemorySeriesStore", async () => {
	const rows = new Map();
	return {
		open: async ({ maxRows } = {}) => new MemorySeriesStore(rows, maxRows),
		[Symbol.asyncDispose]: async () => {},
	};
});
