/** `umbra collector --config F`: one collector until it is told to stop. */
import { setFlagsFromString } from "node:v8";
import { untilStopped } from "../common/lifecycle.ts";
import { createLogger } from "../common/log.ts";
import { Collector } from "./collector.ts";
import { loadCollectorConfig } from "./config.ts";

/**
 * Chunks pass through as Buffers, outside of V8's heap. By default V8 marks its whole heap each time 64 MiB of
 * them were made, which took more than half of the time of an upload; with this they count towards the heap's own
 * limit: a fifth of the collections, for some 80 MiB more of memory. How far that limit lies above what is alive V8 guesses by
 * the pace at which objects are made, which says nothing of Buffers: it came to three collections for the 20 MiB of one
 * capture. As much again as is alive is what it gives busy heaps too, at least.
 */
const V8_FLAGS = ["--external-memory-accounted-in-global-limit", "--heap-growing-percent=100"] as const;

/**
 * Runs until `signal` aborts, which is not an error.
 *
 * @throws UmbraError as `loadCollectorConfig` and `Collector.start`; what made a part of it fail for good.
 */
export async function main(configPath: string, signal: AbortSignal): Promise<void> {
	for (const flag of V8_FLAGS) setFlagsFromString(flag);
	const config = await loadCollectorConfig(configPath);
	const log = createLogger("umbra-collector", config.log);
	await using collector = await Collector.start(config, log);
	await untilStopped(collector.finished, signal);
	log.info("collector stops");
}
