import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { Collector } from "../../collector/collector.ts";
import { collectorConfig } from "../../collector/config.ts";
import { fileChange, TestAgent, TestVm } from "../../collector/ingest/test-agent.ts";
import { BLOCK_SIZE } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { v1 } from "../../proto/service.ts";
import { startUmbra } from "../../test/support/processes.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { CollectorClient, vmPath } from "../collector-client.ts";
import { type PathVersion, pathHistory } from "./path-history.ts";
import { restoreTree } from "./tree.ts";

const { FILE_CHANGE_CREATED, FILE_CHANGE_DELETED, FILE_CHANGE_RENAMED } = v1.FileChangeKind;
const [HOSTS, OLD] = ["/etc/hosts", "/etc/hosts.old"];

describe("pathHistory", needs("mke2fs", "debugfs", "sfdisk"), () => {
	it("lists every version across renames and dropped points, and each can be given back", async () => {
		await using temp = await tempFolder();
		const listen = { agents: "127.0.0.1:0", api: "127.0.0.1:0" };
		const config = collectorConfig.parse({ dataDir: temp.file("data"), listen });
		await using collector = await Collector.start(config, silentLogger());
		await using agent = new TestAgent(collector.agentAddress);
		const url = `http://${collector.apiAddress}`;
		const client = await CollectorClient.from({ collector: url });
		const image = temp.file("image");
		await runProgram("truncate", ["-s", "5M", image]);
		await runProgram("sfdisk", ["-q", image], { input: "label: dos\nstart=2048, size=8192, type=83\n" });
		await runProgram("mke2fs", ["-q", "-t", "ext4", "-E", "offset=1048576", image, "4m"]);
		const debugfs = async (...commands: readonly string[]) => {
			await writeFile(temp.file("commands"), `${commands.join("\n")}\n`);
			await runProgram("debugfs", ["-w", "-f", temp.file("commands"), `${image}?offset=1048576`]);
		};
		const vm = new TestVm("web", { vda: (5 << 20) / BLOCK_SIZE });
		const times: string[] = [];
		const capture = async (...files: Parameters<typeof fileChange>[]) => {
			(await readFile(image)).copy(vm.disks.get("vda")!);
			await vm.capture(
				agent,
				files.map(([path, more]) => fileChange(path, more)),
			);
			times.push(String(vm.timeNs));
		};
		const write = async (path: string, text: string) => {
			await writeFile(temp.file("local"), text);
			await debugfs(`write ${temp.file("local")} ${path}`);
		};
		await debugfs("mkdir /etc");
		await write(HOSTS, "zero");
		await capture();
		await debugfs(`rm ${HOSTS}`);
		await write(HOSTS, "first");
		await capture([HOSTS, {}]);
		await debugfs(`rm ${HOSTS}`);
		await write(HOSTS, "second");
		await capture([HOSTS, {}]);
		await write("/other", "other");
		await capture(["/other", { change: FILE_CHANGE_CREATED }]);
		await debugfs(`ln ${HOSTS} ${OLD}`, `unlink ${HOSTS}`);
		await write(HOSTS, "new");
		await capture([OLD, { change: FILE_CHANGE_RENAMED, oldPath: HOSTS }], [HOSTS, { change: FILE_CHANGE_CREATED }]);
		await debugfs(`rm ${OLD}`);
		await capture([OLD, { change: FILE_CHANGE_DELETED }]);

		const history = async (path: string, time = "latest") => {
			const versions = await pathHistory({ client, vm: "web", time, path, disk: undefined, volume: undefined });
			return versions.map(({ time: at, change, path: name, isThere }) => [times.indexOf(at), change, name, isThere]);
		};
		const whole = [
			[4, "renamed", OLD, true],
			[2, "modified", HOSTS, true],
			[1, "modified", HOSTS, true],
			[0, "first", HOSTS, true],
		];
		assert.deepEqual(await history(OLD), [[5, "deleted", OLD, false], ...whole]);
		const judged = async () =>
			(await client.get<{ changeset: { verdict: unknown } }>(vmPath("web", "changes", times[2]!))).changeset;
		await until(async () => (await judged()).verdict !== null, { what: "it is judged" });
		await client.send("DELETE", vmPath("web", "points", times[2]!));
		const kept = [
			[3, "changed", HOSTS, true],
			[1, "modified", HOSTS, true],
			[0, "first", HOSTS, true],
		];
		assert.deepEqual(await history(OLD), [[5, "deleted", OLD, false], [4, "renamed", OLD, true], ...kept]);
		assert.deepEqual(await history(HOSTS), [[4, "created", HOSTS, true], [4, "moved", HOSTS, false], ...kept]);
		assert.deepEqual(await history(HOSTS, times[3]), kept);
		assert.deepEqual(await history("/other"), [[3, "created", "/other", true]]);
		assert.deepEqual(await history("/nothing"), []);

		await using program = await startUmbra(["browse", "web", OLD, "--history", "--json", "--collector", url]);
		assert.equal(await program.finished, 0, program.output());
		const lines = program.stdout().trim().split("\n");
		const contents = new Map([
			[0, "zero"],
			[1, "first"],
			[3, "second"],
			[4, "second"],
		]);
		const versions = lines.map((line) => JSON.parse(line) as PathVersion).filter(({ isThere }) => isThere);
		assert.equal(versions.length, 4);
		for (const { time, path, disk, volume, size } of versions) {
			const out = temp.file("out");
			await restoreTree({ client, vm: "web", time, path, disk, volume, out, force: true });
			const content = await readFile(out, "utf8");
			assert.equal(content, contents.get(times.indexOf(time)), path);
			if (times.indexOf(time) % 3 === 0) assert.equal(size, content.length);
			await rm(out);
		}
		await using table = await startUmbra(["browse", "web", HOSTS, "--history", "--collector", url]);
		assert.equal(await table.finished, 0, table.output());
		assert.match(table.stdout(), /moved .* \/etc\/hosts -> \/etc\/hosts\.old/);
		assert.match(table.stdout(), /umbra restore web@TIME --path PATH OUT gives one back/);
		await using none = await startUmbra(["browse", "web", "/nothing", "--history", "--collector", url]);
		assert.equal(await none.finished, 3, none.output());
	});
});
