import assert from "node:assert/strict";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { pino } from "pino";
import { nameToHex } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { v1, type wire } from "../../proto/service.ts";
import { chunkOf, SpoolFixture, seeded, until } from "../spool/spool-fixture.ts";
import { CollectorStandIn } from "./collector-stand-in.ts";
import { Uplink, type UplinkOptions } from "./uplink.ts";

function start(fixture: SpoolFixture, collector: CollectorStandIn, options: Partial<UplinkOptions> = {}): Uplink {
	return Uplink.start({
		address: collector.address,
		agentId: "a-1",
		host: "host",
		version: "0.1.0",
		spool: fixture.spool,
		heartbeat: () => ({ timeNs: 1 as never }),
		onOrder: async () => ({ ok: true }),
		onBaseLost: async () => {},
		log: silentLogger(),
		...options,
	});
}

async function startCollector(): Promise<CollectorStandIn> {
	const collector = new CollectorStandIn();
	await collector.listen();
	return collector;
}

/** Chunks numbered from `first`. */
function chunks(first: number, count: number, length?: number) {
	return Array.from({ length: count }, (_, index) => chunkOf(first + index, length));
}

describe("Uplink", () => {
	it("brings chunks and changesets over in order, each chunk once, and empties the spool", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		for (let n = 0; n < 5; n++) await fixture.capture(`c${n}`, "vm1", chunks(n * 20, 30));
		await using _ = start(fixture, collector, { token: "secret" });
		await until(() => collector.changesets.length === 5 && fixture.spool.usedBytes === 0, "an empty spool");
		assert.deepEqual(
			collector.changesets.map(({ id, parts }) => `${id}:${parts}`),
			["c0:2", "c1:2", "c2:2", "c3:2", "c4:2"],
		);
		assert.equal(collector.received, 110);
		assert.equal(collector.tokens[0], "Bearer secret");
		assert.equal(await fixture.bytesOnDisk(), 0);
		assert.equal(fixture.spool.changesets().length, 0);
	});

	it("uploads only what the collector lacks", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const all = chunks(0, 64);
		for (const [index, { name, data }] of all.entries())
			if (index % 3 === 0) collector.chunks.set(nameToHex(name), data);
		await fixture.capture("c", "vm1", all);
		await using _ = start(fixture, collector);
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.equal(collector.received, all.length - Math.ceil(all.length / 3));
	});

	it("greets, sends heartbeats and telemetry, and answers orders, failed ones too", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const orders: (string | null | undefined)[] = [];
		await using uplink = start(fixture, collector, {
			onOrder: async (order) => {
				orders.push(order.captureNow?.vm);
				if (order.captureNow?.vm === "gone") throw new Error("no such VM");
				return { ok: true, changesetId: "c9" };
			},
		});
		uplink.sendTelemetry([{ measurement: "cpu", fields: { busy: 1 } }]);
		await until(() => uplink.connected && collector.heartbeats.length > 0, "a heartbeat");
		collector.order({ orderId: "o1", captureNow: { vm: "vm1" } });
		collector.order({ orderId: "o2", captureNow: { vm: "gone" } });
		await until(() => collector.orderResults.length === 2 && collector.samples.length === 1, "answers");
		assert.deepEqual(orders, ["vm1", "gone"]);
		assert.equal(collector.hellos[0]?.agentId, "a-1");
		const byId = new Map(collector.orderResults.map((result) => [result.orderId, result]));
		assert.equal(byId.get("o1")?.changesetId, "c9");
		assert.equal(byId.get("o2")?.errorCode, "internal");
		assert.match(byId.get("o2")?.message ?? "", /no such VM/);
		await until(() => collector.heartbeats.length >= 2, "the next heartbeat, at the interval of the welcome");
	});

	it("goes on where the acknowledgements stand after cuts at random instants", async (t) => {
		const seed = Number(process.env["SEED"] ?? Date.now() % 1e6);
		t.diagnostic(`seed ${seed}`);
		const random = seeded(seed);
		await using fixture = await SpoolFixture.open({ limitBytes: 32 << 20, segmentBytes: 1 << 20 });
		await using collector = await startCollector();
		collector.beforeAck = () => new Promise((resolve) => setTimeout(resolve, random() * 10));
		await using _ = start(fixture, collector, { connections: 3 });
		let feeding = true;
		const feed = (async () => {
			for (let n = 0; n < 40; n++) {
				await fixture.capture(`c${n}`, `vm${n % 3}`, chunks(n * 40, 1 + Math.floor(random() * 60), 4096 + n));
			}
			feeding = false;
		})();
		for (let cut = 0; cut < 12; cut++) {
			const target = collector.received + Math.floor(random() * 150);
			await until(() => collector.received >= target || (!feeding && fixture.spool.usedBytes === 0), "progress");
			collector.crash();
			await collector.listen();
		}
		await feed;
		await until(() => collector.changesets.length === 40 && fixture.spool.usedBytes === 0, "everything");
		const order = collector.changesets.map(({ sequence }) => sequence);
		assert.deepEqual(
			order,
			order.toSorted((a, b) => Number(a - b)),
		);
		for (const { names } of collector.changesets) for (const name of names) assert.ok(collector.chunks.has(name));
		assert.equal(await fixture.bytesOnDisk(), 0);
	});

	it("keeps a bounded number of bytes in flight towards a slow collector", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const { promise: released, resolve: release } = Promise.withResolvers<void>();
		collector.beforeAck = () => released;
		await fixture.capture("c", "vm1", chunks(0, 800));
		await using _ = start(fixture, collector, { connections: 4 });
		await until(() => collector.unacknowledgedBytes >= 15 << 20, "a full window");
		assert.equal(collector.changesets.length, 0);
		release();
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.ok(collector.mostUnacknowledgedBytes <= 18 << 20, `${collector.mostUnacknowledgedBytes} bytes in flight`);
	});

	it("sends a rejected chunk again", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const all = chunks(0, 10);
		const bad = nameToHex(all[4]?.name as Uint8Array);
		let rejections = 0;
		collector.reject = (name) => name === bad && ++rejections <= 2;
		await fixture.capture("c", "vm1", all);
		await using _ = start(fixture, collector);
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.equal(rejections, 3);
		assert.equal(collector.received, 12);
	});

	it("gives up a chunk that is rejected three times, and begins its VM anew while others go on", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const mine = chunks(0, 10);
		const bad = nameToHex(mine[4]?.name as Uint8Array);
		collector.reject = (name) => name === bad;
		await fixture.capture("c0", "vm1", mine);
		await fixture.capture("c1", "vm2", chunks(100, 5));
		const lost: string[] = [];
		await using _ = start(fixture, collector, { onBaseLost: async (vm) => void lost.push(vm) });
		await until(() => collector.changesets.length === 1 && fixture.spool.changesets().length === 0, "vm2");
		assert.deepEqual(lost, ["vm1"]);
		assert.equal(collector.changesets[0]?.vm, "vm2");
		assert.equal(fixture.spool.holds(mine[4]?.name as Uint8Array), false);
		assert.equal(collector.received, 17);
	});

	for (const [title, answer] of [
		["does not know the base", { status: v1.SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN, message: "no base" }],
		["refuses", { status: v1.SubmitStatus.SUBMIT_STATUS_REFUSED, message: "not this one" }],
		["misses chunks that are gone", { status: v1.SubmitStatus.SUBMIT_STATUS_MISSING, missing: Buffer.alloc(32, 7) }],
	] as [string, wire.v1.ISubmitResult][]) {
		it(`drops a VM's changesets and says so where the collector ${title}`, async () => {
			await using fixture = await SpoolFixture.open();
			await using collector = await startCollector();
			collector.answer = ({ vm }) => (vm === "vm1" ? answer : undefined);
			for (let n = 0; n < 6; n++) await fixture.capture(`c${n}`, `vm${(n % 2) + 1}`, chunks(n * 10, 3));
			const lost: string[] = [];
			await using _ = start(fixture, collector, { onBaseLost: async (vm, why) => void lost.push(`${vm}: ${why}`) });
			await until(() => fixture.spool.usedBytes === 0 && collector.changesets.length === 3, "vm2's changesets");
			assert.equal(lost.length, 1);
			assert.match(
				lost[0] as string,
				answer.message === undefined ? /^vm1: .*lacks/ : new RegExp(`^vm1: ${answer.message}`),
			);
			assert.deepEqual(
				collector.changesets.map(({ id }) => id),
				["c1", "c3", "c5"],
			);
		});
	}

	it("submits again where the missing chunks have come back with a later capture", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const shared = chunks(0, 5);
		let asked = 0;
		collector.answer = ({ id }) => {
			if (id !== "c0" || ++asked > 1) return undefined;
			// As a collector that lost them, while another capture brings the same contents again.
			for (const { name, data } of shared) {
				collector.chunks.delete(nameToHex(name));
				void fixture.spool.addChunk(name, "raw", data);
			}
			void fixture.spool.sync();
			return { status: v1.SubmitStatus.SUBMIT_STATUS_MISSING, missing: Buffer.concat(shared.map(({ name }) => name)) };
		};
		await fixture.capture("c0", "vm1", shared);
		const lost: string[] = [];
		await using _ = start(fixture, collector, { onBaseLost: async (vm) => void lost.push(vm) });
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.deepEqual(lost, []);
		assert.equal(asked, 2);
	});

	it("lets a capture larger than the spool wait for room while it drains", async () => {
		await using fixture = await SpoolFixture.open({ limitBytes: 4 << 20 });
		await using collector = await startCollector();
		await using uplink = start(fixture, collector);
		await until(() => uplink.connected, "a connection");
		let most = 0;
		const watch = setInterval(() => {
			most = Math.max(most, fixture.spool.usedBytes);
		}, 1);
		// Nothing leaves before the spool is all but full.
		collector.beforeAck = () => until(() => most > 3 << 20, "a full spool");
		await fixture.capture("c", "vm1", chunks(0, 400));
		clearInterval(watch);
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.ok(most <= 4 << 20, `${most} bytes used`);
		assert.equal(collector.chunks.size, 400);
	});

	it("offers few names together while others are on their way, and many at once", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const acknowledged = Promise.withResolvers<void>();
		collector.beforeAck = () => acknowledged.promise;
		await using _ = start(fixture, collector);
		const add = async (first: number, count: number) => {
			for (const { name, data } of chunks(first, count)) await fixture.spool.addChunk(name, "raw", data);
			await fixture.spool.sync();
		};
		await add(0, 1);
		await until(() => collector.unacknowledgedBytes > 0, "the first chunk");
		for (let n = 1; n < 30; n++) await add(n, 1);
		assert.deepEqual(collector.offers, [1]);
		await add(30, 70);
		await until(() => collector.offers.length > 1, "another offer");
		await add(100, 1);
		acknowledged.resolve();
		await until(() => collector.received === 101 && fixture.spool.usedBytes === 0, "an empty spool");
		const [first = 0, second = 0, third = 0, ...more] = collector.offers;
		assert.deepEqual([first, second + third, more], [1, 100, []]);
		assert.ok(second >= 64, `${second} names in the second offer`);
	});

	it("refuses chunks when the spool is full and no collector is there, and takes them once it is", async () => {
		await using fixture = await SpoolFixture.open({ limitBytes: 4 << 20 });
		await using collector = new CollectorStandIn();
		await collector.listen();
		collector.crash();
		await using _ = start(fixture, collector);
		await assert.rejects(fixture.capture("c0", "vm1", chunks(0, 100)), { code: "limit" });
		assert.equal(fixture.spool.full, true);
		await fixture.spool.sync();
		await collector.listen();
		await until(() => fixture.spool.usedBytes === 0, "an empty spool");
		assert.equal(fixture.spool.full, false);
		await fixture.capture("c1", "vm1", chunks(0, 100));
		await until(() => collector.changesets.length === 1, "the changeset");
		assert.equal(collector.received, 100);
	});

	it("stops draining while the collector cannot take chunks, and keeps the session", async () => {
		await using fixture = await SpoolFixture.open({ limitBytes: 4 << 20 });
		await using collector = await startCollector();
		collector.failUploads = status.RESOURCE_EXHAUSTED;
		await using uplink = start(fixture, collector);
		await until(() => uplink.connected, "a connection");
		await assert.rejects(fixture.capture("c0", "vm1", chunks(0, 100)), { code: "limit" });
		// What it left in memory can be read, and sent, only then.
		await fixture.spool.sync();
		assert.equal(uplink.connected, true);
		assert.equal(collector.hellos.length, 1);
		collector.failUploads = undefined;
		await until(() => fixture.spool.usedBytes === 0, "an empty spool");
	});

	it("skips a chunk that is damaged on disk and brings the others", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		const all = chunks(0, 20);
		await fixture.capture("c0", "vm1", all);
		const [file] = await readdir(join(fixture.folder, "segments"));
		await using handle = await open(join(fixture.folder, "segments", file as string), "r+");
		await handle.write(Buffer.from("damage"), 0, 6, 24 + 7 * (65536 + 60) + 1000);
		const lost: string[] = [];
		await using _ = start(fixture, collector, { onBaseLost: async (vm) => void lost.push(vm) });
		await until(() => lost.length > 0 && fixture.spool.usedBytes === 0, "the loss to be known");
		assert.equal(collector.chunks.size, 19);
		assert.equal(collector.chunks.has(nameToHex(all[7]?.name as Uint8Array)), false);
	});

	it("refuses a collector of another protocol and says which", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		collector.protocol = 2;
		const lines: string[] = [];
		const log = pino({ level: "error" }, { write: (line: string) => void lines.push(line) });
		await using uplink = start(fixture, collector, { log });
		await until(() => lines.length > 0, "an error in the log");
		assert.match(lines[0] as string, /the collector speaks protocol 2, this agent 1/);
		assert.equal(uplink.connected, false);
		assert.equal(collector.heartbeats.length, 0);
	});

	for (const compressed of [true, false]) {
		const how = compressed ? "compressed" : "plain to a collector that knows nothing else";
		it(`sends telemetry again that was not acknowledged, ${how}`, async () => {
			await using fixture = await SpoolFixture.open();
			await using collector = await startCollector();
			collector.takesCompressed = compressed;
			collector.ackTelemetry = false;
			await using uplink = start(fixture, collector);
			await until(() => uplink.connected, "a connection");
			uplink.sendTelemetry(Array.from({ length: 20_000 }, (_, n) => ({ measurement: `m${n}` })));
			uplink.sendTelemetry(Array.from({ length: 500 }, (_, n) => ({ measurement: `m${20_000 + n}` })));
			collector.crash();
			collector.ackTelemetry = true;
			await collector.listen();
			await until(() => collector.samples.at(-1)?.measurement === "m20499", "the last sample");
			assert.deepEqual(
				collector.samples.map(({ measurement }) => measurement),
				Array.from({ length: 20_500 }, (_, n) => `m${n}`),
			);
			assert.equal(collector.compressedBatches > 0, compressed);
			assert.equal(uplink.droppedSamples, 0);
		});
	}

	it("says once that telemetry is dropped, for each time that the collector is away", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		collector.crash();
		const lines: string[] = [];
		const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
		await using uplink = start(fixture, collector, { log, telemetryLimitBytes: 1000 });
		for (let n = 0; n < 5; n++) {
			uplink.sendTelemetry(Array.from({ length: 1000 }, (_, m) => ({ measurement: `m${n}-${m}` })));
		}
		assert.ok(uplink.droppedSamples > 0);
		assert.equal(lines.filter((line) => line.includes("oldest telemetry")).length, 1);
	});

	it("is done soon after it is disposed of, in the middle of everything", async () => {
		await using fixture = await SpoolFixture.open();
		await using collector = await startCollector();
		await fixture.capture("c", "vm1", chunks(0, 300));
		const uplink = start(fixture, collector);
		await until(() => collector.received > 20, "some chunks");
		await uplink[Symbol.asyncDispose]();
		await uplink.finished;
		assert.equal(uplink.connected, false);
	});
});
