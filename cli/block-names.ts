/**
 * The names of the blocks of images: `umbra scan` keeps them, `umbra diff` then need not read what is the same in both.
 *
 * They are believed only while the image's file is the very one that was scanned: device, inode, size, mtime and ctime.
 * The first line of a kept file tells these, then come the names, then the BLAKE3 of all that (docs/formats.md).
 */
import { constants } from "node:fs";
import { open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_SIZE, blake3Name, NAME_SIZE } from "../common/block.ts";
import type { Ranges } from "../disk/filesystem.ts";
import { appendRange } from "../disk/parser/ranges.ts";
import { isSingleFile, MAGIC_BYTES } from "../disk/source/image-format.ts";
import { cacheFolder } from "./cache-folder.ts";

const FOLDER = "block-names";
/** Of one image: the names of 512 GiB. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
/** Of all images together; the oldest go first. */
const MAX_FOLDER_BYTES = 2 ** 30;
const HEADER = "umbra block names 1";
/** A later change of the image could bear the same time: kernels count it in ticks of at most 10 ms, some file systems in 2 s. */
const FINE_TICK_NS = 50_000_000n;
const COARSE_TICK_NS = 2_000_000_000n;
const MILLISECOND_NS = 1_000_000n;

/** What tells an image's file from any that it was or will be. */
export interface ImageState {
	/** Of the file that the names are kept in. */
	readonly key: string;
	readonly text: string;
	readonly ctimeNs: bigint;
}

/** Undefined where a file's times do not tell all changes: devices, NBD exports, images that name further files. */
export async function imageState(image: string): Promise<ImageState | undefined> {
	try {
		await using file = await open(image, constants.O_RDONLY | constants.O_NONBLOCK);
		const { dev, ino, size, mtimeNs, ctimeNs, ...stats } = await file.stat({ bigint: true });
		if ((stats.mode & BigInt(constants.S_IFMT)) !== BigInt(constants.S_IFREG)) return undefined;
		const head = new Uint8Array(MAGIC_BYTES);
		const { bytesRead } = await file.read(head, 0, MAGIC_BYTES, 0);
		if (!isSingleFile(head.subarray(0, bytesRead))) return undefined;
		return { key: `${dev}-${ino}`, text: [dev, ino, size, mtimeNs, ctimeNs].join(" "), ctimeNs };
	} catch {
		return undefined; // whoever opens the image says why
	}
}

/** Gathers the names while an image is scanned. */
export class BlockNameKeeper {
	readonly #image: string;
	readonly #before: ImageState | undefined;
	readonly #startNs: bigint;
	readonly #pieces: { readonly first: number; readonly names: Uint8Array }[] = [];
	#bytes = 0;

	private constructor(image: string, before: ImageState | undefined) {
		this.#image = image;
		this.#before = before;
		this.#startNs = BigInt(Date.now()) * MILLISECOND_NS;
	}

	/** To be called before the image is read. */
	static async start(image: string): Promise<BlockNameKeeper> {
		return new BlockNameKeeper(image, await imageState(image));
	}

	add(first: number, names: Uint8Array): void {
		if (this.#before === undefined || this.#bytes > MAX_FILE_BYTES) return;
		this.#bytes += names.length;
		this.#pieces.push({ first, names });
	}

	/** Keeps the names, where the image did not change meanwhile. @returns how many bytes they are; 0 where they are not kept. */
	async keep(): Promise<number> {
		const before = this.#before;
		if (before === undefined || this.#bytes > MAX_FILE_BYTES || !isSettled(before, this.#startNs)) return 0;
		if ((await imageState(this.#image))?.text !== before.text) return 0;
		const folder = cacheFolder(FOLDER);
		if (folder === undefined) return 0;
		const header = Buffer.from(`${HEADER} ${before.text}\n`);
		const bytes = Buffer.alloc(header.length + this.#bytes);
		header.copy(bytes);
		for (const { first, names } of this.#pieces) bytes.set(names, header.length + first * NAME_SIZE);
		const path = join(folder, before.key);
		const temporary = `${path}.${process.pid}.tmp`;
		try {
			await makeRoom(folder, bytes.length);
			await writeFile(temporary, [bytes, blake3Name(bytes)], { mode: 0o600 });
			await rename(temporary, path);
			return bytes.length;
		} catch {
			await rm(temporary, { force: true }).catch(() => undefined);
			return 0; // nothing is lost but time
		}
	}
}

/** Whether a change after `now` must bear another time. */
function isSettled({ ctimeNs }: ImageState, now: bigint): boolean {
	const tick = ctimeNs % MILLISECOND_NS === 0n ? COARSE_TICK_NS : FINE_TICK_NS;
	return now - ctimeNs > tick;
}

async function makeRoom(folder: string, wanted: number): Promise<void> {
	const files = await Promise.all(
		(await readdir(folder)).map(async (name) => {
			const path = join(folder, name);
			const { size, mtimeMs } = await stat(path);
			return { path, size, mtimeMs };
		}),
	);
	files.sort((a, b) => b.mtimeMs - a.mtimeMs);
	let total = wanted;
	for (const { path, size } of files) {
		total += size;
		if (total > MAX_FOLDER_BYTES) await rm(path, { force: true });
	}
}

/** The names of an image's blocks, 32 bytes each; undefined where they are not known, or not of the image as it is now. */
export async function knownBlockNames(image: string): Promise<Buffer | undefined> {
	const state = await imageState(image);
	const folder = state === undefined ? undefined : cacheFolder(FOLDER);
	if (state === undefined || folder === undefined) return undefined;
	try {
		const path = join(folder, state.key);
		if ((await stat(path)).size > 2 * MAX_FILE_BYTES) return undefined;
		const bytes = await readFile(path);
		const header = `${HEADER} ${state.text}\n`;
		const end = bytes.length - NAME_SIZE;
		if (end < header.length || bytes.toString("latin1", 0, header.length) !== header) return undefined;
		if (Buffer.compare(blake3Name(bytes.subarray(0, end)), bytes.subarray(end)) !== 0) return undefined;
		return bytes.subarray(header.length, end);
	} catch {
		return undefined; // not kept, or not whole
	}
}

/** Where two disks with these block names differ; blocks that one of them lacks count as zeroes. */
export function differingBlocks(before: Buffer, after: Buffer): Ranges {
	const length = Math.max(before.length, after.length);
	const padded = (names: Buffer): Buffer => (names.length === length ? names : Buffer.concat([names], length));
	const old = padded(before);
	const now = padded(after);
	const ranges: number[] = [];
	for (let at = 0; at < length; at += NAME_SIZE) {
		if (old.compare(now, at, at + NAME_SIZE, at, at + NAME_SIZE) === 0) continue;
		appendRange(ranges, (at / NAME_SIZE) * BLOCK_SIZE, BLOCK_SIZE);
	}
	return ranges;
}
