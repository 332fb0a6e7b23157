/** What real guests do is seen in the telemetry that arrives, and what becomes of one VM does not hide the others. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { definitionOf, isMeasurement, type MeasurementName } from "../../common/measurements/measurements.ts";
import { bootGuest, type Guest, makeDisk } from "../support/guest.ts";
import { needsGuest } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;
const SECOND_NS = 1_000_000_000n;

interface Sample {
	readonly measurement: string;
	readonly tags: Readonly<Record<string, string>>;
	readonly time: string;
	readonly fields: Readonly<Record<string, number>>;
}

/** Keeps all samples that go by: the API gives the newest of each series. */
class Watch implements AsyncDisposable {
	readonly seen = new Map<string, Sample[]>();
	readonly #site: Site;
	readonly #stop = new AbortController();
	readonly #run: Promise<void>;

	constructor(site: Site) {
		this.#site = site;
		this.#run = this.#poll();
	}

	async #poll(): Promise<void> {
		while (!this.#stop.signal.aborted) {
			for await (const sample of this.#site.client.list<Sample>("/v1/telemetry")) {
				const series = `${sample.measurement} ${Object.values(sample.tags).slice(1).join(" ")}`.trim();
				const samples = this.seen.get(series) ?? [];
				if (samples.at(-1)?.time !== sample.time) samples.push(sample);
				this.seen.set(series, samples);
			}
			await sleep(100);
		}
	}

	of(series: string): readonly Sample[] {
		return this.seen.get(series) ?? [];
	}

	value(series: string, field: string): number | undefined {
		return this.of(series).at(-1)?.fields[field];
	}

	/** Waits for a sample of `series`, taken from now on, of which `holds`. */
	async next(series: string, what: string, holds: (fields: Sample["fields"]) => boolean = () => true): Promise<Sample> {
		const from = this.of(series).length;
		return await until(
			() =>
				this.of(series)
					.slice(from)
					.find(({ fields }) => holds(fields)),
			{
				what: `${series}: ${what}; last seen: ${JSON.stringify(this.of(series).at(-1)?.fields)}`,
				timeoutMs: 60_000,
			},
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.#run;
	}
}

async function boot(folder: TempFolder, name: string, extraArgs: readonly string[] = []): Promise<Guest> {
	return await bootGuest({
		folder: folder.file(name),
		disks: [{ path: folder.file(`${name}.qcow2`), format: "qcow2", id: "root" }],
		modules: ["virtio_balloon"],
		extraArgs: ["-device", "virtio-balloon-pci,id=balloon", ...extraArgs],
	});
}

const tells = (path: string): boolean => {
	try {
		return readFileSync(path, "utf8") !== "";
	} catch {
		return false;
	}
};

/** What this host or these guests do not have, and why. Everything else that an agent declares has to arrive. */
function notHere(guest: Guest): Map<string, string> {
	const missing = new Map<string, string>();
	const miss = (why: string, ...fields: readonly string[]) => {
		for (const field of fields) missing.set(field, why);
	};
	miss("a sensor is part of the hardware", "host_temperature");
	miss("the guests' only interface does not end on a tap device", "vm_nic");
	miss("frozen trees hold disks, interfaces and filesystems of all kinds", "host_disk", "host_nic", "host_filesystem");
	if (guest.accelerator === "tcg") miss("KVM counts it", "vm_vcpu.exits", "vm_vcpu.halted");
	if (
		!existsSync("/proc/sys/kernel/task_delayacct") ||
		readFileSync("/proc/sys/kernel/task_delayacct", "utf8") !== "1\n"
	)
		miss("the kernel's delay accounting is off", "vm_vcpu.wait");
	for (const resource of ["cpu", "memory", "io"])
		if (!tells(`/proc/pressure/${resource}`))
			for (const share of ["some", "full"]) miss("PSI is off", `host.pressure_${resource}_${share}_percent`);
	return missing;
}

it("shows what guests do in the telemetry of their VMs, whatever becomes of one of them", needsGuest(), async (t) => {
	await using folder = await tempFolder();
	for (const name of ["busy", "calm"])
		await makeDisk(folder.file(`${name}.qcow2`), { sizeBytes: 128 * MIB, format: "qcow2", seed: 1 });
	await using calm = await boot(folder, "calm", ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"]);
	await using busy = await boot(folder, "busy");
	await using site = await Site.start({
		folder: folder.path,
		sockets: [calm.qmpSocket, busy.qmpSocket],
		agent: { host: "h1", telemetry: { interval: "1s", dirtyRate: true } },
	});
	await using watch = new Watch(site);
	const [vm, disk, vcpu] = ["vm busy", "vm_disk busy root", "vm_vcpu busy 0"] as const;

	// Known bytes: the filesystem adds a little of its own.
	const before = (await watch.next(disk, "a reading")).fields["wr_bytes"] ?? 0;
	await busy.run("dd if=/dev/urandom of=written bs=64k count=64 conv=fsync 2>/dev/null");
	await watch.next(disk, "4 MiB written", ({ wr_bytes = 0 }) => wr_bytes - before >= 4 * MIB);
	const capturing = site.capture("busy");
	await watch.next(disk, "another reading");
	await capturing;
	const wrote = ((await watch.next(disk, "a reading after the capture")).fields["wr_bytes"] ?? 0) - before;
	assert.ok(wrote >= 4 * MIB && wrote < 6 * MIB, `${wrote} bytes`);

	// What the guest's own kernel says of its memory.
	const { balloon_available = 0, balloon_usable = 0 } = (
		await watch.next(vm, "balloon statistics", ({ balloon_last_update = 0 }) => balloon_last_update > 0)
	).fields;
	const total = Number((await busy.run("sed -n 's/MemTotal: *//p' /proc/meminfo")).output.split(" ")[0]);
	assert.equal(balloon_available, total);
	await busy.run("dd if=/dev/zero of=/tmp/memory bs=1M count=64 2>/dev/null");
	const full = await watch.next(vm, "64 MiB less to be had", (fields) => {
		return (fields["balloon_usable"] ?? 0) < balloon_usable - 60 * 1024;
	});
	assert.ok((full.fields["memory_used_percent"] ?? 0) > (1 - balloon_usable / total) * 100 + 20);

	// A loop takes all that the host gives; what it does not give is steal.
	const ran = watch.value(vcpu, "time") ?? 0;
	await busy.run("(while :; do :; done) >/dev/null 2>&1 & echo $! >/tmp/loop");
	const share = ({ cpu_usage_percent = 0, cpu_steal_percent = 0 }: Sample["fields"]) =>
		cpu_usage_percent + cpu_steal_percent;
	await watch.next(vm, "a vCPU that runs or wants to", (fields) => {
		return share(fields) > 85 && (fields["cpu_usage_percent"] ?? 0) > 5;
	});
	await watch.next(vcpu, "more time", ({ time = 0 }) => time - ran > 100e6);
	await busy.run("kill $(cat /tmp/loop)");

	// One that does not answer is down, and only that one.
	process.kill(busy.pid, "SIGSTOP");
	await watch.next(vm, "down", ({ up }) => up === 0);
	const stuckAt = BigInt(watch.of(vm).at(-1)?.time ?? 0);
	for (let n = 0; n < 3; n++) await watch.next("vm calm", "a reading", ({ up }) => up === 1);
	await watch.next("host", "a reading");
	assert.ok(BigInt(watch.of("vm calm").at(-1)?.time ?? 0) > stuckAt + SECOND_NS, "the other one is read as before");
	process.kill(busy.pid, "SIGCONT");
	await watch.next(vm, "up again", ({ up }) => up === 1);

	// Another QEMU under the same name begins to count anew.
	await busy.kill();
	await watch.next(vm, "gone", ({ up, state }) => up === 0 && state === 0);
	await using again = await boot(folder, "busy");
	const fresh = await watch.next(disk, "a new count", ({ wr_bytes = 0 }) => wr_bytes < wrote);
	assert.ok((fresh.fields["wr_bytes"] ?? 0) < 4 * MIB);
	await watch.next(vm, "shares of time", ({ cpu_usage_percent }) => cpu_usage_percent !== undefined);
	await watch.next("agent", "two VMs", ({ vms }) => vms === 2);

	checkNames(watch, notHere(again), (text) => t.diagnostic(text));
});

function checkNames(watch: Watch, missing: ReadonlyMap<string, string>, say: (text: string) => void): void {
	const found = new Set<string>();
	for (const samples of watch.seen.values()) {
		for (const [at, { measurement, tags, time, fields }] of samples.entries()) {
			if (!isMeasurement(measurement)) throw new Error(`nobody declares ${measurement}`);
			const { tags: wanted, fields: known } = definitionOf(measurement);
			assert.deepEqual(Object.keys(tags).sort(), Object.keys(wanted).sort(), measurement);
			assert.equal(tags["host"], "h1");
			assert.equal(BigInt(time) % SECOND_NS, 0n, "on whole seconds");
			assert.ok(at === 0 || BigInt(time) > BigInt(samples[at - 1]?.time ?? 0));
			for (const [field, value] of Object.entries(fields)) {
				assert.ok(Object.hasOwn(known, field), `nobody declares ${measurement}.${field}`);
				if (field.endsWith("_percent")) assert.ok(value >= 0, `${measurement}.${field} ${value}`);
				found.add(`${measurement}.${field}`);
			}
		}
	}
	const own: readonly MeasurementName[] = ["host", "agent", "vm", "vm_vcpu", "vm_disk"];
	const wanted = own.flatMap((name) => Object.keys(definitionOf(name).fields).map((field) => `${name}.${field}`));
	for (const [field, why] of missing) say(`not looked for: ${field}: ${why}`);
	assert.deepEqual(
		wanted.filter((field) => !found.has(field) && !missing.has(field)),
		[],
		"declared, neither here nor explained",
	);
	assert.deepEqual(
		[...missing.keys()].filter((field) => field.includes(".") && found.has(field)),
		[],
		"explained, and here all the same",
	);
}
