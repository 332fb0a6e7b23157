/** Secrets as operators keep them: in files that not everybody may read, or in environment variables. */
import { open } from "node:fs/promises";
import { errnoOf, messageOf, UmbraError } from "../common/errors.ts";

/** Every user of the machine may read or write it. */
const OTHERS = 0o007;

/**
 * The text of a secret's file.
 *
 * @param field of the settings, for errors.
 * @param missingHint for the operator where there is no such file.
 * @throws UmbraError `bad-config` where it cannot be read, or others may read it.
 */
export async function readSecretFile(field: string, path: string, missingHint?: string): Promise<string> {
	let mode: number;
	let text: string;
	try {
		await using handle = await open(path, "r");
		mode = (await handle.stat()).mode;
		text = await handle.readFile("utf8");
	} catch (error) {
		const hint = errnoOf(error) === "ENOENT" ? missingHint : undefined;
		throw new UmbraError("bad-config", `${field}: cannot read ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path, field },
			...(hint !== undefined && { hint }),
		});
	}
	if ((mode & OTHERS) !== 0) {
		const found = (mode & 0o777).toString(8).padStart(4, "0");
		throw new UmbraError("bad-config", `${field}: every user of this machine may use ${path} (mode ${found})`, {
			context: { path, field, found, wanted: "0600 or 0640" },
			hint: `chmod o= ${path}`,
		});
	}
	return text;
}

/** The text of a variable. @throws UmbraError `bad-config` where there is none. */
export function readSecretVariable(field: string, name: string): string {
	const value = process.env[name];
	if (value !== undefined) return value;
	throw new UmbraError("bad-config", `${field}: the environment has no variable ${name}`, {
		context: { field, found: name },
		hint: "under systemd: EnvironmentFile=, or better LoadCredential= and a file",
	});
}
