import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { get, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { formatTime } from "../../common/units.ts";
import { toLong, v1 } from "../../proto/service.ts";
import { fileChange, random, randomBlock, type TestAgent, TestVm } from "../ingest/test-agent.ts";
import { openChunk, PLAIN_FORM } from "../vault/chunk-form.ts";
import { FrameReader } from "./block-frames.ts";
import { type ApiSite, openSite } from "./testing.ts";

const NAME = "web/1 ü";
const TOKEN = "a-token-of-enough-length";
const DISK = "disk/0";

/** An ext4 image with a few files; made without root. */
async function extImage(folder: string): Promise<Buffer> {
	const tree = join(folder, "tree");
	await mkdir(join(tree, "etc"), { recursive: true });
	await writeFile(join(tree, "etc", "hostname"), "guest\n");
	await writeFile(join(tree, "big"), randomBlock(random(77)));
	for (let at = 0; at < 25; at++) await writeFile(join(tree, "etc", `f${String(at).padStart(2, "0")}`), String(at));
	const image = join(folder, "image");
	execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", tree, image, "8m"]);
	return await readFile(image);
}

describe("the API", () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	let collector: ApiSite["collector"];
	let agent: TestAgent;
	let image: Buffer;
	const vm = new TestVm(NAME, { [DISK]: 1, vdb: 9 });
	const times: bigint[] = [];

	before(async () => {
		site = resources.use(await openSite({ token: TOKEN }));
		({ collector, agent } = site);
		image = await extImage(site.folder);
		vm.disks.set(DISK, Buffer.from(image));
		for (let at = 0; at < 5; at++) {
			vm.write("vdb", at, randomBlock(random(at), 0.5));
			vm.timeNs += 123_456_789n;
			await vm.capture(agent, [fileChange(`/f${at}`), fileChange("/same/path")]);
			times.push(vm.timeNs);
		}
	});
	after(() => resources[Symbol.asyncDispose]());

	const request = (path: string, init?: RequestInit) => site.request(path, init);
	const json = (path: string, status?: number) => site.json(path, status);
	const base = `/v1/vms/${encodeURIComponent(NAME)}`;
	const disk = (time: string, name = DISK) => `${base}/points/${time}/disks/${encodeURIComponent(name)}`;

	it("asks for the token", async () => {
		for (const authorization of ["", "Bearer wrong", TOKEN, `Bearer ${TOKEN}x`]) {
			const response = await request("/v1/health", { headers: { authorization } });
			assert.equal(response.status, 401);
			assert.equal(response.headers.get("www-authenticate"), "Bearer");
			const { error } = (await response.json()) as { error: { code: string; hint: string } };
			assert.equal(error.code, "denied");
			assert.match(error.hint, /Authorization/);
		}
	});

	it("tells how the collector is", async () => {
		const health = await json("/v1/health");
		assert.equal(health.status, "ok");
		assert.ok(health.vault.chunks > 0);
		assert.equal(health.judging.unjudgeable, 0);
	});

	it("lists VMs and shows one", async () => {
		const { items, next } = await json("/v1/vms");
		assert.equal(next, null);
		assert.deepEqual(
			items.map(({ vm, headTime }: { vm: string; headTime: string }) => [vm, headTime]),
			[[NAME, String(times[4])]],
		);
		assert.equal((await json(base)).connected, false);
		const { error } = await json("/v1/vms/nobody", 404);
		assert.equal(error.code, "not-found");
		assert.match(error.message, /"nobody"/);
	});

	it("pages through points in both orders", async () => {
		for (const [order, wanted] of [
			["newest", times.toReversed()],
			["oldest", times],
		] as const) {
			const seen: bigint[] = [];
			let cursor = "";
			do {
				const page = await json(`${base}/points?limit=2&order=${order}${cursor}`);
				assert.ok(page.items.length <= 2);
				for (const { time } of page.items) seen.push(BigInt(time));
				cursor = page.next === null ? "" : `&cursor=${encodeURIComponent(page.next)}`;
			} while (cursor !== "");
			assert.deepEqual(seen, wanted);
		}
		const some = await json(`${base}/points?since=${times[1]}&until=${times[2]}&order=oldest`);
		assert.deepEqual(
			some.items.map(({ time }: { time: string }) => BigInt(time)),
			times.slice(1, 3),
		);
	});

	it("finds a point by its time as printed, exactly, and before a later one", async () => {
		const at = async (time: string) => BigInt((await json(`${base}/changes/${time}`)).changeset.time);
		assert.equal(await at("latest"), times[4]);
		assert.equal(await at(String(times[2])), times[2]);
		assert.equal(await at(formatTime(times[2]!)), times[2]);
		assert.equal(await at(String(times[2]! - 1n)), times[1]);
		assert.equal(await at(formatTime(times[3]! - 60_000_000n)), times[2]);
		const early = await json(`${base}/changes/${times[0]! - 1n}`, 404);
		assert.match(early.error.message, /has no point at or before/);
		const bad = await json(`${base}/changes/yesterday`, 400);
		assert.match(bad.error.message, /^time: not a time: "yesterday"/);
	});

	it("shows changesets, with files, and the history of one path", async () => {
		const plain = await json(`${base}/changes`);
		assert.equal(plain.items.length, 5);
		assert.equal(plain.items[0].files, undefined);
		const full = await json(`${base}/changes?files=1&limit=1`);
		assert.deepEqual(
			full.items[0].files.map(({ path }: { path: string }) => path),
			["/f4", "/same/path"],
		);
		const history = await json(`${base}/changes?path=/same/path&order=oldest`);
		assert.equal(history.items.length, 5);
		assert.deepEqual(history.items[0].files.length, 1);
		const one = await json(`${base}/changes?path=${encodeURIComponent("/f2")}`);
		assert.deepEqual(
			one.items.map(({ time }: { time: string }) => BigInt(time)),
			[times[2]],
		);
		assert.deepEqual((await json(`${base}/changes?path=/f`)).items, []);
		const page = await json(`${base}/changes/latest?limit=1`);
		assert.equal(page.files.items.length, 1);
		const rest = await json(`${base}/changes/latest?limit=1&cursor=${page.files.next}`);
		assert.equal(rest.files.items[0].path, "/same/path");
		assert.equal(rest.files.next, null);
	});

	it("gives a disk back, whole and in ranges, with its root", async () => {
		const response = await request(`${disk("latest", "vdb")}/data`);
		const record = (await json(`${base}/points?limit=1`)).items[0];
		assert.equal(response.headers.get("umbra-root"), record.disks[1].root);
		assert.ok(Buffer.from(await response.arrayBuffer()).equals(vm.disks.get("vdb")!));
		const cases: [string, number, number, number][] = [
			["bytes=0-0", 206, 0, 1],
			["bytes=65530-131079", 206, 65530, 65550],
			["bytes=100-", 206, 100, image.length - 100],
			["bytes=-7", 206, image.length - 7, 7],
			[`bytes=${image.length - 1}-999999999999`, 206, image.length - 1, 1],
		];
		for (const [range, status, offset, length] of cases) {
			const part = await request(`${disk("latest")}/data`, { headers: { range } });
			assert.equal(part.status, status);
			const wanted = `bytes ${offset}-${offset + length - 1}/${image.length}`;
			assert.equal(part.headers.get("content-range"), wanted);
			const bytes = Buffer.from(await part.arrayBuffer());
			assert.ok(bytes.equals(image.subarray(offset, offset + length)), range);
		}
		const beyond = await request(`${disk("latest")}/data`, { headers: { range: `bytes=${image.length}-` } });
		assert.equal(beyond.status, 416);
		assert.equal(beyond.headers.get("content-range"), `bytes */${image.length}`);
		const several = await request(`${disk("latest")}/data`, { headers: { range: "bytes=0-1,3-4" } });
		assert.equal(several.status, 400);
		const none = await json(`${disk("latest", "vdz")}/data`, 404);
		assert.match(none.error.message, /had no disk "vdz" then; it had disk\/0, vdb/);
	});

	it("gives the blocks of a disk as they are stored, under their numbers and names", async () => {
		const blocksOf = async (query: string, first: number, end: number, name = "disk/0") => {
			const response = await request(`${disk("latest", name)}/blocks${query}`);
			assert.equal(response.status, 200);
			const found = Buffer.alloc(Math.max(0, end - first) * BLOCK_SIZE);
			const reader = new FrameReader(end - first);
			for (const { block, name, encoding, data } of reader.push(new Uint8Array(await response.arrayBuffer())))
				found.set(openChunk(PLAIN_FORM, name, encoding, data), block * BLOCK_SIZE);
			reader.end();
			return found;
		};
		const padded = Buffer.concat([image, Buffer.alloc(BLOCK_SIZE)]);
		const count = Math.ceil(image.length / BLOCK_SIZE);
		for (const [query, first, end] of [
			["", 0, count],
			[`?from=${BLOCK_SIZE}&to=${3 * BLOCK_SIZE}`, 1, 3],
			[`?from=${2 * BLOCK_SIZE - 1}&to=${2 * BLOCK_SIZE + 1}`, 1, 3],
			[`?from=${BLOCK_SIZE}&to=${2 ** 50}`, 1, count],
			[`?from=${2 ** 40}`, 0, 0],
		] as const) {
			const wanted = padded.subarray(first * BLOCK_SIZE, end * BLOCK_SIZE);
			assert.ok((await blocksOf(query, first, end)).equals(wanted), query);
		}
		const whole = vm.disks.get("vdb")!;
		assert.ok((await blocksOf("", 0, whole.length / BLOCK_SIZE, "vdb")).equals(whole));
		assert.equal((await request(`${disk("latest")}/blocks`, { method: "HEAD" })).status, 200);
		await json(`${disk("latest", "vdz")}/blocks`, 404);
		await json(`${disk("latest")}/blocks?from=-1`, 400);
	});

	it("gives the disk of an earlier point", async () => {
		const early = Buffer.from(await (await request(`${disk(String(times[0]), "vdb")}/data`)).arrayBuffer());
		const wanted = Buffer.alloc(9 * BLOCK_SIZE);
		wanted.set(randomBlock(random(0), 0.5));
		assert.ok(early.equals(wanted));
	});

	it("survives a client that leaves in the middle", async () => {
		const headers: IncomingHttpHeaders = { authorization: `Bearer ${TOKEN}` };
		await new Promise<void>((resolve) => {
			const leaving = get(`http://${collector.apiAddress}${disk("latest")}/data`, { headers }, (response) => {
				response.once("data", () => response.destroy());
				response.once("close", resolve);
			});
			leaving.once("error", () => resolve());
		});
		assert.equal((await json("/v1/health")).status, "ok");
	});

	it("tells which parts of a disk hold data", async () => {
		const all = await json(`${disk("latest", "vdb")}/extents`);
		assert.deepEqual(all.extents, [
			{ offset: 0, length: 5 * BLOCK_SIZE, kind: "data", zero: false },
			{ offset: 5 * BLOCK_SIZE, length: 4 * BLOCK_SIZE, kind: "zero", zero: true },
		]);
		assert.equal(all.sizeBytes, 9 * BLOCK_SIZE);
		assert.equal(all.next, null);
		const part = await json(`${disk("latest", "vdb")}/extents?from=${4 * BLOCK_SIZE}&to=${6 * BLOCK_SIZE}`);
		assert.deepEqual(part.extents, [
			{ offset: 4 * BLOCK_SIZE, length: BLOCK_SIZE, kind: "data", zero: false },
			{ offset: 5 * BLOCK_SIZE, length: BLOCK_SIZE, kind: "zero", zero: true },
		]);
	});

	it("tells what differs from another point", async () => {
		const all = await json(`${disk("latest", "vdb")}/extents?since=${times[2]}&limit=2`);
		assert.deepEqual(all.extents, [
			{ offset: 0, length: 3 * BLOCK_SIZE, kind: "data", zero: false },
			{ offset: 3 * BLOCK_SIZE, length: 2 * BLOCK_SIZE, kind: "dirty", zero: false },
		]);
		assert.equal(all.since.time, String(times[2]));
		assert.equal(all.next, 5 * BLOCK_SIZE);
		const rest = await json(`${disk("latest", "vdb")}/extents?since=${times[2]}&from=${all.next}`);
		assert.deepEqual(rest.extents, [{ offset: all.next, length: 4 * BLOCK_SIZE, kind: "zero", zero: true }]);
		const backwards = await json(`${disk(String(times[2]), "vdb")}/extents?since=latest&from=${3 * BLOCK_SIZE}`);
		assert.deepEqual(backwards.extents[0], {
			offset: 3 * BLOCK_SIZE,
			length: 2 * BLOCK_SIZE,
			kind: "dirty",
			zero: true,
		});
		assert.equal((await json(`${disk("latest", "vdb")}/extents?since=1`, 404)).error.code, "not-found");
	});

	it("lists folders and streams files of a point", async () => {
		const root = await json(`${base}/points/latest/files`);
		assert.equal(root.kind, "ext4");
		assert.equal(root.disk, DISK);
		assert.ok(root.entries.some(({ name, type }: { name: string; type: string }) => name === "etc" && type === "dir"));
		const names: string[] = [];
		let cursor = "";
		do {
			const page = await json(`${base}/points/latest/files?path=/etc&limit=10${cursor}`);
			names.push(...page.entries.map(({ name }: { name: string }) => name));
			cursor = page.next === null ? "" : `&cursor=${page.next}`;
		} while (cursor !== "");
		assert.equal(new Set(names).size, 26);
		const stat = await json(`${base}/points/latest/files?path=/etc/hostname&disk=${encodeURIComponent(DISK)}&volume=`);
		assert.equal(stat.node.size, 6);
		const content = await request(`${base}/points/latest/content?path=/etc/hostname`);
		assert.equal(await content.text(), "guest\n");
		const part = await request(`${base}/points/latest/content?path=/big`, { headers: { range: "bytes=1000-1099" } });
		assert.equal(part.status, 206);
		assert.ok(Buffer.from(await part.arrayBuffer()).equals(randomBlock(random(77)).subarray(1000, 1100)));
		assert.equal((await json(`${base}/points/latest/content?path=/none`, 404)).error.code, "not-found");
		assert.match((await json(`${base}/points/latest/content?path=/etc`, 400)).error.message, /is a dir; wanted a file/);
		const empty = await json(`${base}/points/latest/files?disk=vdb`, 404);
		assert.match(empty.error.message, /no filesystem that can be read on vdb/);
	});

	it("refuses parameters that it does not know or that make no sense", async () => {
		const cases: [string, RegExp][] = [
			[`${base}/points?limti=3`, /additional properties/],
			[`${base}/points?limit=0`, /limit must be >= 1/],
			[`${base}/points?limit=1001`, /limit must be <= 1000/],
			[`${base}/points?order=random`, /order must be equal/],
			[`${base}/points?cursor=%00`, /not a cursor/],
			[`${base}/points?cursor=AAAA`, /not a cursor/],
			[`${base}/points/latest/files?cursor=QQ`, /not a cursor/],
			[`${base}/changes?path=etc`, /path must match/],
			[`${base}/points/latest/content?disk=vda`, /is not a directory|wanted a file|required|no disk/],
			[`${disk("latest")}/extents?from=-1`, /from must be >= 0/],
		];
		for (const [path, message] of cases) {
			const response = await request(path);
			const { error } = (await response.json()) as { error: { code: string; message: string } };
			assert.ok([400, 404].includes(response.status), `${path}: ${response.status}`);
			assert.match(error.message, message, path);
		}
		assert.equal((await json("/v2/nothing", 404)).error.code, "not-found");
	});

	it("orders a capture and waits for its result", async () => {
		const unknown = await request("/v1/vms/nobody/capture", { method: "POST" });
		assert.equal(unknown.status, 404);
		const offline = await request(`${base}/capture`, { method: "POST" });
		assert.equal(offline.status, 503);
		const session = await agent.greet({}, (message) => {
			const { orderId, captureNow } = message.order ?? {};
			if (!orderId) return;
			const failed = captureNow?.vm === "paused";
			const error = failed ? { errorCode: "conflict", message: "it is paused" } : {};
			session.stream.write({ orderResult: { orderId, ok: !failed, changesetId: "c-9", ...error } });
		});
		const vms = [NAME, "paused"].map((each) => ({ vm: each, state: v1.VmState.VM_STATE_RUNNING }));
		session.stream.write({ heartbeat: { timeNs: toLong(1), vms } });
		const listed = async () => (await json("/v1/agents")).items[0];
		while ((await listed()).heartbeat === null) await new Promise(setImmediate);
		assert.equal((await json(base)).status.state, "running");
		const done = await request(`${base}/capture`, { method: "POST" });
		assert.equal(done.status, 200);
		assert.equal(((await done.json()) as { changesetId: string }).changesetId, "c-9");
		const failed = await request("/v1/vms/paused/capture", { method: "POST" });
		assert.equal(failed.status, 409);
		assert.match(((await failed.json()) as { error: { message: string } }).error.message, /it is paused/);
		session.stream.end();
		await session.ended;
	});

	it("exports a point, and ends it", async () => {
		const url = `${base}/points/latest/exports?disk=${encodeURIComponent(DISK)}`;
		const started = await request(url, { method: "POST" });
		assert.equal(started.status, 201);
		const { id } = (await started.json()) as { id: string };
		assert.equal((await json("/v1/exports")).items[0].id, id);
		for (const [method, path] of [
			["POST", `/v1/exports/${id}/renew`],
			["DELETE", `/v1/exports/${id}`],
		] as const) {
			const response = await request(path, { method });
			assert.equal(((await response.json()) as { id: string }).id, id);
		}
		assert.equal((await request(`/v1/exports/${id}/renew`, { method: "POST" })).status, 404);
	});

	it("answers every question that can be put as the document says", async () => {
		const session = await agent.greet();
		const samples = [{ measurement: "cpu", tags: { host: "h" }, timeNs: toLong(1), fields: { busy: 1 } }];
		session.stream.write({ telemetry: { sequence: toLong(1), samples } });
		while ((await json("/v1/telemetry?host=h")).items.length === 0) await new Promise(setImmediate);
		session.stream.end();
		await session.ended;
		const started = await request("/v1/vault/check?readShare=1", { method: "POST" });
		assert.equal(started.status, 200);
		while ((await json("/v1/vault/job")).state === "running") await new Promise(setImmediate);
		const { head } = await json(`${base}/chain`);
		const { node } = await json(`${base}/points/latest/files?path=/etc/hostname`);
		for (const path of [
			"/v1/openapi.json",
			"/v1/alerts",
			"/v1/anomalies",
			"/v1/vault/stats",
			"/v1/vault/damage",
			"/v1/vault/scrub",
			`${base}/points/latest`,
			`${base}/points/latest/tree?path=/etc`,
			`${base}/points/latest/inodes/${node.inode}/content`,
			`${base}/points/latest/inodes/content?inodes=${node.inode}`,
			`${base}/chain/verify?head=${encodeURIComponent(head)}`,
			`${base}/retention`,
			`${base}/holds`,
		]) {
			const response = await request(path);
			assert.equal(response.status, 200, path);
			await response.arrayBuffer();
		}
		const { conformance } = site;
		const elsewhere = /Trial|Signature|^getLoad$/;
		const missing = conformance
			.operations("get")
			.filter((id) => !conformance.seen.has(`${id} 200`) && !elsewhere.test(id));
		assert.deepEqual(missing.sort(), ["followEvents", "getState", "readState"], "which have tests of their own");
	});
});
