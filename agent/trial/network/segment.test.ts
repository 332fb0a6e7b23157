import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { checksum, ECHO_MAC, echoPeer } from "./echo-peer.ts";
import { encodeFrame, type Frame, FrameReader } from "./framing.ts";
import { Segment, type SwitchPort } from "./segment.ts";
import { plainShape, shapeFrame } from "./shape.ts";

const BROADCAST = Buffer.alloc(6, 0xff);
const mac = (last: number) => Buffer.from([2, 0, 0, 0, 0, last]);
const frame = (to: Buffer, from: Buffer, text: string) =>
	Buffer.concat([to, from, Buffer.from([0x88, 0xb5]), Buffer.from(text.padEnd(46))]);

/** A network card at a port. */
class Card implements Disposable {
	readonly port: SwitchPort;
	readonly received: Frame[] = [];
	readonly #socket: Socket;

	constructor(port: SwitchPort, socket: Socket) {
		this.port = port;
		this.#socket = socket;
		const reader = new FrameReader("stream");
		socket.on("data", (bytes: Buffer) => this.received.push(...reader.push(bytes)));
	}

	static async plugIn(segment: Segment, path: string): Promise<Card> {
		const port = await segment.listen(path, path);
		const socket = connect(path);
		await once(socket, "connect");
		return new Card(port, socket);
	}

	send(...frames: readonly Buffer[]): void {
		for (const bytes of frames) this.#socket.write(encodeFrame("stream", { bytes }, 0));
	}

	texts(): string[] {
		return this.received.map(({ bytes }) => bytes.toString("latin1", 14).trim());
	}

	sendRaw(bytes: Buffer): void {
		this.#socket.write(bytes);
	}

	get closed(): boolean {
		return this.#socket.closed;
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}
}

describe("Segment", () => {
	it("brings frames to whom they are for, to all others where that is not known, and to no other segment", async () => {
		await using temp = await tempFolder();
		const [segment, other] = [new Segment(), new Segment()];
		using a = await Card.plugIn(segment, temp.file("a"));
		using b = await Card.plugIn(segment, temp.file("b"));
		using c = await Card.plugIn(segment, temp.file("c"));
		using far = await Card.plugIn(other, temp.file("far"));
		const seen: string[] = [];
		segment.onFrame((port, direction) => seen.push(`${port.name.slice(-1)} ${direction}`));
		a.send(frame(BROADCAST, mac(1), "all"));
		await until(() => b.received.length === 1 && c.received.length === 1, { what: "all have it" });
		b.send(frame(mac(1), mac(2), "one"));
		await until(() => a.received.length === 1, { what: "one has it" });
		assert.deepEqual([a.texts(), b.texts(), c.texts(), far.texts()], [["one"], ["all"], ["all"], []]);
		assert.deepEqual(seen, ["a from-clone", "b to-clone", "c to-clone", "b from-clone", "a to-clone"]);
		assert.equal(a.port.counters.receivedFrames + a.port.counters.sentFrames, 2);
		for (const card of [a, b, c, far]) await card.port[Symbol.asyncDispose]();
		assert.deepEqual(segment.ports, []);
	});

	it("delays, loses and damages frames as its shapes say at the time", async () => {
		await using temp = await tempFolder();
		const segment = new Segment({ random: () => 0.5 });
		using a = await Card.plugIn(segment, temp.file("a"));
		using b = await Card.plugIn(segment, temp.file("b"));
		a.port.fromClone.delayMs = 100;
		const begun = performance.now();
		a.send(frame(BROADCAST, mac(1), "late"));
		await until(() => b.received.length === 1, { what: "it comes", intervalMs: 2 });
		assert.ok(performance.now() - begun >= 99);
		a.port.fromClone.delayMs = 0;
		b.port.toClone.loss = 0.6;
		a.send(frame(BROADCAST, mac(1), "lost"));
		await until(() => b.port.counters.droppedFrames === 1, { what: "it is lost" });
		Object.assign(b.port.toClone, { loss: 0, corruption: 0.6 });
		a.send(frame(BROADCAST, mac(1), "bent"));
		await until(() => b.received.length === 2, { what: "it comes" });
		assert.equal(b.port.counters.corruptedFrames, 1);
		const sent = frame(BROADCAST, mac(1), "bent");
		const bits = b.received[1]!.bytes.reduce((sum, byte, at) => sum + ((byte ^ sent[at]!) === 0 ? 0 : 1), 0);
		assert.equal(bits, 1);
		for (const card of [a, b]) await card.port[Symbol.asyncDispose]();
	});

	it("slows down who sends too much, and lets go of who sends what is no frame", async () => {
		await using temp = await tempFolder();
		const segment = new Segment();
		using a = await Card.plugIn(segment, temp.file("a"));
		const begun = performance.now();
		a.send(...Array.from({ length: 5000 }, () => frame(BROADCAST, mac(1), "")));
		await until(() => a.port.counters.receivedFrames === 5000, { what: "all are taken", intervalMs: 5 });
		assert.ok(performance.now() - begun > 100, `${performance.now() - begun} ms`);
		a.sendRaw(Buffer.alloc(64, 0xff));
		await until(() => a.closed, { what: "it is cut off" });
		await a.port[Symbol.asyncDispose]();
	});
});

describe("shapeFrame", () => {
	it("leaves a frame as it is where nothing is to be done to it", () => {
		const bytes = frame(BROADCAST, mac(1), "x");
		assert.deepEqual(
			shapeFrame(plainShape(), bytes, () => 0),
			{ frame: bytes, delayMs: 0, isCorrupted: false },
		);
	});
});

describe("FrameReader", () => {
	it("takes frames apart from their headers, however they come", () => {
		const header = Buffer.alloc(12, 7);
		const bytes = frame(BROADCAST, mac(1), "with a header");
		const wire = Buffer.concat([1, 2].map(() => encodeFrame("redirected-tap", { bytes, header }, 12)));
		const reader = new FrameReader("redirected-tap");
		const found = [...wire].flatMap((byte) => [...reader.push(Buffer.from([byte]))]);
		assert.equal(found.length, 2);
		for (const each of found) assert.ok(each.bytes.equals(bytes) && each.header?.equals(header));
	});

	it("refuses lengths that no frame has", () => {
		const head = Buffer.from([0, 0, 0, 20, 0, 0, 0, 30]);
		assert.throws(() => [...new FrameReader("redirected-tap").push(head)], { code: "corrupt" });
	});
});

describe("echoPeer", () => {
	const ask = (bytes: Buffer): Buffer[] => {
		const answers: Buffer[] = [];
		echoPeer().receive(bytes, (answer) => answers.push(answer));
		return answers;
	};
	const arp = (sender: number[], target: number[]) =>
		Buffer.concat([
			...[BROADCAST, mac(1), Buffer.from([8, 6, 0, 1, 8, 0, 6, 4, 0, 1])],
			...[mac(1), Buffer.from(sender), Buffer.alloc(6), Buffer.from(target)],
		]);

	it("has every address but the asker's own", () => {
		const [answer] = ask(arp([10, 0, 0, 1], [10, 0, 0, 2]));
		assert.ok(answer?.subarray(0, 6).equals(mac(1)) && answer.subarray(22, 28).equals(ECHO_MAC));
		assert.deepEqual([...answer!.subarray(28, 32)], [10, 0, 0, 2]);
		assert.deepEqual(ask(arp([10, 0, 0, 1], [10, 0, 0, 1])), []);
		assert.deepEqual(ask(arp([0, 0, 0, 0], [10, 0, 0, 1])), []);
	});

	it("answers pings with a checksum that is right, and nothing that is cut short", () => {
		const icmp = Buffer.from([8, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3]);
		const ip = Buffer.from([0x45, 0, 0, 20 + icmp.length, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
		const ping = Buffer.concat([ECHO_MAC, mac(1), Buffer.from([8, 0]), ip, icmp]);
		const [answer] = ask(ping);
		assert.equal(answer?.[34], 0);
		assert.equal(checksum(answer!.subarray(34)), 0);
		assert.deepEqual([...answer!.subarray(26, 34)], [10, 0, 0, 2, 10, 0, 0, 1]);
		for (let length = 14; length < ping.length; length++) assert.deepEqual(ask(ping.subarray(0, length)), []);
	});
});
