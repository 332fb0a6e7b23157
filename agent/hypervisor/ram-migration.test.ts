import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { until } from "../../test/support/wait.ts";
import type { RamRequest } from "./hypervisor.ts";
import { normaliseArguments, parseNics } from "./machine-configuration.ts";
import { BareQemu, makeImage, virtioDisk } from "./testing.ts";

const MIB = 2 ** 20;
const NOTHING = { exports: [], jobs: [], files: [] };

const machine = (...args: readonly string[]) =>
	BareQemu.start(async (temp) => [
		...virtioDisk("va", await makeImage(temp.file("a"), "qcow2", 4 * MIB), "qcow2"),
		...args,
	]);

/** Reads to the end, and nothing else. */
const readAll: RamRequest["read"] = async (stream) => {
	for await (const _bytes of stream);
};
const request = (ram: Partial<RamRequest> = {}) => ({
	disks: new Map([["va", undefined]]),
	ram: { allowPause: false, read: readAll, ...ram },
});

/** What a capture may leave set. */
async function settings(qemu: BareQemu): Promise<string> {
	const capabilities = await qemu.monitor.execute("query-migrate-capabilities");
	return JSON.stringify([capabilities, await qemu.monitor.execute("query-migrate-parameters")]);
}

describe("a snapshot with RAM", needs("qemu-system-x86_64", "qemu-img"), () => {
	it("lets the machine go on, time after time, and leaves nothing", async () => {
		await using qemu = await machine();
		const [before, graph] = [await settings(qemu), await qemu.graph()];
		await using qmp = await qemu.connect();
		const fleece = qemu.fleece(qmp);
		for (let round = 0; round < 3; round++) {
			await using snapshot = await fleece.open(request());
			assert.equal(await qemu.status(), "running");
			await snapshot.ram?.finished();
			assert.ok(snapshot.pauseNs > 0n);
			assert.equal(snapshot.ram?.configuration.memory.base, 32 * MIB);
			assert.equal(snapshot.disks.length, 1);
		}
		assert.equal(await settings(qemu), before);
		assert.deepEqual({ ...(await qemu.graph()), ...NOTHING }, { ...graph, ...NOTHING });
		assert.deepEqual((await qemu.graph()).files, []);
	});

	it("is given up where reading fails: QEMU stops sending, and the next one works", async () => {
		await using qemu = await machine();
		const before = await settings(qemu);
		await using qmp = await qemu.connect();
		const fleece = qemu.fleece(qmp);
		const failure = new Error("the spool is full");
		{
			await using snapshot = await fleece.open(
				request({
					read: async (stream) => {
						for await (const _bytes of stream) throw failure;
					},
				}),
			);
			await assert.rejects(snapshot.ram?.finished() ?? assert.fail("no RAM"), (error) => error === failure);
			assert.equal(await qemu.status(), "running");
		}
		assert.equal(await settings(qemu), before);
		await using snapshot = await fleece.open(request());
		await snapshot.ram?.finished();
	});

	it("is taken down by the next agent where one dies with it open", async () => {
		await using qemu = await machine();
		const before = await settings(qemu);
		{
			const qmp = await qemu.connect();
			const { promise, resolve } = Promise.withResolvers<void>();
			// It reads nothing more, as the dead do.
			const read = async (stream: AsyncIterable<Uint8Array>) => {
				for await (const _bytes of stream) {
					resolve();
					await new Promise((_, reject) => qmp.closed.addEventListener("abort", reject, { once: true }));
				}
			};
			await qemu.fleece(qmp).open(request({ read }));
			await promise;
			await qmp[Symbol.asyncDispose]();
		}
		assert.notEqual(await settings(qemu), before);
		await using qmp = await qemu.connect();
		await qemu.fleece(qmp).clean();
		assert.equal(await settings(qemu), before);
		await until(async () => (await qemu.status()) === "running", { what: "the machine runs" });
		assert.deepEqual((await qemu.graph()).files, []);
		await using snapshot = await qemu.fleece(qmp).open(request());
		await snapshot.ram?.finished();
	});

	it("is refused for a machine that stands still, and for RAM that others share unless a pause is allowed", async () => {
		await using qemu = await machine(
			...["-object", "memory-backend-memfd,id=ram0,size=32M,share=on", "-machine", "memory-backend=ram0"],
		);
		await using qmp = await qemu.connect();
		const fleece = qemu.fleece(qmp);
		const graph = await qemu.graph();
		await assert.rejects(
			fleece.open(request()),
			(error) => isUmbraError(error, "unsupported") && /shared with other processes \(ram0\)/.test(error.message),
		);
		assert.deepEqual(await qemu.graph(), graph);
		{
			await using snapshot = await fleece.open(request({ allowPause: true }));
			await snapshot.ram?.finished();
		}
		await qemu.monitor.execute("stop");
		await assert.rejects(
			fleece.open(request({ allowPause: true })),
			(error) => isUmbraError(error, "conflict") && error.hint !== undefined,
		);
		assert.equal(await qemu.status(), "paused");
	});

	it("is taken of a machine that may do as little as libvirt leaves it", async () => {
		const sandbox = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
		await using qemu = await machine("-sandbox", sandbox);
		await using qmp = await qemu.connect();
		await using snapshot = await qemu.fleece(qmp).open(request());
		await snapshot.ram?.finished();
		assert.equal(await qemu.status(), "running");
	});
});

describe("normaliseArguments", () => {
	it("leaves out surroundings and blots out secrets", () => {
		const args = [
			...["-name", "web", "--nodefaults", "-machine", "pc", "-qmp", "unix:/run/q,server=on", "-S", "-daemonize"],
			...[
				"-object",
				"secret,id=s0,data=hunter2,format=raw",
				"-object",
				'{"qom-type":"secret","id":"s","data":"hunter2"}',
			],
			...["-append", "-x console=ttyS0", "-m", "512", "-no-reboot", "-smp", "2", "-pidfile", "/run/p"],
		];
		assert.deepEqual(normaliseArguments(args), [
			...["-nodefaults", "-machine", "pc", "-object", "secret,id=s0,data=-,format=raw"],
			...["-object", '{"qom-type":"secret","id":"s","data":"-"}', "-append", "-x console=ttyS0", "-m", "512"],
			...["-no-reboot", "-smp", "2"],
		]);
	});
});

describe("parseNics", () => {
	it("reads cards with what they are plugged into", () => {
		const text =
			"net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:AB\r\n \\ n0: index=0,type=tap,ifname=vnet0\r\n" +
			"net1: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:57\r\nhub0: index=0,type=user,net=10.0.2.0\r\n";
		assert.deepEqual(parseNics(text), [
			{ id: "net0", model: "virtio-net-pci", mac: "52:54:00:12:34:ab", backend: "tap" },
			{ id: "net1", model: "e1000", mac: "52:54:00:12:34:57", backend: "" },
		]);
	});
});
