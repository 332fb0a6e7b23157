/** Long work on the vault, one at a time: started by the clock or by an operator, watched and stopped by whoever asks. */
import { randomUUID } from "node:crypto";
import { blockCount, nameFromHex } from "../../common/block.ts";
import { type ErrorCode, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatTime, nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { CatalogCheck } from "../catalog/catalog-check.ts";
import { type ChainCheck, checkChains } from "../catalog/chain-check.ts";
import { DamageLog, type PointTree } from "../integrity/damage-log.ts";
import type { GcProgress, GcResult } from "../vault/gc.ts";
import type { RebuildProgress, RebuildResult } from "../vault/rebuild.ts";
import type { ScrubProgress, ScrubResult } from "../vault/scrub.ts";
import type { Vault } from "../vault/vault.ts";
import type { GcSettings } from "./settings.ts";

/** Chains that do not hold and are told; more are counted. */
const MAX_BROKEN = 100;
const MAX_RECENT = 8;

/** The hash chains over the changesets of all VMs. */
export interface ChainsResult {
	readonly vms: number;
	readonly links: number;
	/** Points from before their VM's chain began. */
	readonly before: number;
	readonly brokenCount: number;
	readonly broken: readonly ChainCheck[];
}

export type VaultProgress = GcProgress | ScrubProgress | RebuildProgress;

export interface VaultJob {
	readonly id: string;
	readonly kind: "gc" | "check" | "rebuild" | "heal";
	readonly state: "running" | "done" | "failed" | "stopped";
	/** Unix nanoseconds. */
	readonly started: string;
	readonly ended: string | null;
	readonly progress: VaultProgress | null;
	readonly gc: GcResult | null;
	readonly check: ScrubResult | null;
	readonly chains: ChainsResult | null;
	/** Of a check. The other two are null where damage of the catalog keeps them from being made. */
	readonly catalog: CatalogCheck | null;
	readonly rebuild: RebuildResult | null;
	readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } | null;
}

export interface VaultJobsOptions {
	readonly catalog: Catalog;
	readonly vault: Vault;
	readonly settings: GcSettings;
	/** What is damaged was found, or found to be no more. */
	readonly onDamage: () => void;
	/** Something in this pack is damaged, or all of it is gone. */
	readonly onSuspect: (pack: number) => void;
	readonly log: Logger;
}

type Results = Pick<VaultJob, "gc" | "check" | "chains" | "catalog" | "rebuild">;

export class VaultJobs implements AsyncDisposable {
	readonly #options: VaultJobsOptions;
	#job: VaultJob | null = null;
	#abort = new AbortController();
	#running: Promise<void> | null = null;
	#lastGc: VaultJob | null = null;
	/** For those who follow a job behind which another one began. */
	readonly #recent = new Map<string, VaultJob>();
	#isClosed = false;

	constructor(options: VaultJobsOptions) {
		this.#options = options;
	}

	/** The one that runs, else the last that did. */
	get job(): VaultJob | null {
		return this.#job;
	}

	/** One of the last few, by its id. */
	find(id: string): VaultJob | undefined {
		return this.#recent.get(id);
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

	/** Reads as fast as it can, unless it is told otherwise. @throws UmbraError `conflict` where a job runs already. */
	startCheck(options: { readonly readShare: number; readonly bytesPerSecond?: number | undefined }): VaultJob {
		const { readShare } = options;
		return this.#start("check", async (signal, onProgress) => {
			const catalog = await this.#options.catalog.check(signal);
			try {
				const check = await this.#check(options, signal, onProgress);
				return { catalog, check, chains: await this.#checkChains(readShare > 0, signal) };
			} catch (error) {
				// What cannot be read is told of already.
				if (catalog.damageCount === 0 || !isUmbraError(error, "corrupt")) throw error;
				return { catalog };
			}
		});
	}

	/** Has the index say what the packs hold. @throws UmbraError `conflict` where a job runs already. */
	startRebuild(): VaultJob {
		const { vault, settings, onDamage } = this.#options;
		const { bytesPerSecond } = settings;
		return this.#start("rebuild", async (signal, onProgress) => {
			const rebuild = await vault.rebuild({ bytesPerSecond, signal, onProgress });
			if (rebuild.lost + rebuild.found > 0) onDamage();
			return { rebuild };
		});
	}

	/**
	 * Takes what is damaged in these packs out of the index, writes what is good of them anew, and finds out which
	 * points miss something.
	 *
	 * @throws UmbraError `conflict` where a job runs already.
	 */
	startHeal(packs: ReadonlySet<number>): VaultJob {
		const { vault, settings } = this.#options;
		const { bytesPerSecond } = settings;
		return this.#start("heal", async (signal, onProgress) => {
			const rebuild = packs.size === 0 ? null : await vault.rebuild({ packs, bytesPerSecond, signal, onProgress });
			return { rebuild, check: await this.#check({ readShare: 0 }, signal, onProgress) };
		});
	}

	async #check(
		options: { readonly readShare: number; readonly bytesPerSecond?: number | undefined },
		signal: AbortSignal,
		onProgress: (progress: ScrubProgress) => void,
	): Promise<ScrubResult> {
		const { vault, catalog, onDamage, onSuspect } = this.#options;
		const damage = new DamageLog();
		const onTreeDamage = damage.add.bind(damage);
		const check = await vault.scrub(this.#roots(), { ...options, signal, onProgress, onTreeDamage });
		for (const { pack } of check.packDamage) onSuspect(pack);
		await damage.save(catalog, nowNs());
		onDamage();
		return check;
	}

	async #checkChains(files: boolean, signal: AbortSignal): Promise<ChainsResult> {
		let [vms, links, before, brokenCount] = [0, 0, 0, 0];
		const broken: ChainCheck[] = [];
		for await (const check of checkChains(this.#options.catalog, { files, signal })) {
			vms++;
			links += check.links;
			before += check.before;
			if (check.broken === null) continue;
			brokenCount++;
			if (broken.length < MAX_BROKEN) broken.push(check);
		}
		return { vms, links, before, brokenCount, broken };
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
		work: (signal: AbortSignal, onProgress: (progress: VaultProgress) => void) => Promise<Partial<Results>>,
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
			chains: null,
			catalog: null,
			rebuild: null,
			error: null,
		};
		const update = (more: Partial<VaultJob>) => {
			job = { ...job, ...more };
			this.#job = job;
			this.#recent.set(job.id, job);
			const [oldest] = this.#recent.keys();
			if (this.#recent.size > MAX_RECENT && oldest !== undefined) this.#recent.delete(oldest);
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

	#tell({ gc, check, chains, catalog, rebuild }: VaultJob): void {
		const { log } = this.#options;
		if (gc !== null) {
			const { before, after, removedPacks, rewrittenPacks, damagedPacks } = gc;
			const freedBytes = before.bytes - after.bytes;
			log.info({ freedBytes, bytes: after.bytes, removedPacks, rewrittenPacks, damagedPacks }, "space given back");
		}
		if (rebuild !== null) {
			const { packs, chunks, found, moved, lost, setAside, left } = rebuild;
			log.info({ packs, chunks, found, moved, lost, setAside, left }, "the vault's index was built anew");
		}
		if (chains !== null && chains.brokenCount > 0) {
			const broken = chains.broken.map(({ vm, broken: link }) => ({ vm, ...link }));
			log.error({ broken }, "the history of VMs was altered");
		}
		if (catalog !== null && catalog.damageCount > 0) {
			const { damageCount, damage } = catalog;
			log.error({ damageCount, damage }, "the catalog is damaged");
		}
		if (check === null) return;
		const { packDamageCount, damagedTrees, packs, readBytes } = check;
		const found = { packs, readBytes, packDamageCount, damagedTrees };
		if (packDamageCount > 0 || damagedTrees > 0) log.error(found, "the vault is damaged");
		else log.info(found, "the vault was checked");
	}

	/** Every disk and every part of a state at every point. */
	async *#roots(): AsyncGenerator<PointTree> {
		// A changeset whose commit failed may be there all the same: it is seen from then on, or nothing is given back.
		await this.#options.catalog.recover();
		for await (const { vm, time, disks, state } of this.#options.catalog.points()) {
			const parts = Object.entries(state?.parts ?? {}).map(([part, tree]) => ({ disk: `state/${part}`, ...tree }));
			for (const { disk, root, sizeBytes } of [...disks, ...parts]) {
				const name = `${vm}@${formatTime(BigInt(time))}/${disk}`;
				yield { root: nameFromHex(root), blocks: blockCount(sizeBytes), name, vm, time, disk };
			}
		}
	}
}

function errorView(error: unknown): NonNullable<VaultJob["error"]> {
	if (!isUmbraError(error)) return { code: "internal", message: messageOf(error) };
	const { code, message, hint } = error;
	return { code, message, ...(hint === undefined ? {} : { hint }) };
}
