/**
 * The text of a keyring: the keys of a vault, wrapped by an operator's secret (docs/formats.md, "Keyring"). Everything
 * here is pure: text in, checked keys out.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { z } from "zod";
import { blake3Name, nameToHex } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { VaultKeys } from "./chunk-form.ts";

const VERSION = 1;
const ALGORITHM = "aes-256-gcm";
export const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const CHECK_SIZE = 16;
/** 16 MiB and a good twentieth of a second. Keys are random; this is for whoever uses a passphrase in spite of all. */
const SCRYPT = { cost: 16384, blockSize: 8, parallelization: 1 };
/** What a keyring may ask for, in bytes. */
const MAX_SCRYPT_MEMORY = 2 ** 28;
/** Rotations of a century, one a month; bounds the file. */
export const MAX_CONTENT_KEYS = 1200;

const base64 = (bytes?: number) =>
	z.base64().refine((text) => bytes === undefined || Buffer.from(text, "base64").length === bytes, {
		error: `wanted ${bytes} bytes`,
	});

const keyringFile = z.strictObject({
	version: z.literal(VERSION),
	/** When it was written. */
	wrapped: z.iso.datetime(),
	scrypt: z
		.strictObject({
			salt: base64(KEY_SIZE),
			cost: z
				.int()
				.min(2)
				.max(2 ** 24),
			blockSize: z.int().min(1).max(64),
			parallelization: z.int().min(1).max(16),
		})
		.refine(({ cost }) => Number.isInteger(Math.log2(cost)), { error: "the cost is no power of two" })
		.refine(({ cost, blockSize }) => cost * blockSize * 128 <= MAX_SCRYPT_MEMORY, { error: "wants too much memory" }),
	/** Tells a wrong secret from damage. */
	check: base64(CHECK_SIZE),
	nonce: base64(NONCE_SIZE),
	keys: base64(),
});

const wrappedKeys = z.strictObject({
	names: base64(KEY_SIZE),
	contents: z
		.array(
			z.strictObject({
				id: z
					.int()
					.min(1)
					.max(2 ** 32 - 1),
				key: base64(KEY_SIZE),
			}),
		)
		.min(1)
		.max(MAX_CONTENT_KEYS),
});

export type KeyringFile = z.output<typeof keyringFile>;

const derive: (secret: string, salt: Buffer, length: number, options: object) => Promise<Buffer> = promisify(scrypt);

/** @throws UmbraError `corrupt`, or `unsupported` where another release wrote it. */
export function parseKeyring(text: string, path: string): KeyringFile {
	const [body = "", sum, ...rest] = text.split("\n");
	if (sum !== sumOf(body) || rest.length !== 1 || rest[0] !== "")
		throw damaged(path, "its checksum is not that of its content");
	const value = parseJson(body);
	const file = keyringFile.safeParse(value);
	if (file.success) return file.data;
	const { version } = z.object({ version: z.int() }).safeParse(value).data ?? { version: VERSION };
	if (version === VERSION) throw damaged(path, z.prettifyError(file.error).replaceAll("\n", " "));
	throw new UmbraError("unsupported", `the keyring ${path}: version ${version}, wanted ${VERSION}`, {
		context: { path, field: "version", found: version, wanted: VERSION },
		hint: "this vault was written by another release of Umbra; run that release or a newer one",
	});
}

/** @throws UmbraError `denied` where the secret is not the one, `corrupt`. */
export async function unwrapKeys(file: KeyringFile, secret: string, path: string): Promise<VaultKeys> {
	const { key, check } = await wrappingKey(file.scrypt, secret);
	if (!timingSafeEqual(check, bytesOf(file.check))) {
		throw new UmbraError("denied", `the key that was given does not open the keyring ${path}`, {
			context: { path, field: "vault.encryption" },
			hint: `wanted the key that it was wrapped with last, at ${file.wrapped}`,
		});
	}
	const wrapped = bytesOf(file.keys);
	let text: string;
	try {
		const decipher = createDecipheriv(ALGORITHM, key, bytesOf(file.nonce));
		decipher.setAAD(inTheClear(file));
		decipher.setAuthTag(wrapped.subarray(-TAG_SIZE));
		text = Buffer.concat([decipher.update(wrapped.subarray(0, -TAG_SIZE)), decipher.final()]).toString();
	} catch (error) {
		throw damaged(path, "its keys are not what was wrapped", error);
	}
	const keys = wrappedKeys.safeParse(parseJson(text));
	if (!keys.success) throw damaged(path, "what was wrapped are no keys");
	const contents = keys.data.contents.map(({ id, key: content }) => ({ id, key: bytesOf(content) }));
	return { names: bytesOf(keys.data.names), contents };
}

/** The text of a keyring that only `secret` opens. */
export async function wrapKeys({ names, contents }: VaultKeys, secret: string): Promise<string> {
	const kdf = { salt: base64Of(randomBytes(KEY_SIZE)), ...SCRYPT };
	const { key, check } = await wrappingKey(kdf, secret);
	const head = { version: VERSION, wrapped: new Date().toISOString(), scrypt: kdf, check: base64Of(check) } as const;
	const nonce = randomBytes(NONCE_SIZE);
	const cipher = createCipheriv(ALGORITHM, key, nonce);
	cipher.setAAD(inTheClear(head));
	const keys: z.output<typeof wrappedKeys> = {
		names: base64Of(names),
		contents: contents.map(({ id, key: content }) => ({ id, key: base64Of(content) })),
	};
	const wrapped = Buffer.concat([cipher.update(JSON.stringify(keys)), cipher.final(), cipher.getAuthTag()]);
	const file: KeyringFile = { ...head, nonce: base64Of(nonce), keys: base64Of(wrapped) };
	const body = JSON.stringify(file);
	return `${body}\n${sumOf(body)}\n`;
}

async function wrappingKey(kdf: KeyringFile["scrypt"], secret: string): Promise<{ key: Buffer; check: Buffer }> {
	const { salt, cost, blockSize, parallelization } = kdf;
	const options = { cost, blockSize, parallelization, maxmem: 2 * MAX_SCRYPT_MEMORY };
	const bytes = await derive(secret, bytesOf(salt), KEY_SIZE + CHECK_SIZE, options);
	// Blocks of one PBKDF2 output: the second says nothing of the first.
	return { key: bytes.subarray(0, KEY_SIZE), check: bytes.subarray(KEY_SIZE) };
}

/** What the wrapped keys are bound to. */
function inTheClear({ version, wrapped, scrypt: kdf, check }: Omit<KeyringFile, "nonce" | "keys">): Buffer {
	const { salt, cost, blockSize, parallelization } = kdf;
	return Buffer.from(JSON.stringify([version, wrapped, salt, cost, blockSize, parallelization, check]));
}

function damaged(path: string, what: string, cause?: unknown): UmbraError {
	return new UmbraError("corrupt", `the keyring ${path} is damaged: ${what}`, {
		...(cause === undefined ? {} : { cause }),
		context: { path, structure: "keyring" },
		hint: "put its backup back; without it nobody can read this vault",
	});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function sumOf(body: string): string {
	return nameToHex(blake3Name(Buffer.from(body, "latin1")));
}

function bytesOf(text: string): Buffer {
	return Buffer.from(text, "base64");
}

function base64Of(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64");
}
