/**
 * `capture/` takes points of a machine: open a snapshot of all its disks, find which blocks changed and
 * which files they belong to, put the changeset into the spool, release the snapshot. It does not know
 * how changesets travel.
 *
 * A capture becomes final in one synced database batch: the changeset, the block index, the file tree and
 * the tokens of the bitmaps. Before it, a crash leaves everything as the last final capture left it and
 * QEMU's bitmaps hold what came since; after it, only tidying is left, which the next start does.
 */

import { BLOCK_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { NbdClient, nbdSource } from "../../disk/source/nbd/client.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import type { Machine, RamOptions, Snapshot, SnapshotDisk } from "../hypervisor/hypervisor.ts";
import type { StagedChangeset } from "../spool/spool.ts";
import { type AgentDb, type AgentOperation, BlockIndex, type IndexStager } from "./block-index.ts";
import { ChangeCauses, type Interval } from "./change-causes.ts";
import { ChangedPagesBuilder, meanEntropy } from "./changed-pages.ts";
import { attributionToWire, BlockRuns, causesToWire, encodeFiles, encodeHeader, volumeToWire } from "./changeset.ts";
import {
	type ComparedDisk,
	type DiskFindings,
	type FileHistory,
	findFileChanges,
	type MachineFindings,
} from "./file-changes.ts";
import type { HashPoolLease } from "./hash-pool-lease.ts";
import { MachineTrees } from "./machine-trees.ts";
import { planReads } from "./read-plan.ts";
import { type ChunkSink, type ScanResult, scanDisk } from "./scan-disk.ts";
import { type CapturedState, StateCapture } from "./state-capture.ts";
import { type CaptureMode, captureMode, loadVmState, NEW_VM, type VmState, vmStateOperation } from "./vm-state.ts";

export interface CaptureResult {
	readonly id: string;
	readonly sequence: bigint;
	readonly timeNs: bigint;
	readonly pauseNs: bigint;
	readonly captureNs: bigint;
	readonly disks: readonly {
		readonly disk: string;
		readonly mode: CaptureMode;
		readonly reason: string;
		readonly readBytes: number;
		readonly changedBytes: number;
	}[];
	readonly files: number;
	/** Bytes of RAM that were captured; undefined where only disks were. */
	readonly stateBytes?: number;
}

/** Names, hex, of the contents of blocks, by disk and number of the block. */
export type BlocksOfDisks = ReadonlyMap<string, ReadonlyMap<number, string>>;
const NO_BLOCKS: BlocksOfDisks = new Map();

/** Where what is captured goes: the spool, as far as a capture sees it. */
export interface CaptureSink extends ChunkSink {
	sync(): Promise<void>;
	nextSequence(): bigint;
	stage(parts: Iterable<Uint8Array>, meta: { readonly id: string; readonly vm: string }): StagedChangeset;
}

export interface CaptureOptions {
	readonly signal?: AbortSignal | undefined;
	/** Blocks by disk whose contents go into the spool even where they did not change. */
	readonly resend?: BlocksOfDisks;
	/** The changeset's; made where it is left out. */
	readonly id?: string;
	/** What is captured is no running machine, but a snapshot that was there. */
	readonly imported?: wire.v1.IImportOrigin;
	/** Captures RAM and devices too. */
	readonly state?: RamOptions | undefined;
	/** Called with the bytes of a disk that were read or passed over so far, of how many. */
	readonly onProgress?: ((disk: string, done: number, total: number) => void) | undefined;
}

export interface CapturerOptions {
	readonly db: AgentDb;
	readonly spool: CaptureSink;
	readonly hashing: HashPoolLease;
	readonly agentId: string;
	readonly host: string;
	readonly log: Logger;
}

/** A disk whose blocks were read; its connection stays open for what the file tree needs. */
interface ScannedDisk extends ComparedDisk {
	readonly sizeBytes: number;
	readonly mode: CaptureMode;
	readonly reason: string;
	readonly dirtyBytes: number;
	readonly scan: ScanResult;
	readonly changed: ChangedPages;
	/** Encoded runs of block names. */
	readonly runs: readonly Uint8Array[];
	/** What the block index is to hold of it. */
	readonly stager: IndexStager;
}

const MODES: Readonly<Record<CaptureMode, wire.v1.CaptureMode>> = {
	first: v1.CaptureMode.CAPTURE_MODE_FIRST,
	tracked: v1.CaptureMode.CAPTURE_MODE_TRACKED,
	resync: v1.CaptureMode.CAPTURE_MODE_RESYNC,
};

export class Capturer {
	readonly #options: CapturerOptions;
	readonly #index: BlockIndex;
	readonly #history: FileHistory;

	private constructor(options: CapturerOptions) {
		this.#options = options;
		this.#index = new BlockIndex(options.db);
		const { db, log } = options;
		this.#history = { trees: new MachineTrees(db, log), causes: new ChangeCauses(db, log) };
	}

	/** Finishes what a crash may have cut. */
	static async open(options: CapturerOptions): Promise<Capturer> {
		const capturer = new Capturer(options);
		await capturer.#index.foldAll();
		return capturer;
	}

	/**
	 * Captures the given disks of a machine, which must not be captured by another call at the same time.
	 *
	 * @throws UmbraError `limit` when spool or scratch is full, `unavailable` when the machine is gone; nothing is lost then.
	 */
	async capture(machine: Machine, diskIds: readonly string[], options: CaptureOptions = {}): Promise<CaptureResult> {
		const { db } = this.#options;
		const { signal, resend = NO_BLOCKS, onProgress } = options;
		const vm = machine.name;
		const start = performance.now();
		const state = await loadVmState(db, vm);
		const ended = AbortSignal.any([machine.gone, ...(signal === undefined ? [] : [signal])]);
		const { hashing, spool } = this.#options;
		const machineState = options.state && new StateCapture({ ...options.state, hashing, chunks: spool, signal: ended });
		try {
			await this.#index.begin(vm);
			await using snapshot = await machine.openSnapshot({
				disks: new Map(diskIds.map((id) => [id, state.disks[id]?.token])),
				signal: ended,
				...(machineState === undefined ? {} : { ram: machineState.request }),
			});
			// Before the disks: the guest waits for RAM that was not read yet, and for disks never.
			const told = await machineState?.finish(snapshot);
			await using connections = new AsyncDisposableStack();
			const disks: ScannedDisk[] = [];
			for (const disk of snapshot.disks) {
				const blocks = new Set(resend.get(disk.disk.id)?.keys());
				disks.push(await this.#scan(vm, state, disk, { resend: blocks, onProgress }, connections, ended));
			}
			// No more chunks come: they are synced, and travel, while files are looked for.
			const synced = this.#options.spool.sync();
			synced.catch(() => {});
			const findings = await findFileChanges(this.#history, vm, disks, intervalOf(state, snapshot), ended);
			await connections.disposeAsync();
			await synced;
			const result = await this.#finish(machine, state, snapshot, disks, findings, told, start, options);
			snapshot.keep();
			return result;
		} catch (error) {
			if (machine.gone.aborted) {
				throw new UmbraError("unavailable", `VM ${vm} went away during the capture`, { cause: error });
			}
			throw error;
		}
	}

	/** When the machine was captured last with RAM and devices, in Unix milliseconds. */
	async lastState(vm: string): Promise<number | undefined> {
		const { stateTime } = await loadVmState(this.#options.db, vm);
		return stateTime === undefined ? undefined : Number(BigInt(stateTime) / 1_000_000n);
	}

	/** Which blocks held these contents when the VM was captured last; `names` are hex. */
	async findBlocks(vm: string, names: ReadonlySet<string>): Promise<BlocksOfDisks> {
		return await this.#index.find(vm, names);
	}

	/** The collector has no use for what we build upon: the next capture of this VM starts from nothing. */
	async forget(vm: string): Promise<void> {
		const { db } = this.#options;
		const { trees, causes } = this.#history;
		await db.batch([vmStateOperation(vm, NEW_VM), ...trees.removal(vm), ...causes.removal(vm)], { sync: true });
		await this.#index.forget(vm);
		this.#history.trees.forget(vm);
	}

	async #scan(
		vm: string,
		state: VmState,
		disk: SnapshotDisk,
		{ resend, onProgress }: Pick<CaptureOptions, "onProgress"> & { readonly resend: ReadonlySet<number> },
		connections: AsyncDisposableStack,
		signal: AbortSignal,
	): Promise<ScannedDisk> {
		const { id, size } = disk.disk;
		const { mode, reason } = captureMode(state, disk);
		const tracking = mode === "tracked" ? disk.tracking : undefined;
		const context = tracking?.kind === "tracked" ? tracking.context : undefined;
		const marked = tracking?.kind === "listed" ? tracking.ranges : context;
		const nbd = connections.use(
			await NbdClient.connect({
				address: { path: disk.socketPath },
				exportName: disk.exportName,
				contexts: ["base:allocation", ...(context === undefined ? [] : [context])],
				...(disk.isLonger === true ? { size } : {}),
				signal,
			}),
		);
		if (nbd.size !== size) {
			throw new UmbraError("conflict", `disk ${id} of ${vm} was resized while its snapshot was opened`, {
				context: { found: nbd.size, wanted: size },
				hint: "nothing is lost; the next capture takes the new size",
			});
		}
		const compare = mode !== "first";
		const plan = await planReads(nbd, marked, signal, resend);
		const total = plan.ranges.reduce((sum, { count }) => sum + count * BLOCK_SIZE, 0);
		const names = new BlockRuns(id);
		const pagesBuilder = new ChangedPagesBuilder();
		const stager = this.#index.stager(vm, id, compare ? "onto" : "anew");
		const scan = await this.#options.hashing.use((pool) =>
			scanDisk({
				vm,
				disk: id,
				compare,
				nbd,
				ranges: plan.ranges,
				index: this.#index,
				stager,
				pool,
				chunks: this.#options.spool,
				names,
				pages: pagesBuilder,
				resend,
				signal,
				...(onProgress === undefined ? {} : { onProgress: (bytes) => onProgress(id, bytes, total) }),
			}),
		);
		const changed = pagesBuilder.pages();
		return {
			name: id,
			source: nbdSource(nbd, `${vm}/${id}`),
			sizeBytes: size,
			mode,
			reason,
			dirtyBytes: plan.dirtyBytes,
			scan,
			changedBlocks: scan.changedBlocks,
			changed,
			pages: compare ? changed : undefined,
			runs: names.end(),
			stager,
		};
	}

	/** Makes the capture, whose chunks are synced, final: one batch, index folded. */
	async #finish(
		machine: Machine,
		state: VmState,
		snapshot: Snapshot,
		disks: readonly ScannedDisk[],
		findings: MachineFindings,
		told: CapturedState | undefined,
		start: number,
		{ id = crypto.randomUUID(), imported }: CaptureOptions,
	): Promise<CaptureResult> {
		const { db, spool, agentId, host } = this.#options;
		const vm = machine.name;
		const sequence = spool.nextSequence();
		const captureNs = BigInt(Math.round((performance.now() - start) * 1e6));
		// The clock may have been set back; the points of a VM only ever go forward.
		const headTime = BigInt(state.headTime);
		const timeNs = snapshot.timeNs > headTime ? snapshot.timeNs : headTime + 1_000_000n;
		const runs = [...disks, ...(told === undefined ? [] : [told])].flatMap((each) => each.runs);
		const following = [...runs, ...encodeFiles(findings.files, findings.causes)];
		const header = encodeHeader({
			id,
			agentId,
			host,
			vm,
			vmUuid: machine.uuid,
			baseId: state.headId,
			sequence: toLong(sequence),
			timeNs: toLong(timeNs),
			consistency:
				snapshot.consistency === "filesystem"
					? v1.Consistency.CONSISTENCY_FILESYSTEM
					: v1.Consistency.CONSISTENCY_CRASH,
			captureNs: toLong(captureNs),
			pauseNs: toLong(snapshot.pauseNs),
			disks: disks.map((disk) => diskToWire(disk, findings.disks.get(disk.name))),
			...causesToWire(findings.causes),
			...(imported === undefined ? {} : { imported }),
			...(told === undefined ? {} : { state: told.header }),
			parts: toLong(following.length),
		});
		const staged = spool.stage([header, ...following], { id, vm });
		const next: VmState = {
			headId: id,
			headTime: timeNs.toString(),
			disks: Object.fromEntries(snapshot.disks.map(({ disk, token }) => [disk.id, { size: disk.size, token }])),
			stateTime: told === undefined ? state.stateTime : timeNs.toString(),
		};
		await db.batch(
			[
				...(staged.operations as AgentOperation[]),
				...findings.operations,
				...this.#index.finishOperations(
					vm,
					disks.map(({ stager }) => stager),
				),
				vmStateOperation(vm, next),
			],
			{ sync: true },
		);
		staged.committed();
		findings.committed();
		await this.#index.fold(vm);
		return {
			id,
			sequence,
			timeNs,
			captureNs,
			pauseNs: snapshot.pauseNs,
			...(told === undefined ? {} : { stateBytes: told.bytes }),
			files: findings.files.reduce((sum, { files }) => sum + files.length, 0),
			disks: disks.map(({ name, mode, reason, scan }) => ({
				disk: name,
				mode,
				reason,
				readBytes: scan.readBytes,
				changedBytes: scan.changedBlocks * BLOCK_SIZE,
			})),
		};
	}
}

/** From the last point to this one; of a VM's first point, nothing is told. */
function intervalOf({ headTime }: VmState, { timeNs }: Snapshot): Interval {
	const to = Number(timeNs) / 1e9;
	const last = Number(headTime) / 1e9;
	return { from: last > 0 && last < to ? last : to, to };
}

function diskToWire(disk: ScannedDisk, findings: DiskFindings | undefined): wire.v1.IDiskChange {
	const { name, sizeBytes, mode, reason, dirtyBytes, scan, changed } = disk;
	return {
		disk: name,
		sizeBytes: toLong(sizeBytes),
		mode: MODES[mode],
		reason,
		dirtyBytes: toLong(dirtyBytes),
		readBytes: toLong(scan.readBytes),
		changedBytes: toLong(scan.changedBlocks * BLOCK_SIZE),
		newZeroBlocks: toLong(scan.newZeroBlocks),
		entropyBefore: meanEntropy(changed.before),
		entropyAfter: meanEntropy(changed.after),
		...(findings === undefined ? {} : { attribution: attributionToWire(findings.attribution) }),
		volumes: findings?.volumes.map(volumeToWire) ?? [],
		problems: [...(findings?.problems ?? [])],
	};
}
