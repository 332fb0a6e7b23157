/** A shadow that is begun from snapshots: the agent that meets the VM later goes on from the last of them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { AlertRecord } from "../../collector/catalog/records.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { startUmbra } from "../support/processes.ts";
import { testRandom } from "../support/random.ts";
import { needs } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

describe("umbra import before an agent meets the VM", () => {
	it(
		"is what its first capture builds upon, files and all",
		needs("qemu-system-x86_64", "qemu-img", "qemu-nbd", "mke2fs", "debugfs"),
		async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			const backups = folder.file("backups");
			await mkdir(backups);
			await using image = await TestImage.create("16M", "-t", "ext4", "-O", "^has_journal");
			await image.debugfs("mkdir home");
			await image.write("home/letter.txt", "Dear\n");
			await image.write("home/big.bin", random.bytes(2 ** 20));
			await copyFile(image.path, `${backups}/web-2024-01-01T00:00:00Z.raw`);
			await image.write("home/second.txt", random.bytes(5000));
			await copyFile(image.path, `${backups}/web-2024-01-02T00:00:00Z.raw`);
			await image.debugfs("rm home/letter.txt");
			await image.write("home/letter.txt", random.bytes(20_000));
			await image.write("home/third.txt", "new\n");
			const disk = folder.file("web.raw");
			await copyFile(image.path, disk);

			await mkdir(folder.file("site"));
			await using site = await Site.start({ folder: folder.file("site"), sockets: [folder.file("*.qmp")] });
			const config = ["--config", folder.file("site/agent.yaml")];
			await using program = await startUmbra(["import", "web", backups, "--disk", "vda", ...config]);
			assert.equal(await program.finished, 0, program.output());
			assert.match(program.stdout(), /2024-01-02T00:00:00\.000Z {2}image web-.*: .* read, .* new, \d+ files? changed/);
			assert.match(program.stdout(), /2 points imported, 0 there already, 0 failed/);

			await using machine = await BareMachine.start({
				name: "web",
				folder: folder.path,
				disks: [{ id: "vda", path: disk, format: "raw" }],
			});
			const [first, second, third] = await until(
				async () => {
					const changes = await site.changes("web");
					return changes.length < 3 ? undefined : changes;
				},
				{ what: `the first capture; the agent said: ${site.agent?.output()}`, timeoutMs: 120_000 },
			);
			assert.deepEqual(
				[first, second, third].map((change) => change?.imported?.timeFrom),
				["name", "name", undefined],
			);
			assert.deepEqual([second?.baseId, third?.baseId], [first?.id, second?.id]);
			assert.deepEqual(
				third?.disks.map(({ mode, reason }) => [mode, reason]),
				[["resync", "its last point was imported"]],
			);
			const { changeset, files } = await site.judged("web", third!.time);
			const found = files.filter(({ type }) => type === "file").map(({ change, path }) => `${change} ${path}`);
			assert.deepEqual(found.sort(), ["created /home/third.txt", "modified /home/letter.txt"]);
			assert.equal(changeset.verdict?.score, 0);
			const sha256 = createHash("sha256")
				.update(await readFile(disk))
				.digest("hex");
			assert.equal(await site.restoredSha256("web", third!.time, "vda"), sha256);
			assert.deepEqual(await Array.fromAsync(site.client.list<AlertRecord>("/v1/alerts")), []);

			// From here on it is as any other; what is newer than its newest point is not taken.
			await writeFile(folder.file("block"), random.bytes(65_536));
			await machine.io("vda", `write -s ${folder.file("block")} 8M 64k`);
			const fourth = await site.capture("web");
			assert.deepEqual([fourth.baseId, fourth.disks[0]?.mode], [third!.id, "tracked"]);
			await copyFile(image.path, folder.file("later.raw"));
			await using refused = await startUmbra(["import", "web", folder.file("later.raw"), ...config]);
			assert.equal(await refused.finished, 1, refused.output());
			assert.match(refused.output(), /web is captured by the agent on .*, and this is newer/);
			await using points = await startUmbra(["points", "web", "--collector", site.apiUrl]);
			assert.equal(await points.finished, 0);
			assert.match(points.stdout(), /2024-01-01T00:00:00\.000Z {2}import/);
		},
	);
});
