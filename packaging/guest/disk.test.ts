import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { makeBlankDisk, makeDisk } from "./disk.ts";
import { runProgram } from "./programs.ts";

const SIZE = 128 * 2 ** 20;

describe("makeDisk", needs("mke2fs", "e2fsck", "debugfs", "sfdisk", "qemu-img"), () => {
	const shapes = [
		{ table: "none", offset: 0, label: undefined },
		{ table: "mbr", offset: 2 ** 20, label: "dos" },
		{ table: "gpt", offset: 2 ** 20, label: "gpt" },
	] as const;
	for (const { table, offset, label } of shapes) {
		it(`puts every file with its mode and owner on a clean filesystem, table ${table}`, async () => {
			await using temp = await tempFolder();
			const disk = await makeDisk(temp.file("disk"), { sizeBytes: SIZE, format: "raw", table, seed: 5 });
			assert.equal(disk.filesystemOffset, offset);
			assert.equal((await stat(disk.path)).size, SIZE);
			if (label !== undefined) {
				const parted = JSON.parse(await runProgram("sfdisk", ["--json", disk.path])) as {
					readonly partitiontable: {
						readonly label: string;
						readonly partitions: readonly { readonly start: number }[];
					};
				};
				assert.equal(parted.partitiontable.label, label);
				assert.deepEqual(
					parted.partitiontable.partitions.map(({ start }) => start * 512),
					[offset],
				);
			}
			const filesystem = `${disk.path}?offset=${offset}`;
			await runProgram("e2fsck", ["-f", "-n", filesystem]);
			await runProgram("debugfs", ["-R", `rdump / ${temp.path}`, filesystem]);
			for (const { path, content } of disk.files) {
				assert.deepEqual(await readFile(join(temp.path, path)), Buffer.from(content), path);
			}
			const requests = disk.files.map(({ path }) => `stat "${path}"\n`).join("");
			const said = await runProgram("debugfs", ["-f", "-", filesystem], { input: requests });
			const found = [...said.matchAll(/Mode: +(\d+)[\s\S]*?\nUser: +(\d+) +Group: +(\d+)/g)].map(
				([, mode, uid, gid]) => [...[Number.parseInt(mode ?? "", 8), Number(uid), Number(gid)]],
			);
			assert.deepEqual(
				found,
				disk.files.map(({ mode = 0o644, uid = 0, gid = 0 }) => [mode, uid, gid]),
			);
		});
	}

	it("makes the same disk from the same seed, another from another", async () => {
		await using temp = await tempFolder();
		const make = async (name: string, seed: number) => {
			await makeDisk(temp.file(name), { sizeBytes: SIZE, format: "raw", table: "gpt", seed });
			return await readFile(temp.file(name));
		};
		const [one, again, other] = [await make("one", 1), await make("again", 1), await make("other", 2)];
		assert.ok(one.equals(again));
		assert.ok(!one.equals(other));
	});

	it("makes a 64 GiB qcow2 that takes little room and reads as the raw one", async () => {
		await using temp = await tempFolder();
		const options = { sizeBytes: 64 * 2 ** 30, table: "gpt" as const, seed: 3 };
		const disk = await makeDisk(temp.file("disk.qcow2"), { ...options, format: "qcow2" });
		await makeDisk(temp.file("disk.raw"), { ...options, format: "raw" });
		assert.match(await runProgram("qemu-img", ["compare", disk.path, temp.file("disk.raw")]), /identical/);
		assert.ok((await stat(disk.path)).size < 64 * 2 ** 20);
	});

	it("hands mke2fs what the caller wants of the filesystem", async () => {
		await using temp = await tempFolder();
		const mkfs = ["-O", "^extents,^64bit,^metadata_csum", "-b", "1024"];
		const disk = await makeDisk(temp.file("disk"), { sizeBytes: SIZE, format: "raw", seed: 1, mkfs });
		const said = await runProgram("debugfs", ["-R", "stats -h", disk.path]);
		assert.match(said, /Block size: +1024/);
		assert.doesNotMatch(said, /Filesystem features:.*(extent|metadata_csum)/);
	});

	it("refuses a size that is not whole MiB, and one with no room", async () => {
		await using temp = await tempFolder();
		for (const sizeBytes of [SIZE + 512, 2 ** 20, 0]) {
			await assert.rejects(makeDisk(temp.file("disk"), { sizeBytes, format: "raw", seed: 1 }), (error) =>
				isUmbraError(error, "bad-config"),
			);
		}
	});
});

describe("makeBlankDisk", needs("qemu-img"), () => {
	it("makes an image of that size and format in which every byte is zero", async () => {
		await using temp = await tempFolder();
		await makeBlankDisk(temp.file("disk"), SIZE, "qcow2");
		const info: unknown = JSON.parse(await runProgram("qemu-img", ["info", "--output=json", temp.file("disk")]));
		assert.ok(typeof info === "object" && info !== null);
		assert.deepEqual(
			{ format: "format" in info && info.format, size: "virtual-size" in info && info["virtual-size"] },
			{ format: "qcow2", size: SIZE },
		);
	});
});
