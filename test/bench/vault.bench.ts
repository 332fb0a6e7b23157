/** What a large vault takes: memory of its index, and the time until a collector with a large shadow answers. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { vmPath } from "../../cli/collector-client.ts";
import { rawChunk, TestAgent } from "../../collector/ingest/test-agent.ts";
import { ChunkIndex } from "../../collector/vault/chunk-index.ts";
import { BLOCK_SIZE, NAME_SIZE } from "../../common/block.ts";
import { MAX_RUN_BLOCKS, toLong, v1 } from "../../proto/service.ts";
import { Site } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { noise } from "./data.ts";
import { median, number, spread } from "./measure.ts";

const MIB = 2 ** 20;
const CHUNKS = 4 * 2 ** 20;
/** Names made at a time. */
const DRAWN = 65_536;
const MAX_INDEX_BYTES = 1024;

const DISK_BYTES = 2 ** 40;
/** Distinct blocks that the disk is made of, over and over. */
const DISTINCT = 1024;
const POINTS = 100;
const ROUNDS = 5;
const MAX_OPEN_SECONDS = 2;
const VM = "large";

export const vaultBench: Bench = { name: "vault", programs: [], run };

async function run(context: BenchContext): Promise<Row[]> {
	return [indexMemory(context), await openLarge(context)];
}

function indexMemory({ say }: BenchContext): Row {
	say(`an index of ${number(CHUNKS)} chunks`);
	const index = new ChunkIndex();
	const most = { share: 0, chunks: 0 };
	// Tables grow by steps: the worst moment counts.
	let names = Buffer.alloc(0);
	for (let at = 0; at < CHUNKS; at++) {
		const next = (at % DRAWN) * NAME_SIZE;
		if (next === 0) names = randomBytes(DRAWN * NAME_SIZE);
		index.add(names.subarray(next, next + NAME_SIZE), 1 + Math.floor(at / 256), 0, BLOCK_SIZE);
		if (at < CHUNKS / 4 || at % 1000 !== 0) continue;
		const share = (index.memory / (index.size * BLOCK_SIZE)) * MIB;
		if (share > most.share) Object.assign(most, { share, chunks: index.size });
	}
	return {
		figure: "memory of the vault's index, per MiB of unique data",
		target: `<= ${number(MAX_INDEX_BYTES)} bytes`,
		measured: `${number(most.share)} bytes at most`,
		met: most.share <= MAX_INDEX_BYTES,
		how: `The index of ${number(CHUNKS / 4)} to ${number(CHUNKS)} random names (${number((CHUNKS * BLOCK_SIZE) / 2 ** 30)} GiB of blocks), all bytes that it holds on to, at the worst moment (${number(most.chunks)} names).`,
	};
}

async function openLarge({ folder, say }: BenchContext): Promise<Row> {
	await mkdir(folder.file("site"));
	await using site = await Site.start({
		folder: folder.file("site"),
		sockets: [folder.file("none")],
		collector: { retention: { keepAll: true } },
	});
	await site.agent?.kill();
	say(`a shadow of ${number(DISK_BYTES / 2 ** 40)} TiB with ${POINTS} points`);
	await using agent = new TestAgent(`127.0.0.1:${site.agentPort}`);
	const chunks = [...noise(DISTINCT * BLOCK_SIZE, BLOCK_SIZE)].map((block) => rawChunk(Buffer.from(block)));
	await agent.upload(chunks);
	const names = Buffer.concat(chunks.map(({ name }) => name ?? new Uint8Array()));
	const run = Buffer.concat(Array.from({ length: MAX_RUN_BLOCKS / DISTINCT }, () => names));
	let baseId = "";
	for (let point = 0; point < POINTS; point++) {
		const { stream, result } = agent.submitStream();
		const id = `${VM}-${point}`;
		const mode = point === 0 ? v1.CaptureMode.CAPTURE_MODE_FIRST : v1.CaptureMode.CAPTURE_MODE_TRACKED;
		const drained = async (part: Parameters<typeof stream.write>[0]): Promise<void> => {
			if (!stream.write(part)) await new Promise((resolve) => stream.once("drain", resolve));
		};
		await drained({
			header: {
				id,
				agentId: agent.id,
				host: "bench",
				vm: VM,
				baseId,
				sequence: toLong(point + 1),
				timeNs: toLong(1_700_000_000_000_000_000n + BigInt(point) * 60_000_000_000n),
				disks: [{ disk: "vda", sizeBytes: toLong(DISK_BYTES), mode }],
			},
		});
		const blocks = DISK_BYTES / BLOCK_SIZE;
		const [first, end, step] = point === 0 ? [0, blocks, MAX_RUN_BLOCKS] : [point * 7919, point * 7919 + 1, 1];
		for (let block = first; block < end; block += step) {
			const part = point === 0 ? run : names.subarray(point * NAME_SIZE, (point + 1) * NAME_SIZE);
			await drained({ blocks: { disk: "vda", firstBlock: toLong(block), names: part } });
		}
		stream.end();
		const { status, message } = await result;
		if (status !== v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED) throw new Error(`point ${point}: ${message}`);
		baseId = id;
	}
	const seconds: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		await site.collector?.kill("SIGTERM");
		const start = performance.now();
		await site.startCollector();
		const points = await Array.fromAsync(site.client.list(vmPath(VM, "points")));
		if (points.length !== POINTS) throw new Error(`${points.length} points after a restart, wanted ${POINTS}`);
		const data = vmPath(VM, "points", "latest", "disks", "vda", "data");
		const response = await site.client.fetch(data, {}, { headers: { range: `bytes=${DISK_BYTES - BLOCK_SIZE}-` } });
		if ((await response.arrayBuffer()).byteLength !== BLOCK_SIZE) throw new Error("the last block is not there");
		seconds.push((performance.now() - start) / 1000);
	}
	return {
		figure: "a collector with a shadow of 1 TiB: time until it answers",
		target: `< ${MAX_OPEN_SECONDS} s`,
		measured: spread(seconds, "s"),
		met: median(seconds) < MAX_OPEN_SECONDS,
		how: `A disk of 1 TiB with data in every block, made of ${number(DISTINCT)} distinct ones over and over, and ${POINTS} points. From the start of \`umbra collector\` until it has listed the points and read the last block of the newest; ${ROUNDS} times.`,
	};
}
