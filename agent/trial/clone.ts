/**
 * A clone: a QEMU that was started from a template and stands at the captured instant until `start`. It is killed when it
 * is disposed of; nothing that it did is kept.
 *
 * For what watches or stresses it: `qmp` and `events` are its monitor, `channels` its consoles and ports, `ports` its places
 * at the switch, `process` its process.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { orAborted } from "../../common/abort.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { QmpClient as Qmp, type QmpClient, type QmpEvent } from "../hypervisor/qmp.ts";
import { KernelTree } from "../proc/tree.ts";
import { UNPLUGGED } from "./arguments.ts";
import { Channel } from "./channel.ts";
import type { ClonePlan } from "./clone-plan.ts";
import { type DiskFloor, textOf } from "./disk-floor.ts";
import { Journal } from "./journal.ts";
import { Loss } from "./loss.ts";
import type { Segment, SwitchPort } from "./network/segment.ts";
import { OneClient } from "./one-client.ts";
import { type Confinement, TrialProcess } from "./process.ts";
import type { Admission } from "./template.ts";

/** A loaded host takes seconds for what takes milliseconds. */
const START_MS = 60_000;
const LOOK_MS = 2;
const MAX_EVENTS = 1000;
/** At which its disks are served, in its folder. */
export const DISK_SOCKET = "nbd";
/** What a trial does not need to do: other users' files, other programs, other priorities. */
const SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
/** A clone whose guest switched it off, panicked or hangs stays as it was, to be looked at. */
const ACTIONS = "shutdown=pause,panic=pause,watchdog=pause";

export interface CloneParts {
	readonly name: string;
	/** Made by the clone, removed with it. */
	readonly folder: string;
	/** The folder of its template. */
	readonly template: string;
	readonly plan: ClonePlan;
	/** Where a block of shared RAM can be mapped, by its place in the plan. */
	readonly ramPath: (at: number) => string;
	readonly architecture: string;
	readonly segment: Segment;
	readonly admit: () => Promise<Admission>;
	readonly maxFileBytes: number;
	readonly diskFloor: DiskFloor;
	/** As `DiskServer.listen`. */
	readonly serveDisks: (path: string, failed: (error: unknown) => void) => Promise<AsyncDisposable>;
	readonly log: Logger;
	readonly signal: AbortSignal;
	readonly onEnd: (clone: Clone) => void;
}

/** Bytes of host memory that a clone takes. */
export interface CloneMemory {
	/** Its own: what it wrote, and QEMU's. */
	readonly ownBytes: number;
	/** Its part of what is shared with others. */
	readonly sharedBytes: number;
}

interface Made {
	readonly qmp: QmpClient;
	readonly process: TrialProcess;
	readonly channels: readonly Channel[];
	readonly ports: readonly SwitchPort[];
	readonly confinement: Confinement;
	readonly journal: Journal;
	readonly loss: Loss;
	readonly resources: AsyncDisposableStack;
	readonly madeMs: number;
}

export class Clone implements AsyncDisposable {
	readonly name: string;
	readonly folder: string;
	readonly plan: ClonePlan;
	readonly qmp: QmpClient;
	readonly process: TrialProcess;
	/** Folders of the control groups that it has for itself, one a hierarchy. */
	readonly groups: readonly string[];
	readonly channels: readonly Channel[];
	/** One a network card, in the order of the plan. */
	readonly ports: readonly SwitchPort[];
	/** Milliseconds from the start of its process until it stood ready. */
	readonly madeMs: number;
	/** Where its host fails it: its disks cannot be read or have no space, or it is killed. */
	readonly loss: Loss;
	readonly #events: QmpEvent[] = [];
	readonly #made: Made;
	readonly #parts: CloneParts;

	private constructor(parts: CloneParts, made: Made) {
		const { name, folder, plan } = parts;
		this.name = name;
		this.folder = folder;
		this.plan = plan;
		this.groups = made.confinement.groups.map((file) => dirname(file));
		this.qmp = made.qmp;
		this.process = made.process;
		this.channels = made.channels;
		this.ports = made.ports;
		this.madeMs = made.madeMs;
		this.loss = made.loss;
		this.#made = made;
		this.#parts = parts;
		this.#watch(made.process, "QEMU");
		this.qmp.onEvent((event) => {
			this.#events.push(event);
			if (this.#events.length > MAX_EVENTS) this.#events.shift();
		});
	}

	/** @internal `Template.clone` makes one. */
	static async make(parts: CloneParts): Promise<Clone> {
		const started = performance.now();
		const { folder, template, plan, signal } = parts;
		await using resources = new AsyncDisposableStack();
		const admission = resources.use(await parts.admit());
		await mkdir(folder, { mode: 0o700 });
		resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
		const journal = new Journal(folder);
		await journal.begin({ id: parts.name, point: "", groups: admission.confinement.groups });
		const loss = new Loss();
		const failed = (error: unknown) => loss.tell(`its disks could not be read: ${messageOf(error)}`);
		resources.use(await parts.serveDisks(join(folder, DISK_SOCKET), failed));
		const monitor = resources.use(await OneClient.listen(join(folder, "q")));
		const channels: Channel[] = [];
		for (const planned of plan.channels) channels.push(resources.use(await Channel.listen(planned, folder)));
		const ports: SwitchPort[] = [];
		for (const { netdev, socket, wire } of plan.nics) {
			ports.push(resources.use(await parts.segment.listen(`${parts.name}/${netdev}`, join(folder, socket), wire)));
		}
		await Promise.all(
			plan.disks.map(({ overlay }) =>
				copyFile(join(template, overlay), join(folder, overlay), constants.COPYFILE_FICLONE),
			),
		);
		await using devices = await open(join(template, "devices"), "r");
		const process = resources.use(
			await TrialProcess.start({
				command: [`qemu-system-${programSuffix(parts.architecture)}`, ...cloneArguments(parts)],
				folder,
				mark: template,
				stdin: devices.fd,
				log: "qemu.log",
				confinement: admission.confinement,
				maxFileBytes: parts.maxFileBytes,
			}),
		);
		admission.started(process.id.pid);
		await journal.add(process.id);
		const gone = new AbortController();
		const ended = process.finished.then((how) => {
			gone.abort(new UmbraError("unavailable", `QEMU ended with ${how} before it was ready`));
		});
		const late = AbortSignal.timeout(START_MS);
		const stop = AbortSignal.any([signal, gone.signal, late]);
		try {
			const socket = await orAborted(monitor.connected, stop);
			const qmp = resources.use(await Qmp.adopt(join(folder, "q"), socket, stop));
			await loaded(qmp, stop);
			await checkNetwork(qmp, plan);
			const madeMs = performance.now() - started;
			const { confinement } = admission;
			const moved = resources.move();
			return new Clone(parts, { qmp, process, channels, ports, confinement, journal, loss, resources: moved, madeMs });
		} catch (error) {
			signal.throwIfAborted();
			process.child.kill("SIGKILL");
			await ended;
			const said = await process.said();
			const why = late.aborted ? `it was not ready within ${START_MS} ms` : String((error as Error).message);
			throw new UmbraError("unavailable", `the clone ${parts.name} could not be started: ${why}: ${said}`, {
				cause: error,
				hint: "a clone needs the QEMU version of its machine or a later one, and a processor that can do as much",
			});
		}
	}

	/** What its monitor told, the newest last; of many, the last thousand. */
	get events(): readonly QmpEvent[] {
		return this.#events;
	}

	/** The end of what its consoles said. */
	console(): string {
		return this.channels
			.filter(({ kind }) => kind === "console")
			.map((channel) => channel.text())
			.join("");
	}

	/** Lets the guest go on. @throws UmbraError `unavailable`. */
	async start(): Promise<void> {
		await this.qmp.execute("cont");
	}

	/**
	 * A process that works for it, in its folder and confined like it. It ends with the clone unless its caller ends it before.
	 *
	 * @throws UmbraError `unavailable`.
	 */
	async helper(command: readonly [string, ...string[]], log: string): Promise<TrialProcess> {
		const { confinement, journal, resources } = this.#made;
		const { folder, template, maxFileBytes } = this.#parts;
		const process = resources.use(
			await TrialProcess.start({ command, folder, mark: template, stdin: "pipe", log, confinement, maxFileBytes }),
		);
		await journal.add(process.id);
		this.#watch(process, command[0]);
		return process;
	}

	/** Ends as lost where other things of this host have no space left. @throws UmbraError `unavailable`. */
	async checkSpace(): Promise<void> {
		const short = await this.#parts.diskFloor.shortage();
		if (short !== undefined) this.loss.tell(textOf(short));
	}

	/** Nothing in a guest can have its QEMU killed; the kernel does, for want of memory. */
	#watch(process: TrialProcess, what: string): void {
		process.finished.then((how) => {
			if (how !== "SIGKILL" || process.isDisposed) return;
			const isOom = this.groups.some((group) => killsForMemory(group) > 0);
			this.loss.tell(
				`${what} was killed ${isOom ? "for want of memory in its control group" : "by something on this host (SIGKILL), for want of memory perhaps"}`,
			);
		});
	}

	/** Undefined once its process has ended. */
	async memory(): Promise<CloneMemory | undefined> {
		const text = await readFile(`/proc/${this.process.id.pid}/smaps_rollup`, "utf8").catch(() => "");
		const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
		if (text === "") return undefined;
		return { ownBytes: bytes("Pss_Anon") + bytes("Pss_File"), sharedBytes: bytes("Pss_Shmem") };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#parts.onEnd(this);
		await this.#made.resources.disposeAsync();
	}
}

/** Of version 2 or 1. */
function killsForMemory(group: string): number {
	const tree = new KernelTree();
	const text = tree.text(join(group, "memory.events")) ?? tree.text(join(group, "memory.oom_control")) ?? "";
	return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

function cloneArguments({ name, plan, ramPath }: CloneParts): string[] {
	return [
		...["-name", name, "-display", "none", "-monitor", "none"],
		...["-chardev", "socket,id=umbra-qmp,path=q", "-mon", "chardev=umbra-qmp,mode=control"],
		...plan.ram.flatMap(({ backend, size, options }, at) => [
			"-object",
			[
				...[`memory-backend-file,id=${backend.replaceAll(",", ",,")}`, `size=${size}`, "share=off"],
				...[`mem-path=${ramPath(at)}`, ...options],
			].join(","),
		]),
		...plan.args,
		...["-action", ACTIONS, "-sandbox", SANDBOX, "-S", "-incoming", "fd:0"],
	];
}

/** QEMU's programs are called otherwise than its architectures in one case. */
function programSuffix(architecture: string): string {
	return /^[a-z0-9_]+$/.test(architecture) ? architecture : "x86_64";
}

/** Until the state of the devices has been taken in. */
async function loaded(qmp: QmpClient, signal: AbortSignal): Promise<void> {
	for (;;) {
		signal.throwIfAborted();
		const { status } = (await qmp.execute("query-status")) as { status?: string };
		if (status !== "inmigrate") return;
		await sleep(LOOK_MS, undefined, { signal });
	}
}

/** Whatever its arguments were: no way out that is not ours. @throws UmbraError `denied`. */
async function checkNetwork(qmp: QmpClient, plan: ClonePlan): Promise<void> {
	const text = String(await qmp.execute("human-monitor-command", { "command-line": "info network" }));
	const known = new Map(plan.nics.map(({ netdev, wire }) => [netdev, wire === "stream" ? "stream" : "tap"]));
	for (const line of text.split(/\r?\n/)) {
		const [, peer, name = "", type = ""] = /^( \\ )?(.+?): index=\d+,type=([a-z-]+)/.exec(line) ?? [];
		if (type === "" || type === "nic" || known.get(name) === type) continue;
		if (peer === undefined && name.startsWith(UNPLUGGED)) continue;
		throw new UmbraError("denied", `the clone has a network of its own (${name}, ${type}), which it must not`);
	}
}
