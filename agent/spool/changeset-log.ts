/** The changesets that wait to be submitted, in the agent's database, beside what their captures committed. */
import type { ClassicLevel, BatchOperation as LevelOperation } from "classic-level";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";

export type Database = ClassicLevel<Uint8Array, Uint8Array>;
/** One write of the batch that commits a capture. */
export type BatchOperation = LevelOperation<Database, Uint8Array, Uint8Array>;

export interface PendingChangeset {
	readonly sequence: bigint;
	readonly id: string;
	readonly vm: string;
	/** It may be submitted once every chunk before this position is done. */
	readonly chunkPosition: number;
	readonly partCount: number;
	/** What it takes in the database. */
	readonly bytes: number;
}

/** Keys: prefix + "m" + sequence -> JSON; prefix + "p" + sequence + index -> part; prefix + "n" -> the next sequence. */
const META = 0x6d;
const PART = 0x70;
const NEXT = 0x6e;

export class ChangesetLog {
	readonly #db: Database;
	readonly #prefix: Buffer;
	/** Ascending by sequence. */
	#pending: PendingChangeset[] = [];
	#next = 1n;
	#bytes = 0;

	private constructor(db: Database, prefix: string) {
		this.#db = db;
		this.#prefix = Buffer.from(prefix, "utf8");
	}

	/** @throws UmbraError `corrupt` or `unavailable`. */
	static async open(db: Database, prefix: string): Promise<ChangesetLog> {
		const log = new ChangesetLog(db, prefix);
		await log.#guard("open", async () => {
			const next = await db.get(log.#key(NEXT), VIEW);
			if (next !== undefined) log.#next = Buffer.from(next).readBigUInt64BE(0);
			const range = { gte: log.#key(META), lt: log.#key(META + 1), ...VIEW };
			for await (const [key, value] of db.iterator<Uint8Array, Uint8Array>(range)) log.#insert(log.#parse(key, value));
		});
		return log;
	}

	get next(): bigint {
		return this.#next;
	}

	get bytes(): number {
		return this.#bytes;
	}

	get pending(): readonly PendingChangeset[] {
		return this.#pending;
	}

	/** Takes the next sequence and says what to write; nothing is visible before `commit`. */
	stage(
		parts: readonly Uint8Array[],
		meta: { id: string; vm: string },
		chunkPosition: number,
	): { changeset: PendingChangeset; operations: BatchOperation[] } {
		const sequence = this.#next++;
		const bytes = parts.reduce((sum, part) => sum + part.length, 0);
		const changeset = { sequence, ...meta, chunkPosition, partCount: parts.length, bytes };
		const record = { id: meta.id, vm: meta.vm, chunkPosition, partCount: parts.length, bytes };
		const operations = parts.map((part, index) => put(this.#key(PART, sequence, index), part));
		operations.push(put(this.#key(META, sequence), Buffer.from(JSON.stringify(record), "utf8")));
		const next = Buffer.alloc(8);
		next.writeBigUInt64BE(this.#next);
		operations.push(put(this.#key(NEXT), next));
		return { changeset, operations };
	}

	commit(changeset: PendingChangeset): void {
		this.#insert(changeset);
	}

	/**
	 * The parts in order, as they were staged; few are in memory at a time.
	 *
	 * @throws UmbraError `not-found` where the changeset was removed, `corrupt` or `unavailable` from the database.
	 */
	async *parts(changeset: PendingChangeset, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
		const { sequence } = changeset;
		let count = 0;
		const iterator = this.#db.iterator<Uint8Array, Uint8Array>({
			gte: this.#key(PART, sequence),
			lt: this.#key(PART, sequence + 1n),
			highWaterMarkBytes: 1 << 20,
			...VIEW,
		});
		try {
			for (;;) {
				signal?.throwIfAborted();
				const entry = await this.#guard("read a changeset from", () => iterator.next());
				if (entry === undefined) break;
				count++;
				yield entry[1];
			}
		} finally {
			await iterator.close();
		}
		if (count !== changeset.partCount) {
			throw new UmbraError("not-found", `changeset ${changeset.id} has ${count} of its ${changeset.partCount} parts`, {
				context: { found: count, wanted: changeset.partCount, structure: "spooled changeset" },
			});
		}
	}

	/** Removes these. Not synced: one that comes back after a crash is submitted twice, which is harmless. */
	async remove(changesets: readonly PendingChangeset[]): Promise<void> {
		for (const changeset of changesets) {
			const operations: BatchOperation[] = [remove(this.#key(META, changeset.sequence))];
			for (let index = 0; index < changeset.partCount; index++) {
				operations.push(remove(this.#key(PART, changeset.sequence, index)));
			}
			await this.#guard("remove a changeset from", () => this.#db.batch(operations, VIEW));
			const at = this.#pending.indexOf(changeset);
			if (at < 0) continue;
			this.#pending.splice(at, 1);
			this.#bytes -= changeset.bytes;
		}
	}

	#insert(changeset: PendingChangeset): void {
		// Captures of several VMs commit in any order: mostly at the end, but not always.
		let at = this.#pending.length;
		while (at > 0 && (this.#pending[at - 1] as PendingChangeset).sequence > changeset.sequence) at--;
		this.#pending.splice(at, 0, changeset);
		this.#bytes += changeset.bytes;
	}

	#parse(key: Uint8Array, value: Uint8Array): PendingChangeset {
		const sequence = Buffer.from(key).readBigUInt64BE(this.#prefix.length + 1);
		const record = JSON.parse(Buffer.from(value).toString("utf8")) as Omit<PendingChangeset, "sequence">;
		const counts = [record.chunkPosition, record.partCount, record.bytes];
		if (typeof record.id !== "string" || typeof record.vm !== "string" || !counts.every(Number.isSafeInteger)) {
			throw new UmbraError("corrupt", `spooled changeset ${sequence} has a record that is not one`, {
				context: { structure: "spooled changeset" },
			});
		}
		return { ...record, sequence };
	}

	#key(kind: number, sequence?: bigint, index?: number): Buffer {
		const length = this.#prefix.length + 1 + (sequence === undefined ? 0 : 8) + (index === undefined ? 0 : 4);
		const key = Buffer.alloc(length);
		this.#prefix.copy(key);
		key[this.#prefix.length] = kind;
		if (sequence !== undefined) key.writeBigUInt64BE(sequence, this.#prefix.length + 1);
		if (index !== undefined) key.writeUInt32BE(index, this.#prefix.length + 9);
		return key;
	}

	async #guard<T>(doing: string, run: () => Promise<T>): Promise<T> {
		try {
			return await run();
		} catch (error) {
			if (isUmbraError(error)) throw error;
			const corrupt = (error as { code?: unknown })?.code === "LEVEL_CORRUPTION" || error instanceof SyntaxError;
			throw new UmbraError(corrupt ? "corrupt" : "unavailable", `cannot ${doing} the spool: ${messageOf(error)}`, {
				cause: error,
				context: { path: this.#db.location },
			});
		}
	}
}

/** Said with every access, so that it does not matter how the database was opened. */
const VIEW = { keyEncoding: "view", valueEncoding: "view" } as const;

function put(key: Uint8Array, value: Uint8Array): BatchOperation {
	return { type: "put", key, value, ...VIEW };
}

function remove(key: Uint8Array): BatchOperation {
	return { type: "del", key, keyEncoding: "view" };
}
