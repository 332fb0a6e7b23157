/** For the tests of this folder: volumes made by mkntfs and filled through ntfs-3g, and what The Sleuth Kit says of them. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open, stat, truncate, writeFile } from "node:fs/promises";
import { type Needs, needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { run } from "../ext/testing.ts";

export { memorySource, openImage, pathsOf, random, randomBytes, run } from "../ext/testing.ts";

/** As `needs`, and that a filesystem can be mounted through FUSE. */
export function needsNtfs(...programs: readonly string[]): Needs {
	const found = needs("mkntfs", "ntfs-3g", "umount", ...programs);
	if (found.skip !== false) return found;
	const reason = process.getuid?.() !== 0 ? "root is needed to mount" : existsSync("/dev/fuse") ? "" : "no /dev/fuse";
	if (reason === "") return found;
	if ((process.env["CI"] ?? "") !== "") throw new Error(`${reason}, and nothing may be skipped here`);
	return { skip: reason };
}

export async function makeVolume(path: string, size: number, options: readonly string[] = []): Promise<void> {
	await writeFile(path, "");
	await truncate(path, size);
	await run("mkntfs", ["--force", "--quick", "--quiet", ...options, path]);
}

/** A mounted volume; disposing of it waits until all is written. */
export interface Mount extends AsyncDisposable {
	readonly path: string;
	/** A path in it. */
	at(name: string): string;
}

/** Streams are `file:stream`, as on Windows. */
export async function mount(image: string, options: readonly string[] = []): Promise<Mount> {
	const folder: TempFolder = await tempFolder();
	const before = (await stat(folder.path)).dev;
	const all = ["no_detach", "streams_interface=windows", "efs_raw", ...options].join(",");
	const child: ChildProcess = spawn("ntfs-3g", ["-o", all, image, folder.path], {
		stdio: ["ignore", "ignore", "pipe"],
		env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C.UTF-8" },
	});
	let said = "";
	child.stderr?.on("data", (bytes: Buffer) => {
		said += bytes.toString();
	});
	const finished = new Promise<void>((resolve) => {
		child.once("close", () => resolve());
	});
	await until(
		async () => {
			if (child.exitCode !== null) throw new Error(`ntfs-3g ended: ${said}`);
			return (await stat(folder.path)).dev !== before;
		},
		{ what: `${image} is mounted` },
	);
	return {
		path: folder.path,
		at: (name) => `${folder.path}/${name}`,
		[Symbol.asyncDispose]: async () => {
			await run("umount", [folder.path]);
			await finished;
			await folder[Symbol.asyncDispose]();
		},
	};
}

export async function setAttribute(path: string, name: string, value: Buffer): Promise<void> {
	await run("setfattr", ["-h", "-n", `system.${name}`, "-v", `0x${value.toString("hex")}`, path]);
}

/** FILE_ATTRIBUTE_* flags of a file or directory. */
export async function setFlags(path: string, flags: number): Promise<void> {
	const value = Buffer.alloc(4);
	value.writeUInt32LE(flags);
	await setAttribute(path, "ntfs_attrib", value);
}

/** A REPARSE_DATA_BUFFER of a symlink (relative) or a junction. */
export function reparseData(kind: "symlink" | "junction", target: string, shown = target): Buffer {
	const names = Buffer.from(target + shown, "utf16le");
	const fixed = Buffer.alloc(kind === "symlink" ? 20 : 16);
	fixed.writeUInt32LE(kind === "symlink" ? 0xa000000c : 0xa0000003, 0);
	fixed.writeUInt16LE(fixed.length - 8 + names.length, 4);
	fixed.writeUInt16LE(0, 8);
	fixed.writeUInt16LE(target.length * 2, 10);
	fixed.writeUInt16LE(target.length * 2, 12);
	fixed.writeUInt16LE(shown.length * 2, 14);
	if (kind === "symlink") fixed.writeUInt32LE(1, 16);
	return Buffer.concat([fixed, names]);
}

/** A file in pieces that lie apart: every other cluster of it is a hole. */
export async function writeFragmented(path: string, cluster: number, pieces: number, content: Buffer): Promise<void> {
	await using file = await open(path, "w");

	for (let i = pieces - 1; i >= 0; i--) {
		await file.write(content, i * cluster, cluster, i * 2 * cluster);
	}
}

/** One line of `fls -r -p -m /`. */
export interface TheirFile {
	readonly path: string;
	readonly record: number;
	readonly directory: boolean;
	readonly size: number;
	readonly mtime: number;
	readonly ctime: number;
}

/** All that is not deleted, without the views of indices and $FILE_NAME attributes; by path. */
export async function sleuthkit(image: string): Promise<Map<string, TheirFile>> {
	const files = new Map<string, TheirFile>();
	for (const line of (await run("fls", ["-f", "ntfs", "-r", "-p", "-m", "", image])).toString().split("\n")) {
		if (line === "") continue;
		const fields = line.split("|");
		const [, path = "", id = "", mode = "", , , size, , mtime, ctime] = fields;
		if (path.endsWith(" ($FILE_NAME)") || path.endsWith(" (deleted)") || path.startsWith("/$OrphanFiles")) continue;
		// The streams of a directory it shows again inside it, and inside its children.
		if (/\/\.\.?:/.test(path)) continue;
		const [record, type] = id.split("-");
		if (type === "144" && !mode.startsWith("d/")) continue;
		files.set(path, {
			path,
			record: Number(record),
			// A stream of a directory bears the mark of one too.
			directory: type === "144",
			size: Number(size),
			mtime: Number(mtime),
			ctime: Number(ctime),
		});
	}
	return files;
}

/** What `istat` says of a record: its owner, and the clusters of each $DATA. */
export async function istat(image: string, record: number) {
	const text = (await run("istat", ["-f", "ntfs", image, String(record)])).toString();
	const clusters = new Map<string, number[]>();
	let current: number[] | undefined;
	for (const line of text.slice(text.indexOf("\nAttributes:")).split("\n")) {
		const attribute = /^Type: (\S+) \((\d+)-\d+\) {3}Name: (.*?) {3}(Resident|Non-Resident)/.exec(line);
		if (attribute !== null) {
			current = undefined;
			if (attribute[2] !== "128" || attribute[4] === "Resident") continue;
			current = [];
			clusters.set(attribute[3] === "N/A" ? "" : attribute[3]!, current);
		} else current?.push(...line.trim().split(/\s+/).filter(Boolean).map(Number));
	}
	return { clusters, sid: /^Security ID: \d+ {2}\((S-.*)\)/m.exec(text)?.[1] };
}

/** One record of a change journal. */
export interface JournalChange {
	readonly inode: number;
	readonly name: string;
	readonly reason: number;
	readonly generation?: number;
	readonly parent?: number;
	readonly parentGeneration?: number;
	readonly directory?: boolean;
	readonly version?: 2 | 3;
}

/** Seconds since 1970, of every record that `makeJournal` makes. */
export const JOURNAL_TIME = 1_700_000_000;

/** Records as Windows writes them: none crosses a page. */
export function makeJournal(changes: readonly JournalChange[], start = 0): Buffer {
	const bytes = Buffer.alloc(Math.ceil((changes.length * 256) / 4096 + 1) * 4096);
	let at = 0;
	for (const change of changes) {
		const { inode, generation = 3, parent = 5, parentGeneration = 7, directory = false, version = 2 } = change;
		const { name, reason } = change;
		const wide = version === 3 ? 8 : 0;
		const fixed = 60 + 2 * wide;
		const length = Math.ceil((fixed + 2 * name.length) / 8) * 8;
		if (Math.floor(at / 4096) !== Math.floor((at + length - 1) / 4096)) at = Math.ceil(at / 4096) * 4096;
		bytes.writeUInt32LE(length, at);
		bytes.writeUInt16LE(version, at + 4);
		bytes.writeUInt32LE(inode, at + 8);
		bytes.writeUInt16LE(generation, at + 14);
		bytes.writeUInt32LE(parent, at + 16 + wide);
		bytes.writeUInt16LE(parentGeneration, at + 22 + wide);
		const rest = at + 2 * wide;
		bytes.writeBigInt64LE(BigInt(start + at), rest + 24);
		bytes.writeBigUInt64LE(BigInt(JOURNAL_TIME + 11_644_473_600) * 10_000_000n, rest + 32);
		bytes.writeUInt32LE(reason, rest + 40);
		bytes.writeUInt32LE(directory ? 0x10 : 0x20, rest + 52);
		bytes.writeUInt16LE(2 * name.length, rest + 56);
		bytes.writeUInt16LE(fixed, rest + 58);
		bytes.write(name, at + fixed, "utf16le");
		at += length;
	}
	return bytes.subarray(0, Math.ceil(at / 4096) * 4096);
}

/**
 * Gives a volume a change journal without records: ntfs-3g keeps none, and its tool for single files is all that creates
 * one in $Extend. Another `id` on a volume that has one stands for a journal that was made anew.
 */
export async function makeUsnJournal(image: string, id: bigint): Promise<void> {
	await using folder = await tempFolder();
	const limits = Buffer.alloc(32);
	limits.writeBigUInt64LE(32n << 20n, 0);
	limits.writeBigUInt64LE(8n << 20n, 8);
	limits.writeBigUInt64LE(id, 16);
	for (const [stream, content] of [
		["$J", Buffer.alloc(0)],
		["$Max", limits],
	] as const) {
		await writeFile(folder.file("content"), content);
		await run("ntfscp", ["-q", "-N", stream, image, folder.file("content"), "/$Extend/$UsnJrnl"]);
	}
}

/** Writes `bytes` into the journal, at a USN that may leave a hole before it. */
export async function writeUsnJournal(image: string, bytes: Buffer, usn: number): Promise<void> {
	await using volume = await mount(image, ["show_sys_files"]);
	await using stream = await open(volume.at("$Extend/$UsnJrnl:$J"), "r+");
	await stream.write(bytes, 0, bytes.length, usn);
}
