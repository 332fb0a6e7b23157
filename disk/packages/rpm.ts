/**
 * rpm's database, in whichever of its formats: `rpmdb.sqlite` (rpm-sqlite.ts) or `Packages.db` (rpm-ndb.ts); the
 * Berkeley DB of before 2020 (`Packages`) is only named. Each package is one header (rpm-header.ts), read once; of its
 * files what matters is kept, packed.
 */
import type { UmbraError } from "../../common/errors.ts";
import { isUmbraError } from "../../common/errors.ts";
import { Problems } from "../parser/problems.ts";
import { FileIndex, MAX_INDEXED_FILES } from "./file-index.ts";
import type { GuestFile, GuestRoot } from "./guest-root.ts";
import { readMergedPaths } from "./merged-paths.ts";
import { collectVersions, type OwnedFolder, type Package, type PackageDb, type ShippedFile } from "./package-db.ts";
import { parseRpmHeader, RPMFILE_CONFIG, RPMFILE_GHOST, RPMFILE_STATE_NORMAL, type RpmHeader } from "./rpm-header.ts";
import { readNdb } from "./rpm-ndb.ts";
import { readSqlite } from "./rpm-sqlite.ts";

/** Newer first: the old place is mostly a symlink to the new one. */
const FOLDERS = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const MAX_PACKAGES = 100_000;
const S_IFMT = 0xf000;
const S_IFDIR = 0x4000;
const S_IFLNK = 0xa000;
const DIGEST_BYTES: Readonly<Record<string, number>> = {
	md5: 16,
	sha1: 20,
	sha224: 28,
	sha256: 32,
	sha384: 48,
	sha512: 64,
};

/** Undefined where there is no rpm. @throws UmbraError `corrupt`, `truncated`, `limit`, `unsupported`, or what the disk throws. */
export async function readRpm(root: GuestRoot, signal?: AbortSignal): Promise<PackageDb | undefined> {
	for (const folder of FOLDERS) {
		const problems = new Problems(folder);
		const find = (name: string): Promise<GuestFile | undefined> => root.find(`${folder}/${name}`, signal);
		const sqlite = await find("rpmdb.sqlite");
		const headers =
			sqlite !== undefined
				? readSqlite(sqlite, await find("rpmdb.sqlite-wal"), problems, signal)
				: await ndbHeaders(await find("Packages.db"), problems, signal);
		if (headers !== undefined) return gather(root, headers, problems, signal);
		if ((await find("Packages")) !== undefined) {
			throw problems.error("unsupported", "rpm's database is a Berkeley DB (Packages), which is not read", {
				structure: "rpmdb",
				found: "Berkeley DB",
				wanted: "sqlite or ndb",
			});
		}
	}
	return undefined;
}

async function ndbHeaders(file: GuestFile | undefined, problems: Problems, signal?: AbortSignal) {
	return file === undefined ? undefined : readNdb(file, problems, signal);
}

async function gather(
	root: GuestRoot,
	headers: AsyncGenerator<Buffer>,
	problems: Problems,
	signal?: AbortSignal,
): Promise<PackageDb> {
	const database = new RpmDb(new FileIndex(await readMergedPaths(root, signal)), problems);
	for await (const bytes of headers) {
		const where = `package ${database.count + 1}`;
		try {
			if (!database.add(parseRpmHeader(bytes, where))) break;
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "limit")) throw error;
			problems.add(error.code, error.message, { ...error.context });
		}
	}
	database.finish();
	return database;
}

/** A package, and its files that are no directories, column by column. */
interface PackedPackage extends Package {
	/** Number of its first file; all files of all packages are counted in turn. */
	readonly first: number;
	readonly algorithm: string | undefined;
	/** Bytes, end to end; of no meaning without `HAS_DIGEST`. */
	readonly digests: Buffer;
	readonly marks: Uint8Array;
	readonly modes: Uint16Array | undefined;
	readonly sizes: Float64Array | undefined;
	readonly links: ReadonlyMap<number, string>;
}

const HAS_DIGEST = 1;
const IS_CONFIG = 2;
const IS_GHOST = 4;

class RpmDb implements PackageDb {
	versions: ReadonlyMap<string, string> = new Map();
	readonly #packages: PackedPackage[] = [];
	readonly #index: FileIndex;
	readonly #problems: Problems;
	#files = 0;

	constructor(index: FileIndex, problems: Problems) {
		this.#index = index;
		this.#problems = problems;
	}

	get problems(): readonly UmbraError[] {
		return this.#problems.list;
	}

	get count(): number {
		return this.#packages.length;
	}

	/** False where there are too many. */
	add(header: RpmHeader): boolean {
		const kept = keptFiles(header);
		if (this.#packages.length >= MAX_PACKAGES || this.#files + kept.length > MAX_INDEXED_FILES) {
			const limits = `${MAX_PACKAGES} packages or ${MAX_INDEXED_FILES} files`;
			this.#problems.add("limit", `more than ${limits}; the rest are not looked at`, {});
			return false;
		}
		const packed = pack(header, kept, this.#files);
		this.#packages.push(packed);
		const { files } = header;
		for (const [i, file] of kept.entries()) {
			// What another package ships, with a digest, says more than one's %ghost.
			const says = (packed.marks[i]! & (HAS_DIGEST | IS_GHOST)) === HAS_DIGEST;
			const folder = files.folders[files.folderOf[file]!]!;
			const name = files.names[file]!;
			const path = `${folder}/${name}`;
			const replace = says && this.#isGhost(this.#index.get(path));
			this.#index.add(folder, name, this.#files + i, replace);
		}
		this.#files += kept.length;
		return true;
	}

	finish(): void {
		this.versions = collectVersions(this.#packages);
	}

	/** All of it was read at once. */
	async load(): Promise<void> {}

	async ownerOf(path: string): Promise<Package | undefined> {
		const file = this.#index.get(path);
		return file === undefined ? undefined : toPackage(this.#packageOf(file));
	}

	async owned(): Promise<Iterable<OwnedFolder>> {
		return this.#index.owned((file) => this.#packageOf(file));
	}

	async shipped(path: string): Promise<ShippedFile | undefined> {
		const file = this.#index.get(path);
		if (file === undefined) return undefined;
		const found = this.#packageOf(file);
		const i = file - found.first;
		const { algorithm, digests, marks, modes, sizes, links } = found;
		const mark = marks[i]!;
		const config = (mark & IS_CONFIG) !== 0;
		if ((mark & IS_GHOST) !== 0) return { package: toPackage(found), config, ghost: true };
		const length = DIGEST_BYTES[algorithm ?? ""] ?? 0;
		const hasDigest = algorithm !== undefined && (mark & HAS_DIGEST) !== 0;
		const link = links.get(i);
		return {
			package: toPackage(found),
			config,
			...(hasDigest ? { algorithm, digest: digests.toString("hex", i * length, (i + 1) * length) } : {}),
			...(hasDigest && sizes !== undefined ? { size: sizes[i]! } : {}),
			...(modes !== undefined ? { mode: modes[i]! } : {}),
			...(link !== undefined ? { link } : {}),
		};
	}

	#isGhost(file: number | undefined): boolean {
		if (file === undefined || file >= this.#files) return false;
		const found = this.#packageOf(file);
		return (found.marks[file - found.first]! & (HAS_DIGEST | IS_GHOST)) !== HAS_DIGEST;
	}

	/** The last package whose first file is not behind this one; packages without files share a number. */
	#packageOf(file: number): PackedPackage {
		let low = 0;
		let high = this.#packages.length - 1;
		while (low < high) {
			const middle = Math.ceil((low + high) / 2);
			if (this.#packages[middle]!.first <= file) low = middle;
			else high = middle - 1;
		}
		return this.#packages[low]!;
	}
}

/** Places of the files to keep: what is there as the package has it, but for directories. */
function keptFiles({ files }: RpmHeader): number[] {
	const kept: number[] = [];
	for (let i = 0; i < files.count; i++) {
		if (files.states !== undefined && files.states[i] !== RPMFILE_STATE_NORMAL) continue;
		if (files.modes !== undefined && (files.modes[i]! & S_IFMT) === S_IFDIR) continue;
		kept.push(i);
	}
	return kept;
}

function pack(
	{ name, version, arch, algorithm, files }: RpmHeader,
	kept: readonly number[],
	first: number,
): PackedPackage {
	const { digests, flags, modes, sizes, links } = files;
	const length = DIGEST_BYTES[algorithm ?? ""] ?? 0;
	const packed = {
		manager: "rpm" as const,
		name,
		version,
		arch,
		first,
		algorithm,
		digests: Buffer.alloc(length * kept.length),
		marks: new Uint8Array(kept.length),
		modes: modes === undefined ? undefined : Uint16Array.from(kept, (i) => modes[i]!),
		sizes: sizes === undefined ? undefined : Float64Array.from(kept, (i) => sizes[i]!),
		links: new Map<number, string>(),
	};
	for (const [at, i] of kept.entries()) {
		const digest = digests?.[i] ?? "";
		const flag = flags?.[i] ?? 0;
		if ((flag & RPMFILE_CONFIG) !== 0) packed.marks[at]! |= IS_CONFIG;
		if ((flag & RPMFILE_GHOST) !== 0) packed.marks[at]! |= IS_GHOST;
		if (length > 0 && digest.length === 2 * length && /^[0-9a-f]+$/i.test(digest)) {
			packed.marks[at]! |= HAS_DIGEST;
			packed.digests.write(digest, at * length, "hex");
		}
		const link = links?.[i] ?? "";
		if (link !== "" && modes !== undefined && (modes[i]! & S_IFMT) === S_IFLNK) packed.links.set(at, link);
	}
	return packed;
}

function toPackage({ manager, name, version, arch }: PackedPackage): Package {
	return { manager, name, version, arch };
}
