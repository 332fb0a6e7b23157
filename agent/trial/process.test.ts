import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { identify, type ProcessOptions, TrialProcess } from "./process.ts";

const CONFINEMENT = { groups: [], nice: 0, ownNetwork: false };
const isRoot = process.getuid?.() === 0;

describe("TrialProcess", needs("setpriv", "unshare"), () => {
	const start = (folder: string, script: string, more: Partial<ProcessOptions> = {}) =>
		TrialProcess.start({
			...{ command: ["sh", "-c", script], folder, mark: folder, stdin: "pipe", log: "log" },
			...{ confinement: CONFINEMENT, maxFileBytes: 0, ...more },
		});

	it("joins its groups, goes behind others, and has nothing of the agent's environment", async () => {
		await using temp = await tempFolder();
		await writeFile(temp.file("procs"), "");
		const confinement = { ...CONFINEMENT, groups: [temp.file("procs")], nice: 7 };
		await using started = await start(temp.path, "nice; env | grep -v ^PWD; exec sleep 0", { confinement });
		assert.equal(await started.finished, 0);
		assert.equal((await readFile(temp.file("procs"), "utf8")).trim(), String(started.id.pid));
		const [nice, ...env] = (await started.said()).split("\n");
		assert.equal(Number(nice), Math.min(19, 7 + Number(await niceOfThis())));
		assert.deepEqual(
			env
				.map((line) => line.split("=")[0])
				.filter((name) => name !== "_")
				.sort(),
			["PATH", "UMBRA_TRIAL"],
		);
	});

	it("writes no file longer than it may", async () => {
		await using temp = await tempFolder();
		await using started = await start(temp.path, "exec dd if=/dev/zero of=long bs=64k count=64", {
			maxFileBytes: 2 ** 20,
		});
		assert.equal(await started.finished, "SIGXFSZ");
		assert.equal((await readFile(temp.file("long"))).length, 2 ** 20);
	});

	it("has no network in one of its own", { skip: isRoot ? false : "only root makes namespaces" }, async () => {
		await using temp = await tempFolder();
		const confinement = { ...CONFINEMENT, ownNetwork: true };
		await using started = await start(temp.path, "tail -n +3 /proc/net/dev; cat /proc/net/route", { confinement });
		assert.equal(await started.finished, 0);
		const lines = (await started.said()).split("\n").map((line) => line.trim().split(/[:\s]/)[0]);
		assert.deepEqual(lines, ["lo"]);
	});

	it("dies with the agent", async () => {
		await using temp = await tempFolder();
		const options = { folder: temp.path, mark: temp.path, stdin: "pipe", log: "log", maxFileBytes: 0 };
		const code = `
			import { TrialProcess } from ${JSON.stringify(join(import.meta.dirname, "process.ts"))};
			const started = await TrialProcess.start({
				...${JSON.stringify({ ...options, confinement: CONFINEMENT })}, command: ["sleep", "1000"],
			});
			console.log(started.id.pid);`;
		const agent = spawn(process.execPath, ["--input-type=module", "-e", code], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		const [line] = (await once(createInterface({ input: agent.stdout! }), "line")) as [string];
		assert.ok(identify(Number(line)) !== undefined);
		agent.kill("SIGKILL");
		await until(() => identify(Number(line)) === undefined, { what: "it is gone" });
	});
});

async function niceOfThis(): Promise<string> {
	const child = spawn("nice", { stdio: ["ignore", "pipe", "inherit"] });
	const [text] = (await once(child.stdout!, "data")) as [Buffer];
	return text.toString();
}
