/**
 * Which documents of a changeset were turned into something else: the evidence for `mass-rewrite`.
 *
 * Entropy by itself convicts nobody: archives, photos and videos are as random as ciphertext, and some
 * ransomware writes text (base64) or only every n-th block. What tells them apart is what happened to one
 * *existing document*, so every file is judged by its own past:
 *
 * - strong: a document whose content became random where it was not; one rewritten under a new name with an ending
 *   that no known program uses (`x.docx.locked`); one deleted while such a file took its place;
 * - supporting: a document rewritten to random content where its past is unknown or was packed already
 *   (a .jpg, a .docx), or one that only changed its name to such an ending.
 *
 * New archives, photo imports and downloads destroy no document and are neither.
 */
import type { FileChangeRecord } from "../catalog/records.ts";
import { contentEntropy, isRandom, MIN_JUDGED_BYTES } from "./entropy.ts";
import { endingOf, extensionOf, folderOf, isDocument, isPlainDocument, isTransient } from "./paths.ts";

export interface Rewrite {
	/** The document as it was known before. */
	readonly path: string;
	/** Where what became of it lies now. */
	readonly newPath: string;
	readonly folder: string;
	readonly strong: boolean;
	/** The ending of the document was lost or changed. */
	readonly renamed: boolean;
	/** Bits a byte, null where either side is unknown. */
	readonly rise: number | null;
	readonly bytes: number;
}

/** Content that rose by less is the same kind of content: an edit, a re-save. */
const MIN_RISE_BITS = 0.7;
/** A rewritten share above which a renamed document is no longer the one that it was. */
const REWRITTEN_SHARE = 0.5;

/** The rise in content entropy of a change in bits a byte, null where either side is unknown. */
export function entropyRise(file: FileChangeRecord): number | null {
	if (file.entropyBefore === null || file.entropyAfter === null) return null;
	if (file.sizeBefore < MIN_JUDGED_BYTES || file.sizeAfter < MIN_JUDGED_BYTES) return null;
	return contentEntropy(file.entropyAfter, file.sizeAfter) - contentEntropy(file.entropyBefore, file.sizeBefore) || 0;
}

/** Strong evidence first, then by path: the order of `files` does not matter. */
export function findRewrites(files: readonly FileChangeRecord[]): Rewrite[] {
	const rewrites: Rewrite[] = [];
	const deleted: FileChangeRecord[] = [];
	const created: FileChangeRecord[] = [];
	for (const file of files) {
		if (file.type !== "file") continue;
		if (file.change === "modified") push(rewrites, inPlace(file));
		else if (file.change === "renamed") push(rewrites, renamed(file));
		else if (file.change === "deleted" && isDocument(file.path)) deleted.push(file);
		else if (file.change === "created" && !isTransient(file.path)) created.push(file);
	}
	if (deleted.length > 0 && created.length > 0) rewrites.push(...replaced(deleted, created));
	return rewrites.sort(
		(a, b) => Number(b.strong) - Number(a.strong) || (a.path < b.path ? -1 : a.path > b.path ? 1 : b.bytes - a.bytes),
	);
}

function push(list: Rewrite[], item: Rewrite | undefined): void {
	if (item !== undefined) list.push(item);
}

function inPlace(file: FileChangeRecord): Rewrite | undefined {
	if (!isDocument(file.path) || file.changedBytes <= 0 || !isRandom(file.entropyAfter, file.sizeAfter))
		return undefined;
	const rise = entropyRise(file);
	// An atomic replace leaves the old pages unread: then the type says what the content should look like. A file that was
	// empty or a stub before is being filled, not destroyed.
	const strong =
		rise === null ? isPlainDocument(file.path) && file.sizeBefore >= MIN_JUDGED_BYTES : rise >= MIN_RISE_BITS;
	return rewriteOf(file.path, file, strong, false, rise);
}

function renamed(file: FileChangeRecord): Rewrite | undefined {
	const old = file.oldPath ?? "";
	if (!isDocument(old) || isTransient(file.path)) return undefined;
	const rise = entropyRise(file);
	const random = isRandom(file.entropyAfter, file.sizeAfter);
	if (!isForeign(file.path, random)) {
		// Same or another ordinary ending: a rename is no harm, but the content may still have been locked up.
		if (random && isDocument(file.path) && rise !== null && rise >= MIN_RISE_BITS) {
			return rewriteOf(old, file, true, false, rise);
		}
		return undefined;
	}
	const rewritten = file.changedBytes > 0 && (random || file.changedBytes >= REWRITTEN_SHARE * file.sizeAfter);
	return rewriteOf(old, file, rewritten, true, rise);
}

/**
 * Deleted documents and the new files that took their place: by name (`x.docx` -> `x.docx.locked`, `x.locked`), and
 * within a folder by number, for names that were scrambled too.
 */
function replaced(deleted: readonly FileChangeRecord[], created: readonly FileChangeRecord[]): Rewrite[] {
	const rewrites: Rewrite[] = [];
	const byName = new Map<string, FileChangeRecord>();
	const scrambled = new Map<string, FileChangeRecord[]>();
	for (const file of [...created].sort(byPath)) {
		const random = isRandom(file.entropyAfter, file.sizeAfter);
		if (!isForeign(file.path, random)) continue;
		const stem = withoutEnding(file.path);
		if (!byName.has(stem)) byName.set(stem, file);
		// Without a name in common only random content under an ending of nobody's counts.
		const ending = endingOf(file.path);
		if (random && ending !== "lockable") append(scrambled, folderOf(file.path), file);
	}
	const taken = new Set<FileChangeRecord>();
	const unmatched: FileChangeRecord[] = [];
	for (const file of [...deleted].sort(byPath)) {
		const successor = byName.get(file.path) ?? byName.get(withoutEnding(file.path));
		if (successor === undefined || taken.has(successor)) {
			unmatched.push(file);
			continue;
		}
		taken.add(successor);
		rewrites.push(rewriteOf(file.path, successor, true, true, null));
	}
	for (const file of unmatched) {
		const candidates = scrambled.get(folderOf(file.path));
		let successor = candidates?.shift();
		while (successor !== undefined && taken.has(successor)) successor = candidates?.shift();
		if (successor !== undefined) rewrites.push(rewriteOf(file.path, successor, true, true, null));
	}
	return rewrites;
}

/** True for an ending that a document does not get in ordinary life. Names without one need random content to count. */
function isForeign(path: string, random: boolean): boolean {
	const ending = endingOf(path);
	return ending === "unknown" || (random && (ending === "lockable" || ending === "none"));
}

function withoutEnding(path: string): string {
	const extension = extensionOf(path);
	return extension === "" ? path : path.slice(0, -extension.length - 1);
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
	const list = map.get(key);
	if (list === undefined) map.set(key, [value]);
	else list.push(value);
}

function byPath(a: FileChangeRecord, b: FileChangeRecord): number {
	return a.path < b.path ? -1 : a.path > b.path ? 1 : a.inode - b.inode;
}

function rewriteOf(path: string, now: FileChangeRecord, strong: boolean, named: boolean, rise: number | null): Rewrite {
	return { path, newPath: now.path, folder: folderOf(path), strong, renamed: named, rise, bytes: now.changedBytes };
}
