import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSite } from "../collector/api/testing.ts";
import { fileChange, TestVm } from "../collector/ingest/test-agent.ts";
import { type Program, startUmbra } from "../test/support/processes.ts";
import { until } from "../test/support/wait.ts";

const linesOf = (program: Program) => program.stdout().split("\n").slice(0, -1);

describe("--follow", () => {
	it("shows changesets and alerts that are there, then those that come, each once, until it is stopped", async () => {
		await using site = await openSite();
		const umbra = (...args: string[]) =>
			startUmbra([...args, "--follow", "--json", "--collector", `http://${site.collector.apiAddress}`]);
		const vm = new TestVm("web", { vda: 1 });
		const capture = async (path: string) => {
			await vm.capture(site.agent, [fileChange(path)]);
			const { timeNs } = vm;
			const url = `/v1/vms/web/points/${timeNs}`;
			await until(async () => (await site.json(url)).severity !== null, { what: "a verdict" });
			return String(timeNs);
		};
		const times = [await capture("/home/a"), await capture("/etc/passwd")];
		await using changes = await umbra("changes", "web");
		await using alerts = await umbra("alerts");
		await until(() => linesOf(changes).length === 2 && linesOf(alerts).length === 1, { what: "what is there" });
		times.push(await capture("/etc/passwd"));
		// Found again, which is no news; three changesets without it end the alert.
		for (const path of ["/home/b", "/home/c", "/home/d"]) times.push(await capture(path));
		await until(() => linesOf(changes).length >= times.length && linesOf(alerts).length >= 2, { what: "what came" });
		const shown = linesOf(changes).map((line) => JSON.parse(line));
		assert.deepEqual(
			shown.map(({ time }) => time),
			times,
		);
		assert.deepEqual(
			shown.map(({ files }) => files[0].path),
			["/home/a", "/etc/passwd", "/etc/passwd", "/home/b", "/home/c", "/home/d"],
		);
		assert.ok(shown.every(({ verdict }) => verdict !== null));
		assert.deepEqual(
			linesOf(alerts).map((line) => JSON.parse(line).state),
			["firing", "resolved"],
		);
		assert.deepEqual([await changes.kill("SIGINT"), await alerts.kill("SIGINT")], [130, 130]);
	});
});
