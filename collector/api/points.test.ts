import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blockCount, NAME_SIZE, nameToHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { needsLvm, place, TestGroup } from "../../disk/lvm/testing.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { ChangesetRecord, DiskRecord } from "../catalog/records.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import { errorOf } from "../vault/testing.ts";
import { updateTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { PointReader } from "./points.ts";

const MIB = 2 ** 20;

/** Puts a disk into the vault. */
async function store(vault: Vault, disk: string, bytes: Buffer): Promise<DiskRecord> {
	const blocks = blockCount(bytes.length);
	const names = Buffer.alloc(blocks * NAME_SIZE);
	for (let block = 0; block < blocks; block++) {
		const piece = Buffer.concat([bytes.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)], BLOCK_SIZE);
		names.set(await vault.putPlain(piece), block * NAME_SIZE);
	}
	const root = await updateTree(vault, null, blocks, [{ firstBlock: 0, names }]);
	return { disk, sizeBytes: bytes.length, root: nameToHex(root) } as DiskRecord;
}

const point = (...disks: readonly DiskRecord[]) => ({ vm: "web", time: "1", disks }) as unknown as ChangesetRecord;

function bound(target: Vault, key: string | symbol): unknown {
	const value: unknown = Reflect.get(target, key, target);
	return typeof value === "function" ? value.bind(target) : value;
}

describe("PointReader", () => {
	it("reads a logical volume across disks, and a disk by itself", needsLvm("mke2fs", "debugfs"), async (context) => {
		const random = testRandom(context);
		await using group = await TestGroup.create("vg", [12 * MIB, 12 * MIB], { vgcreate: ["-s", "1m"] });
		// It begins on the second disk.
		await group.create("root", ["-l", "6"], ["1"]);
		await group.extend("root", ["-l", "+10"], ["0"]);
		await group.create("small", ["-l", "2"], ["1"]);
		await using image = await TestImage.create("16M", "-t", "ext4");
		const content = random.bytes(10 * MIB);
		await image.write("/big", content);
		const segments = await group.oracle();
		await place(group.images, segments.get("root")!, await readFile(image.path));
		await using lone = await TestImage.create("4M");
		await lone.write("/alone", "here");

		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const [a, b] = await Promise.all(
			group.images.map(async (path, at) => store(vault, "ab"[at]!, await readFile(path))),
		);
		const c = await store(vault, "c", await readFile(lone.path));
		await using points = new PointReader(vault);

		const changeset = point(a!, b!, c);
		for (const wanted of [{ volume: "vg/root" }, { disk: "b" }, { disk: "b", volume: "vg/root" }]) {
			const { disk, volume, filesystem } = await points.volume(changeset, wanted);
			assert.equal(disk.disk, "b");
			assert.equal(volume.id, "vg/root");
			const node = await filesystem.lookup("/big");
			assert.equal(Buffer.compare(await filesystem.readFile(node, 0, node.size), content), 0);
		}
		assert.equal((await points.volume(changeset, { disk: "c" })).volume.kind, "ext2");
		const several = await errorOf(points.volume(changeset, {}));
		assert.equal(several.code, "bad-config");
		assert.equal(several.hint, "disk=c&volume=, disk=b&volume=vg/root");
		const elsewhere = await errorOf(points.volume(changeset, { disk: "a", volume: "vg/root" }));
		assert.equal(elsewhere.code, "not-found");
		assert.match(elsewhere.message, /no volume "vg\/root"/);
		assert.equal((await errorOf(points.volume(changeset, { disk: "a" }))).code, "not-found");
		assert.equal((await errorOf(points.volume(changeset, { volume: "vg/small" }))).code, "unsupported");

		// A disk that is not captured.
		for (const wanted of [{ volume: "vg/root" }, { disk: "b", volume: "vg/root" }]) {
			const missing = await errorOf(points.volume(point(b!, c), wanted));
			assert.equal(missing.code, "unavailable");
			assert.match(missing.message, /physical volume pv0 .* is not here/);
		}

		// A disk whose chunks are lost takes nothing with it but what lies on it.
		const lost = new UmbraError("not-found", "the vault lost it");
		const names = new Set([a!.root]);
		const damaged = new Proxy(vault, {
			get: (target, key) =>
				key === "get"
					? async (name: Uint8Array, signal?: AbortSignal) => {
							if (names.has(nameToHex(name))) throw lost;
							return await target.get(name, signal);
						}
					: bound(target, key),
		}) as VaultStore;
		await using rest = new PointReader(damaged);
		assert.equal((await rest.volume(changeset, { disk: "c" })).filesystem.kind, "ext2");
		assert.equal((await rest.volume(changeset, { disk: "c", volume: "" })).filesystem.kind, "ext2");
		await assert.rejects(rest.volume(changeset, { volume: "vg/root" }), (error) => isUmbraError(error));
		names.clear();
		assert.equal((await rest.volume(changeset, { volume: "vg/root" })).filesystem.kind, "ext4");
	});
});
