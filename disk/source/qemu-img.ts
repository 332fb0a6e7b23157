/** What `qemu-img info` says of an image and of the images that it reads from. */
import { execFile } from "node:child_process";
import { z } from "zod";
import { errnoOf, UmbraError } from "../../common/errors.ts";
import { IMAGE_FORMATS, type ImageFormat } from "./image-format.ts";
import { endError, imageOptions, startError } from "./qemu-program.ts";

const PROGRAM = "qemu-img";
/** Headers are all that it reads; a slow disk gets this long. */
const INFO_MS = 60_000;
/** A chain of a thousand images is told in half of it. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

const extentShape = z.object({ filename: z.string(), format: z.string().optional(), "virtual-size": z.number() });
const shape = z.array(
	z.object({
		filename: z.string(),
		format: z.string(),
		"virtual-size": z.number().int().min(0),
		"full-backing-filename": z.string().optional(),
		"backing-filename": z.string().optional(),
		"format-specific": z
			.object({
				data: z.object({ "data-file": z.string().optional(), extents: z.array(extentShape).optional() }).optional(),
			})
			.optional(),
	}),
);

/** An image of a chain as QEMU tells it. */
export interface ToldImage {
	/** As QEMU opened it: a path, or another of its names. */
	readonly name: string;
	/** Also one that is not read here. */
	readonly format: string;
	/** Of the disk, bytes. */
	readonly sizeBytes: number;
	readonly backing: string | undefined;
	/** Of a qcow2 whose contents lie in a file of their own: its name. */
	readonly dataFile: string | undefined;
	/** Of a VMDK: the files that it is made of, and how many bytes of the disk each holds. */
	readonly extents: readonly { readonly name: string; readonly format: string; readonly sizeBytes: number }[];
}

export interface ImageInfo {
	readonly format: ImageFormat;
	/** Of the disk, bytes. */
	readonly sizeBytes: number;
	/** What it reads from where it has nothing itself, as the image says it; a path, or another of QEMU's names. */
	readonly backing: string | undefined;
}

/**
 * The image and those of its backing chain, the image itself first. Takes no lock: what it says of an image in use may be
 * about to change.
 *
 * @throws UmbraError `unavailable` where the program is missing or cannot open one of them, `unsupported` where it says
 * what is not understood; the signal's reason.
 */
export async function toldChain(path: string, format: ImageFormat, signal?: AbortSignal): Promise<ToldImage[]> {
	const options = ["info", "-U", "--backing-chain", "--output=json", "--image-opts", imageOptions(path, format)];
	const answer = await new Promise<string>((resolve, reject) => {
		const limits = { timeout: INFO_MS, maxBuffer: MAX_OUTPUT_BYTES, signal };
		execFile(PROGRAM, options, limits, (error, stdout, stderr) => {
			if (signal?.aborted === true) reject(signal.reason);
			else if (error === null) resolve(stdout);
			else if (errnoOf(error) !== undefined) reject(startError(PROGRAM, path, error));
			else
				reject(
					endError(PROGRAM, path, {
						code: typeof error.code === "number" ? error.code : null,
						signal: error.signal ?? null,
						stderr,
					}),
				);
		});
	});
	const result = shape.safeParse(parseJson(answer));
	if (!result.success) {
		throw new UmbraError("unsupported", `${path}: ${PROGRAM} says what is not understood: ${result.error.message}`, {
			context: { path, structure: `${PROGRAM} info` },
		});
	}
	return result.data.map((image) => {
		const specific = image["format-specific"]?.data;
		return {
			name: image.filename,
			format: image.format,
			sizeBytes: image["virtual-size"],
			backing: image["full-backing-filename"] ?? image["backing-filename"],
			dataFile: specific?.["data-file"],
			extents: (specific?.extents ?? []).map((extent) => ({
				name: extent.filename,
				format: extent.format ?? "",
				sizeBytes: extent["virtual-size"],
			})),
		};
	});
}

/**
 * The same, where all of them have a format that is read here.
 *
 * @throws UmbraError as `toldChain`, and `unsupported` where one has another format.
 */
export async function imageChain(path: string, format: ImageFormat, signal?: AbortSignal): Promise<ImageInfo[]> {
	return (await toldChain(path, format, signal)).map(({ format: told, sizeBytes, backing }) => {
		const found = IMAGE_FORMATS.find((known) => known === told);
		if (found !== undefined) return { format: found, sizeBytes, backing };
		throw new UmbraError("unsupported", `${path}: an image of its chain is ${told}`, {
			context: { path, found: told, wanted: IMAGE_FORMATS.join(", ") },
		});
	});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
