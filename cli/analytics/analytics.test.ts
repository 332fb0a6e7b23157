/** The exported history, asked by DuckDB, against what the collector's API tells. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import type { AlertRecord, ChangesetRecord, FileChangeRecord } from "../../collector/catalog/records.ts";
import { fileChange, random, randomBlock, TestVm } from "../../collector/ingest/test-agent.ts";
import { isUmbraError } from "../../common/errors.ts";
import { toLong, v1 } from "../../proto/service.ts";
import { ROOT } from "../../test/support/processes.ts";
import { CollectorClient } from "../collector-client.ts";
import { type ExportResult, exportHistory } from "./export.ts";
import { openHistory, vmFolder } from "./history.ts";
import { nanoTime, TABLES } from "./tables.ts";

const DAY_NS = 86_400_000_000_000n;
/** Neither may end as part of another path, or of the SQL. */
const NAMES = ["web1", "../o'neill\" [x]*"];
const PATHS = ["/etc/passwd", '/it\'s "odd"\n\\xff', "/ünï/✓"];

const DOCUMENT = join(ROOT, "docs", "analytics.md");

type Row = Record<string, unknown>;

describe("an exported history", () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	let client: CollectorClient;
	let folder: string;
	const vms = NAMES.map((name) => new TestVm(name));

	before(async () => {
		site = resources.use(await openSite());
		client = await CollectorClient.from({ collector: `http://${site.collector.apiAddress}` });
		folder = join(site.folder, "his'tory");
	});
	after(() => resources[Symbol.asyncDispose]());

	const capture = async (vm: TestVm, seed: number) => {
		vm.write("vda", seed % 8, randomBlock(random(seed)));
		await vm.capture(site.agent, [
			...PATHS.map((path) => fileChange(path)),
			fileChange(`/only/${seed}`, { mtime: 1e15 }),
		]);
	};
	const run = async (): Promise<ExportResult> => await exportHistory({ client, folder, vms: [] });
	const query = async (sql: string): Promise<Row[]> => {
		const connection = await openHistory(folder);
		try {
			return (await connection.runAndReadAll(sql)).getRowObjectsJson();
		} finally {
			connection.closeSync();
		}
	};
	const told = async (vm: string) => {
		const path = `/v1/vms/${encodeURIComponent(vm)}/changes`;
		return await Array.fromAsync(
			client.list<ChangesetRecord & { files: FileChangeRecord[] }>(path, { order: "oldest", files: "1" }),
		);
	};

	const alerts = async () => await Array.fromAsync(client.list<AlertRecord>("/v1/alerts"));

	it("holds what the API tells, over days and for names of any kind", async () => {
		for (const [at, vm] of vms.entries()) {
			vm.timeNs += 123_456_789n;
			for (let seed = 0; seed < 5; seed++) {
				if (seed === 3) vm.timeNs += DAY_NS;
				await capture(vm, at * 100 + seed);
			}
		}
		await site.judged();
		assert.deepEqual(await run(), { vms: 2, changesets: 10, fileChanges: 40, alerts: 2 });
		for (const vm of NAMES) {
			const changesets = await told(vm);
			const rows = await query(`FROM changesets WHERE vm = '${vm.replaceAll("'", "''")}' ORDER BY time`);
			assert.deepEqual(
				rows.map(({ id, time, host, file_count, changed_bytes }) => [id, time, host, file_count, changed_bytes]),
				changesets.map(({ id, time, host, fileCount, disks }) => [
					id,
					nanoTime(time).replace("T", " "),
					host,
					String(fileCount),
					String(disks.reduce((sum, disk) => sum + disk.changedBytes, 0)),
				]),
			);
			const files = await query(`FROM file_changes WHERE vm = '${vm.replaceAll("'", "''")}' ORDER BY time, path`);
			const wanted = changesets.flatMap(({ time, files }) =>
				files
					.map((file) => [
						nanoTime(time).replace("T", " "),
						file.path,
						file.change,
						String(file.sizeAfter),
						file.entropyAfter,
					])
					.sort((a, b) => Buffer.compare(Buffer.from(String(a[1])), Buffer.from(String(b[1])))),
			);
			assert.deepEqual(
				files.map(({ time, path, change, size_after, entropy_after }) => [
					time,
					path,
					change,
					size_after,
					entropy_after,
				]),
				wanted,
			);
			assert.deepEqual(
				new Set(
					files
						.map(({ path, mtime }) => (String(path).startsWith("/only") ? mtime : ""))
						.filter((mtime) => mtime !== ""),
				),
				new Set([null]),
				"no calendar has the time that the guest wrote",
			);
			const disks = await query(`SELECT root FROM disks WHERE vm = '${vm.replaceAll("'", "''")}' ORDER BY time`);
			assert.deepEqual(
				disks.map(({ root }) => root),
				changesets.map(({ disks }) => disks[0]?.root),
			);
		}
		assert.deepEqual(
			await query("SELECT id, cause, files FROM alerts ORDER BY id"),
			(await alerts()).map(({ id, cause, files }) => ({ id, cause, files })).sort((a, b) => (a.id < b.id ? -1 : 1)),
		);
	});

	it("goes on where it ended, leaves finished days alone, and keeps what the collector let go of", async () => {
		const [vm] = vms;
		const days = join(folder, "file_changes", vmFolder(vm!.vm));
		const [first, second] = (await readdir(days)).sort();
		const old = await stat(join(days, first!));
		const changesets = await told(vm!.vm);
		const forgotten = changesets[3]!;
		await client.send("DELETE", `/v1/vms/${vm!.vm}/points/${forgotten.time}`);
		await capture(vm!, 50);
		vm!.timeNs += DAY_NS;
		await capture(vm!, 51);
		await site.judged();

		const result = await run();
		// The last day of each again: of this VM one point that was there, one more, and one of the next day.
		assert.deepEqual(result, { vms: 2, changesets: 3 + 2, fileChanges: 12 + 8, alerts: 2 });
		assert.equal((await stat(join(days, first!))).ino, old.ino, `${first} was written again`);
		assert.deepEqual((await readdir(days)).length, 3);
		assert.ok(second !== undefined);
		const ids = await query("SELECT id FROM changesets WHERE vm = 'web1' ORDER BY time");
		assert.deepEqual(
			ids.map(({ id }) => id),
			[1, 2, 3, 4, 5, 6, 7].map((count) => `web1-${count}`),
		);
		const [files] = await query(`SELECT count(*) AS n FROM file_changes WHERE vm = 'web1'`);
		assert.deepEqual(files, { n: "28" });
		const again = await query("SELECT count(*) AS n, count(DISTINCT (vm, time, path)) AS different FROM file_changes");
		assert.equal(again[0]?.["n"], again[0]?.["different"], "a file change was written twice");
		assert.deepEqual(
			(await readdir(folder)).filter((name) => name.startsWith(".")),
			[],
			"staged files were left",
		);
	});

	it("adds what was imported since to days that were finished, and to such as were not there", async () => {
		const [vm] = vms;
		const [oldest] = await told(vm!.vm);
		const disks = [...vm!.disks].map(([disk, { length }]) => {
			return { disk, sizeBytes: toLong(length), mode: v1.CaptureMode.CAPTURE_MODE_FIRST };
		});
		const imported = {
			kind: v1.ImportKind.IMPORT_KIND_IMAGE,
			name: "old.raw",
			timeFrom: v1.ImportTime.IMPORT_TIME_NAME,
		};
		const times = [BigInt(oldest!.time) + 1n, BigInt(oldest!.time) - 40n * DAY_NS];
		for (const [at, time] of times.entries()) {
			const header = { id: `imported-${at}`, baseId: "", timeNs: toLong(time), imported, disks };
			await site.agent.submit(vm!.parts(header, [fileChange(`/imported/${at}`)]));
		}
		const newest = join(folder, "changesets", vmFolder(vm!.vm));
		const before = (await readdir(newest)).length;
		await run();
		assert.equal((await readdir(newest)).length, before + 1);
		const rows = await query("SELECT id, imported_from FROM changesets WHERE vm = 'web1' ORDER BY time");
		assert.deepEqual(
			rows.map(({ id, imported_from }) => [id, imported_from]),
			[
				["imported-1", "old.raw"],
				["web1-1", null],
				["imported-0", "old.raw"],
				...[2, 3, 4, 5, 6, 7].map((count) => [`web1-${count}`, null]),
			],
		);
		const files = await query("SELECT path FROM file_changes WHERE path LIKE '/imported/%' ORDER BY path");
		assert.deepEqual(files, [{ path: "/imported/0" }, { path: "/imported/1" }]);
		const { ino } = await stat(join(newest, (await readdir(newest)).sort()[0]!));
		await run();
		assert.equal((await stat(join(newest, (await readdir(newest)).sort()[0]!))).ino, ino, "written once");
	});

	it("exports a VM alone, alerts and all", async () => {
		const alone = join(site.folder, "alone");
		const { vms, alerts } = await exportHistory({ client, folder: alone, vms: ["web1"] });
		assert.deepEqual({ vms, alerts }, { vms: 1, alerts: 1 });
	});

	it("lets a query read nothing but the history", async () => {
		for (const sql of [
			"SELECT * FROM read_text('/etc/passwd')",
			"ATTACH '/tmp/other.db'",
			"SET enable_external_access = true",
		]) {
			await assert.rejects(query(sql), /Permission Error|configuration/i, sql);
		}
	});

	it("says what is missing, and what is wrong with a query", async () => {
		await assert.rejects(openHistory(join(site.folder, "nothing")), (error) => isUmbraError(error, "not-found"));
		const pattern = exportHistory({ client, folder: join(site.folder, "h[1]"), vms: [] });
		await assert.rejects(pattern, (error) => isUmbraError(error, "bad-config"));
		const umbra = promisify(execFile)(process.execPath, [
			join(ROOT, "cli/main.ts"),
			"analytics",
			"query",
			folder,
			"SELEC 1",
		]);
		await assert.rejects(umbra, (error: { stderr?: string }) => /the query does not work/.test(error.stderr ?? ""));
	});

	it("answers the questions that its documentation asks", async () => {
		const text = await readFile(DOCUMENT, "utf8");
		const questions = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql = ""]) => sql);
		assert.ok(questions.length >= 3);
		for (const sql of questions) await query(sql);
	});

	it("has a schema for other programs", async () => {
		const schema = await readFile(join(folder, "schema.sql"), "utf8");
		for (const { name } of TABLES) assert.ok(schema.includes(`CREATE VIEW "${name}"`), name);
	});
});

describe("docs/analytics.md", () => {
	it("tells of every table and column, and of no other", async () => {
		const text = await readFile(DOCUMENT, "utf8");
		const told = text
			.split(/^### /m)
			.slice(1)
			.map((section) => {
				const columns = [...section.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$/gm)];
				return [/^\w+/.exec(section)?.[0], columns.map(([, name, type, about]) => [name, type?.trim(), about?.trim()])];
			});
		const wanted = TABLES.map(({ name, columns }) => [
			name,
			columns.map(({ name, type, about }) => [name, `\`${type.replaceAll('"', "")}\``, about]),
		]);
		assert.deepEqual(told, wanted);
	});
});
