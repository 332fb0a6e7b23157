import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { tool } from "../../disk/map/test-image.ts";
import { needs } from "../../test/support/requires.ts";
import { until } from "../../test/support/wait.ts";
import { fileChange, random, randomBlock, TestVm } from "../ingest/test-agent.ts";
import { openSite } from "./testing.ts";

const TOKEN = "a-token-of-enough-length";
const run = promisify(execFile);

describe("docs/api.md", needs("curl", "mke2fs"), () => {
	it("has examples that work as they stand", async () => {
		const text = await readFile(join(import.meta.dirname, "../../docs/api.md"), "utf8");
		const [settings = "", ...blocks] = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? "");
		assert.match(settings, /^U=.*\nA=.*token\)"\n$/);
		await using site = await openSite({ token: TOKEN });
		const tree = join(site.folder, "tree");
		await mkdir(join(tree, "etc"), { recursive: true });
		await writeFile(join(tree, "etc", "hostname"), "web1\n");
		const image = join(site.folder, "image");
		await tool("mke2fs", "-q", "-t", "ext4", "-d", tree, image, "4m");
		const vm = new TestVm("web1", { vda: 1 });
		vm.disks.set("vda", await readFile(image));
		for (let at = 0; at < 2; at++) {
			await vm.capture(site.agent, [fileChange("/etc/hostname")]);
			vm.write("vda", 63, randomBlock(random(at)));
		}
		await until(async () => (await site.json("/v1/vms/web1/points")).items.every(isJudged), { what: "verdicts" });

		const folder = join(site.folder, "examples");
		await mkdir(folder);
		await writeFile(join(folder, "token"), `${TOKEN}\n`);
		const commands = blocks
			.join("")
			.split("\n")
			.filter((line) => line !== "" && !line.includes("/v1/events"));
		assert.ok(commands.length > 15);
		const script = ["set -eu", settings.replace(/^U=.*/m, `U=http://${site.collector.apiAddress}`), ...commands];
		const { stdout } = await run("sh", ["-c", script.join("\n")], { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
		assert.match(stdout, /web1\n/, "the content of a file");
		assert.match(stdout, /"kind":"dirty"/);
		assert.match(stdout, /304$/m);
		assert.equal((await readFile(join(folder, "first-64k"))).length, 64 * 1024);
		assert.equal((await readFile(join(folder, "rest"))).length, 4 * 1024 * 1024 - 1024);

		const events = blocks
			.join("")
			.split("\n")
			.filter((line) => line.includes("/v1/events"));
		assert.equal(events.length, 1);
		const following = run("sh", ["-c", [...script.slice(0, 2), `exec ${events[0]}`].join("\n")], { cwd: folder });
		let told = "";
		following.child.stdout?.on("data", (piece: string) => {
			told += piece;
		});
		await until(() => /^event: ready$/m.test(told), { what: "the first event" });
		following.child.kill("SIGTERM");
		await assert.rejects(following);
	});
});

function isJudged({ severity }: { readonly severity: string | null }): boolean {
	return severity !== null;
}
