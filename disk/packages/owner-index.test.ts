import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { encodeOwners, OwnerIndex } from "./owner-index.ts";
import type { OwnedFolder, Package } from "./package-db.ts";

function packageOf(random: Random, at: number): Package {
	const version = `${random.below(9)}:${random.below(100)}-1`;
	return { manager: random.pick(["dpkg", "rpm"]), name: `package-${at}`, version, arch: random.pick(["all", "amd64"]) };
}

/** Folders as two databases would list them, some of them twice. */
function foldersOf(random: Random, packages: readonly Package[]): OwnedFolder[] {
	return Array.from({ length: 40 }, () => {
		const folder = random.pick(["", "/usr/bin", "/usr/share/doc", "/naïve/文件", `/opt/${random.below(8)}`]);
		const names = new Set(
			Array.from({ length: random.below(30) }, () => random.pick(["", "ü", "a b"]) + random.below(50)),
		);
		return { folder, owners: [...names].map((name) => [name, random.pick(packages)]) };
	});
}

describe("OwnerIndex", () => {
	it("names the owner of every file that went in, of several the first, and of no other", (t) => {
		const random = testRandom(t);
		for (let round = 0; round < 20; round++) {
			const packages = Array.from({ length: 1 + random.below(9) }, (_, at) => packageOf(random, at));
			const folders = foldersOf(random, packages);
			const wanted = new Map<string, Package>();
			for (const { folder, owners } of folders) {
				for (const [name, owner] of owners) {
					const path = `${folder}/${name}`;
					if (!wanted.has(path)) wanted.set(path, owner);
				}
			}
			const index = OwnerIndex.decode(encodeOwners(folders));
			for (const path of random.shuffle([...wanted.keys()]))
				assert.deepEqual(index.ownerOf(path), wanted.get(path), path);
			for (const path of ["", "/", "no path", "/usr/bin", "/usr/bin/none", "/opt/9/x"]) {
				assert.equal(index.ownerOf(path), wanted.get(path), path);
			}
		}
		assert.equal(OwnerIndex.decode(encodeOwners([])).ownerOf("/usr/bin/x"), undefined);
	});

	it("refuses every damaged byte and every cut", (t) => {
		const random = testRandom(t);
		const bytes = encodeOwners(foldersOf(random, [packageOf(random, 0), packageOf(random, 1)]));
		for (let at = 0; at < bytes.length; at++) {
			const spoilt = Uint8Array.from(bytes);
			spoilt[at]! ^= 1 << random.below(8);
			const code = at === 4 ? "unsupported" : "corrupt";
			assert.throws(
				() => OwnerIndex.decode(spoilt),
				(error) => isUmbraError(error, code),
				`byte ${at}`,
			);
			assert.throws(
				() => OwnerIndex.decode(bytes.subarray(0, at)),
				(error) => isUmbraError(error, "corrupt"),
				`cut at ${at}`,
			);
		}
	});

	it("takes a few bytes a file, and leaves out what is beyond its size", () => {
		const owner: Package = { manager: "dpkg", name: "many", version: "1", arch: "all" };
		const files = 100_000;
		const folder = (at: number, length: number): OwnedFolder => ({
			...{ folder: `/usr/share/doc/package-${at}` },
			owners: Array.from({ length: 1000 }, (_, name) => [`${name}`.padEnd(length, "x"), owner]),
		});
		const bytes = encodeOwners(Array.from({ length: files / 1000 }, (_, at) => folder(at, 12)));
		assert.ok(bytes.length / files < 8, `${bytes.length} bytes for ${files} files`);

		const large = OwnerIndex.decode(encodeOwners(Array.from({ length: 200 }, (_, at) => folder(at, 250))));
		assert.deepEqual(large.ownerOf(`/usr/share/doc/package-0/${"7".padEnd(250, "x")}`), owner);
		assert.equal(large.ownerOf(`/usr/share/doc/package-199/${"7".padEnd(250, "x")}`), undefined);
	});
});
