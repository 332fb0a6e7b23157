import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { nameFromHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { v1, type wire } from "../../proto/service.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import type { MakeLevel } from "../catalog/store.ts";
import { serveSubmit } from "../ingest/submit.ts";
import { fileChange, randomBlock, TestVm } from "../ingest/test-agent.ts";
import { realFiles } from "../vault/files.ts";
import { pointSource } from "../vault/point-source.ts";
import { openStore, type Store } from "./store.ts";

const MIB = 1024 * 1024;
const DISK = 24 * MIB;
const BLOCKS = 6;
const KEPT = 2;
const ROUNDS = 6;
const NAMES = ["web", "db", "mail"];
const { SUBMIT_STATUS_ACCEPTED, SUBMIT_STATUS_DUPLICATE } = v1.SubmitStatus;
const never = (): AbortSignal => new AbortController().signal;

const skip = process.getuid?.() === 0 ? false : "needs root, to mount a small tmpfs";

/** A disk of its own, that can be filled to its last byte. */
class SmallDisk implements AsyncDisposable {
	readonly path: string;
	readonly #folder: TempFolder;

	private constructor(folder: TempFolder) {
		this.#folder = folder;
		this.path = folder.path;
	}

	static async mount(): Promise<SmallDisk> {
		const folder = await tempFolder();
		execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", folder.path]);
		return new SmallDisk(folder);
	}

	/** Leaves so many bytes of it. */
	async fill(left: number): Promise<void> {
		await this.clear();
		const { bavail, bsize } = await statfs(this.path);
		await using file = await open(this.#ballast, constants.O_CREAT | constants.O_WRONLY);
		const ballast = Buffer.alloc(MIB, 1);
		for (let rest = bavail * bsize - left; rest > 0; ) {
			const { bytesWritten } = await file.write(ballast, 0, Math.min(rest, MIB));
			rest -= bytesWritten;
		}
	}

	/** There is room again. */
	async clear(): Promise<void> {
		await rm(this.#ballast, { force: true });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		execFileSync("umount", [this.path]);
		await this.#folder[Symbol.asyncDispose]();
	}

	get #ballast(): string {
		return join(this.path, "ballast");
	}
}

interface Taken {
	readonly id: string;
	readonly disk: Buffer;
}

interface Guest {
	readonly vm: TestVm;
	/** Acknowledged, oldest first. */
	readonly taken: Taken[];
	/** Captured, not acknowledged yet: sent again until it is. */
	pending: { readonly id: string; readonly parts: readonly wire.v1.ChangesetPart.$Properties[] } | undefined;
}

const makeReal: MakeLevel = (folder) => new ClassicLevel(folder, { keyEncoding: "utf8", valueEncoding: "utf8" });

async function openOn(disk: SmallDisk): Promise<Store> {
	const last = { last: KEPT, hourly: 0, daily: 0, weekly: 0, monthly: 0, keepAll: false, keepImported: true };
	return await openStore({
		folder: join(disk.path, "catalog"),
		make: makeReal,
		files: realFiles,
		packs: join(disk.path, "packs"),
		keys: undefined,
		policies: new Map(NAMES.map((name) => [name, last])),
		graceMs: 0,
		rewriteBelow: 1,
		clock: () => performance.now(),
	});
}

async function capture({ vault, ingest }: Store, guest: Guest, random: Random): Promise<void> {
	const { vm } = guest;
	if (guest.pending === undefined) {
		for (let count = 0; count < 3; count++) {
			vm.write(
				"vda",
				random.below(BLOCKS),
				randomBlock(() => random.fraction(), 0.3),
			);
		}
		const files = Array.from({ length: random.below(400) }, (_, at) => fileChange(`/var/lib/some/folder/${at}`));
		const parts = vm.parts({}, files);
		guest.pending = { id: parts[0]?.header?.id ?? "", parts };
	}
	const { id, parts } = guest.pending;
	for (let at = 0; at < BLOCKS; at++) await vault.putPlain(vm.block("vda", at));
	await vault.flush();
	const stream = (async function* () {
		yield* parts;
	})();
	const { status, message } = await serveSubmit(
		stream,
		ingest(() => vm.timeNs),
		never(),
	);
	assert.ok(status === SUBMIT_STATUS_ACCEPTED || status === SUBMIT_STATUS_DUPLICATE, message ?? "");
	guest.taken.push({ id, disk: Buffer.from(vm.disks.get("vda")!) });
	vm.baseId = id;
	guest.pending = undefined;
}

/** All judged, then what the policy does not keep is dropped. */
async function retain({ catalog, retention }: Store, { vm, taken }: Guest): Promise<void> {
	for (;;) {
		const changeset = await catalog.nextUnjudged(vm.vm);
		if (changeset === undefined) break;
		await catalog.saveJudgement({ changeset, verdict: null, alerts: [] });
	}
	await retention.apply(vm.vm, never());
	taken.splice(0, Math.max(0, taken.length - KEPT));
}

async function collect({ jobs }: Store): Promise<void> {
	jobs.startGc({ dryRun: false });
	await jobs.ended();
	const error = jobs.job?.error;
	if (error) throw new UmbraError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}

/** Every point that was acknowledged, and was not to be dropped, reads as it was. */
async function verify({ catalog, vault }: Store, guests: readonly Guest[]): Promise<void> {
	for (const { taken } of guests) {
		for (const { id, disk } of taken.slice(-KEPT)) {
			const record = await catalog.changesetById(id);
			assert.ok(record, `${id} was acknowledged and is not there`);
			const { root, sizeBytes } = record.disks[0]!;
			await using source = pointSource(vault, { root: nameFromHex(root), sizeBytes, name: id });
			assert.equal(Buffer.compare(await source.read(0, sizeBytes), disk), 0, `${id} reads differently`);
		}
	}
}

/** What it failed with, which must say why. */
async function failure(work: Promise<void>): Promise<UmbraError | undefined> {
	try {
		await work;
		return undefined;
	} catch (error) {
		assert.ok(isUmbraError(error, "limit"), `${error}`);
		assert.match(error.message, /no space left/i);
		assert.match(error.hint ?? "", /free space/);
		return error;
	}
}

describe("a disk that is really full", { skip }, () => {
	it("keeps what was acknowledged, says that it is full, and goes on once there is room", async (context) => {
		const random = testRandom(context);
		await using disk = await SmallDisk.mount();
		const guests: Guest[] = NAMES.map((name) => ({
			vm: new TestVm(name, { vda: BLOCKS }),
			taken: [],
			pending: undefined,
		}));
		let store = await openOn(disk);
		try {
			let [restarts, points] = [0, 0];
			for (let round = 0; round < ROUNDS; round++) {
				// From some byte on, in the midst of what several do at once.
				await disk.fill(random.below(round % 2 === 0 ? 2 * MIB : 64 * 1024));
				let isFull = false;
				for (let tries = 0; !isFull; tries++) {
					assert.ok(tries < 60, "the disk does not get full");
					const work = guests.map((guest) => failure(capture(store, guest, random)));
					const failed = (await Promise.all(work)).filter((error) => error !== undefined).length;
					points += guests.length - failed;
					isFull = failed > 0;
				}
				await verify(store, guests);
				for (const guest of guests) if (random.chance(0.5)) await failure(retain(store, guest));
				if (random.chance(0.5)) await failure(collect(store));
				await verify(store, guests);
				if (random.chance(0.3)) {
					// Whoever starts it again finds the disk as full.
					await store[Symbol.asyncDispose]();
					restarts++;
					const error = await failure(
						openOn(disk).then((opened) => {
							store = opened;
						}),
					);
					await disk.clear();
					if (error !== undefined) store = await openOn(disk);
				}
				await disk.clear();
				for (const guest of guests) if (guest.pending !== undefined) await capture(store, guest, random);
				await verify(store, guests);
				for (const guest of guests) await retain(store, guest);
				await collect(store);
				await verify(store, guests);
			}
			await store[Symbol.asyncDispose]();
			store = await openOn(disk);
			await verify(store, guests);
			store.jobs.startCheck({ readShare: 1 });
			await store.jobs.ended();
			const { check, chains, catalog } = store.jobs.job!;
			assert.deepEqual([check?.treeDamage, check?.packDamage, chains?.brokenCount, catalog?.damage], [[], [], 0, []]);
			context.diagnostic(`${points} points on a disk about to be full, ${restarts} restarts on a full one`);
		} finally {
			await store[Symbol.asyncDispose]();
		}
	});
});
