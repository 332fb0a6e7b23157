/**
 * The program that reads a copy of rpm's SQLite database, for rpm-sqlite.ts. A hostile database can keep SQLite busy
 * without end inside a single step, which nothing stops but the end of its process.
 *
 * usage: node rpm-sqlite-child.ts DATABASE
 *
 * Standard output: for each package the length of its header (32 bits, little-endian) and the header; then 0xffffffff.
 * Exit status: 0 all was written, 1 it could not be read (the reason is on standard error).
 */
import { once } from "node:events";
import { constants, DatabaseSync } from "node:sqlite";

/** What the one query needs: no functions, views, triggers, or other tables. */
const ALLOWED: ReadonlySet<number> = new Set([constants.SQLITE_SELECT, constants.SQLITE_READ]);
const END = 0xffffffff;

try {
	using database = new DatabaseSync(process.argv[2] ?? "", {
		allowExtension: false,
		enableDoubleQuotedStringLiterals: false,
	});
	database.enableDefensive(true);
	database.exec(
		"PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON",
	);
	const kind = database.prepare("SELECT type FROM sqlite_schema WHERE name = 'Packages'").get();
	if (kind?.["type"] !== "table")
		throw new Error(`it has ${kind === undefined ? "no" : "another kind of"} table Packages`);
	database.setAuthorizer((action) => (ALLOWED.has(action) ? constants.SQLITE_OK : constants.SQLITE_DENY));
	for (const { blob } of database.prepare("SELECT blob FROM Packages").iterate()) {
		if (blob instanceof Uint8Array) await write(blob);
	}
	await write(undefined);
} catch (error) {
	process.stderr.write(error instanceof Error ? error.message : String(error));
	process.exitCode = 1;
}

async function write(blob: Uint8Array | undefined): Promise<void> {
	const length = Buffer.alloc(4);
	length.writeUInt32LE(blob?.length ?? END);
	process.stdout.write(length);
	if (!process.stdout.write(blob ?? "")) await once(process.stdout, "drain");
}
