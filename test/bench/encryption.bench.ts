/** What encryption at rest costs: chunks into a vault and out again, plain and encrypted. */
import { rm } from "node:fs/promises";
import { BulkReader, MAX_BULK_CHUNKS } from "../../collector/vault/bulk-reader.ts";
import { Vault } from "../../collector/vault/vault.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { chunksOf, type SentChunk } from "./ingest-data.ts";
import { interleaved, median, number } from "./measure.ts";

const MIB = 2 ** 20;
const BYTES = 256 * MIB;
const ROUNDS = 5;
/** Of chunks; as uploads come. */
const BATCH = 16;
const IN_FLIGHT = 4;

export const encryptionBench: Bench = { name: "encryption", programs: [], run };

/** MB/s of plain bytes, and CPU time of all threads in microseconds a chunk. */
interface Cost {
	readonly speed: number;
	readonly cpu: number;
}

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	say(
		`${ROUNDS} rounds of ${BYTES / MIB} MiB of half-compressible data into a vault and out again, plain and encrypted`,
	);
	const chunks = [...chunksOf("half", BYTES)];
	const round = async (secret: string | undefined) => {
		const path = folder.file("vault");
		const vault = await Vault.open({ folder: path, secret });
		const into = await cost(() => write(vault, chunks));
		const out = await cost(() => read(vault, chunks));
		await vault[Symbol.asyncDispose]();
		await rm(path, { recursive: true });
		return { into, out };
	};
	const found = await interleaved({ plain: () => round(undefined), encrypted: () => round("k".repeat(32)) }, ROUNDS);
	const how = `${BYTES / MIB} MiB of new blocks, half noise and half text, in one process, plain and encrypted in turns; medians of ${ROUNDS} rounds.`;
	return [
		row(
			"writing to an encrypted vault, against a plain one",
			"into",
			found,
			`${how} Batches of ${BATCH} as agents send them, ${IN_FLIGHT} at a time, verified, encrypted and synced.`,
		),
		row(
			"reading from an encrypted vault, against a plain one",
			"out",
			found,
			`${how} Read as exports do, ${MAX_BULK_CHUNKS} blocks at once, ${IN_FLIGHT} at a time.`,
		),
	];
}

type Found = Record<"plain" | "encrypted", { readonly into: Cost; readonly out: Cost }[]>;

function row(figure: string, way: "into" | "out", { plain, encrypted }: Found, how: string): Row {
	const of = (runs: Found["plain"], what: keyof Cost) => median(runs.map((run) => run[way][what]));
	const [fast, slow] = [of(plain, "speed"), of(encrypted, "speed")];
	const measured = `${number(slow / fast)} x (${number(slow)} of ${number(fast)} MB/s; ${number(of(encrypted, "cpu"))} instead of ${number(of(plain, "cpu"))} µs of CPU a block)`;
	return { figure, target: "-", measured, met: undefined, how };
}

async function cost(work: () => Promise<void>): Promise<Cost> {
	const [before, start] = [process.cpuUsage(), performance.now()];
	await work();
	const ms = performance.now() - start;
	const { user, system } = process.cpuUsage(before);
	return { speed: BYTES / 1e3 / ms, cpu: (user + system) / (BYTES / BLOCK_SIZE) };
}

async function write(vault: Vault, chunks: readonly SentChunk[]): Promise<void> {
	let next = 0;
	await inParallel(async () => {
		while (next < chunks.length) {
			const batch = chunks.slice(next, next + BATCH);
			next += BATCH;
			for (const problem of await vault.putAll(batch)) if (problem !== undefined) throw problem;
		}
	});
	await vault.flush();
}

async function read(vault: Vault, chunks: readonly SentChunk[]): Promise<void> {
	const { signal } = new AbortController();
	await using reader = new BulkReader(vault);
	let next = 0;
	await inParallel(async () => {
		while (next < chunks.length) {
			const names = chunks.slice(next, next + MAX_BULK_CHUNKS).map(({ name }) => name);
			next += MAX_BULK_CHUNKS;
			using _batch = await reader.read(names, signal);
		}
	});
}

async function inParallel(work: () => Promise<void>): Promise<void> {
	await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
