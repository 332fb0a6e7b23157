import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../../common/log.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { RefusedLines } from "./refused-lines.ts";

const MIB = 2 ** 20;

describe("RefusedLines", () => {
	it("keeps lines behind their reason, for its user alone", async () => {
		await using folder = await tempFolder();
		const refused = new RefusedLines(folder.path, silentLogger());
		const of = (reason: string, ...lines: string[]) => lines.map((line) => ({ line: Buffer.from(line), reason }));
		await Promise.all([
			refused.add([...of("too old\nby far", "a 1", "b 1"), ...of("no", 'c "x\ny" 1')]),
			refused.add([]),
		]);
		await refused.add(of("no", "d 1"));
		const text = await readFile(folder.file("refused.lp"), "utf8");
		const wanted = '# T too old by far\na 1\nb 1\n# T no\nc "x\ny" 1\n# T no\nd 1\n';
		assert.equal(text.replaceAll(/^# 20\S+Z/gm, "# T"), wanted);
		assert.equal((await stat(folder.file("refused.lp"))).mode & 0o077, 0);
	});

	it("keeps the newest ones only, in two files", async () => {
		await using folder = await tempFolder();
		const refused = new RefusedLines(folder.path, silentLogger());
		const line = Buffer.alloc(8 * MIB, "x");
		for (let round = 0; round < 7; round++) await refused.add([{ line, reason: `round ${round}` }]);
		const newest = await readFile(folder.file("refused.lp"), "utf8");
		const older = await readFile(folder.file("refused.1.lp"), "utf8");
		assert.deepEqual(
			[older, newest].map((text) => text.match(/round \d/g)),
			[["round 4", "round 5"], ["round 6"]],
		);
	});

	it("goes on where the file cannot be written", async () => {
		const refused = new RefusedLines("/proc/none", silentLogger());
		await refused.add([{ line: Buffer.from("a 1"), reason: "no" }]);
	});
});
