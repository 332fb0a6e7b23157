/** Starts the agent of a site as its package does. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, startUmbra } from "../support/processes.ts";
import type { Site } from "../support/site.ts";

const UNIT = join(ROOT, "packaging", "systemd", "umbra-agent.service");

/**
 * The site's agent starts anew with the environment of its systemd unit: twice, so that the compile cache is filled, as it
 * is on every host but a new one.
 *
 * @param cache a folder for the compile cache
 * @param ready waits until the agent that was just started has done all that is to be compiled
 */
export async function startAsPackaged(site: Site, cache: string, ready: () => Promise<void>): Promise<void> {
	const unit = await readFile(UNIT, "utf8");
	const lines = [...unit.matchAll(/^Environment=([A-Z_]+)=(.*)$/gm)];
	const env = Object.fromEntries(lines.map(([, name = "", value = ""]) => [name, value.replace("%C", cache)]));
	for (let start = 0; start < 2; start++) {
		// In good order: that is when the compile cache is written.
		await site.agent?.kill("SIGTERM");
		site.agent = await startUmbra(["agent", "--config", join(site.folder, "agent.yaml")], { env });
		await ready();
	}
}
