/**
 * `capture/` takes points of a machine: open a snapshot of all its disks, find which blocks changed and
 * which files they belong to, put the changeset into the spool, release the snapshot. It does not know
 * how changesets travel.
 *
 * A capture becomes final in one synced database batch: the changeset, the block index, the file trees and
 * the tokens of the bitmaps. Before it, a crash leaves everything as the last final capture left it and
 * QEMU's bitmaps hold what came since; after it, only tidying is left, which the next start does.
 */

import { BLOCK_SIZE } from "../../common/block.ts";
import { isAbort, isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { type DiskChanges, mapChanges } from "../../disk/map/map.ts";
import { NbdClient, nbdSource } from "../../disk/source/nbd/client.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import type { Machine, Snapshot, SnapshotDisk } from "../hypervisor/hypervisor.ts";
import type { Spool } from "../spool/spool.ts";
import { type AgentDb, type AgentOperation, BlockIndex, encodeKey, keyRange } from "./block-index.ts";
import { ChangedPagesBuilder, meanEntropy } from "./changed-pages.ts";
import { BlockRuns, encodeFiles, encodeHeader } from "./changeset.ts";
import { DiskTrees, treeProblem } from "./disk-trees.ts";
import type { HashPoolLease } from "./hash-pool-lease.ts";
import { planReads } from "./read-plan.ts";
import { scanDisk } from "./scan-disk.ts";
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
}

export interface CapturerOptions {
	readonly db: AgentDb;
	readonly spool: Spool;
	readonly hashing: HashPoolLease;
	readonly agentId: string;
	readonly host: string;
	readonly log: Logger;
}

interface DiskCapture {
	readonly change: wire.v1.IDiskChange;
	readonly parts: readonly Uint8Array[];
	readonly operations: readonly AgentOperation[];
	readonly mode: CaptureMode;
	readonly reason: string;
	readonly files: number;
}

const MODES: Readonly<Record<CaptureMode, wire.v1.CaptureMode>> = {
	first: v1.CaptureMode.CAPTURE_MODE_FIRST,
	tracked: v1.CaptureMode.CAPTURE_MODE_TRACKED,
	resync: v1.CaptureMode.CAPTURE_MODE_RESYNC,
};

export class Capturer {
	readonly #options: CapturerOptions;
	readonly #index: BlockIndex;
	readonly #trees: DiskTrees;

	private constructor(options: CapturerOptions) {
		this.#options = options;
		this.#index = new BlockIndex(options.db);
		this.#trees = new DiskTrees(options.db, options.log);
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
	async capture(machine: Machine, diskIds: readonly string[], signal?: AbortSignal): Promise<CaptureResult> {
		const { db } = this.#options;
		const vm = machine.name;
		const start = performance.now();
		const state = await loadVmState(db, vm);
		const ended = AbortSignal.any([machine.gone, ...(signal === undefined ? [] : [signal])]);
		try {
			await this.#index.begin(vm);
			await using snapshot = await machine.openSnapshot({
				disks: new Map(diskIds.map((id) => [id, state.disks[id]?.token])),
				signal: ended,
			});
			const disks: DiskCapture[] = [];
			for (const disk of snapshot.disks) disks.push(await this.#captureDisk(vm, state, disk, ended));
			const result = await this.#finish(machine, state, snapshot, disks, start);
			snapshot.keep();
			return result;
		} catch (error) {
			this.#trees.forget(vm);
			if (machine.gone.aborted) {
				throw new UmbraError("unavailable", `VM ${vm} went away during the capture`, { cause: error });
			}
			throw error;
		}
	}

	/** The collector has no use for what we build upon: the next capture of this VM starts from nothing. */
	async forget(vm: string): Promise<void> {
		const { db } = this.#options;
		await db.batch([vmStateOperation(vm, NEW_VM)], { sync: true });
		await this.#index.forget(vm);
		await db.clear(keyRange("tree", vm));
		this.#trees.forget(vm);
	}

	async #captureDisk(vm: string, state: VmState, disk: SnapshotDisk, signal: AbortSignal): Promise<DiskCapture> {
		const { id } = disk.disk;
		const { mode, reason } = captureMode(state, disk);
		const context = mode === "tracked" && disk.tracking.kind === "tracked" ? disk.tracking.context : undefined;
		await using nbd = await NbdClient.connect({
			address: { path: disk.socketPath },
			exportName: disk.exportName,
			contexts: ["base:allocation", ...(context === undefined ? [] : [context])],
			signal,
		});
		if (nbd.size !== disk.disk.size) {
			throw new UmbraError("conflict", `disk ${id} of ${vm} was resized while its snapshot was opened`, {
				context: { found: nbd.size, wanted: disk.disk.size },
				hint: "nothing is lost; the next capture takes the new size",
			});
		}
		const compare = mode !== "first";
		const plan = await planReads(nbd, context, signal);
		const names = new BlockRuns(id);
		const pagesBuilder = new ChangedPagesBuilder();
		const scan = await this.#options.hashing.use((pool) =>
			scanDisk({
				vm,
				disk: id,
				compare,
				nbd,
				ranges: plan.ranges,
				index: this.#index,
				stager: this.#index.stager(vm, id, compare ? "onto" : "anew"),
				pool,
				chunks: this.#options.spool,
				names,
				pages: pagesBuilder,
				signal,
			}),
		);
		const pages = pagesBuilder.pages();

		const operations: AgentOperation[] = [];
		const problems: string[] = [];
		let changes: DiskChanges | undefined;
		const before = compare ? await this.#trees.before(vm, id) : undefined;
		if (scan.changedBlocks > 0 || (compare && before === undefined)) {
			try {
				const source = nbdSource(nbd, `${vm}/${id}`);
				const after = await this.#trees.after(vm, id, source, compare ? pages : undefined, signal);
				operations.push(this.#trees.operation(vm, id, after));
				problems.push(...after.problems);
				changes = mapChanges(before ?? after, after, pages);
			} catch (error) {
				// A broken snapshot or connection fails the capture; a disk that makes no sense does not.
				if (isAbort(error) || isUmbraError(error, "unavailable")) throw error;
				problems.push(treeProblem(error));
				operations.push({ type: "del", key: encodeKey("tree", vm, id) });
			}
		} else if (before !== undefined) {
			changes = mapChanges(before, before, pages);
		}
		const files = before === undefined || changes === undefined ? [] : encodeFiles(id, changes);
		return {
			mode,
			reason,
			operations,
			parts: [...names.end(), ...files],
			files: files.length === 0 ? 0 : (changes?.files.reduce((sum, volume) => sum + volume.files.length, 0) ?? 0),
			change: {
				disk: id,
				sizeBytes: toLong(disk.disk.size),
				mode: MODES[mode],
				reason,
				dirtyBytes: toLong(plan.dirtyBytes),
				readBytes: toLong(scan.readBytes),
				changedBytes: toLong(scan.changedBlocks * BLOCK_SIZE),
				newZeroBlocks: toLong(scan.newZeroBlocks),
				entropyBefore: meanEntropy(pages.before),
				entropyAfter: meanEntropy(pages.after),
				attribution:
					compare && changes !== undefined ? attributionToWire(changes) : unknownAttribution(pages.offsets.length),
				volumes: changes?.volumes.map(volumeToWire) ?? [],
				problems,
			},
		};
	}

	/** Makes the capture final: spool synced, one batch, index folded. */
	async #finish(
		machine: Machine,
		state: VmState,
		snapshot: Snapshot,
		disks: readonly DiskCapture[],
		start: number,
	): Promise<CaptureResult> {
		const { db, spool, agentId, host } = this.#options;
		const vm = machine.name;
		const id = crypto.randomUUID();
		await spool.sync();
		const sequence = spool.nextSequence();
		const captureNs = BigInt(Math.round((performance.now() - start) * 1e6));
		// The clock may have been set back; the points of a VM only ever go forward.
		const headTime = BigInt(state.headTime);
		const timeNs = snapshot.timeNs > headTime ? snapshot.timeNs : headTime + 1_000_000n;
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
			disks: disks.map((disk) => disk.change),
		});
		const staged = spool.stage([header, ...disks.flatMap((disk) => disk.parts)], { id, vm });
		const anew = disks.flatMap(({ change, mode }) => (mode === "first" ? [change.disk ?? ""] : []));
		const next: VmState = {
			headId: id,
			headTime: timeNs.toString(),
			disks: Object.fromEntries(snapshot.disks.map(({ disk, token }) => [disk.id, { size: disk.size, token }])),
		};
		await db.batch(
			[
				...(staged.operations as AgentOperation[]),
				...disks.flatMap((disk) => disk.operations),
				this.#index.finishOperation(vm, anew),
				vmStateOperation(vm, next),
			],
			{ sync: true },
		);
		staged.committed();
		await this.#index.fold(vm);
		return {
			id,
			sequence,
			timeNs,
			captureNs,
			pauseNs: snapshot.pauseNs,
			files: disks.reduce((sum, disk) => sum + disk.files, 0),
			disks: disks.map(({ change, mode, reason }) => ({
				disk: change.disk ?? "",
				mode,
				reason,
				readBytes: Number(change.readBytes),
				changedBytes: Number(change.changedBytes),
			})),
		};
	}
}

function attributionToWire({ attribution }: DiskChanges): wire.v1.IAttribution {
	return {
		total: toLong(attribution.total),
		file: toLong(attribution.file),
		directory: toLong(attribution.directory),
		journal: toLong(attribution.journal),
		metadata: toLong(attribution.metadata),
		free: toLong(attribution.free),
		unknown: toLong(attribution.unknown),
	};
}

function unknownAttribution(pages: number): wire.v1.IAttribution {
	return { total: toLong(pages * 4096), unknown: toLong(pages * 4096) };
}

function volumeToWire(volume: DiskChanges["volumes"][number]): wire.v1.IVolume {
	return {
		id: volume.id,
		offset: toLong(volume.offset),
		length: toLong(volume.length),
		kind: volume.kind,
		label: volume.label,
		files: toLong(volume.files),
		usedBytes: toLong(volume.usedBytes),
		freeBytes: toLong(volume.freeBytes),
	};
}
