import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { checkConfig } from "../../../common/config.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { influxSettings, loadAccess } from "./settings.ts";

const URL = "http://127.0.0.1:8086";
const VARIABLE = "UMBRA_TEST_INFLUX_TOKEN";

function settings(more: object = {}) {
	return checkConfig(influxSettings, { store: "influxdb", url: URL, ...more }, "collector.yaml");
}

describe("influxSettings", () => {
	it("needs an address alone", () => {
		const { version, database, bucket, createDatabase, retention, timeout, backlogLimit } = settings();
		assert.deepEqual(
			[version, database, bucket, createDatabase, retention, timeout, backlogLimit],
			["auto", "umbra", "umbra", true, undefined, 30_000, 2 ** 30],
		);
		assert.equal(settings({ url: `${URL}/influx/` }).url, `${URL}/influx`);
		assert.deepEqual([settings({ bucket: "b" }).database, settings({ database: "d" }).bucket], ["b", "d"]);
	});

	for (const [what, more, message] of [
		["another scheme", { url: "ftp://h" }, /url: /],
		["a secret in the address", { url: "http://user:secret@h" }, /url: wanted .* with a host alone/],
		["a token in the address", { url: `${URL}/?p=secret` }, /url: wanted .* with a host alone/],
		["a version that is none", { version: 4 }, /version: /],
		["two secrets", { tokenFile: "a", tokenEnv: "B" }, /tokenEnv: wanted one secret, there is tokenFile already/],
		["a user without a password", { username: "u" }, /username: wanted passwordFile/],
		["a password without a user", { passwordEnv: "P" }, /username: wanted with the password/],
		["2.x without an organization", { version: 2 }, /org: /],
		["an authority without TLS", { tls: { ca: "ca.pem" } }, /url: tls.ca is for https/],
		["a retention that InfluxDB has not", { retention: "5m" }, /retention: wanted 1h or more/],
		["a password that stands there", { password: "x" }, /"password"/],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(() => settings(more), { code: "bad-config", message });
		});
	}

	it("does not repeat a secret that was put in the wrong place", () => {
		for (const more of [{ url: "http://user:hunter2@h" }, { token: "hunter2" }]) {
			assert.throws(
				() => settings(more),
				(error) => !String(error).includes("hunter2"),
			);
		}
	});
});

describe("loadAccess", () => {
	it("reads the secret from its file or variable", async () => {
		await using folder = await tempFolder();
		const tokenFile = folder.file("token");
		await writeFile(tokenFile, "abc123==\n", { mode: 0o600 });
		assert.equal((await loadAccess(settings({ tokenFile }))).authorization, "Token abc123==");
		const cluster = await loadAccess(settings({ tokenFile, version: "victoriametrics" }));
		assert.equal(cluster.authorization, "Bearer abc123==");
		process.env[VARIABLE] = "pass word";
		try {
			const { authorization } = await loadAccess(settings({ username: "u", passwordEnv: VARIABLE }));
			assert.equal(authorization, `Basic ${Buffer.from("u:pass word").toString("base64")}`);
			await assert.rejects(loadAccess(settings({ tokenEnv: VARIABLE })), { message: /tokenEnv: .* holds no token/ });
		} finally {
			delete process.env[VARIABLE];
		}
		assert.equal((await loadAccess(settings())).authorization, undefined);
	});

	it("refuses secrets that are missing, empty, of several lines, or everybody's", async () => {
		await using folder = await tempFolder();
		const tokenFile = folder.file("token");
		const refused = async (message: RegExp, more: object = { tokenFile }) =>
			await assert.rejects(loadAccess(settings(more)), (error: Error & { code?: string }) => {
				assert.equal(error.code, "bad-config");
				assert.match(error.message, message);
				assert.ok(!error.message.includes("hunter2"));
				return true;
			});
		await refused(/^series.tokenFile: cannot read/);
		for (const text of ["", "\n", "hunter2\nhunter2"]) {
			await writeFile(tokenFile, text, { mode: 0o600 });
			await refused(/^series.tokenFile: .* holds no token/);
		}
		await chmod(tokenFile, 0o644);
		await refused(/every user/);
		await refused(/^series.tokenEnv: the environment has no variable/, { tokenEnv: VARIABLE });
		await refused(/^series.tls.ca: cannot read/, { url: "https://h", tls: { ca: folder.file("ca.pem") } });
	});
});
