import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import { bootGuest, makeDisk } from "../../../test/support/guest.ts";
import { needsGuestAgent } from "../../../test/support/requires.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import type { GuestCommands } from "../../guest/commands.ts";
import type { GuestAgent } from "../../guest/guest-agent.ts";
import type { Clone } from "../clone.ts";

import { agentOf, CloneShell, runningClone } from "../testing.ts";
import { IN_GUEST, startGuestLoad } from "./in-guest.ts";
import type { Lever } from "./lever.ts";
import { LEVERS } from "./levers.ts";
import { comesTo } from "./testing.ts";

const MIB = 2 ** 20;
const { signal } = new AbortController();

/** Counts; tells whether it can open a file. By these names. */
const PROGRAMS = `
cat > /tmp/counter <<'END'
#!/bin/sh
while :; do i=$((i + 1)); echo $i >/tmp/new; mv /tmp/new /tmp/count; sleep 0.05; done
END
cat > /tmp/opener <<'END'
#!/bin/sh
exec awk 'BEGIN { for (;;) { print (getline line < "/proc/uptime"); close("/proc/uptime"); fflush(); system("sleep 0.05") } }'
END
chmod +x /tmp/counter /tmp/opener
/tmp/counter </dev/null >/dev/null 2>&1 &
/tmp/counter </dev/null >/dev/null 2>&1 &
/tmp/opener </dev/null >/tmp/opened 2>&1 &
`;

/** One more, once it has its name. */
const COUNTER = `/tmp/counter </dev/null >/dev/null 2>&1 &
until grep -qx counter /proc/$!/comm; do :; done`;

describe("levers in a guest", needsGuestAgent(), () => {
	const stack = new AsyncDisposableStack();
	let clone: Clone;
	let shell: CloneShell;
	let guest: GuestAgent;

	before(async () => {
		const temp = stack.use(await tempFolder());
		const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 128 * MIB, format: "qcow2", seed: 1 });
		const options = { folder: temp.file("vm"), disks: [disk], memoryMb: 256, guestAgent: true };
		const production = stack.use(await bootGuest(options));
		await production.run(PROGRAMS);
		({ clone } = stack.use(await runningClone(production, temp.file("trial"))));
		await production.kill();
		shell = new CloneShell(clone);
		guest = stack.use(agentOf(clone));
	});
	after(() => stack.disposeAsync());

	const make = (name: keyof typeof IN_GUEST): Lever => IN_GUEST[name]({ clone, guest });
	const apply = (lever: Lever, values: LeverValues): Promise<LeverValues> => lever.apply({ values, seed: 1, signal });
	const changes = async (script: string): Promise<boolean> => {
		const first = await shell.run(script);
		// As long as the process itself takes for some rounds, by the guest's clock.
		return (await shell.run(`sleep 1; ${script}`)) !== first;
	};

	it("stop a process, and let it go on", async () => {
		const counts = () => until(() => changes("cat /tmp/count"), { what: "they count", timeoutMs: 60_000 });
		await counts();
		const lever = make("process-stop");
		const { processes } = await apply(lever, { process: "counter" });
		assert.equal(processes, 2);
		await lever.verify(signal);
		// What they had begun, another process ends for them.
		await until(async () => !(await changes("cat /tmp/count")), { what: "they stand", timeoutMs: 60_000 });
		assert.equal(await changes("cat /tmp/count"), false);
		await lever.revert(signal);
		await counts();
		await lever.revert(signal);
	});

	it("do nothing with a process's name but compare it", async () => {
		const lever = make("process-stop");
		for (const process of ["nobody", "$(touch /tmp/owned)", "'; touch /tmp/owned; '", "-", "*"]) {
			await assert.rejects(apply(lever, { process }), { code: "bad-config", message: /has no process.*counter/ });
		}
		assert.equal(await shell.run("ls /tmp/owned 2>/dev/null"), "");
		await assert.rejects(apply(lever, { process: "qemu-ga" }), {
			code: "bad-config",
			message: /the guest agent itself/,
		});
		await assert.rejects(apply(lever, { process: "kthreadd" }), { code: "bad-config" });
		await lever.revert(signal);
	});

	it("leave a process no file descriptors", async () => {
		const opens = () => shell.run("tail -n 1 /tmp/opened");
		const becomes = (wanted: string) =>
			until(async () => (await opens()) === wanted, { what: `opening gives ${wanted}` });
		await becomes("1\n");
		const lever = make("descriptors-exhausted");
		const { limits } = await apply(lever, { process: "awk", left: 0 });
		assert.match(String(limits), /^\d+ to \d$/);
		await lever.verify(signal);
		await becomes("-1\n");
		await apply(lever, { process: "awk", left: 5 });
		await lever.verify(signal);
		await becomes("1\n");
		await lever.revert(signal);
		assert.equal(
			await shell.run("awk '/Max open files/ { print $4 }' /proc/$(pidof awk | cut -d' ' -f1)/limits"),
			`${String(limits).split(" ")[0]}\n`,
		);
	});

	it("fill a filesystem so far and no further, and give the room back", async () => {
		const measure = async () => {
			const [used = 0, free = 0] = (await shell.run("df -P -k /mnt | awk 'END { print $3, $4 }'"))
				.split(" ")
				.map(Number);
			return { used, free, percent: (100 * used) / (used + free) };
		};
		const at = await measure();
		const lever = make("filesystem-full");
		for (const percent of [60.5, 100]) {
			await apply(lever, { path: "/mnt/", percent });
			await lever.verify(signal);
			const full = await measure();
			assert.ok(full.percent > percent - 0.5 && full.percent <= percent, `${full.percent} of ${percent} %`);
		}
		await shell.run("rm /mnt/.umbra-*");
		await assert.rejects(lever.verify(signal), { code: "unavailable", message: /are used, not 100 %/ });
		await lever.revert(signal);
		const { used } = await measure();
		assert.ok(Math.abs(used - at.used) <= 64, `${at.used} KiB before, ${used} KiB after`);
		await assert.rejects(apply(lever, { path: "/nowhere", percent: 50 }), { code: "bad-config", message: /no folder/ });
		assert.equal(await shell.run("ls -A /mnt | grep umbra"), "");

		// Where space cannot be reserved, it is written.
		await shell.run("mv /bin/fallocate /bin/not-fallocate");
		await apply(lever, { path: "/mnt", percent: 50 });
		await lever.verify(signal);
		await lever.revert(signal);
		await shell.run("mv /bin/not-fallocate /bin/fallocate");
	});

	it("leak memory at the rate that is wanted", async () => {
		const free = async () => Number(await shell.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo"));
		const atFirst = await free();
		const lever = make("memory-leak");
		for (const rate of [MIB, 256 * 1024]) {
			await apply(lever, { bytesPerSecond: rate });
			await lever.verify(signal);
			const measure = async () => {
				const measured = await shell.run(`
				look() {
					read up rest </proc/uptime
					kib=$(awk '/VmRSS/ { print $2 }' /proc/$(cat /[rtd]*/umbra-*/pids)/status)
				}
				look; since=$up had=$kib
				sleep 5
				look; echo "($kib - $had) * 1024 / ($up - $since)" | sed 's/^/print /; s/print/BEGIN { print/; s/$/ }/' | awk "$(cat)"
				`);
				return Number(measured) / rate;
			};
			await comesTo(measure, (share) => Math.abs(share - 1) < 0.3);
		}
		assert.ok((await free()) < atFirst - 5 * 1024);
		await lever.revert(signal);
		assert.equal(
			await shell.run("ls -d /[rtd]*/umbra-* /dev/shm/umbra-* 2>/dev/null; grep -sl umbra- /proc/[0-9]*/comm"),
			"",
		);
		await until(async () => (await free()) > atFirst - 4 * 1024, { what: "the memory is given back" });
	});

	it("set the clock ahead and back", async () => {
		for (const ms of [3_600_000, -7_200_000]) {
			const before = Number(await shell.run("date +%s"));
			const { fromMs, toMs } = await apply(make("clock-jump"), { ms });
			const moved = Number(await shell.run("date +%s")) - before;
			assert.ok(moved >= ms / 1000 - 2 && moved < ms / 1000 + 60, `${moved} s`);
			assert.ok(Math.abs(Number(toMs) - Number(fromMs) - ms) < 60_000);
		}
		// One that says that it did, and did nothing.
		const idle: GuestCommands = Object.assign(Object.create(guest), {
			system: (until: AbortSignal) => guest.system(until),
			clock: (until: AbortSignal) => guest.clock(until),
			setClock: async () => undefined,
			run: async () => ({ exitCode: 0, signal: null, output: "", errors: "" }),
		});
		const jump = IN_GUEST["clock-jump"]({ clone, guest: idle });
		await assert.rejects(apply(jump, { ms: 60_000 }), { code: "unavailable", message: /not by 60000/ });
	});

	it("put work upon a guest, more and less of it", async () => {
		// By the guest's own clock, as this host may give it little time to run.
		const look = `
			cat /proc/uptime
			awk '{ print $3 + $7 }' /sys/block/vda/stat
			for p in /proc/[0-9]*; do
				case $(cat $p/comm) in
				umbra-cpu) cpu=$(cat /proc/uptime $p/stat | tr '\\n' ' ' | awk '{ print $1, $16 + $17 + $18 + $19 }') ;;
				umbra-memory) kib=$(awk '/VmRSS/ { print $2 }' $p/status) ;;
				esac
			done 2>/dev/null
			echo $((kib)); echo $cpu
		`;
		const parse = (text: string) => {
			const [up = 0, , sectors = 0, kib = 0, cpuUp = 0, ticks = 0] = text.split(/\s+/).map(Number.parseFloat);
			return { up, bytes: 512 * sectors, kib, cpuUp, ticks };
		};
		const measure = async () => {
			const first = parse(await shell.run(look));
			const then = parse(await shell.run(`sleep 5; ${look}`));
			const seconds = then.up - first.up;
			return {
				// Hundredths of a second, read at the same moment as the clock.
				cpuPercent: (then.ticks - first.ticks) / (then.cpuUp - first.cpuUp),
				ioMib: (then.bytes - first.bytes) / seconds / MIB,
				memoryMib: then.kib / 1024,
			};
		};
		// The guest's own programs would be in the way.
		await shell.run("killall counter awk");
		const load = await startGuestLoad(guest, { cpuPercent: 50, memoryBytes: 48 * MIB, ioBytesPerSecond: 0 }, signal);
		await load.verify(signal);
		type Measured = Awaited<ReturnType<typeof measure>>;
		// It may be otherwise where the host stands still for a while, whose time the guest's clock counts.
		const becomes = async (isWanted: (measured: Measured) => boolean) => {
			const found: Measured[] = [];
			const wanted = async () => {
				found.push(await measure());
				return isWanted(found.at(-1)!);
			};
			await until(wanted, { what: "the load is as wanted", timeoutMs: 90_000 }).catch((cause) => {
				throw new Error(JSON.stringify(found), { cause });
			});
		};
		await becomes(({ cpuPercent, memoryMib, ioMib }) => {
			return Math.abs(cpuPercent - 50) < 12 && memoryMib > 46 && memoryMib < 51 && ioMib < 0.1;
		});
		await load.set({ cpuPercent: 20, memoryBytes: 16 * MIB, ioBytesPerSecond: MIB }, signal);
		await load.verify(signal);
		await becomes(({ cpuPercent, memoryMib, ioMib }) => {
			return Math.abs(cpuPercent - 20) < 8 && memoryMib < 20 && ioMib > 0.6 && ioMib < 1.3;
		});
		await load.stop(signal);
		assert.equal(
			await shell.run("grep -sl umbra- /proc/[0-9]*/comm; ls -A /mnt /run /tmp 2>/dev/null | grep umbra"),
			"",
		);
	});

	it("bring it to a level of memory by its own word, where no balloon tells", async () => {
		const percent = async () => {
			const told = await shell.run("cat /proc/meminfo");
			const kib = (name: string) => Number(new RegExp(`${name}: +(\\d+)`).exec(told)?.[1]);
			return 100 - (kib("MemAvailable") / kib("MemTotal")) * 100;
		};
		const before = await percent();
		const lever = LEVERS.load({ clone, guest });
		const { memoryGiven } = await apply(lever, { memoryPercent: 60 });
		await lever.verify(signal);
		await until(async () => (await percent()) > 52, { what: "the memory is taken" });
		const during = await percent();
		assert.ok(before > 3 && before < 50 && during < 68, JSON.stringify({ before, during, memoryGiven }));
		await lever.revert(signal);
		await until(async () => (await percent()) < before + 5, { what: "memory is given back" });
	});

	it("tell when the guest put an end to the leak, which outlived its want of memory", async () => {
		const lever = make("memory-leak");
		await apply(lever, { bytesPerSecond: 64 * MIB });
		const killed = () => clone.console().includes("(umbra-memory)");
		await until(killed, { what: "the guest is out of memory", timeoutMs: 180_000 });
		// A guest that is out of memory may also not answer for a while.
		const isTold = (error: unknown) =>
			isUmbraError(error, "unavailable") && /1 of 1 processes .* are gone/.test(error.message);
		await until(() => lever.verify(signal).then(() => false, isTold), {
			...{ what: "it is told that the leak has ended", timeoutMs: 120_000 },
		});
		await lever.revert(signal);
		assert.equal(await shell.run("ls -d /[rtd]*/umbra-* 2>/dev/null"), "");
	});

	it("kill a process", async () => {
		await shell.run(COUNTER);
		const lever = make("process-kill");
		const { processes } = await apply(lever, { process: "counter", signal: "KILL" });
		assert.equal(processes, 1);
		await lever.verify(signal);
		await assert.rejects(apply(lever, { process: "counter", signal: "TERM" }), { code: "bad-config" });
	});

	it("are refused with the reason", async () => {
		await shell.run(`mv /usr/bin/prlimit /usr/bin/not-prlimit; ${COUNTER}`);
		const descriptors = apply(make("descriptors-exhausted"), { process: "counter", left: 0 });
		await assert.rejects(descriptors, { code: "unsupported", message: /no prlimit/ });
		const windows: GuestCommands = Object.assign(Object.create(guest), {
			system: async () => ({ family: "windows", name: "mswindows 2022" }),
		});
		for (const [of, message] of [
			[undefined, /no agent that answers/],
			[windows, /Windows \(mswindows 2022\)/],
		] as const) {
			for (const makeLever of Object.values(IN_GUEST)) {
				const lever = makeLever({ clone, guest: of });
				await assert.rejects(apply(lever, { process: "counter", path: "/", ms: 1, bytesPerSecond: 1 }), {
					code: "unsupported",
					message,
				});
				await lever.revert(signal);
			}
		}
	});
});
