/** Paths inside a filesystem, symlinks followed as the guest would: within its own root. */
import { isUmbraError, UmbraError } from "../common/errors.ts";
import type { FileNode, Filesystem } from "./filesystem.ts";

/** As Linux: more symlinks than this on one way are a loop. */
const MAX_SYMLINKS = 40;
/** As Linux's PATH_MAX, but for what symlinks add up to. */
const MAX_PATH = 65536;

export interface Resolved {
	/** Absolute, without symlinks, "." or "..". */
	readonly path: string;
	readonly node: FileNode;
}

/**
 * What `path` leads to. A symlink in the middle is always followed, one at the end if `followLast`.
 *
 * @throws UmbraError `not-found`; `limit` where symlinks go round in circles.
 */
export async function resolvePath(
	filesystem: Filesystem,
	path: string,
	options: { readonly followLast: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Resolved> {
	const { followLast, signal } = options;
	const rest = path.split("/").reverse();
	const done: string[] = [];
	let node = await filesystem.node(filesystem.root, signal);
	let symlinks = 0;
	while (rest.length > 0) {
		const component = rest.pop()!;
		if (component === "" || component === ".") continue;
		if (component === "..") {
			done.pop();
			node = await filesystem.lookup(toPath(done), signal);
			continue;
		}
		if (node.type !== "dir") {
			throw new UmbraError("not-found", `${path}: ${toPath(done)} is not a directory`, {
				context: { path, found: node.type, wanted: "dir" },
			});
		}
		done.push(component);
		const here = toPath(done);
		try {
			node = await filesystem.lookup(here, signal);
		} catch (error) {
			if (!isUmbraError(error, "not-found")) throw error;
			throw new UmbraError("not-found", `${path}: no such file`, { cause: error, context: { path: here } });
		}
		const last = rest.every((name) => name === "" || name === ".");
		if (node.type !== "symlink" || (last && !followLast)) continue;
		symlinks++;
		const target = await filesystem.readLink(node, signal);
		if (symlinks > MAX_SYMLINKS || target.length + rest.length > MAX_PATH) {
			throw new UmbraError("limit", `${path}: more than ${MAX_SYMLINKS} symlinks, the last at ${here}`, {
				context: { path: here, wanted: MAX_SYMLINKS },
			});
		}
		done.pop();
		if (target.startsWith("/")) done.length = 0;
		node = await filesystem.lookup(toPath(done), signal);
		rest.push(...target.split("/").reverse());
	}
	return { path: toPath(done), node };
}

function toPath(components: readonly string[]): string {
	return `/${components.join("/")}`;
}
