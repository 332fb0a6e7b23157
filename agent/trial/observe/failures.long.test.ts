import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FailureType } from "../../../common/failures/failures.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { amount } from "../../../test/support/variants.ts";
import { until } from "../../../test/support/wait.ts";
import type { Clone } from "../clone.ts";
import type { Template } from "../template.ts";
import type { Observation } from "./observation.ts";
import { answersAgain, makeTemplate, type Observed, type ObserveOptions, observe } from "./testing.ts";

/** The titles of all have to be the same. */
const RUNS = amount(2, 5);
const AT_A_TIME = 2;
/** x86: a write to address 0; a loop; interrupts off and halt. To sleep for 1,000 s over and over takes an address, below. */
const CODE = { oops: "31c08900c3", loop: "f390ebfc", halt: "faf4ebfd" };

/** Arms the 6300ESB as its driver would: two stages of half a second, without one to say that all is well. */
const WATCHDOG = `
	for device in /sys/bus/pci/devices/*; do [ $(cat $device/device) = 0x25ab ] && break; done
	echo 1 > $device/enable
	base=$(head -n 1 $device/resource | cut -d ' ' -f 1)
	set_register() { devmem $((base + 12)) 16 0x80; devmem $((base + 12)) 16 0x86; devmem $((base + $1)) $2 $3; }
	set_register 0 32 500; set_register 4 32 500; set_register 12 16 0x100
	printf '\\003\\000' | dd of=$device/config bs=1 seek=96 conv=notrunc
	printf '\\002' | dd of=$device/config bs=1 seek=104 conv=notrunc
`;

interface Case {
	readonly name: string;
	/** "type: title" of the first failure. */
	readonly expect: string;
	/** What QEMU tells of it. */
	readonly event?: string;
	/** The type of what comes of it. */
	readonly consequence?: FailureType;
	readonly options?: ObserveOptions;
	/** Default 1. */
	readonly vcpus?: number;
	readonly outcome: "failed" | "degraded";
	provoke(observed: Observed): Promise<void>;
	/** Once its failure is seen, until it can be told how it ends. */
	end?(observed: Observed): Promise<void>;
}

const CASES: readonly Case[] = [
	{
		name: "a panic",
		expect: "kernel-panic: kernel panic: sysrq triggered crash",
		outcome: "failed",
		provoke: async ({ tell }) => tell("echo c > /proc/sysrq-trigger"),
	},
	{
		name: "an oops",
		expect: "oops: NULL pointer dereference in sysrq_handle_sync",
		outcome: "failed",
		provoke: async (observed) => {
			await patch(observed, "sysrq_handle_sync", CODE.oops);
			observed.tell("echo s > /proc/sysrq-trigger");
		},
	},
	{
		name: "a processor in a loop",
		expect: "soft-lockup: soft lockup in sysrq_handle_sync",
		outcome: "failed",
		provoke: async (observed) => {
			await observed.shell.run("echo 2 > /proc/sys/kernel/watchdog_thresh");
			await patch(observed, "sysrq_handle_sync", CODE.loop);
			observed.tell("echo s > /proc/sysrq-trigger");
		},
	},
	{
		name: "a task that hangs",
		expect: "hung-task: hung task in ",
		outcome: "failed",
		provoke: async ({ shell, tell }) => {
			await shell.run("cd /proc/sys/kernel; echo 2 > hung_task_timeout_secs; echo 1 > hung_task_check_interval_secs");
			tell("fsfreeze --freeze /mnt; touch /mnt/other");
		},
	},
	{
		name: "tasks that wait for one lock, whose holder never gives it back",
		expect: "deadlock: deadlock in ",
		outcome: "failed",
		provoke: async (observed) => {
			const { shell, tell } = observed;
			await shell.run("cd /proc/sys/kernel; echo 2 > hung_task_timeout_secs; echo 1 > hung_task_check_interval_secs");
			const sleep = await addressOf(observed, "msleep");
			await patch(observed, "ext4_mkdir", (place) => `bf40420f00e8${littleEndian(sleep - (place + 10n), 4)}ebf4`);
			tell("mkdir /mnt/a & mkdir /mnt/b & mkdir /mnt/c &");
		},
	},
	{
		name: "a list in the kernel's memory that does not hang together",
		expect: "memory-corruption: list corruption in ",
		outcome: "failed",
		provoke: async (observed) => {
			await patch(observed, "modules", (place) => littleEndian(place, 8));
			observed.tell("insmod /modules/$(head -n 1 /modules/order).ko");
		},
	},
	{
		name: "memory that is not enough",
		expect: "oom-kill: ",
		outcome: "degraded",
		provoke: async ({ tell }) => tell("tail /dev/zero"),
	},
	{
		name: "reads that fail",
		event: "BLOCK_IO_ERROR",
		expect: "io-error: I/O error on vda",
		outcome: "degraded",
		provoke: async ({ clone, tell }) => {
			await failing(clone, "read");
			tell("dd if=/dev/vda of=/dev/null bs=4k count=1 skip=5000 iflag=direct");
		},
	},
	{
		name: "writes that fail",
		event: "BLOCK_IO_ERROR",
		expect: "io-error: I/O error on vda",
		consequence: "remount-read-only",
		outcome: "failed",
		provoke: async ({ clone, tell }) => {
			await failing(clone, "write");
			tell("dd if=/dev/zero of=/mnt/file bs=64k count=16; sync; touch /mnt/other; sync");
		},
	},
	{
		name: "a filesystem with an error",
		expect: "filesystem-error: EXT4-fs error in trigger_test_error",
		outcome: "degraded",
		provoke: async ({ shell }) => void (await shell.run("echo 1 > /sys/fs/ext4/vda/trigger_fs_error")),
	},
	{
		name: "a filesystem that is made read-only by one",
		expect: "filesystem-error: EXT4-fs error in trigger_test_error",
		consequence: "remount-read-only",
		outcome: "failed",
		provoke: async ({ shell }) => {
			await shell.run("mount -o remount,errors=remount-ro /mnt; echo 1 > /sys/fs/ext4/vda/trigger_fs_error");
		},
	},
	{
		name: "a processor that RCU waits for",
		expect: "rcu-stall: RCU stall in uptime_proc_show",
		vcpus: 2,
		outcome: "failed",
		provoke: async (observed) => {
			await observed.shell.run("echo 3 > /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout");
			await patch(observed, "uptime_proc_show", CODE.loop);
			// Processes that end have RCU at work: else it is at rest, and waits for nobody.
			observed.tell("(while :; do /bin/true; sleep 0.1; done) & cat /proc/uptime");
		},
	},
	{
		name: "a machine that stood still for long",
		expect: "soft-lockup: soft lockup after the machine stood still",
		options: { probes: "{ name: web, http: { address: 10.0.2.15 }, every: 300ms, failures: 1000 }" },
		outcome: "degraded",
		provoke: async ({ clone, shell, observer }) => {
			// One that idles is excused: when it wakes, its watchdog is fed before it looks. Of others most notice, not each every time.
			await shell.run(`echo 1 > /proc/sys/kernel/watchdog_thresh
				while :; do :; done </dev/null >/dev/null 2>&1 & echo $! > /tmp/busy`);
			const hasNoticed = async () => {
				process.kill(clone.process.id.pid, "SIGSTOP");
				await sleep(8000);
				process.kill(clone.process.id.pid, "SIGCONT");
				await shell.run("sleep 1");
				return observer.failures.length > 0;
			};
			await until(hasNoticed, { what: "the guest notices", timeoutMs: 90_000 });
			await shell.run("kill $(cat /tmp/busy)");
		},
		end: async ({ observer }) => await answersAgain(observer, "web"),
	},
	{
		name: "a watchdog that nobody feeds",
		event: "WATCHDOG",
		expect: "watchdog: watchdog expired: pause",
		outcome: "failed",
		provoke: async ({ tell }) => tell(WATCHDOG),
	},
	{
		name: "a guest that neither does anything nor is woken",
		expect: "silence: silence",
		outcome: "failed",
		provoke: async (observed) => {
			await patch(observed, "sysrq_handle_sync", CODE.halt);
			observed.tell("echo 0 > /proc/sys/kernel/printk; echo s > /proc/sysrq-trigger");
		},
	},
	{
		name: "a service whose clients wait",
		expect: "performance-collapse: performance collapse: probe web latency",
		options: {
			probes: "{ name: web, http: { address: 10.0.2.15 }, every: 200ms, timeout: 10s }",
			// What is usual here depends on how much else this host has to do.
			usualMs: { "probe web": 50 },
		},
		outcome: "failed",
		provoke: async ({ clone }) => {
			for (const { toClone } of clone.ports) toClone.delayMs = 1200;
		},
	},
	{
		name: "a reboot",
		event: "SHUTDOWN",
		expect: "reboot: rebooted by the guest",
		outcome: "failed",
		provoke: async ({ tell }) => tell("reboot -f"),
	},
	{
		name: "a guest that switches itself off",
		event: "SHUTDOWN",
		expect: "reboot: shut down by the guest",
		outcome: "failed",
		provoke: async ({ tell }) => tell("poweroff -f"),
	},
	{
		name: "QEMU that crashes",
		expect: "unclassified: QEMU was ended by SIGSEGV",
		outcome: "failed",
		provoke: async ({ clone }) => void process.kill(clone.process.id.pid, "SIGSEGV"),
	},
	{
		name: "a service that goes away",
		expect: "probe-failure: probe failed: web",
		options: { probes: "{ name: web, http: { address: 10.0.2.15 }, every: 300ms, failures: 2 }", quietMs: 500 },
		outcome: "failed",
		provoke: async ({ observer, shell }) => {
			await answersAgain(observer, "web");
			await shell.run("killall httpd");
		},
	},
];

describe("failures of a real guest, provoked and observed", needsGuest(), () => {
	let resources: AsyncDisposableStack;
	const templates = new Map<number, Promise<Template>>();

	before(() => {
		resources = new AsyncDisposableStack();
	});
	after(async () => await resources.disposeAsync());

	for (const each of CASES) {
		it(`tells ${each.name}, by one title every time`, async () => {
			const { vcpus = 1 } = each;
			const made = templates.get(vcpus) ?? makeTemplate(resources, vcpus);
			templates.set(vcpus, made);
			const template = await made;
			const seen = await times(RUNS, AT_A_TIME, async () => await provoked(template, each));
			for (const { failures, failedMs, isDegraded, events } of seen) {
				const told = events.map(({ event }) => event);
				assert.ok(each.event === undefined || told.includes(each.event), told.join(", "));
				const [first] = failures;
				assert.ok(`${first?.type}: ${first?.title}`.startsWith(each.expect), JSON.stringify(failures, null, 1));
				const consequences = first?.consequences.map(({ type }) => type) ?? [];
				assert.ok(each.consequence === undefined || consequences.includes(each.consequence), consequences.join(", "));
				const outcome = failedMs !== null ? "failed" : isDegraded ? "degraded" : "survived";
				assert.equal(outcome, each.outcome, JSON.stringify(failures, null, 1));
			}
			const titles = new Set(seen.map(({ failures }) => failures[0]?.title));
			assert.equal(titles.size, 1, [...titles].join("; "));
		});
	}

	it("takes QEMU that is killed for no failure of the guest, unless that had failed before", async () => {
		const made = templates.get(1) ?? makeTemplate(resources);
		templates.set(1, made);
		await using killed = await observe(await made);
		process.kill(killed.clone.process.id.pid, "SIGKILL");
		await killed.clone.loss.happened;
		const { lost, ...seen } = await killed.observer.stop();
		assert.match(lost ?? "", /^QEMU was killed by something on this host/);
		assert.deepEqual([seen.failures, seen.failedMs, seen.isDegraded], [[], null, false]);
		await using panicked = await observe(await made);
		panicked.tell("echo c > /proc/sysrq-trigger");
		await panicked.observer.failed;
		process.kill(panicked.clone.process.id.pid, "SIGKILL");
		await panicked.clone.loss.happened;
		const failed = await panicked.observer.stop();
		assert.equal(failed.failures[0]?.title, "kernel panic: sysrq triggered crash");
		assert.ok(failed.lost === null && failed.failedMs !== null);
	});
});

async function provoked(template: Template, each: Case): Promise<Observation> {
	const { options, provoke, expect, event, consequence, end } = each;
	await using observed = await observe(template, options);
	const { observer, clone } = observed;
	const told = new Set<string>();
	clone.qmp.onEvent((each) => told.add(each.event));
	await provoke(observed);
	// Time in which this host did not let it run does not count as silence.
	const seen = async (what: string, isSeen: () => boolean) =>
		await until(isSeen, { what: `${what} is seen; the console: ${clone.console().slice(-2000)}`, timeoutMs: 120_000 });
	await seen(expect, () => observer.failures.length > 0);
	if (event !== undefined) await seen(event, () => told.has(event));
	if (consequence !== undefined) {
		await seen(consequence, () => observer.failures[0]?.consequences.some(({ type }) => type === consequence) === true);
	}
	await end?.(observed);
	// What else comes of it.
	await Promise.race([observer.failed, sleep(2000)]);
	await sleep(500);
	return await observer.stop();
}

async function times<T>(count: number, atATime: number, work: () => Promise<T>): Promise<T[]> {
	const results: T[] = [];
	let begun = 0;
	const next = async (): Promise<void> => {
		while (begun++ < count) results.push(await work());
	};
	// One that fails ends when the others have, so that nothing of it is left to those that come then.
	const ended = await Promise.allSettled(Array.from({ length: atATime }, next));
	for (const each of ended) if (each.status === "rejected") throw each.reason;
	return results;
}

/** Requests of a kind that fail from now on. */
async function failing({ qmp }: Clone, iotype: string): Promise<void> {
	const rule = { event: "none", iotype, errno: 5 };
	const node = { driver: "blkdebug", "node-name": "failing", image: "disk0-format", "inject-error": [rule] };
	await qmp.execute("blockdev-add", node);
	await qmp.execute("qom-set", { path: "/machine/peripheral/disk0", property: "drive", value: "failing" });
}

/** Writes over a function of the guest's kernel, or its data, by QEMU's debugger. @param code in hexadecimal. */
async function patch(observed: Observed, name: string, code: string | ((place: bigint) => string)): Promise<void> {
	const { clone } = observed;
	const place = await addressOf(observed, name);
	const bytes = typeof code === "string" ? code : code(place);
	await clone.qmp.execute("human-monitor-command", { "command-line": "gdbserver unix:gdb,server=on,wait=off" });
	const socket = connect(`${clone.folder}/gdb`);
	let said = "";
	socket.on("data", (some) => {
		said += some;
	});
	const say = (body: string) => {
		const sum = [...body].reduce((all, letter) => (all + letter.charCodeAt(0)) & 0xff, 0);
		socket.write(`$${body}#${sum.toString(16).padStart(2, "0")}`);
	};
	say(`M${place.toString(16)},${(bytes.length / 2).toString(16)}:${bytes}`);
	await until(() => said.includes("$OK#"), { what: `the debugger has written: ${said}` });
	say("D");
	await until(() => said.split("$OK#").length > 2, { what: `the debugger has let go: ${said}` });
	socket.destroy();
	await clone.qmp.execute("cont");
}

async function addressOf({ shell }: Observed, name: string): Promise<bigint> {
	const [address] = (await shell.run(`grep -E ' ${name}([[:space:]]|$)' /proc/kallsyms`)).split(" ");
	return BigInt(`0x${address}`);
}

function littleEndian(value: bigint, bytes: number): string {
	const buffer = Buffer.alloc(8);
	buffer.writeBigInt64LE(BigInt.asIntN(64, value));
	return buffer.toString("hex", 0, bytes);
}
