/**
 * Directories that are symlinks. A package may list /bin/ls where /bin leads to usr/bin; a scan knows the file as
 * /usr/bin/ls only. Both are brought to the same form.
 */
import { isUmbraError } from "../../common/errors.ts";
import type { GuestRoot } from "./guest-root.ts";

/** Where distributions have such symlinks: /bin and /lib, /usr/sbin and /usr/lib64, /var/run. */
const PLACES = ["", "/usr", "/var"];
/** More symlinks than these there are nothing of a distribution's. */
const MAX_SYMLINKS = 256;
/** An alias may lead through another one. */
const MAX_STEPS = 8;

export class MergedPaths {
	/** "/bin" -> "/usr/bin". */
	readonly #aliases: ReadonlyMap<string, string>;
	readonly #known = new Map<string, string>();

	constructor(aliases: ReadonlyMap<string, string>) {
		this.#aliases = aliases;
	}

	/** A directory, given and returned without a slash at the end; "" is the root. */
	directory(path: string): string {
		if (this.#aliases.size === 0) return path;
		const top = /^(?:\/[^/]+){0,2}/.exec(path)![0];
		let real = this.#known.get(top);
		if (real === undefined) {
			real = this.#follow(top);
			if (this.#known.size < MAX_SYMLINKS * 16) this.#known.set(top, real);
		}
		return real === top ? path : real + path.slice(top.length);
	}

	/** A file: symlinks on the way to it, not itself. */
	file(path: string): string {
		const slash = path.lastIndexOf("/");
		return this.directory(path.slice(0, slash)) + path.slice(slash);
	}

	#follow(path: string): string {
		let real = path;
		for (let step = 0; step < MAX_STEPS; step++) {
			const alias = prefixes(real).find((prefix) => this.#aliases.has(prefix));
			if (alias === undefined) return real;
			real = this.#aliases.get(alias)! + real.slice(alias.length);
		}
		return path;
	}
}

/** "/usr/lib64/x" -> "/usr", "/usr/lib64". */
function prefixes(path: string): string[] {
	const [, first, second] = path.split("/", 3);
	if (first === undefined) return [];
	return second === undefined ? [`/${first}`] : [`/${first}`, `/${first}/${second}`];
}

export async function readMergedPaths(root: GuestRoot, signal?: AbortSignal): Promise<MergedPaths> {
	const aliases = new Map<string, string>();
	for (const place of PLACES) {
		for (const { name } of await listing(root, place === "" ? "/" : place, signal)) {
			const path = `${place}/${name}`;
			const found = await root.find(path, signal, false);
			if (found?.node.type !== "symlink") continue;
			const target = await found.filesystem.readLink(found.node, signal).catch((error: unknown) => {
				if (isUmbraError(error, "corrupt", "truncated", "unsupported", "limit", "not-found")) return "";
				throw error;
			});
			const real = normalise(target.startsWith("/") ? target : `${place}/${target}`);
			if (target !== "" && real !== "" && real !== path) aliases.set(path, real);
			if (aliases.size === MAX_SYMLINKS) return new MergedPaths(aliases);
		}
	}
	return new MergedPaths(aliases);
}

async function listing(root: GuestRoot, path: string, signal?: AbortSignal): Promise<readonly { name: string }[]> {
	// /usr and /var are what they are called, or there is nothing to bring together.
	if ((await root.find(path, signal, false))?.node.type !== "dir") return [];
	return (await root.list(path, signal)) ?? [];
}

function normalise(path: string): string {
	const parts: string[] = [];
	for (const part of path.split("/", 64)) {
		if (part === "..") parts.pop();
		else if (part !== "" && part !== ".") parts.push(part);
	}
	return parts.length === 0 ? "" : `/${parts.join("/")}`;
}
