/** From what was found about each inode to one record a path. */
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import type { VolumeTree } from "../tree.ts";
import type { ChangeKind, FileChange } from "./changes.ts";
import type { LinkChanges } from "./links.ts";
import { isSameFile } from "./nodes.ts";
import type { Holding, PageOwnership } from "./ownership.ts";
import { PathFinder } from "./paths.ts";

/** An inode number of which something may have changed, with its owners in `PageOwnership` (0: none). */
export interface Candidate {
	readonly before: FileNode | undefined;
	readonly after: FileNode | undefined;
	readonly ownerBefore: number;
	readonly ownerAfter: number;
}

export interface VolumeFindings {
	readonly id: string;
	readonly before: VolumeTree | undefined;
	readonly after: VolumeTree | undefined;
	readonly old: FilesystemScan;
	readonly now: FilesystemScan;
	/** Another filesystem stands there now: no inode is the one it was. */
	readonly madeAnew: boolean;
	/** Inodes that were a directory and are the same one now. */
	readonly directories: { has(inode: number): boolean };
	/** By inode. */
	readonly candidates: ReadonlyMap<number, Candidate>;
	readonly links: LinkChanges;
}

/** A file that was there before, or is there now, or both; `before` and `after` may be different inodes. */
interface Story {
	change: ChangeKind;
	path: string;
	oldPath?: string;
	before: FileNode | undefined;
	after: FileNode | undefined;
	ownerBefore: number;
	ownerAfter: number;
	/** Charged to what it replaced, beyond its own. */
	extraBytes: number;
}

interface Gone {
	readonly candidate: Candidate;
	readonly places: readonly Place[];
	/** Those of `Place.now` that lead to something else. */
	readonly taken: Set<string>;
	told: boolean;
}

/** A name that is gone. */
interface Place {
	readonly path: string;
	/** Where the name would stand now: elsewhere, if its directory was renamed. */
	readonly now: string;
}

const NO_LINKS: readonly Link[] = [];

/** The changes of one volume, by path, each path once. Call after `PageOwnership.settle`. */
export function describeChanges(findings: VolumeFindings, ownership: PageOwnership): FileChange[] {
	const stories = new Narrator(findings, ownership).tell();
	stories.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
	return stories.map((story) => toRecord(story, findings, ownership));
}

class Narrator {
	readonly #findings: VolumeFindings;
	readonly #ownership: PageOwnership;
	readonly #oldPaths: PathFinder;
	readonly #newPaths: PathFinder;
	/** By path. */
	readonly #stories = new Map<string, Story>();
	/** By `Place.now`. */
	readonly #goneAt = new Map<string, Gone>();
	/** What stands at such a path now, unless the story of the newcomer is told there already. */
	readonly #takenBy = new Map<string, Candidate>();

	constructor(findings: VolumeFindings, ownership: PageOwnership) {
		this.#findings = findings;
		this.#ownership = ownership;
		this.#oldPaths = new PathFinder(findings.old);
		this.#newPaths = new PathFinder(findings.now);
	}

	tell(): Story[] {
		const stayed: [number, Candidate][] = [];
		const came: [number, Candidate][] = [];
		const went: [number, Candidate][] = [];
		// In the order of inodes, whatever that of the scans: of a damaged filesystem they may tell one path twice.
		for (const entry of [...this.#findings.candidates].sort(([a], [b]) => a - b)) {
			const [inode, candidate] = entry;
			// A filesystem's root does not come or go: the filesystem does.
			const isRoot = inode === this.#findings.now.root || inode === this.#findings.old.root;
			if (isRoot && (candidate.before === undefined || candidate.after === undefined)) continue;
			if (candidate.before === undefined) came.push(entry);
			else if (candidate.after === undefined) went.push(entry);
			else if (this.#isReused(inode, candidate)) {
				const { before, after, ownerBefore, ownerAfter } = candidate;
				went.push([inode, { before, after: undefined, ownerBefore, ownerAfter: 0 }]);
				came.push([inode, { before: undefined, after, ownerBefore: 0, ownerAfter }]);
			} else if (this.#isWorthTelling(inode, candidate)) stayed.push(entry);
		}
		for (const [inode] of [...stayed, ...came]) this.#newPaths.want(inode);
		for (const [inode] of [...stayed, ...came, ...went]) this.#wantDirectories(inode);
		for (const [inode, candidate] of went) this.#noteGone(inode, candidate);
		for (const [inode, candidate] of came) this.#tellCame(inode, candidate);
		for (const [inode, candidate] of stayed) this.#tellStayed(inode, candidate);
		for (const gone of new Set(this.#goneAt.values())) this.#tellGone(gone);
		return [...this.#stories.values()];
	}

	#removed(inode: number): readonly Link[] {
		return this.#findings.links.removed.get(inode) ?? NO_LINKS;
	}

	#added(inode: number): readonly Link[] {
		return this.#findings.links.added.get(inode) ?? NO_LINKS;
	}

	/** The inode number was handed to another file, and that one has none of the former names. */
	#isReused(inode: number, { before, after }: Candidate): boolean {
		return this.#removed(inode).length > 0 && this.#added(inode).length > 0 && !this.#isSame(inode, before!, after!);
	}

	#isSame(inode: number, before: FileNode, after: FileNode): boolean {
		const keepsName = this.#removed(inode).length === 0 || this.#removed(inode).length < before.nlink;
		return !this.#findings.madeAnew && isSameFile(before, after, keepsName && before.type !== "dir");
	}

	/** A quiet inode that only shares a page with a change has no story; most candidates end here. */
	#isWorthTelling(inode: number, { before, after, ownerBefore, ownerAfter }: Candidate): boolean {
		if (this.#findings.madeAnew || before!.generation !== after!.generation || before!.type !== after!.type)
			return true;
		if (this.#removed(inode).length > 0 || this.#added(inode).length > 0) return true;
		if (after!.type !== "dir") {
			if (before!.size !== after!.size) return true;
			if (this.#ownership.holding(ownerBefore).slots > 0 || this.#ownership.holding(ownerAfter).slots > 0) return true;
		}
		return this.#hasNewMetadata(inode, before!, after!);
	}

	/** Where the names stand that came and went. */
	#wantDirectories(inode: number): void {
		for (const link of this.#removed(inode)) {
			this.#oldPaths.want(link.parent);
			if (this.#findings.directories.has(link.parent)) this.#newPaths.want(link.parent);
		}
		for (const link of this.#added(inode)) this.#newPaths.want(link.parent);
	}

	#noteGone(inode: number, candidate: Candidate): void {
		const places = this.#removed(inode).map((link) => {
			const path = this.#oldPaths.pathOfLink(link);
			return { path, now: this.#findings.directories.has(link.parent) ? this.#newPaths.pathOfLink(link) : path };
		});
		const gone: Gone = { candidate, places, taken: new Set(), told: false };
		for (const { now } of places) this.#goneAt.set(now, gone);
	}

	#tellCame(inode: number, candidate: Candidate): void {
		const paths = this.#added(inode).map((link) => this.#newPaths.pathOfLink(link));
		const replaces = this.#take(paths, candidate);
		const path = replaces ?? paths[0] ?? this.#newPaths.pathOf(inode);
		if (path === undefined) return;
		if (replaces === undefined) this.#push("created", path, candidate);
		else this.#tellReplaced(path, this.#goneAt.get(path)!, candidate);
	}

	#tellStayed(inode: number, candidate: Candidate): void {
		const before = candidate.before!;
		const after = candidate.after!;
		const added = this.#added(inode).map((link) => this.#newPaths.pathOfLink(link));
		const removed = this.#removed(inode).map((link) => this.#oldPaths.pathOfLink(link));
		const replaces = this.#take(added, candidate);
		const path = replaces ?? added[0] ?? this.#newPaths.pathOf(inode);
		if (path === undefined) return;
		const gone = replaces === undefined ? undefined : this.#goneAt.get(replaces);
		// A name that is the same again is no rename: its directory was replaced, not the file.
		const oldPath = added.includes(removed[0] ?? "") ? undefined : removed[0];
		if (added.length > 0 && oldPath !== undefined) {
			const story = this.#push("renamed", path, candidate);
			story.oldPath = oldPath;
			if (gone !== undefined) story.extraBytes = this.#ownership.holding(tellOnce(gone)).charged;
		} else if (gone !== undefined) {
			// A further name of a file that was there took the place of another.
			this.#tellReplaced(path, gone, candidate);
		} else if (after.type === "dir" && before.type === "dir") {
			if (this.#findings.madeAnew ? this.#hasNewMode(before, after) : this.#hasNewMetadata(inode, before, after)) {
				this.#push("metadata", path, candidate);
			}
		} else if (this.#hasNewContent(inode, candidate)) {
			this.#push("modified", path, candidate);
		} else if (added.length + removed.length > 0 || this.#hasNewMetadata(inode, before, after)) {
			this.#push("metadata", this.#newPaths.pathOf(inode) ?? path, candidate);
		}
	}

	#tellGone(gone: Gone): void {
		if (gone.told) return;
		const left = gone.places.find(({ now }) => !gone.taken.has(now));
		if (left !== undefined) {
			this.#push("deleted", left.path, gone.candidate);
			return;
		}
		const path = gone.places[0]!.now;
		const newcomer = this.#takenBy.get(path);
		if (newcomer !== undefined) this.#tellReplaced(path, gone, newcomer);
	}

	/** One path, another inode: an editor's or package manager's way to write a file. */
	#tellReplaced(path: string, gone: Gone, newcomer: Candidate): void {
		const { before } = gone.candidate;
		const { after, ownerAfter } = newcomer;
		const directories = before?.type === "dir" && after?.type === "dir";
		this.#push(directories ? "metadata" : "modified", path, { before, after, ownerBefore: tellOnce(gone), ownerAfter });
	}

	/** Says which of `paths` belonged to something that went, and returns the first, if there is one of what was not told yet. */
	#take(paths: readonly string[], newcomer: Candidate): string | undefined {
		let first: string | undefined;
		let untold: string | undefined;
		for (const path of paths) {
			const gone = this.#goneAt.get(path);
			if (gone === undefined) continue;
			gone.taken.add(path);
			this.#takenBy.set(path, newcomer);
			first ??= path;
			if (!gone.told) untold ??= path;
		}
		return untold ?? first;
	}

	#hasNewContent(inode: number, { before, after, ownerBefore, ownerAfter }: Candidate): boolean {
		if (!this.#isSame(inode, before!, after!) || before!.size !== after!.size) return true;
		if (this.#ownership.holding(ownerBefore).slots > 0 || this.#ownership.holding(ownerAfter).slots > 0) return true;
		// Content that stands in the inode itself leaves no page of its own: its time is all there is to go by.
		return after!.type === "file" && after!.size > 0 && after!.data.length === 0 && before!.mtime !== after!.mtime;
	}

	#hasNewMetadata(inode: number, before: FileNode, after: FileNode): boolean {
		if (this.#hasNewMode(before, after)) return true;
		const newTimes = before.mtime !== after.mtime || before.ctime !== after.ctime;
		if (before.type !== "dir" || after.type !== "dir") return newTimes || before.nlink !== after.nlink;
		// A directory's times follow its children. They are news where no child came or went, even in between.
		const { candidates, links } = this.#findings;
		const { ownerBefore = 0, ownerAfter = 0 } = candidates.get(inode) ?? {};
		const holds = this.#ownership.holding(ownerBefore).slots + this.#ownership.holding(ownerAfter).slots > 0;
		return newTimes && !links.directories.has(inode) && !holds;
	}

	#hasNewMode(before: FileNode, after: FileNode): boolean {
		return before.mode !== after.mode || before.uid !== after.uid || before.gid !== after.gid;
	}

	#push(change: ChangeKind, path: string, candidate: Candidate): Story {
		const told = this.#stories.get(path);
		if (told === undefined) {
			const story: Story = { change, path, ...candidate, extraBytes: 0 };
			this.#stories.set(path, story);
			return story;
		}
		// Directories that swapped their names can bring one path to two stories: what stands there now, and what stood
		// there then.
		if (told.change === "created" && change === "deleted") {
			told.change = "modified";
			told.before = candidate.before;
			told.ownerBefore = candidate.ownerBefore;
		} else {
			told.extraBytes += this.#ownership.holding(candidate.ownerBefore).charged;
			told.extraBytes += this.#ownership.holding(candidate.ownerAfter).charged;
		}
		return told;
	}
}

/** Who held what is gone, for the first who asks: its bytes count once, however many of its names others took. */
function tellOnce(gone: Gone): number {
	if (gone.told) return 0;
	gone.told = true;
	return gone.candidate.ownerBefore;
}

function toRecord(story: Story, findings: VolumeFindings, ownership: PageOwnership): FileChange {
	const { before, after } = story;
	const node = (after ?? before)!;
	const owners = (after === undefined ? findings.before : findings.after)?.owners;
	const held: Holding = ownership.holding(story.ownerBefore);
	const holds: Holding = ownership.holding(story.ownerAfter);
	return {
		change: story.change,
		path: story.path,
		...(story.oldPath === undefined ? {} : { oldPath: story.oldPath }),
		type: node.type,
		inode: node.inode,
		sizeBefore: before?.size ?? 0,
		sizeAfter: after?.size ?? 0,
		changedBytes: held.charged + holds.charged + story.extraBytes,
		entropyBefore: held.entropy,
		entropyAfter: holds.entropy,
		uid: node.uid,
		gid: node.gid,
		owner: owners?.users.get(node.uid) ?? "",
		group: owners?.groups.get(node.gid) ?? "",
		mode: node.mode,
		mtime: node.mtime,
	};
}
