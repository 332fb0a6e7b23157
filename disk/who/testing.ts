/** For the tests of this folder: files of a guest that are nowhere but in memory, and the programs that tell the truth. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { GuestFiles, type RangeReader, ReadBudget } from "./guest-files.ts";
import { type GuestVolume, MountTable } from "./mounts.ts";

const execute = promisify(execFile);
const MIB = 1 << 20;

/** Standard output. Rejects where the program fails. */
export async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Buffer> {
	const options = {
		encoding: "buffer",
		maxBuffer: 64 * MIB,
		env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, LC_ALL: "C", TZ: "UTC", ...env },
	} as const;
	return (await execute(program, args, options)).stdout;
}

export function memoryReader(bytes: Buffer, path = "memory"): RangeReader {
	return { path, size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

/** A filesystem of these files, by their absolute paths, and the folders on the way. */
export function memoryFilesystem(
	contents: Readonly<Record<string, Buffer | string>>,
	change: Partial<Pick<Filesystem, "kind" | "label" | "uuid">> = {},
): Filesystem {
	const paths = new Set(["/"]);
	for (const path of Object.keys(contents)) {
		for (let at = path.indexOf("/", 1); at !== -1; at = path.indexOf("/", at + 1)) paths.add(path.slice(0, at));
		paths.add(path);
	}
	const inodes = [...paths];
	const files = new Map(
		Object.entries(contents).map(([path, content]) => [
			path,
			typeof content === "string" ? Buffer.from(content) : content,
		]),
	);
	const bytesOf = (path: string): Buffer | undefined => files.get(path);
	const toNode = (inode: number): FileNode => {
		const bytes = bytesOf(inodes[inode]!);
		const type = bytes === undefined ? "dir" : "file";
		const fixed = { generation: 0, mode: 0, uid: 0, gid: 0, nlink: 1, mtime: 0, ctime: 0, data: [], meta: [] };
		return { ...fixed, inode, type, size: bytes?.length ?? 0 };
	};
	return {
		...{ kind: "ext4", label: "", uuid: "", blockSize: 4096, usedBytes: 0, freeBytes: 0, root: 0, problems: [] },
		...change,
		scan: () => Promise.reject(new Error("not asked for")),
		readLink: () => Promise.reject(new Error("not asked for")),
		lookup: async (path) => {
			const inode = inodes.indexOf(path);
			if (inode === -1) throw new UmbraError("not-found", path);
			return toNode(inode);
		},
		node: async (inode) => toNode(inode),
		readDirectory: async ({ inode: folder }) => {
			const prefix = folder === 0 ? "/" : `${inodes[folder]}/`;
			return inodes.flatMap((path, inode) => {
				const name = path.startsWith(prefix) ? path.slice(prefix.length) : "";
				return name === "" || name.includes("/") ? [] : [{ name, inode }];
			});
		},
		readFile: async ({ inode }, offset, length) => bytesOf(inodes[inode]!)!.subarray(offset, offset + length),
	};
}

export function memoryVolume(id: string, filesystem: Filesystem, disk = 0): GuestVolume {
	return { disk, id, filesystem };
}

/** A guest with one filesystem. */
export function memoryGuest(contents: Readonly<Record<string, Buffer | string>>, budget = 32 * MIB): GuestFiles {
	const volumes = [memoryVolume("1", memoryFilesystem(contents))];
	return new GuestFiles(new MountTable(volumes, [{ point: "/", volume: 0, base: "/" }]), new ReadBudget(budget));
}

/** What ausearch says of an event, in the words of `AuditEvent`. */
export interface AusearchEvent {
	readonly time: number;
	readonly serial: number;
	readonly syscall: string;
	readonly success: boolean;
	readonly pid: number;
	readonly ppid: number;
	/** Names or numbers, as ausearch interprets them. */
	readonly auid: string;
	readonly uid: string;
	readonly comm: string;
	readonly exe: string;
	readonly cwd: string;
	readonly paths: readonly { readonly name: string; readonly nametype: string; readonly inode: number | undefined }[];
}

/** The events of a log that name paths, by auditd's own reader. */
export async function ausearch(log: string): Promise<AusearchEvent[]> {
	const text = (await run("ausearch", ["--interpret", "--input", log])).toString();
	return text.split("----\n").flatMap((block) => {
		const lines = block.split("\n");
		const record = (type: string): string => lines.find((line) => line.startsWith(`type=${type} `)) ?? "";
		const syscall = record("SYSCALL");
		const paths = lines.filter((line) => line.startsWith("type=PATH ")).reverse();
		if (syscall === "" || paths.length === 0) return [];
		const field = (name: string): string => new RegExp(` ${name}=(\\S+)`).exec(syscall)?.[1] ?? "";
		const [, month, day, year, clock, serial] = /msg=audit\((\d+)\/(\d+)\/(\d+) ([\d:.]+):(\d+)\)/.exec(syscall)!;
		return {
			time: Date.parse(`20${year}-${month}-${day}T${clock}Z`) / 1000,
			serial: Number(serial),
			syscall: field("syscall"),
			success: field("success") === "yes",
			...{ pid: Number(field("pid")), ppid: Number(field("ppid")), auid: field("auid"), uid: field("uid") },
			...{ comm: field("comm"), exe: field("exe"), cwd: / cwd=(.*?) ?$/.exec(record("CWD"))?.[1] ?? "" },
			paths: paths.map((line) => {
				const inode = / inode=(\d+)/.exec(line)?.[1];
				return {
					name: / name=(.*?) (?:inode|nametype)=/.exec(line)![1]!,
					nametype: / nametype=(\S+)/.exec(line)![1]!,
					inode: inode === undefined ? undefined : Number(inode),
				};
			}),
		};
	});
}

/** Writes journals as journald does, from the export format of systemd.io/JOURNAL_EXPORT_FORMATS. */
export const JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote";

export interface JournalSeed {
	/** Seconds since 1970. */
	readonly time: number;
	/** 32 hex digits. */
	readonly boot: string;
	readonly fields: Readonly<Record<string, string | Buffer>>;
}

function exported(entries: readonly JournalSeed[]): Buffer {
	const parts = entries.map(({ time, boot, fields }) => {
		const head = `__REALTIME_TIMESTAMP=${Math.round(time * 1e6)}\n__MONOTONIC_TIMESTAMP=${Math.round(time * 1e3)}\n_BOOT_ID=${boot}\n`;
		const body = Object.entries(fields).flatMap(([name, value]) => {
			const bytes = Buffer.from(value);
			const length = Buffer.alloc(8);
			length.writeBigUInt64LE(BigInt(bytes.length));
			return [Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")];
		});
		return Buffer.concat([Buffer.from(head), ...body, Buffer.from("\n")]);
	});
	return Buffer.concat(parts);
}

/** The path of a new journal of these entries. @param env such as SYSTEMD_JOURNAL_COMPACT=1. */
export async function makeJournal(
	folder: string,
	entries: readonly JournalSeed[],
	env: NodeJS.ProcessEnv = {},
): Promise<string> {
	const path = `${folder}/made-${randomUUID()}.journal`;
	await writeFile(`${folder}/export`, exported(entries));
	await run(JOURNAL_REMOTE, ["-o", path, `${folder}/export`], env);
	return path;
}
