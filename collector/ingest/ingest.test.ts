import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { BLOCK_SIZE, nameFromHex } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import { packSamples } from "../../proto/samples.ts";
import { MAX_OFFER_NAMES, toLong, v1, type wire } from "../../proto/service.ts";
import { Catalog } from "../catalog/catalog.ts";
import { pointSource } from "../vault/point-source.ts";
import { Vault } from "../vault/vault.ts";
import { AgentTable } from "./agents.ts";
import { IngestServer } from "./server.ts";
import { TelemetryTable } from "./telemetry.ts";
import { fileChange, type Part, random, randomBlock, rawChunk, TestAgent, TestVm, zstdChunk } from "./test-agent.ts";
import { PointTickets } from "./tickets.ts";

const { SubmitStatus, CaptureMode } = v1;
const NEVER = new AbortController().signal;

/** Everything behind the gRPC port, on real files. */
class Station implements AsyncDisposable {
	readonly folder: string;
	readonly #resources = new AsyncDisposableStack();
	catalog!: Catalog;
	store!: Vault;
	agents!: AgentTable;
	telemetry = new TelemetryTable();
	server!: IngestServer;
	readonly committed: string[] = [];

	private constructor(folder: string) {
		this.folder = folder;
	}

	static async start(folder?: string, token?: string): Promise<Station> {
		const station = new Station(folder ?? (await mkdtemp(join(tmpdir(), "umbra-ingest-"))));
		const resources = station.#resources;
		if (folder === undefined) resources.defer(() => rm(station.folder, { recursive: true, force: true }));
		const log = silentLogger();
		station.catalog = resources.use(await Catalog.open(join(station.folder, "catalog")));
		station.store = resources.use(await Vault.open({ folder: join(station.folder, "vault") }));
		station.agents = new AgentTable({ catalog: station.catalog, log, heartbeatSeconds: 10 });
		station.server = resources.use(
			await IngestServer.start({
				address: { host: "127.0.0.1", port: 0 },
				tls: undefined,
				authorize: (shown) => token === undefined || shown === `Bearer ${token}`,
				catalog: station.catalog,
				store: station.store,
				agents: station.agents,
				tickets: new PointTickets(station.store),
				samples: { take: async (samples) => void station.telemetry.add(samples) },
				committed: (vm) => station.committed.push(vm),
				trialReported: async () => undefined,
				log,
			}),
		);
		return station;
	}

	agent(id?: string, token?: string): TestAgent {
		return new TestAgent(this.server.address, id, token);
	}

	/** The newest point of a disk, read back. */
	async readBack(vm: string, disk: string): Promise<Buffer> {
		const head = await this.catalog.vm(vm);
		assert.ok(head !== undefined);
		const changeset = await this.catalog.changeset(vm, head.headTime);
		const record = changeset?.disks.find((candidate) => candidate.disk === disk);
		assert.ok(record !== undefined);
		const { root, sizeBytes } = record;
		await using source = pointSource(this.store, { root: nameFromHex(root), sizeBytes, name: vm });
		return Buffer.from(await source.read(0, sizeBytes));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources[Symbol.asyncDispose]();
	}
}

function assertStatus(result: wire.v1.SubmitResult.$Properties, wanted: wire.v1.SubmitStatus, message = /^$/): void {
	assert.equal(SubmitStatus[result.status ?? 0], SubmitStatus[wanted], result.message ?? "");
	assert.match(result.message ?? "", message);
}

describe("ingest", () => {
	let station: Station;
	let agent: TestAgent;
	before(async () => {
		station = await Station.start();
		agent = station.agent();
	});
	after(async () => {
		await agent[Symbol.asyncDispose]();
		await station[Symbol.asyncDispose]();
	});

	it("takes a first and a tracked changeset and gives each disk back", async () => {
		const next = random(1);
		const vm = new TestVm("happy", { vda: 40, vdb: 3 });
		for (const at of [0, 1, 7, 39]) vm.write("vda", at, randomBlock(next));
		vm.write("vdb", 2, randomBlock(next, 0.5));
		const first = await vm.capture(agent, [fileChange("/etc/hostname")]);
		assert.deepEqual(await station.readBack("happy", "vda"), vm.disks.get("vda"));
		vm.write("vda", 7, Buffer.alloc(BLOCK_SIZE));
		vm.write("vda", 20, randomBlock(next));
		await vm.capture(agent, [fileChange("/etc/hostname"), fileChange("/srv/a b")]);
		assert.deepEqual(await station.readBack("happy", "vda"), vm.disks.get("vda"));
		assert.deepEqual(await station.readBack("happy", "vdb"), vm.disks.get("vdb"));
		const record = await station.catalog.changesetById(first);
		assert.equal(record?.fileCount, 1);
		const history = await station.catalog.fileHistory("happy", "/etc/hostname");
		assert.equal(history.items.length, 2);
		assert.ok(station.committed.includes("happy"));
	});

	it("keeps who changed a file, who was logged in and what packages did, cleaned of control characters", async () => {
		const vm = new TestVm("causes", { vda: 2 });
		const text = { user: "eve", account: "root", host: "203.0.113.9", tty: "pts/0", process: "cp" };
		const actor = { ...text, time: 1.5, count: 3, action: "write", pid: 7, source: "audit" };
		const owner = { name: "ssh", version: "1:9.2", event: "upgraded", state: "modified", explained: false };
		const parts = vm.parts(
			{
				sessions: [{ user: "eve", tty: "pts/0", host: "203.0.113.9", from: 1, to: 0 }],
				packages: [{ package: "ssh:amd64", before: "1:9.1", after: "1:9.2" }],
			},
			[
				fileChange("/a", { actors: [{ ...actor, executable: "/usr/bin/\u001b[2Jcp" }], package: owner }),
				fileChange("/b"),
			],
		);
		assertStatus(await agent.submit(parts), SubmitStatus.SUBMIT_STATUS_ACCEPTED);
		const time = (await station.catalog.vm("causes"))?.headTime ?? "";
		const changeset = await station.catalog.changeset("causes", time);
		assert.deepEqual(changeset?.sessions, [{ user: "eve", tty: "pts/0", host: "203.0.113.9", from: 1, to: null }]);
		assert.deepEqual(changeset.packages, [{ package: "ssh:amd64", before: "1:9.1", after: "1:9.2" }]);
		const [a, b] = (await station.catalog.fileChanges("causes", time)).items;
		assert.deepEqual(a?.actors, [{ ...actor, executable: "/usr/bin/ [2Jcp" }]);
		assert.deepEqual(a.package, owner);
		assert.equal(b?.actors, undefined);
		assert.equal(b?.package, undefined);
	});

	it("keeps the paths that a file had, and what came and went", async () => {
		const vm = new TestVm("paths", { vda: 2 });
		const { FILE_CHANGE_CREATED, FILE_CHANGE_TRANSIENT, FILE_CHANGE_DELETED } = v1.FileChangeKind;
		const parts = vm.parts({}, [
			fileChange("/a", { change: FILE_CHANGE_CREATED, oldPath: "/a.tmp", via: ["/a.part"] }),
			fileChange("/b", { change: FILE_CHANGE_CREATED }),
			fileChange("/c", { change: FILE_CHANGE_TRANSIENT, oldPath: "/c.tmp" }),
			fileChange("/d", { change: FILE_CHANGE_DELETED, via: ["/bin/d"] }),
		]);
		assertStatus(await agent.submit(parts), SubmitStatus.SUBMIT_STATUS_ACCEPTED);
		const time = (await station.catalog.vm("paths"))?.headTime ?? "";
		const { items } = await station.catalog.fileChanges("paths", time);
		assert.deepEqual(
			items.map(({ change, path, oldPath, via }) => [change, path, oldPath, via]),
			[
				["created", "/a", "/a.tmp", ["/a.part"]],
				["created", "/b", undefined, undefined],
				["transient", "/c", "/c.tmp", undefined],
				["deleted", "/d", undefined, ["/bin/d"]],
			],
		);
	});

	it("says which chunks it lacks, least significant bit first", async () => {
		const next = random(2);
		const blocks = Array.from({ length: 10 }, () => randomBlock(next, 0.5));
		const names = Buffer.concat(blocks.map((block) => rawChunk(block).name ?? new Uint8Array()));
		assert.deepEqual([...(await agent.offer(names))], [0xff, 0x03]);
		await agent.upload([rawChunk(blocks[1]!), zstdChunk(blocks[9]!)]);
		assert.deepEqual([...(await agent.offer(names))], [0xfd, 0x01]);
	});

	it("refuses offers that are not whole names or too many", async () => {
		for (const length of [31, (MAX_OFFER_NAMES + 1) * 32]) {
			await assert.rejects(agent.offer(Buffer.alloc(length)), {
				code: status.INVALID_ARGUMENT,
				details: new RegExp(`^ChunkOffer.names: ${length} bytes`),
			});
		}
	});

	it("rejects a chunk that is not what its name says, and takes it when it is", async () => {
		const block = randomBlock(random(3));
		const good = rawChunk(block);
		const flipped = Buffer.from(block);
		flipped[100]! ^= 1;
		const short = { ...good, data: block.subarray(1) };
		const garbage = { ...zstdChunk(block), data: Buffer.from("no zstd at all") };
		for (const bad of [{ ...good, data: flipped }, short, garbage]) {
			assert.deepEqual(await agent.upload([bad]), [good.name]);
			assert.deepEqual([...(await agent.offer(good.name!))], [1]);
		}
		assert.deepEqual(await agent.upload([good]), []);
		assert.deepEqual([...(await agent.offer(good.name!))], [0]);
	});

	it("ends an upload that breaks the rules", async () => {
		const good = rawChunk(randomBlock(random(4)));
		const cases: [RegExp, wire.v1.ChunkBatch.$Properties][] = [
			[/^ChunkBatch.batch: 2; wanted 1/, { batch: toLong(2), chunks: [good] }],
			[
				/^ChunkBatch.chunks: 65 elements/,
				{ batch: toLong(1), chunks: Array(65).fill({ ...good, data: Buffer.alloc(1) }) },
			],
			[/^ChunkBatch.chunks\[0\].name: 31 bytes/, { batch: toLong(1), chunks: [{ ...good, name: Buffer.alloc(31) }] }],
			[/^ChunkBatch.chunks\[0\].encoding: 7/, { batch: toLong(1), chunks: [{ ...good, encoding: 7 }] }],
		];
		for (const [details, batch] of cases) {
			const stream = agent.uploadStream();
			const { promise, resolve } = Promise.withResolvers<unknown>();
			stream.on("error", resolve).on("data", () => undefined);
			stream.write(batch);
			const error = (await promise) as { code: number; details: string };
			assert.equal(error.code, status.INVALID_ARGUMENT);
			assert.match(error.details, details);
		}
	});

	it("names missing chunks, each once, and takes the changeset after their upload", async () => {
		const next = random(5);
		const vm = new TestVm("missing");
		const [a, b] = [randomBlock(next), randomBlock(next)];
		for (const [at, block] of [a, b, a].entries()) vm.write("vda", at, block);
		const parts = vm.parts();
		const result = await agent.submit(parts);
		assertStatus(result, SubmitStatus.SUBMIT_STATUS_MISSING, /2 or more chunks/);
		assert.deepEqual(Buffer.from(result.missing!), Buffer.concat([rawChunk(a).name!, rawChunk(b).name!]));
		assert.equal(String(result.sequence), "1");
		assert.equal(await station.catalog.vm("missing"), undefined);
		await agent.upload(vm.newChunks());
		assertStatus(await agent.submit(parts), SubmitStatus.SUBMIT_STATUS_ACCEPTED);
		assert.deepEqual(await station.readBack("missing", "vda"), vm.disks.get("vda"));
	});

	it("answers at once when a full answer of names is missing", async () => {
		const names = Buffer.alloc(32 * 8192);
		for (let at = 0; at < 8192; at++) names.writeUInt32LE(at + 1, at * 32);
		const vm = new TestVm("all-missing", { vda: 1 });
		const disks = [{ disk: "vda", sizeBytes: toLong(2 ** 40), mode: CaptureMode.CAPTURE_MODE_FIRST }];
		const parts: Part[] = [{ header: vm.header({ disks }) }];
		for (let at = 0; at < 64; at++) parts.push({ blocks: { disk: "vda", firstBlock: toLong(at * 8192), names } });
		const result = await agent.submit(parts);
		assertStatus(result, SubmitStatus.SUBMIT_STATUS_MISSING, /4096 or more/);
		assert.equal(result.missing?.length, MAX_OFFER_NAMES * 32);
	});

	it("takes a replay for a duplicate, also when many come at once", async () => {
		const vm = new TestVm("twice");
		vm.write("vda", 0, randomBlock(random(6)));
		await agent.upload(vm.newChunks());
		const parts = vm.parts({}, [fileChange("/a")]);
		const others = Array.from({ length: 4 }, (_, at) => station.agent(`agent-1-${at}`));
		const results = await Promise.all([agent, ...others].map((each) => each.submit(parts)));
		for (const other of others) await other[Symbol.asyncDispose]();
		const counts = new Map<string, number>();
		for (const { status: answer } of results) {
			const name = SubmitStatus[answer ?? 0] ?? "";
			counts.set(name, (counts.get(name) ?? 0) + 1);
		}
		assert.deepEqual(Object.fromEntries(counts), { SUBMIT_STATUS_ACCEPTED: 1, SUBMIT_STATUS_DUPLICATE: 4 });
		assert.equal((await station.catalog.changesets("twice")).items.length, 1);
		assertStatus(await agent.submit(parts), SubmitStatus.SUBMIT_STATUS_DUPLICATE);
	});

	it("wants the base to be the newest changeset, or none and every disk first", async () => {
		const vm = new TestVm("base", { vda: 2, vdb: 2 });
		await vm.capture(agent);
		const unknown = SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN;
		const first = CaptureMode.CAPTURE_MODE_FIRST;
		const tracked = CaptureMode.CAPTURE_MODE_TRACKED;
		const disks = (vda: number, vdb: number, names = ["vda", "vdb"]) =>
			[vda, vdb].map((mode, at) => ({ disk: names[at]!, sizeBytes: toLong(2 * BLOCK_SIZE), mode }));
		const submit = (header: wire.v1.ChangesetHeader.$Properties) => agent.submit([{ header: vm.header(header) }]);
		assertStatus(await submit({ baseId: "other" }), unknown, /base_id is other, but the newest .* base-1$/);
		assertStatus(await submit({ baseId: "", disks: disks(first, tracked) }), unknown, /vdb is tracked, but base_id is/);
		assertStatus(await submit({ disks: disks(tracked, tracked, ["vda", "vdc"]) }), unknown, /vdc is tracked, but was/);
		assertStatus(await submit({ vm: "nobody", baseId: "x" }), unknown, /nothing is known of VM nobody/);
		const accepted = SubmitStatus.SUBMIT_STATUS_ACCEPTED;
		// A disk was added.
		assertStatus(await submit({ id: "base-n", disks: disks(tracked, first, ["vda", "vdc"]) }), accepted);
		// The agent lost its state: a new chain, and the history stays.
		assertStatus(await submit({ baseId: "", disks: disks(first, first) }), accepted);
		assert.equal((await station.catalog.changesets("base")).items.length, 3);
	});

	it("follows a disk that grows and shrinks", async () => {
		const next = random(7);
		const vm = new TestVm("resized", { vda: 5 });
		vm.write("vda", 4, randomBlock(next));
		await vm.capture(agent);
		for (const blocks of [1500, 3]) {
			const grown = Buffer.alloc(blocks * BLOCK_SIZE);
			vm.disks.get("vda")?.copy(grown);
			vm.disks.set("vda", grown);
			vm.write("vda", blocks - 1, randomBlock(next));
			await vm.capture(agent);
			assert.ok((await station.readBack("resized", "vda")).equals(grown));
		}
	});

	it("keeps points ascending when an agent's clock goes back or far ahead", async () => {
		const vm = new TestVm("clock");
		const now = nowNs();
		vm.timeNs = now - 3_600_000_000_000n;
		await vm.capture(agent);
		const head = BigInt((await station.catalog.vm("clock"))!.headTime);
		vm.timeNs = 1_000_000_000n;
		const second = await station.catalog.changesetById(await vm.capture(agent));
		assert.equal(BigInt(second!.time), head + 1_000_000n);
		assert.equal(second!.agentTime, "61000000000");
		vm.timeNs = 2n ** 63n;
		const third = await station.catalog.changesetById(await vm.capture(agent));
		assert.ok(BigInt(third!.time) >= now && BigInt(third!.time) <= nowNs());
		assert.equal(third!.agentTime, (2n ** 63n + 60_000_000_000n).toString());
	});

	it("refuses a second machine of the same name while the first one's agent is connected", async () => {
		const [one, two] = [station.agent("agent-a"), station.agent("agent-b")];
		const vm = new TestVm("conflict", { vda: 1 }, "agent-a");
		const send = (who: TestAgent, header: wire.v1.ChangesetHeader.$Properties) =>
			who.submit([{ header: vm.header({ baseId: "", agentId: who.id, ...header }) }]);
		const accepted = SubmitStatus.SUBMIT_STATUS_ACCEPTED;
		const refused = SubmitStatus.SUBMIT_STATUS_REFUSED;
		const session = await one.greet();
		assertStatus(await send(one, { vmUuid: "u1" }), accepted);
		assertStatus(await send(two, { vmUuid: "u2" }), refused, /^vm: another machine named conflict .*rename/);
		assertStatus(await send(two, { vmUuid: "u1" }), accepted); // it moved
		assertStatus(await send(one, { vmUuid: "u1" }), accepted);
		assertStatus(await send(two, { vmUuid: "" }), accepted); // nobody reports it
		const reported = await two.greet({ host: "host-2" });
		reported.stream.write({ heartbeat: { timeNs: toLong(1), vms: [{ vm: "conflict", state: 1 }] } });
		while (!station.agents.reports("agent-b", "conflict")) await new Promise(setImmediate);
		assertStatus(await send(one, { vmUuid: "u1" }), refused, /another machine/);
		reported.stream.end();
		await reported.ended;
		while (station.agents.isAlive("agent-b")) await new Promise(setImmediate);
		assertStatus(await send(one, { vmUuid: "u1" }), accepted);
		session.stream.end();
		await session.ended;
		await one[Symbol.asyncDispose]();
		await two[Symbol.asyncDispose]();
	});

	it("leaves nothing of a stream that is cut, and takes the changeset afterwards", async () => {
		const vm = new TestVm("cut", { vda: 64 });
		const next = random(8);
		for (let at = 0; at < 64; at += 3) vm.write("vda", at, randomBlock(next));
		await agent.upload(vm.newChunks());
		const files = Array.from({ length: 5000 }, (_, at) => fileChange(`/f/${at}`));
		const parts = vm.parts({}, files);
		for (let cut = 1; cut < parts.length; cut++) {
			const { stream, result } = agent.submitStream();
			for (const part of parts.slice(0, cut)) stream.write(part);
			setImmediate(() => stream.cancel());
			await assert.rejects(result, { code: status.CANCELLED });
			assert.equal(await station.catalog.vm("cut"), undefined);
			// Ended as if that were all of it, which is how the cut of a connection may look.
			const short = agent.submitStream();
			for (const part of parts.slice(0, cut)) short.stream.write(part);
			short.stream.end();
			await assert.rejects(short.result, { code: status.UNAVAILABLE, message: /was cut: \d of 6 parts came/ });
			assert.equal(await station.catalog.vm("cut"), undefined);
		}
		assertStatus(await agent.submit(parts), SubmitStatus.SUBMIT_STATUS_ACCEPTED);
		assert.deepEqual(await station.readBack("cut", "vda"), vm.disks.get("vda"));
		let seen = 0;
		const time = (await station.catalog.vm("cut"))!.headTime;
		for (let cursor: string | undefined; ; ) {
			const page = await station.catalog.fileChanges("cut", time, { cursor });
			for (const file of page.items) assert.equal(file.path, `/f/${seen++}`);
			if (page.next === null) break;
			cursor = page.next;
		}
		assert.equal(seen, 5000);
	});
});

describe("a malformed changeset", () => {
	let station: Station;
	let agent: TestAgent;
	before(async () => {
		station = await Station.start();
		agent = station.agent();
	});
	after(async () => {
		await agent[Symbol.asyncDispose]();
		await station[Symbol.asyncDispose]();
	});

	type Header = wire.v1.ChangesetHeader.$Properties;
	const sizeBytes = toLong(16 * BLOCK_SIZE);
	const disk = { disk: "vda", sizeBytes, mode: CaptureMode.CAPTURE_MODE_FIRST };
	const headers: [RegExp, Header][] = [
		[/^id: ""; wanted a name$/, { id: "" }],
		[/^id: "x+"; wanted at most 128 characters, found 129$/, { id: "x".repeat(129) }],
		[/^id: "a\\nb"; wanted no control characters$/, { id: "a\nb" }],
		[/^agent_id: ""/, { agentId: "" }],
		[/^vm: ""/, { vm: "" }],
		[/^vm: "v+"; wanted at most 255/, { vm: "v".repeat(256) }],
		[/^vm: "\\u0000"/, { vm: "\0" }],
		[/^host: /, { host: "\x1b[2J" }],
		[/^vm_uuid: /, { vmUuid: "\t" }],
		[/^base_id: /, { baseId: "\x7f" }],
		[/^time_ns: 0/, { timeNs: toLong(0) }],
		[/^consistency: 9/, { consistency: 9 as number }],
		[/^capture_ns: 18446744073709551615; wanted at most/, { captureNs: toLong(2n ** 64n - 1n) }],
		[/^disks: none/, { disks: [] }],
		[/^disks: 257 elements; wanted at most 256/, { disks: Array.from({ length: 257 }, () => disk) }],
		[/^disks\[1\]\.disk: "vda"; wanted each disk once/, { disks: [disk, disk] }],
		[/^disks\[0\]\.disk: ""/, { disks: [{ ...disk, disk: "" }] }],
		[/^disks\[0\]\.mode: 0/, { disks: [{ ...disk, mode: 0 }] }],
		[/^disks\[0\]\.mode: 4/, { disks: [{ ...disk, mode: 4 as number }] }],
		[
			/^disks\[0\]\.size_bytes: 70368744177665; wanted at most/,
			{ disks: [{ ...disk, sizeBytes: toLong(2 ** 46 + 1) }] },
		],
		[/^disks\[0\]\.entropy_before: NaN/, { disks: [{ ...disk, entropyBefore: Number.NaN }] }],
		[/^disks\[0\]\.entropy_after: 8\.5/, { disks: [{ ...disk, entropyAfter: 8.5 }] }],
		[/^disks\[0\]\.read_bytes: /, { disks: [{ ...disk, readBytes: toLong(2n ** 60n) }] }],
		[/^disks\[0\]\.attribution\.free: /, { disks: [{ ...disk, attribution: { free: toLong(2n ** 60n) } }] }],
		[/^disks\[0\]\.volumes\[0\]\.kind: /, { disks: [{ ...disk, volumes: [{ kind: "\n" }] }] }],
		[/^disks\[0\]\.problems: 257 elements/, { disks: [{ ...disk, problems: Array(257).fill("x") }] }],
	];
	for (const [message, header] of headers) {
		it(`is refused: header ${message.source}`, async () => {
			const vm = new TestVm("malformed", { vda: 16 });
			const result = await agent.submit([{ header: vm.header(header) }]);
			assertStatus(result, SubmitStatus.SUBMIT_STATUS_REFUSED, message);
			assert.equal(String(result.sequence), "1");
		});
	}

	const names = Buffer.alloc(64);
	const file = fileChange("/a");
	const parts: [RegExp, Part[]][] = [
		[/^header: a second one/, [{ header: {} }]],
		[/^blocks\.disk: "vdb"; wanted a disk of the header/, [{ blocks: { disk: "vdb", names } }]],
		[/^blocks\.names: 0 bytes/, [{ blocks: { disk: "vda" } }]],
		[/^blocks\.names: 33 bytes/, [{ blocks: { disk: "vda", names: Buffer.alloc(33) } }]],
		[/^blocks\.names: 262176 bytes/, [{ blocks: { disk: "vda", names: Buffer.alloc(8193 * 32) } }]],
		[
			/^blocks\.entropy: 1 bytes; wanted one a block, 2/,
			[{ blocks: { disk: "vda", names, entropy: Buffer.alloc(1) } }],
		],
		[/^blocks\.first_block: 15 and 2 blocks/, [{ blocks: { disk: "vda", firstBlock: toLong(15), names } }]],
		[
			/^blocks\.first_block: 18446744073709551615/,
			[{ blocks: { disk: "vda", firstBlock: toLong(2n ** 64n - 1n), names } }],
		],
		[
			/^blocks\.first_block: 1; wanted ascending order, 2 or later/,
			[{ blocks: { disk: "vda", names } }, { blocks: { disk: "vda", firstBlock: toLong(1), names } }],
		],
		[/^files\.disk: "vdb"/, [{ files: { disk: "vdb", files: [file] } }]],
		[/^files\.volume: /, [{ files: { disk: "vda", volume: "\0", files: [file] } }]],
		[/^files\.files: 1001 elements/, [{ files: { disk: "vda", files: Array(1001).fill(file) } }]],
		[/^files\.files\[1\]\.change: 0/, [{ files: { disk: "vda", files: [file, { ...file, change: 0 }] } }]],
		[/^files\.files\[0\]\.change: 7/, [{ files: { disk: "vda", files: [{ ...file, change: 7 }] } }]],
		[/^files\.files\[0\]\.type: "door"/, [{ files: { disk: "vda", files: [{ ...file, type: "door" }] } }]],
		[
			/^files\.files\[0\]\.path: "etc"; wanted an absolute path/,
			[{ files: { disk: "vda", files: [{ ...file, path: "etc" }] } }],
		],
		[/^files\.files\[0\]\.path: "\/\\u0000"/, [{ files: { disk: "vda", files: [{ ...file, path: "/\0" }] } }]],
		[
			/^files\.files\[0\]\.path: "\/x+"/,
			[{ files: { disk: "vda", files: [{ ...file, path: `/${"x".repeat(16_384)}` }] } }],
		],
		[/^files\.files\[0\]\.old_path: ""/, [{ files: { disk: "vda", files: [{ ...file, change: 4 }] } }]],
		[
			/^files\.files\[0\]\.via: 9 elements/,
			[{ files: { disk: "vda", files: [{ ...file, via: Array(9).fill("/a") }] } }],
		],
		[/^files\.files\[0\]\.via\[0\]: "a"/, [{ files: { disk: "vda", files: [{ ...file, via: ["a"] }] } }]],
		[
			/^files\.files\[0\]\.size_after: /,
			[{ files: { disk: "vda", files: [{ ...file, sizeAfter: toLong(2n ** 63n) }] } }],
		],
		[
			/^files\.files\[0\]\.entropy_after: Infinity/,
			[{ files: { disk: "vda", files: [{ ...file, entropyAfter: 1 / 0 }] } }],
		],
		[
			/^files\.files\[0\]\.actors: 9 elements/,
			[{ files: { disk: "vda", files: [{ ...file, actors: Array(9).fill({}) }] } }],
		],
		[
			/^files\.files\[0\]\.actors\[0\]\.time: NaN/,
			[{ files: { disk: "vda", files: [{ ...file, actors: [{ time: Number.NaN }] }] } }],
		],
		[/^files\.files\[0\]\.mtime: NaN/, [{ files: { disk: "vda", files: [{ ...file, mtime: Number.NaN }] } }]],
	];
	for (const [message, rest] of parts) {
		it(`is refused: part ${message.source}`, async () => {
			const vm = new TestVm("malformed", { vda: 16 });
			const result = await agent.submit([{ header: vm.header() }, ...rest]);
			assertStatus(result, SubmitStatus.SUBMIT_STATUS_REFUSED, message);
			assert.equal(await station.catalog.vm("malformed"), undefined);
		});
	}

	it("is refused: no header", async () => {
		const wanted = /^header: nothing; wanted the header as the first part/;
		assertStatus(await agent.submit([]), SubmitStatus.SUBMIT_STATUS_REFUSED, wanted);
		assertStatus(await agent.submit([{ files: {} }]), SubmitStatus.SUBMIT_STATUS_REFUSED, wanted);
	});

	it("is refused: an id that another VM has", async () => {
		const vm = new TestVm("owner");
		await vm.capture(agent);
		const other = new TestVm("thief");
		const result = await agent.submit([{ header: other.header({ id: "owner-1" }) }]);
		assertStatus(result, SubmitStatus.SUBMIT_STATUS_REFUSED, /^id: "owner-1"; wanted one that VM owner does not have/);
	});
});

describe("a session", () => {
	it("is welcomed, keeps the agent in the table, and takes orders", async () => {
		await using station = await Station.start();
		await using agent = station.agent();
		const acks: string[] = [];
		const { stream, welcome, ended } = await agent.greet({}, (message) => {
			if (message.telemetryAck) acks.push(String(message.telemetryAck.sequence));
			if (message.order) {
				const { orderId, captureNow } = message.order;
				stream.write({ orderResult: { orderId: orderId!, ok: true, changesetId: `of ${captureNow?.vm}` } });
			}
		});
		assert.equal(welcome?.collectorId, station.catalog.collectorId);
		assert.equal(welcome?.heartbeatSeconds, 10);
		stream.write({
			heartbeat: { timeNs: toLong(5), vms: [{ vm: "v", state: 1, disks: [{ disk: "vda", sizeBytes: toLong(9) }] }] },
		});
		const sample = { measurement: "cpu", tags: { host: "h" }, timeNs: toLong(7), fields: { busy: 0.5 } };
		stream.write({
			telemetry: { sequence: toLong(1), samples: [sample, { ...sample, fields: { busy: Number.NaN } }] },
		});
		assert.equal(welcome?.compressedTelemetry, true);
		const packed = packSamples([{ ...sample, measurement: "ram" }, { measurement: "empty" }]);
		stream.write({ telemetry: { sequence: toLong(2), compressed: packed } });
		while (acks.length < 2) await new Promise(setImmediate);
		assert.deepEqual(acks, ["1", "2"]);
		assert.equal(station.telemetry.dropped, 2);
		assert.deepEqual(station.telemetry.page("ram", {}, { limit: 1 }).items[0]?.tags, { host: "h" });
		assert.deepEqual(station.telemetry.page("cpu", { host: "h" }, { limit: 1 }).items[0]?.fields, { busy: 0.5 });
		assert.equal(station.agents.agentOf("v")?.id, "agent-1");
		const options = { timeoutMs: 60_000, signal: NEVER };
		const result = await station.agents.sendOrder("agent-1", { captureNow: { vm: "v" } }, options);
		assert.equal(result.changesetId, "of v");
		stream.end();
		assert.equal(await ended, undefined);
		while (station.agents.connectedCount > 0) await new Promise(setImmediate);
		assert.equal((await station.catalog.agent("agent-1"))?.host, "host-1");
		await assert.rejects(station.agents.sendOrder("agent-1", {}, options), { code: "unavailable" });
	});

	it("fails an order that is not answered in time, or whose agent goes away", async () => {
		await using station = await Station.start();
		await using agent = station.agent();
		const { stream, ended } = await agent.greet();
		const send = (timeoutMs: number) => station.agents.sendOrder("agent-1", {}, { timeoutMs, signal: NEVER });
		// The longest is beyond what Node's timers take, which then fire at once.
		const lost = Promise.all(
			[60_000, 2 ** 40].map((timeoutMs) =>
				assert.rejects(send(timeoutMs), { code: "unavailable", message: /connection was lost/ }),
			),
		);
		await assert.rejects(send(20), { code: "unavailable", message: /did not answer in 20 ms/ });
		stream.cancel();
		await ended;
		await lost;
	});

	it("is refused for another protocol, no greeting, a bad one, and a copied identity", async () => {
		await using station = await Station.start();
		await using agent = station.agent();
		await assert.rejects(agent.greet({ protocol: 2 }), {
			code: status.FAILED_PRECONDITION,
			details: /^protocol: the agent speaks 2, this collector 1/,
		});
		await assert.rejects(agent.greet({ agentId: "" }), { code: status.INVALID_ARGUMENT, details: /^agent_id/ });
		const silent = agent.session();
		const refused = new Promise<{ code: number }>((resolve) => silent.on("error", resolve).on("data", () => undefined));
		silent.write({ heartbeat: {} });
		assert.equal((await refused).code, status.INVALID_ARGUMENT);
		const first = await agent.greet();
		await assert.rejects(agent.greet({ host: "host-2" }), { code: status.ABORTED, details: /copied machine/ });
		const second = await agent.greet();
		assert.match((await first.ended)?.details ?? "", /connected anew/);
		assert.equal(station.agents.connectedCount, 1);
		second.stream.end();
		await second.ended;
	});
});

describe("a token", () => {
	it("is asked of every call", async () => {
		await using station = await Station.start(undefined, "correct-horse-battery");
		await using stranger = station.agent();
		await using wrong = station.agent("a", "correct-horse-batterx");
		await using friend = station.agent("b", "correct-horse-battery");
		for (const each of [stranger, wrong]) {
			const denied = { code: status.UNAUTHENTICATED, details: /token/ };
			await assert.rejects(each.offer(Buffer.alloc(32)), denied);
			await assert.rejects(each.upload([rawChunk(randomBlock(random(1)))]), denied);
			await assert.rejects(each.submit(new TestVm("t").parts()), denied);
			await assert.rejects(each.greet(), denied);
		}
		assert.deepEqual([...(await friend.offer(Buffer.alloc(32)))], [0]);
	});
});

describe("shutting down", () => {
	it("cuts open streams, ends at once and takes up where it was", async () => {
		const folder = await mkdtemp(join(tmpdir(), "umbra-ingest-"));
		try {
			const vm = new TestVm("restart");
			{
				const station = await Station.start(folder);
				await using agent = station.agent();
				const session = await agent.greet();
				await vm.capture(agent);
				const hanging = agent.submitStream();
				hanging.stream.write({ header: vm.header() });
				const cut = assert.rejects(hanging.result, { code: status.UNAVAILABLE });
				await agent.upload([rawChunk(randomBlock(random(9)))]);
				await station[Symbol.asyncDispose]();
				await cut;
				assert.equal((await session.ended)?.code, status.UNAVAILABLE);
			}
			await using station = await Station.start(folder);
			await using agent = station.agent();
			vm.write("vda", 3, randomBlock(random(10)));
			await vm.capture(agent);
			assert.deepEqual(await station.readBack("restart", "vda"), vm.disks.get("vda"));
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
