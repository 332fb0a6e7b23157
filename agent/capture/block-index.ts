/**
 * The block index: the record (`record.ts`) of every block of every disk as the last finished capture
 * left it, 64 records a database value.
 *
 * What a capture changed of a disk, in whole pages of records, goes into the batch that makes the capture final, where
 * it is little. A capture may change more than fits into one atomic batch: then it stages the pages beside the index as it
 * goes, the batch sets a mark, and what is staged is folded in behind it, again after a crash if need be. What is staged without
 * a mark is thrown away.
 *
 * Keys: `index/<vm>/<disk>/<page>`, `staged/<vm>/<disk>/<page>`, `fold/<vm>` (the mark). Page numbers are eight hex digits.
 */
import type { BatchOperation, ClassicLevel } from "classic-level";
import { NAME_SIZE } from "../../common/block.ts";
import { RECORD_SIZE, RECORDS_PER_PAGE } from "./record.ts";

export type AgentDb = ClassicLevel<Uint8Array, Uint8Array>;
export type AgentOperation = BatchOperation<AgentDb, Uint8Array, Uint8Array>;

const PAGE_BYTES = RECORD_SIZE * RECORDS_PER_PAGE;
const EMPTY = new Uint8Array(0);
/**
 * LevelDB does not sync a full log before it begins the next: a later synced write does not vouch for this one. What a
 * final capture rests on is therefore synced itself, at 256 MiB of changed data a time.
 */
const SYNC = { sync: true } as const;
/** Pages of one disk that are kept for the final batch: about 1.8 MiB. */
const MAX_HELD = 256;
/** Staged in one batch. */
const STAGE_BATCH = 64;
/** Values moved in one batch while folding: about 7 MiB. */
const FOLD_BATCH = 1024;

export const encodeKey = (...parts: readonly string[]): Uint8Array =>
	Buffer.from(parts.map(encodeURIComponent).join("/"));
/** Every key that begins with these parts. */
export const keyRange = (...parts: readonly string[]): { gte: Uint8Array; lt: Uint8Array } => {
	const prefix = parts.map(encodeURIComponent).join("/");
	return { gte: Buffer.from(`${prefix}/`), lt: Buffer.from(`${prefix}0`) };
};

const pageKey = (kind: "index" | "staged", vm: string, disk: string, page: number) =>
	encodeKey(kind, vm, disk, page.toString(16).padStart(8, "0"));

function pageOf(key: Uint8Array): number {
	return Number.parseInt(Buffer.from(key).subarray(-8).toString("latin1"), 16);
}

export class BlockIndex {
	readonly #db: AgentDb;
	readonly #maxHeld: number;

	/** @param maxHeld pages of one disk that are kept for a capture's final batch; more are staged. */
	constructor(db: AgentDb, maxHeld: number = MAX_HELD) {
		this.#db = db;
		this.#maxHeld = maxHeld;
	}

	/** The records of `count` blocks from `first`, all zeroes where nothing is known. */
	async read(vm: string, disk: string, first: number, count: number): Promise<Uint8Array> {
		const from = Math.floor(first / RECORDS_PER_PAGE);
		const to = Math.floor((first + count - 1) / RECORDS_PER_PAGE);
		const keys = Array.from({ length: to - from + 1 }, (_, at) => pageKey("index", vm, disk, from + at));
		const pages = await this.#db.getMany(keys);
		const records = new Uint8Array(count * RECORD_SIZE);
		for (const [at, page] of pages.entries()) {
			if (page === undefined) continue;
			const pageFirst = (from + at) * RECORDS_PER_PAGE;
			const start = Math.max(first, pageFirst);
			const end = Math.min(first + count, pageFirst + RECORDS_PER_PAGE);
			records.set(
				page.subarray((start - pageFirst) * RECORD_SIZE, (end - pageFirst) * RECORD_SIZE),
				(start - first) * RECORD_SIZE,
			);
		}
		return records;
	}

	/** The pages that exist and touch the given blocks, in order. */
	async *pages(
		vm: string,
		disk: string,
		first: number,
		count: number,
	): AsyncGenerator<{ readonly firstBlock: number; readonly records: Uint8Array }> {
		const gte = pageKey("index", vm, disk, Math.floor(first / RECORDS_PER_PAGE));
		const lte = pageKey("index", vm, disk, Math.floor((first + count - 1) / RECORDS_PER_PAGE));
		for await (const [key, records] of this.#db.iterator({ gte, lte })) {
			yield { firstBlock: pageOf(key) * RECORDS_PER_PAGE, records };
		}
	}

	/** Which blocks of which disks hold these contents, by the last finished capture; `names` are hex. */
	async find(vm: string, names: ReadonlySet<string>): Promise<Map<string, Map<number, string>>> {
		const found = new Map<string, Map<number, string>>();
		for await (const [key, records] of this.#db.iterator(keyRange("index", vm))) {
			const bytes = Buffer.from(records.buffer, records.byteOffset, records.length);
			for (let at = 0; at < bytes.length; at += RECORD_SIZE) {
				const name = bytes.toString("hex", at, at + NAME_SIZE);
				if (!names.has(name)) continue;
				const disk = decodeURIComponent(Buffer.from(key).toString().split("/").at(2) ?? "");
				const blocks = found.get(disk) ?? new Map<number, string>();
				found.set(disk, blocks.set(pageOf(key) * RECORDS_PER_PAGE + at / RECORD_SIZE, name));
			}
		}
		return found;
	}

	/** Begins to stage a capture of `vm`; what an earlier one staged and did not finish is dropped. */
	async begin(vm: string): Promise<void> {
		await this.fold(vm); // A final capture whose folding failed must not lose what it staged.
		await this.#db.clear(keyRange("staged", vm));
	}

	stager(vm: string, disk: string, mode: "anew" | "onto"): IndexStager {
		return new IndexStager(this.#db, this, vm, disk, mode, this.#maxHeld);
	}

	/** What belongs into the batch that makes a capture final, of all of its disks, whose stagers have ended. */
	finishOperations(vm: string, stagers: readonly IndexStager[]): AgentOperation[] {
		const operations = stagers.flatMap((stager) => stager.operations);
		// Disks whose old records no longer count.
		const anew = stagers.filter(({ mode }) => mode === "anew").map(({ disk }) => disk);
		if (anew.length === 0 && !stagers.some(({ hasStaged }) => hasStaged)) return operations;
		const mark = Buffer.from(JSON.stringify(anew));
		return [...operations, { type: "put", key: encodeKey("fold", vm), value: mark }];
	}

	/** Folds in what a final capture staged. Harmless when there is nothing to do; run at start for every VM. */
	async fold(vm: string): Promise<void> {
		const mark = await this.#db.get(encodeKey("fold", vm));
		if (mark === undefined) return;
		for (const disk of JSON.parse(Buffer.from(mark).toString()) as string[]) {
			await this.#remove(keyRange("index", vm, disk));
		}
		// From here on a crash must not clear what was folded already: the list is emptied first.
		await this.#db.put(encodeKey("fold", vm), Buffer.from("[]"), SYNC);
		let batch: AgentOperation[] = [];
		const write = async () => {
			await this.#db.batch(batch, SYNC);
			batch = [];
		};
		for await (const [key, value] of this.#db.iterator(keyRange("staged", vm))) {
			const target = Buffer.from(
				Buffer.from(key)
					.toString()
					.replace(/^staged/, "index"),
			);
			batch.push(value.length === 0 ? { type: "del", key: target } : { type: "put", key: target, value });
			batch.push({ type: "del", key });
			if (batch.length >= FOLD_BATCH) await write();
		}
		batch.push({ type: "del", key: encodeKey("fold", vm) });
		await write();
	}

	/** As `clear`, which cannot be synced. */
	async #remove(range: ReturnType<typeof keyRange>): Promise<void> {
		let batch: AgentOperation[] = [];
		for await (const key of this.#db.keys(range)) {
			batch.push({ type: "del", key });
			if (batch.length < FOLD_BATCH) continue;
			await this.#db.batch(batch, SYNC);
			batch = [];
		}
		if (batch.length > 0) await this.#db.batch(batch, SYNC);
	}

	/** Every VM whose fold was cut by a crash. */
	async foldAll(): Promise<void> {
		const marks: string[] = [];
		for await (const key of this.#db.keys(keyRange("fold"))) {
			marks.push(decodeURIComponent(Buffer.from(key).toString().slice("fold/".length)));
		}
		for (const vm of marks) await this.fold(vm);
	}

	/** Forgets all blocks of a VM. */
	async forget(vm: string): Promise<void> {
		await this.#db.del(encodeKey("fold", vm));
		await this.#db.clear(keyRange("staged", vm));
		await this.#db.clear(keyRange("index", vm));
	}
}

/** Collects the new records of one disk in ascending order of blocks, page by page. */
export class IndexStager {
	readonly disk: string;
	readonly mode: "anew" | "onto";
	readonly #db: AgentDb;
	readonly #index: BlockIndex;
	readonly #vm: string;
	readonly #maxHeld: number;
	#page = -1;
	#records: Uint8Array = EMPTY;
	/** Whole pages that are not staged. */
	#held: { readonly page: number; readonly value: Uint8Array }[] = [];
	#hasStaged = false;

	constructor(db: AgentDb, index: BlockIndex, vm: string, disk: string, mode: "anew" | "onto", maxHeld: number) {
		this.#db = db;
		this.#index = index;
		this.#vm = vm;
		this.disk = disk;
		this.mode = mode;
		// Of a disk that begins anew the old pages are removed first, which takes more than one batch.
		this.#maxHeld = mode === "anew" ? STAGE_BATCH : maxHeld;
	}

	/** True where the final batch has to be followed by folding. */
	get hasStaged(): boolean {
		return this.#hasStaged;
	}

	/** After the end: what was not staged, for the final batch. */
	get operations(): readonly AgentOperation[] {
		return this.#held.map(({ page, value }): AgentOperation => {
			const key = pageKey("index", this.#vm, this.disk, page);
			return value.length === 0 ? { type: "del", key } : { type: "put", key, value };
		});
	}

	async put(block: number, record: Uint8Array): Promise<void> {
		const page = Math.floor(block / RECORDS_PER_PAGE);
		if (page !== this.#page) {
			await this.#turn();
			this.#page = page;
			this.#records =
				this.mode === "anew"
					? new Uint8Array(PAGE_BYTES)
					: await this.#index.read(this.#vm, this.disk, page * RECORDS_PER_PAGE, RECORDS_PER_PAGE);
		}
		this.#records.set(record, (block % RECORDS_PER_PAGE) * RECORD_SIZE);
	}

	/** Nothing comes any more: what may not go into the final batch is staged. */
	async end(): Promise<void> {
		await this.#turn();
		this.#page = -1;
		if (this.#hasStaged || this.mode === "anew") await this.#stage();
	}

	async #turn(): Promise<void> {
		if (this.#page < 0) return;
		const empty = this.#records.every((byte) => byte === 0);
		this.#held.push({ page: this.#page, value: empty ? EMPTY : this.#records });
		if (this.#held.length >= (this.#hasStaged ? STAGE_BATCH : this.#maxHeld)) await this.#stage();
	}

	async #stage(): Promise<void> {
		if (this.#held.length === 0) return;
		const batch = this.#held.map(({ page, value }): AgentOperation => {
			return { type: "put", key: pageKey("staged", this.#vm, this.disk, page), value };
		});
		this.#held = [];
		this.#hasStaged = true;
		await this.#db.batch(batch, SYNC);
	}
}
