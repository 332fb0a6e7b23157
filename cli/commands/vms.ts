/** `umbra vms`: every VM that the collector knows, newest state first. */
import type { Command } from "commander";
import type { VmRecord } from "../../collector/catalog/records.ts";
import { formatBytes } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";

interface VmView extends VmRecord {
	readonly connected: boolean;
	readonly stale: boolean;
	readonly status: { readonly lastError: string; readonly schedule: string } | null;
}

export function register(program: Command): void {
	withCollector(program.command("vms"))
		.description("every VM, its disks and its newest point")
		.option("--json", "one object a line")
		.action(async (options: CollectorOptions & { readonly json?: true }) => {
			const client = await CollectorClient.from(options);
			const vms = await Array.fromAsync(client.list<VmView>("/v1/vms"));
			await withOutput(async (output) => {
				if (options.json) {
					for (const vm of vms) await output.line(JSON.stringify(vm));
					return;
				}
				if (vms.length === 0) {
					await output.line("No VM yet: start an agent whose config names the QMP sockets of this host's VMs.");
					return;
				}
				const lines = table(vms, [
					{ title: "VM", value: ({ vm }) => printable(vm) },
					{ title: "HOST", value: ({ host }) => printable(host) },
					{
						title: "DISKS",
						value: ({ disks }) =>
							disks.map(({ disk, sizeBytes }) => `${printable(disk)} ${formatBytes(sizeBytes)}`).join(", "),
					},
					{ title: "NEWEST POINT", value: ({ headTime }) => isoTime(headTime) },
					{ title: "SCHEDULE", value: ({ status }) => status?.schedule ?? "-" },
					{ title: "STATE", value: stateOf },
				]);
				for (const line of lines) await output.line(line);
			});
		});
}

function stateOf({ connected, stale, status, imported }: VmView): string {
	if (imported === true) return "imported, not captured yet";
	if (!connected || stale) return "agent silent";
	if (status === null) return "not running";
	return status.lastError === "" ? "ok" : printable(status.lastError);
}

/** Catalog times are Unix nanoseconds in decimal; people read milliseconds. */
export function isoTime(timeNs: string): string {
	return new Date(Number(BigInt(timeNs) / 1_000_000n)).toISOString();
}
