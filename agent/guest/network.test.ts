import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalJson } from "../../common/canonical-json.ts";
import { isUmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { decodeConfiguration, encodeConfiguration } from "../state/configuration.ts";
import { layOut } from "../state/ram-layout.ts";
import { GuestAgent } from "./guest-agent.ts";
import { askNetwork, type GuestNetwork } from "./network.ts";
import { type Asked, answeredCommon, line, ScriptedAgent } from "./testing.ts";

const STREAM = { machineType: "pc", ram: layOut([]), headBytes: 0, ramSection: 0, hasFooters: false };
const MACHINE = {
	...{ version: "7.2.0", architecture: "x86_64", cpus: 1, memory: { base: 0, plugged: 0 } },
	...{ memoryBackends: [], arguments: [], nics: [] },
};
const card = { name: "eth0", "hardware-address": "52:54:00:12:34:56", "ip-addresses": [] };

/** @param answer what an agent says that otherwise refuses; undefined where it refuses that too */
async function told(
	answer: (asked: Asked) => unknown,
	interfaces: readonly unknown[] = [card],
): Promise<{ network: GuestNetwork; asked: readonly string[] }> {
	await using temp = await tempFolder();
	await using scripted = await ScriptedAgent.start(temp.path, (asked, socket) => {
		if (answeredCommon(asked, socket)) return;
		const value = asked.execute === "guest-network-get-interfaces" ? interfaces : answer(asked);
		const refusal = { class: "CommandNotFound", desc: `Command ${asked.execute} has been disabled` };
		socket.write(line(value === undefined ? { error: refusal } : { return: value }));
	});
	using agent = new GuestAgent(scripted.channel);
	const network = await askNetwork(agent, new AbortController().signal);
	return { network, asked: scripted.asked };
}

describe("askNetwork", () => {
	it("tells the cards where the agent tells nothing else", async () => {
		const interfaces = [{ name: "eth0", mac: "52:54:00:12:34:56", addresses: [] }];
		assert.deepEqual((await told(() => undefined)).network, { interfaces, routes: null, sockets: null });
	});

	it("takes the agent's own word for routes where it gives no files", async () => {
		const four = {
			iface: "eth0",
			version: 4,
			destination: "10.0.2.0",
			mask: "255.255.255.0",
			gateway: "0.0.0.0",
			metric: 3,
		};
		const six = {
			iface: "eth0",
			version: 6,
			destination: "fd00::",
			desprefixlen: "64",
			nexthop: "fd00::1",
			metric: 1024,
		};
		const { network } = await told(({ execute }) => (execute === "guest-network-get-route" ? [four, six] : undefined));
		assert.deepEqual(network.routes, [
			{ interface: "eth0", destination: "10.0.2.0", prefix: 24, gateway: "0.0.0.0", metric: 3 },
			{ interface: "eth0", destination: "fd00::", prefix: 64, gateway: "fd00::1", metric: 1024 },
		]);
		assert.equal(network.sockets, null);
	});

	it("gives nothing that a state could not hold and give back, whatever the agent says", async (context) => {
		const random = testRandom(context);
		const odd = [-1, 1.5, 1e300, 129, "", "x", "-1", "1e3", "\ud800", "ü".repeat(500), null, {}, [], 7, "64"];
		const valid = (bytes: number) => Buffer.from(random.bytes(bytes)).toString("hex").toUpperCase();
		const word = () =>
			random.pick([valid(4), valid(4), valid(16), "0003", "80200001", "-5", "7", "9".repeat(20), "x:y"]);
		const text = () => Array.from({ length: 50 }, () => Array.from({ length: 11 }, word).join(" ")).join("\n");
		let kept = 0;
		for (let round = 0; round < 100; round++) {
			const answer = ({ execute }: Asked): unknown => {
				if (execute === "guest-file-open") return random.below(3) === 0 ? undefined : 1;
				if (execute === "guest-file-close") return {};
				if (execute === "guest-file-read")
					return { count: 1, "buf-b64": Buffer.from(text()).toString("base64"), eof: true };
				const route = { iface: "e", version: random.pick([4, 6]), destination: "x", metric: random.pick(odd) };
				return [{ ...route, desprefixlen: random.pick(odd), mask: random.pick(odd), gateway: random.pick(odd) }];
			};
			const address = { "ip-address": random.pick(odd), prefix: random.pick(odd) };
			const interfaces = [{ ...card, "ip-addresses": random.below(2) === 0 ? [] : [address] }];
			try {
				const { network } = await told(answer, interfaces);
				const machine = { ...MACHINE, network: { addresses: [], connections: [], guest: network } };
				const read = decodeConfiguration(encodeConfiguration(machine, STREAM)).machine.network?.guest;
				assert.equal(canonicalJson(read), canonicalJson(network));
				kept += network.routes?.length ?? 0;
			} catch (error) {
				assert.ok(
					isUmbraError(error, "corrupt") && /answered guest-network-get-interfaces/.test(error.message),
					String(error),
				);
			}
		}
		assert.ok(kept > 0);
	});

	it("reads files piece by piece to the end, closes them, and reads no more than it wants of one that has none", async () => {
		const socket = (port: number) =>
			`   0: 0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A 00000000:00000000 00:00000000\n`;
		const tcp = Buffer.from(Array.from({ length: 1200 }, (_, at) => socket(at + 1)).join(""));
		const open = new Map<number, { path: string; at: number }>();
		let most = 0;
		const { network, asked } = await told(({ execute, arguments: args }) => {
			const handle = Number(args["handle"]);
			if (execute === "guest-file-open") {
				open.set(most, { path: String(args["path"]), at: 0 });
				return most++;
			}
			const file = open.get(handle);
			if (execute === "guest-file-close") return open.delete(handle) ? {} : undefined;
			if (execute !== "guest-file-read" || file === undefined) return undefined;
			const count = Number(args["count"]);
			const endless = file.path !== "/proc/net/tcp";
			const bytes = endless ? Buffer.alloc(count, "x") : tcp.subarray(file.at, file.at + count);
			file.at += bytes.length;
			return { count: bytes.length, "buf-b64": bytes.toString("base64"), eof: !endless && file.at === tcp.length };
		});
		assert.equal(open.size, 0);
		const ports = network.sockets?.map(({ local }) => local.port) ?? [];
		assert.deepEqual(
			ports,
			Array.from({ length: 500 }, (_, at) => at + 1),
		);
		assert.deepEqual(network.routes, []);
		assert.ok(asked.filter((name) => name === "guest-file-read").length < 40);
	});
});
