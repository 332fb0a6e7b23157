import assert from "node:assert/strict";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../common/log.ts";
import { tempFolder } from "../test/support/temp.ts";
import { Collector } from "./collector.ts";
import { collectorConfig } from "./config.ts";
import { loadVaultKey, makeVaultKey, rotateVaultKey } from "./vault-key.ts";

const KEY = "a key that is at least as long as it has to be";
const ENV = "UMBRA_TEST_VAULT_KEY";

describe("loadVaultKey", () => {
	it("takes the one line of a file that others may not read, and of a variable", async () => {
		await using folder = await tempFolder();
		const keyFile = folder.file("key");
		await writeFile(keyFile, `${KEY}\n`, { mode: 0o600 });
		for (const mode of [0o400, 0o600, 0o640]) {
			await chmod(keyFile, mode);
			assert.equal(await loadVaultKey("x", { keyFile }), KEY);
		}
		process.env[ENV] = `${KEY}\n`;
		try {
			assert.equal(await loadVaultKey("x", { keyEnv: ENV }), KEY);
		} finally {
			delete process.env[ENV];
		}
	});

	it("refuses a file that others may use, none at all, and what is no key", async () => {
		await using folder = await tempFolder();
		const keyFile = folder.file("key");
		const refused = async (message: RegExp, hint: RegExp, source: object = { keyFile }) =>
			await assert.rejects(loadVaultKey("vault.encryption", source), { code: "bad-config", message, hint });
		await refused(/^vault.encryption.keyFile: cannot read .*ENOENT/, /umbra vault init-key/);
		for (const mode of [0o604, 0o602, 0o644, 0o666]) {
			await writeFile(keyFile, KEY);
			await chmod(keyFile, mode);
			await refused(new RegExp(`every user .* \\(mode 0${mode.toString(8)}\\)`), /^chmod o= /);
		}
		await chmod(keyFile, 0o600);
		for (const text of ["", "short", `${KEY}\n${KEY}`, "x".repeat(1025)]) {
			await writeFile(keyFile, text);
			await refused(/holds no key: wanted one line of 32 to 1024 characters/, /init-key/);
		}
		await refused(/^vault.encryption.keyEnv: the environment has no variable/, /systemd/, { keyEnv: ENV });
	});
});

describe("makeVaultKey", () => {
	it("makes a key of its own each time, for its user alone, and overwrites none", async () => {
		await using folder = await tempFolder();
		const [one, other] = [folder.file("one"), folder.file("other")];
		await makeVaultKey(one);
		await makeVaultKey(other);
		assert.equal((await stat(one)).mode & 0o777, 0o600);
		assert.equal(Buffer.from(await loadVaultKey("x", { keyFile: one }), "base64").length, 32);
		const before = await readFile(one, "utf8");
		assert.notEqual(before, await readFile(other, "utf8"));
		await assert.rejects(makeVaultKey(one), { code: "conflict", hint: /overwritten/ });
		assert.equal(await readFile(one, "utf8"), before);
		await assert.rejects(makeVaultKey(folder.file("no/folder")), { code: "unavailable" });
	});
});

describe("a collector with an encrypted vault", () => {
	it("starts with its key alone, and says what is wrong otherwise", async () => {
		await using folder = await tempFolder();
		const [first, second] = [folder.file("first"), folder.file("second")];
		await makeVaultKey(first);
		await makeVaultKey(second);
		const dataDir = folder.file("data");
		const listen = { agents: "127.0.0.1:0", api: "127.0.0.1:0" };
		const configOf = (encryption?: object) => collectorConfig.parse({ dataDir, listen, vault: { encryption } });
		const start = async (encryption?: object) => {
			await using _collector = await Collector.start(configOf(encryption), silentLogger());
		};
		await start({ keyFile: first });
		await assert.rejects(start(), { code: "bad-config", message: /is encrypted, and no key was given/ });
		await assert.rejects(start({ keyFile: second }), { code: "denied", message: /does not open the keyring/ });
		await start({ keyFile: first });

		await assert.rejects(rotateVaultKey(configOf(), { keyFile: second }), { code: "bad-config" });
		await assert.rejects(rotateVaultKey(configOf({ keyFile: first }), {}), {
			code: "bad-config",
			message: /--new-key-file/,
		});
		await rotateVaultKey(configOf({ keyFile: first }), { keyFile: second });
		await assert.rejects(start({ keyFile: first }), { code: "denied" });
		await start({ keyFile: second });
		await rm(second);
		await assert.rejects(start({ keyFile: second }), { code: "bad-config", message: /cannot read/ });
	});

	it("wants one source of the key", () => {
		for (const encryption of [{}, { keyFile: "f", keyEnv: "V" }, { keyfile: "f" }, { keyFile: "" }]) {
			const { success } = collectorConfig.safeParse({ dataDir: "/d", vault: { encryption } });
			assert.equal(success, false, JSON.stringify(encryption));
		}
	});
});
