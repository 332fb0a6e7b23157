import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { needsGuest } from "../../../test/support/requires.ts";
import { until } from "../../../test/support/wait.ts";
import type { Clone } from "../clone.ts";
import type { CloneShell } from "../testing.ts";
import {
	answeredPings,
	answersWithin,
	comesTo,
	MEMORY_MB,
	pings,
	quickly,
	type Stressed,
	StressGuest,
	timed,
	withLever,
} from "./testing.ts";
import { cpuPercent, usedMemory } from "./usage.ts";

const MIB = 2 ** 20;
const never = new AbortController().signal;
const DISKS = [
	{ disk: "disk0", device: "/dev/vda", mount: "/mnt" },
	{ disk: "disk1", device: "/dev/sda", mount: "/mnt1" },
	{ disk: "disk2", device: "/dev/sdb", mount: "/mnt2" },
] as const;
const SPIN = "for cpu in 0 1; do (while :; do :; done) >/dev/null 2>&1 & done";
const WORK = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done";

const status = async ({ qmp }: Clone) => ((await qmp.execute("query-status")) as { status: string }).status;
/** Requests that failed. A kernel tries some again for seconds. */
const failed = async (shell: CloneShell, command: string, count = 100) =>
	Number(await shell.run(`n=0; for i in $(seq ${count}); do ${command} 2>/dev/null || n=$((n+1)); done; echo $n`));

describe("levers of clones", needsGuest("qemu-nbd"), () => {
	let guest: StressGuest;
	before(async () => {
		guest = await StressGuest.capture(["virtio", "scsi", "ide"]);
	});
	after(async () => {
		await guest?.[Symbol.asyncDispose]();
	});
	const lever = (what: string, work: (stressed: Stressed, context: TestContext) => Promise<void>) =>
		it(what, async (context) => await guest.run((stressed) => work(stressed, context)));

	lever("cpu-share leaves its vCPUs so much and no more", async (stressed, context) => {
		const { clone, shell, sibling } = stressed;
		const plain = await timed(shell, WORK);
		const cpu = () => cpuPercent(clone, 3000, never);
		await shell.run(SPIN);
		await withLever(stressed, "cpu-share", { percent: 10 }, async (change) => {
			const found = await comesTo(cpu, (percent) => percent > 5 && percent < 11);
			context.diagnostic(`10 percent: ${found.toFixed(2)}`);
			await change({ percent: 30 });
			const more = await comesTo(cpu, (percent) => percent > 15 && percent < 32);
			context.diagnostic(`30 percent: ${more.toFixed(2)}`);
			await change({ percent: 5 });
			const slow = await timed(shell, WORK);
			context.diagnostic(`a loop in the guest: ${plain.toFixed(0)} ms, at 5 percent ${slow.toFixed(0)} ms`);
			await quickly(sibling, WORK, slow / 3);
		});
		await comesTo(cpu, (percent) => percent > 10);
	});

	lever("cpu-stall has all vCPUs stand, and the guest notice", async (stressed, context) => {
		const { clone, shell } = stressed;
		await shell.run(longestGap(0));
		const begun = performance.now();
		await withLever(stressed, "cpu-stall", { ms: 1500 }, async () => {
			await status(clone);
			const silentMs = performance.now() - begun;
			context.diagnostic(`its monitor was silent for ${silentMs.toFixed(0)} ms`);
			assert.ok(silentMs >= 1490, `${silentMs}`);
		});
		const gap = await endedGap(shell, 0);
		context.diagnostic(`1500 ms: the longest gap in the guest ${gap} ms`);
		assert.ok(gap >= 1400, `${gap}`);
		assert.equal(await status(clone), "running");
	});

	lever("cpu-stall has one vCPU stand while the other goes on", async (stressed, context) => {
		const { clone, shell } = stressed;
		const stallsOne = async () => {
			for (const vcpu of [0, 1]) await shell.run(longestGap(vcpu));
			let answerMs = 0;
			await withLever(stressed, "cpu-stall", { ms: 1500, vcpu: 1 }, async () => {
				const begun = performance.now();
				await status(clone);
				answerMs = performance.now() - begun;
				await sleep(1700);
			});
			const first = await endedGap(shell, 0);
			const second = await endedGap(shell, 1);
			const told = `the longest gap on 0 ${first} ms, on 1 ${second} ms; its monitor answered after ${answerMs.toFixed(0)} ms`;
			context.diagnostic(`1500 ms of vCPU 1: ${told}`);
			assert.ok(second >= 1400, `${second}`);
			return first < 1400 && answerMs < 1400;
		};
		// Where the host itself stands still, all of it does.
		await until(stallsOne, { what: "one stands while the other goes on", timeoutMs: 60_000 });
		await assert.rejects(withLever(stressed, "cpu-stall", { ms: 10, vcpu: 7 }), {
			code: "bad-config",
			message: /0, 1/,
		});
	});

	lever("cpu-stall of seconds is a soft lockup to the guest", async (stressed) => {
		const { clone, shell } = stressed;
		await shell.run("echo 1 > /proc/sys/kernel/watchdog_thresh");
		await shell.run(SPIN);
		await withLever(stressed, "cpu-stall", { ms: 8000 }, async () => await sleep(8000));
		await until(async () => /soft lockup|rcu.*stall/.test(`${await shell.run("dmesg")}${clone.console()}`), {
			what: "the guest tells of a lockup",
		});
	});

	lever("memory-pressure takes memory and gives it back", async (stressed, context) => {
		const { shell, sibling } = stressed;
		const total = async (of: CloneShell) => Number(await of.run("awk '/MemTotal/ {print $2}' /proc/meminfo"));
		const plain = await total(shell);
		await withLever(stressed, "memory-pressure", { percent: 40 }, async (change) => {
			const left = await total(shell);
			context.diagnostic(`40 percent of ${MEMORY_MB} MiB: ${plain} kB before, ${left} kB left`);
			assert.ok(Math.abs(plain - left - MEMORY_MB * 1024 * 0.4) < 2048, `${left}`);
			await change({ percent: 20 });
			assert.ok((await total(shell)) > left + 30_000);
			assert.equal(await total(sibling), plain);
		});
		assert.equal(await total(shell), plain);
		// More than it can give kills what runs in it, and is told.
		await assert.rejects(withLever(stressed, "memory-pressure", { percent: 95 }), {
			code: "unavailable",
			message: /left; wanted/,
		});
		assert.equal(await total(sibling), plain);
	});

	lever("disk-rate holds each kind of disk back", async (stressed, context) => {
		const { shell, sibling } = stressed;
		for (const { disk, mount, device } of DISKS) {
			const write = `dd if=/dev/zero of=${mount}/scratch bs=64k count=32 oflag=direct conv=notrunc`;
			const reads = `dd if=${device} of=/dev/null bs=4k count=40 iflag=direct`;
			await withLever(stressed, "disk-rate", { disk, bytesPerSecond: MIB }, async (change) => {
				const ms = await quickly(shell, write, 12_000);
				context.diagnostic(`${disk}: 2 MiB at 1 MiB/s in ${ms.toFixed(0)} ms: ${((2 * MIB) / ms).toFixed(0)} kB/s`);
				assert.ok(ms > 1700, `${ms}`);
				await change({ disk, requestsPerSecond: 20 });
				const each = await quickly(shell, reads, 12_000);
				context.diagnostic(`${disk}: 40 requests at 20/s in ${each.toFixed(0)} ms`);
				assert.ok(each > 1700, `${each}`);
				await quickly(sibling, write, 1700);
			});
			await quickly(shell, write, 1700);
		}
	});

	lever("disk-latency answers each request of each kind of disk late, and loses nothing", async (stressed, context) => {
		const { clone, shell } = stressed;
		await shell.run("dd if=/dev/urandom of=/tmp/random bs=64k count=64");
		const sum = await shell.run("md5sum < /tmp/random");
		for (const { disk, device, mount } of DISKS) {
			const reads = (skip: number) => `dd if=${device} of=/dev/null bs=4k count=10 iflag=direct skip=${skip}`;
			await shell.run(`cp /tmp/random ${mount}/before; sync; cp /tmp/random ${mount}/unsynced`);
			const told = await withLever(stressed, "disk-latency", { disk, ms: 0, jitterMs: 0 }, async (change) => {
				const plain = await quickly(shell, reads(10), 1500);
				await change({ disk, ms: 200, jitterMs: 0 });
				const writes = `dd if=/dev/zero of=${mount}/scratch bs=4k count=10 oflag=direct conv=notrunc`;
				const [late, later] = [await quickly(shell, reads(30), plain + 3500), await quickly(shell, writes, 4500)];
				const atOnce = `for i in 1 2 3 4; do ${reads(50)} & done; wait`;
				const queued = await quickly(shell, atOnce, disk === "disk2" ? 60_000 : 6000);
				context.diagnostic(
					`${disk}: ten requests ${plain.toFixed(0)} ms; 200 ms later each: read ${late.toFixed(0)} ms, written ${later.toFixed(0)} ms; four times ten at once ${queued.toFixed(0)} ms`,
				);
				assert.ok(late > 1900 && later > 1900, `${late} ${later}`);
				await change({ disk, ms: 1, jitterMs: 2 });
				await shell.run(`cp /tmp/random ${mount}/during`);
			});
			context.diagnostic(`${disk}: the guest stood ${told["stoodMs"]} ms`);
			const sums = `sync; echo 3 > /proc/sys/vm/drop_caches; for f in before unsynced during; do md5sum < ${mount}/$f; rm ${mount}/$f; done`;
			assert.equal(await shell.run(sums), `${sum}${sum}${sum}`);
			await quickly(shell, reads(70), 1900);
		}
		assert.equal(await shell.run("dmesg | grep -ci error"), "0\n");
		assert.equal(await status(clone), "running");
	});

	lever(
		"disk-errors has so many requests fail, of each kind of disk, also of one that is late",
		async (stressed, context) => {
			const { shell } = stressed;
			const read = (device: string) => `dd if=${device} of=/dev/null bs=4k count=1 skip=$((i*37)) iflag=direct`;
			for (const { disk, device } of DISKS) {
				await withLever(stressed, "disk-errors", { disk, operation: "read", percent: 100 }, async () => {
					assert.equal(await failed(shell, read(device), 2), 2);
				});
				assert.equal(await failed(shell, read(device), 5), 0);
			}
			await withLever(stressed, "disk-latency", { disk: "disk0", ms: 1, jitterMs: 0 }, async () => {
				await withLever(stressed, "disk-errors", { disk: "disk0", operation: "read", percent: 20 }, async () => {
					const count = await failed(shell, read("/dev/vda"));
					context.diagnostic(`20 percent of reads: ${count} of 100`);
					assert.equal(count, 20);
				});
			});
			assert.equal(await failed(shell, read("/dev/vda")), 0);
			await withLever(stressed, "disk-errors", { disk: "disk0", operation: "write", percent: 50 }, async () => {
				const count = await failed(
					shell,
					"dd if=/dev/zero of=/dev/vda bs=4k count=1 seek=$((15000+i)) oflag=direct conv=notrunc",
				);
				context.diagnostic(`50 percent of writes: ${count} of 100`);
				assert.equal(count, 50);
			});
			// Rules in thousands must not keep QEMU busy.
			const begun = performance.now();
			await withLever(stressed, "disk-errors", { disk: "disk0", operation: "write", percent: 0.01 });
			context.diagnostic(`one write of 10,000: set and taken back in ${(performance.now() - begun).toFixed(0)} ms`);
			assert.ok(performance.now() - begun < 20_000);
			await withLever(stressed, "disk-errors", { disk: "disk1", operation: "flush", percent: 100 }, async () => {
				assert.notEqual(await shell.run("echo x > /mnt1/new && sync /mnt1/new && echo fine"), "fine\n");
				assert.match(await shell.run("dmesg"), /EXT4-fs|I\/O error/);
			});
			// The kernel still has the failure of a write to tell, once.
			await failed(shell, read("/dev/sda"), 1);
			assert.equal(await failed(shell, read("/dev/sda"), 5), 0);
		},
	);

	lever(
		"disk-full has the guest wait for room, as its machine's policy is, and go on when there is some",
		async (stressed) => {
			const { clone, shell } = stressed;
			for (const { disk, mount } of DISKS) {
				const written = await (async () => {
					let writes: Promise<string> | undefined;
					await withLever(stressed, "disk-full", { disk }, async () => {
						writes = shell.run(`dd if=/dev/zero of=${mount}/new bs=64k count=4 oflag=direct 2>&1 | tail -1; sync`);
						await until(async () => (await status(clone)) === "io-error", { what: `the guest waits for ${disk}` });
					});
					return await writes;
				})();
				assert.equal(written, "4+0 records out\n");
				assert.equal(await status(clone), "running");
			}
			assert.equal(await shell.run("dmesg | grep -ci error"), "0\n");
		},
	);

	lever("network levers delay, lose, hold back and spoil frames", async (stressed, context) => {
		const { clone, shell, sibling } = stressed;
		const figure = (what: string, times: readonly number[]) => {
			const [low, high] = [Math.min(...times), Math.max(...times)];
			context.diagnostic(`${what}: round trips of ${low.toFixed(1)} to ${high.toFixed(1)} ms`);
		};
		figure("as it is", await pings(shell, 5));
		await withLever(stressed, "network-latency", { nic: "net0", ms: 100, jitterMs: 0 }, async () => {
			const times = await answeredPings(shell, 5);
			figure("100 ms each way", times);
			assert.ok(
				times.every((ms) => ms >= 199.5),
				`${times}`,
			);
			await answersWithin(shell, 400);
			await answersWithin(sibling, 100);
		});
		await withLever(stressed, "network-loss", { percent: 30 }, async () => {
			const came = await comesTo(
				async () => (await pings(shell, 100, "-i 0.02")).length,
				(answers) => answers > 25 && answers < 75,
			);
			context.diagnostic(`30 percent lost each way: ${came} of 100 answers; 49 are to be expected`);
		});
		await withLever(stressed, "network-bandwidth", { bytesPerSecond: 20_000 }, async () => {
			const measure = async () => {
				const answers = pings(shell, 200, "-s 1400 -i 0.02");
				const sent = () => clone.ports[0]?.counters.sentBytes ?? 0;
				const first = sent();
				await until(() => sent() > first, { what: "answers come" });
				const [before, begun] = [sent(), performance.now()];
				await sleep(2000);
				const rate = (sent() - before) / ((performance.now() - begun) / 1000);
				await answers;
				return rate;
			};
			const rate = await comesTo(measure, (bytes) => bytes > 10_000 && bytes < 22_000);
			context.diagnostic(`20,000 bytes a second: ${rate.toFixed(0)} bytes a second came`);
		});
		await withLever(stressed, "network-corruption", { percent: 50 }, async () => {
			await pings(shell, 20, "-i 0.02");
			assert.ok((clone.ports[0]?.counters.corruptedFrames ?? 0) > 5);
		});
		await comesTo(
			async () => (await pings(shell, 10, "-i 0.02")).length,
			(answers) => answers === 10,
		);
	});

	lever("network-link takes the cable out and puts it in again", async (stressed) => {
		const { shell, sibling } = stressed;
		const carrier = async (wanted: string) =>
			await until(async () => (await shell.run("cat /sys/class/net/eth0/carrier")) === wanted, { what: "the carrier" });
		await withLever(stressed, "network-link", {}, async () => {
			// Its kernel is told by an interrupt.
			await carrier("0\n");
			assert.deepEqual(await pings(shell, 1), []);
			await answeredPings(sibling, 2);
		});
		await carrier("1\n");
		await until(async () => (await pings(shell, 1)).length === 1, { what: "frames come through again" });
	});

	lever("memory-corruption flips the bits that it says, in this clone alone", async (stressed, context) => {
		const { clone, shell, sibling } = stressed;
		for (const each of [shell, sibling]) await each.run("dd if=/dev/zero of=/tmp/big bs=1M count=64");
		const sums = "md5sum < /tmp/big";
		const plain = await shell.run(sums);
		const told = await withLever(stressed, "memory-corruption", { pages: "any", count: 24, bitsPerPage: 1 });
		const places = [...String(told["bitsHit"]).matchAll(/0x([0-9a-f]+)\.(\d)/g)].map(([, at = "", bit]) => [
			Number.parseInt(at, 16),
			Number(bit),
		]);
		assert.equal(places.length, 24);
		assert.equal(new Set(places.map(([at = 0]) => at >> 12)).size, 24);
		const differ = Number(await shell.run("tr -d '\\0' < /tmp/big | wc -c"));
		context.diagnostic(
			`24 pages of ${MEMORY_MB} MiB: ${differ} bytes of a file of 64 MiB in memory differ; ${told["bitsHit"]}`,
		);
		assert.ok(differ > 0 && differ <= 24, `${differ}`);
		assert.equal(await sibling.run(sums), plain);
		assert.equal(await status(clone), "running");
	});

	lever("memory-corruption aims at pages of processes, and of the kernel", async (stressed, context) => {
		const { clone, shell } = stressed;
		await shell.run(SPIN);
		const begun = performance.now();
		const user = await withLever(stressed, "memory-corruption", { pages: "user", count: 1, bitsPerPage: 1 });
		const between = performance.now();
		assert.match(String(user["bitsHit"]), /\(of [0-7]?[0-9a-f]{1,11}\)/);
		const kernel = await withLever(stressed, "memory-corruption", { pages: "kernel", count: 3, bitsPerPage: 64 });
		context.diagnostic(
			`a process: ${user["bitsHit"]} in ${(between - begun).toFixed(0)} ms; the kernel in ${(performance.now() - between).toFixed(0)} ms`,
		);
		assert.equal(kernel["pagesHit"], 3);
		assert.equal([...String(kernel["bitsHit"]).matchAll(/\.\d/g)].length, 192);
		for (const [, address = ""] of String(kernel["bitsHit"]).matchAll(/\(of ([0-9a-f]+)\)/g))
			assert.match(address, /^ffff/);
		assert.match(await status(clone), /running|guest-panicked|paused|shutdown/);
	});

	lever("nmi reaches the guest", async (stressed) => {
		await withLever(stressed, "nmi", {});
		await until(async () => /NMI received for unknown reason/.test(await stressed.shell.run("dmesg")), {
			what: "the guest tells",
		});
	});

	lever("unplug pulls devices out, where the guest lets go of them", async (stressed, context) => {
		const { shell } = stressed;
		for (const [device, gone] of [
			["disk1", "test ! -e /dev/sda"],
			["net0", "test ! -e /sys/class/net/eth0"],
		] as const) {
			const begun = performance.now();
			await withLever(stressed, "unplug", { device });
			context.diagnostic(`${device} was gone after ${(performance.now() - begun).toFixed(0)} ms`);
			await until(async () => (await shell.run(`${gone} && echo gone`)) === "gone\n", {
				what: `${device} is gone in the guest`,
			});
		}
		await assert.rejects(withLever(stressed, "unplug", { device: "net0" }), { code: "bad-config", message: /disk0/ });
		await assert.rejects(withLever(stressed, "unplug", { device: "disk2" }), {
			code: "unavailable",
			message: /hotplug/,
		});
		await assert.rejects(withLever(stressed, "network-link", {}), { code: "unsupported" });
	});

	lever("load takes away what work would take, where there is no agent", async (stressed, context) => {
		const { clone, shell } = stressed;
		const used = await usedMemory(clone, never);
		const told = await withLever(
			stressed,
			"load",
			{ cpuPercent: 70, memoryPercent: 50, ioBytesPerSecond: 1e6 },
			async () => {
				await shell.run(SPIN);
				const found = await comesTo(
					() => cpuPercent(clone, 3000, never),
					(percent) => percent < 42,
				);
				context.diagnostic(`70 percent of processors: ${found.toFixed(1)} are left to the guest`);
			},
		);
		context.diagnostic(JSON.stringify({ ...told, used }));
		assert.ok(Number(told["cpuShare"]) >= 30 && Number(told["memoryTaken"]) > 20, JSON.stringify(told));
		await assert.rejects(withLever(stressed, "load", { ioBytesPerSecond: 1 }), { code: "unsupported" });
	});
});

/**
 * A script that looks at the clock on this vCPU again and again, in the background, from before it returns until `endedGap`
 * asks for the longest while, in milliseconds, for which it did not.
 */
function longestGap(vcpu: number): string {
	const read = `read now rest < /proc/uptime; now=\${now%.*}\${now#*.}`;
	const step = `${read}; gap=$((now-last)); [ $gap -gt $most ] && most=$gap; last=$now`;
	const file = `/tmp/gap${vcpu}`;
	const anew = `rm -f ${file} ${file}.begun ${file}.enough`;
	const loop = `${read}; last=$now; most=0; > ${file}.begun; while [ ! -e ${file}.enough ]; do ${step}; done; echo $((most*10)) > ${file}`;
	return `${anew}; taskset -c ${vcpu} sh -c '${loop}' & while [ ! -e ${file}.begun ]; do sleep 0.05; done`;
}

async function endedGap(shell: CloneShell, vcpu: number): Promise<number> {
	const file = `/tmp/gap${vcpu}`;
	return Number(await shell.run(`> ${file}.enough; while [ ! -s ${file} ]; do sleep 0.05; done; cat ${file}`));
}
