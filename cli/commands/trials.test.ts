import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import { signatureId } from "../../collector/signature/filing.ts";
import { failureOf, leverOf, reportOf } from "../../collector/signature/testing.ts";
import { checkProbes, parseBatch } from "../../common/trial/profile.ts";

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
		const probes = checkProbes([{ name: "web", tcp: { port: 80 } }], "probes");
		const { signatures } = site.collector;
		const consequences = [{ type: "kernel-panic", title: "kernel panic: Fatal exception", alternatives: [] }] as const;
		await signatures.file(
			reportOf(1, failureOf("f in g", { consequences, excerpt: ["\x1b[2Jevil"] }), { leadUp, levers, probes }),
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

	// Each is a process of its own: as few as tell.
	it("list trials and show one", async () => {
		const all = await done("trials");
		assert.match(
			all,
			/^TIME .*OUTCOME.*FAILURE\n.* db .*survived .*\(control\) +t3 *\n.* t2 *\n.*failed +4\.0 s +p3 +t1 +oops: f in g\n$/,
		);
		const ended = await done("trials", "web1", "--signature", id.slice(0, 10), "--json");
		assert.deepEqual(
			records(ended).map((each) => each.id),
			["t1"],
		);
		const one = await done("trial", "show", "t1");
		const parts = [
			/failed after 30\.0 s/,
			/failure: oops: f in g/,
			/then: kernel-panic/,
			/lever: nmi/,
			/probes of its batch:\n +- name: web/,
		];
		for (const part of [...parts, /1\.000 s {2}set +disk-latency disk=vda ms=400/]) assert.match(one, part);
		assert.equal((await umbra("trial", "show", "none")).code, 3);
		assert.equal((await umbra("trials", "nosuch")).code, 3);
		assert.equal(await done("trials", "db", "--outcome", "lost"), "No such trials of db.\n");
		const limited = await umbra("trials", "--limit", "abc");
		assert.equal(limited.code, 2);
		assert.match(limited.stderr, /^umbra: --limit: "abc"; wanted a whole number from 1 /);
	});

	it("list signatures, show one by the beginning of its id, and say what to do", async () => {
		assert.match(await done("signatures", "web1"), new RegExp(`${id.slice(0, 12)} +oops +1 +- +1 .*f in g`));
		const said = await done("signature", "mitigate", id.slice(0, 6), "--text", "Pin the kernel", "--by", "ann");
		assert.match(said, /f in g: Pin the kernel/);
		const shown = await done("signature", "show", id.slice(0, 6));
		const parts = [
			/reproduced: not replayed yet: umbra trial replay t1 --times 10\n/,
			/do: Pin the kernel\n {2}said by: ann/,
			/\\x1b\[2Jevil/,
		];
		for (const part of [...parts, /vm\.cpu_usage_percent: 10 to 97\.12/, /web1 {2}t1/]) assert.match(shown, part);
		assert.match(await done("signature", "mitigate", id, "--reset"), /Update the guest/);
		assert.equal((await umbra("signature", "show", "zz")).code, 3);
		assert.equal((await umbra("signatures", "nosuch")).code, 3);
		assert.equal(await done("signatures", "web1", "--type", "reboot"), "No signatures of type reboot of web1.\n");
		const typed = await umbra("signatures", "--type", "foo");
		assert.equal(typed.code, 2);
		assert.match(typed.stderr, /Allowed choices are kernel-panic, oops, /);
		const { signatures } = site.collector;
		for (const at of [4, 5])
			await signatures.file(reportOf(at, at === 4 ? failureOf("f in g") : null, { replays: id }));
		assert.match(await done("signatures", "web1"), new RegExp(`${id.slice(0, 12)} +oops +2 +1 of 2 +1 .*f in g`));
		assert.match(await done("signature", "show", id), /reproduced: in 1 of 2 replays \(50 %\)/);
	});

	it("carry signatures to another site", async () => {
		await using other = await openSite();
		const there = ["--collector", `http://${other.collector.apiAddress}`];
		const file = join(site.folder, "signatures.yaml");
		assert.match((await umbra("signatures", "export", file)).stderr, new RegExp(`Wrote ${file}`));
		assert.match(await done("signatures", "import", file, ...there), /: 1 new, 0 changed, 0 as they were\n$/);
		assert.equal(JSON.parse(await done("signatures", "import", file, "--json", ...there)).unchanged, 1);
		assert.match(await done("signatures", ...there), / 0 +- +0 +elsewhere +f in g/);
		await writeFile(file, "format: x\n");
		assert.equal((await umbra("signatures", "import", file)).code, 2);
	});

	it("make profiles, the same from the same seed, and check them", async () => {
		const load = ["--cpu", "40", "--memory", "60%", "--io", "5MiB"];
		const made = await done("profile", "make", "web1", "--seed", "7", "--count", "3", ...load);
		const { vm, profiles } = parseBatch(made, "made");
		assert.deepEqual([vm, profiles.map(({ seed }) => seed)], ["web1", [7, 8, 9]]);
		const file = join(site.folder, "profiles.yaml");
		const out = ["--count", "3", "--out", file];
		assert.match(
			(await umbra("profile", "make", "web1", "--seed", "7", ...load, ...out)).stderr,
			/Wrote 3 profiles to/,
		);
		assert.equal(await readFile(file, "utf8"), made);
		assert.match(await done("profile", "check", file), /^PROFILE .*\nweb1-7 +7 +2 min 0 s +2 +load\n/);
		const named = "{ name: x, duration: 1m, phases: [] }";
		await writeFile(file, `profiles: [${Array.from({ length: 256 }, () => named).join(",")}]`);
		// Before anything is sent: this VM is not even known.
		const many = await umbra("trial", "run", "web1", "--profile", file);
		assert.equal(many.code, 2);
		assert.match(
			many.stderr,
			/profiles\.yaml: 256 profiles and a control; wanted at most 256 trials.*\nhint: run them in parts/,
		);
		await writeFile(file, "name: x\nduration: 1m\nphases: [{ levers: [{ lever: gravity }] }]\n");
		const wrong = await umbra("profile", "check", file);
		assert.equal(wrong.code, 2);
		assert.match(wrong.stderr, /phases\.0\.levers\.0\.lever: no such lever.*\nhint: docs\/trials\.md/);
		assert.equal((await umbra("profile", "make", "web1", "--seed", "-1")).code, 2);
		assert.equal((await umbra("profile", "make", "web1", "--seed", "1")).code, 3, "there is no such VM");
	});
});
