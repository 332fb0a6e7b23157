/** Where the command keeps what it can make again. */
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolders } from "../common/folders.ts";

/**
 * `name` in `$XDG_CACHE_HOME/umbra` or `~/.cache/umbra`, made where it is missing; undefined where there can be none (a
 * service without a home, a read-only one), or where it is not this user's alone: what lies there is believed.
 */
export function cacheFolder(name: string): string | undefined {
	const wanted = process.env["XDG_CACHE_HOME"] ?? "";
	try {
		const base = isAbsolute(wanted) ? wanted : join(homedir(), ".cache");
		const folder = join(base, "umbra", name);
		makeFolders(folder, 0o700);
		for (const path of [join(base, "umbra"), folder]) {
			const { uid, mode } = statSync(path);
			// As root with another user's home, or in a folder that others may write to.
			if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return undefined;
		}
		return folder;
	} catch {
		return undefined; // nothing is lost but time
	}
}
