/** `umbra export VM@TIME`: a point as a read-only NBD server, until Ctrl-C. */
import type { Command } from "commander";
import { CollectorClient, type CollectorOptions, parseVmAtTime, withCollector } from "../collector-client.ts";

interface Options extends CollectorOptions {
	readonly disk?: string;
	readonly listen?: string;
	readonly overlay?: string;
	readonly json?: true;
}

export function register(program: Command): void {
	withCollector(program.command("export <vm@time>"))
		.description("serve the disks of a VM as they were over NBD, read-only, until Ctrl-C")
		.option("--disk <disk>", "only this disk")
		.option(
			"--listen <address>",
			"unix:PATH or 127.0.0.1:PORT on the collector's machine (default: a socket of its own)",
		)
		.option("--overlay <file>", "make a qcow2 image over the disk that a VM can boot from and write to")
		.option("--json", "the export as one object")
		.action(async (target: string, options: Options) => {
			const { exportPoint } = await import("../export-point.ts");
			const { stopSignal } = await import("../../common/lifecycle.ts");
			const { disk, listen, overlay, json } = options;
			const client = await CollectorClient.from(options);
			const signal = stopSignal();
			const exporting = exportPoint({
				client,
				collector: options.collector,
				...parseVmAtTime(target),
				disk,
				listen,
				overlay,
				json: json === true,
				signal,
				print: (line) => console.log(line),
			});
			await exporting.catch((error: unknown) => {
				// Ctrl-C is how it ends, whatever it was at.
				if (!signal.aborted) throw error;
			});
		});
}
