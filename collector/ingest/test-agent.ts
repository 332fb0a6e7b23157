/** For tests: what an agent says to a collector, over real gRPC, and a disk to say it of. */
import { zstdCompressSync } from "node:zlib";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { BLOCK_SIZE, blockName, isZero, NAME_SIZE, ZERO_NAME } from "../../common/block.ts";
import { collectorService, MAX_MESSAGE_BYTES, MAX_RUN_BLOCKS, toLong, v1, type wire } from "../../proto/service.ts";

export type Part = wire.v1.ChangesetPart.$Properties;
export type Chunk = wire.v1.Chunk.$Properties;

export class TestAgent implements AsyncDisposable {
	readonly id: string;
	readonly client: Client;
	readonly #metadata = new Metadata();

	constructor(address: string, id = "agent-1", token?: string, credential = credentials.createInsecure()) {
		this.id = id;
		this.client = new Client(address, credential, {
			"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
			"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
			"grpc.use_local_subchannel_pool": 1,
			"grpc.enable_retries": 0,
			"grpc.initial_reconnect_backoff_ms": 50,
		});
		if (token !== undefined) this.#metadata.set("authorization", `Bearer ${token}`);
	}

	session() {
		const { path, requestSerialize, responseDeserialize } = collectorService.session;
		return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
	}

	/** A session that was welcomed; its later messages go to `onMessage`. */
	async greet(
		hello: wire.v1.Hello.$Properties = {},
		onMessage: (message: wire.v1.CollectorMessage.$Properties) => void = () => undefined,
	) {
		const stream = this.session();
		const welcome = Promise.withResolvers<wire.v1.CollectorMessage.$Properties>();
		const ended = Promise.withResolvers<ServiceError | undefined>();
		stream.on("data", (message: wire.v1.CollectorMessage.$Properties) => {
			if (message.welcome) welcome.resolve(message);
			else onMessage(message);
		});
		stream.on("error", (error: ServiceError) => {
			welcome.reject(error);
			ended.resolve(error);
		});
		stream.on("end", () => ended.resolve(undefined));
		stream.write({ hello: { agentId: this.id, host: "host-1", version: "0", protocol: 1, ...hello } });
		return { stream, welcome: (await welcome.promise).welcome, ended: ended.promise };
	}

	async offer(names: Uint8Array): Promise<Uint8Array> {
		const { path, requestSerialize, responseDeserialize } = collectorService.offer;
		const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
		this.client.makeUnaryRequest(
			path,
			requestSerialize,
			responseDeserialize,
			{ names },
			this.#metadata,
			(error, need) => {
				if (error !== null) reject(error);
				else resolve(need?.missing ?? new Uint8Array());
			},
		);
		return await promise;
	}

	async reportTrial(report: wire.v1.TrialReport.$Properties): Promise<void> {
		const { path, requestSerialize, responseDeserialize } = collectorService.reportTrial;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, report, this.#metadata, (error) => {
			if (error !== null) reject(error);
			else resolve();
		});
		await promise;
	}

	uploadStream() {
		const { path, requestSerialize, responseDeserialize } = collectorService.upload;
		return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
	}

	/** Uploads everything on one stream; resolves with the rejected names once all is acknowledged. */
	async upload(chunks: readonly Chunk[], batchSize = 16): Promise<Uint8Array[]> {
		const stream = this.uploadStream();
		const rejected: Uint8Array[] = [];
		const batches = Math.ceil(chunks.length / batchSize);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		let acknowledged = 0;
		stream.on("data", (ack: wire.v1.ChunkBatchAck.$Properties) => {
			acknowledged++;
			if (Number(ack.batch) !== acknowledged) reject(new Error(`acknowledged ${ack.batch}, not ${acknowledged}`));
			rejected.push(...(ack.rejected ?? []));
		});
		stream.on("error", reject);
		stream.on("end", resolve);
		for (let at = 0; at < batches; at++) {
			const batch = { batch: toLong(at + 1), chunks: chunks.slice(at * batchSize, (at + 1) * batchSize) };
			if (!stream.write(batch)) {
				await Promise.race([promise, new Promise((drained) => stream.once("drain", () => drained(undefined)))]);
			}
		}
		stream.end();
		await promise;
		if (acknowledged !== batches) throw new Error(`${acknowledged} of ${batches} batches acknowledged`);
		return rejected;
	}

	/** The open stream, and what the collector will answer. */
	submitStream() {
		const { path, requestSerialize, responseDeserialize } = collectorService.submit;
		const { promise, resolve, reject } = Promise.withResolvers<wire.v1.SubmitResult.$Properties>();
		const stream = this.client.makeClientStreamRequest(
			path,
			requestSerialize,
			responseDeserialize,
			this.#metadata,
			(error, result) => {
				if (error !== null) reject(error);
				else resolve(result ?? {});
			},
		);
		promise.catch(() => undefined);
		return { stream, result: promise };
	}

	async submit(parts: readonly Part[]): Promise<wire.v1.SubmitResult.$Properties> {
		const { stream, result } = this.submitStream();
		for (const part of parts) stream.write(part);
		stream.end();
		return await result;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.client.close();
	}
}

/** A small PRNG (mulberry32), so that a failing run can be repeated from its seed. */
export function random(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** A block that holds random bytes up to `share` of its length, so that it compresses to about that. */
export function randomBlock(next: () => number, share = 1): Buffer {
	const block = Buffer.alloc(BLOCK_SIZE);
	const words = new Uint32Array(block.buffer, block.byteOffset, BLOCK_SIZE / 4);
	for (let at = 0; at < words.length * share; at++) words[at] = next() * 2 ** 32;
	return block;
}

export function rawChunk(block: Uint8Array): Chunk {
	return { name: blockName(block), encoding: v1.ChunkEncoding.CHUNK_ENCODING_RAW, data: block };
}

export function zstdChunk(block: Uint8Array): Chunk {
	return { name: blockName(block), encoding: v1.ChunkEncoding.CHUNK_ENCODING_ZSTD, data: zstdCompressSync(block) };
}

/** A VM with disks that change, and the changesets that tell of it. */
export class TestVm {
	readonly vm: string;
	readonly agentId: string;
	readonly disks: Map<string, Buffer>;
	/** The newest changeset that was accepted. */
	baseId = "";
	timeNs = 1_700_000_000_000_000_000n;
	#count = 0;
	readonly #known = new Set<string>();

	constructor(vm: string, disks: Readonly<Record<string, number>> = { vda: 8 }, agentId = "agent-1") {
		this.vm = vm;
		this.agentId = agentId;
		this.disks = new Map(Object.entries(disks).map(([disk, blocks]) => [disk, Buffer.alloc(blocks * BLOCK_SIZE)]));
	}

	write(disk: string, block: number, data: Uint8Array): void {
		this.disks.get(disk)?.set(data, block * BLOCK_SIZE);
	}

	block(disk: string, block: number): Buffer {
		return this.disks.get(disk)?.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE) ?? Buffer.alloc(0);
	}

	/** What stands in the disks now and was not given out before. */
	newChunks(): Chunk[] {
		const chunks: Chunk[] = [];
		for (const disk of this.disks.values()) {
			for (let at = 0; at < disk.length; at += BLOCK_SIZE) {
				const block = disk.subarray(at, at + BLOCK_SIZE);
				if (isZero(block)) continue;
				const chunk = rawChunk(Buffer.from(block));
				const key = Buffer.from(chunk.name ?? []).toString("hex");
				if (!this.#known.has(key)) chunks.push(chunk);
				this.#known.add(key);
			}
		}
		return chunks;
	}

	header(overrides: wire.v1.ChangesetHeader.$Properties = {}): wire.v1.ChangesetHeader.$Properties {
		this.timeNs += 60_000_000_000n;
		this.#count++;
		const mode = this.baseId === "" ? v1.CaptureMode.CAPTURE_MODE_FIRST : v1.CaptureMode.CAPTURE_MODE_TRACKED;
		return {
			id: `${this.vm}-${this.#count}`,
			agentId: this.agentId,
			host: "host-1",
			vm: this.vm,
			baseId: this.baseId,
			sequence: toLong(this.#count),
			timeNs: toLong(this.timeNs),
			disks: [...this.disks].map(([disk, bytes]) => ({ disk, sizeBytes: toLong(bytes.length), mode })),
			...overrides,
		};
	}

	/** Runs that name every block of every disk (a tracked changeset may name unchanged ones). */
	runs(runBlocks = MAX_RUN_BLOCKS): Part[] {
		const parts: Part[] = [];
		for (const [disk, bytes] of this.disks) {
			for (let first = 0; first < bytes.length / BLOCK_SIZE; first += runBlocks) {
				const count = Math.min(runBlocks, bytes.length / BLOCK_SIZE - first);
				const names = Buffer.alloc(count * NAME_SIZE);
				for (let at = 0; at < count; at++) {
					const block = this.block(disk, first + at);
					names.set(isZero(block) ? ZERO_NAME : blockName(block), at * NAME_SIZE);
				}
				parts.push({ blocks: { disk, firstBlock: toLong(first), names } });
			}
		}
		return parts;
	}

	/** A whole changeset of the disks as they are. */
	parts(
		overrides: wire.v1.ChangesetHeader.$Properties = {},
		files: readonly wire.v1.FileChange.$Properties[] = [],
	): Part[] {
		const disk = [...this.disks.keys()][0] ?? "";
		const parts: Part[] = this.runs();
		for (let at = 0; at < files.length; at += 1000) {
			parts.push({ files: { disk, volume: "1", files: files.slice(at, at + 1000) } });
		}
		return [{ header: this.header({ parts: toLong(parts.length), ...overrides }) }, ...parts];
	}

	/** Uploads and submits the disks as they are; the changeset becomes the base of the next. */
	async capture(agent: TestAgent, files: readonly wire.v1.FileChange.$Properties[] = []): Promise<string> {
		await agent.upload(this.newChunks());
		const parts = this.parts({}, files);
		const result = await agent.submit(parts);
		if (result.status !== v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED) {
			throw new Error(`${v1.SubmitStatus[result.status ?? 0]}: ${result.message}`);
		}
		this.baseId = parts[0]?.header?.id ?? "";
		return this.baseId;
	}
}

export function fileChange(path: string, more: wire.v1.FileChange.$Properties = {}): wire.v1.FileChange.$Properties {
	return {
		change: v1.FileChangeKind.FILE_CHANGE_MODIFIED,
		path,
		type: "file",
		inode: toLong(12),
		sizeBefore: toLong(4096),
		sizeAfter: toLong(4096),
		changedBytes: toLong(4096),
		entropyBefore: 4,
		entropyAfter: 4.5,
		mode: 0o100644,
		mtime: 1_800_000_000.5,
		...more,
	};
}
