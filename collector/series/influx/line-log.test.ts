import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { Logger } from "../../../common/log.ts";
import { silentLogger } from "../../../common/log.ts";
import { testRandom } from "../../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { LineLog } from "./line-log.ts";
import type { LogRecord } from "./log-format.ts";

function record(text: string, lane = 0): LogRecord {
	const hours = { first: -5, last: text.length };
	return { lane, lines: 1, hours, acceptedMs: 1_700_000_000_000, payload: Buffer.from(`${text}\n`) };
}

async function openLog(folder: TempFolder, segmentBytes = 2 ** 20, log: Logger = silentLogger()): Promise<LineLog> {
	return await LineLog.open({ folder: folder.file("log"), log, segmentBytes });
}

async function textsOf(log: LineLog): Promise<string[]> {
	const reader = log.reader();
	const texts: string[] = [];
	for (let next = await reader.next(); next !== undefined; next = await reader.next()) {
		assert.ok(next.next > next.position && next.next <= log.end);
		texts.push(next.payload.toString().slice(0, -1));
	}
	await reader.close();
	return texts;
}

async function segmentsOf(folder: TempFolder): Promise<string[]> {
	return (await readdir(folder.file("log"))).filter((name) => name.endsWith(".lines")).sort();
}

/** Complaints of damage. */
function listening(): { readonly log: Logger; readonly heard: { offset: number; bytes: number; text: string }[] } {
	const heard: { offset: number; bytes: number; text: string }[] = [];
	const error = (fields: { offset: number; bytes: number }, text: string) => heard.push({ ...fields, text });
	return { log: { ...silentLogger(), error, info: () => {}, warn: () => {} } as unknown as Logger, heard };
}

describe("LineLog", () => {
	it("gives back records in their order, also after closing, over many segments", async () => {
		await using folder = await tempFolder();
		const wanted: string[] = [];
		for (let round = 0; round < 3; round++) {
			await using log = await openLog(folder, 200);
			assert.deepEqual(await textsOf(log), wanted);
			for (let at = 0; at < 5; at++) {
				const texts = [`r${round} a${at} 1`, `r${round} b${at} 1`];
				await log.append(texts.map((text, lane) => record(text, lane)));
				wanted.push(...texts);
			}
			assert.deepEqual(await textsOf(log), wanted);
		}
		assert.ok((await segmentsOf(folder)).length > 5);
		await using log = await openLog(folder);
		const reader = log.reader();
		const first = await reader.next();
		await reader.close();
		assert.deepEqual([first?.lane, first?.lines, first?.acceptedMs], [0, 1, 1_700_000_000_000]);
		assert.deepEqual(first?.hours, { first: -5, last: wanted[0]?.length });
	});

	it("tells where its records stand", async () => {
		await using folder = await tempFolder();
		await using log = await openLog(folder, 100);
		const stored = [...(await log.append([record("a"), record("b")])), ...(await log.append([record("c".repeat(99))]))];
		const third = await log.append([record("d")]);
		const reader = log.reader();
		for (const { position, next } of [...stored, ...third]) {
			const read = await reader.next();
			assert.deepEqual([read?.position, read?.next], [position, next]);
		}
		assert.equal(await reader.next(), undefined);
		await reader.close();
		assert.equal(third[0]?.next, log.end);
	});

	it("begins where it was released to, deletes what is delivered, and never gives a position twice", async () => {
		await using folder = await tempFolder();
		let end = 0;
		{
			await using log = await openLog(folder, 100);
			const stored = [];
			for (let at = 0; at < 6; at++) stored.push(...(await log.append([record(`line ${at} ${"x".repeat(60)}`)])));
			log.release(stored[3]!.next);
			await until(async () => (await segmentsOf(folder)).length === 2, { what: "four segments go" });
		}
		{
			await using log = await openLog(folder, 100);
			assert.deepEqual(
				(await textsOf(log)).map((text) => text.slice(0, 6)),
				["line 4", "line 5"],
			);
			end = log.end;
			log.release(end);
		}
		assert.deepEqual(await readdir(folder.file("log")), ["cursor", (await segmentsOf(folder)).at(-1)].filter(Boolean));
		await using log = await openLog(folder, 100);
		assert.deepEqual([log.start, log.end], [end, end]);
		assert.deepEqual(await segmentsOf(folder), []);
		await log.append([record("next")]);
		assert.deepEqual(await textsOf(log), ["next"]);
	});

	it("delivers from the first segment on where the cursor is damaged", async () => {
		await using folder = await tempFolder();
		{
			await using log = await openLog(folder);
			const stored = await log.append([record("a"), record("b")]);
			log.release(stored[0]!.next);
		}
		const cursor = await readFile(folder.file("log/cursor"));
		cursor[9]! ^= 1;
		await writeFile(folder.file("log/cursor"), cursor);
		await using log = await openLog(folder);
		assert.deepEqual(await textsOf(log), ["a", "b"]);
	});

	it("cuts a tail that is torn at any byte, and appends behind what is whole", async () => {
		await using folder = await tempFolder();
		const texts = ["first", "second", "third"];
		const ends: number[] = [];
		{
			await using log = await openLog(folder);
			for (const text of texts) ends.push((await log.append([record(text)]))[0]!.next);
		}
		const [segment = ""] = await segmentsOf(folder);
		const whole = await readFile(folder.file(`log/${segment}`));
		assert.equal(whole.length, ends[2]);
		for (let bytes = 0; bytes <= whole.length; bytes++) {
			for (const name of await segmentsOf(folder)) await truncate(folder.file(`log/${name}`), 0);
			await writeFile(folder.file(`log/${segment}`), whole.subarray(0, bytes));
			const kept = texts.filter((_, at) => ends[at]! <= bytes);
			await using log = await openLog(folder);
			assert.deepEqual(await textsOf(log), kept, `${bytes} bytes`);
			if (bytes % 7 !== 0) continue;
			await log.append([record("new")]);
			assert.deepEqual(await textsOf(log), [...kept, "new"], `${bytes} bytes`);
		}
	});

	it("goes on behind damage in the midst, and says where it was", async () => {
		await using folder = await tempFolder();
		const texts = Array.from({ length: 6 }, (_, at) => `record ${at} ${"x".repeat(40)}`);
		const stored: { position: number; next: number }[] = [];
		{
			await using log = await openLog(folder, 150);
			for (const text of texts) stored.push(...(await log.append([record(text)])));
		}
		const segments = await segmentsOf(folder);
		assert.ok(segments.length >= 2);
		const path = folder.file(`log/${segments[0]}`);
		const whole = await readFile(path);
		for (let offset = 0; offset < whole.length; offset++) {
			const damaged = Buffer.from(whole);
			damaged[offset]! ^= 0x55;
			await writeFile(path, damaged);
			const { log: logger, heard } = listening();
			await using log = await openLog(folder, 150, logger);
			const hit = stored.findIndex(({ position, next }) => offset >= position && offset < next);
			assert.deepEqual(
				await textsOf(log),
				texts.filter((_, at) => at !== hit),
				`byte ${offset}`,
			);
			assert.equal(heard.length, 1, `byte ${offset}`);
			assert.ok(heard[0]!.offset <= offset && heard[0]!.offset + heard[0]!.bytes > offset, `byte ${offset}`);
		}
	});

	it("says that a segment is lost, and goes on with the next", async () => {
		await using folder = await tempFolder();
		{
			await using log = await openLog(folder, 60);
			for (const text of ["a", "b", "c"]) await log.append([record(text.repeat(60))]);
		}
		const [, second = ""] = await segmentsOf(folder);
		await rm(folder.file(`log/${second}`));
		const { log: logger, heard } = listening();
		await using log = await openLog(folder, 60, logger);
		assert.deepEqual(
			(await textsOf(log)).map(([letter]) => letter),
			["a", "c"],
		);
		assert.match(heard[0]!.text, /lost/);
	});

	it("reads what is appended meanwhile", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using log = await openLog(folder, 5000);
		const wanted = Array.from({ length: 300 }, (_, at) => `${at} ${"x".repeat(random.below(200))}`);
		const appending = (async () => {
			for (let at = 0; at < wanted.length; ) {
				const some = wanted.slice(at, at + random.between(1, 5));
				await log.append(some.map((text) => record(text)));
				at += some.length;
			}
		})();
		const reader = log.reader();
		const found: string[] = [];
		await until(
			async () => {
				const next = await reader.next();
				if (next !== undefined) found.push(next.payload.toString().slice(0, -1));
				return found.length === wanted.length;
			},
			{ what: "all records", intervalMs: 0 },
		);
		await appending;
		assert.deepEqual(found, wanted);
		await reader.close();
	});

	it("is for its user alone", async () => {
		await using folder = await tempFolder();
		await using log = await openLog(folder);
		await log.append([record("a")]);
		assert.equal((await stat(folder.file("log"))).mode & 0o777, 0o700);
		for (const name of await readdir(folder.file("log"))) {
			assert.equal((await stat(folder.file(`log/${name}`))).mode & 0o077, 0, name);
		}
	});
});

const skip = process.getuid?.() === 0 ? false : "needs root, to mount a small tmpfs";

describe("a log on a full file system", { skip }, () => {
	it("refuses with limit, keeps what it took, and goes on when there is room", async () => {
		await using folder = await tempFolder();
		await mkdir(folder.file("log"));
		const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.file("log")]);
		assert.equal(mount.status, 0, String(mount.stderr));
		try {
			await using log = await openLog(folder, 100_000);
			const taken: string[] = [];
			let refused: unknown;
			for (let at = 0; refused === undefined; at++) {
				const text = `${at} ${"x".repeat(30_000)}`;
				refused = await log.append([record(text)]).then(
					() => void taken.push(text),
					(error: unknown) => error,
				);
			}
			assert.equal((refused as { code?: unknown }).code, "limit");
			assert.match((refused as { hint?: string }).hint ?? "", /free space/);
			assert.ok(taken.length > 20, String(taken.length));
			assert.deepEqual(await textsOf(log), taken);
			const grown = spawnSync("mount", ["-o", "remount,size=4m", folder.file("log")]);
			assert.equal(grown.status, 0, String(grown.stderr));
			await log.append([record("more")]);
			assert.deepEqual(await textsOf(log), [...taken, "more"]);
		} finally {
			spawnSync("umount", [folder.file("log")]);
		}
	});
});
