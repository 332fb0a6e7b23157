/** For the tests of this folder: images made by mke2fs, and what e2fsprogs and The Sleuth Kit say of them. */
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, open, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { FileNode, FilesystemScan } from "../filesystem.ts";
import { openFile } from "../source/file.ts";
import type { BlockSource } from "../source/source.ts";

const execute = promisify(execFile);
/** mke2fs, debugfs and mount live here, and not every user's PATH has them. */
const PATH = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;

/** Standard output. Rejects where the program ends with another code than 0 or one of `fine`. */
export async function run(program: string, args: readonly string[], fine: readonly number[] = []): Promise<Buffer> {
	const env = { ...process.env, PATH, LC_ALL: "C", TZ: "UTC" };
	const options = { encoding: "buffer", maxBuffer: 1 << 28, env } as const;
	try {
		return (await execute(program, args, options)).stdout;
	} catch (error) {
		const { code, stdout } = error as { code?: unknown; stdout?: Buffer };
		if (stdout !== undefined && fine.includes(Number(code))) return stdout;
		throw error;
	}
}

/** False, with the test skipped, where a program is missing; in CI that fails the test. */
export async function has(t: TestContext, ...programs: readonly string[]): Promise<boolean> {
	for (const program of programs) {
		const found = PATH.split(delimiter).map((folder) => access(join(folder, program)));
		if ((await Promise.allSettled(found)).some((each) => each.status === "fulfilled")) continue;
		if (process.env["CI"] === "1") throw new Error(`${program} is missing, and nothing may be skipped here`);
		t.skip(`${program} is not installed`);
		return false;
	}
	return true;
}

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await mkdtemp(join(tmpdir(), "umbra-ext-"));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Random numbers that a seed brings back (mulberry32): 0 up to 1. */
export function random(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let value = Math.imul(state ^ (state >>> 15), state | 1);
		value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
		return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
	};
}

export function randomBytes(next: () => number, length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let at = 0; at < length; at++) bytes[at] = Math.floor(next() * 256);
	return bytes;
}

/** A tree with what filesystems treat each in its own way: sizes, holes, links, long and odd names, a large directory. */
export async function makeTree(root: string, holes = true): Promise<void> {
	const next = random(7);
	await mkdir(join(root, "sizes"), { recursive: true });
	for (const size of [0, 1, 59, 60, 61, 100, 150, 159, 160, 161, 1023, 4096, 4097, 70_000, 300_001, 1_500_000]) {
		await writeFile(join(root, "sizes", `${size}.bin`), randomBytes(next, size));
	}
	if (holes) await writeHoles(join(root, "holes"));
	await symlink("sizes/1.bin", join(root, "short-link"));
	await symlink(`sizes/${"x".repeat(53)}`, join(root, "link-of-59+1"));
	await symlink(`${"long/".repeat(60)}target`, join(root, "long-link"));
	await mkdir(join(root, "names"));
	const names = ["straße", "日本語", "with space", "-dash", "back\\slash", "n".repeat(255), "new\nline", "\ufeffbom"];
	for (const name of names) await writeFile(join(root, "names", name), name);
	await writeFile(Buffer.concat([Buffer.from(join(root, "names/bad-")), Buffer.from([0xff, 0xc3, 0x28])]), "not UTF-8");
	await mkdir(join(root, "many"));
	for (let i = 0; i < 400; i++) await writeFile(join(root, "many", `a-file-with-a-longer-name-${i}`), String(i));
	await mkdir(join(root, "deep/er/and/deeper"), { recursive: true });
	await writeFile(join(root, "deep/er/and/deeper/still"), "found");
	await utimes(join(root, "sizes/1.bin"), 1_700_000_000.25, 1_600_000_000.123);
	await utimes(join(root, "sizes/59.bin"), 1_700_000_000, 5_000_000_000.5);
}

async function writeHoles(path: string): Promise<void> {
	await using handle = await open(path, "w");
	await handle.truncate(5_000_000);
	await handle.write("at the begin", 0);
	await handle.write("in the middle", 2_000_000);
}

export async function makeImage(path: string, size: number, options: readonly string[], tree?: string): Promise<void> {
	await writeFile(path, "");
	await truncate(path, size);
	await run("mke2fs", ["-q", "-F", ...options, ...(tree === undefined ? [] : ["-d", tree]), path]);
}

/** Runs commands of debugfs; the output of each, in order. */
export async function debugfs(image: string, commands: readonly string[], write = false): Promise<string[]> {
	await using folder = await temporaryFolder();
	const script = join(folder.path, "commands");
	await writeFile(script, `${commands.join("\n")}\n`);
	const output = (await run("debugfs", [...(write ? ["-w"] : []), "-f", script, image])).toString();
	return output.split(/^debugfs: .*\n/m).slice(1);
}

/** The path of every name, from the links of a scan; the root is "". */
export function pathsOf({ root, links }: FilesystemScan): Map<string, number> {
	const folders = new Map([[root, ""]]);
	const paths = new Map([["", root]]);
	for (const { parent, name, inode } of links) {
		const path = `${folders.get(parent)}/${name}`;
		paths.set(path, inode);
		if (!folders.has(inode)) folders.set(inode, path);
	}
	return paths;
}

/** What tells two states of a filesystem apart, by path. */
export function describeNode(node: FileNode): string {
	const { inode, type, size, mode, uid, gid, nlink, mtime, data } = node;
	return JSON.stringify({ inode, type, size, mode, uid, gid, nlink, mtime, data });
}

export function openImage(path: string): Promise<BlockSource> {
	return openFile(path);
}

/** An image in memory, for tests that damage it. */
export function memorySource(bytes: Buffer): BlockSource {
	return {
		name: "memory",
		size: bytes.length,
		read: async (offset, length) => {
			if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
				throw new RangeError(`a read of ${length} bytes at ${offset} of ${bytes.length}`);
			}
			return Buffer.from(bytes.subarray(offset, offset + length));
		},
		extents: async (offset, length) => [{ offset, length, zero: false }],
		[Symbol.asyncDispose]: async () => {},
	};
}
