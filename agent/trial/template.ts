/**
 * A captured state, made ready to be cloned: its RAM in sealed memory that all clones map, the state of its devices in a
 * file, its disks served. What is made of it lies in one folder and ends with it.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { BLOCK_SIZE, isZero, PAGE_SIZE } from "../../common/block.ts";
import type { Logger } from "../../common/log.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import type { MachineConfiguration } from "../hypervisor/hypervisor.ts";
import { rejoin } from "../state/rejoin.ts";
import type { StateShape } from "../state/state.ts";
import { planClone } from "./arguments.ts";
import { Clone, DISK_SOCKET } from "./clone.ts";
import type { ClonePlan, SharedRam } from "./clone-plan.ts";
import type { DiskFloor } from "./disk-floor.ts";
import { DiskServer } from "./disk-server.ts";
import { Journal } from "./journal.ts";
import { MemoryKeeper } from "./memory-keeper.ts";
import type { Segment } from "./network/segment.ts";
import { makeOverlay } from "./overlay.ts";
import type { Confinement } from "./process.ts";

/** Read at a time, and how many reads are under way. */
const READ_BYTES = 2 ** 20;
const READERS = 6;

/** A point with its state, wherever it is kept. Its sources stay the caller's, and are open as long as the template. */
export interface TrialPoint {
	/** For people: "vm@time". */
	readonly name: string;
	readonly machine: MachineConfiguration;
	readonly stream: StateShape;
	readonly ram: BlockSource;
	readonly devices: BlockSource;
	/** By id. */
	readonly disks: ReadonlyMap<string, BlockSource>;
}

export interface TemplateOptions {
	readonly id: string;
	readonly point: TrialPoint;
	/** Made by the template, and removed when it is disposed of. */
	readonly folder: string;
	readonly hasKvm: boolean;
	readonly hasOwnNetworks: boolean;
	readonly confinement: Confinement;
	/** Bytes of a file that a clone may write. */
	readonly maxFileBytes: number;
	/** Below which clones are ended. */
	readonly diskFloor: DiskFloor;
	/** Asked before each clone. @throws UmbraError `limit` where there is no room for it. */
	readonly admit: (clone: string, ramBytes: number) => Promise<Admission>;
	/** After everything else, when it was disposed of. */
	readonly ended: () => Promise<void>;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

/** A clone's place on the host; disposed of when the clone is gone. */
export interface Admission extends AsyncDisposable {
	readonly confinement: Confinement;
	/** Its process runs. */
	started(pid: number): void;
}

export interface CloneOptions {
	/** Where its network cards are plugged in. */
	readonly segment: Segment;
	readonly signal?: AbortSignal;
}

export class Template implements AsyncDisposable {
	readonly id: string;
	readonly folder: string;
	readonly plan: ClonePlan;
	readonly point: TrialPoint;
	/** Milliseconds that it took to make. */
	readonly madeMs: number;
	readonly #options: TemplateOptions;
	readonly #keeper: MemoryKeeper;
	readonly #server: DiskServer;
	readonly #resources: AsyncDisposableStack;
	readonly #clones = new Set<Clone>();
	#next = 0;

	private constructor(
		options: TemplateOptions,
		made: {
			readonly plan: ClonePlan;
			readonly keeper: MemoryKeeper;
			readonly server: DiskServer;
			readonly resources: AsyncDisposableStack;
			readonly madeMs: number;
		},
	) {
		this.id = options.id;
		this.folder = options.folder;
		this.point = options.point;
		this.plan = made.plan;
		this.madeMs = made.madeMs;
		this.#options = options;
		this.#keeper = made.keeper;
		this.#server = made.server;
		this.#resources = made.resources;
	}

	/**
	 * @throws UmbraError `unsupported` with the reason where the machine cannot be cloned, `limit` where there is no memory,
	 * `unavailable`, what its sources throw; the signal's reason.
	 */
	static async make(options: TemplateOptions): Promise<Template> {
		const started = performance.now();
		const { point, folder, hasKvm, hasOwnNetworks, signal, log } = options;
		const { machine, stream } = point;
		const sizes = new Map([...point.disks].map(([disk, { size }]) => [disk, size]));
		const plan = planClone({ machine, stream, disks: sizes, diskSocket: DISK_SOCKET, hasKvm, hasOwnNetworks });
		await using resources = new AsyncDisposableStack();
		await mkdir(folder, { recursive: true, mode: 0o700 });
		resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
		const journal = new Journal(folder);
		await journal.begin({ id: options.id, point: point.name, groups: options.confinement.groups });
		const server = new DiskServer({ disks: point.disks, log });
		const keeper = resources.use(
			await MemoryKeeper.start({
				sizes: plan.ram.map(({ size }) => size),
				folder,
				mark: folder,
				confinement: { ...options.confinement, ownNetwork: false },
			}),
		);
		await journal.add(keeper.process.id);
		const shared = new Set(plan.ram.map(({ block }) => block));
		const loaded = stream.ram.blocks.filter(({ name }) => !shared.has(name));
		await Promise.all([
			fill(keeper, plan.ram, point.ram, signal),
			pipeline(
				rejoin(stream, point.ram, point.devices, signal, loaded),
				createWriteStream(join(folder, "devices"), { mode: 0o600 }),
				{ signal },
			),
			...plan.disks.map(({ overlay, size }) => makeOverlay(join(folder, overlay), size)),
		]);
		await keeper.seal();
		const madeMs = performance.now() - started;
		log.info({ template: options.id, point: point.name, ramBytes: keeper.writtenBytes, madeMs }, "a template is ready");
		return new Template(options, { plan, keeper, server, resources: resources.move(), madeMs });
	}

	/** Bytes of RAM that clones share. */
	get ramBytes(): number {
		return this.#keeper.writtenBytes;
	}

	/** Bytes of RAM that a clone has. */
	get cloneRamBytes(): number {
		return this.plan.ram.reduce((sum, { size }) => sum + size, 0);
	}

	/** Bytes of disks that clones have read. */
	get diskBytesRead(): number {
		return this.#server.sentBytes;
	}

	/** No clones can be made of it any more. */
	get hasEnded(): boolean {
		return this.#keeper.process.hasEnded || this.#options.signal.aborted;
	}

	get clones(): readonly Clone[] {
		return [...this.#clones];
	}

	/**
	 * A clone that stands at the captured instant, until it is told to go on. Its caller disposes of it, or the template does.
	 *
	 * @throws UmbraError `unavailable` with what QEMU said, `limit`; the signal's reason.
	 */
	async clone(options: CloneOptions): Promise<Clone> {
		const number = this.#next++;
		const { point, log, admit, maxFileBytes, diskFloor, signal } = this.#options;
		const clone = await Clone.make({
			name: `umbra-trial-${this.id}-${number}`,
			folder: join(this.folder, `c${number}`),
			template: this.folder,
			plan: this.plan,
			ramPath: (at) => this.#keeper.path(at),
			architecture: point.machine.architecture,
			segment: options.segment,
			admit: () => admit(`${this.id}-c${number}`, this.cloneRamBytes),
			maxFileBytes,
			diskFloor,
			serveDisks: (path, failed) => this.#server.listen(path, failed),
			log,
			signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
			onEnd: (ended) => this.#clones.delete(ended),
		});
		this.#clones.add(clone);
		return clone;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#clones].map((clone) => clone[Symbol.asyncDispose]()));
		await this.#resources.disposeAsync();
		await this.#options.ended();
	}
}

async function fill(
	keeper: MemoryKeeper,
	blocks: readonly SharedRam[],
	ram: BlockSource,
	signal: AbortSignal,
): Promise<void> {
	const pieces = function* (): Generator<{ index: number; at: number; from: number; length: number }> {
		for (const [index, { size, offset }] of blocks.entries()) {
			for (let at = 0; at < size; at += READ_BYTES) {
				yield { index, at, from: offset + at, length: Math.min(READ_BYTES, size - at) };
			}
		}
	};
	const todo = pieces();
	let turn = Promise.resolve();
	const work = async (): Promise<void> => {
		for (const { index, at, from, length } of todo) {
			signal.throwIfAborted();
			const extents = await ram.extents(from, length, signal);
			if (extents.every(({ zero }) => zero)) continue;
			const bytes = await ram.read(from, length, signal);
			// One after another: what is written to the pipe is one message.
			const before = turn;
			turn = (async () => {
				await before;
				for (const [start, end] of dataIn(bytes)) await keeper.write(index, at + start, bytes.subarray(start, end));
			})();
			await turn;
		}
	};
	await Promise.all(Array.from({ length: READERS }, work));
}

/** Runs of pages that are not all zeroes: the others take no memory. */
function* dataIn(bytes: Uint8Array): Generator<readonly [number, number]> {
	let start = -1;
	for (let at = 0; at < bytes.length; ) {
		// Most zeroes come in whole blocks.
		const step = at % BLOCK_SIZE === 0 && isZero(bytes.subarray(at, at + BLOCK_SIZE)) ? BLOCK_SIZE : PAGE_SIZE;
		const zero = step === BLOCK_SIZE || isZero(bytes.subarray(at, at + PAGE_SIZE));
		if (zero && start >= 0) yield [start, at];
		if (zero) start = -1;
		else if (start < 0) start = at;
		at += step;
	}
	if (start >= 0) yield [start, bytes.length];
}
