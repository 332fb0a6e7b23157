/**
 * `agent/` is the program on a hypervisor host: it finds machines, captures them, keeps what it found in a
 * spool, and brings it to the collector. It never imports `collector/`.
 */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { loadAuthorize, parseAddress, requireTokenBeyondLoopback } from "../common/access.ts";
import { NAME_SIZE } from "../common/block.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import { makeFolders } from "../common/folders.ts";
import { assertSound } from "../common/leveldb/verify.ts";
import type { Logger } from "../common/log.ts";
import { point } from "../common/measurements/measurements.ts";
import { formatBytes, nowNs } from "../common/units.ts";
import { VERSION } from "../common/version.ts";
import { MAX_OFFER_NAMES, toLong, type wire } from "../proto/service.ts";
import type { AgentDb } from "./capture/block-index.ts";
import { Capturer } from "./capture/capture.ts";
import { HashPoolLease } from "./capture/hash-pool-lease.ts";
import { type AgentConfig, isRead, settingsFor } from "./config.ts";
import type { Machine } from "./hypervisor/hypervisor.ts";
import { QemuHypervisor } from "./hypervisor/qemu.ts";
import { importFolder, takeOver } from "./import/take-over.ts";
import { Spool } from "./spool/spool.ts";
import { toSample } from "./telemetry/sample.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import type { TrialRunner } from "./trial-runner.ts";
import { uplinkAccess } from "./uplink/access.ts";
import { loadAgentId } from "./uplink/identity.ts";
import { Uplink } from "./uplink/uplink.ts";
import { VmRunner } from "./vm-runner.ts";

/** Captures that run side by side on one host. */
const CAPTURES_AT_ONCE = 3;

export class Agent implements AsyncDisposable {
	readonly #config: AgentConfig;
	readonly #log: Logger;
	readonly #stack: AsyncDisposableStack;
	readonly #stop = new AbortController();
	readonly #runners = new Map<string, VmRunner>();
	readonly #running = new Set<Promise<void>>();
	readonly #crashed = Promise.withResolvers<void>();
	readonly #turns = new Turns(CAPTURES_AT_ONCE);
	#db!: AgentDb;
	#spool!: Spool;
	#capturer!: Capturer;
	#uplink!: Uplink;
	#telemetry: Telemetry | undefined;
	#trials: TrialRunner | undefined;
	#captures = 0;
	#captureFailures = 0;

	private constructor(config: AgentConfig, log: Logger, stack: AsyncDisposableStack) {
		this.#config = config;
		this.#log = log;
		this.#stack = stack;
	}

	/** @throws UmbraError `conflict` where another agent uses the data folder. */
	static async start(config: AgentConfig, log: Logger): Promise<Agent> {
		await using stack = new AsyncDisposableStack();
		makeFolders(config.dataDir, 0o700);
		const db = await openDb(config.dataDir);
		stack.defer(() => db.close());

		const agentId = await loadAgentId(config.dataDir);
		const spool = await Spool.open({
			folder: join(config.dataDir, "spool"),
			db,
			prefix: "spool/",
			limitBytes: config.spool.limit,
			log,
		});
		stack.use(spool);
		const hashing = stack.use(new HashPoolLease(config.threads));
		const host = config.host ?? hostname();
		const capturer = await Capturer.open({ db, spool, hashing, agentId, host, log });

		const agent = new Agent(config, log, stack.move());
		agent.#db = db;
		agent.#spool = spool;
		agent.#capturer = capturer;
		try {
			await agent.#connect(agentId, host);
			return agent;
		} catch (error) {
			await agent[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** Rejects when a part of the agent has died and it should be started anew. */
	get finished(): Promise<void> {
		return this.#crashed.promise;
	}

	get connected(): boolean {
		return this.#uplink.connected;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		// Before the machines are let go of, which is not their end.
		await this.#telemetry?.[Symbol.asyncDispose]();
		await Promise.all(this.#running);
		await this.#stack.disposeAsync();
		this.#crashed.resolve();
	}

	async #connect(agentId: string, host: string): Promise<void> {
		const { collector, qemu, scratch, dataDir } = this.#config;
		const access = await uplinkAccess(collector);
		const { trials: limits } = this.#config;
		const folder = join(dataDir, "trials");
		if (limits === undefined) {
			// Since it took some, its settings may have changed.
			if (existsSync(folder)) await (await import("./trial/sweep.ts")).sweepTrials(folder);
		} else {
			const { TrialRunner } = await import("./trial-runner.ts");
			const link = { address: collector.address, ...access };
			this.#trials = this.#stack.use(await TrialRunner.open({ folder, limits, link, log: this.#log }));
		}
		this.#uplink = Uplink.start({
			address: collector.address,
			agentId,
			host,
			version: VERSION,
			spool: this.#spool,
			heartbeat: () => this.#heartbeat(),
			onOrder: (order) => this.#obey(order),
			onBaseLost: async (vm, reason) => {
				this.#log.warn({ vm, reason }, "the collector cannot build upon our last capture: capturing anew");
				await this.#turns.alone(vm, async () => {
					await this.#spool.dropVm(vm);
					await this.#capturer.forget(vm);
				});
				this.#runners.get(vm)?.captureAnew();
			},
			log: this.#log,
			...access,
		});
		this.#stack.use(this.#uplink);
		this.#uplink.finished.catch((error: unknown) => this.#crashed.reject(error));

		await this.#showStatus(host);
		if (this.#config.telemetry.enabled) await this.#read(host);
		const hypervisor = await QemuHypervisor.start(
			{
				sockets: qemu.sockets,
				names: new Map(
					this.#config.vms.flatMap(({ socket, name }) =>
						socket === undefined || name === undefined ? [] : [[socket, name]],
					),
				),
				scratchFolder: scratch.dir ?? join(dataDir, "scratch"),
				scratchLimit: scratch.limit,
				scanInterval: qemu.scanInterval,
				log: this.#log,
			},
			{
				onMachine: (machine) => this.#adopt(machine),
				onProblem: (where, error) => this.#log.warn({ where, err: error }, "cannot use this VM"),
			},
		);
		this.#stack.use(hypervisor);
		hypervisor.finished.catch((error: unknown) => this.#crashed.reject(error));
		this.#crashed.promise.catch(() => {}); // Whoever awaits `finished` sees it.
	}

	async #read(host: string): Promise<void> {
		const { interval, dirtyRate } = this.#config.telemetry;
		this.#telemetry = await Telemetry.start({
			host,
			intervalMs: interval,
			dirtyRate,
			agent: () => this.#reading(),
			send: (points) => this.#uplink.sendTelemetry(points.map(toSample)),
			log: this.#log,
		});
	}

	#reading() {
		return {
			vms: this.#runners.size,
			spool_bytes: this.#spool.usedBytes,
			spool_limit_bytes: this.#spool.limitBytes,
			telemetry_dropped: this.#uplink.droppedSamples,
			captures: this.#captures,
			capture_failures: this.#captureFailures,
		};
	}

	async #showStatus(host: string): Promise<void> {
		const { status } = this.#config;
		if (status === undefined) return;
		const address = parseAddress("status.listen", status.listen);
		requireTokenBeyondLoopback("status.listen", address, status.tokenFile);
		// Loaded here, so that an agent that shows nothing does without.
		const { StatusServer } = await import("./status-server.ts");
		const server = await StatusServer.start({
			address,
			authorize: await loadAuthorize(status.tokenFile),
			points: async () => {
				const own = { ...this.#reading(), rss_bytes: process.memoryUsage.rss() };
				const read = point("agent", { host }, nowNs(), own);
				return read === null ? [] : [read];
			},
			problems: () => this.#problems(),
		});
		this.#stack.use(server);
		this.#log.info({ address: server.address }, "metrics and probes are served");
	}

	/** What keeps the agent from its work. */
	#problems(): string[] {
		const failing = [...this.#runners.values()].map((runner) => runner.status()).filter(({ lastError }) => lastError);
		return [
			...(this.#uplink.connected ? [] : [`no connection to the collector at ${this.#config.collector.address}`]),
			...(this.#spool.full ? ["the spool is full: captures stand still"] : []),
			...failing.map(({ vm, lastError }) => `capture of ${vm} failed: ${lastError}`),
		];
	}

	#adopt(machine: Machine): void {
		this.#log.info({ vm: machine.name, uuid: machine.uuid }, "found a VM");
		if (isRead(this.#config, machine.name)) this.#telemetry?.adopt(machine);
		const settings = settingsFor(this.#config, machine.name);
		const runner = new VmRunner({
			machine,
			settings,
			defaultSchedule: this.#config.schedule,
			states: settings.states ?? this.#config.states,
			ram: {
				preallocate: settings.preallocateRam ?? this.#config.preallocateRam,
				askGuest: settings.askGuestAgent ?? this.#config.askGuestAgent,
			},
			capturer: this.#capturer,
			inTurn: (work) =>
				this.#turns.inTurn(machine.name, async () => {
					await this.#takeOver(machine.name);
					return await work();
				}),
			blocked: () => this.#blocked(),
			onCaptured: (succeeded) => {
				if (succeeded) this.#captures++;
				else this.#captureFailures++;
			},
			// LevelDB takes no more writes after one failed, until it is opened again: that is for whoever restarts us.
			onDatabaseFailure: (cause) =>
				this.#crashed.reject(
					new UmbraError(
						"unavailable",
						`the agent's state in ${this.#config.dataDir} cannot be written: ${messageOf(cause)}`,
						{
							cause,
							hint: "is its disk full or failing? nothing is lost; the agent goes on where it was once it is started again",
						},
					),
				),
			log: this.#log,
		});
		this.#runners.set(machine.name, runner);
		const run = runner.run(this.#stop.signal).finally(() => {
			this.#running.delete(run);
			if (this.#runners.get(machine.name) === runner) this.#runners.delete(machine.name);
			this.#log.info({ vm: machine.name }, "VM is gone or the agent stops");
		});
		this.#running.add(run);
	}

	/** What was imported of a VM before this agent met it is what its first capture builds upon. */
	async #takeOver(vm: string): Promise<void> {
		try {
			const head = await takeOver(this.#db, vm, importFolder(join(this.#config.dataDir, "import"), vm));
			if (head !== undefined) this.#log.info({ vm, changeset: head }, "going on from what was imported");
		} catch (error) {
			if (errnoOf(error)?.startsWith("LEVEL_")) throw error;
			this.#log.warn(
				{ vm, err: error },
				"what was imported of this VM cannot be taken over: capturing it from nothing",
			);
		}
	}

	async #blocked(): Promise<string | undefined> {
		const spool = this.#spool;
		if (!spool.full) return undefined;
		// What a full device refused is still in memory; until it is on the device the collector cannot be given it.
		await spool.sync().catch((error: unknown) => this.#log.debug({ err: error }, "the spool cannot be written yet"));
		if (!spool.full) return undefined;
		const room = `${formatBytes(spool.usedBytes)} of ${formatBytes(spool.limitBytes)}`;
		return `the spool is full (${room}): captures stand still until the collector has taken some`;
	}

	#heartbeat(): wire.v1.IHeartbeat {
		const { user, system } = process.cpuUsage();
		return {
			timeNs: toLong(nowNs()),
			vms: [...this.#runners.values()].map((runner) => runner.status()),
			spoolBytes: toLong(this.#spool.usedBytes),
			spoolLimitBytes: toLong(this.#spool.limitBytes),
			spoolFull: this.#spool.full,
			rssBytes: toLong(process.memoryUsage.rss()),
			cpuSeconds: (user + system) / 1e6,
			...(this.#trials && { trials: this.#trials.capacity() }),
		};
	}

	async #obey(order: wire.v1.IOrder): Promise<wire.v1.IOrderResult> {
		const orderId = order.orderId ?? "";
		try {
			const { captureNow, setPolicy, sendBlocks, runTrial } = order;
			if (sendBlocks !== null && sendBlocks !== undefined) return { orderId, ...(await this.#sendBlocks(sendBlocks)) };
			if (captureNow !== null && captureNow !== undefined) {
				if (captureNow.anew === true) await this.#beginAnew(captureNow.vm ?? "");
				const state = { allowPause: captureNow.allowPause === true };
				const demand = captureNow.state === true ? { state } : {};
				const result = await this.#runner(captureNow.vm ?? "").captureNow(demand);
				return { orderId, ok: true, changesetId: result.id };
			}
			if (setPolicy !== null && setPolicy !== undefined) {
				const { schedule, paused } = setPolicy;
				this.#runner(setPolicy.vm ?? "").setPolicy({
					...(schedule ? { schedule } : {}),
					...(paused === null || paused === undefined ? {} : { paused }),
				});
				return { orderId, ok: true };
			}
			if (runTrial !== null && runTrial !== undefined) {
				if (this.#trials === undefined) {
					throw new UmbraError("unsupported", "this host takes no trials", {
						hint: "set trials in the agent's settings",
					});
				}
				return { orderId, ok: true, trial: await this.#trials.run(runTrial, this.#stop.signal) };
			}
			throw new UmbraError("unsupported", "an order that this agent does not know", { hint: "update the agent" });
		} catch (error) {
			const code = error instanceof UmbraError ? error.code : "internal";
			return { orderId, ok: false, errorCode: code, message: messageOf(error) };
		}
	}

	/** What was captured and not sent yet stays as it is. */
	async #beginAnew(vm: string): Promise<void> {
		if (this.#runner(vm).isExcluded) throw new UmbraError("conflict", `VM ${vm} is excluded`);
		this.#log.warn({ vm }, "what the collector has of this VM is damaged: capturing anew");
		await this.#turns.alone(vm, () => this.#capturer.forget(vm));
	}

	async #sendBlocks({ vm, names }: wire.v1.ISendBlocks): Promise<wire.v1.IOrderResult> {
		const runner = this.#runner(vm ?? "");
		const bytes = Buffer.from(names ?? new Uint8Array());
		const count = bytes.length / NAME_SIZE;
		if (!Number.isInteger(count) || count > MAX_OFFER_NAMES) {
			throw new UmbraError("corrupt", `SendBlocks.names: ${bytes.length} bytes, wanted whole names`, {
				context: { structure: "SendBlocks", field: "names", found: bytes.length, wanted: MAX_OFFER_NAMES * NAME_SIZE },
			});
		}
		const wanted = Array.from({ length: count }, (_, at) =>
			bytes.toString("hex", at * NAME_SIZE, (at + 1) * NAME_SIZE),
		);
		const blocks = await this.#capturer.findBlocks(vm ?? "", new Set(wanted));
		const held = new Set([...blocks.values()].flatMap((disk) => [...disk.values()]));
		const found = new Uint8Array(Math.ceil(count / 8));
		wanted.forEach((name, at) => {
			if (held.has(name)) found[at >> 3] = (found[at >> 3] ?? 0) | (1 << (at & 7));
		});
		if (held.size === 0) return { ok: true, found };
		this.#log.warn({ vm, wanted: count, found: held.size }, "the collector lost blocks of this VM: reading them again");
		const result = await runner.captureNow({ resend: blocks });
		return { ok: true, found, changesetId: result.id };
	}

	#runner(vm: string): VmRunner {
		const runner = this.#runners.get(vm);
		if (runner === undefined || runner.machine.gone.aborted) {
			throw new UmbraError("not-found", `no running VM ${vm} on this host`);
		}
		return runner;
	}
}

/** Lets a few works run at a time, never two with the same key, first come, first served. */
class Turns {
	#free: number;
	readonly #waiting: (() => void)[] = [];
	readonly #last = new Map<string, Promise<unknown>>();

	constructor(atOnce: number) {
		this.#free = atOnce;
	}

	async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
		return await this.alone(key, async () => {
			if (this.#free > 0) this.#free--;
			else await new Promise<void>((resolve) => this.#waiting.push(resolve));
			try {
				return await work();
			} finally {
				const next = this.#waiting.shift();
				if (next === undefined) this.#free++;
				else next();
			}
		});
	}

	/** After whatever runs with this key, whether or not all turns are taken. */
	async alone<T>(key: string, work: () => Promise<T>): Promise<T> {
		const before = this.#last.get(key);
		const run = (async () => {
			await before?.catch(() => {});
			return await work();
		})();
		this.#last.set(key, run);
		try {
			return await run;
		} finally {
			if (this.#last.get(key) === run) this.#last.delete(key);
		}
	}
}

async function openDb(dataDir: string): Promise<AgentDb> {
	const path = join(dataDir, "state");
	const hint = `move ${path} and ${join(dataDir, "spool")} away: the VMs are captured anew, what the collector has stays`;
	try {
		await assertSound(path, { what: "the agent's state", tables: true, hint });
		// Once it is made it opens by itself.
		const db: AgentDb = new ClassicLevel(path, { keyEncoding: "view", valueEncoding: "view" });
		await db.open();
		return db;
	} catch (error) {
		if (isUmbraError(error)) throw error;
		const cause = error instanceof Error ? error.cause : undefined;
		if (errnoOf(cause) === "LEVEL_LOCKED") {
			throw new UmbraError("conflict", `another agent uses the data folder ${dataDir}`, { cause: error });
		}
		throw new UmbraError("unavailable", `cannot open the agent's state in ${dataDir}: ${messageOf(cause ?? error)}`, {
			cause: error,
			hint: "is the folder writable, and is there space on its disk?",
		});
	}
}
