/** Puts a capture's findings into the parts that travel: one header, runs of block names, lists of files. */
import { NAME_SIZE } from "../../common/block.ts";
import type { Causes, FileCauses } from "../../disk/causes.ts";
import type { Attribution, FileChange, MachineChanges, VolumeSummary } from "../../disk/map/map.ts";
import type { Explanation } from "../../disk/packages/explain.ts";
import type { Actor } from "../../disk/who/evidence.ts";
import {
	MAX_FILE_ACTORS,
	MAX_FILE_VIA,
	MAX_PACKAGE_CHANGES,
	MAX_PART_FILES,
	MAX_RUN_BLOCKS,
	MAX_SESSIONS,
	toLong,
	v1,
	type wire,
} from "../../proto/service.ts";
import type { NameSink } from "./scan-disk.ts";

const KINDS: Readonly<Record<FileChange["change"], wire.v1.FileChangeKind>> = {
	created: v1.FileChangeKind.FILE_CHANGE_CREATED,
	modified: v1.FileChangeKind.FILE_CHANGE_MODIFIED,
	deleted: v1.FileChangeKind.FILE_CHANGE_DELETED,
	renamed: v1.FileChangeKind.FILE_CHANGE_RENAMED,
	metadata: v1.FileChangeKind.FILE_CHANGE_METADATA,
	transient: v1.FileChangeKind.FILE_CHANGE_TRANSIENT,
};

/** Characters of a guest's own text that travel: with eight actors a file, a part stays below 3 MiB. */
const MAX_TEXT = 255;

/** Bytes of paths in a part: a guest can nest directories so deep that a thousand of their files fill any message. */
const MAX_PART_PATHS = 4 * 1024 * 1024;

/** A growing buffer of one run's names. */
const FIRST_RUN_BLOCKS = 64;

/** Gathers names of ascending blocks into encoded `BlockRun` parts. */
export class BlockRuns implements NameSink {
	readonly #of: Pick<wire.v1.IBlockRun, "disk" | "part">;
	readonly #parts: Uint8Array[] = [];
	#first = 0;
	#count = 0;
	#names = Buffer.alloc(FIRST_RUN_BLOCKS * NAME_SIZE);
	#entropy = Buffer.alloc(FIRST_RUN_BLOCKS);

	/** Of a disk by its id, or of a part of a machine's state. */
	constructor(of: string | wire.v1.StatePartKind) {
		this.#of = typeof of === "string" ? { disk: of } : { part: of };
	}

	add(block: number, name: Uint8Array, entropy: number): void {
		if (this.#count > 0 && (block !== this.#first + this.#count || this.#count === MAX_RUN_BLOCKS)) this.#turn();
		if (this.#count === 0) this.#first = block;
		if (this.#count === this.#entropy.length) {
			this.#names = Buffer.concat([this.#names, Buffer.alloc(this.#names.length)]);
			this.#entropy = Buffer.concat([this.#entropy, Buffer.alloc(this.#entropy.length)]);
		}
		this.#names.set(name, this.#count * NAME_SIZE);
		this.#entropy[this.#count] = entropy;
		this.#count++;
	}

	/** The encoded parts; nothing may be added afterwards. */
	end(): readonly Uint8Array[] {
		if (this.#count > 0) this.#turn();
		return this.#parts;
	}

	#turn(): void {
		const blocks = {
			...this.#of,
			firstBlock: toLong(this.#first),
			names: this.#names.subarray(0, this.#count * NAME_SIZE),
			entropy: this.#entropy.subarray(0, this.#count),
		};
		this.#parts.push(v1.ChangesetPart.encode({ blocks }).finish());
		this.#count = 0;
	}
}

export function encodeHeader(header: wire.v1.IChangesetHeader): Uint8Array {
	return v1.ChangesetPart.encode({ header }).finish();
}

/** Encoded `FileChanges` parts. */
export function encodeFiles(changes: MachineChanges["files"], causes?: Causes): Uint8Array[] {
	const parts: Uint8Array[] = [];
	for (const { disk, volume, files } of changes) {
		for (const some of partsOf(files)) {
			const told = some.map((file) => toWire(file, causes?.files.get(file)));
			parts.push(v1.ChangesetPart.encode({ files: { disk, volume, files: told } }).finish());
		}
	}
	return parts;
}

function* partsOf(files: readonly FileChange[]): Generator<readonly FileChange[]> {
	let from = 0;
	let bytes = 0;
	for (const [at, { path, oldPath = "", via = [] }] of files.entries()) {
		const paths = [path, oldPath, ...via].reduce((sum, each) => sum + Buffer.byteLength(each), 0);
		if (at > from && (at - from === MAX_PART_FILES || bytes + paths > MAX_PART_PATHS)) {
			yield files.slice(from, at);
			from = at;
			bytes = 0;
		}
		bytes += paths;
	}
	if (from < files.length) yield files.slice(from);
}

export function attributionToWire(attribution: Attribution): wire.v1.IAttribution {
	return {
		total: toLong(attribution.total),
		file: toLong(attribution.file),
		directory: toLong(attribution.directory),
		journal: toLong(attribution.journal),
		metadata: toLong(attribution.metadata),
		free: toLong(attribution.free),
		unknown: toLong(attribution.unknown),
	};
}

export function volumeToWire(volume: VolumeSummary): wire.v1.IVolume {
	return {
		id: volume.id,
		offset: toLong(volume.offset),
		length: toLong(volume.length),
		kind: volume.kind,
		label: volume.label,
		files: toLong(volume.files),
		usedBytes: toLong(volume.usedBytes),
		freeBytes: toLong(volume.freeBytes),
	};
}

/** Who was logged in and what packages did, for the header. */
export function causesToWire(causes: Causes | undefined): Pick<wire.v1.IChangesetHeader, "sessions" | "packages"> {
	return {
		sessions: (causes?.sessions ?? []).slice(-MAX_SESSIONS).map(({ user, tty, host, from, to }) => {
			return { user: clip(user), tty: clip(tty), host: clip(host), from, to: to ?? 0 };
		}),
		packages: (causes?.packages ?? []).slice(0, MAX_PACKAGE_CHANGES).map(({ key, before, after }) => {
			return { package: clip(key), before: clip(before), after: clip(after) };
		}),
	};
}

function actorToWire(actor: Actor): wire.v1.IActor {
	return {
		time: actor.time,
		count: actor.count,
		action: actor.action,
		user: clip(actor.user),
		account: clip(actor.account),
		host: clip(actor.host),
		tty: clip(actor.tty),
		process: clip(actor.process),
		executable: clip(actor.executable),
		pid: actor.pid,
		source: actor.source,
	};
}

function packageToWire({ package: owner, event, state, explained }: Explanation): wire.v1.IPackageFile {
	return { name: clip(owner.name), version: clip(owner.version), event: event ?? "", state, explained };
}

/** Text that a guest chose, of which a message holds thousands. */
function clip(text: string): string {
	return text.length <= MAX_TEXT ? text : text.slice(0, MAX_TEXT).toWellFormed();
}

function toWire(file: FileChange, causes: FileCauses | undefined): wire.v1.IFileChange {
	return {
		actors: (causes?.actors ?? []).slice(0, MAX_FILE_ACTORS).map(actorToWire),
		package: causes?.package === undefined ? null : packageToWire(causes.package),
		change: KINDS[file.change],
		path: file.path,
		oldPath: file.oldPath ?? "",
		via: (file.via ?? []).slice(-MAX_FILE_VIA),
		type: file.type,
		inode: toLong(file.inode),
		sizeBefore: toLong(file.sizeBefore),
		sizeAfter: toLong(file.sizeAfter),
		changedBytes: toLong(file.changedBytes),
		entropyBefore: file.entropyBefore ?? -1,
		entropyAfter: file.entropyAfter ?? -1,
		uid: file.uid,
		gid: file.gid,
		owner: file.owner,
		group: file.group,
		mode: file.mode,
		mtime: file.mtime,
	};
}
