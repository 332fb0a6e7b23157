/** The key of an encrypted vault, as an operator keeps it: one line in a file, or in an environment variable. */
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { errnoOf, messageOf, UmbraError } from "../common/errors.ts";
import { type CollectorConfig, vaultFolder } from "./config.ts";
import { readSecretFile, readSecretVariable } from "./secret.ts";
import { rotateKey } from "./vault/keyring.ts";

/** Shorter keys can be guessed. */
const MIN_LENGTH = 32;
const MAX_LENGTH = 1024;
const KEY_BYTES = 32;

/** One of the two. */
export interface VaultKeySource {
	readonly keyFile?: string | undefined;
	readonly keyEnv?: string | undefined;
}

/**
 * Reads the key.
 *
 * @param field of the settings, for errors.
 * @throws UmbraError `bad-config` where there is none, it is not a line of 32 to 1,024 characters, or others may read its file.
 */
export async function loadVaultKey(field: string, { keyFile, keyEnv }: VaultKeySource): Promise<string> {
	if (keyFile !== undefined) {
		const hint = `for a new vault: umbra vault init-key ${keyFile}`;
		return check(`${field}.keyFile`, keyFile, await readSecretFile(`${field}.keyFile`, keyFile, hint));
	}
	const name = keyEnv ?? "";
	return check(`${field}.keyEnv`, name, readSecretVariable(`${field}.keyEnv`, name));
}

/**
 * Has the key of `next` open the vault of a collector from now on. The collector must not run.
 *
 * @throws UmbraError as `loadVaultKey` and `rotateKey`; `bad-config` where the vault is not set up to be encrypted.
 */
export async function rotateVaultKey(config: CollectorConfig, next: VaultKeySource): Promise<void> {
	const { encryption } = config.vault;
	if (encryption === undefined) {
		throw new UmbraError("bad-config", "vault.encryption is not set: there is no key that could be changed", {
			context: { field: "vault.encryption" },
		});
	}
	if (next.keyFile === undefined && next.keyEnv === undefined) {
		throw new UmbraError("bad-config", "no new key: wanted --new-key-file or --new-key-env");
	}
	const secret = await loadVaultKey("vault.encryption", encryption);
	await rotateKey(vaultFolder(config), secret, await loadVaultKey("the new key", next));
}

/**
 * Makes a file with a new random key, for its user alone.
 *
 * @throws UmbraError `conflict` where there is a file already, `unavailable`.
 */
export async function makeVaultKey(path: string): Promise<void> {
	try {
		await using handle = await open(path, "wx", 0o600);
		await handle.writeFile(`${randomBytes(KEY_BYTES).toString("base64")}\n`);
		await handle.sync();
	} catch (error) {
		const exists = errnoOf(error) === "EEXIST";
		throw new UmbraError(exists ? "conflict" : "unavailable", `cannot make the key file ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
			...(exists ? { hint: "a key that was overwritten would take its vault with it: give another name" } : {}),
		});
	}
}

function check(field: string, where: string, text: string): string {
	const key = text.trim();
	if (key.length >= MIN_LENGTH && key.length <= MAX_LENGTH && !key.includes("\n")) return key;
	throw new UmbraError(
		"bad-config",
		`${field}: ${where} holds no key: wanted one line of ${MIN_LENGTH} to ${MAX_LENGTH} characters`,
		{
			context: { field },
			hint: "umbra vault init-key FILE makes one",
		},
	);
}
