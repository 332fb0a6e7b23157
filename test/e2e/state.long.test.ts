/** What a state tells of its guest's network, and an agent that is killed while it captures one. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { describe, it } from "node:test";
import type { MachineNetwork } from "../../agent/hypervisor/hypervisor.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { VmView } from "../../collector/api/views.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { startUmbra } from "../support/processes.ts";
import { needsGuest, needsGuestAgent } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;

describe("a state capture", needsGuest(), () => {
	it("never holds the guest up where the agent is killed in the midst of it, and is taken by the next", async () => {
		await using folder = await tempFolder();
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 2 });
		await using guest = await bootGuest({ folder: folder.file("vm"), disks: [disk], memoryMb: 256 });
		await guest.run("dd if=/dev/urandom of=/tmp/much bs=64k count=1500");
		await guest.run("(i=0; while :; do i=$((i+1)); echo $i > /tmp/count; done) > /dev/null 2>&1 &");
		// Between two numbers the file is empty for a moment.
		const counted = async () =>
			await until(async () => Number((await guest.run("cat /tmp/count")).output) || undefined, { what: "a number" });
		const sending = async () => ((await guest.qmp("query-migrate")) as { status?: string }).status === "active";
		await mkdir(folder.file("site"));
		await using site = await Site.start({ folder: folder.file("site"), sockets: [guest.qmpSocket] });
		await site.capture("vm");
		for (let killed = 0; killed < 1; ) {
			const order = site.client.post(vmPath("vm", "capture"), { state: "true" }).then(
				() => true,
				() => false,
			);
			let ended = false;
			void order.then(() => {
				ended = true;
			});
			const isAmidst = await until(async () => ended || ((await sending()) ? "amidst" : undefined), {
				what: "the capture begins",
				intervalMs: 1,
			});
			if (isAmidst !== "amidst") continue;
			await site.agent?.kill("SIGKILL");
			await order;
			killed++;
			const before = await counted();
			await until(async () => (await counted()) > before, { what: "the guest goes on" });
			await site.startAgent();
			await site.connected();
			await until(async () => (await site.client.get<VmView>(vmPath("vm"))).status?.state === "running", {
				what: "the agent has the VM again",
			});
		}
		// The collector may know the agent that was killed for a moment longer.
		await until(async () => await site.client.post(vmPath("vm", "capture"), { state: "true" }).catch(() => undefined), {
			what: "a capture of the state",
			timeoutMs: 60_000,
		});
		await until(async () => (await site.changes("vm")).some(({ state }) => state !== undefined), {
			what: "a state in the catalog",
			timeoutMs: 60_000,
		});
	});

	it("tells of routes and of who listens what the guest's own agent does", needsGuestAgent(), async () => {
		await using folder = await tempFolder();
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 3 });
		await using guest = await bootGuest({
			...{ folder: folder.file("vm"), disks: [disk], memoryMb: 128, guestAgent: true, modules: ["virtio_net"] },
			extraArgs: ["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"],
		});
		await guest.run("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2");
		await guest.run("httpd -p 8080; (sleep 600 | nc 10.0.2.15 8080) >/dev/null 2>&1 &");
		await mkdir(folder.file("site"));
		await using site = await Site.start({ folder: folder.file("site"), sockets: [guest.qmpSocket] });
		await site.capture("vm");
		const umbra = async (...args: string[]): Promise<string> => {
			await using program = await startUmbra([...args, "--collector", site.apiUrl]);
			assert.equal(await program.finished, 0, program.output());
			return program.stdout();
		};
		// Its agent may have just begun, or be slow.
		const network = await until(
			async () => {
				await umbra("state", "capture", "vm");
				const shown = JSON.parse(await umbra("state", "show", "vm@latest", "--json"));
				const { guest: told } = shown.configuration.machine.network as MachineNetwork;
				return told !== undefined && told.routes !== null && told.sockets !== null ? told : undefined;
			},
			{ what: "a state with the guest's word", timeoutMs: 120_000 },
		);
		assert.ok(network.routes?.some(({ prefix, gateway }) => prefix === 0 && gateway === "10.0.2.2"));
		assert.ok(network.sockets?.some(({ state, local }) => state === "LISTEN" && local.port === 8080));
		const text = await umbra("state", "show", "vm@latest");
		for (const line of [
			/eth0 has 10\.0\.2\.15\/24/,
			/reaches 10\.0\.2\.0\/24 by eth0/,
			/reaches everything else through 10\.0\.2\.2 by eth0/,
			/listens at \S+ tcp\/8080/,
		]) {
			assert.match(text, line);
		}
		assert.doesNotMatch(text, /talks to/, "what it says to itself is not told");
	});
});
