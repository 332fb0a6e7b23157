import assert from "node:assert/strict";
import { copyFile, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import { runProgram } from "../packaging/guest/programs.ts";
import { type Random, testRandom } from "../test/support/random.ts";
import { type TempFolder, tempFolder } from "../test/support/temp.ts";
import { type Causes, changeInterval, findCauses, type KnownPackages } from "./causes.ts";
import { type NamedSource, openDisk } from "./disk.ts";
import type { Filesystem, Ranges } from "./filesystem.ts";
import { comparePages } from "./map/compare.ts";
import { type MachineChanges, mapMachineChanges } from "./map/map.ts";
import { openFile } from "./source/file.ts";
import type { BlockSource } from "./source/source.ts";
import { DebianGuest, type FilesystemPlace, inGuest, JOURNAL_REMOTE, needsMount } from "./test-guest.ts";
import { readMachineTree } from "./tree.ts";
import { ausearch } from "./who/testing.ts";

const FSTAB = "LABEL=root / ext4 defaults 0 1\nLABEL=var /var ext4 defaults 0 2\n";
/** Both disks at one state. */
type State = readonly [root: string, variable: string];

/** A Debian whose /var is a disk of its own, before and after a day at work. */
async function makeDebian(folder: TempFolder): Promise<{ readonly old: State; readonly now: State }> {
	const now: State = [folder.file("root.raw"), folder.file("var.raw")];
	for (const [image, label] of [
		[now[0], "root"],
		[now[1], "var"],
	] as const) {
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", "-L", label, image, "16M"]);
	}
	const places: FilesystemPlace[] = [
		{ image: now[0], type: "ext4" },
		{ image: now[1], type: "ext4", point: "/var" },
	];
	const devices = new Map([
		["/", "fe:00"],
		["/var/", "fe:10"],
	]);
	const guest = new DebianGuest(folder.path, devices);
	await inGuest(places, (root) => guest.install(root, FSTAB));
	const old: State = [folder.file("old-root.raw"), folder.file("old-var.raw")];
	await copyFile(now[0], old[0]);
	await copyFile(now[1], old[1]);
	await inGuest(places, (root) => guest.work(root));
	return { old, now };
}

async function openAll(images: readonly string[], opened: AsyncDisposableStack): Promise<NamedSource[]> {
	return await Promise.all(
		images.map(async (image, at) => ({ name: `disk${at}`, source: opened.use(await openFile(image)) })),
	);
}

interface Compared {
	readonly before: readonly NamedSource[];
	readonly after: readonly NamedSource[];
	readonly files: MachineChanges["files"];
	readonly interval: { readonly from: number; readonly to: number };
}

async function compare(
	old: readonly string[],
	now: readonly string[],
	opened: AsyncDisposableStack,
): Promise<Compared> {
	const [before, after] = [await openAll(old, opened), await openAll(now, opened)];
	const pages = new Map(
		await Promise.all(
			after.map(async ({ name, source }, at) => [name, await comparePages(before[at]!.source, source)] as const),
		),
	);
	const trees = [await readMachineTree(before), await readMachineTree(after)] as const;
	const { files } = mapMachineChanges(...trees, pages);
	return { before, after, files, interval: changeInterval(...trees, files) };
}

/** "change path: who did what with what; package event state", by path. */
function told(files: MachineChanges["files"], causes: Causes): Map<string, string> {
	const lines = files.flatMap(({ disk, files: changed }) =>
		changed.map((file): [string, string] => {
			const why = causes.files.get(file);
			const actors = (why?.actors ?? []).map(
				({ user, account, host, action, executable }) =>
					`${user || "-"} as ${account}${host && ` from ${host}`} ${action} ${executable}`,
			);
			const owner = why?.package;
			const shown =
				owner === undefined
					? ""
					: `${owner.package.name} ${owner.event ?? "same"} ${owner.state}${owner.explained ? ", explained" : ""}`;
			return [`${disk}${file.path}`, [file.change, ...actors, shown].join("; ")];
		}),
	);
	return new Map(lines);
}

function assertTold(files: MachineChanges["files"], causes: Causes): void {
	const found = told(files, causes);
	for (const [path, wanted] of EXPECTED) assert.equal(found.get(path), wanted, path);
}

const SPOILED = [
	...["/lib/dpkg/status", "/lib/dpkg/info/grows.list", "/lib/dpkg/info/tool.md5sums"],
	...["/log/audit/audit.log", "/log/wtmp", `/log/journal/${"b".repeat(32)}/system.journal`],
];

/** Where the files of dpkg's database lie on the disk with /var. */
async function databaseRanges({ source }: NamedSource): Promise<{ from: number; to: number }[]> {
	const filesystem = await openOnly(source);
	const paths = ["status", ...["grows", "tool", "arrives"].map((name) => `info/${name}.list`)];
	const nodes = await Promise.all(paths.map((path) => filesystem.lookup(`/lib/dpkg/${path}`)));
	const ranges = nodes.flatMap(({ data }) => pairs(data));
	assert.ok(ranges.length >= paths.length);
	return ranges.map(([from, length]) => ({ from, to: from + length }));
}

function pairs(ranges: Ranges): [number, number][] {
	return ranges.flatMap((offset, at) => (at % 2 === 0 ? [[offset, ranges[at + 1]!]] : []));
}

async function openOnly(source: BlockSource): Promise<Filesystem> {
	return await (await openDisk(source)).volumes[0]!.open();
}

function recording(source: BlockSource, reads: [number, number][]): BlockSource {
	return {
		size: source.size,
		name: source.name,
		read: (offset, length, signal) => {
			reads.push([offset, offset + length]);
			return source.read(offset, length, signal);
		},
		extents: (offset, length, signal) => source.extents(offset, length, signal),
		[Symbol.asyncDispose]: async () => {},
	};
}

/** Overwrites some files of an ext4 image in place: all of them with noise, or a few bytes. */
async function damage(image: string, paths: readonly string[], random: Random, noise: boolean): Promise<void> {
	await using source = await openFile(image);
	const filesystem = await openOnly(source);
	await using file = await open(image, "r+");
	for (const path of paths) {
		if (random.chance(0.3)) continue;
		const node = await filesystem.lookup(path);
		for (const [at, length] of pairs(node.data)) {
			const bytes = random.bytes(noise ? length : 1);
			await file.write(bytes, 0, bytes.length, noise ? at : at + random.below(Math.min(length, node.size)));
		}
	}
}

const ALICE = "alice as root from 10.0.0.7";
const EXPECTED = new Map([
	["disk0/usr/bin/grows", `modified; ${ALICE} rename /usr/bin/dpkg; grows upgraded shipped, explained`],
	["disk0/usr/bin/leaves", `deleted; ${ALICE} delete /usr/bin/dpkg; leaves removed removed, explained`],
	["disk0/usr/share/grows/new", "created; grows upgraded shipped, explained"],
	["disk0/usr/share/grows/old", "deleted; grows upgraded removed, explained"],
	["disk0/usr/lib/arrives/lib.so", `created; ${ALICE} rename /usr/bin/dpkg; arrives installed shipped, explained`],
	["disk0/usr/lib/arrives/hit", "created; - as root write /usr/sbin/cron; arrives installed modified"],
	["disk0/usr/bin/tool", `modified; ${ALICE} write /usr/bin/cp; tool same modified`],
	["disk0/etc/tool.conf", `modified; ${ALICE} write /usr/bin/vim.tiny; tool same config`],
	["disk0/home/alice/notes.txt", "created; alice as alice from 10.0.0.7 create /usr/bin/nano; "],
]);
const PACKAGES = [
	{ key: "arrives:all", event: "installed", before: "", after: "0.1-1" },
	{ key: "grows:all", event: "upgraded", before: "1.0-1", after: "1.1-1" },
	{ key: "leaves:all", event: "removed", before: "3-1", after: "" },
];

describe(
	"findCauses of a Debian whose /var is a disk of its own",
	needsMount("mke2fs", "debugfs", "dpkg", "dpkg-deb", "utmpdump", "ausearch", JOURNAL_REMOTE),
	() => {
		const opened = new AsyncDisposableStack();
		let folder: TempFolder;
		let old: State;
		let now: State;
		let compared: Compared;

		before(async () => {
			folder = opened.use(await tempFolder());
			({ old, now } = await makeDebian(folder));
			compared = await compare(old, now, opened);
		});
		after(() => opened.disposeAsync());

		it("names who changed each file and the package change that explains it", async () => {
			const causes = await findCauses(compared);
			assertTold(compared.files, causes);
			assert.deepEqual(causes.packages, PACKAGES);
			assert.deepEqual(causes.problems, []);
			assert.deepEqual(
				causes.sessions.map(({ user, tty, host, to }) => ({ user, tty, host, to })),
				[{ user: "alice", tty: "pts/0", host: "10.0.0.7", to: undefined }],
			);
			const disk1 = compared.files.find(({ disk }) => disk === "disk1")!;
			assert.ok(disk1.files.some(({ path }) => path === "/lib/dpkg/status"));
			assert.ok(disk1.files.every((file) => causes.files.get(file) === undefined));
		});

		it("was asked about a log that auditd's own reader understands", async () => {
			await runProgram("debugfs", ["-R", `dump /log/audit/audit.log ${folder.file("audit.log")}`, now[1]]);
			const events = await ausearch(folder.file("audit.log"));
			assert.deepEqual(
				events.map(({ syscall, exe, paths }) => [syscall, exe, paths.at(-1)?.name]),
				[
					["unlinkat", "/usr/bin/dpkg", "/usr/bin/leaves"],
					["rename", "/usr/bin/dpkg", "/usr/bin/grows"],
					["rename", "/usr/bin/dpkg", "/usr/lib/arrives/lib.so"],
					["openat", "/usr/bin/vim.tiny", "/etc/tool.conf"],
					["openat", "/usr/bin/cp", "/usr/bin/tool"],
					["openat", "/usr/sbin/cron", "/usr/lib/arrives/hit"],
					["openat", "/usr/bin/nano", "/home/alice/notes.txt"],
				],
			);
		});

		it("tells the same by what was remembered of the packages", async () => {
			const { before: disks, after: later, files, interval } = compared;
			const first = await findCauses({ files: [], interval, after: disks });
			assert.deepEqual([first.packages, first.known?.versions.get("grows:all")], [[], "1.0-1"]);
			const second = await findCauses({ files, interval, after: later, known: first.known });
			assertTold(files, second);
			assert.deepEqual(second.problems, []);
			assert.deepEqual(second.packages, PACKAGES);
			assert.notEqual(second.known?.stamp, first.known?.stamp);

			const third = await findCauses({ files, interval, after: later, known: second.known });
			assert.equal(third.known, second.known);
			assert.deepEqual(third.packages, []);
			assert.match(told(files, third).get("disk0/usr/bin/grows")!, /; grows same shipped$/);
		});

		it("goes on from what was remembered without owners, and from owners that are damaged", async () => {
			const { before: disks, after: later, files, interval } = compared;
			const { known } = await findCauses({ files: [], interval, after: disks });
			const { stamp, versions } = known ?? assert.fail();
			const again = await findCauses({ files: [], interval, after: disks, known: { stamp, versions } });
			assert.deepEqual([again.packages, again.known?.versions], [[], versions]);
			const owners = (await again.known?.owners?.()) ?? assert.fail();
			assert.deepEqual(owners, await known?.owners?.());
			const spoilt = owners.slice();
			spoilt[spoilt.length - 1]! ^= 1;
			for (const [kept, problems] of [
				[undefined, 0],
				[async () => spoilt, 1],
			] as const) {
				const causes = await findCauses({ files, interval, after: later, known: { stamp, versions, owners: kept } });
				assert.deepEqual(causes.packages, PACKAGES);
				assert.equal(causes.problems.length, problems);
				const found = told(files, causes);
				for (const [path, wanted] of EXPECTED) {
					const line = wanted.startsWith("deleted") ? wanted.replace(/(?:grows|leaves) \w+ removed.*/, "") : wanted;
					assert.equal(found.get(path), line, path);
				}
			}
		});

		it("reads no package database that did not change, for files of no package", async () => {
			const { after: later, files, interval } = compared;
			const { known } = await findCauses({ files: [], interval, after: later });
			const root = files.find(({ disk }) => disk === "disk0")!;
			const only = (pattern: RegExp): MachineChanges["files"] => [
				{ ...root, files: root.files.filter(({ path }) => pattern.test(path)) },
			];
			const database = await databaseRanges(later[1]!);
			const countReads = async (some: MachineChanges["files"]): Promise<number> => {
				const reads: [number, number][] = [];
				const after = [later[0]!, { ...later[1]!, source: recording(later[1]!.source, reads) }];
				const causes = await findCauses({ files: some, interval, after, known });
				assert.equal(causes.known, known);
				assert.ok(reads.length > 0);
				return reads.filter(([at, end]) => database.some(({ from, to }) => at < to && end > from)).length;
			};
			assert.equal(await countReads(only(/^\/home\/alice\/notes.txt$/)), 0);
			assert.ok((await countReads(only(/^\/usr\/bin\/tool$/))) > 0);
		});

		it("takes a database without packages for one that cannot be read, not for packages that are gone", async () => {
			const copy = folder.file("half-written.raw");
			await copyFile(now[1], copy);
			await runProgram("debugfs", ["-w", "-R", "sif /lib/dpkg/status size 0", copy]);
			const { before: disks, files, interval } = compared;
			const after = await openAll([now[0], copy], opened);
			const first = await findCauses({ files: [], interval, after: disks });
			for (const known of [{ known: first.known }, { before: disks }]) {
				const causes = await findCauses({ files, interval, after, ...known });
				assert.deepEqual([causes.packages, causes.known], [[], known.known]);
				assert.ok([...causes.files.values()].every(({ package: owner }) => owner === undefined));
				assert.deepEqual(causes.problems, ["the guest's package database names no package"]);
			}
			const back = await findCauses({ ...compared, before: after });
			assert.deepEqual(back.packages, []);
			assert.ok([...back.files.values()].every(({ package: owner }) => owner?.explained !== true));
		});

		it("knows when a machine changed though its clock was once ahead", async () => {
			const wrong = [old, now].map(([root, variable], at) => ({
				root,
				variable,
				copy: folder.file(`wrong-${at}.raw`),
			}));
			for (const { root, copy } of wrong) {
				await copyFile(root, copy);
				await runProgram("debugfs", ["-w", "-R", "sif /etc/group ctime @2100000000", copy]);
			}
			const [earlier, later] = wrong.map(({ copy, variable }) => [copy, variable]) as [string[], string[]];
			const ahead = await compare(earlier, later, opened);
			assert.ok(ahead.interval.to >= 2_100_000_000 && ahead.interval.from < 2_000_000_000);
			assert.ok(ahead.interval.from >= compared.interval.from);
			assertTold(ahead.files, await findCauses(ahead));
		});

		it("compares no more than it is allowed, and says so", async () => {
			const causes = await findCauses({ ...compared, maxContent: 0 });
			const states = [...causes.files.values()].flatMap(({ package: owner }) => (owner === undefined ? [] : [owner]));
			assert.deepEqual([...new Set(states.map(({ state }) => state))].sort(), ["removed", "unknown"]);
			assert.ok(states.every(({ state, explained }) => !explained || state === "removed"));
			assert.match(causes.problems[0]!, /too much changed at once/);
		});

		it("throws nothing, whatever stands in the guest's files", async (context) => {
			const random = testRandom(context);
			const copies = [folder.file("damaged-0.raw"), folder.file("damaged-1.raw")] as const;
			for (let round = 0; round < 12; round++) {
				await copyFile(now[0], copies[0]);
				await copyFile(now[1], copies[1]);
				await damage(copies[0], ["/etc/fstab", "/etc/passwd"], random, round % 3 === 0);
				await damage(copies[1], SPOILED, random, round % 2 === 0);
				await using closing = new AsyncDisposableStack();
				const after = await openAll(copies, closing);
				const causes = await findCauses({ ...compared, after });
				assert.ok(causes.problems.length <= 16);
				await findCauses({ ...compared, before: after });
			}
		});

		it("stops when it is told to", async () => {
			const signal = AbortSignal.abort(new Error("enough"));
			await assert.rejects(findCauses({ ...compared, signal }), /enough/);
		});
	},
);

describe("findCauses of disks without a system", needsMount("mke2fs"), () => {
	it("has nothing to say, and reads little to know it", async () => {
		await using folder = await tempFolder();
		const [old, now] = [folder.file("old.raw"), folder.file("now.raw")];
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", old, "16M"]);
		await copyFile(old, now);
		await inGuest([{ image: now, type: "ext4" }], (root) => writeFile(join(root, "file"), "data"));
		await using opened = new AsyncDisposableStack();
		const compared = await compare([old], [now], opened);
		assert.deepEqual(
			compared.files.map(({ files }) => files.map(({ path }) => path)),
			[["/file"]],
		);
		const reads: [number, number][] = [];
		const after = compared.after.map((disk) => ({ ...disk, source: recording(disk.source, reads) }));
		const known: KnownPackages = { stamp: "of before", versions: new Map() };
		const causes = await findCauses({ ...compared, after, known });
		assert.deepEqual(causes, { files: new Map(), sessions: [], packages: [], known, problems: [] });
		assert.ok(reads.reduce((sum, [from, to]) => sum + to - from, 0) < 1 << 20);
	});

	it("fails where a disk cannot be read", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image.raw");
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", image, "16M"]);
		const source = await openFile(image);
		const broken: BlockSource = {
			...recording(source, []),
			read: () => Promise.reject(new UmbraError("unavailable", "it is gone")),
		};
		await assert.rejects(
			findCauses({ files: [], interval: { from: 0, to: 1 }, after: [{ name: "disk0", source: broken }] }),
			(error) => isUmbraError(error, "unavailable"),
		);
		await source[Symbol.asyncDispose]();
	});
});
