import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UmbraError } from "../../../common/errors.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { until } from "../../../test/support/wait.ts";
import type { Template } from "../template.ts";
import type { AskedGuest } from "./asks.ts";
import { makeTemplate, observe } from "./testing.ts";

describe("Observer of a guest over time", needsGuest(), () => {
	let resources: AsyncDisposableStack;
	let template: Template;

	before(async () => {
		resources = new AsyncDisposableStack();
		template = await makeTemplate(resources);
	});
	after(async () => await resources.disposeAsync());

	it("lets clones be that are well, on a host that has too much to do", async () => {
		const hogs = Array.from({ length: 4 }, () => spawn("sh", ["-c", "while :; do :; done"]));
		try {
			const probes = "{ name: web, http: { address: 10.0.2.15 }, every: 500ms }, { name: ssh, tcp: { port: 80 } }";
			const clones = await Promise.all([0, 1].map(() => observe(template, { probes, quietMs: 10_000 })));
			await sleep(45_000);
			for (const { observer, clone } of clones) {
				const { failures, failedMs, isDegraded } = await observer.stop();
				await clone[Symbol.asyncDispose]();
				assert.deepEqual({ failures, failedMs, isDegraded }, { failures: [], failedMs: null, isDegraded: false });
			}
		} finally {
			for (const hog of hogs) hog.kill("SIGKILL");
		}
	});

	it("lets an idle guest be that has nothing that could answer", async () => {
		await using idle = await observe(template);
		// More than silence takes, of seconds in which it was looked at.
		await until(() => idle.observer.seconds >= 38, { what: "it is watched", timeoutMs: 120_000 });
		const { failures, failedMs, isDegraded, series } = await idle.observer.stop();
		assert.deepEqual({ failures, failedMs, isDegraded }, { failures: [], failedMs: null, isDegraded: false });
		assert.ok((series.values["vm.cpu_usage_percent"] ?? []).filter((value) => value !== null).length > 30);
	});

	it("goes on where QEMU's monitor does not answer, and says in the end that it did not", async () => {
		await using stuck = await observe(template);
		const { pid } = stuck.clone.process.id;
		await until(() => stuck.observer.seconds >= 3, { what: "it is watched" });
		process.kill(pid, "SIGSTOP");
		const { seconds } = stuck.observer;
		await until(() => stuck.observer.seconds >= seconds + 6, { what: "it goes on", timeoutMs: 60_000 });
		const { notes, series, failures, failedMs } = await stuck.observer.stop();
		process.kill(pid, "SIGCONT");
		assert.match(notes.join("\n"), /did not say whether the machine runs[\s\S]*screen could not be read/);
		const count = (name: string) => (series.values[name] ?? []).filter((value) => value !== null).length;
		assert.ok(count("clone.console_bytes") >= 7 && count("vm.cpu_usage_percent") >= 7, JSON.stringify(series));
		assert.ok(count("vm.state") <= seconds + 2 && count("vm.state") >= 1, JSON.stringify(series));
		assert.deepEqual([failures, failedMs], [[], null]);
	});

	it("misses an agent that had answered, and a guest that comes back has not failed", async () => {
		let answers = true;
		let answered = 0;
		const guest: AskedGuest = {
			ping: async () => {
				if (!answers) throw new UmbraError("unavailable", "no answer");
				answered++;
				return 1;
			},
			run: async () => ({ exitCode: 0, signal: null, output: "", errors: "" }),
		};
		await using lost = await observe(template, { guest, quietMs: 1000 });
		// A kernel that writes back what was written would be a sign of life.
		await lost.shell.run("ip link set eth0 down; sync; umount /mnt || mount -o remount,ro /mnt");
		await until(() => lost.observer.seconds >= 3, { what: "it is watched" });
		answers = false;
		await until(() => lost.observer.failures.length > 0, { what: "silence is told", timeoutMs: 120_000 });
		answered = 0;
		answers = true;
		await until(() => answered > 0, { what: "it answers again" });
		// That it does is a sign of life for the next look.
		const { seconds } = lost.observer;
		await until(() => lost.observer.seconds > seconds + 1, { what: "it is looked at" });
		const { failures, failedMs, isDegraded, series } = await lost.observer.stop();
		assert.deepEqual(
			failures.map(({ type }) => type),
			["silence"],
		);
		assert.deepEqual([failedMs, isDegraded], [null, true]);
		assert.ok(series.values["clone.agent_ms"]?.includes(1));
	});

	it("shows what stands on the screen, of whatever size, and loads a disk to see what it takes", async () => {
		await using busy = await observe(template);
		// What is written before the first reading is in no second.
		await until(() => busy.observer.seconds >= 2, { what: "it is watched" });
		await busy.shell.run("dd if=/dev/urandom of=/mnt/a bs=64k count=128 conv=fsync; cat /mnt/a > /dev/null");
		const { seconds } = busy.observer;
		await until(() => busy.observer.seconds > seconds + 1, { what: "it is looked at" });
		const { screens, diskBytes, series } = await busy.observer.stop();
		const png = Buffer.from(screens[0]?.png ?? "", "base64");
		const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
		assert.ok(width >= 320 && height >= 200 && png.length <= 128 * 1024, `${width} x ${height}, ${png.length} bytes`);
		assert.ok(diskBytes >= 8 * 2 ** 20 && diskBytes < 12 * 2 ** 20, `${diskBytes}`);
		// Each of the rates is that of the time since the one before: a second, more or less, or those that were left out.
		let written = 0;
		let sinceSeconds = 0;
		for (const rate of series.values["vm_disk.wr_bytes disk0"] ?? []) {
			sinceSeconds++;
			if (rate === null) continue;
			written += rate * sinceSeconds;
			sinceSeconds = 0;
		}
		assert.ok(written >= 0.9 * 8 * 2 ** 20, `${written}`);
	});
});
