/** New chunks from a spool into the vault, against a bare gRPC stream of the same messages. */
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { startProgram } from "../support/processes.ts";
import { Site } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import type { Kind } from "./ingest-data.ts";
import { interleaved, median, number } from "./measure.ts";

const AGENT = fileURLToPath(new URL("ingest-agent-child.ts", import.meta.url));
const BARE_CLIENT = fileURLToPath(new URL("ingest-bare-client-child.ts", import.meta.url));
const BARE_SERVER = fileURLToPath(new URL("ingest-bare-server-child.ts", import.meta.url));

const MIB = 2 ** 20;
/** Of disk, a round. */
const BYTES = 512 * MIB;
const ROUNDS = 5;
const OF_BARE = 0.5;
const KINDS: Readonly<Record<Kind, string>> = { random: "random data", half: "half-compressible data" };
const RESULT = z.object({ bytes: z.number(), seconds: z.number() });

export const ingestBench: Bench = { name: "ingest", programs: [], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await mkdir(folder.file("site"));
	await using site = await Site.start({ folder: folder.file("site"), sockets: [folder.file("none")] });
	// Its agent has nothing to send; the bench's own takes its place.
	await site.agent?.kill();
	await using server = await startProgram(process.execPath, [BARE_SERVER]);
	const port = (await server.said(/port (\d+)/))[1] ?? "";
	const rows: Row[] = [];
	for (const kind of Object.keys(KINDS) as Kind[]) {
		say(`${ROUNDS} rounds of ${BYTES / MIB} MiB of ${KINDS[kind]}: agent to collector, and bare`);
		const { real, bare } = await interleaved(
			{
				real: async (round) => {
					const spool = folder.file(`spool-${kind}-${round}`);
					await mkdir(spool);
					const address = `127.0.0.1:${site.agentPort}`;
					const speed = await speedOf(AGENT, spool, address, kind, String(BYTES));
					await rm(spool, { recursive: true });
					return speed;
				},
				bare: () => speedOf(BARE_CLIENT, port, kind, String(BYTES)),
			},
			ROUNDS,
		);
		const ratio = median(real) / median(bare);
		rows.push({
			figure: `ingest of new chunks, ${KINDS[kind]}, against bare gRPC`,
			target: `>= ${OF_BARE} x`,
			measured: `${number(ratio)} x (${number(median(real))} of ${number(median(bare))} MB/s)`,
			met: ratio >= OF_BARE,
			how: `A spool of ${BYTES / MIB} MiB of new blocks${kind === "half" ? ", half noise and half text, so compressed to about half" : ", which do not compress"}, in one process; the agent's uplink brings it to a collector in another, which verifies every chunk, writes it to its vault and syncs before it acknowledges; timed from connecting to the last acknowledgement. Bare: a grpc-js client and server in two processes, the same batches already encoded, two connections and 16 MiB in flight as well, acknowledged at once. Bytes as they travel; medians of ${ROUNDS} rounds in turns.`,
		});
	}
	return rows;
}

/** Of 10^6 bytes a second, as the child says. */
async function speedOf(...args: readonly string[]): Promise<number> {
	await using program = await startProgram(process.execPath, args);
	if ((await program.finished) !== 0) throw new Error(`it failed: ${program.output()}`);
	const { bytes, seconds } = RESULT.parse(JSON.parse(program.stdout()));
	return bytes / 1e6 / seconds;
}
