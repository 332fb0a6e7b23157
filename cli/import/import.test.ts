/** `umbra import` against a real collector: what was imported is there bit for bit, at its time, with the files that changed. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, rename, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import { TestVm } from "../../collector/ingest/test-agent.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { startProgram } from "../../test/support/processes.ts";
import { createRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Output } from "../commands/output.ts";
import type { ImportArguments } from "./arguments.ts";
import { runImport } from "./run.ts";

const SIZE = 16 * 2 ** 20;
const NONE: ImportArguments = { disk: [], time: [], chain: true, within: "1m", threads: 1 };
/** What changes from each of the disk's contents to the next, as changesets tell it. */
const CHANGES = [
	["created /docs/b.txt", "modified /docs/a.txt"],
	["created /docs/c.txt", "deleted /docs/b.txt"],
	["created /srv/new.db", "modified /docs/c.txt"],
];

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
type Json = any;

describe("umbra import", needs("qemu-img", "qemu-io", "qemu-nbd", "mke2fs", "debugfs"), () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;
	let temp: TempFolder;
	/** Of one disk, one after another. */
	const contents: Buffer[] = [];

	before(async () => {
		site = resources.use(await openSite());
		temp = resources.use(await tempFolder());
		const random = createRandom(5);
		await using image = await TestImage.create("16M", "-t", "ext4", "-O", "^has_journal");
		const keep = async () => void contents.push(await readFile(image.path));
		await image.debugfs("mkdir docs", "mkdir srv");
		await image.write("docs/a.txt", "first\n");
		await image.write("srv/big.bin", random.bytes(3 * 2 ** 20));
		await keep();
		await image.debugfs("rm docs/a.txt");
		await image.write("docs/a.txt", random.bytes(9000));
		await image.write("docs/b.txt", "second\n");
		await keep();
		// While the other is there: else it would get its inode, and be the same file under another name.
		await image.write("docs/c.txt", "third\n");
		await image.debugfs("rm docs/b.txt");
		await keep();
		await image.write("srv/new.db", random.bytes(100_000));
		await image.debugfs("rm docs/c.txt");
		await image.write("docs/c.txt", random.bytes(5000));
		await keep();
	});
	after(() => resources[Symbol.asyncDispose]());

	/** Runs the command; what it prints, and whether all went well. */
	async function umbra(vm: string, sources: string[], options: Partial<ImportArguments> = {}) {
		let text = "";
		const stream = new Writable({
			write(chunk, _encoding, done) {
				text += String(chunk);
				done();
			},
		});
		const output = new Output(stream as unknown as NodeJS.WriteStream);
		const address = site.collector.agentAddress;
		const all = { ...NONE, address, state: temp.file("state"), json: true as const, ...options };
		const ok = await runImport(vm, sources, all, output, new AbortController().signal);
		await output.end();
		const lines: Json[] = text
			.split("\n")
			.filter((line) => line !== "")
			.map((line) => (all.json ? JSON.parse(line) : line));
		return { ok, lines };
	}

	const points = async (vm: string): Promise<Json[]> => (await site.json(`/v1/vms/${vm}/points?order=oldest`)).items;

	/** `change path`, sorted, of a changeset. */
	async function filesOf(vm: string, time: string): Promise<string[]> {
		const { files } = await site.json(`/v1/vms/${vm}/changes/${time}`);
		return files.items
			.filter(({ type }: Json) => type === "file")
			.map(({ change, path }: Json) => `${change} ${path}`)
			.sort();
	}

	async function diskAt(vm: string, time: string, disk = "vda"): Promise<Buffer> {
		const response = await site.request(`/v1/vms/${vm}/points/${time}/disks/${disk}/data`);
		assert.equal(response.status, 200);
		return Buffer.from(await response.arrayBuffer());
	}

	async function holds(vm: string, time: string, wanted: Buffer, disk?: string): Promise<void> {
		assert.equal(Buffer.compare(await diskAt(vm, time, disk), wanted), 0, `${vm} at ${time}`);
	}

	async function chainHolds(vm: string): Promise<void> {
		const { head } = await site.json(`/v1/vms/${vm}/chain`);
		const { check } = await site.json(`/v1/vms/${vm}/chain/verify?head=${head}`);
		assert.equal(check.broken, null, JSON.stringify(check.broken));
	}

	/** Writes into an image what differs, block by block, as a guest would. */
	async function write(image: string, from: Buffer, to: Buffer): Promise<void> {
		const commands: string[] = [];
		for (let at = 0; at < to.length; at += BLOCK_SIZE) {
			const block = to.subarray(at, at + BLOCK_SIZE);
			if (block.equals(from.subarray(at, at + BLOCK_SIZE))) continue;
			const file = temp.file(`block-${at}`);
			await writeFile(file, block);
			commands.push("-c", `write -s ${file} ${at} ${block.length}`);
		}
		await runProgram("qemu-io", [...commands, image]);
	}

	async function qcow2Of(name: string, content: Buffer): Promise<string> {
		const [raw, image] = [temp.file(`${name}.raw`), temp.file(`${name}.qcow2`)];
		await writeFile(raw, content);
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, image]);
		return image;
	}

	/** An image with a snapshot of each of the first contents, in the state of the last. */
	async function withSnapshots(name: string, count: number): Promise<string> {
		const image = await qcow2Of(name, contents[0]!);
		for (let at = 0; at < count; at++) {
			if (at > 0) await write(image, contents[at - 1]!, contents[at]!);
			await runProgram("qemu-img", ["snapshot", "-c", `day ${at}`, image]);
		}
		return image;
	}

	async function convert(image: string, snapshot: string): Promise<Buffer> {
		const out = temp.file("converted.raw");
		await runProgram("qemu-img", ["convert", "-l", `snapshot.name=${snapshot}`, "-O", "raw", image, out]);
		return await readFile(out);
	}

	/** A raw image that is called after a time, and was written later. */
	async function dated(folder: string, iso: string, content: Buffer): Promise<string> {
		await mkdir(folder, { recursive: true });
		const path = join(folder, `disk-${iso}.raw`);
		await writeFile(path, content);
		return path;
	}

	const nanoseconds = (iso: string) => String(BigInt(Date.parse(iso)) * 1_000_000n);

	it("makes points of the snapshots in a qcow2 image, and of what it holds now where that is wanted", async () => {
		const image = await withSnapshots("inside", 3);
		const info = await runProgram("qemu-img", ["info", "--output=json", image]);
		const told: Json[] = JSON.parse(info.toString()).snapshots;
		const times = told.map((snapshot) =>
			(BigInt(snapshot["date-sec"]) * 1_000_000_000n + BigInt(snapshot["date-nsec"])).toString(),
		);
		const plan = await umbra("inside", [image], { dryRun: true });
		assert.deepEqual(
			plan.lines.map(({ time, timeFrom, kind, name, state }) => [time, timeFrom, kind, name, state]),
			times.map((time, at) => [time, "snapshot", "snapshot", `day ${at}`, "new"]),
		);
		await site.json("/v1/vms/inside", 404);

		const done = await umbra("inside", [image]);
		assert.ok(done.ok);
		assert.deepEqual(
			done.lines.map(({ state, time, severity }) => [state, time, severity]),
			times.map((time) => ["imported", time, "info"]),
		);
		const listed = await points("inside");
		assert.deepEqual(
			listed.map(({ time, imported }) => [time, imported.kind, imported.name, imported.timeFrom]),
			times.map((time, at) => [time, "snapshot", `day ${at}`, "snapshot"]),
		);
		for (const [at, time] of times.entries()) {
			await holds("inside", time, await convert(image, `day ${at}`));
			assert.deepEqual(await filesOf("inside", time), at === 0 ? [] : CHANGES[at - 1]);
		}
		// What both map to the same clusters was not read.
		const reads = done.lines.map(({ read }) => read[0].readBytes as number);
		assert.ok(reads[1]! < reads[0]! / 4, reads.join());

		const again = await umbra("inside", [image]);
		assert.deepEqual(
			again.lines.map(({ state, read }) => [state, read]),
			times.map(() => ["there", undefined]),
		);
		assert.equal((await points("inside")).length, 3);

		await write(image, contents[2]!, contents[3]!);
		await utimes(image, 1_700_000_000, 1_700_000_000.25);
		const present = await umbra("inside", [image], { present: true });
		assert.deepEqual(
			present.lines.map(({ state, kind }) => [state, kind]),
			[
				["imported", "image"],
				["there", "snapshot"],
				["there", "snapshot"],
				["there", "snapshot"],
			],
		);
		await holds("inside", "1700000000250000000", contents[3]!);
		await chainHolds("inside");
	});

	it("makes points of the images of a backing chain, reading of each what it has itself", async () => {
		const base = await qcow2Of("base", contents[0]!);
		const tops = [base];
		for (let at = 1; at < 4; at++) {
			const top = temp.file(`top${at}.qcow2`);
			await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-b", tops.at(-1)!, "-F", "qcow2", top]);
			await write(top, contents[at - 1]!, contents[at]!);
			tops.push(top);
		}
		const times = tops.map((_, at) => 1_700_000_000 + at * 3600);
		for (const [at, path] of tops.entries()) await utimes(path, times[at]!, times[at]!);
		const { ok, lines } = await umbra("chain", [tops[3]!]);
		assert.ok(ok);
		assert.deepEqual(
			lines.map(({ time, timeFrom, kind, name, state }) => [time, timeFrom, kind, name, state]),
			tops.map((path, at) => [`${times[at]}000000000`, "modified", "layer", path.split("/").at(-1), "imported"]),
		);
		for (const [at, { time }] of (await points("chain")).entries()) {
			await holds("chain", time, contents[at]!);
			assert.deepEqual(await filesOf("chain", time), at === 0 ? [] : CHANGES[at - 1]);
		}
		const reads = lines.map(({ read }) => read[0].readBytes as number);
		for (const bytes of reads.slice(1)) assert.ok(bytes < reads[0]! / 4, reads.join());
		// Alone, it is one image; its time can be given.
		const alone = await umbra("alone", [tops[3]!], { chain: false, time: ["2024-05-01T00:00:00Z"] });
		assert.deepEqual(
			alone.lines.map(({ time, timeFrom }) => [time, timeFrom]),
			[[nanoseconds("2024-05-01T00:00:00Z"), "given"]],
		);
		await holds("alone", alone.lines[0].time, contents[3]!);
	});

	it("makes points of a folder of images in any format, by the dates in their names", async () => {
		const folder = temp.file("backups");
		await mkdir(folder);
		await dated(folder, "2024-01-02T03:00:00Z", contents[1]!);
		const raw = await dated(temp.path, "x", contents[0]!);
		for (const [format, name] of [
			["vmdk", "disk-20240101T030000Z.vmdk"],
			["vhdx", "disk-1704250800.vhdx"],
		] as const) {
			const from = format === "vmdk" ? contents[0]! : contents[2]!;
			await writeFile(raw, from);
			await runProgram("qemu-img", ["convert", "-f", "raw", "-O", format, raw, join(folder, name)]);
		}
		await writeFile(join(folder, "disk.img"), contents[3]!);
		await utimes(join(folder, "disk.img"), 1_704_340_000, 1_704_340_000);
		await writeFile(join(folder, "SHA256SUMS.txt"), "nothing");
		await writeFile(join(folder, "old.raw.gz"), "nothing");
		const { ok, lines } = await umbra("folder", [folder]);
		assert.ok(ok);
		assert.deepEqual(
			lines.map(({ time, timeFrom, name }) => [time, timeFrom, name]),
			[
				[nanoseconds("2024-01-01T03:00:00Z"), "name", "disk-20240101T030000Z.vmdk"],
				[nanoseconds("2024-01-02T03:00:00Z"), "name", "disk-2024-01-02T03:00:00Z.raw"],
				[nanoseconds("2024-01-03T03:00:00Z"), "name", "disk-1704250800.vhdx"],
				["1704340000000000000", "modified", "disk.img"],
			],
		);
		for (const [at, { time }] of (await points("folder")).entries()) {
			const disk = await diskAt("folder", time);
			// A format may have grown the disk to a multiple of its own.
			assert.equal(Buffer.compare(disk.subarray(0, SIZE), contents[at]!), 0, time);
			assert.ok(disk.subarray(SIZE).every((byte) => byte === 0));
			assert.deepEqual(await filesOf("folder", time), at === 0 ? [] : CHANGES[at - 1]);
		}
	});

	it("puts what is found later where it belongs, told against what lies before it", async () => {
		const folder = temp.file("gaps");
		const paths = ["2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04"].map((day) => `${day}T00:00:00Z`);
		await dated(folder, paths[1]!, contents[1]!);
		await dated(folder, paths[2]!, contents[3]!);
		await umbra("gaps", [folder]);
		await dated(folder, `${paths[1]!.slice(0, 11)}12:00:00Z`, contents[2]!);
		await dated(folder, paths[0]!, contents[0]!);
		const { lines } = await umbra("gaps", [folder]);
		const byName = new Map(lines.map((line) => [line.time, line]));
		const [first, second, between, third] = [paths[0]!, paths[1]!, `${paths[1]!.slice(0, 11)}12:00:00Z`, paths[2]!].map(
			(iso) => nanoseconds(iso),
		);
		assert.deepEqual(
			[first, second, between, third].map((time) => byName.get(time)?.state),
			["imported", "there", "imported", "there"],
		);
		assert.deepEqual(await filesOf("gaps", between!), CHANGES[1]);
		assert.deepEqual(await filesOf("gaps", first!), [], "nothing lies before it");
		for (const [at, time] of [first, second, between, third].entries()) await holds("gaps", time!, contents[at]!);

		// The newest goes on from the newest, though older ones came in between; also where nothing of that is remembered.
		await dated(folder, paths[3]!, contents[2]!);
		const newest = await umbra("gaps", [folder]);
		assert.equal(newest.lines.at(-1)?.baseId, newest.lines.at(-2)?.id);
		const back = ["created /docs/b.txt", "deleted /srv/new.db"];
		assert.notDeepEqual(await filesOf("gaps", nanoseconds(paths[3]!)), back);
		await dated(folder, "2024-02-05T00:00:00Z", contents[3]!);
		const fresh = await umbra("gaps", [folder], { state: temp.file("elsewhere") });
		assert.equal(fresh.lines.at(-1)?.baseId, fresh.lines.at(-2)?.id);
		assert.deepEqual(await filesOf("gaps", nanoseconds("2024-02-05T00:00:00Z")), CHANGES[2]);
		await chainHolds("gaps");
	});

	it("tells a point as a whole where the image before it is no longer what was imported", async () => {
		const folder = temp.file("changed");
		const first = await dated(folder, "2024-03-01T00:00:00Z", contents[0]!);
		await umbra("changed", [folder]);
		// Written over, and what was remembered is lost.
		await writeFile(first, contents[3]!);
		await dated(folder, "2024-03-02T00:00:00Z", contents[1]!);
		const { ok, lines } = await umbra("changed", [folder], { state: temp.file("lost") });
		assert.ok(ok);
		assert.deepEqual(
			lines.map(({ state, baseId }) => [state, baseId]),
			[
				["there", undefined],
				["imported", undefined],
			],
		);
		await holds("changed", nanoseconds("2024-03-01T00:00:00Z"), contents[0]!);
		await holds("changed", nanoseconds("2024-03-02T00:00:00Z"), contents[1]!);
	});

	it("makes one point of the disks of a VM that are of one time", async () => {
		const [a, b] = [temp.file("many-a"), temp.file("many-b")];
		await dated(a, "2024-04-01T03:00:00Z", contents[0]!);
		await dated(b, "2024-04-01T03:00:40Z", contents[2]!);
		await dated(a, "2024-04-02T03:00:00Z", contents[1]!);
		await dated(b, "2024-04-02T03:00:40Z", contents[3]!);
		await dated(a, "2024-04-03T03:00:00Z", contents[2]!);
		const { ok, lines } = await umbra("many", [], { disk: [`vda=${a}`, `vdb=${b}`] });
		assert.ok(ok);
		assert.deepEqual(
			lines.map(({ time, disks }) => [time, disks.map(({ disk }: Json) => disk).join()]),
			[
				[nanoseconds("2024-04-01T03:00:40Z"), "vda,vdb"],
				[nanoseconds("2024-04-02T03:00:40Z"), "vda,vdb"],
				[nanoseconds("2024-04-03T03:00:00Z"), "vda"],
			],
		);
		await holds("many", lines[1].time, contents[1]!, "vda");
		await holds("many", lines[1].time, contents[3]!, "vdb");
		assert.deepEqual(await filesOf("many", lines[1].time), [...CHANGES[0]!, ...CHANGES[2]!].sort());
		assert.deepEqual(await filesOf("many", lines[2].time), CHANGES[1]);
		// Without a name it cannot be said which disk is meant.
		await assert.rejects(umbra("many", [a]), { code: "bad-config", message: /has disks|which of them/ });
	});

	it("enriches what an agent captured, before it and in between, and retention and space given back do right", async () => {
		const vm = new TestVm("rich", { vda: SIZE / BLOCK_SIZE });
		vm.timeNs = BigInt(Date.parse("2024-06-10T00:00:00Z")) * 1_000_000n;
		const captured: [string, Buffer][] = [];
		for (const at of [1, 3]) {
			vm.disks.get("vda")?.set(contents[at]!);
			await vm.capture(site.agent);
			captured.push([vm.timeNs.toString(), contents[at]!]);
		}
		const folder = temp.file("rich");
		const wanted: [string, Buffer][] = [
			["2024-06-01T00:00:00Z", contents[0]!],
			["2024-06-10T00:01:30Z", contents[2]!],
		];
		for (const [iso, content] of wanted) await dated(folder, iso, content);
		const plan = await umbra("rich", [folder], { dryRun: true, json: undefined as never });
		assert.match(plan.lines.join("\n"), /rich has 2 points already, 2024-06-10T00:01:00.000Z to 2024-06-10T00:02:00/);
		assert.match(plan.lines.join("\n"), /2 points to import, at most 32\.0 MiB to read; 0 there already/);
		const { ok, lines } = await umbra("rich", [folder]);
		assert.ok(ok);
		const all = [...captured, ...wanted.map(([iso, content]): [string, Buffer] => [nanoseconds(iso), content])];
		assert.deepEqual(
			(await points("rich")).map(({ time }) => time),
			all.map(([time]) => time).sort(),
		);
		const head = await site.json("/v1/vms/rich");
		assert.equal(head.headTime, captured[1]![0], "what an agent goes on from is its own");
		// Told against the imported one before it, whatever lies between.
		assert.equal(lines[1].baseId, lines[0].id);

		const { reasons } = (await site.json("/v1/vms/rich/retention")).items.at(-1);
		assert.deepEqual(reasons, ["imported"]);
		const applied = await site.request("/v1/vms/rich/retention", { method: "POST" });
		assert.equal(((await applied.json()) as Json).dropped, 0);
		for (const job of ["gc?grace=0s", "check?readShare=1"]) {
			const { id } = (await (await site.request(`/v1/vault/${job}`, { method: "POST" })).json()) as Json;
			const ended = await until(
				async () => {
					const now = await site.json(`/v1/vault/job?id=${id}`);
					return now.state === "running" ? undefined : now;
				},
				{ what: job },
			);
			assert.equal(ended.error, null);
			if (ended.check !== null)
				assert.deepEqual([ended.check.packDamage, ended.check.treeDamage, ended.chains.broken], [[], [], []]);
		}
		for (const [time, content] of all) await holds("rich", time, content);
		// The agent notices nothing of it.
		vm.disks.get("vda")?.set(contents[0]!);
		await vm.capture(site.agent);
		await holds("rich", vm.timeNs.toString(), contents[0]!);
		await chainHolds("rich");
	});

	it("says what it cannot read, and imports the rest", async () => {
		const folder = temp.file("broken");
		await mkdir(folder);
		const good = await dated(folder, "2024-07-01T00:00:00Z", contents[0]!);
		const whole = await withSnapshots("whole", 2);
		await copyFile(whole, join(folder, "disk-2024-07-02.qcow2"));
		await truncate(join(folder, "disk-2024-07-02.qcow2"), 3 * 2 ** 20);
		const orphan = join(folder, "disk-2024-07-03.qcow2");
		await copyFile(good, temp.file("parent.raw"));
		await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-b", temp.file("parent.raw"), "-F", "raw", orphan]);
		await rename(temp.file("parent.raw"), temp.file("moved.raw"));
		const used = join(folder, "disk-2024-07-04.qcow2");
		await copyFile(await qcow2Of("used", contents[1]!), used);
		await using _lock = await startProgram("qemu-nbd", [
			...["-t", "-f", "qcow2", `--socket=${temp.file("lock")}`, used],
		]);
		await until(() => isLocked(used), { what: "the image to be in use" });
		await dated(folder, "2024-07-05T00:00:00Z", contents[1]!);
		const { ok, lines } = await umbra("broken", [folder]);
		assert.equal(ok, false);
		const errors = lines.filter(({ error }) => error !== undefined);
		assert.deepEqual(errors.map(({ name, source, error }) => [name ?? source.split("/").at(-1), error.code]).sort(), [
			["disk-2024-07-02.qcow2", "truncated"],
			["disk-2024-07-03.qcow2", "unavailable"],
			["disk-2024-07-04.qcow2", "conflict"],
		]);
		const about = (name: string) => errors.find((line) => JSON.stringify(line).includes(name))?.error;
		assert.match(about("07-02").message, /its snapshot .* lies beyond the end/);
		assert.match(about("07-03").message, /No such file or directory/);
		assert.match(about("07-03").hint, /lies upon others/);
		assert.match(about("07-04").hint, /a running VM writes this image: capture the VM instead/);
		const there = await points("broken");
		assert.deepEqual(
			there.map(({ time }) => time),
			[nanoseconds("2024-07-01T00:00:00Z"), nanoseconds("2024-07-05T00:00:00Z")],
		);
		assert.deepEqual(await filesOf("broken", there[1].time), CHANGES[0]);
	});

	it("imports nothing of images that were cut, whatever their format", async () => {
		const folder = temp.file("cut");
		await mkdir(folder);
		const raw = temp.file("uncut.raw");
		await writeFile(raw, contents[0]!);
		for (const format of ["qcow2", "vmdk", "vdi", "vhdx"]) {
			const image = join(folder, `disk-2024-07-01.${format}`);
			await runProgram("qemu-img", ["convert", "-f", "raw", "-O", format, raw, image]);
			await truncate(image, Math.floor((await stat(image)).size * 0.6));
		}
		const whole = temp.file("base.qcow2");
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, whole]);
		const top = join(folder, "top-2024-07-01.qcow2");
		await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-b", whole, "-F", "qcow2", top]);
		await truncate(whole, Math.floor((await stat(whole)).size * 0.6));
		for (const name of await readdir(folder)) {
			const { ok, lines } = await umbra("cut", [join(folder, name)], { chain: false });
			assert.equal(ok, false, name);
			const errors = lines.filter(({ error }) => error !== undefined).map(({ error }) => error.code);
			assert.deepEqual(errors, [name.endsWith("vhdx") ? "unavailable" : "truncated"], name);
		}
		const vms: Json[] = (await site.json("/v1/vms")).items;
		assert.ok(!vms.some(({ vm }) => vm === "cut"), JSON.stringify(vms));
	});

	it("imports what the top of a chain lies upon while a VM writes to the top", async () => {
		const base = await qcow2Of("under", contents[0]!);
		const top = temp.file("above.qcow2");
		await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top]);
		await using _lock = await startProgram("qemu-nbd", ["-t", "-f", "qcow2", `--socket=${temp.file("top")}`, top]);
		await until(() => isLocked(top), { what: "the image to be in use" });
		const { ok, lines } = await umbra("running", [top]);
		assert.equal(ok, false);
		assert.deepEqual(
			lines.map(({ name, state, error }) => [name, state, error?.code]),
			[
				["under.qcow2", "imported", undefined],
				["above.qcow2", "failed", "conflict"],
			],
		);
		await holds("running", lines[0].time, contents[0]!);
	});

	/** Whether somebody has an image open for writing. */
	async function isLocked(image: string): Promise<boolean> {
		return await runProgram("qemu-img", ["info", image]).then(
			() => false,
			() => true,
		);
	}

	it("takes of a snapshot from before the disk grew what the disk was, and refuses one from before it shrank", async () => {
		const image = await withSnapshots("sizes", 1);
		await runProgram("qemu-img", ["resize", "-q", image, String(2 * SIZE)]);
		await runProgram("qemu-img", ["snapshot", "-c", "grown", image]);
		const { ok } = await umbra("sizes", [image]);
		assert.ok(ok);
		const [small, large] = await points("sizes");
		assert.deepEqual([small.disks[0].sizeBytes, large.disks[0].sizeBytes], [SIZE, 2 * SIZE]);
		await holds("sizes", small.time, contents[0]!);
		await holds("sizes", large.time, Buffer.concat([contents[0]!, Buffer.alloc(SIZE)]));

		await runProgram("qemu-img", ["resize", "-q", "--shrink", image, String(SIZE)]);
		const shrunk = await umbra("shrunk", [image]);
		assert.equal(shrunk.ok, false);
		assert.deepEqual(
			shrunk.lines.map(({ name, state, error }) => [name, state, error?.code]),
			[
				["day 0", "imported", undefined],
				[undefined, undefined, "unsupported"],
			],
		);
		assert.match(
			shrunk.lines[1].error.message,
			/snapshot grown is of a disk of 33554432 bytes, the image has 16777216/,
		);
	});

	it("refuses what makes no sense before it does anything", async () => {
		const image = await dated(temp.file("sense"), "2024-08-01T00:00:00Z", contents[0]!);
		const later = await dated(temp.file("sense"), "2024-08-02T00:00:00Z", contents[0]!);
		for (const [sources, options, message] of [
			[[], {}, /nothing to import from/],
			[[image], { disk: ["vda", "vdb"] }, /--disk: vda, vdb/],
			[[image], { disk: ["=x"] }, /--disk: =x/],
			[[image], { threads: Number.NaN }, /--threads: NaN; wanted 1 to 64/],
			[[image], { format: "qed" }, /--format: qed; wanted raw, qcow2/],
			[[image], { time: ["yesterday"] }, /not a time: "yesterday"/],
			[[image], { time: ["other=2024-08-01"] }, /no snapshot or file called "other"/],
			[[image, later], { time: ["2024-08-01"] }, /--time: there are 2 points/],
			[[image], { config: "agent.yaml" }, /--config: with --address/],
		] as const) {
			await assert.rejects(umbra("sense", [...sources], options), { code: "bad-config", message });
		}
		const future = await umbra("sense", [image], { time: [`disk-2024-08-01T00:00:00Z.raw=2199-01-01`] });
		assert.equal(future.ok, false);
		assert.match(future.lines[0].error.message, /is still to come/);
		assert.equal((await umbra("sense", [temp.file("none")])).lines[0].error.code, "not-found");
		await site.json("/v1/vms/sense", 404);
	});
});
