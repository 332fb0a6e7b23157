import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import { openNtfs } from "../ntfs/ntfs.ts";
import { makeVolume, mount, needsNtfs, openImage, setAttribute } from "../ntfs/testing.ts";
import { parseSam } from "./sam.ts";
import { descriptorOf, emptyHive, makeHive, samCommands, type TestAccount } from "./testing.ts";

const MACHINE = Buffer.alloc(12);
for (const [i, number] of [3623811015, 3361044348, 30300820].entries()) MACHINE.writeUInt32LE(number, 4 * i);
const MACHINE_SID = "S-1-5-21-3623811015-3361044348-30300820";

const ACCOUNTS: readonly TestAccount[] = [
	{ kind: "Users", name: "Administrator", rid: 500 },
	{ kind: "Users", name: "Guest", rid: 501 },
	{ kind: "Users", name: "alice", rid: 1001 },
	{ kind: "Users", name: "Bob Builder", rid: 1002 },
	{ kind: "Groups", name: "None", rid: 513 },
	{ kind: "Aliases", name: "Our Team", rid: 1003 },
];
const BUILTIN: readonly TestAccount[] = [
	{ kind: "Aliases", name: "Administrators", rid: 544 },
	{ kind: "Aliases", name: "Remote Desktop Users", rid: 555 },
];

describe("parseSam", needs("hivexsh", "chntpw"), () => {
	it("names users and groups, users as chntpw does", async () => {
		await using folder = await tempFolder();
		const path = folder.file("SAM");
		await makeHive(path, samCommands(MACHINE, ACCOUNTS, BUILTIN));
		const accounts = parseSam(await readFile(path));
		const expected = [
			...BUILTIN.map(({ name, rid }) => [`S-1-5-32-${rid}`, name]),
			...ACCOUNTS.map(({ name, rid }) => [`${MACHINE_SID}-${rid}`, name]),
		];
		assert.deepEqual([...accounts].sort(), expected.sort());
		const listed = (await run("chntpw", ["-l", path])).toString();
		const users = [...listed.matchAll(/^\| ([0-9a-f]{4}) \| (.*?) +\|/gm)];
		assert.equal(users.length, 4);
		for (const [, rid = "", name] of users)
			assert.equal(accounts.get(`${MACHINE_SID}-${Number.parseInt(rid, 16)}`), name);
	});

	it("knows nobody where the keys are not there", () => {
		assert.deepEqual([...parseSam(emptyHive())], []);
	});
});

describe("the owners of an NTFS volume", needsNtfs("hivexsh", "ntfssecaudit"), () => {
	it("have the names of the SAM beside them; those it does not know stay SIDs", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		const sam = folder.file("SAM");
		await makeHive(sam, samCommands(MACHINE, ACCOUNTS, BUILTIN));
		await makeVolume(image, 16 << 20);
		const owners = new Map([
			["alice.txt", [`${MACHINE_SID}-1001`, `${MACHINE_SID}-513`]],
			["stranger.txt", ["S-1-5-21-1-2-3-1105", `${MACHINE_SID}-1003`]],
			["system.txt", ["S-1-5-18", "S-1-5-32-555"]],
		]);
		{
			await using mounted = await mount(image);
			await mkdir(mounted.at("Windows/System32/config"), { recursive: true });
			await copyFile(sam, mounted.at("Windows/System32/config/SAM"));
			for (const [name, [owner = "", group = ""]] of owners) {
				await writeFile(mounted.at(name), name);
				await setAttribute(mounted.at(name), "ntfs_acl", descriptorOf(owner, group));
			}
		}
		await using source = await openImage(image);
		const fs = await openNtfs(source);
		const told: string[][] = [];
		const sids: string[][] = [];
		for (const name of owners.keys()) {
			const node = await fs.lookup(`/${name}`);
			const audit = (await run("ntfssecaudit", ["-vv", image, `/${name}`])).toString("latin1");
			sids.push([...audit.matchAll(/^Windows (?:owner|group) (S-\S+)$/gm)].map((match) => match[1]!));
			const { users, groups } = await fs.owners!();
			told.push([users.get(node.uid) ?? "", groups.get(node.gid) ?? ""]);
		}
		assert.deepEqual(sids, [...owners.values()]);
		assert.deepEqual(told, [
			["alice", "None"],
			["S-1-5-21-1-2-3-1105", "Our Team"],
			["SYSTEM", "Remote Desktop Users"],
		]);
		assert.deepEqual(fs.problems, []);
	});

	it("stay SIDs, and the SAM is a problem, where it is damaged", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 16 << 20);
		{
			await using mounted = await mount(image);
			await mkdir(mounted.at("Windows/System32/config"), { recursive: true });
			await writeFile(mounted.at("Windows/System32/config/SAM"), Buffer.alloc(8192, 1));
		}
		await using source = await openImage(image);
		const fs = await openNtfs(source);
		assert.equal((await fs.owners!()).users.get(18), "SYSTEM");
		assert.equal(fs.problems.length, 1);
		assert.match(fs.problems[0]!.message, /accounts stay SIDs: SAM: regf: signature/);
	});
});
