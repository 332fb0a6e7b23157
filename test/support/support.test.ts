import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { listening, startProgram } from "./processes.ts";
import { needs } from "./requires.ts";
import { tempFolder } from "./temp.ts";
import { until } from "./wait.ts";

describe("until", () => {
	it("returns the first answer that is neither false nor undefined, be it 0", async () => {
		const answers = [undefined, false, 0];
		assert.equal(await until(() => answers.shift(), { what: "zero", intervalMs: 1 }), 0);
	});

	it("looks once more where the time went by while nobody looked", async () => {
		let looks = 0;
		const standStill = () => {
			const end = performance.now() + 30;
			while (performance.now() < end);
			return ++looks > 1;
		};
		assert.equal(await until(standStill, { what: "it", timeoutMs: 20, intervalMs: 1 }), true);
	});

	it("names what it waited for in vain", async () => {
		await assert.rejects(
			until(() => false, { what: "the moon", timeoutMs: 20, intervalMs: 1 }),
			(error) => isUmbraError(error, "unavailable") && /the moon/.test(error.message),
		);
	});

	it("passes on what the condition throws", async () => {
		await assert.rejects(
			until(() => Promise.reject(new RangeError("no")), { what: "anything" }),
			RangeError,
		);
	});
});

describe("startProgram", () => {
	it("keeps the output, waits for what is said and tells the exit code", async () => {
		await using program = await startProgram("sh", ["-c", 'echo "ready on port 4711"; echo oops >&2; exit 7']);
		assert.equal((await program.said(/port (\d+)/))[1], "4711");
		assert.equal(await program.finished, 7);
		assert.equal(program.stdout(), "ready on port 4711\n");
		assert.match(program.output(), /oops/);
	});

	it("fails at once, with the output, where the program ends without saying it", async () => {
		await using program = await startProgram("sh", ["-c", "echo 'cannot bind'"]);
		await assert.rejects(
			program.said(/ready/),
			(error) => isUmbraError(error, "unavailable") && /cannot bind/.test(error.message),
		);
	});

	it("kills it when it is disposed of", async () => {
		let pid: number;
		{
			await using program = await startProgram("sleep", ["600"]);
			pid = program.pid;
			assert.ok(existsSync(`/proc/${pid}`));
		}
		assert.ok(!existsSync(`/proc/${pid}`));
	});

	it("does not leave it behind when this process is killed", needs("setpriv"), async () => {
		const script = `import { startProgram } from ${JSON.stringify(`${import.meta.dirname}/processes.ts`)};
			const child = await startProgram("sleep", ["600"]); console.log("child " + child.pid);`;
		const parent = await startProgram(process.execPath, ["--input-type=module", "--eval", script]);
		const pid = (await parent.said(/child (\d+)\n/))[1];
		// Begun as another program, which asks the kernel for it first.
		await until(() => readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n", { what: "the child" });
		await parent.kill();
		await until(() => !existsSync(`/proc/${pid}`), { what: "the child's end" });
	});

	it("says which program is not there", async () => {
		await assert.rejects(startProgram("no-such-program", []), (error) => isUmbraError(error, "not-found"));
	});
});

describe("listening", () => {
	it("waits for a unix socket", async () => {
		await using temp = await tempFolder();
		const path = temp.file("s.sock");
		const waiting = listening(path);
		const server = createServer().listen(path);
		await waiting;
		server.close();
		await assert.rejects(listening(temp.file("other.sock"), { timeoutMs: 30 }), (error) =>
			isUmbraError(error, "unavailable"),
		);
	});
});

describe("needs", () => {
	it("skips with the programs' names, and throws in CI", () => {
		const before = process.env["CI"];
		try {
			delete process.env["CI"];
			assert.deepEqual(needs("sh"), { skip: false });
			assert.match(String(needs("sh", "no-such-program").skip), /^missing: no-such-program;/);
			process.env["CI"] = "1";
			assert.throws(() => needs("no-such-program"), /missing: no-such-program/);
		} finally {
			if (before === undefined) delete process.env["CI"];
			else process.env["CI"] = before;
		}
	});
});

describe("tempFolder", () => {
	it("goes with its block", async () => {
		let path: string;
		{
			await using temp = await tempFolder();
			path = temp.path;
			assert.ok(existsSync(path));
		}
		assert.ok(!existsSync(path));
	});
});
