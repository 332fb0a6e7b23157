import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { generateProfile } from "./generate.ts";
import { formatBatch, parseBatch } from "./profile.ts";

const EVERY_LEVER = `
vm: web1
control: false
probes:
  - { name: web, http: { port: 8080, path: /health, contains: ok }, every: 2s, timeout: 500ms, after: 10s, failures: 2 }
  - { name: ssh, tcp: { port: 22, address: 10.0.0.2 } }
  - { name: quiet, console: { pattern: "*segfault*" } }
  - { name: disk, command: { run: [/bin/df, -h], exitCode: 0 } }
profiles:
  - name: all of it
    seed: 4294967295
    duration: 120s
    phases:
      - from: 5s
        for: 1500ms
        levers:
          - { lever: cpu-share, percent: 20 }
          - { lever: memory-pressure, percent: { ramp: [10, 80], every: 500ms } }
          - { lever: disk-rate, disk: vda, bytesPerSecond: 65536 }
          - { lever: disk-rate, disk: vdb, requestsPerSecond: { between: [1, 50] } }
          - { lever: disk-latency, ms: 400, jitterMs: 50 }
          - { lever: disk-errors, operation: write, percent: 5 }
          - { lever: disk-full, disk: vdb }
          - { lever: network-latency, ms: 200 }
          - { lever: network-loss, percent: 2.5 }
          - { lever: network-bandwidth, bytesPerSecond: 125000 }
          - { lever: network-corruption, percent: 0.1 }
          - { lever: network-link, nic: net1 }
          - { lever: process-stop, process: nginx }
          - { lever: descriptors-exhausted, process: nginx, left: 3 }
          - { lever: filesystem-full, path: /var, percent: 99 }
          - { lever: memory-leak, bytesPerSecond: 1048576 }
          - { lever: load, cpuPercent: 80, memoryPercent: 70, ioBytesPerSecond: 1e6 }
      - from: 60s
        levers:
          - { lever: cpu-stall, ms: 3000, every: 20s, jitter: 2s }
          - { lever: memory-corruption, pages: kernel, count: 4, bitsPerPage: 2 }
          - { lever: nmi }
          - { lever: unplug, device: net0 }
          - { lever: clock-jump, ms: -3600000 }
          - { lever: process-kill, process: nginx, signal: SEGV }
`;

const one = (levers: string, more = "") =>
	`name: x\nduration: 60s\n${more}phases:\n  - from: 10s\n    for: 20s\n    levers:\n${levers}`;

describe("parseBatch", () => {
	it("reads every lever and probe, and again what formatBatch writes", () => {
		const batch = parseBatch(EVERY_LEVER, "f.yaml");
		const [profile] = batch.profiles;
		assert.equal(profile?.phases[0]?.levers.length, 17);
		assert.equal(profile.phases[0].for, 1500);
		assert.deepEqual(profile.phases[0].levers[1], {
			lever: "memory-pressure",
			percent: { ramp: [10, 80], every: 500 },
		});
		assert.deepEqual(profile.phases[1]?.levers[1], {
			...{ lever: "memory-corruption", pages: "kernel", count: 4, bitsPerPage: 2 },
		});
		assert.equal(batch.probes[0]?.http?.status, 200);
		assert.deepEqual(parseBatch(formatBatch(batch), "again"), batch);
	});

	it("takes a profile alone for a batch of it, with a control", () => {
		const batch = parseBatch(one("      - { lever: nmi }\n"), "f.yaml");
		assert.equal(batch.control, true);
		assert.equal(batch.profiles[0]?.seed, 0);
	});

	for (const [what, text, message] of [
		[
			"a lever that is none",
			one("      - { lever: disk-slow }\n"),
			/phases\.0\.levers\.0\.lever: no such lever; there are cpu-share,/,
		],
		[
			"a setting out of range",
			one("      - { lever: cpu-share, percent: 120 }\n"),
			/levers\.0\.percent: Too big: expected number to be <=100, found 120/,
		],
		[
			"a unit of its own",
			one("      - { lever: cpu-share, percent: 20% }\n"),
			/levers\.0\.percent: wanted a number, \{between: .*found "20%"/,
		],
		["an unknown setting", one("      - { lever: nmi, cpu: 1 }\n"), /phases\.0\.levers\.0: Unrecognized key: "cpu"/],
		[
			"values in the wrong order",
			one("      - { lever: cpu-share, percent: { between: [9, 3] } }\n"),
			/levers\.0\.percent/,
		],
		[
			"a value of a ramp out of range",
			one("      - { lever: cpu-share, percent: { ramp: [10, 300] } }\n"),
			/percent\.ramp\.1: Too big: .* found 300/,
		],
		[
			"jitter of what is done once",
			one("      - { lever: nmi, jitter: 1s }\n"),
			/levers\.0\.jitter: is of no use without every/,
		],
		[
			"a rate without one",
			one("      - { lever: disk-rate, disk: vda }\n"),
			/wanted at least one of bytesPerSecond, requestsPerSecond/,
		],
		[
			"a phase that outlasts the trial",
			one("      - { lever: nmi }\n").replace("20s", "51s"),
			/phases\.0\.for: lasts longer than the trial/,
		],
		[
			"a phase behind the end",
			one("      - { lever: nmi }\n").replace("10s", "60s"),
			/phases\.0\.from: begins when the trial is over/,
		],
		[
			"two settings of one lever at a time",
			one("      - { lever: disk-latency, ms: 1 }\n      - { lever: disk-latency, disk: vda, ms: 2 }\n"),
			/phases\.0\.levers\.1: disk-latency vda is set at the same time by phases\.0\.levers\.0/,
		],
		[
			"a probe of two kinds",
			one("      - { lever: nmi }\n", "probes: [{ name: p, tcp: { port: 1 }, http: {} }]\n"),
			/probes\.0: wanted exactly one of tcp, http/,
		],
		[
			"a probe by name",
			one("      - { lever: nmi }\n", "probes: [{ name: p, tcp: { port: 1, address: db } }]\n"),
			/probes\.0\.tcp\.address/,
		],
		["what is no YAML", "a: [", /f\.yaml: not YAML/],
		["aliases that stand for billions", bomb(), /not YAML/],
		["nothing", "", /name/],
		["a misspelt batch", "vm: x\nprofile: []\n", /Unrecognized key: "profile"/],
	] as const) {
		it(`refuses ${what}, and says where`, () => {
			assert.throws(() => parseBatch(text, "f.yaml"), { code: "bad-config", message });
		});
	}

	it("writes whatever the generator makes so that it reads the same", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 200; round++) {
			const averages = {
				cpuPercent: random.below(101),
				memoryPercent: random.below(101),
				ioBytesPerSecond: random.below(1e9),
			};
			const profile = generateProfile({
				vm: "web/1 ü",
				averages,
				seed: random.below(2 ** 32),
				durationMs: 10_000 + random.below(1e6),
			});
			const batch = { vm: "web/1 ü", control: true, probes: [], profiles: [profile] };
			assert.deepEqual(parseBatch(formatBatch(batch), "made"), batch);
		}
	});
});

function bomb(): string {
	const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
	for (let at = 1; at < 10; at++)
		lines.push(
			`a${at}: &a${at} [${Array(9)
				.fill(`*a${at - 1}`)
				.join(", ")}]`,
		);
	return `${lines.join("\n")}\n`;
}
