/** How fast the agent's NBD client reads, against nbdcopy. */
import { NbdClient } from "../../disk/source/nbd/client.ts";
import { listening, startProgram } from "../support/processes.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { writeImage } from "./data.ts";
import { interleaved, median, number } from "./measure.ts";

const MIB = 2 ** 20;
const IMAGE_BYTES = 1024 * MIB;
const ROUNDS = 7;
/** As a capture with its default two threads reads: pieces of a slot, four of six slots under way. */
const PIECE_BYTES = MIB;
const LANES = 4;

export const readBench: Bench = { name: "read", programs: ["qemu-nbd", "nbdcopy"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const image = folder.file("image.raw");
	const socket = folder.file("nbd.sock");
	await writeImage(image, IMAGE_BYTES);
	await using _server = await startProgram("qemu-nbd", [
		...["--read-only", "--persistent", "--shared", "4", "--format", "raw", "--socket", socket, image],
	]);
	await listening(socket);
	say(`reading 1 GiB over NBD ${ROUNDS} times, and as often by nbdcopy`);
	const { ours, nbdcopy } = await interleaved({ ours: () => read(socket), nbdcopy: () => copy(socket) }, ROUNDS);
	return [
		{
			figure: "reading over NBD, against nbdcopy",
			target: "-",
			measured: `${number(median(ours) / median(nbdcopy))} x (${number(median(ours))} of ${number(median(nbdcopy))} MB/s)`,
			met: undefined,
			how: `1 GiB from qemu-nbd over a unix socket, the image in the page cache: the agent's NBD client into a buffer, ${LANES} reads of 1 MiB under way, against \`nbdcopy --connections=1\` into \`null:\`; medians of ${ROUNDS} in turns.`,
		},
	];
}

/** Of 10^6 bytes a second. */
async function read(socket: string): Promise<number> {
	const start = performance.now();
	await using client = await NbdClient.connect({ address: { path: socket }, exportName: "" });
	let next = 0;
	const lane = async (): Promise<void> => {
		const into = Buffer.allocUnsafeSlow(PIECE_BYTES);
		while (next < client.size) {
			const offset = next;
			next += PIECE_BYTES;
			await client.readInto(into, offset);
		}
	};
	await Promise.all(Array.from({ length: LANES }, lane));
	return IMAGE_BYTES / 1e3 / (performance.now() - start);
}

async function copy(socket: string): Promise<number> {
	const start = performance.now();
	await using program = await startProgram("nbdcopy", ["--connections=1", `nbd+unix:///?socket=${socket}`, "null:"]);
	if ((await program.finished) !== 0) throw new Error(`nbdcopy failed: ${program.output()}`);
	return IMAGE_BYTES / 1e3 / (performance.now() - start);
}
