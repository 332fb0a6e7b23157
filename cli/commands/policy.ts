/** `umbra policy VM`: when a VM is captured, changed while its agent runs. */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";

interface Options extends CollectorOptions {
	readonly schedule?: string;
	readonly pause?: true;
	readonly resume?: true;
}

export function register(program: Command): void {
	withCollector(program.command("policy <vm>"))
		.description("change when a VM is captured, until its agent is started again (its config lasts)")
		.option("--schedule <when>", 'such as "every 5m" or "cron 0 * * * *"')
		.option("--pause", "no captures but those asked for; QEMU goes on recording what changes")
		.option("--resume", "captures by schedule again")
		.action(async (vm: string, options: Options) => {
			const { schedule, pause, resume } = options;
			if (schedule === undefined && pause === undefined && resume === undefined) {
				throw new UmbraError("bad-config", "nothing to change: give --schedule, --pause or --resume");
			}
			if (pause && resume) throw new UmbraError("bad-config", "--pause and --resume exclude each other");
			const client = await CollectorClient.from(options);
			const paused = pause || resume ? String(pause === true) : undefined;
			await client.post(vmPath(vm, "policy"), { schedule, paused });
			console.log(`${vm}: done; umbra vms shows its schedule`);
		});
}
