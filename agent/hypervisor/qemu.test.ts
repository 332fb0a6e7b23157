import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { type Program, startProgram } from "../../test/support/processes.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import type { Machine } from "./hypervisor.ts";
import { QemuHypervisor, type QemuOptions } from "./qemu.ts";
import { QmpClient } from "./qmp.ts";
import { KEY, makeImage, monitorAt, virtioDisk } from "./testing.ts";

class Stage implements AsyncDisposable {
	readonly temp: TempFolder;
	readonly found: Machine[] = [];
	readonly problems: { where: string; error: unknown }[] = [];
	hypervisor!: QemuHypervisor;

	constructor(temp: TempFolder) {
		this.temp = temp;
	}

	static async make(sockets: readonly string[] = ["*.qmp"], rest: Partial<QemuOptions> = {}): Promise<Stage> {
		const stage = new Stage(await tempFolder());
		await mkdir(stage.temp.file("scratch"));
		stage.hypervisor = await QemuHypervisor.start(
			{
				sockets: sockets.map((pattern) => stage.temp.file(pattern)),
				names: new Map(),
				scratchFolder: stage.temp.file("scratch"),
				scratchLimit: 2 ** 30,
				scanInterval: 20,
				log: silentLogger(),
				...rest,
			},
			{
				onMachine: (machine) => stage.found.push(machine),
				onProblem: (where, error) => stage.problems.push({ where, error }),
			},
		);
		return stage;
	}

	async qemu(name: string, socket: string, ...args: readonly string[]): Promise<Program> {
		return await startProgram("qemu-system-x86_64", [
			...["-S", "-accel", "tcg", "-m", "16", "-display", "none", "-nodefaults"],
			...(name === "" ? [] : ["-name", name]),
			...["-qmp", `unix:${this.temp.file(socket)},server=on,wait=off`, ...args],
		]);
	}

	names(): string[] {
		return [...this.hypervisor.machines.keys()].sort();
	}

	async has(...names: readonly string[]): Promise<void> {
		const wanted = [...names].sort().join();
		await until(() => this.names().join() === wanted, { what: `machines ${wanted}, not ${this.names()}` });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.hypervisor[Symbol.asyncDispose]();
		await this.temp[Symbol.asyncDispose]();
	}
}

/** A socket at which nobody listens any more. */
async function deadSocket(path: string): Promise<void> {
	const server = createServer().listen(`${path}-`);
	await once(server, "listening");
	// Closing a server removes its socket's file; a crash does not.
	await rename(`${path}-`, path);
	server.close();
}

describe("QemuHypervisor", needs("qemu-system-x86_64", "qemu-img"), () => {
	it("finds machines that come, forgets those that go, and finds them again", async () => {
		await using stage = await Stage.make();
		await stage.has();
		await using one = await stage.qemu("web/1 ü", "a.qmp", "-uuid", "11111111-2222-3333-4444-555555555555");
		await using _two = await stage.qemu("", "b.qmp");
		await stage.has("b", "web/1 ü");
		const [machine] = [stage.hypervisor.machines.get("web/1 ü")];
		assert.equal(machine?.uuid, "11111111-2222-3333-4444-555555555555");
		assert.equal(await machine?.state(), "paused");
		const refusals = () => stage.problems.filter(({ error }) => /ECONNREFUSED/.test(messageOf(error))).length;
		const before = refusals();
		await one.kill();
		await stage.has("b");
		assert.ok(machine?.gone.aborted);
		// QEMU left its socket's file behind, as a crash does: nothing that an operator has to hear every two seconds.
		await using _again = await stage.qemu("web/1 ü", "a.qmp");
		await stage.has("b", "web/1 ü");
		assert.equal(stage.found.length, 3);
		assert.ok(refusals() <= before + 1, `${refusals() - before} problems`);
	});

	it("leaves out the second of two that are called alike, says so once, and takes it when the first is gone", async () => {
		await using stage = await Stage.make();
		await using first = await stage.qemu("web", "a.qmp");
		await stage.has("web");
		// So it is for a moment with every QEMU that starts, and that is told too.
		await deadSocket(stage.temp.file("b.qmp"));
		await until(() => stage.problems.length > 0, { what: "nobody listens" });
		await using _second = await stage.qemu("web", "b.qmp");
		const conflicts = () => stage.problems.filter(({ error }) => isUmbraError(error, "conflict"));
		await until(() => conflicts().length > 0, { what: "the conflict" });
		assert.equal(conflicts()[0]?.where, stage.temp.file("b.qmp"));
		await first.kill();
		await until(() => stage.found.length === 2, { what: "the second machine" });
		await stage.has("web");
		assert.equal(conflicts().length, 1);
	});

	it("calls a machine what the operator does", async () => {
		await using stage = await Stage.make(["*.qmp"], { names: { get: () => "mail" } as unknown as Map<string, string> });
		await using _one = await stage.qemu("instance-00000017", "17.qmp");
		await stage.has("mail");
	});

	it("is not held up by a monitor that never greets, nor by what is no socket", async () => {
		const findsBeside = async () => {
			await using stage = await Stage.make();
			const mute = createServer().listen(stage.temp.file("0.qmp"));
			await once(mute, "listening");
			await writeFile(stage.temp.file("1.qmp"), "");
			await using _one = await stage.qemu("web", "a.qmp");
			await stage.has("web");
			const before = stage.problems.length;
			await until(() => stage.problems.length > 0, { what: "the mute one is given up" });
			mute.close();
			return before === 0;
		};
		// A QEMU that takes seconds to start may be found after that all the same.
		await until(findsBeside, { what: "it is found before the mute one is given up", timeoutMs: 60_000 });
	});

	it("closes while a monitor is still being waited for", async () => {
		const stage = await Stage.make();
		const mute = createServer();
		const met = once(mute, "connection");
		mute.listen(stage.temp.file("0.qmp"));
		await met;
		await stage[Symbol.asyncDispose]();
		mute.close();
		assert.deepEqual(stage.problems, [], "being told to stop is no problem of a VM");
	});

	it("lets go of the monitors when it closes", async () => {
		const stage = await Stage.make();
		await using program = await stage.qemu("web", "a.qmp");
		await stage.has("web");
		const socket = stage.temp.file("a.qmp");
		await stage.hypervisor[Symbol.asyncDispose]();
		await using client = await QmpClient.connect(socket);
		await client.execute("query-status");
		await stage[Symbol.asyncDispose]();
		await program.kill();
	});

	it("removes what agents left of machines that died with them, and nothing else", async () => {
		await using temp = await tempFolder();
		const scratch = temp.file("scratch");
		await mkdir(scratch);
		for (const name of [`${KEY}-0.scratch`, `${KEY}-12.scratch`, "notes.txt", "my.scratch", `x${KEY}-0.scratch`])
			await writeFile(`${scratch}/${name}`, "");
		const live = createServer().listen(`${scratch}/${KEY}.nbd`);
		await once(live, "listening");
		await deadSocket(`${scratch}/aaaaaaaaaaaa.nbd`);
		const events = { onMachine: () => {}, onProblem: () => {} };
		const rest = { names: new Map(), scratchLimit: 1, scanInterval: 1000, log: silentLogger() };
		await using _ = await QemuHypervisor.start({ sockets: [], scratchFolder: scratch, ...rest }, events);
		assert.deepEqual((await readdir(scratch)).sort(), [`${KEY}.nbd`, "my.scratch", "notes.txt", `x${KEY}-0.scratch`]);
		live.close();
	});

	it("refuses a scratch folder that cannot be made", async () => {
		await using temp = await tempFolder();
		await writeFile(temp.file("file"), "");
		await assert.rejects(
			QemuHypervisor.start(
				{
					sockets: [],
					names: new Map(),
					scratchFolder: temp.file("file/scratch"),
					scratchLimit: 1,
					scanInterval: 1000,
					log: silentLogger(),
				},
				{ onMachine: () => {}, onProblem: () => {} },
			),
			(error) => isUmbraError(error, "bad-config"),
		);
	});

	it("cleans up after an agent that died, as soon as it finds the machine", async () => {
		await using stage = await Stage.make(["later.qmp"]);
		const disk = virtioDisk("va", await makeImage(stage.temp.file("a"), "qcow2", 2 ** 20), "qcow2");
		await using _one = await stage.qemu("web", "early.qmp", ...disk);
		{
			await using qmp = await monitorAt(stage.temp.file("early.qmp"));
			await qmp.execute("blockdev-add", { driver: "null-co", "node-name": "umbra-bounded-0", size: 65536 });
		}
		await rename(stage.temp.file("early.qmp"), stage.temp.file("later.qmp"));
		await stage.has("web");
		await stage.hypervisor[Symbol.asyncDispose]();
		await using qmp = await QmpClient.connect(stage.temp.file("later.qmp"));
		const nodes = (await qmp.execute("query-named-block-nodes", { flat: true })) as { "node-name": string }[];
		assert.ok(!nodes.some((node) => node["node-name"].startsWith("umbra-")));
	});
});
