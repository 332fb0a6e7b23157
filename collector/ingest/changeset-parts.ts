/** `BlockRun` and `FileChanges` -> checked runs and records. Pure, but for the place where each disk stands. */
import { NAME_SIZE } from "../../common/block.ts";
import { MAX_FILE_ACTORS, MAX_FILE_VIA, MAX_PART_FILES, MAX_RUN_BLOCKS, v1, type wire } from "../../proto/service.ts";
import type { ActorRecord, FileChangeKind, FileChangeRecord, PackageFileRecord } from "../catalog/records.ts";
import { type CheckedHeader, MAX_NAME_LENGTH, partKey } from "./changeset-header.ts";
import {
	checkCount,
	checkEntropy,
	checkFinite,
	checkLength,
	checkName,
	checkPath,
	checkText,
	cleanText,
	wrong,
	wrongText,
} from "./fields.ts";

/** PATH_MAX with every byte written as `\xNN`. */
const MAX_PATH_LENGTH = 4096 * 4;
/** Of a whole changeset: every file of a large server. */
export const MAX_CHANGESET_FILES = 4 * 1024 * 1024;

export interface CheckedRun {
	/** The disk's id, or that of a part of the state. */
	readonly key: string;
	readonly firstBlock: number;
	/** 32 bytes a block. */
	readonly names: Uint8Array;
}

const KINDS: Readonly<Record<number, FileChangeKind>> = {
	[v1.FileChangeKind.FILE_CHANGE_CREATED]: "created",
	[v1.FileChangeKind.FILE_CHANGE_MODIFIED]: "modified",
	[v1.FileChangeKind.FILE_CHANGE_DELETED]: "deleted",
	[v1.FileChangeKind.FILE_CHANGE_RENAMED]: "renamed",
	[v1.FileChangeKind.FILE_CHANGE_METADATA]: "metadata",
	[v1.FileChangeKind.FILE_CHANGE_TRANSIENT]: "transient",
};

const TYPES = new Set(["file", "dir", "symlink", "char", "block", "fifo", "socket"]);

/** Checks the parts of one changeset, in the order they arrive. */
export class PartChecker {
	readonly #blocks: ReadonlyMap<string, number>;
	readonly #disks: ReadonlySet<string>;
	/** The first block of each disk that may still come. */
	readonly #next = new Map<string, number>();
	#files = 0;

	constructor(header: CheckedHeader) {
		const parts = Object.values(header.state?.parts ?? {});
		this.#disks = new Set(header.disks.map(({ disk }) => disk));
		this.#blocks = new Map([
			...header.disks.map(({ disk, blocks }) => [disk, blocks] as const),
			...parts.map(({ key, blocks }) => [key, blocks] as const),
		]);
	}

	get fileCount(): number {
		return this.#files;
	}

	/** @throws UmbraError `corrupt` that names the first wrong field. */
	blocks(run: wire.v1.BlockRun.$Properties): CheckedRun {
		const key = run.part ? partKey("blocks.part", run.part) : checkName("blocks.disk", run.disk, MAX_NAME_LENGTH);
		const blocks = this.#blocks.get(key);
		if (blocks === undefined) {
			if (run.part) throw wrong("blocks.part", run.part, "a part of the header's state");
			throw wrongText("blocks.disk", key, "a disk of the header");
		}
		const names = run.names ?? new Uint8Array();
		const count = names.length / NAME_SIZE;
		if (!Number.isInteger(count) || count === 0 || count > MAX_RUN_BLOCKS) {
			throw wrong("blocks.names", `${names.length} bytes`, `1 to ${MAX_RUN_BLOCKS} names of ${NAME_SIZE} bytes`);
		}
		const entropies = run.entropy?.length ?? 0;
		if (entropies !== 0 && entropies !== count) {
			throw wrong("blocks.entropy", `${entropies} bytes`, `one a block, ${count}`);
		}
		const firstBlock = checkCount("blocks.first_block", run.firstBlock);
		const next = this.#next.get(key) ?? 0;
		if (firstBlock < next) throw wrong("blocks.first_block", firstBlock, `ascending order, ${next} or later`);
		if (firstBlock + count > blocks) {
			throw wrong("blocks.first_block", `${firstBlock} and ${count} blocks`, `the end within the disk's ${blocks}`);
		}
		this.#next.set(key, firstBlock + count);
		return { key, firstBlock, names };
	}

	/** @throws UmbraError `corrupt` that names the first wrong field. */
	files(part: wire.v1.FileChanges.$Properties): FileChangeRecord[] {
		const disk = checkName("files.disk", part.disk, MAX_NAME_LENGTH);
		if (!this.#disks.has(disk)) throw wrongText("files.disk", disk, "a disk of the header");
		const volume = checkText("files.volume", part.volume, MAX_NAME_LENGTH);
		const files = part.files ?? [];
		checkLength("files.files", files.length, MAX_PART_FILES);
		this.#files += files.length;
		checkLength("files.files of the whole changeset", this.#files, MAX_CHANGESET_FILES);
		return files.map((file, at) => checkFile(`files.files[${at}]`, disk, volume, file));
	}
}

function checkFile(
	field: string,
	disk: string,
	volume: string,
	file: wire.v1.FileChange.$Properties,
): FileChangeRecord {
	const change = KINDS[file.change ?? 0];
	if (change === undefined) throw wrong(`${field}.change`, file.change ?? 0, "1 to 6");
	const type = file.type ?? "";
	if (!TYPES.has(type)) throw wrongText(`${field}.type`, type, [...TYPES].join(", "));
	const path = checkPath(`${field}.path`, file.path, MAX_PATH_LENGTH);
	const hasOldPath = change === "renamed" || ((change === "created" || change === "transient") && file.oldPath);
	const via = file.via ?? [];
	checkLength(`${field}.via`, via.length, MAX_FILE_VIA);
	const actors = file.actors ?? [];
	checkLength(`${field}.actors`, actors.length, MAX_FILE_ACTORS);
	return {
		disk,
		volume,
		change,
		path,
		...(hasOldPath ? { oldPath: checkPath(`${field}.old_path`, file.oldPath, MAX_PATH_LENGTH) } : {}),
		...(via.length > 0 ? { via: via.map((each, at) => checkPath(`${field}.via[${at}]`, each, MAX_PATH_LENGTH)) } : {}),
		type,
		inode: checkCount(`${field}.inode`, file.inode),
		sizeBefore: checkCount(`${field}.size_before`, file.sizeBefore),
		sizeAfter: checkCount(`${field}.size_after`, file.sizeAfter),
		changedBytes: checkCount(`${field}.changed_bytes`, file.changedBytes),
		entropyBefore: checkEntropy(`${field}.entropy_before`, file.entropyBefore),
		entropyAfter: checkEntropy(`${field}.entropy_after`, file.entropyAfter),
		uid: file.uid ?? 0,
		gid: file.gid ?? 0,
		// From the guest's own passwd: anything at all.
		owner: cleanText(file.owner, MAX_NAME_LENGTH),
		group: cleanText(file.group, MAX_NAME_LENGTH),
		mode: file.mode ?? 0,
		mtime: checkFinite(`${field}.mtime`, file.mtime),
		...(actors.length > 0 ? { actors: actors.map((actor, at) => checkActor(`${field}.actors[${at}]`, actor)) } : {}),
		...(file.package ? { package: checkPackageFile(file.package) } : {}),
	};
}

/** From the guest's own logs: any text at all. */
function checkActor(field: string, actor: wire.v1.Actor.$Properties): ActorRecord {
	return {
		time: checkFinite(`${field}.time`, actor.time),
		count: actor.count ?? 0,
		action: cleanText(actor.action, MAX_NAME_LENGTH),
		user: cleanText(actor.user, MAX_NAME_LENGTH),
		account: cleanText(actor.account, MAX_NAME_LENGTH),
		host: cleanText(actor.host, MAX_NAME_LENGTH),
		tty: cleanText(actor.tty, MAX_NAME_LENGTH),
		process: cleanText(actor.process, MAX_NAME_LENGTH),
		executable: cleanText(actor.executable, MAX_PATH_LENGTH),
		pid: actor.pid ?? 0,
		source: cleanText(actor.source, MAX_NAME_LENGTH),
	};
}

function checkPackageFile(file: wire.v1.PackageFile.$Properties): PackageFileRecord {
	return {
		name: cleanText(file.name, MAX_NAME_LENGTH),
		version: cleanText(file.version, MAX_NAME_LENGTH),
		event: cleanText(file.event, MAX_NAME_LENGTH),
		state: cleanText(file.state, MAX_NAME_LENGTH),
		explained: file.explained ?? false,
	};
}
