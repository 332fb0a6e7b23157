/**
 * `collector/catalog/` is the collector's memory of what happened: VMs, changesets (which are also the
 * restorable points), file changes, verdicts, alerts and agents, as JSON under sortable keys. It knows
 * names and roots of disks, never their contents: those are the vault's. It judges nothing.
 *
 * A point exists from the instant its `change/` record does. Everything that a changeset brings is
 * written in one synchronous batch; what is too much for one batch is staged ahead of it under a
 * `staged/` record, and swept away at the next start if the batch never came.
 */
import { randomUUID } from "node:crypto";
import { UmbraError } from "../../common/errors.ts";
import { type CatalogCheck, checkCatalog } from "./catalog-check.ts";
import { type ChainRecord, changesetDigest, FilesHash, type LinkRecord, linkHash } from "./chain.ts";
import { discardFiles, pushFiles, sweepFiles } from "./file-changes.ts";
import { alertEntries, Journal } from "./journal.ts";
import { escapeComponent, keys, rangeBelow, timeComponent } from "./keys.ts";
import { deletePoints, deleteVm, type PointOutcome } from "./point-deletion.ts";
import type {
	AgentRecord,
	AlertRecord,
	ChangesetRecord,
	DamageRecord,
	FileChangeRecord,
	HoldRecord,
	Verdict,
	VmRecord,
} from "./records.ts";
import { openSchema } from "./schema.ts";
import { LevelStore, type MakeLevel, type Operation, type Page, type PageOptions } from "./store.ts";
import { TrialStore } from "./trial-store.ts";

export { STAGE_FILES } from "./file-changes.ts";
export { MAX_PAGE, type Page, type PageOptions } from "./store.ts";

/** `from` and `to` are times in nanoseconds, both inclusive. */
export interface TimePageOptions extends Omit<PageOptions, "from" | "to"> {
	readonly from?: bigint | undefined;
	readonly to?: bigint | undefined;
}

/** What one changeset adds; written at once. */
export interface Commit {
	readonly changeset: ChangesetRecord;
	/** Left out where the changeset does not become the VM's head. */
	readonly vm?: VmRecord | undefined;
	/** The file changes that were not staged before, numbered from `firstIndex`. */
	readonly files: readonly FileChangeRecord[];
	readonly firstIndex: number;
	/** Over all file changes in their order, hex (`FilesHash`); may be left out where none were staged. */
	readonly filesHash?: string;
}

/** What judging one changeset adds; written at once. A null verdict says that it could not be judged. */
export interface Judgement {
	readonly changeset: ChangesetRecord;
	readonly verdict: Verdict | null;
	readonly state?: { readonly key: string; readonly value: string } | undefined;
	readonly alerts: readonly AlertRecord[];
}

export interface FileHistoryEntry {
	readonly time: string;
	readonly file: FileChangeRecord;
}

export class Catalog implements AsyncDisposable {
	/** Of this data folder, made once. */
	readonly collectorId: string;
	/** Changesets, verdicts, alerts and trials, as they came. */
	readonly journal: Journal;
	/** Trials of shadow VMs, and signatures of how they failed. */
	readonly trials: TrialStore;
	readonly #store: LevelStore;

	private constructor(store: LevelStore, collectorId: string, journal: Journal) {
		this.#store = store;
		this.collectorId = collectorId;
		this.journal = journal;
		this.trials = new TrialStore(store, journal);
	}

	/**
	 * @throws UmbraError `conflict` where another process has it open, `unsupported` where a newer
	 * version wrote it, `corrupt`, `unavailable`.
	 */
	static async open(folder: string, make?: MakeLevel): Promise<Catalog> {
		const store = await LevelStore.open(folder, make);
		try {
			await openSchema(store);
			let collectorId = await store.get<string>(keys.collectorId);
			if (collectorId === undefined) {
				collectorId = randomUUID();
				await store.batch([{ type: "put", key: keys.collectorId, value: collectorId }]);
			}
			await sweepFiles(store);
			return new Catalog(store, collectorId, await Journal.open(store));
		} catch (error) {
			await store[Symbol.asyncDispose]();
			throw error;
		}
	}

	// ---- VMs and changesets ----

	async vm(vm: string): Promise<VmRecord | undefined> {
		return await this.#store.get<VmRecord>(keys.vm(vm));
	}

	async vms(options?: Omit<PageOptions, "from" | "to">): Promise<Page<VmRecord>> {
		return await this.#values(rangeBelow("vm"), options);
	}

	/** The changeset taken at exactly `time`. */
	/** The names of all VMs; sees what is written meanwhile. */
	async *vmNames(): AsyncGenerator<string> {
		for await (const { value } of this.#store.all<VmRecord>(rangeBelow("vm"))) yield value.vm;
	}

	async changeset(vm: string, time: bigint | string): Promise<ChangesetRecord | undefined> {
		return await this.#store.get<ChangesetRecord>(keys.change(vm, time));
	}

	async changesetById(id: string): Promise<ChangesetRecord | undefined> {
		const at = await this.#store.get<{ vm: string; time: string }>(keys.id(id));
		return at === undefined ? undefined : await this.changeset(at.vm, at.time);
	}

	/** The newest changeset at or before `time`. */
	async changesetAt(vm: string, time: bigint): Promise<ChangesetRecord | undefined> {
		const page = await this.changesets(vm, { to: time, limit: 1, reverse: true });
		return page.items[0];
	}

	async changesets(vm: string, options: TimePageOptions = {}): Promise<Page<ChangesetRecord>> {
		return await this.#values(rangeBelow("change", escapeComponent(vm)), times(options));
	}

	/** Those that were imported. */
	async imported(vm: string, options: TimePageOptions = {}): Promise<Page<ChangesetRecord>> {
		return await this.#listed("imported", vm, options);
	}

	/** Those with RAM and devices. */
	async withState(vm: string, options: TimePageOptions = {}): Promise<Page<ChangesetRecord>> {
		return await this.#listed("machinestate", vm, options);
	}

	async #listed(list: string, vm: string, options: TimePageOptions): Promise<Page<ChangesetRecord>> {
		const range = rangeBelow(list, escapeComponent(vm));
		const page = await this.#store.page<unknown>(range, times(options));
		const records = await this.changesetsAt(
			vm,
			page.items.map(({ key }) => key.slice(range.prefix.length)),
		);
		return { items: records.filter((record) => record !== undefined), next: page.next };
	}

	async fileChanges(vm: string, time: bigint | string, options?: PageOptions): Promise<Page<FileChangeRecord>> {
		return await this.#values(rangeBelow("filechange", escapeComponent(vm), timeComponent(time)), options);
	}

	/** All file changes of a changeset, at most about `max` of them. */
	async allFileChanges(vm: string, time: bigint | string, max: number): Promise<FileChangeRecord[]> {
		const files: FileChangeRecord[] = [];
		let cursor: string | undefined;
		do {
			const page = await this.fileChanges(vm, time, { cursor });
			files.push(...page.items);
			cursor = page.next ?? undefined;
		} while (cursor !== undefined && files.length < max);
		return files;
	}

	/** What happened to one path, under its old and its new name, in all disks of a VM. */
	async fileHistory(vm: string, path: string, options: TimePageOptions = {}): Promise<Page<FileHistoryEntry>> {
		const range = rangeBelow("file", escapeComponent(vm), escapeComponent(path));
		const page = await this.#store.page<unknown>(range, times(options));
		const places = page.items.map(({ key }) => key.slice(range.prefix.length).split("/"));
		const records = await this.#store.getMany<FileChangeRecord>(
			places.map(([time = "", index = ""]) => keys.fileChange(vm, time, Number(index))),
		);
		// What was staged but never committed is no part of history.
		const committed = await this.#store.getMany<ChangesetRecord>(places.map(([time = ""]) => keys.change(vm, time)));
		const items: FileHistoryEntry[] = [];
		for (const [at, file] of records.entries()) {
			if (file !== undefined && committed[at] !== undefined)
				items.push({ time: BigInt(places[at]?.[0] ?? 0).toString(), file });
		}
		return { items, next: page.next };
	}

	// ---- Ingest ----

	/**
	 * After a failed write nobody knows whether it happened until the store was opened anew. Call it before
	 * reading what a decision hangs on; it costs nothing while all is well.
	 *
	 * @throws UmbraError `unavailable`, `limit` where the disk still refuses.
	 */
	async recover(): Promise<void> {
		await this.#store.recover();
	}

	/**
	 * Writes file changes ahead of the commit of `vm` at `time`, invisibly. Durable with the commit.
	 *
	 * @throws UmbraError `limit` beyond what can be numbered.
	 */
	async stageFiles(vm: string, time: bigint, firstIndex: number, files: readonly FileChangeRecord[]): Promise<void> {
		const operations: Operation[] = [{ type: "put", key: keys.staged(vm, time), value: { vm, time: time.toString() } }];
		pushFiles(operations, vm, time, firstIndex, files);
		await this.#store.batch(operations, { sync: false });
	}

	/** Whether a new point can be of this time: there is none, and none of this time is still being deleted. */
	async isFree(vm: string, time: bigint): Promise<boolean> {
		return !(await this.#store.has(keys.change(vm, time))) && !(await this.#store.has(keys.deleting(vm, time)));
	}

	/** Takes back what `stageFiles` wrote for a changeset that is not committed. */
	async discardStaged(vm: string, time: bigint): Promise<void> {
		if (await this.#store.has(keys.staged(vm, time))) await discardFiles(this.#store, "staged", vm, time);
	}

	/**
	 * Resolves once the changeset is on stable storage; it waits to be judged from then on. One of a VM at a time.
	 * Committing the newest changeset again changes nothing.
	 */
	async commit({ changeset, vm, files, firstIndex, filesHash }: Commit): Promise<void> {
		const time = BigInt(changeset.time);
		const operations: Operation[] = [];
		pushFiles(operations, changeset.vm, time, firstIndex, files);
		const linked = await this.#link(operations, changeset, filesHash ?? hashOf(files, firstIndex));
		operations.push(
			{ type: "put", key: keys.change(changeset.vm, time), value: linked },
			{ type: "put", key: keys.id(changeset.id), value: { vm: changeset.vm, time: changeset.time } },
			{ type: "put", key: keys.unjudged(changeset.vm, time), value: { vm: changeset.vm, time: changeset.time } },
			{ type: "del", key: keys.staged(changeset.vm, time) },
		);
		if (vm !== undefined) operations.push({ type: "put", key: keys.vm(vm.vm), value: vm });
		if (changeset.imported !== undefined)
			operations.push({ type: "put", key: keys.imported(changeset.vm, time), value: 0 });
		if (changeset.state !== undefined)
			operations.push({ type: "put", key: keys.machineState(changeset.vm, time), value: 0 });
		using _event = this.journal.write(operations, [{ type: "changeset", vm: changeset.vm, time: changeset.time }]);
		await this.#store.batch(operations);
	}

	/** Adds the changeset to its VM's hash chain, and says where. */
	async #link(operations: Operation[], changeset: ChangesetRecord, files: string): Promise<ChangesetRecord> {
		const { vm, time } = changeset;
		await this.#store.recover();
		const head = await this.#chainHead(vm);
		const digest = changesetDigest(changeset, files);
		const newest = head === undefined ? undefined : await this.link(vm, head.sequence);
		if (head !== undefined && newest?.time === time && newest.digest === digest && newest.dropped === undefined)
			return { ...changeset, chain: { sequence: head.sequence, hash: head.hash, files } };
		const sequence = (head?.sequence ?? 0) + 1;
		const hash = linkHash(vm, sequence, head?.hash ?? "", time, digest);
		const chain: ChainRecord = { vm, begun: head?.begun ?? (await this.#beginOf(vm, time)), sequence, time, hash };
		const link: LinkRecord = { time, digest, hash };
		operations.push(
			{ type: "put", key: keys.chain(vm), value: chain },
			{ type: "put", key: keys.link(vm, sequence), value: link },
		);
		return { ...changeset, chain: { sequence, hash, files } };
	}

	/** What is older than that has no link: an imported changeset may begin the chain of a VM that has such ones. */
	async #beginOf(vm: string, time: string): Promise<string> {
		const head = (await this.vm(vm))?.headTime;
		return head === undefined || BigInt(head) < BigInt(time) ? time : (BigInt(head) + 1n).toString();
	}

	/** Where the head's record is lost, the newest link stands in for it: a second chain would write over the first. */
	async #chainHead(vm: string): Promise<ChainRecord | undefined> {
		const head = await this.chain(vm);
		if (head !== undefined) return head;
		const range = rangeBelow("link", escapeComponent(vm));
		const [newest] = (await this.#store.page<LinkRecord>(range, { limit: 1, reverse: true })).items;
		if (newest === undefined) return undefined;
		const { time, hash } = newest.value;
		const begun = (await this.link(vm, 1))?.time ?? time;
		return { vm, begun, sequence: Number(newest.key.slice(range.prefix.length)), time, hash };
	}

	// ---- Hash chain ----

	/** The head of a VM's hash chain; undefined before the first changeset that it covers. */
	async chain(vm: string): Promise<ChainRecord | undefined> {
		return await this.#store.get<ChainRecord>(keys.chain(vm));
	}

	/** Also of VMs that are no more. */
	async *chains(): AsyncGenerator<ChainRecord> {
		for await (const { value } of this.#store.all<ChainRecord>(rangeBelow("chain"))) yield value;
	}

	async link(vm: string, sequence: number): Promise<LinkRecord | undefined> {
		return await this.#store.get<LinkRecord>(keys.link(vm, sequence));
	}

	/** Links from `first` to `last`, in the order of their numbers; undefined where one is gone. */
	async links(vm: string, first: number, last: number): Promise<(LinkRecord | undefined)[]> {
		const count = Math.max(0, last - first + 1);
		return await this.#store.getMany<LinkRecord>(Array.from({ length: count }, (_, at) => keys.link(vm, first + at)));
	}

	/** In the order of `wanted`. */
	async changesetsAt(vm: string, wanted: readonly string[]): Promise<(ChangesetRecord | undefined)[]> {
		return await this.#store.getMany<ChangesetRecord>(wanted.map((time) => keys.change(vm, time)));
	}

	// ---- Judgement ----

	/** Every changeset that waits to be judged, in order of time within a VM. */
	async *unjudged(): AsyncGenerator<{ readonly vm: string; readonly time: string }> {
		for await (const { value } of this.#store.all<{ vm: string; time: string }>(rangeBelow("unjudged"))) yield value;
	}

	/** The oldest changeset of `vm` that waits to be judged. */
	async nextUnjudged(vm: string): Promise<ChangesetRecord | undefined> {
		const page = await this.#store.page<{ time: string }>(rangeBelow("unjudged", escapeComponent(vm)), { limit: 1 });
		const waiting = page.items[0]?.value;
		return waiting === undefined ? undefined : await this.changeset(vm, waiting.time);
	}

	async state(key: string): Promise<string | undefined> {
		return await this.#store.get<string>(keys.state(key));
	}

	async saveJudgement({ changeset, verdict, state, alerts }: Judgement): Promise<void> {
		const { vm, time } = changeset;
		const chain = changeset.chain ?? (await this.changeset(vm, time))?.chain;
		const judged = { ...changeset, verdict, ...(chain === undefined ? {} : { chain }) };
		const operations: Operation[] = [
			{ type: "put", key: keys.change(vm, time), value: judged },
			{ type: "del", key: keys.unjudged(vm, time) },
		];
		if (verdict !== null && (verdict.severity !== "info" || verdict.triggers.length > 0)) {
			operations.push({ type: "put", key: keys.anomaly(time, vm), value: { vm, time } });
		}
		if (state !== undefined) operations.push({ type: "put", key: keys.state(state.key), value: state.value });
		for (const alert of alerts) pushAlert(operations, alert);
		using _events = this.journal.write(operations, [{ type: "verdict", vm, time }, ...alertEntries(alerts)]);
		await this.#store.batch(operations);
	}

	/** Changesets whose verdict is above `info` or names a trigger, of all VMs. */
	async anomalies(options: TimePageOptions = {}): Promise<Page<ChangesetRecord>> {
		const page = await this.#store.page<{ vm: string; time: string }>(rangeBelow("anomaly"), times(options));
		const records = await this.#store.getMany<ChangesetRecord>(
			page.items.map(({ value }) => keys.change(value.vm, value.time)),
		);
		return { items: records.filter((record) => record !== undefined), next: page.next };
	}

	// ---- Retention ----

	/** The times of all points of a VM, newest first. */
	async *pointTimes(vm: string): AsyncGenerator<bigint> {
		const range = rangeBelow("change", escapeComponent(vm));
		for await (const key of this.#store.keysReversed(range)) yield BigInt(key.slice(range.prefix.length));
	}

	/** Which of a VM's points were imported, oldest first. */
	async importedTimes(vm: string): Promise<bigint[]> {
		const range = rangeBelow("imported", escapeComponent(vm));
		const times: bigint[] = [];
		for await (const key of this.#store.keysReversed(range)) times.push(BigInt(key.slice(range.prefix.length)));
		return times.reverse();
	}

	/** Every point of every VM, in order of time within a VM; sees what is written meanwhile. */
	async *points(): AsyncGenerator<ChangesetRecord> {
		for await (const { value } of this.#store.all<ChangesetRecord>(rangeBelow("change"))) yield value;
	}

	/**
	 * Deletes points of one VM for good, with all that was found of them; alerts stay. The head, what is held and
	 * what waits to be judged is passed over. Nobody may hold or release points of this VM meanwhile. Their links stay in
	 * the hash chain, with the reason.
	 */
	async deletePoints(vm: string, points: readonly bigint[], reason: string): Promise<PointOutcome[]> {
		return await deletePoints(this.#store, vm, points, reason);
	}

	/** Deletes a VM whose head alone is left, and the head. @throws UmbraError `conflict` where more than that is left. */
	async deleteVm(vm: string, reason: string): Promise<void> {
		await deleteVm(this.#store, vm, reason);
	}

	async hold(vm: string, time: bigint | string): Promise<HoldRecord | undefined> {
		return await this.#store.get<HoldRecord>(keys.hold(vm, time));
	}

	async holds(vm: string, options?: Omit<PageOptions, "from" | "to">): Promise<Page<HoldRecord>> {
		return await this.#values(rangeBelow("hold", escapeComponent(vm)), options);
	}

	async saveHold(hold: HoldRecord): Promise<void> {
		await this.#store.batch([{ type: "put", key: keys.hold(hold.vm, hold.time), value: hold }]);
	}

	async deleteHold(vm: string, time: bigint | string): Promise<void> {
		await this.#store.batch([{ type: "del", key: keys.hold(vm, time) }]);
	}

	/** Which of a VM's points wait to be judged, oldest first. */
	async unjudgedTimes(vm: string): Promise<bigint[]> {
		const page = await this.#store.page<{ time: string }>(rangeBelow("unjudged", escapeComponent(vm)));
		return page.items.map(({ value }) => BigInt(value.time));
	}

	// ---- Alerts ----

	/** In order of the time they were first raised. */
	async alerts(options: TimePageOptions & { readonly vm?: string | undefined } = {}): Promise<Page<AlertRecord>> {
		if (options.vm === undefined) return await this.#values(rangeBelow("alert"), times(options));
		const range = rangeBelow("vmalert", escapeComponent(options.vm));
		const page = await this.#store.page<{ time: string; id: string }>(range, times(options));
		return { items: await this.#alertsAt(page.items.map(({ value }) => value)), next: page.next };
	}

	/** Alerts that stand, of one VM or of all; at most `MAX_PAGE`. */
	async firingAlerts(vm?: string): Promise<AlertRecord[]> {
		const range = vm === undefined ? rangeBelow("firing") : rangeBelow("firing", escapeComponent(vm));
		const page = await this.#store.page<{ time: string; id: string }>(range);
		return await this.#alertsAt(page.items.map(({ value }) => value));
	}

	/** Alerts that some webhook has not taken yet, oldest first, as they are when they are read. */
	async *undeliveredAlerts(): AsyncGenerator<AlertRecord> {
		const places = this.#store.all<{ time: string; id: string }>(rangeBelow("undelivered"));
		for await (const { value } of places) {
			const alert = await this.alert(value.time, value.id);
			if (alert !== undefined) yield alert;
		}
	}

	async alert(time: bigint | string, id: string): Promise<AlertRecord | undefined> {
		return await this.#store.get<AlertRecord>(keys.alert(time, id));
	}

	async saveAlert(alert: AlertRecord): Promise<void> {
		const operations: Operation[] = [];
		pushAlert(operations, alert);
		await this.#store.batch(operations);
	}

	// ---- Damage ----

	/** In the order of names. */
	async damages(options?: Omit<PageOptions, "from" | "to">): Promise<Page<DamageRecord>> {
		return await this.#values(rangeBelow("damage"), options);
	}

	async *allDamage(): AsyncGenerator<DamageRecord> {
		for await (const { value } of this.#store.all<DamageRecord>(rangeBelow("damage"))) yield value;
	}

	async changeDamage(found: readonly DamageRecord[], ended: readonly string[]): Promise<void> {
		if (found.length + ended.length === 0) return;
		await this.#store.batch([
			...found.map((record) => ({ type: "put" as const, key: keys.damage(record.name), value: record })),
			...ended.map((name) => ({ type: "del" as const, key: keys.damage(name) })),
		]);
	}

	async saveState(key: string, value: string): Promise<void> {
		await this.#store.batch([{ type: "put", key: keys.state(key), value }], { sync: false });
	}

	// ---- Agents ----

	async agents(options?: Omit<PageOptions, "from" | "to">): Promise<Page<AgentRecord>> {
		return await this.#values(rangeBelow("agent"), options);
	}

	async agent(id: string): Promise<AgentRecord | undefined> {
		return await this.#store.get<AgentRecord>(keys.agent(id));
	}

	async saveAgent(agent: AgentRecord): Promise<void> {
		await this.#store.batch([{ type: "put", key: keys.agent(agent.id), value: agent }], { sync: false });
	}

	/** Looks for damage while everything else goes on. @throws UmbraError as reads do; the signal's reason. */
	async check(signal?: AbortSignal): Promise<CatalogCheck> {
		return await checkCatalog(this.#store, signal);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#store[Symbol.asyncDispose]();
	}

	async #values<T>(range: { prefix: string; end: string }, options?: PageOptions): Promise<Page<T>> {
		const page = await this.#store.page<T>(range, options);
		return { items: page.items.map(({ value }) => value), next: page.next };
	}

	async #alertsAt(places: readonly { time: string; id: string }[]): Promise<AlertRecord[]> {
		const records = await this.#store.getMany<AlertRecord>(places.map(({ time, id }) => keys.alert(time, id)));
		return records.filter((record) => record !== undefined);
	}
}

function hashOf(files: readonly FileChangeRecord[], firstIndex: number): string {
	if (firstIndex > 0) throw new UmbraError("internal", "file changes were staged, but nobody hashed them");
	const hash = new FilesHash();
	hash.add(files);
	return hash.end();
}

function times({ from, to, ...rest }: TimePageOptions): PageOptions {
	return {
		...rest,
		from: from === undefined ? undefined : timeComponent(from),
		to: to === undefined ? undefined : timeComponent(to),
	};
}

function pushAlert(operations: Operation[], alert: AlertRecord): void {
	const { vm, time, id } = alert;
	const place = { time, id };
	operations.push({ type: "put", key: keys.alert(time, id), value: alert });
	operations.push({ type: "put", key: keys.vmAlert(vm, time, id), value: place });
	operations.push(
		alert.state === "firing"
			? { type: "put", key: keys.firing(vm, id), value: place }
			: { type: "del", key: keys.firing(vm, id) },
		alert.undelivered.length > 0
			? { type: "put", key: keys.undelivered(time, id), value: place }
			: { type: "del", key: keys.undelivered(time, id) },
	);
}
