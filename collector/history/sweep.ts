/**
 * For tests: one run of everything that a collector's store does, in which one operation of the disk fails, whichever it
 * is: the disk is full from there on until somebody makes room, or it cannot do that one thing.
 */
import assert from "node:assert/strict";
import { nameFromHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { v1, type wire } from "../../proto/service.ts";
import { createRandom } from "../../test/support/random.ts";
import { MemoryLevels } from "../catalog/memory-level.ts";
import { serveSubmit } from "../ingest/submit.ts";
import { randomBlock, TestVm } from "../ingest/test-agent.ts";
import type { VaultKeys } from "../vault/chunk-form.ts";
import { MemoryFiles, systemError } from "../vault/memory-files.ts";
import { FOOTER_SIZE } from "../vault/pack-format.ts";
import { pointSource } from "../vault/point-source.ts";
import { openStore, PACKS, type Store } from "./store.ts";

const BLOCKS = 12;
const KEPT = 2;
/** Operations that take room. */
const TAKES_ROOM = new Set(["makeFolder", "create", "write", "batch"]);

/** An operation of the disk: of the vault's files, or a batch of the catalog. */
export interface Operation {
	readonly what: string;
	readonly path: string;
	/** Of the run, during which it came. */
	readonly step: string;
}

export interface Fault {
	/** From 0, of all operations. */
	readonly operation: number;
	readonly error: "ENOSPC" | "EIO";
	/** The machine loses its power before anybody made room, or tried again. */
	readonly cutsPower: boolean;
	/** Of a write for which there is no room so many bytes still have some. */
	readonly shortBytes: number;
}

interface Taken {
	readonly id: string;
	readonly disk: Buffer;
	/** Retention may have dropped it. */
	mayBeGone: boolean;
}

export class Sweep implements AsyncDisposable {
	readonly operations: Operation[] = [];
	/** How it went on after the fault: not noticed by who asked, by itself, after a restart that it wanted, after a power cut. */
	outcome: "unnoticed" | "went on" | "restarted" | "power cut" = "unnoticed";
	readonly #fault: Fault | undefined;
	readonly #keys: VaultKeys | undefined;
	readonly #files = new MemoryFiles();
	readonly #levels = new MemoryLevels();
	readonly #vm = new TestVm("web1", { vda: BLOCKS });
	readonly #random = createRandom(1);
	readonly #taken: Taken[] = [];
	#pending: { readonly id: string; readonly parts: readonly wire.v1.ChangesetPart.$Properties[] } | undefined;
	#store: Store | undefined;
	#step = "";
	#now = 0;
	#isFull = false;

	constructor(fault: Fault | undefined, keys?: VaultKeys) {
		this.#fault = fault;
		this.#keys = keys;
		this.#levels.pause = async () => undefined;
		this.#files.before = (what, path) => {
			if (!this.#strikes(what, path)) return;
			const { error, shortBytes } = fault!;
			const isShort =
				what === "write" && error === "ENOSPC" && shortBytes > 0 && this.#files.space === Number.POSITIVE_INFINITY;
			if (!isShort) throw systemError(error, path);
			this.#files.space = this.#files.used + shortBytes;
		};
		this.#levels.before = () => {
			if (!this.#strikes("batch", "catalog")) return "written";
			this.#levels.failure = fault!.error === "ENOSPC" ? "full" : "broken";
			// A sync that fails says nothing of whether the data is there.
			return fault!.error === "ENOSPC" ? "lost" : "unknown";
		};
	}

	async run(): Promise<void> {
		await this.#do("open", () => this.#open());
		for (let at = 0; at < 5; at++) await this.#do(`capture ${at}`, () => this.#capture());
		await this.#do("judge", () => this.#judge());
		for (const taken of this.#taken.slice(0, -KEPT)) taken.mayBeGone = true;
		await this.#do("retention", () => this.#retain());
		this.#now += 1000;
		await this.#do("gc", () => this.#job("gc"));
		await this.#do("capture 5", () => this.#capture());
		await this.#damageTrailer();
		await this.#do("rebuild", () => this.#job("rebuild"));
		await this.#do("capture 6", () => this.#capture());
		await this.#do("restart", () => this.#restart());
		await this.#do("capture 7", () => this.#capture());
		await this.#do("end", () => this.#check());
		await this.#verify();
		// What was acknowledged is on the disk.
		await this.#cutPower();
		await this.#do("after a power cut", () => this.#open());
		await this.#do("end after a power cut", () => this.#check());
		await this.#verify();
	}

	/** The operation at which the fault struck. */
	get struck(): Operation | undefined {
		return this.#fault === undefined ? undefined : this.operations[this.#fault.operation];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#close();
	}

	#strikes(what: string, path: string): boolean {
		const at = this.operations.push({ what, path, step: this.#step }) - 1;
		if (at === this.#fault?.operation) {
			this.#isFull = this.#fault.error === "ENOSPC";
			return true;
		}
		return this.#isFull && TAKES_ROOM.has(what);
	}

	/** Does it, and where it fails says clearly why, loses nothing, and can be done once there is room: at once, or after a restart. */
	async #do(step: string, work: () => Promise<void>): Promise<void> {
		this.#step = step;
		const first = await failureOf(work());
		if (first === undefined) return;
		this.#assertClear(first);
		if (this.#store !== undefined) await this.#verify();
		if (this.#fault!.cutsPower) await this.#cutPower();
		this.#isFull = false;
		this.#files.space = Number.POSITIVE_INFINITY;
		if (this.#fault!.cutsPower && step !== "open") await this.#open();
		const second = await failureOf(work());
		this.outcome = this.#fault!.cutsPower ? "power cut" : "went on";
		if (second === undefined) return;
		// A sync that failed: nobody knows what it left out, so that the vault has to be opened again.
		assert.equal(this.struck?.what, "sync", `${second.message}: it does not go on by itself`);
		assert.equal(second.code, "unavailable");
		assert.match(second.hint ?? "", /restart the collector/);
		await this.#verify();
		await this.#restart();
		await work();
		this.outcome = "restarted";
	}

	#assertClear(error: UmbraError): void {
		const { what, path } = this.struck!;
		const isFull = this.#fault!.error === "ENOSPC";
		const wanted = isFull ? "limit" : "unavailable";
		// Of a sync that fails for want of room the vault says so, and that it has to be opened again.
		assert.ok(
			error.code === wanted || (what === "sync" && error.code === "unavailable"),
			`${error.code}: ${error.message}`,
		);
		assert.match(error.message, isFull ? /no space left/i : /i\/o error|input\/output error/i);
		assert.ok(error.message.includes(path) || /\/vault|catalog/.test(error.message), error.message);
		if (error.code === "limit") assert.match(error.hint ?? "", /free space/);
	}

	async #open(): Promise<void> {
		const last = { last: KEPT, hourly: 0, daily: 0, weekly: 0, monthly: 0, keepAll: false, keepImported: true };
		this.#store = await openStore({
			folder: "catalog",
			make: this.#levels.make,
			files: this.#files,
			keys: this.#keys,
			policies: new Map([[this.#vm.vm, last]]),
			graceMs: 0,
			rewriteBelow: 1,
			clock: () => this.#now,
		});
	}

	async #close(): Promise<void> {
		const store = this.#store;
		this.#store = undefined;
		await store?.[Symbol.asyncDispose]();
	}

	async #cutPower(): Promise<void> {
		this.#files.kill();
		this.#levels.kill();
		await this.#close();
		this.#files.restart(this.#random);
		this.#levels.restart(this.#random);
	}

	async #restart(): Promise<void> {
		await this.#close();
		await this.#open();
	}

	/** As an agent does, which sends the same again until it is acknowledged. */
	async #capture(): Promise<void> {
		const { vault, ingest } = this.#store!;
		this.#pending ??= this.#change();
		const { id, parts } = this.#pending;
		const disk = Buffer.from(this.#vm.disks.get("vda")!);
		for (let at = 0; at < BLOCKS; at++) await vault.putPlain(this.#vm.block("vda", at));
		await vault.flush();
		const context = ingest(() => this.#vm.timeNs);
		const stream = (async function* () {
			yield* parts;
		})();
		const { status, message } = await serveSubmit(stream, context, new AbortController().signal);
		const { SUBMIT_STATUS_ACCEPTED, SUBMIT_STATUS_DUPLICATE } = v1.SubmitStatus;
		assert.ok(status === SUBMIT_STATUS_ACCEPTED || status === SUBMIT_STATUS_DUPLICATE, message ?? "");
		this.#taken.push({ id, disk, mayBeGone: false });
		this.#vm.baseId = id;
		this.#pending = undefined;
	}

	#change() {
		const next = () => this.#random.fraction();
		for (let count = 0; count < 4; count++) {
			this.#vm.write("vda", this.#random.below(BLOCKS), randomBlock(next, 0.2));
		}
		const parts = this.#vm.parts();
		return { id: parts[0]?.header?.id ?? "", parts };
	}

	async #judge(): Promise<void> {
		const { catalog } = this.#store!;
		for (;;) {
			const changeset = await catalog.nextUnjudged(this.#vm.vm);
			if (changeset === undefined) return;
			await catalog.saveJudgement({ changeset, verdict: null, alerts: [] });
		}
	}

	async #retain(): Promise<void> {
		await this.#store!.retention.apply(this.#vm.vm, new AbortController().signal);
	}

	async #job(kind: "gc" | "rebuild"): Promise<void> {
		const { jobs, vault } = this.#store!;
		await vault.flush();
		if (kind === "gc") jobs.startGc({ dryRun: false });
		else jobs.startRebuild();
		await jobs.ended();
		const error = jobs.job?.error;
		if (error) throw new UmbraError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
		const { gc, rebuild } = jobs.job!;
		if (this.#fault === undefined) assert.ok((gc?.rewrittenPacks ?? 0) + (rebuild?.setAside.length ?? 0) > 0, kind);
	}

	/** Of the first pack that is sealed: what it holds is found by its records. */
	async #damageTrailer(): Promise<void> {
		const [first] = (await this.#store!.vault.packs.list()).map(({ id }) => id.toString(16).padStart(8, "0"));
		this.#files.flipBit(`${PACKS}/${first}.pack`, -FOOTER_SIZE - 5);
	}

	/** Every point that was acknowledged and may not be gone reads as it was, bit by bit. */
	async #verify(): Promise<void> {
		const { catalog, vault } = this.#store!;
		for (const { id, disk, mayBeGone } of this.#taken) {
			const record = await catalog.changesetById(id);
			if (record === undefined && mayBeGone) continue;
			assert.ok(record, `${id} was acknowledged and is not there`);
			const { root, sizeBytes } = record.disks[0]!;
			await using source = pointSource(vault, { root: nameFromHex(root), sizeBytes, name: id });
			assert.equal(Buffer.compare(await source.read(0, sizeBytes), disk), 0, `${id} reads differently`);
		}
	}

	async #check(): Promise<void> {
		const { jobs, vault } = this.#store!;
		await vault.flush();
		jobs.startCheck({ readShare: 1 });
		await jobs.ended();
		const { check, chains } = jobs.job!;
		assert.deepEqual([check?.treeDamage, check?.packDamage, chains?.brokenCount], [[], [], 0]);
	}
}

async function failureOf(work: Promise<void>): Promise<UmbraError | undefined> {
	try {
		await work;
		return undefined;
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return error;
	}
}
