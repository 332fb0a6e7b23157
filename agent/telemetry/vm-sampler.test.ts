import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { UmbraError } from "../../common/errors.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import { until } from "../../test/support/wait.ts";
import type { Machine, MachineReading } from "../hypervisor/hypervisor.ts";
import { RoundLog } from "./round-log.ts";
import { memoryUsedPercent, vcpuShares, vcpuTimes } from "./vm-rates.ts";
import { VmSampler } from "./vm-sampler.ts";

const INTERVAL_MS = 40;
const TIMEOUT_MS = 100;

const reading = (vcpus: Readonly<Record<string, { time?: number; delay?: number }>> = {}): MachineReading => ({
	vm: { state: 1, balloon_available: 1000, balloon_usable: 250 },
	vcpus: new Map(Object.entries(vcpus)),
	disks: new Map([["vda", { rd_bytes: 5 }]]),
	nics: new Map([["net0", { rx_bytes: 6 }]]),
});

/** A stand-in for a hypervisor's machine: it can be read when and how the test says. */
class Stage implements AsyncDisposable {
	readonly ended = new AbortController();
	readonly stop = new AbortController();
	readonly points: Point[] = [];
	readonly lines: string[] = [];
	readonly rounds = new RoundLog();
	asked = 0;
	read: () => Promise<MachineReading> = async () => reading();
	readonly run: Promise<void>;

	constructor() {
		const unused = () => Promise.reject(new UmbraError("internal", "a stand-in can only be read"));
		const machine: Machine = {
			...{ name: "web", uuid: "", gone: this.ended.signal },
			...{ state: unused, disks: unused, openSnapshot: unused },
			read: () => {
				this.asked++;
				return this.read();
			},
		};
		this.run = new VmSampler({
			...{ machine, host: "h", intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, rounds: this.rounds },
			request: { intervalSeconds: 1, dirtyRate: false },
			send: (points) => this.points.push(...points),
			log: pino({ level: "info" }, { write: (line: string) => void this.lines.push(JSON.parse(line).msg) }),
		}).run(this.stop.signal);
	}

	ups(): (number | string | undefined)[] {
		return this.points.filter(({ measurement }) => measurement === "vm").map(({ fields }) => fields["up"]);
	}

	async more(count: number): Promise<void> {
		const wanted = this.points.length + count;
		await until(() => this.points.length >= wanted, { what: `${count} more points`, intervalMs: 2 });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.stop.abort();
		await this.run;
	}
}

describe("VmSampler", () => {
	it("sends what was read with what was derived of it, under one time, until it is stopped", async () => {
		await using stage = new Stage();
		await stage.more(6);
		stage.stop.abort();
		await stage.run;
		const [vm, disk, nic] = stage.points;
		const tags = { host: "h", vm: "web" };
		assert.deepEqual(vm?.tags, tags);
		assert.deepEqual(vm.fields, {
			...{ state: 1, balloon_available: 1000, balloon_usable: 250, up: 1, memory_used_percent: 75 },
		});
		assert.deepEqual(disk, {
			measurement: "vm_disk",
			tags: { ...tags, disk: "vda" },
			timeNs: vm.timeNs,
			fields: { rd_bytes: 5 },
		});
		assert.deepEqual(nic, {
			measurement: "vm_nic",
			tags: { ...tags, nic: "net0" },
			timeNs: vm.timeNs,
			fields: { rx_bytes: 6 },
		});
		assert.ok(
			stage.ups().every((up) => up === 1),
			"the end of the agent is not the end of the VM",
		);
		assert.equal(stage.rounds.failures, 0);
	});

	it("calls a machine that does not answer down, asks it no more until it does, and says so once", async () => {
		await using stage = new Stage();
		await stage.more(3);
		const stuck = Promise.withResolvers<MachineReading>();
		stage.read = () => stuck.promise;
		await until(() => stage.ups().filter((up) => up === 0).length >= 4, { what: "four rounds without an answer" });
		const asked = stage.asked;
		await stage.more(2);
		assert.equal(stage.asked, asked, "asked only once while it did not answer");
		assert.equal(stage.lines.filter((line) => line === "cannot read this VM").length, 1);
		assert.ok(stage.rounds.failures >= 4);
		stage.read = async () => reading();
		stuck.resolve(reading());
		await until(() => stage.ups().at(-1) === 1, { what: "the machine is up again" });
		assert.equal(stage.lines.at(-1), "readings of this VM work again");
	});

	it("calls a machine down whose reading fails, and asks again in the next round", async () => {
		await using stage = new Stage();
		stage.read = async () => {
			throw new UmbraError("unavailable", "QEMU says no");
		};
		await stage.more(3);
		assert.deepEqual(stage.ups().slice(0, 3), [0, 0, 0]);
		assert.ok(stage.asked >= 3);
		assert.equal(stage.lines.length, 1);
	});

	it("ends with the machine, with a last word on it", async () => {
		await using stage = new Stage();
		await stage.more(3);
		stage.ended.abort();
		await stage.run;
		const last = stage.points.at(-1);
		assert.deepEqual(last?.fields, { up: 0, state: 0 });
		assert.ok((last?.timeNs ?? 0n) % 1_000_000_000n === 0n);
	});

	it("ends at once while a reading hangs", async () => {
		await using stage = new Stage();
		stage.read = () => new Promise(() => {});
		await until(() => stage.asked > 0, { what: "a reading", intervalMs: 2 });
		stage.stop.abort();
		await stage.run;
		assert.deepEqual(stage.points, []);
	});
});

describe("vcpuShares", () => {
	const shares = (before: Parameters<typeof reading>[0], now: Parameters<typeof reading>[0], elapsedMs = 1000) =>
		vcpuShares(vcpuTimes(reading(before), 0), vcpuTimes(reading(now), elapsedMs));

	it("are of all vCPUs together", () => {
		const now = { 0: { time: 6e8, delay: 1e8 }, 1: { time: 2e8, delay: 0 } };
		const before = { 0: { time: 1e8, delay: 0 }, 1: { time: 1e8, delay: 0 } };
		assert.deepEqual(shares(before, now), { cpu_usage_percent: 30, cpu_steal_percent: 5 });
	});

	it("leave out a vCPU that came, went or began anew, and are never negative or beyond all", () => {
		const before = { 0: { time: 5e9, delay: 5e9 }, 1: { time: 0, delay: 0 }, 2: { time: 0 } };
		const now = { 0: { time: 1e8, delay: 1e8 }, 1: { time: 5e8, delay: 2e8 }, 3: { time: 9e9 } };
		assert.deepEqual(shares(before, now), { cpu_usage_percent: 50, cpu_steal_percent: 20 });
		assert.deepEqual(shares({ 0: { time: 0 } }, { 0: { time: 2e9 } }), {
			...{ cpu_usage_percent: 100, cpu_steal_percent: undefined },
		});
		assert.deepEqual(shares({ 0: { time: 5 } }, { 0: { time: 1 } }), {
			...{ cpu_usage_percent: undefined, cpu_steal_percent: undefined },
		});
	});

	it("are not known where no vCPU or no time has passed", () => {
		assert.equal(shares({}, {}).cpu_usage_percent, undefined);
		assert.equal(shares({ 0: { time: 1 } }, { 0: { time: 2 } }, 0).cpu_usage_percent, undefined);
	});
});

describe("memoryUsedPercent", () => {
	it("needs both numbers, and takes what a guest makes up for what it is worth", () => {
		assert.equal(memoryUsedPercent({ balloon_available: 200, balloon_usable: 50 }), 75);
		assert.equal(memoryUsedPercent({ balloon_available: 200 }), undefined);
		assert.equal(memoryUsedPercent({ balloon_available: 200, balloon_usable: 500 }), 0);
		assert.equal(memoryUsedPercent({ balloon_available: 0, balloon_usable: 0 }), undefined);
	});
});
