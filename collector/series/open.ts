/** Opens the store that `series:` of collector.yaml asks for. */
import { join } from "node:path";
import { isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { AbsentSeriesStore } from "./absent-store.ts";
import type { SeriesStore } from "./series-store.ts";
import type { SeriesSettings } from "./settings.ts";

export interface SeriesOptions {
	/** What one store keeps in it is no other's: who goes over to another finds what was there when coming back. */
	readonly folder: string;
	readonly settings: SeriesSettings;
	readonly log: Logger;
}

/**
 * One that cannot be opened is told of, and does without: the collector has more to do than that.
 *
 * @throws UmbraError `bad-config`, which somebody is there to mend who has just set it.
 */
export async function openSeriesStore(options: SeriesOptions): Promise<SeriesStore> {
	const { settings, log } = options;
	const folder = join(options.folder, settings.store);
	try {
		return await open(folder, options);
	} catch (error) {
		if (!isUmbraError(error) || error.code === "bad-config") throw error;
		log.error({ err: error, hint: error.hint }, `time series cannot be kept until the next start: ${error.message}`);
		return new AbsentSeriesStore(settings.store, folder, error);
	}
}

async function open(folder: string, { settings, log }: SeriesOptions): Promise<SeriesStore> {
	// Either is loaded only where it is wanted: DuckDB alone takes tens of megabytes.
	if (settings.store === "influxdb") {
		const { openInfluxStore } = await import("./influx/influx-store.ts");
		return await openInfluxStore({ folder, settings, log });
	}
	const { openEmbeddedStore } = await import("./embedded/embedded.ts");
	return await openEmbeddedStore({ folder, settings, log });
}
