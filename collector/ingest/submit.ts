/**
 * `Submit`: one changeset, streamed. Nothing of it is held in memory whole: block names pass into the
 * disk trees, file changes into the catalog's staging area. Nothing of it is visible before the commit.
 *
 * Order on ingest: tree pages into the vault, vault flushed, catalog batch synced, then the answer. A
 * stream that is cut at any instant leaves garbage at most, and the same changeset can come again.
 */
import { blockCount, NAME_SIZE, nameFromHex, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { MAX_OFFER_NAMES, toLong, v1, type wire } from "../../proto/service.ts";
import { type Catalog, STAGE_FILES } from "../catalog/catalog.ts";
import { FilesHash } from "../catalog/chain.ts";
import type { ChangesetRecord, DiskRecord, FileChangeRecord, StateRecord, VmRecord } from "../catalog/records.ts";
import type { ChunkStore, VaultStore } from "../vault/chunk-store.ts";
import type { DiskTree } from "../vault/tree.ts";
import type { AgentTable } from "./agents.ts";
import {
	type CheckedDisk,
	type CheckedHeader,
	type CheckedState,
	type CheckedTree,
	checkHeader,
} from "./changeset-header.ts";
import { type CheckedRun, PartChecker } from "./changeset-parts.ts";
import { wrong, wrongText } from "./fields.ts";
import type { AgentStatus } from "./heartbeat.ts";
import type { KeyedMutex } from "./keyed-mutex.ts";
import { TreeWriter } from "./tree-writer.ts";

/** How far an agent's clock may be ahead of ours before it is not believed: 10 minutes. */
const MAX_CLOCK_LEAD_NS = 600_000_000_000n;
/** What is added to the time of the newest point where an agent's clock stands before it. */
const CLOCK_STEP_NS = 1_000_000n;

const { SubmitStatus } = v1;

type Part = wire.v1.ChangesetPart.$Properties;
type SubmitResult = wire.v1.SubmitResult.$Properties;

export interface SubmitContext {
	readonly catalog: Catalog;
	readonly store: VaultStore;
	readonly agents: AgentTable;
	/** By VM. */
	readonly locks: KeyedMutex;
	/** A changeset of this VM was committed. */
	readonly committed: (vm: string) => void;
	/** Unix nanoseconds. */
	readonly now: () => bigint;
	readonly log: Logger;
}

/** Ends the reading of a changeset with an answer to the agent. */
class Answer extends Error {
	readonly status: wire.v1.SubmitStatus;
	readonly missing: Uint8Array | undefined;

	constructor(status: wire.v1.SubmitStatus, message: string, missing?: Uint8Array) {
		super(message);
		this.status = status;
		this.missing = missing;
	}
}

/**
 * Reads one changeset and answers it. Whatever is the agent's fault is an answer; what is not is thrown,
 * and the agent tries again.
 *
 * @throws UmbraError `unavailable`, `limit`, `internal`; the signal's reason; what `parts` throws.
 */
export async function serveSubmit(
	parts: AsyncIterable<Part>,
	context: SubmitContext,
	signal: AbortSignal,
): Promise<SubmitResult> {
	const iterator = parts[Symbol.asyncIterator]();
	let header: CheckedHeader | undefined;
	let message: wire.v1.ChangesetHeader.$Properties | null | undefined;
	try {
		const first = await iterator.next();
		message = first.done === true ? undefined : first.value.header;
		if (message === null || message === undefined) throw wrong("header", "nothing", "the header as the first part");
		header = asAnswer(() => checkHeader(message ?? {}));
		await refuseDuplicate(context.catalog, header);
		using _lock = await context.locks.acquire(header.vm, signal);
		await context.catalog.recover();
		await refuseDuplicate(context.catalog, header);
		const time = await receive(header, iterator, context, signal);
		context.committed(header.vm);
		context.log.info({ vm: header.vm, changeset: header.id, time: time.toString() }, "changeset accepted");
		return result(message, SubmitStatus.SUBMIT_STATUS_ACCEPTED, "");
	} catch (error) {
		const answer = error instanceof UmbraError && error.code === "corrupt" ? refusal(error) : error;
		if (!(answer instanceof Answer)) throw answer;
		if (answer.status !== SubmitStatus.SUBMIT_STATUS_DUPLICATE) {
			const status = SubmitStatus[answer.status];
			context.log.warn({ vm: header?.vm, changeset: header?.id, status }, `changeset not taken: ${answer.message}`);
		}
		return result(message, answer.status, answer.message, answer.missing);
	} finally {
		await iterator.return?.();
	}
}

function result(
	header: wire.v1.ChangesetHeader.$Properties | null | undefined,
	status: wire.v1.SubmitStatus,
	message: string,
	missing: Uint8Array = new Uint8Array(),
): SubmitResult {
	return { status, message, missing, sequence: header?.sequence ?? toLong(0) };
}

function refusal(error: UmbraError): Answer {
	const hint = error.hint === undefined ? "" : ` (${error.hint})`;
	return new Answer(SubmitStatus.SUBMIT_STATUS_REFUSED, `${error.message}${hint}`);
}

/** Turns a malformed field into a refusal, so that it is never taken for damage of the collector's own. */
function asAnswer<T>(check: () => T): T {
	try {
		return check();
	} catch (error) {
		throw isUmbraError(error, "corrupt", "conflict") ? refusal(error) : error;
	}
}

async function refuseDuplicate(catalog: Catalog, header: CheckedHeader): Promise<void> {
	const known = await catalog.changesetById(header.id);
	if (known === undefined) return;
	if (known.vm !== header.vm)
		throw refusal(wrongText("id", header.id, `one that VM ${known.vm} does not have already`));
	throw new Answer(SubmitStatus.SUBMIT_STATUS_DUPLICATE, "");
}

/** With the VM's lock held: checks the base, reads the parts, commits. Returns the time of the new point. */
async function receive(
	header: CheckedHeader,
	parts: AsyncIterator<Part>,
	context: SubmitContext,
	signal: AbortSignal,
): Promise<bigint> {
	const { catalog, store } = context;
	const head = await catalog.vm(header.vm);
	asAnswer(() => refuseConflict(header, head, context));
	const base = await (header.imported === undefined ? findBase(header, head, catalog) : findOlder(header, catalog));
	// What is found to be there from here on stays until the catalog says that it is needed.
	using _lease = store.lease(base?.disks.map(treeOf) ?? []);
	const time = await pointTime(header, head, context);
	// Of an earlier try that could not clean up after itself.
	await catalog.discardStaged(header.vm, time);
	const trees = new DiskTrees(store, header, base);
	const files = new StagedFiles(catalog, header.vm, time);
	try {
		const checker = new PartChecker(header);
		const missing = new MissingNames(store);
		let seen = 0n;
		for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
			seen++;
			const { blocks, files: changes, header: another } = next.value;
			if (another) throw refusal(wrong("header", "a second one", "one header in a changeset"));
			if (blocks) {
				const run = asAnswer(() => checker.blocks(blocks));
				missing.check(run.names);
				if (missing.count === 0) await trees.push(run);
				else if (missing.count >= MAX_OFFER_NAMES) break;
			}
			if (changes) {
				const records = asAnswer(() => checker.files(changes));
				if (missing.count === 0) await files.add(records);
			}
		}
		if (missing.count > 0) {
			const text = `${missing.count} or more chunks are not here`;
			throw new Answer(SubmitStatus.SUBMIT_STATUS_MISSING, text, missing.names());
		}
		refuseCut(header, seen);
		const roots = await trees.finish();
		await store.flush();
		// An agent that tells no count may have gone in the midst of it; by now that is known.
		signal.throwIfAborted();
		const changeset = changesetRecord(header, time, roots, checker.fileCount);
		await files.commit(changeset, becomesHead(changeset, head) ? vmRecord(changeset) : undefined);
		return time;
	} catch (error) {
		await trees.abort();
		await files.abort();
		throw error;
	}
}

/** A stream that was cut ends like one that is whole: gRPC for Node says so only afterwards. @throws UmbraError `unavailable`. */
function refuseCut({ id, parts }: CheckedHeader, seen: bigint): void {
	if (parts === 0n || seen === parts) return;
	if (seen > parts) throw refusal(wrong("parts", parts, `${seen}, so many as came`));
	throw new UmbraError("unavailable", `changeset ${id} was cut: ${seen} of ${parts} parts came`);
}

/**
 * @throws UmbraError `conflict` where two machines of one name report to this collector, or something is imported that
 * would be newer than what a VM's agent captured.
 */
function refuseConflict(
	header: CheckedHeader,
	head: VmRecord | undefined,
	{ agents, now }: Pick<SubmitContext, "agents" | "now">,
): void {
	if (header.imported !== undefined) {
		refuseUntimely(header, head, agents, now());
		return;
	}
	if (head === undefined || head.agentId === header.agentId || !agents.isAlive(head.agentId)) return;
	const bothKnown = header.vmUuid !== "" && head.uuid !== "";
	if (bothKnown && header.vmUuid === head.uuid) return; // it moved here
	// Without UUIDs, a machine that its former host no longer has moved too.
	if (!bothKnown && !agents.reports(head.agentId, header.vm)) return;
	throw new UmbraError("conflict", `vm: another machine named ${header.vm} reports from host ${head.host}`, {
		context: { field: "vm", found: header.vmUuid, wanted: head.uuid },
		hint: "names of VMs are unique within a collector: rename one of them, or exclude it on its host",
	});
}

/** What is imported adds to a VM's past: its newest state stays what its agent says. */
function refuseUntimely(
	{ vm, timeNs }: CheckedHeader,
	head: VmRecord | undefined,
	agents: AgentTable,
	now: bigint,
): void {
	if (timeNs > now + MAX_CLOCK_LEAD_NS) throw wrong("time_ns", timeNs, `a time before now, ${now}`);
	if (head === undefined || head.imported === true || timeNs <= BigInt(head.headTime)) return;
	const agent = agents.agentOf(vm) ?? justCaptured(agents.status(head.agentId), head);
	if (agent === undefined) return;
	throw new UmbraError("conflict", `vm: ${vm} is captured by the agent on ${agent.host}, and this is newer`, {
		context: { field: "time_ns", found: timeNs.toString(), wanted: `at most ${head.headTime}` },
		hint: `umbra capture ${vm} takes a point now; what is older than that can be imported`,
	});
}

/** The agent that the head came from, where it has not told since whether the VM is still there. */
function justCaptured(agent: AgentStatus | undefined, { headTime }: VmRecord): AgentStatus | undefined {
	if (agent === undefined || agent.stale) return undefined;
	return agent.heartbeat === null || BigInt(agent.heartbeat.time) < BigInt(headTime) ? agent : undefined;
}

/** The changeset, null: none, that an imported one builds upon. */
async function findOlder(header: CheckedHeader, catalog: Catalog): Promise<ChangesetRecord | null> {
	if (header.baseId === "") return checkModes(header, null);
	const base = await catalog.changesetById(header.baseId);
	if (base?.vm !== header.vm) throw unknownBase(`nothing is known of changeset ${header.baseId}`);
	if (BigInt(base.time) >= header.timeNs) throw unknownBase(`changeset ${header.baseId} is not older than this one`);
	return checkModes(header, base);
}

/** The changeset that this one builds upon, null: none. */
async function findBase(
	header: CheckedHeader,
	head: VmRecord | undefined,
	catalog: Catalog,
): Promise<ChangesetRecord | null> {
	if (header.baseId === "") return checkModes(header, null);
	if (head === undefined) throw unknownBase(`nothing is known of VM ${header.vm}`);
	if (header.baseId !== head.headId) {
		throw unknownBase(`base_id is ${header.baseId}, but the newest changeset here is ${head.headId}`);
	}
	const base = await catalog.changeset(header.vm, head.headTime);
	if (base === undefined) throw unknownBase(`changeset ${head.headId} is gone`);
	return checkModes(header, base);
}

/** Whatever is not a disk's first state tells what changed in the base's. */
function checkModes({ disks }: CheckedHeader, base: ChangesetRecord | null): ChangesetRecord | null {
	for (const { disk, mode } of disks) {
		if (mode === "first" || base?.disks.some((known) => known.disk === disk)) continue;
		throw unknownBase(`disk ${disk} is ${mode}, but ${base === null ? "base_id is empty" : "was not in the base"}`);
	}
	return base;
}

function unknownBase(why: string): Answer {
	return new Answer(SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN, why);
}

/** Points that are captured ascend whatever an agent's clock does; what is imported goes where it belongs. */
async function pointTime(
	{ vm, timeNs, imported }: CheckedHeader,
	head: VmRecord | undefined,
	{ catalog, now }: Pick<SubmitContext, "catalog" | "now">,
): Promise<bigint> {
	const latest = now();
	let time = timeNs > latest + MAX_CLOCK_LEAD_NS ? latest : timeNs;
	if (imported === undefined && head !== undefined) {
		const earliest = BigInt(head.headTime) + CLOCK_STEP_NS;
		if (time < earliest) time = earliest;
	}
	while (!(await catalog.isFree(vm, time))) time += CLOCK_STEP_NS;
	return time;
}

/** An imported changeset only where nothing was captured, and nothing newer imported. */
function becomesHead({ time, imported }: ChangesetRecord, head: VmRecord | undefined): boolean {
	if (imported === undefined || head === undefined) return true;
	return head.imported === true && BigInt(time) > BigInt(head.headTime);
}

/** The tree of each disk, opened when its first run comes. */
class DiskTrees {
	readonly #store: ChunkStore;
	readonly #trees: ReadonlyMap<string, CheckedTree & Partial<Pick<CheckedDisk, "mode">>>;
	readonly #base: ReadonlyMap<string, DiskRecord>;
	readonly #writers = new Map<string, TreeWriter>();

	constructor(store: ChunkStore, header: CheckedHeader, base: ChangesetRecord | null) {
		this.#store = store;
		const disks = header.disks.map((disk) => ({ ...disk, key: disk.disk }));
		// A state is told whole, whatever the one before was.
		this.#trees = new Map([...disks, ...Object.values(header.state?.parts ?? {})].map((tree) => [tree.key, tree]));
		this.#base = new Map(base?.disks.map((disk) => [disk.disk, disk]));
	}

	async push(run: CheckedRun): Promise<void> {
		const tree = this.#trees.get(run.key);
		if (tree === undefined) throw new UmbraError("internal", `disk ${run.key} passed the check but has no header`);
		await damagedBase(tree, this.#writer(tree).push(run));
	}

	/** Hex roots by disk, or by part of the state. */
	async finish(): Promise<Map<string, string>> {
		const roots = new Map<string, string>();
		for (const tree of this.#trees.values()) {
			// A disk of no bytes has no tree.
			const root = tree.blocks === 0 ? ZERO_NAME : await damagedBase(tree, this.#writer(tree).finish());
			roots.set(tree.key, nameToHex(root));
		}
		return roots;
	}

	async abort(): Promise<void> {
		await Promise.all([...this.#writers.values()].map((writer) => writer.abort()));
	}

	#writer({ key, mode = "first", blocks }: CheckedTree & Partial<Pick<CheckedDisk, "mode">>): TreeWriter {
		let writer = this.#writers.get(key);
		if (writer === undefined) {
			const base = mode === "first" ? undefined : this.#base.get(key);
			const tree = base === undefined ? null : treeOf(base);
			writer = new TreeWriter(this.#store, tree?.blocks === 0 ? null : tree, blocks);
			this.#writers.set(key, writer);
		}
		return writer;
	}
}

function treeOf({ root, sizeBytes }: DiskRecord): DiskTree {
	return { root: nameFromHex(root), blocks: blockCount(sizeBytes) };
}

/** A base whose tree cannot be read is as good as none: the agent shall capture anew. */
async function damagedBase<T>({ key }: CheckedTree, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "not-found")) throw error;
		const message = `the base of disk ${key} is damaged here: ${error.message}`;
		throw new Answer(SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN, message);
	}
}

/** Names that the store lacks, each once, at most as many as one answer holds. */
class MissingNames {
	readonly #store: ChunkStore;
	readonly #names = new Map<string, Uint8Array>();

	constructor(store: ChunkStore) {
		this.#store = store;
	}

	get count(): number {
		return this.#names.size;
	}

	check(names: Uint8Array): void {
		for (let at = 0; at < names.length && this.#names.size < MAX_OFFER_NAMES; at += NAME_SIZE) {
			const name = names.subarray(at, at + NAME_SIZE);
			if (!this.#store.has(name)) this.#names.set(nameToHex(name), name);
		}
	}

	names(): Uint8Array {
		return Buffer.concat([...this.#names.values()]);
	}
}

/** File changes on their way into the catalog: the last thousand in memory, those before them staged. */
class StagedFiles {
	readonly #catalog: Catalog;
	readonly #vm: string;
	readonly #time: bigint;
	#waiting: FileChangeRecord[] = [];
	readonly #hash = new FilesHash();
	#firstIndex = 0;
	#staged = false;

	constructor(catalog: Catalog, vm: string, time: bigint) {
		this.#catalog = catalog;
		this.#vm = vm;
		this.#time = time;
	}

	async add(files: readonly FileChangeRecord[]): Promise<void> {
		this.#hash.add(files);
		this.#waiting.push(...files);
		if (this.#waiting.length <= STAGE_FILES) return;
		this.#staged = true;
		await this.#catalog.stageFiles(this.#vm, this.#time, this.#firstIndex, this.#waiting);
		this.#firstIndex += this.#waiting.length;
		this.#waiting = [];
	}

	async commit(changeset: ChangesetRecord, vm: VmRecord | undefined): Promise<void> {
		// A commit that fails may have reached the disk all the same: from here on nothing is taken back.
		this.#staged = false;
		const filesHash = this.#hash.end();
		await this.#catalog.commit({ changeset, vm, files: this.#waiting, firstIndex: this.#firstIndex, filesHash });
	}

	/** What cannot be taken back now is when the changeset comes again, or at the next start. */
	async abort(): Promise<void> {
		if (this.#staged) await this.#catalog.discardStaged(this.#vm, this.#time).catch(() => undefined);
	}
}

function changesetRecord(
	header: CheckedHeader,
	time: bigint,
	roots: ReadonlyMap<string, string>,
	fileCount: number,
): ChangesetRecord {
	return {
		id: header.id,
		baseId: header.baseId,
		vm: header.vm,
		vmUuid: header.vmUuid,
		agentId: header.agentId,
		host: header.host,
		sequence: header.sequence.toString(),
		time: time.toString(),
		...(time === header.timeNs ? {} : { agentTime: header.timeNs.toString() }),
		...(header.imported === undefined ? {} : { imported: header.imported }),
		...(header.state === undefined ? {} : { state: stateRecord(header.state, roots) }),
		consistency: header.consistency,
		captureMs: header.captureMs,
		pauseMs: header.pauseMs,
		disks: header.disks.map(({ blocks: _, ...disk }) => ({ ...disk, root: roots.get(disk.disk) ?? "" })),
		...(header.sessions.length > 0 ? { sessions: header.sessions } : {}),
		...(header.packages.length > 0 ? { packages: header.packages } : {}),
		fileCount,
		verdict: null,
	};
}

function stateRecord({ parts, ...told }: CheckedState, roots: ReadonlyMap<string, string>): StateRecord {
	const tree = ({ key, sizeBytes }: CheckedTree) => ({ sizeBytes, root: roots.get(key) ?? "" });
	return {
		...told,
		parts: { ram: tree(parts.ram), devices: tree(parts.devices), configuration: tree(parts.configuration) },
	};
}

function vmRecord(changeset: ChangesetRecord): VmRecord {
	return {
		vm: changeset.vm,
		uuid: changeset.vmUuid,
		agentId: changeset.agentId,
		host: changeset.host,
		headId: changeset.id,
		headTime: changeset.time,
		...(changeset.imported === undefined ? {} : { imported: true as const }),
		disks: changeset.disks.map(({ disk, sizeBytes }) => ({ disk, sizeBytes })),
	};
}
