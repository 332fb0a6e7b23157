/** A FAT or exFAT volume behind the interface of every filesystem. */
import type { UmbraError } from "../../common/errors.ts";
import type { DirectoryEntry, FileNode, Filesystem, FilesystemScan, Ranges } from "../filesystem.ts";
import { lookupPath } from "../parser/lookup.ts";
import { ClusterSet } from "./cluster-set.ts";
import { type Entry, inodeOf, placeOf, ROOT_INODE } from "./entry.ts";
import { rescan } from "./rescan.ts";
import { parseDirectory, readBytes, scan } from "./scan.ts";
import { type FatVolume, type LoadedFile, makeNode, reportFault } from "./volume.ts";

/** One request to the source while content is read. */
const CHUNK_BYTES = 4 << 20;
/** Callers read content in pieces; more at once is a mistake or a hostile size. */
const MAX_READ_BYTES = 1 << 30;
/** Files kept between calls, so that reading a file in pieces does not follow its chain again each time. */
const CACHED_FILES = 16;
/** Files of which it is remembered where their entries stand. */
const MAX_PLACES = 1 << 18;

/** A file whose chain was followed, and at which byte of the file each of its ranges begins. */
interface CachedFile extends LoadedFile {
	readonly starts: Float64Array;
}

export class FatFilesystem implements Filesystem {
	readonly kind: string;
	readonly label: string;
	readonly uuid: string;
	/** The sector: clusters are larger, but need not stand at multiples of their own size. */
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	readonly root = ROOT_INODE;
	readonly #volume: FatVolume;
	readonly #loaded = new Map<number, CachedFile>();
	/** Bytes of the volume at which the entries stand of files that were seen and whose number is a cluster, by number. */
	readonly #places = new Map<number, number>();

	constructor(volume: FatVolume) {
		this.kind = volume.kind;
		this.label = volume.label;
		this.uuid = volume.uuid;
		this.blockSize = volume.sectorSize;
		this.freeBytes = volume.freeClusters * volume.clusterSize;
		this.usedBytes = (volume.clusterCount - volume.freeClusters) * volume.clusterSize;
		this.#volume = volume;
	}

	get problems(): readonly UmbraError[] {
		return this.#volume.problems.list;
	}

	scan(signal?: AbortSignal): Promise<FilesystemScan> {
		return scan(this.#volume, signal, (entry, inode) => this.#note(entry, inode));
	}

	async rescan(before: FilesystemScan, changed: Ranges, signal?: AbortSignal): Promise<FilesystemScan> {
		const note = (entry: Entry, inode: number) => this.#note(entry, inode);
		return (await rescan(this.#volume, before, changed, signal, note)) ?? (await this.scan(signal));
	}

	/** As the guest finds it: exactly, else in other letters, else by its short name. */
	async lookup(path: string, signal?: AbortSignal): Promise<FileNode> {
		return lookupPath(path, this.#volume.root, this.#volume.problems, async (directory, name) => {
			const entries = await this.#entries(directory, signal);
			const folded = name.toUpperCase();
			const entry =
				entries.find((each) => each.name === name) ??
				entries.find((each) => each.name.toUpperCase() === folded) ??
				entries.find(({ shortName }) => shortName !== "" && shortName.toUpperCase() === folded);
			return entry === undefined ? undefined : (await this.#keep(this.#identify(entry), entry, signal)).node;
		});
	}

	async node(inode: number, signal?: AbortSignal): Promise<FileNode> {
		return (await this.#load(inode, signal)).node;
	}

	async readDirectory({ inode }: FileNode, signal?: AbortSignal): Promise<DirectoryEntry[]> {
		const { node } = await this.#load(inode, signal);
		if (node.type !== "dir") {
			throw this.#volume.problems.error("not-found", `inode ${inode} is a ${node.type}, not a directory`, { inode });
		}
		const entries = await this.#entries(node, signal);
		return entries.map((entry) => ({ name: entry.name, inode: this.#identify(entry) }));
	}

	#entries(node: FileNode, signal?: AbortSignal): Promise<Entry[]> {
		const path = () => (node.inode === ROOT_INODE ? "" : `inode ${node.inode}`);
		return parseDirectory(this.#volume, node, path, undefined, signal);
	}

	/** Of two entries that name one cluster, the one that was seen first has it. */
	#identify(entry: Entry): number {
		const inode = this.#numberOf(entry);
		if (placeOf(inode) !== undefined) return inode;
		const known = this.#places.get(inode);
		if (known !== undefined) return known === entry.offset ? inode : inodeOf(entry, false);
		// What is listed is asked for next: it takes the place of what was.
		if (this.#places.size >= MAX_PLACES) this.#places.clear();
		this.#note(entry, inode);
		return inode;
	}

	#note({ offset }: Entry, inode: number): void {
		if (placeOf(inode) === undefined && this.#places.size < MAX_PLACES) this.#places.set(inode, offset);
	}

	#numberOf(entry: Entry): number {
		const { table, sizeless } = this.#volume;
		return inodeOf(entry, (sizeless || entry.size > 0) && table.holds(entry.firstCluster));
	}

	/** The entry of a file; one whose number is its first cluster is looked for where no listing showed it. */
	async #entryOf(inode: number, signal?: AbortSignal): Promise<Entry | undefined> {
		const place = placeOf(inode) ?? this.#places.get(inode);
		if (place !== undefined) {
			const entry = await this.#volume.readEntry(place, signal);
			if (entry !== undefined && (placeOf(inode) !== undefined || this.#numberOf(entry) === inode)) return entry;
		}
		if (!this.#volume.table.holds(inode)) return undefined;
		let found: Entry | undefined;
		await scan(this.#volume, signal, (entry, number) => {
			this.#note(entry, number);
			if (number === inode) found = entry;
		});
		return found;
	}

	async #load(inode: number, signal?: AbortSignal): Promise<CachedFile> {
		const known = this.#loaded.get(inode);
		if (known !== undefined) {
			this.#loaded.delete(inode);
			this.#loaded.set(inode, known);
			return known;
		}
		if (inode === ROOT_INODE) return this.#remember({ entry: undefined, node: this.#volume.root });
		const entry = await this.#entryOf(inode, signal);
		if (entry === undefined) {
			throw this.#volume.problems.error("not-found", `inode ${inode} is not in use`, {
				structure: "directory entry",
				inode,
			});
		}
		return this.#keep(inode, entry, signal);
	}

	async #keep(inode: number, entry: Entry, signal?: AbortSignal): Promise<CachedFile> {
		const known = this.#loaded.get(inode);
		if (known !== undefined) return known;
		const { node, fault } = await makeNode(this.#volume, entry, new ClusterSet(), signal);
		if (fault !== undefined) reportFault(this.#volume, entry, `${entry.name} (inode ${inode})`, fault);
		// Of two files on one cluster, the one that has it is not known here.
		return this.#remember({ entry, node: node.inode === inode ? node : { ...node, inode } });
	}

	#remember(loaded: LoadedFile): CachedFile {
		const { data, inode } = loaded.node;
		const starts = new Float64Array(data.length / 2);
		for (let i = 1; i < starts.length; i++) starts[i] = starts[i - 1]! + data[i * 2 - 1]!;
		const [oldest] = this.#loaded.keys();
		if (this.#loaded.size >= CACHED_FILES && oldest !== undefined) this.#loaded.delete(oldest);
		const cached = { ...loaded, starts };
		this.#loaded.set(inode, cached);
		return cached;
	}

	/** @throws UmbraError `corrupt` where the clusters end before the file does. */
	async readFile({ inode }: FileNode, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const { node, entry, starts } = await this.#load(inode, signal);
		const { data } = node;
		const end = Math.min(node.size, offset + length);
		if (!(offset >= 0 && end > offset)) return new Uint8Array(0);
		const { problems } = this.#volume;
		if (end - offset > MAX_READ_BYTES) {
			throw problems.error("limit", `a read of ${end - offset} bytes at once; at most ${MAX_READ_BYTES}`, {
				inode,
				offset,
			});
		}
		const held = starts.length === 0 ? 0 : starts.at(-1)! + data.at(-1)!;
		// FAT notes no size for a directory, and so no valid one either.
		const stop = node.type === "dir" ? end : Math.min(end, entry?.validSize ?? end);
		if (stop > held) {
			throw problems.error("corrupt", `inode ${inode} has clusters for ${held} of its ${node.size} bytes`, {
				inode,
				offset: held,
				found: held,
				wanted: node.size,
			});
		}
		const content = new Uint8Array(end - offset);
		for (let i = rangeAt(starts, offset); i < starts.length && starts[i]! < stop; i++) {
			const from = Math.max(offset, starts[i]!);
			const to = Math.min(stop, starts[i]! + data[i * 2 + 1]!);
			for (let at = from; at < to; at += CHUNK_BYTES) {
				const physical = data[i * 2]! + at - starts[i]!;
				content.set(await readBytes(this.#volume, physical, Math.min(CHUNK_BYTES, to - at), signal), at - offset);
			}
		}
		return content;
	}

	async readLink({ inode, type }: FileNode): Promise<string> {
		throw this.#volume.problems.error("not-found", `inode ${inode} is a ${type}, not a symlink: FAT has none`, {
			inode,
		});
	}
}

/** The range that holds the byte. */
function rangeAt(starts: Float64Array, offset: number): number {
	let low = 0;
	let high = starts.length;
	while (high - low > 1) {
		const middle = (low + high) >>> 1;
		if (starts[middle]! <= offset) low = middle;
		else high = middle;
	}
	return low;
}
