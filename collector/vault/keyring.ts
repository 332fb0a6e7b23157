/**
 * Whether a vault is encrypted, and with which keys. These lie in its file `keyring`, wrapped by the operator's secret,
 * which lies elsewhere. Without this file, or without the secret, nobody can read the vault.
 */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { chunkForm, type VaultKeys } from "./chunk-form.ts";
import { realFiles, type VaultFile, type VaultFiles } from "./files.ts";
import { KEY_SIZE, type KeyringFile, MAX_CONTENT_KEYS, parseKeyring, unwrapKeys, wrapKeys } from "./keyring-file.ts";
import { lockFile } from "./lock.ts";
import { ENCRYPTED_PACK, FILE_HEADER_SIZE, parseFileHeader } from "./pack-format.ts";
import { checkKey } from "./pack-load.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";

/**
 * The keys of the vault in `folder`; undefined where it is not encrypted and no secret is given. An empty vault for
 * which a secret is given becomes an encrypted one.
 *
 * @throws UmbraError `denied` where the secret is not the one, or the keyring is not that of the packs; `bad-config` where
 * there is no secret for an encrypted vault, or one for a plain vault; `corrupt` where the keyring is damaged or gone;
 * `unsupported`, `limit`, `unavailable`. Nothing is changed then.
 */
export async function openKeyring(
	folder: string,
	packs: PackStore,
	secret: string | undefined,
	files: VaultFiles = realFiles,
): Promise<VaultKeys | undefined> {
	const path = keyringOf(folder);
	const file = await readKeyring(files, path);
	const listed = await packs.list();
	if (file !== undefined) {
		if (secret === undefined) throw noKey(folder);
		const keys = await unwrapKeys(file, secret, path);
		const form = chunkForm(keys);
		// Of all packs these are the likeliest to show that it is another vault's keyring, or an older one.
		for (const pack of new Set([listed.at(0), listed.at(-1)])) {
			const key = await keyOf(packs, pack);
			if (pack !== undefined && key !== undefined) checkKey(form, pack.id, key);
		}
		return keys;
	}
	const first = listed.find(({ bytes }) => bytes >= FILE_HEADER_SIZE);
	if ((await keyOf(packs, first)) !== undefined) {
		throw new UmbraError("corrupt", `the vault ${folder} is encrypted, and its keyring ${path} is gone`, {
			context: { path, structure: "keyring" },
			hint: "put its backup back; without it nobody can read this vault",
		});
	}
	if (secret === undefined) return undefined;
	if (first !== undefined) {
		throw new UmbraError("bad-config", `the vault ${folder} is not encrypted, but a key was given`, {
			context: { path: folder, field: "vault.encryption" },
			hint: "what is stored cannot be encrypted later: remove vault.encryption, or begin with a new dataDir",
		});
	}
	const keys = { names: randomBytes(KEY_SIZE), contents: [contentKey([])] };
	await replaceFile(files, path, await wrapKeys(keys, secret));
	return keys;
}

/**
 * Wraps the keys of the vault in `folder` with `next` instead of `secret`, and adds a content key for all that is new.
 * What is stored is not touched. It happens as a whole or not at all.
 *
 * @throws UmbraError `not-found` where there is no encrypted vault; `conflict` where a collector has it open; `denied`
 * where the secret is not the one; `bad-config` where both are the same; `corrupt`, `unsupported`, `limit`, `unavailable`.
 */
export async function rotateKey(
	folder: string,
	secret: string,
	next: string,
	files: VaultFiles = realFiles,
): Promise<void> {
	const path = keyringOf(folder);
	const missing = () =>
		new UmbraError("not-found", `${folder} holds no encrypted vault: there is no ${path}`, { context: { path } });
	// Before the lock, which makes a file.
	if ((await readKeyring(files, path)) === undefined) throw missing();
	using _lock = lockFile(join(folder, "lock"));
	const file = await readKeyring(files, path);
	if (file === undefined) throw missing();
	const { names, contents } = await unwrapKeys(file, secret, path);
	if (next === secret) throw new UmbraError("bad-config", "the new key is the present one", { hint: "make a new one" });
	if (contents.length >= MAX_CONTENT_KEYS) {
		throw new UmbraError("limit", `${path} holds ${MAX_CONTENT_KEYS} keys already`, { context: { path } });
	}
	await replaceFile(files, path, await wrapKeys({ names, contents: [...contents, contentKey(contents)] }, next));
}

function keyringOf(folder: string): string {
	return join(folder, "keyring");
}

function contentKey(others: VaultKeys["contents"]): VaultKeys["contents"][number] {
	let id: number;
	do id = randomInt(1, 2 ** 32);
	while (others.some((other) => other.id === id));
	return { id, key: randomBytes(KEY_SIZE) };
}

function noKey(folder: string): UmbraError {
	return new UmbraError("bad-config", `the vault ${folder} is encrypted, and no key was given`, {
		context: { path: folder, field: "vault.encryption" },
		hint: "set vault.encryption.keyFile or vault.encryption.keyEnv in collector.yaml",
	});
}

/** Id of the key that a pack is encrypted with; undefined where it is none, or its header is damaged. */
async function keyOf(packs: PackStore, pack: PackInfo | undefined): Promise<number | undefined> {
	if (pack === undefined || pack.bytes < FILE_HEADER_SIZE) return undefined;
	try {
		return parseFileHeader(await packs.read(pack.id, 0, FILE_HEADER_SIZE), ENCRYPTED_PACK).key;
	} catch (error) {
		if (isUmbraError(error, "corrupt", "unsupported")) return undefined;
		throw error;
	}
}

async function readKeyring(files: VaultFiles, path: string): Promise<KeyringFile | undefined> {
	let text: string;
	try {
		text = (await files.readWhole(path)).toString("latin1");
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw new UmbraError("unavailable", `cannot read the keyring ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
	return parseKeyring(text, path);
}

async function replaceFile(files: VaultFiles, path: string, text: string): Promise<void> {
	const next = `${path}.new`;
	try {
		await files.remove(next).catch((error: unknown) => {
			if (errnoOf(error) !== "ENOENT") throw error;
		});
		await writeSynced(await files.open(next, "create", 0o600), Buffer.from(text, "latin1"));
		await files.rename(next, path);
		await files.syncFolder(join(path, ".."));
	} catch (error) {
		const code = errnoOf(error) === "ENOSPC" ? "limit" : "unavailable";
		throw new UmbraError(code, `cannot write the keyring ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
}

async function writeSynced(file: VaultFile, bytes: Uint8Array): Promise<void> {
	try {
		for (let done = 0; done < bytes.length; ) done += await file.write(bytes, done, done);
		await file.sync();
	} finally {
		await file.close();
	}
}
