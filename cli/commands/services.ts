/** `umbra agent` and `umbra collector`: the two long-running programs. */
import type { Command } from "commander";

interface ServiceOptions {
	readonly config: string;
}

export function register(program: Command): void {
	program
		.command("agent")
		.description("run the agent of this hypervisor host")
		.requiredOption("--config <file>", "its settings, YAML")
		.action(async ({ config }: ServiceOptions) => {
			const { stopSignal } = await import("../../common/lifecycle.ts");
			const { main } = await import("../../agent/main.ts");
			await main(config, stopSignal());
		});
	program
		.command("collector")
		.description("run the collector")
		.requiredOption("--config <file>", "its settings, YAML")
		.action(async ({ config }: ServiceOptions) => {
			const { stopSignal } = await import("../../common/lifecycle.ts");
			const { main } = await import("../../collector/main.ts");
			await main(config, stopSignal());
		});
}
