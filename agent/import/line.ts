/**
 * What an import remembers between two snapshots: the blocks and files of the last one, so that the next is told by what
 * differs. It is an agent's own state, and is kept likewise: killed at any instant, the last one that was finished counts.
 *
 * Two of them share a folder: `main` follows the newest snapshots, and is what an agent takes over; `older` is for those
 * that are put in before it, and goes when they are there.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { nameToHex } from "../../common/block.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { assertSound } from "../../common/leveldb/verify.ts";
import type { Logger } from "../../common/log.ts";
import { v1, type wire } from "../../proto/service.ts";
import { type AgentDb, BlockIndex, encodeKey } from "../capture/block-index.ts";
import { type CaptureOptions, type CaptureResult, Capturer, type CaptureSink } from "../capture/capture.ts";
import type { HashPoolLease } from "../capture/hash-pool-lease.ts";
import { loadVmState, vmStateOperation } from "../capture/vm-state.ts";
import { Spool, type StagedChangeset } from "../spool/spool.ts";
import type { PlannedPoint } from "./plan.ts";
import type { KnownPoint } from "./shadow.ts";
import { SnapshotMachine } from "./snapshot-machine.ts";
import { treeRoot } from "./tree-root.ts";

const KINDS: Readonly<Record<PlannedPoint["kind"], wire.v1.ImportKind>> = {
	snapshot: v1.ImportKind.IMPORT_KIND_SNAPSHOT,
	layer: v1.ImportKind.IMPORT_KIND_LAYER,
	image: v1.ImportKind.IMPORT_KIND_IMAGE,
};
const TIMES: Readonly<Record<PlannedPoint["timeFrom"], wire.v1.ImportTime>> = {
	snapshot: v1.ImportTime.IMPORT_TIME_SNAPSHOT,
	name: v1.ImportTime.IMPORT_TIME_NAME,
	modified: v1.ImportTime.IMPORT_TIME_MODIFIED,
	given: v1.ImportTime.IMPORT_TIME_GIVEN,
};

/** No changeset is called so. */
const UNVERIFIED = "unverified";

export type LineName = "main" | "older";

export interface LineOptions {
	readonly folder: string;
	readonly vm: string;
	readonly agentId: string;
	readonly host: string;
	readonly hashing: HashPoolLease;
	readonly spoolBytes: number;
	readonly log: Logger;
}

/** What a line stands at. */
export interface LineHead {
	/** Of the changeset. */
	readonly id: string;
	readonly timeNs: bigint;
}

export type ReadOptions = Pick<CaptureOptions, "signal" | "onProgress"> & {
	/** What was read last, in this run. */
	readonly since?: PlannedPoint | undefined;
};

export class Line implements AsyncDisposable {
	readonly spool: Spool;
	readonly #vm: string;
	readonly #db: AgentDb;
	readonly #capturer: Capturer;
	readonly #sink: Sink;
	readonly #resources: AsyncDisposableStack;

	private constructor(
		vm: string,
		db: AgentDb,
		spool: Spool,
		sink: Sink,
		capturer: Capturer,
		owned: AsyncDisposableStack,
	) {
		this.#vm = vm;
		this.#db = db;
		this.spool = spool;
		this.#sink = sink;
		this.#capturer = capturer;
		this.#resources = owned;
	}

	/** @throws UmbraError `conflict` where another import of this VM runs, `unavailable`. */
	static async open(name: LineName, options: LineOptions): Promise<Line> {
		const { vm, agentId, host, hashing, spoolBytes, log } = options;
		await using resources = new AsyncDisposableStack();
		const db = await openLineDb(options.folder, name);
		resources.defer(() => db.close());
		const spool = resources.use(
			await Spool.open({
				folder: join(lineFolder(options.folder, name), "spool"),
				db,
				prefix: "spool/",
				limitBytes: spoolBytes,
				log,
			}),
		);
		const sink = new Sink(spool);
		const capturer = await Capturer.open({ db, spool: sink, hashing, agentId, host, log });
		// From here on it is under way: what an agent found here to take over is not what will be.
		await db.del(READY, { sync: true });
		return new Line(vm, db, spool, sink, capturer, resources.move());
	}

	/** Undefined where nothing was read yet. */
	async head(): Promise<LineHead | undefined> {
		const { headId, headTime } = await loadVmState(this.#db, this.#vm);
		return headId === "" ? undefined : { id: headId, timeNs: BigInt(headTime) };
	}

	/** The next snapshot is told as a whole. */
	async forget(): Promise<void> {
		await this.#capturer.forget(this.#vm);
	}

	/** Reads a snapshot as the changeset that follows the head; it is in the spool then. @throws UmbraError as `Capturer`. */
	async capture(point: PlannedPoint, timeNs: bigint, options: ReadOptions): Promise<CaptureResult> {
		return await this.#read(point, timeNs, point.id, options);
	}

	async #read(point: PlannedPoint, timeNs: bigint, id: string, { since, ...options }: ReadOptions) {
		const machine = new SnapshotMachine(this.#vm, point, timeNs, since);
		const imported = { kind: KINDS[point.kind], name: point.name, timeFrom: TIMES[point.timeFrom] };
		const disks = point.disks.map(({ disk }) => disk);
		return await this.#capturer.capture(machine, disks, { ...options, id, imported });
	}

	/**
	 * Reads a snapshot that the collector has, so that the next can be told by what differs from it.
	 *
	 * @returns false where it is not what the collector has: then nothing is known.
	 * @throws UmbraError as `Capturer`.
	 */
	async recall(point: PlannedPoint, known: KnownPoint, options: ReadOptions): Promise<boolean> {
		await this.forget();
		this.#sink.isOpen = false;
		try {
			// Not under its own name before it is known to be that.
			await this.#read(point, known.timeNs, UNVERIFIED, options);
		} finally {
			this.#sink.isOpen = true;
		}
		const index = new BlockIndex(this.#db);
		for (const { disk, sizeBytes } of point.disks) {
			const there = known.disks.get(disk);
			const root = nameToHex(await treeRoot(index, this.#vm, disk, sizeBytes));
			if (there?.sizeBytes === sizeBytes && there.root === root) continue;
			await this.forget();
			return false;
		}
		const state = await loadVmState(this.#db, this.#vm);
		await this.#db.batch([vmStateOperation(this.#vm, { ...state, headId: known.id })], { sync: true });
		return true;
	}

	/** An agent that meets the VM for the first time may begin with what is here: `headId` is the VM's head. */
	async ready(headId: string): Promise<void> {
		await this.#db.put(READY, Buffer.from(headId), { sync: true });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources[Symbol.asyncDispose]();
	}
}

/** Key of what is ready to be taken over: the id of the changeset that it stands at. */
export const READY: Uint8Array = encodeKey("import-ready");

function lineFolder(folder: string, name: LineName): string {
	return join(folder, name);
}

/** @throws UmbraError `conflict` where another process has it open, `unavailable`. */
export async function openLineDb(folder: string, name: LineName): Promise<AgentDb> {
	const path = join(lineFolder(folder, name), "state");
	try {
		await mkdir(path, { recursive: true, mode: 0o700 });
		const hint = `move ${path} away: snapshots are read anew, those that the collector has are not taken in twice`;
		await assertSound(path, { what: "the state of the import", tables: true, hint });
		// Once it is made it opens by itself.
		const db: AgentDb = new ClassicLevel(path, { keyEncoding: "view", valueEncoding: "view" });
		await db.open();
		return db;
	} catch (error) {
		if (isUmbraError(error)) throw error;
		const cause = error instanceof Error ? error.cause : undefined;
		if (errnoOf(cause) === "LEVEL_LOCKED") {
			throw new UmbraError("conflict", `another import of this VM runs: ${path} is in use`, { cause: error });
		}
		throw new UmbraError("unavailable", `cannot keep what was imported in ${path}: ${messageOf(cause ?? error)}`, {
			cause: error,
			context: { path },
			hint: "is the folder writable, and is there space on its disk? --state names another",
		});
	}
}

/** What it held was brought, or is not wanted any more. Nobody may have it open. */
export async function removeLine(folder: string, name: LineName): Promise<void> {
	await rm(lineFolder(folder, name), { recursive: true, force: true });
}

/** The spool; closed, it lets pass what nobody wants. */
class Sink implements CaptureSink {
	isOpen = true;
	readonly #spool: Spool;

	constructor(spool: Spool) {
		this.#spool = spool;
	}

	async addChunk(...chunk: Parameters<CaptureSink["addChunk"]>): Promise<void> {
		if (this.isOpen) await this.#spool.addChunk(...chunk);
	}

	async sync(): Promise<void> {
		await this.#spool.sync();
	}

	nextSequence(): bigint {
		return this.#spool.nextSequence();
	}

	stage(...changeset: Parameters<CaptureSink["stage"]>): StagedChangeset {
		if (this.isOpen) return this.#spool.stage(...changeset);
		return { sequence: this.nextSequence(), operations: [], committed: () => {} };
	}
}
