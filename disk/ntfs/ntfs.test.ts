import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { link, lstat, mkdir, open, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { variantsOf } from "../../test/support/variants.ts";
import type { FileNode, Filesystem, FilesystemScan } from "../filesystem.ts";
import { openNtfs } from "./ntfs.ts";
import { isStreamInode, recordOf } from "./stream-ids.ts";
import {
	istat,
	type Mount,
	makeVolume,
	mount,
	needsNtfs,
	openImage,
	pathsOf,
	random,
	randomBytes,
	reparseData,
	setAttribute,
	setFlags,
	sleuthkit,
	writeFragmented,
} from "./testing.ts";

const MIB = 1 << 20;

interface Variant {
	readonly name: string;
	readonly cluster: number;
	readonly options: readonly string[];
	readonly size?: number;
	readonly mountOptions?: readonly string[];
	/** Whether The Sleuth Kit 4.11 understands it. */
	readonly sleuthkit?: false;
}

const VARIANTS: readonly Variant[] = [
	...[512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].map((cluster) => ({
		name: `clusters of ${cluster} bytes`,
		cluster,
		options: ["-c", String(cluster)],
	})),
	...[128 << 10, 512 << 10, 2 << 20].map((cluster) => ({
		name: `clusters of ${cluster >> 10} KiB`,
		cluster,
		options: ["-c", String(cluster)],
		size: 1024 * MIB,
		sleuthkit: false as const,
	})),
	...[256, 1024, 2048, 4096].map((sector) => ({
		name: `sectors of ${sector} bytes`,
		cluster: 4096,
		options: ["-s", String(sector), "-c", "4096"],
		...(sector === 256 ? { sleuthkit: false as const } : {}),
	})),
	...[512, 1024, 4096].map((cluster) => ({
		name: `compression in clusters of ${cluster} bytes`,
		cluster,
		options: ["-C", "-c", String(cluster)],
		mountOptions: ["compression"],
	})),
	{ name: "a label, no indexing", cluster: 4096, options: ["-L", "Größe 😀", "-I"] },
];

const MFT = 0;
const READONLY = 1;
const HIDDEN_SYSTEM = 6;

/** A tree with what NTFS treats each in its own way. */
async function fill(volume: Mount, cluster: number, compressed: boolean): Promise<void> {
	const next = random(7);
	const at = (name: string) => volume.at(name);
	await mkdir(at("sizes"));
	for (const size of [0, 1, 500, 640, 660, 680, 700, 720, 740, 800, 1023, 4096, 4097, 65_536, 70_000, 300_001]) {
		await writeFile(at(`sizes/${size}.bin`), randomBytes(next, size));
		await writeFile(at(`sizes/${size}.txt`), "all work and no play ".repeat(size / 20 + 1).slice(0, size));
	}
	// Compressible in parts: units that are packed, plain and empty.
	const mixed = Buffer.concat([Buffer.alloc(100_000, "ab"), randomBytes(next, 150_000), Buffer.alloc(200_000)]);
	await writeFile(at("mixed.bin"), Buffer.concat([mixed, Buffer.from("end"), mixed]));
	await mkdir(at("holes"));
	for (const [name, size, places] of [
		["small", 5_000_000, [0, 2_000_000]],
		["huge", 2 ** 40, [2 ** 39]],
		["empty", 3_000_000, []],
	] as const) {
		// ntfs-3g makes no such file where it compresses.
		if (name === "huge" && compressed) continue;
		await using file = await open(at(`holes/${name}`), "w");
		for (const place of places) await file.write(`at ${place}`, place);
		await file.truncate(size);
	}
	await mkdir(at("names"));
	const names = ["straße", "日本語", "emoji 😀", "with space", "-dash", "n".repeat(255), "ﾂ".repeat(255), "\ufeffbom"];
	for (const name of names) await writeFile(at(`names/${name}`), name);
	await mkdir(at("many"));
	for (let i = 0; i < 400; i++) await writeFile(at(`many/a-file-with-a-longer-name-${i}`), String(i));
	for (let i = 0; i < 400; i += 3) await rm(at(`many/a-file-with-a-longer-name-${i}`));
	for (let i = 0; i < 40; i++) await writeFile(at(`many/late-${i}`), String(i));
	await mkdir(at("deep/er/and/deeper"), { recursive: true });
	await writeFile(at("deep/er/and/deeper/still"), "found");
	await mkdir(at("links"));
	await writeFile(at("links/one"), "linked");
	await link(at("links/one"), at("links/two"));
	await link(at("links/one"), at("deep/three"));
	// More names than a record holds: an attribute list.
	await writeFile(at("links/many"), "many names");
	for (let i = 0; i < 40; i++) await link(at("links/many"), at(`links/${"long".repeat(20)}-${i}`));
	await mkdir(at("streams"));
	await writeFile(at("streams/file"), "the file");
	await writeFile(at("streams/file:small"), "hidden");
	await writeFile(at("streams/file:empty"), "");
	await writeFile(at("streams/file:large"), randomBytes(next, 100_000));
	await writeFile(at("streams/file:straße"), "named");
	await writeFile(at("streams:of a folder"), "in a folder");
	await writeFile(at("streams/crowd"), "");
	for (let i = 0; i < 60; i++) await writeFile(at(`streams/crowd:${i}`), `${i}`.repeat(i));
	await writeFile(at("streams/one"), "x");
	await writeFile(at("streams/one:linked"), "streams have as many names as their file");
	await link(at("streams/one"), at("streams/two"));
	const pieces = Math.min(60, (16 * MIB) / cluster);
	if (!compressed) await writeFragmented(at("fragmented"), cluster, pieces, randomBytes(next, pieces * cluster));
	await utimes(at("sizes/1.bin"), 1_700_000_000.25, 1_600_000_000.123);
	await utimes(at("sizes/500.bin"), 1_700_000_000, 5_000_000_000.5);
	await utimes(at("sizes/640.bin"), 1_700_000_000, -5_000_000_000);
	await setFlags(at("sizes/4096.bin"), READONLY);
	await setFlags(at("deep/er"), HIDDEN_SYSTEM);
	await writeFile(at("symlink"), "");
	await setAttribute(at("symlink"), "ntfs_reparse_data", reparseData("symlink", "sizes\\1.bin"));
	await mkdir(at("junction"));
	await setAttribute(
		at("junction"),
		"ntfs_reparse_data",
		reparseData("junction", "\\??\\C:\\deep\\er", "C:\\deep\\er"),
	);
	await writeFile(at("long-link"), "");
	await setAttribute(
		at("long-link"),
		"ntfs_reparse_data",
		reparseData("symlink", `..\\${"long\\".repeat(200)}target`, "shown"),
	);
	await writeFile(at("with a dos name.text"), "8.3");
	await setAttribute(at("with a dos name.text"), "ntfs_dos_name", Buffer.from("WITHAD~1.TEX"));
}

interface Volume {
	readonly folder: TempFolder;
	readonly image: string;
}

async function filled({ cluster, options, mountOptions, size = 128 * MIB }: Variant): Promise<Volume> {
	const folder = await tempFolder();
	const image = folder.file("image");
	await makeVolume(image, size, options);
	{
		await using volume = await mount(image, mountOptions);
		await fill(volume, cluster, mountOptions !== undefined);
	}
	return { folder, image };
}

function hash(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

const REPARSE = new Set(["/symlink", "/junction", "/long-link"]);

describe("openNtfs agrees with ntfs-3g and The Sleuth Kit", needsNtfs("fls", "istat", "setfattr"), () => {
	for (const variant of variantsOf(VARIANTS, 4)) {
		it(variant.name, async () => {
			const { folder, image } = await filled(variant);
			await using _folder = folder;
			await using source = await openImage(image);
			const fs = await openNtfs(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			await againstMount(image, fs, scan);
			await againstItself(fs, scan);
			await accountForAllClusters(fs, scan, source, variant.cluster);
			if (variant.sleuthkit !== false) await againstSleuthkit(image, variant.cluster, fs, scan);
		});
	}

	/** Everything that ntfs-3g shows, its content included. */
	async function againstMount(image: string, fs: Filesystem, scan: FilesystemScan): Promise<void> {
		await using volume = await mount(image, ["ro", "show_sys_files"]);
		const paths = pathsOf(scan);
		const seen = new Set<string>();
		const walk = async (path: string): Promise<void> => {
			seen.add(path);
			const theirs = await lstat(volume.path + path);
			const inode = paths.get(path);
			assert.ok(inode !== undefined, `${path} is not in the scan`);
			const node = scan.nodes.get(inode)!;
			assert.equal(inode, theirs.ino, path);
			assert.ok(Math.abs(node.mtime * 1000 - theirs.mtimeMs) < 0.01, path);
			assert.ok(Math.abs(node.ctime * 1000 - theirs.ctimeMs) < 0.01, path);
			if (REPARSE.has(path)) {
				assert.equal(node.type, "symlink");
				return;
			}
			assert.equal(node.type, theirs.isDirectory() ? "dir" : "file", path);
			if (theirs.isDirectory()) {
				// Of a directory with no index blocks it tells the size that a first one would have.
				if (node.data.length > 0) assert.equal(node.size, theirs.size, path);
				for (const name of await readdir(volume.path + path)) {
					if (name !== "." && name !== "..") await walk(`${path}/${name}`);
				}
				return;
			}
			assert.equal(node.size, theirs.size, path);
			// It counts the alias in the DOS namespace as a link.
			assert.equal(node.nlink, path === "/with a dos name.text" ? theirs.nlink - 1 : theirs.nlink, path);
			// An empty one of its own it does not even open.
			if (node.size > 0 && node.size < 100 * MIB) await sameContent(path, node);
		};
		const sameContent = async (path: string, node: FileNode): Promise<void> => {
			const ours = await fs.readFile(node, 0, node.size);
			assert.equal(ours.length, node.size, path);
			assert.equal(hash(ours), hash(await readFile(volume.path + path)), path);
		};
		await walk("");
		for (const [path, inode] of paths) {
			if (!isStreamInode(inode)) {
				// The one that ntfs-3g never shows.
				assert.ok(seen.has(path) || path === "/$MFT", `${path} is not on the mount`);
				continue;
			}
			if (/^\/\$/.test(path)) continue;
			await sameContent(path, scan.nodes.get(inode)!);
		}
		if (!paths.has("/holes/huge")) return;
		const huge = await fs.lookup("/holes/huge");
		const part = await fs.readFile(huge, 2 ** 39 - 1000, 5000);
		assert.equal(Buffer.from(part).toString("latin1").replaceAll("\0", ""), `at ${2 ** 39}`);
	}

	/** Reading by path and by directory shows what the scan shows. */
	async function againstItself(fs: Filesystem, scan: FilesystemScan): Promise<void> {
		const byParent = new Map<number, string[]>();
		for (const { parent, name, inode } of scan.links) {
			byParent.set(parent, [...(byParent.get(parent) ?? []), `${inode} ${name}`]);
		}
		for (const node of scan.nodes.values()) {
			assert.deepEqual(await fs.node(node.inode), node);
			if (node.type !== "dir") continue;
			const entries = (await fs.readDirectory(node)).map(({ name, inode }) => `${inode} ${name}`);
			assert.deepEqual(entries.toSorted(), (byParent.get(node.inode) ?? []).toSorted());
		}
		for (const [path, inode] of pathsOf(scan)) {
			if (path.startsWith("/many/") && inode % 16 !== 0) continue;
			assert.equal((await fs.lookup(path)).inode, inode, path);
		}
		assert.equal((await fs.lookup("/SIZES/1.BIN")).inode, (await fs.lookup("/sizes/1.bin")).inode);
		assert.equal(await fs.readLink(await fs.lookup("/symlink")), "sizes/1.bin");
		assert.equal(await fs.readLink(await fs.lookup("/junction")), "C:/deep/er");
		assert.equal(await fs.readLink(await fs.lookup("/long-link")), `../${"long/".repeat(200)}target`);
		assert.equal((await fs.lookup("/sizes/4096.bin")).mode, 0o100444);
		assert.equal((await fs.lookup("/deep/er")).mode, 0o40755);
		await assert.rejects(fs.lookup("/deep/none"), { code: "not-found" });
		await assert.rejects(fs.lookup("/streams/file:none"), { code: "not-found" });
		await assert.rejects(fs.node(10_000_000), { code: "not-found" });
	}

	async function againstSleuthkit(image: string, cluster: number, fs: Filesystem, scan: FilesystemScan): Promise<void> {
		const theirs = await sleuthkit(image);
		const paths = pathsOf(scan);
		paths.delete("");
		for (const [path, file] of theirs) {
			// It cuts names at 512 bytes.
			if (path.includes("ﾂﾂ")) continue;
			const inode = paths.get(path);
			assert.ok(inode !== undefined, `${path} is not in the scan`);
			const node = scan.nodes.get(inode)!;
			assert.equal(recordOf(inode), file.record, path);
			if (!REPARSE.has(path)) {
				// Of the size it prints 32 bits.
				if (!file.directory) assert.equal(node.size % 2 ** 32, file.size, path);
				assert.equal(node.type === "dir", file.directory, path);
			}
			// It knows no time before 1970, and 32 bits of seconds.
			if (node.mtime >= 0) assert.equal(Math.floor(node.mtime) | 0, file.mtime | 0, path);
			if (node.ctime >= 0) assert.equal(Math.floor(node.ctime) | 0, file.ctime | 0, path);
		}
		for (const path of paths.keys()) {
			// It lists no file that has no content at all, not even an empty one.
			if (theirs.has(path) || path.includes("ﾂﾂ") || /^\/\$(Secure|Extend\/\$(ObjId|Quota|Reparse))$/.test(path))
				continue;
			assert.fail(`The Sleuth Kit does not show ${path}`);
		}
		const owners = await fs.owners!();
		const told = new Map<number, Promise<Awaited<ReturnType<typeof istat>>>>();
		for (const [path, inode] of paths) {
			const node = scan.nodes.get(inode)!;
			if (node.type !== "file" || path.startsWith("/many/") || path === "/$BadClus:$Bad") continue;
			// A hole longer than the volume it takes for damage.
			if (path === "/holes/huge") continue;
			const record = recordOf(inode);
			if (!told.has(record)) told.set(record, istat(image, record));
			const { clusters, sid } = await told.get(record)!;
			const stream = isStreamInode(inode) ? path.slice(path.lastIndexOf(":") + 1) : "";
			const wanted = clusters.get(stream);
			if (wanted !== undefined) {
				const found: number[] = [];
				for (let i = 0; i < node.data.length; i += 2) {
					for (let at = 0; at < node.data[i + 1]!; at += cluster) found.push((node.data[i]! + at) / cluster);
				}
				const theirClusters = wanted.filter((number) => number !== 0 || path === "/$Boot");
				// Of what is set aside beyond the end of a file it tells nothing.
				const whole = theirClusters.length >= Math.ceil(node.size / cluster);
				assert.deepEqual(whole ? found.slice(0, theirClusters.length) : found, theirClusters, path);
			} else assert.ok(node.data.length <= 4, path);
			if (sid !== undefined) {
				const name = owners.users.get(node.uid);
				assert.equal(name, sid === "S-1-5-32-544" ? "Administrators" : sid === "S-1-5-18" ? "SYSTEM" : sid, path);
			}
		}
	}

	/** Every cluster that $Bitmap counts as used must be somebody's, and no block anybody's twice. */
	async function accountForAllClusters(
		fs: Filesystem,
		scan: FilesystemScan,
		source: Awaited<ReturnType<typeof openImage>>,
		cluster: number,
	): Promise<void> {
		const owner = new Map<number, string>();
		const claim = (ranges: readonly number[], name: string) => {
			const step = Math.min(cluster, 1024);
			for (let i = 0; i < ranges.length; i += 2) {
				for (let at = ranges[i]!; at < ranges[i]! + ranges[i + 1]!; at += step) {
					assert.equal(owner.get(at), undefined, `byte ${at} belongs to ${owner.get(at)} and ${name}`);
					owner.set(at, name);
				}
			}
		};
		claim(scan.metadata, "the filesystem");
		claim(scan.journal, "the journal");
		const shared = new Set<string>();
		for (const node of scan.nodes.values()) {
			if (node.inode !== MFT) claim(node.meta, `the tree of inode ${node.inode}`);
			if (recordOf(node.inode) < 16 && node.inode !== fs.root) continue;
			// Resident streams share the record of their file.
			const key = node.data.join();
			if (shared.has(key)) continue;
			shared.add(key);
			claim(node.data, `inode ${node.inode}`);
		}
		// The MFT has what is left of it.
		const mft = scan.nodes.get(MFT)!;
		assert.equal([...scan.nodes.keys()].at(-1), MFT);
		for (let i = 0; i < mft.meta.length; i += 2) {
			for (let at = mft.meta[i]!; at < mft.meta[i]! + mft.meta[i + 1]!; at += Math.min(cluster, 1024)) {
				if (!owner.has(at)) owner.set(at, "the MFT");
			}
		}
		const bitmap = await fs.lookup("/$Bitmap");
		const bits = await fs.readFile(bitmap, 0, bitmap.size);
		let used = 0;
		const clusters = Math.floor(source.size / cluster);
		const claimed = new Set([...owner.keys()].map((at) => Math.floor(at / cluster)));
		for (let number = 0; number < clusters; number++) {
			if ((bits[number >>> 3]! & (1 << (number & 7))) === 0) continue;
			if (number * cluster + cluster <= source.size - 512) used++;
			assert.ok(claimed.has(number), `cluster ${number} is in use and nobody's`);
		}
		assert.ok(Math.abs(fs.usedBytes - used * cluster) <= cluster, `${fs.usedBytes} used, ${used * cluster} counted`);
		assert.ok(used > 10);
	}
});
