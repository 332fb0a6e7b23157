/** Real images, damaged at random where their structures are: for the short test and the long one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { UmbraError } from "../../common/errors.ts";
import type { Random } from "../../test/support/random.ts";
import type { Needs } from "../../test/support/requires.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { makeTree } from "../ext/testing.ts";
import { openFile } from "../source/file.ts";
import type { BlockSource } from "../source/source.ts";
import { fillTree, makeImage, makeImageOf, mounted, needsMount } from "./testing.ts";
import { openXfs } from "./xfs.ts";

/** Of all the reads of one damaged image; generous, since the machine may be busy. */
const PATIENCE_MS = 20_000;
/** What reading a damaged image may hold, beyond what the test holds itself. */
const MEMORY_BYTES = 256 << 20;
const PAGE = 512;
/** A log is long, and only its ends and its headers are looked at. */
const LOG_BYTES = 65536;

export interface FuzzSubject {
	readonly name: string;
	readonly needs: () => Needs;
	readonly make: (image: string) => Promise<void>;
}

async function makeMounted(image: string, options: readonly string[], blockSize: number): Promise<void> {
	await makeImage(image, 512, options);
	await mounted(image, (root) => fillTree(root, blockSize));
}

export const SUBJECTS: readonly FuzzSubject[] = [
	{
		name: "version 5",
		needs: () => needsMount(),
		make: (image) => makeMounted(image, ["-m", "rmapbt=1"], 4096),
	},
	{
		name: "version 5, 1 KiB blocks, long directory blocks",
		needs: () => needsMount(),
		make: (image) => makeMounted(image, ["-b", "size=1024", "-n", "size=4096", "-i", "nrext64=1"], 1024),
	},
	{
		// Without checksums and owners damage is not noticed early and goes deeper.
		name: "version 4",
		needs: () => needs("mkfs.xfs"),
		make: async (image) => {
			await using folder = await tempFolder();
			await makeTree(folder.file("tree"));
			await makeImageOf(image, 300, ["-m", "crc=0", "-b", "size=512"], folder.file("tree"));
		},
	},
];

/** Reads damaged images until `milliseconds` are over, and one at least. Returns how many. */
export async function fuzz(subject: FuzzSubject, random: Random, milliseconds: number): Promise<number> {
	await using folder = await tempFolder();
	const image = join(folder.path, "image");
	await subject.make(image);
	await using whole = await openFile(image);
	const targets = await structures(whole);
	const until = performance.now() + milliseconds;
	let rounds = 0;
	do {
		const damaged = new DamagedSource(whole);
		for (let left = random.between(1, 8); left > 0; left--) {
			// The superblock and its neighbours more often than their share.
			const target = random.chance(0.1) ? random.below(4) * PAGE : random.pick(targets);
			await damage(damaged, target, targets, random);
		}
		const started = performance.now();
		const held = process.memoryUsage().rss;
		await readAll(damaged);
		const took = performance.now() - started;
		assert.ok(took < PATIENCE_MS, `round ${rounds} took ${took} ms`);
		const grown = process.memoryUsage().rss - held;
		assert.ok(grown < MEMORY_BYTES, `round ${rounds} took ${grown} bytes`);
		rounds++;
	} while (performance.now() < until);
	return rounds;
}

/** Where structures are that are not all zero: fixed ones, trees and directories. */
async function structures(source: BlockSource): Promise<number[]> {
	const fs = await openXfs(source);
	const scan = await fs.scan();
	const targets: number[] = [];
	const ranges = [scan.metadata, [scan.journal[0]!, Math.min(scan.journal[1]!, LOG_BYTES)]];
	for (const node of scan.nodes.values()) ranges.push(node.meta, ...(node.type === "file" ? [] : [node.data]));
	for (const range of ranges) {
		for (let i = 0; i < range.length; i += 2) {
			const bytes = Buffer.from(await source.read(range[i]!, range[i + 1]!));
			for (let at = 0; at < bytes.length; at += PAGE) {
				if (bytes.subarray(at, at + PAGE).some((byte) => byte !== 0)) targets.push(range[i]! + at);
			}
		}
	}
	return targets;
}

async function damage(source: DamagedSource, target: number, targets: readonly number[], random: Random) {
	const page = await source.page(target);
	const kind = random.fraction();
	if (kind < 0.05) page.fill(random.below(256));
	else if (kind < 0.15) (await source.page(random.pick(targets))).copy(page);
	else {
		const field = random.below(PAGE / 4) * 4;
		for (let i = 0; i < 4; i++) {
			const width = random.pick([1, 2, 4]);
			const at = (field + random.below(16) * 4) % PAGE;
			const special = [0, 1, 2, 0x40, 0xff, 0xffff, 0xffffffff, 0x7fffffff, 0x80000000, random.below(65536)];
			const value = random.chance(0.5) ? random.pick(special) : random.below(2 ** 32);
			page.writeUIntBE(value % 2 ** (8 * width), Math.min(at, PAGE - width), width);
		}
	}
}

/** Another source with some of its pages changed. */
export class DamagedSource implements BlockSource {
	readonly name = "damaged";
	readonly size: number;
	readonly #whole: BlockSource;
	readonly #pages = new Map<number, Buffer>();

	constructor(whole: BlockSource) {
		this.#whole = whole;
		this.size = whole.size;
	}

	/** The page at a multiple of its size, to be changed. */
	async page(offset: number): Promise<Buffer> {
		let page = this.#pages.get(offset);
		if (page === undefined) {
			page = Buffer.from(await this.#whole.read(offset, PAGE));
			this.#pages.set(offset, page);
		}
		return page;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const bytes = await this.#whole.read(offset, length, signal);
		for (const [at, page] of this.#pages) {
			const from = Math.max(at, offset);
			const to = Math.min(at + PAGE, offset + length);
			if (from < to) bytes.set(page.subarray(from - at, to - at), from - offset);
		}
		return bytes;
	}

	async extents(offset: number, length: number) {
		return [{ offset, length, zero: false }];
	}

	async [Symbol.asyncDispose](): Promise<void> {}
}

/** Reads all that can be read; nothing but an UmbraError may come of it, which is returned where nothing can be. */
export async function readAll(source: BlockSource): Promise<UmbraError | undefined> {
	try {
		const fs = await openXfs(source);
		const { nodes, links, metadata, journal } = await fs.scan();
		const check = (ranges: readonly number[]): void => {
			for (let i = 0; i < ranges.length; i += 2) {
				const [offset, length] = [ranges[i]!, ranges[i + 1]!];
				if (!(offset >= 0 && length > 0 && offset + length <= source.size)) assert.fail(`${length} at ${offset}`);
				if (offset % fs.blockSize !== 0 || length % fs.blockSize !== 0) assert.fail(`${length} at ${offset}`);
			}
		};
		check(metadata);
		check(journal);
		for (const { data, meta, size } of nodes.values()) {
			check(data);
			check(meta);
			assert.ok(Number.isSafeInteger(size));
		}
		assert.ok(links.length <= source.size / 16);
		const reached = new Set([fs.root]);
		for (const { parent, inode } of links) {
			assert.ok(reached.has(parent), "a name comes before its directory");
			reached.add(inode);
		}
		assert.equal(reached.size, nodes.size);
		for (const node of [...nodes.values()].slice(0, 40)) {
			await tolerate(async () => {
				if (node.type === "dir") await fs.readDirectory(node);
				else if (node.type === "symlink") await fs.readLink(node);
				else await fs.readFile(node, Math.max(0, node.size - 10_000), 10_000);
			});
		}
		await tolerate(() => fs.lookup("/sizes/4097.bin"));
		assert.ok(fs.problems.length <= 1001);
		return undefined;
	} catch (error) {
		if (!(error instanceof UmbraError)) throw error;
		return error;
	}
}

async function tolerate(action: () => Promise<unknown>): Promise<void> {
	try {
		await action();
	} catch (error) {
		if (!(error instanceof UmbraError)) throw error;
	}
}
