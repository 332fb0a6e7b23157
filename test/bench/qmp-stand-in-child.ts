/**
 * Stands in for the monitors of many VMs, in front of the monitor of one real QEMU: what is asked for the first time is
 * asked there and recorded, then answered from the record. Counters in the answers rise, names differ, and the vCPUs'
 * threads are real threads, of this process.
 *
 * usage: node qmp-stand-in-child.ts FOLDER COUNT REAL-SOCKET      prints "listening"
 */
import { readdirSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { QmpClient } from "../../agent/hypervisor/qmp.ts";
import { UmbraError } from "../../common/errors.ts";

const [folder = "", count = "", realSocket = ""] = process.argv.slice(2);
/** The agent looks at it before it takes a process for a hypervisor. */
process.title = "qemu-stand-in";
const real = await QmpClient.connect(realSocket);
const record = new Map<string, Promise<object>>();
const threads = readdirSync("/proc/self/task").map(Number);

interface Command {
	readonly execute: string;
	readonly arguments?: Readonly<Record<string, unknown>>;
	readonly id?: number;
}

function recorded({ execute, arguments: args = {} }: Command): Promise<object> {
	const key = JSON.stringify([execute, args]);
	let answer = record.get(key);
	if (answer === undefined) {
		answer = real.execute(execute, args).then(
			(value) => ({ return: value }),
			(error: unknown) => {
				if (!(error instanceof UmbraError)) throw error;
				return { error: { class: error.context["class"] ?? "GenericError", desc: error.message } };
			},
		);
		record.set(key, answer);
	}
	return answer;
}

/** Counters of disks and balloon are what a VM at work has: most of them moved a little since they were asked last. */
function moved(text: string, state: Map<string, number>): string {
	let place = 0;
	return text.replace(/"((?:rd|wr|flush|unmap)_[a-z_]*|stat-[a-z-]*|idle_time_ns)":(\d+)/g, (_, name, value) => {
		const key = `${name}${place++}`;
		const before = state.get(key) ?? Number(value);
		const now = Math.random() < 0.6 ? before + Math.floor(Math.random() * 2 ** 20) : before;
		state.set(key, now);
		return `"${name}":${now}`;
	});
}

async function answer(command: Command, vm: number, state: Map<string, number>): Promise<string> {
	if (command.execute === "qmp_capabilities") return JSON.stringify({ return: {}, id: command.id });
	if (command.execute === "query-name") return JSON.stringify({ return: { name: `web-${vm}` }, id: command.id });
	let text = JSON.stringify({ ...(await recorded(command)), id: command.id });
	if (command.execute === "query-cpus-fast") {
		let thread = 0;
		text = text.replace(/"thread-id":\d{2,}/g, () => `"thread-id":${threads[thread++ % threads.length]}`);
	}
	return /query-blockstats|qom-get/.test(command.execute) ? moved(text, state) : text;
}

function serve(socket: Socket, vm: number): void {
	const state = new Map<string, number>();
	socket.write(`${JSON.stringify({ QMP: { version: {}, capabilities: [] } })}\n`);
	let last: Promise<unknown> = Promise.resolve();
	const lines = createInterface(socket);
	// An agent that is killed.
	socket.on("error", () => {});
	lines.on("error", () => {});
	lines.on("line", (line) => {
		const next = last.then(() => answer(JSON.parse(line) as Command, vm, state));
		last = next.then((text) => socket.write(`${text}\n`));
	});
}

for (let vm = 0; vm < Number(count); vm++) {
	createServer((socket) => serve(socket, vm)).listen(join(folder, `web-${vm}.qmp`));
}
console.log("listening");
