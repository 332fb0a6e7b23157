import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, testRandom } from "../../test/support/random.ts";
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import { REASON, type UsnRecord } from "./usn.ts";
import { historiesOf } from "./usn-histories.ts";

const ROOT = 5;

interface Item {
	inode: number;
	generation: number;
	parent: Item | undefined;
	name: string;
	directory: boolean;
}

/** A tree that notes its changes as Windows does, and every path that a file has when it does. */
class Guest {
	readonly root: Item = { inode: ROOT, generation: 5, parent: undefined, name: "", directory: true };
	readonly items: Item[] = [this.root];
	readonly records: UsnRecord[] = [];
	/** By `inode-generation`: what the journal ought to tell. */
	readonly told = new Map<string, { paths: string[]; created: boolean; deleted: boolean }>();
	readonly #free: { inode: number; generation: number }[] = [];
	#next = 64;

	path({ parent, name }: Item): string {
		return parent === undefined ? "" : `${this.path(parent)}/${name}`;
	}

	note(item: Item, reason: number): void {
		const { inode, generation, name, parent } = item;
		this.records.push({
			...{ usn: this.records.length * 80, inode, generation, name, reason, time: this.records.length },
			...{ parent: parent!.inode, parentGeneration: parent!.generation, attributes: item.directory ? 0x10 : 0x20 },
		});
		const key = `${inode}-${generation}`;
		const told = this.told.get(key) ?? { paths: [], created: false, deleted: false };
		this.told.set(key, told);
		told.created ||= (reason & REASON.FILE_CREATE) !== 0;
		told.deleted ||= (reason & REASON.FILE_DELETE) !== 0;
		const path = this.path(item);
		if (told.paths.at(-1) !== path) told.paths.push(path);
	}

	create(parent: Item, name: string, directory: boolean): void {
		const { inode, generation } = this.#free.pop() ?? { inode: this.#next++, generation: 1 };
		const item = { inode, generation, parent, name, directory };
		this.items.push(item);
		this.note(item, REASON.FILE_CREATE);
	}

	rename(item: Item, parent: Item, name: string): void {
		this.note(item, REASON.RENAME_OLD_NAME);
		item.parent = parent;
		item.name = name;
		this.note(item, REASON.RENAME_NEW_NAME);
		this.note(item, (REASON.RENAME_NEW_NAME | REASON.CLOSE) >>> 0);
	}

	remove(item: Item): void {
		this.items.splice(this.items.indexOf(item), 1);
		this.note(item, (REASON.FILE_DELETE | REASON.CLOSE) >>> 0);
		this.#free.push({ inode: item.inode, generation: item.generation + 1 });
	}

	live(random: Random, changes: number): void {
		for (let i = 0; i < changes; i++) {
			const others = this.items.slice(1);
			const item = others.length > 0 ? random.pick(others) : this.root;
			const folder = random.pick(this.items.filter(({ directory }) => directory));
			const within = (at: Item | undefined): boolean => at !== undefined && (at === item || within(at.parent));
			const kind = random.fraction();
			if (item === this.root || kind < 0.35) this.create(folder, `new ${i}`, random.chance(0.5));
			else if (kind < 0.65 && !within(folder)) this.rename(item, folder, `name ${i}`);
			else if (kind < 0.8) this.note(item, REASON.DATA_EXTEND);
			else if (!this.items.some(({ parent }) => parent === item)) this.remove(item);
		}
	}

	scan(): FilesystemScan {
		const nodes = new Map<number, FileNode>();
		const links: Link[] = [];
		for (const { inode, generation, directory, parent, name } of this.items) {
			nodes.set(inode, {
				...{ inode, generation, type: directory ? "dir" : "file", size: 0, mode: 0, uid: 0, gid: 0, nlink: 1 },
				...{ mtime: 0, ctime: 0, data: [], meta: [] },
			});
			if (parent !== undefined) links.push({ parent: parent.inode, name, inode });
		}
		return { root: ROOT, nodes, links, metadata: [], journal: [] };
	}
}

describe("historiesOf", () => {
	it("tells every path that a file had, though its directories moved, went, and gave their numbers to others", (t) => {
		const random = testRandom(t);
		let intermediate = 0;
		for (let round = 0; round < 40; round++) {
			const guest = new Guest();
			guest.live(random, 150);
			const histories = historiesOf(guest.records, guest.scan());
			assert.equal(histories.length, guest.told.size);
			for (const { inode, generation, paths, created, deleted } of histories) {
				assert.deepEqual({ paths, created, deleted }, guest.told.get(`${inode}-${generation}`));
				if (created && deleted) intermediate++;
			}
		}
		assert.ok(intermediate > 0, "some came and went");
	});

	it("goes on from a journal that begins in the middle", (t) => {
		const guest = new Guest();
		guest.live(testRandom(t), 200);
		const half = guest.records.slice(100);
		for (const { inode, generation, paths, from } of historiesOf(half, guest.scan())) {
			const all = guest.told.get(`${inode}-${generation}`)!.paths;
			assert.deepEqual(paths, all.slice(all.length - paths.length));
			assert.ok(from >= 100);
		}
	});

	it("names no path below a directory that is not known, or lies in itself", () => {
		const record = (inode: number, parent: number): UsnRecord => ({
			...{
				usn: 0,
				inode,
				generation: 1,
				parent,
				parentGeneration: 1,
				name: `n${inode}`,
				time: 1,
				reason: 1,
				attributes: 0,
			},
		});
		const scan = new Guest().scan();
		const records = [record(70, 71), record(71, 70), record(80, 99), record(90, ROOT), record(2 ** 40, ROOT)];
		assert.deepEqual(
			historiesOf(records, scan).map(({ inode, paths }) => [inode, paths]),
			[
				[90, ["/n90"]],
				[80, []],
				[71, []],
				[70, []],
			],
		);
	});

	it("holds paths of a bounded length together", () => {
		const name = "n".repeat(200);
		const records: UsnRecord[] = [];
		const add = (inode: number, parent: number, i: number) =>
			records.push({
				...{ usn: i, inode, generation: 1, parent, parentGeneration: 1, name: `${name}${i}`, time: i, reason: 1 },
				attributes: 0x10,
			});
		for (let i = 0; i < 200; i++) add(100 + i, i === 0 ? ROOT : 99 + i, i);
		for (let i = 0; i < 3000; i++) add(1000, 299, i);
		const histories = historiesOf(records.slice(200), new Guest().scan());
		assert.deepEqual(histories[0]!.paths, []);
		const parents = new Guest().scan();
		const links = records.slice(0, 200).map(({ parent, inode, name: own }) => ({ parent, inode, name: own }));
		const node = parents.nodes.get(ROOT)!;
		const nodes = new Map([
			[ROOT, node],
			...links.map(({ inode }) => [inode, { ...node, inode, generation: 1 }] as const),
		]);
		const [deep] = historiesOf(records.slice(200), { ...parents, nodes, links });
		const characters = deep!.paths.reduce((sum, path) => sum + path.length, 0);
		assert.ok(characters > 16 << 20 && characters <= 32 << 20, `${characters} characters`);
	});
});
