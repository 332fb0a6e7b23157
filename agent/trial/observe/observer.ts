/** Watches one clone from before it goes on until the end of its trial. */
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../common/errors.ts";
import { FailureClassifier, type LastingFailure } from "../../../common/failures/classifier.ts";
import type { Failure, FailureEvent } from "../../../common/failures/failures.ts";
import type { Logger } from "../../../common/log.ts";
import type { Probe } from "../../../common/trial/probes.ts";
import type { ProbeResult, Screen } from "../../../common/trial/report.ts";
import type { QmpEvent } from "../../hypervisor/qmp.ts";
import type { Clone } from "../clone.ts";
import { Endpoint } from "../network/endpoint.ts";
import type { Segment } from "../network/segment.ts";
import type { AskedGuest } from "./asks.ts";
import { Collapse } from "./collapse.ts";
import { MachineEvents } from "./machine-events.ts";
import type { Observation } from "./observation.ts";
import { ProbeRun } from "./probe-run.ts";
import { takeScreen } from "./screen.ts";
import { SeriesRecorder } from "./series.ts";
import { Silence } from "./silence.ts";
import { Stalls } from "./stall.ts";
import { CloneTelemetry, type Vitals } from "./telemetry.ts";
import { judge } from "./verdict.ts";
import { within } from "./within.ts";

const SECOND_MS = 1000;
/** The guest agent is asked once at a time; one that takes longer has not answered. */
const PING_MS = 5000;
const STATUS_MS = 5000;
/** A look that came so late means that this host had no time for us, and so perhaps none for the guest. */
const LATE_MS = 500;
/** QEMU's word of a failed request is heard after the guest's own, which says more: else it were chance which comes first. */
const HEARD_LATER = "BLOCK_IO_ERROR";
const HEARD_AFTER_MS = 3000;
const MAX_HELD = 64;
/** From where latencies can be collapsed, however short they usually are. Disks: beyond what levers are for; clients: beyond what people wait for. */
const FLOORS_MS = { disk: 2000, agent: 2000, probe: 1000 } as const;
const MAX_NOTES = 20;
const MAX_NOTE = 1000;
/** Characters of what consoles said; all but one in a report are of one to three bytes. */
const MAX_CONSOLE = 60_000;
/** Characters of excerpts of all failures together. */
const MAX_EXCERPTS = 100_000;
/** Of a console that has not ended its line. */
const MAX_PENDING = 16 * 1024;

export interface ObserverOptions {
	readonly clone: Clone;
	readonly segment: Segment;
	/** Undefined where the guest has no agent that answers. */
	readonly guest: AskedGuest | undefined;
	readonly probes: readonly Probe[];
	/** The guest's, as far as its host saw them when it was captured. */
	readonly addresses?: readonly string[];
	/** `performance.now()` of the trial's beginning. */
	readonly origin: number;
	readonly durationMs: number;
	/** When stress begins; what is usual is learnt until then. Left out, there is none. */
	readonly quietMs?: number;
	/** What is usual, in milliseconds, where it is known from elsewhere; by "disk", "guest agent" or "probe NAME". */
	readonly usualMs?: Readonly<Record<string, number>>;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

/** That a clone has failed for certain. */
export interface CertainFailure {
	readonly atMs: number;
	readonly why: string;
}

export class Observer {
	/** Resolves when the clone has failed for certain: nothing that it could do would change that. Never rejects. */
	readonly failed: Promise<CertainFailure>;
	readonly #options: ObserverOptions;
	readonly #telemetry: CloneTelemetry;
	readonly #classifier = new FailureClassifier({ isRunning: true });
	readonly #recorder = new SeriesRecorder(SECOND_MS);
	readonly #silence = new Silence();
	readonly #stalls = new Stalls();
	readonly #collapses = new Map<string, Collapse>();
	readonly #probes: readonly ProbeRun[];
	readonly #endpoint: Endpoint | undefined;
	readonly #events = new MachineEvents();
	readonly #screens: Screen[] = [];
	readonly #notes = new Set<string>();
	readonly #end = new AbortController();
	readonly #stop: AbortSignal;
	readonly #cleanups: (() => void)[] = [];
	readonly #work: Promise<unknown>[] = [];
	readonly #certain = Promise.withResolvers<CertainFailure>();
	#certainly: CertainFailure | undefined;
	/** Values of this second that came by themselves. */
	#told: Record<string, number> = {};
	#seconds = 0;
	#hasPinged = false;
	#isAgentMissed = false;
	#answeredMs: number | null = null;
	/** Its agent answered since the last look. */
	#isAnswered = false;
	#failureScreen: Promise<void> | undefined;
	readonly #held: { readonly event: FailureEvent; readonly atMs: number }[] = [];

	private constructor(options: ObserverOptions, telemetry: CloneTelemetry) {
		this.#options = options;
		this.#telemetry = telemetry;
		this.failed = this.#certain.promise;
		this.#stop = AbortSignal.any([options.signal, this.#end.signal]);
		const { clone, segment, guest, probes, origin, quietMs = Number.POSITIVE_INFINITY } = options;
		this.#endpoint = clone.ports.length === 0 ? undefined : new Endpoint(segment, { ports: clone.ports });
		const means = { guest, endpoint: this.#endpoint, captured: options.addresses ?? [] };
		this.#probes = probes.map(
			(probe) =>
				new ProbeRun(probe, {
					...{ means, origin, quietMs },
					failed: ({ name }, detail) => this.#event({ kind: "probe", name, detail }),
					well: ({ name }, latencyMs) => {
						this.#answeredMs = this.#nowMs();
						this.#latency(`probe ${name}`, FLOORS_MS.probe, latencyMs);
						this.#told[`clone.probe_ms ${name}`] = latencyMs;
					},
				}),
		);
	}

	/** Before the clone goes on, so that nothing is missed. */
	static async start(options: ObserverOptions): Promise<Observer> {
		const { clone, log } = options;
		const telemetry = await CloneTelemetry.start(clone, log);
		// What the first second is told against.
		await telemetry.read(performance.now() - options.origin);
		const observer = new Observer(options, telemetry);
		observer.#listen();
		observer.#work.push(
			observer.#look(),
			...observer.#probes.map((probe) => probe.run(observer.#stop)),
			...(options.guest === undefined ? [] : [observer.#ping(options.guest)]),
		);
		return observer;
	}

	/** How many have been looked at. */
	get seconds(): number {
		return this.#seconds;
	}

	/** So far. */
	get failures(): readonly Failure[] {
		return this.#classifier.failures().map((failure) => this.#stalls.named(failure));
	}

	/** How each of them fared so far. */
	get probes(): readonly ProbeResult[] {
		return this.#probes.map(({ result }) => result);
	}

	/** Ends it, with a last look at the clone, which must still be there. */
	async stop(): Promise<Observation> {
		const { clone } = this.#options;
		const endMs = this.#nowMs();
		this.#end.abort();
		for (const cleanup of this.#cleanups) cleanup();
		this.#hear(0);
		await Promise.allSettled([...this.#work, this.#failureScreen]);
		const isRunning = await this.#isRunning();
		await this.#screen();
		// What it takes in the end; a piece of a second has no place in the series.
		await this.#telemetry.read(endMs).catch(() => undefined);
		this.#endpoint?.[Symbol.dispose]();
		this.#classifier.end();
		if (clone.process.hasEnded) this.#note(`QEMU last said: ${await clone.process.said()}`);
		return this.#observation(endMs, isRunning);
	}

	#observation(endMs: number, isRunning: boolean): Observation {
		const isWell =
			isRunning &&
			!this.#silence.isSilent &&
			!this.#probes.some(({ isFailed }) => isFailed) &&
			![...this.#collapses.values()].some(({ hasCollapsed }) => hasCollapsed);
		const certainMs = this.#certainly?.atMs ?? null;
		const hasFailed = certainMs !== null || !isRunning;
		const failures = this.#classifier.failures({ hasFailed }).map((failure) => this.#stalls.named(failure));
		const lastMs = failures.map((failure) => failure.lastMs);
		const seen = { failures, lastMs, certainMs, isWell, answeredMs: this.#answeredMs, endMs };
		const lost = this.#lost();
		return {
			...(lost === null
				? { failures: withinBounds(failures), ...judge(seen) }
				: { failures: [], failedMs: null, isDegraded: false }),
			lost,
			series: this.#recorder.series(),
			probes: this.probes,
			events: this.#events.all(),
			screens: this.#screens,
			console: shown(this.#options.clone.console()).slice(-MAX_CONSOLE),
			diskBytes: this.#telemetry.diskBytes,
			memoryBytes: this.#telemetry.memory?.ownBytes ?? null,
			notes: [...this.#notes],
		};
	}

	/** What it did before may have been on its way to a failure, or have come of what its host did to it. */
	#lost(): string | null {
		const { told } = this.#options.clone.loss;
		if (told === undefined) return null;
		const hasFailed = this.#certainly !== undefined && this.#certainly.atMs <= told.at - this.#options.origin;
		return hasFailed ? null : told.reason;
	}

	#listen(): void {
		const { clone, guest } = this.#options;
		const consoles = clone.channels.filter(({ kind }) => kind === "console");
		for (const channel of consoles) {
			const decoder = new StringDecoder("utf8");
			let pending = "";
			const off = channel.onData((bytes) => {
				const text = decoder.write(bytes);
				for (const probe of this.#probes) probe.console(channel.name, text);
				// Whole lines, so that those of several consoles do not mix.
				pending += text;
				const end = pending.length > MAX_PENDING ? pending.length : pending.lastIndexOf("\n") + 1;
				if (end === 0) return;
				this.#classifier.write(pending.slice(0, end), this.#nowMs());
				pending = pending.slice(end);
			});
			this.#cleanups.push(off, () => this.#classifier.write(`${pending}\n`, this.#nowMs()));
		}
		if (consoles.length === 0)
			this.#note("the machine has no serial or virtio console: what its kernel says is not seen");
		if (guest === undefined) this.#note("no guest agent answers: whether the guest still does cannot be asked");
		this.#cleanups.push(clone.qmp.onEvent((event) => this.#qmp(event)));
		// What came before anybody listened.
		for (const event of clone.events) this.#qmp(event);
		clone.process.finished.then((how) => {
			// What was killed was lost, and says nothing of the guest.
			if (this.#end.signal.aborted || how === "SIGKILL") return;
			const [code, signal] = typeof how === "number" ? [how, null] : [null, how];
			this.#event({ kind: "exit", code, signal });
			this.#fail(`QEMU ended with ${how}`);
		});
	}

	#qmp({ event, data }: QmpEvent): void {
		this.#events.add({ event, data }, this.#nowMs());
		if (event === HEARD_LATER) {
			if (this.#held.length >= MAX_HELD) return;
			// It tells of a node of ours, where there is a disk of the machine.
			const disk = this.#options.clone.plan.disks.find(({ filter }) => filter === data["node-name"])?.disk;
			const told = disk === undefined ? data : { ...data, device: disk };
			this.#held.push({ event: { kind: "qmp", event, data: told }, atMs: this.#nowMs() });
			return;
		}
		this.#event({ kind: "qmp", event, data });
		const isGuest = data["guest"] === true;
		if (event === "GUEST_PANICKED") this.#fail("the guest panicked");
		else if (event === "WATCHDOG" && data["action"] === "pause") this.#fail("the watchdog stopped the guest");
		else if (event === "SHUTDOWN" && isGuest) this.#fail("the guest shut itself down");
		else if (event === "RESET" && isGuest) this.#fail("the guest rebooted");
	}

	/** Those that have waited for so long. */
	#hear(afterMs: number): void {
		for (let held = this.#held[0]; held !== undefined; held = this.#held[0]) {
			if (this.#nowMs() - held.atMs < afterMs) break;
			this.#held.shift();
			this.#event(held.event, held.atMs);
		}
	}

	#event(event: FailureEvent, atMs: number = this.#nowMs()): void {
		this.#classifier.event(event, atMs);
		this.#failureSeen();
	}

	#fail(why: string): void {
		if (this.#certainly !== undefined) return;
		this.#certainly = { atMs: this.#nowMs(), why };
		this.#options.log.info({ clone: this.#options.clone.name, why }, "a clone failed");
		this.#certain.resolve(this.#certainly);
		this.#failureSeen();
	}

	/** The screen as it is when the first failure shows. */
	#failureSeen(): void {
		if (this.#failureScreen !== undefined || this.#classifier.failures().length === 0) return;
		this.#failureScreen = this.#screen();
	}

	async #look(): Promise<void> {
		const { origin } = this.#options;
		// It may lie ahead.
		const nowMs = () => performance.now() - origin;
		for (let second = Math.ceil(nowMs() / SECOND_MS); !this.#stop.aborted; second++) {
			const dueMs = second * SECOND_MS;
			try {
				await sleep(Math.max(0, dueMs - nowMs()), undefined, { signal: this.#stop });
			} catch {
				return;
			}
			const atMs = nowMs();
			const isLate = atMs - dueMs > LATE_MS;
			try {
				const { values, vitals } = await this.#telemetry.read(atMs);
				// The second that ends now.
				this.#recorder.add(dueMs - SECOND_MS, { ...values, ...this.#told });
				this.#told = {};
				this.#judgeSecond(atMs, vitals, isLate);
				this.#seconds++;
			} catch (error) {
				this.#note(`telemetry could not be read: ${messageOf(error)}`);
			}
			// Seconds that passed meanwhile are left out.
			second = Math.max(second, Math.floor(nowMs() / SECOND_MS));
		}
	}

	#judgeSecond(atMs: number, vitals: Vitals, isLate: boolean): void {
		const { isRunning, isStopped, ranMs, requests = 0, requestMs, frames, consoleBytes } = vitals;
		this.#stalls.look(atMs, isStopped, ranMs);
		const isAlive = this.#isAnswered || consoleBytes > 0 || frames > 0 || requests > 0;
		this.#isAnswered = false;
		const isHeld = isLate || isStopped || isRunning === false;
		const isMissed = this.#isAgentMissed || this.#probes.some((probe) => probe.isMissed);
		const seconds = this.#silence.look({ atMs, isAlive, isHeld, ranMs, isMissed });
		if (seconds !== undefined) this.#event({ kind: "silence", seconds });
		if (requestMs !== undefined && !isHeld) this.#latency("disk", FLOORS_MS.disk, requestMs);
		this.#hear(HEARD_AFTER_MS);
		this.#failureSeen();
		if (this.#certainly === undefined && consoleBytes > 0) {
			const panic = this.#classifier.failures().some(isPanic);
			if (panic) this.#fail("the guest's kernel panicked");
		}
	}

	async #ping(guest: AskedGuest): Promise<void> {
		while (!this.#stop.aborted) {
			const begun = performance.now();
			try {
				const ms = await guest.ping(PING_MS, this.#stop);
				this.#hasPinged = true;
				this.#isAnswered = true;
				this.#isAgentMissed = false;
				this.#answeredMs = this.#nowMs();
				this.#told["clone.agent_ms"] = ms;
				this.#latency("guest agent", FLOORS_MS.agent, ms);
			} catch {
				this.#isAgentMissed = this.#hasPinged;
			}
			try {
				const tookMs = performance.now() - begun;
				await sleep(Math.max(0, SECOND_MS - tookMs), undefined, { signal: this.#stop });
			} catch {
				return;
			}
		}
	}

	#latency(metric: string, floorMs: number, latencyMs: number): void {
		const { quietMs = Number.POSITIVE_INFINITY, usualMs } = this.#options;
		const collapse = this.#collapses.get(metric) ?? new Collapse({ floorMs, quietMs, usualMs: usualMs?.[metric] });
		this.#collapses.set(metric, collapse);
		if (!collapse.add(this.#nowMs(), latencyMs)) return;
		const detail = `${Math.round(latencyMs)} ms; before stress ${(collapse.usualMs ?? 0).toFixed(1)} ms`;
		this.#event({ kind: "performance", metric: `${metric} latency`, detail });
	}

	/** True also where the monitor does not say: that it is slow is no failure of the guest. */
	async #isRunning(): Promise<boolean> {
		const { clone } = this.#options;
		if (clone.process.hasEnded) return false;
		try {
			const status = await within(STATUS_MS, clone.qmp.execute("query-status"), "query-status");
			const told = (status as { status?: unknown }).status;
			if (told !== "running") this.#note(`in the end the machine is ${told}`);
			return told === "running";
		} catch (error) {
			this.#note(`QEMU did not say whether the machine runs: ${messageOf(error)}`);
			return !clone.process.hasEnded;
		}
	}

	async #screen(): Promise<void> {
		if (this.#options.clone.process.hasEnded) return;
		try {
			const screen = await takeScreen(this.#options.clone, this.#nowMs());
			if (screen !== undefined && this.#screens.at(-1)?.png !== screen.png) this.#screens.push(screen);
		} catch (error) {
			this.#note(`the screen could not be read: ${messageOf(error)}`);
		}
	}

	#note(text: string): void {
		if (this.#notes.size < MAX_NOTES) this.#notes.add(text.slice(0, MAX_NOTE));
	}

	/** Never before the beginning. */
	#nowMs(): number {
		return Math.max(0, performance.now() - this.#options.origin);
	}
}

function isPanic({ type, consequences }: LastingFailure): boolean {
	return type === "kernel-panic" || consequences.some((each) => each.type === "kernel-panic");
}

/** The excerpts of later failures are left out where all together would be too long. */
function withinBounds(failures: readonly LastingFailure[]): Failure[] {
	let room = MAX_EXCERPTS;
	return failures.map(({ type, title, alternatives, atMs, count, excerpt, consequences }) => {
		room -= excerpt.reduce((sum, line) => sum + line.length, 0);
		return { type, title, alternatives, atMs, count, excerpt: room >= 0 ? excerpt : [], consequences };
	});
}

/** Without control characters but those that part lines and words. */
function shown(text: string): string {
	return text.replaceAll(/[^\n\t\x20-\x7e\u00a0-\uffff]+/g, "");
}
