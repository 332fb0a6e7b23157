/**
 * A host of our own in a clone's network, from which its services can be asked: it looks for addresses by ARP, and connects by TCP over
 * IPv4. Its frames go through the clone's shapes as all others do, so that what is done to the network shows as it would to a client.
 *
 * Its own address is one near the guest's that nobody uses, so that a guest has a way back without settings of ours: in its subnet, or
 * by its gateway. In the latter case the guest sends to the gateway's MAC, for which a peer of the segment may answer: what is for us
 * is told by the IP address alone.
 */
import { UmbraError } from "../../../common/errors.ts";
import {
	ACK,
	addressNumber,
	addressText,
	arpFrame,
	type Packet,
	PROTOCOL_ICMP,
	PROTOCOL_TCP,
	parseArp,
	parsePacket,
	parseSegment,
	parseUnreachable,
	RST,
	SYN,
	segmentFrame,
	type TcpSegment,
} from "./packets.ts";
import type { Segment, SwitchPort } from "./segment.ts";
import { TcpConnection } from "./tcp.ts";

/** Locally administered; "umbrb" in its last letters. */
const ENDPOINT_MAC = Buffer.from([0x02, 0x75, 0x6d, 0x62, 0x72, 0x62]);
/** A host that nobody answers asks again after so long, as Linux does. */
const ARP_MS = 1000;
/** Guests that forward for others have many. */
const MAX_KNOWN = 1024;
const MAX_CONNECTIONS = 256;
/** A connection whose other side does not close it is reset. */
const LINGER_MS = 5000;
const FIRST_PORT = 49_152;
const PORTS = 16_384;
/** RFC 1122, 3.2.2.1. */
const UNREACHABLE: Readonly<Record<number, string>> = {
	0: "its network cannot be reached",
	1: "the host cannot be reached",
	2: "it does not know the protocol",
	3: "the port cannot be reached",
	9: "it is prohibited",
	10: "it is prohibited",
	13: "it is prohibited",
};

interface Known {
	readonly mac: Buffer;
	readonly port: SwitchPort;
	/** It said that it is its own, which an address that it sends from need not be. */
	readonly isOwn: boolean;
}

export interface EndpointOptions {
	/** Where the guest's network cards are plugged in. */
	readonly ports: readonly SwitchPort[];
	/** 0 to 1. */
	readonly random?: () => number;
}

export class Endpoint implements Disposable {
	readonly #ports: readonly SwitchPort[];
	readonly #random: () => number;
	readonly #untap: () => void;
	readonly #known = new Map<number, Known>();
	/** Whom the guest looks for. */
	readonly #sought = new Set<number>();
	/** Our own by the network that they are in. */
	readonly #own = new Map<number, number>();
	readonly #waiting = new Map<number, Set<() => void>>();
	readonly #connections = new Map<string, TcpConnection>();
	#nextPort: number;

	constructor(segment: Segment, { ports, random = Math.random }: EndpointOptions) {
		this.#ports = ports;
		this.#random = random;
		this.#nextPort = Math.floor(random() * PORTS);
		this.#untap = segment.onFrame((port, direction, frame, header) => {
			if (direction === "from-clone" && ports.includes(port)) this.#receive(port, frame, header);
		});
	}

	/** The guest's addresses, as far as it has shown them; what it said of itself first, and link-local ones last. */
	addresses(): string[] {
		const order = ([address, { port, isOwn }]: readonly [number, Known]) =>
			(isLinkLocal(address) ? 1e6 : 0) + (isOwn ? 0 : 1e3) + this.#ports.indexOf(port);
		return [...this.#known].sort((one, other) => order(one) - order(other)).map(([address]) => addressText(address));
	}

	/**
	 * A connection that was accepted. Who is done with it ends it.
	 *
	 * @param signal also says until when it is to be accepted
	 * @throws UmbraError `unavailable` with how far it came, also where the signal is aborted; `unsupported` for what is no IPv4
	 * address; `limit`.
	 */
	async connect(address: string, port: number, signal: AbortSignal): Promise<TcpConnection> {
		const target = addressNumber(address);
		if (target === undefined) {
			throw new UmbraError("unsupported", `${address}: services of clones are asked over IPv4 only`);
		}
		const known = await this.#find(target, signal);
		const connection = this.#open(target, port, known);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const late = () => {
			const again = connection.retransmissions;
			const asked = again === 0 ? "" : `, asked ${again + 1} times`;
			reject(new UmbraError("unavailable", `${address}:${port}: no answer to a connection${asked}`));
		};
		connection.once("connect", resolve);
		connection.on("error", (cause) => reject(new UmbraError("unavailable", `${address}:${port}: ${cause.message}`)));
		signal.addEventListener("abort", late, { once: true });
		try {
			await promise;
			return connection;
		} catch (error) {
			connection.destroy();
			throw error;
		} finally {
			signal.removeEventListener("abort", late);
		}
	}

	/** Ends in peace what is not needed any more; resets it where the other side does not. */
	release(connection: TcpConnection): void {
		connection.resume();
		connection.end();
		const timer = setTimeout(() => connection.destroy(), LINGER_MS);
		connection.once("close", () => clearTimeout(timer));
	}

	[Symbol.dispose](): void {
		this.#untap();
		for (const connection of this.#connections.values()) connection.destroy();
		this.#connections.clear();
	}

	async #find(target: number, signal: AbortSignal): Promise<Known> {
		const found = Promise.withResolvers<void>();
		const waiting = this.#waiting.get(target) ?? new Set();
		this.#waiting.set(target, waiting.add(found.resolve));
		signal.addEventListener("abort", found.resolve as () => void, { once: true });
		const ask = () => {
			const frame = arpFrame(ENDPOINT_MAC, this.#ownFor(target), target);
			for (const port of this.#ports) port.deliver({ bytes: frame });
		};
		let timer: NodeJS.Timeout | undefined;
		try {
			if (!this.#known.has(target) && !signal.aborted) {
				ask();
				timer = setInterval(ask, ARP_MS);
				await found.promise;
			}
			const known = this.#known.get(target);
			if (known !== undefined && !signal.aborted) return known;
			throw new UmbraError("unavailable", `${addressText(target)}: nobody there answers ARP`);
		} finally {
			clearInterval(timer);
			signal.removeEventListener("abort", found.resolve as () => void);
			waiting.delete(found.resolve);
			if (waiting.size === 0) this.#waiting.delete(target);
		}
	}

	#open(target: number, port: number, known: Known): TcpConnection {
		if (this.#connections.size >= MAX_CONNECTIONS) {
			throw new UmbraError("limit", `${MAX_CONNECTIONS} connections to the guest are open`);
		}
		const source = this.#ownFor(target);
		const localPort = FIRST_PORT + (this.#nextPort++ % PORTS);
		const key = keyOf(source, localPort, target, port);
		const ends = { fromMac: ENDPOINT_MAC, source, destination: target };
		const connection = new TcpConnection({
			localPort,
			remotePort: port,
			sequence: Math.floor(this.#random() * 2 ** 32),
			send: (segment) => {
				// The guest may have moved, as where one of two cards took over.
				const { mac, port: place } = this.#known.get(target) ?? known;
				place.deliver({ bytes: segmentFrame({ ...ends, toMac: mac }, segment) });
			},
			ended: () => this.#connections.delete(key),
		});
		this.#connections.set(key, connection);
		return connection;
	}

	#receive(port: SwitchPort, frame: Buffer, header: Buffer | undefined): void {
		const arp = parseArp(frame);
		if (arp !== undefined) {
			const { isRequest, senderMac, sender, target } = arp;
			this.#learn(sender, { mac: senderMac, port, isOwn: true });
			if (isRequest && sender !== target && this.#sought.size < MAX_KNOWN) this.#sought.add(target);
			const isOurs = this.#isOwn(target);
			if (isRequest && isOurs) port.deliver({ bytes: arpFrame(ENDPOINT_MAC, target, sender, senderMac) });
			return;
		}
		const packet = parsePacket(frame);
		if (packet === undefined) return;
		this.#learn(packet.source, { mac: Buffer.from(frame.subarray(6, 12)), port, isOwn: false });
		if (!this.#isOwn(packet.destination)) return;
		if (packet.protocol === PROTOCOL_TCP) this.#receiveTcp(packet, port, frame, header);
		else if (packet.protocol === PROTOCOL_ICMP) this.#receiveUnreachable(packet);
	}

	#receiveTcp(packet: Packet, port: SwitchPort, frame: Buffer, header: Buffer | undefined): void {
		const segment = parseSegment(packet, header);
		if (segment === undefined) return;
		const { source, destination } = packet;
		const key = keyOf(destination, segment.destinationPort, source, segment.sourcePort);
		const connection = this.#connections.get(key);
		if (connection !== undefined) {
			connection.receive(segment);
			return;
		}
		const answer = resetOf(segment);
		if (answer === undefined) return;
		const toMac = Buffer.from(frame.subarray(6, 12));
		const ends = { fromMac: ENDPOINT_MAC, toMac, source: destination, destination: source };
		port.deliver({ bytes: segmentFrame(ends, answer) });
	}

	#receiveUnreachable(packet: Packet): void {
		const told = parseUnreachable(packet);
		if (told === undefined) return;
		const key = keyOf(packet.destination, told.sourcePort, told.destination, told.destinationPort);
		this.#connections.get(key)?.unreachable(UNREACHABLE[told.code] ?? `it cannot be reached (ICMP code ${told.code})`);
	}

	#learn(address: number, known: Known): void {
		if (!isHost(address)) return;
		const before = this.#known.get(address);
		if (before === undefined && this.#known.size >= MAX_KNOWN) return;
		this.#known.set(address, { ...known, isOwn: known.isOwn || before?.isOwn === true });
		for (const found of this.#waiting.get(address) ?? []) found();
	}

	#isOwn(address: number): boolean {
		return this.#own.get(networkOf(address)) === address;
	}

	/** From the end of its /24, as gateways are mostly at the beginning. */
	#ownFor(target: number): number {
		const network = networkOf(target);
		let own = this.#own.get(network);
		for (let last = 254; own === undefined && last > 0; last--) {
			const address = network + last;
			if (address !== target && !this.#known.has(address) && !this.#sought.has(address)) own = address;
		}
		own ??= network + (target === network + 254 ? 253 : 254);
		this.#own.set(network, own);
		return own;
	}
}

/** Whoever sends to a connection that is not there is told so (RFC 9293, 3.10.7.1). */
function resetOf({ flags, sourcePort, destinationPort, sequence, acknowledgement, payload }: TcpSegment) {
	if ((flags & RST) !== 0) return undefined;
	const ports = { sourcePort: destinationPort, destinationPort: sourcePort, window: 0, payload: Buffer.alloc(0) };
	if ((flags & ACK) !== 0) return { ...ports, sequence: acknowledgement, acknowledgement: 0, flags: RST };
	const length = payload.length + ((flags & SYN) !== 0 ? 1 : 0);
	return { ...ports, sequence: 0, acknowledgement: (sequence + length) >>> 0, flags: RST | ACK };
}

function keyOf(source: number, sourcePort: number, destination: number, destinationPort: number): string {
	return `${source} ${sourcePort} ${destination} ${destinationPort}`;
}

function networkOf(address: number): number {
	return address - (address % 256);
}

function isLinkLocal(address: number): boolean {
	return Math.floor(address / 65_536) === 0xa9fe;
}

/** None of 0/8, 127/8, and those from 224/4 on. */
function isHost(address: number): boolean {
	const first = Math.floor(address / 2 ** 24);
	return first > 0 && first !== 127 && first < 224;
}
