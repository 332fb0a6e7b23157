/**
 * A QEMU without an operating system in it: its disks change only when the test says so, through the
 * devices as a guest would write. Starts in a moment, so it can be killed and started again many times.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { QmpClient } from "../../agent/hypervisor/qmp.ts";
import { monitorAt } from "../../agent/hypervisor/testing.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { type Program, startProgram } from "./processes.ts";

export interface BareDisk {
	/** The device's id. */
	readonly id: string;
	readonly path: string;
	readonly format: "qcow2" | "raw";
}

export interface BareMachineOptions {
	readonly name: string;
	readonly folder: string;
	readonly disks: readonly BareDisk[];
}

export class BareMachine implements AsyncDisposable {
	/** For the agent. */
	readonly qmpSocket: string;
	readonly program: Program;
	/** The test's own monitor. */
	readonly monitor: QmpClient;

	readonly #folder: string;

	private constructor(folder: string, qmpSocket: string, program: Program, monitor: QmpClient) {
		this.#folder = folder;
		this.qmpSocket = qmpSocket;
		this.program = program;
		this.monitor = monitor;
	}

	static async start({ name, folder, disks }: BareMachineOptions): Promise<BareMachine> {
		const qmpSocket = join(folder, `${name}.qmp`);
		const own = join(folder, `${name}.monitor`);
		const program = await startProgram("qemu-system-x86_64", [
			...["-name", name, "-accel", "tcg", "-m", "32", "-display", "none", "-nodefaults"],
			...["-qmp", `unix:${own},server=on,wait=off`, "-qmp", `unix:${qmpSocket},server=on,wait=off`],
			...disks.flatMap(({ id, path, format }) => [
				...[
					"-blockdev",
					JSON.stringify({
						driver: format,
						"node-name": `${id}-format`,
						discard: "unmap",
						file: { driver: "file", filename: path, discard: "unmap" },
					}),
				],
				...["-device", `virtio-blk-pci,id=${id},drive=${id}-format`],
			]),
		]);
		try {
			return new BareMachine(folder, qmpSocket, program, await monitorAt(own));
		} catch (error) {
			await program[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** One qemu-io command on a device: "write -P 7 0 64k", "discard 0 1M", "flush". */
	async io(disk: string, command: string): Promise<void> {
		const line = `qemu-io -d /machine/peripheral/${disk}/virtio-backend "${command}"`;
		const answer = String(await this.monitor.execute("human-monitor-command", { "command-line": line }));
		if (/error|failed|invalid/i.test(answer)) throw new Error(`${command}: ${answer}`);
	}

	/** Writes to a disk what differs between two images of it, block by block. */
	async writeDifference(disk: string, from: Buffer, to: Buffer): Promise<void> {
		const file = join(this.#folder, `${disk}.block`);
		for (let at = 0; at < to.length; at += BLOCK_SIZE) {
			const block = to.subarray(at, at + BLOCK_SIZE);
			if (block.equals(from.subarray(at, at + BLOCK_SIZE))) continue;
			await writeFile(file, block);
			await this.io(disk, `write -s ${file} ${at} ${block.length}`);
		}
		await this.io(disk, "flush");
	}

	/** As a power cut. */
	async kill(): Promise<void> {
		await this.program.kill("SIGKILL");
		await this.monitor[Symbol.asyncDispose]();
	}

	/** A clean end: QEMU writes what it keeps in its images, such as bitmaps. */
	async quit(): Promise<void> {
		await this.monitor.execute("quit").catch(() => {});
		await this.program.finished;
		await this.monitor[Symbol.asyncDispose]();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
	}
}
