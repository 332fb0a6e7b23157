import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuTimeMs } from "../../test/support/cpu-time.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { FailureClassifier } from "./classifier.ts";
import { readCorpus } from "./corpus.ts";
import { FAILURE_TYPES, type Failure } from "./failures.ts";
import { HEADERS } from "./headers.ts";

const told = ({ type, title }: { readonly type: string; readonly title: string }): string => `${type}: ${title}`;

function classify(pieces: readonly string[], isRunning = false): Failure[] {
	const classifier = new FailureClassifier({ isRunning });
	for (const piece of pieces) classifier.write(piece);
	classifier.end();
	return classifier.failures();
}

/** Anywhere, also within what belongs together. */
function cut(text: string, random: Random): string[] {
	const pieces: string[] = [];
	for (let at = 0; at < text.length; ) {
		const length = random.chance(0.5) ? random.between(1, 5) : random.between(1, 500);
		pieces.push(text.slice(at, at + length));
		at += length;
	}
	return pieces;
}

const corpus = readCorpus();

describe("FailureClassifier", () => {
	for (const { name, expect, consequences, text } of corpus) {
		it(`takes ${name} for ${expect.join(" and ") || "nothing"}`, () => {
			const failures = classify([text]);
			assert.deepEqual(failures.map(told), expect);
			assert.deepEqual(failures.flatMap((each) => each.consequences).map(told), consequences);
			for (const { title, excerpt, alternatives } of failures) {
				for (const each of [title, ...alternatives]) assert.ok(each.length <= 120 && /^[\x20-\x7e]+$/.test(each), each);
				assert.ok(excerpt.length > 0 && excerpt.length <= 48);
			}
		});
	}

	it("has at least sixty cases, of every type that a console tells, and a dozen of what is no failure", () => {
		assert.ok(corpus.length >= 60, `${corpus.length}`);
		assert.ok(corpus.filter(({ expect }) => expect.length === 0).length >= 8);
		const all = corpus.flatMap(({ expect, consequences }) => [...expect, ...consequences]);
		for (const type of FAILURE_TYPES) {
			if (["silence", "probe-failure", "performance-collapse"].includes(type)) continue;
			assert.ok(
				all.some((each) => each.startsWith(`${type}: `)),
				type,
			);
		}
	});

	it("finds the same however the stream is cut", (context) => {
		const random = testRandom(context);
		for (const { name, text } of corpus) {
			const whole = classify([text]);
			for (let round = 0; round < 5; round++) assert.deepEqual(classify(cut(text, random)), whole, name);
		}
	});

	it("has one title for what is told with other addresses, numbers, tasks and times", (context) => {
		const random = testRandom(context);
		const some = () => random.between(2, 90_000);
		const address = () =>
			`ffff8880${random
				.below(2 ** 32)
				.toString(16)
				.padStart(8, "0")}`;
		const oops = () =>
			`[ ${some()}.123456] BUG: kernel NULL pointer dereference, address: ${address()}\n[ ${some()}.123457] RIP: 0010:f_open+0x${random.below(200).toString(16)}/0x200\n`;
		assert.equal(new Set(Array.from({ length: 50 }, () => classify([oops()]).map(told).join())).size, 1);
		const panic = () =>
			`Kernel panic - not syncing: CPU ${some()}: bank ${some()} at 0x${some().toString(16)} pid ${some()} ${address()}\n`;
		assert.equal(new Set(Array.from({ length: 50 }, () => classify([panic()]).map(told).join())).size, 1);
		const old =
			"BUG: unable to handle kernel NULL pointer dereference at (null)\nIP: [<ffffffff8123>] f_open+0x1/0x2\n";
		assert.equal(classify([oops()])[0]?.title, classify([old])[0]?.title, "3.10 and 6.x");
	});

	it("takes a kernel that boots for one that boots again, where the guest was running", () => {
		const boot = "[    0.000000] Linux version 6.1.0 (x) #1\n";
		assert.deepEqual(classify([boot]), []);
		assert.deepEqual(classify([boot], true).map(told), ["reboot: rebooted by the guest"]);
	});

	it("says what a trial that failed said last, where nothing it said is known", () => {
		const classifier = new FailureClassifier();
		assert.deepEqual(classifier.failures(), []);
		assert.deepEqual(classifier.failures({ hasFailed: true }).map(told), ["unclassified: failed without a word"]);
		classifier.write("[   1.000000] something odd at 0x1234 in step 7\n");
		assert.deepEqual(classifier.failures({ hasFailed: true }).map(told), [
			"unclassified: failed, and last said: something odd at ADDR in step NUM",
		]);
		assert.deepEqual(classifier.failures(), []);
	});

	it("tells of a report as far as it has come, and in its excerpt what stood before it", () => {
		const classifier = new FailureClassifier();
		classifier.write("[ 1.000000] first\n[ 2.000000] BUG: kernel NULL pointer dereference, address: 0\n", 77);
		assert.deepEqual(classifier.failures().map(told), ["oops: NULL pointer dereference"]);
		assert.equal(classifier.failures()[0]?.atMs, 77);
		classifier.write("[ 2.000001] RIP: 0010:f+0x1/0x2\n");
		assert.deepEqual(classifier.failures().map(told), ["oops: NULL pointer dereference in f"]);
		assert.deepEqual(classifier.failures()[0]?.excerpt, [
			"first",
			"BUG: kernel NULL pointer dereference, address: 0",
			"RIP: 0010:f+0x1/0x2",
		]);
	});
});

describe("FailureClassifier with events", () => {
	const panicked = (info?: object) =>
		({ kind: "qmp", event: "GUEST_PANICKED", data: { action: "pause", ...(info && { info }) } }) as const;

	it("names the bugcheck of a Windows guest", () => {
		const classifier = new FailureClassifier();
		classifier.event(panicked({ type: "hyper-v", arg1: 0x7b, arg2: 1, arg3: 2, arg4: 0, arg5: 0 }), 5);
		classifier.event({ kind: "qmp", event: "RESET", data: { guest: true, reason: "guest-reset" } });
		const [failure] = classifier.failures();
		assert.equal(failure?.title, "Windows bugcheck 0x0000007B INACCESSIBLE_BOOT_DEVICE");
		assert.deepEqual(failure?.consequences.map(told), ["reboot: rebooted by the guest"]);
		const other = new FailureClassifier();
		other.event(panicked({ type: "hyper-v", arg1: 0xdeadbeef }));
		assert.deepEqual(other.failures().map(told), ["kernel-panic: Windows bugcheck 0xDEADBEEF"]);
	});

	it("takes a bare notice of a panic for what the console says, whichever comes first", () => {
		for (const isFirst of [true, false]) {
			const classifier = new FailureClassifier();
			if (isFirst) classifier.event(panicked());
			classifier.write(
				"[ 2.000000] BUG: kernel NULL pointer dereference, address: 0\n[ 2.000001] RIP: 0010:f+0x1/0x2\n",
			);
			if (!isFirst) classifier.event(panicked());
			assert.deepEqual(classifier.failures().map(told), ["oops: NULL pointer dereference in f"]);
			assert.deepEqual(classifier.failures()[0]?.consequences.map(told), ["kernel-panic: guest panicked"]);
		}
		const alone = new FailureClassifier();
		alone.event(panicked());
		assert.deepEqual(alone.failures().map(told), ["kernel-panic: guest panicked"]);
	});

	it("tells what came of what", () => {
		const classifier = new FailureClassifier();
		classifier.write("Out of memory: Killed process 12 (db) total-vm:1kB\n");
		classifier.event({ kind: "silence", seconds: 30 });
		classifier.event({ kind: "probe", name: "web" });
		assert.deepEqual(classifier.failures().map(told), ["oom-kill: OOM kill of db"]);
		assert.deepEqual(classifier.failures()[0]?.consequences.map(told), [
			"silence: silence",
			"probe-failure: probe failed: web",
		]);
		const early = new FailureClassifier();
		early.event({ kind: "probe", name: "web" });
		early.write("Out of memory: Killed process 12 (db) total-vm:1kB\n");
		assert.deepEqual(early.failures().map(told), ["probe-failure: probe failed: web", "oom-kill: OOM kill of db"]);
	});

	for (const [event, wanted] of [
		[{ kind: "qmp", event: "WATCHDOG", data: { action: "reset" } }, "watchdog: watchdog expired: reset"],
		[
			{ kind: "qmp", event: "SHUTDOWN", data: { guest: true, reason: "guest-shutdown" } },
			"reboot: shut down by the guest",
		],
		[{ kind: "qmp", event: "SHUTDOWN", data: { guest: false, reason: "host-signal" } }, undefined],
		[{ kind: "qmp", event: "RESET", data: { guest: false, reason: "host-qmp-system-reset" } }, undefined],
		[{ kind: "qmp", event: "STOP" }, undefined],
		[
			{
				kind: "qmp",
				event: "BLOCK_IO_ERROR",
				data: { device: "", "node-name": "vda-format", operation: "write", action: "report" },
			},
			"io-error: I/O error on vda-format: write",
		],
		[{ kind: "qmp", event: "MEMORY_FAILURE", data: { recipient: "guest" } }, "memory-corruption: memory failure"],
		[
			{ kind: "performance", metric: "vm_disk.rd_times" },
			"performance-collapse: performance collapse: vm_disk.rd_times",
		],
		[{ kind: "exit", code: null, signal: "SIGSEGV" }, "unclassified: QEMU was ended by SIGSEGV"],
		[
			{ kind: "qmp", event: "GUEST_PANICKED", data: { info: { type: "hyper-v", arg1: "x".repeat(9999) } } },
			"kernel-panic: guest panicked: hyper-v",
		],
	] as const) {
		it(`takes ${JSON.stringify(event).slice(0, 80)} for ${wanted ?? "nothing"}`, () => {
			const classifier = new FailureClassifier();
			classifier.event(event);
			assert.deepEqual(classifier.failures().map(told), wanted === undefined ? [] : [wanted]);
		});
	}
});

describe("FailureClassifier with a hostile guest", () => {
	const beginnings = HEADERS.flatMap(({ patterns }) =>
		patterns.map(({ begin, pieces }) => `${begin}${pieces.map(({ until }) => `7${until}`).join("")}`),
	);

	it("stays bounded whatever comes, and always has an answer", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 30; round++) {
			const classifier = new FailureClassifier({ isRunning: random.chance(0.5) });
			for (let piece = 0; piece < 300; piece++) {
				const kind = random.below(6);
				if (kind === 0) classifier.write(random.bytes(random.below(400)).toString("latin1"));
				else if (kind === 1) classifier.write(`${random.pick(beginnings)}${random.bytes(10).toString("hex")}\n`);
				else if (kind === 2)
					classifier.write(
						`[ ${random.below(99)}.${random.between(100000, 999999)}][ T${random.below(50)}] ${random.pick(beginnings)}x\n`,
					);
				else if (kind === 3) classifier.write(" f+0x1/0x2\n".repeat(random.below(300)));
				else if (kind === 4) classifier.write(random.pick(corpus).text.slice(random.below(500), random.below(3000)));
				else classifier.write(`\x1b]${"x".repeat(random.below(9000))}`);
			}
			classifier.end();
			const failures = classifier.failures();
			assert.ok(failures.length <= 66);
			assert.ok(JSON.stringify(failures).length < 3 * 2 ** 20);
			for (const { title } of failures) assert.ok(title.length > 0 && title.length <= 120);
		}
	});

	it("takes time in proportion to what it reads", () => {
		const worst = [
			"1".repeat(4000),
			"a".repeat(4000),
			"[".repeat(4000),
			"[    1.000000]".repeat(290),
			"f+0x".repeat(1000),
			"0x".repeat(2000),
			"\x1b[".repeat(2000),
			`Kernel panic - not syncing: ${"1a".repeat(2000)}`,
			`Kernel panic - not syncing: ${"cpu #1 0x1 pid ".repeat(260)}`,
			`INFO: task ${":1 blocked for more than ".repeat(160)}`,
			`BUG: soft lockup - CPU#1 stuck for 1s! [${":]".repeat(2000)}`,
			" \t".repeat(2000),
			"x invoked oom-killer: ".repeat(180),
		];
		const read = (text: string): void => {
			const classifier = new FailureClassifier();
			classifier.write(text);
			classifier.end();
			classifier.failures();
		};
		for (const line of worst) read(`${line}\n`.repeat(20));
		// 4 MB of each: a quadratic one would take a thousand times what a linear one takes.
		for (const line of worst) {
			const usedMs = cpuTimeMs(() => read(`${line}\n`.repeat(1000)), 8000);
			assert.ok(usedMs < 8000, `${usedMs} ms for 4 MB of ${line.slice(0, 30)}`);
		}
	});

	it("forgets what a line has too much of, and reads on with the next", () => {
		const classifier = new FailureClassifier();
		for (let at = 0; at < 1000; at++) classifier.write("x".repeat(10_000));
		classifier.write("\nKernel panic - not syncing: after it\n");
		classifier.end();
		assert.deepEqual(classifier.failures().map(told), ["kernel-panic: kernel panic: after it"]);
		assert.ok(JSON.stringify(classifier.failures()).length < 2000);
	});
});
