/** Opens the store that `series:` of collector.yaml asks for. */
import { join } from "node:path";
import type { Logger } from "../../common/log.ts";
import type { SeriesStore } from "./series-store.ts";
import type { SeriesSettings } from "./settings.ts";

/**
 * What one store keeps in `folder` is no other's: who goes over to another finds what was there when coming back.
 *
 * @throws UmbraError what the store's own opening throws.
 */
export async function openSeriesStore(options: {
	readonly folder: string;
	readonly settings: SeriesSettings;
	readonly log: Logger;
}): Promise<SeriesStore> {
	const { settings, log } = options;
	const folder = join(options.folder, settings.store);
	// Either is loaded only where it is wanted: DuckDB alone takes tens of megabytes.
	if (settings.store === "influxdb") {
		const { openInfluxStore } = await import("./influx/influx-store.ts");
		return await openInfluxStore({ folder, settings, log });
	}
	const { openEmbeddedStore } = await import("./embedded/embedded.ts");
	return await openEmbeddedStore({ folder, settings, log });
}
