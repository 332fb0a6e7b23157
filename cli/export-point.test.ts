import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { Collector } from "../collector/collector.ts";
import { collectorConfig } from "../collector/config.ts";
import type { ExportView } from "../collector/export/point-export.ts";
import { random, randomBlock, TestAgent, TestVm } from "../collector/ingest/test-agent.ts";
import { silentLogger } from "../common/log.ts";
import { runProgram } from "../packaging/guest/programs.ts";
import { startProgram, startUmbra } from "../test/support/processes.ts";
import { needs } from "../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../test/support/temp.ts";
import { until } from "../test/support/wait.ts";

const NAME = "web/1 ü";

describe("umbra export", needs("nbdcopy", "qemu-img", "qemu-io"), () => {
	const resources = new AsyncDisposableStack();
	const vm = new TestVm(NAME, { vda: 20, "disk/1": 3 });
	let folder: TempFolder;
	let collector: Collector;
	let early: Buffer;

	const start = async () => {
		const listen = { agents: "127.0.0.1:0", api: "127.0.0.1:0" };
		const config = collectorConfig.parse({ dataDir: folder.file("data"), listen });
		return await Collector.start(config, silentLogger());
	};
	before(async () => {
		folder = resources.use(await tempFolder());
		collector = resources.use(await start());
		await using agent = new TestAgent(collector.agentAddress);
		for (let at = 0; at < 12; at++) vm.write("vda", at + 4, randomBlock(random(at), 0.5));
		await vm.capture(agent);
		early = Buffer.from(vm.disks.get("vda")!);
		vm.write("vda", 5, randomBlock(random(99)));
		await vm.capture(agent);
	});
	after(() => resources[Symbol.asyncDispose]());

	const umbra = (...args: string[]) => startUmbra([...args, "--collector", `http://${collector.apiAddress}`]);
	const api = async (path: string, init: RequestInit = {}) => {
		const response = await fetch(`http://${collector.apiAddress}/v1${path}`, init);
		// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
		return { status: response.status, body: (await response.json()) as any };
	};
	/** Those that are open: one may be left of a test that failed. */
	const open = async (): Promise<ExportView[]> => (await api("/exports")).body.items;
	/** The first line that `umbra export --json` prints. */
	const exported = async (program: Awaited<ReturnType<typeof umbra>>) => {
		return JSON.parse((await program.said(/^\{.*\}$/m))[0]);
	};

	it("serves a point until Ctrl-C, is listed meanwhile, and leaves nothing", async () => {
		await using program = await umbra("export", `${NAME}@${vm.timeNs - 1n}`, "--json");
		const view = await exported(program);
		assert.deepEqual(
			view.disks.map(({ disk }: { disk: string }) => disk),
			["vda", "disk/1"],
		);
		const out = folder.file("out.raw");
		await runProgram("nbdcopy", [view.disks[0].uri, out]);
		assert.ok((await readFile(out)).equals(early), "as it was at the point before the newest");
		const listed = async () => (await open()).find(({ id }) => id === view.id);
		const found = await listed();
		assert.equal(found?.vm, NAME);
		assert.ok(found.sentBytes > 0);
		assert.equal(await program.kill("SIGINT"), 0, program.output());
		assert.equal(await listed(), undefined);
		assert.ok(!existsSync(view.listen.replace("unix:", "")));
	});

	it("makes an overlay that can be written, and the same again another time", async () => {
		const [overlay, socket] = [folder.file("over.qcow2"), folder.file("x.sock")];
		const listen = `unix:${socket}`;
		await using first = await umbra("export", NAME, "--disk", "vda", "--listen", listen, "--overlay", overlay);
		// The last line of what it says.
		const again = await first.said(/^ {2}umbra export .*--disk vda --listen \S+$/m);
		assert.ok(again[0].includes(`@${vm.timeNs}`), first.stdout());
		assert.match(first.stdout(), /qemu-system-x86_64 .*over\.qcow2,format=qcow2/);
		await runProgram("qemu-io", ["-f", "qcow2", "-c", "write -P 0x77 0 65536", overlay]);
		await first.kill("SIGTERM");
		assert.ok(!existsSync(socket));
		await using second = await umbra("export", `${NAME}@${vm.timeNs}`, "--disk", "vda", "--listen", listen, "--json");
		await exported(second);
		const wanted = Buffer.from(vm.disks.get("vda")!).fill(0x77, 0, 65536);
		await runProgram("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", overlay, folder.file("flat")]);
		assert.ok((await readFile(folder.file("flat"))).equals(wanted));
		await second.kill("SIGTERM");
	});

	it("refuses what makes no sense, exports nothing then, and says why", async () => {
		await writeFile(folder.file("there.qcow2"), "mine");
		const before = new Set((await open()).map(({ id }) => id));
		for (const [args, code, said] of [
			[["nobody"], 3, /no VM named "nobody"/],
			[[NAME, "--disk", "vdz"], 3, /had no disk "vdz" then; it had vda, disk\/1/],
			[[NAME, "--listen", "0.0.0.0:10809"], 4, /reachable from other machines[\s\S]*ssh -L/],
			[[NAME, "--overlay", folder.file("new.qcow2")], 2, /several disks: vda, disk\/1[\s\S]*--disk/],
			[[NAME, "--disk", "vda", "--overlay", folder.file("there.qcow2")], 1, /there.qcow2 exists/],
		] as const) {
			await using program = await umbra("export", ...args);
			assert.equal(await program.finished, code, program.output());
			assert.match(program.output(), said);
		}
		assert.equal(await readFile(folder.file("there.qcow2"), "utf8"), "mine");
		assert.deepEqual(
			(await open()).filter(({ id }) => !before.has(id)),
			[],
		);
	});

	it("ends by the API, whatever its lease, and answers for what is not there", async () => {
		const points = `/vms/${encodeURIComponent(NAME)}/points/latest/exports`;
		const { status, body } = await api(`${points}?leaseSeconds=3600&listen=127.0.0.1:0`, { method: "POST" });
		assert.equal(status, 201);
		assert.equal((await api(`/exports/${body.id}/renew`, { method: "POST" })).body.id, body.id);
		assert.equal((await api(`/exports/${body.id}`, { method: "DELETE" })).status, 200);
		for (const [path, method] of [
			[`/exports/${body.id}`, "DELETE"],
			[`/exports/${body.id}/renew`, "POST"],
		] as const) {
			assert.equal((await api(path, { method })).body.error.code, "not-found");
		}
		assert.equal((await api(`${points}?leaseSeconds=0`, { method: "POST" })).status, 400);
	});

	it("goes with the collector, cleanly, also for a client that is reading", async () => {
		const points = `/vms/${encodeURIComponent(NAME)}/points/latest/exports`;
		const { body } = await api(`${points}?disk=vda`, { method: "POST" });
		const commands = ["-c", "read 0 1M", "-c", "sleep 60000"];
		await using _reader = await startProgram("qemu-io", ["-r", "-f", "raw", ...commands, body.disks[0].uri]);
		const sent = async () => (await open()).find(({ id }) => id === body.id)?.sentBytes ?? 0;
		await until(async () => (await sent()) > 0, { what: "it reads" });
		await collector[Symbol.asyncDispose]();
		assert.ok(!existsSync(body.listen.replace("unix:", "")));
		collector = resources.use(await start());
		assert.deepEqual((await api("/exports")).body.items, []);
	});
});
