import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";

const UMBRA = join(import.meta.dirname, "..", "umbra");

describe("umbra", () => {
	it("says nothing of a reader of its help that goes away", async () => {
		const child = spawn(UMBRA, ["import", "--help"], { stdio: ["ignore", "pipe", "pipe"] });
		// Before the program has come to write.
		child.stdout.destroy();
		let said = "";
		child.stderr.on("data", (bytes: Buffer) => {
			said += bytes.toString();
		});
		const [code] = await once(child, "close");
		assert.deepEqual([code, said], [0, ""]);
	});
});
