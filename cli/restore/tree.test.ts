import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { Collector } from "../../collector/collector.ts";
import { collectorConfig } from "../../collector/config.ts";
import { TestAgent, TestVm } from "../../collector/ingest/test-agent.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { mount as mountNtfs, needsNtfs } from "../../disk/ntfs/testing.ts";
import { needsMount } from "../../disk/xfs/testing.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { startProgram, startUmbra } from "../../test/support/processes.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type Needs, needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { CollectorClient } from "../collector-client.ts";
import { type RestoreTreeOptions, restoreTree } from "./tree.ts";

const MIB = 1 << 20;

function needsRoot(...programs: readonly string[]): Needs {
	const found = needs(...programs);
	return found.skip !== false || process.getuid?.() === 0 ? found : { skip: "needs root to mount" };
}

/** What a kernel says of all that is below a folder: by path, as Latin-1. */
async function seen(root: Buffer): Promise<Map<string, object>> {
	const found = new Map<string, object>();
	const first = new Map<bigint, string>();
	const walk = async (place: Buffer, path: string): Promise<void> => {
		const stat = await fs.lstat(place, { bigint: true });
		const { mode, uid, gid, size, mtimeNs, nlink, rdev, ino } = stat;
		const isFile = stat.isFile();
		if (!stat.isDirectory() && !first.has(ino)) first.set(ino, path);
		found.set(path, {
			mode: mode.toString(8),
			uid,
			gid,
			size: isFile ? size : 0n,
			// Times travel as doubles.
			mtime: Math.round(Number(mtimeNs / 100_000n)),
			...(stat.isDirectory() ? {} : { nlink, sameAs: first.get(ino) }),
			rdev: stat.isCharacterDevice() || stat.isBlockDevice() ? rdev : 0n,
			target: stat.isSymbolicLink() ? (await fs.readlink(place, "buffer")).toString("latin1") : "",
			content: isFile
				? createHash("sha256")
						.update(await fs.readFile(place))
						.digest("hex")
				: "",
		});
		if (!stat.isDirectory()) return;
		const names = await fs.readdir(place, { encoding: "buffer" });
		for (const name of names.sort(Buffer.compare)) {
			if (path === "" && name.toString() === "lost+found") continue;
			await walk(join(place, name), `${path}/${name.toString("latin1")}`);
		}
	};
	await walk(root, "");
	return found;
}

function join(folder: Buffer, name: Buffer | string): Buffer {
	return Buffer.concat([folder, Buffer.from("/"), typeof name === "string" ? Buffer.from(name, "latin1") : name]);
}

const ODD_NAMES = [
	"..x",
	" ",
	"a b",
	"-rf",
	"\xff\xfe",
	"\\xff",
	"\\x5cxff",
	"\\x2d",
	"ü".repeat(60),
	"\n",
	"x".repeat(255),
	"caf\xc3\xa9",
	"\xc3",
	"\\",
];
const TARGETS = ["/etc/passwd", "../../../../outside", ".", "missing", "\xff", "a/../../b", "\\xff"];

/** Everything that a filesystem of Linux can hold, at random. */
async function fillTree(random: Random, root: Buffer): Promise<void> {
	const folders = [root];
	const files: Buffer[] = [];
	const made: Buffer[] = [];
	const names = new Set<string>();
	const freshName = (folder: Buffer): Buffer => {
		for (;;) {
			const name = random.chance(0.3) ? random.pick(ODD_NAMES) : `f${random.below(1e6)}`;
			const place = join(folder, name);
			if (names.has(place.toString("latin1"))) continue;
			names.add(place.toString("latin1"));
			return place;
		}
	};
	for (let count = 0; count < 110; count++) {
		const place = freshName(random.pick(folders));
		const kind = random.below(12);
		if (kind < 2) {
			await fs.mkdir(place);
			folders.push(place);
		} else if (kind < 7) {
			await fs.writeFile(place, random.bytes(random.pick([0, 1, 60, 4096, 5000, 70_000, 300_000])));
			files.push(place);
		} else if (kind === 7) {
			// Holes at the start, in the middle, at the end; blocks that are there but were never written.
			await using file = await fs.open(place, "w");
			for (let piece = random.below(4); piece > 0; piece--)
				await file.write(random.bytes(random.between(1, 9000)), 0, null, random.below(3_000_000));
			await file.truncate(random.below(5_000_000));
			files.push(place);
		} else if (kind === 8 && files.length > 0) {
			await fs.link(random.pick(files), place);
			continue;
		} else if (kind === 9) await fs.symlink(Buffer.from(random.pick(TARGETS), "latin1"), place);
		else if (kind === 10) {
			const node = join(root, "node");
			const device = random.pick([["p"], ["c", "5", "1"], ["b", "259", "70000"], ["c", "300", "3"]]);
			await runProgram("mknod", [node.toString(), ...device]);
			await fs.rename(node, place);
		} else await fs.writeFile(place, "small");
		made.push(place);
	}
	for (const place of [...folders.slice(1), ...made].toReversed()) {
		const stat = await fs.lstat(place);
		await fs.lchown(place, random.pick([0, 1000, 70_000]), random.pick([0, 5, 4_000_000]));
		if (!stat.isSymbolicLink())
			await fs.chmod(place, random.pick([0o644, 0o600, 0o755, 0o4755, 0o2711, 0, 0o1777, 0o400]));
		await fs.lutimes(place, random.below(2 ** 31), random.below(2 ** 31) + random.below(1000) / 1000);
	}
}

describe("restoreTree", () => {
	const resources = new AsyncDisposableStack();
	let folder: TempFolder;
	let collector: Collector;
	let client: CollectorClient;
	let agent: TestAgent;
	let count = 0;

	before(async () => {
		folder = resources.use(await tempFolder());
		const listen = { agents: "127.0.0.1:0", api: "127.0.0.1:0" };
		const config = collectorConfig.parse({ dataDir: folder.file("data"), listen });
		collector = resources.use(await Collector.start(config, silentLogger()));
		agent = resources.use(new TestAgent(collector.agentAddress));
		client = await CollectorClient.from({ collector: `http://${collector.apiAddress}` });
	});
	after(() => resources[Symbol.asyncDispose]());

	/** A VM whose one disk is this. */
	const vmOf = async (image: Buffer): Promise<string> => {
		const vm = new TestVm(`vm${++count}`, { vda: image.length / BLOCK_SIZE });
		image.copy(vm.disks.get("vda")!);
		await vm.capture(agent);
		return vm.vm;
	};
	const options = (vm: string, out: string, more: Partial<RestoreTreeOptions> = {}): RestoreTreeOptions => {
		return { client, vm, time: "latest", path: "/", disk: undefined, volume: undefined, out, force: false, ...more };
	};
	/** An ext4 image of so many MiB that holds a folder. */
	const extOf = async (tree: string, megabytes = 8): Promise<Buffer> => {
		const image = folder.file(`image${++count}`);
		await runProgram("mke2fs", ["-q", "-t", "ext4", "-O", "^metadata_csum", "-d", tree, image, `${megabytes}m`]);
		const bytes = await fs.readFile(image);
		await fs.rm(image);
		return bytes;
	};
	const umbra = (...args: string[]) => startUmbra([...args, "--collector", `http://${collector.apiAddress}`]);

	for (const [kind, megabytes, forms] of [
		[
			"ext",
			48,
			["mke2fs -q -t ext4", "mke2fs -q -t ext4 -O inline_data", "mke2fs -q -t ext3", "mke2fs -q -t ext2 -b 1024"],
		],
		["xfs", 300, ["mkfs.xfs -q -f", "mkfs.xfs -q -f -m reflink=0 -n size=8192 -i size=1024"]],
	] as const) {
		it(
			`makes a whole ${kind} again as the kernel shows it`,
			kind === "xfs" ? needsMount("mknod") : needsRoot("mount", "umount", "mknod", "mke2fs"),
			async (context) => {
				const random = testRandom(context);
				const image = folder.file(`${kind}.img`);
				await fs.writeFile(image, "");
				await fs.truncate(image, megabytes * MIB);
				const [program = "", ...args] = random.pick<string>(forms).split(" ");
				await runProgram(program, [...args, image]);
				const root = folder.file(`${kind}.mount`);
				await fs.mkdir(root);
				await runProgram("mount", ["-o", "loop", image, root]);
				let wanted: Awaited<ReturnType<typeof seen>>;
				try {
					await fillTree(random, Buffer.from(root));
					wanted = await seen(Buffer.from(root));
				} finally {
					await runProgram("umount", [root]);
				}

				const out = folder.file(`${kind}-out`);
				const vm = await vmOf(await fs.readFile(image));
				await fs.rm(image);
				const result = await restoreTree(options(vm, out));
				assert.deepEqual(result.failed, []);
				assert.ok(result.guarded && result.ownersSet);
				const found = await seen(Buffer.from(out));
				assert.equal((await fs.lstat(out)).mode & 0o7777, 0o700);
				for (const each of [wanted, found]) each.delete("");
				assert.deepEqual([...found.keys()], [...wanted.keys()]);
				for (const [path, node] of wanted) assert.deepEqual(found.get(path), node, JSON.stringify(path));
				assert.ok(!existsSync(`${out}.partial`));
				const blocks = Number((await runProgram("du", ["-s", "--block-size=1", out])).split("\t")[0]);
				assert.ok(blocks < result.bytes + wanted.size * 8192, "holes stay holes");
				await fs.rm(out, { recursive: true });
			},
		);
	}

	it("makes the files of an NTFS volume", needsNtfs(), async () => {
		const image = folder.file("ntfs.img");
		await fs.writeFile(image, "");
		await fs.truncate(image, 16 * MIB);
		await runProgram("mkntfs", ["--force", "--quick", "--quiet", image]);
		const content = Buffer.alloc(500_000, "content ");
		{
			await using volume = await mountNtfs(image);
			await fs.mkdir(volume.at("Users/Ünïcode 文件"), { recursive: true });
			await fs.writeFile(volume.at("Users/Ünïcode 文件/report.docx"), content);
			await fs.writeFile(volume.at("small.txt"), "resident");
			await fs.writeFile(volume.at("small.txt:stream"), "behind it");
			await using sparse = await fs.open(volume.at("sparse"), "w");
			await sparse.write("end", 5_000_000);
		}
		const out = folder.file("ntfs-out");
		const vm = await vmOf(await fs.readFile(image));
		const result = await restoreTree(options(vm, out));
		assert.deepEqual(result.failed, []);
		assert.ok((await fs.readFile(`${out}/Users/Ünïcode 文件/report.docx`)).equals(content));
		assert.deepEqual((await fs.readdir(out)).sort(), ["Users", "small.txt", "small.txt:stream", "sparse"]);
		assert.equal(await fs.readFile(`${out}/small.txt:stream`, "utf8"), "behind it");
		assert.equal((await fs.stat(`${out}/small.txt`)).uid, process.getuid?.());
		assert.equal((await fs.readFile(`${out}/sparse`, "latin1")).replaceAll("\0", ""), "end");
	});

	it("lets nothing that a guest can name lead out", needs("mke2fs"), async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 6; round++) {
			await using temp = await tempFolder();
			const tree = temp.file("tree");
			// Each name stands in a directory as it is, so that it can be found there and changed.
			const hits: [Buffer, string][] = [];
			const plant = (value: string, type: number): string => {
				const name = `${String.fromCharCode(0x41 + hits.length)}`.repeat(value.length);
				hits.push([Buffer.from([value.length, type, ...Buffer.from(name)]), value]);
				return name;
			};
			await fs.mkdir(`${tree}/good/deep`, { recursive: true });
			await fs.writeFile(`${tree}/good/deep/file`, "good");
			const outside = temp.file("outside");
			await fs.mkdir(outside);
			await fs.writeFile(`${outside}/mine`, "mine");
			// A symlink, and a folder with files that takes its name.
			await fs.symlink(outside, `${tree}/door`);
			const taken = plant("door", 2);
			await fs.mkdir(`${tree}/${taken}`);
			await fs.writeFile(`${tree}/${taken}/mine`, "theirs");
			const values = ["../../../outside/mine", "..", ".", "../../x", "/etc", "a/b", "a\0b", "../../outside/mine", "\0"];
			for (const value of random.shuffle(values)) await fs.writeFile(`${tree}/good/${plant(value, 1)}`, "theirs");
			const image = await extOf(tree);
			for (const [record, value] of hits) {
				const at = image.indexOf(record);
				assert.ok(at > 0);
				image.write(value, at + 2, "latin1");
			}
			const vm = await vmOf(image);
			const out = temp.file("in/out");
			await fs.mkdir(temp.file("in"));
			const result = await restoreTree(options(vm, out));
			assert.equal(await fs.readFile(`${outside}/mine`, "utf8"), "mine");
			assert.deepEqual(await fs.readdir(outside), ["mine"]);
			assert.deepEqual(await fs.readdir(temp.file("in")), ["out"]);
			assert.equal(await fs.readFile(`${out}/good/deep/file`, "utf8"), "good");
			assert.ok(result.failed.length >= 5, JSON.stringify(result.failed));
			for (const { path, problem } of result.failed)
				assert.match(problem, /can have this name|EEXIST|ENOENT|not in use/, path);
		}
	});

	it(
		"names the files that could not be read, makes the others, and ends with 1",
		needs("mke2fs", "debugfs"),
		async () => {
			await using temp = await tempFolder();
			const tree = temp.file("tree");
			await fs.mkdir(`${tree}/etc/broken`, { recursive: true });
			for (const name of ["a", "b", "broken/c", "d"]) await fs.writeFile(`${tree}/etc/${name}`, name.repeat(20_000));
			await fs.link(`${tree}/etc/b`, `${tree}/etc/e`);
			await fs.writeFile(temp.file("image"), await extOf(tree));
			// An extent tree that makes no sense, and an inode that is not in use.
			await runProgram("debugfs", ["-w", "-R", "sif /etc/b block[0] 0x1234", temp.file("image")]);
			await runProgram("debugfs", ["-w", "-R", "clri /etc/d", temp.file("image")]);
			const vm = await vmOf(await fs.readFile(temp.file("image")));
			const out = temp.file("out");
			await using program = await umbra("restore", vm, "--path", "/etc", out);
			assert.equal(await program.finished, 1, program.output());
			assert.match(program.output(), /\/etc on disk vda as of .*: 3 files, 2 folders, 1 hard link, .* in /);
			for (const name of ["b", "e"]) {
				const wanted = `failed: /etc/${name}: restored in part: .* an extent tree node that makes no sense`;
				assert.match(program.output(), new RegExp(wanted));
			}
			assert.match(program.output(), /failed: \/etc\/d: .* is not in use/);
			assert.equal(await fs.readFile(`${out}/a`, "utf8"), "a".repeat(20_000));
			assert.equal(await fs.readFile(`${out}/broken/c`, "utf8"), "broken/c".repeat(20_000));
			assert.deepEqual((await fs.readdir(out)).sort(), ["a", "b", "broken", "e"]);
		},
	);

	it("makes one file, refuses what is there, replaces it by force", needs("mke2fs"), async () => {
		await using temp = await tempFolder();
		await fs.mkdir(temp.file("tree/etc"), { recursive: true });
		await fs.writeFile(temp.file("tree/etc/hosts"), "127.0.0.1 localhost\n", { mode: 0o640 });
		await fs.symlink("hosts", temp.file("tree/etc/link"));
		const vm = await vmOf(await extOf(temp.file("tree")));
		const file = temp.file("hosts");
		const result = await restoreTree(options(vm, file, { path: "/etc/hosts" }));
		assert.deepEqual([result.files, result.folders, result.bytes, result.guarded], [1, 0, 20, false]);
		assert.equal(await fs.readFile(file, "utf8"), "127.0.0.1 localhost\n");
		assert.equal((await fs.stat(file)).mode & 0o7777, 0o640);
		await restoreTree(options(vm, temp.file("link"), { path: "/etc/link" }));
		assert.equal(await fs.readlink(temp.file("link")), "hosts");
		await fs.mkdir(temp.file("full"));
		await fs.writeFile(temp.file("full/mine"), "mine");
		for (const out of [file, temp.file("full")]) {
			await assert.rejects(restoreTree(options(vm, out, { path: "/etc" })), (error) => isUmbraError(error, "conflict"));
			await restoreTree(options(vm, out, { path: "/etc", force: true }));
			assert.deepEqual((await fs.readdir(out)).sort(), ["hosts", "link"]);
		}
		await fs.mkdir(temp.file("empty"));
		await restoreTree(options(vm, temp.file("empty"), { path: "/etc" }));
		assert.deepEqual((await fs.readdir(temp.file("empty"))).sort(), ["hosts", "link"]);
		for (const [more, code] of [
			[{ path: "/nowhere" }, "not-found"],
			[{ disk: "vdz" }, "not-found"],
			[{ volume: "7" }, "not-found"],
		] as const) {
			await assert.rejects(restoreTree(options(vm, temp.file("none"), more)), (error) => isUmbraError(error, code));
			assert.ok(!existsSync(temp.file("none")));
		}
		assert.deepEqual((await fs.readdir(temp.path)).sort(), ["empty", "full", "hosts", "link", "tree"]);
	});

	it("tells who is not root what it could not do", needsRoot("mke2fs", "setpriv", "mknod"), async () => {
		await using temp = await tempFolder();
		await fs.mkdir(temp.file("tree/sub"), { recursive: true });
		await fs.writeFile(temp.file("tree/sub/tool"), "tool");
		await fs.chmod(temp.file("tree/sub/tool"), 0o4755);
		await fs.chmod(temp.file("tree/sub"), 0o555);
		await runProgram("mknod", [temp.file("tree/null"), "c", "1", "3"]);
		const server = createServer().listen(temp.file("tree/socket"));
		const vm = await vmOf(await extOf(temp.file("tree")));
		server.close();
		await fs.mkdir(temp.file("theirs"));
		await fs.chown(temp.file("theirs"), 65_534, 65_534);
		await fs.chmod(temp.path, 0o755);
		const node = process.execPath;
		const main = new URL("../main.ts", import.meta.url).pathname;
		const command = [
			"restore",
			vm,
			"--path",
			"/",
			temp.file("theirs/out"),
			"--collector",
			`http://${collector.apiAddress}`,
		];
		const identity = ["--reuid=65534", "--regid=65534", "--clear-groups"];
		await using program = await startProgram("setpriv", [...identity, node, main, ...command]);
		assert.equal(await program.finished, 1, program.output());
		assert.match(program.output(), /owners were not set, nor were files made that run as them; root can do that/);
		assert.match(program.output(), /failed: \/null: a device, which only root can make/);
		assert.match(program.output(), /failed: \/socket: a socket, which only/);
		const { mode, uid } = await fs.stat(temp.file("theirs/out/sub/tool"));
		assert.deepEqual([mode & 0o7777, uid], [0o755, 65_534]);
		assert.equal((await fs.stat(temp.file("theirs/out/sub"))).mode & 0o7777, 0o555);
	});

	it("leaves nothing where the collector goes away or it is told to stop", needs("mke2fs"), async () => {
		await using temp = await tempFolder();
		await fs.mkdir(temp.file("tree"));
		for (let at = 0; at < 40; at++) await fs.writeFile(temp.file(`tree/f${at}`), Buffer.alloc(100_000, at));
		const vm = await vmOf(await extOf(temp.file("tree")));
		const stop = new AbortController();
		let asked = 0;
		const stopping = new Proxy(client, {
			get: (target, name) => {
				if (name !== "fetch") return Reflect.get(target, name);
				return (...args: Parameters<CollectorClient["fetch"]>) => {
					if (++asked === 20) stop.abort();
					return target.fetch(...args);
				};
			},
		});
		const wanted = options(vm, temp.file("out"), { client: stopping, signal: stop.signal });
		await assert.rejects(restoreTree(wanted), (error) => isUmbraError(error, "unavailable"));
		assert.deepEqual(await fs.readdir(temp.path), ["tree"]);
	});
});
