/** A guest's files by the paths that the guest knows them by, over all filesystems that it mounts. */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { DirectoryEntry, FileNode, Filesystem } from "../filesystem.ts";
import { resolvePath } from "../path.ts";

/** A filesystem and where the guest mounts it: "/", "/var". */
export interface Mount {
	readonly path: string;
	readonly filesystem: Filesystem;
}

export interface GuestFile {
	readonly filesystem: Filesystem;
	readonly node: FileNode;
}

export class GuestRoot {
	/** The deepest first. */
	readonly #mounts: readonly Mount[];

	constructor(mounts: readonly Mount[]) {
		this.#mounts = mounts
			.map(({ path, filesystem }) => ({ path: path.replace(/\/+$/, ""), filesystem }))
			.sort((a, b) => b.path.length - a.path.length);
	}

	/**
	 * What `path` leads to, symlinks followed within its filesystem; undefined where there is nothing, or nothing that
	 * can be read.
	 */
	async find(path: string, signal?: AbortSignal, followLast = true): Promise<GuestFile | undefined> {
		const mount = this.#mounts.find((each) => path === each.path || path.startsWith(`${each.path}/`));
		if (mount === undefined) return undefined;
		const { filesystem } = mount;
		try {
			const { node } = await resolvePath(filesystem, path.slice(mount.path.length), { followLast, signal });
			return { filesystem, node };
		} catch (error) {
			if (isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported", "limit")) return undefined;
			throw error;
		}
	}

	/**
	 * A whole file; undefined where there is none.
	 *
	 * @throws UmbraError `limit` for one of more than `most` bytes, `truncated` where it ends before its size.
	 */
	async read(path: string, most: number, signal?: AbortSignal): Promise<Buffer | undefined> {
		const found = await this.find(path, signal);
		return found === undefined ? undefined : readWhole(found, path, most, signal);
	}

	/** Undefined where there is no such directory. */
	async list(path: string, signal?: AbortSignal): Promise<DirectoryEntry[] | undefined> {
		const found = await this.find(path, signal);
		if (found === undefined || found.node.type !== "dir") return undefined;
		return found.filesystem.readDirectory(found.node, signal);
	}

	/** A directory of which many files are read: empty where there is none. */
	async folder(path: string, signal?: AbortSignal): Promise<GuestFolder> {
		const found = await this.find(path, signal);
		if (found === undefined || found.node.type !== "dir") return new GuestFolder(path, undefined, []);
		const entries = await found.filesystem.readDirectory(found.node, signal);
		return new GuestFolder(path, found.filesystem, entries);
	}
}

/** The names of a directory, looked up once. */
export class GuestFolder {
	readonly #path: string;
	readonly #filesystem: Filesystem | undefined;
	readonly #inodes: ReadonlyMap<string, number>;

	constructor(path: string, filesystem: Filesystem | undefined, entries: readonly DirectoryEntry[]) {
		this.#path = path;
		this.#filesystem = filesystem;
		this.#inodes = new Map(entries.map(({ name, inode }) => [name, inode]));
	}

	has(name: string): boolean {
		return this.#inodes.has(name);
	}

	get names(): string[] {
		return [...this.#inodes.keys()];
	}

	/** As `GuestRoot.read`; symlinks are not followed. */
	async read(name: string, most: number, signal?: AbortSignal): Promise<Buffer | undefined> {
		const inode = this.#inodes.get(name);
		if (inode === undefined || this.#filesystem === undefined) return undefined;
		const node = await this.#filesystem.node(inode, signal);
		return readWhole({ filesystem: this.#filesystem, node }, `${this.#path}/${name}`, most, signal);
	}
}

async function readWhole(
	{ filesystem, node }: GuestFile,
	path: string,
	most: number,
	signal?: AbortSignal,
): Promise<Buffer | undefined> {
	if (node.type !== "file") return undefined;
	const { size } = node;
	if (size > most) {
		throw new UmbraError("limit", `${path} has ${size} bytes, more than ${most}`, {
			context: { path, found: size, wanted: most },
		});
	}
	const bytes = await filesystem.readFile(node, 0, size, signal);
	if (bytes.length !== size) {
		throw new UmbraError("truncated", `${path} ends after ${bytes.length} of ${size} bytes`, {
			context: { path, offset: bytes.length, found: bytes.length, wanted: size },
		});
	}
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
