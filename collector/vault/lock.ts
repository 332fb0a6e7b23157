/**
 * One process at a time per vault, or whatever else lies in a folder. Node has no flock, and a file that holds a pid goes stale (killed
 * process, reused pid, container with a pid namespace of its own). The kernel lock that SQLite takes
 * dies with its process on every one of these; an exclusive transaction on an empty database writes
 * nothing, so it works on a full disk too.
 */
import { DatabaseSync } from "node:sqlite";
import { messageOf, UmbraError } from "../../common/errors.ts";

const SQLITE_BUSY = 5;

/**
 * @param what the file locks, for the message
 * @throws UmbraError `conflict` where another process (or this one) holds it.
 */
export function lockFile(path: string, what: "vault" | "series store" = "vault"): Disposable {
	let database: DatabaseSync | undefined;
	try {
		database = new DatabaseSync(path, { timeout: 0 });
		// Or SQLite keeps a journal file beside it.
		database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
	} catch (error) {
		if (database?.isOpen === true) database.close();
		if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
			throw new UmbraError("conflict", `${path} is locked: another process has this ${what} open`, {
				cause: error,
				context: { path },
				hint:
					what === "vault"
						? "stop the other collector or `umbra vault` command, or ask the running collector instead"
						: "stop the other collector",
			});
		}
		throw new UmbraError("unavailable", `cannot lock ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
	const held = database;
	return {
		[Symbol.dispose]() {
			if (held.isOpen) held.close();
		},
	};
}
