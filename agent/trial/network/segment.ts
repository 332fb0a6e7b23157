/**
 * `agent/trial/network/` is all the network that clones have: a *segment* is a switch in this process, a *port* is where a
 * clone's network card is plugged in, a *peer* is something that answers and is not a clone. Frames go between the ports and
 * peers of one segment; there is no way from here to an interface of the host, because nothing here opens one.
 *
 * Clones have the addresses of the machine that they were made of: each has a segment of its own unless they are to meet.
 * What guests send is not trusted: frames are bounded in length, number and what waits to be delivered.
 */
import type { Socket } from "node:net";
import type { Wire } from "../clone-plan.ts";
import { OneClient } from "../one-client.ts";
import { encodeFrame, type Frame, FrameReader, MIN_FRAME } from "./framing.ts";
import { plainShape, type Shape, shapeFrame } from "./shape.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Where nobody takes frames, those that come then are lost, as in any switch. */
const MAX_WAITING_BYTES = 2 * 2 ** 20;
/** Frames of one port in a window; the guest then waits for the next one, so that it does not keep a core of its host busy. */
const MAX_FRAMES = 1000;
const WINDOW_MS = 50;
/** Of a network card that has not sent anything yet: virtio's with merged buffers, which all of today's drivers take. */
const DEFAULT_HEADER = 12;
/** Addresses that a segment remembers. */
const MAX_ADDRESSES = 4096;

export interface PortCounters {
	/** From the clone. */
	receivedFrames: number;
	receivedBytes: number;
	/** To the clone. */
	sentFrames: number;
	sentBytes: number;
	/** By the shape, or since nobody took them. */
	droppedFrames: number;
	corruptedFrames: number;
}

export interface Peer {
	readonly name: string;
	/** Gets every frame that a clone sends; `reply` brings one to the port that it came from. */
	receive(frame: Buffer, reply: (frame: Buffer) => void): void;
}

export type Direction = "from-clone" | "to-clone";
/** `header` is virtio's, where the frame came with one: it says what is still to be done to it. */
export type Tap = (port: SwitchPort, direction: Direction, frame: Buffer, header?: Buffer) => void;

export interface SegmentOptions {
	readonly peers?: readonly Peer[];
	/** For shapes that leave things to chance; 0 to 1. */
	readonly random?: () => number;
}

export class Segment {
	readonly #peers: readonly Peer[];
	readonly #random: () => number;
	readonly #ports = new Set<SwitchPort>();
	readonly #places = new Map<string, SwitchPort>();
	readonly #taps = new Set<Tap>();

	constructor({ peers = [], random = Math.random }: SegmentOptions = {}) {
		this.#peers = peers;
		this.#random = random;
	}

	get ports(): readonly SwitchPort[] {
		return [...this.#ports];
	}

	/** Shows every frame as it was sent or is delivered, until the returned function is called. Frames are not to be changed. */
	onFrame(tap: Tap): () => void {
		this.#taps.add(tap);
		return () => this.#taps.delete(tap);
	}

	/** A port that waits for its network card at a unix socket; disposing of it pulls the plug. @throws UmbraError `unavailable`. */
	async listen(name: string, path: string, wire: Wire = "stream"): Promise<SwitchPort> {
		await using plugs = new AsyncDisposableStack();
		const out = plugs.use(await OneClient.listen(path));
		const into = wire === "stream" ? out : plugs.use(await OneClient.listen(`${path}i`));
		const port = new SwitchPort(name, wire, out, into, {
			plugs: plugs.move(),
			random: this.#random,
			received: (frame) => this.#forward(port, frame),
			sent: (frame) => this.#show(port, "to-clone", frame),
			gone: () => this.#remove(port),
		});
		this.#ports.add(port);
		return port;
	}

	#forward(from: SwitchPort, frame: Frame): void {
		const { bytes } = frame;
		this.#show(from, "from-clone", frame);
		const source = bytes.toString("latin1", 6, 12);
		const isGroup = ((bytes[6] ?? 0) & 1) !== 0;
		if (!isGroup && (this.#places.has(source) || this.#places.size < MAX_ADDRESSES)) this.#places.set(source, from);
		const known = this.#places.get(bytes.toString("latin1", 0, 6));
		if (known !== undefined && known !== from) known.deliver(frame);
		else if (known === undefined) for (const port of this.#ports) if (port !== from) port.deliver(frame);
		for (const peer of this.#peers) peer.receive(bytes, (answer) => from.deliver({ bytes: answer }));
	}

	#show(port: SwitchPort, direction: Direction, { bytes, header }: Frame): void {
		for (const tap of this.#taps) tap(port, direction, bytes, header);
	}

	#remove(port: SwitchPort): void {
		this.#ports.delete(port);
		for (const [address, at] of this.#places) if (at === port) this.#places.delete(address);
	}
}

interface PortHooks {
	readonly random: () => number;
	readonly plugs: AsyncDisposable;
	readonly received: (frame: Frame) => void;
	readonly sent: (frame: Frame) => void;
	readonly gone: () => void;
}

export class SwitchPort implements AsyncDisposable {
	readonly name: string;
	readonly counters: PortCounters = {
		...{ receivedFrames: 0, receivedBytes: 0, sentFrames: 0, sentBytes: 0 },
		...{ droppedFrames: 0, corruptedFrames: 0 },
	};
	readonly fromClone: Shape = plainShape();
	readonly toClone: Shape = plainShape();
	readonly #wire: Wire;
	readonly #hooks: PortHooks;
	readonly #reader: FrameReader;
	readonly #buckets = { fromClone: new TokenBucket(), toClone: new TokenBucket() };
	readonly #timers = new Set<NodeJS.Timeout>();
	#socket: Socket | undefined;
	#delayedBytes = 0;
	#window = { begun: 0, frames: 0 };

	/** @internal `Segment.listen` makes one. */
	constructor(name: string, wire: Wire, out: OneClient, into: OneClient, hooks: PortHooks) {
		this.name = name;
		this.#wire = wire;
		this.#reader = new FrameReader(wire);
		this.#hooks = hooks;
		Promise.all([out.connected, into.connected]).then(
			([from, to]) => this.#plugIn(from, to),
			() => undefined,
		);
	}

	/** A network card is plugged in. */
	get isPlugged(): boolean {
		return this.#socket?.writable === true;
	}

	/** Brings a frame to the clone, shaped. */
	deliver(frame: Frame): void {
		this.#shaped(this.toClone, frame, (shaped) => {
			const socket = this.#socket;
			if (socket?.writable !== true || socket.writableLength > MAX_WAITING_BYTES) {
				this.counters.droppedFrames++;
				return;
			}
			this.counters.sentFrames++;
			this.counters.sentBytes += shaped.bytes.length;
			this.#hooks.sent(shaped);
			socket.write(encodeFrame(this.#wire, shaped, this.#reader.headerBytes || DEFAULT_HEADER));
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const timer of this.#timers) clearTimeout(timer);
		this.#timers.clear();
		this.#hooks.gone();
		await this.#hooks.plugs[Symbol.asyncDispose]();
	}

	#plugIn(from: Socket, to: Socket): void {
		this.#socket = to;
		from.on("data", (bytes: Buffer) => {
			try {
				for (const frame of this.#reader.push(bytes)) this.#take(from, frame);
			} catch {
				// Not what a QEMU says: it is out of step for good.
				from.destroy();
			}
		});
	}

	#take(socket: Socket, frame: Frame): void {
		this.counters.receivedFrames++;
		this.counters.receivedBytes += frame.bytes.length;
		this.#slowDown(socket);
		if (frame.bytes.length < MIN_FRAME) return;
		this.#shaped(this.fromClone, frame, this.#hooks.received);
	}

	#slowDown(socket: Socket): void {
		const now = performance.now();
		if (now - this.#window.begun > WINDOW_MS) this.#window = { begun: now, frames: 0 };
		if (++this.#window.frames !== MAX_FRAMES) return;
		socket.pause();
		this.#later(this.#window.begun + WINDOW_MS - now, () => socket.resume());
	}

	#shaped(shape: Shape, frame: Frame, then: (frame: Frame) => void): void {
		const shaped = shapeFrame(shape, frame.bytes, this.#hooks.random);
		if (shaped === undefined || this.#delayedBytes > MAX_WAITING_BYTES) {
			this.counters.droppedFrames++;
			return;
		}
		const bucket = shape === this.toClone ? this.#buckets.toClone : this.#buckets.fromClone;
		const waitMs = bucket.take(shaped.frame.length, shape.bytesPerSecond, performance.now());
		if (waitMs === undefined) {
			this.counters.droppedFrames++;
			return;
		}
		if (shaped.isCorrupted) this.counters.corruptedFrames++;
		const delayMs = waitMs + shaped.delayMs;
		if (delayMs <= 0) {
			then({ ...frame, bytes: shaped.frame });
			return;
		}
		this.#delayedBytes += shaped.frame.length;
		this.#later(delayMs, () => {
			this.#delayedBytes -= shaped.frame.length;
			then({ ...frame, bytes: shaped.frame });
		});
	}

	#later(milliseconds: number, then: () => void): void {
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			then();
		}, milliseconds);
		this.#timers.add(timer);
	}
}
