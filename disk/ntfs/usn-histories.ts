/**
 * What the change journal tells of each file between two readings: every path that it had, whether it came, went or
 * both, and why it was noted. A comparison of two scans knows the ends of that only.
 *
 * A record names a file's directory by number. Where that directory was at the time follows from its own later records
 * and from where it is in the end, so the records are gone through backwards from there.
 */
import type { FileNode, FilesystemScan } from "../filesystem.ts";
import { type Directory, directoriesOf } from "../rescan/layered-scan.ts";
import { REASON, type UsnRecord } from "./usn.ts";

/** Of a record's attributes. */
const ATTRIBUTE_DIRECTORY = 0x10;
/** NTFS numbers files with 32 bits; a record that says more is damaged. */
const MAX_RECORDS = 2 ** 32;
const MAX_DEPTH = 255;
/** Characters of all paths together: half a million records may each have one of thousands. */
const MAX_TEXT = 32 << 20;

/** A file from one reading of the journal to the next. */
export interface FileHistory {
	/** As FileNode.inode and FileNode.generation. */
	readonly inode: number;
	readonly generation: number;
	readonly directory: boolean;
	/** Paths that it had when something was noted of it, oldest first, each as long as it lasted; also those of further hard links. */
	readonly paths: readonly string[];
	/** All reasons that were noted, of `REASON`. */
	readonly reasons: number;
	readonly created: boolean;
	readonly deleted: boolean;
	/** Of its first record and its last one, in seconds since 1970. */
	readonly from: number;
	readonly to: number;
}

interface Place {
	readonly parent: number;
	readonly parentGeneration: number;
	readonly name: string;
}

/**
 * The histories of all files of which there are records, those first that were last noted.
 *
 * @param records oldest first.
 * @param after the filesystem as it was when they were read, or not much later.
 */
export function historiesOf(records: readonly UsnRecord[], after: FilesystemScan): FileHistory[] {
	return new Rewind(after).run(records);
}

class Rewind {
	readonly #root: number;
	readonly #nodes: ReadonlyMap<number, FileNode>;
	readonly #directories: ReadonlyMap<number, Directory>;
	/** Names of the directories in a directory; of those that were asked for. */
	readonly #names = new Map<number, ReadonlyMap<number, string>>();
	/** Where each directory is at the time that the walk has come back to, and what was noted of any other file. */
	readonly #places = new Map<number, Place>();
	readonly #histories = new Map<number, { -readonly [K in keyof FileHistory]: FileHistory[K] } & { paths: string[] }>();
	#text = 0;

	constructor(after: FilesystemScan) {
		this.#root = after.root;
		this.#nodes = after.nodes;
		this.#directories = directoriesOf(after);
	}

	run(records: readonly UsnRecord[]): FileHistory[] {
		for (let at = records.length - 1; at >= 0; at--) {
			const record = records[at]!;
			if (record.inode < MAX_RECORDS && record.parent < MAX_RECORDS) this.#take(record);
		}
		const histories = [...this.#histories.values()];
		for (const { paths } of histories) paths.reverse();
		return histories;
	}

	#take(record: UsnRecord): void {
		const { inode, generation, reason, time, attributes } = record;
		const key = keyOf(inode, generation);
		this.#places.set(key, record);
		const created = (reason & REASON.FILE_CREATE) !== 0;
		const deleted = (reason & REASON.FILE_DELETE) !== 0;
		let history = this.#histories.get(key);
		if (history === undefined) {
			const directory = (attributes & ATTRIBUTE_DIRECTORY) !== 0;
			history = { inode, generation, directory, paths: [], reasons: 0, created, deleted, from: time, to: time };
			this.#histories.set(key, history);
		}
		history.reasons = (history.reasons | reason) >>> 0;
		history.created ||= created;
		history.deleted ||= deleted;
		history.from = time;
		const path = this.#pathOf(record);
		if (path === undefined || path === history.paths.at(-1) || this.#text + path.length > MAX_TEXT) return;
		this.#text += path.length;
		history.paths.push(path);
	}

	/** Undefined where a directory on the way is not known, or is its own. */
	#pathOf(place: Place): string | undefined {
		const parts: string[] = [];
		let at: Place | undefined = place;
		for (; at !== undefined && parts.length <= MAX_DEPTH; at = this.#placeOf(at.parent, at.parentGeneration)) {
			parts.push(at.name);
			if (at.parent === this.#root) return `/${parts.reverse().join("/")}`;
		}
		return undefined;
	}

	/** Of a directory; from the end, where nothing was noted of it since. */
	#placeOf(inode: number, generation: number): Place | undefined {
		const key = keyOf(inode, generation);
		const known = this.#places.get(key);
		if (known !== undefined) return known;
		const parent = this.#directories.get(inode)?.parent;
		const name = parent === undefined ? undefined : this.#namesIn(parent).get(inode);
		if (parent === undefined || name === undefined || this.#nodes.get(inode)?.generation !== generation) {
			return undefined;
		}
		const place = { parent, parentGeneration: this.#nodes.get(parent)?.generation ?? 0, name };
		this.#places.set(key, place);
		return place;
	}

	#namesIn(parent: number): ReadonlyMap<number, string> {
		let names = this.#names.get(parent);
		if (names === undefined) {
			const links = this.#directories.get(parent)?.links ?? [];
			names = new Map(
				links.flatMap(({ inode, name }): [number, string][] => (this.#directories.has(inode) ? [[inode, name]] : [])),
			);
			this.#names.set(parent, names);
		}
		return names;
	}
}

function keyOf(inode: number, generation: number): number {
	return inode * 65536 + generation;
}
