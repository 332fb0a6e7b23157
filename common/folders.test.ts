import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { tempFolder } from "../test/support/temp.ts";
import { makeFolders } from "./folders.ts";

describe("makeFolders", () => {
	it("makes what is missing, and is content with what is there", async () => {
		await using folder = await tempFolder();
		const path = folder.file("a/b/c");
		makeFolders(path, 0o700);
		makeFolders(path);
		for (const each of ["a", "a/b", "a/b/c"]) assert.equal(statSync(folder.file(each)).mode & 0o777, 0o700, each);
		symlinkSync(folder.file("a"), folder.file("link"));
		makeFolders(folder.file("link/d/e"));
		assert.ok(statSync(folder.file("a/d/e")).isDirectory());
	});

	it("says what is in the way", async () => {
		await using folder = await tempFolder();
		writeFileSync(folder.file("file"), "");
		symlinkSync(folder.file("none"), folder.file("link"));
		for (const [name, code] of [
			["file", "ENOTDIR"],
			["file/a", "ENOTDIR"],
			["link", "EEXIST"],
			["link/a", "EEXIST"],
			["\0", "ERR_INVALID_ARG_VALUE"],
		] as const) {
			assert.throws(() => makeFolders(folder.file(name)), { code }, JSON.stringify(name));
		}
	});

	// In a process of its own, which can be ended where it does not end.
	for (const [what, args] of [
		[
			"a folder below /proc",
			["-e", `import("${import.meta.dirname}/folders.ts").then((m) => m.makeFolders("/proc/none/a"))`],
		],
		["umbra grafana render", [`${import.meta.dirname}/../cli/main.ts`, "grafana", "render", "--out", "/proc/none"]],
		["umbra analytics export", [`${import.meta.dirname}/../cli/main.ts`, "analytics", "export", "/proc/none"]],
	] as const) {
		it(`ends where a folder cannot be: ${what}`, async () => {
			const { killed, stderr } = await new Promise<{ killed: boolean; stderr: string }>((settle) =>
				execFile(process.execPath, args, { timeout: 60_000, killSignal: "SIGKILL" }, (error, _stdout, stderr) =>
					settle({ killed: error?.killed ?? false, stderr }),
				),
			);
			assert.equal(killed, false);
			assert.match(stderr, /ENOENT: no such file or directory, mkdir '\/proc\/none'/);
		});
	}
});
