/** Makes folders that somebody named. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf } from "./errors.ts";

/**
 * Makes a folder and those that it lies in, as far as they are missing, one after another. Node's own recursive `mkdir` turns
 * in circles for ever, deaf to signals, where a folder that exists says that there is no such place in it, as those below
 * /proc do. Without waiting: a few system calls.
 *
 * @param mode of each that is made.
 * @throws the system's error, such as `ENOTDIR`, `ENOENT`, `EACCES`.
 */
export function makeFolders(path: string, mode = 0o777): void {
	const missing: string[] = [];
	for (let at = resolve(path); !isFolder(at); at = dirname(at)) missing.push(at);
	for (const folder of missing.reverse()) {
		try {
			mkdirSync(folder, { mode });
		} catch (error) {
			// Another process was faster, or a link leads nowhere.
			if (errnoOf(error) !== "EEXIST" || !isFolder(folder)) throw error;
		}
	}
}

/** False where there is nothing. @throws where it cannot be told, or it is something else. */
function isFolder(path: string): boolean {
	try {
		// With the slash the system itself says ENOTDIR of what is no folder.
		statSync(`${path}/`);
		return true;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return false;
		throw error;
	}
}
