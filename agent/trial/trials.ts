/**
 * `agent/trial/` makes shadow VMs: machines that go on from a captured instant, isolated from everything, as many as the
 * host has room for, and away again without a trace.
 *
 * Words: a *template* is a captured state that was made ready once; a *clone* is one machine made of it; a *segment* is all
 * the network that a clone has; a *plan* says what a clone is made of. It knows captured states and QEMU, and nothing of
 * where states come from.
 *
 *     trials          what this host gives, what is taken    template, clone     as above
 *     arguments, devices, ram-plan   the plan                memory-keeper       RAM that clones share
 *     process, journal, sweep        nothing is left         control-groups, capacity, disk-floor   nothing is too much
 *     channel, disk-server           what clones see         network/            the switch
 *     run-trial, one-trial, loss     an order, one of it     observe/            what watches clones
 *     levers/                        what stresses clones
 *
 * This file is what a host gives to trials.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { KernelTree } from "../proc/tree.ts";
import { Capacity, OVERHEAD_BYTES } from "./capacity.ts";
import { ControlGroups } from "./control-groups.ts";
import { DiskFloor } from "./disk-floor.ts";
import { MAX_SOCKET_PATH } from "./one-client.ts";
import { sweepTrials } from "./sweep.ts";
import { Template, type TrialPoint } from "./template.ts";

export interface TrialLimits {
	/** Clones at the same time. */
	readonly slots: number;
	/** Bytes of all templates and clones together. */
	readonly memory: number;
	/** Of all processors of the host, above 0 and at most 1. */
	readonly cpuShare: number;
	/** Name of the control group below which trials run. */
	readonly cgroup: string;
	/** Bytes that a clone may write to one of its disks. */
	readonly disk: number;
	/** Bytes of the filesystem below which no clones run; by default 2 GiB, or a twentieth of it where that is more. */
	readonly diskFloor?: number | undefined;
}

export interface TrialsOptions {
	/** For trials alone. */
	readonly folder: string;
	readonly limits: TrialLimits;
	readonly log: Logger;
}

interface Abilities {
	readonly hasKvm: boolean;
	/** Network namespaces with a tap device in them. */
	readonly hasOwnNetworks: boolean;
	readonly hasNamespaces: boolean;
}

export class Trials implements AsyncDisposable {
	readonly #options: TrialsOptions;
	readonly #capacity: Capacity;
	readonly #diskFloor: DiskFloor;
	readonly #groups: ControlGroups;
	readonly #abilities: Abilities;
	readonly #stop = new AbortController();
	readonly #open = new Set<AsyncDisposable>();

	private constructor(options: TrialsOptions, groups: ControlGroups, abilities: Abilities) {
		this.#options = options;
		this.#groups = groups;
		this.#abilities = abilities;
		this.#capacity = new Capacity({ slots: options.limits.slots, memoryBytes: options.limits.memory });
		this.#diskFloor = new DiskFloor(options.folder, () => options.limits.diskFloor);
	}

	/** Removes what an earlier agent left. @throws UmbraError `bad-config` where the folder's path is too long, `conflict`. */
	static async open(options: TrialsOptions): Promise<Trials> {
		const { folder, limits, log } = options;
		const longest = join(folder, "0".repeat(8), "c000", "ch00");
		if (Buffer.byteLength(longest) > MAX_SOCKET_PATH) {
			throw new UmbraError("bad-config", `the path of ${folder} is too long: sockets of trials lie in it`, {
				context: { field: "dataDir", found: Buffer.byteLength(longest), wanted: MAX_SOCKET_PATH },
			});
		}
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const swept = await sweepTrials(folder);
		if (swept.templates > 0) log.warn(swept, "an earlier agent left trials: they were ended and removed");
		const groups = await ControlGroups.open({
			name: limits.cgroup,
			cpuShare: limits.cpuShare,
			processors: availableParallelism(),
			memoryBytes: limits.memory,
		});
		for (const problem of groups.problems) log.warn({ problem }, "trials are confined less than they should be");
		const hasNamespaces = await promisify(execFile)("unshare", ["--net", "true"]).then(
			() => true,
			() => false,
		);
		if (!hasNamespaces) log.warn("clones have no network namespace of their own, since the agent may not make one");
		const hasOwnNetworks = hasNamespaces && canUse("/dev/net/tun");
		return new Trials(options, groups, { hasKvm: canUse("/dev/kvm"), hasOwnNetworks, hasNamespaces });
	}

	get slots(): number {
		return this.#options.limits.slots;
	}

	get usedSlots(): number {
		return this.#capacity.usedSlots;
	}

	get memoryBytes(): number {
		return this.#options.limits.memory;
	}

	get reservedBytes(): number {
		return this.#capacity.reservedBytes;
	}

	/**
	 * @returns the caller's to dispose of, which ends its clones.
	 * @throws UmbraError as `Template.make`, `limit` where there is no room.
	 */
	async prepare(point: TrialPoint, signal: AbortSignal): Promise<Template> {
		const { folder, limits, log } = this.#options;
		const id = randomBytes(4).toString("hex");
		await using resources = new AsyncDisposableStack();
		await this.#diskFloor.check(`a template of ${point.name}`);
		const memory = point.stream.ram.blocks.reduce((sum, { size }) => sum + size, 0);
		const room = resources.use(this.#capacity.reserve(`the RAM of ${point.name}`, memory, 0));
		const group = resources.use(await this.#groups.make(`${id}-ram`));
		const confine = (groups: readonly string[]) => ({
			groups,
			nice: this.#groups.nice,
			ownNetwork: this.#abilities.hasNamespaces,
		});
		let held: AsyncDisposableStack | undefined;
		const template = await Template.make({
			...{ id, point, folder: join(folder, id), log, maxFileBytes: limits.disk, ...this.#abilities },
			diskFloor: this.#diskFloor,
			confinement: confine(group.joins),
			signal: AbortSignal.any([signal, this.#stop.signal]),
			admit: async (clone, bytes) => {
				await this.#diskFloor.check(`clone ${clone}`);
				await using admission = new AsyncDisposableStack();
				const share = admission.use(this.#capacity.reserve(`clone ${clone}`, bytes + OVERHEAD_BYTES, 1));
				const own = admission.use(await this.#groups.make(clone));
				const moved = admission.move();
				return {
					confinement: confine(own.joins),
					started: (pid) => share.settle(() => ownMemory(pid)),
					[Symbol.asyncDispose]: () => moved.disposeAsync(),
				};
			},
			ended: async () => {
				this.#open.delete(template);
				await held?.disposeAsync();
			},
		});
		room.settle(() => template.ramBytes, template.ramBytes);
		held = resources.move();
		this.#open.add(template);
		return template;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort(new UmbraError("unavailable", "the agent stops"));
		await Promise.all([...this.#open].map((template) => template[Symbol.asyncDispose]()));
		await this.#groups[Symbol.asyncDispose]();
	}
}

function canUse(path: string): boolean {
	try {
		accessSync(path, constants.R_OK | constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

/** Bytes of a process that are shared with none. */
function ownMemory(pid: number): number {
	const text = new KernelTree().text(`/proc/${pid}/status`) ?? "";
	return 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}
