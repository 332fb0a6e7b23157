/** `umbra collector --config F`: one collector until it is told to stop. */
import { createLogger } from "../common/log.ts";
import { Collector } from "./collector.ts";
import { loadCollectorConfig } from "./config.ts";

/**
 * Runs until `signal` aborts, which is not an error.
 *
 * @throws UmbraError as `loadCollectorConfig` and `Collector.start`; what made a part of it fail for good.
 */
export async function main(configPath: string, signal: AbortSignal): Promise<void> {
	const config = await loadCollectorConfig(configPath);
	const log = createLogger("collector", config.log);
	await using collector = await Collector.start(config, log);
	const { promise: stopped, resolve } = Promise.withResolvers<void>();
	if (signal.aborted) resolve();
	signal.addEventListener("abort", () => resolve(), { once: true });
	await Promise.race([stopped, collector.finished]);
	log.info("collector stopping");
}
