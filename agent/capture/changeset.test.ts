import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FileChange } from "../../disk/map/map.ts";
import { MAX_MESSAGE_BYTES, MAX_PART_FILES, MAX_RUN_BLOCKS, toBigInt, toLong, v1 } from "../../proto/service.ts";
import { testRandom } from "../../test/support/random.ts";
import { BlockRuns, encodeFiles, encodeHeader } from "./changeset.ts";

describe("BlockRuns", () => {
	it("gives back every block, name and entropy in runs of neighbours", (context) => {
		const random = testRandom(context);
		const runs = new BlockRuns("disk/ü");
		const blocks: { block: number; name: Buffer; entropy: number }[] = [];
		// Beyond 2^32 blocks no 32-bit number is left anywhere.
		for (let block = random.below(10), left = 20_000; left > 0; left--) {
			blocks.push({ block, name: random.bytes(32), entropy: random.below(256) });
			block += random.chance(0.001) ? 2 ** 33 : random.chance(0.01) ? random.between(2, 1000) : 1;
		}
		const name = Buffer.alloc(32);
		for (const entry of blocks) {
			name.set(entry.name);
			runs.add(entry.block, name, entry.entropy); // The caller's buffer is used again.
		}
		const found: typeof blocks = [];
		let last = -2;
		for (const part of runs.end()) {
			const run = v1.ChangesetPart.decode(part).blocks ?? assert.fail("no run");
			const count = (run.names?.length ?? 0) / 32;
			assert.ok(count >= 1 && count <= MAX_RUN_BLOCKS);
			assert.equal(run.entropy?.length, count);
			assert.equal(run.disk, "disk/ü");
			const first = Number(toBigInt(run.firstBlock));
			assert.ok(first > last);
			for (let at = 0; at < count; at++) {
				const bytes = Buffer.from(run.names as Uint8Array);
				found.push({
					block: first + at,
					name: bytes.subarray(32 * at, 32 * at + 32),
					entropy: run.entropy?.[at] as number,
				});
			}
			last = first + count - 1;
		}
		assert.equal(found.length, blocks.length);
		for (const [at, entry] of blocks.entries()) {
			const other = found[at] as typeof entry;
			assert.equal(other.block, entry.block);
			assert.equal(other.entropy, entry.entropy);
			assert.ok(entry.name.equals(other.name));
		}
	});

	it("begins a new run at the longest", () => {
		const runs = new BlockRuns("d");
		for (let block = 0; block <= MAX_RUN_BLOCKS; block++) runs.add(block, new Uint8Array(32), 0);
		const parts = runs.end().map((part) => v1.ChangesetPart.decode(part).blocks?.names?.length);
		assert.deepEqual(parts, [MAX_RUN_BLOCKS * 32, 32]);
	});

	it("is nothing where nothing was added", () => assert.deepEqual(new BlockRuns("d").end(), []));
});

describe("encodeHeader", () => {
	it("keeps 64-bit values exact", () => {
		const timeNs = 1_795_291_200_123_456_789n;
		const part = v1.ChangesetPart.decode(encodeHeader({ id: "x", vm: "web/1 ✓", timeNs: toLong(timeNs) }));
		assert.equal(part.header?.vm, "web/1 ✓");
		assert.equal(toBigInt(part.header?.timeNs), timeNs);
	});
});

describe("encodeFiles", () => {
	const file = (path: string, rest: Partial<FileChange> = {}): FileChange =>
		({
			change: "modified",
			path,
			type: "file",
			inode: 12,
			sizeBefore: 1,
			sizeAfter: 2 ** 40,
			changedBytes: 4096,
			uid: 1000,
			gid: 100,
			owner: "anna",
			group: "users",
			mode: 0o100644,
			mtime: 1.7e9,
			...rest,
		}) as FileChange;
	const changes = (files: readonly FileChange[]) => [{ disk: "va", volume: "1", files }];

	it("keeps every field, also of names that are no plain words", () => {
		const renamed = file("/a\nb/ü ✓", {
			change: "renamed",
			oldPath: "/old",
			entropyBefore: 3.5,
			entropyAfter: 7.9,
		} as never);
		const [part] = encodeFiles(changes([renamed]));
		const decoded = v1.ChangesetPart.decode(part as Uint8Array).files;
		assert.equal(decoded?.disk, "va");
		assert.equal(decoded?.volume, "1");
		const [found] = decoded?.files ?? [];
		assert.equal(found?.change, v1.FileChangeKind.FILE_CHANGE_RENAMED);
		assert.equal(found?.path, "/a\nb/ü ✓");
		assert.equal(found?.oldPath, "/old");
		assert.equal(toBigInt(found?.sizeAfter), 2n ** 40n);
		assert.equal(found?.entropyAfter?.toFixed(1), "7.9");
		assert.equal(found?.owner, "anna");
	});

	it("keeps the paths in between, the last of too many", () => {
		const via = Array.from({ length: 10 }, (_, at) => `/x${at}`);
		const [part] = encodeFiles(changes([file("/gone", { change: "transient", via }), file("/kept", { via: ["/y"] })]));
		const [gone, kept] = v1.ChangesetPart.decode(part as Uint8Array).files?.files ?? [];
		assert.equal(gone?.change, v1.FileChangeKind.FILE_CHANGE_TRANSIENT);
		assert.deepEqual(gone.via, via.slice(2));
		assert.deepEqual([kept?.via, kept?.oldPath], [["/y"], ""]);
	});

	it("splits lists of long paths, so that every part fits a message", () => {
		const long = `/${"ü".repeat(4095)}`;
		const files = Array.from({ length: 900 }, (_, at) => file(`/${at}${long}`, { oldPath: long, via: [long] }));
		const parts = encodeFiles(changes(files));
		assert.ok(parts.every(({ length }) => length < MAX_MESSAGE_BYTES - 3 * 1024 * 1024));
		const told = parts.flatMap((part) => v1.ChangesetPart.decode(part).files?.files ?? []);
		assert.deepEqual(
			told.map(({ path }) => path),
			files.map(({ path }) => path),
		);
	});

	it("splits long lists, in order, and says -1 where the entropy is not known", () => {
		const files = Array.from({ length: 2 * MAX_PART_FILES + 1 }, (_, at) => file(`/${at}`));
		const parts = encodeFiles(changes(files)).map((part) => v1.ChangesetPart.decode(part).files?.files ?? []);
		assert.deepEqual(
			parts.map((list) => list.length),
			[MAX_PART_FILES, MAX_PART_FILES, 1],
		);
		assert.deepEqual(
			parts.flat().map(({ path }) => path),
			files.map(({ path }) => path),
		);
		assert.equal(parts[0]?.[0]?.entropyBefore, -1);
	});
});
