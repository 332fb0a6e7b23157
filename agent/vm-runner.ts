/** One machine's captures: on schedule and on demand, one after another, whatever the last one came to. */
import { errnoOf, isAbort, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import type { Logger } from "../common/log.ts";
import { toLong, v1, type wire } from "../proto/service.ts";
import type { BlocksOfDisks, CaptureResult, Capturer } from "./capture/capture.ts";
import { nextDelay, parseSchedule } from "./capture/schedule.ts";
import type { VmSettings } from "./config.ts";
import type { DiskInfo, Machine, MachineState, RamOptions } from "./hypervisor/hypervisor.ts";

export interface VmRunnerOptions {
	readonly machine: Machine;
	readonly settings: VmSettings;
	/** Where the settings have none. */
	readonly defaultSchedule: string;
	/** When RAM and devices are captured too; never, where it is left out. */
	readonly states?: string | undefined;
	/** How RAM is captured; whether the machine may stand still for long is a matter of each capture. */
	readonly ram: Omit<RamOptions, "allowPause">;
	readonly capturer: Capturer;
	/** Runs a capture when it is its turn among those of all machines. */
	readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
	/** Why captures stand still on this host, if they do. */
	readonly blocked: () => Promise<string | undefined>;
	/** Called when a capture has succeeded or failed. */
	readonly onCaptured: (succeeded: boolean) => void;
	/** Called when the agent's own database fails: no capture can become final until it is opened anew. */
	readonly onDatabaseFailure: (error: unknown) => void;
	readonly log: Logger;
}

export interface CaptureDemand {
	/** Blocks whose contents the collector wants even where they did not change. */
	readonly resend?: BlocksOfDisks;
	/** RAM and devices too; `allowPause`: also where the machine stands still for long for it. */
	readonly state?: { readonly allowPause: boolean };
}

interface Demand extends CaptureDemand {
	resolve(result: CaptureResult): void;
	reject(error: unknown): void;
}

/** Captures that come due so close together are one. */
const TOGETHER_MS = 1000;
/** A later time is waited for in steps: the clock may be set meanwhile, and Node's timers hold no more than 24 days. */
const MAX_TIMER_MS = 60_000;
/** A VM whose captures the collector turns down again and again: the first wait, which doubles up to the last. */
const FIRST_HOLD_MS = 30_000;
const MAX_HOLD_MS = 3_600_000;

export class VmRunner {
	readonly machine: Machine;
	readonly #options: VmRunnerOptions;
	readonly #demands: Demand[] = [];
	#wake = Promise.withResolvers<void>();
	#schedule: string;
	#paused = false;
	/** By the clock that is never set. */
	#lastStart: number | undefined;
	/** Of a capture with RAM and devices, as planned; by the same clock. */
	#lastState: number | undefined;
	/** When to capture anew after the collector turned a capture down, by the same clock. */
	#anewAt: number | undefined;
	#refusals = 0;
	#lastRefusal = 0;
	#lastCaptureNs = 0n;
	#lastError = "";
	#ended = false;
	#state: MachineState = "unknown";
	#disks: readonly DiskInfo[] = [];

	constructor(options: VmRunnerOptions) {
		this.machine = options.machine;
		this.#options = options;
		this.#schedule = options.settings.schedule ?? options.defaultSchedule;
	}

	/** Runs until the machine is gone or `signal` says so. Never throws. */
	async run(signal: AbortSignal): Promise<void> {
		const ended = AbortSignal.any([signal, this.machine.gone]);
		ended.addEventListener("abort", () => this.#wake.resolve(), { once: true });
		await this.#recallState();
		while (!ended.aborted) {
			const isStateDue = await this.#untilDue(ended);
			if (ended.aborted) break;
			const demands = this.#demands.splice(0);
			try {
				const result = await this.#captureOnce(ended, demands, isStateDue);
				for (const demand of demands) demand.resolve(result);
			} catch (error) {
				this.#failed(error, ended);
				for (const demand of demands) demand.reject(error);
			}
		}
		this.#ended = true;
		for (const demand of this.#demands.splice(0)) demand.reject(this.#over());
	}

	/**
	 * Captures as soon as may be. One capture can do for several demands.
	 *
	 * @throws whatever the capture ends with.
	 */
	captureNow(demand: CaptureDemand = {}): Promise<CaptureResult> {
		if (this.#ended) return Promise.reject(this.#over());
		const { promise, resolve, reject } = Promise.withResolvers<CaptureResult>();
		this.#demands.push({ ...demand, resolve, reject });
		this.#wake.resolve();
		return promise;
	}

	/**
	 * The collector cannot use what was captured: captures anew, at once the first time, since it may just have lost
	 * its data; later and later when that does not help, since each time the whole disk is read.
	 */
	captureAnew(): void {
		const now = performance.now();
		if (now - this.#lastRefusal > 2 * MAX_HOLD_MS) this.#refusals = 0;
		this.#lastRefusal = now;
		const hold = this.#refusals === 0 ? 0 : Math.min(FIRST_HOLD_MS * 2 ** (this.#refusals - 1), MAX_HOLD_MS);
		this.#refusals++;
		this.#anewAt = now + hold;
		this.#wake.resolve();
	}

	/** An operator left it out. */
	get isExcluded(): boolean {
		return this.#options.settings.exclude;
	}

	/** @throws UmbraError `bad-config` for a schedule that makes no sense; nothing changes then. */
	setPolicy(policy: { readonly schedule?: string; readonly paused?: boolean }): void {
		if (policy.schedule !== undefined) {
			parseSchedule(policy.schedule);
			this.#schedule = policy.schedule;
		}
		if (policy.paused !== undefined) this.#paused = policy.paused;
		this.#wake.resolve();
	}

	status(): wire.v1.IVmStatus {
		const states = {
			running: v1.VmState.VM_STATE_RUNNING,
			paused: v1.VmState.VM_STATE_PAUSED,
			unknown: v1.VmState.VM_STATE_UNKNOWN,
		};
		const excluded = new Set(this.#options.settings.excludeDisks);
		return {
			vm: this.machine.name,
			uuid: this.machine.uuid,
			state: this.machine.gone.aborted ? v1.VmState.VM_STATE_GONE : states[this.#state],
			lastCaptureNs: toLong(this.#lastCaptureNs),
			lastError: this.#lastError,
			schedule: this.#options.settings.exclude ? "excluded" : this.#paused ? "paused" : this.#schedule,
			disks: this.#disks.map(({ id, size }) => ({ disk: id, sizeBytes: toLong(size), excluded: excluded.has(id) })),
		};
	}

	#over(): UmbraError {
		const why = this.machine.gone.aborted ? "is not running any more" : "is not captured any more: the agent stops";
		return new UmbraError("unavailable", `VM ${this.machine.name} ${why}`);
	}

	/** @returns whether RAM and devices are due as well. */
	async #untilDue(ended: AbortSignal): Promise<boolean> {
		for (;;) {
			if (this.#demands.length > 0 || ended.aborted) return false;
			const idle = this.#paused || this.#options.settings.exclude;
			const stateDelay = this.#stateDelay();
			const delay = idle ? Number.POSITIVE_INFINITY : Math.min(this.#delay(), stateDelay);
			const isStateDue = stateDelay - delay < TOGETHER_MS;
			if (delay <= 0) return isStateDue;
			let timer: NodeJS.Timeout | undefined;
			const due = new Promise<boolean>((resolve) => {
				if (delay !== Number.POSITIVE_INFINITY)
					timer = setTimeout(() => resolve(delay <= MAX_TIMER_MS), Math.min(delay, MAX_TIMER_MS));
			});
			const isDue = await Promise.race([due, this.#wake.promise.then(() => false)]);
			clearTimeout(timer);
			this.#wake = Promise.withResolvers<void>();
			if (isDue) return isStateDue;
		}
	}

	/** Milliseconds until the next capture that nobody asked for. */
	#delay(): number {
		const now = performance.now();
		if (this.#anewAt !== undefined) return Math.max(0, this.#anewAt - now);
		const sinceLast = this.#lastStart === undefined ? undefined : now - this.#lastStart;
		return nextDelay(parseSchedule(this.#schedule), sinceLast, Date.now());
	}

	/** Milliseconds until the next planned capture with RAM and devices. */
	#stateDelay(): number {
		const { states } = this.#options;
		if (states === undefined) return Number.POSITIVE_INFINITY;
		const sinceLast = this.#lastState === undefined ? undefined : performance.now() - this.#lastState;
		return nextDelay(parseSchedule(states), sinceLast, Date.now());
	}

	/** A start of the agent is no reason for another one. */
	async #recallState(): Promise<void> {
		const { states, capturer, log } = this.#options;
		if (states === undefined) return;
		try {
			const last = await capturer.lastState(this.machine.name);
			if (last !== undefined) this.#lastState = performance.now() - Math.max(0, Date.now() - last);
		} catch (error) {
			log.warn({ vm: this.machine.name, err: error }, "cannot tell when RAM and devices were captured last");
		}
	}

	async #captureOnce(signal: AbortSignal, demands: readonly Demand[], isStateDue: boolean): Promise<CaptureResult> {
		this.#lastStart = performance.now();
		if (isStateDue) this.#lastState = this.#lastStart;
		this.#anewAt = undefined;
		const { machine, settings, ram, capturer, inTurn, blocked, onCaptured, log } = this.#options;
		this.#state = await machine.state(signal);
		this.#disks = await machine.disks(signal);
		// What an operator asked for is done; what the collector lost is no reason to look at what it may not.
		if (settings.exclude && demands.every(({ resend }) => resend !== undefined))
			throw new UmbraError("conflict", `VM ${machine.name} is excluded`);
		const why = await blocked();
		if (why !== undefined) {
			throw new UmbraError("limit", why, { hint: "nothing is lost: QEMU goes on recording what changes" });
		}
		const disks = this.#disks.filter((disk) => !settings.excludeDisks.includes(disk.id));
		if (disks.length === 0) throw new UmbraError("not-found", `VM ${machine.name} has no disk to capture`);
		const states = demands.flatMap(({ state }) => state ?? []);
		const ids = disks.map((disk) => disk.id);
		const options = { signal, resend: together(demands) };
		const stateOptions = (allowPause: boolean): RamOptions => ({ ...ram, allowPause });
		const state = states.length === 0 ? undefined : stateOptions(states.some(({ allowPause }) => allowPause));
		const result = await inTurn(async () => {
			if (state === undefined && isStateDue) {
				try {
					return await capturer.capture(machine, ids, { ...options, state: stateOptions(false) });
				} catch (error) {
					if (signal.aborted || !isUmbraError(error, "unsupported", "conflict", "limit", "unavailable")) throw error;
					log.warn({ vm: machine.name, err: error }, "RAM and devices cannot be captured; the disks are");
				}
			}
			return await capturer.capture(machine, ids, { ...options, state });
		});
		onCaptured(true);
		this.#lastCaptureNs = result.timeNs;
		if (this.#lastError !== "") log.info({ vm: machine.name }, "captures work again");
		this.#lastError = "";
		log.info(
			{
				vm: machine.name,
				changeset: result.id,
				ms: Number(result.captureNs / 1_000_000n),
				pauseMs: Number(result.pauseNs) / 1e6,
				files: result.files,
				disks: result.disks,
				...(result.stateBytes === undefined ? {} : { stateBytes: result.stateBytes }),
			},
			"captured",
		);
		return result;
	}

	#failed(error: unknown, ended: AbortSignal): void {
		if (ended.aborted && (isAbort(error) || error instanceof UmbraError)) return;
		const message = messageOf(error);
		const { log, onCaptured, onDatabaseFailure } = this.#options;
		onCaptured(false);
		if (errnoOf(error)?.startsWith("LEVEL_")) onDatabaseFailure(error);
		// The same failure every minute is one event, not a thousand.
		if (message !== this.#lastError) log.warn({ vm: this.machine.name, err: error }, "capture failed");
		this.#lastError = message;
	}
}

function together(demands: readonly Demand[]): BlocksOfDisks {
	const blocks = new Map<string, Map<number, string>>();
	for (const { resend } of demands) {
		for (const [disk, wanted] of resend ?? []) blocks.set(disk, new Map([...(blocks.get(disk) ?? []), ...wanted]));
	}
	return blocks;
}
