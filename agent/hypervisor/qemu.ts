/**
 * Finds QEMU processes by their QMP sockets: a list of paths and globs, looked at again and again, since
 * VMs come and go while the agent runs.
 */
import { glob, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, messageOf, UmbraError } from "../../common/errors.ts";
import { makeFolders } from "../../common/folders.ts";
import type { Logger } from "../../common/log.ts";
import { removeLeftovers } from "./fleece.ts";
import type { Hypervisor, HypervisorEvents, Machine } from "./hypervisor.ts";
import { QemuMachine } from "./qemu-machine.ts";

export interface QemuOptions {
	/** Paths or globs of QMP sockets. */
	readonly sockets: readonly string[];
	/** Names given by the operator, by socket path. */
	readonly names: ReadonlyMap<string, string>;
	readonly scratchFolder: string;
	/** Bytes a disk. */
	readonly scratchLimit: number;
	/** Milliseconds between two looks. */
	readonly scanInterval: number;
	readonly log: Logger;
}

/** A socket that could not be reached is tried again after this many looks, doubling up to the last. */
const MAX_SKIPPED_LOOKS = 16;

export class QemuHypervisor implements Hypervisor {
	readonly #options: QemuOptions;
	readonly #events: HypervisorEvents;
	readonly #machines = new Map<string, QemuMachine>();
	readonly #bySocket = new Map<string, QemuMachine>();
	/** Sockets that are being connected to: a machine that does not answer must not hide the others. */
	readonly #connecting = new Map<string, Promise<void>>();
	/** Sockets that failed: how many looks to skip now, and the next time; and what was told of it. */
	readonly #failed = new Map<string, { skip: number; next: number; told: string }>();
	readonly #stop = new AbortController();
	readonly finished: Promise<void>;

	private constructor(options: QemuOptions, events: HypervisorEvents) {
		this.#options = options;
		this.#events = events;
		this.finished = this.#run();
	}

	static async start(options: QemuOptions, events: HypervisorEvents): Promise<QemuHypervisor> {
		try {
			makeFolders(options.scratchFolder, 0o770);
		} catch (error) {
			throw new UmbraError("bad-config", `cannot make the scratch folder ${options.scratchFolder}`, { cause: error });
		}
		await removeLeftovers(options.scratchFolder);
		return new QemuHypervisor(options, events);
	}

	get machines(): ReadonlyMap<string, Machine> {
		return this.#machines;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => {}); // Whoever awaits `finished` sees it.
		await Promise.all(this.#connecting.values());
		for (const machine of this.#bySocket.values()) await machine[Symbol.asyncDispose]();
	}

	async #run(): Promise<void> {
		const { signal } = this.#stop;
		while (!signal.aborted) {
			try {
				await this.#look();
				await sleep(this.#options.scanInterval, undefined, { signal });
			} catch (error) {
				if (!isAbort(error)) throw error;
			}
		}
	}

	async #look(): Promise<void> {
		const found = new Set<string>();
		for (const pattern of this.#options.sockets) {
			for await (const path of glob(pattern)) {
				const entry = await stat(path).catch(() => undefined);
				if (entry?.isSocket() === true) found.add(path);
			}
		}
		for (const path of this.#failed.keys()) if (!found.has(path)) this.#failed.delete(path);
		for (const path of found) {
			if (this.#bySocket.has(path) || this.#connecting.has(path)) continue;
			this.#connecting.set(
				path,
				this.#tryConnect(path).finally(() => this.#connecting.delete(path)),
			);
		}
	}

	async #tryConnect(socketPath: string): Promise<void> {
		const failure = this.#failed.get(socketPath);
		if (failure !== undefined && failure.skip > 0) {
			failure.skip--;
			return;
		}
		const { scratchFolder, scratchLimit, log } = this.#options;
		const name = this.#options.names.get(socketPath);
		try {
			const machine = await QemuMachine.connect({
				socketPath,
				scratchFolder,
				scratchLimit,
				log,
				signal: this.#stop.signal,
				...(name === undefined ? {} : { name }),
			});
			if (machine.gone.aborted) throw machine.gone.reason;
			if (this.#machines.has(machine.name)) {
				await machine[Symbol.asyncDispose]();
				throw new UmbraError("conflict", `two VMs are called ${machine.name}; the one at ${socketPath} is left out`, {
					context: { path: socketPath },
					hint: "give one of them a name of its own in the agent's config (vms: - socket: ... name: ...)",
				});
			}
			this.#failed.delete(socketPath);
			this.#bySocket.set(socketPath, machine);
			this.#machines.set(machine.name, machine);
			machine.gone.addEventListener("abort", () => {
				this.#bySocket.delete(socketPath);
				this.#machines.delete(machine.name);
			});
			this.#events.onMachine(machine);
		} catch (error) {
			if (this.#stop.signal.aborted) return;
			const next = Math.min((failure?.next ?? 1) * 2, MAX_SKIPPED_LOOKS);
			const told = messageOf(error);
			this.#failed.set(socketPath, { skip: next, next, told });
			// Socket files outlive their QEMU: say it once, not at every look. What comes later may be something else.
			if (failure?.told !== told) this.#events.onProblem(socketPath, error);
		}
	}
}
