/** For tests: what the users of a mounted guest filesystem do, and whether what is brought up to date is right. */
import assert from "node:assert/strict";
import {
	appendFile,
	chmod,
	chown,
	link,
	mkdir,
	open,
	rename,
	rm,
	symlink,
	truncate,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../../test/support/random.ts";
import type { TempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import type { Filesystem, FilesystemScan, Link } from "../filesystem.ts";
import { comparePages } from "../map/compare.ts";
import { type ChangedPages, mapMachineChanges } from "../map/map.ts";
import { openFile } from "../source/file.ts";
import type { BlockSource } from "../source/source.ts";
import { type MachineTree, readMachineTree, updateMachineTree } from "../tree.ts";
import { TreeLog } from "../tree-log.ts";
import { baseOf } from "./layered-scan.ts";

const PAGE_SIZE = 4096;

/** Asserts that two scans say the same, whatever the order in which they say it. */
export function assertSameScan(found: FilesystemScan, wanted: FilesystemScan, told: string): void {
	assert.equal(found.root, wanted.root, told);
	assert.deepEqual(new Map(found.nodes), new Map(wanted.nodes), told);
	assert.equal(found.nodes.size, wanted.nodes.size, told);
	assert.deepEqual(sorted(found.links), sorted(wanted.links), told);
	assert.deepEqual(found.metadata, wanted.metadata, told);
	assert.deepEqual(found.journal, wanted.journal, told);
	// Faults in what no name leads to are seen by a full scan alone, which then asks for another one.
	if (wanted.basis !== undefined) {
		assert.equal(found.basis?.layout, wanted.basis.layout, told);
		assert.deepEqual(found.basis?.replayed, wanted.basis.replayed, told);
		assert.deepEqual(sorted(found.basis?.dangling ?? []), sorted(wanted.basis.dangling), told);
	}
	const seen = new Set([found.root]);
	for (const { parent, inode, name } of found.links) {
		assert.ok(seen.has(parent), `${told}: ${name} comes before its directory`);
		seen.add(inode);
	}
}

function sorted(links: readonly Link[]): string[] {
	return links.map(({ parent, name, inode }) => `${parent} ${inode} ${name}`).sort();
}

/** The ranges of the changed pages. */
function rangesOf({ offsets }: ChangedPages, size: number): number[] {
	return Array.from(offsets).flatMap((offset) => [offset, Math.min(PAGE_SIZE, size - offset)]);
}

export interface History {
	readonly folder: TempFolder;
	readonly random: Random;
	readonly rounds: number;
	/** Changes the filesystem and copies its image; what was done, for people. */
	readonly turn: (copy: string, round: number) => Promise<string>;
	readonly open: (source: BlockSource) => Promise<Filesystem>;
}

/**
 * Lets a filesystem live, and brings scan, tree and stored tree up to date in each round by what differs between the
 * images alone. Asserts that each is what reading all of the image gives, and that the map says the same of both.
 *
 * @returns how many rounds needed no full scan.
 */
export async function assertHistory({ folder, random, rounds, turn, open }: History): Promise<number> {
	const first = folder.file("image-0");
	await turn(first, 0);
	await using source = await openFile(first);
	let scan = await (await open(source)).scan();
	let { log, part } = TreeLog.begin(await readMachineTree([{ name: "a", source }]));
	let parts = [part.bytes];
	let last = first;
	let updates = 0;
	let hasStoredChanges = false;
	for (let round = 1; round <= rounds; round++) {
		const image = folder.file(`image-${round}`);
		const told = `seed ${random.seed}, round ${round}: ${await turn(image, round)}`;
		await using old = await openFile(last);
		await using now = await openFile(image);
		const pages = await comparePages(old, now);
		const fs = await open(now);
		const updated = await fs.rescan!(scan, rangesOf(pages, now.size));
		assertSameScan(updated, await (await open(now)).scan(), told);
		if (baseOf(updated) === baseOf(scan)) updates++;
		scan = updated;

		const sources = [{ name: "a", source: now }];
		const changed = new Map([["a", pages]]);
		const before = log.tree;
		const tree = await updateMachineTree(before, sources, changed);
		const full = await readMachineTree(sources);
		assertSameTree(tree, full, told);
		assertSameLines(stories(before, tree, changed), stories(before, full, changed), told);
		({ log, part } = log.append(tree));
		if (part.isBase) parts = [];
		else hasStoredChanges = true;
		parts.push(part.bytes);
		assertSameTree(TreeLog.read(parts).tree, full, `${told} (stored in ${parts.length} parts)`);
		await rm(last);
		last = image;
	}
	assert.ok(hasStoredChanges, "nothing was stored as what changed");
	return updates;
}

function assertSameTree(found: MachineTree, wanted: MachineTree, told: string): void {
	assert.deepEqual(found.disks, wanted.disks, told);
	assert.equal(found.volumes.length, wanted.volumes.length, told);
	for (const [at, { scan, ...volume }] of found.volumes.entries()) {
		const { scan: wantedScan, ...wantedVolume } = wanted.volumes[at]!;
		assert.deepEqual(volume, wantedVolume, told);
		assertSameScan(scan!, wantedScan!, told);
	}
}

/** As `assert.deepEqual`, but shows the lines that differ, of however many. */
function assertSameLines(found: readonly string[], wanted: readonly string[], told: string): void {
	const known = [new Set(found), new Set(wanted)] as const;
	const onlyFound = found.filter((line) => !known[1].has(line));
	const onlyWanted = wanted.filter((line) => !known[0].has(line));
	assert.deepEqual(onlyFound, onlyWanted, told);
	assert.deepEqual(found, wanted, told);
}

function stories(before: MachineTree, after: MachineTree, changed: ReadonlyMap<string, ChangedPages>): string[] {
	const { files, attribution } = mapMachineChanges(before, after, changed);
	const lines = files.flatMap((volume) =>
		volume.files.map(({ change, path, oldPath }) => `${change} ${oldPath} ${path}`),
	);
	return [...lines, JSON.stringify(attribution)];
}

/** A copy that takes no more room than the image. */
export async function copyImage(image: string, copy: string): Promise<void> {
	await run("cp", ["--sparse=always", image, copy]);
}

/** Copies the part `share` of the pages that differ. */
export async function writeSome(from: string, to: string, share: number, random: Random): Promise<void> {
	await using source = await openFile(from);
	await using target = await openFile(to);
	const { offsets } = await comparePages(target, source);
	await using file = await open(to, "r+");
	for (const offset of offsets) {
		if (!random.chance(share)) continue;
		const bytes = await source.read(offset, Math.min(PAGE_SIZE, source.size - offset));
		await file.write(bytes, 0, bytes.length, offset);
	}
}

/** Does to a mounted filesystem what its users do. */
export class Users {
	readonly #root: string;
	readonly #random: Random;
	readonly #reflinks: boolean;
	readonly #streams: readonly number[];
	readonly #files: string[] = [];
	readonly #directories: string[] = [];
	#names = 0;

	/** @param options `streams`: sizes of named streams, which files have then, instead of holes. */
	constructor(
		root: string,
		random: Random,
		options: { readonly reflinks?: boolean; readonly streams?: readonly number[] } = {},
	) {
		this.#root = root;
		this.#random = random;
		this.#reflinks = options.reflinks ?? false;
		this.#streams = options.streams ?? [];
	}

	/** @returns what was done, for people. */
	async live(steps: number): Promise<string[]> {
		const log: string[] = [];
		while (log.length < steps) log.push(await this.#step());
		return log;
	}

	async #step(): Promise<string> {
		const { pick, below, between, bytes } = this.#random;
		const file = this.#files.length > 0 ? pick(this.#files) : undefined;
		const directory = this.#directories.length > 0 ? pick(this.#directories) : undefined;
		const at = (path: string) => join(this.#root, path);
		const kind = below(20);
		if (kind <= 2 || file === undefined) {
			const path = this.#newPath();
			await writeFile(at(path), bytes(pick([0, 10, 100, 5000, 70_000])));
			this.#files.push(path);
			return `create ${path}`;
		}
		switch (kind) {
			case 3:
			case 4: {
				const path = this.#newPath();
				await mkdir(at(path));
				this.#directories.push(path);
				return `mkdir ${path}`;
			}
			case 5: {
				await appendFile(at(file), bytes(below(9000)));
				return `append ${file}`;
			}
			case 6: {
				await truncate(at(file), below(20_000));
				return `truncate ${file}`;
			}
			case 7: {
				await rm(at(file));
				this.#files.splice(this.#files.indexOf(file), 1);
				return `rm ${file}`;
			}
			case 8: {
				const path = this.#newPath();
				await link(at(file), at(path));
				this.#files.push(path);
				return `ln ${file} ${path}`;
			}
			case 9:
				return this.#move(file);
			case 10:
			case 11:
				return directory === undefined ? "nothing" : this.#move(directory);
			case 12: {
				if (directory === undefined) return "nothing";
				await rm(at(directory), { recursive: true });
				for (const list of [this.#files, this.#directories]) {
					const left = list.filter((path) => path !== directory && !path.startsWith(`${directory}/`));
					list.splice(0, list.length, ...left);
				}
				return `rm -r ${directory}`;
			}
			case 13: {
				// A new inode under an old name.
				const path = `${file}.new`;
				await writeFile(at(path), bytes(between(1, 9000)));
				await rename(at(path), at(file));
				return `replace ${file}`;
			}
			case 14: {
				// Sparse: every second page, until the extents need a tree.
				await using handle = await open(at(file), "r+");
				const pages = pick([3, 40, 700]);
				for (let page = 0; page < pages; page++) await handle.write(bytes(16), 0, 16, page * 2 * 4096);
				return `scatter ${pages} over ${file}`;
			}
			case 15: {
				if (this.#streams.length > 0) {
					// A new name each time: a kernel that knows one from an earlier file of the path does not look again.
					const stream = `${file}:stream ${this.#names++}`;
					await writeFile(at(stream), bytes(pick(this.#streams)));
					return `write ${stream}`;
				}
				await run("fallocate", ["-p", "-o", String(below(4) * 4096), "-l", "12288", at(file)]);
				return `punch ${file}`;
			}
			case 16: {
				await chmod(at(file), 0o600 + below(64));
				await chown(at(file), below(3), below(3));
				return `chmod ${file}`;
			}
			case 17: {
				const path = this.#newPath();
				await symlink("x".repeat(pick([10, 59, 60, 500])), at(path));
				return `symlink ${path}`;
			}
			case 18: {
				// A directory that grows beyond one block.
				const path = this.#newPath();
				await mkdir(at(path));
				this.#directories.push(path);
				const count = pick([5, 60, 400]);
				for (let i = 0; i < count; i++) await writeFile(at(`${path}/${"many".repeat(10)}-${i}`), "");
				return `fill ${path} with ${count}`;
			}
			default: {
				if (!this.#reflinks) return "nothing";
				const path = this.#newPath();
				await run("cp", ["--reflink=always", at(file), at(path)]);
				this.#files.push(path);
				return `reflink ${file} ${path}`;
			}
		}
	}

	async #move(from: string): Promise<string> {
		const to = this.#newPath(from);
		await rename(join(this.#root, from), join(this.#root, to));
		for (const list of [this.#files, this.#directories]) {
			for (let at = 0; at < list.length; at++) {
				if (list[at] === from) list[at] = to;
				else if (list[at]!.startsWith(`${from}/`)) list[at] = to + list[at]!.slice(from.length);
			}
		}
		return `mv ${from} ${to}`;
	}

	#newPath(notBelow?: string): string {
		const parents = this.#directories.filter((path) => path !== notBelow && !path.startsWith(`${notBelow}/`));
		return join(this.#random.pick(["", ...parents]), `n${this.#names++}`);
	}
}
