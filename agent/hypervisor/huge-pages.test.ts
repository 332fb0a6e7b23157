import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { describe, it } from "node:test";
import { createLogger } from "../../common/log.ts";
import { needs } from "../../test/support/requires.ts";
import { joinHugePages } from "./huge-pages.ts";

const MIB = 2 ** 20;
const SIZE = 256 * MIB;
const TOUCHED = 128 * MIB;
/** Has so much memory, the first half of which it has written to, page by page and never a huge one; and reads the other. */
const PROGRAM = `
	const memory = Buffer.from(new ArrayBuffer(${SIZE}));
	for (let at = 0; at < ${TOUCHED}; at += 4096) memory[at] = 1;
	let sum = 0;
	for (let at = ${TOUCHED}; at < ${SIZE}; at += 4096) sum += memory[at];
	console.log(sum);
	process.stdin.resume();
	process.stdin.on("end", () => {
		let sum = 0;
		for (let at = 0; at < ${SIZE}; at++) sum += memory[at];
		console.log(sum - ${TOUCHED / 4096});
	});
`;

const run = process.getuid?.() === 0 ? needs("perl") : { skip: "needs root, for another process's memory" };

describe("huge pages", run, () => {
	it("are made of memory that is there, and of no other unless that is wanted", async () => {
		const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, ["-e", PROGRAM], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		try {
			await once(child.stdout, "data");
			const pid = child.pid as number;
			const before = await memoryOf(pid);
			assert.ok(before.resident >= TOUCHED, `resident: ${before.resident}`);
			const joined = await joinHugePages(pid, createLogger("test", "silent"));
			const after = await memoryOf(pid);
			const wanted = await readFile("/sys/kernel/mm/transparent_hugepage/enabled", "utf8").catch(() => "[never]");
			if (wanted.includes("[never]")) {
				assert.equal(joined, undefined);
				assert.equal(after.huge, before.huge);
				return;
			}
			// Both ends of a mapping may lie amidst a huge page.
			assert.ok(joined !== undefined && joined * 2 * MIB >= TOUCHED - 8 * MIB, `${joined} joined`);
			assert.ok(after.huge >= TOUCHED - 8 * MIB, `huge: ${before.huge}, then ${after.huge}`);
			assert.ok(after.resident < before.resident + 16 * MIB, `resident: ${before.resident}, then ${after.resident}`);
			const preallocated = await joinHugePages(pid, createLogger("test", "silent"), { left: 0.01 });
			const { resident, huge } = await memoryOf(pid);
			assert.ok(preallocated !== undefined && preallocated * 2 * MIB >= SIZE - 8 * MIB, `${preallocated} joined`);
			assert.ok(huge >= SIZE - 8 * MIB && resident >= SIZE - 8 * MIB, `huge: ${huge}, resident: ${resident}`);
			child.stdin.end();
			assert.equal(String(await once(child.stdout, "data")), "0\n", "what was never written to is zeroes");
		} finally {
			child.kill();
		}
	});

	it("of a process that is gone are none", async () => {
		assert.equal(await joinHugePages(2 ** 22 + 1, createLogger("test", "silent")), undefined);
	});
});

/** Bytes that a process has in memory, and of them those in huge pages. */
async function memoryOf(pid: number): Promise<{ readonly resident: number; readonly huge: number }> {
	const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
	const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1024;
	return { resident: kib("Rss"), huge: kib("AnonHugePages") };
}
