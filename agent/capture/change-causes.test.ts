/** What an agent remembers of a Debian's packages between two captures, though it was restarted in between. */
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { pino } from "pino";
import { comparePages } from "../../disk/map/compare.ts";
import { mapChanges } from "../../disk/map/map.ts";
import { DebianGuest, inGuest, JOURNAL_REMOTE, needsMount } from "../../disk/test-guest.ts";
import { readDiskTree } from "../../disk/tree.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { encodeKey } from "./block-index.ts";
import { ChangeCauses } from "./change-causes.ts";
import { MemorySource, openDb } from "./testing.ts";

const VM = "web";
const EVER = { from: 1, to: 4e9 };
const NEEDS = ["mke2fs", "dpkg", "dpkg-deb", "utmpdump", JOURNAL_REMOTE];

/** The disk of a Debian with packages, and the same after an upgrade, an installation and a removal. */
async function makeStates(folder: { readonly path: string; file(name: string): string }) {
	const image = folder.file("image");
	await writeFile(image, "");
	await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", image, "32M"]);
	const guest = new DebianGuest(folder.path);
	const places = [{ image, type: "ext4" }] as const;
	await inGuest(places, (root) => guest.install(root, "/dev/vda / ext4 defaults 0 1\n"));
	await copyFile(image, folder.file("old"));
	await inGuest(places, (root) => guest.work(root));
	const [before, after] = [await readFile(folder.file("old")), await readFile(image)].map(
		(each) => new MemorySource(each),
	);
	const trees = [await readDiskTree(before!), await readDiskTree(after!)] as const;
	const changes = mapChanges(...trees, await comparePages(before!, after!));
	return { before: before!, after: after!, files: changes.files.map((each) => ({ disk: "vda", ...each })) };
}

describe("ChangeCauses", needsMount(...NEEDS), () => {
	it("names the package of a file that went with it, whatever became of what is stored", async (t) => {
		await using folder = await tempFolder();
		await using db = await openDb(folder.file("db"));
		const { before, after, files } = await makeStates(folder);
		const log: string[] = [];
		const started = () => new ChangeCauses(db, pino({}, { write: (line: string) => log.push(line) }));
		const keys = async () => await Array.fromAsync(db.keys(), (key) => Buffer.from(key).toString());

		/** What the two captures tell of the deleted files, and the problems. */
		const capture = async (spoil: () => Promise<void>) => {
			const first = (await started().find(VM, [{ name: "vda", source: before }], [], EVER)) ?? assert.fail();
			await db.batch([...first.operations]);
			await spoil();
			const second = (await started().find(VM, [{ name: "vda", source: after }], files, EVER)) ?? assert.fail();
			await db.batch([...second.operations]);
			const told = new Map([...second.causes.files].map(([{ path }, { package: owner }]) => [path, owner]));
			assert.deepEqual([told.get("/usr/bin/grows")?.event, told.get("/usr/bin/grows")?.explained], ["upgraded", true]);
			const gone = ["/usr/bin/leaves", "/usr/share/grows/old"].map((path) => told.get(path));
			return {
				gone: gone.map((each) => each && [each.package.name, each.package.version, each.event, each.explained]),
				problems: second.causes.problems,
			};
		};
		const known = [
			["leaves", "3-1", "removed", true],
			["grows", "1.0-1", "upgraded", true],
		];
		assert.deepEqual(await capture(async () => {}), { gone: known, problems: [] });
		assert.deepEqual(await keys(), ["owners/web", "packages/web"]);

		await t.test("it is not written again while no package changed", async () => {
			const causes = await started().find(VM, [{ name: "vda", source: after }], files, EVER);
			assert.deepEqual(causes?.operations, []);
		});
		await t.test("damaged owners", async () => {
			const bytes = (await db.get(encodeKey("owners", VM))) ?? assert.fail();
			const spoilt = Uint8Array.from(bytes);
			spoilt[spoilt.length - 1]! ^= 1;
			const { gone, problems } = await capture(() => db.put(encodeKey("owners", VM), spoilt));
			assert.deepEqual(gone, [undefined, undefined]);
			assert.match(problems.join(), /owners of files cannot be read/);
		});
		await t.test("missing owners", async () => {
			const { gone, problems } = await capture(() => db.del(encodeKey("owners", VM)));
			assert.deepEqual(gone, [undefined, undefined]);
			assert.match(problems.join(), /owners of files cannot be read: .* are missing/);
		});
		await t.test("what an earlier version stored", async () => {
			const stored = async (): Promise<void> => {
				const { stamp, versions } = JSON.parse(Buffer.from((await db.get(encodeKey("packages", VM)))!).toString());
				await db.put(encodeKey("packages", VM), Buffer.from(JSON.stringify({ stamp, versions })));
				await db.del(encodeKey("owners", VM));
			};
			assert.deepEqual(await capture(stored), { gone: [undefined, undefined], problems: [] });
			assert.deepEqual(await capture(async () => {}), { gone: known, problems: [] });
			// While no package changes, it is made up for at once.
			const again = async (): Promise<void> => {
				await stored();
				const found = (await started().find(VM, [{ name: "vda", source: before }], [], EVER)) ?? assert.fail();
				assert.deepEqual(found.causes.packages, []);
				await db.batch([...found.operations]);
			};
			assert.deepEqual(await capture(again), { gone: known, problems: [] });
		});
		await t.test("a VM that is forgotten leaves nothing", async () => {
			await db.batch(started().removal(VM));
			assert.deepEqual(await keys(), []);
		});
		assert.deepEqual(log, []);
	});
});
