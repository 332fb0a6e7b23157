/** For tests: small real ext images, made by mke2fs and changed by debugfs, without root. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openFile } from "../source/file.ts";
import { type DiskTree, readDiskTree, toMachineTree, updateMachineTree } from "../tree.ts";
import { comparePages } from "./compare.ts";
import { type ChangedPages, type DiskChanges, type FileChange, mapChanges, mapMachineChanges } from "./map.ts";

const run = promisify(execFile);
const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, DEBUGFS_PAGER: "__none__" };

export async function tool(name: string, ...args: readonly string[]): Promise<string> {
	const { stdout } = await run(name, args, { env: ENVIRONMENT, maxBuffer: 64 * 1024 * 1024 });
	return stdout;
}

export class TestImage implements AsyncDisposable {
	readonly directory: string;
	readonly path: string;
	#saved = 0;

	constructor(directory: string) {
		this.directory = directory;
		this.path = join(directory, "image.raw");
	}

	/** @param size as mke2fs takes it: "16M". */
	static async create(size: string, ...options: readonly string[]): Promise<TestImage> {
		const image = new TestImage(await mkdtemp(join(tmpdir(), "umbra-map-")));
		await tool("mke2fs", "-q", "-F", ...options, image.path, size);
		return image;
	}

	/** Runs debugfs commands. @throws where one complains. */
	async debugfs(...commands: readonly string[]): Promise<string> {
		const script = join(this.directory, "commands");
		await writeFile(script, `${commands.join("\n")}\n`);
		const { stdout, stderr } = await run("debugfs", ["-w", "-f", script, this.path], {
			env: ENVIRONMENT,
			maxBuffer: 64 * 1024 * 1024,
		});
		const complaint = stderr.split("\n").find((line) => line !== "" && !line.startsWith("debugfs 1."));
		if (complaint !== undefined) throw new Error(`debugfs: ${complaint} in: ${commands.join("; ")}`);
		return stdout;
	}

	/** Writes a file into the image, as a new inode. */
	async write(path: string, content: Uint8Array | string): Promise<void> {
		const local = join(this.directory, "content");
		await writeFile(local, content);
		await this.debugfs(`write ${local} ${path}`);
	}

	/** Keeps the image as it is now. */
	async save(): Promise<string> {
		const copy = join(this.directory, `saved-${++this.#saved}.raw`);
		await copyFile(this.path, copy);
		return copy;
	}

	/** What the map says about the way from a saved image to this one. */
	async changesSince(saved: string): Promise<Mapped> {
		await using before = await openFile(saved);
		await using after = await openFile(this.path);
		const pages = await comparePages(before, after);
		const trees = [await readDiskTree(before), await readDiskTree(after)] as const;
		const changes = mapChanges(trees[0], trees[1], pages);
		const changed = new Map([["", pages]]);
		const updated = await updateMachineTree(toMachineTree(trees[0]), [{ name: "", source: after }], changed);
		const { files } = mapMachineChanges(toMachineTree(trees[0]), updated, changed);
		assert.deepEqual(
			files.map(({ volume, files }) => ({ volume, files })),
			changes.files,
			"a tree that was brought up to date tells the same as one that was read as a whole",
		);
		return { changes, pages, before: trees[0], after: trees[1], files: changes.files.flatMap(({ files }) => files) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.directory, { recursive: true, force: true });
	}
}

export interface Mapped {
	readonly changes: DiskChanges;
	readonly pages: ChangedPages;
	readonly before: DiskTree;
	readonly after: DiskTree;
	readonly files: readonly FileChange[];
}

/** mulberry32: the same numbers for the same seed, everywhere. */
export function randomFrom(seed: number): (below: number) => number {
	let state = seed >>> 0;
	return (below) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
	};
}

export function randomBytes(random: (below: number) => number, length: number): Buffer {
	return Buffer.from(Uint8Array.from({ length }, () => random(256)));
}
