/**
 * Names for the numbers that own files, from the guest's own account files, passwd(5) and group(5), or from a
 * filesystem that names owners itself.
 */
import { isUmbraError } from "../common/errors.ts";
import type { Filesystem } from "./filesystem.ts";
import { resolvePath } from "./path.ts";

export interface Owners {
	/** uid -> name. */
	readonly users: ReadonlyMap<number, string>;
	/** gid -> name. */
	readonly groups: ReadonlyMap<number, string>;
}

export const NO_OWNERS: Owners = { users: new Map(), groups: new Map() };

/** A guest with more accounts than fit here keeps them in a directory service. */
const MAX_ACCOUNT_FILE = 4 * 1024 * 1024;
const MAX_ACCOUNTS = 65536;
/** As LOGIN_NAME_MAX. */
const MAX_NAME = 256;

/**
 * "name:x:1000:..." lines -> number -> name. The first line with a number names it, as getpwuid(3) has it; lines that
 * make no sense are skipped.
 */
export function parseAccounts(text: string): Map<number, string> {
	const names = new Map<number, string>();
	for (const line of text.split("\n")) {
		const [name, , id] = line.split(":", 3);
		if (name === undefined || name === "" || name.startsWith("#") || name.length > MAX_NAME) continue;
		if (id === undefined || !/^\d{1,10}$/.test(id)) continue;
		const number = Number(id);
		if (number > 0xffffffff || names.has(number)) continue;
		names.set(number, name);
		if (names.size === MAX_ACCOUNTS) break;
	}
	return names;
}

/** The owners that a root filesystem names; undefined where it has no /etc/passwd and no /etc/group. */
export async function readOwners(filesystem: Filesystem, signal?: AbortSignal): Promise<Owners | undefined> {
	if (filesystem.owners !== undefined) return filesystem.owners(signal);
	const users = await readAccounts(filesystem, "/etc/passwd", signal);
	const groups = await readAccounts(filesystem, "/etc/group", signal);
	if (users === undefined && groups === undefined) return undefined;
	return { users: users ?? new Map(), groups: groups ?? new Map() };
}

async function readAccounts(
	filesystem: Filesystem,
	path: string,
	signal: AbortSignal | undefined,
): Promise<Map<number, string> | undefined> {
	try {
		const { node } = await resolvePath(filesystem, path, { followLast: true, signal });
		if (node.type !== "file") return undefined;
		const bytes = await filesystem.readFile(node, 0, Math.min(node.size, MAX_ACCOUNT_FILE), signal);
		return parseAccounts(new TextDecoder().decode(bytes).toWellFormed());
	} catch (error) {
		// A filesystem without these files, or with damaged ones, has numbers only. A disk that is gone is another matter.
		if (isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported", "limit")) return undefined;
		throw error;
	}
}
