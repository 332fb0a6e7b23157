import assert from "node:assert/strict";
import { appendFile, chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import { type Explanation, explain } from "./explain.ts";
import { encodeOwners, OwnerIndex } from "./owner-index.ts";
import { changedPackages } from "./package-db.ts";
import { packagesStamp, readPackages } from "./packages.ts";
import { type DebFiles, fileOf, filesOf, guestOf, makeDeb, memoryMounts, openGuest, say } from "./testing.ts";

const ARCH = "all";
/** "installed name:all 1.0" a line, in dpkg-query's own words. */
const QUERY = `\${db:Status-Status} \${Package}:\${Architecture} \${Version}\\n`;

interface Guests {
	readonly root: string;
	readonly before: string;
	readonly after: string;
}

/** A guest whose /bin leads to usr/bin, before and after `apt upgrade` and an intruder. */
async function makeGuests(folder: string): Promise<Guests> {
	const root = join(folder, "root");
	for (const path of [
		"usr/bin",
		"usr/lib",
		"etc",
		"tmp",
		"var/lib/dpkg/info",
		"var/lib/dpkg/updates",
		"var/lib/dpkg/triggers",
	]) {
		await mkdir(join(root, path), { recursive: true });
	}
	await symlink("usr/bin", join(root, "bin"));
	await symlink("usr/lib", join(root, "lib"));
	await writeFile(join(root, "var/lib/dpkg/status"), "");
	await writeFile(join(root, "var/lib/dpkg/available"), "");
	const dpkg = (...args: string[]) =>
		run("dpkg", [
			`--root=${root}`,
			"--force-unsafe-io",
			"--force-not-root",
			"--force-bad-path",
			"--force-confold",
			...args,
		]);
	const deb = (name: string, version: string, files: DebFiles, conffiles?: readonly string[], extra: DebFiles = {}) =>
		makeDeb(folder, { Package: name, Version: version, Architecture: ARCH, ...extra }, files, conffiles);
	await dpkg(
		"-i",
		await deb(
			"grows",
			"1.0-1",
			{ "/usr/bin/grows": "one", "/etc/grows.conf": "a=1\n", "/etc/kept.conf": "k\n", "/usr/share/grows/old": "o" },
			["/etc/grows.conf", "/etc/kept.conf"],
		),
		await deb("merged", "1:2.0", { "/bin/merged": "in bin", "/lib/straße/ü": "odd", "/bin/alias": "-> merged" }),
		await deb("leaves", "3", { "/usr/bin/leaves": "l", "/etc/leaves.conf": "x" }, ["/etc/leaves.conf"]),
		await deb("original", "1", { "/usr/bin/tool": "original tool", "/usr/bin/more": "m" }),
		await deb("stays", "1", {
			"/usr/share/stays/one": "1",
			"/usr/share/stays/two": "2",
			"/usr/share/stays/three": "3",
		}),
	);
	await run("dpkg-divert", [
		"--root",
		root,
		"--package",
		"diverts",
		"--divert",
		"/usr/bin/tool.orig",
		"--rename",
		"/usr/bin/tool",
	]);
	await dpkg("-i", await deb("diverts", "1", { "/usr/bin/tool": "the diverting tool" }));
	const before = join(folder, "before.img");
	await using made = await guestOf(root, before);
	assert.equal(made.mounts.length, 1);
	await appendFile(join(root, "etc/grows.conf"), "b=2\n");
	await dpkg(
		"-i",
		await deb(
			"grows",
			"1.1-1",
			{ "/usr/bin/grows": "two", "/etc/grows.conf": "a=2\n", "/etc/kept.conf": "k2\n", "/usr/share/grows/new": "n" },
			["/etc/grows.conf", "/etc/kept.conf"],
		),
		await deb("arrives", "0.1", { "/usr/lib/arrives/lib.so": "so", "/usr/lib/arrives/hit": "h" }),
	);
	await dpkg("--remove", "leaves");
	await writeFile(join(root, "usr/bin/merged"), "IN BIN");
	await writeFile(join(root, "usr/lib/arrives/hit"), "H");
	await writeFile(join(root, "usr/bin/tool.orig"), "not the original");
	await rm(join(root, "usr/share/stays/two"));
	await writeFile(join(root, "usr/bin/nobody"), "from nowhere");
	await chmod(join(root, "usr/share/stays/one"), 0o4755);
	return { root, before, after: join(folder, "after.img") };
}

/** Owner by path, as `dpkg -S` says it. */
async function theirOwners(root: string, paths: readonly string[]): Promise<Map<string, string>> {
	const { text } = await say("dpkg-query", [`--root=${root}`, "-S", ...paths]);
	const owners = new Map<string, string>();
	for (const line of text.split("\n")) {
		const match = /^([^ ]+): (\/.*)$/.exec(line);
		if (match !== null) owners.set(match[2]!, match[1]!);
	}
	return owners;
}

describe("readPackages with dpkg", needs("dpkg", "dpkg-deb", "mke2fs"), () => {
	it("agrees with dpkg on owners, versions and what was modified, and explains what an upgrade did", async () => {
		await using folder = await tempFolder();
		const { root, before: image, after: afterImage } = await makeGuests(folder.path);
		await using guestBefore = await openGuest(image);
		await using guest = await guestOf(root, afterImage);
		const { mounts } = guest;
		const before = (await readPackages(guestBefore.mounts))!;
		const after = (await readPackages(mounts))!;

		const listed = (await say("dpkg-query", [`--root=${root}`, "-W", "-f", QUERY])).text;
		const installed = listed
			.trim()
			.split("\n")
			.filter((line) => line.startsWith("installed "));
		assert.deepEqual(
			[...after.versions].map(([key, version]) => `installed ${key} ${version}`).sort(),
			installed.sort(),
		);
		assert.deepEqual(changedPackages(before.versions, after.versions), [
			{ key: `arrives:${ARCH}`, event: "installed", before: "", after: "0.1" },
			{ key: `grows:${ARCH}`, event: "upgraded", before: "1.0-1", after: "1.1-1" },
			{ key: `leaves:${ARCH}`, event: "removed", before: "3", after: "" },
		]);

		const paths = (await filesOf(root)).filter((path) => !/^\/(?:var\/|bin$|lib$)/.test(path));
		// dpkg knows files of merged directories by the names in its lists only.
		const listedAs = new Map([
			["/usr/bin/merged", "/bin/merged"],
			["/usr/bin/alias", "/bin/alias"],
			["/usr/lib/straße/ü", "/lib/straße/ü"],
		]);
		const theirs = await theirOwners(
			root,
			paths.map((path) => listedAs.get(path) ?? path),
		);
		theirs.set("/usr/bin/tool", "diverts");
		theirs.set("/usr/bin/tool.orig", "original");
		assert.ok(theirs.size >= 14);
		for (const path of paths) {
			assert.equal((await after.ownerOf(path))?.name, theirs.get(listedAs.get(path) ?? path), path);
		}
		assert.equal((await after.ownerOf("/bin/merged"))?.name, "merged");
		const kept = OwnerIndex.decode(encodeOwners(await after.owned()));
		for (const path of paths) assert.deepEqual(kept.ownerOf(path), await after.ownerOf(path), path);

		const verified = (await say("dpkg", [`--root=${root}`, "--verify"])).text;
		const bad = new Set([...verified.matchAll(/^(?:missing|\?\?\S+) +(?:c )?(\/.*)$/gm)].map((match) => match[1]!));
		// Diverted files it leaves out.
		bad.add("/usr/bin/tool.orig");
		const explanations = new Map<string, Explanation | undefined>();
		for (const path of [...paths, "/usr/share/stays/two"]) {
			const file = await fileOf(mounts, path);
			const change = file === undefined ? "deleted" : "modified";
			explanations.set(path, await explain({ path, change }, before, after, file));
		}
		const wrong = [...explanations]
			.filter(([, each]) => each !== undefined && ["modified", "config", "missing"].includes(each.state))
			.map(([path]) => listedAs.get(path) ?? path);
		assert.deepEqual(wrong.sort(), [...bad].sort());
		assert.equal(wrong.length, 5);

		const told = (path: string) => {
			const each = explanations.get(path);
			return each === undefined ? undefined : [each.package.name, each.event, each.state, each.explained];
		};
		assert.deepEqual(told("/usr/bin/grows"), ["grows", "upgraded", "shipped", true]);
		assert.deepEqual(told("/etc/kept.conf"), ["grows", "upgraded", "shipped", true]);
		assert.deepEqual(told("/etc/grows.conf"), ["grows", "upgraded", "config", false]);
		assert.deepEqual(told("/usr/lib/arrives/lib.so"), ["arrives", "installed", "shipped", true]);
		assert.deepEqual(told("/usr/lib/arrives/hit"), ["arrives", "installed", "modified", false]);
		assert.deepEqual(told("/usr/bin/merged"), ["merged", undefined, "modified", false]);
		assert.deepEqual(told("/usr/bin/alias"), ["merged", undefined, "unknown", false]);
		assert.deepEqual(told("/usr/lib/straße/ü"), ["merged", undefined, "shipped", false]);
		assert.deepEqual(told("/usr/bin/tool"), ["diverts", undefined, "shipped", false]);
		assert.deepEqual(told("/usr/bin/tool.orig"), ["original", undefined, "modified", false]);
		assert.deepEqual(told("/usr/share/stays/two"), ["stays", undefined, "missing", false]);
		assert.equal(told("/usr/bin/nobody"), undefined);

		const gone = async (path: string) => {
			assert.equal(await fileOf(mounts, path), undefined);
			const each = await explain({ path, change: "deleted" }, before, after, undefined);
			return each === undefined ? undefined : [each.package.name, each.event, each.state, each.explained];
		};
		assert.deepEqual(await gone("/usr/share/grows/old"), ["grows", "upgraded", "removed", true]);
		assert.deepEqual(await gone("/usr/bin/leaves"), ["leaves", "removed", "removed", true]);
		assert.equal(await gone("/usr/bin/never-was"), undefined);

		// dpkg records no modes: a setuid bit that comes with an upgrade is not its doing.
		const one = await fileOf(mounts, "/usr/share/stays/one");
		const versions = new Map(before.versions).set(`stays:${ARCH}`, "0");
		const metadata = await explain({ path: "/usr/share/stays/one", change: "metadata" }, { versions }, after, one);
		assert.deepEqual([metadata?.state, metadata?.explained], ["shipped", false]);

		assert.deepEqual(after.problems, []);
		assert.notEqual(await packagesStamp(guestBefore.mounts), await packagesStamp(mounts));
		assert.notEqual(await packagesStamp(mounts), "");
	});
});

describe("readPackages without dpkg itself", () => {
	it("takes packages from status.d, their files from md5sums, and no state for installed", async () => {
		const files = new Map<string, Buffer>([
			["/var/lib/dpkg/status.d/tiny", Buffer.from("Package: tiny\nVersion: 1\nArchitecture: amd64\n")],
			["/var/lib/dpkg/status.d/tiny.md5sums", Buffer.from("0cc175b9c0f1b6a831c399e269772661  usr/bin/tiny\n")],
			["/usr/bin/tiny", Buffer.from("a")],
		]);
		const packages = (await readPackages(memoryMounts(files)))!;
		assert.deepEqual([...packages.versions], [["tiny:amd64", "1"]]);
		const file = await fileOf(memoryMounts(files), "/usr/bin/tiny");
		const told = await explain({ path: "/usr/bin/tiny", change: "created" }, { versions: new Map() }, packages, file);
		assert.deepEqual([told?.event, told?.state, told?.explained], ["installed", "shipped", true]);
	});

	it("is undefined where there is no database", async () => {
		const mounts = memoryMounts(new Map([["/etc/passwd", Buffer.from("root:x:0:0::/:/bin/sh\n")]]));
		assert.equal(await readPackages(mounts), undefined);
		assert.equal(await packagesStamp(mounts), "");
	});
});
