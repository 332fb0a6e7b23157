/** Who this agent is: made once, kept in its state folder, the same over restarts and upgrades. */
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";

const FILE = "agent-id";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The agent's id: a UUID, made at the first call in this folder.
 *
 * @throws UmbraError `corrupt` where the file holds something else, `unavailable` where it cannot be read or written.
 */
export async function loadAgentId(folder: string, signal?: AbortSignal): Promise<string> {
	const path = join(folder, FILE);
	try {
		const found = await read(path, signal);
		if (found !== undefined) return found;
		await mkdir(folder, { recursive: true, mode: 0o700 });
		// Written aside and linked into place: whole or not there, and never over another's.
		const aside = `${path}.${randomUUID()}`;
		try {
			await using handle = await open(aside, "w", 0o600);
			await handle.writeFile(`${randomUUID()}\n`, { signal });
			await handle.sync();
			await link(aside, path);
		} catch (error) {
			if (errnoOf(error) !== "EEXIST") throw error;
		} finally {
			await unlink(aside).catch(() => {});
		}
		await using parent = await open(folder, "r");
		await parent.sync();
		return (await read(path, signal)) as string;
	} catch (error) {
		if (error instanceof UmbraError) throw error;
		signal?.throwIfAborted();
		throw new UmbraError("unavailable", `cannot keep the agent's id in ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
}

async function read(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
	let text: string;
	try {
		text = (await readFile(path, { encoding: "utf8", signal })).trim();
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
	if (UUID.test(text)) return text;
	throw new UmbraError("corrupt", `${path} does not hold an agent's id`, {
		context: { path, found: text.slice(0, 40), wanted: "a UUID" },
		hint: "remove the file for a new id; the collector will then see another agent",
	});
}
