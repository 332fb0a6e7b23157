/** `umbra agent --config F`: loads the settings, runs the agent until it is told to stop. */
import { setFlagsFromString } from "node:v8";
import { untilStopped } from "../common/lifecycle.ts";
import { createLogger } from "../common/log.ts";
import { Agent } from "./agent.ts";
import { loadAgentConfig } from "./config.ts";

/**
 * How far the heap may grow before V8 marks all of it, V8 guesses by the pace at which objects are made. What a capture makes
 * are Buffers, outside of the heap, which count but are not guessed by: a capture of 20 MiB had the whole heap, with the
 * file trees in it, marked twice, for a third of the capture's time. As much again as is alive, it is marked in every other
 * capture.
 */
const HEAP_GROWTH = "--heap-growing-percent=100";

/** @throws UmbraError what kept the agent from starting, or what ended it. */
export async function main(configPath: string, signal: AbortSignal): Promise<void> {
	setFlagsFromString(HEAP_GROWTH);
	const config = await loadAgentConfig(configPath);
	const log = createLogger("umbra-agent", config.log);
	await using agent = await Agent.start(config, log);
	log.info({ collector: config.collector.address, sockets: config.qemu.sockets }, "agent is running");
	await untilStopped(agent.finished, signal);
	log.info("agent stops");
}
