import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { toLong, type wire } from "../../proto/service.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { StoredChunk, VaultStore } from "../vault/chunk-store.ts";
import type { DiskTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { AgentTable } from "./agents.ts";
import { IngestServer } from "./server.ts";
import { random, randomBlock, rawChunk, TestAgent } from "./test-agent.ts";
import { PointTickets } from "./tickets.ts";

const MIB = 1024 * 1024;

/** A real vault whose flush waits until it is let go, or fails. */
class GatedStore implements VaultStore {
	readonly #vault: Vault;
	bytes = 0;
	flushing = 0;
	gate = Promise.withResolvers<void>();

	constructor(vault: Vault) {
		this.#vault = vault;
		this.gate.promise.catch(() => undefined);
	}
	has(name: Uint8Array): boolean {
		return this.#vault.has(name);
	}
	lease(trees: readonly DiskTree[]): Disposable {
		return this.#vault.lease(trees);
	}
	pin(trees: readonly DiskTree[]): Disposable {
		return this.#vault.pin(trees);
	}
	async putAll(chunks: readonly StoredChunk[]): Promise<(UmbraError | undefined)[]> {
		for (const { data } of chunks) this.bytes += data.length;
		return await this.#vault.putAll(chunks);
	}
	putPlain(bytes: Uint8Array): Promise<Uint8Array> {
		return this.#vault.putPlain(bytes);
	}
	async flush(): Promise<void> {
		this.flushing++;
		await this.gate.promise;
		await this.#vault.flush();
	}
	get(name: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
		return this.#vault.get(name, signal);
	}
	getStored(names: readonly Uint8Array[], signal?: AbortSignal): Promise<StoredChunk[]> {
		return this.#vault.getStored(names, signal);
	}
	stats() {
		return this.#vault.stats();
	}
	async [Symbol.asyncDispose](): Promise<void> {
		await this.#vault[Symbol.asyncDispose]();
	}
}

async function start(): Promise<AsyncDisposable & { readonly store: GatedStore; readonly agent: TestAgent }> {
	await using resources = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), "umbra-upload-"));
	resources.defer(() => rm(folder, { recursive: true, force: true }));
	const catalog = resources.use(await Catalog.open(join(folder, "catalog")));
	const store = resources.use(new GatedStore(await Vault.open({ folder: join(folder, "vault") })));
	const log = silentLogger();
	const server = resources.use(
		await IngestServer.start({
			address: { host: "127.0.0.1", port: 0 },
			tls: undefined,
			authorize: () => true,
			catalog,
			store,
			tickets: new PointTickets(store),
			agents: new AgentTable({ catalog, log, heartbeatSeconds: 10 }),
			samples: { take: async () => undefined },
			committed: () => undefined,
			trialReported: async () => undefined,
			log,
		}),
	);
	const agent = resources.use(new TestAgent(server.address));
	const all = resources.move();
	return { store, agent, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

/** Batches of 1 MiB, each with content of its own. */
function* batches(count: number): Generator<wire.v1.ChunkBatch.$Properties> {
	const block = randomBlock(random(1));
	for (let at = 0; at < count; at++) {
		const chunks = Array.from({ length: 16 }, (_, index) => {
			const own = Buffer.from(block);
			own.writeUInt32LE(at * 16 + index);
			return rawChunk(own);
		});
		yield { batch: toLong(at + 1), chunks };
	}
}

describe("an upload", () => {
	it("is not acknowledged before it is flushed, reads on meanwhile, and stops at the bound", async () => {
		await using station = await start();
		const { store, agent } = station;
		const stream = agent.uploadStream();
		const acknowledged: number[] = [];
		stream.on("data", ({ batch }: wire.v1.ChunkBatchAck.$Properties) => acknowledged.push(Number(batch)));
		const ended = new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
		for (const batch of batches(48)) stream.write(batch);
		stream.end();
		while (store.bytes < 32 * MIB) await new Promise(setImmediate);
		// Whatever could still arrive has many turns to do so.
		for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate);
		assert.equal(store.bytes, 32 * MIB);
		assert.equal(store.flushing, 1);
		assert.deepEqual(acknowledged, []);
		store.gate.resolve();
		await ended;
		assert.deepEqual(
			acknowledged,
			Array.from({ length: 48 }, (_, at) => at + 1),
		);
		assert.ok(store.flushing < 48, `${store.flushing} flushes for 48 batches`);
	});

	it("fails as the store fails, and leaves room for the next one", async () => {
		await using station = await start();
		const { store, agent } = station;
		for (let round = 0; round < 12; round++) {
			const stream = agent.uploadStream();
			const failed = new Promise<{ code: number; details: string }>((resolve) => stream.on("error", resolve));
			stream.on("data", () => assert.fail("acknowledged what was not flushed"));
			for (const batch of batches(33)) stream.write(batch);
			const before = store.flushing;
			while (store.flushing === before) await new Promise(setImmediate);
			// In turns: the store fails, the agent cuts the stream.
			if (round % 2 === 0) store.gate.reject(new UmbraError("limit", "the disk is full", { hint: "free some" }));
			else stream.cancel();
			const { code, details } = await failed;
			if (round % 2 === 0) {
				assert.equal(code, status.RESOURCE_EXHAUSTED);
				assert.equal(details, "the disk is full (free some)");
			} else {
				assert.equal(code, status.CANCELLED);
				store.gate.resolve();
			}
			store.gate = Promise.withResolvers();
			store.gate.promise.catch(() => undefined);
		}
		store.gate.resolve();
		const block = randomBlock(random(99));
		assert.deepEqual(await agent.upload([rawChunk(block)]), []);
	});
});
