/** What a package database answers, whichever manager keeps it. */
import type { UmbraError } from "../../common/errors.ts";

export interface Package {
	readonly manager: "dpkg" | "rpm";
	readonly name: string;
	/** As the manager prints it: `[epoch:]version[-release]`. */
	readonly version: string;
	/** "amd64", "all", "x86_64", "noarch"; "(none)" for rpm's keys. */
	readonly arch: string;
}

/** A file as its package shipped it; what the database does not record is undefined. */
export interface ShippedFile {
	readonly package: Package;
	/** A name for node:crypto: "md5", "sha256", ... */
	readonly algorithm?: string;
	/** Lowercase hexadecimal. */
	readonly digest?: string;
	/** Bytes. */
	readonly size?: number;
	/** As `st_mode`. */
	readonly mode?: number;
	/** Target of a symlink. */
	readonly link?: string;
	/** Meant to be edited. */
	readonly config: boolean;
	/** The package's, but neither made nor needed by it: a log, a cache. */
	readonly ghost?: true;
}

export interface OwnedFolder {
	/** Absolute, without symlinks and without a slash at the end: "" is the root. */
	readonly folder: string;
	/** Name in it -> owner; the same object for the files of one package. */
	readonly owners: Iterable<readonly [name: string, owner: Package]>;
}

/** "name:arch" -> version; several at once, as of kernels, stand sorted with a space between. */
export type PackageVersions = ReadonlyMap<string, string>;

export interface PackageDb {
	/** Of what is installed. */
	readonly versions: PackageVersions;
	/** What could not be read, bounded; grows with what is asked. */
	readonly problems: readonly UmbraError[];
	/** Reads all that `ownerOf` needs, for a guest that is gone when it is asked. */
	load(signal?: AbortSignal): Promise<void>;
	/** @param path absolute in the guest, without symlinks. Of several owners, one; undefined for a file of none. */
	ownerOf(path: string, signal?: AbortSignal): Promise<Package | undefined>;
	/** Every file that a package owns, folder by folder; of several owners of a file, the one that `ownerOf` names. */
	owned(signal?: AbortSignal): Promise<Iterable<OwnedFolder>>;
	/** As `ownerOf`, with what the owner shipped. */
	shipped(path: string, signal?: AbortSignal): Promise<ShippedFile | undefined>;
}

export type PackageEvent = "installed" | "upgraded" | "removed";

export interface PackageChange {
	/** "name:arch". */
	readonly key: string;
	readonly event: PackageEvent;
	/** Empty where it was not installed. */
	readonly before: string;
	readonly after: string;
}

/** What happened to a package between two states; undefined where nothing did. A downgrade is an upgrade too. */
export function packageEvent(key: string, before: PackageVersions, after: PackageVersions): PackageEvent | undefined {
	const old = before.get(key);
	const now = after.get(key);
	if (old === now) return undefined;
	if (old === undefined) return "installed";
	return now === undefined ? "removed" : "upgraded";
}

/** All packages that differ, by key. */
export function changedPackages(before: PackageVersions, after: PackageVersions): PackageChange[] {
	const changes: PackageChange[] = [];
	for (const key of new Set([...before.keys(), ...after.keys()])) {
		const event = packageEvent(key, before, after);
		if (event !== undefined) changes.push({ key, event, before: before.get(key) ?? "", after: after.get(key) ?? "" });
	}
	return changes.sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function packageKey({ name, arch }: Pick<Package, "name" | "arch">): string {
	return `${name}:${arch}`;
}

/** Versions from packages, in any order. */
export function collectVersions(packages: Iterable<Package>): Map<string, string> {
	const versions = new Map<string, Set<string>>();
	for (const each of packages) {
		const key = packageKey(each);
		const known = versions.get(key);
		if (known === undefined) versions.set(key, new Set([each.version]));
		else known.add(each.version);
	}
	return new Map([...versions].map(([key, all]) => [key, [...all].sort().join(" ")]));
}
