import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import { signatureId } from "../../collector/signature/filing.ts";
import { failureOf, leverOf, reportOf } from "../../collector/signature/testing.ts";
import { parseBatch } from "../../common/trial/profile.ts";

const run = promisify(execFile);
const MAIN = new URL("../main.ts", import.meta.url).pathname;

interface Result {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

describe("the commands of trials", () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	const id = signatureId("oops", "f in g");

	before(async () => {
		site = resources.use(await openSite());
		const leadUp = { intervalMs: 1000, values: { "vm.cpu_usage_percent": [10, null, 97.123456] } };
		const levers = [leverOf(1000, "set", "disk-latency", { disk: "vda", ms: 400 })];
		const { signatures } = site.collector;
		const consequences = [{ type: "kernel-panic", title: "kernel panic: Fatal exception", alternatives: [] }] as const;
		await signatures.file(
			reportOf(1, failureOf("f in g", { consequences, excerpt: ["\x1b[2Jevil"] }), { leadUp, levers }),
		);
		await signatures.file(reportOf(2, null));
		await signatures.file(reportOf(3, null, { vm: "db", control: true, profile: null }));
	});
	after(() => resources[Symbol.asyncDispose]());

	async function umbra(...args: readonly string[]): Promise<Result> {
		const env = { ...process.env, UMBRA_COLLECTOR: `http://${site.collector.apiAddress}` };
		try {
			const { stdout, stderr } = await run(process.execPath, [MAIN, ...args], { env });
			return { code: 0, stdout: stripVTControlCharacters(stdout), stderr };
		} catch (error) {
			const { code, stdout, stderr } = error as Result;
			return { code, stdout, stderr };
		}
	}

	async function done(...args: readonly string[]): Promise<string> {
		const { code, stdout, stderr } = await umbra(...args);
		assert.equal(code, 0, stderr);
		return stdout;
	}

	const records = (text: string) =>
		text
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));

	it("list trials and show one", async () => {
		const all = await done("trials");
		assert.match(
			all,
			/^TIME .*OUTCOME.*FAILURE\n.* db .*survived .*\(control\) +t3 *\n.* t2 *\n.*failed +4\.0 s +p3 +t1 +oops: f in g\n$/,
		);
		assert.deepEqual(
			records(await done("trials", "web1", "--json")).map((each) => each.id),
			["t2", "t1"],
		);
		assert.deepEqual(
			records(await done("trials", "--signature", id.slice(0, 10), "--json")).map((each) => each.id),
			["t1"],
		);
		assert.equal(await done("trials", "none"), "No trials.\n");
		const one = await done("trial", "show", "t1");
		for (const part of [
			/failed after 30\.0 s/,
			/failure: oops: f in g/,
			/then: kernel-panic/,
			/1\.000 s {2}set +disk-latency disk=vda ms=400/,
			/lever: nmi/,
		])
			assert.match(one, part);
		assert.equal(JSON.parse(await done("trial", "show", "t1", "--json")).levers.length, 1);
		assert.equal((await umbra("trial", "show", "none")).code, 3);
	});

	it("list signatures, show one by the beginning of its id, and say what to do", async () => {
		assert.match(await done("signatures"), new RegExp(`${id.slice(0, 12)} +oops +1 +1 of 1 +1 .*f in g`));
		assert.equal(records(await done("signatures", "web1", "--type", "oops", "--json"))[0].id, id);
		assert.equal(await done("signatures", "db"), "No signatures: no trial has failed yet.\n");
		const shown = await done("signature", "show", id.slice(0, 6));
		for (const part of [
			/reproduced: 1 of 1 \(100 %\)/,
			/do: Update the guest/,
			/\\x1b\[2Jevil/,
			/vm\.cpu_usage_percent: 10 to 97\.12/,
			/web1 {2}t1/,
		])
			assert.match(shown, part);
		assert.match(
			await done("signature", "mitigate", id.slice(0, 6), "--text", "Pin the kernel", "--by", "ann"),
			/f in g: Pin the kernel/,
		);
		assert.match(await done("signature", "show", id), /do: Pin the kernel\n {2}said by: ann/);
		assert.match(await done("signature", "mitigate", id, "--reset"), /Update the guest/);
		assert.equal((await umbra("signature", "mitigate", id)).code, 2);
		assert.equal((await umbra("signature", "show", "zz")).code, 3);
	});

	it("carry signatures to another site", async () => {
		await using other = await openSite();
		const there = ["--collector", `http://${other.collector.apiAddress}`];
		const file = join(site.folder, "signatures.yaml");
		assert.equal(await done("signatures", "export", file), `Wrote ${file}\n`);
		const withoutTime = (text: string) => text.replace(/^exported: .*/m, "");
		assert.equal(withoutTime(await done("signatures", "export", "-")), withoutTime(await readFile(file, "utf8")));
		const imported = await done("signatures", "import", file, ...there);
		assert.match(imported, /: 1 new, 0 changed, 0 as they were\n$/);
		assert.equal(JSON.parse(await done("signatures", "import", file, "--json", ...there)).unchanged, 1);
		assert.match(await done("signatures", ...there), / 0 +0 of 0 +0 +elsewhere +f in g/);
		assert.equal((await umbra("signatures", "import", join(site.folder, "none"))).code, 3);
		await writeFile(file, "format: x\n");
		assert.equal((await umbra("signatures", "import", file)).code, 2);
	});

	it("make profiles, the same from the same seed, and check them", async () => {
		const load = ["--cpu", "40", "--memory", "60%", "--io", "5MiB"];
		const made = await done("profile", "make", "web1", "--seed", "7", "--count", "3", ...load);
		assert.equal(await done("profile", "make", "web1", "--seed", "7", "--count", "3", ...load), made);
		const { vm, profiles } = parseBatch(made, "made");
		assert.deepEqual([vm, profiles.map(({ seed }) => seed)], ["web1", [7, 8, 9]]);
		const file = join(site.folder, "profiles.yaml");
		assert.match(
			(await umbra("profile", "make", "web1", "--seed", "7", ...load, "--out", file)).stderr,
			/Wrote 1 profile to/,
		);
		assert.match(await done("profile", "check", file), /^PROFILE .*\nweb1-7 +7 +2 min 0 s +2 +load\n$/);
		assert.equal(records(await done("profile", "check", file, "--json"))[0].steps[0].action, "set");
		await writeFile(file, "name: x\nduration: 1m\nphases: [{ levers: [{ lever: gravity }] }]\n");
		const wrong = await umbra("profile", "check", file);
		assert.equal(wrong.code, 2);
		assert.match(wrong.stderr, /phases\.0\.levers\.0\.lever: no such lever.*\nhint: docs\/trials\.md/);
		for (const args of [
			["--seed", "-1"],
			["--seed", "x"],
			["--seed", "1", "--count", "0"],
			["--seed", "1", "--duration", "1s"],
			["--seed", "1", "--cpu", "101"],
		]) {
			assert.equal((await umbra("profile", "make", "web1", ...args)).code, 2, args.join(" "));
		}
		assert.equal((await umbra("profile", "make", "web1", "--seed", "1")).code, 3, "there is no such VM");
	});
});
