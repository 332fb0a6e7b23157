/**
 * A screen as QEMU writes it (PPM, binary) -> PNG of a bounded size. The guest decides how large its screen is and what is on it: one
 * that would not fit is made smaller, by whole factors. Specifications: netpbm, ppm(5); PNG, W3C second edition.
 */
import { crc32, deflateSync } from "node:zlib";
import { UmbraError } from "../../../common/errors.ts";

/** 8K screens and then some; bounds every allocation below. */
const MAX_PIXELS = 64 * 2 ** 20;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BYTES_PER_PIXEL = 3;
/** Of PNG's filters, the difference to the line above: what is on a screen is mostly the same over many lines. */
const FILTER_UP = 2;
/** Smaller ones say nothing any more. */
const MAX_FACTOR = 64;

export interface Picture {
	readonly width: number;
	readonly height: number;
	/** Red, green and blue of each, line by line from the top. */
	readonly pixels: Buffer;
}

/** @throws UmbraError `corrupt` for what is no such file, `limit` for more pixels than any screen has. */
export function parsePpm(file: Buffer): Picture {
	const [, width, height, most] =
		/^P6\s+(\d{1,7})\s+(\d{1,7})\s+(\d{1,5})\s/.exec(file.toString("latin1", 0, 64)) ?? [];
	const head = /^P6\s+\d+\s+\d+\s+\d+\s/.exec(file.toString("latin1", 0, 64))?.[0].length ?? 0;
	const [columns, lines] = [Number(width), Number(height)];
	if (!(columns > 0 && lines > 0) || most !== "255") {
		throw new UmbraError("corrupt", "a screen that is no PPM file of 8 bits a colour", {
			context: { structure: "ppm", offset: 0, found: file.toString("latin1", 0, 20) },
		});
	}
	if (columns * lines > MAX_PIXELS) {
		throw new UmbraError("limit", `a screen of ${columns} x ${lines} pixels`, {
			context: { structure: "ppm", found: columns * lines, wanted: MAX_PIXELS },
		});
	}
	const bytes = columns * lines * BYTES_PER_PIXEL;
	if (file.length - head < bytes) {
		throw new UmbraError("corrupt", `a screen of ${columns} x ${lines} pixels in ${file.length} bytes`, {
			context: { structure: "ppm", offset: head, found: file.length - head, wanted: bytes },
		});
	}
	return { width: columns, height: lines, pixels: file.subarray(head, head + bytes) };
}

/** @returns at most `maxBytes`; undefined where even the smallest that says something would be larger. */
export function encodePng(picture: Picture, maxBytes: number): Buffer | undefined {
	for (let factor = 1; factor <= MAX_FACTOR; factor *= 2) {
		const png = pngOf(factor === 1 ? picture : smaller(picture, factor));
		if (png.length <= maxBytes) return png;
	}
	return undefined;
}

/** Each square of pixels becomes their mean. */
function smaller({ width, height, pixels }: Picture, factor: number): Picture {
	const [columns, lines] = [Math.max(1, Math.floor(width / factor)), Math.max(1, Math.floor(height / factor))];
	const result = Buffer.alloc(columns * lines * BYTES_PER_PIXEL);
	const stride = width * BYTES_PER_PIXEL;
	for (let line = 0; line < lines; line++) {
		for (let column = 0; column < columns; column++) {
			for (let colour = 0; colour < BYTES_PER_PIXEL; colour++) {
				let [sum, count] = [0, 0];
				for (let y = line * factor; y < Math.min(height, (line + 1) * factor); y++) {
					for (let x = column * factor; x < Math.min(width, (column + 1) * factor); x++, count++) {
						sum += pixels[y * stride + x * BYTES_PER_PIXEL + colour] ?? 0;
					}
				}
				result[(line * columns + column) * BYTES_PER_PIXEL + colour] = Math.round(sum / count);
			}
		}
	}
	return { width: columns, height: lines, pixels: result };
}

function pngOf({ width, height, pixels }: Picture): Buffer {
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	// 8 bits a colour, three colours, the only compression and filter method there are, not interlaced.
	header.set([8, 2, 0, 0, 0], 8);
	const stride = width * BYTES_PER_PIXEL;
	const filtered = Buffer.alloc((stride + 1) * height);
	for (let line = 0; line < height; line++) {
		const at = line * (stride + 1);
		filtered[at] = FILTER_UP;
		for (let column = 0; column < stride; column++) {
			const above = line === 0 ? 0 : (pixels[(line - 1) * stride + column] ?? 0);
			filtered[at + 1 + column] = (pixels[line * stride + column] ?? 0) - above;
		}
	}
	const data = deflateSync(filtered, { level: 6 });
	return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
	const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
	length.writeUInt32BE(data.length);
	sum.writeUInt32BE(crc32(body));
	return Buffer.concat([length, body, sum]);
}
