import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scheduleOf } from "../../../common/trial/schedule.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { until } from "../../../test/support/wait.ts";
import { CloneDisks } from "./clone-disks.ts";
import { LeverDriver } from "./driver.ts";
import { answeredPings, answersWithin, StressGuest, timed } from "./testing.ts";

describe("levers of a clone, moved by a driver", needsGuest("qemu-nbd"), () => {
	it("slow its disk and its network down while their phase lasts, and nothing of its sibling's", async () => {
		await using guest = await StressGuest.capture(["virtio"]);
		await guest.run(async ({ clone, shell, sibling }) => {
			const reads = "dd if=/dev/vda of=/dev/null bs=4k count=5 iflag=direct";
			const steps = scheduleOf({
				...{ name: "x", seed: 1, duration: 600_000, probes: [] },
				phases: [
					{
						from: 0,
						levers: [
							{ lever: "disk-latency", disk: "disk0", ms: 100, jitterMs: 0 },
							{ lever: "network-latency", ms: 100, jitterMs: 0 },
							{ lever: "disk-rate", disk: "none", requestsPerSecond: 1 },
							{ lever: "nmi" },
						],
					},
				],
			});
			const { signal } = new AbortController();
			const target = { clone, guest: undefined };
			await using driver = LeverDriver.start({ steps, target, originMs: performance.now(), signal });
			await until(() => driver.log.length === 4, { what: "all levers are moved", timeoutMs: 60_000 });
			assert.ok((await timed(shell, reads)) >= 500);
			assert.ok((await answeredPings(shell, 2)).every((ms) => ms >= 200));
			await until(async () => /NMI received/.test(await shell.run("dmesg")), { what: "the guest tells of the NMI" });
			await answersWithin(sibling, 200);
			assert.doesNotMatch(await sibling.run("dmesg"), /NMI received/);
			await driver.stop();
			await answersWithin(shell, 200);
			const told = driver.log.map(({ lever, action, problem }) => `${lever} ${action} ${problem}`.trim()).sort();
			assert.deepEqual(told, [
				"disk-latency revert",
				"disk-latency set",
				"disk-rate revert",
				"disk-rate set the machine has no disk none; it has disk0",
				"network-latency revert",
				"network-latency set",
				"nmi fire",
			]);
			const [disk] = clone.plan.disks;
			assert.ok(disk !== undefined);
			const path = await CloneDisks.of(clone).path(disk);
			assert.deepEqual(
				path.map(({ driver }) => driver),
				["throttle", "qcow2"],
			);
		});
	});
});
