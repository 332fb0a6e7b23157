/** What an operator can set of a collector, and the defaults. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { loadConfig } from "../common/config.ts";
import { LOG_LEVELS } from "../common/log.ts";
import { notificationSettings } from "./alert/settings.ts";
import { detectSettings } from "./detect/settings.ts";
import { scrubSettings } from "./integrity/settings.ts";
import { gcSettings, retentionOfVms, retentionSettings } from "./retention/settings.ts";
import { seriesSettings } from "./series/settings.ts";
import { trialSettings } from "./signature/settings.ts";
import { stateSettings } from "./state-on-anomaly.ts";

export const collectorConfig = z.strictObject({
	/** Vault and catalog live below it. */
	dataDir: z.string().min(1),
	listen: z
		.strictObject({
			/** gRPC, for agents. */
			agents: z.string().default("127.0.0.1:7071"),
			/** HTTP, for `umbra` and dashboards. */
			api: z.string().default("127.0.0.1:7070"),
		})
		.prefault({}),
	/** One line; agents and API clients must show it. Needed beyond loopback. */
	tokenFile: z.string().min(1).optional(),
	/** PEM files, for both listeners. With `clientCa`, agents must show a certificate that it signed. */
	tls: z
		.strictObject({
			cert: z.string().min(1),
			key: z.string().min(1),
			clientCa: z.string().min(1).optional(),
		})
		.optional(),
	...notificationSettings,
	/** Where time series are kept. */
	series: seriesSettings.prefault({}),
	/** How changesets are judged. */
	detect: detectSettings.prefault({}),
	/** When RAM and devices are captured without being asked for. */
	states: stateSettings.prefault({}),
	/** How many points of a VM stay. */
	retention: retentionSettings.prefault({}),
	/** What differs for some VMs; the first entry that fits counts. */
	vms: z.array(retentionOfVms).default([]),
	vault: z
		.strictObject({
			/** Where the key is with which a vault is encrypted from its beginning on. */
			encryption: z
				.strictObject({
					/** One line, not readable for everybody. */
					keyFile: z.string().min(1).optional(),
					/** Name of an environment variable. */
					keyEnv: z.string().min(1).optional(),
				})
				.refine(({ keyFile, keyEnv }) => (keyFile === undefined) !== (keyEnv === undefined), {
					error: "wanted either keyFile or keyEnv",
				})
				.optional(),
		})
		.prefault({}),
	/** What is kept of trials of shadow VMs. */
	trials: trialSettings.prefault({}),
	/** How the space of what is not needed any more is given back. */
	gc: gcSettings.prefault({}),
	/** How the vault is read in the background, to find what rots. */
	scrub: scrubSettings.prefault({}),
	log: z.enum(LOG_LEVELS).default("info"),
});

export type CollectorConfig = z.output<typeof collectorConfig>;

/** Where the vault of such a collector lies. */
export function vaultFolder({ dataDir }: CollectorConfig): string {
	return join(dataDir, "vault");
}

/**
 * Relative paths count from the working directory.
 *
 * @throws UmbraError `not-found`, `bad-config`.
 */
export async function loadCollectorConfig(path: string): Promise<CollectorConfig> {
	const config = await loadConfig(collectorConfig, path);
	return { ...config, dataDir: resolve(config.dataDir) };
}
