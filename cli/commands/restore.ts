/** `umbra restore VM@TIME DISK OUT`: a whole disk as it was, to a raw sparse file, proved by its Merkle root. */
import type { Command } from "commander";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, withCollector } from "../collector-client.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly force?: true;
	readonly json?: true;
}

export function register(program: Command): void {
	withCollector(program.command("restore <vm@time> <disk> <out>"))
		.description("write a disk as it was to a raw file (sparse), verified block by block")
		.option("--force", "replace OUT where it exists")
		.option("--json", "the result as one object")
		.action(async (target: string, disk: string, out: string, options: Options) => {
			const { restoreDisk } = await import("../restore-disk.ts");
			const { stopSignal } = await import("../../common/lifecycle.ts");
			const client = await CollectorClient.from(options);
			const start = performance.now();
			const result = await restoreDisk({
				client,
				...parseVmAtTime(target),
				disk,
				out,
				force: options.force === true,
				signal: stopSignal(),
			});
			const took = formatDuration(performance.now() - start);
			console.log(
				options.json
					? JSON.stringify(result)
					: `${disk} as of ${isoTime(result.time)}: ${formatBytes(result.sizeBytes)} (${formatBytes(result.dataBytes)} of data) in ${took}, root ${result.root} verified`,
			);
		});
}
