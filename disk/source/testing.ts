/** For the tests of this folder: disks with known content, real NBD servers, and what every source must do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { isZero } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { listening, type Program, startProgram } from "../../test/support/processes.ts";
import { createRandom, type Random, testRandom } from "../../test/support/random.ts";
import type { Needs } from "../../test/support/requires.ts";
import type { BlockSource } from "./source.ts";

/**
 * A disk with runs of data and of zeroes, whole 64 KiB blocks each but the last, and three zero MiB in
 * the middle: more than the allocation unit of any image format here.
 */
export function sampleDisk(size: number): Uint8Array {
	const random = createRandom(1);
	const disk = new Uint8Array(size);
	for (let at = 0; at < size; ) {
		const length = Math.min(65536 * random.between(1, 4), size - at);
		if (at === 0 || random.chance(0.5)) disk.set(random.bytes(length), at);
		at += length;
	}
	disk.fill(0, 2 * 2 ** 20, 5 * 2 ** 20);
	return disk;
}

export function run(program: string, ...args: string[]): string {
	const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
	if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
	return stdout;
}

/** Runs an NBD server until the scope ends; returns when `socket` accepts. */
export async function serve(socket: string, program: string, ...args: string[]): Promise<Program> {
	const server = await startProgram(program, args);
	await Promise.race([listening(socket, { intervalMs: 2 }), server.finished.then(() => assert.fail(server.output()))]);
	return server;
}

/** What `action` rejects with: an UmbraError, or the test fails. */
export async function errorOf(action: Promise<unknown>): Promise<UmbraError> {
	try {
		await action;
	} catch (error) {
		assert.ok(error instanceof UmbraError, `not an UmbraError: ${error}`);
		return error;
	}
	return assert.fail("did not reject");
}

/** `bytes` read the same; compared by memory, since a deep comparison of megabytes takes seconds. */
export function assertBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
	assert.equal(found.length, wanted.length, `${what}: length`);
	if (Buffer.compare(found, wanted) === 0) return;
	const at = found.findIndex((byte, index) => byte !== wanted[index]);
	assert.fail(`${what}: byte ${at} is ${found[at]}, wanted ${wanted[at]}`);
}

export interface Subject {
	readonly source: BlockSource;
	readonly disk: Uint8Array;
}

export interface SuiteOptions {
	/** Programs that it takes. */
	readonly needs?: Needs;
	/** The source knows its holes: at least one extent of the sample disk is `zero`. */
	readonly knowsZeroes: boolean;
}

/** What every `BlockSource` promises. `open` gives a fresh source and what it must read; it cleans up through `use`. */
export function behavesAsBlockSource(
	name: string,
	options: SuiteOptions,
	open: (resources: AsyncDisposableStack) => Promise<Subject>,
): void {
	describe(`${name} as a BlockSource`, options.needs ?? {}, () => {
		const promise = (behaviour: string, test: (subject: Subject, random: Random) => Promise<void>) =>
			it(behaviour, async (context) => {
				await using resources = new AsyncDisposableStack();
				const subject = await open(resources);
				resources.use(subject.source);
				await test(subject, testRandom(context));
			});

		promise("reads any range of the disk", async ({ source, disk }, random) => {
			assert.equal(source.size, disk.length);
			assertBytes(await source.read(0, disk.length), disk, "the whole disk");
			for (let count = 0; count < 100; count++) {
				const offset = random.below(disk.length);
				const length = random.below(Math.min(200_000, disk.length - offset) + 1);
				assertBytes(await source.read(offset, length), disk.subarray(offset, offset + length), `${offset}+${length}`);
			}
			assertBytes(await source.read(disk.length - 1, 1), disk.subarray(-1), "the last byte");
			assert.equal((await source.read(disk.length, 0)).length, 0);
			assert.equal((await source.read(7, 0)).length, 0);
		});

		promise("reads into memory that the caller has, where it can", async ({ source, disk }, random) => {
			if (source.readInto === undefined) return;
			for (let count = 0; count < 50; count++) {
				const offset = random.below(disk.length);
				const target = new Uint8Array(random.below(Math.min(2_000_000, disk.length - offset) + 1));
				await source.readInto(target, offset);
				assertBytes(target, disk.subarray(offset, offset + target.length), `${offset}+${target.length}`);
			}
			assert.equal((await errorOf(source.readInto(new Uint8Array(2), disk.length - 1))).code, "truncated");
		});

		promise("answers many reads at once", async ({ source, disk }, random) => {
			const reads = Array.from({ length: 300 }, async () => {
				const offset = random.below(disk.length - 70_000);
				const length = random.between(1, 70_000);
				assertBytes(await source.read(offset, length), disk.subarray(offset, offset + length), `${offset}+${length}`);
			});
			await Promise.all(reads);
		});

		promise("refuses what leaves the disk", async ({ source, disk }) => {
			const ranges = [
				[disk.length, 1],
				[disk.length - 1, 2],
				[-1, 2],
				[0, -1],
				[0.5, 1],
				[Number.NaN, 1],
				[2 ** 53, 1],
				[0, Number.POSITIVE_INFINITY],
			] as const;
			for (const [offset, length] of ranges) {
				assert.equal((await errorOf(source.read(offset, length))).code, "truncated", `read ${offset}+${length}`);
				assert.equal((await errorOf(source.extents(offset, length))).code, "truncated", `extents ${offset}+${length}`);
			}
		});

		promise("gives bytes that the caller may change", async ({ source, disk }) => {
			for (let round = 0; round < 3; round++) {
				const bytes = await source.read(4096, 8192);
				assertBytes(bytes, disk.subarray(4096, 12288), `round ${round}`);
				bytes.fill(0xff);
				assert.equal(bytes.slice(0, 1).buffer.byteLength, 1, "slice copies");
			}
		});

		promise(
			"reports extents in order, without gaps, zero only where it reads as zeroes",
			async ({ source, disk }, random) => {
				const ranges = [[0, disk.length]];
				for (let count = 0; count < 20; count++) {
					const offset = random.below(disk.length);
					ranges.push([offset, random.below(disk.length - offset + 1)]);
				}
				for (const [offset = 0, length = 0] of ranges) {
					let at = offset;
					for (const extent of await source.extents(offset, length)) {
						assert.equal(extent.offset, at, `${offset}+${length}`);
						assert.ok(extent.length > 0);
						at += extent.length;
						if (extent.zero) {
							assert.ok(isZero(disk.subarray(extent.offset, at)), `${extent.offset}+${extent.length} holds data`);
						}
					}
					assert.equal(at, offset + length, `${offset}+${length}`);
				}
				const all = await source.extents(0, disk.length);
				assert.equal(
					all.some((extent) => extent.zero),
					options.knowsZeroes,
				);
				assert.ok(all.some((extent) => !extent.zero));
			},
		);

		promise("throws the signal's reason and stays usable", async ({ source, disk }) => {
			const reason = new Error("enough");
			const aborted = AbortSignal.abort(reason);
			await assert.rejects(source.read(0, 4096, aborted), reason);
			await assert.rejects(source.extents(0, 4096, aborted), reason);
			const controller = new AbortController();
			const reads = Array.from({ length: 20 }, (_, index) => source.read(index * 65536, 65536, controller.signal));
			controller.abort(reason);
			for (const outcome of await Promise.allSettled(reads)) {
				if (outcome.status === "rejected") assert.equal(outcome.reason, reason);
			}
			assertBytes(await source.read(0, 65536), disk.subarray(0, 65536), "afterwards");
		});

		promise("disposes twice, and what is read later fails as one of ours", async ({ source }) => {
			const late = source.read(0, 4096).catch((error: unknown) => error);
			await source[Symbol.asyncDispose]();
			await source[Symbol.asyncDispose]();
			const outcome = await late;
			assert.ok(outcome instanceof Uint8Array || isUmbraError(outcome, "unavailable"), String(outcome));
		});
	});
}
