import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import type { Mount } from "../../proc/devices.ts";
import { KernelTree } from "../../proc/tree.ts";
import { FilesystemReader, filesystemsOnDisks } from "./filesystems.ts";

const mount = (path: string, source: string, rest: Partial<Mount> = {}): Mount => ({
	...{ path, source, root: "/", type: "ext4", ...rest },
});
const STAT = { bsize: 512, blocks: 100, bfree: 50, bavail: 50, files: 10, ffree: 5 };

describe("filesystemsOnDisks", () => {
	it("takes each device once, the whole of it before a part, the shorter path before the longer", () => {
		const mounts = [
			mount("/srv/part", "/dev/b", { root: "/part" }),
			mount("/srv/whole", "/dev/b"),
			mount("/srv/whole/again", "/dev/b"),
			mount("/longer/part", "/dev/c", { root: "/x" }),
			mount("/part", "/dev/c", { root: "/y" }),
		];
		assert.deepEqual(
			filesystemsOnDisks(mounts).map(({ path }) => path),
			["/part", "/srv/whole"],
		);
	});

	it("takes the first 64 by their paths, and none whose path is too long for a tag", () => {
		const many = Array.from({ length: 100 }, (_, n) => mount(`/m${String(n).padStart(3, "0")}`, `/dev/${n}`));
		const found = filesystemsOnDisks([mount(`/${"x".repeat(300)}`, "/dev/long"), ...many.toReversed()]);
		assert.equal(found.length, 64);
		assert.deepEqual([found[0]?.path, found.at(-1)?.path], ["/m000", "/m063"]);
	});
});

describe("FilesystemReader", () => {
	it("asks no other filesystem while one hangs, so that Node's few threads are not all taken", async () => {
		await using temp = await tempFolder();
		await mkdir(temp.file("proc/self"), { recursive: true });
		const lines = ["a", "b", "c"].map((name) => `1 0 8:1 / /${name} rw - ext4 /dev/${name} rw`);
		await writeFile(temp.file("proc/self/mountinfo"), lines.join("\n"));
		const hung = Promise.withResolvers<typeof STAT>();
		const asked: string[] = [];
		const reader = new FilesystemReader({
			...{ host: "h", tree: new KernelTree(temp.path), timeoutMs: 20 },
			statfs: (path) => {
				asked.push(path);
				return path === "/b" ? hung.promise : Promise.resolve(STAT);
			},
		});
		const mounts = async () => (await reader.read(1n)).map(({ tags }) => tags["mount"]);
		assert.deepEqual(await mounts(), ["/a"]);
		assert.deepEqual(await mounts(), []);
		assert.deepEqual(asked, ["/a", "/b"]);
		hung.resolve(STAT);
		await until(async () => (await mounts()).length === 3, { what: "all filesystems" });
	});

	it("reads this host's own root as statfs tells it", async () => {
		const points = await new FilesystemReader({ host: "h", tree: new KernelTree(), timeoutMs: 5000 }).read(1n);
		for (const { fields } of points) {
			const [size, used, available] = ["size_bytes", "used_bytes", "available_bytes"].map((name) =>
				Number(fields[name]),
			);
			assert.ok((used ?? 0) + (available ?? 0) <= (size ?? 0));
		}
	});
});
