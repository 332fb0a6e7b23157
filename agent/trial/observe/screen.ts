/** What is on a clone's screen, as PNG in its folder. */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import type { Screen } from "../../../common/trial/report.ts";
import type { Clone } from "../clone.ts";
import { encodePng, parsePpm } from "./png.ts";
import { within } from "./within.ts";

/** A stuck display must not hold up what else is to be looked at. */
const SCREEN_MS = 5000;
/** Of a PNG file: two or three of them are a small part of a report. */
const MAX_PNG_BYTES = 128 * 1024;
/** 64 million pixels and a header. */
const MAX_FILE_BYTES = 200 * 2 ** 20;
const FILE = "screen.ppm";

/**
 * @param atMs from the beginning of the trial
 * @returns undefined where the machine has no display
 * @throws UmbraError `unavailable`, `corrupt`, `limit`.
 */
export async function takeScreen({ qmp, folder }: Clone, atMs: number): Promise<Screen | undefined> {
	const path = join(folder, FILE);
	try {
		// QEMU's folder is the clone's.
		await within(SCREEN_MS, qmp.execute("screendump", { filename: FILE }), "screendump");
		const { size } = await stat(path);
		if (size > MAX_FILE_BYTES) throw new UmbraError("limit", `a screen of ${size} bytes`);
		const png = encodePng(parsePpm(await readFile(path)), MAX_PNG_BYTES);
		if (png === undefined) return undefined;
		await writeFile(join(folder, `screen-${Math.round(atMs)}.png`), png, { mode: 0o600 });
		return { atMs, png: png.toString("base64") };
	} catch (error) {
		if (isUmbraError(error) && /no console|There is no/i.test(error.message)) return undefined;
		throw error;
	} finally {
		await rm(path, { force: true });
	}
}
