import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { isNtfs, openNtfs } from "./ntfs.ts";
import {
	makeVolume,
	memorySource,
	mount,
	needsNtfs,
	random,
	randomBytes,
	reparseData,
	setAttribute,
	writeFragmented,
} from "./testing.ts";
import { readUsnJournal } from "./usn.ts";

const MIB = 1 << 20;
/** Of all the reads of one damaged image; generous, since the machine may be busy. */
const PATIENCE_MS = 5000;
const SECONDS = Number(process.env["UMBRA_FUZZ_SECONDS"] ?? 8);
const RECORD = 1024;

async function image(cluster: number, options: readonly string[] = []): Promise<Buffer> {
	await using folder = await tempFolder();
	const path = folder.file("image");
	await makeVolume(path, 8 * MIB, ["-c", String(cluster), ...options]);
	{
		const next = random(5);
		const compressed = options.includes("-C");
		await using volume = await mount(path, compressed ? ["compression"] : []);
		for (let i = 0; i < 60; i++) await writeFile(volume.at(`a-file-with-a-longer-name-${i}`), String(i));
		await writeFile(volume.at("packed"), "all work and no play ".repeat(9000));
		await writeFile(volume.at("plain"), randomBytes(next, 70_000));
		await writeFile(volume.at("plain:stream"), "hidden");
		for (let i = 0; i < 30; i++) await writeFile(volume.at(`plain:a stream with a long name ${i}`), "x".repeat(40));
		if (!compressed) await writeFragmented(volume.at("fragmented"), cluster, 200, randomBytes(next, 200 * cluster));
		await writeFile(volume.at("link"), "");
		await setAttribute(volume.at("link"), "ntfs_reparse_data", reparseData("symlink", "plain"));
	}
	return readFile(path);
}

/** Reads all that can be read; nothing but an UmbraError may come of it. */
async function readAll(bytes: Buffer): Promise<UmbraError | undefined> {
	try {
		const fs = await openNtfs(memorySource(bytes));
		const { nodes, links, metadata, journal } = await fs.scan();
		for (const ranges of [metadata, journal, ...[...nodes.values()].flatMap((node) => [node.data, node.meta])]) {
			for (let i = 0; i < ranges.length; i += 2) {
				assert.ok(ranges[i]! >= 0 && ranges[i + 1]! > 0 && ranges[i]! + ranges[i + 1]! <= bytes.length);
			}
		}
		assert.ok(links.length <= bytes.length / 8);
		const reached = new Set([fs.root]);
		for (const { parent, inode } of links) {
			assert.ok(reached.has(parent), "a name comes before its directory");
			assert.ok(nodes.has(inode), "a name of nothing");
			reached.add(inode);
		}
		for (const node of [...nodes.values()].slice(-60)) {
			try {
				if (node.type === "dir") await fs.readDirectory(node);
				else if (node.type === "symlink") await fs.readLink(node);
				else {
					await fs.readFile(node, 0, 100_000);
					await fs.readFile(node, Math.max(0, node.size - 10_000), 10_000);
				}
			} catch (error) {
				if (!(error instanceof UmbraError)) throw error;
			}
		}
		await fs.lookup("/plain:stream").catch((error: unknown) => {
			if (!(error instanceof UmbraError)) throw error;
		});
		await readUsnJournal(fs);
		assert.ok(fs.problems.length <= 1001);
		return undefined;
	} catch (error) {
		if (!(error instanceof UmbraError)) throw error;
		return error;
	}
}

/** Bytes, by preference such as bring out the worst in a length, a count or a cluster number. */
function damage(bytes: Buffer, at: number, next: () => number): void {
	const width = ([1, 2, 4] as const)[Math.floor(next() * 3)]!;
	const special = [0, 1, 0xff, 0xffff, 0xffffffff, 0x7fffffff, 0x80000000, 5, 24, Math.floor(next() * 16384)];
	const chosen = next() < 0.5 ? special[Math.floor(next() * special.length)]! : Math.floor(next() * 2 ** 32);
	// Update sequences stand at the end of each sector: what is damaged there ends the matter too soon.
	if (at + width <= bytes.length && at % 512 < 508) bytes.writeUIntLE(chosen % 2 ** (8 * width), at, width);
}

const SUBJECTS = [
	{ name: "small clusters", cluster: 512, options: [] },
	{ name: "4 KiB clusters", cluster: 4096, options: [] },
	{ name: "compressed", cluster: 4096, options: ["-C"] },
] as const;

describe("openNtfs on damaged images", needsNtfs("setfattr"), () => {
	for (const { name, cluster, options } of SUBJECTS) {
		it(`throws nothing but UmbraError, ends and stays in bounds: ${name}`, async (t) => {
			const seed = Number(process.env["UMBRA_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
			t.diagnostic(`seed: ${seed} (again with UMBRA_TEST_SEED=${seed})`);
			const next = random(seed);
			const whole = await image(cluster, options);
			const fs = await openNtfs(memorySource(whole));
			const scan = await fs.scan();
			// Where structures are: records, index blocks, attribute lists, compressed data.
			const targets: number[] = [];
			const packed = (await fs.lookup("/packed")).data;
			for (const range of [(await fs.lookup("/$MFT")).data, (await fs.lookup("/$Secure:$SDS")).data, packed])
				add(range);
			for (const { type, data, meta } of scan.nodes.values()) {
				add(meta);
				if (type === "dir") add(data);
			}
			function add(range: readonly number[]): void {
				for (let i = 0; i < range.length; i += 2) {
					for (let at = range[i]!; at < range[i]! + range[i + 1]!; at += 512) {
						if (whole.subarray(at, at + 512).some((byte) => byte !== 0)) targets.push(at);
					}
				}
			}
			assert.ok(targets.length > 100);
			const work = Buffer.from(whole);
			const begun = performance.now();
			let rounds = 0;
			for (; performance.now() - begun < SECONDS * 1000; rounds++) {
				const touched: number[] = [];
				for (let count = 1 + Math.floor(next() * 8); count > 0; count--) {
					// The boot sector and the MFT's own record more often than their share.
					const choice = next();
					const target =
						choice < 0.03
							? 0
							: choice < 0.1
								? targets[Math.floor(next() * 2)]!
								: targets[Math.floor(next() * targets.length)]!;
					touched.push(target);
					const kind = next();
					if (kind < 0.03) work.fill(Math.floor(next() * 256), target, target + 512);
					else if (kind < 0.06) {
						const other = targets[Math.floor(next() * targets.length)]!;
						whole.copy(work, target, other, other + 512);
					} else {
						const field = Math.floor(next() * 256) * 2;
						for (let j = 0; j < 4; j++) damage(work, target + ((field + Math.floor(next() * 16) * 4) % 512), next);
					}
				}
				const started = performance.now();
				try {
					await readAll(work);
				} catch (error) {
					throw new Error(`round ${rounds} of seed ${seed}`, { cause: error });
				}
				assert.ok(performance.now() - started < PATIENCE_MS, `round ${rounds} of seed ${seed} took too long`);
				for (const target of touched) whole.copy(work, target, target, Math.min(target + 1024, whole.length));
			}
			t.diagnostic(`${rounds} damaged images`);
			assert.ok(rounds > 10);
			assert.ok(process.memoryUsage().rss < 768 * MIB, "memory is not bounded");
		});
	}

	it("throws nothing but UmbraError for random bytes behind a signature", async () => {
		const next = random(3);
		const bytes = Buffer.alloc(65536);
		for (let round = 0; round < 300; round++) {
			for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(next() * 2 ** 32), at);
			bytes.write("NTFS    ", 3, "latin1");
			assert.ok((await readAll(bytes)) instanceof UmbraError);
		}
	});
});

describe("openNtfs refuses", needs("mkntfs"), () => {
	const cases = [
		{ field: "oem_id", at: 3, value: 0x4d, width: 1, code: "corrupt" },
		{ field: "bytes_per_sector", at: 11, value: 513, width: 2, code: "corrupt" },
		{ field: "bytes_per_sector", at: 11, value: 8192, width: 2, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 0, width: 1, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 3, width: 1, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 0xf0, width: 1, code: "corrupt" },
		{ field: "number_of_sectors", at: 40, value: 0, width: 4, code: "corrupt" },
		{ field: "number_of_sectors", at: 40, value: 16385, width: 4, code: "truncated" },
		{ field: "number_of_sectors", at: 44, value: 0xffffffff, width: 4, code: "corrupt" },
		{ field: "mft_lcn", at: 48, value: 2048, width: 4, code: "corrupt" },
		{ field: "mftmirr_lcn", at: 56, value: 2048, width: 4, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 0, width: 1, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 0x80, width: 1, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 17, width: 1, code: "corrupt" },
	] as const;
	for (const { field, at, value, width, code } of cases) {
		it(`${field} ${value} as ${code}`, async () => {
			const bytes = Buffer.from(await plainImage());
			bytes.writeUIntLE(value, at, width);
			const error = await readAll(bytes);
			assert.equal(error?.code, code);
			assert.equal(error.context.field, field);
			assert.ok(Math.abs(Number(error.context.offset) - at) <= 4);
			assert.equal(error.context.structure, "NTFS boot sector");
		});
	}

	it("a volume too short for a boot sector", async () => {
		assert.equal((await readAll(Buffer.alloc(511)))?.code, "truncated");
	});
});

let plain: Promise<Buffer> | undefined;
function plainImage(): Promise<Buffer> {
	plain ??= (async () => {
		await using folder = await tempFolder();
		await makeVolume(folder.file("image"), 8 * MIB, ["-c", "4096"]);
		return readFile(folder.file("image"));
	})();
	return plain;
}

describe("openNtfs goes on", needsNtfs(), () => {
	async function filled(): Promise<{ bytes: Buffer; mft: number; record: (path: string) => Promise<number> }> {
		await using folder = await tempFolder();
		const path = folder.file("image");
		await makeVolume(path, 8 * MIB, ["-c", "4096"]);
		{
			await using volume = await mount(path);
			for (let i = 0; i < 300; i++) await writeFile(volume.at(`file-${i}`), `content ${i}`);
		}
		const bytes = await readFile(path);
		const fs = await openNtfs(memorySource(bytes));
		return {
			bytes,
			mft: (await fs.lookup("/$MFT")).data[0]!,
			record: async (name) => (await fs.lookup(name)).inode,
		};
	}
	async function problemsOf(bytes: Buffer) {
		const fs = await openNtfs(memorySource(bytes));
		const scan = await fs.scan();
		return { fs, scan, messages: fs.problems.map(({ message }) => message) };
	}

	it("after a half written record, and names it", async () => {
		const { bytes, mft, record } = await filled();
		const number = await record("/file-7");
		bytes[mft + number * RECORD + 1023]! ^= 0x55;
		const { fs, messages, scan } = await problemsOf(bytes);
		assert.deepEqual(messages, [
			`memory: MFT record ${number} has sector 1 that does not match its update sequence: it was half written`,
		]);
		assert.ok(!scan.nodes.has(number));
		await assert.rejects(fs.lookup("/file-7"), { code: "not-found" });
		assert.equal(Buffer.from(await fs.readFile(await fs.lookup("/file-8"), 0, 99)).toString(), "content 8");
	});

	it("with the mirror where the MFT's own record is damaged", async () => {
		const { bytes, mft } = await filled();
		bytes.fill(0, mft, mft + RECORD);
		const { messages, scan } = await problemsOf(bytes);
		assert.match(messages[0]!, /the MFT's own record has nothing in it; its mirror is used/);
		assert.ok(scan.links.some(({ name }) => name === "file-299"));
	});

	it("with a damaged index block, whose names the scan has nevertheless", async () => {
		const { bytes } = await filled();
		const before = await problemsOf(bytes);
		const root = before.scan.nodes.get(before.fs.root)!;
		bytes[root.data[0]! + 510]! ^= 1;
		const { fs, scan } = await problemsOf(bytes);
		assert.equal(scan.nodes.size, before.scan.nodes.size);
		const entries = await fs.readDirectory(root);
		assert.ok(entries.length < 320 && entries.length > 200, `${entries.length} names left`);
		assert.match(fs.problems[0]!.message, /directory 5 has index block 0 with sector 0 that does not match/);
	});

	it("with files that no directory holds, which it shows in one of their own", async () => {
		const { bytes, mft, record } = await filled();
		const number = await record("/file-3");
		const at = bytes.indexOf(Buffer.from("file-3", "utf16le"), mft + number * RECORD);
		// The parent's sequence number, 60 bytes before the name.
		assert.equal(bytes.readUInt16LE(at - 60), 5);
		bytes.writeUInt16LE(6, at - 60);
		const { fs, scan, messages } = await problemsOf(bytes);
		assert.deepEqual(messages, ["memory: 1 files are in no directory; they are listed in /$OrphanFiles"]);
		assert.equal(scan.links.at(-1)!.name, "file-3");
		const node = await fs.lookup("/$OrphanFiles/file-3");
		assert.equal(node.inode, number);
		assert.equal(Buffer.from(await fs.readFile(node, 0, 99)).toString(), "content 3");
		assert.deepEqual(await fs.readDirectory(await fs.lookup("/$OrphanFiles")), [{ name: "file-3", inode: number }]);
	});

	it("where $LogFile was not written back, and says that it may lag", async () => {
		const { bytes } = await filled();
		const log = (await (await openNtfs(memorySource(bytes))).lookup("/$LogFile")).data[0]!;
		// A restart page with one client that is at work.
		bytes.fill(0, log, log + 8192);
		bytes.write("RSTR", log, "latin1");
		bytes.writeUInt16LE(30, log + 4);
		bytes.writeUInt16LE(9, log + 6);
		bytes.writeUInt16LE(48, log + 24);
		bytes.writeUInt32LE(1, log + 48);
		const { messages } = await problemsOf(bytes);
		assert.equal(messages.length, 1);
		assert.match(messages[0]!, /what is only in \$LogFile is not shown/);
		bytes.writeUInt16LE(0xffff, log + 48 + 12);
		assert.deepEqual((await problemsOf(bytes)).messages, []);
		bytes.fill(0, log, log + 8192);
		assert.match((await problemsOf(bytes)).messages[0]!, /\$LogFile cannot be read/);
	});
});

describe("isNtfs", () => {
	it("wants the signature", () => {
		const head = Buffer.alloc(512);
		assert.equal(isNtfs(head), false);
		head.write("NTFS    ", 3, "latin1");
		assert.equal(isNtfs(head), true);
		assert.equal(isNtfs(head.subarray(0, 300)), false);
	});
});
