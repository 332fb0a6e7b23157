import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { randomChunk, SpoolFixture, type TestChunk } from "./spool-fixture.ts";

const PAGE = 4096;
/** One capture takes fewer pages than that. */
const LEVELS = 24;
const CHUNKS = 5;
const CHUNK_BYTES = 9000;
/** Some captures begin a segment, some two. */
const SEGMENT_BYTES = 32_000;
/** So long that every commit takes pages of the database. */
const VM = "v".repeat(5000);

/** Whether the disk was full for the spool, or for the database that commits what is in it. */
async function whatFailed(work: Promise<unknown>): Promise<"nothing" | "spool" | "database"> {
	try {
		await work;
		return "nothing";
	} catch (error) {
		if (isUmbraError(error)) {
			assert.equal(error.code, "limit", error.message);
			assert.match(error.message, /ENOSPC/);
			assert.match(error.hint ?? "", /free space/);
			return "spool";
		}
		assert.match(error instanceof Error ? `${error.message} ${error.cause}` : "", /no space left/i);
		return "database";
	}
}

/** Everything that was committed can be uploaded. */
async function verify({ spool }: SpoolFixture, committed: ReadonlyMap<string, readonly TestChunk[]>): Promise<void> {
	assert.deepEqual(
		spool.changesets().map(({ id }) => id),
		[...committed.keys()],
	);
	for (const [id, chunks] of committed) {
		const positions = chunks.map(({ name }) => spool.positionOf(name) ?? assert.fail(`${id}: a chunk is not held`));
		const read = await spool.readChunks(positions);
		for (const [at, { data }] of chunks.entries()) {
			assert.equal(Buffer.compare(read[at]?.data ?? Buffer.alloc(0), data), 0, `${id}, chunk ${at}`);
		}
	}
}

const skip = process.getuid?.() === 0 ? false : "needs root, to mount a small tmpfs";

describe("a spool on a device that gets full", { skip }, () => {
	it("keeps every committed capture and takes the next once there is room, at whichever page it got full", async (context) => {
		await using folder = await tempFolder();
		execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder.path]);
		try {
			await using fixture = await SpoolFixture.open({ folder: folder.path, segmentBytes: SEGMENT_BYTES });
			const committed = new Map<string, readonly TestChunk[]>();
			const outcomes = { nothing: 0, spool: 0, database: 0 };
			for (let level = 0; level < LEVELS; level++) {
				const id = `c${level}`;
				const chunks = Array.from({ length: CHUNKS }, () => randomChunk(CHUNK_BYTES));
				const ballast = join(folder.path, "ballast");
				{
					await using file = await open(ballast, "w");
					const { bavail, bsize } = await statfs(folder.path);
					await file.writeFile(Buffer.alloc(bavail * bsize - level * PAGE, 1));
				}
				const failed = await whatFailed(fixture.capture(id, VM, chunks));
				outcomes[failed]++;
				if (failed === "nothing") committed.set(id, chunks);
				await verify(fixture, committed);
				await rm(ballast);
				if (failed !== "nothing") {
					// LevelDB takes nothing more before it is opened anew, as the agent's next start does.
					if (failed === "database") await fixture.reopen();
					await fixture.capture(id, VM, chunks);
					committed.set(id, chunks);
				}
				await verify(fixture, committed);
				if (level % 5 === 4) await fixture.reopen();
			}
			await fixture.reopen();
			await verify(fixture, committed);
			context.diagnostic(JSON.stringify(outcomes));
			for (const [what, count] of Object.entries(outcomes)) assert.ok(count > 0, what);
		} finally {
			execFileSync("umount", [folder.path]);
		}
	});
});
