import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import { TestVm } from "../../collector/ingest/test-agent.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { toLong, v1 } from "../../proto/service.ts";
import { startUmbra } from "../../test/support/processes.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { CollectorClient } from "../collector-client.ts";
import { Output } from "../commands/output.ts";
import { restoreDisk } from "../restore/disk.ts";
import { diffImages } from "./images.ts";
import { diffPoints, isPoint, MergedRanges } from "./points.ts";

/** Changes an image as a guest might: files come, go, move and are written anew. */
async function change(image: TestImage, random: Random, files: Set<string>): Promise<void> {
	const folders = ["", "/a", "/b"];
	for (let step = random.between(2, 6); step > 0; step--) {
		const path = random.pick([...files, ""]);
		const name = `${random.pick(folders)}/f${random.below(1000)}`;
		const action = random.below(4);
		if (path === "" || action === 0) {
			if (files.has(name)) continue;
			await image.write(name, random.bytes(random.pick([10, 5000, 200_000])));
			files.add(name);
		} else if (action === 1) {
			await image.debugfs(`rm ${path}`);
			files.delete(path);
		} else if (action === 2 && !files.has(name)) {
			await image.debugfs(`ln ${path} ${name}`, `unlink ${path}`);
			files.delete(path);
			files.add(name);
		} else await image.debugfs(`set_inode_field ${path} mode 0100${random.pick(["600", "644", "755"])}`);
	}
}

describe("umbra diff VM@TIME VM@TIME", needs("mke2fs", "debugfs"), () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;

	before(async () => {
		site = resources.use(await openSite());
	});
	after(() => resources[Symbol.asyncDispose]());

	const collector = () => `http://${site.collector.apiAddress}`;

	/** Lines of what a command prints. */
	async function printed(run: (output: Output, signal: AbortSignal) => Promise<void>): Promise<string[]> {
		let text = "";
		const stream = new Writable({
			write(chunk, _encoding, done) {
				text += String(chunk);
				done();
			},
		});
		const output = new Output(stream as NodeJS.WriteStream);
		await run(output, new AbortController().signal);
		await output.end();
		return text.split("\n").slice(0, -1);
	}

	const points = (old: string, now: string, more: { disk?: string; json?: boolean; blocks?: boolean } = {}) =>
		printed((output, signal) => {
			const options = { json: true, blocks: false, disk: undefined, ...more, collector: collector() };
			return diffPoints(old, now, options, output, signal);
		});

	const images = (old: string, now: string, more: { json?: boolean; withOld?: string[]; withNew?: string[] } = {}) =>
		printed((output, signal) => diffImages(old, now, { json: true, ...more }, output, signal));

	/** The images of a point, restored. */
	async function restored(vm: string, time: string, disks: readonly string[]): Promise<string[]> {
		const client = await CollectorClient.from({ collector: collector() });
		const paths: string[] = [];
		for (const disk of disks) {
			const out = join(site.folder, `${vm}-${time}-${disk}.raw`);
			await restoreDisk({ client, vm, time, disk, out, force: true });
			paths.push(out);
		}
		return paths;
	}

	it("tells the same of files as for the restored images, and of blocks what differs in them", async (context) => {
		const random = testRandom(context);
		await using image = await TestImage.create("12M", "-t", "ext4", "-b", random.pick(["1024", "4096"]));
		await image.debugfs("mkdir /a", "mkdir /b");
		const vm = new TestVm("web", { vda: 1 });
		const files = new Set<string>();
		const times: string[] = [];
		for (let at = 0; at < 3; at++) {
			await change(image, random, files);
			vm.disks.set("vda", await readFile(image.path));
			await vm.capture(site.agent);
			times.push(String(vm.timeNs));
		}
		const ordered = [times[0]!, times[2]!] as const;
		let different = 0;
		for (const [old = "", now = ""] of [ordered, random.shuffle(times)]) {
			const [a = "", b = ""] = [...(await restored("web", old, ["vda"])), ...(await restored("web", now, ["vda"]))];
			const [from, to] = [`web@${old}`, `web@${now}`];
			assert.deepEqual(await points(from, to, { disk: "vda" }), await images(a, b));
			assert.deepEqual(await points(from, to, { json: false }), await images(a, b, { json: false }));
			const told = (await points(from, to, { blocks: true })).map((line) => JSON.parse(line));
			const bytes = [await readFile(a), await readFile(b)] as const;
			const blocks = told.flatMap(({ disk, offset, length }) => {
				assert.equal(disk, "vda");
				return Array.from({ length: Math.ceil(length / BLOCK_SIZE) }, (_, at) => offset / BLOCK_SIZE + at);
			});
			const differing = Array.from({ length: bytes[0].length / BLOCK_SIZE }, (_, at) => at).filter((at) => {
				const [start, end] = [at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE];
				return bytes[0].compare(bytes[1], start, end, start, end) !== 0;
			});
			assert.deepEqual(blocks, differing);
			different += blocks.length;
		}
		// A mode may have been set to what it was.
		assert.ok(different > 0);
		assert.deepEqual(await points(`web@${times[0]}`, `web@${times[0]}`), []);
		const program = await startUmbra(["diff", `web@${times[0]}`, "web@latest", "--blocks", "--collector", collector()]);
		assert.equal(await program.finished, 0, program.output());
		assert.deepEqual(
			program.stdout().split("\n").slice(0, -1),
			await points(`web@${times[0]}`, "web@latest", { blocks: true, json: false }),
		);
	});

	it("knows several disks, one that is resized, and one that came", async (context) => {
		const random = testRandom(context);
		await using first = await TestImage.create("4M", "-t", "ext4");
		await using second = await TestImage.create("4M", "-t", "ext2");
		const vm = new TestVm("two", { vda: 1, vdb: 1 });
		const capture = async () => {
			vm.disks.set("vda", await readFile(first.path));
			vm.disks.set("vdb", await readFile(second.path));
			await site.agent.upload(vm.newChunks());
			const disks = [...vm.disks].map(([disk, bytes]) => {
				const isNew = vm.baseId === "" || disk === "vdc";
				const mode = isNew ? v1.CaptureMode.CAPTURE_MODE_FIRST : v1.CaptureMode.CAPTURE_MODE_RESYNC;
				return { disk, sizeBytes: toLong(bytes.length), mode };
			});
			const parts = vm.parts({ disks });
			const { status, message } = await site.agent.submit(parts);
			assert.equal(status, v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED, message ?? "");
			vm.baseId = parts[0]?.header?.id ?? "";
			return String(vm.timeNs);
		};
		await first.write("/kept", random.bytes(100_000));
		await second.write("/shared", random.bytes(300_000));
		const old = await capture();
		await first.debugfs("rm /kept");
		await second.write("/new", "new");
		await truncate(second.path, 5 * 1024 * 1024);
		vm.disks.set("vdc", Buffer.alloc(BLOCK_SIZE, 1));
		const now = await capture();
		const disks = ["vda", "vdb"];
		for (const [from, to] of [
			[old, now],
			[now, old],
		] as const) {
			const [a, b] = [await restored("two", from, disks), await restored("two", to, disks)];
			const expected = await images(a[0]!, b[0]!, { withOld: [a[1]!], withNew: [b[1]!] });
			const found = await points(`two@${from}`, `two@${to}`);
			assert.deepEqual(
				found,
				expected.map((line) => line.replaceAll('"/disk2', '"/vdb')),
			);
			assert.ok(found.some((line) => line.includes("/vdb/new")) && found.some((line) => line.includes("/kept")));
		}
		const told = await points(`two@${old}`, `two@${now}`, { disk: "vdb", blocks: true, json: false });
		assert.ok(told.includes("vdb  resized, 4.0 MiB -> 5.0 MiB"), told.join("\n"));
		await assert.rejects(points(`two@${old}`, `two@${now}`, { disk: "vdc" }), /had no disk "vdc" at/);
		await assert.rejects(points(`two@${old}`, "web@latest"), /two VMs/);
	});
});

describe("isPoint", () => {
	it("tells VM@TIME from images and addresses", async () => {
		const folder = join(import.meta.dirname);
		for (const text of ["web@latest", "web/1 ü@2026-11-21", "a@b@latest"]) assert.ok(await isPoint(text), text);
		for (const text of ["web", "nbd://x@y/z", "nbd+unix:///a?socket=/x@y"]) assert.ok(!(await isPoint(text)), text);
		assert.ok(!(await isPoint(folder)));
	});

	it("takes a file for a file, whatever its name", needs("mke2fs"), async () => {
		await using image = await TestImage.create("1M");
		const folder = join(image.directory, "disk@home");
		await mkdir(folder);
		await copyFile(image.path, join(folder, "a@b.raw"));
		await writeFile(join(folder, "x"), "");
		assert.ok(!(await isPoint(join(folder, "a@b.raw"))));
		assert.ok(!(await isPoint(join(folder, "a@b.raw#1"))));
	});
});

describe("MergedRanges", () => {
	it("covers all that was added, in so many ranges, in order", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 50; round++) {
			const limit = random.between(1, 20);
			const ranges = new MergedRanges(limit);
			const added: [number, number][] = [];
			let at = 0;
			for (let left = random.below(200); left > 0; left--) {
				at += random.pick([0, 1, 5, 300]) * BLOCK_SIZE;
				const length = random.between(1, 9) * BLOCK_SIZE;
				ranges.add(at, length);
				added.push([at, length]);
				at += length;
			}
			const found = ranges.ranges;
			assert.ok(found.length / 2 <= limit);
			for (let index = 2; index < found.length; index += 2) {
				assert.ok(found[index]! > found[index - 2]! + found[index - 1]!);
			}
			for (const [offset, length] of added) {
				const index = found.findLastIndex((start, each) => each % 2 === 0 && start <= offset);
				assert.ok(index >= 0 && found[index]! + found[index + 1]! >= offset + length);
			}
			if (added.length === 0) assert.deepEqual(found, []);
		}
	});
});
