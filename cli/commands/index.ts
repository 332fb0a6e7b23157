/** Every command, in the order in which `umbra --help` shows them. */
import type { Command } from "commander";

interface CommandModule {
	register(program: Command): void;
}

/** Which commands each module registers; one that is missing here is found too, only later. */
const MODULES: readonly { readonly names: readonly string[]; load(): Promise<CommandModule> }[] = [
	{ names: ["demo"], load: () => import("./demo.ts") },
	{ names: ["agent", "collector"], load: () => import("./services.ts") },
	{ names: ["doctor"], load: () => import("./doctor.ts") },
	{ names: ["scan"], load: () => import("./scan.ts") },
	{ names: ["ls"], load: () => import("./ls.ts") },
	{ names: ["cat"], load: () => import("./cat.ts") },
	{ names: ["diff"], load: () => import("./diff.ts") },
	{ names: ["vms"], load: () => import("./vms.ts") },
	{ names: ["points"], load: () => import("./points.ts") },
	{ names: ["changes"], load: () => import("./changes.ts") },
	{ names: ["alerts", "anomalies"], load: () => import("./alerts.ts") },
	{ names: ["trials", "trial", "signatures", "signature"], load: () => import("./trials.ts") },
	{ names: ["profile"], load: () => import("./profile.ts") },
	{ names: ["import"], load: () => import("./import.ts") },
	{ names: ["capture"], load: () => import("./capture.ts") },
	{ names: ["state", "states"], load: () => import("./state.ts") },
	{ names: ["policy"], load: () => import("./policy.ts") },
	{ names: ["retention", "forget", "hold", "release", "holds"], load: () => import("./retention.ts") },
	{ names: ["vault"], load: () => import("./vault.ts") },
	{ names: ["browse"], load: () => import("./browse.ts") },
	{ names: ["restore"], load: () => import("./restore.ts") },
	{ names: ["export"], load: () => import("./export.ts") },
	{ names: ["analytics"], load: () => import("./analytics.ts") },
	{ names: ["grafana"], load: () => import("./grafana.ts") },
];

/** Registers the commands of the module that has `wanted`; all of them where none has, so that help can tell. */
export async function registerCommands(program: Command, wanted: string | undefined): Promise<void> {
	const found = MODULES.filter(({ names }) => wanted !== undefined && names.includes(wanted));
	for (const { load } of found.length > 0 ? found : MODULES) (await load()).register(program);
}
