/** `umbra capture VM`: a point now. */
import type { Command } from "commander";
import { formatDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";

interface Options extends CollectorOptions {
	readonly json?: true;
	readonly timeout: number;
}

export function register(program: Command): void {
	withCollector(program.command("capture <vm>"))
		.description("tell the VM's agent to capture it now, and wait for that")
		.option("--timeout <seconds>", "how long to wait", Number, 120)
		.option("--json", "the answer as one object")
		.action(async (vm: string, options: Options) => {
			const client = await CollectorClient.from(options);
			const start = performance.now();
			const result = await client.post<{ readonly changesetId: string }>(vmPath(vm, "capture"), {
				timeoutSeconds: options.timeout,
			});
			console.log(
				options.json
					? JSON.stringify(result)
					: `Captured ${vm} in ${formatDuration(performance.now() - start)}: changeset ${result.changesetId}`,
			);
		});
}
