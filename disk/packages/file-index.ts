/** Path -> number, for the files of all packages: folders share their names, and no text of a database is kept alive. */
import { isUtf8 } from "node:buffer";
import { decodeTarget } from "../parser/names.ts";
import type { MergedPaths } from "./merged-paths.ts";
import type { OwnedFolder, Package } from "./package-db.ts";

/** Seven times what a desktop with everything has. */
export const MAX_INDEXED_FILES = 2_000_000;
/** As Linux's PATH_MAX. */
const MAX_PATH = 4096;

export class FileIndex {
	readonly #folders = new Map<string, Map<string, number>>();
	readonly #merged: MergedPaths;
	#count = 0;
	#lastName = "";
	#lastFolder: Map<string, number> | undefined;

	constructor(merged: MergedPaths) {
		this.#merged = merged;
	}

	get isFull(): boolean {
		return this.#count >= MAX_INDEXED_FILES;
	}

	/** The first to claim a path keeps it, unless `replace`. Nothing is added to a full index. */
	add(folder: string, name: string, value: number, replace = false): void {
		if (this.isFull || folder.length + name.length > MAX_PATH) return;
		if (this.#lastFolder === undefined || folder !== this.#lastName) {
			const real = this.#merged.directory(folder);
			let names = this.#folders.get(real);
			if (names === undefined) {
				names = new Map();
				this.#folders.set(real, names);
			}
			this.#lastName = folder;
			this.#lastFolder = names;
		}
		const known = this.#lastFolder.has(name);
		if (!known) this.#count++;
		if (!known || replace) this.#lastFolder.set(name, value);
	}

	addPath(path: string, value: number): void {
		const slash = path.lastIndexOf("/");
		if (slash >= 0) this.add(path.slice(0, slash), path.slice(slash + 1), value);
	}

	/** By folder, in the order of their names. */
	*owned(owner: (value: number) => Package): Generator<OwnedFolder> {
		for (const folder of [...this.#folders.keys()].sort()) {
			const names = [...this.#folders.get(folder)!];
			yield { folder, owners: names.map(([name, value]) => [name, owner(value)]) };
		}
	}

	get(path: string): number | undefined {
		const slash = path.lastIndexOf("/");
		if (slash < 0) return undefined;
		return this.#folders.get(this.#merged.directory(path.slice(0, slash)))?.get(path.slice(slash + 1));
	}
}

/** Bytes of a database as the name that a scan of the filesystem has for the same bytes. */
export function decodePath(bytes: Buffer, start: number, end: number): string {
	for (let at = start; at < end; at++) {
		if (bytes[at]! < 0x80 && bytes[at] !== 0) continue;
		const odd = bytes.subarray(start, end);
		return isUtf8(odd) && !odd.includes(0) ? odd.toString("utf8") : decodeTarget(odd);
	}
	return bytes.toString("latin1", start, end);
}
