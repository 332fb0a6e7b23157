import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { QmpClient, type QmpEvent } from "./qmp.ts";
import { BareQemu, makeImage, virtioDisk } from "./testing.ts";

const GREETING = '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": []}}\r\n';

interface Request {
	readonly execute: string;
	readonly id: number;
}

/** A monitor that says what the test wants. It greets and takes the capabilities unless told otherwise. */
class ScriptedMonitor implements AsyncDisposable {
	readonly path: string;
	readonly #temp: TempFolder;
	readonly #server: Server;
	readonly requests: Request[] = [];
	#socket!: Socket;

	private constructor(temp: TempFolder, server: Server) {
		this.#temp = temp;
		this.path = temp.file("qmp");
		this.#server = server;
	}

	static async start(
		options: { readonly greeting?: string; readonly handshake?: string } = {},
	): Promise<ScriptedMonitor> {
		const temp = await tempFolder();
		const monitor = new ScriptedMonitor(temp, createServer());
		monitor.#server.on("connection", (socket) => {
			monitor.#socket = socket;
			socket.on("error", () => {});
			socket.write(options.greeting ?? GREETING);
			let text = "";
			socket.setEncoding("utf8").on("data", (chunk: string) => {
				text += chunk;
				const lines = text.split("\n");
				text = lines.pop() ?? "";
				for (const line of lines) {
					const request = JSON.parse(line) as Request;
					monitor.requests.push(request);
					if (request.execute === "qmp_capabilities")
						monitor.send(
							options.handshake?.replace("ID", String(request.id)) ?? `{"return": {}, "id": ${request.id}}\r\n`,
						);
				}
			});
		});
		monitor.#server.listen(monitor.path);
		await once(monitor.#server, "listening");
		return monitor;
	}

	send(bytes: string | Uint8Array): void {
		this.#socket.write(bytes);
	}

	answer(request: Request, value: unknown): void {
		this.send(`${JSON.stringify({ return: value, id: request.id })}\r\n`);
	}

	/** Waits until the client has asked `count` times beyond the handshake. */
	async asked(count: number): Promise<Request[]> {
		const commands = () => this.requests.filter(({ execute }) => execute !== "qmp_capabilities");
		await until(() => commands().length >= count, { what: `${count} commands` });
		return commands();
	}

	get clientGone(): Promise<unknown> {
		return this.#socket.destroyed ? Promise.resolve() : once(this.#socket, "close");
	}

	close(): void {
		this.#socket.destroy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#socket?.destroy();
		this.#server.close();
		await this.#temp[Symbol.asyncDispose]();
	}
}

describe("QmpClient", () => {
	it("puts lines together from any pieces, also in the middle of a character", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const answers = Promise.all([client.execute("a"), client.execute("b")]);
		const [a, b] = await monitor.asked(2);
		const lines = `${JSON.stringify({ return: { name: "Prüfung ✓ 🖥" }, id: a?.id })}\r\n\r\n${JSON.stringify({ return: 2, id: b?.id })}\n`;
		for (const byte of Buffer.from(lines)) {
			monitor.send(Uint8Array.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		assert.deepEqual(await answers, [{ name: "Prüfung ✓ 🖥" }, 2]);
	});

	it("takes several answers in one piece, in any order, and drops those nobody asked for", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const answers = Promise.all([client.execute("a"), client.execute("b")]);
		const [a, b] = await monitor.asked(2);
		monitor.send(`{"return": "late", "id": 999}\n{"return": "B", "id": ${b?.id}}\n{"return": "A", "id": ${a?.id}}\n`);
		assert.deepEqual(await answers, ["A", "B"]);
	});

	it("keeps what waits longer than one read", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const answer = client.execute("query");
		const [request] = await monitor.asked(1);
		monitor.answer(request as Request, "x".repeat(5_000_000));
		assert.equal(((await answer) as string).length, 5_000_000);
	});

	it("ends the connection at a line without end", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const answer = client.execute("query");
		await monitor.asked(1);
		for (let sent = 0; sent <= 65; sent++) monitor.send(Buffer.alloc(2 ** 20, 0x20));
		await assert.rejects(answer, (error) => isUmbraError(error, "limit"));
		assert.ok(client.closed.aborted);
	});

	for (const [what, line] of [
		["no JSON", "hello\n"],
		["no object", "null\n"],
	] as const) {
		it(`ends the connection at ${what}`, async () => {
			await using monitor = await ScriptedMonitor.start();
			await using client = await QmpClient.connect(monitor.path);
			const answer = client.execute("query");
			await monitor.asked(1);
			monitor.send(line);
			await assert.rejects(answer, (error) => isUmbraError(error, "unavailable"));
			assert.ok(isUmbraError(client.closed.reason, "unavailable"));
		});
	}

	it("tells refusals by QEMU's class and words, whatever the error looks like", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const [missing, refused, odd] = ["a", "b", "c"].map((command) => client.execute(command));
		const requests = await monitor.asked(3);
		const error = (at: number, value: unknown) =>
			monitor.send(`${JSON.stringify({ error: value, id: requests[at]?.id })}\n`);
		error(2, null);
		error(1, { class: "GenericError", desc: "not now" });
		error(0, { class: "DeviceNotFound", desc: "no such thing" });
		await assert.rejects(
			missing as Promise<unknown>,
			(e) => isUmbraError(e, "not-found") && /no such thing/.test(e.message),
		);
		await assert.rejects(
			refused as Promise<unknown>,
			(e) => isUmbraError(e, "unavailable") && /b: not now/.test(e.message),
		);
		await assert.rejects(odd as Promise<unknown>, (e) => isUmbraError(e, "unavailable") && /no reason/.test(e.message));
		assert.ok(!client.closed.aborted);
	});

	it("rejects what is under way when the connection ends, and everything after", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const pending = [client.execute("a"), client.execute("b")];
		await monitor.asked(2);
		monitor.close();
		for (const one of pending) await assert.rejects(one, (error) => isUmbraError(error, "unavailable"));
		assert.ok(client.closed.aborted);
		await assert.rejects(client.execute("c"), (error) => isUmbraError(error, "unavailable"));
	});

	it("brings events with their time, until it is told not to", async () => {
		await using monitor = await ScriptedMonitor.start();
		await using client = await QmpClient.connect(monitor.path);
		const seen: QmpEvent[] = [];
		const off = client.onEvent((event) => seen.push(event));
		const round = async () => {
			monitor.send('{"event": "STOP", "timestamp": {"seconds": 1700000000, "microseconds": 123456}}\n');
			const answer = client.execute("sync");
			monitor.answer((await monitor.asked(1)).at(-1) as Request, 0);
			await answer;
		};
		await round();
		assert.deepEqual(seen, [{ event: "STOP", data: {}, timeNs: 1_700_000_000_123_456_000n }]);
		off();
		const sync = client.execute("again");
		monitor.send('{"event": "STOP"}\n');
		monitor.answer((await monitor.asked(2)).at(-1) as Request, 0);
		await sync;
		assert.equal(seen.length, 1);
	});

	it("lets go of a monitor that refuses the handshake", async () => {
		await using monitor = await ScriptedMonitor.start({ handshake: '{"error": {"desc": "no"}, "id": ID}\n' });
		await assert.rejects(QmpClient.connect(monitor.path), (error) => isUmbraError(error, "unavailable"));
		await monitor.clientGone;
	});

	it("gives up a monitor that does not greet, with a hint", { timeout: 30_000 }, async () => {
		await using monitor = await ScriptedMonitor.start({ greeting: "\n" });
		await assert.rejects(
			QmpClient.connect(monitor.path),
			(error) => isUmbraError(error, "unavailable") && error.hint !== undefined,
		);
		await monitor.clientGone;
	});

	it("does not wait for a greeting once it is aborted", async () => {
		await using monitor = await ScriptedMonitor.start({ greeting: "\n" });
		const abort = new AbortController();
		const connecting = QmpClient.connect(monitor.path, abort.signal);
		abort.abort();
		await assert.rejects(connecting);
		await assert.rejects(
			QmpClient.connect(monitor.path, abort.signal),
			(error) => (error as Error).name === "AbortError",
		);
	});

	it("says that nobody listens", async () => {
		await using temp = await tempFolder();
		await assert.rejects(
			QmpClient.connect(temp.file("none")),
			(error) => isUmbraError(error, "unavailable") && error.message.includes("none"),
		);
	});

	it("talks to QEMU, one client at a time", needs("qemu-system-x86_64", "qemu-img"), async () => {
		await using qemu = await BareQemu.start(async (temp) =>
			virtioDisk("va", await makeImage(temp.file("a"), "raw", 2 ** 20), "raw"),
		);
		await using client = await qemu.connect();
		const events: string[] = [];
		client.onEvent(({ event }) => events.push(event));
		assert.deepEqual(await client.execute("stop"), {});
		await client.execute("cont");
		assert.deepEqual(events, ["STOP", "RESUME"]);
		await assert.rejects(client.execute("no-such-command"), (error) => isUmbraError(error, "unavailable"));
		await assert.rejects(
			client.execute("query-block", { nonsense: 1 }),
			(error) => isUmbraError(error, "unavailable") && /nonsense/.test(error.message),
		);
		await assert.rejects(
			QmpClient.connect(qemu.qmpPath),
			(error) => isUmbraError(error, "unavailable") && error.hint !== undefined,
		);
		await qemu.kill();
		await until(() => client.closed.aborted, { what: "the end of the connection" });
	});
});
