import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { parseDiskStats, parseMountInfo, parseNetDev } from "./devices.ts";
import { isHardware, isTap, isUp } from "./nics.ts";
import { parseProcessStat, parseProcessStatus, parseSchedStat, parseTapName } from "./process.ts";
import { parseLoadAverage, parsePressure, parseStat, parseSwapping, parseUptime } from "./system.ts";
import { KernelTree } from "./tree.ts";

describe("the parsers of the host's files", () => {
	it("take what an old kernel leaves out for nothing, and other text for no answer", () => {
		assert.deepEqual(parseStat("cpu  1 2 3 4\nctxt 9\n").cpu, {
			...{ user: 1, nice: 2, system: 3, idle: 4, iowait: 0, irq: 0, softirq: 0, steal: 0, guest: 0, guestNice: 0 },
		});
		for (const text of ["", "\n", "nonsense", "cpu\n", "some avg10=\n"]) {
			assert.deepEqual(parseStat(text), { cpu: undefined, cores: undefined, contextSwitches: undefined });
			assert.equal(parseLoadAverage(text), undefined);
			assert.equal(parseUptime(text), undefined);
			assert.deepEqual(parseSwapping(text), { in: undefined, out: undefined });
			assert.deepEqual(parsePressure(text), { some: undefined, full: undefined });
			assert.deepEqual(parseDiskStats(text), []);
			assert.equal(parseNetDev(text).size, 0);
			assert.deepEqual(parseMountInfo(text), []);
		}
	});

	it("know an interface by what stands before the last colon, also where a number follows at once", () => {
		const row = (name: string) => `${name}:${Array.from({ length: 16 }, (_, n) => n + 1).join(" ")}`;
		const nics = parseNetDev([row("  eth0"), row("eth0:1"), "  short: 1 2 3"].join("\n"));
		assert.deepEqual([...nics.keys()], ["eth0", "eth0:1"]);
		assert.deepEqual(nics.get("eth0"), {
			...{
				rxBytes: 1,
				rxPackets: 2,
				rxErrors: 3,
				rxDropped: 4,
				txBytes: 9,
				txPackets: 10,
				txErrors: 11,
				txDropped: 12,
			},
		});
	});

	it("take mounts with any number of optional fields, and paths with spaces", () => {
		const text = [
			"1 0 8:1 / / rw - ext4 /dev/sda1 rw",
			"2 1 8:2 /a\\040b /mnt/\\134x\\011y rw shared:1 master:2 - xfs /dev/sd\\040b rw",
		];
		assert.deepEqual(parseMountInfo(text.join("\n")), [
			{ path: "/", root: "/", type: "ext4", source: "/dev/sda1" },
			{ path: "/mnt/\\x\ty", root: "/a b", type: "xfs", source: "/dev/sd b" },
		]);
	});
});

describe("the parsers of a process's files", () => {
	it("read a process whose name looks like fields", () => {
		const fields = Array.from({ length: 50 }, (_, at) => at + 4);
		const stat = parseProcessStat(`12 (a) R 1 (b) S ${fields.join(" ")}\n`);
		assert.deepEqual(stat, {
			...{ state: "S", userNs: 14e7, systemNs: 15e7, threads: 20, startedNs: 22e7, ioWaitNs: 42e7 },
		});
	});

	it("have no answer for a process that is gone", () => {
		assert.equal(parseProcessStat(""), undefined);
		assert.equal(parseProcessStat("12 (x) S 1 2 3"), undefined);
		assert.deepEqual(parseProcessStatus(""), { pid: undefined, rssKib: undefined });
		assert.equal(parseSchedStat(""), undefined);
		assert.equal(parseTapName("pos:\t0\nflags:\t02\n"), undefined);
	});

	it("read this process as the kernel tells it", async () => {
		const status = parseProcessStatus(await readFile("/proc/self/status", "utf8"));
		assert.equal(status.pid, process.pid);
		const rss = process.memoryUsage.rss() / 1024;
		assert.ok(Math.abs((status.rssKib ?? 0) - rss) < rss / 2);
		const before = process.cpuUsage();
		const stat = parseProcessStat(await readFile("/proc/self/stat", "utf8"));
		// Both count since the start; the kernel's steps are 10 ms.
		assert.ok(Math.abs((stat?.userNs ?? 0) + (stat?.systemNs ?? 0) - (before.user + before.system) * 1000) < 500e6);
		assert.equal(parseTapName("pos:\t100\niff:\tvnet7\n"), "vnet7");
	});
});

describe("KernelTree", () => {
	it("gives undefined for what is not there or is not told, and reads what is larger than its buffer", async () => {
		await using temp = await tempFolder();
		const tree = new KernelTree(temp.path);
		await mkdir(temp.file("proc"));
		const long = "0123456789".repeat(20_000);
		await writeFile(temp.file("proc/long"), long);
		await writeFile(temp.file("proc/empty"), "");
		assert.equal(tree.text("/proc/long"), long);
		assert.equal(tree.text("/proc/empty"), "");
		assert.equal(tree.text("/proc/none"), undefined);
		assert.equal(tree.text("/proc/long/below"), undefined);
		assert.equal(await tree.textLater("/proc/none"), undefined);
		assert.equal(await tree.textLater("/proc/long"), long);
		assert.deepEqual(tree.names("/proc"), ["empty", "long"]);
		assert.deepEqual(tree.names("/sys"), []);
		assert.equal(tree.link("/proc/long"), undefined);
		await symlink("../x/nvme0", temp.file("proc/link"));
		assert.equal(tree.link("/proc/link"), "../x/nvme0");
	});

	it("fails where the agent itself may not: a folder is no file, a file without end is none that the kernel has", async () => {
		await using temp = await tempFolder();
		const tree = new KernelTree(temp.path);
		await mkdir(temp.file("folder"));
		await writeFile(temp.file("endless"), Buffer.alloc(5 * 2 ** 20));
		for (const path of ["/folder", "/endless"]) {
			assert.throws(
				() => tree.text(path),
				(error) => isUmbraError(error, "unavailable") && error.context.path === path,
			);
		}
	});
});

describe("network interfaces", () => {
	it("are taps by their flags or a macvtap's folder, hardware by their device, and up by their state or carrier", async () => {
		await using temp = await tempFolder();
		const tree = new KernelTree(temp.path);
		const make = async (name: string, files: Readonly<Record<string, string>>) => {
			await mkdir(temp.file(`sys/class/net/${name}`), { recursive: true });
			for (const [file, text] of Object.entries(files))
				await writeFile(temp.file(`sys/class/net/${name}/${file}`), text);
		};
		await make("tap0", { tun_flags: "0x1002\n", operstate: "unknown\n", carrier: "1\n" });
		await make("tun0", { tun_flags: "0x1001\n", operstate: "unknown\n", carrier: "0\n" });
		await make("eth0", { operstate: "lowerlayerdown\n" });
		await symlink("../device", temp.file("sys/class/net/eth0/device"));
		await mkdir(temp.file("sys/class/net/mv0/macvtap/tap4"), { recursive: true });
		const all = ["tap0", "tun0", "eth0", "mv0", "gone"];
		assert.deepEqual(
			all.map((name) => isTap(tree, name)),
			[true, false, false, true, false],
		);
		assert.deepEqual(
			all.map((name) => isHardware(tree, name)),
			[false, false, true, false, false],
		);
		assert.deepEqual(
			all.map((name) => isUp(tree, name)),
			[1, 0, 0, undefined, undefined],
		);
	});
});
