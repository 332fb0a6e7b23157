import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { createRandom, type Random, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { type AgentDb, BlockIndex, encodeKey, type IndexStager, keyRange } from "./block-index.ts";
import { RECORD_SIZE, RECORDS_PER_PAGE } from "./record.ts";

/** Records by block, of `vm disk`. */
type Model = Map<string, Map<number, Buffer>>;

const VMS = ["web", "web/1", "w%2F", "Wéb ✓"];
const DISKS = ["va", "v/b"];
const ZERO = Buffer.alloc(RECORD_SIZE);
const nameOf = (vm: string, disk: string) => JSON.stringify([vm, disk]);

class Crash extends Error {}

async function openDb(temp: TempFolder): Promise<AgentDb> {
	const db: AgentDb = new ClassicLevel(temp.file("db"), { keyEncoding: "view", valueEncoding: "view" });
	await db.open();
	return db;
}

/** The database until the operation `at` (1 is the first that writes): that one and all after it throw; a `clear` may get halfway. */
function crashing(
	db: AgentDb,
	at: number,
	random: Random,
): { readonly db: AgentDb; readonly operations: () => number } {
	let count = 0;
	const proxy = new Proxy(db, {
		get(target, property) {
			const value: unknown = Reflect.get(target, property);
			if (typeof value !== "function") return value;
			if (!["put", "del", "batch", "clear"].includes(String(property))) return value.bind(target);
			return async (...args: unknown[]) => {
				count++;
				if (count > at) throw new Crash();
				if (count === at) {
					if (property === "clear") {
						const range = args[0] as { gte: Uint8Array; lt: Uint8Array };
						const keys = await db.keys(range).all();
						for (const key of keys.slice(0, random.below(keys.length + 1))) await db.del(key);
					}
					throw new Crash();
				}
				return await (value as (...args: unknown[]) => Promise<unknown>).apply(target, args);
			};
		},
	});
	return { db: proxy, operations: () => count };
}

/**
 * One random life of an index. `model` is always what the last final capture left; `unknown` are disks of VMs whose
 * forgetting was cut: nothing is promised of them until they begin anew.
 */
async function live(db: AgentDb, model: Model, unknown: Set<string>, random: Random, size: Size): Promise<void> {
	const index = new BlockIndex(db, size.held);
	await index.foldAll();
	for (let step = 0; step < size.captures; step++) {
		const vm = random.pick(VMS);
		if (random.chance(0.1)) {
			for (const disk of DISKS) {
				model.delete(nameOf(vm, disk));
				unknown.add(nameOf(vm, disk));
			}
			await index.forget(vm);
			for (const disk of DISKS) unknown.delete(nameOf(vm, disk));
		}
		await index.begin(vm);
		const stagers: IndexStager[] = [];
		const changed: Model = new Map();
		for (const disk of DISKS) {
			const name = nameOf(vm, disk);
			const mode = unknown.has(name) || random.chance(0.2) ? "anew" : "onto";
			const records = new Map(mode === "anew" ? [] : model.get(name));
			changed.set(name, records);
			const stager = index.stager(vm, disk, mode);
			for (let block = random.below(3); block < size.blocks; block += random.between(1, size.step)) {
				const record = random.chance(0.3) ? ZERO : random.bytes(RECORD_SIZE);
				await stager.put(block, record);
				records.set(block, record);
			}
			await stager.end();
			stagers.push(stager);
		}
		if (size.captures > 1 && random.chance(0.2)) continue; // It fails before it is final.
		await db.batch(index.finishOperations(vm, stagers));
		for (const [name, records] of changed) {
			model.set(name, records);
			unknown.delete(name);
		}
		if (size.captures === 1 || random.chance(0.8)) await index.fold(vm);
	}
}

interface Size {
	readonly captures: number;
	readonly blocks: number;
	/** Longest distance between changed blocks. */
	readonly step: number;
	/** Pages of a disk that are kept for the final batch. */
	readonly held: number;
}

async function compare(
	db: AgentDb,
	model: Model,
	unknown: ReadonlySet<string>,
	size: Size,
	what: string,
): Promise<void> {
	const index = new BlockIndex(db);
	await index.foldAll();
	for (const vm of VMS) {
		for (const disk of DISKS) {
			const name = nameOf(vm, disk);
			if (unknown.has(name)) continue;
			const wanted = Buffer.alloc(size.blocks * RECORD_SIZE);
			for (const [block, record] of model.get(name) ?? []) wanted.set(record, block * RECORD_SIZE);
			const found = Buffer.from(await index.read(vm, disk, 0, size.blocks));
			assert.ok(found.equals(wanted), `${what}: ${name}`);
			const pages = Buffer.alloc(wanted.length + RECORDS_PER_PAGE * RECORD_SIZE);
			for await (const { firstBlock, records } of index.pages(vm, disk, 0, size.blocks)) {
				pages.set(records, firstBlock * RECORD_SIZE);
			}
			assert.ok(pages.subarray(0, wanted.length).equals(wanted), `${what}: pages of ${name}`);
		}
	}
	assert.equal((await db.keys(keyRange("fold")).all()).length, 0, `${what}: a mark is left`);
}

describe("BlockIndex", () => {
	for (const [what, size] of [
		["small captures", { captures: 10, blocks: 300, step: 40, held: 100 }],
		["captures of about as many pages as are kept", { captures: 5, blocks: 500, step: 90, held: 7 }],
		[
			"captures of more pages than one batch holds",
			{ captures: 1, blocks: 700 * RECORDS_PER_PAGE, step: 128, held: 100 },
		],
	] as const) {
		it(`is what the last final capture left, wherever it crashed: ${what}`, { timeout: 240_000 }, async (context) => {
			const seed = testRandom(context).seed;
			let at = 1;
			for (let total = Number.POSITIVE_INFINITY; at <= total + 1; at++) {
				await using temp = await tempFolder();
				const db = await openDb(temp);
				await using _ = { [Symbol.asyncDispose]: () => db.close() };
				const model: Model = new Map();
				// A large one is all of a new disk: what is cleared before it is folded in must not be cleared again after.
				const unknown = new Set(size.captures > 1 ? [] : VMS.flatMap((vm) => DISKS.map((disk) => nameOf(vm, disk))));
				const failing = crashing(db, at, createRandom(at));
				let crashed = false;
				try {
					await live(failing.db, model, unknown, createRandom(seed), size);
				} catch (error) {
					if (!(error instanceof Crash)) throw error;
					crashed = true;
				}
				if (!crashed) total = failing.operations();
				await compare(db, model, unknown, size, `crash at operation ${at}`);
				if (!crashed) break;
				// What comes after the crash is right too.
				const after = createRandom(seed + at);
				if (size.step < 100) {
					await live(db, model, unknown, after, { ...size, captures: 2 });
					await compare(db, model, unknown, size, `after the crash at operation ${at}`);
				}
			}
			assert.ok(at > 10, `only ${at} places to crash`);
		});
	}

	it("reads any range, across pages and beyond what is known", async (context) => {
		const random = testRandom(context);
		await using temp = await tempFolder();
		const db = await openDb(temp);
		await using _ = { [Symbol.asyncDispose]: () => db.close() };
		const index = new BlockIndex(db);
		const all = Buffer.alloc(1000 * RECORD_SIZE);
		await index.begin("web");
		const stager = index.stager("web", "va", "anew");
		for (let block = 100; block < 700; block++) {
			if (block >= 256 && block < 400) continue;
			const record = random.bytes(RECORD_SIZE);
			all.set(record, block * RECORD_SIZE);
			await stager.put(block, record);
		}
		await stager.end();
		await db.batch(index.finishOperations("web", [stager]));
		await index.fold("web");
		for (let round = 0; round < 200; round++) {
			const first = random.below(1000);
			const count = random.between(1, 1000 - first);
			const found = Buffer.from(await index.read("web", "va", first, count));
			assert.ok(found.equals(all.subarray(first * RECORD_SIZE, (first + count) * RECORD_SIZE)), `${first}+${count}`);
		}
		const pages: number[] = [];
		for await (const { firstBlock } of index.pages("web", "va", 255, 146)) pages.push(firstBlock);
		assert.deepEqual(pages, [192, 384], "pages without any record do not exist");
	});

	it("keeps VMs and disks apart whose names begin alike or hold separators", async () => {
		await using temp = await tempFolder();
		const db = await openDb(temp);
		await using _ = { [Symbol.asyncDispose]: () => db.close() };
		const index = new BlockIndex(db);
		const names = ["a", "a/", "a/b", "a%2Fb", "a0", "a.", "", "a\0"];
		const record = (at: number) => Buffer.alloc(RECORD_SIZE, at + 1);
		for (const [at, vm] of names.entries()) {
			await index.begin(vm);
			const stager = index.stager(vm, "b", "onto");
			await stager.put(5, record(at));
			await stager.end();
			await db.batch(index.finishOperations(vm, [stager]));
			await index.fold(vm);
		}
		await index.forget("a");
		for (const [at, vm] of names.entries()) {
			const found = Buffer.from(await index.read(vm, "b", 5, 1));
			assert.ok(found.equals(vm === "a" ? ZERO : record(at)), JSON.stringify(vm));
		}
	});

	it("takes no room for blocks that became zero", async () => {
		await using temp = await tempFolder();
		const db = await openDb(temp);
		await using _ = { [Symbol.asyncDispose]: () => db.close() };
		const index = new BlockIndex(db);
		for (const record of [Buffer.alloc(RECORD_SIZE, 1), ZERO]) {
			await index.begin("web");
			const stager = index.stager("web", "va", "onto");
			await stager.put(7, record);
			await stager.end();
			await db.batch(index.finishOperations("web", [stager]));
			await index.fold("web");
			const keys = await db.keys().all();
			assert.equal(keys.length, record === ZERO ? 0 : 1);
		}
		assert.equal(Buffer.from(encodeKey("a/b", "c")).toString(), "a%2Fb/c");
	});
});
