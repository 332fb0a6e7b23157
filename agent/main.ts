/** `umbra agent --config F`: loads the settings, runs the agent until it is told to stop. */
import { untilStopped } from "../common/lifecycle.ts";
import { createLogger } from "../common/log.ts";
import { Agent } from "./agent.ts";
import { loadAgentConfig } from "./config.ts";

/** @throws UmbraError what kept the agent from starting, or what ended it. */
export async function main(configPath: string, signal: AbortSignal): Promise<void> {
	const config = await loadAgentConfig(configPath);
	const log = createLogger("umbra-agent", config.log);
	await using agent = await Agent.start(config, log);
	log.info({ collector: config.collector.address, sockets: config.qemu.sockets }, "agent is running");
	await untilStopped(agent.finished, signal);
	log.info("agent stops");
}
