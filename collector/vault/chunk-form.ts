/**
 * How a vault keeps chunks: under which name, and in which bytes. Whoever uses the vault knows neither: outside of it a
 * chunk's name is always that of its plain bytes. Inside, the index, the packs and their trailers know stored names only.
 *
 *     plain        the name and the (compressed) bytes as they are
 *     encrypted    a keyed hash of the name, and AES-256-GCM of the (compressed) bytes
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { Blake3Hasher } from "@napi-rs/blake-hash";
import { blake3Name, isZero, NAME_SIZE, nameToHex } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { decode, PLAIN_ROOM } from "./chunk-codec.ts";
import type { ChunkEncoding } from "./chunk-store.ts";
import { CIPHER_SIZE, ENCRYPTED_PACK, type PackVersion, PLAIN_PACK } from "./pack-format.ts";

const ALGORITHM = "aes-256-gcm";
const KEY_ID_SIZE = 4;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const NONCE_AT = KEY_ID_SIZE;
const BODY_AT = NONCE_AT + NONCE_SIZE;

export interface ChunkForm {
	readonly packVersion: PackVersion;
	/** Id of the key that new chunks are encrypted with; 0 where they are not. */
	readonly key: number;
	hasKey(id: number): boolean;
	/** What the chunk of this name is called on disk. */
	storedName(name: Uint8Array): Uint8Array;
	/** What is stored of an encoded chunk; `data` itself where it is not encrypted. */
	encrypt(stored: Uint8Array, encoding: ChunkEncoding, data: Uint8Array): Uint8Array;
	/** Undoes `encrypt`. @throws UmbraError `corrupt`, also where the bytes are those of another chunk. */
	decrypt(stored: Uint8Array, encoding: ChunkEncoding, bytes: Uint8Array): Uint8Array;
	/** The same chunk encrypted with the newest key; `bytes` itself where it is. @throws UmbraError `corrupt`. */
	renew(stored: Uint8Array, encoding: ChunkEncoding, bytes: Uint8Array): Uint8Array;
}

/** 32 bytes each. They go to threads as they are. */
export interface VaultKeys {
	/** Makes stored names. Never changes: all names would. */
	readonly names: Uint8Array;
	/** At least one; the last encrypts what is new. Ids are 1 to 2^32 - 1. */
	readonly contents: readonly { readonly id: number; readonly key: Uint8Array }[];
}

export const PLAIN_FORM: ChunkForm = {
	packVersion: PLAIN_PACK,
	key: 0,
	hasKey: (id) => id === 0,
	storedName: (name) => name,
	encrypt: (_stored, _encoding, data) => data,
	decrypt: (_stored, _encoding, bytes) => bytes,
	renew: (_stored, _encoding, bytes) => bytes,
};

export function chunkForm(keys: VaultKeys | undefined): ChunkForm {
	return keys === undefined ? PLAIN_FORM : new EncryptedForm(keys);
}

/**
 * The plain bytes of what is stored of a chunk; `bytes` itself, where they are those.
 *
 * @param into where they are put if they were compressed, as for `decode`.
 * @throws UmbraError `corrupt` where they are not what the name says, or all zero: zeroes have a name of
 * their own and are never stored, so that equal disks have equal trees.
 */
export function openChunk(
	form: ChunkForm,
	stored: Uint8Array,
	encoding: ChunkEncoding,
	bytes: Uint8Array,
	into?: Uint8Array,
): Uint8Array {
	const plain = decode(encoding, form.decrypt(stored, encoding, bytes), into);
	const found = form.storedName(blake3Name(plain));
	if (Buffer.compare(found, stored) !== 0) {
		const [foundHex, wantedHex] = [nameToHex(found), nameToHex(stored)];
		throw new UmbraError("corrupt", `chunk: its content is ${foundHex}, its name says ${wantedHex}`, {
			context: { structure: "chunk", field: "name", found: foundHex, wanted: wantedHex },
		});
	}
	if (isZero(plain)) {
		throw new UmbraError("corrupt", "chunk: all zero, which is never stored", {
			context: { structure: "chunk", field: "data", found: "zeroes", wanted: "the zero name" },
		});
	}
	return plain;
}

const passing = new Uint8Array(PLAIN_ROOM);

/** As `openChunk`, for whoever only looks: what was compressed is in memory that the next call uses again. */
export function lookIntoChunk(
	form: ChunkForm,
	stored: Uint8Array,
	encoding: ChunkEncoding,
	bytes: Uint8Array,
): Uint8Array {
	return openChunk(form, stored, encoding, bytes, passing);
}

/**
 * Stored bytes: key id (4), nonce (12), AES-256-GCM of the encoded chunk, tag (16). Each chunk has a key of its own, the
 * keyed hash of its stored name, so that however large a vault becomes, no key meets more than the few times that one
 * chunk is written, and a nonce that is drawn twice for two chunks harms neither.
 */
class EncryptedForm implements ChunkForm {
	readonly packVersion = ENCRYPTED_PACK;
	readonly key: number;
	readonly #names: Blake3Hasher;
	/** By id: what makes the keys of chunks. */
	readonly #contents = new Map<number, Blake3Hasher>();
	readonly #newest: Blake3Hasher;

	constructor({ names, contents }: VaultKeys) {
		this.#names = keyed(names);
		for (const { id, key } of contents) this.#contents.set(id, keyed(key));
		this.key = contents.at(-1)?.id ?? 0;
		const newest = this.#contents.get(this.key);
		if (newest === undefined) throw new UmbraError("internal", "an encrypted vault without a content key");
		this.#newest = newest;
	}

	hasKey(id: number): boolean {
		return this.#contents.has(id);
	}

	storedName(name: Uint8Array): Uint8Array {
		return keyedHash(this.#names, name);
	}

	encrypt(stored: Uint8Array, encoding: ChunkEncoding, data: Uint8Array): Uint8Array {
		const bytes = Buffer.allocUnsafeSlow(data.length + CIPHER_SIZE);
		bytes.writeUInt32LE(this.key, 0);
		const nonce = randomBytes(NONCE_SIZE);
		bytes.set(nonce, NONCE_AT);
		const cipher = createCipheriv(ALGORITHM, cipherKey(this.#newest, stored), nonce);
		cipher.setAAD(context(stored, encoding));
		bytes.set(cipher.update(data), BODY_AT);
		cipher.final();
		bytes.set(cipher.getAuthTag(), BODY_AT + data.length);
		return bytes;
	}

	decrypt(stored: Uint8Array, encoding: ChunkEncoding, bytes: Uint8Array): Uint8Array {
		const id = keyIdOf(bytes);
		const key = this.#contents.get(id);
		if (key === undefined || bytes.length <= CIPHER_SIZE) {
			throw new UmbraError("corrupt", `chunk: ${bytes.length} bytes, encrypted with a key ${id} that is not there`, {
				context: { structure: "chunk", field: "key id", found: id },
			});
		}
		const end = bytes.length - TAG_SIZE;
		const decipher = createDecipheriv(ALGORITHM, cipherKey(key, stored), bytes.subarray(NONCE_AT, BODY_AT));
		decipher.setAAD(context(stored, encoding));
		decipher.setAuthTag(bytes.subarray(end));
		const data = decipher.update(bytes.subarray(BODY_AT, end));
		try {
			decipher.final();
		} catch (error) {
			throw new UmbraError("corrupt", "chunk: its bytes are not what was encrypted", {
				cause: error,
				context: { structure: "chunk", field: "data" },
			});
		}
		return data;
	}

	renew(stored: Uint8Array, encoding: ChunkEncoding, bytes: Uint8Array): Uint8Array {
		if (keyIdOf(bytes) === this.key) return bytes;
		return this.encrypt(stored, encoding, this.decrypt(stored, encoding, bytes));
	}
}

/** 0, which is no key's, where there are too few bytes to tell. */
function keyIdOf(bytes: Uint8Array): number {
	if (bytes.length < KEY_ID_SIZE) return 0;
	return Buffer.from(bytes.buffer, bytes.byteOffset, KEY_ID_SIZE).readUInt32LE(0);
}

/** What stored bytes are bound to: they open as this chunk in this encoding only. */
function context(stored: Uint8Array, encoding: ChunkEncoding): Buffer {
	const bytes = Buffer.alloc(NAME_SIZE + 1, stored);
	bytes[NAME_SIZE] = encoding === "zstd" ? 1 : 0;
	return bytes;
}

function keyed(key: Uint8Array): Blake3Hasher {
	return Blake3Hasher.newKeyed(Buffer.from(key));
}

/** Of one chunk. As a key of Node's own: what else might be one is looked at for longer than a short chunk takes to encrypt. */
function cipherKey(key: Blake3Hasher, stored: Uint8Array): KeyObject {
	return createSecretKey(keyedHash(key, stored));
}

function keyedHash(hasher: Blake3Hasher, name: Uint8Array): Buffer {
	hasher.reset();
	// By way of a string, which costs half of the buffer that the native code would make. It takes any Uint8Array.
	return Buffer.from(hasher.update(name as Buffer).digest("base64"), "base64");
}
