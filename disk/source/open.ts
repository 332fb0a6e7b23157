/** Opens what an operator calls an image: a file in any format, a block device, an NBD export. */

import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { openFile, translateFileError } from "./file.ts";
import { detectFormat, type ImageFormat, MAGIC_BYTES } from "./image-format.ts";
import { isNbdUri, parseNbdUri } from "./nbd/uri.ts";
import type { BlockSource } from "./source.ts";

export interface OpenImageOptions {
	/** The format, where the caller knows it; else it is told from the first bytes. */
	readonly format?: ImageFormat;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Trust: an image that an operator names may name further files of this host (a backing file, the
 * extents of a VMDK), and qemu opens them. A guest's own disk must not have that power, and a guest
 * can write any magic number into its first sector. So a block device and a file called `*.raw` are
 * raw whatever they begin with, an NBD export is only ever read as plain bytes, and for any other
 * raw file of unknown origin the caller states `format: "raw"`.
 *
 * @throws UmbraError `not-found`, `denied`, `bad-config` (a malformed URI), `unsupported`, `conflict`
 * (a running VM holds the image), `truncated` (a file of it ends too early), `corrupt`, or `unavailable`; the signal's reason where it fires.
 */
export async function openImage(path: string, options: OpenImageOptions = {}): Promise<BlockSource> {
	const { signal } = options;
	signal?.throwIfAborted();
	if (isNbdUri(path)) {
		const target = parseNbdUri(path);
		const { BASE_ALLOCATION, NbdClient, nbdSource } = await import("./nbd/client.ts");
		const client = await NbdClient.connect({
			...target,
			contexts: [BASE_ALLOCATION],
			signal,
		});
		return nbdSource(client, path);
	}
	await using opened = new AsyncDisposableStack();
	const file = opened.use(await openFile(path));
	const format = options.format ?? (await guessFormat(path, file, signal));
	if (format !== "raw") {
		const { openWithQemuNbd } = await import("./qemu-nbd.ts");
		return await openWithQemuNbd(path, { format, signal });
	}
	opened.move();
	return file;
}

/** As `openImage` tells it. @throws UmbraError where the file cannot be read. */
export async function guessFormat(path: string, file: BlockSource, signal?: AbortSignal): Promise<ImageFormat> {
	if (extname(path).toLowerCase() === ".raw") return "raw";
	try {
		if ((await stat(path)).isBlockDevice()) return "raw";
	} catch (error) {
		throw translateFileError(path, error);
	}
	return detectFormat(await file.read(0, Math.min(MAGIC_BYTES, file.size), signal));
}
