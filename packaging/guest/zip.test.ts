import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { needsGuest } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { GUEST_CACHE } from "./kernel.ts";
import { runProgram } from "./programs.ts";
import { zip } from "./zip.ts";

describe("zip", needsGuest(), () => {
	it("writes what busybox unzips to the same files", async () => {
		await using temp = await tempFolder();
		const files = { "[Content_Types].xml": "<Types/>", "word/document.xml": "ä text ".repeat(5000), empty: "" };
		await writeFile(temp.file("a.docx"), zip(files));
		await runProgram(join(GUEST_CACHE, "busybox"), ["unzip", "-q", temp.file("a.docx"), "-d", temp.file("out")]);
		for (const [path, text] of Object.entries(files)) {
			assert.equal(await runProgram("cat", [temp.file(join("out", path))]), text);
		}
	});
});
