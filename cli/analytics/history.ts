/** A folder of Parquet files with the history of VMs, and DuckDB over it: nothing is loaded, the files are read in place. */
import { readdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { blake3Name, nameToHex } from "../../common/block.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { TABLES, type Table } from "./tables.ts";

/** So long that a folder can be called so on any filesystem. */
const MAX_FOLDER_NAME = 200;
/** Neither fetched nor loaded at run time: what is needed is built in. */
const OPTIONS = {
	autoinstall_known_extensions: "false",
	autoload_known_extensions: "false",
	memory_limit: "1GB",
	threads: "2",
} as const;

export async function connect(): Promise<DuckDBConnection> {
	return await (await DuckDBInstance.create(":memory:", OPTIONS)).connect();
}

/** A string or a name in SQL. */
export function quote(text: string, mark: "'" | '"' = "'"): string {
	return mark + text.replaceAll(mark, mark + mark) + mark;
}

/** Of a VM, below each table's: one that no name can lead out of. */
export function vmFolder(vm: string): string {
	const name = `vm-${encodeURIComponent(vm)}`;
	if (name.length <= MAX_FOLDER_NAME) return name;
	return `vm-${nameToHex(blake3Name(Buffer.from(vm)))}`;
}

/** Where the files of a table are, as DuckDB takes it. */
function filesOf({ name }: Table): string {
	return `${name}/**/*.parquet`;
}

/** @throws UmbraError `bad-config` for a folder whose files no pattern of DuckDB's can name. */
export function checkFolder(folder: string): string {
	const root = resolve(folder);
	if (!/[*?[\]]/.test(root)) return root;
	throw new UmbraError("bad-config", `not a folder for a history: ${root}`, {
		context: { path: root },
		hint: "wanted one without *, ?, [ and ] in its path, which stand for patterns in SQL",
	});
}

/**
 * DuckDB with a view for each table of the exported history in `folder`. It can read what is in the folder, and nothing else.
 *
 * @throws UmbraError `not-found` where there is no exported history, `bad-config` as `checkFolder`.
 */
export async function openHistory(folder: string): Promise<DuckDBConnection> {
	const root = checkFolder(folder);
	if (!(await isThere(join(root, "changesets")))) {
		throw new UmbraError("not-found", `no exported history in ${folder}`, {
			context: { path: folder, wanted: "changesets/" },
			hint: `umbra analytics export ${folder} makes one`,
		});
	}
	const connection = await connect();
	await connection.run(`SET allowed_directories = [${quote(`${root}/`)}]`);
	await connection.run("SET enable_external_access = false");
	await connection.run("SET lock_configuration = true");
	for (const table of TABLES) {
		const hasFiles = await isThere(join(root, table.name));
		await connection.run(viewOf(table, hasFiles ? `${root}/` : undefined));
	}
	return connection;
}

/** For other programs: the views, to be run in the folder itself (`duckdb -init schema.sql`). */
export async function writeSchema(folder: string): Promise<void> {
	const views: string[] = [];
	for (const table of TABLES) {
		const hasFiles = await isThere(join(folder, table.name));
		views.push(`-- ${table.about}\n${viewOf(table, hasFiles ? "" : undefined)};`);
	}
	await writeFile(join(folder, "schema.sql"), `-- Written by umbra analytics export.\n\n${views.join("\n\n")}\n`);
}

/** @param base what stands before the files; undefined where there are none yet: then the table is empty. */
function viewOf(table: Table, base: string | undefined): string {
	const name = quote(table.name, '"');
	if (base !== undefined) {
		const files = quote(`${base}${filesOf(table)}`);
		return `CREATE VIEW ${name} AS SELECT * FROM read_parquet(${files}, union_by_name = true)`;
	}
	const columns = table.columns.map((column) => `NULL::${column.type} AS ${quote(column.name, '"')}`);
	return `CREATE VIEW ${name} AS SELECT ${columns.join(", ")} WHERE false`;
}

/** The names of the entries of a folder; none where there is no such folder. */
export async function list(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return [];
		throw new UmbraError("unavailable", `cannot read ${folder}: ${messageOf(error)}`, { cause: error });
	}
}

async function isThere(path: string): Promise<boolean> {
	try {
		await stat(path);
		return true;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return false;
		throw new UmbraError("unavailable", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
	}
}
