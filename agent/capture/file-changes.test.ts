import assert from "node:assert/strict";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { pino } from "pino";
import { UmbraError } from "../../common/errors.ts";
import { needsLvm, place, TestGroup } from "../../disk/lvm/testing.ts";
import { comparePages } from "../../disk/map/compare.ts";
import { TestImage, tool } from "../../disk/map/test-image.ts";
import {
	type Mount,
	makeJournal,
	makeUsnJournal,
	makeVolume,
	mount,
	needsNtfs,
	writeUsnJournal,
} from "../../disk/ntfs/testing.ts";
import { REASON } from "../../disk/ntfs/usn.ts";
import { readDiskTree } from "../../disk/tree.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { type AgentDb, encodeKey } from "./block-index.ts";
import { ChangeCauses } from "./change-causes.ts";
import {
	type ComparedDisk,
	type FileHistory,
	findFileChanges,
	type MachineFindings,
	treeProblem,
} from "./file-changes.ts";
import { MachineTrees } from "./machine-trees.ts";
import { MemorySource, openDb } from "./testing.ts";

const MIB = 2 ** 20;
const VM = "web";
const NEVER = { from: 0, to: 0 };
type Disks = Readonly<Record<string, Buffer>>;

/** Captures of one machine whose disks are in memory. */
class Captures implements AsyncDisposable {
	readonly db: AgentDb;
	readonly trees: MachineTrees;
	readonly history: FileHistory;
	readonly log: string[] = [];
	readonly #resources: AsyncDisposableStack;
	#last: Disks = {};

	private constructor(db: AgentDb, resources: AsyncDisposableStack) {
		this.db = db;
		this.#resources = resources;
		const log = pino({}, { write: (line: string) => this.log.push(line) });
		this.trees = new MachineTrees(db, log);
		this.history = { trees: this.trees, causes: new ChangeCauses(db, log) };
	}

	static async start(): Promise<Captures> {
		await using opened = new AsyncDisposableStack();
		const temp = opened.use(await tempFolder());
		const db = opened.use(await openDb(temp.file("db")));
		return new Captures(db, opened.move());
	}

	/** As after a restart that finds the stored tree damaged. */
	async damageTree(): Promise<void> {
		this.trees.forget(VM);
		await this.db.put(encodeKey("tree", VM, "0000"), Buffer.from("no tree"));
	}

	/** Captures these disks, each compared with what the last capture left of it. */
	async capture(disks: Disks): Promise<MachineFindings & { readonly readBytes: number }> {
		const sources = new Map<string, MemorySource>();
		const compared: ComparedDisk[] = [];
		for (const [name, bytes] of Object.entries(disks)) {
			const source = new MemorySource(bytes, `${VM}/${name}`);
			const known = this.#last[name];
			const pages = known === undefined ? undefined : await comparePages(new MemorySource(known), source);
			const changedBlocks = pages === undefined ? 1 : new Set(pages.offsets.map((at) => Math.floor(at / 65536))).size;
			source.readBytes = 0;
			sources.set(name, source);
			compared.push({ name, source, changedBlocks, pages });
		}
		const findings = await findFileChanges(this.history, VM, compared, NEVER);
		await this.db.batch([...findings.operations]);
		findings.committed();
		this.#last = disks;
		return { ...findings, readBytes: [...sources.values()].reduce((sum, { readBytes }) => sum + readBytes, 0) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources[Symbol.asyncDispose]();
	}
}

const named = ({ files }: MachineFindings): string[] =>
	files.flatMap(({ disk, volume, files: found }) =>
		found.map(({ change, path }) => `${disk} ${volume}: ${change} ${path}`),
	);
const volumesOf = ({ disks }: MachineFindings): string[] =>
	[...disks].flatMap(([name, { volumes }]) => volumes.map(({ id, kind }) => `${name} ${id}: ${kind}`));
const problemsOf = (findings: MachineFindings, disk: string): string =>
	(findings.disks.get(disk) ?? assert.fail(`no ${disk}`)).problems.join("\n");

const LVM = needsLvm("mke2fs", "debugfs", "resize2fs");

describe("findFileChanges on a volume group across disks", LVM, () => {
	/** The three disks at three times: "big" lies on the first two; "third" comes with the third disk. */
	const stages: Buffer[][] = [];
	before(async (context) => {
		if (LVM.skip !== false) return;
		const random = testRandom(context as never);
		await using group = await TestGroup.create("vg", [12 * MIB, 12 * MIB, 12 * MIB], { vgcreate: ["-s", "1m"] });
		await group.lvm("vgreduce", "vg", group.device(2));
		await group.create("root", ["-l", "18"]);
		await using image = await TestImage.create("18M", "-t", "ext4");
		const save = async () => {
			const segments = (await group.oracle()).get("root") ?? assert.fail("no volume");
			await place(group.images, segments, await readFile(image.path));
			stages.push(await Promise.all(group.images.map((path) => readFile(path))));
			return new Set(segments.flatMap(({ stripes }) => stripes.map(({ disk }) => disk)));
		};
		await image.write("/big", random.bytes(12 * MIB));
		await image.write("/gone", "soon");
		assert.deepEqual(await save(), new Set([0, 1]));
		await image.write("/new", random.bytes(300_000));
		await image.debugfs("rm gone");
		await save();
		await group.lvm("vgextend", "vg", group.device(2));
		await group.extend("root", ["-l", "+8"], ["2"]);
		await tool("e2fsck", "-fp", image.path);
		await tool("resize2fs", image.path, "26M");
		await image.write("/third", random.bytes(7 * MIB));
		assert.deepEqual(await save(), new Set([0, 1, 2]));
	});
	after(() => stages.splice(0));
	const disks = (stage: number, ...names: readonly string[]): Disks =>
		Object.fromEntries(names.map((name) => [name, stages[stage]!["abc".indexOf(name)]!]));

	it("names its files under the disk on which it begins, and each disk's bytes under that disk", async () => {
		await using captures = await Captures.start();
		const first = await captures.capture(disks(0, "a", "b"));
		assert.deepEqual(named(first), []);
		assert.deepEqual(volumesOf(first), ["a : LVM2_member", "a vg/root: ext4", "b : LVM2_member"]);
		const second = await captures.capture(disks(1, "a", "b"));
		assert.deepEqual(named(second).sort(), ["a vg/root: created /new", "a vg/root: deleted /gone"]);
		const parts = [...second.disks].map(([, { attribution }]) => attribution);
		assert.ok(
			parts.every(({ total, unknown }) => total > 0 && unknown === 0),
			JSON.stringify(parts),
		);
		const created = second.files[0]!.files.find(({ path }) => path === "/new") ?? assert.fail();
		assert.ok(created.changedBytes >= 300_000 && created.changedBytes < 300_000 + 3 * 4096);
	});

	it("reads neither disk nor tree where nothing changed, and says the volumes all the same", async () => {
		await using captures = await Captures.start();
		const first = await captures.capture(disks(0, "a", "b"));
		assert.ok(first.readBytes > 0);
		// Whoever read it would complain.
		await captures.damageTree();
		const second = await captures.capture(disks(0, "a", "b"));
		assert.equal(second.readBytes, 0);
		assert.deepEqual(second.operations, []);
		assert.deepEqual(volumesOf(second), volumesOf(first));
		assert.deepEqual(captures.log, []);
		assert.equal(second.disks.get("a")?.attribution.total, 0);
	});

	it("names no files where the stored tree is damaged, but knows them the next time", async () => {
		await using captures = await Captures.start();
		await captures.capture(disks(1, "a", "b"));
		await captures.damageTree();
		const second = await captures.capture(disks(0, "a", "b"));
		assert.deepEqual(named(second), []);
		assert.equal(captures.log.length, 1);
		const { total, unknown } = second.disks.get("a")!.attribution;
		assert.ok(total > 0 && unknown === 0);
		assert.deepEqual(named(await captures.capture(disks(1, "a", "b"))).sort(), [
			"a vg/root: created /new",
			"a vg/root: deleted /gone",
		]);
	});

	it("goes on when the volume grows onto a disk that just came", async () => {
		await using captures = await Captures.start();
		await captures.capture(disks(1, "a", "b"));
		const grown = await captures.capture(disks(2, "a", "b", "c"));
		assert.deepEqual(named(grown), ["a vg/root: created /third"]);
		assert.equal(grown.disks.get("c")?.attribution.total, 0, "all of it counts, none of it changed");
		assert.deepEqual(named(await captures.capture(disks(2, "a", "b", "c"))), []);
	});

	it("says which volumes a missing disk takes away, and calls nothing deleted or created for that", async () => {
		await using captures = await Captures.start();
		await captures.capture(disks(0, "a", "b"));
		const without = await captures.capture(disks(1, "a"));
		assert.deepEqual(named(without), []);
		assert.deepEqual(volumesOf(without), ["a : LVM2_member", "a vg/root: LVM2_unavailable"]);
		assert.match(
			problemsOf(without, "a"),
			/^volume vg\/root \(LVM2_unavailable\): .* physical volume pv1 .*not here$/m,
		);
		assert.deepEqual(named(await captures.capture(disks(0, "a"))), []);
		const again = await captures.capture(disks(0, "a", "b"));
		assert.deepEqual(named(again), []);
		assert.equal(problemsOf(again, "a"), "");
		assert.ok(volumesOf(again).includes("a vg/root: ext4"));
		assert.equal(named(await captures.capture(disks(1, "a", "b"))).length, 2);
	});

	it("knows the volume again when its disks have other names and another order", async () => {
		await using captures = await Captures.start();
		await captures.capture(disks(0, "a", "b"));
		const { a, b } = disks(1, "a", "b") as { a: Buffer; b: Buffer };
		const renamed = await captures.capture({ vdb: b, a });
		assert.deepEqual(named(renamed).sort(), ["a vg/root: created /new", "a vg/root: deleted /gone"]);
		assert.deepEqual(volumesOf(renamed), ["vdb : LVM2_member", "a : LVM2_member", "a vg/root: ext4"]);
	});
});

describe("findFileChanges", needs("mke2fs", "debugfs"), () => {
	it("keeps apart disks that have nothing to do with each other: one comes, one goes, one is damaged", async () => {
		await using captures = await Captures.start();
		await using one = await TestImage.create("8M");
		await using two = await TestImage.create("8M", "-t", "ext4");
		await one.write("/one", "1");
		await two.write("/two", "2");
		const [a, b] = [await readFile(one.path), await readFile(two.path)];
		await captures.capture({ a });
		const come = await captures.capture({ a, b });
		assert.deepEqual(named(come), []);
		assert.deepEqual(volumesOf(come), ["a : ext2", "b : ext4"]);
		await two.write("/more", "of it");
		const b2 = await readFile(two.path);
		assert.deepEqual(named(await captures.capture({ a, b: b2 })), ["b : created /more"]);
		const gone = await captures.capture({ b: b2 });
		assert.deepEqual(named(gone), []);
		assert.deepEqual(volumesOf(gone), ["b : ext4"]);

		const damaged = Buffer.from(b2);
		// The block size, in the superblock.
		damaged.writeUInt32LE(77, 1024 + 24);
		const findings = await captures.capture({ a, b: damaged });
		assert.equal(problemsOf(findings, "a"), "");
		assert.match(problemsOf(findings, "b"), /web\/b: /);
		assert.deepEqual(named(findings), []);
		const { total, unknown } = findings.disks.get("b")!.attribution;
		assert.ok(total > 0 && unknown + findings.disks.get("b")!.attribution.free <= total);
	});

	it("sees the new volumes of a disk that was resized, though no block changed", async () => {
		await using captures = await Captures.start();
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		const a = new MemorySource(bytes, `${VM}/a`);
		const nothing = { offsets: new Float64Array(), before: new Uint8Array(), after: new Uint8Array() };
		await captures.capture({ a: bytes });
		const larger = new MemorySource(Buffer.concat([bytes, Buffer.alloc(MIB)]), `${VM}/a`);
		for (const [source, length] of [
			[a, 8 * MIB],
			[larger, 9 * MIB],
			[a, 8 * MIB],
		] as const) {
			const disk = { name: "a", source, changedBlocks: 0, pages: nothing };
			const { disks, operations } = await findFileChanges(captures.history, VM, [disk], NEVER);
			await captures.db.batch([...operations]);
			assert.equal(disks.get("a")?.volumes[0]?.length, length);
		}
	});

	it("fails where a disk cannot be read, and does not where the tree makes no sense", async () => {
		await using captures = await Captures.start();
		await using image = await TestImage.create("8M");
		const bytes = await readFile(image.path);
		await captures.capture({ a: bytes });
		const failing = async (error: Error) => {
			const source = new MemorySource(bytes, `${VM}/a`);
			source.read = () => Promise.reject(error);
			captures.trees.forget(VM);
			return await findFileChanges(
				captures.history,
				VM,
				[{ name: "a", source, changedBlocks: 1, pages: undefined }],
				NEVER,
			);
		};
		const gone = new UmbraError("unavailable", "the export is gone");
		await assert.rejects(failing(gone), (error) => error === gone);
		const { disks, operations } = await failing(new RangeError("boom"));
		assert.deepEqual(disks.get("a")?.problems, ["unexpected: boom"]);
		await captures.db.batch([...operations]);
		assert.equal(await captures.trees.before(VM), undefined);
	});
});

describe("treeProblem", () => {
	it("marks what is not one of ours", () => {
		assert.equal(treeProblem(new RangeError("boom")), "unexpected: boom");
		assert.equal(treeProblem("boom"), "unexpected: boom");
	});
});

describe("findFileChanges on a volume that notes its changes itself", needsNtfs("ntfscp"), () => {
	it("tells where a file was made and what came and went since the last capture, after a restart too", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 16 * MIB);
		await makeUsnJournal(image, 1n);
		await using captures = await Captures.start();
		await captures.capture({ vda: await readFile(image) });
		for (const round of [0, 1]) {
			const made = `/made ${round}.tmp`;
			const { ino } = await inVolume(image, async (volume) => {
				await writeFile(volume.at(made), "content");
				await rename(volume.at(made), volume.at(`/kept ${round}`));
				return await stat(volume.at(`/kept ${round}`));
			});
			const { nodes } = (await readDiskTree(new MemorySource(await readFile(image)))).volumes[0]!.scan!;
			const { generation } = nodes.get(ino) ?? assert.fail();
			const note = (inode: number, name: string, reason: number) => ({
				...{ inode, name, reason, generation, parentGeneration: 5 },
			});
			const journal = makeJournal(
				[
					note(ino, made.slice(1), REASON.FILE_CREATE),
					note(ino, made.slice(1), REASON.RENAME_OLD_NAME),
					note(ino, `kept ${round}`, REASON.RENAME_NEW_NAME),
					note(500, `gone ${round}`, REASON.FILE_CREATE),
					note(500, `gone ${round}`, REASON.FILE_DELETE),
				],
				round * 4096,
			);
			await writeUsnJournal(image, journal, round * 4096);
			captures.trees.forget(VM);
			const found = await captures.capture({ vda: await readFile(image) });
			assert.equal(problemsOf(found, "vda"), "");
			const told = found.files.flatMap(({ files }) => files).filter(({ path }) => !/^\/(\$|$)/.test(path));
			assert.deepEqual(
				told.map(({ change, path, oldPath }) => [change, path, oldPath]),
				[
					["transient", `/gone ${round}`, undefined],
					["created", `/kept ${round}`, made],
				],
			);
		}
		// A journal that is another one now: what it held is gone, and the trees tell what they can.
		await inVolume(image, (volume) => rename(volume.at("/kept 0"), volume.at("/kept 2")));
		await makeUsnJournal(image, 2n);
		const found = await captures.capture({ vda: await readFile(image) });
		assert.match(problemsOf(found, "vda"), /^whole disk \(ntfs\): the change journal was made anew/);
		assert.ok(named(found).includes("vda : renamed /kept 2"));
	});
});

async function inVolume<T>(image: string, work: (volume: Mount) => Promise<T>): Promise<T> {
	await using volume = await mount(image);
	return await work(volume);
}
