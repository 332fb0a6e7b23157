/**
 * `disk/packages/` reads what a guest's package manager remembers: which package owns a file, and what the file was
 * when the package shipped it.
 *
 * Words: a *package* has a name, a version and an architecture. It *owns* the files that it lists and *shipped* them
 * with a content whose digest it recorded. A *config* file is one that an administrator is expected to edit. A
 * changed file is *explained* where its package changed with it and its content is what the new package shipped.
 *
 * dpkg.ts and rpm.ts are the databases, explain.ts compares them with a change, owner-index.ts is the stored form of who
 * owned what, guest-root.ts reads the guest's files. This folder writes nothing, and knows nothing of changesets or who asks. The databases are the guest's own: whoever
 * is root there can forge them.
 */
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import { readDpkg } from "./dpkg.ts";
import { GuestRoot, type Mount } from "./guest-root.ts";
import type { OwnedFolder, Package, PackageDb, ShippedFile } from "./package-db.ts";
import { readRpm } from "./rpm.ts";

/** Files whose inodes change whenever a package does. */
const DATABASE_FILES = [
	"/var/lib/dpkg/status",
	"/var/lib/dpkg/updates",
	"/var/lib/dpkg/status.d",
	...["/usr/lib/sysimage/rpm", "/var/lib/rpm"].flatMap((folder) =>
		["rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages"].map((name) => `${folder}/${name}`),
	),
];

/**
 * All package databases of a guest as one; undefined where it has none. One that is damaged or of a kind that is not
 * read is named in `problems`.
 *
 * @param mounts the guest's filesystems; a root filesystem alone is `[{ path: "/", filesystem }]`.
 * @throws UmbraError what the disk throws.
 */
export async function readPackages(mounts: readonly Mount[], signal?: AbortSignal): Promise<PackageDb | undefined> {
	const root = new GuestRoot(mounts);
	const found: PackageDb[] = [];
	for (const read of [readDpkg, readRpm]) {
		try {
			const database = await read(root, signal);
			if (database !== undefined) found.push(database);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "unsupported", "limit", "not-found")) throw error;
			found.push(unreadable(error));
		}
	}
	return found.length <= 1 ? found[0] : new JoinedPackageDb(found);
}

/**
 * Says cheaply whether a package database may have changed: where two states of a guest have the same stamp, none
 * has. Empty where there is no database.
 */
export async function packagesStamp(mounts: readonly Mount[], signal?: AbortSignal): Promise<string> {
	const root = new GuestRoot(mounts);
	let stamp = "";
	for (const path of DATABASE_FILES) {
		const node = (await root.find(path, signal))?.node;
		if (node !== undefined) {
			stamp += `${path} ${node.inode} ${node.generation} ${node.size} ${node.mtime} ${node.ctime}\n`;
		}
	}
	return stamp;
}

function unreadable(error: UmbraError): PackageDb {
	return {
		versions: new Map(),
		problems: [error],
		load: async () => {},
		ownerOf: async () => undefined,
		owned: async () => [],
		shipped: async () => undefined,
	};
}

/** A Debian with a few packages of rpm's, or the other way round. */
class JoinedPackageDb implements PackageDb {
	readonly versions: ReadonlyMap<string, string>;
	readonly #databases: readonly PackageDb[];

	constructor(databases: readonly PackageDb[]) {
		this.#databases = databases;
		this.versions = new Map(databases.flatMap(({ versions }) => [...versions]));
	}

	get problems(): readonly UmbraError[] {
		return this.#databases.flatMap(({ problems }) => problems);
	}

	async load(signal?: AbortSignal): Promise<void> {
		for (const database of this.#databases) await database.load(signal);
	}

	async ownerOf(path: string, signal?: AbortSignal): Promise<Package | undefined> {
		for (const database of this.#databases) {
			const owner = await database.ownerOf(path, signal);
			if (owner !== undefined) return owner;
		}
		return undefined;
	}

	async owned(signal?: AbortSignal): Promise<Iterable<OwnedFolder>> {
		const all: OwnedFolder[] = [];
		for (const database of this.#databases) all.push(...(await database.owned(signal)));
		return all;
	}

	async shipped(path: string, signal?: AbortSignal): Promise<ShippedFile | undefined> {
		for (const database of this.#databases) {
			const file = await database.shipped(path, signal);
			if (file !== undefined) return file;
		}
		return undefined;
	}
}
