import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { Catalog } from "./catalog.ts";
import {
	type ChainRecord,
	changesetDigest,
	FilesHash,
	formatHead,
	type LinkRecord,
	linkHash,
	parseHead,
} from "./chain.ts";
import { type ChainCheck, checkChain, checkChains, checkHead } from "./chain-check.ts";
import { keys } from "./keys.ts";
import { decodeRecord, withChecksum } from "./record-form.ts";
import type { ChangesetRecord, FileChangeRecord, VmRecord } from "./records.ts";

const VM = "web/1 ü";
const DEEP = { files: true } as const;

function changeset(time: number, random: Random, files: number): ChangesetRecord {
	const root = Buffer.from(random.bytes(32)).toString("hex");
	const attribution = { total: 1, file: 1, directory: 0, journal: 0, metadata: 0, free: 0, unknown: 0 };
	const disk = { disk: "vda", sizeBytes: 2 ** 30, root, mode: "tracked", reason: "", dirtyBytes: 1 } as const;
	const told = { readBytes: 1, changedBytes: 1, entropyBefore: 0.1 + 0.2, entropyAfter: null, attribution };
	return {
		id: `c${time}`,
		baseId: "",
		vm: VM,
		vmUuid: "",
		agentId: "a",
		host: "h",
		sequence: "1",
		time: String(time),
		consistency: "crash",
		captureMs: random.fraction(),
		pauseMs: 1e-7,
		disks: [{ ...disk, ...told, volumes: [], problems: [] }],
		fileCount: files,
		verdict: null,
	};
}

function vmRecord({ vm, agentId, host, id, time }: ChangesetRecord): VmRecord {
	return { vm, uuid: "", agentId, host, headId: id, headTime: time, disks: [] };
}

function fileOf(path: string): FileChangeRecord {
	const sizes = { inode: 1, sizeBefore: 0, sizeAfter: 0, changedBytes: 0, entropyBefore: null, entropyAfter: 7.25 };
	const owner = { uid: 0, gid: 0, owner: "", group: "", mode: 0, mtime: 0.5 };
	return { disk: "vda", volume: "1", change: "modified", path, type: "file", ...sizes, ...owner };
}

/** Commits and judges points 1000, 2000, ... of which the file changes of some are staged in part. */
async function fill(catalog: Catalog, random: Random, from: number, to: number): Promise<void> {
	for (let at = from; at <= to; at++) {
		const files = Array.from({ length: random.below(4) }, (_, index) => fileOf(`/é${at}/${index}`));
		const record = changeset(at * 1000, random, files.length);
		const hash = new FilesHash();
		hash.add(files);
		const staged = random.below(files.length + 1);
		if (staged > 0) await catalog.stageFiles(VM, BigInt(record.time), 0, files.slice(0, staged));
		const rest = { files: files.slice(staged), firstIndex: staged, filesHash: hash.end() };
		await catalog.commit({ changeset: record, vm: vmRecord(record), ...rest });
		const stored = await catalog.nextUnjudged(VM);
		assert.ok(stored);
		await catalog.saveJudgement({ changeset: stored, verdict: null, alerts: [] });
	}
}

/** Values are the JSON of records: who alters history makes checksums that fit. */
interface Level extends Pick<ClassicLevel<string, string>, "del"> {
	clear(range: { readonly gte: string; readonly lt: string }): Promise<void>;
	get(key: string): Promise<string | undefined>;
	put(key: string, json: string): Promise<void>;
}

/** Changes what is stored behind the catalog's back. */
async function tamper(folder: TempFolder, change: (level: Level) => Promise<void>): Promise<void> {
	const level: ClassicLevel<string, string> = new ClassicLevel(folder.path);
	await level.open();
	await change({
		get: async (key) => {
			const text = await level.get(key);
			return text === undefined ? undefined : JSON.stringify(decodeRecord(key, text));
		},
		put: (key, json) => level.put(key, withChecksum(key, json) ?? ""),
		del: (key: string) => level.del(key),
		clear: (range) => level.clear(range),
	});
	await level.close();
}

async function edit<T>(level: Level, key: string, change: (value: T) => T): Promise<void> {
	const text = await level.get(key);
	assert.ok(text, `no ${key}`);
	await level.put(key, JSON.stringify(change(JSON.parse(text))));
}

async function checked(folder: TempFolder, files = true): Promise<ChainCheck> {
	await using catalog = await Catalog.open(folder.path);
	return await checkChain(catalog, VM, { files });
}

const change = (sequence: number) => keys.change(VM, BigInt(sequence * 1000));

/** Leaves so many points as the release before chains left them. */
async function unchain(folder: TempFolder, count: number): Promise<void> {
	await tamper(folder, async (level) => {
		await level.clear({ gte: "link/", lt: "link0" });
		await level.clear({ gte: "chain/", lt: "chain0" });
		for (let at = 1; at <= count; at++) {
			await edit<ChangesetRecord>(level, change(at), ({ chain: _, ...record }) => record);
		}
	});
}

describe("the hash chain of a VM", () => {
	it("holds over many changesets, with retention between, and over restarts", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		let sequence = 0;
		const gone = new Set<number>();
		const notes: { sequence: number; hash: string }[] = [];
		for (let start = 0; start < 3; start++) {
			await using catalog = await Catalog.open(folder.path);
			for (let round = 0; round < 4; round++) {
				const more = 1 + random.below(5);
				await fill(catalog, random, sequence + 1, sequence + more);
				sequence += more;
				const going = Array.from({ length: random.below(5) }, () => 1 + random.below(sequence));
				const times = [...new Set(going)].map((at) => BigInt(at * 1000));
				const outcomes = await catalog.deletePoints(VM, times, "retention policy");
				for (const [at, outcome] of outcomes.entries()) if (outcome === "deleted") gone.add(Number(times[at]) / 1000);
				const head = await catalog.chain(VM);
				assert.ok(head);
				notes.push(parseHead(formatHead(head)));
			}
			const check = await checkChain(catalog, VM, DEEP);
			assert.deepEqual(
				[check.broken, check.links, check.dropped, check.before, check.begun],
				[null, sequence, gone.size, 0, "1000"],
			);
			for (const note of notes) assert.equal((await checkHead(catalog, VM, note, DEEP)).isPart, true);
			for (const at of gone) {
				const link = await catalog.link(VM, at);
				assert.deepEqual([link?.time, link?.dropped?.reason], [String(at * 1000), "retention policy"]);
			}
		}
	});

	/** What is done to one of the links 1 to 9 (`at`) of ten, and where the chain breaks. */
	const alterations: [string, (level: Level, at: number) => Promise<void>, (at: number) => number][] = [
		[
			"a root",
			(level, at) =>
				edit<ChangesetRecord>(level, change(at), (record) => ({
					...record,
					disks: record.disks.map((disk) => ({ ...disk, root: "ab".repeat(32) })),
				})),
			(at) => at,
		],
		[
			"who was logged in",
			(level, at) =>
				edit<ChangesetRecord>(level, change(at), (record) => ({
					...record,
					sessions: [{ user: "eve", tty: "", host: "", from: 0, to: null }],
				})),
			(at) => at,
		],
		["a changeset, taken out", (level, at) => level.del(change(at)), (at) => at],
		[
			"a changeset, taken out with its link",
			async (level, at) => {
				await level.del(change(at));
				await level.del(keys.link(VM, at));
			},
			(at) => at,
		],
		[
			"a changeset and its link, taken out, with all links behind moved up",
			async (level, at) => {
				await level.del(change(at));
				for (let next = at + 1; next <= 10; next++) {
					const link = (await level.get(keys.link(VM, next))) ?? "";
					await level.put(keys.link(VM, next - 1), link);
					await edit<ChangesetRecord>(level, change(next), (record) => ({
						...record,
						chain: { ...record.chain!, sequence: next - 1 },
					}));
				}
				await level.del(keys.link(VM, 10));
				await edit<ChainRecord>(level, keys.chain(VM), (chain) => ({ ...chain, sequence: 9 }));
			},
			(at) => at,
		],
		[
			"two changesets, swapped",
			async (level, at) => {
				const [one, two] = [await level.get(change(at)), await level.get(change(at + 1))];
				const swap = (text: string | undefined, time: number) =>
					JSON.stringify({ ...JSON.parse(text ?? ""), time: String(time * 1000) });
				await level.put(change(at), swap(two, at));
				await level.put(change(at + 1), swap(one, at + 1));
			},
			(at) => at,
		],
		[
			"two changesets, swapped with their links",
			async (level, at) => {
				const [one, two] = [await level.get(keys.link(VM, at)), await level.get(keys.link(VM, at + 1))];
				await level.put(keys.link(VM, at), two ?? "");
				await level.put(keys.link(VM, at + 1), one ?? "");
			},
			(at) => at,
		],
		[
			"a changeset and its own digest",
			async (level, at) => {
				await edit<ChangesetRecord>(level, change(at), (record) => ({ ...record, host: "elsewhere" }));
				const record = JSON.parse((await level.get(change(at))) ?? "") as ChangesetRecord;
				const digest = changesetDigest(record, record.chain!.files);
				await edit<LinkRecord>(level, keys.link(VM, at), (link) => ({ ...link, digest }));
			},
			(at) => at,
		],
		[
			"a changeset, its digest and its hash",
			async (level, at) => {
				await edit<ChangesetRecord>(level, change(at), (record) => ({ ...record, host: "elsewhere" }));
				const record = JSON.parse((await level.get(change(at))) ?? "") as ChangesetRecord;
				const before = at === 1 ? "" : (JSON.parse((await level.get(keys.link(VM, at - 1))) ?? "") as LinkRecord).hash;
				const digest = changesetDigest(record, record.chain!.files);
				const hash = linkHash(VM, at, before, record.time, digest);
				await edit<LinkRecord>(level, keys.link(VM, at), (link) => ({ ...link, digest, hash }));
				await edit<ChangesetRecord>(level, change(at), (old) => ({ ...old, chain: { ...old.chain!, hash } }));
			},
			(at) => at + 1,
		],
		[
			"a changeset, put in",
			async (level, at) => {
				const { chain: _, ...record } = JSON.parse((await level.get(change(at))) ?? "") as ChangesetRecord;
				await level.put(
					keys.change(VM, BigInt(at * 1000 + 5)),
					JSON.stringify({ ...record, time: `${at * 1000 + 5}` }),
				);
			},
			() => 0,
		],
	];
	for (const [what, alter, where] of alterations) {
		it(`breaks at the first link that does not hold: ${what}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			{
				await using catalog = await Catalog.open(folder.path);
				await fill(catalog, random, 1, 10);
			}
			const at = 1 + random.below(9);
			await tamper(folder, (level) => alter(level, at));
			const { broken } = await checked(folder);
			assert.equal(broken?.sequence, where(at), `altered ${at}: ${broken?.message}`);
		});
	}

	it("tells file changes that were altered or taken out, where it reads them", async (context) => {
		const random = testRandom(context);
		for (const how of ["altered", "taken out", "put in"]) {
			await using folder = await tempFolder();
			{
				await using catalog = await Catalog.open(folder.path);
				for (let at = 1; at <= 5; at++) {
					const record = changeset(at * 1000, random, 2);
					const files = [fileOf("/a"), fileOf("/b")];
					await catalog.commit({ changeset: record, vm: vmRecord(record), files, firstIndex: 0 });
				}
			}
			const key = keys.fileChange(VM, 3000n, 1);
			await tamper(folder, async (level) => {
				if (how === "taken out") await level.del(key);
				else if (how === "altered") await edit<FileChangeRecord>(level, key, (file) => ({ ...file, owner: "eve" }));
				else await level.put(keys.fileChange(VM, 3000n, 2), JSON.stringify(fileOf("/c")));
			});
			assert.equal((await checked(folder)).broken?.sequence, 3, how);
			assert.equal((await checked(folder, false)).broken, null, "they are not read");
		}
	});

	it("says of what was altered before it was dropped that it was", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 1, 5);
		}
		await tamper(folder, (level) => edit<ChangesetRecord>(level, change(2), (record) => ({ ...record, host: "x" })));
		{
			await using catalog = await Catalog.open(folder.path);
			await catalog.deletePoints(VM, [2000n, 3000n], "retention policy");
		}
		const { broken } = await checked(folder);
		assert.deepEqual([broken?.sequence, broken?.message], [2, "the changeset had been altered before it was dropped"]);
	});

	it("cannot be rewritten, nor cut, unseen by who noted a head", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		let noted = { sequence: 0, hash: "" };
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 1, 5);
			noted = (await catalog.chain(VM))!;
			await fill(catalog, random, 6, 7);
		}
		// All links from the third on are made anew, as one would who has the program.
		await tamper(folder, async (level) => {
			await edit<ChangesetRecord>(level, change(3), (record) => ({ ...record, host: "elsewhere" }));
			let previous = (JSON.parse((await level.get(keys.link(VM, 2))) ?? "") as LinkRecord).hash;
			for (let at = 3; at <= 7; at++) {
				const record = JSON.parse((await level.get(change(at))) ?? "") as ChangesetRecord;
				const digest = changesetDigest(record, record.chain!.files);
				const hash = linkHash(VM, at, previous, record.time, digest);
				await edit<LinkRecord>(level, keys.link(VM, at), (link) => ({ ...link, digest, hash }));
				await edit<ChangesetRecord>(level, change(at), (old) => ({ ...old, chain: { ...old.chain!, hash } }));
				previous = hash;
			}
			await edit<ChainRecord>(level, keys.chain(VM), (chain) => ({ ...chain, hash: previous }));
		});
		await using catalog = await Catalog.open(folder.path);
		const check = await checkHead(catalog, VM, noted, DEEP);
		assert.deepEqual([check.broken, check.isPart], [null, false]);
		const beyond = { sequence: 8, hash: noted.hash };
		assert.equal((await checkHead(catalog, VM, beyond, DEEP)).isPart, false);
	});

	it("begins at the first changeset after an upgrade, and says from when it holds", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 1, 4);
		}
		await unchain(folder, 4);
		{
			await using catalog = await Catalog.open(folder.path);
			const [check] = await Array.fromAsync(checkChains(catalog, DEEP));
			assert.deepEqual([check?.vm, check?.head, check?.begun, check?.before, check?.broken], [VM, null, null, 4, null]);
			await catalog.deletePoints(VM, [2000n], "retention policy");
			await fill(catalog, random, 5, 6);
		}
		const check = await checked(folder);
		assert.deepEqual([check.begun, check.before, check.links, check.broken], ["5000", 3, 2, null]);
	});

	const imported = { kind: "snapshot", name: "s", timeFrom: "snapshot" } as const;

	it("takes imported changesets as they come, whatever their times, and tells a head that is none", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		{
			await using catalog = await Catalog.open(folder.path);
			const bring = async (time: number, isHead = false) => {
				const record = { ...changeset(time, random, 0), imported };
				const vm = isHead ? vmRecord(record) : undefined;
				await catalog.commit({ changeset: record, vm, files: [], firstIndex: 0 });
			};
			const holds = async () => assert.deepEqual((await checkChain(catalog, VM, DEEP)).broken, null);
			// Nobody captured it yet: the newest import is the head.
			await bring(500, true);
			await bring(700, true);
			await bring(600);
			await holds();
			await fill(catalog, random, 1, 3);
			await bring(10);
			await bring(2500);
			await bring(9000);
			await holds();
			await catalog.saveJudgement({ changeset: (await catalog.changeset(VM, 600n))!, verdict: null, alerts: [] });
			assert.deepEqual(await catalog.deletePoints(VM, [600n], "dropped by hand"), ["deleted"]);
			await holds();
			assert.deepEqual(await catalog.importedTimes(VM), [10n, 500n, 700n, 2500n, 9000n]);
		}
		await tamper(folder, (level) => edit<VmRecord>(level, keys.vm(VM), (vm) => ({ ...vm, headTime: "9000" })));
		assert.equal((await checked(folder)).broken?.message, "the VM's newest changeset is of 9000, the chain's of 3000");
	});

	it("may begin with an imported changeset that is older than those from before the chain", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 1, 3);
		}
		await unchain(folder, 3);
		{
			await using catalog = await Catalog.open(folder.path);
			const record = { ...changeset(1500, random, 0), imported };
			await catalog.commit({ changeset: record, files: [], firstIndex: 0 });
			const check = await checkChain(catalog, VM, DEEP);
			assert.deepEqual([check.begun, check.before, check.links, check.broken], ["3001", 3, 1, null]);
			await fill(catalog, random, 4, 5);
		}
		const check = await checked(folder);
		assert.deepEqual([check.begun, check.before, check.links, check.broken], ["3001", 3, 3, null]);
		await tamper(folder, (level) => level.put(keys.change(VM, 3500n), JSON.stringify({ time: "3500" })));
		assert.equal((await checked(folder)).broken?.message, "no link knows the changeset");
	});

	it("goes on where a VM that was dropped comes back, and where the head's record is lost", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 1, 2);
			await catalog.deletePoints(VM, [1000n], "VM dropped");
			await catalog.deleteVm(VM, "VM dropped");
			const check = await checkChain(catalog, VM, DEEP);
			assert.deepEqual([check.links, check.dropped, check.broken], [2, 2, null]);
			// Its clock is behind that of its former life.
			await fill(catalog, random, 1, 1);
			assert.deepEqual((await checkChain(catalog, VM, DEEP)).broken, null);
			assert.equal((await catalog.chain(VM))?.sequence, 3);
		}
		await tamper(folder, (level) => level.del(keys.chain(VM)));
		assert.equal((await checked(folder)).broken?.message, "the chain's head does not reach to this changeset");
		{
			await using catalog = await Catalog.open(folder.path);
			await fill(catalog, random, 4, 4);
		}
		const check = await checked(folder);
		assert.deepEqual([check.links, check.broken, check.begun], [4, null, "1000"]);
	});

	it("is not lengthened by a changeset that is committed again", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using catalog = await Catalog.open(folder.path);
		await fill(catalog, random, 1, 3);
		const record = changeset(4000, random, 1);
		const commit = { changeset: record, vm: vmRecord(record), files: [fileOf("/a")], firstIndex: 0 };
		await catalog.commit(commit);
		const head = await catalog.chain(VM);
		await catalog.commit(commit);
		assert.deepEqual(await catalog.chain(VM), head);
		assert.deepEqual((await checkChain(catalog, VM, DEEP)).broken, null);
	});

	it("holds after a process was killed while it committed and dropped points", async () => {
		await using folder = await tempFolder();
		const script = `
			const { Catalog } = await import(${JSON.stringify(new URL("./catalog.ts", import.meta.url).href)});
			const catalog = await Catalog.open(process.argv[1]);
			const head = await catalog.chain("v");
			let at = (head?.sequence ?? 0) + 1;
			const doomed = at + 5;
			for (;; at++) {
				if (at === doomed) setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(process.argv[2]));
				const time = String(at * 1000);
				const changeset = { id: "c" + at, vm: "v", time, disks: [], fileCount: 1, verdict: null };
				const file = { path: "/a" + at };
				await catalog.stageFiles("v", BigInt(time), 0, [file]);
				const { FilesHash } = await import(${JSON.stringify(new URL("./chain.ts", import.meta.url).href)});
				const hash = new FilesHash();
				hash.add([file]);
				await catalog.commit({ changeset, vm: { vm: "v", headId: "c" + at, headTime: time, disks: [] },
					files: [], firstIndex: 1, filesHash: hash.end() });
				const stored = await catalog.nextUnjudged("v");
				await catalog.saveJudgement({ changeset: stored, verdict: null, alerts: [] });
				if (at % 3 === 0) await catalog.deletePoints("v", [BigInt((at - 1) * 1000)], "retention policy");
			}`;
		let links = 0;
		for (const delay of [0, 3, 9, 20]) {
			try {
				execFileSync(process.execPath, ["--input-type=module", "-e", script, folder.path, String(delay)], {
					stdio: "pipe",
				});
			} catch (error) {
				assert.equal((error as { signal?: string }).signal, "SIGKILL", String((error as { stderr?: Buffer }).stderr));
			}
			await using catalog = await Catalog.open(folder.path);
			const check = await checkChain(catalog, "v", DEEP);
			assert.equal(check.broken, null, JSON.stringify(check.broken));
			assert.ok(check.links > links);
			links = check.links;
		}
	});
});

describe("parseHead", () => {
	for (const text of [
		"",
		"1",
		`0:${"a".repeat(64)}`,
		`1:${"a".repeat(63)}`,
		`1:${"A".repeat(64)}`,
		`x:${"a".repeat(64)}`,
	]) {
		it(`refuses ${JSON.stringify(text)}`, () => {
			assert.throws(() => parseHead(text), { code: "bad-config" });
		});
	}
});
