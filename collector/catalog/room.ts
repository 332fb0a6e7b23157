/** Whether a database can be opened anew: LevelDB writes to the disk for that, and what it cannot open is closed to readers too. */
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../common/errors.ts";

/** No name that LevelDB knows. */
const PROBE = "room.probe";
/** For a MANIFEST, a log and what the filesystem needs of its own. */
const SLACK = 256 * 1024;

/** @throws what the operating system says where there is no room for what stands in the logs, and something more. */
export async function assertRoom(folder: string): Promise<void> {
	const names = await readdir(folder).catch((error: unknown) => {
		if (errnoOf(error) === "ENOENT") return [];
		throw error;
	});
	if (names.length === 0) return;
	let bytes = SLACK;
	for (const name of names) if (/^MANIFEST-|\.log$/.test(name)) bytes += (await stat(join(folder, name))).size;
	const probe = join(folder, PROBE);
	await using file = await open(probe, "w");
	// It has no name from here on, so that a kill leaves nothing that takes room.
	await rm(probe);
	await file.writeFile(Buffer.alloc(bytes, 1));
	await file.sync();
}
