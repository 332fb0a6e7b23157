/** Windows at work on a mounted volume, which notes what it does as Windows does: what two images and that tell. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, copyFile, lstat, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../test/support/processes.ts";
import { type Random, testRandom } from "../test/support/random.ts";
import { tempFolder } from "../test/support/temp.ts";
import type { NamedSource } from "./disk.ts";
import { type JournaledChanges, withJournals } from "./journals.ts";
import { comparePages } from "./map/compare.ts";
import { type FileChange, mapMachineChanges } from "./map/map.ts";
import {
	type JournalChange,
	type Mount,
	makeJournal,
	makeUsnJournal,
	makeVolume,
	mount,
	needsNtfs,
	writeUsnJournal,
} from "./ntfs/testing.ts";
import { REASON } from "./ntfs/usn.ts";
import { openFile } from "./source/file.ts";
import { type MachineTree, readMachineTree } from "./tree.ts";

const ROOT_INODE = 5;
const SIZE = 16 << 20;
/** Whole pages for what `live` notes. */
const ROOM = 1 << 20;
const MAX_VIA = 8;
const run = promisify(execFile);

interface Item {
	readonly inode: number;
	readonly directory: boolean;
	/** Whether it was there when the first image was taken, and its path then. */
	readonly oldPath: string | undefined;
	parent: Item | undefined;
	name: string;
	deleted: boolean;
	/** Every path that it had when something was noted. */
	readonly paths: string[];
	written: boolean;
	moved: boolean;
}

interface Note {
	readonly item: Item;
	readonly parent: Item;
	readonly name: string;
	readonly reason: number;
}

/** Everything that is done to a volume, and what the journal says of it. */
class Windows {
	items: Item[];
	readonly #random: Random;
	#notes: Note[] = [];
	#gone: Item[] = [];
	#next = 0;

	constructor(random: Random) {
		this.#random = random;
		const fixed = { oldPath: "", deleted: false, paths: [], written: false, moved: false };
		this.items = [{ inode: ROOT_INODE, directory: true, parent: undefined, name: "", ...fixed }];
	}

	path({ parent, name }: Item): string {
		return parent === undefined ? "" : `${this.path(parent)}/${name}`;
	}

	/** From now on the rest is what happens between the images. */
	begin(): void {
		const fixed = { deleted: false, written: false, moved: false };
		const again = new Map<Item, Item>();
		for (const item of this.items) again.set(item, { ...item, ...fixed, oldPath: this.path(item), paths: [] });
		for (const item of again.values()) if (item.parent !== undefined) item.parent = again.get(item.parent);
		this.items = [...again.values()];
		this.#notes = [];
		this.#gone = [];
	}

	async live(volume: Mount, count: number): Promise<void> {
		for (let step = 0; step < count; step++) await this.#act(volume);
	}

	async #act(volume: Mount): Promise<void> {
		const random = this.#random;
		const at = (item: Item): string => volume.at(this.path(item));
		const others = this.items.filter(({ parent }) => parent !== undefined);
		const folder = random.pick(this.items.filter(({ directory }) => directory));
		const item = others.length === 0 ? undefined : random.pick(others);
		const kind = random.fraction();
		const name = `n${this.#next++}`;
		if (item === undefined || kind < 0.3) {
			const directory = random.chance(0.3);
			const path = volume.at(`${this.path(folder)}/${name}`);
			await (directory ? mkdir(path) : writeFile(path, "new"));
			const { ino } = await lstat(path);
			const fixed = { oldPath: undefined, deleted: false, paths: [], written: false, moved: false };
			const made: Item = { inode: ino, directory, parent: folder, name, ...fixed };
			this.items.push(made);
			this.#note(made, REASON.FILE_CREATE);
			this.#note(made, (REASON.FILE_CREATE | REASON.CLOSE) >>> 0);
		} else if (kind < 0.65) {
			if (this.#isWithin(folder, item)) return;
			const from = at(item);
			this.#note(item, REASON.RENAME_OLD_NAME);
			item.parent = folder;
			item.name = name;
			item.moved = true;
			await rename(from, at(item));
			this.#note(item, REASON.RENAME_NEW_NAME);
			this.#note(item, (REASON.RENAME_NEW_NAME | REASON.CLOSE) >>> 0);
		} else if (kind < 0.8) {
			if (item.directory) return;
			await appendFile(at(item), "more");
			item.written = true;
			this.#note(item, (REASON.DATA_EXTEND | REASON.CLOSE) >>> 0);
		} else if (!this.items.some(({ parent }) => parent === item)) {
			await rm(at(item), { recursive: true });
			this.#note(item, (REASON.FILE_DELETE | REASON.CLOSE) >>> 0);
			item.deleted = true;
			this.items.splice(this.items.indexOf(item), 1);
			this.#gone.push(item);
		}
	}

	#isWithin(folder: Item | undefined, item: Item): boolean {
		return folder !== undefined && (folder === item || this.#isWithin(folder.parent, item));
	}

	#note(item: Item, reason: number): void {
		this.#notes.push({ item, parent: item.parent!, name: item.name, reason });
		const path = this.path(item);
		if (item.paths.at(-1) !== path) item.paths.push(path);
	}

	/** The records since `begin`, with the sequence numbers that the records of the MFT had. */
	journal(before: MachineTree, after: MachineTree): JournalChange[] {
		const generations = new Map<Item, number>([[this.items[0]!, ROOT_INODE]]);
		for (const item of [...this.items, ...this.#gone]) {
			const tree = item.deleted ? before : after;
			if (item.deleted && item.oldPath === undefined) continue;
			generations.set(item, tree.volumes[0]!.scan!.nodes.get(item.inode)!.generation);
		}
		// Of several that had the same record each has the next number; the last is there, or nobody has it now.
		const last = new Map<number, number>();
		for (const [item, generation] of generations) if (!item.deleted) last.set(item.inode, generation);
		for (const item of this.#gone.toReversed()) {
			const generation = (last.get(item.inode) ?? 1000) - 1;
			last.set(item.inode, generation);
			if (!generations.has(item)) generations.set(item, generation);
			else if (generation < 900) assert.equal(generations.get(item), generation, `sequence of ${item.inode}`);
		}
		return this.#notes.map(({ item, parent, name, reason }) => ({
			...{ inode: item.inode, generation: generations.get(item)!, directory: item.directory, name, reason },
			...{ parent: parent.inode, parentGeneration: generations.get(parent)! },
		}));
	}

	/** What there is to tell, by path. */
	expected(): Map<string, string> {
		const all = [...this.items.slice(1), ...this.#gone].map((item): string | undefined => {
			const { oldPath, paths, deleted } = item;
			const now = deleted ? paths.at(-1)! : this.path(item);
			if (oldPath === undefined) return line(deleted ? "transient" : "created", now, paths[0], paths);
			if (deleted) return line("deleted", oldPath, undefined, paths);
			if (item.moved) return line("renamed", now, oldPath, paths);
			return item.written ? line("modified", now, undefined, paths) : undefined;
		});
		return byPath(all.filter((each) => each !== undefined));
	}
}

function line(change: string, path: string, oldPath: string | undefined, paths: readonly string[]): string {
	const old = oldPath === path ? undefined : oldPath;
	const via = paths.filter((each, at) => each !== path && each !== old && paths.lastIndexOf(each) === at);
	return [path, change, old ?? "-", ...via.slice(-MAX_VIA)].join(" ");
}

function byPath(lines: readonly string[]): Map<string, string> {
	return new Map(lines.map((each): [string, string] => [each.split(" ", 1)[0]!, each]).sort());
}

type Told = Pick<FileChange, "change" | "path" | "oldPath" | "via" | "type">;

/** Without the filesystem's own files, and the directories whose times follow what happens in them. */
function lines(files: readonly Told[]): Map<string, string> {
	const told = files.filter(({ change, path }) => change !== "metadata" && !path.startsWith("/$"));
	return byPath(told.map(({ change, path, oldPath, via = [] }) => [path, change, oldPath ?? "-", ...via].join(" ")));
}

interface Images {
	readonly old: string;
	readonly now: string;
}

interface Compared {
	readonly tree: readonly FileChange[];
	readonly journaled: JournaledChanges;
	readonly files: readonly FileChange[];
}

async function compare({ old, now }: Images): Promise<Compared> {
	await using source = await openFile(old);
	await using other = await openFile(now);
	const before: NamedSource[] = [{ name: "disk", source }];
	const after: NamedSource[] = [{ name: "disk", source: other }];
	const trees = [await readMachineTree(before), await readMachineTree(after)] as const;
	const { files } = mapMachineChanges(...trees, new Map([["disk", await comparePages(source, other)]]));
	const journaled = await withJournals(files, ...trees, after);
	return {
		tree: files.flatMap((volume) => volume.files),
		journaled,
		files: journaled.files.flatMap((volume) => volume.files),
	};
}

async function treeOf(image: string): Promise<MachineTree> {
	await using source = await openFile(image);
	return await readMachineTree([{ name: "disk", source }]);
}

const USN = 4096;
const RECORDS_BEFORE = makeJournal([{ inode: 64, name: "of before", reason: 1 }]);

/** Two images of a volume at work, the second without its new records, which are given. */
async function work(folder: { file(name: string): string }, random: Random, steps: number) {
	const images: Images = { old: folder.file("old"), now: folder.file("now") };
	await makeVolume(images.now, SIZE);
	await makeUsnJournal(images.now, 77n);
	await writeUsnJournal(images.now, RECORDS_BEFORE, 0);
	const windows = new Windows(random);
	{
		await using volume = await mount(images.now);
		await windows.live(volume, 20);
	}
	windows.begin();
	await copyFile(images.now, images.old);
	{
		await using volume = await mount(images.now);
		await windows.live(volume, steps);
	}
	const records = windows.journal(await treeOf(images.old), await treeOf(images.now));
	return { images, windows, records };
}

describe("withJournals", needsNtfs("ntfscp"), () => {
	it("tells every path that a file had, and what came and went, as umbra diff does", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		const { images, windows, records } = await work(folder, random, 120);
		const without = await compare(images);
		assert.deepEqual(without.journaled, { files: without.journaled.files, problems: [] });
		assert.deepEqual(without.files, without.tree);
		await writeUsnJournal(images.now, makeJournal(records, USN), USN);
		const { tree, journaled, files } = await compare(images);
		const expected = windows.expected();
		assert.deepEqual(lines(files), expected);
		assert.deepEqual(journaled.problems, []);
		const treeTold = lines(tree);
		const added = [...expected].filter(([path, told]) => treeTold.get(path) !== told).map(([, told]) => told);
		assert.ok(
			added.some((told) => / transient /.test(told)),
			"something came and went",
		);
		assert.ok(
			added.some((told) => / created \//.test(told)),
			"something was made under another name",
		);
		t.diagnostic(`${expected.size} changes, ${added.length} of them with what the trees do not tell`);

		const { stdout } = await run(join(ROOT, "umbra"), ["diff", images.old, images.now, "--json"]);
		const said = stdout
			.trim()
			.split("\n")
			.map((text) => JSON.parse(text) as Told);
		assert.deepEqual(lines(said), expected);
	});

	it("tells what is left of a journal that lost its begin, and says so", async (t) => {
		await using folder = await tempFolder();
		const { images, windows, records } = await work(folder, testRandom(t), 80);
		const journal = makeJournal(records.slice(records.length / 2), ROOM);
		await makeUsnJournal(images.now, 77n);
		await writeUsnJournal(images.now, journal, ROOM);
		const { files, journaled } = await compare(images);
		assert.deepEqual(journaled.problems, [
			"whole disk (ntfs): the change journal no longer holds all that was noted in between",
		]);
		const expected = windows.expected();
		const said = lines(files);
		for (const [path, words] of said) {
			const wanted = new Set(expected.get(path)?.split(" "));
			for (const word of words.split(" ").slice(0, 2)) assert.ok(wanted.has(word), `${words}, not ${[...wanted]}`);
			for (const word of words.split(" ").slice(3)) assert.ok(wanted.has(word), `${words}, not ${[...wanted]}`);
		}
		assert.ok([...said.values()].some((words) => words.split(" ").length > 3));
	});

	it("goes by the trees alone where the journal was made anew, and says so", async (t) => {
		await using folder = await tempFolder();
		const { images, records } = await work(folder, testRandom(t), 40);
		await writeUsnJournal(images.now, makeJournal(records, USN), USN);
		await makeUsnJournal(images.now, 78n);
		await writeUsnJournal(images.now, makeJournal(records, USN), USN);
		const replaced = await compare(images);
		assert.deepEqual(replaced.files, replaced.tree);
		assert.match(replaced.journaled.problems.join(), /^whole disk \(ntfs\): the change journal was made anew: [^,]+, /);

		// The same journal, but shorter: the disk is that of an earlier time.
		const back = await compare({ old: images.now, now: images.old });
		assert.deepEqual(back.files, back.tree);
		assert.match(back.journaled.problems.join(), /made anew/);
	});

	it("takes whatever stands in the journal", async (t) => {
		const random = testRandom(t);
		await using folder = await tempFolder();
		const { images, records } = await work(folder, random, 60);
		const journal = makeJournal(records, USN);
		const broken = folder.file("broken");
		await writeUsnJournal(images.now, journal, USN);
		const place = await placeOf(images.now, journal);
		for (let round = 0; round < 12; round++) {
			await copyFile(images.now, broken);
			{
				await using file = await open(broken, "r+");
				for (let left = 1 + random.below(20); left > 0; left--) {
					const bytes = random.bytes(1 + random.below(8));
					await file.write(bytes, 0, bytes.length, place + random.below(journal.length - 8));
				}
			}
			const { tree, files } = await compare({ old: images.old, now: broken });
			const known = new Map(files.map((file) => [file.path, file]));
			assert.equal(known.size, files.length, "no path twice");
			for (const { path, change } of tree) assert.equal(known.get(path)?.change, change, path);
			const more = files.filter(({ path }) => !tree.some((file) => file.path === path));
			assert.ok(more.every(({ change, path }) => change === "transient" && path.startsWith("/")));
		}
	});

	it("tells a thousand files that came and went, and how many more there were", async () => {
		await using folder = await tempFolder();
		const images: Images = { old: folder.file("old"), now: folder.file("now") };
		await makeVolume(images.now, SIZE);
		await makeUsnJournal(images.now, 77n);
		await copyFile(images.now, images.old);
		const records = Array.from({ length: 1500 }, (_, at) =>
			[REASON.FILE_CREATE, REASON.FILE_DELETE].map((reason) => ({
				...{ inode: 1000 + at, name: `tmp${at}`, reason, parentGeneration: ROOT_INODE },
			})),
		).flat();
		await writeUsnJournal(images.now, makeJournal(records), 0);
		const { files, journaled } = await compare(images);
		const told = files.filter(({ change }) => change === "transient");
		assert.deepEqual(new Set(told.map(({ path }) => path)), new Set(records.slice(1000).map(({ name }) => `/${name}`)));
		assert.deepEqual(journaled.problems, ["whole disk (ntfs): 500 more files came and went in between"]);
	});
});

/** Where in the image the journal's bytes lie. */
async function placeOf(image: string, journal: Buffer): Promise<number> {
	await using source = await openFile(image);
	const bytes = Buffer.from(await source.read(0, source.size));
	const at = bytes.indexOf(journal.subarray(0, 512));
	assert.ok(at > 0 && bytes.subarray(at, at + journal.length).equals(journal), "the journal is in one piece");
	return at;
}
