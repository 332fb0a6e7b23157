import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../test/support/wait.ts";
import { ACK, FIN, PSH, RST, SYN, type TcpSegment } from "./packets.ts";
import { TcpConnection } from "./tcp.ts";

/** Just before sequence numbers begin anew. */
const OURS = 0xfffffffe;
const THEIRS = 0xfffffff0;

/** The other side, by hand. */
class Server {
	readonly sent: TcpSegment[] = [];
	readonly connection: TcpConnection;
	ended = false;

	constructor() {
		this.connection = new TcpConnection({
			...{ localPort: 50_000, remotePort: 80, sequence: OURS },
			send: (segment) => this.sent.push(segment),
			ended: () => {
				this.ended = true;
			},
		});
		this.connection.on("error", () => {});
	}

	static open(window = 1000): Server {
		const server = new Server();
		server.say(SYN | ACK, { sequence: THEIRS, acknowledgement: OURS + 1, window, mss: 100 });
		return server;
	}

	/** `at`: bytes into what this side says. */
	say(flags: number, more: Partial<TcpSegment> & { readonly at?: number } = {}): void {
		const { at = 0, ...told } = more;
		this.connection.receive({
			...{ sourcePort: 80, destinationPort: 50_000, sequence: (THEIRS + 1 + at) >>> 0, flags, window: 1000 },
			...{ acknowledgement: (OURS + 1) >>> 0, payload: Buffer.alloc(0) },
			...told,
		});
	}

	get last(): TcpSegment {
		return this.sent.at(-1)!;
	}
}

describe("TcpConnection", () => {
	it("connects, and does not take an answer to something else for one", () => {
		const server = new Server();
		assert.deepEqual([server.last.flags, server.last.mss], [SYN, 1460]);
		server.say(SYN | ACK, { acknowledgement: OURS });
		server.say(RST | ACK, { acknowledgement: OURS });
		server.say(RST);
		assert.deepEqual([server.connection.isConnected, server.ended], [false, false]);
		server.say(SYN | ACK, { sequence: THEIRS, acknowledgement: OURS + 1 });
		assert.equal(server.connection.isConnected, true);
		assert.deepEqual([server.last.flags, server.last.acknowledgement], [ACK, THEIRS + 1]);
		server.connection.destroy();
	});

	it("puts in order what comes out of it, twice or overlapping, over the end of the numbers", async () => {
		const server = Server.open();
		const text = "0123456789abcdefghijklmnopqrstuvwxyz";
		const say = (from: number, to: number) => server.say(ACK, { at: from, payload: Buffer.from(text.slice(from, to)) });
		say(20, 30);
		say(10, 22);
		say(28, 36);
		assert.equal(server.last.acknowledgement, THEIRS + 1);
		say(0, 12);
		assert.equal(server.last.acknowledgement, (THEIRS + 1 + text.length) >>> 0);
		say(0, 12);
		server.say(FIN | ACK, { at: text.length });
		let read = "";
		for await (const piece of server.connection) read += piece;
		assert.equal(read, text);
	});

	it("keeps within its window what it has not been able to hand on", () => {
		const server = Server.open();
		const piece = Buffer.alloc(10_000);
		for (let at = 0; at < 200_000; at += piece.length) server.say(ACK, { at, payload: piece });
		assert.equal(server.connection.readableLength, 65_535);
		assert.equal(server.last.window, 0);
		server.say(ACK, { at: 10_000_000, payload: piece });
		server.connection.read();
		server.connection.destroy();
	});

	it("sends no more than the other side has room for, and again what is not acknowledged", async () => {
		const server = Server.open(150);
		server.connection.write("x".repeat(400));
		const data = () => server.sent.filter(({ payload }) => payload.length > 0);
		assert.deepEqual(
			data().map(({ payload }) => payload.length),
			[100, 50],
		);
		server.say(ACK, { acknowledgement: (OURS + 101) >>> 0, window: 0 });
		await until(() => data().length > 2 && server.connection.retransmissions > 0, { what: "it asks again" });
		assert.equal(data()[2]?.payload.length, 1);
		server.say(ACK, { acknowledgement: (OURS + 151) >>> 0, window: 1000 });
		assert.equal(
			data()
				.slice(3)
				.reduce((sum, { payload }) => sum + payload.length, 0),
			250,
		);
		assert.equal(data().at(-1)?.flags, PSH | ACK);
		server.connection.destroy();
	});

	it("believes a reset within its window only, and says so", async () => {
		const server = Server.open();
		server.say(RST, { at: 70_000 });
		server.say(RST, { at: -1 });
		assert.equal(server.ended, false);
		const failed = new Promise((resolve) => server.connection.once("close", resolve));
		server.say(RST, { at: 5 });
		await failed;
		assert.equal(server.connection.errored?.message, "the connection is reset");
		assert.equal(server.ended, true);
		assert.equal((server.last.flags & RST) === 0, true);
	});

	it("ends when both sides have said all, and resets what is let go of", async () => {
		const server = Server.open();
		server.connection.end();
		await until(() => (server.last.flags & FIN) !== 0, { what: "its end is sent", intervalMs: 1 });
		server.say(ACK, { acknowledgement: (OURS + 2) >>> 0 });
		assert.equal(server.ended, false);
		server.say(FIN | ACK, { acknowledgement: (OURS + 2) >>> 0 });
		assert.equal(server.ended, true);
		assert.equal(server.last.acknowledgement, (THEIRS + 2) >>> 0);
		const other = Server.open();
		other.connection.destroy();
		await until(() => (other.last.flags & RST) !== 0, { what: "it is reset", intervalMs: 1 });
	});
});
