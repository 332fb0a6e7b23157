/**
 * Image fleecing: a readable instant of a running machine's disks. A copy-before-write filter is put
 * between each device and its disk; before the guest overwrites a range, the old content goes to a
 * scratch image, and a snapshot-access node over the filter reads as the disk was at that instant. It is
 * exported over NBD together with the dirty bitmap that says what changed since the last one.
 *
 * Why not `blockdev-backup sync=none` in one transaction: when its scratch fills up it fails the guest's
 * own writes, and nothing in QEMU 7.2 changes that. The filter with `on-cbw-error=break-snapshot` gives up
 * the snapshot instead. See docs/decisions/0002-fleecing.md.
 */
import { readdir, unlink } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { BLOCK_SIZE } from "../../common/block.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import { BITMAP_PREFIX, type BitmapAction, planBitmaps } from "./bitmaps.ts";
import {
	type BlockDevice,
	childOf,
	dismissJobs,
	FILTER_PREFIX,
	queryDevices,
	queryExports,
	queryNodes,
	runJob,
} from "./block-graph.ts";
import { joinHugePages } from "./huge-pages.ts";
import type { RamRequest, Snapshot, SnapshotDisk, SnapshotRequest, Tracking } from "./hypervisor.ts";
import { refuseIoThreads } from "./iothreads.ts";
import { queryProcess, readConfiguration } from "./machine-configuration.ts";
import { memoryToLeave } from "./preallocation.ts";
import type { QmpArguments, QmpClient } from "./qmp.ts";
import { RamMigration, restoreSettings } from "./ram-migration.ts";

/** A node that exists while we have stopped the machine, so that whoever cleans up knows to let it go on. */
const STOPPED_MARK = "umbra-stopped";

/** A guest write waits at most this long for its copy; then the snapshot breaks, not the guest. */
const CBW_TIMEOUT_SECONDS = 20;

export interface FleeceOptions {
	readonly qmp: QmpClient;
	/** Folder that both QEMU and the agent can write. */
	readonly scratchFolder: string;
	/** Bytes that one disk's scratch image may take; beyond it the snapshot breaks. */
	readonly scratchLimit: number;
	/** Distinguishes the files and sockets of the machines of a host. */
	readonly machineKey: string;
	readonly log: Logger;
}

interface DiskFleece {
	readonly device: BlockDevice;
	readonly index: number;
	readonly token: string;
	/** The bitmap of the last kept snapshot, where it can be used. */
	readonly old: string | undefined;
	readonly tracking: Tracking;
	kept: boolean;
}

const JOB_PREFIX = "umbra-create-";

const names = (index: number) => ({
	filter: `${FILTER_PREFIX}${index}`,
	scratch: `umbra-scratch-${index}`,
	bounded: `umbra-bounded-${index}`,
	access: `umbra-access-${index}`,
	exportId: `umbra-export-${index}`,
	exportName: `umbra-${index}`,
});

export class Fleece {
	readonly #options: FleeceOptions;
	readonly #socketPath: string;
	readonly #ramPath: string;
	#still: Promise<void> | undefined;
	#joining: Promise<unknown> | undefined;

	constructor(options: FleeceOptions) {
		this.#options = options;
		this.#socketPath = join(options.scratchFolder, `${options.machineKey}.nbd`);
		this.#ramPath = join(options.scratchFolder, `${options.machineKey}.ram`);
	}

	/** Settles when the machine does not stand still for a snapshot any more; undefined where it does not. */
	get still(): Promise<void> | undefined {
		return this.#still;
	}

	/** Takes down whatever an earlier attempt left in the machine, ours or of an agent that died. */
	async clean(): Promise<void> {
		const { qmp } = this.#options;
		await this.#goOn();
		await restoreSettings(qmp);
		await dismissJobs(qmp, JOB_PREFIX);
		const exported = (await queryExports(qmp)).filter((id) => id.startsWith("umbra-export-"));
		for (const id of exported) {
			await this.#ignoreMissing(qmp.execute("block-export-del", { id, mode: "hard" }));
			await until(async () => !(await queryExports(qmp)).includes(id));
		}
		const present = new Set((await queryNodes(qmp)).map((node) => node.name));
		const indexes = [...present].flatMap((name) => {
			const match = /^umbra-(?:cbw|scratch|bounded|access)-(\d+)$/.exec(name);
			return match === null ? [] : [Number(match[1])];
		});
		// What is made only after the server means that it is ours, even where its socket's file is gone. Other nodes of
		// ours do not: an attempt may have died before it met the server of somebody's backup.
		const served = exported.length > 0 || [...present].some((name) => name.startsWith("umbra-access-"));
		if (served || (await accepts(this.#socketPath))) await this.#ignoreMissing(qmp.execute("nbd-server-stop"));
		for (const index of new Set(indexes)) {
			const node = names(index);
			if (present.has(node.access)) await qmp.execute("blockdev-del", { "node-name": node.access });
			if (present.has(node.filter)) {
				const below = await childOf(qmp, node.filter, "file");
				const device = (await queryDevices(qmp)).find((entry) => entry.node === node.filter);
				if (device !== undefined && below !== undefined) await this.#point(device, below);
				await qmp.execute("blockdev-del", { "node-name": node.filter });
			}
			if (present.has(node.scratch)) await qmp.execute("blockdev-del", { "node-name": node.scratch });
			if (present.has(node.bounded)) await qmp.execute("blockdev-del", { "node-name": node.bounded });
		}
		await this.#removeFiles();
	}

	/** An agent died between `stop` and `cont`: the guest must not stand still for ever. */
	async #goOn(): Promise<void> {
		const { qmp, log } = this.#options;
		if (!(await queryNodes(qmp)).some((node) => node.name === STOPPED_MARK)) return;
		const { status } = (await qmp.execute("query-status")) as { status?: string };
		if (status === "paused") {
			log.warn({ socket: qmp.path }, "an agent died while it had stopped this machine: it goes on");
			await qmp.execute("cont");
		}
		await qmp.execute("blockdev-del", { "node-name": STOPPED_MARK });
	}

	/** Scratch images and the socket of this machine; QEMU has them open no more. */
	async #removeFiles(): Promise<void> {
		const { scratchFolder, machineKey } = this.#options;
		for (const name of await namesIn(scratchFolder)) {
			if (name.startsWith(`${machineKey}-`) && name.endsWith(".scratch"))
				await unlinkIfThere(join(scratchFolder, name));
		}
		await unlinkIfThere(this.#socketPath);
		await unlinkIfThere(this.#ramPath);
	}

	async open(request: SnapshotRequest): Promise<Snapshot> {
		const { qmp } = this.#options;
		await this.clean();
		const devices = (await queryDevices(qmp)).filter((device) => request.disks.has(device.id));
		await refuseIoThreads(qmp, devices);
		const fleeces: DiskFleece[] = [];
		for (const [index, device] of devices.entries()) {
			const plan = planBitmaps(device.bitmaps, request.disks.get(device.id));
			await this.#apply(device.node, plan.actions);
			const old = "name" in plan.usable ? plan.usable.name : undefined;
			fleeces.push({
				device,
				index,
				old,
				kept: false,
				token: `${BITMAP_PREFIX}${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
				tracking:
					"name" in plan.usable
						? { kind: "tracked", context: `qemu:dirty-bitmap:${plan.usable.name}` }
						: { kind: "lost", reason: plan.usable.lost },
			});
		}

		const undo = new AsyncDisposableStack();
		try {
			for (const fleece of fleeces) await this.#prepare(fleece, undo);
			const ram = request.ram && (await this.#prepareRam(request.ram, undo));
			const { timeNs, pauseNs } = await this.#standingStill(() => this.#switchOver(fleeces, undo, ram?.migration));
			const disks = await this.#export(fleeces, undo);
			return {
				timeNs,
				pauseNs,
				consistency: "crash",
				disks,
				...(ram === undefined ? {} : { ram: ram.snapshot }),
				keep: () => {
					for (const fleece of fleeces) fleece.kept = true;
				},
				[Symbol.asyncDispose]: () => this.#takeDown(undo),
			};
		} catch (error) {
			await this.#takeDown(undo);
			throw error;
		}
	}

	async #standingStill<T>(work: () => Promise<T>): Promise<T> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#still = promise;
		try {
			return await work();
		} finally {
			this.#still = undefined;
			resolve();
		}
	}

	/** A machine that is gone has nothing left to take down. */
	async #takeDown(undo: AsyncDisposableStack): Promise<void> {
		try {
			await undo.disposeAsync();
		} catch (error) {
			if (!this.#options.qmp.closed.aborted) throw error;
		}
	}

	/** Makes the scratch image and the filter over the disk; the guest notices nothing yet. */
	async #prepare(fleece: DiskFleece, undo: AsyncDisposableStack): Promise<void> {
		const { qmp, scratchLimit } = this.#options;
		const { device, index, token } = fleece;
		const node = names(index);
		const path = this.#scratchPath(index);
		// A disk's scratch never needs more than the disk and qcow2's own tables.
		const bound = Math.ceil(Math.min(scratchLimit, device.size * 1.01 + 16 * 1024 * 1024) / BLOCK_SIZE) * BLOCK_SIZE;

		await this.#removeScratch(index);
		undo.defer(() => this.#removeScratch(index));
		const file = { driver: "file", filename: path };
		await runJob(qmp, `${JOB_PREFIX}file-${index}`, "blockdev-create", { options: { ...file, size: bound } });
		// The fixed size is the bound: QEMU itself refuses to write beyond it, even when no agent is alive to watch.
		const bounded = { driver: "raw", "node-name": node.bounded, size: bound, file };
		await this.#add(bounded, undo);
		const qcow2 = { driver: "qcow2", file: node.bounded, size: device.size };
		await runJob(qmp, `${JOB_PREFIX}qcow2-${index}`, "blockdev-create", { options: qcow2 });
		await this.#add({ driver: "qcow2", "node-name": node.scratch, file: node.bounded, discard: "unmap" }, undo);

		undo.defer(() => this.#giveBack(fleece));
		await this.#addBitmap(device, token);
		await this.#add(
			{
				driver: "copy-before-write",
				"node-name": node.filter,
				file: device.node,
				target: node.scratch,
				"on-cbw-error": "break-snapshot",
				"cbw-timeout": CBW_TIMEOUT_SECONDS,
				// Else what the guest trims meanwhile is dropped, and it never trims it again.
				discard: "unmap",
			},
			undo,
		);
	}

	async #prepareRam(request: RamRequest, undo: AsyncDisposableStack) {
		const { qmp, log } = this.#options;
		const pid = await queryProcess(qmp, log);
		const configuration = await readConfiguration(qmp, { pid, log, askGuest: request.askGuest === true });
		undo.defer(() => unlinkIfThere(this.#ramPath));
		const migration = undo.use(await RamMigration.prepare(qmp, this.#ramPath, request));
		await this.#joining;
		// The guest stands still the shorter for it.
		const { base, plugged } = configuration.memory;
		const left = await memoryToLeave(qmp, base + plugged, request.preallocate);
		if (pid !== undefined) await joinHugePages(pid, log, { left });
		const finished = async (): Promise<void> => {
			await migration.finished();
			// And it is the faster for it afterwards; nobody waits for that.
			if (pid !== undefined) this.#joining = joinHugePages(pid, log, { left });
		};
		return { migration, snapshot: { finished, configuration } };
	}

	/**
	 * The instant. The new bitmaps record already; once every device writes through its filter, the old
	 * ones stop. A write in between stands in both, which costs a read and loses nothing. Several disks
	 * need the machine to stand still, so that no write lands on one after another's instant; with its RAM it goes on
	 * once that is write-protected.
	 */
	async #switchOver(
		fleeces: readonly DiskFleece[],
		undo: AsyncDisposableStack,
		ram: RamMigration | undefined,
	): Promise<{ timeNs: bigint; pauseNs: bigint }> {
		const { qmp } = this.#options;
		const { status } = (await qmp.execute("query-status")) as { status?: string };
		const stop = (fleeces.length > 1 || ram !== undefined) && status === "running";
		if (stop) {
			// Stopping flushes every disk: do the bulk of it while the guest still runs.
			for (const { device } of fleeces) await this.#flush(device.node);
			await this.#add({ driver: "null-co", "node-name": STOPPED_MARK, size: 0, "read-zeroes": true }, undo);
		}

		const start = performance.now();
		const timeNs = nowNs();
		if (stop) await qmp.execute("stop");
		let goesOn = false;
		try {
			for (const { device, index } of fleeces) {
				undo.defer(() => this.#point(device, device.node));
				await this.#point(device, names(index).filter);
			}
			await ram?.begin();
			goesOn = ram !== undefined;
		} finally {
			if (stop && !goesOn) await qmp.execute("cont");
		}
		const pauseNs = BigInt(Math.round((performance.now() - start) * 1e6));
		if (stop) await qmp.execute("blockdev-del", { "node-name": STOPPED_MARK });
		const disable = fleeces.flatMap(({ device, old }) =>
			old === undefined ? [] : [{ type: "block-dirty-bitmap-disable", data: { node: device.node, name: old } }],
		);
		if (disable.length > 0) await qmp.execute("transaction", { actions: disable });
		return { timeNs, pauseNs };
	}

	async #export(fleeces: readonly DiskFleece[], undo: AsyncDisposableStack): Promise<SnapshotDisk[]> {
		const { qmp } = this.#options;
		try {
			await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: this.#socketPath } } });
		} catch (error) {
			throw new UmbraError("conflict", `cannot start an NBD server in QEMU: ${messageOf(error)}`, {
				cause: error,
				hint: "QEMU has one NBD server a process: end the backup or mirror that uses it, then capture again",
			});
		}
		undo.defer(async () => {
			await this.#ignoreMissing(qmp.execute("nbd-server-stop"));
			// A server that we could not reach any more is known by its socket when it is cleaned up later.
			await unlinkUnused(this.#socketPath);
		});
		const disks: SnapshotDisk[] = [];
		for (const { device, index, old, tracking, token } of fleeces) {
			const node = names(index);
			await this.#add({ driver: "snapshot-access", "node-name": node.access, file: node.filter }, undo);
			undo.defer(async () => {
				await this.#ignoreMissing(qmp.execute("block-export-del", { id: node.exportId, mode: "hard" }));
				await until(async () => !(await queryExports(qmp)).includes(node.exportId));
			});
			await qmp.execute("block-export-add", {
				type: "nbd",
				id: node.exportId,
				"node-name": node.access,
				name: node.exportName,
				writable: false,
				bitmaps: old === undefined ? [] : [{ node: device.node, name: old }],
			});
			const { id, size, format } = device;
			disks.push({
				disk: { id, size, format },
				socketPath: this.#socketPath,
				exportName: node.exportName,
				tracking,
				token,
			});
		}
		return disks;
	}

	/** Once nothing reads the old bitmap any more: a kept token replaces it, else the new record returns to it. */
	async #giveBack({ device, token, old, kept }: DiskFleece): Promise<void> {
		const found = (await queryNodes(this.#options.qmp)).find((node) => node.name === device.node);
		if (found === undefined) return;
		if (kept) {
			await this.#apply(device.node, planBitmaps(found.bitmaps, token).actions);
			return;
		}
		// Of all bitmaps of ours only these two can be here, and the plan for "interrupted" is what is wanted.
		const mine = found.bitmaps.filter((bitmap) => bitmap.name === token || bitmap.name === old);
		await this.#apply(device.node, planBitmaps(mine, old).actions);
	}

	async #addBitmap(device: BlockDevice, name: string): Promise<void> {
		const { qmp } = this.#options;
		const bitmap = { node: device.node, name, granularity: BLOCK_SIZE };
		if (device.format === "qcow2") {
			try {
				await qmp.execute("block-dirty-bitmap-add", { ...bitmap, persistent: true });
				return;
			} catch (error) {
				// qcow2 version 2 and some layouts cannot keep one: it then lives as long as QEMU does.
				this.#options.log.debug({ disk: device.id, reason: messageOf(error) }, "dirty bitmap is not persistent");
			}
		}
		await qmp.execute("block-dirty-bitmap-add", { ...bitmap, persistent: false });
	}

	async #apply(node: string, actions: readonly BitmapAction[]): Promise<void> {
		if (actions.length === 0) return;
		await this.#options.qmp.execute("transaction", {
			actions: actions.map((action) => {
				if (action.do === "merge") {
					return { type: "block-dirty-bitmap-merge", data: { node, target: action.into, bitmaps: [action.from] } };
				}
				return { type: `block-dirty-bitmap-${action.do}`, data: { node, name: action.name } };
			}),
		});
	}

	async #add(node: QmpArguments & { readonly "node-name": string }, undo: AsyncDisposableStack): Promise<void> {
		const { qmp } = this.#options;
		await qmp.execute("blockdev-add", node);
		undo.defer(() => this.#ignoreMissing(qmp.execute("blockdev-del", { "node-name": node["node-name"] })));
	}

	async #point(device: BlockDevice, node: string): Promise<void> {
		await this.#options.qmp.execute("qom-set", { path: device.qomPath, property: "drive", value: node });
	}

	async #flush(node: string): Promise<void> {
		try {
			await this.#options.qmp.execute("human-monitor-command", { "command-line": `qemu-io ${node} flush` });
		} catch (error) {
			// Only a shorter pause is lost.
			this.#options.log.debug({ node, reason: messageOf(error) }, "cannot flush before the snapshot");
		}
	}

	#scratchPath(index: number): string {
		return join(this.#options.scratchFolder, `${this.#options.machineKey}-${index}.scratch`);
	}

	#removeScratch(index: number): Promise<void> {
		return unlinkIfThere(this.#scratchPath(index));
	}

	async #ignoreMissing(command: Promise<unknown>): Promise<void> {
		try {
			await command;
		} catch (error) {
			if (!isUmbraError(error, "not-found", "unavailable")) throw error;
			this.#options.log.debug({ reason: error.message }, "already gone");
		}
	}
}

async function unlinkIfThere(path: string): Promise<void> {
	try {
		await unlink(path);
	} catch (error) {
		if (errnoOf(error) !== "ENOENT") {
			throw new UmbraError("unavailable", `cannot remove ${path}: ${messageOf(error)}`, {
				cause: error,
				context: { path },
			});
		}
	}
}

/**
 * Removes what agents left of machines that died with them. QEMU keeps what it has open, so nothing is taken away from
 * a machine that lives.
 */
export async function removeLeftovers(scratchFolder: string): Promise<void> {
	for (const name of await namesIn(scratchFolder)) {
		if (/^[0-9a-f]{12}-\d+\.scratch$/.test(name)) await unlinkIfThere(join(scratchFolder, name));
		else if (/^[0-9a-f]{12}\.ram$/.test(name)) await unlinkIfThere(join(scratchFolder, name));
		else if (/^[0-9a-f]{12}\.nbd$/.test(name)) await unlinkUnused(join(scratchFolder, name));
	}
}

async function unlinkUnused(socketPath: string): Promise<void> {
	if (!(await accepts(socketPath))) await unlinkIfThere(socketPath);
}

async function namesIn(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (error) {
		throw new UmbraError("unavailable", `cannot look into the scratch folder ${folder}: ${messageOf(error)}`, {
			cause: error,
			context: { path: folder },
		});
	}
}

/** True where something listens on the unix socket: the NBD server in this machine is then ours. */
function accepts(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection({ path });
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
}

/** Waits for something that QEMU finishes by itself soon after the command returned. */
async function until(condition: () => Promise<boolean>): Promise<void> {
	for (let attempt = 0; attempt < 500; attempt++) {
		if (await condition()) return;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	throw new UmbraError("unavailable", "QEMU did not take down a block export within 5 s");
}
