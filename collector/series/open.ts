/** Opens the store that collector.yaml asks for. */
import type { Logger } from "../../common/log.ts";
import { MemorySeriesStore } from "./memory-store.ts";
import type { SeriesStore } from "./series-store.ts";

export async function openSeriesStore(_options: {
	readonly folder: string;
	readonly log: Logger;
}): Promise<SeriesStore> {
	return new MemorySeriesStore();
}
