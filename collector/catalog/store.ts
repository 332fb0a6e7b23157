/**
 * The ordered key-value store below the catalog: `classic-level` with foreign errors translated,
 * values as JSON with a checksum, synchronous batches, bounded pages, and a way back after the disk was full.
 */
import { ClassicLevel } from "classic-level";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { assertSound } from "../../common/leveldb/verify.ts";
import type { KeyRange } from "./keys.ts";
import { decodeRecord, encodeRecord, withChecksum } from "./record-form.ts";
import { assertRoom } from "./room.ts";

/** Most items of one page, whatever a caller asks for; bounds the memory of one request. */
export const MAX_PAGE = 1000;
/** Most operations that are written together, unless one batch has more: about 2 MB. */
const MAX_GROUP = 2000;

export type Operation =
	| { readonly type: "put"; readonly key: string; readonly value: unknown }
	| { readonly type: "del"; readonly key: string };

export interface Entry<T> {
	readonly key: string;
	readonly value: T;
}

/** Part of an ordered listing. */
export interface Page<T> {
	readonly items: readonly T[];
	/** Give it as `cursor` to get what follows; null at the end. */
	readonly next: string | null;
}

export interface PageOptions {
	/** `next` of the page before. */
	readonly cursor?: string | undefined;
	/** At most `MAX_PAGE`, which is also the default. */
	readonly limit?: number | undefined;
	/** Newest (last) first. */
	readonly reverse?: boolean | undefined;
	/** First and last component below the prefix, of fixed width; both inclusive with all that is below them. */
	readonly from?: string | undefined;
	readonly to?: string | undefined;
}

/** What is used of a LevelDB. */
export interface Level {
	open(): Promise<void>;
	close(): Promise<void>;
	get(key: string): Promise<string | undefined>;
	getMany(keys: string[]): Promise<(string | undefined)[]>;
	has(key: string): Promise<boolean>;
	hasMany(keys: string[]): Promise<boolean[]>;
	batch(operations: LevelOperation[], options: { readonly sync: boolean }): Promise<void>;
	iterator(range: LevelRange): { all(): Promise<[string, string][]> };
	keys(range: LevelRange): { all(): Promise<string[]> };
}

export type LevelOperation =
	| { readonly type: "put"; readonly key: string; readonly value: string }
	| { readonly type: "del"; readonly key: string };

export interface LevelRange {
	readonly gte?: string;
	readonly gt?: string;
	readonly lt: string;
	readonly reverse: boolean;
	readonly limit: number;
}

/** The database in a folder, not open yet. */
export type MakeLevel = (folder: string) => Level;

const makeClassicLevel: MakeLevel = (folder) =>
	new ClassicLevel(folder, { keyEncoding: "utf8", valueEncoding: "utf8" });

interface Waiting {
	readonly operations: readonly LevelOperation[];
	readonly sync: boolean;
	readonly resolve: () => void;
	readonly reject: (error: UmbraError) => void;
}

export class LevelStore implements AsyncDisposable {
	readonly folder: string;
	readonly #make: MakeLevel;
	#level: Level;
	/** What the disk said; LevelDB takes no write after a failed one until it is opened anew. */
	#failure: UmbraError | undefined;
	#reopening: Promise<void> | undefined;
	#waiting: Waiting[] = [];
	#writing: Promise<void> | undefined;
	/** It was closed to be opened anew, and could not be. */
	#isShut = false;
	#closed = false;

	private constructor(folder: string, make: MakeLevel, level: Level) {
		this.folder = folder;
		this.#make = make;
		this.#level = level;
	}

	/**
	 * @throws UmbraError `conflict` where another process has it open, `corrupt` where anything of its files is not what was
	 * written, `unavailable`, `limit`.
	 */
	static async open(folder: string, make: MakeLevel = makeClassicLevel): Promise<LevelStore> {
		await verify(folder, true);
		return new LevelStore(folder, make, await openLevel(folder, make));
	}

	async get<T>(key: string): Promise<T | undefined> {
		const text = await this.#guard(() => this.#level.get(key));
		return text === undefined ? undefined : decodeRecord<T>(key, text);
	}

	/** In the order of `wanted`. */
	async getMany<T>(wanted: readonly string[]): Promise<(T | undefined)[]> {
		const texts = await this.#guard(() => this.#level.getMany([...wanted]));
		return texts.map((text, at) => (text === undefined ? undefined : decodeRecord<T>(wanted[at] ?? "", text)));
	}

	async has(key: string): Promise<boolean> {
		return await this.#guard(() => this.#level.has(key));
	}

	/** In the order of `wanted`. */
	async hasMany(wanted: readonly string[]): Promise<boolean[]> {
		return await this.#guard(() => this.#level.hasMany([...wanted]));
	}

	/**
	 * All of `operations` or none. With `sync` it resolves when they, and every batch before them, are on
	 * stable storage.
	 */
	async batch(operations: readonly Operation[], options: { readonly sync: boolean } = { sync: true }): Promise<void> {
		const encoded = operations.map((operation) =>
			operation.type === "put"
				? { type: "put" as const, key: operation.key, value: encodeRecord(operation.key, operation.value) }
				: operation,
		);
		await this.#write(encoded, options.sync);
	}

	/**
	 * What comes while something is being written is written next, together. LevelDB goes on behind a record that it could
	 * not write whole, and finds nothing of what follows when it reads its log: so nothing may follow.
	 */
	async #write(operations: readonly LevelOperation[], sync: boolean): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.#waiting.push({ operations, sync, resolve, reject });
		this.#writing ??= this.#writeWaiting();
		await promise;
	}

	async #writeWaiting(): Promise<void> {
		while (this.#waiting.length > 0) {
			const group = this.#waiting.splice(0, 1);
			for (let count = group[0]!.operations.length; this.#waiting.length > 0; ) {
				count += this.#waiting[0]!.operations.length;
				if (count > MAX_GROUP) break;
				group.push(this.#waiting.shift()!);
			}
			try {
				await this.recover();
				await this.#level.batch(
					group.flatMap(({ operations }) => operations),
					{ sync: group.some(({ sync }) => sync) },
				);
				for (const { resolve } of group) resolve();
			} catch (error) {
				const translated = translate(error, this.folder);
				if (!this.#closed && translated.code !== "internal") this.#failure = translated;
				for (const { reject } of group) reject(translated);
			}
		}
		this.#writing = undefined;
	}

	/** @throws UmbraError `bad-config` for a cursor that is none of this listing's. */
	async page<T>(range: KeyRange, options: PageOptions = {}): Promise<Page<Entry<T>>> {
		const limit = Math.min(Math.max(1, options.limit ?? MAX_PAGE), MAX_PAGE);
		const { cursor, from, to, reverse = false } = options;
		let low: { gte: string } | { gt: string } = { gte: from === undefined ? range.prefix : range.prefix + from };
		// "/" and everything that may follow it in a key sorts below U+007F.
		let high = to === undefined ? range.end : `${range.prefix}${to}/\u007f`;
		if (cursor !== undefined) {
			if (!/^[\x21-\x7e]{1,100000}$/.test(cursor)) {
				throw new UmbraError("bad-config", "not a cursor that a listing gave", { context: { field: "cursor" } });
			}
			const key = range.prefix + cursor;
			if (!reverse) low = from !== undefined && key < range.prefix + from ? low : { gt: key };
			else if (key < high) high = key;
		}
		const entries = await this.#guard(() =>
			this.#level.iterator({ ...low, lt: high, reverse, limit: limit + 1 }).all(),
		);
		const shown = entries.slice(0, limit);
		const last = shown.at(-1);
		return {
			items: shown.map(([key, text]) => ({ key, value: decodeRecord<T>(key, text) })),
			next: entries.length > limit && last !== undefined ? last[0].slice(range.prefix.length) : null,
		};
	}

	/** Every entry of `range`, in pages; sees what is written meanwhile. */
	async *all<T>(range: KeyRange, pageSize = MAX_PAGE): AsyncGenerator<Entry<T>> {
		let cursor: string | undefined;
		do {
			const page = await this.page<T>(range, { cursor, limit: pageSize });
			yield* page.items;
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
	}

	/** Every record there is; `read` throws where it is damaged. */
	async *everything(): AsyncGenerator<{ readonly key: string; readonly read: () => unknown }> {
		for await (const entries of this.#entries()) {
			for (const [key, text] of entries) yield { key, read: () => decodeRecord(key, text) };
		}
	}

	/** Gives a checksum to each record that has none; may be cut and done again. Nobody may use the store meanwhile. */
	async addChecksums(): Promise<void> {
		for await (const entries of this.#entries()) {
			const operations = entries.flatMap(([key, text]) => {
				const value = withChecksum(key, text);
				return value === undefined ? [] : [{ type: "put" as const, key, value }];
			});
			await this.#write(operations, false);
		}
	}

	async *#entries(): AsyncGenerator<[string, string][]> {
		for (let last = ""; ; ) {
			const after = last;
			const range = { gt: after, lt: "\u007f", reverse: false, limit: MAX_PAGE };
			const entries = await this.#guard(() => this.#level.iterator(range).all());
			yield entries;
			if (entries.length < MAX_PAGE) return;
			last = entries.at(-1)?.[0] ?? "";
		}
	}

	/** The keys alone, newest (last) first. */
	async *keysReversed(range: KeyRange): AsyncGenerator<string> {
		let end = range.end;
		for (;;) {
			const limit = MAX_PAGE;
			const found = await this.#guard(() =>
				this.#level.keys({ gte: range.prefix, lt: end, reverse: true, limit }).all(),
			);
			yield* found;
			if (found.length < limit) return;
			end = found.at(-1) ?? range.prefix;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		await this.#writing;
		await this.#reopening?.catch(() => undefined);
		await this.#level.close();
	}

	/**
	 * Opens the store anew where a write failed; until then reads may miss what did reach the disk.
	 *
	 * @throws UmbraError `limit`, `unavailable`, `corrupt` where it cannot be opened.
	 */
	async recover(): Promise<void> {
		if (this.#failure === undefined) return;
		this.#reopening ??= this.#reopen().finally(() => {
			this.#reopening = undefined;
		});
		await this.#reopening;
	}

	async #reopen(): Promise<void> {
		try {
			// While the disk is full readers go on with what is open.
			if (!this.#isShut) await assertRoom(this.folder);
			this.#isShut = true;
			await this.#level.close();
			await verify(this.folder, false);
			this.#level = await openLevel(this.folder, this.#make);
			this.#isShut = false;
			this.#failure = undefined;
		} catch (error) {
			this.#failure = translate(error, this.folder);
			throw this.#failure;
		}
	}

	async #guard<T>(read: () => Promise<T>): Promise<T> {
		try {
			// Its failure is for writers to hear of.
			await this.#reopening?.catch(() => undefined);
			if (this.#isShut && !this.#closed) await this.recover();
			return await read();
		} catch (error) {
			throw translate(error, this.folder);
		}
	}
}

async function openLevel(folder: string, make: MakeLevel): Promise<Level> {
	const level = make(folder);
	try {
		await level.open();
		return level;
	} catch (error) {
		await level.close().catch(() => undefined);
		throw translate(error, folder);
	}
}

async function verify(folder: string, tables: boolean): Promise<void> {
	const hint = "nothing was changed: keep a copy of that folder, and restore it from a backup";
	try {
		await assertSound(folder, { what: "the catalog", tables, hint });
	} catch (error) {
		throw translate(error, folder);
	}
}

function translate(error: unknown, folder: string): UmbraError {
	if (error instanceof UmbraError) return error;
	const context = { path: folder };
	for (let at = error; at instanceof Error; at = at.cause) {
		const options = { cause: error, context };
		const code = errnoOf(at);
		if (code === "LEVEL_LOCKED") {
			return new UmbraError("conflict", `${folder} is in use by another process`, {
				...options,
				hint: "one data folder belongs to one collector: stop the other one, or give this one its own dataDir",
			});
		}
		if (code === "LEVEL_CORRUPTION") return new UmbraError("corrupt", `${folder}: ${at.message}`, options);
		if (code === "LEVEL_ITERATOR_NOT_OPEN" || (code === "LEVEL_DATABASE_NOT_OPEN" && at.cause === undefined)) {
			return new UmbraError("unavailable", `${folder} is closed`, options);
		}
		if (/no space left|quota exceeded/i.test(at.message)) {
			return new UmbraError("limit", `${folder}: ${at.message}`, { ...options, hint: "free space on that disk" });
		}
		if (code === "LEVEL_IO_ERROR" || /^IO error/i.test(at.message) || /^E[A-Z]+$/.test(code ?? "")) {
			return new UmbraError("unavailable", `${folder}: ${at.message}`, options);
		}
	}
	return new UmbraError("internal", `${folder}: ${messageOf(error)}`, { cause: error, context });
}
