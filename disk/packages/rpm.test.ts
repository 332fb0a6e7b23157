import assert from "node:assert/strict";
import { appendFile, chmod, copyFile, mkdir, readFile, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { explain } from "./explain.ts";
import { encodeOwners, OwnerIndex } from "./owner-index.ts";
import { changedPackages } from "./package-db.ts";
import { packagesStamp, readPackages } from "./packages.ts";
import { fileOf, filesOf, guestOf, makeNdb, makeRpm, openGuest, RpmRoot, say } from "./testing.ts";

/** A guest with old and new packages; the second state has been upgraded and then tampered with. */
async function makeGuests(folder: string): Promise<{ root: RpmRoot; before: string; after: string }> {
	const root = new RpmRoot(join(folder, "root"));
	for (const each of ["usr/bin", "usr/lib", "etc", "var/lib/rpm"]) await mkdir(root.at(each), { recursive: true });
	await symlink("usr/bin", root.at("bin"));
	await root.rpm("--initdb");
	/** Two versions of one package: another program, another configuration, and a file `kept` of its own. */
	const grows = (version: string, program: string, config: string, kept: string) =>
		makeRpm(folder, {
			...{ name: "grows", version, epoch: "2", files: [...common, `/usr/share/grows/${kept}`] },
			install: [
				"mkdir -p usr/bin etc usr/share/grows var/log",
				"touch var/log/grows.log",
				`echo ${program} >usr/bin/grows`,
				"ln -s grows usr/bin/grows-link",
				`echo ${config} >etc/grows.conf`,
				`echo ${kept[0]} >usr/share/grows/${kept}`,
			].join("; "),
		});
	const common = [
		"/usr/bin/grows",
		"/usr/bin/grows-link",
		"%config(noreplace) /etc/grows.conf",
		"%ghost /var/log/grows.log",
		"%dir /usr/share/grows",
	];
	await root.rpm(
		"--nodeps",
		"-i",
		...(await Promise.all([
			grows("1.0", "one", "a", "old"),
			makeRpm(folder, {
				name: "old-digests",
				version: "1",
				install: "mkdir -p bin; echo md5 >bin/old; echo good >bin/older",
				files: ["/bin/old", "/bin/older"],
				macros: ["_source_filedigest_algorithm 1", "_binary_filedigest_algorithm 1"],
			}),
			makeRpm(folder, {
				name: "leaves",
				version: "3",
				install: "mkdir -p usr/bin; echo l >usr/bin/leaves",
				files: ["/usr/bin/leaves"],
			}),
			makeRpm(folder, { name: "empty", version: "1", install: "", files: [] }),
			makeRpm(folder, {
				name: "stays",
				version: "1",
				install:
					"mkdir -p usr/share/stays/straße; for i in one two three four; do echo $i >usr/share/stays/$i; done; echo ü >usr/share/stays/straße/ü; ln -s one usr/share/stays/link",
				files: ["/usr/share/stays"],
			}),
		])),
	);
	const before = join(folder, "before.img");
	await using made = await guestOf(root.path, before);
	assert.equal(made.mounts.length, 1);
	await appendFile(root.at("etc/grows.conf"), "edited\n");
	await root.rpm(
		"--nodeps",
		"-U",
		...(await Promise.all([
			grows("1.1", "two", "b", "new"),
			makeRpm(folder, {
				name: "arrives",
				version: "0.1",
				install: "mkdir -p usr/lib/arrives; echo so >usr/lib/arrives/lib.so; echo h >usr/lib/arrives/hit",
				files: ["/usr/lib/arrives"],
			}),
		])),
	);
	await root.rpm("--nodeps", "-e", "leaves");
	await writeFile(root.at("usr/lib/arrives/hit"), "H\n");
	await writeFile(root.at("usr/bin/older"), "evil\n");
	await chmod(root.at("usr/share/stays/one"), 0o4755);
	await rm(root.at("usr/share/stays/two"));
	await appendFile(root.at("usr/share/stays/three"), "longer");
	await unlink(root.at("usr/share/stays/link"));
	await symlink("three", root.at("usr/share/stays/link"));
	await writeFile(root.at("usr/bin/nobody"), "from nowhere");
	return { root, before, after: join(folder, "after.img") };
}

/** The same guest with its database in the ndb format. */
async function convertToNdb(root: RpmRoot): Promise<void> {
	const path = root.at("var/lib/rpm/rpmdb.sqlite");
	using database = new DatabaseSync(path);
	const rows = database.prepare("SELECT blob FROM Packages").all() as { blob: Uint8Array }[];
	await mkdir(root.at("usr/lib/sysimage/rpm"), { recursive: true });
	await writeFile(root.at("usr/lib/sysimage/rpm/Packages.db"), makeNdb(rows.map(({ blob }) => Buffer.from(blob))));
}

describe("readPackages with rpm", needs("rpm", "rpmbuild", "mke2fs"), () => {
	it("agrees with rpm on owners, versions and what was modified, and explains what an upgrade did", async (t) => {
		await using folder = await tempFolder();
		const { root, before: beforeImage, after: afterImage } = await makeGuests(folder.path);
		const listed = await root.rpm("-qa", "--qf", "%{NAME}:%{ARCH} %{EVR}\\n");
		const paths = (await filesOf(root.path)).filter((path) => !/^\/(?:var\/|bin$|usr\/lib\/sysimage)/.test(path));
		const listedAs = (path: string) => (/^\/usr\/bin\/old/.test(path) ? path.slice(4) : path);
		const owners = new Map<string, string>();
		for (const path of paths) {
			const { text, status } = await say("rpm", root.args("-qf", "--qf", "%{NAME}", listedAs(path)));
			if (status === 0) owners.set(path, text);
		}
		const verified = (await say("rpm", root.args("-Va", "--nodeps", "--nouser", "--nogroup", "--nomtime", "--nocaps")))
			.text;
		const bad = [...verified.matchAll(/^(?:missing|[S.?][M.?][5.?]\S+) +(?:[cg] )?(\/.*)$/gm)].map(
			(match) => match[1]!,
		);
		for (const format of ["sqlite", "ndb"]) {
			await t.test(format, async () => {
				if (format === "ndb") await convertToNdb(root);

				await using guestBefore = await openGuest(beforeImage);
				await using guest = await guestOf(root.path, `${afterImage}-${format}`);
				const { mounts } = guest;
				const before = (await readPackages(guestBefore.mounts))!;
				const after = (await readPackages(mounts))!;
				assert.deepEqual(after.problems, []);
				assert.deepEqual([...after.versions].map((each) => each.join(" ")).sort(), listed.trim().split("\n").sort());
				assert.deepEqual(changedPackages(before.versions, after.versions), [
					{ key: "arrives:noarch", event: "installed", before: "", after: "0.1-1" },
					{ key: "grows:noarch", event: "upgraded", before: "2:1.0-1", after: "2:1.1-1" },
					{ key: "leaves:noarch", event: "removed", before: "3-1", after: "" },
				]);
				assert.ok(owners.size >= 12);
				for (const path of paths) assert.equal((await after.ownerOf(path))?.name, owners.get(path), path);
				assert.equal((await after.ownerOf("/usr/share/stays/straße/ü"))?.name, "stays");
				const kept = OwnerIndex.decode(encodeOwners(await after.owned()));
				for (const path of paths) assert.deepEqual(kept.ownerOf(path), await after.ownerOf(path), path);
				assert.equal((await after.shipped("/usr/bin/old"))?.algorithm, "md5");
				assert.equal((await after.shipped("/usr/bin/grows"))?.algorithm, "sha256");
				assert.equal((await after.shipped("/var/log/grows.log"))?.digest, undefined);

				const told = async (path: string) => {
					const file = await fileOf(mounts, path);
					const change = file === undefined ? "deleted" : "modified";
					const each = await explain({ path, change }, before, after, file);
					return each && [each.package.name, each.event, each.state, each.explained];
				};
				const wrong: string[] = [];
				for (const path of [...paths, "/usr/share/stays/two"]) {
					const state = (await told(path))?.[2];
					if (state === "modified" || state === "config" || state === "missing") wrong.push(listedAs(path));
				}
				assert.deepEqual(wrong.sort(), bad.sort());
				assert.equal(wrong.length, 7);
				assert.deepEqual(await told("/usr/bin/grows"), ["grows", "upgraded", "shipped", true]);
				assert.deepEqual(await told("/usr/bin/grows-link"), ["grows", "upgraded", "shipped", true]);
				assert.deepEqual(await told("/etc/grows.conf"), ["grows", "upgraded", "config", false]);
				assert.deepEqual(await told("/usr/lib/arrives/lib.so"), ["arrives", "installed", "shipped", true]);
				assert.deepEqual(await told("/usr/lib/arrives/hit"), ["arrives", "installed", "modified", false]);
				assert.deepEqual(await told("/usr/share/grows/old"), ["grows", "upgraded", "removed", true]);
				assert.deepEqual(await told("/usr/bin/leaves"), ["leaves", "removed", "removed", true]);
				assert.deepEqual(await told("/usr/share/stays/two"), ["stays", undefined, "missing", false]);
				assert.deepEqual(await told("/usr/share/stays/four"), ["stays", undefined, "shipped", false]);
				assert.deepEqual(await told("/var/log/grows.log"), ["grows", "upgraded", "unknown", false]);
				assert.equal(await told("/usr/bin/nobody"), undefined);
				assert.notEqual(await packagesStamp(guestBefore.mounts), await packagesStamp(mounts));
			});
		}
	});

	it("sees what stands in SQLite's write-ahead log only", async () => {
		await using folder = await tempFolder();
		const root = new RpmRoot(folder.file("root"));
		await mkdir(root.at("var/lib/rpm"), { recursive: true });
		await root.rpm("--initdb");
		const first = await makeRpm(folder.path, { name: "first", version: "1", install: "", files: [] });
		await root.rpm("--nodeps", "-i", first);
		const path = root.at("var/lib/rpm/rpmdb.sqlite");
		using database = new DatabaseSync(path);
		database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
		const [row] = database.prepare("SELECT blob FROM Packages").all() as { blob: Uint8Array }[];
		const second = Buffer.from(Buffer.from(row!.blob).toString("latin1").replace("first\0", "later\0"), "latin1");
		database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(second);
		await mkdir(folder.file("copy/var/lib/rpm"), { recursive: true });
		for (const name of ["", "-wal"])
			await copyFile(path + name, `${folder.file("copy/var/lib/rpm/rpmdb.sqlite")}${name}`);
		assert.ok((await readFile(`${path}-wal`)).includes("later"));
		await using guest = await guestOf(folder.file("copy"), folder.file("image"));
		assert.deepEqual([...(await readPackages(guest.mounts))!.versions.keys()], ["first:noarch", "later:noarch"]);
	});

	it("names a Berkeley DB as what it cannot read", async () => {
		await using folder = await tempFolder();
		await mkdir(folder.file("root/var/lib/rpm"), { recursive: true });
		await writeFile(folder.file("root/var/lib/rpm/Packages"), Buffer.alloc(4096));
		await using guest = await guestOf(folder.file("root"), folder.file("image"));
		const packages = (await readPackages(guest.mounts))!;
		assert.equal(packages.versions.size, 0);
		assert.ok(isUmbraError(packages.problems[0], "unsupported"));
		assert.match(packages.problems[0].message, /Berkeley DB/);
	});
});
