/** A probe over the time of a trial: when it is asked, and how often in a row it was not as wanted. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../../../common/errors.ts";
import { ConsoleLines } from "../../../common/failures/console-lines.ts";
import { globMatches } from "../../../common/glob.ts";
import type { Probe } from "../../../common/trial/probes.ts";
import type { ProbeResult } from "../../../common/trial/report.ts";
import { ask, type Means } from "./asks.ts";
import { median } from "./collapse.ts";

const MAX_DETAIL = 400;
/** Latencies that the median is of: the newest. */
const MAX_LATENCIES = 1000;

export interface ProbeHooks {
	/** As often in a row as it may; told once until it is well again. */
	readonly failed: (probe: Probe, detail: string) => void;
	/** It was as wanted, after so many milliseconds. */
	readonly well: (probe: Probe, latencyMs: number) => void;
}

export interface ProbeRunOptions extends ProbeHooks {
	readonly means: Means;
	/** `performance.now()` of the trial's beginning. */
	readonly origin: number;
	/** Milliseconds of the trial that are without stress. */
	readonly quietMs: number;
}

export class ProbeRun {
	readonly #probe: Probe;
	readonly #options: ProbeRunOptions;
	readonly #latencies: number[] = [];
	#asked = 0;
	#failed = 0;
	#inARow = 0;
	#rowSince = 0;
	#wasWell = false;
	#isFailed = false;
	#failedMs: number | null = null;
	#detail = "";
	#problem = "";
	/** Of the console, since the last look. */
	readonly #lines = new Map<string, ConsoleLines>();
	#matched: string | undefined;

	constructor(probe: Probe, options: ProbeRunOptions) {
		this.#probe = probe;
		this.#options = options;
	}

	/** It had been well, and is not now, as often in a row as it may. */
	get isFailed(): boolean {
		return this.#isFailed;
	}

	/** It was well once, and was not the last time. */
	get isMissed(): boolean {
		return this.#wasWell && this.#inARow > 0;
	}

	get result(): ProbeResult {
		return {
			name: this.#probe.name,
			asked: this.#asked,
			failed: this.#failed,
			failedMs: this.#failedMs,
			detail: this.#detail,
			problem: shown(this.#problem),
			medianMs: median(this.#latencies) ?? null,
		};
	}

	/** What a console said. */
	console(channel: string, text: string): void {
		const { console: wanted } = this.#probe;
		if (wanted === undefined || this.#nowMs() < this.#probe.after) return;
		const lines = this.#lines.get(channel) ?? new ConsoleLines();
		this.#lines.set(channel, lines);
		for (const line of lines.write(text)) {
			if (!globMatches(wanted.pattern, line.text)) continue;
			this.#matched = line.text;
			if (wanted.expect === "absent") this.#tell(`the console said: ${line.text}`, 0, true);
		}
	}

	/** Until the signal is aborted. */
	async run(stop: AbortSignal): Promise<void> {
		const { after, every, console: line } = this.#probe;
		// Lines that shall come have an interval for it first.
		const first = after + (line === undefined ? 0 : every);
		for (let turn = 0; !stop.aborted; ) {
			const inMs = first + turn * every - this.#nowMs();
			try {
				if (inMs > 0) await sleep(inMs, undefined, { signal: stop });
			} catch {
				return;
			}
			if (line === undefined) await this.#ask(stop);
			else this.#look();
			// Those that passed meanwhile are left out.
			turn = Math.max(turn + 1, Math.ceil((this.#nowMs() - first) / every));
		}
	}

	#look(): void {
		const { pattern, expect } = this.#probe.console ?? { pattern: "", expect: "absent" };
		const matched = this.#matched;
		this.#matched = undefined;
		if (expect === "present") this.#tell(matched === undefined ? `no line of the console was ${pattern}` : "", 0);
		else if (matched === undefined && !this.#isFailed) this.#tell("", 0);
	}

	async #ask(stop: AbortSignal): Promise<void> {
		const late = AbortSignal.timeout(this.#probe.timeout);
		const begun = performance.now();
		try {
			const wrong = await ask(this.#probe, this.#options.means, AbortSignal.any([late, stop]));
			if (stop.aborted) return;
			this.#problem = "";
			this.#tell(wrong, performance.now() - begun);
		} catch (error) {
			if (stop.aborted) return;
			if (isUmbraError(error, "unsupported")) this.#problem = messageOf(error);
			else this.#tell(messageOf(error), 0);
		}
	}

	/** @param isFinal one is enough */
	#tell(wrong: string, latencyMs: number, isFinal = false): void {
		const { failures, console: line } = this.#probe;
		const atMs = this.#nowMs();
		this.#asked++;
		if (wrong === "") {
			this.#inARow = 0;
			this.#isFailed = false;
			this.#wasWell = true;
			if (line !== undefined) return;
			this.#latencies.push(latencyMs);
			if (this.#latencies.length > MAX_LATENCIES) this.#latencies.shift();
			this.#options.well(this.#probe, latencyMs);
			return;
		}
		this.#failed++;
		this.#detail = shown(wrong);
		if (this.#inARow++ === 0) this.#rowSince = atMs;
		if (this.#isFailed || (this.#inARow < failures && !isFinal)) return;
		// What was never well before there was any stress says nothing of what stress does.
		if (!this.#wasWell && this.#rowSince < this.#options.quietMs) {
			this.#problem = `not as wanted from the beginning, before any stress: ${this.#detail}`;
			return;
		}
		this.#isFailed = true;
		this.#failedMs ??= atMs;
		this.#options.failed(this.#probe, this.#detail);
	}

	#nowMs(): number {
		return performance.now() - this.#options.origin;
	}
}

function shown(text: string): string {
	return text.replace(/[^\x20-\x7e\u00a0-\uffff]+/g, " ").slice(0, MAX_DETAIL);
}
