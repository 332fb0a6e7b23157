import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { blake3Name, nameToHex } from "../../common/block.ts";
import { assertBytes } from "../../disk/source/testing.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { rotateKey } from "./keyring.ts";
import { parseKeyring } from "./keyring-file.ts";
import { errorOf, put, sampleChunk, thrownBy } from "./testing.ts";
import { Vault } from "./vault.ts";

const [OLD, NEW, OTHER] = ["the key of the vault as it is now", "the key of the vault from then on", "some other key"];
const chunks = [2, 3, 4].map((seed) => sampleChunk(seed));

const open = (folder: TempFolder, secret?: string) => Vault.open({ folder: folder.path, secret });

async function fill(folder: TempFolder, secret?: string, which = chunks): Promise<void> {
	await using vault = await open(folder, secret);
	for (const chunk of which) assert.equal(await put(vault, chunk), undefined);
	await vault.flush();
}

async function assertWhole(folder: TempFolder, secret?: string, which = chunks): Promise<void> {
	await using vault = await open(folder, secret);
	for (const { name, data } of which) assertBytes(await vault.get(name), data, nameToHex(name));
}

/** All that the folder holds. */
async function contentsOf(folder: TempFolder): Promise<Record<string, string>> {
	const files = (await readdir(folder.path, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
	const paths = files.map(({ parentPath, name }) => `${parentPath}/${name}`).sort();
	return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await readFile(path, "hex")])));
}

/** Opening is refused so, and changes nothing. */
async function assertRefused(
	folder: TempFolder,
	secret: string | undefined,
	code: string,
	hint: RegExp,
): Promise<void> {
	const before = await contentsOf(folder);
	const error = await errorOf(open(folder, secret));
	assert.equal(error.code, code, error.message);
	assert.match(error.hint ?? "", hint);
	assert.deepEqual(await contentsOf(folder), before);
}

/** The keyring with a field changed and its checksum made right again. */
function forged(text: string, field: string, value: unknown): string {
	const body = JSON.stringify({ ...JSON.parse(text.split("\n")[0] ?? ""), [field]: value });
	return `${body}\n${nameToHex(blake3Name(Buffer.from(body)))}\n`;
}

describe("an encrypted vault", () => {
	it("opens with its key only, and changes nothing for another one or for none", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		assert.equal((await stat(folder.file("keyring"))).mode & 0o777, 0o600);
		await assertRefused(folder, OTHER, "denied", /wrapped with last, at 20/);
		await assertRefused(folder, undefined, "bad-config", /keyFile/);
		await assertWhole(folder, OLD);
	});

	it("does not come of a plain one", async () => {
		await using folder = await tempFolder();
		await fill(folder);
		await assertRefused(folder, OLD, "bad-config", /new dataDir/);
		await assertWhole(folder);
	});

	it("is not opened, nor taken for an empty or a plain one, when its keyring is gone", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		const keyring = await readFile(folder.file("keyring"));
		await rm(folder.file("keyring"));
		for (const secret of [OLD, undefined]) await assertRefused(folder, secret, "corrupt", /backup/);
		await writeFile(folder.file("keyring"), keyring);
		await assertWhole(folder, OLD);
	});

	it("notices a keyring with any byte flipped, or cut short anywhere", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		const keyring = await readFile(folder.file("keyring"));
		for (let at = 0; at < keyring.length; at++) {
			const flipped = Buffer.from(keyring);
			flipped[at]! ^= 1 << (at % 8);
			for (const bytes of [flipped, keyring.subarray(0, at)]) {
				const error = thrownBy(() => parseKeyring(bytes.toString("latin1"), "keyring"));
				assert.equal(error.code, "corrupt", `byte ${at}`);
			}
		}
		await writeFile(folder.file("keyring"), keyring.subarray(1));
		await assertRefused(folder, OLD, "corrupt", /backup/);
		await writeFile(folder.file("keyring"), keyring);
		await assertWhole(folder, OLD);
	});

	it("believes nothing in a keyring that was tampered with, and takes no memory that it asks for", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		const text = await readFile(folder.file("keyring"), "utf8");
		const { scrypt, keys, nonce } = JSON.parse(text.split("\n")[0] ?? "");
		const forgeries: [string, unknown, string][] = [
			["version", 2, "unsupported"],
			["wrapped", "2020-01-01T00:00:00.000Z", "corrupt"],
			["scrypt", { ...scrypt, cost: 2 ** 30 }, "corrupt"],
			["scrypt", { ...scrypt, cost: 16385 }, "corrupt"],
			["nonce", Buffer.alloc(12, 1).toString("base64"), "corrupt"],
			["nonce", nonce.slice(4), "corrupt"],
			["keys", keys.slice(4), "corrupt"],
			["keys", "", "corrupt"],
			["check", Buffer.alloc(16, 1).toString("base64"), "denied"],
			["more", 1, "corrupt"],
		];
		for (const [field, value, code] of forgeries) {
			await writeFile(folder.file("keyring"), forged(text, field, value));
			assert.equal((await errorOf(open(folder, OLD))).code, code, `${field}: ${JSON.stringify(value)}`);
		}
		await writeFile(folder.file("keyring"), forged(text, "version", 1));
		await assertWhole(folder, OLD);
	});

	it("does not open with another vault's keyring, whose key is the same", async () => {
		await using folder = await tempFolder();
		await using other = await tempFolder();
		await fill(folder, OLD);
		await fill(other, OLD);
		await writeFile(folder.file("keyring"), await readFile(other.file("keyring")));
		await assertRefused(folder, OLD, "denied", /another vault's/);
	});
});

describe("rotateKey", () => {
	it("lets the new key in and the old one no more, and keeps what is stored", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		const before = await readdir(folder.file("packs"));
		const packs = await Promise.all(before.map((name) => readFile(folder.file(`packs/${name}`))));
		await rotateKey(folder.path, OLD, NEW);
		assert.deepEqual(await Promise.all(before.map((name) => readFile(folder.file(`packs/${name}`)))), packs);
		await assertRefused(folder, OLD, "denied", /wrapped with last/);
		await assertWhole(folder, NEW);
		const more = [6, 7].map((seed) => sampleChunk(seed));
		await fill(folder, NEW, more);
		await assertWhole(folder, NEW, [...chunks, ...more]);
	});

	it("encrypts what is new with a new key: a keyring from before opens nothing any more", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		const keyring = await readFile(folder.file("keyring"));
		await rotateKey(folder.path, OLD, NEW);
		await fill(folder, NEW, [sampleChunk(6)]);
		const rotated = await readFile(folder.file("keyring"));
		await writeFile(folder.file("keyring"), keyring);
		await assertRefused(folder, OLD, "denied", /before the last `umbra vault rotate-key`/);
		await writeFile(folder.file("keyring"), rotated);
		await assertWhole(folder, NEW, [...chunks, sampleChunk(6)]);
	});

	it("refuses a wrong key, the present one, a vault that is open, and what is no encrypted vault", async () => {
		await using folder = await tempFolder();
		await using plain = await tempFolder();
		await fill(folder, OLD);
		await fill(plain);
		const before = await contentsOf(folder);
		assert.equal((await errorOf(rotateKey(folder.path, OTHER, NEW))).code, "denied");
		assert.equal((await errorOf(rotateKey(folder.path, OLD, OLD))).code, "bad-config");
		assert.equal((await errorOf(rotateKey(plain.path, OLD, NEW))).code, "not-found");
		assert.equal((await errorOf(rotateKey(folder.file("none"), OLD, NEW))).code, "not-found");
		{
			await using _vault = await open(folder, OLD);
			assert.equal((await errorOf(rotateKey(folder.path, OLD, NEW))).code, "conflict");
		}
		assert.deepEqual(await contentsOf(folder), before);
		await assertWhole(folder, OLD);
	});

	it("is not disturbed by what one that was killed left behind", async () => {
		await using folder = await tempFolder();
		await fill(folder, OLD);
		await writeFile(folder.file("keyring.new"), "half of a key");
		await assertWhole(folder, OLD);
		await rotateKey(folder.path, OLD, NEW);
		assert.deepEqual((await readdir(folder.path)).sort(), ["keyring", "lock", "packs"]);
		await assertWhole(folder, NEW);
	});
});
