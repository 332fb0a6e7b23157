/** DuckDB as the store uses it: without a file of its own, over Parquet files in one folder, with bounded memory and threads. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult } from "@duckdb/node-api";
import { isAbort, isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";
import { quote } from "./layout.ts";

export interface DatabaseOptions {
	/** It reads and writes below this folder and nowhere else. */
	readonly folder: string;
	readonly memoryBytes: number;
	readonly threads: number;
}

export class Database implements Disposable {
	readonly #instance: DuckDBInstance;
	readonly #connections: DuckDBConnection[] = [];
	#closed = false;

	private constructor(instance: DuckDBInstance) {
		this.#instance = instance;
	}

	/** @throws UmbraError `unavailable` where DuckDB does not load or start. */
	static async open({ folder, memoryBytes, threads }: DatabaseOptions): Promise<Database> {
		try {
			const database = new Database(
				await DuckDBInstance.create(":memory:", {
					// Neither fetched nor loaded at run time: what is needed is built in.
					autoinstall_known_extensions: "false",
					autoload_known_extensions: "false",
					memory_limit: `${Math.round(memoryBytes / 2 ** 20)}MiB`,
					threads: String(threads),
					temp_directory: `${folder}/tmp`,
					// The kernel has these files in memory already.
					enable_external_file_cache: "false",
					preserve_insertion_order: "false",
				}),
			);
			const connection = await database.connect();
			await connection.run("SET parquet_metadata_cache = true");
			await connection.run(`SET allowed_directories = [${quote(`${folder}/`)}]`);
			await connection.run("SET enable_external_access = false");
			await connection.run("SET lock_configuration = true");
			return database;
		} catch (error) {
			throw new UmbraError("unavailable", `DuckDB does not start: ${messageOf(error)}`, {
				cause: error,
				hint: "@duckdb/node-api and its binary for this platform have to be installed",
			});
		}
	}

	/** It is closed with the database. */
	async connect(): Promise<DuckDBConnection> {
		const connection = await this.#instance.connect();
		this.#connections.push(connection);
		return connection;
	}

	/** @param width statements that run at a time; each takes one of the four threads that Node has for files, too */
	async lane(width: number): Promise<Lane> {
		return new Lane(await Promise.all(Array.from({ length: width }, () => this.connect())));
	}

	/** Once nothing runs any more. */
	[Symbol.dispose](): void {
		if (this.#closed) return;
		this.#closed = true;
		for (const connection of this.#connections) connection.closeSync();
		this.#instance.closeSync();
	}
}

/** Statements that wait for each other, not for those of other lanes. */
export class Lane {
	readonly #free: DuckDBConnection[];
	readonly #waiting: ((connection: DuckDBConnection) => void)[] = [];

	constructor(connections: DuckDBConnection[]) {
		this.#free = connections;
	}

	/** @throws what the signal was aborted with; UmbraError as `translateDatabaseError`. */
	async run(sql: string, signal?: AbortSignal): Promise<DuckDBMaterializedResult> {
		signal?.throwIfAborted();
		const connection =
			this.#free.pop() ?? (await new Promise<DuckDBConnection>((resolve) => this.#waiting.push(resolve)));
		const interrupt = (): void => connection.interrupt();
		try {
			signal?.throwIfAborted();
			signal?.addEventListener("abort", interrupt, { once: true });
			return await connection.run(sql);
		} catch (error) {
			signal?.throwIfAborted();
			throw translateDatabaseError(error);
		} finally {
			signal?.removeEventListener("abort", interrupt);
			const next = this.#waiting.shift();
			if (next === undefined) this.#free.push(connection);
			else next(connection);
		}
	}

	/** All rows of a small answer. */
	async rows(sql: string, signal?: AbortSignal): Promise<unknown[][]> {
		return await (await this.run(sql, signal)).getRows();
	}
}

/** Ours and aborts as they are; too little memory is `limit`; anything else is `unavailable`. */
export function translateDatabaseError(error: unknown): Error {
	if (isUmbraError(error) || isAbort(error)) return error as Error;
	const message = messageOf(error);
	if (message.startsWith("Out of Memory Error")) {
		return new UmbraError("limit", `not enough memory for this question: ${message.split("\n", 1)[0]}`, {
			cause: error,
			hint: "ask for a shorter time or fewer series, or raise series.memory in collector.yaml",
		});
	}
	return new UmbraError("unavailable", `DuckDB: ${message}`, { cause: error });
}
