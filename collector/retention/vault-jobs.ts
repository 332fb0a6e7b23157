/** Long work on the vault, one at a time: started by the clock or by an operator, watched and stopped by whoever asks. */
import { randomUUID } from "node:crypto";
import { blockCount, nameFromHex } from "../../common/block.ts";
import { type ErrorCode, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatTime, nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { GcProgress, GcResult } from "../vault/gc.ts";
import type { LiveTree } from "../vault/live-chunks.ts";
import type { ScrubProgress, ScrubResult } from "../vault/scrub.ts";
import type { Vault } from "../vault/vault.ts";
import type { GcSettings } from "./settings.ts";

export interface VaultJob {
	readonly id: string;
	readonly kind: "gc" | "check";
	readonly state: "running" | "done" | "failed" | "stopped";
	/** Unix nanoseconds. */
	readonly started: string;
	readonly ended: string | null;
	readonly progress: GcProgress | ScrubProgress | null;
	readonly gc: GcResult | null;
	readonly check: ScrubResult | null;
	readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } | null;
}

export interface VaultJobsOptions {
	readonly catalog: Catalog;
	readonly vault: Vault;
	readonly settings: GcSettings;
	readonly log: Logger;
}

export class VaultJobs implements AsyncDisposable {
	readonly #options: VaultJobsOptions;
	#job: VaultJob | null = null;
	#abort = new AbortController();
	#running: Promise<void> | null = null;
	#lastGc: VaultJob | null = null;
	#isClosed = false;

	constructor(options: VaultJobsOptions) {
		this.#options = options;
	}

	/** The one that runs, else the last that did. */
	get job(): VaultJob | null {
		return this.#job;
	}

	/** The last one that gave back space, or said what it would. */
	get lastGc(): VaultJob | null {
		return this.#lastGc;
	}

	/** @throws UmbraError `conflict` where a job runs already. */
	startGc(options: { readonly dryRun: boolean; readonly graceMs?: number | undefined }): VaultJob {
		const { vault, settings } = this.#options;
		const { grace, rewriteBelow, bytesPerSecond } = settings;
		const { dryRun, graceMs = grace } = options;
		return this.#start("gc", async (signal, onProgress) => {
			const work = { graceMs, rewriteBelow, bytesPerSecond, dryRun, signal, onProgress };
			return { gc: await vault.collect(this.#roots(), work) };
		});
	}

	/** @throws UmbraError `conflict` where a job runs already. */
	startCheck(options: { readonly readShare: number }): VaultJob {
		const { vault, settings } = this.#options;
		const { bytesPerSecond } = settings;
		return this.#start("check", async (signal, onProgress) => ({
			check: await vault.scrub(this.#roots(), { ...options, bytesPerSecond, signal, onProgress }),
		}));
	}

	/** Resolves when the job that runs, if any, has come to its end. */
	async ended(): Promise<void> {
		await this.#running;
	}

	/** Ends the job that runs, between two steps. */
	async stop(): Promise<void> {
		this.#abort.abort(new UmbraError("unavailable", "stopped"));
		await this.#running;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isClosed = true;
		await this.stop();
	}

	#start(
		kind: VaultJob["kind"],
		work: (
			signal: AbortSignal,
			onProgress: (progress: GcProgress | ScrubProgress) => void,
		) => Promise<Partial<Pick<VaultJob, "gc" | "check">>>,
	): VaultJob {
		if (this.#isClosed) throw new UmbraError("unavailable", "the collector is shutting down");
		if (this.#running !== null) {
			throw new UmbraError("conflict", `a ${this.#job?.kind} of the vault is running`, {
				hint: "umbra vault job shows it, umbra vault stop ends it",
			});
		}
		this.#abort = new AbortController();
		const { signal } = this.#abort;
		let job: VaultJob = {
			id: randomUUID(),
			kind,
			state: "running",
			started: nowNs().toString(),
			ended: null,
			progress: null,
			gc: null,
			check: null,
			error: null,
		};
		const update = (more: Partial<VaultJob>) => {
			job = { ...job, ...more };
			this.#job = job;
		};
		update({});
		const end = (more: Partial<VaultJob>) => {
			update({ ...more, ended: nowNs().toString() });
			if (job.gc !== null) this.#lastGc = job;
			this.#running = null;
		};
		this.#running = work(signal, (progress) => update({ progress })).then(
			(result) => {
				end({ ...result, state: "done" });
				this.#tell(job);
			},
			(error: unknown) => {
				if (signal.aborted) end({ state: "stopped" });
				else end({ state: "failed", error: errorView(error) });
				if (!signal.aborted)
					this.#options.log.error({ err: error }, `${kind} of the vault failed: ${messageOf(error)}`);
			},
		);
		return job;
	}

	#tell({ gc, check }: VaultJob): void {
		const { log } = this.#options;
		if (gc !== null) {
			const { before, after, removedPacks, rewrittenPacks, damagedPacks } = gc;
			const freedBytes = before.bytes - after.bytes;
			log.info({ freedBytes, bytes: after.bytes, removedPacks, rewrittenPacks, damagedPacks }, "space given back");
		}
		if (check === null) return;
		const { packDamageCount, damagedTrees, packs, readBytes } = check;
		const found = { packs, readBytes, packDamageCount, damagedTrees };
		if (packDamageCount > 0 || damagedTrees > 0) log.error(found, "the vault is damaged");
		else log.info(found, "the vault was checked");
	}

	/** Every disk at every point. */
	async *#roots(): AsyncGenerator<LiveTree> {
		for await (const { vm, time, disks } of this.#options.catalog.points()) {
			for (const { disk, root, sizeBytes } of disks) {
				const name = `${vm}@${formatTime(BigInt(time))}/${disk}`;
				yield { root: nameFromHex(root), blocks: blockCount(sizeBytes), name };
			}
		}
	}
}

function errorView(error: unknown): NonNullable<VaultJob["error"]> {
	if (!isUmbraError(error)) return { code: "internal", message: messageOf(error) };
	const { code, message, hint } = error;
	return { code, message, ...(hint === undefined ? {} : { hint }) };
}
