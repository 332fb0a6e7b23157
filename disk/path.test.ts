import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { needs } from "../test/support/requires.ts";
import { openDisk } from "./disk.ts";
import { TestImage } from "./map/test-image.ts";
import { resolvePath } from "./path.ts";
import { openFile } from "./source/file.ts";

describe("resolvePath", () => {
	it("follows symlinks as the guest would, and ends on circles", needs("mke2fs", "debugfs"), async () => {
		await using image = await TestImage.create("8M", "-t", "ext4");
		await image.debugfs(
			"mkdir /usr",
			"mkdir /usr/lib",
			"symlink /lib usr/lib",
			"symlink /abs /lib/../lib/release",
			"symlink /up ../../../abs",
		);
		await image.write("/usr/lib/release", "12");
		await image.debugfs("symlink /a b", "symlink /b a", "symlink /dangling nowhere");
		await using source = await openFile(image.path);
		const filesystem = await (await openDisk(source)).volumes[0]!.open();
		const resolve = async (path: string, followLast = true) =>
			(await resolvePath(filesystem, path, { followLast })).path;
		assert.equal(await resolve("/lib/release"), "/usr/lib/release");
		assert.equal(await resolve("/up"), "/usr/lib/release");
		assert.equal(await resolve("//usr/./lib/../lib/"), "/usr/lib");
		assert.equal(await resolve("/up", false), "/up");
		assert.equal(await resolve("/lib", false), "/lib");
		assert.equal(await resolve("/lib/release", false), "/usr/lib/release");
		assert.equal(await resolve(""), "/");
		await assert.rejects(resolve("/a"), (error) => isUmbraError(error, "limit"));
		for (const path of ["/dangling", "/usr/lib/release/x", "/nope/x"]) {
			await assert.rejects(resolve(path), (error) => isUmbraError(error, "not-found"), path);
		}
	});
});
