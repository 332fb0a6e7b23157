/**
 * dpkg's database in /var/lib/dpkg: `status` says what is installed, `info/PACKAGE.list` what it owns,
 * `info/PACKAGE.md5sums` what it shipped; for config files `status` says that. Images without dpkg itself keep
 * `status.d`. Lists are read at the first question after a path, digests a package at a time.
 * Source: dpkg(1), dpkg-query(1), dpkg-divert(1).
 */
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import { Problems } from "../parser/problems.ts";
import { type Diversion, type DpkgPackage, parseDiversions, parseMd5sums, parseStatus } from "./dpkg-status.ts";
import { decodePath, FileIndex, MAX_INDEXED_FILES } from "./file-index.ts";
import type { GuestRoot } from "./guest-root.ts";
import { type MergedPaths, readMergedPaths } from "./merged-paths.ts";
import { collectVersions, type OwnedFolder, type Package, type PackageDb, type ShippedFile } from "./package-db.ts";

const FOLDER = "/var/lib/dpkg";
/** Ten times that of a desktop with everything. */
const MAX_STATUS = 128 << 20;
const MAX_PACKAGES = 100_000;
/** The largest packages list 40,000 files. */
const MAX_LIST = 32 << 20;
/** Of all lists together. */
const MAX_LISTS = 512 << 20;
/** Written while dpkg is at work, and merged into `status` when there are 250. */
const MAX_UPDATES = 1000;
const MAX_UPDATE = 1 << 20;
/** Changed files come package by package. */
const CACHED_DIGESTS = 4;
const READS_IN_FLIGHT = 8;

/** Undefined where there is no dpkg. @throws UmbraError `limit`, `truncated`, or what the disk throws. */
export async function readDpkg(root: GuestRoot, signal?: AbortSignal): Promise<PackageDb | undefined> {
	const problems = new Problems(FOLDER);
	const packages = new Map<string, DpkgPackage>();
	const add = (text: string): void => {
		for (const each of parseStatus(text)) {
			if (packages.size >= MAX_PACKAGES) throw problems.error("limit", `more than ${MAX_PACKAGES} packages`, {});
			packages.set(`${each.name}:${each.arch}`, each);
		}
	};
	const status = await root.read(`${FOLDER}/status`, MAX_STATUS, signal);
	if (status !== undefined) add(status.toString("utf8"));
	const updates = await root.folder(`${FOLDER}/updates`, signal);
	const pending = updates.names.filter((name) => /^\d{1,9}$/.test(name)).sort();
	for (const name of pending.slice(0, MAX_UPDATES)) {
		add((await updates.read(name, MAX_UPDATE, signal))?.toString("utf8") ?? "");
	}
	const statusD = await root.folder(`${FOLDER}/status.d`, signal);
	const parts = statusD.names.filter((name) => !name.endsWith(".md5sums"));
	for (const name of parts.slice(0, MAX_PACKAGES)) {
		add((await statusD.read(name, MAX_UPDATE, signal))?.toString("utf8") ?? "");
	}
	if (status === undefined && parts.length === 0) return undefined;
	return new DpkgDb(root, [...packages.values()], problems);
}

/** What a package shipped at a place. */
interface Recorded {
	/** Empty where dpkg has none. */
	readonly digest: string;
	readonly config: boolean;
}

type Digests = ReadonlyMap<string, Recorded>;

class DpkgDb implements PackageDb {
	readonly versions: ReadonlyMap<string, string>;
	readonly #root: GuestRoot;
	readonly #packages: readonly DpkgPackage[];
	readonly #problems: Problems;
	#index: Promise<DpkgIndex> | undefined;
	/** By the package's place in the list. */
	readonly #digests = new Map<number, Promise<Digests>>();

	constructor(root: GuestRoot, packages: readonly DpkgPackage[], problems: Problems) {
		this.#root = root;
		this.#packages = packages;
		this.#problems = problems;
		this.versions = collectVersions(packages.filter(({ installed }) => installed));
	}

	get problems(): readonly UmbraError[] {
		return this.#problems.list;
	}

	async load(signal?: AbortSignal): Promise<void> {
		await this.#loadIndex(signal);
	}

	async ownerOf(path: string, signal?: AbortSignal): Promise<Package | undefined> {
		const owner = (await this.#loadIndex(signal)).files.get(path);
		return owner === undefined ? undefined : toPackage(this.#packages[owner]!);
	}

	async owned(signal?: AbortSignal): Promise<Iterable<OwnedFolder>> {
		return (await this.#loadIndex(signal)).files.owned((owner) => this.#packages[owner]!);
	}

	async shipped(path: string, signal?: AbortSignal): Promise<ShippedFile | undefined> {
		const index = await this.#loadIndex(signal);
		const owner = index.files.get(path);
		if (owner === undefined) return undefined;
		const found = this.#packages[owner]!;
		const real = index.merged.file(path);
		const recorded = (await this.#loadDigests(owner, index, signal)).get(real);
		const shipped = { package: toPackage(found), config: recorded?.config ?? false };
		const digest = recorded?.digest ?? "";
		return digest === "" ? shipped : { ...shipped, algorithm: "md5", digest };
	}

	/** One that failed, or was aborted, is tried again at the next question. */
	#loadIndex(signal?: AbortSignal): Promise<DpkgIndex> {
		if (this.#index === undefined) {
			const index = readIndex(this.#root, this.#packages, this.#problems, signal);
			index.catch(() => {
				this.#index = undefined;
			});
			this.#index = index;
		}
		return this.#index;
	}

	#loadDigests(owner: number, index: DpkgIndex, signal?: AbortSignal): Promise<Digests> {
		let digests = this.#digests.get(owner);
		if (digests === undefined) {
			digests = this.#readDigests(owner, index, signal);
			digests.catch(() => this.#digests.delete(owner));
		}
		this.#digests.delete(owner);
		this.#digests.set(owner, digests);
		const [oldest] = this.#digests.keys();
		if (this.#digests.size > CACHED_DIGESTS && oldest !== undefined) this.#digests.delete(oldest);
		return digests;
	}

	async #readDigests(owner: number, index: DpkgIndex, signal?: AbortSignal): Promise<Digests> {
		const found = this.#packages[owner]!;
		const digests = new Map<string, Recorded>();
		const bytes = await index.info(found, "md5sums", signal);
		for (const [file, digest] of parseMd5sums(bytes === undefined ? "" : decodePath(bytes, 0, bytes.length))) {
			digests.set(index.placeOf(found, file), { digest, config: false });
		}
		for (const [file, digest] of found.conffiles) digests.set(index.placeOf(found, file), { digest, config: true });
		return digests;
	}
}

interface DpkgIndex {
	/** -> the owner's place in the list of packages. */
	readonly files: FileIndex;
	readonly merged: MergedPaths;
	/** Where a file that a package calls `path` lies. */
	placeOf(owner: DpkgPackage, path: string): string;
	/** One of its files in `info` or `status.d`. */
	info(owner: DpkgPackage, kind: "list" | "md5sums", signal?: AbortSignal): Promise<Buffer | undefined>;
}

async function readIndex(
	root: GuestRoot,
	packages: readonly DpkgPackage[],
	problems: Problems,
	signal?: AbortSignal,
): Promise<DpkgIndex> {
	const merged = await readMergedPaths(root, signal);
	const text = await orProblem(problems, root.read(`${FOLDER}/diversions`, MAX_LIST, signal));
	const diversions: ReadonlyMap<string, Diversion> = parseDiversions(text?.toString("utf8") ?? "");
	const folders = [await root.folder(`${FOLDER}/info`, signal), await root.folder(`${FOLDER}/status.d`, signal)];
	const info: DpkgIndex["info"] = async ({ name, arch }, kind, infoSignal) => {
		for (const folder of folders) {
			// Of a package that can be there for several architectures, each has its own.
			const file = [`${name}:${arch}.${kind}`, `${name}.${kind}`].find((each) => folder.has(each));
			if (file !== undefined) return orProblem(problems, folder.read(file, MAX_LIST, infoSignal));
		}
		return undefined;
	};
	const placeOf = (owner: DpkgPackage, path: string): string => {
		const diversion = diversions.get(path);
		return merged.file(diversion === undefined || diversion.by === owner.name ? path : diversion.to);
	};
	const files = new FileIndex(merged);
	const addTo = (owner: number): AddPath => {
		const found = packages[owner]!;
		if (diversions.size === 0) return (folder, name) => files.add(folder, name, owner);
		return (folder, name) => {
			if (diversions.has(`${folder}/${name}`)) files.addPath(placeOf(found, `${folder}/${name}`), owner);
			else files.add(folder, name, owner);
		};
	};
	const hasLists = folders[0]!.names.length > 0;
	let bytes = 0;
	for (let first = 0; first < packages.length; first += READS_IN_FLIGHT) {
		const batch = packages.slice(first, first + READS_IN_FLIGHT);
		const lists = await Promise.all(batch.map((each) => info(each, "list", signal)));
		for (const [i, list] of lists.entries()) {
			bytes += list?.length ?? 0;
			if (list !== undefined) addList(list, addTo(first + i));
			else if (!hasLists) {
				const sums = (await info(batch[i]!, "md5sums", signal)) ?? Buffer.alloc(0);
				for (const [path] of parseMd5sums(decodePath(sums, 0, sums.length))) files.addPath(path, first + i);
			}
		}
		if (bytes > MAX_LISTS || files.isFull) {
			problems.add("limit", `packages own more than ${MAX_INDEXED_FILES} files; the rest are not looked at`, {});
			break;
		}
	}
	return { files, merged, placeOf, info };
}

type AddPath = (folder: string, name: string) => void;

/** A line is the path of a file or directory; a directory comes right before what is in it, and is left out. */
function addList(list: Buffer, add: AddPath): void {
	let folder = "";
	let folderBytes: Buffer = list.subarray(0, 0);
	for (let at = 0; at < list.length; ) {
		let end = list.indexOf(0x0a, at);
		if (end === -1) end = list.length;
		const next = end + 1;
		const isParent =
			next + end - at < list.length &&
			list[next + end - at] === 0x2f &&
			list.compare(list, at, end, next, next + end - at) === 0;
		if (!isParent && list[at] === 0x2f) {
			const slash = list.lastIndexOf(0x2f, end - 1);
			if (slash - at !== folderBytes.length || list.compare(folderBytes, 0, folderBytes.length, at, slash) !== 0) {
				folderBytes = list.subarray(at, slash);
				folder = decodePath(list, at, slash);
			}
			const name = decodePath(list, slash + 1, end);
			if (name !== ".") add(folder, name);
		}
		at = next;
	}
}

/** Undefined, and a problem, for a file of the database that cannot be read. */
async function orProblem(problems: Problems, read: Promise<Buffer | undefined>): Promise<Buffer | undefined> {
	try {
		return await read;
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "truncated", "unsupported", "limit", "not-found")) throw error;
		problems.add(error.code, error.message, { ...error.context });
		return undefined;
	}
}

function toPackage({ manager, name, version, arch }: DpkgPackage): Package {
	return { manager, name, version, arch };
}
