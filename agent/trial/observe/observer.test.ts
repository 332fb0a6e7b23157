import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloneReport } from "../../../common/trial/report.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { until } from "../../../test/support/wait.ts";
import { answersAgain, makeTemplate, observe, probeOf } from "./testing.ts";

const PROBES = `
	{ name: web, http: { contains: well }, every: 300ms, timeout: 2s, failures: 2 },
	{ name: bare port, tcp: { address: 10.0.2.15, port: 80 }, every: 1s, failures: 1000 },
	{ name: nobody there, tcp: { port: 81 }, every: 200ms },
	{ name: over IPv6, tcp: { address: "fd00::1", port: 80 } },
	{ name: queue, command: { run: [/bin/true] } },
	{ name: sound, console: { pattern: "*segfault at*" }, every: 500ms },
`;
const SERIES = [
	...["vm.cpu_usage_percent", "vm.cpu_time", "vm.state", "vm.query_seconds", "vm.memory_bytes", "vm.balloon_rss"],
	...["vm_vcpu.time 0", "vm_disk.wr_bytes disk0", "vm_disk.wr_times disk0", "vm_nic.tx_bytes net0"],
	...["vm_nic.rx_pkts net0", "clone.own_bytes", "clone.shared_bytes", "clone.disk_bytes", "clone.console_bytes"],
];

describe("Observer", needsGuest(), () => {
	it("sees what a clone does, how its probes fare, and how it fails", async () => {
		await using resources = new AsyncDisposableStack();
		const template = await makeTemplate(resources);

		await using well = await observe(template, { probes: PROBES, quietMs: 60_000 });
		const { observer, shell } = well;
		// A guest that has sent nothing yet is not known by its address.
		await shell.run("ping -c 1 10.0.2.2; dd if=/dev/urandom of=/mnt/file bs=64k count=64; sync");
		await answersAgain(observer, "web");
		await shell.run("killall httpd");
		const isRefused = () => observer.failures.length > 0 && /is refused/.test(probeOf(observer, "web").detail);
		await until(isRefused, { what: "its probe fails", timeoutMs: 60_000 });
		await shell.run("httpd -p 80 -h /tmp/www");
		await answersAgain(observer, "web");
		await until(() => observer.seconds >= 8 && probeOf(observer, "web").asked > 8, { what: "it is looked at" });
		const seen = await observer.stop();
		const told = JSON.stringify({ ...seen, screens: seen.screens.length, series: "" }, null, 1);
		assert.deepEqual(
			seen.failures.map(({ type, title }) => `${type}: ${title}`),
			["probe-failure: probe failed: web"],
			told,
		);
		assert.ok(seen.isDegraded && seen.failedMs === null, told);
		const [web, port, nobody, ipv6, queue, sound] = seen.probes;
		assert.ok(web!.failed >= 2 && web!.failedMs !== null && web!.medianMs! > 0, told);
		assert.match(web!.detail, /connection is refused/);
		assert.ok(port!.asked > 2 && port!.failedMs === null, told);
		assert.match(nobody!.problem, /^not as wanted from the beginning, before any stress: .*refused/);
		assert.match(ipv6!.problem, /over IPv4 only/);
		assert.match(queue!.problem, /no agent/);
		assert.ok(sound!.asked > 5 && sound!.failed === 0, told);
		for (const name of SERIES) {
			const row = seen.series.values[name] ?? [];
			const values = row.slice(1).filter((value) => value !== null);
			// On a host that has no time, some are left out.
			assert.ok(values.length >= 4, `${name}: ${JSON.stringify(row)}`);
		}
		assert.ok(seen.diskBytes >= 4 * 2 ** 20 && seen.memoryBytes! > 2 ** 20, told);
		assert.equal(seen.screens.length, 2, "one at the failure, one at the end");
		assert.equal(Buffer.from(seen.screens[0]!.png, "base64").toString("latin1", 1, 4), "PNG");
		assert.equal(cloneReport.shape.series.safeParse(seen.series).success, true);
		await well[Symbol.asyncDispose]();

		await using failing = await observe(template);
		failing.tell("echo c > /proc/sysrq-trigger");
		const { why, atMs } = await failing.observer.failed;
		assert.equal(why, "the guest's kernel panicked");
		await until(() => failing.clone.console().includes("end Kernel panic"), { what: "it has said all" });
		const end = await failing.observer.stop();
		assert.equal(end.failures[0]?.title, "kernel panic: sysrq triggered crash", JSON.stringify(end.failures));
		assert.ok(end.failedMs !== null && end.failedMs <= atMs && !end.isDegraded);
		assert.match(end.console, /Kernel panic - not syncing/);
	});
});
