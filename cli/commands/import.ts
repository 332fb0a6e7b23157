/** `umbra import VM SOURCE...`: takes snapshots that are there into a VM's shadow. */
import type { Command } from "commander";
import type { ImportArguments } from "../import/arguments.ts";

const HELP = `
SOURCE is one of
  a qcow2 image with internal snapshots: each becomes a point, of the time that the image says
  the top of a backing chain: what each of its images holds becomes a point, of the time it was last written
  an image in any format, or a folder of such: each becomes a point, of a date in its name, else of the time it was last written
With several disks, --disk NAME=SOURCE for each: what is of one time makes one point.

Points that are there already are left alone, so the same command can be repeated: it goes on where it was cut.
It speaks to the collector's agent listener, as agents do; --config takes that, and where to keep what has to be
remembered, from an agent's settings: then the agent goes on from the last point when it meets the VM.

  umbra import web1 /images/web1.qcow2 --dry-run
  umbra import web1 /backup/web1 --disk vda --config /etc/umbra/agent.yaml
  umbra import web1 --disk vda=/images/web1.qcow2 --disk vdb=/images/web1-data.qcow2
  umbra import web1 /dev/vg0/web1-snap --time 2026-01-31T03:00:00Z
`;

function collect(value: string, before: readonly string[]): readonly string[] {
	return [...before, value];
}

export function register(program: Command): void {
	program
		.command("import <vm> [source...]")
		.description("take snapshots that are there (qcow2 snapshots, backing chains, dated images) into a VM's shadow")
		.option(
			"--disk <name[=source]>",
			"the disk that SOURCE is of, as the VM's agent calls it; or a disk and its source",
			collect,
			[],
		)
		.option("--time <[name=]time>", "when it was; with NAME=, when the snapshot or file NAME was", collect, [])
		.option("--time-from <where>", "take the times of files from their name, or from when they were modified")
		.option("--present", "of an image with snapshots also the state that it is in now")
		.option("--no-chain", "not the images that SOURCE lies upon")
		.option("--format <format>", "of all images (raw, qcow2, vmdk, vhdx, vdi); else it is told from their first bytes")
		.option("--within <duration>", "states of different disks no further apart make one point", "1m")
		.option("--dry-run", "only show what would be imported, and what is there already")
		.option("--config <file>", "an agent's settings: the collector, TLS, token and data folder")
		.option("--address <host:port>", "the collector's agent listener", process.env["UMBRA_COLLECTOR_AGENTS"])
		.option("--token-file <file>", "file with the bearer token (or $UMBRA_TOKEN_FILE)")
		.option("--ca <file>", "TLS: who signed the collector's certificate (PEM)")
		.option("--cert <file>", "TLS: a certificate of our own, where the collector asks for one")
		.option("--key <file>", "TLS: its key")
		.option("--server-name <name>", "TLS: the name in the collector's certificate, where it is not the address's")
		.option("--state <folder>", "where to remember how far it is")
		.option("--spool <size>", "what may wait for the collector at a time")
		.option("--threads <n>", "hashing threads", Number)
		.option("--json", "one object a line")
		.addHelpText("after", HELP)
		.action(run);
}

async function run(vm: string, sources: string[], options: ImportArguments): Promise<void> {
	const { runImport } = await import("../import/run.ts");
	const { withOutput } = await import("./output.ts");
	await withOutput(async (output, signal) => {
		if (!(await runImport(vm, sources, options, output, signal))) process.exitCode = 1;
	});
}
