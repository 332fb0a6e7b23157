/** Files that are there for good once a call resolves, and what the operating system says about them in the project's words. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, isAbort, isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";

/** No room: on the device, in the quota, or by the process's own file size limit. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Ours and aborts as they are, anything else `unavailable`. */
export function translateFileError(error: unknown, doing: string, path: string): Error {
	if (isUmbraError(error) || isAbort(error)) return error as Error;
	return new UmbraError("unavailable", `cannot ${doing} ${path}: ${messageOf(error)}`, {
		cause: error,
		context: { path },
		...(NO_ROOM.has(errnoOf(error) ?? "") && { hint: "free space where the collector keeps its data" }),
	});
}

export async function syncFolder(folder: string): Promise<void> {
	await using handle = await open(folder, "r");
	await handle.sync();
}

/** Puts a file that is written in the place of another, or where none was. Its folder is to be synced by the caller. */
export async function publish(made: string, path: string): Promise<void> {
	await using handle = await open(made, "r");
	await handle.sync();
	await rename(made, path);
}

/** Writes a file whole or not at all. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
	const made = `${path}.new`;
	try {
		{
			await using handle = await open(made, "w", 0o600);
			await handle.writeFile(content);
			await handle.sync();
		}
		await rename(made, path);
		await syncFolder(dirname(path));
	} catch (error) {
		await rm(made, { force: true }).catch(() => {});
		throw translateFileError(error, "write", path);
	}
}
