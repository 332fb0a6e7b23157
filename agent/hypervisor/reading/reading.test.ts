import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { KernelTree } from "../../proc/tree.ts";
import { findBalloon, parseGuestStats } from "./balloon.ts";
import { parseBlockStats } from "./block-stats.ts";
import { findTaps, parseInfoNetwork, readNics } from "./nics.ts";
import { countsIoWait, findProcess, readProcess, readVcpu } from "./threads.ts";
import { parseCpus, parseKvmStats, parseMostCpus } from "./vcpus.ts";

async function frozen(temp: TempFolder, files: Readonly<Record<string, string>>): Promise<KernelTree> {
	for (const [path, text] of Object.entries(files)) {
		await mkdir(dirname(temp.file(path)), { recursive: true });
		await writeFile(temp.file(path), text);
	}
	return new KernelTree(temp.path);
}

describe("parseInfoNetwork", () => {
	it("tells which device ends on which tap, whoever opened it, and leaves out what ends elsewhere", () => {
		const text = [
			"virtio-net-pci.0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56",
			" \\ n0: index=0,type=user,net=10.0.2.0,restrict=off",
			"net1: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:57",
			" \\ hostnet1: index=0,type=tap,ifname=vnet1,script=no,downscript=no",
			"net1: index=1,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:57",
			" \\ hostnet1: index=1,type=tap,ifname=vnet1,script=no,downscript=no",
			"net 2: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:58",
			" \\ n2: index=0,type=tap,fd=34",
			"net3: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:59",
			" \\ n3: index=0,type=tap,helper=/usr/lib/qemu/qemu-bridge-helper,br=br0",
			"net4: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:60",
			"net5: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:61",
			" \\ n5: index=0,type=vhost-user,fd=7",
			"hub 0",
			" \\ hub0port0: index=0,type=hubport,",
			"n9: index=0,type=tap,ifname=tap9,script=no,downscript=no",
		];
		assert.deepEqual(parseInfoNetwork(text.join("\r\n")), [
			{ id: "net1", source: { kind: "name", name: "vnet1" } },
			{ id: "net 2", source: { kind: "descriptor", descriptor: 34 } },
			{ id: "net3", source: { kind: "helper" } },
		]);
		assert.deepEqual(parseInfoNetwork(""), []);
	});
});

describe("findTaps and readNics", () => {
	const nics = [
		{ id: "named", source: { kind: "name", name: "vnet0" } },
		{ id: "given", source: { kind: "descriptor", descriptor: 34 } },
		{ id: "helped", source: { kind: "helper" } },
	] as const;

	it("find what a descriptor and a single helper opened in the process, and swap the directions", async () => {
		await using temp = await tempFolder();
		const row = (from: number) => Array.from({ length: 16 }, (_, n) => from + n).join(" ");
		const tree = await frozen(temp, {
			"proc/7/fdinfo/3": "pos:\t0\n",
			"proc/7/fdinfo/34": "pos:\t0\niff:\tvnet1\n",
			"proc/7/fdinfo/35": "pos:\t0\niff:\tvnet0\n",
			"proc/7/fdinfo/36": "pos:\t0\niff:\tvnet2\n",
			"proc/net/dev": `vnet0: ${row(100)}\nvnet1: ${row(200)}\n`,
			"sys/class/net/vnet0/operstate": "up\n",
		});
		const taps = findTaps(tree, nics, 7);
		assert.deepEqual(
			[...taps],
			[
				["named", "vnet0"],
				["given", "vnet1"],
				["helped", "vnet2"],
			],
		);
		const read = readNics(tree, taps);
		assert.deepEqual([...read.keys()], ["named", "given"]);
		assert.deepEqual(read.get("named"), {
			...{ rx_bytes: 108, rx_pkts: 109, rx_errs: 110, rx_drop: 111 },
			...{ tx_bytes: 100, tx_pkts: 101, tx_errs: 102, tx_drop: 103, up: 1 },
		});
	});

	it("leave out what they cannot tell: no process, several helpers, a tap of nobody known", async () => {
		await using temp = await tempFolder();
		const tree = await frozen(temp, { "proc/7/fdinfo/36": "iff:\tvnet2\n", "proc/7/fdinfo/37": "iff:\tvnet3\n" });
		assert.deepEqual([...findTaps(tree, nics, undefined).keys()], ["named"]);
		assert.deepEqual([...findTaps(tree, nics, 7).keys()], ["named"]);
		const two = [...nics.slice(2), { id: "other", source: { kind: "helper" } } as const];
		assert.deepEqual([...findTaps(tree, two, 7)], []);
		assert.equal(readNics(tree, new Map([["named", "vnet0"]])).size, 0);
	});
});

describe("parseBlockStats", () => {
	const stats = {
		...{ rd_operations: 1, rd_bytes: 2, rd_total_time_ns: 3, wr_operations: 4, wr_bytes: 5, wr_total_time_ns: 6 },
		...{ flush_operations: 7, flush_total_time_ns: 8, rd_merged: 9, wr_merged: 10, unmap_bytes: 11 },
		...{ failed_rd_operations: 1, failed_wr_operations: 2, failed_flush_operations: 4, idle_time_ns: 1.5e9 },
	};
	const below = { stats: { wr_highest_offset: 99 } };
	const disks = new Map([["dev", { id: "vda", size: 1000, allocated: 500 }]]);

	it("takes the highest byte from the image itself, below whatever filters and formats there are", () => {
		const plain = [{ qdev: "dev", stats, parent: below }];
		const filtered = [{ qdev: "dev", stats, parent: { stats: { wr_highest_offset: 5 }, parent: below } }];
		const wanted = {
			...{ rd_reqs: 1, rd_bytes: 2, rd_times: 3, wr_reqs: 4, wr_bytes: 5, wr_times: 6, fl_reqs: 7, fl_times: 8 },
			...{ rd_merged: 9, wr_merged: 10, unmap_bytes: 11, errors: 7, idle_seconds: 1.5 },
			...{ allocation: 99, capacity: 1000, physical: 500 },
		};
		for (const answer of [plain, filtered]) assert.deepEqual(parseBlockStats(answer, disks).get("vda"), wanted);
	});

	it("leaves out devices that are no disks of captures, and what QEMU does not know", () => {
		const { idle_time_ns: _, ...never } = stats;
		const found = parseBlockStats([{ qdev: "cd", stats }, { stats }, { qdev: "dev", stats: never }], disks);
		assert.deepEqual([...found.keys()], ["vda"]);
		assert.equal(found.get("vda")?.idle_seconds, undefined);
		assert.equal(found.get("vda")?.allocation, undefined);
	});

	it("refuses an answer of another shape, and does not follow a graph without end", () => {
		const { rd_bytes: _, ...lacking } = stats;
		for (const answer of [{}, [{ qdev: "dev" }], [{ qdev: "dev", stats: lacking }]]) {
			assert.throws(
				() => parseBlockStats(answer, disks),
				(error) => isUmbraError(error, "unsupported") && error.context.structure === "query-blockstats",
			);
		}
		const ring: Record<string, unknown> = { stats: { wr_highest_offset: 1 } };
		ring["parent"] = ring;
		assert.equal(parseBlockStats([{ qdev: "dev", stats, parent: ring }], disks).get("vda")?.allocation, 1);
	});
});

describe("parseGuestStats", () => {
	it("gives KiB and counts, without what the guest did not tell", () => {
		const stats = {
			...{ "stat-swap-in": 2048, "stat-major-faults": 7, "stat-total-memory": 1024 * 1024 },
			...{ "stat-available-memory": 512, "stat-htlb-pgalloc": 2 ** 64, "stat-new-thing": 5 },
		};
		const fields = parseGuestStats({ "last-update": 1_764_000_000, stats });
		assert.deepEqual(
			Object.entries(fields).filter(([, value]) => value !== undefined),
			[
				["balloon_swap_in", 2],
				["balloon_major_fault", 7],
				["balloon_available", 1024],
				["balloon_usable", 0.5],
				["balloon_last_update", 1_764_000_000],
			],
		);
		assert.deepEqual(parseGuestStats({ "last-update": 0, stats }), {});
		assert.throws(
			() => parseGuestStats({ stats }),
			(error) => isUmbraError(error, "unsupported"),
		);
	});

	it("finds the balloon among other devices", () => {
		const devices = [
			{ name: "type", type: "string" },
			{ name: "net0", type: "child<virtio-net-pci>" },
			{ name: "b", type: "child<virtio-balloon-pci-transitional>" },
		];
		assert.equal(findBalloon("/machine/peripheral", devices), "/machine/peripheral/b");
		assert.equal(findBalloon("/machine/peripheral", devices.slice(0, 2)), undefined);
	});
});

describe("vCPUs", () => {
	it("are taken from QEMU's answers, KVM's statistics by their path", () => {
		const cpus = [{ "cpu-index": 3, "thread-id": 77, "qom-path": "/cpu3", target: "x86_64" }];
		assert.deepEqual(parseCpus(cpus), [{ index: 3, threadId: 77, qomPath: "/cpu3" }]);
		assert.equal(parseMostCpus([{ "vcpus-count": 1 }, { "vcpus-count": 3 }]), 4);
		const kvm = [
			{
				provider: "kvm",
				"qom-path": "/cpu3",
				stats: [
					{ name: "exits", value: 9 },
					{ name: "blocking", value: true },
				],
			},
		];
		assert.deepEqual(parseKvmStats(kvm).get("/cpu3"), { exits: 9, halted: 1 });
		assert.deepEqual(parseKvmStats([{ "qom-path": "/a", stats: [{ name: "exits", value: [1] }] }]).get("/a"), {
			...{ exits: undefined, halted: undefined },
		});
		assert.throws(
			() => parseCpus([{ "cpu-index": 0 }]),
			(error) => isUmbraError(error, "unsupported"),
		);
	});
});

describe("threads", () => {
	const stat = (state: string) => `9 (CPU 0/KVM) ${state} ${Array.from({ length: 50 }, (_, at) => at + 4).join(" ")}\n`;

	it("are read with the scheduler's statistics, or in ticks where the kernel keeps none", async () => {
		await using temp = await tempFolder();
		const tree = await frozen(temp, {
			"proc/7/task/8/stat": stat("R"),
			"proc/7/task/8/schedstat": "123456789 987654 42\n",
			"proc/7/task/9/stat": stat("D"),
		});
		assert.deepEqual(readVcpu(tree, 7, 8, false), { state: 1, time: 123_456_789, delay: 987_654, wait: undefined });
		assert.deepEqual(readVcpu(tree, 7, 9, true), { state: 2, time: 29e7, delay: undefined, wait: 42e7 });
		assert.equal(readVcpu(tree, 7, 10, false), undefined);
		assert.equal(countsIoWait(tree), false);
		await frozen(temp, { "proc/sys/kernel/task_delayacct": "1\n" });
		assert.equal(countsIoWait(tree), true);
	});

	it("belong to a hypervisor, by the name of its process or program", async () => {
		await using temp = await tempFolder();
		const tree = await frozen(temp, {
			"proc/8/status": "Name:\tCPU 0/KVM\nTgid:\t7\nVmRSS:\t 1024 kB\n",
			"proc/7/comm": "web\n",
			"proc/7/cmdline": "/usr/bin/qemu-system-x86_64\0-name\0web,process=web\0",
			"proc/9/status": "Tgid:\t9\n",
			"proc/9/comm": "postgres\n",
			"proc/9/cmdline": "postgres\0-D\0/var/lib/qemu\0",
		});
		assert.equal(findProcess(tree, 8), 7);
		assert.equal(findProcess(tree, 9), undefined);
		assert.equal(findProcess(tree, 10), undefined);
	});

	it("make up a process with its age, memory and processor time", async () => {
		await using temp = await tempFolder();
		const tree = await frozen(temp, {
			"proc/uptime": "10.50 20.00\n",
			"proc/7/stat": stat("S"),
			"proc/7/status": "Tgid:\t7\nVmRSS:\t 1024 kB\n",
		});
		assert.deepEqual(readProcess(tree, 7), {
			...{ uptime_seconds: 10.28, cpu_time: 29e7, cpu_user: 14e7, cpu_system: 15e7, threads: 20, balloon_rss: 1024 },
		});
		assert.deepEqual(readProcess(tree, 8), {});
	});
});
