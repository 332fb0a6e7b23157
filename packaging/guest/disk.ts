/** Disk images with a real filesystem on them: made by mke2fs, sfdisk and qemu-img as any user. */
import { constants } from "node:fs";
import { mkdir, mkdtemp, open, rename, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { createRandom } from "../../common/random.ts";
import { littleSystem, type SeedFile } from "./files.ts";
import { runProgram } from "./programs.ts";

export interface DiskOptions {
	/** Virtual size in bytes; the image is sparse. A multiple of 1 MiB. */
	readonly sizeBytes: number;
	readonly format: "raw" | "qcow2";
	/** Default `none`: the filesystem fills the disk. Else it fills the one partition, which starts at 1 MiB. */
	readonly table?: "none" | "mbr" | "gpt";
	/** What is on it. Default: a little system (`littleSystem`). */
	readonly files?: readonly SeedFile[];
	/** The same seed makes the same disk, bit for bit, given the same mke2fs. */
	readonly seed: number;
	/** Further arguments of mke2fs, such as ["-O", "^metadata_csum"] or ["-t", "ext2"]; the last word is theirs. */
	readonly mkfs?: readonly string[];
	readonly signal?: AbortSignal;
}

export interface MadeDisk {
	readonly path: string;
	readonly format: "raw" | "qcow2";
	readonly sizeBytes: number;
	/** Where the filesystem starts, in bytes. */
	readonly filesystemOffset: number;
	readonly files: readonly SeedFile[];
}

const MEBIBYTE = 2 ** 20;
const SECTOR = 512;
/** sfdisk aligns to 1 MiB, and so does everyone since 2010. */
const PARTITION_START = MEBIBYTE;
/** GPT keeps its second copy, 33 sectors, at the end; the last whole MiB holds it. */
const GPT_TAIL = MEBIBYTE;
/** Without it mke2fs gives a large filesystem a journal of up to 1 GiB, and writes it. */
const JOURNAL_MIB = 16;
/** Smaller than that there is no room for the journal. */
const MIN_SIZE = 64 * MEBIBYTE;
const FOLDER_MODE = constants.S_IFDIR | 0o755;
/** mke2fs's clock, in Unix seconds. */
const MADE_AT = Date.UTC(2026, 0, 5) / 1000;

/**
 * Makes the image `path` anew.
 *
 * @throws UmbraError `bad-config` for a size that does not fit, `not-found` where a program is missing, `internal`
 * where one fails.
 */
export async function makeDisk(path: string, options: DiskOptions): Promise<MadeDisk> {
	const { sizeBytes, signal, table = "none", seed } = options;
	if (sizeBytes % MEBIBYTE !== 0 || sizeBytes < MIN_SIZE) {
		throw new UmbraError("bad-config", `a disk of ${sizeBytes} bytes cannot be made`, {
			context: { path, found: sizeBytes, wanted: "whole MiB, at least 64" },
		});
	}
	const files = options.files ?? littleSystem(seed);
	const work = await mkdtemp(`${path}.making-`).catch((cause: unknown) => {
		throw new UmbraError("unavailable", `cannot write beside ${path}: ${messageOf(cause)}`, { cause });
	});
	try {
		const raw = join(work, "disk.raw");
		await (await open(raw, "w")).close();
		await truncate(raw, sizeBytes);
		const filesystemOffset = table === "none" ? 0 : PARTITION_START;
		const filesystemSize = sizeBytes - filesystemOffset - (table === "gpt" ? GPT_TAIL : 0);
		if (table !== "none") await partition(raw, table, filesystemSize, seed, signal);
		await makeFilesystem(raw, filesystemOffset, filesystemSize, join(work, "tree"), files, options);
		await publish(raw, path, options.format, signal);
		return { path, format: options.format, sizeBytes, filesystemOffset, files };
	} finally {
		await rm(work, { recursive: true, force: true });
	}
}

/** An image with nothing on it. @throws UmbraError `internal`, `not-found` as `makeDisk`. */
export async function makeBlankDisk(path: string, sizeBytes: number, format: "raw" | "qcow2"): Promise<void> {
	await runProgram("qemu-img", ["create", "-q", "-f", format, path, String(sizeBytes)]);
}

async function partition(
	raw: string,
	table: "mbr" | "gpt",
	size: number,
	seed: number,
	signal: AbortSignal | undefined,
): Promise<void> {
	const [start, sectors] = [PARTITION_START / SECTOR, size / SECTOR];
	const random = createRandom(seed);
	const script =
		table === "mbr"
			? `label: dos\nlabel-id: 0x${random.bytes(4).toString("hex")}\nstart=${start}, size=${sectors}, type=83, bootable\n`
			: `label: gpt\nlabel-id: ${uuid(random.bytes(16))}\nstart=${start}, size=${sectors}, type=linux, uuid=${uuid(random.bytes(16))}, name=root\n`;
	await runProgram("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", raw], { input: script, ...given(signal) });
}

async function makeFilesystem(
	raw: string,
	offset: number,
	size: number,
	tree: string,
	files: readonly SeedFile[],
	options: DiskOptions,
): Promise<void> {
	await writeTree(tree, files);
	const random = createRandom(options.seed + 1);
	const env = { E2FSPROGS_FAKE_TIME: String(MADE_AT), SOURCE_DATE_EPOCH: String(MADE_AT), MKE2FS_SYNC: "0" };
	// lazy_itable_init=0: or the guest's kernel writes inode tables in the background, for minutes.
	const extended = `offset=${offset},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,nodiscard,hash_seed=${uuid(random.bytes(16))}`;
	await runProgram(
		"mke2fs",
		[
			...["-q", "-F", "-t", "ext4", "-b", "4096", "-J", `size=${JOURNAL_MIB}`, "-E", extended, "-d", tree],
			...["-U", uuid(random.bytes(16)), "-L", "office", ...(options.mkfs ?? []), raw, `${size / 1024}k`],
		],
		{ env, ...given(options.signal) },
	);
	// mke2fs copies modes, owners and times of the tree, which are this user's and now.
	const image = offset === 0 ? raw : `${raw}?offset=${offset}`;
	await runProgram("debugfs", ["-w", "-f", "-", image], { env, input: ownership(files), ...given(options.signal) });
}

async function writeTree(tree: string, files: readonly SeedFile[]): Promise<void> {
	await mkdir(tree);
	for (const { path, content } of files) {
		const target = join(tree, path);
		await mkdir(dirname(target), { recursive: true });
		await writeFile(target, content);
	}
}

/** debugfs commands that set mode, owner and times of everything in `files`, and of the folders on the way. */
function ownership(files: readonly SeedFile[]): string {
	const inodes = new Map([["/", { mode: FOLDER_MODE, uid: 0, gid: 0 }]]);
	for (const { path, mode = 0o644, uid = 0, gid = 0 } of files) {
		for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
			// A folder in a home belongs to who lives there.
			const inHome = dirname(folder) === "/home" || folder.startsWith("/home/");
			if (!inodes.has(folder)) inodes.set(folder, { mode: FOLDER_MODE, uid: inHome ? uid : 0, gid: inHome ? gid : 0 });
		}
		inodes.set(path, { mode: constants.S_IFREG | mode, uid, gid });
	}
	const commands = [...inodes].flatMap(([path, { mode, uid, gid }]) => [
		`sif "${path}" mode 0${mode.toString(8)}`,
		`sif "${path}" uid ${uid}`,
		`sif "${path}" gid ${gid}`,
		...["atime", "ctime", "mtime", "crtime"].map((field) => `sif "${path}" ${field} @${MADE_AT}`),
		...["atime_extra", "ctime_extra", "mtime_extra", "crtime_extra"].map((field) => `sif "${path}" ${field} 0`),
	]);
	return `${commands.join("\n")}\n`;
}

/** The finished image takes its place in one step. */
async function publish(raw: string, path: string, format: DiskOptions["format"], signal?: AbortSignal): Promise<void> {
	if (format === "raw") return await rename(raw, path);
	const draft = `${raw}.qcow2`;
	await runProgram("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", raw, draft], given(signal));
	await rename(draft, path);
}

/** exactOptionalPropertyTypes wants an absent signal absent. */
function given(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
	return signal === undefined ? {} : { signal };
}

function uuid(bytes: Buffer): string {
	return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
