/** One virtual machine behind a QMP monitor. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { z } from "zod";
import type { Logger } from "../../common/log.ts";
import { queryDevices } from "./block-graph.ts";
import { Fleece } from "./fleece.ts";
import type {
	DiskInfo,
	Machine,
	MachineReading,
	MachineState,
	ReadingRequest,
	Snapshot,
	SnapshotRequest,
} from "./hypervisor.ts";
import { QemuTelemetry } from "./qemu-telemetry.ts";
import { QmpClient } from "./qmp.ts";

export interface QemuMachineOptions {
	readonly socketPath: string;
	/** What an operator calls it; else QEMU's `-name`, else the socket's file name. */
	readonly name?: string;
	readonly scratchFolder: string;
	readonly scratchLimit: number;
	readonly log: Logger;
	readonly signal?: AbortSignal;
}

const NO_UUID = "00000000-0000-0000-0000-000000000000";

export class QemuMachine implements Machine, AsyncDisposable {
	readonly name: string;
	readonly uuid: string;
	readonly socketPath: string;
	readonly #qmp: QmpClient;
	readonly #fleece: Fleece;
	readonly #telemetry: QemuTelemetry;

	private constructor(qmp: QmpClient, name: string, uuid: string, fleece: Fleece, log: Logger) {
		this.#qmp = qmp;
		this.#telemetry = new QemuTelemetry({ qmp, still: () => fleece.still, log });
		this.socketPath = qmp.path;
		this.name = name;
		this.uuid = uuid;
		this.#fleece = fleece;
	}

	get gone(): AbortSignal {
		return this.#qmp.closed;
	}

	/** Connects, and takes down what an agent that died may have left in the machine. */
	static async connect(options: QemuMachineOptions): Promise<QemuMachine> {
		const qmp = await QmpClient.connect(options.socketPath, options.signal);
		try {
			const { name } = z.object({ name: z.string().optional() }).parse(await qmp.execute("query-name"));
			const { UUID } = z.object({ UUID: z.string() }).parse(await qmp.execute("query-uuid"));
			const fleece = new Fleece({
				qmp,
				scratchFolder: options.scratchFolder,
				scratchLimit: options.scratchLimit,
				machineKey: createHash("sha256").update(options.socketPath).digest("hex").slice(0, 12),
				log: options.log,
			});
			await fleece.clean();
			const fallback = basename(options.socketPath).replace(/\.(?:qmp|sock|monitor)+$/g, "");
			const uuid = UUID === NO_UUID ? "" : UUID;
			return new QemuMachine(qmp, options.name ?? name ?? fallback, uuid, fleece, options.log);
		} catch (error) {
			await qmp[Symbol.asyncDispose]();
			throw error;
		}
	}

	async state(): Promise<MachineState> {
		const { status } = (await this.#qmp.execute("query-status")) as { status?: string };
		if (status === "running") return "running";
		return status === undefined ? "unknown" : "paused";
	}

	async disks(): Promise<DiskInfo[]> {
		return (await queryDevices(this.#qmp)).map(({ id, size, format }) => ({ id, size, format }));
	}

	openSnapshot(request: SnapshotRequest): Promise<Snapshot> {
		return this.#fleece.open(request);
	}

	read(request: ReadingRequest): Promise<MachineReading> {
		return this.#telemetry.read(request);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#qmp[Symbol.asyncDispose]();
	}
}
