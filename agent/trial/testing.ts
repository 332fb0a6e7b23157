/** For the tests of trials: a point of a running guest without a collector, clones of it, and scripts that are run in them. */
import { mkdir, open } from "node:fs/promises";
import { silentLogger } from "../../common/log.ts";
import { openFile } from "../../disk/source/file.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import type { Guest } from "../../test/support/guest.ts";
import { until } from "../../test/support/wait.ts";
import { HashPool } from "../capture/hash-pool.ts";
import { GuestAgent } from "../guest/guest-agent.ts";
import { QemuMachine } from "../hypervisor/qemu-machine.ts";
import { type ReadState, readState } from "../state/state.ts";
import { MemoryChunks } from "../state/testing.ts";
import type { Clone } from "./clone.ts";
import { echoPeer } from "./network/echo-peer.ts";
import { Segment } from "./network/segment.ts";
import type { TrialPoint } from "./template.ts";
import { type TrialLimits, Trials } from "./trials.ts";

const MIB = 2 ** 20;

/** What trials of tests may take, wherever they run: also where a disk is fuller than a hypervisor's should be. */
export function testLimits(slots: number, memoryMb: number): TrialLimits {
	const cgroup = `umbra-test-${process.pid}`;
	return { slots, memory: memoryMb * MIB, cpuShare: 1, cgroup, disk: 2 ** 30, diskFloor: 2 ** 26 };
}

/** Captures a guest; its disks are copied into `folder`. */
export async function capturePoint(guest: Guest, folder: string): Promise<TrialPoint> {
	await using pool = new HashPool(1);
	await using machine = await QemuMachine.connect({
		socketPath: guest.qmpSocket,
		scratchFolder: folder,
		scratchLimit: 2 ** 30,
		log: silentLogger(),
	});
	const chunks = new MemoryChunks();
	const { signal } = new AbortController();
	let state: ReadState | undefined;
	await using snapshot = await machine.openSnapshot({
		disks: new Map((await machine.disks()).map(({ id }) => [id, undefined])),
		ram: {
			allowPause: false,
			read: async (stream, scratchPath) => {
				state = await readState({ stream, scratchPath, pool, chunks, maxWaitMs: 60_000, signal });
			},
		},
	});
	await snapshot.ram?.finished();
	const configuration = snapshot.ram?.configuration;
	if (state === undefined || configuration === undefined) throw new Error("no state");
	const disks = new Map();
	for (const { disk, socketPath, exportName } of snapshot.disks) {
		const image = `${folder}/${disk.id}.point`;
		await using nbd = await NbdClient.connect({ address: { path: socketPath }, exportName, contexts: [] });
		await using file = await open(image, "w");
		for (let at = 0; at < disk.size; at += MIB) await file.write(await nbd.read(at, MIB), 0, MIB, at);
		disks.set(disk.id, await openFile(image));
	}
	const [ram, devices] = [chunks.source(state.ram), chunks.source(state.devices)];
	return { name: "guest@now", machine: configuration, stream: state.shape, ram, devices, disks };
}

/** A clone of `guest` that runs; it lasts as long as what is returned. */
export async function runningClone(guest: Guest, folder: string): Promise<AsyncDisposable & { readonly clone: Clone }> {
	await using stack = new AsyncDisposableStack();
	await mkdir(folder, { recursive: true });
	const point = await capturePoint(guest, folder);
	const trials = stack.use(
		await Trials.open({
			folder: `${folder}/trials`,
			limits: testLimits(1, 4096),
			log: silentLogger(),
		}),
	);
	const template = stack.use(await trials.prepare(point, new AbortController().signal));
	const clone = await template.clone({ segment: new Segment({ peers: [echoPeer()] }) });
	await clone.start();
	const all = stack.move();
	return { clone, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export function agentOf(clone: Clone): GuestAgent {
	const channel = clone.channels.find(({ kind }) => kind === "guest-agent");
	if (channel === undefined) throw new Error("the clone has no place for a guest agent");
	return new GuestAgent(channel);
}

/** Runs scripts in a clone of the test guest, by the port over which the guest itself was spoken to. */
export class CloneShell {
	readonly #clone: Clone;
	#received: Buffer = Buffer.alloc(0);
	#id = 1_000_000;

	constructor(clone: Clone) {
		this.#clone = clone;
		this.#port.onData((bytes) => {
			this.#received = Buffer.concat([this.#received, bytes]);
		});
	}

	/** What it wrote. */
	async run(script: string): Promise<string> {
		const id = String(++this.#id);
		const bytes = Buffer.from(script);
		this.#port.write(Buffer.concat([Buffer.from(`${id} ${bytes.length}\n`), bytes]));
		return await until(
			() => {
				const end = this.#received.indexOf("\n");
				const [answered, , length] = this.#received.toString("utf8", 0, Math.max(0, end)).split(" ");
				if (end < 0 || this.#received.length < end + 1 + Number(length)) return undefined;
				const output = this.#received.toString("utf8", end + 1, end + 1 + Number(length));
				this.#received = this.#received.subarray(end + 1 + Number(length));
				return answered === id ? output : undefined;
			},
			{
				what: `the clone runs "${script}"; its console: ${this.#clone.console().slice(-500)}`,
				...{ timeoutMs: 60_000, intervalMs: 5 },
			},
		);
	}

	get #port() {
		const port = this.#clone.channels.find(({ name }) => name === "umbra.shell");
		if (port === undefined) throw new Error("the clone has no shell");
		return port;
	}
}
