import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { ControlGroups } from "./control-groups.ts";

const LIMITS = { name: "umbra-trials", cpuShare: 0.25, processors: 8, memoryBytes: 2 ** 30 };

describe("ControlGroups", () => {
	it("limits by version 2, and removes what was left", async () => {
		await using root = await tempFolder();
		await writeFile(root.file("cgroup.controllers"), "cpu memory\n");
		await mkdir(join(root.path, LIMITS.name, "left"), { recursive: true });
		const groups = await ControlGroups.open({ ...LIMITS, root: root.path });
		const read = (file: string) => readFile(join(root.path, LIMITS.name, file), "utf8");
		assert.equal(await read("cpu.max"), "200000 100000");
		assert.equal(await read("memory.max"), String(2 ** 30));
		assert.equal(await readFile(root.file("cgroup.subtree_control"), "utf8"), "+cpu +memory");
		assert.ok(!existsSync(join(root.path, LIMITS.name, "left")));
		assert.deepEqual([groups.problems, groups.nice], [[], 0]);
		const own = join(root.path, LIMITS.name, "a-c0");
		{
			await using group = await groups.make("a-c0");
			assert.deepEqual(group.joins, [join(own, "cgroup.procs")]);
			assert.ok(existsSync(own));
		}
		assert.ok(!existsSync(own));
	});

	it("limits by version 1", async () => {
		await using root = await tempFolder();
		for (const name of ["cpu", "memory"]) await mkdir(root.file(name));
		const groups = await ControlGroups.open({ ...LIMITS, root: root.path });
		const read = (...path: string[]) => readFile(join(root.path, ...path), "utf8");
		assert.equal(await read("cpu", LIMITS.name, "cpu.cfs_quota_us"), "200000");
		assert.equal(await read("memory", LIMITS.name, "memory.limit_in_bytes"), String(2 ** 30));
		await using group = await groups.make("x");
		assert.equal(group.joins.length, 2);
	});

	it("says what cannot be limited, and then lets others go first", async () => {
		await using root = await tempFolder();
		await writeFile(root.file("cpu"), "");
		await writeFile(root.file("memory"), "");
		const groups = await ControlGroups.open({ ...LIMITS, root: root.path });
		assert.equal(groups.problems.length, 2);
		assert.ok(groups.nice > 0);
		await using group = await groups.make("x");
		assert.deepEqual(group.joins, []);
	});
});
