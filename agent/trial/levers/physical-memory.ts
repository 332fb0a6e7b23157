/**
 * A clone's physical memory, to read and to write: by the debugger's protocol (GDB's "Remote Serial Protocol", with QEMU's
 * `Qqemu.PhyMemMode`). The guest stands still from `open` until it is disposed of.
 */
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import type { Clone } from "../clone.ts";
import { CloneDisks } from "./clone-disks.ts";

/** QEMU takes packets of 4096 characters; two are a byte. */
const CHUNK = 1024;
const ANSWER_MS = 30_000;
const SOCKET = "g";

export interface RamRange {
	readonly begin: number;
	/** Behind the last byte. */
	readonly end: number;
}

/** @throws UmbraError `unavailable` where the guest does not run, or QEMU does not serve it. */
export async function withPhysicalMemory<T>(clone: Clone, work: (memory: PhysicalMemory) => Promise<T>): Promise<T> {
	const { qmp } = clone;
	// The guest stands while this is so, and QEMU waits for its disks first.
	return await CloneDisks.of(clone).exclusively(async () => {
		const { running, status } = (await qmp.execute("query-status")) as { running?: boolean; status?: string };
		if (running !== true) throw new UmbraError("unavailable", `the guest does not run: it is ${status}`);
		const monitor = (line: string) => qmp.execute("human-monitor-command", { "command-line": line });
		await monitor(`gdbserver unix:${SOCKET},server=on,wait=off`);
		try {
			await using memory = await PhysicalMemory.open(join(clone.folder, SOCKET));
			return await work(memory);
		} finally {
			await monitor("gdbserver none");
			// It goes on when the debugger leaves; where that was lost, by this.
			const after = (await qmp.execute("query-status")) as { status?: string };
			if (after.status === "paused" || after.status === "debug") await qmp.execute("cont");
		}
	});
}

export class PhysicalMemory implements AsyncDisposable {
	readonly #socket: Socket;
	#received = "";
	#wake: () => void = () => undefined;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.setEncoding("latin1");
		socket.on("data", (text: string) => {
			this.#received += text;
			this.#wake();
		});
		socket.on("error", () => this.#wake());
		socket.on("close", () => this.#wake());
	}

	/** @internal `withPhysicalMemory` opens one. */
	static async open(path: string): Promise<PhysicalMemory> {
		const socket = createConnection({ path });
		await new Promise<void>((resolve, reject) => {
			socket.once("connect", resolve);
			socket.once("error", (cause) =>
				reject(new UmbraError("unavailable", `QEMU's debugger cannot be reached: ${messageOf(cause)}`, { cause })),
			);
		});
		const memory = new PhysicalMemory(socket);
		// Why it stands: with this, the debugger has come.
		await memory.#ask("?", /^[TS]/);
		await memory.#ask("Qqemu.PhyMemMode:1", /^OK$/);
		return memory;
	}

	/** Undefined where there is no memory. @throws UmbraError `unavailable`. */
	async read(address: number, length: number): Promise<Buffer | undefined> {
		const parts: Buffer[] = [];
		for (let at = 0; at < length; at += CHUNK) {
			const bytes = Math.min(CHUNK, length - at);
			const answer = await this.#ask(`m${(address + at).toString(16)},${bytes.toString(16)}`, /^(?:[0-9a-f]{2})+$|^E/);
			const part = Buffer.from(answer, "hex");
			if (answer.startsWith("E") || part.length !== bytes) return undefined;
			parts.push(part);
		}
		return Buffer.concat(parts);
	}

	/** @throws UmbraError `unavailable`. */
	async write(address: number, bytes: Buffer): Promise<void> {
		for (let at = 0; at < bytes.length; at += CHUNK) {
			const part = bytes.subarray(at, at + CHUNK);
			const place = `${(address + at).toString(16)},${part.length.toString(16)}`;
			await this.#ask(`M${place}:${part.toString("hex")}`, /^OK$/);
		}
	}

	/** Lets the guest go on. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.#ask("D", /^OK$/).catch(() => undefined);
		this.#socket.destroy();
	}

	/** @param wanted what comes besides, such as that the guest stopped, is passed over */
	async #ask(command: string, wanted: RegExp): Promise<string> {
		const sum = [...Buffer.from(command, "latin1")].reduce((all, byte) => (all + byte) & 0xff, 0);
		this.#socket.write(`$${command}#${sum.toString(16).padStart(2, "0")}`);
		const deadline = performance.now() + ANSWER_MS;
		for (;;) {
			const [whole, body = ""] = /^[^$]*\$([^#]*)#[0-9a-f]{2}/.exec(this.#received) ?? [];
			if (whole !== undefined) {
				this.#received = this.#received.slice(whole.length);
				this.#socket.write("+");
				if (wanted.test(body)) return body;
				if (/^(?:E|$)/.test(body)) throw refused(command, body);
				continue;
			}
			const leftMs = deadline - performance.now();
			if (leftMs <= 0 || this.#socket.destroyed || this.#socket.readableEnded) throw refused(command, "no answer");
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, leftMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}
}

function refused(command: string, answer: string): UmbraError {
	return new UmbraError("unavailable", `QEMU's debugger refused ${command.slice(0, 40)}: ${answer || "not known"}`);
}

/** Where RAM lies in physical memory: it has a gap below 4 GiB for devices. @throws UmbraError `unavailable`. */
export async function ramRanges({ qmp, plan }: Clone): Promise<readonly RamRange[]> {
	const text = String(await qmp.execute("human-monitor-command", { "command-line": "info mtree -f" }));
	const names = new Set(plan.ram.flatMap(({ block, backend }) => [block, backend, `/objects/${backend}`]));
	const view = text.split(/^FlatView #/m).find((each) => /^ AS "memory", root: system\r?$/m.test(each)) ?? "";
	const ranges: RamRange[] = [];
	for (const [, first = "", last = "", name = ""] of view.matchAll(
		/^ {2}([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ram\): (\S+)/gm,
	)) {
		if (names.has(name)) ranges.push({ begin: Number.parseInt(first, 16), end: Number.parseInt(last, 16) + 1 });
	}
	if (ranges.length === 0) throw new UmbraError("unavailable", "QEMU does not tell where the clone's RAM lies");
	return ranges;
}
