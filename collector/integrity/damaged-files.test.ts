import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blake3Name, blockCount, blockName, nameToHex } from "../../common/block.ts";
import { openDisk } from "../../disk/disk.ts";
import { openFile } from "../../disk/source/file.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { updateTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { damagedFiles } from "./damaged-files.ts";

describe("damagedFiles", needs("mkfs.ext4"), () => {
	it("names the files whose content lies in blocks that are gone", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await mkdir(folder.file("tree/var/lib"), { recursive: true });
		await writeFile(folder.file("tree/var/lib/database"), random.bytes(1_000_000));
		await writeFile(folder.file("tree/other"), random.bytes(500_000));
		await runProgram("mkfs.ext4", ["-q", "-d", folder.file("tree"), folder.file("image"), "24M"]);
		const image = await readFile(folder.file("image"));
		await using source = await openFile(folder.file("image"));
		const [volume] = (await openDisk(source)).volumes;
		const filesystem = await volume!.open();
		const node = await filesystem.lookup("/var/lib/database");
		// The second half of its first extent, so that no other file shares the block.
		const offset = node.data[0]! + Math.floor(node.data[1]! / 2);
		const block = Math.floor(offset / BLOCK_SIZE);
		const name = nameToHex(blake3Name(image.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)));

		await using vault = await Vault.open({ folder: folder.file("vault") });
		const blocks = blockCount(image.length);
		const names: Uint8Array[] = [];
		for (let at = 0; at < blocks; at++) {
			const bytes = image.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE);
			names.push(blockName(bytes));
			// That one is not there.
			if (at !== block) await vault.putPlain(bytes);
		}
		const root = await updateTree(vault, null, blocks, [{ firstBlock: 0, names: Buffer.concat(names) }]);
		const disk = { disk: "vda", sizeBytes: image.length, root: nameToHex(root) };
		const changeset = { vm: "web", time: "1000", disks: [disk] } as unknown as ChangesetRecord;
		const place = { vm: "web", time: "1000", disk: "vda", firstBlock: block, count: 1 };
		const signal = AbortSignal.timeout(60_000);
		const files = await damagedFiles(vault, changeset, [{ name, places: [place] }], signal);
		assert.deepEqual([...files], [[name, ["/var/lib/database"]]]);
		const elsewhere = { ...place, disk: "vdb" };
		assert.equal((await damagedFiles(vault, changeset, [{ name, places: [elsewhere] }], signal)).size, 0);
	});
});
