import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { bootGuest } from "../../test/support/guest.ts";
import { needsGuestAgent } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { agentOf, runningClone } from "../trial/testing.ts";
import { GuestAgent } from "./guest-agent.ts";
import { answeredCommon, line, type Script, ScriptedAgent } from "./testing.ts";

const { signal } = new AbortController();
/** So long that only a test that fails waits for it. */
const PATIENT = { timeoutMs: 20_000, signal };
/** So short that waiting for it is cheap; nothing here answers in time by chance. */
const BRIEF_MS = 150;

async function withAgent(
	script: Script,
	test: (agent: GuestAgent, scripted: ScriptedAgent) => Promise<void>,
): Promise<void> {
	await using temp = await tempFolder();
	await using scripted = await ScriptedAgent.start(temp.path, script);
	using agent = new GuestAgent(scripted.channel);
	await test(agent, scripted);
}

describe("GuestAgent", () => {
	it("comes into step behind what another client was being told", async () => {
		const script: Script = (asked, socket) => {
			if (asked.execute === "guest-sync-delimited") {
				socket.write(
					'ming"}}\n{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n{"return": {"of": "another"}}\n',
				);
				socket.write(
					Buffer.concat([Buffer.from([0xff]), line({ return: 1 }), line({ return: asked.arguments["id"] })]),
				);
			}
			answeredCommon(asked, socket);
		};
		await withAgent(script, async (agent, scripted) => {
			scripted.socket.write('{"return": {"half": "of so');
			assert.ok((await agent.ping(PATIENT.timeoutMs, signal)) >= 0);
			await agent.ping(PATIENT.timeoutMs, signal);
			assert.deepEqual(scripted.asked, ["guest-sync-delimited", "guest-info", "guest-ping", "guest-ping"]);
		});
	});

	it("does not take a late answer for the next", async () => {
		let late = true;
		const script: Script = (asked, socket) => {
			if (asked.execute === "guest-get-time" && late) {
				late = false;
				return;
			}
			if (asked.execute === "guest-sync-delimited" && !late) socket.write(line({ return: 1e6 }));
			if (!answeredCommon(asked, socket)) socket.write(line({ return: 2e6 }));
		};
		await withAgent(script, async (agent, scripted) => {
			await agent.ping(PATIENT.timeoutMs, signal);
			const aborted = new AbortController();
			const first = agent.clock(aborted.signal);
			await until(() => scripted.asked.includes("guest-get-time"), { what: "the clock was asked for" });
			aborted.abort(new Error("enough"));
			await assert.rejects(first, /enough/);
			assert.equal(await agent.clock(signal), 2);
			assert.equal(scripted.asked.filter((name) => name === "guest-sync-delimited").length, 2);
		});
	});

	it("gives up in time on an agent that says nothing, no end, or never the number that it was asked for", async () => {
		const flood = Buffer.alloc(256 * 1024, "x");
		const scripts: readonly Script[] = [
			() => undefined,
			(_, socket) => socket.write('{"return": "'),
			(_, socket) => {
				for (let count = 0; count < 300; count++) socket.write(flood);
			},
			(_, socket) => socket.write(Buffer.concat([Buffer.from([0xff]), line({ return: 7 })])),
		];
		for (const script of scripts) {
			await withAgent(script, async (agent) => {
				await assert.rejects(agent.ping(BRIEF_MS, signal), { code: "unavailable", message: /did not answer/ });
			});
		}
	});

	it("lets nobody wait longer for their turn than they want to", async () => {
		await withAgent(
			(asked, socket) => asked.execute !== "guest-exec" && answeredCommon(asked, socket),
			async (agent, scripted) => {
				const ended = new AbortController();
				const running = agent.run(["/bin/true"], { timeoutMs: PATIENT.timeoutMs, signal: ended.signal });
				await until(() => scripted.asked.includes("guest-exec"), { what: "the program was asked for" });
				await assert.rejects(agent.ping(BRIEF_MS, signal), { code: "unavailable" });
				ended.abort(new Error("enough"));
				await assert.rejects(running, /enough/);
				await agent.ping(PATIENT.timeoutMs, signal);
			},
		);
	});

	it("tells what the agent's settings forbid, and what it is too old for", async () => {
		const known = [
			{ name: "guest-ping", enabled: true },
			{ name: "guest-exec", enabled: false },
		];
		const script: Script = (asked, socket) => {
			if (asked.execute === "guest-info") socket.write(line({ return: { supported_commands: known } }));
			else answeredCommon(asked, socket);
		};
		await withAgent(script, async (agent, scripted) => {
			const run = agent.run(["/bin/true"], PATIENT);
			await assert.rejects(run, { code: "unsupported", message: /refuses guest-exec: its settings do not allow it/ });
			await assert.rejects(agent.clock(signal), { code: "unsupported", message: /it does not know it/ });
			assert.ok(!scripted.asked.includes("guest-exec"));
		});
	});

	it("refuses answers of another kind, and goes on", async () => {
		const bad = [{ return: "x" }, { returned: 1 }, 7, { return: [{ name: 1 }] }];
		const script: Script = (asked, socket) => {
			if (!answeredCommon(asked, socket)) socket.write(line(bad.shift() ?? { return: [{ name: "eth0" }] }));
		};
		await withAgent(script, async (agent) => {
			for (const _ of [...bad]) await assert.rejects(agent.interfaces(signal), { code: "corrupt" });
			assert.deepEqual(await agent.interfaces(signal), [{ name: "eth0", mac: undefined, addresses: [] }]);
		});
	});

	it("writes nothing more for an agent that reads nothing", async () => {
		await withAgent(
			() => undefined,
			async (_, { channel, socket }) => {
				socket.pause();
				const megabyte = Buffer.alloc(1024 * 1024);
				assert.throws(() => [1, 2, 3].forEach(() => void channel.write(megabyte)), {
					code: "unavailable",
					message: /takes nothing/,
				});
			},
		);
	});
});

describe("GuestAgent with QEMU's own", needsGuestAgent(), () => {
	it("speaks to a clone's, which was captured while it spoke to somebody else", async () => {
		await using temp = await tempFolder();
		await using guest = await bootGuest({
			folder: temp.file("vm"),
			disks: [],
			memoryMb: 128,
			guestAgent: true,
			modules: ["virtio_net"],
			extraArgs: ["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56"],
		});
		await guest.run("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up");
		const production = connect(guest.agentSocket!);
		production.write('{"execute": "guest-ping"}\n{"execute": "guest-exec", "argu');
		await once(production, "data");
		await using running = await runningClone(guest, temp.file("trial"));
		production.destroy();

		using agent = agentOf(running.clone);
		const script = 'cat; echo "$1" >&2; exit 3';
		assert.deepEqual(await agent.run(["/bin/sh", "-c", script, "sh", "$(a) b"], { ...PATIENT, input: "ü\n" }), {
			exitCode: 3,
			signal: null,
			output: "ü\n",
			errors: "$(a) b\n",
		});
		const killed = await agent.run(["/bin/sh", "-c", "kill -KILL $$"], PATIENT);
		assert.deepEqual([killed.exitCode, killed.signal], [null, "SIGKILL"]);
		const { output } = await agent.run(["/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' y"], PATIENT);
		assert.equal(output, "y".repeat(64 * 1024));
		await assert.rejects(agent.run(["/nowhere"], PATIENT), { code: "not-found", message: /No such file/ });

		// Its end may come before the answer to the ping.
		const long = assert.rejects(agent.run(["/bin/sleep", "1000"], { timeoutMs: 1000, signal }), {
			code: "unavailable",
			message: /did not (?:end|answer)/,
		});
		assert.ok((await agent.ping(PATIENT.timeoutMs, signal)) > 0);
		await long;
		assert.deepEqual(await agent.system(signal), { family: "unix", name: "" });
		const card = (await agent.interfaces(signal)).find(({ name }) => name === "eth0");
		assert.equal(card?.mac, "52:54:00:12:34:56");
		assert.ok(card.addresses.some(({ address, prefix }) => address === "10.0.2.15" && prefix === 24));
		assert.ok(Math.abs((await agent.clock(signal)) - Date.now()) < 60_000);
	});
});
