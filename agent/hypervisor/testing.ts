/** For the tests of this folder: a QEMU without an operating system, whose disks change only when the test says so. */
import { mkdir, readdir } from "node:fs/promises";
import { BLOCK_SIZE } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { DIRTY, NbdClient } from "../../disk/source/nbd/client.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { type Program, startProgram } from "../../test/support/processes.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Fleece } from "./fleece.ts";
import type { SnapshotDisk } from "./hypervisor.ts";
import { QmpClient } from "./qmp.ts";

export const KEY = "0123456789ab";

/** Where `qemu-io -d` finds the device `id`: virtio-blk keeps its disk in a part of its own. */
export const virtio = (id: string) => `/machine/peripheral/${id}/virtio-backend`;

/** Arguments for a virtio-blk disk whose id is `id` and whose node is `<id>-node`. */
export function virtioDisk(id: string, path: string, format: "qcow2" | "raw"): string[] {
	const node = {
		driver: format,
		"node-name": `${id}-node`,
		discard: "unmap",
		file: { driver: "file", filename: path, discard: "unmap" },
	};
	return ["-blockdev", JSON.stringify(node), "-device", `virtio-blk-pci,id=${id},drive=${id}-node`];
}

export async function makeImage(path: string, format: "qcow2" | "raw", bytes: number): Promise<string> {
	await runProgram("qemu-img", ["create", "-q", "-f", format, path, String(bytes)]);
	return path;
}

/** The monitor of a QEMU that may still be starting: it listens long before it greets. */
export async function monitorAt(path: string): Promise<QmpClient> {
	const connect = () => QmpClient.connect(path).catch(() => undefined);
	return await until(connect, { what: `the monitor ${path} greets`, timeoutMs: 60_000 });
}

export class BareQemu implements AsyncDisposable {
	readonly temp: TempFolder;
	readonly qmpPath: string;
	/** Disposed with the rest. */
	readonly scratch: string;
	readonly #args: readonly string[];
	#program!: Program;
	/** The test's own monitor. */
	monitor!: QmpClient;

	private constructor(temp: TempFolder, scratch: string, args: readonly string[]) {
		this.temp = temp;
		this.scratch = scratch;
		this.qmpPath = temp.file("qmp");
		this.#args = args;
	}

	/** `make` prepares images in the folder and returns the arguments that use them. */
	static async start(make: (temp: TempFolder) => Promise<readonly string[]>): Promise<BareQemu> {
		const temp = await tempFolder();
		try {
			const qemu = new BareQemu(temp, `${temp.path}/scratch, "1" ü`, await make(temp));
			await mkdir(qemu.scratch);
			await qemu.boot();
			return qemu;
		} catch (error) {
			await temp[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** Starts QEMU, again after it was ended. */
	async boot(): Promise<void> {
		const own = this.temp.file("own");
		this.#program = await startProgram("qemu-system-x86_64", [
			...["-accel", "tcg", "-machine", "pc", "-m", "32", "-display", "none", "-nodefaults"],
			...["-qmp", `unix:${own},server=on,wait=off`, "-qmp", `unix:${this.qmpPath},server=on,wait=off`],
			...this.#args,
		]);
		const ended = this.#program.finished.then(() => {
			throw new Error(`QEMU ended: ${this.#program.output()}`);
		});
		ended.catch(() => {});
		this.monitor = await Promise.race([monitorAt(own), ended]);
	}

	connect(): Promise<QmpClient> {
		return monitorAt(this.qmpPath);
	}

	fleece(qmp: QmpClient, options: { readonly limit?: number; readonly scratch?: string } = {}): Fleece {
		return new Fleece({
			qmp,
			scratchFolder: options.scratch ?? this.scratch,
			scratchLimit: options.limit ?? 2 ** 30,
			machineKey: KEY,
			log: silentLogger(),
		});
	}

	/** What QEMU says to one qemu-io command on a device: "write -P 7 0 64k", "read -P 7 0 64k". */
	async say(device: string, command: string): Promise<string> {
		const line = `qemu-io -d ${device} "${command}"`;
		return String(await this.monitor.execute("human-monitor-command", { "command-line": line }));
	}

	/** As `say`. @throws Error where QEMU complains, or what was read has not the pattern. */
	async io(device: string, command: string): Promise<void> {
		const answer = await this.say(device, command);
		if (/error|fail|invalid|not found/i.test(answer)) throw new Error(`${device}: ${command}: ${answer}`);
	}

	/** Everything of the block layer that a snapshot may leave behind. */
	async graph(): Promise<{ nodes: string[]; drives: string[]; exports: string[]; jobs: string[]; files: string[] }> {
		const nodes = (await this.monitor.execute("query-named-block-nodes", { flat: true })) as { "node-name": string }[];
		const blocks = (await this.monitor.execute("query-block")) as {
			qdev?: string;
			inserted?: { "node-name": string };
		}[];
		const exports = (await this.monitor.execute("query-block-exports")) as { id: string }[];
		const jobs = (await this.monitor.execute("query-jobs")) as { id: string }[];
		return {
			nodes: nodes.map((node) => node["node-name"]).sort(),
			drives: blocks.map(({ qdev, inserted }) => `${qdev}=${inserted?.["node-name"]}`),
			exports: exports.map(({ id }) => id),
			jobs: jobs.map(({ id }) => id),
			files: await readdir(this.scratch),
		};
	}

	/** Names of the bitmaps of a node, with their state. */
	async bitmaps(node: string): Promise<{ name: string; recording: boolean; persistent: boolean }[]> {
		const nodes = (await this.monitor.execute("query-named-block-nodes", { flat: true })) as {
			"node-name": string;
			"dirty-bitmaps"?: { name: string; recording: boolean; persistent: boolean }[];
		}[];
		const found = nodes.find((entry) => entry["node-name"] === node)?.["dirty-bitmaps"] ?? [];
		return found.map(({ name, recording, persistent }) => ({ name, recording, persistent }));
	}

	async status(): Promise<string> {
		return ((await this.monitor.execute("query-status")) as { status: string }).status;
	}

	/** As a power cut. */
	async kill(): Promise<void> {
		await this.#program.kill("SIGKILL");
		await this.monitor[Symbol.asyncDispose]();
	}

	/** A clean end: QEMU stores its bitmaps. */
	async quit(): Promise<void> {
		await this.monitor.execute("quit").catch(() => {});
		await this.#program.finished;
		await this.monitor[Symbol.asyncDispose]();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		await this.temp[Symbol.asyncDispose]();
	}
}

/** What a snapshot's disk holds, and the 64 KiB blocks that its bitmap marks (undefined where the record was lost). */
export async function readSnapshot(disk: SnapshotDisk): Promise<{ bytes: Uint8Array; dirty: number[] | undefined }> {
	const context = disk.tracking.kind === "tracked" ? disk.tracking.context : undefined;
	await using nbd = await NbdClient.connect({
		address: { path: disk.socketPath },
		exportName: disk.exportName,
		contexts: ["base:allocation", ...(context === undefined ? [] : [context])],
	});
	const bytes = await nbd.read(0, nbd.size);
	if (context === undefined) return { bytes, dirty: undefined };
	const dirty: number[] = [];
	for (const { offset, length, flags } of await nbd.statusExtents(context, 0, nbd.size)) {
		if ((flags & DIRTY) === 0) continue;
		for (let at = offset; at < offset + length; at += BLOCK_SIZE) dirty.push(at / BLOCK_SIZE);
	}
	return { bytes, dirty };
}
