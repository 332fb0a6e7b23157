import { readFile } from "node:fs/promises";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";

/** @throws UmbraError `not-found`, `unavailable`. */
export async function readText(file: string): Promise<string> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		const code = errnoOf(error) === "ENOENT" ? "not-found" : "unavailable";
		throw new UmbraError(code, `cannot read ${file}: ${messageOf(error)}`, { cause: error, context: { path: file } });
	}
}
