/** Parts that cannot be read any more are set aside, so that the others go on answering. */
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, isUmbraError, messageOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { Lane } from "./database.ts";
import { translateFileError } from "./files.ts";
import { type Part, partFile } from "./parts.ts";
import { filesSql } from "./question.ts";
import type { Shelf } from "./shelf.ts";

/**
 * Reads each of these parts as a whole, takes those that fail from the shelf and moves their files to `damaged`; returns how many.
 *
 * @throws UmbraError `unavailable` where they cannot be taken away.
 */
export async function setAsideDamaged(
	parts: readonly Part[],
	{
		shelf,
		lane,
		damaged,
		log,
	}: { readonly shelf: Shelf; readonly lane: Lane; readonly damaged: string; readonly log: Logger },
	signal?: AbortSignal,
): Promise<number> {
	const found: Part[] = [];
	for (const part of parts) {
		try {
			await lane.run(`SELECT bit_xor(hash(part)) FROM ${filesSql(shelf.folder, [part])} part`, signal);
		} catch (error) {
			signal?.throwIfAborted();
			const path = join(shelf.folder, partFile(part));
			// Without memory, or files that may be opened, nobody knows whether it is damaged.
			if (isUmbraError(error, "limit") || !(await isReadableOrLost(path))) continue;
			log.error(
				{ path, rows: part.rows, measurement: part.measurement, error: messageOf(error), damaged },
				"a part of the series store cannot be read: set aside",
			);
			found.push(part);
		}
	}
	if (found.length === 0) return 0;
	try {
		await mkdir(damaged, { recursive: true });
		for (const part of found) {
			await rename(join(shelf.folder, partFile(part)), join(damaged, partFile(part))).catch((error: unknown) => {
				if (errnoOf(error) !== "ENOENT") throw error;
			});
		}
	} catch (error) {
		throw translateFileError(error, "set parts aside in", damaged);
	}
	await shelf.lose(found);
	return found.length;
}

/** True where the system reads the file, so that what is wrong is its content, or where it cannot ever. */
async function isReadableOrLost(path: string): Promise<boolean> {
	try {
		await using file = await open(path, "r");
		for await (const _ of file.createReadStream({ highWaterMark: 2 ** 20, autoClose: false }));
		return true;
	} catch (error) {
		return ["ENOENT", "EIO", "EUCLEAN"].includes(errnoOf(error) ?? "");
	}
}
